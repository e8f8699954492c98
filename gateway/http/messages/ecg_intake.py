"""Bodies about how ECGs come in: uploads of several, open orders, ECGs of nobody, files nobody can read yet."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from gateway.http.messages import Problem
from gateway.http.messages.ecg import EcgReceipt
from gateway.http.messages.orders import OrderView


class EcgFileResult(msgspec.Struct, frozen=True):
    """What became of one file of several: a receipt, or a problem. What was refused lies in quarantine."""

    file_name: str
    size_bytes: int
    status: int                    # as for a file sent alone
    receipt: EcgReceipt | None = None
    problem: Problem | None = None


class EcgBatchReceipt(msgspec.Struct, frozen=True):
    """Answer 207 to several files: one result each, in their order."""

    results: list[EcgFileResult]


class EcgDeviceView(msgspec.Struct, frozen=True):
    """A cart of a site, to be chosen."""

    id: str
    site_id: str
    name: str


class OpenEcgOrderView(msgspec.Struct, frozen=True):
    """An ECG that somebody is to record. `number` is typed on the cart as Patient ID."""

    order: OrderView
    number: str
    called_at: datetime | None     # "now recording for this person"
    called_until: datetime | None
    device_id: str | None          # that records; null: any of the site


class OpenEcgOrderList(msgspec.Struct, frozen=True):
    items: list[OpenEcgOrderView]  # the nearest time first
    devices: list[EcgDeviceView]
    total: int


class EcgCallRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    device_id: str | None = None


class UnidentifiedEcgView(msgspec.Struct, frozen=True):
    """An ECG that names nobody."""

    study_id: str
    instance_id: str
    site_id: str
    site_name: str
    device_name: str
    patient_id: str                # a number that was typed and is no order's, or ""
    study_at: datetime | None
    arrived_at: datetime


class UnidentifiedEcgList(msgspec.Struct, frozen=True):
    items: list[UnidentifiedEcgView]
    total: int


class NamePatientRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose ECG it is."""

    patient_id: str
    name: str
    reason: str
    sex: str = ""
    birth_date: date | None = None


class UnreadEcgView(msgspec.Struct, frozen=True):
    """An ECG file that could not be taken."""

    arrival_id: str
    at: datetime
    via: str
    site_id: str
    device_name: str
    address: str
    file_name: str
    size_bytes: int
    reason: str                    # machine word
    detail: str
    first_bytes_hex: str
    first_bytes_text: str          # what of them is printable ASCII; a dot for the rest
    is_pdf: bool
    order_id: str | None           # that it was bound to
    study_id: str | None
    patient_name: str              # of the order or study that it was bound to
    attached_at: datetime | None
    attached_by: str
    why_attached: str
    tried_at: datetime | None
    result: str                    # of the last try


class UnreadEcgList(msgspec.Struct, frozen=True):
    items: list[UnreadEcgView]
    total: int
    formats: list[str]             # that can be read, adapters among them
    adapter_faults: list[str]      # adapters that are installed and cannot be used


class AttachEcgRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose file it is: an order or a study, and why one is sure. A PDF is taken in at once."""

    reason: str
    order_id: str | None = None
    study_id: str | None = None
