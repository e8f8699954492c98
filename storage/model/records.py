"""Jobs, audit entries, and the names of durable bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


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
