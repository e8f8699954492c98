"""Why is this with me? The stored decision of a study, with every rule that was looked at. Nothing is recomputed."""

from __future__ import annotations

from typing import Any

from gateway.core.errors import NotFound
from gateway.services.ports import Parts
from storage.interface import Transaction
from storage.model import Decision, Scope, Study


async def explain_study(parts: Parts, study: str, scope: Scope) -> dict[str, Any]:
    """Return the newest decision of a study, asked for by our id, Study Instance UID or reading id.

    Raises NotFound when there is no such study in scope ("not-found") or it has not been routed yet ("not-routed").
    """
    def work(tx: Transaction) -> tuple[Study | None, list[Decision], str | None]:
        found = tx.studies.get(study, scope) or tx.studies.find_uid(study, scope)
        if found is None:
            reading = tx.readings.get(study, scope)
            found = tx.studies.get(reading.study_id, scope) if reading is not None else None
        decisions = tx.decisions.of_study(found.id, scope) if found is not None else []
        reader = tx.users.get(decisions[0].reader_id) if decisions and decisions[0].reader_id else None
        return found, decisions, reader.login if reader is not None else None

    found, decisions, reader = await parts.database.read(work)
    if found is None:
        raise NotFound(f"There is no study {study}.")
    if not decisions:
        raise NotFound("The study has not been routed yet.", reason="not-routed")
    newest = decisions[0]
    return {
        "study_id": found.id, "study_instance_uid": found.study_instance_uid, "decision_id": newest.id,
        "at": newest.at.isoformat(), "rules_version": newest.rules_version, "group": newest.group, "reader": reader,
        "priority": newest.priority.value, "due_at": newest.due_at.isoformat(), "tags": list(newest.tags),
        "because": newest.because, "facts": newest.facts, "hints": newest.hints,
        "earlier_decisions": len(decisions) - 1,
    }
