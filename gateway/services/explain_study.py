"""Why is this with me? The stored decision of a study, with every rule that was looked at. Nothing is recomputed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from gateway.core.errors import NotFound
from gateway.services.ports import Parts
from storage.interface import Transaction
from storage.model import Decision, Scope, Study


@dataclass(frozen=True, slots=True)
class DecidingVersion:
    """A version of the rules and the people who answer for it, by name."""

    version: int
    title: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None              # None: nobody had to
    approved_at: datetime | None
    activated_at: datetime | None
    note: str


async def explain_study(parts: Parts, study: str, scope: Scope) -> dict[str, Any]:
    """Return the newest decision of a study, asked for by our id, Study Instance UID, accession number or reading id.

    With it the version that decided: who proposed it, who approved it, and since when it was in force. Raises
    NotFound when there is no such study in scope ("not-found") or it has not been routed yet ("not-routed").
    """
    def work(tx: Transaction) -> tuple[Study | None, list[Decision], str | None, DecidingVersion | None]:
        found = found_study(tx, study, scope)
        decisions = tx.decisions.of_study(found.id, scope) if found is not None else []
        reader = tx.users.get(decisions[0].reader_id) if decisions and decisions[0].reader_id else None
        return (found, decisions, reader.login if reader is not None else None,
                responsible_for(tx, decisions[0].rules_version) if decisions else None)

    found, decisions, reader, rules = await parts.database.read(work)
    if found is None:
        raise NotFound(f"There is no study {study}.")
    if not decisions:
        raise NotFound("The study has not been routed yet.", reason="not-routed")
    newest = decisions[0]
    return {
        "study_id": found.id, "study_instance_uid": found.study_instance_uid, "decision_id": newest.id,
        "at": newest.at.isoformat(), "rules_version": newest.rules_version, "rules": _as_json(rules),
        "group": newest.group, "reader": reader, "priority": newest.priority.value,
        "due_at": newest.due_at.isoformat(), "tags": list(newest.tags),
        "because": newest.because, "facts": newest.facts, "hints": newest.hints,
        "outcome": newest.outcome, "inputs": newest.inputs, "earlier_decisions": len(decisions) - 1,
    }


def found_study(tx: Transaction, study: str, scope: Scope) -> Study | None:
    """The study that a person means, within scope; the newest where an accession number is shared."""
    found = tx.studies.get(study, scope) or tx.studies.find_uid(study, scope)
    if found is not None:
        return found
    reading = tx.readings.get(study, scope)
    if reading is not None:
        return tx.studies.get(reading.study_id, scope)
    ids = tx.keeping.find_studies(study, scope, limit=1)
    return tx.studies.get(ids[0], scope) if ids else None


def responsible_for(tx: Transaction, version: int) -> DecidingVersion | None:
    """Who answers for a version of the rules, by name; None for one that is not known."""
    found = tx.rule_versions.get(version)
    if found is None:
        return None
    names = tx.worklists.names([found.proposed_by, found.approved_by])
    approved_by = names.get(found.approved_by, found.approved_by) if found.approved_by is not None else None
    return DecidingVersion(version, found.title, names.get(found.proposed_by, found.proposed_by), found.proposed_at,
                           approved_by, found.approved_at, found.activated_at, found.note)


def _as_json(rules: DecidingVersion | None) -> dict[str, Any] | None:
    if rules is None:
        return None
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in asdict(rules).items()}
