"""XLI, the compression inside Philips Sierra ECGs: each lead a header of 8 bytes and a stream of 10-bit LZW codes.

Header: compressed size (32 bits), a version (16), the start of the differences (16, signed), all little endian. The
codes stand most significant bit first and never grow wider; once 1023 strings are known the table stays as it is.
What comes out is the high bytes of all values and then their low bytes; the values are second differences. Leads III,
aVR, aVL and aVF hold what is left after computing them from I and II.

LZW: T. A. Welch, "A Technique for High-Performance Data Compression", Computer 17(6), 1984.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.core.errors import Unreadable
from gateway.core.waveform import IntSamples

HEADER_BYTES = 8
CODE_BITS = 10
_LAST_CODE = (1 << CODE_BITS) - 2               # the one above it ends the stream
_BYTES = tuple(bytes([value]) for value in range(256))
_DIFFERENCE_BIAS = 64
_LIMB_LEADS = 6


def decode(data: bytes, *, max_samples: int) -> list[IntSamples]:
    """Every chunk of a stream as stored, III to aVF still as residuals.

    Raises Unreadable: "sierra-chunk" for sizes that do not fit, "sierra-lzw" for codes that nobody defined,
    "sierra-too-large" where a lead would have more than `max_samples`.
    """
    leads: list[IntSamples] = []
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at:at + 4], "little", signed=True)
        start = int.from_bytes(data[at + 6:at + HEADER_BYTES], "little", signed=True)
        at += HEADER_BYTES
        if size <= 0 or at + size > len(data):
            raise Unreadable(f"Lead {len(leads) + 1} breaks off in the compressed samples.", reason="sierra-chunk")
        planes = _lzw(data[at:at + size], max_bytes=2 * max_samples)
        leads.append(_undo_differences(_join_planes(planes), start))
        at += size
    return leads


def rebuild_limb_leads(leads: list[IntSamples]) -> None:
    """Turn the residuals at places 2 to 5 into III, aVR, aVL and aVF, by the stored I and II; halves rounded down."""
    if len(leads) < _LIMB_LEADS:
        raise Unreadable("There are not the six limb leads that the others rest on.", reason="sierra-limb-leads")
    one, two, three, right, left, foot = leads[:_LIMB_LEADS]
    if len({len(lead) for lead in leads[:_LIMB_LEADS]}) > 1:
        raise Unreadable("The limb leads differ in length.", reason="sierra-limb-leads")
    three = two - one - three
    leads[2:_LIMB_LEADS] = [three, -right - (one + two) // 2, (one - three) // 2 - left, (two + three) // 2 - foot]


def _codes(data: bytes) -> NDArray[np.uint16]:
    """Whole 10-bit groups: five bytes hold four."""
    count = len(data) * 8 // CODE_BITS
    raw = np.frombuffer(data + bytes(-len(data) % 5), dtype=np.uint8).reshape(-1, 5).astype(np.uint16).T
    codes = np.stack([raw[0] << 2 | raw[1] >> 6, (raw[1] & 63) << 4 | raw[2] >> 4,
                      (raw[2] & 15) << 6 | raw[3] >> 2, (raw[3] & 3) << 8 | raw[4]], axis=1).ravel()[:count]
    ends = np.flatnonzero(codes > _LAST_CODE)
    return codes[:ends[0]] if len(ends) else codes


def _lzw(data: bytes, *, max_bytes: int) -> bytes:
    codes = _codes(data).tolist()
    if not codes:
        return b""
    table = list(_BYTES)
    size, before = len(table), _BYTES[codes[0]] if codes[0] < len(_BYTES) else b""
    if not before:
        raise Unreadable("The compressed samples are damaged.", reason="sierra-lzw")
    out = [before]
    growing = 1 + _LAST_CODE + 1 - size                # so many codes until the table is full
    for code in codes[1:growing]:
        if code < size:
            string = table[code]
            table.append(before + string[:1])
        elif code == size:
            string = before + before[:1]
            table.append(string)
        else:
            raise Unreadable("The compressed samples are damaged.", reason="sierra-lzw")
        size += 1
        out.append(string)
        before = string
    rest = codes[growing:]
    lengths = list(map(len, table))
    if sum(map(len, out)) + sum(map(lengths.__getitem__, rest)) > max_bytes:
        raise Unreadable("A lead holds more samples than stated.", reason="sierra-too-large")
    out.extend(map(table.__getitem__, rest))
    return b"".join(out)


def _join_planes(planes: bytes) -> NDArray[np.int64]:
    """High bytes first, then as many low ones; an odd last byte has no partner and counts as a high one over zero."""
    half = (len(planes) + 1) // 2
    high = np.frombuffer(planes[:half], dtype=np.int8).astype(np.int64)
    low = np.frombuffer(planes[half:].ljust(half, b"\0"), dtype=np.uint8)
    return high * 256 + low


def _undo_differences(values: NDArray[np.int64], start: int) -> IntSamples:
    """The first two values stand as they are; each later one is told by its second difference, one place late."""
    if len(values) < 2:
        raise Unreadable("A lead holds fewer than two samples.", reason="sierra-chunk")
    bends = np.concatenate(([start], values[2:-1] - _DIFFERENCE_BIAS))[:max(len(values) - 2, 0)]
    slopes = values[1] - values[0] - np.cumsum(bends)
    samples = np.concatenate((values[:2], values[1] + np.cumsum(slopes)))
    if len(samples) and (samples.max() > 2**31 - 1 or samples.min() < -(2**31)):
        raise Unreadable("The compressed samples are damaged: they grow beyond all bounds.", reason="sierra-lzw")
    return samples.astype(np.int32)
