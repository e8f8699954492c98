"""Read and write the identifiers of C-FIND, C-GET and C-MOVE (PS3.4 C.4): flat, short data sets.

Elements are taken and given as bytes, so that text keeps the character set that the peer expects. Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.formats.dicom_elements import (
    EXPLICIT_BIG_ENDIAN,
    IMPLICIT_LITTLE_ENDIAN,
    UNDEFINED_LENGTH,
    ByteSource,
    open_dataset,
    walk,
)

SPECIFIC_CHARACTER_SET = 0x00080005
_LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_PADDED_WITH_ZERO = frozenset((b"UI", b"OB", b"UN"))


@dataclass(frozen=True, slots=True)
class Identifier:
    """What a peer sent: values by tag as they were written, and the VR of each where the encoding names one."""

    values: Mapping[int, bytes]
    vrs: Mapping[int, bytes]

    def ascii(self, tag: int) -> str:
        """A value without padding; "" where it is absent."""
        return self.values.get(tag, b"").decode("ascii", "replace").strip("\0 ")


@dataclass(frozen=True, slots=True)
class AnswerElement:
    """One element of an answer."""

    tag: int
    vr: str
    value: bytes = b""


def read_identifier(data: bytes, transfer_syntax_uid: str) -> Identifier:
    """Read the top level; of a sequence only that it is there. Raises Unreadable."""
    source, start, encoding = open_dataset(ByteSource(data), 0, transfer_syntax_uid)
    values: dict[int, bytes] = {}
    vrs: dict[int, bytes] = {}
    for element in walk(source, start, encoding):
        if element.tag & 0xFFFF == 0:                  # group length: says nothing
            continue
        is_nested = element.length == UNDEFINED_LENGTH or element.vr == b"SQ"
        values[element.tag] = b"" if is_nested else source.at(element.position, element.length)
        if element.vr:
            vrs[element.tag] = element.vr
    return Identifier(values, vrs)


def encode_identifier(elements: Iterable[AnswerElement], transfer_syntax_uid: str) -> bytes:
    """Write them in the order of their tags. A value that does not fit its length field is left out."""
    order = ">" if transfer_syntax_uid == EXPLICIT_BIG_ENDIAN else "<"
    is_explicit = transfer_syntax_uid != IMPLICIT_LITTLE_ENDIAN
    out = bytearray()
    for element in sorted(elements, key=lambda one: one.tag):
        vr = element.vr.encode("ascii")
        value = element.value
        if len(value) % 2:
            value += b"\0" if vr in _PADDED_WITH_ZERO else b" "
        out += struct.pack(order + "HH", element.tag >> 16, element.tag & 0xFFFF)
        if not is_explicit:
            out += struct.pack(order + "L", len(value))
        elif vr in _LONG_VRS:
            out += vr + b"\0\0" + struct.pack(order + "L", len(value))
        else:
            if len(value) > 0xFFFE:
                value = b""
            out += vr + struct.pack(order + "H", len(value))
        out += value
    return bytes(out)
