"""Show the rule set in force: its text, since when, and who activated it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.core.errors import NotFound
from gateway.services.ports import Parts
from storage.interface import Transaction


@dataclass(frozen=True, slots=True)
class RulesInForce:
    version: int
    source: str
    activated_at: datetime
    activated_by: str                    # display name of a person, else the actor's own word


async def rules_in_force(parts: Parts) -> RulesInForce:
    """Raises NotFound when there is none yet."""
    def look_up(tx: Transaction) -> RulesInForce:
        active = tx.rule_versions.active()
        source = tx.rule_versions.source(active.version) if active is not None else None
        if active is None or source is None:
            raise NotFound("No rule set is in force.")
        by = active.proposed_by
        return RulesInForce(active.version, source, active.activated_at or active.proposed_at,
                            tx.worklists.names([by]).get(by, by))

    return await parts.database.read(look_up)
