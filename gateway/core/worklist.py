"""An order as an item of the modality worklist, and whether a query means it (PS3.4 annex K). Pure.

Attributes of the scheduled step stand inside the Scheduled Procedure Step Sequence, one item; those of the Type 1
return keys always have a value. AE titles match by a single value only; a start date and time together are one span.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.core.query_matching import BadKey, Key, date_span, matches, read_key
from storage.model import Priority
from storage.model.orders import Order, OrderState

STEP_SEQUENCE = 0x00400100
STATION_AE_TITLE, START_DATE, START_TIME, STEP_MODALITY = 0x00400001, 0x00400002, 0x00400003, 0x00080060
EMPTY_SEQUENCES = frozenset({0x00081110, 0x00081120})    # referenced study and patient: known to nobody yet
CODE_SEQUENCES = frozenset({0x00321064, 0x00400008})     # requested procedure, scheduled protocol
SEQUENCES = EMPTY_SEQUENCES | CODE_SEQUENCES | {STEP_SEQUENCE}
LOCAL_CODES = "99LOCAL"

_PRIORITY = {Priority.EMERGENCY.value: "STAT", Priority.URGENT.value: "HIGH", Priority.ROUTINE.value: "ROUTINE"}
_STATUS = {OrderState.SCHEDULED: "SCHEDULED", OrderState.IN_PROGRESS: "STARTED"}
_LONGEST = {"SH": 16, "LO": 64, "PN": 64, "CS": 16, "AE": 16, "LT": 1000, "ST": 1000}


@dataclass(frozen=True, slots=True)
class Item:
    """An order, and what stands around it when it is answered."""

    order: Order
    zone: ZoneInfo
    station_ae_title: str                    # who asks: stands in where the order names no station
    site_name: str

    @property
    def starts_at(self) -> datetime:
        return self.order.scheduled_at.astimezone(self.zone)

    @property
    def description(self) -> str:
        """Never empty: a code or a description is needed (Type 1C)."""
        order = self.order
        return order.procedure_description or " ".join(word for word in (order.modality, order.body_part) if word)


@dataclass(frozen=True, slots=True)
class Attribute:
    """A text attribute of the answer."""

    vr: str
    value: Callable[[Item], str]

    @property
    def longest(self) -> int | None:
        """Characters that the VR allows."""
        return _LONGEST.get(self.vr)


def _a(vr: str, value: Callable[[Item], str] = lambda item: "") -> Attribute:
    return Attribute(vr, value)


REQUEST: Mapping[int, Attribute] = {
    0x00080050: _a("SH", lambda i: i.order.accession_number), 0x00080080: _a("LO", lambda i: i.site_name),
    0x00080090: _a("PN", lambda i: i.order.requesting_physician),
    0x00100010: _a("PN", lambda i: f"{i.order.name_alphabetic}={i.order.patient_name}"),
    0x00100020: _a("LO", lambda i: i.order.patient_id), 0x00100021: _a("LO", lambda i: i.order.site_id),
    0x00100030: _a("DA", lambda i: f"{i.order.birth_date:%Y%m%d}" if i.order.birth_date else ""),
    0x00100040: _a("CS", lambda i: i.order.sex), 0x00101030: _a("DS"), 0x00102000: _a("LO"), 0x00102110: _a("LO"),
    0x001021B0: _a("LT", lambda i: i.order.clinical_diagnosis), 0x001021C0: _a("US"),
    0x0020000D: _a("UI", lambda i: i.order.study_instance_uid),
    0x00321032: _a("PN", lambda i: i.order.requesting_physician),
    0x00321033: _a("LO", lambda i: i.order.department), 0x00321060: _a("LO", lambda i: i.description),
    0x00380010: _a("LO", lambda i: i.order.visit_number), 0x00380050: _a("LO"), 0x00380300: _a("LO"),
    0x00380500: _a("LO"), 0x00401001: _a("SH", lambda i: i.order.requested_procedure_id),
    0x00401002: _a("LO", lambda i: i.order.clinical_diagnosis),
    0x00401003: _a("SH", lambda i: _PRIORITY.get(i.order.urgency, "ROUTINE")), 0x00401004: _a("LO"),
    0x00401400: _a("LT", lambda i: i.order.purpose), 0x00402016: _a("LO", lambda i: i.order.placer_order_number),
    0x00402017: _a("LO", lambda i: i.order.accession_number), 0x00403001: _a("LO"),
}
"""Patient, visit, request and requested procedure."""

STEP: Mapping[int, Attribute] = {
    STEP_MODALITY: _a("CS", lambda i: i.order.modality), 0x00180015: _a("CS", lambda i: i.order.body_part),
    0x00321070: _a("LO"), STATION_AE_TITLE: _a("AE", lambda i: i.order.station_ae_title or i.station_ae_title),
    START_DATE: _a("DA", lambda i: f"{i.starts_at:%Y%m%d}"), START_TIME: _a("TM", lambda i: f"{i.starts_at:%H%M%S}"),
    0x00400004: _a("DA"), 0x00400005: _a("TM"), 0x00400006: _a("PN"), 0x00400007: _a("LO", lambda i: i.description),
    0x00400009: _a("SH", lambda i: i.order.scheduled_step_id), 0x00400010: _a("SH"), 0x00400011: _a("SH"),
    0x00400012: _a("LO"), 0x00400020: _a("CS", lambda i: _STATUS.get(i.order.state, "")),
    0x00400400: _a("LT", lambda i: i.order.purpose),
}
"""The scheduled step."""


@dataclass(frozen=True, slots=True)
class WorklistQuery:
    """The keys of a query that say something, those of the step apart."""

    request: Mapping[int, Key]
    step: Mapping[int, Key]

    @property
    def station_ae_title(self) -> str:
        key = self.step.get(STATION_AE_TITLE)
        return key.values[0] if key is not None else ""

    @property
    def modality(self) -> str:
        """The one modality that is asked for; "" if none or several."""
        key = self.step.get(STEP_MODALITY)
        return key.values[0].upper() if key is not None and key.is_single else ""

    def days(self, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
        """Bounds of the scheduled time for the database, wider than the key; None: open."""
        key = self.step.get(START_DATE)
        span = date_span(key) if key is not None else None
        if span is None:
            return None, None
        first, last = (_midnight(day, zone) if day else None for day in span)
        return first, last + timedelta(days=1) if last is not None else None

    def means(self, item: Item) -> bool:
        """True if every key matches the order."""
        step = dict(self.step)
        date_key, time_key = step.pop(START_DATE, None), step.pop(START_TIME, None)
        return (all(matches(key, (REQUEST[tag].value(item),)) for tag, key in self.request.items())
                and all(matches(key, (STEP[tag].value(item),)) for tag, key in step.items())
                and _starts_within(date_key, time_key, item))


def query_key(tag: int, attribute: Attribute, text: str) -> Key | None:
    """The key of an attribute's decoded value; None if it matches everything. Raises BadKey."""
    if tag == STATION_AE_TITLE:                  # single value matching only: a star is a star
        title = text.strip(" \0")
        if "\\" in title:
            raise BadKey("Scheduled Station AE Title is matched by a single value")
        return Key(tag, "UI", (title,)) if title else None
    if attribute.vr == "US":
        return None
    key = read_key(tag, attribute.vr, text)
    return None if key.is_universal else key


