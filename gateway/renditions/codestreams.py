"""Read the size that a compressed frame claims for itself, before a decoder allocates for it.

JPEG, JPEG lossless and JPEG-LS: the frame header (T.81 B.2.2, T.87 C.2.2). JPEG 2000 and HTJ2K: the SIZ marker
(T.800 A.5.1). A frame whose own size differs from the data set's is refused: a decoder would read past the end, or
a few bytes would make it ask for gigabytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from gateway.core.errors import Unreadable

_JPEG_FRAME_HEADERS = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class CodestreamSize:
    """What the frame says of itself. `process` is the JPEG frame marker (0xC0 baseline, 0xC3 lossless), else 0."""

    rows: int
    columns: int
    components: int
    bits: int
    process: int = 0
    is_signed: bool = False


def codestream_size(data: bytes) -> CodestreamSize:
    """Read the header. Raises Unreadable where there is none."""
    try:
        if data[:2] == b"\xff\xd8":
            return _jpeg(data)
        start = data.find(b"\xff\x4f\xff\x51", 0, 4096)      # at 0, or inside a JP2 box
        if start >= 0:
            return _jpeg_2000(data, start)
    except (IndexError, struct.error) as exc:
        raise Unreadable("The frame's header is cut off.", reason="frame-broken") from exc
    raise Unreadable("The frame does not begin like its transfer syntax.", reason="frame-broken")


def jpeg_adobe_transform(data: bytes) -> int | None:
    """The colour transform that an Adobe APP14 marker names (0 none, 1 YCbCr), or None."""
    at = data.find(b"\xff\xee", 2, 4096)
    if at >= 0 and data[at + 4:at + 9] == b"Adobe" and len(data) > at + 15:
        return data[at + 15]
    return None


def _jpeg(data: bytes) -> CodestreamSize:
    at = 2
    while True:
        if data[at] != 0xFF:
            raise Unreadable("The JPEG frame has no header.", reason="frame-broken")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _JPEG_FRAME_HEADERS:
            bits, rows, columns, components = struct.unpack_from(">BHHB", data, at + 4)
            return CodestreamSize(rows, columns, components, bits, marker)
        if marker in (0xD9, 0xDA):
            raise Unreadable("The JPEG frame has no header.", reason="frame-broken")
        at += 2 + int(struct.unpack_from(">H", data, at + 2)[0])


def _jpeg_2000(data: bytes, start: int) -> CodestreamSize:
    x, y, x_origin, y_origin = struct.unpack_from(">IIII", data, start + 8)
    (components,) = struct.unpack_from(">H", data, start + 40)
    depth = data[start + 42]
    return CodestreamSize(y - y_origin, x - x_origin, components, (depth & 0x7F) + 1, is_signed=bool(depth & 0x80))
