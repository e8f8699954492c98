"""The definitions of an MFER file (ISO 22077-1): tag, length as in BER, value; and what they leave in force.

A file is a list of definitions read in order. Each changes what holds from there on, for the whole frame or (inside
3Fh, which names a channel before its length) for one channel; 1Eh then brings a frame of samples under what holds.
Numbers and samples are big-endian until 01h says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from gateway.core.errors import Unreadable

BYTE_ORDER, CHARACTER_CODE, BLOCK, CHANNELS, SEQUENCES, POINTER = 0x01, 0x03, 0x04, 0x05, 0x06, 0x07
WAVEFORM_TYPE, LEAD, DATA_TYPE, INTERVAL, SENSITIVITY, OFFSET = 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D
COMPRESSION, FILTER, NULL, INFORMATION, NOTE, MAKER, WAVEFORM = 0x0E, 0x11, 0x12, 0x15, 0x16, 0x17, 0x1E
CHANNEL_ATTRIBUTE, PREAMBLE, EVENT, SKEW, SET, END = 0x3F, 0x40, 0x41, 0x43, 0x67, 0x80
PERSON_NAME, PERSON_ID, PERSON_AGE, PERSON_SEX, TIME = 0x81, 0x82, 0x83, 0x84, 0x85

KNOWN_TAGS = frozenset(range(0x00, 0x10)) | {0x11, 0x12, 0x15, 0x16, 0x17, 0x1E, 0x3F} | set(range(0x40, 0x47)) | {
    SET} | set(range(0x80, 0x89))
MAX_DEFINITIONS = 20_000
MAX_CHANNELS = 64
_OF_CHANNEL = (BLOCK, SEQUENCES, WAVEFORM_TYPE, LEAD, DATA_TYPE, INTERVAL, SENSITIVITY, OFFSET, NULL, COMPRESSION,
               SKEW)
_ZEROS = re.compile(rb"\x00+")


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition. `channel` counts from 0 inside 3Fh, None outside."""

    tag: int
    channel: int | None
    value: bytes


def definitions(data: bytes) -> Iterator[Definition]:
    """Every definition up to 80h or the end, groups opened. Raises Unreadable: mfer-truncated, mfer-nested, mfer-…"""
    for count, definition in enumerate(_walk(data, 0, len(data), None, 0)):
        if count >= MAX_DEFINITIONS:
            raise Unreadable("The file holds more definitions than any ECG.", reason="mfer-too-large")
        yield definition


def _walk(data: bytes, at: int, end: int, channel: int | None, depth: int) -> Iterator[Definition]:
    while at < end:
        if data[at] == 0:                               # filler, or the end of a group of open length
            zeros = _ZEROS.match(data, at, end)
            at = zeros.end() if zeros else at + 1
            continue
        tag, number, at = _tag(data, at, end)
        if tag == END:
            return
        length, at = _length(data, at, end)
        if length is None:
            stop, following = _end_of_contents(data, at, end, depth)
        else:
            stop = following = at + length
            if stop > end:
                raise Unreadable(f"The definition {tag:02X}h announces {length} bytes, {end - at} follow.",
                                 reason="mfer-truncated")
        if tag in (CHANNEL_ATTRIBUTE, SET):
            if depth > 2 or (tag == CHANNEL_ATTRIBUTE and channel is not None):
                raise Unreadable("Groups of definitions lie inside each other too deeply.", reason="mfer-nested")
            yield from _walk(data, at, stop, number if tag == CHANNEL_ATTRIBUTE else channel, depth + 1)
        else:
            yield Definition(tag, channel, data[at:stop])
        at = following


def _tag(data: bytes, at: int, end: int) -> tuple[int, int | None, int]:
    """Tag, channel of 3Fh (seven bits a byte, more follow while the top bit is set), and where the length begins."""
    tag, at = data[at], at + 1
    if tag != CHANNEL_ATTRIBUTE:
        return tag, None, at
    number = 0
    for _ in range(4):
        if at >= end:
            break
        byte, at = data[at], at + 1
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            return tag, number, at
    raise Unreadable("The channel of an attribute cannot be understood.", reason="mfer-truncated")


def _length(data: bytes, at: int, end: int) -> tuple[int | None, int]:
    if at >= end:
        raise Unreadable("A definition ends before its length.", reason="mfer-truncated")
    first = data[at]
    if first < 0x80:
        return first, at + 1
    size = first & 0x7F
    if size == 0:
        return None, at + 1
    if size > 4 or at + 1 + size > end:
        raise Unreadable("The length of a definition cannot be understood.", reason="mfer-truncated")
    return int.from_bytes(data[at + 1:at + 1 + size], "big"), at + 1 + size


def _end_of_contents(data: bytes, at: int, end: int, depth: int) -> tuple[int, int]:
    """Where a group of open length ends (00 00), and where reading goes on."""
    if depth > 2:
        raise Unreadable("Groups of definitions lie inside each other too deeply.", reason="mfer-nested")
    while at + 1 < end:
        if data[at] == 0 and data[at + 1] == 0:
            return at, at + 2
        _, _, at = _tag(data, at, end)
        length, at = _length(data, at, end)
        at = _end_of_contents(data, at, end, depth + 1)[1] if length is None else at + length
    raise Unreadable("A group of definitions has no end.", reason="mfer-truncated")


