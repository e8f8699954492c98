"""A frame of MFER samples into the integers of its channels (ISO 22077-1, frame = sequences × channels × block)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgLead, IntSamples
from gateway.formats.mfer_definitions import Channel

_TYPES: Mapping[int, str] = {0: "i2", 1: "u2", 2: "i4", 3: "u1", 4: "u2", 5: "i1", 6: "u4", 7: "f4", 8: "f8"}
STATUS = 4
"""Data type of sixteen bits that are flags, no measure."""

_MOST_NANOVOLTS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: what held when it came, and its samples by channel, in the file's own type."""

    channels: tuple[Channel, ...]
    is_little_endian: bool
    pointer: int | None                      # index of its first sample in the recording
    samples: tuple[NDArray[np.generic], ...]


def decode(data: bytes, channels: Sequence[Channel], *, is_little_endian: bool, pointer: int | None,
           warnings: list[str]) -> Frame:
    """Split a frame. Raises Unreadable: mfer-aha, mfer-data-type, mfer-sequences, mfer-data-short."""
    types = [_type(channel, is_little_endian) for channel in channels]
    sizes = [channel.block * kind.itemsize for channel, kind in zip(channels, types, strict=True)]
    sequence_bytes = sum(sizes)
    stated = {channel.sequences for channel in channels}
    if len(stated) > 1:
        raise Unreadable("Channels differ in their number of sequences.", reason="mfer-sequences")
    held, rest = divmod(len(data), sequence_bytes)
    announced = stated.pop() or held
    if held == 0 or announced == 0:
        raise Unreadable(f"The frame announces {sequence_bytes} bytes a sequence and holds {len(data)}.",
                         reason="mfer-data-short")
    if held < announced:
        warnings.append(f"The frame announces {announced} sequences and holds {held}; the rest has no samples.")
    elif len(data) > announced * sequence_bytes or rest:
        warnings.append(f"{len(data) - announced * sequence_bytes} bytes follow the samples of a frame.")
    count = min(held, announced)
    rows = np.frombuffer(data, dtype=np.uint8, count=count * sequence_bytes).reshape(count, sequence_bytes)
    out: list[NDArray[np.generic]] = []
    at = 0
    for kind, size in zip(types, sizes, strict=True):
        out.append(np.ascontiguousarray(rows[:, at:at + size]).view(kind).reshape(-1))
        at += size
    return Frame(tuple(channels), is_little_endian, pointer, tuple(out))


def lead(name: str, code: str, channel: Channel, samples: NDArray[np.generic], *, is_little_endian: bool,
         start_us: float = 0.0) -> EcgLead:
    """The lead of one voltage channel. Raises Unreadable: mfer-uncalibrated, mfer-data-type."""
    if not channel.nv_per_unit:
        raise Unreadable(f"The file states no sensitivity for {name}; none is guessed.", reason="mfer-uncalibrated")
    kind = _type(channel, is_little_endian)
    offset, null = _value(channel.offset, kind), _value(channel.null, kind)
    missing = samples == null if null is not None else None
    scale = float(channel.nv_per_unit)
    if kind.kind == "f":
        return _from_floats(name, code, samples, scale, float(offset or 0), missing)
    baseline = float(offset or 0)
    if kind.itemsize == 4 and kind.kind == "u":          # 32 bits without sign do not fit the model's 32 with one
        samples = (samples.astype(np.uint32) ^ np.uint32(2**31)).view(np.int32)
        baseline += 2**31
    return EcgLead(name=name, code=code, samples=samples.astype(np.int32), nv_per_unit=scale, baseline=baseline,
                   start_us=start_us, missing=missing if missing is not None and missing.any() else None)


def _from_floats(name: str, code: str, values: NDArray[np.generic], scale: float, offset: float,
                 missing: NDArray[np.bool_] | None) -> EcgLead:
    """Samples that are no integers become whole nanovolts."""
    with np.errstate(over="ignore", invalid="ignore"):
        nanovolts = np.rint((values.astype(np.float64) + offset) * scale)
    gone = ~np.isfinite(nanovolts) if missing is None else ~np.isfinite(nanovolts) | missing
    nanovolts[gone] = 0
    if len(nanovolts) and np.abs(nanovolts).max() > _MOST_NANOVOLTS:
        raise Unreadable(f"The samples of {name} go beyond two volts.", reason="mfer-data-type")
    samples: IntSamples = nanovolts.astype(np.int32)
    return EcgLead(name=name, code=code, samples=samples, nv_per_unit=1.0, missing=gone if gone.any() else None)


def _type(channel: Channel, is_little_endian: bool) -> np.dtype[np.generic]:
    if channel.data_type == 9:
        raise Unreadable("The samples are compressed by the AHA differences (data type 9), which are not read.",
                         reason="mfer-aha")
    if channel.data_type not in _TYPES:
        raise Unreadable(f"The data type {channel.data_type} is unknown.", reason="mfer-data-type")
    return np.dtype(_TYPES[channel.data_type]).newbyteorder("<" if is_little_endian else ">")


def _value(raw: bytes, kind: np.dtype[np.generic]) -> float | None:
    """One number in the type of the samples; None when it is not stated or of another size."""
    if not raw:
        return None
    if len(raw) != kind.itemsize:
        raise Unreadable("An offset or null value is not of the samples' size.", reason="mfer-definition")
    return float(np.frombuffer(raw, dtype=kind)[0])
