"""Pacemaker spikes: a jump out of rest within a sample or two, in several leads at once.

A heart cannot do that: a QRS gathers speed over ten milliseconds. Spikes are found so that they are not taken for the
QRS and its onset, and because they forbid some numbers; what they mean is for the reader.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gateway.signals.heart_beats import Places
from gateway.signals.traces import INDEPENDENT_LEADS, Signal, Traces

_MIN_JUMP_UV = 80.0                   # within 2 ms, in each of two leads or more
_JUMP_RATIO = 6.0                     # against the 10 ms before
_LENGTH_S = 0.012
_REACH_S = 0.12
_MIN_FREQUENCY_HZ = 480.0


@dataclass(frozen=True, slots=True)
class Spikes:
    """Where spikes begin in a stretch."""

    places: Places

    def before(self, beats: Places, rate: float) -> tuple[float, int]:
        """The share of beats with a spike in the 120 ms before the R peak, and the usual place of it, R at 0."""
        last = np.searchsorted(self.places, beats, side="right") - 1
        gaps = (beats - self.places[last])[last >= 0] if len(self.places) else np.empty(0, np.int64)
        gaps = gaps[gaps <= _REACH_S * rate]
        if not len(gaps):
            return 0.0, 0
        return len(gaps) / len(beats), -int(np.median(gaps))


def find_spikes(traces: Traces) -> Spikes:
    """Spikes seen in two leads or more; none below 480 Hz, where they are gone or smeared."""
    rate = traces.sampling_frequency_hz
    leads = traces.only(tuple(n for n in INDEPENDENT_LEADS if n in traces.names) or traces.names)
    step, rest = max(1, round(0.002 * rate)), round(0.01 * rate)
    if rate < _MIN_FREQUENCY_HZ or leads.sample_count < 4 * rest or len(leads.names) < 2:
        return Spikes(np.empty(0, np.int64))
    jump = np.abs(leads.samples_uv[:, step:] - leads.samples_uv[:, :-step])
    # Only where two leads jump at all is the rest before it worth looking at.
    candidates = np.flatnonzero((jump > _MIN_JUMP_UV).sum(axis=0) >= 2)
    candidates = candidates[candidates >= rest + step]
    before = jump[:, candidates[:, None] + np.arange(-rest - step, -step)].max(axis=2)
    sudden = (jump[:, candidates] > _MIN_JUMP_UV) & (jump[:, candidates] > _JUMP_RATIO * before)
    found: list[int] = []
    for number in np.flatnonzero(sudden.sum(axis=0) >= 2):
        place, jumped = int(candidates[number]), sudden[:, number]
        if found and place - found[-1] < _LENGTH_S * rate + rest:
            continue
        if _falls_back(leads.samples_uv[jumped], place, round(_LENGTH_S * rate)):
            found.append(place)
    return Spikes(np.array(found, np.int64))


def _falls_back(samples_uv: Signal, place: int, length: int) -> bool:
    """A spike is over after some milliseconds; a steep QRS goes on."""
    after = samples_uv[:, place + 1:place + length + 1] - samples_uv[:, [place]]
    return bool((np.abs(after[:, -1]) < 0.6 * np.abs(after).max(axis=1)).sum() >= 2) if after.shape[1] else False


def without_spikes(traces: Traces, spikes: Spikes) -> Traces:
    """The same with straight lines in place of the spikes."""
    if not len(spikes.places):
        return traces
    samples: Signal = traces.samples_uv.copy()
    length = round(_LENGTH_S * traces.sampling_frequency_hz)
    for place in spikes.places:
        begin, end = max(0, int(place)), min(traces.sample_count - 1, int(place) + length)
        line = np.linspace(0.0, 1.0, end - begin + 1)
        samples[:, begin:end + 1] = samples[:, [begin]] + (samples[:, [end]] - samples[:, [begin]]) * line
    return replace(traces, samples_uv=samples)
