"""Patient, study, series, instance."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any


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

    EXPECTED_COUNT = "expected_count"    # as the device's own images say
    MPPS = "mpps"                        # every instance that the device's performed procedure step names is here
    COMMITMENT = "commitment"            # the device asked for commitment to all that is here
    ORDER_COUNT = "order_count"          # as many as the order says
    DEVICE_HABIT = "device_habit"        # as many as this device always sends, and a short silence
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
    expected_by: str | None = None       # who told the number: "attribute", "acquisition", "mpps", "commitment", …
    longest_pause_s: float = 0.0         # between two arrivals


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
    SCP_ECG = "scp_ecg"
    MUSE_XML = "muse_xml"
    CARDIOSOFT_XML = "cardiosoft_xml"
    SIERRA_XML = "sierra_xml"
    MFER = "mfer"
    EDF = "edf"
    CONTEC = "contec"
    PDF = "pdf"                          # a printed ECG: shown as it is, "no waveform"
    ADDED = "added"                      # read by an installed adapter; EcgFacts.format holds its name


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
    critical_statements: tuple[str, ...] = ()  # those of `statements` that the cart itself marked as critical
