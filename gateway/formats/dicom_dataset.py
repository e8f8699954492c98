"""Read from a data set what the index, the lists and the rules need; pixels are never touched.

Text goes through gateway.core.charset, so a name is right, or marked as a guess, wherever it is shown. The element
table below is all we look at; everything else stays in the object, which is kept as received.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Any

from gateway.core.charset import TextReader
from gateway.core.errors import Unreadable
from gateway.core.identifiers import InvalidUid, Uid
from gateway.formats.dicom_elements import ByteSource, open_dataset, pick
from gateway.formats.part10 import read_file_meta
from storage.model import Confidence, PatientName

# PS3.18 section 10.6 (what QIDO-RS returns) and what a viewer wants before it has the pixels.
ELEMENTS: dict[int, str] = {
    0x00080005: "CS", 0x00080008: "CS", 0x00080016: "UI", 0x00080018: "UI", 0x00080020: "DA", 0x00080021: "DA",
    0x00080022: "DA", 0x00080023: "DA", 0x0008002A: "DT", 0x00080030: "TM", 0x00080031: "TM", 0x00080032: "TM",
    0x00080033: "TM", 0x00080050: "SH", 0x00080060: "CS", 0x00080070: "LO", 0x00080080: "LO", 0x00080081: "ST",
    0x00080090: "PN", 0x00080201: "SH", 0x00081010: "SH", 0x00081030: "LO", 0x0008103E: "LO", 0x00081040: "LO",
    0x00081090: "LO", 0x00082144: "IS",
    0x00100010: "PN", 0x00100020: "LO", 0x00100021: "LO", 0x00100030: "DA", 0x00100040: "CS", 0x00101010: "AS",
    0x00180015: "CS", 0x00180050: "DS", 0x00180088: "DS", 0x00181030: "LO", 0x00181063: "DS", 0x00181164: "DS",
    0x00185100: "CS", 0x00185101: "CS", 0x0020000D: "UI", 0x0020000E: "UI", 0x00200010: "SH", 0x00200011: "IS",
    0x00200012: "IS", 0x00200013: "IS", 0x00200020: "CS", 0x00200032: "DS", 0x00200037: "DS", 0x00200052: "UI",
    0x00200060: "CS", 0x00201002: "IS", 0x00201041: "DS", 0x00201208: "IS", 0x00280002: "US", 0x00280004: "CS",
    0x00280006: "US", 0x00280008: "IS", 0x00280010: "US", 0x00280011: "US", 0x00280030: "DS", 0x00280100: "US",
    0x00280101: "US", 0x00280102: "US", 0x00280103: "US", 0x00280301: "CS", 0x00281040: "CS", 0x00281050: "DS",
    0x00281051: "DS", 0x00281052: "DS", 0x00281053: "DS", 0x00281054: "LO", 0x00281055: "LO", 0x00282110: "CS",
    0x0032000C: "CS", 0x00321060: "LO", 0x00400244: "DA", 0x00400245: "TM", 0x00400254: "LO", 0x00401003: "SH",
}
_WAVEFORM_SEQUENCE = 0x54000100
_WANTED = frozenset((*ELEMENTS, _WAVEFORM_SEQUENCE))
_JSON_NAMES = {tag: (vr, f"{tag:08X}") for tag, vr in ELEMENTS.items()}
_TEXT_VRS = ("PN", "LO", "SH", "ST")
_MAX_VALUE_BYTES = 1 << 14
ECG_SOP_CLASS_PREFIX = "1.2.840.10008.5.1.4.1.1.9.1."      # 12-lead, general, ambulatory, general 32-bit ECG


@dataclass(frozen=True, slots=True)
class DatasetHead:
    """The identity of one instance and what lists show of it. Text is decoded; "" or None: the data set has none."""

    transfer_syntax_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    patient_id: str
    patient_name: PatientName
    sex: str
    birth_date: date | None
    age_years: float | None
    modality: str
    body_part: str
    accession_number: str
    study_description: str
    study_date: date | None
    study_time: time | None
    utc_offset: timezone | None
    series_number: int | None
    series_description: str
    instance_number: int | None
    rows: int | None
    columns: int | None
    frame_count: int
    study_instance_count: int | None         # (0020,1208), if the device counts its study
    images_in_acquisition: int | None        # (0020,1002)
    priority: str                            # (0040,1003) or (0032,000C), upper case
    has_waveform: bool
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def is_ecg(self) -> bool:
        return self.sop_class_uid.startswith(ECG_SOP_CLASS_PREFIX)

    def study_at(self, zone: tzinfo) -> datetime | None:
        """Study date and time as the device's clock had it, in the zone it states or else in `zone`."""
        if self.study_date is None:
            return None
        local = datetime.combine(self.study_date, self.study_time or time(), tzinfo=self.utc_offset or zone)
        return local.astimezone(UTC)