@dataclass(frozen=True, slots=True)
class Channel:
    """What holds for one channel when its samples come; None: the file does not say."""

    block: int
    sequences: int | None
    waveform_type: int
    lead_code: int
    lead_text: bytes
    data_type: int
    interval_us: Decimal | None
    is_voltage: bool
    nv_per_unit: Decimal | None
    offset: bytes
    null: bytes
    has_skew: bool


class Attributes:
    """The attributes in force while a file is read."""

    def __init__(self) -> None:
        self.is_little_endian = False
        self.channel_count = 1
        self.pointer: int | None = None
        self._common: dict[int, bytes] = {}
        self._own: dict[int, dict[int, bytes]] = {}
        self._in_force: list[Channel] | None = None     # until a definition changes something

    def number(self, value: bytes, *, signed: bool = False) -> int:
        return int.from_bytes(value, "little" if self.is_little_endian else "big", signed=signed)

    def apply(self, definition: Definition) -> bool:
        """Take over what the definition says of frames and channels; False if it is about something else."""
        tag, value = definition.tag, definition.value
        if tag in (BYTE_ORDER, CHANNELS, *_OF_CHANNEL):
            self._in_force = None
        if tag == BYTE_ORDER:
            if value not in (b"", b"\x00", b"\x01"):
                raise Unreadable("The byte order cannot be understood.", reason="mfer-definition")
            self.is_little_endian = value == b"\x01"
        elif tag == CHANNELS:
            self.channel_count = self._size(value, "number of channels", MAX_CHANNELS) if value else 1
            self._own.clear()                           # a new count takes back what channels had of their own
        elif tag == POINTER:
            self.pointer = self._size(value, "pointer", 2**31 - 1, least=0) if value else None
        elif tag in _OF_CHANNEL:
            target = self._common if definition.channel is None else self._own.setdefault(definition.channel, {})
            if value:
                target[tag] = value
            else:
                target.pop(tag, None)                   # an empty definition gives the default back
        else:
            return False
        return True

    def channels(self) -> list[Channel]:
        if self._in_force is None:
            self._in_force = [self._channel(number) for number in range(self.channel_count)]
        return self._in_force

    def _channel(self, number: int) -> Channel:
        held = dict(self._common)
        if number:
            held.pop(LEAD, None)                        # a lead named for all is the lead of the first
        held |= self._own.get(number, {})
        if self.number(held.get(COMPRESSION, b"")[:2]):
            raise Unreadable("The samples are compressed (0Eh), in a way that is not read.", reason="mfer-compressed")
        lead = held.get(LEAD, b"")
        data_type = held.get(DATA_TYPE, b"\x00")
        if len(data_type) != 1:
            raise Unreadable("The data type (0Ah) cannot be understood.", reason="mfer-definition")
        unit, sensitivity = self._scaled(held.get(SENSITIVITY), "sensitivity")
        return Channel(
            block=self._size(held[BLOCK], "block length", 2**31 - 1) if BLOCK in held else 1,
            sequences=self._size(held[SEQUENCES], "number of sequences", 2**31 - 1) if SEQUENCES in held else None,
            waveform_type=self.number(held.get(WAVEFORM_TYPE, b"")[:2]),
            lead_code=lead[0] if len(lead) == 1 else self.number(lead[:2]), lead_text=lead[2:],
            data_type=data_type[0], interval_us=self._interval_us(held.get(INTERVAL)), is_voltage=unit == 0,
            nv_per_unit=sensitivity * 1_000_000_000 if sensitivity is not None and unit == 0 else None,
            offset=held.get(OFFSET, b""), null=held.get(NULL, b""), has_skew=any(held.get(SKEW, b"")),
        )

    def _interval_us(self, value: bytes | None) -> Decimal | None:
        unit, amount = self._scaled(value, "sampling interval")
        if amount is None:
            return None
        if unit not in (0, 1) or amount <= 0:
            raise Unreadable("The sampling interval (0Bh) is no time.", reason="mfer-no-interval")
        return 1_000_000 / amount if unit == 0 else amount * 1_000_000      # hertz, or seconds

    def _scaled(self, value: bytes | None, what: str) -> tuple[int, Decimal | None]:
        """Unit, and mantissa times a power of ten."""
        if value is None:
            return 0, None
        exponent = int.from_bytes(value[1:2], "big", signed=True)
        if not 3 <= len(value) <= 10 or abs(exponent) > 18:
            raise Unreadable(f"The {what} cannot be understood.", reason="mfer-definition")
        return value[0], Decimal(self.number(value[2:], signed=True)).scaleb(exponent)

    def _size(self, value: bytes, what: str, most: int, *, least: int = 1) -> int:
        number = self.number(value)
        if len(value) > 8 or not least <= number <= most:
            raise Unreadable(f"The {what} cannot be understood: {number}.", reason="mfer-definition")
        return number
