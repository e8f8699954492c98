"""The leads of a record on one clock and in one unit, so that the methods of this room need not ask again.

Samples are the file's own, unfiltered. A stretch without a value is bridged by a straight line, because filters need
numbers, and marked, because nothing may be measured there. A long record is read window by window: the whole of it
in floating point would be four times the file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.core.derived_leads import is_derived
from gateway.core.waveform import EcgLead, EcgRecord

Signal = NDArray[np.float64]
Flags = NDArray[np.bool_]

_PULSE_S, _PULSE_UV = 0.08, 400.0      # at least so long and so high
_MIN_NV, _MAX_NV = 1e-3, 1e8           # a unit of a file; nothing in use is near either end
_MIN_HZ, _MAX_HZ = 65.0, 50_000.0
_LATEST_START_US = 60e6

LIMB_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF")
CHEST_LEADS = ("V1", "V2", "V3", "V4", "V5", "V6")
STANDARD_LEADS = LIMB_LEADS + CHEST_LEADS
INDEPENDENT_LEADS = ("I", "II", *CHEST_LEADS)
"""The eight that hold all of a standard ECG: III and the augmented leads are sums of I and II."""


@dataclass(frozen=True, slots=True)
class Traces:
    """A stretch of a record: one row a lead, all rows on one clock."""

    interval_us: float
    first_sample: int                     # where the stretch begins in the record
    names: tuple[str, ...]
    samples_uv: Signal                    # (n_leads, n_samples) µV
    is_missing: Flags                     # (n_leads, n_samples) True where the file has no value
    step_uv: tuple[float, ...]            # µV of one unit of the file, a lead each
    derived: frozenset[str] = frozenset()   # leads that the file does not hold

    @property
    def sampling_frequency_hz(self) -> float:
        return 1e6 / self.interval_us

    @property
    def sample_count(self) -> int:
        return int(self.samples_uv.shape[1])

    def row(self, name: str) -> Signal | None:
        """One lead's samples, None if the record has no such lead."""
        return self.samples_uv[self.names.index(name)] if name in self.names else None

    def only(self, names: tuple[str, ...]) -> Traces:
        """The named leads that are there, in this order."""
        rows = [self.names.index(name) for name in names if name in self.names]
        return Traces(self.interval_us, self.first_sample, tuple(self.names[r] for r in rows), self.samples_uv[rows],
                      self.is_missing[rows], tuple(self.step_uv[r] for r in rows),
                      self.derived & {self.names[r] for r in rows})


def readable_leads(record: EcgRecord) -> tuple[EcgLead, ...]:
    """The leads with samples, a gain and a start that a recorder can have, each name once."""
    kept: dict[str, EcgLead] = {}
    latest_us = record.interval_us * sum(len(lead.samples) for lead in record.leads) + _LATEST_START_US
    for lead in record.leads:
        is_scaled = _MIN_NV <= abs(lead.nv_per_unit) <= _MAX_NV and abs(lead.baseline) <= 2**31
        if len(lead.samples) and is_scaled and 0 <= lead.start_us <= latest_us and lead.name not in kept:
            kept[lead.name] = lead
    return tuple(kept.values())


def is_measurable(record: EcgRecord) -> bool:
    """True with a readable lead and a sampling frequency at which there is a QRS to see; never for a page."""
    is_sampled = record.interval_us > 0 and bool(readable_leads(record))
    return is_sampled and _MIN_HZ <= record.sampling_frequency_hz <= _MAX_HZ


def sample_count(record: EcgRecord) -> int:
    """Samples from the record's start to the end of its last lead."""
    return max((_offset(lead, record.interval_us) + len(lead.samples) for lead in readable_leads(record)), default=0)


def traces_of(record: EcgRecord, first: int = 0, last: int | None = None) -> Traces:
    """The samples from `first` up to `last` of every readable lead."""
    leads = readable_leads(record)
    end = sample_count(record) if last is None else min(last, sample_count(record))
    first = min(first, end)
    samples = np.zeros((len(leads), end - first))
    missing = np.ones((len(leads), end - first), np.bool_)
    for row, lead in enumerate(leads):
        start = _offset(lead, record.interval_us)
        begin, stop = max(first, start), min(end, start + len(lead.samples))
        if begin >= stop:
            continue
        part = slice(begin - start, stop - start)
        here = slice(begin - first, stop - first)
        samples[row, here] = (lead.samples[part] + lead.baseline) * (lead.nv_per_unit / 1000)
        missing[row, here] = False if lead.missing is None else lead.missing[part]
        _bridge(samples[row], missing[row])
    recorded = np.array([not is_derived(lead) for lead in leads], np.bool_)
    pulse = _calibration(samples[recorded], missing[recorded], round(_PULSE_S * 1e6 / record.interval_us))
    if pulse is not None:
        missing |= pulse
        for row in range(len(leads)):
            _bridge(samples[row], missing[row])
    return Traces(record.interval_us, first, tuple(lead.name for lead in leads), samples, missing,
                  tuple(abs(lead.nv_per_unit) / 1000 for lead in leads),
                  frozenset(lead.name for lead in leads if is_derived(lead)))


def _calibration(samples_uv: Signal, missing: Flags, width: int) -> Flags | None:
    """True where a cart stored its calibration pulse as if it were ECG; None without one.

    It shows the same value in every lead, III and V1 alike, which no heart does: at rest and then at one step.
    """
    if len(samples_uv) < 3 or samples_uv.shape[1] < width:
        return None
    is_same = (samples_uv.max(axis=0) == samples_uv.min(axis=0)) & ~missing.any(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_same.astype(np.int8), [0]])))
    out = np.zeros_like(is_same)
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        level = samples_uv[0, begin:end]
        if end - begin >= width and len(np.unique(level)) > 1 and (np.abs(level) > _PULSE_UV).sum() >= width / 2:
            out[begin:end] = True
    return out if out.any() else None


def _offset(lead: EcgLead, interval_us: float) -> int:
    return round(lead.start_us / interval_us)


def _bridge(samples: Signal, missing: Flags) -> None:
    """Fill gaps by straight lines, the ends by the nearest value."""
    if missing.any() and not missing.all():
        places = np.arange(len(samples))
        samples[missing] = np.interp(places[missing], places[~missing], samples[~missing])
