"""The header of EDF, EDF+ and BDF (Kemp 1992, Kemp and Olivan 2003): fixed fields of text, then columns by signal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from fractions import Fraction

from gateway.core.charset import utf8_or_chinese
from gateway.core.errors import Unreadable

FIXED_BYTES = 256
MAX_SIGNALS = 512
BDF_VERSION = b"\xffBIOSEMI"
_COLUMNS = (("label", 16), ("transducer", 80), ("unit", 8), ("physical_min", 8), ("physical_max", 8),
            ("digital_min", 8), ("digital_max", 8), ("prefilter", 80), ("samples", 8), ("reserved", 32))
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?$")
_WHOLE = re.compile(r"[+-]?\d{1,9}$")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True, slots=True)
class Signal:
    """One column of the header. `scale` is physical units a digital unit; None where the limits give none."""

    label: str
    unit: str
    prefilter: str
    samples_per_record: int
    scale: Fraction | None
    baseline: Fraction                   # in digital units, added before scaling

    @property
    def is_annotations(self) -> bool:
        return self.label in ("EDF Annotations", "BDF Annotations")


@dataclass(frozen=True, slots=True)
class Header:
    version: str                         # "EDF", "EDF+C", "EDF+D"; for BDF the same with BDF
    sample_bytes: int                    # 2, or 3 in BDF
    patient: str
    recording: str
    started_at: datetime | None
    header_bytes: int
    record_count: int                    # -1: not known when the header was written
    record_duration_s: Fraction
    signals: tuple[Signal, ...]


def looks_right(data: bytes) -> bool:
    """True if the fixed part is as EDF prescribes: version, dotted date and time, and a length that fits."""
    if len(data) < FIXED_BYTES or data[:8] not in (b"0       ", BDF_VERSION):
        return False
    count, length = data[252:256].strip(), data[184:192].strip()
    return (re.match(rb"\d\d[.:/-]\d\d[.:/-]\d\d\d\d[.:]\d\d[.:]\d\d", data[168:184]) is not None
            and count.isdigit() and length.isdigit() and int(length) == FIXED_BYTES * (1 + int(count)))


def parse(data: bytes, *, time_zone: tzinfo) -> Header:
    """Read the header. Raises Unreadable: edf-header, edf-too-large."""
    count = _whole(_field(data, 252, 4), "number of signals")
    if not 1 <= count <= MAX_SIGNALS:
        raise Unreadable(f"The header announces {count} signals.", reason="edf-header")
    header_bytes = FIXED_BYTES * (1 + count)
    if len(data) < header_bytes:
        raise Unreadable("The file ends inside its header.", reason="edf-header")
    columns: dict[str, list[str]] = {}
    at = FIXED_BYTES
    for name, width in _COLUMNS:
        columns[name] = [_field(data, at + number * width, width) for number in range(count)]
        at += width * count
    duration = _number(_field(data, 244, 8))
    if duration is None or duration < 0:
        raise Unreadable("The duration of a data record cannot be understood.", reason="edf-header")
    is_bdf = data[:8] == BDF_VERSION
    plus = re.match(r"[EB]DF\+[CD]", _field(data, 192, 44))
    version = plus.group() if plus else "BDF" if is_bdf else "EDF"
    recording = _field(data, 88, 80)
    return Header(
        version=version, sample_bytes=3 if is_bdf else 2, patient=_field(data, 8, 80), recording=recording,
        started_at=_start(_field(data, 168, 8), _field(data, 176, 8), recording if plus else "", time_zone),
        header_bytes=header_bytes, record_count=_whole(_field(data, 236, 8), "number of records"),
        record_duration_s=duration, signals=tuple(_signal(columns, number) for number in range(count)),
    )


def patient_fields(header: Header) -> tuple[str, str, date | None, str]:
    """Code, sex (M, F or ""), date of birth and name. Plain EDF has one free text, taken as the code."""
    if "+" not in header.version:
        return header.patient, "", None, ""
    parts = [part.replace("_", " ") if part != "X" else "" for part in header.patient.split()] + [""] * 4
    return parts[0], parts[1] if parts[1] in ("M", "F") else "", _date(parts[2]), parts[3]


def equipment(header: Header) -> str:
    """The equipment code of EDF+, "" if unknown."""
    parts = header.recording.split()
    is_named = "+" in header.version and len(parts) > 4 and parts[0] == "Startdate" and parts[4] != "X"
    return parts[4].replace("_", " ") if is_named else ""


def _signal(columns: dict[str, list[str]], number: int) -> Signal:
    text = {name: values[number] for name, values in columns.items()}
    scale, baseline = _scale(*(_number(text[name]) for name in ("physical_min", "physical_max", "digital_min",
                                                                 "digital_max")))
    samples = _whole(text["samples"], "number of samples")
    if samples < 0:
        raise Unreadable("A signal announces fewer than no samples.", reason="edf-header")
    return Signal(label=text["label"], unit=text["unit"], prefilter=text["prefilter"], samples_per_record=samples,
                  scale=scale, baseline=baseline)


def _scale(low: Fraction | None, high: Fraction | None, least: Fraction | None,
           most: Fraction | None) -> tuple[Fraction | None, Fraction]:
    """Physical units a digital one, and what is added before; none where the limits do not tell."""
    if low is None or high is None or least is None or most is None or high == low or most == least:
        return None, Fraction(0)
    scale = (high - low) / (most - least)
    return scale, low / scale - least


def _start(day: str, clock: str, recording: str, time_zone: tzinfo) -> datetime | None:
    """EDF's two digits of the year mean 1985 to 2084; EDF+ repeats the date in full, or says X for unknown."""
    words = recording.split()
    if len(words) > 1 and words[0] == "Startdate":
        on = _date(words[1])
    else:
        parts = [int(part) for part in re.findall(r"\d\d", day)]
        on = _calendar(parts[2] + (1900 if parts[2] >= 85 else 2000), parts[1], parts[0]) if len(parts) == 3 else None
    found = re.fullmatch(r"(\d\d)[.:](\d\d)[.:](\d\d)", clock)
    if on is None or found is None:
        return None
    try:
        hour, minute, second = (int(part) for part in found.groups())
        return datetime.combine(on, time(hour, minute, second), tzinfo=time_zone)
    except ValueError:
        return None


def _date(text: str) -> date | None:
    """dd-MMM-yyyy, English months, as EDF+ writes dates."""
    found = re.fullmatch(r"(\d{1,2})-([A-Za-z]{3})-(\d{4})", text)
    if not found or found.group(2).upper() not in _MONTHS:
        return None
    return _calendar(int(found.group(3)), _MONTHS.index(found.group(2).upper()) + 1, int(found.group(1)))


def _calendar(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _field(data: bytes, at: int, width: int) -> str:
    """One text field; ASCII by the standard, Chinese in files that bend it; "µ" in Latin-1 is common."""
    raw = data[at:at + width].replace(b"\0", b" ").strip()
    if raw[:1] == b"\xb5":
        return raw.decode("latin-1")
    return utf8_or_chinese(raw)


def _whole(text: str, what: str) -> int:
    if not _WHOLE.match(text):
        raise Unreadable(f"The {what} in the header cannot be understood: {text[:20]!r}.", reason="edf-header")
    return int(text)


def _number(text: str) -> Fraction | None:
    cleaned = text.replace(",", ".")
    return Fraction(cleaned) if _NUMBER.match(cleaned) else None
