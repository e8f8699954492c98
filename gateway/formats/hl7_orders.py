"""Orders out of an HL7 v2 message: ORM^O01 and OMI^O23 (IHE RAD-4; A3). Pure.

One order a group that ORC begins. New (NW), changed (XO) and cancelled (CA) are understood. Everything that is wrong
with a message is found before anything of it is done.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from gateway.core.id_card import read_id_card
from gateway.core.order import OrderRequest
from gateway.core.pinyin import has_chinese
from gateway.formats.hl7_answer import Fault, FaultCode
from gateway.formats.hl7_message import CLEARED, Message, Segment
from storage.model import CareClass, Priority

ORDER_MESSAGES = frozenset({("ORM", "O01"), ("OMI", "O23")})

_PRIORITIES = {"S": Priority.EMERGENCY, "STAT": Priority.EMERGENCY, "A": Priority.URGENT, "ASAP": Priority.URGENT,
               "H": Priority.URGENT, "HIGH": Priority.URGENT, "P": Priority.URGENT, "R": Priority.ROUTINE,
               "ROUTINE": Priority.ROUTINE, "N": Priority.ROUTINE}
_PATIENT_CLASSES = {"I": CareClass.INPATIENT.value, "O": CareClass.OUTPATIENT.value,
                    "E": CareClass.OUTPATIENT.value, "R": CareClass.OUTPATIENT.value}
_ID_CARD_TYPES = frozenset({"NI", "NNCHN", "NNCN", "NIIP", "ID", "IDCARD"})
_PATIENT_ID_TYPES = ("MR", "PI", "PT", "")
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)?(\d\d)?(?:\.\d{1,4})?)?([+-]\d{4})?")


class OrderControl(StrEnum):
    """ORC-1 (HL7 table 0119), as far as we act on it."""

    NEW = "NW"
    CHANGE = "XO"
    CANCEL = "CA"


@dataclass(frozen=True, slots=True)
class OrderCommand:
    """What is to be done with one order. `request` holds "" where nothing is said, CLEARED where it is deleted."""

    control: OrderControl
    request: OrderRequest
    placer_order_number: str
    accession_number: str
    reason: str
    position: int                            # of its ORC, for faults

    def fault(self, code: FaultCode, text: str, *, field: int = 2) -> Fault:
        """Something that is wrong with this order."""
        return Fault(code, text, "ORC", self.position, field)


def read_orders(message: Message, *, zone: tzinfo) -> tuple[list[OrderCommand], list[Fault]]:
    """Return the orders of a message and everything that is wrong with it."""
    pid = message.first("PID")
    if pid is None:
        return [], [Fault(FaultCode.SEGMENT_SEQUENCE, "The message has no PID.", "PID")]
    groups = list(_groups(message.segments))
    if not groups:
        return [], [Fault(FaultCode.SEGMENT_SEQUENCE, "The message has no ORC.", "ORC")]
    faults: list[Fault] = []
    patient = read_patient(pid, message.first("PV1"), zone, faults)
    commands = [command for group in groups if (command := _command(group, message, patient, zone, faults))]
    numbers = [command.placer_order_number for command in commands]
    faults += [command.fault(FaultCode.DUPLICATE_KEY, "Two orders of the message have one number.")
               for place, command in enumerate(commands) if command.placer_order_number in numbers[:place]]
    return commands, faults


def merged(base: OrderRequest, change: OrderRequest) -> OrderRequest:
    """What an order says after a change: an empty field leaves what is there, CLEARED deletes it."""
    values: dict[str, Any] = {}
    for field in fields(OrderRequest):
        new = getattr(change, field.name)
        if new not in ("", None):
            values[field.name] = "" if new == CLEARED else new
    if "patient_name" in values:                         # the old spelling belongs to the old name
        values.setdefault("name_alphabetic", "")
    return replace(base, **values)


def cleared(request: OrderRequest) -> OrderRequest:
    """The request of a new order: there is nothing to delete."""
    values: dict[str, Any] = {field.name: "" for field in fields(OrderRequest)
                              if getattr(request, field.name) == CLEARED}
    filled = replace(request, **values)
    return filled if filled.urgency else replace(filled, urgency=Priority.ROUTINE.value)


def _groups(segments: Sequence[Segment]) -> list[list[Segment]]:
    found: list[list[Segment]] = []
    for segment in segments:
        if segment.name == "ORC":
            found.append([segment])
        elif found:
            found[-1].append(segment)
    return found


def read_patient(pid: Segment, pv1: Segment | None, zone: tzinfo, faults: list[Fault]) -> OrderRequest:
    """What PID and PV1 say, as the common part of every order."""
    identifiers = [(pid.part(one, 5).upper(), pid.part(one, 1)) for one in pid.repetitions(3)]
    by_type = [value for kind in _PATIENT_ID_TYPES for its, value in identifiers if its == kind and value]
    patient_id = next(iter([*by_type, *(value for its, value in identifiers if its not in _ID_CARD_TYPES)]), "")
    id_card = next((value for its, value in identifiers if its in _ID_CARD_TYPES), "")
    number = pid.text(19)
    if not id_card and read_id_card(number) is not None:
        id_card = number                                 # PID-19 carries it in China
    names = [(pid.part(one, 8).upper(), _name(pid, one)) for one in pid.repetitions(5)]
    shown = next((name for _, name in names if has_chinese(name)), names[0][1] if names else "")
    alphabetic = next((name for _, name in names if name and not has_chinese(name)), "")
    birth = moment(pid, 7, zone, faults)
    return OrderRequest(
        patient_id=patient_id, patient_name=shown, modality="", name_alphabetic=alphabetic,
        sex=_sex(pid.text(8)), birth_date=birth[0] if birth else None, id_card_number=id_card, urgency="",
        patient_class=_patient_class(pv1.text(2) if pv1 else ""),
        visit_number=(pv1.text(19) if pv1 else "") or pid.text(18),
        department=(pv1.text(10) or pv1.text(3)) if pv1 else "",
        requesting_physician=_person(pv1, 8) if pv1 else "")


def _command(group: list[Segment], message: Message, patient: OrderRequest, zone: tzinfo,
             faults: list[Fault]) -> OrderCommand | None:
    orc = group[0]
    obr, ipc, tq1 = (_only(group, name) for name in ("OBR", "IPC", "TQ1"))
    zds = message.first("ZDS")
    if sum(segment.name == "IPC" for segment in group) > 1:
        faults.append(Fault(FaultCode.SEGMENT_SEQUENCE, "One IPC an order is taken; send the steps as orders.", "IPC",
                            2))
    if orc.text(1) not in set(OrderControl):
        faults.append(Fault(FaultCode.NOT_IN_TABLE, "ORC-1: NW, XO or CA is understood.", "ORC", orc.position, 1))
        return None
    control = OrderControl(orc.text(1))
    placer = identifier(orc, 2) or (identifier(obr, 2) if obr else "")
    accession = (ipc.text(1) if ipc else "") or (obr.text(18) if obr else "")
    filler = orc.text(3) or (obr.text(3) if obr else "")
    if not placer:
        faults.append(Fault(FaultCode.FIELD_MISSING, "ORC-2: the order has no placer order number.", "ORC",
                            orc.position, 2))
        return None
    request = replace(
        patient, placer_order_number=placer, accession_number=accession,
        requesting_physician=_person(orc, 12) or (_person(obr, 16) if obr else "") or patient.requesting_physician,
        department=orc.text(17, 2) or orc.text(17) or patient.department,
        urgency=_urgency(tq1.text(9) if tq1 else "", orc.text(7, 6), obr.text(27, 6) if obr else "",
                         obr.text(5) if obr else ""),
        scheduled_at=_scheduled(orc, obr, tq1, zone, faults),
        study_instance_uid=(ipc.text(3) if ipc else "") or (zds.text(1) if zds else ""))
    if obr is not None:
        request = _examination(request, obr, group)
    if ipc is not None:
        request = replace(request, modality=ipc.text(5) or request.modality, station_ae_title=ipc.text(9),
                          requested_procedure_id=ipc.text(2) or request.requested_procedure_id,
                          scheduled_step_id=ipc.text(4) or request.scheduled_step_id)
    if control is OrderControl.NEW:
        faults += _missing(request, orc, message)
    return OrderCommand(control, request, placer, accession or filler, orc.text(16, 2) or orc.text(16), orc.position)


def _examination(request: OrderRequest, obr: Segment, group: list[Segment]) -> OrderRequest:
    diagnosis = [obr.text(13)] if obr.text(13) else [
        segment.text(3, 2) or segment.text(4) for segment in group if segment.name == "DG1"]
    purpose = obr.text(31, 2) or obr.text(31) or "\n".join(
        segment.whole(3) for segment in group if segment.name == "NTE")
    return replace(
        request, procedure_code=obr.text(4), procedure_description=obr.text(4, 2) or obr.text(4, 5),
        body_part=obr.text(15, 4), modality=obr.text(24), clinical_diagnosis="; ".join(diagnosis), purpose=purpose,
        requested_procedure_id=obr.text(19), scheduled_step_id=obr.text(20))


def _missing(request: OrderRequest, orc: Segment, message: Message) -> list[Fault]:
    found = []
    modality = ("IPC", 5) if message.header.message_code == "OMI" else ("OBR", 24)
    for value, (segment, field), what in (
            (request.patient_id or request.visit_number, ("PID", 3), "the patient has no identifier"),
            (request.patient_name, ("PID", 5), "the patient has no name"),
            (request.modality, modality, "the order names no modality")):
        if value in ("", CLEARED):
            position = 1 if segment == "PID" else orc.position
            found.append(Fault(FaultCode.FIELD_MISSING, f"{segment}-{field}: {what}.", segment, position, field))
    return found


def _only(group: list[Segment], name: str) -> Segment | None:
    return next((segment for segment in group if segment.name == name), None)


def identifier(segment: Segment, field: int) -> str:
    """An EI as one text: its number, and the namespace that gave it."""
    number, namespace = segment.text(field), segment.text(field, 2)
    return f"{number}^{namespace}" if number and namespace else number


def _patient_class(code: str) -> str:
    """PV1-2 (HL7 table 0004). Emergencies and those who come again are out-patients; of others nothing follows."""
    return code if code == CLEARED else _PATIENT_CLASSES.get(code.upper(), "")


def _name(segment: Segment, repetition: str) -> str:
    """XPN or XCN's name part as display text: Chinese without spaces, others as PN components."""
    family, given = segment.part(repetition, 1), segment.part(repetition, 2)
    if has_chinese(family + given):
        return family + given
    return "^".join(one for one in (family, given) if one)


