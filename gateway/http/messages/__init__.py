"""Every JSON body of /api, in and out. The browser's types are generated from here (reading_ui/src/api/types.ts).

Times are ISO 8601 UTC. Text is already decoded: the browser never sees a DICOM character set.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from gateway.http.messages.clocks import ClockView as ClockView
from gateway.http.messages.ecg_analysis import EcgHintView, PriorityHintView
from gateway.http.messages.origins import StudyOriginView


class Problem(msgspec.Struct, frozen=True):
    """RFC 9457 problem document. `reason` is a machine word that the dictionaries translate."""

    title: str
    status: int
    reason: str
    detail: str = ""


# ------------------------------------------------------------------------------------------------------- session
class LoginRequest(msgspec.Struct, frozen=True):
    login: str
    password: str


class GrantView(msgspec.Struct, frozen=True):
    role: str                      # clinic, reader, reviewer, admin
    site_id: str | None


class SessionView(msgspec.Struct, frozen=True):
    user_id: str
    login: str
    display_name: str
    title: str
    grants: list[GrantView]
    centre_name: str
    is_demo: bool
    time_zone: str                       # IANA name; screens show times in it, as printed reports do


# ------------------------------------------------------------------------------------------------------ worklist
class NameView(msgspec.Struct, frozen=True):
    """A person's name as shown; `is_guessed` asks the screen for its mark (C4)."""

    display: str
    alphabetic: str = ""
    is_guessed: bool = False
    encoding: str = ""
    raw_hex: str = ""


class PatientView(msgspec.Struct, frozen=True):
    id: str
    patient_id: str
    name: NameView
    sex: str
    birth_date: date | None


class ReadingRow(msgspec.Struct, frozen=True):
    """One row of the worklist: film or ECG, one clock."""

    id: str
    study_id: str
    kind: str                      # "image" or "ecg"
    state: str                     # storage.model.ReadingState
    priority: str
    site_id: str
    site_name: str
    patient: PatientView
    age_years: float | None
    modality: str
    body_part: str
    description: str
    accession_number: str
    study_at: datetime | None
    arrived_at: datetime
    due_at: datetime
    instance_count: int
    expected_count: int | None
    group: str
    assigned_to_name: str | None
    claimed_by: str | None
    claimed_by_name: str | None
    writer_id: str | None
    late_instances: int
    is_device_statement_present: bool
    priority_hints: list[PriorityHintView]   # why it may stand further up; empty when switched off
    report_state: str | None
    revision: int
    clock: ClockView | None = None           # of the stage that somebody waits for now


class ReadingList(msgspec.Struct, frozen=True):
    items: list[ReadingRow]
    total: int
    counts: dict[str, int]         # by state, within scope and without the state filter


class ConditionView(msgspec.Struct, frozen=True):
    """`why` says why it could not be decided: unknown, budget or error; empty where it could."""

    text: str
    holds: bool
    seen: dict[str, Any]
    why: str


class RuleView(msgspec.Struct, frozen=True):
    """`gives` holds what the rule asks for when it matches: group, reader, priority, due_minutes, tags, stop."""

    rule: str
    matched: bool
    gives: dict[str, Any]
    conditions: list[ConditionView]


class DecidingRulesView(msgspec.Struct, frozen=True):
    """The version of the rules that decided, and who answers for it."""

    title: str
    proposed_by: str
    activated_at: datetime | None
    approved_by: str | None        # nobody had to
    approved_at: datetime | None


class DecisionView(msgspec.Struct, frozen=True):
    """Why is this with me?"""

    id: str
    at: datetime
    rules_version: int
    priority: str
    group: str
    reader_name: str | None
    due_at: datetime
    tags: list[str]
    because: list[RuleView]
    facts: dict[str, Any]
    hints: list[PriorityHintView]  # of this decision
    rules: DecidingRulesView | None = None


class InstanceView(msgspec.Struct, frozen=True):
    id: str
    sop_instance_uid: str
    sop_class_uid: str
    format: str
    number: int | None
    rows: int | None
    columns: int | None
    frame_count: int
    has_waveform: bool
    size_bytes: int
    version: str                   # another one when other bytes have come into its place


class SeriesView(msgspec.Struct, frozen=True):
    id: str
    series_instance_uid: str
    modality: str
    number: int | None
    description: str
    instances: list[InstanceView]


class RelatedStudy(msgspec.Struct, frozen=True):
    """Another study of the same patient identity at the same site."""

    study_id: str
    reading_id: str | None
    kind: str
    modality: str
    body_part: str
    description: str
    study_at: datetime | None
    state: str | None


class StudyRequestView(msgspec.Struct, frozen=True):
    """What the clinic asked, from the order that the study was made for."""

    order_id: str
    department: str
    requesting_physician: str
    clinical_diagnosis: str
    purpose: str
    visit_number: str


