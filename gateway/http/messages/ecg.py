"""Bodies about one ECG: its header, and the receipt for one that was taken in."""

from __future__ import annotations

from datetime import datetime

import msgspec


class EcgLeadView(msgspec.Struct, frozen=True):
    name: str
    sample_count: int
    start_us: float


class EcgView(msgspec.Struct, frozen=True):
    """Header of an ECG; the samples come as int32 little-endian nanovolts, lead after lead, from …/samples."""

    instance_id: str
    study_id: str
    sop_instance_uid: str
    format: str
    interval_us: float
    leads: list[EcgLeadView]
    recorded_at: datetime | None
    device_model: str
    filters: str
    measurements: dict[str, float]
    statements: list[str]
    warnings: list[str]
    notes: list[str]               # worth knowing and no fault, e.g. who confirmed the statements


class EcgReceipt(msgspec.Struct, frozen=True):
    """Answer to POST /api/ecg: the bytes are durable and indexed."""

    id: str                        # instance id
    study_id: str
    outcome: str                   # kept or duplicate
    format: str
    sop_instance_uid: str
    sha256: str
