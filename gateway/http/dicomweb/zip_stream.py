"""Write a ZIP archive while it is being sent; nothing of it is held (APPNOTE 6.3, stored entries).

Entries are stored as they are: DICOM is compressed by its own means or not at all, and deflating a study costs
seconds of a core. Each entry's CRC stands before its bytes, so that readers which go through the archive from its
beginning understand it too; for that the bytes are read twice, the second time from the system's memory.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

_MAX_32, _MAX_16 = 0xFFFFFFFF, 0xFFFF
_VERSION = 45                                          # 4.5: ZIP64
_UTF_8_NAME = 0x0800
_DOS_TIME, _DOS_DATE = 0, 0x21                         # 1 January 1980: the archive says when, not the entry


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: its name in the archive, its size, and how its bytes are read."""

    name: str
    size_bytes: int
    open: Callable[[], AsyncIterator[bytes]]


async def zip_of(entries: AsyncIterator[Entry]) -> AsyncIterator[bytes]:
    """The archive's bytes."""
    at, count = 0, 0
    directory = bytearray()
    async for entry in entries:
        crc, held = await _crc_of(entry)
        name = entry.name.encode("utf-8")
        yield _local_header(name, crc, entry.size_bytes)
        if held is not None:
            yield held
        else:
            async for chunk in entry.open():
                yield chunk
        directory += _central_header(name, crc, entry.size_bytes, at)
        at += len(_local_header(name, crc, entry.size_bytes)) + entry.size_bytes
        count += 1
    yield bytes(directory)
    yield _end(count, len(directory), at)


async def _crc_of(entry: Entry) -> tuple[int, bytes | None]:
    """The checksum, and the bytes themselves where they came in one piece."""
    crc, pieces, held = 0, 0, b""
    async for chunk in entry.open():
        crc, pieces, held = zlib.crc32(chunk, crc), pieces + 1, chunk
    return crc, held if pieces == 1 else None


def _local_header(name: bytes, crc: int, size: int) -> bytes:
    extra = struct.pack("<HHQQ", 1, 16, size, size) if size >= _MAX_32 else b""
    shown = min(size, _MAX_32)
    return struct.pack("<4sHHHHHLLLHH", b"PK\x03\x04", _VERSION, _UTF_8_NAME, 0, _DOS_TIME, _DOS_DATE, crc, shown,
                       shown, len(name), len(extra)) + name + extra


def _central_header(name: bytes, crc: int, size: int, offset: int) -> bytes:
    long = ([size, size] if size >= _MAX_32 else []) + ([offset] if offset >= _MAX_32 else [])
    extra = struct.pack(f"<HH{len(long)}Q", 1, 8 * len(long), *long) if long else b""
    shown = min(size, _MAX_32)
    return struct.pack("<4sHHHHHHLLLHHHHHLL", b"PK\x01\x02", _VERSION, _VERSION, _UTF_8_NAME, 0, _DOS_TIME, _DOS_DATE,
                       crc, shown, shown, len(name), len(extra), 0, 0, 0, 0, min(offset, _MAX_32)) + name + extra


def _end(count: int, size: int, offset: int) -> bytes:
    end = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, min(count, _MAX_16), min(count, _MAX_16), min(size, _MAX_32),
                      min(offset, _MAX_32), 0)
    if count < _MAX_16 and offset + size < _MAX_32:
        return end
    zip64 = struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, _VERSION, _VERSION, 0, 0, count, count, size, offset)
    return zip64 + struct.pack("<4sLQL", b"PK\x06\x07", 0, offset + size, 1) + end