class ToldView(msgspec.Struct, frozen=True):
    """What a performed step (MPPS), a commitment request or an order says the study consists of."""

    kind: str                            # mpps, commitment, order
    at: datetime
    is_final: bool                       # false: the step is still going on
    instance_count: int
    missing: int                         # of them, not here


class StudyView(msgspec.Struct, frozen=True):
    id: str
    study_instance_uid: str
    site_id: str
    site_name: str
    device_name: str | None
    patient: PatientView
    age_years: float | None
    kind: str
    modality: str
    body_part: str
    description: str
    accession_number: str
    study_at: datetime | None
    urgency: str
    state: str
    instance_count: int
    expected_count: int | None
    complete_by: str | None
    first_arrival_at: datetime
    last_arrival_at: datetime
    series: list[SeriesView]
    decision: DecisionView | None
    related: list[RelatedStudy]
    origin: StudyOriginView | None       # null: of before evidence was kept
    request: StudyRequestView | None     # null: no order is known
    told: list[ToldView]


class ReportTextView(msgspec.Struct, frozen=True):
    technique: str = ""
    findings: str = ""
    impression: str = ""
    is_positive: bool | None = None
    is_critical: bool = False


class ReportView(msgspec.Struct, frozen=True):
    id: str
    version: int
    state: str
    text: ReportTextView
    template_id: str
    writer_name: str | None
    written_at: datetime | None
    reviewer_name: str | None
    signed_by_name: str | None
    signed_at: datetime | None
    text_sha256: str | None
    revision: int
    updated_at: datetime


class ReadingDetail(msgspec.Struct, frozen=True):
    """What the reading page shows at once."""

    row: ReadingRow
    study: StudyView
    report: ReportView | None      # newest version, draft or signed
    versions: list[ReportView]
    allowed: list[str]             # services.show_reading.Act
    reason: str                    # of the last return or rejection
    deliveries: list[DeliveryView]
    clocks: list[ClockView]        # in the order of the stages; empty for readings from before clocks were kept
    missing: list[str]             # consent, consent-written, agreement, agreement-ended: a warning, never a bar


class DraftRequest(msgspec.Struct, frozen=True):
    text: ReportTextView
    template_id: str
    revision: int                  # of the report as last seen; 0 for the first save


class ReasonRequest(msgspec.Struct, frozen=True):
    reason: str


class TemplateView(msgspec.Struct, frozen=True):
    id: str
    name: str
    name_en: str
    technique: str
    findings: str
    impression: str
    hints: str


class CheckView(msgspec.Struct, frozen=True):
    """One sign-time check (F7) that did not pass."""

    code: str                      # "placeholder", "laterality", "empty-impression", …
    field: str
    detail: str
    is_blocking: bool


class SigningText(msgspec.Struct, frozen=True):
    """Exactly what will be signed, and its hash."""

    text: str
    text_sha256: str
    report_id: str
    checks: list[CheckView]


class SignRequest(msgspec.Struct, frozen=True):
    password: str
    text_sha256: str
    is_emergency: bool = False


# ------------------------------------------------------------------------------------------------------- delivery
class DeliveryView(msgspec.Struct, frozen=True):
    id: str
    report_id: str
    version: int
    kind: str
    destination_name: str
    state: str
    attempts: int
    queued_at: datetime
    next_attempt_at: datetime | None
    sent_at: datetime | None
    accepted_at: datetime | None
    opened_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by_name: str | None
    last_error: str


class ClinicRow(msgspec.Struct, frozen=True):
    """One study on the clinic's page."""

    study_id: str
    kind: str
    patient: PatientView
    age_years: float | None
    modality: str
    body_part: str
    description: str
    accession_number: str
    study_at: datetime | None
    arrived_at: datetime
    instance_count: int
    expected_count: int | None
    step: str                      # services.list_clinic_studies.Step
    priority: str | None
    due_at: datetime | None
    reader_name: str | None
    report_id: str | None
    report_version: int | None
    report_state: str | None
    is_critical: bool
    signed_at: datetime | None
    delivery: DeliveryView | None  # of the clinic's page
    node_delivery: DeliveryView | None
    reason: str
    is_declined: bool              # the reading site does not read it; `reason` says why
    missing: list[str]             # consent, consent-written, agreement, agreement-ended
    ecg_instance_id: str | None    # whose trace the next two speak of; null: no ECG, or not analysed yet
    is_repeat_advised: bool        # the trace should be taken again
    quality_hints: list[EcgHintView]   # those for which a repeat is advised


class ClinicList(msgspec.Struct, frozen=True):
    items: list[ClinicRow]
    total: int
    site_name: str


# ----------------------------------------------------------------------------------------------------------- live
class LiveEvent(msgspec.Struct, frozen=True):
    """One server-sent event on /api/events; ids alone, and only of sites within scope."""

    kind: str
    site_id: str
    study_id: str
    reading_id: str
