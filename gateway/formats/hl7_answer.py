"""Write the answer to an HL7 v2 message: MSH, MSA and one ERR a fault (HL7 v2.5.1 2.9.2, 2.14.5). Pure.

AA: done. AE: the content or form is at fault, sending it again will not help. AR: refused for another reason (type,
version, an unknown sender, storage); it may help to send it again later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.formats.hl7_message import Header, escape

SENDING_APPLICATION = "READING_GATEWAY"


class AckCode(StrEnum):
    ACCEPT = "AA"
    ERROR = "AE"
    REJECT = "AR"


class FaultCode(StrEnum):
    """HL7 table 0357."""

    ACCEPTED = "0"
    SEGMENT_SEQUENCE = "100"
    FIELD_MISSING = "101"
    DATA_TYPE = "102"
    NOT_IN_TABLE = "103"
    UNSUPPORTED_TYPE = "200"
    UNSUPPORTED_EVENT = "201"
    UNSUPPORTED_PROCESSING_ID = "202"
    UNSUPPORTED_VERSION = "203"
    UNKNOWN_KEY = "204"
    DUPLICATE_KEY = "205"
    LOCKED = "206"
    INTERNAL = "207"


_WORDS = {
    FaultCode.ACCEPTED: "Message accepted", FaultCode.SEGMENT_SEQUENCE: "Segment sequence error",
    FaultCode.FIELD_MISSING: "Required field missing", FaultCode.DATA_TYPE: "Data type error",
    FaultCode.NOT_IN_TABLE: "Table value not found", FaultCode.UNSUPPORTED_TYPE: "Unsupported message type",
    FaultCode.UNSUPPORTED_EVENT: "Unsupported event code",
    FaultCode.UNSUPPORTED_PROCESSING_ID: "Unsupported processing id",
    FaultCode.UNSUPPORTED_VERSION: "Unsupported version id", FaultCode.UNKNOWN_KEY: "Unknown key identifier",
    FaultCode.DUPLICATE_KEY: "Duplicate key identifier", FaultCode.LOCKED: "Application record locked",
    FaultCode.INTERNAL: "Application internal error",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where; a remark does not stop the message."""

    code: FaultCode
    text: str                                # for a person
    segment: str = ""
    segment_position: int = 1                # among the segments of its name
    field: int = 0
    is_remark: bool = False


def write_answer(header: Header, code: AckCode, faults: list[Fault], *, at: datetime, control_id: str,
                 codec: str = "utf-8") -> bytes:
    """Return the answer without its frame. `control_id` is ours; MSA-2 repeats the sender's."""
    separators = header.separators
    field, component = separators[0], separators[1]

    def said(text: str) -> str:
        return escape(text, separators)

    structure = component.join(("ACK", header.trigger_event, "ACK") if header.trigger_event else ("ACK",))
    msh = ["MSH" + field + separators[1:], SENDING_APPLICATION, said(header.receiving_facility),
           said(header.sending_application), said(header.sending_facility), at.strftime("%Y%m%d%H%M%S%z"), "",
           structure, said(control_id), said(header.processing_id or "P"), said(header.version or "2.5.1"),
           "", "", "", "", "", said(header.character_set)]
    worst = next((fault.text for fault in faults if not fault.is_remark), "")
    msa = ["MSA", code.value, header.control_id, said(worst[:80])]
    lines = [msh, msa, *(_err(fault, header) for fault in faults)]
    return "".join(field.join(line).rstrip(field) + "\r" for line in lines).encode(codec, "replace")


def _err(fault: Fault, header: Header) -> list[str]:
    component = header.separators[1]
    place = [fault.segment, str(fault.segment_position), *([str(fault.field)] if fault.field else [])]
    location = component.join(place) if fault.segment else ""
    code = component.join((fault.code.value, _WORDS[fault.code], "HL70357"))
    text = escape(fault.text, header.separators)
    if _is_before_2_5(header.version):       # ERR-1 alone: where and what in one (HL7 v2.3.1 2.24.7)
        inner = header.separators[4:5] or component
        place = [*place, ""] if len(place) == 2 else place
        return ["ERR", component.join([*(place if fault.segment else ["", "", ""]),
                                       inner.join((fault.code.value, text or _WORDS[fault.code], "HL70357"))])]
    severity = "W" if fault.is_remark else "E"
    return ["ERR", "", location, code, severity, "", "", "", text]


def _is_before_2_5(version: str) -> bool:
    parts = version.split(".")
    return len(parts) > 1 and parts[0] == "2" and parts[1].isdigit() and int(parts[1]) < 5