def _person(segment: Segment, field: int) -> str:
    """XCN: number^family^given; the name if there is one, else the number."""
    family, given = segment.text(field, 2), segment.text(field, 3)
    if has_chinese(family + given):
        return family + given
    return " ".join(one for one in (family, given) if one) or segment.text(field)


def _sex(word: str) -> str:
    return {"M": "M", "F": "F", "O": "O", "A": "O", CLEARED: CLEARED}.get(word.upper(), "")


def _urgency(*words: str) -> str:
    return next((_PRIORITIES[word.upper()].value for word in words if word.upper() in _PRIORITIES), "")


def _scheduled(orc: Segment, obr: Segment | None, tq1: Segment | None, zone: tzinfo,
               faults: list[Fault]) -> datetime | None:
    places = [(tq1, 7, 1), (orc, 7, 4), (obr, 27, 4), (obr, 36, 1)]
    for segment, field, component in places:
        if segment is not None and segment.text(field, component):
            found = moment(segment, field, zone, faults, component=component)
            return found[1] if found else None
    return None


def moment(segment: Segment, field: int, zone: tzinfo, faults: list[Fault], *,
            component: int = 1) -> tuple[date, datetime] | None:
    """A TS: the day, and the moment in UTC. A fault is noted where it is none."""
    text = segment.text(field, component)
    if not text or text == CLEARED:
        return None
    found = _TIME.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        year, month, day, hour, minute, second = (int(one or 0) for one in found.groups()[:6])
        local = datetime(year, month, day, hour, minute, second, tzinfo=zone)
        if offset := found[7]:
            shift = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:]))
            local = local.replace(tzinfo=UTC) - (shift if offset[0] == "+" else -shift)
        return date(year, month, day), local.astimezone(UTC)
    except (ValueError, OverflowError):
        faults.append(Fault(FaultCode.DATA_TYPE, f"{segment.name}-{field}: not a time.", segment.name,
                            segment.position, field))
        return None
