"""WFDB records that `ecg_builders.wfdb_files` does not make: in segments, of mixed rates, with annotations."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tests.support.ecg_builders import known_samples, wfdb_files

SEGMENT = 300


def segmented_files(*, gains: tuple[str, str] = ("400(0)/mV", "400(0)/mV"), hole: int = 100) -> dict[str, bytes]:
    """A fixed layout: two segments of 300 samples, and between them a hole; signals I and II."""
    files: dict[str, bytes] = {}
    for name, seed, gain in (("demo_a", 7, gains[0]), ("demo_b", 8, gains[1])):
        files |= wfdb_files(known_samples(leads=("I", "II"), count=SEGMENT, seed=seed), name=name, gain=gain)
    middle = f"~ {hole}\n" if hole else ""
    master = (f"demo/{3 if hole else 2} 2 500 {2 * SEGMENT + hole} 08:30:00 02/03/2026\ndemo_a {SEGMENT}\n"
              f"{middle}demo_b {SEGMENT}\n")
    return files | {"demo.hea": master.encode()}


def variable_files() -> dict[str, bytes]:
    """A variable layout: I, II and V1 are described, the first segment brings I and II, the second II and V1."""
    files = wfdb_files(known_samples(leads=("I", "II"), count=SEGMENT, seed=7), name="demo_a")
    files |= wfdb_files(known_samples(leads=("II", "V1"), count=SEGMENT, seed=8), name="demo_b")
    layout = "demo_layout 3 500 0\n" + "".join(f"~ 0 400(0)/mV 16 0 0 0 0 {lead}\n" for lead in ("I", "II", "V1"))
    master = f"demo/3 3 500 {2 * SEGMENT} 08:30:00 02/03/2026\ndemo_layout 0\ndemo_a {SEGMENT}\ndemo_b {SEGMENT}\n"
    return files | {"demo.hea": master.encode(), "demo_layout.hea": layout.encode()}


def framed_files(signals: Mapping[str, tuple[int, NDArray[np.int32]]], *, hertz: int = 250) -> dict[str, bytes]:
    """Signals by name with so many samples a frame each."""
    frames = len(next(iter(signals.values()))[1]) // next(iter(signals.values()))[0]
    columns = [values.reshape(frames, each) for each, values in signals.values()]
    lines = [f"demo {len(signals)} {hertz} {frames}"]
    lines += [f"demo.dat 16x{each} 400(0)/mV 16 0 {values[0]} "
              f"{(int(values.sum()) + 32768) % 65536 - 32768} 0 {name}" for name, (each, values) in signals.items()]
    return {"demo.hea": "\n".join(lines).encode(), "demo.dat": np.hstack(columns).astype("<i2").tobytes()}


def annotation_file(*annotations: tuple[int, int, str]) -> bytes:
    """Annotations (sample, type, words) in the MIT format."""
    out, last = b"", 0
    for sample, kind, words in annotations:
        step, last = sample - last, sample
        if step > 1023:
            out += struct.pack("<HhH", 59 << 10, step >> 16, step & 0xFFFF)
            step = 0
        out += struct.pack("<H", kind << 10 | step)
        if words:
            raw = words.encode()
            out += struct.pack("<H", 63 << 10 | len(raw)) + raw + bytes(len(raw) % 2)
    return out + b"\0\0"
