"""From traces and beats to named numbers, or to the named reason why there is none.

Reasons: too-few-beats, no-distinct-qrs, no-p-wave (nothing stands out before the QRS), p-not-constant (it does, but
not in the same place: fibrillation, flutter, dissociation), pacing, no-t-wave, missing-lead, small-wave,
implausible.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from gateway.core.ecg_analysis import MEASUREMENT_NAMES, MedianBeats
from gateway.signals.delineation import PWave, Qrs, TWave, find_p, find_qrs, find_t
from gateway.signals.filters import band
from gateway.signals.intervals import axis_deg, largest_mv, plausible_intervals, st_nv
from gateway.signals.median_beats import DominantBeat, levelled
from gateway.signals.pacing import Spikes
from gateway.signals.traces import INDEPENDENT_LEADS, STANDARD_LEADS

_P_COHERENCE, _P_REST_SHARE, _MIN_P_UV = 0.6, 0.27, 15.0
_MIN_T_UV = 40.0
_PACED_SHARE = 0.5
_QTC = tuple(name for name in MEASUREMENT_NAMES if name.startswith("qtc_"))


@dataclass(slots=True)
class Findings:
    """What is filled step by step."""

    NAMES: ClassVar[tuple[str, ...]] = MEASUREMENT_NAMES
    measurements: dict[str, float] = field(default_factory=dict)
    not_measurable: dict[str, str] = field(default_factory=dict)
    fiducials_us: dict[str, float] = field(default_factory=dict)
    st: dict[str, dict[str, float]] = field(default_factory=dict)

    def refuse(self, reason: str, *names: str) -> None:
        for name in names:
            if name not in self.measurements:
                self.not_measurable.setdefault(name, reason)


def measure_beat(beat: DominantBeat, rr_ms: float | None, rr_usual_ms: float,
                 spikes: Spikes) -> tuple[Findings, DominantBeat]:
    """All numbers of the averaged beat, and the beat with its zero before the QRS.

    `rr_ms` is the mean that corrects QT; `rr_usual_ms` bounds the search.
    """
    found = Findings()
    paced_share, spike = spikes.before(beat.places[beat.averaged], beat.rate)
    is_paced = paced_share >= _PACED_SHARE
    qrs = find_qrs(beat, beat.r_index + spike if is_paced else 0)
    if qrs is None:
        found.refuse("no-distinct-qrs", *MEASUREMENT_NAMES[2:])
        return found, beat
    beat = levelled(beat, qrs.onset)
    rr_samples = rr_usual_ms / 1000 * beat.rate
    t = find_t(beat, qrs, rr_samples)
    if t is not None and t.size_uv < max(_MIN_T_UV, 3 * noise_uv(beat)):
        t = None
    p, why_no_p = _true_p(beat, qrs, t, rr_samples, is_paced)
    found.fiducials_us = _fiducials_us(beat, qrs, p, t)
    numbers, refused = plausible_intervals(found.fiducials_us, rr_ms)
    found.measurements |= numbers
    found.not_measurable |= refused
    if p is None:
        found.refuse(why_no_p, "p_ms", "pr_ms", "p_axis_deg")
    if t is None:
        found.refuse("no-t-wave", "qt_ms", *_QTC, "t_axis_deg")
    elif rr_ms is None:
        found.refuse("too-few-beats", *_QTC)
    _voltages(found, beat, qrs, p, t)
    return found, beat


def noise_uv(beat: DominantBeat) -> float:
    """What noise is left in the average: the spread of the beats about it, over the root of their number."""
    if len(beat.segments_uv) < 3:
        return 0.0
    whole = beat.segments_uv[~np.isnan(beat.segments_uv).any(axis=(1, 2))]
    if len(whole) < 3:
        return 0.0
    spread = np.median(np.abs(whole - np.median(whole, axis=0)), axis=(0, 2))
    return float(np.median(spread) * 1.48 / np.sqrt(len(beat.segments_uv)))


def shown_beat(beat: DominantBeat) -> MedianBeats:
    """The averaged beat for the screen, standard leads first."""
    names = tuple(n for n in STANDARD_LEADS if n in beat.names)
    names += tuple(n for n in beat.names if n not in names)
    samples = np.clip(np.rint(beat.average_uv[beat.rows(names)] * 1000), -2**31 + 1, 2**31 - 1).astype(np.int32)
    return MedianBeats(beat.interval_us, names, samples, len(beat.averaged))


def _true_p(beat: DominantBeat, qrs: Qrs, t: TWave | None, rr_samples: float,
            is_paced: bool) -> tuple[PWave | None, str]:
    """The P wave if it is one and keeps its distance to the QRS; else the reason."""
    if is_paced:
        return None, "pacing"
    if len(beat.segments_uv) < 3:
        return None, "too-few-beats"
    p = find_p(beat, qrs, t, rr_samples)
    if p is None or p.size_uv < max(_MIN_P_UV, 2 * noise_uv(beat)):
        return None, "no-p-wave"
    coherence = p_coherence(beat, p)
    if coherence is None:
        return None, "too-few-beats"
    if coherence < _P_COHERENCE or p.rest_share > _P_REST_SHARE:
        return None, "p-not-constant"
    return p, ""


def p_coherence(beat: DominantBeat, p: PWave) -> float | None:
    """How alike the beats are where the P wave is: the median correlation of each with all the others.

    None with fewer than three beats that show all leads.
    """
    rows = beat.rows(INDEPENDENT_LEADS) or list(range(len(beat.names)))
    margin = round(0.02 * beat.rate)
    parts = beat.segments_uv[:, rows, :beat.r_index]
    parts = parts[~np.isnan(parts).any(axis=(1, 2))]
    if len(parts) < 3:
        return None
    parts = band(parts, beat.rate, high_hz=25)[:, :, max(0, int(p.onset) - margin):int(p.offset) + margin]
    flat = (parts - parts.mean(axis=2, keepdims=True)).reshape(len(parts), -1)
    others = flat.sum(axis=0) - flat
    norms = np.sqrt((flat**2).sum(axis=1) * (others**2).sum(axis=1))
    return float(np.median((flat * others).sum(axis=1) / np.maximum(norms, 1e-9)))


def _fiducials_us(beat: DominantBeat, qrs: Qrs, p: PWave | None, t: TWave | None) -> dict[str, float]:
    places: dict[str, float] = {"qrs_onset": qrs.onset, "r_peak": qrs.peak, "qrs_offset": qrs.offset}
    if p is not None:
        places |= {"p_onset": p.onset, "p_peak": p.peak, "p_offset": p.offset}
    if t is not None:
        places |= {"t_peak": t.peak, "t_offset": t.offset}
    return {name: round(place * beat.interval_us, 1) for name, place in places.items()}


def _voltages(found: Findings, beat: DominantBeat, qrs: Qrs, p: PWave | None, t: TWave | None) -> None:
    begin, end = round(qrs.onset), round(qrs.offset)
    has_frontal = len(beat.rows(("I", "aVF"))) == 2
    waves = {"qrs_axis_deg": (begin, end, False)}
    if p is not None:
        waves["p_axis_deg"] = (round(p.onset), round(p.offset), True)
    if t is not None:
        waves["t_axis_deg"] = (end + round(0.06 * beat.rate), round(t.offset), False)
    for name, (first, last, is_above_line) in waves.items():
        angle = axis_deg(beat, first, last, is_above_line=is_above_line)
        if angle is not None:
            found.measurements[name] = angle
        else:
            found.refuse("small-wave" if has_frontal else "missing-lead", name)
    for name, lead, sign in (("rv5_mv", "V5", 1), ("sv1_mv", "V1", -1)):
        value = largest_mv(beat, lead, begin, end, sign)
        if value is None:
            found.refuse("missing-lead", name)
        else:
            found.measurements[name] = value
    found.st = st_nv(beat, qrs.offset)
