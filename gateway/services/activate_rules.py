"""Put a rule set into force: check it whole, then store it as the next version. A version never changes.

The gateway always has one: the packaged default is activated at the first start.
"""

from __future__ import annotations

import asyncio
from importlib.resources import files

from gateway.core.errors import InvalidRequest
from gateway.services.ports import Event, Parts
from routing_rules.model import Problem
from routing_rules.parse import check
from storage.interface import Transaction
from storage.model import EVERYWHERE, AuditEntry

DEFAULT_RULES = "default.yaml"


class RulesRefused(InvalidRequest):
    """The rule set has errors; nothing was activated. `problems` names each with line and column."""

    reason = "rules-invalid"

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(f"{p.line}:{p.column}: {p.zh} / {p.en}" for p in problems))
        self.problems = problems


def packaged_rules(name: str = DEFAULT_RULES) -> str:
    """Return the text of a rule set that ships with the program."""
    return files("routing_rules").joinpath("examples", name).read_text(encoding="utf-8")


async def check_rules(parts: Parts, source: str) -> list[Problem]:
    """Return errors and warnings, compared with the users and sites of this gateway."""
    logins, sites = await parts.database.read(_known)
    # A long file takes seconds to read; the loop must go on receiving meanwhile.
    return await asyncio.to_thread(check, source, known_logins=logins, known_sites=sites)


async def activate_rules(parts: Parts, source: str, *, by: str, address: str = "") -> int:
    """Check the rule set and make it the active one; returns its version.

    The text that is already active is not stored again. Raises RulesRefused.
    """
    errors = [problem for problem in await check_rules(parts, source) if not problem.is_warning]
    if errors:
        raise RulesRefused(errors)

    def work(tx: Transaction) -> int:
        active = tx.decisions.active_rule_set()
        if active is not None and active[1] == source:
            return active[0]
        now = parts.clock()
        version = tx.decisions.add_rule_set(source, by=by, at=now)
        tx.audit.append(AuditEntry(now, by, "rules.activated", address=address, detail={"version": version}))
        return version

    version = await parts.database.write(work)
    parts.events.publish(Event("rules", ""))
    return version


async def ensure_rules(parts: Parts) -> int:
    """Activate the packaged default where there is no rule set yet; returns the active version."""
    active = await parts.database.read(lambda tx: tx.decisions.active_rule_set())
    if active is not None:
        return active[0]
    return await activate_rules(parts, packaged_rules(), by="gateway")


def _known(tx: Transaction) -> tuple[set[str], set[str]]:
    return {user.login for user in tx.users.all()}, {site.id for site in tx.sites.sites(EVERYWHERE)}
