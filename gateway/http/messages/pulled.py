"""Bodies of /api/clinic/reports, for a clinic's own program."""

from __future__ import annotations

from datetime import datetime

import msgspec


class PulledReportView(msgspec.Struct, frozen=True):
    """A report to be fetched; `id` is that of its delivery."""

    id: str
    state: str                           # queued, sent, accepted, opened, acknowledged
    report_id: str
    version: int
    report_state: str                    # preliminary, final, …
    is_critical: bool
    signed_at: datetime | None
    queued_at: datetime
    sent_at: datetime | None
    accepted_at: datetime | None
    opened_at: datetime | None
    acknowledged_at: datetime | None
    study_instance_uid: str
    accession_number: str
    patient_id: str
    patient_name: str
    pdf_sha256: str
    dicom_sha256: str


class ReportStepRequest(msgspec.Struct, frozen=True):
    """`accepted`: the program has the report whole; `opened`, `acknowledged`: a person did so, who is named."""

    step: str
    person: str = ""
