"""Read and write small data sets with sequences in memory, such as the identifiers of a worklist query (PS3.5 7.5).

Values are taken and given as bytes, so that text keeps the character set that the peer expects. What a stranger sends
is never trusted: every length is checked, nesting and the number of elements are bounded. Pure.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.core.errors import Unreadable
from gateway.formats.dicom_elements import (
    DEFLATED_LITTLE_ENDIAN,
    EXPLICIT_BIG_ENDIAN,
    IMPLICIT_LITTLE_ENDIAN,
    UNDEFINED_LENGTH,
)

_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_PADDED_WITH_ZERO = frozenset(("UI", "OB", "UN"))
_DEEPEST = 8
_MOST_ELEMENTS = 10_000
_MOST_INFLATED_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Element:
    """One element: bytes, or the items of a sequence. `vr` is "" where the encoding does not say it."""

    vr: str
    value: bytes | Sequence[Mapping[int, Element]]

    @property
    def raw(self) -> bytes:
        """The bytes; none for a sequence."""
        return self.value if isinstance(self.value, bytes) else b""

    @property
    def items(self) -> Sequence[Mapping[int, Element]]:
        """The items; none for anything else."""
        return () if isinstance(self.value, bytes) else self.value


Tree = Mapping[int, Element]


def read_tree(data: bytes, transfer_syntax_uid: str, *, sequences: frozenset[int] = frozenset()) -> Tree:
    """Read a data set whole. Raises Unreadable.

    Parameters
    ----------
    sequences
        Tags that are sequences, for the encoding that does not say so.
    """
    if transfer_syntax_uid == DEFLATED_LITTLE_ENDIAN:
        data = _inflated(data)
    reader = _Reader(data, "big" if transfer_syntax_uid == EXPLICIT_BIG_ENDIAN else "little",
                     transfer_syntax_uid != IMPLICIT_LITTLE_ENDIAN, sequences)
    tree, _ = reader.elements(0, len(data), 0)
    return tree


def write_tree(tree: Tree, transfer_syntax_uid: str) -> bytes:
    """Write a data set in the order of its tags, lengths defined. Raises ValueError when a value is too long."""
    raw = _written(tree, ">" if transfer_syntax_uid == EXPLICIT_BIG_ENDIAN else "<",
                   transfer_syntax_uid != IMPLICIT_LITTLE_ENDIAN)
    if transfer_syntax_uid != DEFLATED_LITTLE_ENDIAN:
        return raw
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(raw) + deflater.flush()


class _Reader:
    def __init__(self, data: bytes, byte_order: str, is_explicit: bool, sequences: frozenset[int]) -> None:
        self._data = data
        self._sign = ">" if byte_order == "big" else "<"
        self._is_explicit = is_explicit
        self._sequences = sequences
        self._left = _MOST_ELEMENTS

    def elements(self, at: int, end: int, depth: int, *, until: int | None = None) -> tuple[dict[int, Element], int]:
        """Elements from `at`; `until` is the delimiter that ends them where their length is not defined."""
        found: dict[int, Element] = {}
        while at < end:
            tag = self._tag(at)
            if tag == until:
                return found, at + 8
            self._left -= 1
            if self._left < 0 or depth > _DEEPEST:
                raise Unreadable("The data set is too deep or too long.", reason="identifier-size")
            vr, length, start = self._head(at)
            is_known = not self._is_explicit and tag in self._sequences
            if vr == "SQ" or length == UNDEFINED_LENGTH or is_known:
                items, at = self._items(start, length, end, depth + 1)
                found[tag] = Element(vr or "SQ", items)
                continue
            self._check(start + length <= end)
            if tag & 0xFFFF:                      # a group length says nothing
                found[tag] = Element(vr, self._data[start:start + length])
            at = start + length
        self._check(until is None)
        return found, at

    def _items(self, at: int, length: int, end: int, depth: int) -> tuple[list[Tree], int]:
        is_open = length == UNDEFINED_LENGTH
        last = end if is_open else at + length
        self._check(last <= end)
        items: list[Tree] = []
        while at < last:
            tag, size = self._tag(at), self._number(at + 4)
            if tag == _SEQUENCE_END:
                return items, at + 8
            self._check(tag == _ITEM)
            if size == UNDEFINED_LENGTH:
                item, at = self.elements(at + 8, last, depth, until=_ITEM_END)
            else:
                self._check(at + 8 + size <= last)
                item, at = self.elements(at + 8, at + 8 + size, depth)
            items.append(item)
        self._check(not is_open)
        return items, at

    def _head(self, at: int) -> tuple[str, int, int]:
        if not self._is_explicit:
            return "", self._number(at + 4), at + 8
        vr = self._data[at + 4:at + 6]
        self._check(vr.isalpha() and vr.isupper())
        if vr in _LONG_VRS:
            return vr.decode("ascii"), self._number(at + 8), at + 12
        self._check(at + 8 <= len(self._data))
        short: int = struct.unpack_from(self._sign + "H", self._data, at + 6)[0]
        return vr.decode("ascii"), short, at + 8

    def _tag(self, at: int) -> int:
        self._check(at + 8 <= len(self._data))
        group, element = struct.unpack_from(self._sign + "HH", self._data, at)
        return int(group) << 16 | int(element)

    def _number(self, at: int) -> int:
        self._check(at + 4 <= len(self._data))
        return int(struct.unpack_from(self._sign + "L", self._data, at)[0])

    def _check(self, is_sound: bool) -> None:
        if not is_sound:
            raise Unreadable("The data set ends before it should, or is not encoded as agreed.", reason="identifier")


def _written(tree: Tree, sign: str, is_explicit: bool) -> bytes:
    out = bytearray()
    for tag in sorted(tree):
        element = tree[tag]
        value = element.raw
        if not isinstance(element.value, bytes):
            parts = [_written(item, sign, is_explicit) for item in element.value]
            value = b"".join(struct.pack(sign + "HHL", 0xFFFE, 0xE000, len(part)) + part for part in parts)
        if len(value) % 2:
            value += b"\0" if element.vr in _PADDED_WITH_ZERO else b" "
        vr = (element.vr or "UN").encode("ascii")
        out += struct.pack(sign + "HH", tag >> 16, tag & 0xFFFF)
        if not is_explicit:
            out += struct.pack(sign + "L", len(value))
        elif vr in _LONG_VRS:
            out += vr + b"\0\0" + struct.pack(sign + "L", len(value))
        else:
            if len(value) > 0xFFFE:
                raise ValueError(f"the value of {tag:08X} is too long for {element.vr}")
            out += vr + struct.pack(sign + "H", len(value))
        out += value
    return bytes(out)


def _inflated(data: bytes) -> bytes:
    inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    try:
        raw = inflater.decompress(data, _MOST_INFLATED_BYTES)
    except zlib.error as exc:
        raise Unreadable("The deflated data set cannot be inflated.", reason="deflate") from exc
    if inflater.unconsumed_tail:
        raise Unreadable("The data set is too long.", reason="identifier-size")
    return raw
