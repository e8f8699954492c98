"""High compression for the SCP-ECG writer: which beats are alike, their common shape, what remains without it.

Only the size depends on how well beats are found: whatever is subtracted is added again by the reader, so without
decimation the result is exact. With it ("bimodal") one mean stands for four samples outside the protected zones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.formats.scp_beats import Qrs

Values = NDArray[np.int64]
DECIMATION = 4
_BEFORE_MS, _AFTER_MS = 250, 450             # of the fiducial point, the extent of the reference beat
_SUBTRACTED_MS = 100                         # on each side; farther out the beat's own noise costs more than it saves
_PROTECTED_MS = 70                           # on each side of the fiducial point
_SHIFT_MS = 40                               # how far a beat is moved to fit the others
_REFRACTORY_MS = 250


@dataclass(frozen=True, slots=True)
class Subtraction:
    """What Sections 4 to 6 hold. The fiducial point of the beat is counted from 1."""

    beats: Values                            # (leads, samples)
    beat_fiducial: int
    qrs: tuple[Qrs, ...]
    protected: tuple[tuple[int, int], ...]   # one for each QRS; gaps between them are multiples of DECIMATION
    residuals: Values                        # (leads, samples)


def subtract(samples: Values, fiducials: Sequence[int], interval_us: int) -> Subtraction | None:
    """Subtract the common beat around each of `fiducials` (counted from 0) where that helps.

    `samples` is (leads, samples) of 16 bits. None if there are fewer than two beats to have something in common.
    """
    before, after = (round(ms * 1000 / interval_us) for ms in (_BEFORE_MS, _AFTER_MS))
    count = samples.shape[1]
    whole = [f for f in fiducials if f >= before and f + after < count]
    if len(whole) < 2:
        return None
    core, zone = (round(ms * 1000 / interval_us) for ms in (_PROTECTED_MS, _SUBTRACTED_MS))
    beat = _common(samples, whole, before, after)
    reach = round(_SHIFT_MS * 1000 / interval_us)
    moved = sorted({_best_fit(samples, beat, f, before, core, reach) for f in fiducials})
    moved = [f for f, earlier in zip(moved, [-core - 1, *moved], strict=False) if f - earlier > core]
    whole = [f for f in moved if f >= before and f + after < count]
    if len(whole) < 2:
        return None
    beat = _common(samples, whole, before, after)
    residuals = samples.copy()
    qrs: list[Qrs] = []
    for number, fiducial in enumerate(moved):
        earlier = qrs[-1].end if qrs else 0
        later = moved[number + 1] if number + 1 < len(moved) else count + zone
        first = max(fiducial - zone, earlier, 0)
        last = min(fiducial + zone, max(later - zone - 1, (fiducial + later) // 2), count - 1)
        part = slice(first, last + 1)
        remains = samples[:, part] - beat[:, first - fiducial + before:last - fiducial + before + 1]
        helps = _activity(remains) < _activity(samples[:, part])
        fits = bool(remains.min() >= -32768 and remains.max() <= 32767)
        if helps and fits:
            residuals[:, part] = remains
        qrs.append(Qrs(0 if helps and fits else 1, first + 1, fiducial + 1, last + 1))
    return Subtraction(beat, before + 1, tuple(qrs), _protected(moved, core, count), residuals)


def decimate(residual: Values, protected: Sequence[tuple[int, int]]) -> Values:
    """One lead with a mean for each block of DECIMATION samples outside of the protected zones."""
    parts: list[Values] = []
    at = 0
    for begin, end in [*protected, (len(residual) + 1, len(residual))]:
        gap = residual[at:begin - 1]
        parts.append(np.rint(gap.reshape(-1, DECIMATION).mean(axis=1)).astype(np.int64))
        parts.append(residual[begin - 1:end])
        at = end
    return np.concatenate(parts)


def find_beats(samples: Values, interval_us: int) -> list[int]:
    """Where the leads change fastest together, at most once in a quarter of a second. Good enough to compress."""
    activity = np.abs(np.diff(samples, axis=1)).sum(axis=0).astype(np.float64)
    width = max(1, round(80_000 / interval_us))
    if len(activity) < 4 * width:
        return []
    activity = np.convolve(activity, np.ones(width), "same")
    threshold = 0.4 * float(np.quantile(activity, 0.98))
    refractory = round(_REFRACTORY_MS * 1000 / interval_us)
    found: list[int] = []
    for at in np.flatnonzero(activity > threshold):
        if found and at - found[-1] <= refractory:
            if activity[at] > activity[found[-1]]:
                found[-1] = int(at)
        else:
            found.append(int(at))
    return found


def _common(samples: Values, fiducials: Sequence[int], before: int, after: int) -> Values:
    beats = np.stack([samples[:, f - before:f + after + 1] for f in fiducials])
    middle: Values = np.rint(np.median(beats, axis=0)).astype(np.int64)
    return middle


def _best_fit(samples: Values, beat: Values, fiducial: int, before: int, core: int, reach: int) -> int:
    shape = beat[:, before - core:before + core + 1]
    places = range(max(fiducial - reach, core), min(fiducial + reach, samples.shape[1] - core - 1) + 1)
    return min(places, default=fiducial,
               key=lambda at: int(np.abs(samples[:, at - core:at + core + 1] - shape).sum()))


def _activity(samples: Values) -> int:
    return int(np.abs(np.diff(samples, 2, axis=1)).sum()) if samples.shape[1] > 2 else 0


def _protected(fiducials: Sequence[int], core: int, count: int) -> tuple[tuple[int, int], ...]:
    """Zones from 1, apart, each beginning where a whole number of blocks ends; the last gap is whole too."""
    zones: list[tuple[int, int]] = []
    for fiducial in fiducials:
        earlier = zones[-1][1] if zones else 0
        begin = max(fiducial + 1 - core, earlier + 1)
        begin -= (begin - 1 - earlier) % DECIMATION
        zones.append((begin, min(max(fiducial + 1 + core, begin), count)))
    begin, end = zones[-1]
    zones[-1] = (begin, end + (count - end) % DECIMATION)
    return tuple(zones)
