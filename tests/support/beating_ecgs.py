"""Signals in which there are beats, for tests of what is measured; built from the demo's heart and then changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.demo.ecg_generator import MICROVOLTS_PER_COUNT, Rhythm, make_ecg

Counts = dict[str, NDArray[np.int32]]
"""Units of 2.5 µV, as `ecg_builders.aecg` takes them."""

assert MICROVOLTS_PER_COUNT == 2.5


def ecg_with_beats(*, seed: int = 7, rhythm: Rhythm = Rhythm.NORMAL) -> Counts:
    """Ten seconds of twelve clean leads at 500 Hz."""
    return dict(make_ecg(rhythm, seed=seed).counts)


def without_electrode(*leads: str, seed: int = 7) -> Counts:
    """The same with these leads flat all the time, as when their electrode has come off."""
    counts = ecg_with_beats(seed=seed)
    return {name: np.zeros_like(values) if name in leads else values for name, values in counts.items()}


def slow_ecg(rate_bpm: float, *, seed: int = 7) -> Counts:
    """One beat of the made ECG, repeated at this rate over ten seconds with a quiet line between."""
    counts = ecg_with_beats(seed=seed)
    peak = int(np.argmax(np.abs(counts["V4"][500:1500]))) + 500
    before, after = 150, 210                     # 300 ms before the R peak, 420 ms after it: P to T
    step = round(500 * 60 / rate_bpm)
    window = np.hanning(2 * 40)                  # fades in and out, so that no step looks like a wave
    fade = np.ones(before + after)
    fade[:40], fade[-40:] = window[:40], window[-40:]
    out = {}
    for number, (name, values) in enumerate(counts.items()):
        beat = values[peak - before:peak + after].astype(np.float64)
        rest = np.random.default_rng(100 + number).normal(0, 1.5, 5000)
        for at in range(before, 5000 - after, step):
            rest[at - before:at + after] += (beat - np.median(beat)) * fade
        out[name] = np.rint(rest).astype(np.int32)
    return out
