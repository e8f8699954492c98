"""The DICOM file format (PS3.10 section 7): file meta information before the data set.

What we write is the same for the same data set, release after release: a fixed implementation UID and version name,
no source AE title, no time. So equal data sets give equal objects, and a repeated C-STORE is seen by its hash.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from gateway.core.errors import Unreadable
from gateway.formats.dicom_elements import ByteSource, Encoding, walk

IMPLEMENTATION_CLASS_UID = "2.25.271582094371902436581109275036644903211"
IMPLEMENTATION_VERSION_NAME = "READING_GATEWAY"
_MAX_META_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class FileMeta:
    """What the file meta information says, and where the data set begins."""

    transfer_syntax_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    dataset_start: int


def file_header(*, sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> bytes:
    """Return preamble, prefix and file meta information, to be followed by the data set as it was sent."""
    elements = b"".join((
        struct.pack("<HH2sHL", 2, 0x0001, b"OB", 0, 2) + b"\0\1",
        _text(0x0002, b"UI", sop_class_uid),
        _text(0x0003, b"UI", sop_instance_uid),
        _text(0x0010, b"UI", transfer_syntax_uid),
        _text(0x0012, b"UI", IMPLEMENTATION_CLASS_UID),
        _text(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME),
    ))
    return bytes(128) + b"DICM" + struct.pack("<HH2sHL", 2, 0, b"UL", 4, len(elements)) + elements


def read_file_meta(source: ByteSource) -> FileMeta:
    """Read the file meta information. Raises Unreadable with reason "not-dicom"."""
    if source.at(128, 4) != b"DICM":
        raise Unreadable("This is not a DICOM file: the prefix DICM is missing.", reason="not-dicom")
    bounded = ByteSource(source.at(0, _MAX_META_BYTES))
    values: dict[int, str] = {}
    end = 132
    try:
        for element in walk(bounded, 132, Encoding(True, True)):
            if element.tag >> 16 != 2:
                break
            if element.length <= 1024:
                raw = bounded.at(element.position, element.length)
                values[element.tag] = raw.decode("latin-1").strip("\0 ")
            end = element.position + element.length
    except Unreadable:
        if not values.get(0x00020010):          # the data set behind it may be implicit or deflated: that is no fault
            raise
    if not values.get(0x00020010):
        raise Unreadable("The file does not name its transfer syntax.", reason="no-transfer-syntax")
    return FileMeta(values[0x00020010], values.get(0x00020002, ""), values.get(0x00020003, ""), end)


def _text(element: int, vr: bytes, text: str) -> bytes:
    value = text.encode("latin-1", "replace")
    if len(value) % 2:
        value += b" " if vr == b"SH" else b"\0"
    return struct.pack("<HH2sH", 2, element, vr, len(value)) + value
