"""Beats of one kind, aligned and averaged: noise falls with the root of their number; one beat remains to measure.

Beats are sorted by the shape of their QRS over all independent leads at once. The largest class is the dominant one;
of it, beats that come early or late, or before an early one, are left out of the average if enough others remain.
The line through the points just before each QRS is taken off first (Meyer and Keiser 1977, straight lines here): that
is where an ECG is at rest, and what ST is measured against.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gateway.signals.filters import band, moving_mean
from gateway.signals.heart_beats import Places
from gateway.signals.traces import INDEPENDENT_LEADS, Signal, Traces

BEFORE_S, AFTER_S = 0.5, 0.8
"""How much of the trace around the R peak a median beat shows."""
_SAME_CLASS = 0.88                    # correlation over the QRS
_MAX_AVERAGED = 120
_MAX_CLASSES = 40
_QRS_BEFORE_S, _QRS_AFTER_S = 0.08, 0.12
_SHIFT_S = 0.03


@dataclass(frozen=True, slots=True)
class DominantBeat:
    """The average of the dominant class, and who went into it."""

    interval_us: float
    names: tuple[str, ...]
    average_uv: Signal                    # (n_leads, n_samples), baseline taken off
    r_index: int                          # the R peak's place in the average
    places: Places                        # of all beats in the stretch, aligned within their class
    labels: NDArray[np.int64]             # class of each, 0 is the dominant one
    averaged: NDArray[np.int64]           # which beats went into the average
    segments_uv: Signal                   # (n_averaged, n_leads, n_samples) NaN beyond the record

    @property
    def rate(self) -> float:
        return 1e6 / self.interval_us

    def rows(self, names: tuple[str, ...]) -> list[int]:
        return [self.names.index(name) for name in names if name in self.names]


def levelled(beat: DominantBeat, qrs_onset: float) -> DominantBeat:
    """The average with each lead's zero where it rests, in the 20 ms before the QRS that was found."""
    end = max(1, round(qrs_onset - 0.002 * beat.rate))
    rest = beat.average_uv[:, max(0, end - round(0.02 * beat.rate)):end].mean(axis=1, keepdims=True)
    return replace(beat, average_uv=beat.average_uv - rest)


def average_dominant(traces: Traces, places: Places) -> DominantBeat | None:
    """Sort, align and average; None without beats."""
    if not len(places) or not traces.names:
        return None
    rate = traces.sampling_frequency_hz
    shapes = traces.only(tuple(n for n in INDEPENDENT_LEADS if n in traces.names) or traces.names)
    labels, places = _classes(shapes, places, rate)
    chosen = _averaged(labels, places)
    level = _baseline(traces, places, labels, rate)
    segments = np.stack([_segment(traces, level, int(places[beat]), rate) for beat in chosen])
    return DominantBeat(traces.interval_us, traces.names, _central_mean(segments), round(BEFORE_S * rate),
                        places, labels, chosen, segments)


