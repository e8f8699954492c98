"""The clinic's page: its own studies, each with the step that it has reached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from gateway.core.facts import ECG_MODALITY
from gateway.services.people.keep_agreements import Missing, missing_of_lines
from gateway.services.ports import Parts
from storage.interface import ClinicLine as ClinicLine
from storage.interface import DeliveryLine as DeliveryLine
from storage.interface import Transaction
from storage.model import DeliveryState, DestinationKind, ReadingState, Scope, StudyState
from storage.model.ecg_analyses import StoredAnalysis

SHOWN_DAYS = 90
"""Older studies are found by Patient ID or accession number alone."""


class Step(StrEnum):
    """How far a study has come, in the clinic's words."""

    ARRIVING = "arriving"
    ARRIVED = "arrived"
    BEING_READ = "being_read"
    IN_REVIEW = "in_review"
    REPORT_READY = "report_ready"
    ACKNOWLEDGED = "acknowledged"
    SENT_BACK = "sent_back"
    READ_ELSEWHERE = "read_elsewhere"    # its report is an object of the study, not one of ours


_STEP_OF = {
    ReadingState.IN_PROGRESS: Step.BEING_READ, ReadingState.REJECTED: Step.BEING_READ,
    ReadingState.AWAITING_REVIEW: Step.IN_REVIEW, ReadingState.IN_REVIEW: Step.IN_REVIEW,
    ReadingState.RETURNED: Step.SENT_BACK, ReadingState.GIVEN_UP: Step.SENT_BACK,
    ReadingState.WITHDRAWN: Step.SENT_BACK, ReadingState.READ_ELSEWHERE: Step.READ_ELSEWHERE,
}


@dataclass(frozen=True, slots=True)
class ClinicPage:
    lines: list[ClinicLine]
    total: int
    site_names: list[str]
    analyses: dict[str, StoredAnalysis]  # by study, of its newest ECG
    missing: dict[str, list[Missing]]    # of consent and agreement, by study (A2)


async def list_clinic_studies(parts: Parts, scope: Scope, *, text: str, limit: int, offset: int) -> ClinicPage:
    """Return one page of the studies of the caller's own sites, newest first."""
    since = parts.clock() - timedelta(days=SHOWN_DAYS)

    def look_up(tx: Transaction) -> ClinicPage:
        lines, total = tx.worklists.clinic_studies(scope, text, since=since, limit=limit, offset=offset)
        ecgs = [line.study.id for line in lines if line.study.modality == ECG_MODALITY]
        analyses = tx.ecg_analyses.of_studies(ecgs) if ecgs else {}
        return ClinicPage(lines, total, [site.name for site in tx.sites.sites(scope)], analyses,
                          missing_of_lines(tx, parts, [line.study for line in lines], scope))

    return await parts.database.read(look_up)


def step_of(line: ClinicLine) -> Step:
    """A signed report counts until another one replaces it, even while late images are read again."""
    if line.reading is not None and _STEP_OF.get(line.reading.state) is Step.SENT_BACK:
        return Step.SENT_BACK
    if line.report is not None:
        received = any(d.delivery.kind is DestinationKind.CLINIC_PAGE
                       and d.delivery.state is DeliveryState.ACKNOWLEDGED for d in line.deliveries)
        return Step.ACKNOWLEDGED if received else Step.REPORT_READY
    if line.reading is not None and line.reading.state in _STEP_OF:
        return _STEP_OF[line.reading.state]
    return Step.ARRIVING if line.study.state is StudyState.ARRIVING else Step.ARRIVED
