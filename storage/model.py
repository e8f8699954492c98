"""The words that every room shares: states and records of what the gateway remembers.

Records are frozen; a state is changed by the table that holds it, in one transaction with its audit record and
its jobs. Times are aware UTC. Ids are opaque text (`new_id`), except where the standard's own UID is the key.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any


def new_id() -> str:
    """Return a fresh opaque id: 26 hex digits that sort by the time they were made."""
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(7).hex()}"


# ---------------------------------------------------------------------------------------------------- who may see
class Role(StrEnum):
    CLINIC = "clinic"        # sees and acknowledges the own site's studies
    READER = "reader"        # claims, writes
    REVIEWER = "reviewer"    # reviews and signs what another wrote; may also write
    ADMIN = "admin"          # sites, devices, users, destinations, quarantine, alarms, audit


@dataclass(frozen=True, slots=True)
class Scope:
    """The sites whose data a caller may see. Every query for patient data takes one; there is no default."""

    site_ids: frozenset[str] | None      # None: every site (the gateway's own work, alliance-wide grants)

    def allows(self, site_id: str) -> bool:
        return self.site_ids is None or site_id in self.site_ids


EVERYWHERE = Scope(None)


@dataclass(frozen=True, slots=True)
class Grant:
    role: Role
    site_id: str | None                  # None: every site of the alliance


@dataclass(frozen=True, slots=True)
class User:
    id: str
    login: str
    display_name: str
    title: str                           # 职称, e.g. 主治医师; printed beside the signature
    grants: tuple[Grant, ...]
    is_enabled: bool = True
    locked_until: datetime | None = None

    def has_role(self, role: Role, site_id: str | None = None) -> bool:
        """True if the role is granted for this site (None: for any site at all)."""
        return any(g.role == role and (site_id is None or g.site_id in (None, site_id)) for g in self.grants)

    def scope(self, *roles: Role) -> Scope:
        """The sites granted with any of these roles (none named: with any role)."""
        chosen = [g for g in self.grants if not roles or g.role in roles]
        if any(g.site_id is None for g in chosen):
            return EVERYWHERE
        return Scope(frozenset(g.site_id for g in chosen if g.site_id is not None))


# ------------------------------------------------------------------------------------------------- sites and devices
class SiteKind(StrEnum):
    CENTRE = "centre"
    HOSPITAL = "hospital"
    TOWNSHIP = "township"
    VILLAGE = "village"
    INBOX = "inbox"                      # studies of devices nobody has registered yet; seen by administrators alone


INBOX_SITE_ID = "inbox"


@dataclass(frozen=True, slots=True)
class Site:
    id: str                              # short stable code, e.g. "yangchang"
    name: str
    name_en: str
    kind: SiteKind
    phone: str = ""
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Device:
    """A modality or ECG cart that may send. `ae_title` is what it calls itself (calling AE title)."""

    id: str
    site_id: str
    name: str
    ae_title: str
    address: str | None                  # IP address it must call from; None: any
    modality: str                        # DICOM modality code it usually sends, "" if unknown
    character_set: str | None = None     # correction for a device that mislabels its text (C4); a Python codec name
    is_enabled: bool = True


class KnockState(StrEnum):
    WAITING = "waiting"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Knock:
    """A calling AE title that nobody has registered and that tried to associate."""

    id: str
    ae_title: str
    address: str
    first_at: datetime
    last_at: datetime
    count: int
    state: KnockState


class DestinationKind(StrEnum):
    CLINIC_PAGE = "clinic_page"          # the clinic's own page; always there, acknowledged by a person
    DICOM = "dicom"                      # Encapsulated PDF by C-STORE to the site's node
    ORTHANC = "orthanc"                  # the same object into an Orthanc by its REST API


@dataclass(frozen=True, slots=True)
class Destination:
    id: str
    site_id: str
    kind: DestinationKind
    name: str
    ae_title: str = ""
    host: str = ""
    port: int = 0
    is_enabled: bool = True


# ----------------------------------------------------------------------------------------------------- arrivals
class ArrivalVia(StrEnum):
    DICOM = "dicom"                      # C-STORE
    STOW = "stow"                        # STOW-RS
    ECG_UPLOAD = "ecg_upload"            # POST /api/ecg
    ECG_FOLDER = "ecg_folder"            # watched folder


class ArrivalOutcome(StrEnum):
    KEPT = "kept"
    DUPLICATE = "duplicate"              # same SOP Instance UID, same bytes: accepted, nothing stored again
    CONFLICT = "conflict"                # same SOP Instance UID, other bytes: first kept, this one in quarantine
    QUARANTINED = "quarantined"          # bytes kept, not readable or not acceptable, for the named reason


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something came in. Conflict and quarantined arrivals are the quarantine list."""

    id: str
    at: datetime
    via: ArrivalVia
    outcome: ArrivalOutcome
    site_id: str
    device_id: str | None
    calling_ae_title: str
    address: str
    association_id: str
    object_sha256: str
    size_bytes: int
    file_name: str = ""
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    study_id: str | None = None
    reason: str = ""                     # machine word, e.g. "not-dicom", "sop-instance-conflict", "aecg-entity"
    detail: str = ""                     # one plain sentence for a person
    resolved_at: datetime | None = None
    resolved_by: str | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    id: str
    at: datetime
    kind: str                            # machine word, e.g. "sop-instance-conflict", "storage-full"
    site_id: str
    ref: str                             # id of what it is about (arrival, study, delivery)
    detail: str
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None


