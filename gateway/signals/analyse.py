"""All that the gateway finds in one ECG. Pure and blocking: the caller runs it in a thread.

A resting ECG is looked at whole. A longer recording is looked at in stretches of a minute, so that memory stays
bounded; its hints come from stretches spread over it.
"""

from __future__ import annotations

import numpy as np

from gateway.core.ecg_analysis import METHOD, EcgAnalysis, QualityHint
from gateway.core.waveform import EcgRecord
from gateway.signals.heart_beats import find_beats
from gateway.signals.quality import record_hints, signal_hints
from gateway.signals.traces import readable_leads, sample_count, traces_of


def analyse(record: EcgRecord) -> EcgAnalysis:
    """Quality hints, beats and measurements. A record without a usable sample has hints alone."""
    hints = quality(record)
    traces = traces_of(record)
    if not readable_leads(record):
        return EcgAnalysis(METHOD, hints)
    found = find_beats(traces)
    at_ms = (found.places * record.interval_us) / 1000
    rr_ms = np.diff(at_ms)
    measurements, not_measurable = {}, {}
    if len(rr_ms):
        measurements["rr_ms"] = round(float(rr_ms.mean()), 1)
        measurements["heart_rate_bpm"] = round(60_000 / float(rr_ms.mean()), 1)
    else:
        not_measurable = {"rr_ms": "too-few-beats", "heart_rate_bpm": "too-few-beats"}
    return EcgAnalysis(METHOD, hints, tuple(float(v) for v in at_ms * 1000), measurements, not_measurable,
                       rr_ms=tuple(round(float(v), 3) for v in rr_ms))


def quality(record: EcgRecord) -> tuple[QualityHint, ...]:
    """The technical faults of a record, in the order of QualityKind."""
    duration_s = sample_count(record) * record.interval_us / 1e6
    hints = record_hints(duration_s, record.sampling_frequency_hz)
    if readable_leads(record):
        hints += signal_hints(traces_of(record))
    return tuple(hints)
