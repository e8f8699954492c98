"""Technical faults of a trace, for those who can still repeat it. Every number here is a physical one.

Limits follow what a reader sees on paper at 10 mm/mV: 0.5 mV of drift is half a large square, 60 µV of hum is a line
twice as thick. `is_repeat_advised` is kept for faults that cost the reader a lead or the whole trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from gateway.core.ecg_analysis import QualityHint, QualityKind
from gateway.core.waveform import EcgRecord
from gateway.signals.contact import contact_hints
from gateway.signals.filters import band, moving_mean, without_line
from gateway.signals.traces import Signal, Traces, is_measurable, sample_count, traces_of

MIN_DURATION_S = 5.0
"""A rhythm strip of a resting ECG is ten seconds; below five, rhythm and averages mean little."""
MIN_SAMPLING_FREQUENCY_HZ = 500.0
"""Kligfield et al. 2007 (AHA/ACC/HRS part I): 500 samples a second are needed for 150 Hz of bandwidth."""
_UNREADABLE_SAMPLING_FREQUENCY_HZ = 100.0
_HUM_RMS_UV, _HUM_REPEAT_RMS_UV = 20.0, 100.0
_WANDER_UV, _WANDER_REPEAT_UV = 500.0, 2500.0
_NOISE_RMS_UV, _NOISE_REPEAT_RMS_UV = 25.0, 100.0
_WHOLE_S, _WINDOW_S, _MAX_WINDOWS = 90.0, 10.0, 30
_EINTHOVEN_RMS_UV, _EINTHOVEN_SHARE = 50.0, 0.25


def quality_hints(record: EcgRecord) -> list[QualityHint]:
    """All hints that need no beats. A long recording is sampled: ten seconds, at most thirty times."""
    if record.interval_us <= 0:              # a page: there is no signal to find fault with
        return []
    rate, count = record.sampling_frequency_hz, sample_count(record)
    hints = record_hints(count / rate, rate)
    if not is_measurable(record):
        return hints
    if count / rate <= _WHOLE_S:
        return hints + signal_hints(traces_of(record))
    width = round(_WINDOW_S * rate)
    starts = np.linspace(0, count - width, min(_MAX_WINDOWS, count // width)).astype(np.int64)
    return hints + _merged([signal_hints(traces_of(record, int(at), int(at) + width)) for at in starts])


def _merged(windows: list[list[QualityHint]]) -> list[QualityHint]:
    """A fault is told if a tenth of the windows show it; to repeat is advised if half of them do so."""
    out = []
    for kind in QualityKind:
        found = [hint for window in windows for hint in window if hint.kind is kind]
        if found and len(found) * 10 >= len(windows):
            worst = max(found, key=lambda hint: hint.value or 0.0)
            leads = tuple(dict.fromkeys(lead for hint in found for lead in hint.leads))
            advised = sum(hint.is_repeat_advised for hint in found) * 2 >= len(windows)
            out.append(replace(worst, leads=leads, is_repeat_advised=advised))
    return out


def record_hints(duration_s: float, sampling_frequency_hz: float) -> list[QualityHint]:
    """What the record's shape alone tells."""
    hints = []
    if duration_s < MIN_DURATION_S:
        hints.append(QualityHint(QualityKind.TOO_SHORT, (), round(duration_s, 3), "s", duration_s < 2.5))
    if sampling_frequency_hz < MIN_SAMPLING_FREQUENCY_HZ * (1 - 1e-6):
        hints.append(QualityHint(QualityKind.LOW_SAMPLING_FREQUENCY, (), round(sampling_frequency_hz, 2), "Hz",
                                 sampling_frequency_hz < _UNREADABLE_SAMPLING_FREQUENCY_HZ))
    return hints


def signal_hints(traces: Traces) -> list[QualityHint]:
    """What the samples of one stretch tell, worst lead's value with each hint."""
    if traces.sample_count < traces.sampling_frequency_hz:
        return contact_hints(traces)
    hints = contact_hints(traces)
    lost = {lead for hint in hints if hint.kind in (QualityKind.LEAD_OFF, QualityKind.FLAT_LINE)
            for lead in hint.leads}
    alive = traces.only(tuple(name for name in traces.names if name not in lost and name not in traces.derived))
    if alive.names:
        hints += _rated(alive, QualityKind.MAINS_HUM, "ratio", _hum)
        hints += _rated(alive, QualityKind.BASELINE_WANDER, "mV", _wander)
        hints += _rated(alive, QualityKind.MUSCLE_NOISE, "mV", _muscle_noise)
        hints += _einthoven(alive)
    return hints


@dataclass(frozen=True, slots=True)
class _Rating:
    """One lead's share of a fault."""

    value: float
    is_fault: bool
    is_repeat_advised: bool
    detail: str = ""


def _rated(traces: Traces, kind: QualityKind, unit: str,
           rate: Callable[[Traces], list[_Rating]]) -> Iterable[QualityHint]:
    ratings = dict(zip(traces.names, rate(traces), strict=True))
    found = {name: rating for name, rating in ratings.items() if rating.is_fault}
    if not found:
        return []
    worst = max(found.values(), key=lambda rating: rating.value)
    # One noisy lead leaves eleven to read: the trace is worth repeating when a third of them is spoilt.
    spoilt = sum(rating.is_repeat_advised for rating in found.values())
    return [QualityHint(kind, tuple(found), round(worst.value, 3), unit, spoilt * 3 >= len(traces.names),
                        worst.detail)]