# ----------------------------------------------------------------------------------- patient, study, series, instance
class Confidence(StrEnum):
    """How we know the text of a name: as declared, or guessed (shown as a guess, C4)."""

    DECLARED = "declared"
    DEVICE_RULE = "device_rule"
    GUESSED = "guessed"


@dataclass(frozen=True, slots=True)
class PatientName:
    """A person's name, decoded. `alphabetic` and `ideographic` are PS3.5 6.2.1 component groups as display text."""

    display: str                         # what a list shows: ideographic if present, else alphabetic
    alphabetic: str = ""
    ideographic: str = ""
    confidence: Confidence = Confidence.DECLARED
    encoding: str = ""                   # the codec that was used, e.g. "gb18030"
    raw_hex: str = ""                    # the bytes as received, hex, when guessed


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient identity: a Patient ID is only unique inside its issuer, the site (A7)."""

    id: str
    site_id: str
    patient_id: str
    name: PatientName
    sex: str                             # M, F, O or ""
    birth_date: date | None


class StudyState(StrEnum):
    ARRIVING = "arriving"
    COMPLETE = "complete"
    REOPENED = "reopened"                # a late image came after it was complete


class CompleteBy(StrEnum):
    """The evidence by which a study was taken as complete."""

    EXPECTED_COUNT = "expected_count"
    SINGLE_FILE = "single_file"          # an ECG: one file is the whole examination
    QUIET_TIME = "quiet_time"
    QUIET_TIME_SHORT = "quiet_time_short"  # silence, but fewer instances than expected


@dataclass(frozen=True, slots=True)
class Study:
    id: str
    study_instance_uid: str
    site_id: str
    patient: Patient
    device_id: str | None
    modality: str                        # "DX", "CT", … "ECG" for every electrocardiogram
    body_part: str
    description: str
    accession_number: str
    study_at: datetime | None            # Study Date and Time; device's own clock read in the site's time zone
    age_years: float | None
    urgency: str                         # "emergency", "urgent", "routine"
    state: StudyState
    instance_count: int
    expected_count: int | None
    first_arrival_at: datetime
    last_arrival_at: datetime
    completed_at: datetime | None = None
    complete_by: CompleteBy | None = None
    reopened_count: int = 0


@dataclass(frozen=True, slots=True)
class Series:
    id: str
    study_id: str
    series_instance_uid: str
    modality: str
    number: int | None
    description: str
    body_part: str
    instance_count: int = 0


class InstanceFormat(StrEnum):
    """How the received bytes are written."""

    DICOM = "dicom"
    HL7_AECG = "hl7_aecg"
    WFDB = "wfdb"


@dataclass(frozen=True, slots=True)
class Instance:
    """One received object. `object_sha256` names the bytes exactly as received (a Part 10 file for DICOM)."""

    id: str
    study_id: str
    series_id: str
    sop_instance_uid: str                # for other formats a 2.25 UID derived from the bytes
    sop_class_uid: str
    format: InstanceFormat
    transfer_syntax_uid: str
    object_sha256: str
    size_bytes: int
    number: int | None
    rows: int | None
    columns: int | None
    frame_count: int
    has_waveform: bool
    received_at: datetime
    attributes: dict[str, Any] = field(default_factory=dict)   # DICOM JSON of the elements that lists show


@dataclass(frozen=True, slots=True)
class EcgFacts:
    """What an ECG file says of itself, in the index for lists and rules; samples stay in the object."""

    instance_id: str
    format: str
    interval_us: float                   # exact sampling interval
    lead_names: tuple[str, ...]
    sample_count: int
    recorded_at: datetime | None
    device_model: str
    filters: str                         # as the cart states them, "" if it does not
    measurements: dict[str, float]       # "heart_rate_bpm", "pr_ms", "qrs_ms", "qt_ms", "qtc_ms", "p_axis_deg", …
    statements: tuple[str, ...]          # the cart's own words; never ours
    warnings: tuple[str, ...]


# ------------------------------------------------------------------------------------------------ decision, reading
class Priority(StrEnum):
    EMERGENCY = "emergency"
    URGENT = "urgent"
    ROUTINE = "routine"


@dataclass(frozen=True, slots=True)
class Decision:
    """Why a study went where it went; stored whole, never recomputed."""

    id: str
    study_id: str
    at: datetime
    rules_version: int
    priority: Priority
    group: str                           # duty group, or "fallback"
    reader_id: str | None                # a named reader where the rule names one
    due_at: datetime
    tags: tuple[str, ...]
    because: list[dict[str, Any]]        # every rule looked at: {rule, matched, conditions: [{text, holds, seen}]}
    facts: dict[str, Any]                # the values the rules saw


class ReadingState(StrEnum):
    """D2. Chinese: 未报告 报告中 未审核 审核中 已审核, 退回 驳回 放弃 撤回."""

    UNREAD = "unread"
    IN_PROGRESS = "in_progress"
    AWAITING_REVIEW = "awaiting_review"
    IN_REVIEW = "in_review"
    FINAL = "final"
    RETURNED = "returned"                # sent back to the clinic, reason required
    REJECTED = "rejected"                # reviewer sent it back to the writer, reason required
    GIVEN_UP = "given_up"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Reading:
    """A study awaiting an opinion."""

    id: str
    study_id: str
    site_id: str
    state: ReadingState
    priority: Priority
    group: str
    decision_id: str
    created_at: datetime
    due_at: datetime
    assigned_to: str | None              # a reader named by the rule
    writer_id: str | None                # who wrote it; never the reviewer (F2)
    reviewer_id: str | None
    claimed_by: str | None               # who holds the lock now
    claimed_at: datetime | None
    lock_until: datetime | None
    reason: str                          # of the last return or rejection
    late_instances: int                  # arrived after the report was signed
    revision: int                        # grows with every change, for optimistic checks


# --------------------------------------------------------------------------------------------------------- report
class ReportState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"              # written, waits for review
    PRELIMINARY = "preliminary"          # 急诊临时报告: one signature, review is owed
    FINAL = "final"
    REPLACED = "replaced"                # a newer signed version called it back


@dataclass(frozen=True, slots=True)
class ReportText:
    """The words a doctor writes. One canonical text; PDF and DICOM say the same."""

    technique: str
    findings: str
    impression: str
    is_positive: bool | None = None
    is_critical: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """One version of the report of a reading. A signed version never changes."""

    id: str
    reading_id: str
    study_id: str
    site_id: str
    version: int
    state: ReportState
    text: ReportText
    template_id: str
    writer_id: str | None
    written_at: datetime | None
    reviewer_id: str | None
    signed_by: str | None
    signed_at: datetime | None
    text_sha256: str | None              # of the canonical text that was shown and signed
    pdf_sha256: str | None               # object: the signed PDF
    dicom_sha256: str | None             # object: the Encapsulated PDF
    sop_instance_uid: str | None         # of the Encapsulated PDF; fixed, so that a repeat is the same object
    read_from: tuple[str, ...]           # object hashes the opinion rests on
    revision: int                        # grows with every autosave
    updated_at: datetime


# ------------------------------------------------------------------------------------------------------- delivery
class DeliveryState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"                        # it left us
    ACCEPTED = "accepted"                # the node answered success, or the page has it
    OPENED = "opened"                    # a person at the clinic opened it
    ACKNOWLEDGED = "acknowledged"        # a person at the clinic pressed "received"
    REFUSED = "refused"                  # permanent; the reason is in `last_error`
    CALLED_BACK = "called_back"          # a newer version replaced the report


@dataclass(frozen=True, slots=True)
class Delivery:
    id: str
    report_id: str
    study_id: str
    site_id: str
    destination_id: str
    kind: DestinationKind
    state: DeliveryState
    attempts: int
    queued_at: datetime
    next_attempt_at: datetime | None
    sent_at: datetime | None
    accepted_at: datetime | None
    opened_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    last_error: str                      # why it waits, in plain words


# ------------------------------------------------------------------------------------------------ jobs, audit, events
@dataclass(frozen=True, slots=True)
class Job:
    """Work that is due. At least once; finished only by the owner of the lease."""

    id: int
    key: str                             # unique: enqueuing the same key twice keeps one job
    kind: str
    ref: str
    due: datetime
    attempt: int
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What someone did. `action` is a machine word: "instance.received", "study.opened", "report.signed", …"""

    at: datetime
    actor: str                           # user id, "device:<ae title>", "gateway", "cli"
    action: str
    is_success: bool = True
    site_id: str | None = None
    study_id: str | None = None
    patient_id: str | None = None        # Patient.id: one patient per access or transfer record (J3)
    address: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChainedAuditEntry:
    node: str
    seq: int
    entry: AuditEntry
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """Durable bytes: their SHA-256 (hex), which is also their name, and their size."""

    sha256: str
    size_bytes: int