def _classes(traces: Traces, places: Places, rate: float) -> tuple[NDArray[np.int64], Places]:
    """Label every beat by its shape, 0 for the largest class, and move it to where it fits that class best."""
    shapes = band(traces.samples_uv, rate, low_hz=1.0, high_hz=40.0)
    reach = round(_SHIFT_S * rate)
    before, after = round(_QRS_BEFORE_S * rate) + reach, round(_QRS_AFTER_S * rate) + reach
    padded = np.pad(shapes, ((0, 0), (before, after)), mode="edge")
    templates: list[Signal] = []
    counts: list[int] = []
    labels = np.zeros(len(places), np.int64)
    moved = places.copy()
    for number, place in enumerate(places):
        window = padded[:, place:place + before + after + 1]
        views = np.lib.stride_tricks.sliding_window_view(window, before + after + 1 - 2 * reach, axis=1)
        candidates = views.transpose(1, 0, 2).reshape(2 * reach + 1, -1)
        best, fit, shift = -1, _SAME_CLASS, 0
        for known, template in enumerate(templates):
            r = _correlations(candidates, template)
            if r.max() > fit:
                best, fit, shift = known, float(r.max()), int(r.argmax()) - reach
        if best < 0:
            best = len(templates)
            if best == _MAX_CLASSES:
                best -= 1
            else:
                templates.append(candidates[reach].copy())
                counts.append(0)
        weight = min(counts[best], 15)
        templates[best] = (templates[best] * weight + candidates[reach + shift]) / (weight + 1)
        counts[best] += 1
        labels[number] = best
        moved[number] = min(max(place + shift, 0), traces.sample_count - 1)
    order = np.argsort(-np.array(counts), kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[labels], moved


def _correlations(candidates: Signal, template: Signal) -> Signal:
    centred = candidates - candidates.mean(axis=1, keepdims=True)
    target = template - template.mean()
    norm = np.sqrt((centred**2).sum(axis=1) * (target**2).sum())
    return np.asarray((centred @ target) / np.maximum(norm, 1e-9))


def _averaged(labels: NDArray[np.int64], places: Places) -> NDArray[np.int64]:
    members = np.flatnonzero(labels == 0)
    if len(places) > 3:
        rr = np.diff(places).astype(np.float64)
        before = np.concatenate([[np.median(rr)], rr])
        usual = np.median(before[members])
        after = np.concatenate([rr, [usual]])             # an early beat that follows falls into the T wave
        steady = members[(before[members] > 0.85 * usual) & (before[members] < 1.2 * usual)
                         & (after[members] > 0.85 * usual)]
        if len(steady) >= 3 and 2 * len(steady) >= len(members):
            members = steady
    if len(members) > _MAX_AVERAGED:
        members = members[np.linspace(0, len(members) - 1, _MAX_AVERAGED).astype(np.int64)]
    return members


def _baseline(traces: Traces, places: Places, labels: NDArray[np.int64], rate: float) -> Signal:
    """(n_leads, n_samples): straight lines through the rest before each QRS."""
    width = max(2, round(0.02 * rate))
    means = moving_mean(traces.samples_uv, width)
    rest = np.clip(places - _rest_before_r(traces, places, labels, rate) - width // 2, 0, traces.sample_count - 1)
    rest = np.unique(rest)
    knots = means[:, rest]
    at = np.arange(traces.sample_count)
    return np.stack([np.interp(at, rest, row) for row in knots])


def _rest_before_r(traces: Traces, places: Places, labels: NDArray[np.int64], rate: float) -> int:
    """How many samples before the R peak the dominant QRS begins: the last quiet moment of the averaged slope."""
    leads = traces.only(tuple(n for n in INDEPENDENT_LEADS if n in traces.names) or traces.names)
    reach = round(0.16 * rate)
    members = [p for p in places[labels == 0] if p >= reach + 2][:60]
    if not members:
        return round(0.05 * rate)
    step = max(1, round(0.008 * rate))
    cut = np.mean([leads.samples_uv[:, p - reach:p + 1] for p in members], axis=0)
    speed = np.sqrt((((cut[:, step:] - cut[:, :-step])) ** 2).sum(axis=0))
    # A turning point is quiet for an instant, rest for 12 ms.
    still = moving_mean((speed < 0.06 * speed.max()).astype(np.float64), max(2, round(0.012 * rate))) > 0.99
    quiet = np.flatnonzero(still[:int(speed.argmax())])
    return int(reach - quiet[-1] - step) if len(quiet) else round(0.06 * rate)


def _segment(traces: Traces, level: Signal, place: int, rate: float) -> Signal:
    begin, end = place - round(BEFORE_S * rate), place + round(AFTER_S * rate) + 1
    out = np.full((len(traces.names), end - begin), np.nan)
    low, high = max(0, begin), min(traces.sample_count, end)
    part = traces.samples_uv[:, low:high] - level[:, low:high]
    part[traces.is_missing[:, low:high]] = np.nan
    out[:, low - begin:high - begin] = part
    return out


def _central_mean(segments: Signal) -> Signal:
    """The mean of the middle half of the values at each instant: no outlier counts, little is lost to noise."""
    ordered = np.sort(segments, axis=0)                       # NaN goes last
    count = (~np.isnan(ordered)).sum(axis=0)
    cut = count // 4
    ranks = np.arange(len(ordered))[:, None, None]
    kept = (ranks >= cut) & (ranks < count - cut)
    total = np.where(kept, ordered, 0.0).sum(axis=0)
    number = kept.sum(axis=0)
    return np.asarray(np.where(number > 0, total / np.maximum(number, 1), 0.0))
