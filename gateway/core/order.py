"""What an order must say, what may change in it, and until when (A1, A2). Pure: names and the time are passed in.

    scheduled ─first image, or the modality begins▶ in progress ─study complete, or the modality ends▶ performed
        └──────────────── withdraw, with a reason, while nobody has begun to read ────────────────▶ withdrawn
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from gateway.core.errors import InvalidRequest, NotNow
from gateway.core.id_card import tidy_id_card
from gateway.core.identifiers import AETitle, InvalidAETitle, InvalidUid, Uid
from gateway.core.pinyin import has_chinese, pinyin_name
from storage.model import CareClass, Priority, Reading, ReadingState
from storage.model.orders import Order, OrderSource, OrderState

_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"        # none that a person takes for another
_CODE_LENGTH = 6
_MODALITY = re.compile(r"[A-Z0-9_ ]{1,16}")
_ANY_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_UNREAD = frozenset({ReadingState.UNREAD, ReadingState.RETURNED, ReadingState.GIVEN_UP})

_LONGEST = {                                         # characters; the VR of the element that carries it, or a page
    "patient_id": 64, "patient_name": 64, "name_alphabetic": 64, "id_card_number": 32, "visit_number": 64,
    "accession_number": 16, "requested_procedure_id": 16, "scheduled_step_id": 16, "placer_order_number": 200,
    "body_part": 16, "procedure_code": 16, "procedure_description": 64, "department": 64,
    "requesting_physician": 64, "fee_item": 64, "consent_informed_by": 64, "consent_given_by": 64,
    "clinical_diagnosis": 1000, "purpose": 1000}
_MANY_LINES = frozenset({"clinical_diagnosis", "purpose"})
_IDENTITY = ("patient_id", "patient_name", "name_alphabetic", "sex", "birth_date", "id_card_number", "modality",
             "station_ae_title", "scheduled_at", "accession_number", "study_instance_uid")


_PATIENT_CLASSES = frozenset({"", CareClass.OUTPATIENT.value, CareClass.INPATIENT.value})


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What a person or a system asks for; the fields mean what they mean in `Order`, empty: not said."""

    patient_id: str
    patient_name: str
    modality: str
    scheduled_at: datetime | None = None
    name_alphabetic: str = ""
    sex: str = ""
    birth_date: date | None = None
    id_card_number: str = ""
    visit_number: str = ""
    accession_number: str = ""
    study_instance_uid: str = ""
    requested_procedure_id: str = ""
    scheduled_step_id: str = ""
    placer_order_number: str = ""
    body_part: str = ""
    procedure_code: str = ""
    procedure_description: str = ""
    station_ae_title: str = ""
    department: str = ""
    requesting_physician: str = ""
    clinical_diagnosis: str = ""
    purpose: str = ""
    urgency: str = Priority.ROUTINE.value
    fee_item: str = ""
    consent_informed_by: str = ""
    consent_at: datetime | None = None
    consent_is_written: bool | None = None
    consent_given_by: str = ""
    expected_count: int | None = None
    patient_class: str = ""


def checked(request: OrderRequest) -> OrderRequest:
    """Return the request in tidy form. Raises InvalidRequest, naming the field."""
    texts: dict[str, Any] = {name: _tidy(name, getattr(request, name)) for name in _LONGEST}
    texts["id_card_number"] = tidy_id_card(texts["id_card_number"])
    texts |= {"patient_id": texts["patient_id"] or texts["visit_number"], "body_part": texts["body_part"].upper(),
              "modality": request.modality.strip().upper(), "sex": request.sex.strip().upper(),
              "station_ae_title": request.station_ae_title.strip()}
    for name in ("scheduled_at", "consent_at"):
        moment = getattr(request, name)
        if moment is not None and not 1900 <= moment.year <= 2200:
            raise InvalidRequest(f"{name}: not a time of this world.", reason=name.replace("_", "-"))
        texts[name] = moment.astimezone(UTC) if moment is not None else None
    request = dataclasses.replace(request, **texts)
    if not request.patient_id:
        raise InvalidRequest("An order needs a Patient ID, or a visit number in its place.", reason="patient-id")
    if not request.patient_name:
        raise InvalidRequest("An order needs the patient's name.", reason="patient-name")
    if not _MODALITY.fullmatch(request.modality):
        raise InvalidRequest("modality: a DICOM code such as DX, CT, US is meant.", reason="modality")
    if request.sex not in ("M", "F", "O", ""):
        raise InvalidRequest("sex: M, F, O or nothing is meant.", reason="sex")
    if request.urgency not in {priority.value for priority in Priority}:
        raise InvalidRequest(f"urgency: one of {', '.join(Priority)} is meant.", reason="urgency")
    if request.expected_count is not None and not 1 <= request.expected_count <= 100_000:
        raise InvalidRequest("expected_count: 1 to 100000 is meant.", reason="expected-count")
    if request.patient_class not in _PATIENT_CLASSES:
        raise InvalidRequest("patient_class: outpatient, inpatient or nothing is meant.", reason="patient-class")
    if request.birth_date is not None and request.birth_date.year < 1850:
        raise InvalidRequest("birth_date: nobody is so old.", reason="birth-date")
    _check_names(request)
    alphabetic = request.name_alphabetic
    if not alphabetic or has_chinese(alphabetic):
        alphabetic = pinyin_name(request.patient_name)
    return dataclasses.replace(request, name_alphabetic=alphabetic[:64])


