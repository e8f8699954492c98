"""Write a data set in another of the uncompressed encodings, element by element (PS3.5 section 7, annex A).

Values keep their bytes: text is never decoded, so a name in a wrongly declared character set goes out as it came in.
Only byte order changes, and where implicit VR did not say what a value is, the dictionary does. Always little endian.
Pure; nothing is held but one piece of a value.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pydicom.datadict import dictionary_VR

from gateway.core.errors import Unreadable
from gateway.formats.dicom_elements import UNDEFINED_LENGTH, ByteSource, Encoding

PIXEL_DATA = 0x7FE00010
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_UNITS = {b"US": "H", b"SS": "H", b"OW": "H", b"AT": "H", b"UL": "I", b"SL": "I", b"FL": "I", b"OF": "I", b"OL": "I",
          b"FD": "Q", b"OD": "Q", b"OV": "Q", b"SV": "Q", b"UV": "Q"}
_PIECE_BYTES = 1 << 20
_MOST_DEPTH = 32
_PIXEL_REPRESENTATION = 0x00280103


@dataclass(frozen=True, slots=True)
class Replacement:
    """What stands instead of an element of the top level: its VR and value, in pieces."""

    vr: bytes
    length: int
    pieces: Callable[[], Iterator[bytes]]

    @classmethod
    def of(cls, vr: bytes, value: bytes) -> Replacement:
        return cls(vr, len(value), lambda: iter((value,)))


@dataclass(frozen=True, slots=True)
class _Header:
    tag: int
    vr: bytes
    length: int
    value: int


def reencoded(source: ByteSource, start: int, encoding: Encoding, *, is_explicit: bool,
              replacements: Mapping[int, Replacement | None]) -> Iterator[bytes]:
    """Yield the data set in the other encoding.

    Parameters
    ----------
    source, start, encoding
        As `open_dataset` gives them.
    is_explicit
        Write Explicit VR Little Endian, else Implicit.
    replacements
        By tag of the top level; None leaves the element out, and one that is not there is put in.

    Raises
    ------
    Unreadable
        The data set is broken, or holds compressed pixels that no replacement stands for (an icon).
    """
    return _Reencoder(source, encoding, is_explicit).dataset(start, source.size_bytes, replacements)


class _Reencoder:
    def __init__(self, source: ByteSource, encoding: Encoding, is_explicit: bool) -> None:
        self._source = source
        self._from_explicit = encoding.is_explicit
        self._order = "<" if encoding.is_little_endian else ">"
        self._is_explicit = is_explicit
        self._is_signed = False
        self._position = 0

    def dataset(self, start: int, end: int, replacements: Mapping[int, Replacement | None]) -> Iterator[bytes]:
        waiting = sorted(tag for tag, replacement in replacements.items() if replacement is not None)
        self._position = start
        while self._position < end:
            if end - self._position < 8 and not self._source.at(self._position, 8).strip(b"\0"):
                break
            header = self._header()
            while waiting and waiting[0] <= header.tag:
                yield from self._replaced(waiting[0], replacements[waiting.pop(0)])
            if header.tag in replacements:
                self._skip(header, 0)
            else:
                yield from self._element(header, 0)
        for tag in waiting:
            yield from self._replaced(tag, replacements[tag])

    def _replaced(self, tag: int, replacement: Replacement | None) -> Iterator[bytes]:
        assert replacement is not None
        yield self._written(tag, replacement.vr, replacement.length + replacement.length % 2)
        yield from replacement.pieces()
        if replacement.length % 2:
            yield b" " if replacement.vr == b"CS" else b"\0"

    def _element(self, header: _Header, depth: int) -> Iterator[bytes]:
        if header.tag & 0xFFFF == 0:                   # a group length counts the bytes of the old encoding
            self._skip(header, depth)
            return
        vr = header.vr or self._looked_up(header)
        if vr == b"UN" and header.length == UNDEFINED_LENGTH:
            begin = header.value
            self._skip(header, depth)                  # implicit little endian in any encoding (PS3.5 6.2.2)
            yield self._written(header.tag, vr, UNDEFINED_LENGTH)
            yield from self._pieces(begin, self._position - begin)
        elif vr == b"SQ":
            yield from self._sequence(header, depth)
        elif header.length == UNDEFINED_LENGTH:
            raise Unreadable("There are compressed pixels where none can be decoded.", reason="nested-pixels")
        else:
            if header.tag == _PIXEL_REPRESENTATION:
                self._is_signed = self._source.at(header.value, 2).strip(b"\0") != b""
            if self._is_explicit and vr not in _LONG_VRS and header.length > 0xFFFE:
                vr = b"UN"
            self._position = header.value + header.length
            yield self._written(header.tag, vr, header.length)
            yield from self._turned(header.value, header.length, vr)

    def _sequence(self, header: _Header, depth: int) -> Iterator[bytes]:
        if depth >= _MOST_DEPTH:
            raise Unreadable("Sequences are nested too deep.", reason="nested-too-deep")
        end = None if header.length == UNDEFINED_LENGTH else header.value + header.length
        self._position = header.value
        yield self._written(header.tag, b"SQ", UNDEFINED_LENGTH)
        while end is None or self._position < end:
            item = self._header()
            if item.tag == _SEQUENCE_END and end is None:
                self._position = item.value
                break
            if item.tag != _ITEM:
                raise Unreadable("A sequence is broken.", reason="not-dicom")
            item_end = None if item.length == UNDEFINED_LENGTH else item.value + item.length
            self._position = item.value
            yield _delimiter(_ITEM, UNDEFINED_LENGTH)
            while item_end is None or self._position < item_end:
                inner = self._header()
                if inner.tag == _ITEM_END and item_end is None:
                    self._position = inner.value
                    break
                yield from self._element(inner, depth + 1)
            yield _delimiter(_ITEM_END, 0)
        yield _delimiter(_SEQUENCE_END, 0)

    def _skip(self, header: _Header, depth: int, *, is_implicit: bool = False) -> None:
        """Move behind the element, whatever it holds."""
        if header.length != UNDEFINED_LENGTH:
            self._position = header.value + header.length
            return
        if depth >= _MOST_DEPTH:
            raise Unreadable("Sequences are nested too deep.", reason="nested-too-deep")
        is_implicit = is_implicit or header.vr == b"UN"
        self._position = header.value
        while True:
            item = self._header(is_implicit=is_implicit)
            self._position = item.value
            if item.tag == _SEQUENCE_END:
                return
            if item.length != UNDEFINED_LENGTH:
                self._position += item.length
                continue
            while (inner := self._header(is_implicit=is_implicit)).tag != _ITEM_END:
                self._skip(inner, depth + 1, is_implicit=is_implicit)
            self._position = inner.value

    def _header(self, *, is_implicit: bool = False) -> _Header:
        order = "<" if is_implicit else self._order
        raw = self._source.at(self._position, 12)
        if len(raw) < 8:
            raise Unreadable("The data set ends in the middle of an element.", reason="truncated")
        group, number = struct.unpack_from(order + "HH", raw)
        tag, vr, size = group << 16 | number, b"", 8
        if group == 0xFFFE or is_implicit or not self._from_explicit:
            (length,) = struct.unpack_from(order + "L", raw, 4)
        elif (vr := raw[4:6]) in _LONG_VRS and len(raw) == 12:
            (length,), size = struct.unpack_from(order + "L", raw, 8), 12
        else:
            (length,) = struct.unpack_from(order + "H", raw, 6)
        value = self._position + size
        if length != UNDEFINED_LENGTH and value + length > self._source.size_bytes:
            raise Unreadable("The data set ends in the middle of an element.", reason="truncated")
        return _Header(tag, vr, length, value)

    def _looked_up(self, header: _Header) -> bytes:
        """The VR that implicit encoding leaves out; unknown elements stay unknown (UN)."""
        if header.tag >> 16 & 1 and 0x10 <= header.tag & 0xFFFF <= 0xFF:
            return b"LO"                               # private creator
        try:
            words = dictionary_VR(header.tag)
        except KeyError:
            return b"SQ" if header.length == UNDEFINED_LENGTH else b"UN"
        if words in ("US or SS", "US or SS or OW") and header.length == 2:
            return b"SS" if self._is_signed else b"US"
        if words == "US or OW" and header.length == 2:
            return b"US"
        if " or " in words:
            return b"OW" if "OW" in words else (b"SS" if self._is_signed else b"US")
        return words.encode("ascii")

    def _turned(self, start: int, length: int, vr: bytes) -> Iterator[bytes]:
        unit = _UNITS.get(vr) if self._order == ">" else None
        for piece in self._pieces(start, length):
            if unit is None or len(piece) % struct.calcsize(unit):
                yield piece
                continue
            numbers = array(unit, piece)
            numbers.byteswap()
            yield numbers.tobytes()

    def _pieces(self, start: int, length: int) -> Iterator[bytes]:
        for at in range(start, start + length, _PIECE_BYTES):
            yield self._source.at(at, min(_PIECE_BYTES, start + length - at))

    def _written(self, tag: int, vr: bytes, length: int) -> bytes:
        head = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
        if not self._is_explicit:
            return head + struct.pack("<L", length)
        if vr in _LONG_VRS:
            return head + vr + b"\0\0" + struct.pack("<L", length)
        return head + vr + struct.pack("<H", length)


def _delimiter(tag: int, length: int) -> bytes:
    return struct.pack("<HHL", tag >> 16, tag & 0xFFFF, length)
