"""The elements of a waveform object, as fast as a cart's hundreds of annotations need it (PS3.5 section 7).

pydicom takes 6 to 12 ms for an ECG of 12 leads, nearly all of it for the small items of its annotations; this takes
a tenth. Only the elements that an ECG needs are kept, by their places in the bytes. What a stranger sends is never
trusted: depth, items and steps are bounded, and a value that runs over the end is cut there and said.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from gateway.core.errors import Unreadable
from gateway.formats.dicom_elements import (
    DEFLATED_LITTLE_ENDIAN,
    EXPLICIT_BIG_ENDIAN,
    IMPLICIT_LITTLE_ENDIAN,
    UNDEFINED_LENGTH,
)
from gateway.formats.dicom_waveform_tags import LAST, TRANSFER_SYNTAX, WANTED

_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_SHORT = frozenset((b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH",
                    b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US"))
MAX_DEPTH = 12
MAX_ITEMS = 100_000
MAX_STEPS = 600_000
_FREE_INFLATED_BYTES = 4 << 20
_MOST_INFLATED = 10                      # times the file
_BINARY = {b"US": 2, b"SS": 2, b"UL": 4, b"SL": 4}


@dataclass(slots=True)
class _Bytes:
    """What all items of one object share."""

    data: bytes
    is_little_endian: bool
    steps_left: int = MAX_STEPS
    items_left: int = MAX_ITEMS
    is_cut: bool = False
    explicit: struct.Struct = field(init=False)
    implicit: struct.Struct = field(init=False)
    length: struct.Struct = field(init=False)

    def __post_init__(self) -> None:
        sign = "<" if self.is_little_endian else ">"
        self.explicit, self.implicit = struct.Struct(f"{sign}HH2sH"), struct.Struct(f"{sign}HHL")
        self.length = struct.Struct(f"{sign}L")


class Item:
    """One data set, at the top or inside of a sequence. Absent elements read as nothing."""

    __slots__ = ("_bytes", "_depth", "_is_explicit", "_open", "_places", "end")

    def __init__(self, shared: _Bytes, is_explicit: bool, depth: int) -> None:
        self._bytes, self._is_explicit, self._depth = shared, is_explicit, depth
        self._places: dict[int, tuple[bytes, int, int]] = {}
        self._open: dict[int, list[Item]] = {}
        self.end = 0

    def __contains__(self, tag: int) -> bool:
        return tag in self._places or tag in self._open

    @property
    def is_little_endian(self) -> bool:
        return self._bytes.is_little_endian

    @property
    def is_cut(self) -> bool:
        """True once a value was met that the object is too short for."""
        return self._bytes.is_cut

    def place(self, tag: int) -> tuple[bytes, int, int]:
        """The bytes of the whole object, and where in them the value lies: start and length."""
        _, start, length = self._places.get(tag, (b"", 0, 0))
        return self._bytes.data, start, length

    def raw(self, tag: int) -> bytes:
        """The value as it came."""
        _, start, length = self._places.get(tag, (b"", 0, 0))
        return self._bytes.data[start:start + length]

    def word(self, tag: int) -> str:
        """The first value of a code, UID, date or number in text."""
        return self.raw(tag).split(b"\\")[0].decode("latin-1").strip(" \0")

    def decimal(self, tag: int) -> Decimal | None:
        """The first value as a number, None if there is none."""
        vr, _, length = self._places.get(tag, (b"", 0, 0))
        if vr in _BINARY and length:
            return Decimal(next(iter(self.numbers(tag)), 0))
        return _decimal(self.word(tag)) if length else None

    def decimals(self, tag: int) -> tuple[Decimal, ...]:
        """All values in text that are numbers."""
        texts = self.raw(tag).decode("latin-1").strip(" \0").split("\\") if tag in self._places else []
        return tuple(number for text in texts if (number := _decimal(text)) is not None)

    def numbers(self, tag: int, size: int = 2) -> tuple[int, ...]:
        """The values of US, UL, SS or SL; `size` in bytes where the encoding does not say it."""
        vr, start, length = self._places.get(tag, (b"", 0, 0))
        if not length:
            return ()
        if vr in _SHORT and vr not in _BINARY:                # a number in text where it should be binary
            return tuple(int(value) for value in self.decimals(tag))
        size = _BINARY.get(vr, size)
        order = "<" if self.is_little_endian else ">"
        kind = {2: "h", 4: "i"}[size] if vr in (b"SS", b"SL") else {2: "H", 4: "I"}[size]
        return struct.unpack_from(f"{order}{length // size}{kind}", self._bytes.data, start)

    def number(self, tag: int, size: int = 2) -> int:
        """The first of them, 0 if there is none."""
        return next(iter(self.numbers(tag, size)), 0)

    def items(self, tag: int) -> Iterator[Item]:
        """The items of a sequence, read as they are asked for."""
        if tag in self._open:
            yield from self._open[tag]
            return
        vr, start, length = self._places.get(tag, (b"", 0, 0))
        yield from self._items(start, start + length, self._is_explicit and vr != b"UN", is_open=False)

    # ------------------------------------------------------------------------------------------------- walking
    def walk(self, at: int, end: int, *, until: int | None = None, last: int = 0xFFFFFFFF) -> int:
        """Take in the elements from `at`, none behind `last`; returns where they end. Raises Unreadable."""
        shared = self._bytes
        data, explicit, implicit, length_at = shared.data, shared.explicit, shared.implicit, shared.length
        is_explicit, places = self._is_explicit, self._places
        while at + 8 <= end:
            shared.steps_left -= 1
            if shared.steps_left < 0:
                raise Unreadable("The object has more elements than any ECG.", reason="dicom-too-long")
            if is_explicit:
                group, element, vr, length = explicit.unpack_from(data, at)
                start = at + 8
                if vr in _LONG:
                    start = at + 12
                    if start > end:
                        break
                    length, = length_at.unpack_from(data, at + 8)
                tag = group << 16 | element
            else:
                group, element, length = implicit.unpack_from(data, at)
                tag, vr, start = group << 16 | element, b"", at + 8
            if tag > last:
                return at
            if group == 0xFFFE:
                if tag == until:
                    return start
                raise Unreadable("The object's sequences do not fit into each other.", reason="dicom-damaged")
            if is_explicit and vr not in _LONG and vr not in _SHORT:
                raise Unreadable("The object has an element of a kind that does not exist.", reason="dicom-damaged")
            if length == UNDEFINED_LENGTH:
                found = self._items(start, end, is_explicit and vr != b"UN", is_open=True)
                if tag in WANTED:
                    self._open[tag] = list(found)
                else:
                    for _ in found:
                        pass
                at = self.end
                if tag == last:
                    return at
                continue
            if start + length > end:
                shared.is_cut, length = True, end - start
            if tag in WANTED:
                places[tag] = (vr, start, length)
            at = start + length
            if tag == last:
                return at
        if until is not None or at < end:
            shared.is_cut = True
        return end

    def _items(self, at: int, end: int, is_explicit: bool, *, is_open: bool) -> Iterator[Item]:
        """Items from `at`; leaves where they end in `self.end`."""
        shared = self._bytes
        if self._depth >= MAX_DEPTH:
            raise Unreadable("The object's sequences are nested too deeply.", reason="dicom-too-deep")
        while at + 8 <= end:
            group, element, length = shared.implicit.unpack_from(shared.data, at)
            tag, at = group << 16 | element, at + 8
            if is_open and tag == _SEQUENCE_END:
                self.end = at
                return
            shared.items_left -= 1
            if tag != _ITEM:
                raise Unreadable("A sequence of the object holds something else than items.", reason="dicom-damaged")
            if shared.items_left < 0:
                raise Unreadable("The object has more items than any ECG.", reason="dicom-too-long")
            item = Item(shared, is_explicit, self._depth + 1)
            if length == UNDEFINED_LENGTH:
                at = item.walk(at, end, until=_ITEM_END)
            else:
                shared.is_cut = shared.is_cut or at + length > end
                at = item.walk(at, min(at + length, end))
            self.end = at
            yield item
        self.end = end
        if is_open:
            shared.is_cut = True


def read_items(data: bytes) -> Item:
    """The data set of a Part 10 file, up to the waveform. Raises Unreadable("dicom-…")."""
    meta = Item(_Bytes(data, is_little_endian=True), is_explicit=True, depth=0)
    start = meta.walk(132, len(data), last=0x0002FFFF)
    syntax = meta.word(TRANSFER_SYNTAX)
    if syntax == DEFLATED_LITTLE_ENDIAN:
        data, start = _inflated(data[start:]), 0
    shared = _Bytes(data, is_little_endian=syntax != EXPLICIT_BIG_ENDIAN)
    # Some write the one and announce the other: the first element tells.
    is_explicit = data[start + 4:start + 6] in _LONG | _SHORT if start + 6 <= len(data) else (
        syntax != IMPLICIT_LITTLE_ENDIAN)
    whole = Item(shared, is_explicit, depth=0)
    whole.walk(start, len(data), last=LAST)
    return whole


def _decimal(text: str) -> Decimal | None:
    try:
        number = Decimal(text.strip(" \0"))
    except InvalidOperation:
        return None
    # No ECG needs more, and numbers with huge exponents take for ever to write out.
    return number if number.is_finite() and abs(number.adjusted()) < 40 else None


def _inflated(data: bytes) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        whole = inflater.decompress(data, max(_FREE_INFLATED_BYTES, _MOST_INFLATED * len(data)))
    except zlib.error as exc:
        raise Unreadable("The compressed data set is damaged.", reason="dicom-damaged") from exc
    if inflater.unconsumed_tail:
        raise Unreadable("The data set unfolds to more than any ECG.", reason="dicom-bomb")
    return whole
