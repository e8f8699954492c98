"""Walk the elements of an encoded data set without holding it (PS3.5 section 7).

Only positions are followed; values are read by whoever wants them. What a stranger sends is never trusted: every
length is checked against the bytes that are there, nesting and the number of steps are bounded, nothing recurses.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass

from gateway.core.errors import Unreadable

UNDEFINED_LENGTH = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_VRS = _LONG_VRS | frozenset((b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT",
                              b"PN", b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US"))
_MAX_DEPTH = 64
_MAX_STEPS = 2_000_000
_WINDOW_BYTES = 1 << 18
_MAX_INFLATED_BYTES = 64 << 20
_PICKED_BYTES = 1 << 20
_EXPLICIT = struct.Struct("<HH2sH")
_IMPLICIT = struct.Struct("<HHL")
_LENGTH = struct.Struct("<L")

IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
DEFLATED_LITTLE_ENDIAN = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG_ENDIAN = "1.2.840.10008.1.2.2"


class ByteSource:
    """The bytes of an object: the beginning in memory, more of it on demand.

    Parameters
    ----------
    head
        The first bytes.
    size_bytes
        How long the whole is; None: `head` is the whole.
    read_more
        Returns up to `length` bytes from `start`; needed when `head` is not the whole.
    """

    def __init__(self, head: bytes, size_bytes: int | None = None,
                 read_more: Callable[[int, int], bytes] | None = None) -> None:
        self.size_bytes = len(head) if size_bytes is None else size_bytes
        self._head = head
        self._read_more = read_more
        self._window = b""
        self._window_start = 0

    @property
    def beginning(self) -> bytes:
        """What of it is in memory."""
        return self._head

    def at(self, start: int, length: int) -> bytes:
        """Return the bytes there; fewer at the end."""
        end = min(start + length, self.size_bytes)
        if end <= len(self._head):
            return self._head[start:end]
        if self._read_more is None or start >= end:
            return b""
        if not self._window_start <= start <= end <= self._window_start + len(self._window):
            self._window = self._read_more(start, max(end - start, _WINDOW_BYTES))
            self._window_start = start
        return self._window[start - self._window_start:end - self._window_start]


@dataclass(frozen=True, slots=True)
class Encoding:
    """How elements are written."""

    is_explicit: bool
    is_little_endian: bool


@dataclass(frozen=True, slots=True)
class Element:
    """One element of the top level: (group << 16 | element), and where its value lies."""

    tag: int
    vr: bytes                     # b"" in implicit VR
    position: int
    length: int                   # UNDEFINED_LENGTH for a sequence or encapsulated pixel data


def open_dataset(source: ByteSource, start: int, transfer_syntax_uid: str) -> tuple[ByteSource, int, Encoding]:
    """Return where the elements are and how they are written; a deflated data set is inflated, within bounds."""
    if transfer_syntax_uid == DEFLATED_LITTLE_ENDIAN:
        return ByteSource(_inflate(source, start)), 0, Encoding(True, True)
    is_big = transfer_syntax_uid == EXPLICIT_BIG_ENDIAN
    is_explicit = transfer_syntax_uid != IMPLICIT_LITTLE_ENDIAN
    first = source.at(start, 6)
    if len(first) == 6 and not is_big:          # some devices write the other of the two than they negotiated
        is_explicit = first[4:6] in _VRS
    return source, start, Encoding(is_explicit, not is_big)


def walk(source: ByteSource, start: int, encoding: Encoding, *, is_beginning: bool = True) -> Iterator[Element]:
    """Yield the elements of the top level, and check that the last one ends where the bytes end.

    Raises Unreadable with the reason "not-dicom" or "truncated".
    """
    walker = _Walker(source, encoding)
    position, last_tag = start, -1 if is_beginning else 0
    while position < source.size_bytes:
        if source.size_bytes - position < 8 and not source.at(position, 8).strip(b"\0"):
            return                              # a few zeros of padding
        element, value = walker.header(position, encoding.is_explicit)
        if last_tag < 0 and element.tag >> 16 > 0x0020 and not encoding.is_explicit:
            raise Unreadable("The data set does not begin as one.", reason="not-dicom")
        last_tag = element.tag
        yield element
        position = walker.end_of(element, value)


def pick(source: ByteSource, start: int, encoding: Encoding, wanted: Container[int], *,
         most_bytes: int) -> dict[int, bytes]:
    """The values of the wanted elements of the top level, each cut at `most_bytes`, checked as by `walk`.

    The first of two elements with the same tag counts; one of undefined length has no value (b""). The elements at
    the beginning, which is in memory, are read without an object for each: nearly every data set ends there.
    """
    found: dict[int, bytes] = {}
    position = _pick_from_beginning(source, start, encoding, wanted, most_bytes, found)
    for element in walk(source, position, encoding, is_beginning=position == start):
        if element.tag in wanted and element.tag not in found:
            is_known = element.length != UNDEFINED_LENGTH
            found[element.tag] = source.at(element.position, min(element.length, most_bytes)) if is_known else b""
    return found


def _pick_from_beginning(source: ByteSource, start: int, encoding: Encoding, wanted: Container[int], most_bytes: int,
                         found: dict[int, bytes]) -> int:
    """As far as it goes without doubt; returns where `walk` must go on."""
    head, size, is_explicit = source.beginning, source.size_bytes, encoding.is_explicit
    if not encoding.is_little_endian:
        return start
    position, last = start, min(len(head) - 12, start + _PICKED_BYTES)
    while position <= last:
        if is_explicit:
            group, number, vr, length = _EXPLICIT.unpack_from(head, position)
            value = position + 8
            if vr in _LONG_VRS:
                (length,) = _LENGTH.unpack_from(head, value)
                value = position + 12
            elif vr not in _VRS:
                return position
        else:
            group, number, length = _IMPLICIT.unpack_from(head, position)
            value = position + 8
            if position == start and group > 0x0020:
                return position
        end = value + length
        if length == UNDEFINED_LENGTH or end > size or group == 0xFFFE:
            return position
        tag = group << 16 | number
        if tag in wanted and tag not in found:
            found[tag] = head[value:end] if end <= len(head) and length <= most_bytes else source.at(
                value, min(length, most_bytes))
        position = end
    return position


class _Walker:
    def __init__(self, source: ByteSource, encoding: Encoding) -> None:
        self._source = source
        self._order = "<" if encoding.is_little_endian else ">"
        self._tag_format = self._order + "HH"
        self._steps = 0

    def header(self, position: int, is_explicit: bool) -> tuple[Element, int]:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise Unreadable("The data set has too many elements.", reason="too-many-elements")
        raw = self._source.at(position, 12)
        if len(raw) < 8:
            raise _truncated()
        group, number = struct.unpack_from(self._tag_format, raw)
        tag = group << 16 | number
        if group == 0xFFFE or not is_explicit:
            return Element(tag, b"", position + 8, struct.unpack_from(self._order + "L", raw, 4)[0]), position + 8
        vr = raw[4:6]
        if vr in _LONG_VRS:
            if len(raw) < 12:
                raise _truncated()
            return Element(tag, vr, position + 12, struct.unpack_from(self._order + "L", raw, 8)[0]), position + 12
        if vr not in _VRS:
            raise Unreadable(f"No element can be read at byte {position}.", reason="not-dicom")
        return Element(tag, vr, position + 8, struct.unpack_from(self._order + "H", raw, 6)[0]), position + 8

    def end_of(self, element: Element, value: int) -> int:
        """Return the position after the element; undefined lengths are followed to their delimiter."""
        if element.length != UNDEFINED_LENGTH:
            return self._checked(value + element.length)
        # Entries: (is it a sequence, are its elements explicit). UN of undefined length is implicit (PS3.5 6.2.2).
        stack = [(True, bool(element.vr) and element.vr != b"UN")]
        position = value
        while stack:
            is_sequence, is_explicit = stack[-1]
            inner, start = self.header(position, is_explicit)
            if inner.tag == (_SEQUENCE_END if is_sequence else _ITEM_END):
                stack.pop()
                position = start
            elif is_sequence and inner.tag != _ITEM:
                raise Unreadable(f"A sequence is broken at byte {position}.", reason="not-dicom")
            elif inner.length == UNDEFINED_LENGTH:
                if len(stack) >= _MAX_DEPTH:
                    raise Unreadable("Sequences are nested too deep.", reason="nested-too-deep")
                stack.append((not is_sequence, is_explicit and inner.vr != b"UN"))
                position = start
            else:
                position = self._checked(start + inner.length)
        return position

    def _checked(self, position: int) -> int:
        if position > self._source.size_bytes:
            raise _truncated()
        return position


def _inflate(source: ByteSource, start: int) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    out = bytearray()
    position = start
    try:
        while position < source.size_bytes and not inflater.eof:
            chunk = source.at(position, _WINDOW_BYTES)
            position += len(chunk)
            out += inflater.decompress(chunk, _MAX_INFLATED_BYTES - len(out) + 1)
            if len(out) > _MAX_INFLATED_BYTES:
                raise Unreadable("The deflated data set is larger than can be read.", reason="too-large-inflated")
    except zlib.error as exc:
        raise Unreadable("The deflated data set cannot be inflated.", reason="not-dicom") from exc
    if not inflater.eof:
        raise _truncated()
    return bytes(out)


def _truncated() -> Unreadable:
    return Unreadable("The data set ends in the middle of an element.", reason="truncated")
