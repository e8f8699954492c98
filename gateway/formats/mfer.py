"""MFER (ISO 22077-1, and -2 for electrocardiograms), as Nihon Kohden, Fukuda and Suzuken carts write it.

Frames that follow each other under the same definitions are one recording; a gap between their pointers has no value.
A frame of type 9 is the dominant beat. The sensitivity is never guessed: a voltage without one is a refusal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo

import numpy as np
from numpy.typing import NDArray

from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgLead, EcgMark, EcgPatient, EcgRecord
from gateway.formats import lead_names, mfer_frames
from gateway.formats import mfer_definitions as mfer
from gateway.formats.filter_text import filter_text
from gateway.formats.mfer_definitions import Attributes, Channel, Definition
from gateway.formats.mfer_frames import Frame
from gateway.formats.mfer_text import MferText, person_name

NAME = "mfer"
MAX_SAMPLES = 20_000_000
MAX_PIECES = 100_000                          # frames times channels: two hours of seconds in twelve leads
_DEFAULT_INTERVAL_US = 1000.0                 # ISO 22077-1: without 0Bh the sampling frequency is 1000 Hz
_DOMINANT_BEAT = 9
_LAYOUT = frozenset({mfer.BLOCK, mfer.CHANNELS, mfer.SEQUENCES, mfer.DATA_TYPE, mfer.INTERVAL, mfer.SENSITIVITY})
_FILTER = re.compile(r"(HPF|LPF|BEF)\s*=\s*(\d+(?:\.\d+)?)", re.IGNORECASE)


def recognise(data: bytes) -> bool:
    """True for the preamble "MFR ", or for definitions alone that lead without a break to samples."""
    if data[:1] == b"\x40" and data[2:6] == b"MFR ":
        return True
    if not data or data[0] == 0 or data[0] not in mfer.KNOWN_TAGS:
        return False
    seen: set[int] = set()
    try:
        for definition in mfer.definitions(data):
            seen.add(definition.tag)
            if definition.tag not in mfer.KNOWN_TAGS:
                return False
            if definition.tag == mfer.WAVEFORM:
                return len(seen & _LAYOUT) >= 3 and len(definition.value) > 1
    except Unreadable:
        return False
    return False


def read(data: bytes, *, time_zone: tzinfo) -> EcgRecord:
    """Decode the recording. Raises Unreadable with a reason that begins with "mfer-"."""
    reading = _Reading(time_zone)
    for definition in mfer.definitions(data):
        reading.take(definition)
    if not reading.frames:
        raise Unreadable("The file holds no samples.", reason="mfer-no-samples")
    beats = [frame for frame in reading.frames if frame.channels[0].waveform_type == _DOMINANT_BEAT]
    rhythm = [frame for frame in reading.frames if frame.channels[0].waveform_type != _DOMINANT_BEAT]
    warnings = reading.warnings
    if not rhythm:
        raise Unreadable("The file holds a dominant beat only, no recording.", reason="mfer-no-rhythm")
    leads, interval_us = _leads(rhythm, reading.text, warnings)
    beat_leads, beat_interval_us = _leads(beats[:1], reading.text, warnings) if beats else ((), 0.0)
    if reading.recorded_at is None:
        warnings.append("The file does not say when the ECG was recorded.")
    return EcgRecord(
        format=NAME, interval_us=interval_us, leads=leads, recorded_at=reading.recorded_at,
        patient=reading.patient(), device_maker=reading.maker[0], device_model=reading.maker[1],
        device_serial=reading.maker[3], filters=_filters(reading.filter_texts), representative_beats=beat_leads,
        beat_interval_us=beat_interval_us, marks=reading.marks(interval_us),
        notes=tuple(note for note in reading.notes if note),
        warnings=tuple(dict.fromkeys(warnings)),
    )


class _Reading:
    """What the definitions have said so far."""

    def __init__(self, time_zone: tzinfo) -> None:
        self.frames: list[Frame] = []
        self.text = MferText()
        self.warnings: list[str] = []
        self.recorded_at: datetime | None = None
        self.maker = ("", "", "", "")
        self.filter_texts: list[str] = []
        self.notes: list[str] = []
        self._time_zone = time_zone
        self._held = 0                       # samples of all frames
        self._pieces = 0                     # channels of all frames
        self._attributes = Attributes()
        self._name, self._id, self._sex = b"", b"", 0
        self._age: tuple[float | None, date | None] = (None, None)
        self._events: list[tuple[int, str, str]] = []

    def take(self, definition: Definition) -> None:
        tag, value = definition.tag, definition.value
        if self._attributes.apply(definition):
            return
        if tag == mfer.WAVEFORM:
            self._frame(value)
        elif tag == mfer.CHARACTER_CODE:
            self.text.declare(value)
        elif tag == mfer.PERSON_NAME:
            self._name = value
        elif tag == mfer.PERSON_ID:
            self._id = value
        elif tag == mfer.PERSON_SEX:
            self._sex = value[0] if value else 0
        elif tag == mfer.PERSON_AGE:
            self._age = self._age_of(value)
        elif tag == mfer.TIME:
            self.recorded_at = self._time_of(value)
        elif tag == mfer.FILTER:
            self.filter_texts.append(self.text.decode(value)[0])
        elif tag == mfer.MAKER:
            parts = [part.strip() for part in self.text.decode(value)[0].split("^")] + [""] * 4
            self.maker = (parts[0], parts[1], parts[2], parts[3])
        elif tag == mfer.EVENT and len(value) >= 6:
            self._events.append((self._attributes.number(value[2:6]), f"event {self._attributes.number(value[:2])}",
                                 self.text.decode(value[10:])[0]))
        elif tag == mfer.NOTE:
            self.notes.append(self.text.decode(value)[0])
        elif tag not in mfer.KNOWN_TAGS:
            self.warnings.append(f"The definition {tag:02X}h is unknown and was passed over.")

    def patient(self) -> EcgPatient:
        text, codec, is_guessed = self.text.decode(self._name)
        return EcgPatient(
            patient_id=self.text.decode(self._id)[0], name=person_name(text),
            sex={1: "M", 2: "F"}.get(self._sex, ""), birth_date=self._age[1], age_years=self._age[0],
            name_encoding=codec if self._name else "", is_name_guessed=is_guessed,
            name_raw_hex=self._name.hex() if is_guessed else "",
        )

    def marks(self, interval_us: float) -> tuple[EcgMark, ...]:
        return tuple(EcgMark(kind=kind, at_us=at * interval_us, text=text) for at, kind, text in self._events)

    def _frame(self, value: bytes) -> None:
        attributes = self._attributes
        channels = attributes.channels()
        self._pieces += len(channels)
        if self._held + len(value) > 4 * MAX_SAMPLES or self._pieces > MAX_PIECES:
            raise Unreadable("The file holds more samples than any ECG has.", reason="mfer-too-large")
        frame = mfer_frames.decode(value, channels, is_little_endian=attributes.is_little_endian,
                                   pointer=attributes.pointer, warnings=self.warnings)
        self._held += sum(map(len, frame.samples))
        self.frames.append(frame)
        attributes.pointer = None

    def _age_of(self, value: bytes) -> tuple[float | None, date | None]:
        """Years, days, and date of birth (year, month, day); zeros where something is not known."""
        years = float(value[0]) if value and (value[0] or any(value[1:3])) else None
        if len(value) < 7 or not any(value[3:7]):
            return years, None
        try:
            return years, date(self._attributes.number(value[3:5]), value[5], value[6])
        except ValueError:
            self.warnings.append("The date of birth is no date.")
            return years, None

    def _time_of(self, value: bytes) -> datetime | None:
        """Year, month, day, hour, minute, second, then milliseconds and microseconds where they are stated."""
        number = self._attributes.number
        if len(value) < 7:
            return None
        try:
            at = datetime(number(value[:2]), *value[2:7], tzinfo=self._time_zone)  # type: ignore[misc]
        except ValueError:
            self.warnings.append("The time of the recording is no time.")
            return None
        milliseconds = number(value[7:9]) if len(value) >= 9 else 0
        microseconds = number(value[9:11]) if len(value) >= 11 else 0
        return at + timedelta(milliseconds=min(milliseconds, 999), microseconds=min(microseconds, 999))


def _leads(frames: Sequence[Frame], text: MferText, warnings: list[str]) -> tuple[tuple[EcgLead, ...], float]:
    """The voltages of the frames that go on as the first began, at one sampling interval."""
    first = frames[0]
    run = [first]
    for frame in frames[1:]:
        if _kind(frame) != _kind(first):
            warnings.append(f"{len(frames) - len(run)} further frames are defined otherwise and are not shown.")
            break
        run.append(frame)
    chosen = _voltages(first, text, warnings)
    intervals = [first.channels[number].interval_us for number, _, _ in chosen]
    counts = {interval: intervals.count(interval) for interval in intervals}
    interval = max(counts, key=lambda value: (counts[value], -(value or 1000)))
    if interval is None:
        warnings.append("The file states no sampling interval; 1000 Hz is taken, as ISO 22077-1 prescribes.")
    leads: list[EcgLead] = []
    for number, name, code in chosen:
        channel = first.channels[number]
        if channel.interval_us != interval:
            warnings.append(f"{name} has another sampling interval than the other leads and is not shown.")
        elif any(lead.name == name for lead in leads):
            warnings.append(f"Lead {name} comes more than once; the first is shown.")
        else:
            samples, gone = _joined(run, number)
            lead = mfer_frames.lead(name, code, channel, samples, is_little_endian=first.is_little_endian)
            leads.append(_without(lead, gone))
            if channel.has_skew:
                warnings.append(f"The file states a sampling skew for {name}; it is not applied.")
    return tuple(leads), float(interval) if interval is not None else _DEFAULT_INTERVAL_US


def _voltages(frame: Frame, text: MferText, warnings: list[str]) -> list[tuple[int, str, str]]:
    """Number, name and code of each channel that is a voltage."""
    out = []
    for number, channel in enumerate(frame.channels):
        name = _name(channel, number, text)
        if channel.data_type == mfer_frames.STATUS:
            warnings.append(f"{name} holds status bits, no voltage, and is not shown.")
        elif not channel.is_voltage:
            warnings.append(f"{name} is no voltage and is not shown.")
        else:
            out.append((number, name, str(channel.lead_code or text.decode(channel.lead_text)[0])))
    if not out:
        raise Unreadable("None of the channels is a voltage.", reason="mfer-no-voltage")
    return out


def _name(channel: Channel, number: int, text: MferText) -> str:
    words = text.decode(channel.lead_text)[0]
    known = lead_names.by_number(channel.lead_code) if channel.lead_code else lead_names.by_word(words)
    return known or words or (f"lead {channel.lead_code}" if channel.lead_code else f"channel {number + 1}")


def _joined(frames: Sequence[Frame], number: int) -> tuple[NDArray[np.generic], list[tuple[int, int]]]:
    """One channel through all frames, and the stretches between them that no frame holds."""
    parts: list[NDArray[np.generic]] = []
    gone: list[tuple[int, int]] = []
    at = start = frames[0].pointer or 0
    width = frames[0].samples[number].dtype.itemsize    # narrow samples grow more in memory, their gaps may grow less
    held = sum(len(frame.samples[number]) for frame in frames) * min(2, width) // 2
    for frame in frames:
        samples = frame.samples[number]
        begin = at if frame.pointer is None else frame.pointer
        if begin < at:
            raise Unreadable("Frames lie over each other.", reason="mfer-overlap")
        if begin > at:
            held -= begin - at
            if held < 0:
                raise Unreadable("The gaps between frames are longer than the recording.", reason="mfer-gap")
            gone.append((at - start, begin - start))
            parts.append(np.zeros(begin - at, dtype=samples.dtype))
        if begin - start + len(samples) > MAX_SAMPLES:
            raise Unreadable("The file holds more samples than any ECG has.", reason="mfer-too-large")
        parts.append(samples)
        at = begin + len(samples)
    return (np.concatenate(parts) if len(parts) > 1 else parts[0]), gone


def _without(lead: EcgLead, gone: list[tuple[int, int]]) -> EcgLead:
    if not gone:
        return lead
    missing = lead.missing if lead.missing is not None else np.zeros(len(lead.samples), dtype=np.bool_)
    for begin, end in gone:
        missing[begin:end] = True
    return EcgLead(name=lead.name, code=lead.code, samples=lead.samples, nv_per_unit=lead.nv_per_unit,
                   baseline=lead.baseline, start_us=lead.start_us, missing=missing)


def _kind(frame: Frame) -> tuple[object, ...]:
    """What must agree for frames to be one recording; the length of a block may change."""
    return (frame.is_little_endian, *((c.lead_code, c.lead_text, c.data_type, c.interval_us, c.nv_per_unit, c.offset,
                                       c.null, c.waveform_type) for c in frame.channels))


def _filters(texts: list[str]) -> str:
    """As the other formats say it, e.g. "0.05-150 Hz, notch 50 Hz"; the file's own words where they are others."""
    joined = ", ".join(text for text in texts if text)
    found = {key.upper(): value for key, value in _FILTER.findall(joined)}
    if not found:
        return joined
    return filter_text(found.get("HPF", ""), found.get("LPF", ""), found.get("BEF", ""))
