"""The signals of one WFDB header as integers: from the files that it names, frame by frame, with what is not a value.

A frame holds `samples_per_frame` values of each signal of a file; the values of a signal that is sampled faster than
the record follow each other inside it (header(5), signal(5)). Skews count frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from gateway.core.errors import Unreadable
from gateway.core.waveform import IntSamples
from gateway.formats import wfdb_header, wfdb_samples
from gateway.formats.wfdb_header import Header, Signal
from gateway.formats.zip_members import ZipMembers

NOTHING = "~"
"""The file of a signal that is only described, and the name of a segment in which nothing was recorded."""

_FLAC: Mapping[int, int] = {508: 8, 516: 16, 524: 24}


@dataclass(frozen=True, slots=True)
class Recorded:
    """One signal: its integers, and where they are no values."""

    signal: Signal
    samples: IntSamples
    missing: NDArray[np.bool_] | None


def recorded(header: Header, members: ZipMembers, folder: str, warnings: list[str]) -> list[Recorded]:
    """Every signal of the header, in its order. Raises Unreadable: reasons that begin with "wfdb-" or "zip-"."""
    raw: dict[int, IntSamples] = {}
    for file_name in dict.fromkeys(signal.file_name for signal in header.signals):
        numbers = [i for i, signal in enumerate(header.signals) if signal.file_name == file_name]
        data = members.read(member(members, folder, file_name))
        raw.update(zip(numbers, _file_signals(header, numbers, data), strict=True))
    return [_recorded(signal, raw[number], warnings) for number, signal in enumerate(header.signals)]


def member(members: ZipMembers, folder: str, file_name: str) -> str:
    """The member of that name beside the header. Raises Unreadable: zip-path, wfdb-missing-data."""
    if PurePosixPath(file_name).name != file_name or file_name in (NOTHING, ".", ".."):
        raise Unreadable(f"The header names a file outside the record: {file_name[:60]!r}.", reason="zip-path")
    inside = f"{folder}/{file_name}" if folder else file_name
    if inside not in members.names:
        raise Unreadable(f"The signal file {file_name} is missing.", reason="wfdb-missing-data")
    return inside


def _file_signals(header: Header, numbers: list[int], data: bytes) -> list[IntSamples]:
    signals = [header.signals[i] for i in numbers]
    first = signals[0]
    if len({(s.storage, s.byte_offset) for s in signals}) != 1:
        raise Unreadable("One signal file is described in two ways.", reason="wfdb-header")
    if first.storage in _FLAC:
        raise Unreadable(f"The signals are compressed by FLAC (storage format {first.storage}), which is not read.",
                         reason="wfdb-flac")
    data = data[first.byte_offset:]
    frame = sum(signal.samples_per_frame for signal in signals)
    if frame == 0:
        raise Unreadable("The frames of a signal file hold no samples.", reason="wfdb-header")
    count = header.sample_count or wfdb_samples.samples_in(len(data), first.storage) // frame
    if count * frame > wfdb_header.MAX_SAMPLES:
        raise Unreadable("The signal file holds more samples than any ECG has.", reason="wfdb-too-large")
    frames = wfdb_samples.decode(data, first.storage, count * frame).reshape(count, frame)
    out = []
    at = 0
    for signal in signals:
        samples = np.ascontiguousarray(frames[:, at:at + signal.samples_per_frame]).reshape(-1)
        at += signal.samples_per_frame
        if signal.storage == 8:
            samples = np.cumsum(samples, dtype=np.int32) + np.int32(signal.initial_value or 0)
        out.append(samples)
    return out


def _recorded(signal: Signal, samples: IntSamples, warnings: list[str]) -> Recorded:
    if signal.checksum is not None and len(samples) and _checksum(samples) != signal.checksum % 65536:
        warnings.append(f"The checksum of {signal.description or '?'} does not match its samples.")
    missing = samples == wfdb_samples.INVALID[signal.storage] if signal.storage in wfdb_samples.INVALID else None
    if signal.skew:
        samples, missing = _without_skew(samples, missing, signal.skew * signal.samples_per_frame)
    if missing is not None and not missing.any():
        missing = None
    return Recorded(replace(signal, skew=0), samples, missing)


def _without_skew(samples: IntSamples, missing: NDArray[np.bool_] | None,
                  skew: int) -> tuple[IntSamples, NDArray[np.bool_]]:
    """A skewed signal was written `skew` samples late: move it back, the end has no value."""
    moved = np.zeros_like(samples)
    gone = np.ones(len(samples), dtype=np.bool_)
    kept = max(0, len(samples) - skew)
    moved[:kept] = samples[skew:skew + kept]
    gone[:kept] = missing[skew:skew + kept] if missing is not None else False
    return moved, gone


def _checksum(samples: IntSamples) -> int:
    return int(samples.sum(dtype=np.int64)) % 65536
