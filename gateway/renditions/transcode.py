"""A copy of a stored object in a transfer syntax that a peer takes; the stored object is never touched.

Compressed images become uncompressed ones, frame by frame into a temporary file: what left must be whole, so nothing
leaves before everything was decoded. What was lossy stays marked as lossy (0028,2110). Colour JPEG becomes RGB, and
the data set says so. What cannot be decoded is refused.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, cast

from gateway.core.errors import Unreadable
from gateway.formats.dicom_elements import (
    DEFLATED_LITTLE_ENDIAN,
    EXPLICIT_BIG_ENDIAN,
    EXPLICIT_LITTLE_ENDIAN,
    IMPLICIT_LITTLE_ENDIAN,
    ByteSource,
    open_dataset,
)
from gateway.formats.part10 import read_file_meta
from gateway.formats.reencode import PIXEL_DATA, Replacement, reencoded
from gateway.renditions.decode import (
    DECODED_SYNTAXES,
    LOSSY_SYNTAXES,
    DecodedFrame,
    decode_frame,
    little_endian_bytes,
)
from gateway.renditions.frames import StoredImage, UnsupportedImage, open_image
from gateway.renditions.stored_file import ReadRange

_UNCOMPRESSED = (EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN)
_READ_SYNTAXES = frozenset((*_UNCOMPRESSED, EXPLICIT_BIG_ENDIAN, DEFLATED_LITTLE_ENDIAN)) | DECODED_SYNTAXES
_OFFSET_TABLES = (0x7FE00001, 0x7FE00002)
_PHOTOMETRIC_INTERPRETATION, _PLANAR_CONFIGURATION, _LOSSY = 0x00280004, 0x00280006, 0x00282110
_MOST_PIXEL_BYTES = 0xFFFFFFFE
_IN_MEMORY_BYTES = 16 << 20


def other_syntaxes(transfer_syntax_uid: str) -> tuple[str, ...]:
    """Into which transfer syntaxes an object may be turned, best first; empty where it cannot be read here."""
    if transfer_syntax_uid not in _READ_SYNTAXES:
        return ()
    return tuple(uid for uid in _UNCOMPRESSED if uid != transfer_syntax_uid)


def transcode(read_range: ReadRange, size_bytes: int, transfer_syntax_uid: str) -> BinaryIO:
    """Return the data set, without file meta information, in one of `other_syntaxes`, as a file at its beginning.

    Raises
    ------
    UnsupportedImage
        The pixels cannot be decoded here.
    Unreadable
        The stored data set is broken.
    """
    meta = read_file_meta(ByteSource(b"", size_bytes, read_range))
    if transfer_syntax_uid not in other_syntaxes(meta.transfer_syntax_uid):
        raise UnsupportedImage(f"{meta.transfer_syntax_uid} is not turned into {transfer_syntax_uid} here.",
                               reason="transfer-syntax-unsupported")
    source, start, encoding = open_dataset(ByteSource(b"", size_bytes, read_range), meta.dataset_start,
                                           meta.transfer_syntax_uid)
    replacements: dict[int, Replacement | None] = {}
    if meta.transfer_syntax_uid in DECODED_SYNTAXES or meta.transfer_syntax_uid == EXPLICIT_BIG_ENDIAN:
        replacements = _decoded_pixels(read_range, size_bytes)
    made = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115  (the caller closes it)
    try:
        for piece in reencoded(source, start, encoding, replacements=replacements,
                               is_explicit=transfer_syntax_uid == EXPLICIT_LITTLE_ENDIAN):
            made.write(piece)
        made.seek(0)
    except BaseException:
        made.close()
        raise
    return cast(BinaryIO, made)


def _decoded_pixels(read_range: ReadRange, size_bytes: int) -> dict[int, Replacement | None]:
    """What changes where the pixels are decoded; nothing if there are none."""
    try:
        image = open_image(read_range, size_bytes)
    except UnsupportedImage as exc:
        if exc.reason == "no-pixels":
            return {}
        raise
    if image.is_native and (image.shape.bits_allocated == 1 or image.shape.is_float):
        return {}                                      # turned as any other value
    first = decode_frame(image, 1)
    length = len(little_endian_bytes(first)) * image.frame_count
    if length > _MOST_PIXEL_BYTES:
        raise UnsupportedImage("The pixels are too large for an uncompressed data set.", reason="image-too-large")
    vr = b"OW" if image.shape.bits_allocated > 8 else b"OB"
    replacements: dict[int, Replacement | None] = {
        PIXEL_DATA: Replacement(vr, length, lambda: _frames(image, first)), **dict.fromkeys(_OFFSET_TABLES)}
    if first.photometric_interpretation != image.shape.photometric_interpretation:
        replacements[_PHOTOMETRIC_INTERPRETATION] = Replacement.of(
            b"CS", first.photometric_interpretation.encode("ascii"))
    if image.shape.samples_per_pixel > 1:
        replacements[_PLANAR_CONFIGURATION] = Replacement.of(b"US", struct.pack("<H", 0))
    if image.transfer_syntax_uid in LOSSY_SYNTAXES:
        replacements[_LOSSY] = Replacement.of(b"CS", b"01")
    return replacements


def _frames(image: StoredImage, first: DecodedFrame) -> Iterator[bytes]:
    length = len(little_endian_bytes(first))
    for number in range(1, image.frame_count + 1):
        frame = first if number == 1 else decode_frame(image, number)
        data = little_endian_bytes(frame)
        if len(data) != length or frame.photometric_interpretation != first.photometric_interpretation:
            raise Unreadable(f"Frame {number} is not like the first.", reason="frame-contradicts")
        yield data
