"""Put a rule set into force, or before a second person where the alliance asks for one.

The gateway always has one: the packaged default is activated at the first start.
"""

from __future__ import annotations

from importlib.resources import files

from gateway.services.ports import Parts
from gateway.services.rules.check import check_rules as check_rules
from gateway.services.rules.refused import RulesRefused as RulesRefused
from gateway.services.rules.versions import Author, propose_rules
from storage.model import User

DEFAULT_RULES = "default.yaml"


def packaged_rules(name: str = DEFAULT_RULES) -> str:
    """Return the text of a rule set that ships with the program."""
    return files("routing_rules").joinpath("examples", name).read_text(encoding="utf-8")


async def activate_rules(parts: Parts, source: str, *, by: str, address: str = "", person: User | None = None) -> int:
    """Check the rule set and store it; returns its version, which is in force unless it waits for approval.

    The text that is already active is not stored again. Raises what `propose_rules` does.
    """
    return (await propose_rules(parts, source, Author(by, address, person))).version


async def ensure_rules(parts: Parts) -> int:
    """Activate the packaged default where there is no rule set yet; returns the active version."""
    active = await parts.database.read(lambda tx: tx.rule_versions.active())
    if active is not None:
        return active.version
    return await activate_rules(parts, packaged_rules(), by="gateway")