def _hum(traces: Traces) -> list[_Rating]:
    """Power in the line at 50 or 60 Hz above its surroundings, against the power of the ECG (1 to 40 Hz)."""
    rate = traces.sampling_frequency_hz
    power, frequencies = _spectrum(traces.samples_uv, rate)
    ecg = np.sqrt(_between(power, frequencies, 1, 40).sum(axis=-1))
    ratings = [_Rating(0.0, False, False)] * len(traces.names)
    for mains_hz in (50.0, 60.0):
        if rate < 2.2 * mains_hz:
            continue
        line = _between(power, frequencies, mains_hz - 0.8, mains_hz + 0.8)
        beside = np.concatenate([_between(power, frequencies, mains_hz - 6, mains_hz - 2),
                                 _between(power, frequencies, mains_hz + 2, mains_hz + 6)], axis=-1)
        floor = np.median(beside, axis=-1) * line.shape[-1]
        hum = np.sqrt(np.maximum(line.sum(axis=-1) - floor, 0))
        for number, rms in enumerate(hum):
            is_line = bool(rms**2 > 4 * floor[number])
            value = float(rms / max(ecg[number], 1.0))
            if is_line and value > ratings[number].value:
                ratings[number] = _Rating(value, bool(rms > _HUM_RMS_UV), bool(rms > _HUM_REPEAT_RMS_UV),
                                          f"{mains_hz:g} Hz")
    return ratings


def _wander(traces: Traces) -> list[_Rating]:
    """How far the line between the beats travels: the range of the running median, which a beat does not move."""
    ranges = [float(np.ptp(baseline_uv(row, traces.sampling_frequency_hz))) for row in traces.samples_uv]
    return [_Rating(r / 1000, r > _WANDER_UV, r > _WANDER_REPEAT_UV) for r in ranges]


def baseline_uv(samples_uv: Signal, rate: float) -> Signal:
    """The running median over one second, twenty values a second."""
    step = max(1, round(rate / 20))
    count = len(samples_uv) // step
    if count < 20:
        return np.array([float(np.median(samples_uv))])
    coarse = np.median(samples_uv[:count * step].reshape(count, step), axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(coarse, 20)
    return np.asarray(np.median(windows, axis=-1))


def _muscle_noise(traces: Traces) -> list[_Rating]:
    """What is left above 30 Hz, mains taken out, in the quieter half of the trace: between the complexes."""
    rate = traces.sampling_frequency_hz
    if rate < 150:
        return [_Rating(0.0, False, False)] * len(traces.names)
    high = band(traces.samples_uv, rate, low_hz=30, high_hz=min(150.0, rate / 2.2), order=4)
    for mains_hz in (50.0, 60.0):
        high = without_line(high, rate, mains_hz, 2.5)
    short = moving_mean(high**2, round(0.1 * rate))
    rms = np.sqrt(np.median(short, axis=-1))
    return [_Rating(float(r) / 1000, bool(r > _NOISE_RMS_UV), bool(r > _NOISE_REPEAT_RMS_UV)) for r in rms]


def _einthoven(traces: Traces) -> list[QualityHint]:
    """I + III = II holds at every instant of a trace whose leads belong together (Einthoven 1912)."""
    one, two, three = (traces.row(name) for name in ("I", "II", "III"))
    if one is None or two is None or three is None:
        return []
    seen = ~traces.is_missing[[traces.names.index(name) for name in ("I", "II", "III")]].any(axis=0)
    if seen.mean() < 0.5:
        return []
    # Each electrode's own noise is told elsewhere: a mismatch is one of the ECG itself.
    rest = band(one + three - two, traces.sampling_frequency_hz, high_hz=15)[seen]
    rms = float(np.std(rest))
    size = max(float(np.std(lead[seen])) for lead in (one, two, three))
    if rms < _EINTHOVEN_RMS_UV or rms < _EINTHOVEN_SHARE * size:
        return []
    return [QualityHint(QualityKind.EINTHOVEN_MISMATCH, ("I", "II", "III"), round(rms / 1000, 3), "mV")]


def _spectrum(samples_uv: Signal, rate: float) -> tuple[Signal, Signal]:
    """Power of each frequency, so that the sum over a band is the mean square in µV² (Hann window)."""
    count = samples_uv.shape[-1]
    window = np.hanning(count)
    centred = samples_uv - samples_uv.mean(axis=-1, keepdims=True)
    spectrum = np.abs(np.fft.rfft(centred * window)) ** 2
    frequencies = np.asarray(np.fft.rfftfreq(count, 1 / rate), np.float64)
    return np.asarray(2 * spectrum / (count * (window**2).sum())), frequencies


def _between(power: Signal, frequencies: Signal, low: float, high: float) -> Signal:
    return power[..., (frequencies >= low) & (frequencies <= high)]
