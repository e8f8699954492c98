"""Read as much of a stored file as its frames need, several times faster than reading its whole data set.

A viewer that scrolls through a stack asks for one frame of each of hundreds of objects. Where a frame lies follows
from a dozen elements; everything else of the head is stepped over. `stored_file.read_head` is the full reading, and
the one that is tried when this one does not understand the file.
"""

from __future__ import annotations

import struct
from typing import Any, cast

from pydicom.dataset import Dataset

from gateway.core.errors import Unreadable
from gateway.formats.dicom_elements import UNDEFINED_LENGTH, ByteSource, Encoding, open_dataset, walk
from gateway.formats.part10 import read_file_meta
from gateway.renditions.frames import StoredImage, image_of
from gateway.renditions.stored_file import (
    DEFLATED_EXPLICIT_LITTLE_ENDIAN,
    FileHead,
    PixelElement,
    ReadRange,
    read_head,
)

_FIRST_BYTES = 32 << 10
_PIXEL_TAGS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_NUMBERS = {0x00280002: "SamplesPerPixel", 0x00280006: "PlanarConfiguration", 0x00280010: "Rows",
            0x00280011: "Columns", 0x00280100: "BitsAllocated", 0x00280101: "BitsStored",
            0x00280103: "PixelRepresentation"}
_TEXTS = {0x00280004: "PhotometricInterpretation", 0x00280008: "NumberOfFrames"}
_EXTENDED_OFFSET_TABLE = 0x7FE00001


def image_layout(read_range: ReadRange, size_bytes: int) -> StoredImage:
    """Shape and place of the frames; its `dataset` holds no more than they need. Raises Unreadable."""
    try:
        head = _quick_head(read_range, size_bytes)
    except (Unreadable, struct.error):
        head = read_head(read_range, size_bytes)
    return image_of(head)


class _Values(dict[str, Any]):
    """The elements that were read, by keyword, as `image_of` asks a data set for them."""


def _quick_head(read_range: ReadRange, size_bytes: int) -> FileHead:
    source = ByteSource(read_range(0, _FIRST_BYTES), size_bytes, read_range)
    meta = read_file_meta(source)
    if meta.transfer_syntax_uid == DEFLATED_EXPLICIT_LITTLE_ENDIAN:
        return read_head(read_range, size_bytes)
    elements, start, encoding = open_dataset(source, meta.dataset_start, meta.transfer_syntax_uid)
    values, pixels = _read(elements, start, encoding)
    return FileHead(cast(Dataset, values), meta.transfer_syntax_uid, pixels, read_range, size_bytes)


def _read(source: ByteSource, start: int, encoding: Encoding) -> tuple[_Values, PixelElement | None]:
    values = _Values()
    number = struct.Struct("<H" if encoding.is_little_endian else ">H")
    for element in walk(source, start, encoding):
        tag = element.tag
        if tag in _PIXEL_TAGS:
            length = None if element.length == UNDEFINED_LENGTH else element.length
            return values, PixelElement(tag, element.vr.decode("ascii") or "OW", element.position, length)
        if tag in _NUMBERS and element.length >= 2:
            values[_NUMBERS[tag]] = number.unpack(source.at(element.position, 2))[0]
        elif tag in _TEXTS:
            text = source.at(element.position, min(element.length, 64)).decode("ascii", "replace")
            values[_TEXTS[tag]] = text.split("\\")[0].strip("\0 ")
        elif tag == _EXTENDED_OFFSET_TABLE:
            values["ExtendedOffsetTable"] = source.at(element.position, element.length)
    return values, None