def new_order(request: OrderRequest, *, order_id: str, site_id: str, code: str, uid: str, source: OrderSource,
              created_by: str, now: datetime) -> Order:
    """Make the order of a checked request; what it does not name itself is named by `code` and `uid`."""
    fields = {field.name: getattr(request, field.name) for field in dataclasses.fields(OrderRequest)}
    fields |= {"accession_number": request.accession_number or code,
               "requested_procedure_id": request.requested_procedure_id or f"R{code}",
               "scheduled_step_id": request.scheduled_step_id or f"S{code}",
               "study_instance_uid": request.study_instance_uid or uid, "scheduled_at": request.scheduled_at or now}
    return Order(id=order_id, site_id=site_id, state=OrderState.SCHEDULED, source=source, created_at=now,
                 created_by=created_by, updated_at=now, **fields)


def amended(order: Order, request: OrderRequest, *, now: datetime) -> Order:
    """Return the order as a checked request wants it; names that the request leaves out stay.

    Raises NotNow: "withdrawn"; "identity-fixed" when images are here and the request changes whose or which they are.
    """
    if order.state is OrderState.WITHDRAWN:
        raise NotNow("The order was withdrawn.", reason="withdrawn")
    fields = {field.name: getattr(request, field.name) for field in dataclasses.fields(OrderRequest)}
    for name in ("accession_number", "study_instance_uid", "requested_procedure_id", "scheduled_step_id",
                 "scheduled_at", "placer_order_number", "patient_class"):
        fields[name] = fields[name] or getattr(order, name)
    changed = dataclasses.replace(order, updated_at=now, **fields)
    if order.study_id is not None and any(getattr(changed, name) != getattr(order, name) for name in _IDENTITY):
        raise NotNow("Images have come for this order; its patient and examination no longer change.",
                     reason="identity-fixed")
    return changed


def withdrawn(order: Order, reading: Reading | None, *, reason: str, now: datetime) -> Order:
    """Return it withdrawn. Raises InvalidRequest("reason-required"), NotNow("withdrawn", "reading-started")."""
    why = _tidy("purpose", reason)
    if not why:
        raise InvalidRequest("An order is withdrawn only with a reason.", reason="reason-required")
    if order.state is OrderState.WITHDRAWN:
        raise NotNow("The order was withdrawn already.", reason="withdrawn")
    if reading is not None and reading.state not in _UNREAD:
        raise NotNow("Somebody has begun to read; ask the reader to send it back.", reason="reading-started")
    return dataclasses.replace(order, state=OrderState.WITHDRAWN, withdrawn_reason=why, updated_at=now)


def order_code(on: date, random: bytes) -> str:
    """Return a short name for an order, to be read out and printed as a bar code: 261122K7XQ9D (12 characters)."""
    number = int.from_bytes(random, "big")
    letters = "".join(_LETTERS[number >> 5 * place & 31] for place in range(_CODE_LENGTH))
    return f"{on:%y%m%d}{letters}"


def more_urgent(one: str, other: str) -> str:
    """The more urgent of two urgencies; a word that is none counts as routine."""
    order = [Priority.EMERGENCY.value, Priority.URGENT.value, Priority.ROUTINE.value]
    return min((word if word in order else order[-1] for word in (one, other)), key=order.index)


def _tidy(name: str, value: str) -> str:
    text = (_CONTROL_BUT_LINES if name in _MANY_LINES else _ANY_CONTROL).sub(" ", value).strip()
    if len(text) > _LONGEST[name]:
        raise InvalidRequest(f"{name}: at most {_LONGEST[name]} characters.", reason="too-long")
    return text


def _check_names(request: OrderRequest) -> None:
    for name in ("patient_id", "accession_number"):
        if "\\" in getattr(request, name):
            raise InvalidRequest(f"{name}: no backslash.", reason=name.replace("_", "-"))
    if request.study_instance_uid:
        try:
            uid = Uid.parse(request.study_instance_uid)
        except InvalidUid as exc:
            raise InvalidRequest("study_instance_uid: not a UID.", reason="study-instance-uid") from exc
        if not uid.is_valid:
            raise InvalidRequest("study_instance_uid: not a UID of PS3.5 9.1.", reason="study-instance-uid")
    if request.station_ae_title:
        try:
            AETitle.parse(request.station_ae_title)
        except InvalidAETitle as exc:
            raise InvalidRequest("station_ae_title: 1 to 16 printable ASCII characters, no backslash.",
                                 reason="station-ae-title") from exc
