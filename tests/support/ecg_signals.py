"""ECGs from nothing with known beats and known ends of every wave, and faults to put onto any ECG.

A wave is a raised cosine of a dipole in space: it begins and ends at an instant, which a Gaussian never does, so a
test can say where its onset is. Leads follow from the dipole by direction; III, aVR, aVL and aVF from I and II.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from gateway.core.waveform import EcgLead, EcgRecord

Signal = NDArray[np.float64]
STANDARD = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
_CHEST = {"V1": (-0.35, 0.05, -0.95), "V2": (0.05, 0.0, -1.3), "V3": (0.45, 0.1, -1.1), "V4": (0.95, 0.2, -0.6),
          "V5": (1.05, 0.2, 0.0), "V6": (0.95, 0.2, 0.35)}


@dataclass(frozen=True)
class Wave:
    """Begins and ends so many ms after the R peak; greatest dipole (left, down, back) in µV."""

    begin_ms: float
    end_ms: float
    dipole_uv: tuple[float, float, float]


@dataclass(frozen=True)
class Beat:
    """The waves of one beat. PR 160, QRS 90, QT 380 ms unless changed."""

    p: tuple[Wave, ...] = (Wave(-200, -90, (60, 90, -10)),)
    qrs: tuple[Wave, ...] = (Wave(-40, -14, (-90, 40, -130)), Wave(-24, 22, (900, 1000, 150)),
                             Wave(10, 50, (-60, -40, 330)))
    t: tuple[Wave, ...] = (Wave(110, 340, (230, 220, -60)),)

    @property
    def waves(self) -> tuple[Wave, ...]:
        return self.p + self.qrs + self.t


SINUS = Beat()
WITHOUT_P = Beat(p=())
ECTOPIC = Beat(p=(), qrs=(Wave(-70, 40, (-900, 600, -500)), Wave(10, 110, (300, -500, 400))),
               t=(Wave(160, 400, (350, -250, 200)),))
PACED = Beat(p=(), qrs=(Wave(-70, 30, (-500, -700, 300)), Wave(0, 100, (-300, -500, 200))),
             t=(Wave(160, 420, (200, 300, -100)),))


@dataclass
class Made:
    """A built record and the truth about it."""

    record: EcgRecord
    beats_s: list[float]
    spikes_s: list[float] = field(default_factory=list)


def regular(heart_rate_bpm: float, duration_s: float = 10.0, first_s: float = 0.5) -> list[float]:
    """R peaks at equal distances that fall inside."""
    return list(np.arange(first_s, duration_s, 60 / heart_rate_bpm))


def irregular(duration_s: float = 10.0, *, seed: int = 3, low_s: float = 0.45, high_s: float = 1.1) -> list[float]:
    """R peaks without any rhythm."""
    gaps = np.random.default_rng(seed).uniform(low_s, high_s, int(duration_s / low_s) + 2)
    return [float(v) for v in 0.4 + np.cumsum(gaps) - gaps[0] if v < duration_s]


def build(beats_s: Sequence[float], *, kinds: Sequence[Beat] | None = None, duration_s: float = 10.0,
          sampling_frequency_hz: float = 500.0, noise_uv: float = 4.0, seed: int = 1, amplitude: float = 1.0,
          leads: Sequence[str] = STANDARD, spikes_s: Sequence[float] = (), fibrillation_uv: float = 0.0,
          nv_per_unit: float = 1000.0) -> Made:
    """Samples of the waves of every beat, white noise added; one unit of the record is `nv_per_unit`."""
    random = np.random.default_rng(seed)
    count = round(duration_s * sampling_frequency_hz)
    at_ms = np.arange(count) * 1000 / sampling_frequency_hz
    dipole = np.zeros((3, count))
    for beat_s, kind in zip(beats_s, kinds or [SINUS] * len(beats_s), strict=True):
        for wave in kind.waves:
            _add(dipole, wave, beat_s * 1000, at_ms)
    if fibrillation_uv:
        phase = 2 * np.pi * np.cumsum(6 + np.interp(at_ms, np.linspace(0, at_ms[-1], 15), random.normal(0, 0.8, 15)))
        dipole += np.array([[0.3], [0.6], [-0.7]]) * fibrillation_uv * np.sin(phase / sampling_frequency_hz)
    signals = _leads(dipole * amplitude)
    for spike_s in spikes_s:
        first = round(spike_s * sampling_frequency_hz)
        for lead, size in (("I", 300.0), ("II", 600.0), ("V1", -500.0), ("V4", 800.0), ("V6", 500.0)):
            signals[lead][first:first + max(1, round(0.002 * sampling_frequency_hz))] += size
    signals |= _limb(signals["I"], signals["II"])
    made = []
    for name in leads:
        values = signals[name] + random.normal(0, noise_uv, count)
        units = np.rint(values * 1000 / nv_per_unit).astype(np.int32)
        made.append(EcgLead(name, f"MDC_ECG_LEAD_{name.upper()}", units, nv_per_unit))
    record = EcgRecord("wfdb", 1e6 / sampling_frequency_hz, tuple(made), datetime(2026, 3, 2, tzinfo=UTC))
    return Made(record, list(beats_s), list(spikes_s))


def microvolts(record: EcgRecord) -> dict[str, Signal]:
    """Every lead's samples in µV."""
    return {lead.name: (lead.samples + lead.baseline) * lead.nv_per_unit / 1000 for lead in record.leads}


def with_microvolts(record: EcgRecord, signals: dict[str, Signal]) -> EcgRecord:
    """The record with other samples, rounded to a microvolt."""
    return replace(record, leads=tuple(
        EcgLead(lead.name, lead.code, np.rint(signals[lead.name]).astype(np.int32), 1000.0) for lead in record.leads))


def swap_limbs(record: EcgRecord, swap: str) -> EcgRecord:
    """What the cart records with two electrodes exchanged, by the definitions of the leads.

    An arm exchanged with the right leg sees what the left leg sees, but for a few per cent.
    """
    signals = microvolts(record)
    one, two = signals["I"], signals["II"]
    three = two - one
    pairs = {"none": (one, two), "LA/RA": (-one, three), "LA/LL": (two, one), "RA/LL": (-three, -two),
             "RA/RL": (-three, 0.02 * two), "LA/RL": (two, 0.98 * two)}
    one, two = pairs[swap]
    made = {"I": one, "II": two, **_limb(one, two)}
    return with_microvolts(record, {name: made.get(name, values) for name, values in signals.items()})


def _add(dipole: Signal, wave: Wave, beat_ms: float, at_ms: Signal) -> None:
    begin, end = np.searchsorted(at_ms, (beat_ms + wave.begin_ms, beat_ms + wave.end_ms))
    part = at_ms[begin:end]
    share = (part - beat_ms - wave.begin_ms) / (wave.end_ms - wave.begin_ms)
    dipole[:, begin:end] += np.array(wave.dipole_uv)[:, None] * 0.5 * (1 - np.cos(2 * np.pi * share))


def _leads(dipole: Signal) -> dict[str, Signal]:
    left, down, back = dipole
    signals = {"I": left.copy(), "II": 0.5 * left + np.sqrt(3) / 2 * down}
    for name, (x, y, z) in _CHEST.items():
        signals[name] = x * left + y * down + z * back
    return signals


def _limb(one: Signal, two: Signal) -> dict[str, Signal]:
    return {"III": two - one, "aVR": -(one + two) / 2, "aVL": one - two / 2, "aVF": two - one / 2}
