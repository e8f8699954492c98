"""What came in, and what somebody must look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ArrivalVia(StrEnum):
    DICOM = "dicom"                      # C-STORE
    STOW = "stow"                        # STOW-RS
    ECG_UPLOAD = "ecg_upload"            # POST /api/ecg
    ECG_FOLDER = "ecg_folder"            # watched folder
    HL7 = "hl7"                          # HL7 v2 over MLLP


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
    certificate_sha256: str = ""         # of the client certificate of its connection (TLS)


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
