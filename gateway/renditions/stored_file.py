"""Read the head of a stored Part 10 file (PS3.10) without reading its pixels.

The file stays where it is: bytes are asked for in ranges, so the same code serves a file on disk and an object in
S3. Reading stops at the pixel data element; `frames` goes on from there. A deflated data set (PS3.5 A.5) has no
ranges: it is inflated into memory, up to a limit, and read from there.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset, read_preamble
from pydicom.tag import BaseTag
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from gateway.core.errors import Unreadable

ReadRange = Callable[[int, int], bytes]
"""(start, length) → up to `length` bytes from `start`."""

DEFLATED_EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1.99"
IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
EXPLICIT_BIG_ENDIAN = "1.2.840.10008.1.2.2"
MAX_INFLATED_BYTES = 512 << 20
_BLOCK_BYTES = 64 << 10
_PIXEL_TAGS = (0x7FE00008, 0x7FE00009, 0x7FE00010)


@dataclass(frozen=True, slots=True)
class PixelElement:
    """Where the pixel data element's value begins; `length` is None where it is encapsulated (undefined)."""

    tag: int
    vr: str                              # "OW" where the syntax is implicit
    value_offset: int
    length: int | None


@dataclass(frozen=True, slots=True)
class FileHead:
    """All of a data set up to its pixels, and where these are. `read_range` reads the (inflated) file."""

    dataset: Dataset
    transfer_syntax_uid: str
    pixels: PixelElement | None
    read_range: ReadRange
    size_bytes: int


def read_head(read_range: ReadRange, size_bytes: int) -> FileHead:
    """Read everything before the pixels. Raises Unreadable where the bytes are not a Part 10 file."""
    try:
        return _read_head(read_range, size_bytes)
    except (InvalidDicomError, EOFError, struct.error, ValueError, KeyError, AttributeError, TypeError,
            NotImplementedError, RecursionError, OverflowError, zlib.error) as exc:
        raise Unreadable(f"The data set cannot be read: {exc}", reason="dataset-unreadable") from exc
    except OSError as exc:
        if exc.errno is not None:            # the disk's; pydicom says so, without a number, of a sequence cut short
            raise
        raise Unreadable(f"The data set cannot be read: {exc}", reason="dataset-unreadable") from exc


class RangeFile(io.RawIOBase):
    """A seekable file over ranges of an object, reading whole blocks."""

    def __init__(self, read_range: ReadRange, size_bytes: int) -> None:
        self._read_range = read_range
        self._size = size_bytes
        self._at = 0
        self._block_start = 0
        self._block = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self._size - self._at)
        wanted = left if size is None or size < 0 else min(size, left)
        inside = self._at - self._block_start
        if inside < 0 or inside + wanted > len(self._block):
            if wanted > _BLOCK_BYTES:
                data = self._read_range(self._at, wanted)
                self._at += len(data)
                return data
            self._block_start = self._at
            self._block = self._read_range(self._at, min(_BLOCK_BYTES, left))
            inside = 0
        data = self._block[inside:inside + wanted]
        self._at += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[:len(data)] = data
        return len(data)


def _read_head(read_range: ReadRange, size_bytes: int) -> FileHead:
    file = RangeFile(read_range, size_bytes)
    preamble = read_preamble(cast(BinaryIO, file), force=False)
    if preamble is None:
        raise Unreadable("There is no Part 10 preamble.", reason="not-dicom")
    meta = read_dataset(cast(BinaryIO, file), is_implicit_VR=False, is_little_endian=True, stop_when=_not_group_2)
    syntax = str(meta.get("TransferSyntaxUID", "") or "").strip("\0 ")
    if not syntax:
        raise Unreadable("The file does not name its transfer syntax.", reason="no-transfer-syntax")
    source: Any = file
    if syntax == DEFLATED_EXPLICIT_LITTLE_ENDIAN:
        inflated = _inflate(read_range(file.tell(), size_bytes - file.tell()))
        source, size_bytes = DicomBytesIO(inflated), len(inflated)

        def read_range(start: int, length: int) -> bytes:
            return inflated[start:start + length]

    is_implicit = syntax == IMPLICIT_LITTLE_ENDIAN
    is_little = syntax != EXPLICIT_BIG_ENDIAN
    stopped: list[tuple[int, str | None, int]] = []

    def at_pixels(tag: BaseTag, vr: str | None, length: int) -> bool:
        if tag in _PIXEL_TAGS:
            stopped.append((int(tag), vr, length))
            return True
        return False

    dataset = read_dataset(source, is_implicit, is_little, stop_when=at_pixels)
    dataset.set_original_encoding(is_implicit, is_little, dataset._character_set)
    pixels = None
    if stopped:
        # The reader stands at the element's tag again: 4 bytes of tag, then VR and length as they were written.
        tag, vr, length = stopped[-1]
        value_offset = source.tell() + (12 if vr in EXPLICIT_VR_LENGTH_32 else 8)
        pixels = PixelElement(tag, vr or "OW", value_offset, None if length == 0xFFFFFFFF else length)
    return FileHead(dataset, syntax, pixels, read_range, size_bytes)


def _not_group_2(tag: BaseTag, vr: str | None, length: int) -> bool:
    return tag.group != 2


def _inflate(data: bytes) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(data, MAX_INFLATED_BYTES)
    if inflater.unconsumed_tail:
        raise Unreadable(f"The deflated data set is larger than {MAX_INFLATED_BYTES >> 20} MiB.",
                         reason="image-too-large")
    return inflated
