"""Report versions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
