"""Show who did what: the trail of the caller's sites, or the story of one study."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.services.ports import Parts
from storage.interface import Transaction
from storage.model import ChainedAuditEntry, Scope


@dataclass(frozen=True, slots=True)
class ShownEntry:
    chained: ChainedAuditEntry
    actor_name: str                      # display name of a person, else the actor's own word


async def show_audit(parts: Parts, scope: Scope, *, study_id: str, limit: int) -> list[ShownEntry]:
    """Return the newest entries first, or those of one study, oldest first."""
    def look_up(tx: Transaction) -> list[ShownEntry]:
        found = tx.audit.of_study(study_id, scope)[-limit:] if study_id else tx.audit.recent(scope, limit)
        names = tx.worklists.names([chained.entry.actor for chained in found])
        return [ShownEntry(chained, names.get(chained.entry.actor, chained.entry.actor)) for chained in found]

    return await parts.database.read(look_up)
