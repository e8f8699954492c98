r"""ECG files out of an HL7 v2 result: ORU^R01 with aECG, SCP or PDF inside OBX-5 (HL7 v2.5.1 7.3.1, 2.A.24). Pure.

A file is embedded as ED (base64, hexadecimal, or text), or as plain text of ST, TX or FT with HL7's own escapes. What
it is, its bytes tell; the type that OBX-5.2 and 5.3 claim is not asked. PID, ORC and OBR give the envelope for a file
that is silent itself. Numbers without a waveform are no ECG.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import tzinfo

from gateway.core.ecg_envelope import EcgEnvelope
from gateway.core.waveform import EcgPatient
from gateway.formats.ecg import recognise
from gateway.formats.hl7_answer import Fault, FaultCode
from gateway.formats.hl7_message import CLEARED, Message, Segment, unescape
from gateway.formats.hl7_orders import identifier, moment, read_patient

RESULT_MESSAGES = frozenset({("ORU", "R01")})
SOURCE = "HL7 message"
_TEXT_TYPES = frozenset({"ST", "TX", "FT"})
_XML_ENCODING = re.compile(r"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_SHORTEST_BASE64 = 64
# What a file's text may be written in. Python knows more "encodings" that are none (idna, undefined, unicode_escape).
_CHARACTER_SETS = re.compile(
    r"ascii|utf-(8|8-sig|(16|32)(-[lb]e)?)|iso8859-\d+|cp\d+|gb(k|2312|18030)|big5(hkscs)?|euc_(jp|kr)|shift_jis|koi8-[ru]")


@dataclass(frozen=True, slots=True)
class EmbeddedFile:
    """One file of a message. `data` is empty where it could not be taken out; then there is a fault of its place."""

    data: bytes
    place: int                           # of its OBX among all, from 1
    envelope: EcgEnvelope
    placer_numbers: tuple[str, ...]      # how ORC-2 and OBR-2 name the order, the fullest first
    device_names: tuple[str, ...]        # what OBX-18 calls the cart

    def fault(self, code: FaultCode, text: str, *, is_remark: bool = False) -> Fault:
        return Fault(code, f"OBX {self.place}: {text}", "OBX", self.place, 5, is_remark)


@dataclass(frozen=True, slots=True)
class Results:
    """What a message holds."""

    files: tuple[EmbeddedFile, ...]
    faults: tuple[Fault, ...]            # of files that cannot be taken out
    remarks: tuple[Fault, ...]           # of the rest: taken all the same
    value_count: int                     # OBX with values and no file


class _Damaged(Exception):
    """The bytes cannot be taken out of the field."""


def read_results(message: Message, *, zone: tzinfo) -> Results:
    """Return the files of a message, each with its envelope, and everything that is wrong with it."""
    doubts: list[Fault] = []
    pid = message.first("PID")
    said = read_patient(pid, message.first("PV1"), zone, doubts) if pid is not None else None
    patient = EcgPatient()
    if said is not None:
        texts = {name: "" if (text := getattr(said, name)) == CLEARED else text
                 for name in ("patient_id", "id_card_number", "visit_number", "patient_name", "sex")}
        patient = EcgPatient(patient_id=texts["patient_id"] or texts["id_card_number"] or texts["visit_number"],
                             name=texts["patient_name"], sex=texts["sex"], birth_date=said.birth_date)
    files: list[EmbeddedFile] = []
    faults: list[Fault] = []
    values = 0
    for obx, order, request in _observations(message):
        envelope, numbers = _envelope(patient, order, request, obx, zone, doubts)
        found = EmbeddedFile(b"", obx.position, envelope, numbers, _device_names(obx))
        try:
            embedded = list(_embedded(obx))
        except _Damaged as exc:
            faults.append(found.fault(FaultCode.DATA_TYPE, str(exc)))
            continue
        files += [replace(found, data=data) for data in embedded]
        values += not embedded
    remarks = [replace(doubt, is_remark=True, code=FaultCode.ACCEPTED) for doubt in doubts]
    return Results(tuple(files), tuple(faults), tuple(dict.fromkeys(remarks)), values)


def _observations(message: Message) -> Iterator[tuple[Segment, Segment | None, Segment | None]]:
    """Each OBX with the ORC and OBR that it follows; an ORC comes before its OBR (HL7 v2.5.1 7.3.1)."""
    orc: Segment | None = None
    obr: Segment | None = None
    for segment in message.segments:
        if segment.name == "ORC":
            orc, obr = segment, None
        elif segment.name == "OBR":
            orc, obr = (orc if obr is None else None), segment
        elif segment.name == "OBX":
            yield segment, orc, obr


def _envelope(patient: EcgPatient, orc: Segment | None, obr: Segment | None, obx: Segment, zone: tzinfo,
              doubts: list[Fault]) -> tuple[EcgEnvelope, tuple[str, ...]]:
    numbers = [text for segment in (orc, obr) if segment is not None
               for text in (identifier(segment, 2), segment.text(2)) if text]
    times = [(obx, 14), (obr, 7)]
    at = next((found[1] for segment, field in times if segment is not None and segment.text(field)
               and (found := moment(segment, field, zone, doubts)) is not None), None)
    accession = obr.text(18) if obr is not None else ""
    return EcgEnvelope(SOURCE, patient, accession_number=accession, recorded_at=at), tuple(dict.fromkeys(numbers))


def _device_names(obx: Segment) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for place in (1, 2, 3) if (text := obx.text(18, place))))


def _embedded(obx: Segment) -> Iterator[bytes]:
    """The files of one OBX. Raises _Damaged."""
    kind = obx.text(2).upper()
    if kind == "RP":
        raise _Damaged("a reference to a file elsewhere (RP); the file itself is needed (ED).")
    if kind == "ED":
        for repetition in obx.repetitions(5):
            yield _of_ed(obx, repetition)
    elif kind in _TEXT_TYPES:
        text = unescape(obx.field(5), obx.separators, codec=obx.codec).strip()
        if text.startswith("<"):
            yield _as_written(text)
        elif len(text) >= _SHORTEST_BASE64 and (data := _base64(text)) is not None and recognise(data) is not None:
            yield data


def _of_ed(obx: Segment, repetition: str) -> bytes:
    """ED: source application, type, subtype, encoding, data."""
    encoding, text = obx.part(repetition, 4).upper().replace("-", ""), obx.part(repetition, 5)
    if not text:
        raise _Damaged("no data in OBX-5.5.")
    if encoding in ("HEX", "BASE16"):
        try:
            return bytes.fromhex("".join(text.split()))
        except ValueError as exc:
            raise _Damaged("OBX-5.5 is not hexadecimal.") from exc
    if encoding in ("A", "ASCII", "TEXT", "NONE", "8BIT") or text.startswith("<"):
        return _as_written(text)
    data = _base64(text)
    if data is None:
        raise _Damaged("OBX-5.5 is not base64, as OBX-5.4 says." if encoding else "OBX-5.4 names no encoding.")
    return data


def _base64(text: str) -> bytes | None:
    """Strict: a character that does not belong there means that something was lost on the way."""
    plain = "".join(text.split())
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _as_written(text: str) -> bytes:
    """Text of a message as the bytes of a file, in the encoding that its XML declaration names."""
    found = _XML_ENCODING.match(text)
    codec = {"GBK": "gb18030", "GB2312": "gb18030"}.get(found[1].upper(), found[1]) if found else "utf-8"
    try:
        if _CHARACTER_SETS.fullmatch(codecs.lookup(codec).name) is None:
            raise _Damaged(f"its XML declaration names {codec}, which is no character set.")
        return text.encode(codec)
    except (LookupError, UnicodeError) as exc:
        raise _Damaged(f"its text does not fit the encoding {codec} that its XML declaration names.") from exc
