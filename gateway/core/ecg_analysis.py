"""What the gateway itself finds in an ECG's samples: how good they are, and plain numbers. Never a diagnosis (K1).

Everything here is marked 网关测量,未经医师确认 wherever it is shown. Times are µs after the start of the record, or
of the median beat where it says so; voltages are nanovolts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

METHOD = "4"
"""Grows whenever the same samples could give other numbers."""

MEASUREMENT_NAMES = (
    "heart_rate_bpm", "rr_ms", "p_ms", "pr_ms", "qrs_ms", "qt_ms", "qtc_bazett_ms", "qtc_fridericia_ms",
    "qtc_framingham_ms", "qtc_hodges_ms", "p_axis_deg", "qrs_axis_deg", "t_axis_deg", "rv5_mv", "sv1_mv",
)
FIDUCIAL_NAMES = ("p_onset", "p_peak", "p_offset", "qrs_onset", "r_peak", "qrs_offset", "t_peak", "t_offset")


class QualityKind(StrEnum):
    """Technical faults of a trace, for those who can repeat it."""

    LEAD_OFF = "lead_off"
    FLAT_LINE = "flat_line"
    SATURATION = "saturation"
    MAINS_HUM = "mains_hum"
    BASELINE_WANDER = "baseline_wander"
    MUSCLE_NOISE = "muscle_noise"
    LIMB_REVERSAL = "limb_reversal"              # suspected
    EINTHOVEN_MISMATCH = "einthoven_mismatch"    # I + III differs from II
    TOO_SHORT = "too_short"
    LOW_SAMPLING_FREQUENCY = "low_sampling_frequency"


@dataclass(frozen=True, slots=True)
class QualityHint:
    """One fault, in the leads that show it."""

    kind: QualityKind
    leads: tuple[str, ...] = ()              # empty means the whole trace
    value: float | None = None
    unit: str = ""                           # of `value`: "s", "mV", "ratio", "Hz"
    is_repeat_advised: bool = False
    detail: str = ""                         # e.g. which electrodes may be swapped: "LA/RA"


@dataclass(frozen=True, slots=True)
class MedianBeats:
    """The average of the dominant kind of beat, one row a lead, all aligned."""

    interval_us: float
    lead_names: tuple[str, ...]
    samples_nv: NDArray[np.int32]            # (n_leads, n_samples)
    beat_count: int                          # how many beats went into it


@dataclass(frozen=True, slots=True)
class EcgAnalysis:
    """All of it, for one record."""

    method: str
    hints: tuple[QualityHint, ...]
    beats_us: tuple[float, ...] = ()                                     # R peaks, every kind of beat
    measurements: Mapping[str, float] = field(default_factory=dict)      # MEASUREMENT_NAMES; absent = not measurable
    not_measurable: Mapping[str, str] = field(default_factory=dict)      # name → why, a word such as "no-p-wave"
    fiducials_us: Mapping[str, float] = field(default_factory=dict)      # FIDUCIAL_NAMES, on the median beat
    st_nv: Mapping[str, Mapping[str, float]] = field(default_factory=dict)   # lead → {"j", "j40", "j60", "j80"}
    median_beats: MedianBeats | None = None
    rr_ms: tuple[float, ...] = ()

    @property
    def is_repeat_advised(self) -> bool:
        return any(hint.is_repeat_advised for hint in self.hints)
