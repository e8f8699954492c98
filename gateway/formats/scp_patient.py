"""Section 1 of SCP-ECG: who, when, with which device and filters (EN 1064, 5.4).

Seen in files: dates in the wrong byte order, a device block longer than 40 bytes, lengths that overrun the section,
height without unit. What cannot be understood is left out and said.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo

from gateway.core.waveform import EcgPatient
from gateway.formats.filter_text import filter_text
from gateway.formats.scp_text import ScpText

LAST_NAME, FIRST_NAME, PATIENT_ID, SECOND_LAST_NAME, AGE, BIRTH_DATE, SEX = 0, 1, 2, 3, 4, 5, 8
DEVICE, RECORDED_DATE, RECORDED_TIME, LOW_CUT, HIGH_CUT, FILTER_BITS, TIME_ZONE = 14, 25, 26, 27, 28, 29, 34
END = 255
_YEARS = {1: 1.0, 2: 1 / 12, 3: 7 / 365.25, 4: 1 / 365.25, 5: 1 / 8766}
_MAKERS = (
    "", "Burdick", "Cambridge", "Compumed", "Datamed", "Fukuda", "Hewlett-Packard", "Marquette Electronics",
    "Mortara Instruments", "Nihon Kohden", "Okin", "Quinton", "Siemens", "Spacelabs", "Telemed", "Hellige",
    "ESA-OTE", "Schiller", "Picker-Schwarzer", "et medical devices", "Zwönitz",
)


@dataclass(frozen=True, slots=True)
class ScpOrigin:
    """What Section 1 tells."""

    patient: EcgPatient
    recorded_at: datetime | None
    device_model: str
    device_serial: str
    device_maker: str
    filters: str
    text: ScpText                            # how this file's texts are read, for the other sections


def read_origin(body: bytes, other_text: bytes, *, time_zone: tzinfo, warnings: list[str]) -> ScpOrigin:
    """Section 1 without its header; `other_text` are the file's other texts, which help to guess the characters."""
    values = _values(body, warnings)
    device = values.get(DEVICE, b"")
    names = [values.get(tag, b"") for tag in (LAST_NAME, FIRST_NAME, SECOND_LAST_NAME)]
    language = device[16] if len(device) > 16 else 0
    text = ScpText(language, b" ".join([*names, values.get(PATIENT_ID, b""), other_text]))
    name, codec, is_guessed, raw_hex = text.name(names[0], names[2], names[1])
    sex = values.get(SEX, b"\0")[:1]
    patient = EcgPatient(
        patient_id=text.text(values.get(PATIENT_ID, b"")), name=name,
        sex={b"\1": "M", b"\2": "F", b"\x09": "O"}.get(sex, ""),
        birth_date=_date(values.get(BIRTH_DATE, b""), "date of birth", warnings),
        age_years=_age(values.get(AGE, b"")), name_encoding=codec, is_name_guessed=is_guessed, name_raw_hex=raw_hex)
    model, serial, maker = _device(device, text)
    return ScpOrigin(patient, _recorded_at(values, time_zone, warnings), model, serial, maker, _filters(values), text)


def _values(body: bytes, warnings: list[str]) -> dict[int, bytes]:
    """The first value of each tag."""
    values: dict[int, bytes] = {}
    at = 0
    while at + 3 <= len(body) and body[at] != END:
        tag, size = struct.unpack_from("<BH", body, at)
        at += 3
        if at + size > len(body):
            warnings.append(f"Tag {tag} of the patient section is longer than the section; it and what follows "
                            "are not read.")
            break
        values.setdefault(tag, body[at:at + size])
        at += size
    return values


def _date(value: bytes, what: str, warnings: list[str]) -> date | None:
    if len(value) < 4 or not any(value[:4]):
        return None
    little, big = struct.unpack_from("<H", value)[0], struct.unpack_from(">H", value)[0]
    year = little
    if not 1800 <= little <= 2200 and 1800 <= big <= 2200:
        year = big
        warnings.append(f"The year of the {what} is written in the wrong byte order; read as {big}.")
    try:
        return date(year, value[2], value[3])
    except ValueError:
        warnings.append(f"The {what} is not a date.")
        return None


def _recorded_at(values: dict[int, bytes], time_zone: tzinfo, warnings: list[str]) -> datetime | None:
    day = _date(values.get(RECORDED_DATE, b""), "recording date", warnings)
    clock = values.get(RECORDED_TIME, b"")
    if day is None:
        warnings.append("The file does not say when the ECG was recorded.")
        return None
    try:
        of_day = time(clock[0], clock[1], clock[2])
    except (IndexError, ValueError):
        warnings.append(f"The file says that the ECG was recorded on {day}, but not when.")
        return None
    return datetime.combine(day, of_day, tzinfo=_zone(values.get(TIME_ZONE, b"")) or time_zone)


def _zone(value: bytes) -> tzinfo | None:
    """Tag 34: minutes east of Greenwich, 7FFFh if not known."""
    if len(value) < 2:
        return None
    minutes = struct.unpack_from("<h", value)[0]
    return timezone(timedelta(minutes=minutes)) if abs(minutes) <= 15 * 60 else None


def _age(value: bytes) -> float | None:
    if len(value) < 3:
        return None
    age, unit = struct.unpack_from("<HB", value)
    return round(age * _YEARS[unit], 3) if age and unit in _YEARS else None


def _device(value: bytes, text: ScpText) -> tuple[str, str, str]:
    """Model, serial number and maker from the machine's identification (tag 14)."""
    if len(value) < 14:
        return "", "", ""
    model = text.text(value[8:14])
    # Behind 36 bytes: analysing program, serial number, system software, SCP software, maker; each ends in a zero.
    strings: Sequence[str] = [text.text(part) for part in value[36:].split(b"\0")]
    serial = strings[1] if len(strings) > 1 else ""
    maker = strings[4] if len(strings) > 4 else ""
    code = value[7]
    return model, "" if serial == "unknown" else serial, maker or (_MAKERS[code] if code < len(_MAKERS) else "")


def _filters(values: dict[int, bytes]) -> str:
    low, high, bits = (values.get(tag, b"") for tag in (LOW_CUT, HIGH_CUT, FILTER_BITS))
    low_hundredths = struct.unpack_from("<H", low)[0] if len(low) >= 2 else 0
    high_hz = struct.unpack_from("<H", high)[0] if len(high) >= 2 else 0
    notch = bits[0] & 3 if bits else 0
    return filter_text(f"{low_hundredths / 100:g}" if low_hundredths else "", str(high_hz) if high_hz else "",
                       {1: "60", 2: "50", 3: "50/60"}.get(notch, ""))
