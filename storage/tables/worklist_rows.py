"""What the lists of worklists.py return, and how a row of a query becomes one of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from storage.model import (
    SYSTEM_HOLDER,
    Confidence,
    Delivery,
    DeliveryState,
    DestinationKind,
    Patient,
    PatientName,
    Priority,
    Reading,
    ReadingState,
    ReportState,
    StudyState,
)
from storage.tables import schema as t


@dataclass(frozen=True, slots=True)
class ReadingFilter:
    """What a reader asked to see; an empty field asks for nothing."""

    states: tuple[ReadingState, ...] = ()
    modality: str = ""
    kind: str = ""                       # "image" or "ecg"
    site_id: str = ""
    priority: Priority | None = None
    held_or_assigned_to: str = ""        # user id: "my" readings
    text: str = ""                       # part of a name, beginning of a Patient ID or accession number


@dataclass(frozen=True, slots=True)
class StudyLine:
    """The study as a list shows it."""

    id: str
    site_id: str
    site_name: str
    patient: Patient
    age_years: float | None
    modality: str
    body_part: str
    description: str
    accession_number: str
    study_at: datetime | None
    first_arrival_at: datetime
    state: StudyState
    instance_count: int
    expected_count: int | None


@dataclass(frozen=True, slots=True)
class ReadingLine:
    """One row of the readers' worklist."""

    reading: Reading
    study: StudyLine
    assigned_to_name: str | None
    claimed_by_name: str | None
    has_device_statement: bool
    report_state: ReportState | None     # of the newest version
    hints: tuple[dict[str, Any], ...] = ()   # of the decision, as core.ecg_priority writes them


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """A delivery with the words a screen needs beside it."""

    delivery: Delivery
    report_version: int
    destination_name: str
    acknowledged_by_name: str | None


@dataclass(frozen=True, slots=True)
class SignedReport:
    """The newest signed version, as a clinic sees it: the words themselves are in the PDF."""

    id: str
    version: int
    state: ReportState
    is_critical: bool
    signed_at: datetime | None
    signed_by_name: str | None


@dataclass(frozen=True, slots=True)
class ClinicLine:
    """One study on the clinic's page."""

    study: StudyLine
    reading: Reading | None
    holder_name: str | None
    report: SignedReport | None
    deliveries: tuple[DeliveryLine, ...]  # of that report


@dataclass(frozen=True, slots=True)
class Counts:
    """What an administrator sees first."""

    sites: int
    devices: int
    studies: int
    waiting_readings: int
    waiting_deliveries: int
    quarantined: int
    open_alarms: int
    knocks: int


def columns_of(table: sa.Table, prefix: str) -> list[sa.Label[Any]]:
    return [column.label(f"{prefix}_{column.name}") for column in table.c]


def study_columns() -> list[sa.Label[Any]]:
    return [*columns_of(t.study, "study"), *columns_of(t.patient, "patient"), t.site.c.name.label("site_name")]


def reading_line(row: sa.RowMapping) -> ReadingLine:
    state = row["report_state"]
    return ReadingLine(reading_of_row(row), study_line(row), row["assigned_name"], holder_name(row),
                       bool(row["has_statement"]), None if state is None else ReportState(state),
                       tuple(row["hints"] or ()))


def holder_name(row: sa.RowMapping) -> str | None:
    """Who holds the reading: a person by name, or another system by its own."""
    held_by = row["reading_claimed_by"] or ""
    return row["holder_name"] or (held_by.removeprefix(SYSTEM_HOLDER) if held_by.startswith(SYSTEM_HOLDER) else None)


def reading_of_row(row: sa.RowMapping) -> Reading:
    return Reading(
        id=row["reading_id"], study_id=row["reading_study_id"], site_id=row["reading_site_id"],
        state=ReadingState(row["reading_state"]), priority=Priority(row["reading_priority"]),
        group=row["reading_duty_group"], decision_id=row["reading_decision_id"],
        created_at=row["reading_created_at"], due_at=row["reading_due_at"], assigned_to=row["reading_assigned_to"],
        writer_id=row["reading_writer_id"], reviewer_id=row["reading_reviewer_id"],
        claimed_by=row["reading_claimed_by"], claimed_at=row["reading_claimed_at"],
        lock_until=row["reading_lock_until"], reason=row["reading_reason"],
        late_instances=row["reading_late_instances"], revision=row["reading_revision"],
        hold_until=row["reading_hold_until"])


def study_line(row: sa.RowMapping) -> StudyLine:
    birth_date: date | None = row["patient_birth_date"]
    name = PatientName(row["patient_name_display"], row["patient_name_alphabetic"], row["patient_name_ideographic"],
                       Confidence(row["patient_name_confidence"]), row["patient_name_encoding"],
                       row["patient_name_raw_hex"])
    patient = Patient(row["patient_id"], row["patient_site_id"], row["patient_patient_id"], name, row["patient_sex"],
                      birth_date)
    return StudyLine(
        id=row["study_id"], site_id=row["study_site_id"], site_name=row["site_name"] or row["study_site_id"],
        patient=patient, age_years=row["study_age_years"], modality=row["study_modality"],
        body_part=row["study_body_part"], description=row["study_description"],
        accession_number=row["study_accession_number"], study_at=row["study_study_at"],
        first_arrival_at=row["study_first_arrival_at"], state=StudyState(row["study_state"]),
        instance_count=row["study_instance_count"], expected_count=row["study_expected_count"])


def delivery_line(row: sa.RowMapping) -> DeliveryLine:
    delivery = Delivery(
        id=row["id"], report_id=row["report_id"], study_id=row["study_id"], site_id=row["site_id"],
        destination_id=row["destination_id"], kind=DestinationKind(row["kind"]), state=DeliveryState(row["state"]),
        attempts=row["attempts"], queued_at=row["queued_at"], next_attempt_at=row["next_attempt_at"],
        sent_at=row["sent_at"], accepted_at=row["accepted_at"], opened_at=row["opened_at"],
        acknowledged_at=row["acknowledged_at"], acknowledged_by=row["acknowledged_by"], last_error=row["last_error"])
    return DeliveryLine(delivery, row["report_version"], row["destination_name"] or "", row["acknowledged_by_name"])
