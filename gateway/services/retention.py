"""Until when studies are kept, who may lengthen that, and which ones are free to go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.core.errors import InvalidRequest, NotFound
from gateway.core.retention import (
    LEGAL_YEARS,
    LONGEST_YEARS,
    Retention,
    obstacles,
    retention_of,
    shortest_years,
    years_later,
    years_of,
)
from gateway.services.administer_sites import By, require_alliance
from gateway.services.ports import Parts
from storage.interface import Transaction
from storage.model import (
    EVERYWHERE,
    ArrivalOutcome,
    AuditEntry,
    CareClass,
    Deletion,
    LegalHold,
    RetentionRule,
    Scope,
    Study,
    StudyState,
    Visit,
)

LONGEST_LIST = 200
_IN_QUARANTINE = (ArrivalOutcome.CONFLICT, ArrivalOutcome.QUARANTINED)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a study stands with its retention."""

    study: Study
    retention: Retention
    holds: list[LegalHold]               # in force
    obstacles: list[str]                 # what forbids its deletion now, machine words
    deletion: Deletion | None            # one that is under way


def standing_of(tx: Transaction, study: Study, *, now: datetime) -> Standing:
    """In the caller's transaction: retention, holds, and what stands in the way of a deletion."""
    signed = tx.reports.latest_signed(study.id, EVERYWHERE)
    reading = tx.readings.of_study(study.id, EVERYWHERE)
    holds = tx.keeping.holds(EVERYWHERE, study_id=study.id)
    retention = retention_of(
        last_arrival_at=study.last_arrival_at, last_seen_at=tx.keeping.last_seen(study.patient.id),
        signed_at=signed.signed_at if signed is not None else None, visit=tx.keeping.visit(study.id),
        rules=tx.keeping.rules())
    open_questions = sum(1 for arrival in tx.arrivals.of_study(study.id, EVERYWHERE)
                         if arrival.outcome in _IN_QUARANTINE and arrival.resolved_at is None)
    is_being_read = reading is not None and reading.lock_until is not None and reading.lock_until > now
    found = obstacles(retention, now=now, holds=holds, open_questions=open_questions,
                      is_arriving=study.state is not StudyState.COMPLETE, is_being_read=is_being_read)
    return Standing(study, retention, holds, found, tx.keeping.open_deletion_of(study.id))


async def find_standings(parts: Parts, scope: Scope, words: str = "") -> list[Standing]:
    """Studies by UID, accession number, patient ID or name; without words those whose retention may have ended."""
    now = parts.clock()

    def find(tx: Transaction) -> list[Standing]:
        if words:
            ids = tx.keeping.find_studies(words, scope, limit=50)
        else:
            # No study can be free before the shortest period is over.
            bound = years_later(now, -shortest_years(tx.keeping.rules()))
            ids = tx.keeping.studies_before(bound, scope, LONGEST_LIST)
        studies = [tx.studies.get(study_id, scope) for study_id in ids]
        return [standing_of(tx, study, now=now) for study in studies if study is not None]

    return await parts.database.read(find)


async def rules_in_force(parts: Parts) -> dict[CareClass, int]:
    """Years by class, as they apply now."""
    rules = await parts.database.read(lambda tx: tx.keeping.rules())
    return {care_class: years_of(care_class, rules) for care_class in CareClass}


async def lengthen(parts: Parts, care_class: CareClass, years: int, by: By) -> dict[CareClass, int]:
    """Set the alliance's own period. Raises InvalidRequest ("too-short") below the legal one, NotAllowed."""
    require_alliance(by.scope)
    if years < LEGAL_YEARS[care_class]:
        raise InvalidRequest(f"{care_class}: at least {LEGAL_YEARS[care_class]} years are required by law.",
                             reason="too-short")
    if years > LONGEST_YEARS:
        raise InvalidRequest(f"{years} years is longer than anything we can promise.")
    now = parts.clock()

    def set_it(tx: Transaction) -> None:
        before = years_of(care_class, tx.keeping.rules())
        tx.keeping.set_rule(RetentionRule(care_class, years, by.actor, now))
        tx.audit.append(AuditEntry(now, by.actor, "retention.rule_changed", address=by.address, detail={
            "class": care_class.value, "from_years": before, "to_years": years}))

    await parts.database.write(set_it)
    return await rules_in_force(parts)


async def record_visit(parts: Parts, study_id: str, care_class: CareClass, ended_at: datetime | None,
                       by: By) -> Standing:
    """Say which class a study is of, and when the visit or stay ended. Raises NotFound."""
    now = parts.clock()

    def record(tx: Transaction) -> Standing:
        study = tx.studies.get(study_id, by.scope)
        if study is None:
            raise NotFound("There is no such study.")
        note_visit(tx, Visit(study_id, care_class, ended_at, by.actor, now))
        tx.audit.append(AuditEntry(now, by.actor, "retention.visit_recorded", site_id=study.site_id,
                                   study_id=study.id, patient_id=study.patient.id, address=by.address,
                                   detail={"class": care_class.value,
                                           "ended_at": ended_at.isoformat() if ended_at else None}))
        return standing_of(tx, study, now=now)

    return await parts.database.write(record)


def note_visit(tx: Transaction, visit: Visit) -> None:
    """In the caller's transaction: also for orders that tell the patient's class."""
    tx.keeping.set_visit(visit)
