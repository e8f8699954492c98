"""Find the QRS complexes: a proven detector on every independent lead, and the leads vote.

The detector is sleepecg's (Brunner et al., a Pan-Tompkins (1985) detector without its delay and with a search back at
the start), which needs no learning phase: ten seconds have none to spare. One lead alone may show a tall T wave or a
low QRS; a complex is what many leads show at once. What few leads show counts if the energy of all leads together is
like that of the other complexes, so neither a low beat nor one cut by the record's edge is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.signals.filters import band, moving_mean
from gateway.signals.traces import INDEPENDENT_LEADS, Flags, Signal, Traces

Places = NDArray[np.int64]

_QRS_BAND_HZ = (5.0, 30.0)
_SAME_BEAT_S = 0.12
_REFRACTORY_S = 0.2
_MAX_LEADS = 12
_ENOUGH_S = 1.9                       # of a lead: carts that record three leads at a time give each 2.5 s


@dataclass(frozen=True, slots=True)
class HeartBeats:
    """Complexes in a stretch, places counted from its start."""

    places: Places                        # R peaks of the vector magnitude, ascending
    energy: Signal                        # (n_samples,) QRS energy of all leads, for whoever searches on


def find_beats(traces: Traces) -> HeartBeats:
    """Every QRS complex of a stretch."""
    leads = _voting_leads(traces)
    rate = traces.sampling_frequency_hz
    if not len(leads.names) or leads.sample_count < 0.5 * rate:
        return HeartBeats(np.empty(0, np.int64), np.zeros(traces.sample_count))
    filtered = band(leads.samples_uv, rate, low_hz=_QRS_BAND_HZ[0], high_hz=_QRS_BAND_HZ[1])
    filtered[leads.is_missing] = 0
    energy = _energy(filtered, rate)
    votes = [_detect(row, missing, rate) for row, missing in zip(leads.samples_uv, leads.is_missing, strict=True)]
    places = _elect(votes, np.maximum((~leads.is_missing).sum(axis=0), 1), energy, filtered, rate)
    return HeartBeats(places, energy)


def _voting_leads(traces: Traces) -> Traces:
    names = tuple(name for name in INDEPENDENT_LEADS if name in traces.names) or traces.names
    if not {"I", "II"} & set(names) or len(names) < 3 or traces.is_missing.mean() > 0.3:
        names = traces.names                 # few leads, or each for a part of the time: all are needed
    alive = tuple(name for name in names if _is_alive(traces, name))
    return traces.only(alive[:_MAX_LEADS])


def _is_alive(traces: Traces, name: str) -> bool:
    row = traces.names.index(name)
    seen = ~traces.is_missing[row]
    enough = min(0.5 * traces.sample_count, _ENOUGH_S * traces.sampling_frequency_hz)
    return bool(seen.sum() > enough) and float(np.ptp(traces.samples_uv[row][seen])) > 0


def _detect(samples_uv: Signal, missing: Flags, rate: float) -> Places:
    """The complexes of one lead, from its first to its last value."""
    from sleepecg.heartbeats import detect_heartbeats  # late: it brings scipy, a second of start-up

    seen = np.flatnonzero(~missing)
    found: Places = np.asarray(detect_heartbeats(samples_uv[seen[0]:seen[-1] + 1], rate), np.int64) + seen[0]
    return np.asarray(found[~missing[found]])


def _energy(filtered: Signal, rate: float) -> Signal:
    """The squared slope of the QRS band, summed over leads and smoothed over a narrow QRS."""
    slope = np.gradient(filtered, axis=-1)
    return moving_mean((slope**2).sum(axis=0), max(1, round(0.1 * rate)))


def _elect(votes: list[Places], voters: Places, energy: Signal, filtered: Signal, rate: float) -> Places:
    """Candidates close in time are one; many votes, or few and the energy of a complex, make a beat.

    `voters` is how many leads have a value at each sample.
    """
    marks = np.sort(np.concatenate(votes)) if votes else np.empty(0, np.int64)
    if not len(marks):
        return marks
    groups = np.split(marks, np.flatnonzero(np.diff(marks) > _SAME_BEAT_S * rate / 2) + 1)
    magnitude = np.sqrt((filtered**2).sum(axis=0))
    places = np.array([_peak(magnitude, int(np.median(group)), rate) for group in groups], np.int64)
    share = np.array([len(group) for group in groups]) / voters[places]
    strength = np.array([energy[max(0, p - round(0.05 * rate)):p + round(0.05 * rate) + 1].max() for p in places])
    sure = share >= 0.5
    usual = float(np.median(strength[sure])) if sure.any() else float(np.median(strength))
    kept = (sure & (strength > 0.02 * usual)) | (strength > 0.3 * usual)
    return _apart(places[kept], strength[kept], rate)


def _peak(magnitude: Signal, place: int, rate: float) -> int:
    begin = max(0, place - round(0.06 * rate))
    return begin + int(np.argmax(magnitude[begin:place + round(0.06 * rate) + 1]))


def _apart(places: Places, strength: Signal, rate: float) -> Places:
    """Of two within the refractory time of the ventricles the stronger is kept."""
    kept: list[int] = []
    for candidate in np.argsort(-strength, kind="stable"):
        if all(abs(places[candidate] - places[other]) >= _REFRACTORY_S * rate for other in kept):
            kept.append(int(candidate))
    return np.sort(places[kept])
