"""The storage formats of WFDB signal files: bytes into integers, vectorised (WFDB signal(5)).

Each decoder takes the bytes of one file and gives the samples as they lie in it, all its signals interleaved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from gateway.core.errors import Unreadable
from gateway.core.waveform import IntSamples


def decode(data: bytes, storage: int, count: int) -> IntSamples:
    """The first `count` samples, in file order. Raises Unreadable: wfdb-storage-format, wfdb-data-short."""
    if storage not in _DECODERS:
        raise Unreadable(f"WFDB storage format {storage} is not read yet.", reason="wfdb-storage-format")
    samples = _DECODERS[storage](data, count)
    if len(samples) < count:
        raise Unreadable(f"The signal file holds {len(samples)} of {count} samples.", reason="wfdb-data-short")
    return np.ascontiguousarray(samples[:count], dtype=np.int32)


def samples_in(size_bytes: int, storage: int) -> int:
    """How many whole samples so many bytes hold, for headers that do not say."""
    return {8: size_bytes, 80: size_bytes, 24: size_bytes // 3, 32: size_bytes // 4, 212: size_bytes * 2 // 3,
            310: size_bytes // 4 * 3, 311: size_bytes // 4 * 3}.get(storage, size_bytes // 2)


INVALID: Mapping[int, int] = {
    16: -32768, 61: -32768, 160: -32768, 80: -128, 212: -2048, 310: -512, 311: -512, 24: -(2**23), 32: -(2**31),
}
"""The value that stands for "no sample", by storage format; format 8 has none."""


def _plain(dtype: str, zero: int = 0) -> Callable[[bytes, int], IntSamples]:
    def read(data: bytes, count: int) -> IntSamples:
        width = np.dtype(dtype).itemsize
        usable = min(count, len(data) // width)
        return np.frombuffer(data, dtype=dtype, count=usable).astype(np.int32) - np.int32(zero)
    return read


def _differences(data: bytes, count: int) -> IntSamples:
    return np.frombuffer(data, dtype="i1", count=min(count, len(data))).astype(np.int32)


def _24(data: bytes, count: int) -> IntSamples:
    usable = min(count, len(data) // 3)
    raw = np.frombuffer(data, dtype="u1", count=usable * 3).reshape(-1, 3).astype(np.int32)
    return _signed(raw[:, 0] | raw[:, 1] << 8 | raw[:, 2] << 16, 24)


def _212(data: bytes, count: int) -> IntSamples:
    """Two 12-bit samples in three bytes."""
    padded = data[: (count + 1) // 2 * 3]
    whole = len(padded) * 2 // 3                       # a lone sample at the end takes two bytes
    padded += bytes(-len(padded) % 3)
    raw = np.frombuffer(padded, dtype="u1").reshape(-1, 3).astype(np.int32)
    out = np.empty((len(raw), 2), dtype=np.int32)
    out[:, 0] = raw[:, 0] | (raw[:, 1] & 0x0F) << 8
    out[:, 1] = raw[:, 2] | (raw[:, 1] & 0xF0) << 4
    return _signed(out.reshape(-1)[:whole], 12)


def _310(data: bytes, count: int) -> IntSamples:
    """Three 10-bit samples in two little-endian 16-bit words, the third split over both words' top bits."""
    words, whole = _words(data, count, "<u2", 2)
    out = np.empty((len(words), 3), dtype=np.int32)
    out[:, 0] = words[:, 0] >> 1 & 0x3FF
    out[:, 1] = words[:, 1] >> 1 & 0x3FF
    out[:, 2] = words[:, 0] >> 11 & 0x1F | (words[:, 1] >> 11 & 0x1F) << 5
    return _signed(out.reshape(-1)[:whole], 10)


def _311(data: bytes, count: int) -> IntSamples:
    """Three 10-bit samples in the low 30 bits of a little-endian 32-bit word."""
    words, whole = _words(data, count, "<u4", 1)
    out = np.stack([words[:, 0] >> shift & 0x3FF for shift in (0, 10, 20)], axis=1).astype(np.int32)
    return _signed(out.reshape(-1)[:whole], 10)


def _words(data: bytes, count: int, dtype: str, per_group: int) -> tuple[np.ndarray, int]:
    groups = -(-count // 3)
    part = data[: groups * 4]
    whole = len(part) // 4 * 3 + (len(part) % 4) // 2   # a last group may be cut after the words it needs
    part += bytes(-len(part) % 4)
    return np.frombuffer(part, dtype=dtype).astype(np.int64).reshape(-1, per_group), whole


def _signed(values: IntSamples, bits: int) -> IntSamples:
    half = 1 << (bits - 1)
    return (values ^ half) - half


_DECODERS: Mapping[int, Callable[[bytes, int], IntSamples]] = {
    8: _differences,
    16: _plain("<i2"),
    24: _24,
    32: _plain("<i4"),
    61: _plain(">i2"),
    80: _plain("u1", 128),
    160: _plain("<u2", 32768),
    212: _212,
    310: _310,
    311: _311,
}