def read_part10(source: ByteSource, *, device_codec: str | None = None) -> DatasetHead:
    """Read a DICOM file. Raises Unreadable with a named reason."""
    meta = read_file_meta(source)
    return read_dataset(source, meta.dataset_start, meta.transfer_syntax_uid, device_codec=device_codec)


def read_dataset(source: ByteSource, start: int, transfer_syntax_uid: str, *,
                 device_codec: str | None = None) -> DatasetHead:
    """Read the data set that begins at `start`, checking that it is whole. Raises Unreadable with a named reason."""
    elements, start, encoding = open_dataset(source, start, transfer_syntax_uid)
    raw = pick(elements, start, encoding, _WANTED, most_bytes=_MAX_VALUE_BYTES)
    has_waveform = raw.pop(_WAVEFORM_SEQUENCE, None) is not None
    if not raw:
        raise Unreadable("The data set has none of the elements that name an instance.", reason="not-dicom")
    reader = _Reader(raw, "<" if encoding.is_little_endian else ">", device_codec)
    return reader.head(transfer_syntax_uid, has_waveform)


class _Reader:
    def __init__(self, raw: dict[int, bytes], order: str, device_codec: str | None) -> None:
        self._raw = raw
        self._order = order
        sample = b" ".join(v for tag, v in raw.items() if ELEMENTS[tag] in _TEXT_VRS)
        self._texts = TextReader(raw.get(0x00080005, b""), device_codec=device_codec, sample=sample)

    def head(self, transfer_syntax_uid: str, has_waveform: bool) -> DatasetHead:
        birth_date = _date(self._ascii(0x00100030))
        study_date = _date(self._ascii(0x00080020))
        return DatasetHead(
            transfer_syntax_uid=transfer_syntax_uid,
            sop_class_uid=self._uid(0x00080016, "SOP Class UID"),
            sop_instance_uid=self._uid(0x00080018, "SOP Instance UID"),
            study_instance_uid=self._uid(0x0020000D, "Study Instance UID"),
            series_instance_uid=self._uid(0x0020000E, "Series Instance UID"),
            patient_id=self._text(0x00100020),
            patient_name=self._name(),
            sex=sex if (sex := self._ascii(0x00100040).upper()) in ("M", "F", "O") else "",
            birth_date=birth_date,
            age_years=_age_years(self._ascii(0x00101010), birth_date, study_date),
            modality=self._ascii(0x00080060).upper(),
            body_part=self._ascii(0x00180015).upper(),
            accession_number=self._text(0x00080050),
            study_description=self._text(0x00081030),
            study_date=study_date,
            study_time=_time(self._ascii(0x00080030)),
            utc_offset=_utc_offset(self._ascii(0x00080201)),
            series_number=self._integer(0x00200011),
            series_description=self._text(0x0008103E),
            instance_number=self._integer(0x00200013),
            rows=self._short(0x00280010),
            columns=self._short(0x00280011),
            frame_count=max(self._integer(0x00280008) or 1, 1),
            study_instance_count=_positive(self._integer(0x00201208)),
            images_in_acquisition=_positive(self._integer(0x00201002)),
            priority=(self._ascii(0x00401003) or self._ascii(0x0032000C)).upper(),
            has_waveform=has_waveform,
            attributes=self._attributes(),
        )

    def _ascii(self, tag: int) -> str:
        return self._raw.get(tag, b"").split(b"\\")[0].decode("ascii", "replace").strip("\0 ")

    def _text(self, tag: int) -> str:
        return self._texts.values(self._raw.get(tag, b""))[0]

    def _name(self) -> PatientName:
        if not self._raw.get(0x00100010):
            return PatientName(display="", confidence=Confidence.DECLARED)
        return self._texts.person_name(self._raw[0x00100010])

    def _uid(self, tag: int, words: str) -> str:
        text = self._raw.get(tag, b"").decode("latin-1").strip("\0 ")
        if not text:
            raise Unreadable(f"The data set has no {words}.", reason="missing-uid")
        try:
            return Uid.parse(text).value
        except InvalidUid as exc:
            raise Unreadable(f"The {words} cannot be used as a name.", reason="bad-uid") from exc

    def _integer(self, tag: int) -> int | None:
        value = _number(self._ascii(tag))
        return int(value) if value is not None and abs(value) < 2**31 else None

    def _short(self, tag: int) -> int | None:
        raw = self._raw.get(tag, b"")
        return int(struct.unpack_from(self._order + "H", raw)[0]) if len(raw) >= 2 else None

    def _attributes(self) -> dict[str, Any]:
        """DICOM JSON (PS3.18 Annex F), decoded to Unicode and therefore said to be UTF-8."""
        out: dict[str, Any] = {}
        raw = self._raw
        for tag, (vr, name) in _JSON_NAMES.items():
            if tag in raw:
                values = self._json_values(vr, raw[tag])
                is_empty = values[0] is None and not any(v is not None for v in values) if values else True
                out[name] = {"vr": vr} if is_empty else {"vr": vr, "Value": values}
        if 0x00080005 in self._raw or not all(value.isascii() for value in self._raw.values()):
            out["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}
        return out

    def _json_values(self, vr: str, raw: bytes) -> list[Any]:
        if vr in ("CS", "UI", "DA", "TM", "DT", "AS"):
            return [t.strip("\0 ") or None for t in raw.decode("ascii", "replace").split("\\")]
        if vr == "US":
            count = len(raw) // 2
            return list(struct.unpack_from(f"{self._order}{count}H", raw))
        if vr == "PN":
            return [_json_name(v) for v in self._texts.values(raw)]
        if vr == "ST":                       # one value, in which a backslash is a letter like any other
            return ["\\".join(self._texts.values(raw)).strip("\0 ") or None]
        texts = self._texts.values(raw) if vr in ("LO", "SH") else raw.decode("ascii", "replace").split("\\")
        texts = [t.strip("\0 ") for t in texts]
        if vr in ("DS", "IS"):
            return [_json_number(vr, t) for t in texts]
        return [t or None for t in texts]


def _json_name(text: str) -> dict[str, str] | None:
    groups = dict(zip(("Alphabetic", "Ideographic", "Phonetic"), text.split("="), strict=False))
    return {name: group for name, group in groups.items() if group} or None


def _json_number(vr: str, text: str) -> float | int | None:
    value = _number(text)
    if value is None:
        return None
    return int(value) if vr == "IS" else value


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < 1e300 else None            # infinities and NaN are no DICOM numbers


def _positive(value: int | None) -> int | None:
    return value if value is not None and value > 0 else None


def _date(text: str) -> date | None:
    digits = text.replace(".", "").replace("-", "")         # the old form 1993.08.22 is still met (PS3.5 6.2, DA)
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8])) if len(digits) == 8 else None
    except ValueError:
        return None


def _time(text: str) -> time | None:
    digits, _, fraction = text.replace(":", "").partition(".")
    digits = digits.ljust(6, "0")
    try:
        return time(int(digits[:2]), int(digits[2:4]), min(int(digits[4:6]), 59),
                    int(fraction[:6].ljust(6, "0")) if fraction else 0)
    except ValueError:
        return None


def _utc_offset(text: str) -> timezone | None:
    if len(text) != 5 or text[0] not in "+-" or not text[1:].isdecimal():
        return None
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[3:5]))
    return timezone(offset if text[0] == "+" else -offset) if offset < timedelta(hours=15) else None


def _age_years(text: str, birth_date: date | None, study_date: date | None) -> float | None:
    days_a_unit = {"Y": 365.25, "M": 30.4375, "W": 7.0, "D": 1.0}
    if len(text) >= 2 and text[-1].upper() in days_a_unit and text[:-1].isdecimal():
        return round(int(text[:-1]) * days_a_unit[text[-1].upper()] / 365.25, 4)
    if birth_date and study_date and study_date >= birth_date:
        return round((study_date - birth_date).days / 365.25, 4)
    return None
