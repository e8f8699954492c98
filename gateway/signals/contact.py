"""Faults of the electrode and the amplifier: no contact, no signal, a signal cut off at the top or bottom.

A pause of the heart is flat in every lead; an electrode that fell off is flat or at the rail while other leads go on.
The one is never called the other: all leads flat for some seconds is told as a flat line of the whole trace.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.core.ecg_analysis import QualityHint, QualityKind
from gateway.signals.traces import Flags, Signal, Traces

_FLAT_UV = 10.0                     # less movement than this within a second is no ECG
_MIN_FLAT_S = 1.0
_WHOLE_TRACE_FLAT_S = 3.0
_RAIL_UV = 4500.0                   # amplifiers of carts end at ±5 mV or more
_PLATEAU_S = 0.01
_STEEP_UV = 25.0                    # the signal ran this fast into the plateau, a sample


def contact_hints(traces: Traces) -> list[QualityHint]:
    """Leads off, flat lines and clipping in one stretch."""
    if not traces.sample_count or not traces.names:
        return []
    rate = traces.sampling_frequency_hz
    recorded = traces.only(tuple(name for name in traces.names if name not in traces.derived))
    quiet = np.array([_quiet(row, missing, step, rate) for row, missing, step in
                      zip(recorded.samples_uv, recorded.is_missing, recorded.step_uv, strict=True)])
    railed = np.array([_railed(row, rate) for row in recorded.samples_uv])
    hints = []
    together: Flags = np.asarray(quiet.all(axis=0))
    longest = _longest_s(together, rate)
    is_all_flat = longest >= _WHOLE_TRACE_FLAT_S or bool(together.all())
    if is_all_flat:
        hints.append(QualityHint(QualityKind.FLAT_LINE, (), round(longest, 2), "s", bool(together.mean() > 0.9)))
    flat, off = {}, {}
    for name, still, rail in zip(recorded.names, quiet & ~together, railed, strict=True):
        if (still | together).all() and still.any():
            flat[name] = traces.sample_count / rate
        elif max(_longest_s(still, rate), _longest_s(rail, rate)) > _MIN_FLAT_S:
            off[name] = max(_longest_s(still, rate), _longest_s(rail, rate))
    for kind, leads in ((QualityKind.FLAT_LINE, flat), (QualityKind.LEAD_OFF, off)):
        if leads:
            hints.append(QualityHint(kind, tuple(leads), round(max(leads.values()), 2), "s",
                                     max(leads.values()) > 0.25 * traces.sample_count / rate))
    clipped = {name: _clipped_s(row, step, rate) for name, row, step, rail in
               zip(recorded.names, recorded.samples_uv, recorded.step_uv, railed, strict=True) if name not in off}
    clipped = {name: seconds for name, seconds in clipped.items() if seconds > 0}
    if clipped:
        hints.append(QualityHint(QualityKind.SATURATION, tuple(clipped), round(max(clipped.values()), 3), "s",
                                 max(clipped.values()) > 0.05 * traces.sample_count / rate))
    return hints


def _quiet(samples_uv: Signal, missing: Flags, step_uv: float, rate: float) -> Flags:
    """True for every sample within a second or more that hardly moves or has no value."""
    count, width = len(samples_uv), max(2, round(_MIN_FLAT_S * rate))
    limit = max(_FLAT_UV, 1.5 * step_uv) if step_uv < 100 else 0.0
    if count < width:
        return np.full(count, bool(missing.all() or np.ptp(samples_uv) <= limit))
    # Tenths of a second first: their extremes give the range of each second cheaply.
    part = max(1, width // 10)
    parts = count // part
    blocks = samples_uv[:parts * part].reshape(parts, part)
    low, high = blocks.min(axis=1), blocks.max(axis=1)
    gaps = missing[:parts * part].reshape(parts, part).all(axis=1)
    low[gaps], high[gaps] = np.inf, -np.inf
    windows = np.lib.stride_tricks.sliding_window_view
    span = min(10, parts)
    still = windows(high, span).max(axis=1) - windows(low, span).min(axis=1) <= limit
    marked = np.zeros(parts, np.bool_)
    for offset in range(span):
        marked[offset:offset + len(still)] |= still
    out = np.repeat(marked, part)
    return np.concatenate([out, np.full(count - len(out), bool(marked[-1]))])


def _railed(samples_uv: Signal, rate: float) -> Flags:
    """True where the lead stays beyond what an ECG reaches, near its own extreme."""
    extreme = float(np.abs(samples_uv).max())
    if extreme < _RAIL_UV:
        return np.zeros(len(samples_uv), np.bool_)
    return np.asarray((samples_uv > 0.98 * extreme) | (samples_uv < -0.98 * extreme))


def _clipped_s(samples_uv: Signal, step_uv: float, rate: float) -> float:
    """Seconds spent exactly at the highest or lowest value, in plateaus that were entered steeply."""
    total, plateaus = 0.0, 0
    for signal in (samples_uv, -samples_uv):
        at_top = signal >= signal.max() - 1e-6
        begins, ends = _runs(at_top)
        for begin, end in zip(begins, ends, strict=True):
            seconds = (end - begin) / rate
            before = signal[begin] - signal[begin - 1] if begin else 0.0
            after = signal[end - 1] - signal[end] if end < len(signal) else 0.0
            if end - begin >= 3 and seconds >= _PLATEAU_S and max(before, after) > max(_STEEP_UV, 3 * step_uv):
                total, plateaus = total + seconds, plateaus + 1
    return float(total) if plateaus >= 2 or total >= 0.05 else 0.0


def _longest_s(flags: Flags, rate: float) -> float:
    begins, ends = _runs(flags)
    return float((ends - begins).max() / rate) if len(begins) else 0.0


def _runs(flags: Flags) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each run of True begins, and where it has ended."""
    edges = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