def _starts_within(date_key: Key | None, time_key: Key | None, item: Item) -> bool:
    day, moment = f"{item.starts_at:%Y%m%d}", f"{item.starts_at:%H%M%S}"
    if date_key is None or time_key is None or len(date_key.values) > 1 or len(time_key.values) > 1:
        return ((date_key is None or matches(date_key, (day,)))
                and (time_key is None or matches(time_key, (moment,))))
    first_day, last_day = _ends(date_key.values[0].replace(".", ""))
    first_time, last_time = _ends(time_key.values[0].replace(":", ""))
    if "-" not in date_key.values[0] and "-" not in time_key.values[0]:
        span = first_day + first_time
    else:
        first = first_day + first_time if first_day else ""
        last = last_day + last_time if last_day else ""
        if not first and not last:
            return matches(time_key, (moment,))
        span = f"{first}-{last}"
    return matches(read_key(START_DATE, "DT", span), (day + moment,))


def _ends(text: str) -> tuple[str, str]:
    first, dash, last = text.partition("-")
    return (first, last) if dash else (text, text)


def _midnight(day: str, zone: ZoneInfo) -> datetime | None:
    try:
        return datetime(int(day[:4]), int(day[4:6]), int(day[6:8]), tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None                              # no such day, or one outside the calendar
