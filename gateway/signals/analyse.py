"""All that the gateway finds in one ECG. Pure and blocking: the caller runs it in a thread.

A resting ECG is looked at whole. In a longer recording beats are searched minute by minute, so that memory stays
bounded; the averaged beat is that of its first minute, and the hints come from stretches spread over it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from gateway.core.derived_leads import with_derived_leads
from gateway.core.ecg_analysis import METHOD, EcgAnalysis, MedianBeats, QualityHint, QualityKind
from gateway.core.waveform import EcgRecord
from gateway.signals.heart_beats import Places, find_beats
from gateway.signals.limb_reversal import reversal_hints
from gateway.signals.measure import Findings, measure_beat, shown_beat
from gateway.signals.median_beats import DominantBeat, average_dominant
from gateway.signals.pacing import Spikes, find_spikes, without_spikes
from gateway.signals.quality import quality_hints
from gateway.signals.traces import Signal, Traces, is_measurable, readable_leads, sample_count, traces_of

_WHOLE_S = 90.0
_STRETCH_S, _OVERLAP_S = 60.0, 3.0
_EDGE_S = 0.08
_GAP_S = 0.3


def analyse(record: EcgRecord) -> EcgAnalysis:
    """Quality hints, beats and measurements. A record without a usable sample has hints alone."""
    record = _prepared(record)
    hints = quality_hints(record)
    if not is_measurable(record):
        return EcgAnalysis(METHOD, tuple(hints))
    rhythm = _rhythm(record)
    do_leads_agree = not any(hint.kind is QualityKind.EINTHOVEN_MISMATCH for hint in hints)
    found, median = _measured(rhythm)
    hints += reversal_hints(rhythm.beat, found.fiducials_us, do_leads_agree=do_leads_agree)
    if not len(rhythm.rr_ms):
        found.refuse("too-few-beats", "heart_rate_bpm", "rr_ms")
    else:
        mean = float(rhythm.rr_ms.mean())
        found.measurements |= {"rr_ms": round(mean, 1), "heart_rate_bpm": round(60_000 / mean, 1)}
    return EcgAnalysis(
        METHOD, tuple(hints), tuple(round(float(at), 1) for at in rhythm.places * record.interval_us),
        found.measurements, found.not_measurable, found.fiducials_us, found.st, median,
        tuple(round(float(value), 3) for value in rhythm.rr_ms))


def quality(record: EcgRecord) -> tuple[QualityHint, ...]:
    """The technical faults alone, without looking for beats; a limb-lead reversal needs `analyse`."""
    return tuple(quality_hints(_prepared(record)))


def _prepared(record: EcgRecord) -> EcgRecord:
    return with_derived_leads(replace(record, leads=readable_leads(record), representative_beats=()))


@dataclass(frozen=True, slots=True)
class _Rhythm:
    """All beats of the record, and the averaged beat of its first stretch."""

    places: Places
    rr_ms: Signal
    beat: DominantBeat | None
    spikes: Spikes
    stretch_rr_ms: tuple[float, float] | None       # mean and median in the stretch of the averaged beat


def _rhythm(record: EcgRecord) -> _Rhythm:
    count, rate = sample_count(record), record.sampling_frequency_hz
    is_whole = count / rate <= _WHOLE_S
    step = count if is_whole else round(_STRETCH_S * rate)
    overlap = 0 if is_whole else round(_OVERLAP_S * rate)
    places: list[int] = []
    gaps: list[tuple[int, int]] = []
    beat, spikes, stretch_rr = None, Spikes(np.empty(0, np.int64)), None
    for first in range(0, count, step):
        begin = max(0, first - overlap)
        traces = traces_of(record, begin, first + step + overlap)
        found_spikes = find_spikes(traces)
        traces = without_spikes(traces, found_spikes)
        found = find_beats(traces).places
        if first == 0:
            spikes, beat = found_spikes, average_dominant(traces, found)
            if beat is not None:
                found = _without_edge_strays(beat, found, traces)
                rr = np.diff(beat.places) / rate * 1000
                stretch_rr = (float(rr.mean()), float(np.median(rr))) if len(rr) else None
        inside = [int(p) + begin for p in found if first <= p + begin < first + step]
        places += [p for p in inside if not places or p - places[-1] > 0.15 * rate]
        gaps += [(b + begin, e + begin) for b, e in _gaps(traces)]
    at = np.array(places, np.int64)
    return _Rhythm(at, _intervals_ms(at, gaps, rate), beat, spikes, stretch_rr)


def _measured(rhythm: _Rhythm) -> tuple[Findings, MedianBeats | None]:
    if rhythm.beat is None:
        none = Findings()
        none.refuse("too-few-beats", *Findings.NAMES)
        return none, None
    mean, usual = rhythm.stretch_rr_ms or (None, 1000.0)
    found, beat = measure_beat(rhythm.beat, mean, usual, rhythm.spikes)
    return found, shown_beat(beat)


def _without_edge_strays(beat: DominantBeat, places: Places, traces: Traces) -> Places:
    """A beat cut by the record's edge whose visible part is like no other beat's is not counted."""
    margin = _EDGE_S * beat.rate
    is_cut = (places < margin) | (places > traces.sample_count - margin)
    is_alone = np.array([(beat.labels == label).sum() == 1 for label in beat.labels], np.bool_)
    return places[~(is_cut & is_alone & (len(places) > 2))]


def _gaps(traces: Traces) -> list[tuple[int, int]]:
    """Stretches in which no lead has a value."""
    edges = np.diff(np.concatenate([[0], traces.is_missing.all(axis=0).astype(np.int8), [0]]))
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [(int(b), int(e)) for b, e in zip(begins, ends, strict=True)
            if e - b > _GAP_S * traces.sampling_frequency_hz]


def _intervals_ms(places: Places, gaps: list[tuple[int, int]], rate: float) -> Signal:
    """Times between neighbours, those over a gap left out: nobody knows what beat there."""
    rr = np.diff(places) / rate * 1000
    if gaps and len(rr):
        over = [any(a < e and b > g for g, e in gaps) for a, b in pairwise(places)]
        rr = rr[~np.array(over, np.bool_)]
    return np.asarray(rr, np.float64)
