"""The text header of a WFDB record (WFDB header(5)): what lies where, and what a unit is worth."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal

from gateway.core.errors import Unreadable

_RECORD = re.compile(r"([^\s/]+)(?:/(\d+))?\s+(\d{1,9})(?:\s+([0-9.eE+-]+)(?:/\S+)?"
                     r"(?:\s+(\d{1,18})(?:\s+(\S+)(?:\s+(\S+))?)?)?)?\s*$")
_STORAGE = re.compile(r"(\d{1,4})(?:x(\d{1,6}))?(?::(\d{1,9}))?(?:\+(\d{1,9}))?$")
_GAIN = re.compile(r"([0-9.eE+-]+)(?:\((-?\d{1,12})\))?(?:/(\S+))?$")
_SEGMENT = re.compile(r"([^\s/]+)\s+(\d{1,12})\s*$")
MAX_SIGNALS = 64
MAX_SEGMENTS = 1000
MAX_SAMPLES = 20_000_000


@dataclass(frozen=True, slots=True)
class Signal:
    """One line of the header."""

    file_name: str
    storage: int
    samples_per_frame: int
    skew: int
    byte_offset: int
    gain: Decimal | None                 # units of the ADC for one `unit`; None: not stated
    baseline: int
    unit: str
    initial_value: int | None
    checksum: int | None
    description: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One line of a record in segments. The name "~" is a stretch in which nothing was recorded."""

    name: str
    sample_count: int


@dataclass(frozen=True, slots=True)
class Header:
    """A header. `sample_count` counts frames: signals with several samples a frame hold so many times more."""

    name: str
    signals: tuple[Signal, ...]
    sampling_frequency_hz: Decimal | None
    sample_count: int | None
    recorded_at: datetime | None
    comments: tuple[str, ...]
    segments: tuple[Segment, ...] = ()


def parse(text: str, *, time_zone: tzinfo) -> Header:
    """Read a header. Raises Unreadable: wfdb-header, wfdb-too-large."""
    lines = [line.strip() for line in text.splitlines()]
    comments = tuple(line[1:].strip() for line in lines if line.startswith("#"))
    lines = [line for line in lines if line and not line.startswith("#")]
    record = _RECORD.match(lines[0]) if lines else None
    if record is None:
        raise Unreadable("The first line of the WFDB header cannot be understood.", reason="wfdb-header")
    name, segments, count, frequency, samples, at, on = record.groups()
    if int(count) > MAX_SIGNALS or int(samples or 0) * max(1, int(count)) > MAX_SAMPLES:
        raise Unreadable("The header announces more samples than any ECG has.", reason="wfdb-too-large")
    described = int(segments) if segments else int(count)
    if len(lines) < 1 + described or described == 0 or described > MAX_SEGMENTS:
        raise Unreadable(f"The header announces {described} {'segments' if segments else 'signals'}, "
                         "not all described.", reason="wfdb-header")
    hertz = _decimal(frequency)
    if hertz is not None and hertz <= 0:
        raise Unreadable("The sampling frequency is not a positive number.", reason="wfdb-header")
    following = lines[1:1 + described]
    return Header(name=name, signals=() if segments else tuple(_signal(line) for line in following),
                  sampling_frequency_hz=hertz, sample_count=int(samples) if samples and int(samples) else None,
                  recorded_at=_time(at, on, time_zone), comments=comments,
                  segments=tuple(_segment(line) for line in following) if segments else ())


def _segment(line: str) -> Segment:
    found = _SEGMENT.match(line)
    if found is None:
        raise Unreadable(f"A segment line cannot be understood: {line[:60]!r}.", reason="wfdb-header")
    return Segment(found.group(1), int(found.group(2)))


def _signal(line: str) -> Signal:
    parts = line.split(None, 8)
    storage = _STORAGE.match(parts[1]) if len(parts) > 1 else None
    if storage is None or storage.group(2) == "0" * len(storage.group(2) or "0"):
        raise Unreadable(f"A signal line cannot be understood: {line[:60]!r}.", reason="wfdb-header")
    gain, baseline, unit = None, None, "mV"
    if len(parts) > 2 and (found := _GAIN.match(parts[2])):
        gain = _decimal(found.group(1))
        baseline = int(found.group(2)) if found.group(2) is not None else None
        unit = found.group(3) or "mV"
    zero = _integer(parts, 4)
    return Signal(
        file_name=parts[0], storage=int(storage.group(1)), samples_per_frame=int(storage.group(2) or 1),
        skew=int(storage.group(3) or 0), byte_offset=int(storage.group(4) or 0),
        gain=gain if gain else None, baseline=baseline if baseline is not None else zero or 0, unit=unit,
        initial_value=_integer(parts, 5), checksum=_integer(parts, 6),
        description=parts[8].strip() if len(parts) > 8 else "",
    )


def _integer(parts: list[str], index: int) -> int | None:
    text = parts[index] if len(parts) > index else ""
    return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text) else None


def _decimal(text: str | None) -> Decimal | None:
    if not text or not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", text):
        return None
    return Decimal(text)


def _time(clock: str | None, day: str | None, time_zone: tzinfo) -> datetime | None:
    """Base time hh:mm:ss[.f] and base date DD/MM/YYYY; None unless both are there."""
    if not clock or not day:
        return None
    time = re.fullmatch(r"(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?", clock)
    date = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", day)
    if not time or not date:
        return None
    try:
        return datetime(int(date.group(3)), int(date.group(2)), int(date.group(1)), int(time.group(1)),
                        int(time.group(2)), int(time.group(3)), int((time.group(4) or "0").ljust(6, "0")),
                        tzinfo=time_zone)
    except ValueError:
        return None
