"""A 12-lead ECG from nothing: the heart as one turning dipole, each wave a sum of Gaussians in space.

Leads follow from the dipole by their directions, so that III = II - I and the augmented leads hold by construction.
What the "cart" measures is what was put in. Made for demonstration: normal rhythm, a pattern like an acute anterior
infarct, and one like atrial fibrillation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]

SAMPLING_FREQUENCY_HZ = 500
DURATION_S = 10.0
MICROVOLTS_PER_COUNT = 2.5
LEAD_NAMES = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


class Rhythm(StrEnum):
    """What the demo cart has recorded."""

    NORMAL = "normal"
    ANTERIOR_INFARCT = "anterior_infarct"
    ATRIAL_FIBRILLATION = "atrial_fibrillation"


@dataclass(frozen=True, slots=True)
class MadeEcg:
    """A recording: counts of `MICROVOLTS_PER_COUNT`, and what the cart prints beside it."""

    counts: dict[str, NDArray[np.int32]]
    measurements: dict[str, float]
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Wave:
    """One Gaussian: centre and width around the R peak, and its dipole (left, down, back) in mV."""

    at_ms: float
    width_ms: float
    left: float
    down: float
    back: float


# R peak at 0. Septum first (to the right and front), then the free wall (left, down), then the base (back, up).
_QRS = (_Wave(-22, 7.5, -0.17, 0.02, -0.24), _Wave(-2, 10.0, 0.98, 0.80, 0.16), _Wave(12, 9.5, 0.22, 0.18, 0.62),
        _Wave(32, 8.5, -0.18, -0.14, 0.24))
_P = (_Wave(-162, 17, 0.045, 0.075, -0.03), _Wave(-140, 17, 0.05, 0.06, 0.035))
_T = (_Wave(232, 48, 0.13, 0.11, -0.10), _Wave(278, 33, 0.15, 0.13, -0.09))
_INFARCT_QRS = (_Wave(-22, 9.0, -0.10, 0.04, 0.25), _Wave(-2, 10.0, 0.72, 0.66, 0.42),
                _Wave(13, 10.0, 0.16, 0.14, 0.50))
_INFARCT_ST = (_Wave(78, 34, 0.11, -0.09, -0.22), _Wave(138, 42, 0.17, -0.10, -0.34),
               _Wave(198, 46, 0.25, -0.04, -0.46), _Wave(252, 42, 0.23, 0.0, -0.40))
# Directions of the chest leads in the horizontal plane (0° left, 90° front), tilt and nearness of the electrode.
_CHEST = {"V1": (118.0, -0.10, 1.25), "V2": (96.0, 0.0, 1.75), "V3": (76.0, 0.10, 1.70), "V4": (56.0, 0.22, 1.50),
          "V5": (28.0, 0.18, 1.20), "V6": (4.0, 0.12, 1.0)}


def make_ecg(rhythm: Rhythm, *, seed: int = 7) -> MadeEcg:
    """Make ten seconds of twelve leads; the same seed gives the same samples."""
    rng = np.random.default_rng(seed)
    n = round(DURATION_S * SAMPLING_FREQUENCY_HZ)
    t_ms = np.arange(n) * 1000 / SAMPLING_FREQUENCY_HZ
    beats_ms = _beats(rhythm, rng)
    dipole = np.zeros((3, n))
    for number, at in enumerate(beats_ms):
        before = at - beats_ms[number - 1] if number else beats_ms[1] - at
        for wave in _waves(rhythm, before):
            shape = np.exp(-0.5 * ((t_ms - at - wave.at_ms) / wave.width_ms) ** 2)
            dipole += np.array([[wave.left], [wave.down], [wave.back]]) * shape
    if rhythm is Rhythm.ATRIAL_FIBRILLATION:
        dipole += _fibrillation(t_ms, rng)
    counts = _leads(dipole, t_ms, rng)
    heart_rate = 60_000 / float(np.mean(np.diff(beats_ms)))
    return MadeEcg(counts, _measured(rhythm, heart_rate), _STATEMENTS[rhythm])


_STATEMENTS = {
    Rhythm.NORMAL: ("窦性心律", "正常心电图"),
    Rhythm.ANTERIOR_INFARCT: ("窦性心律", "急性前壁心肌梗死可能", "V1-V4 导联 ST 段抬高"),
    Rhythm.ATRIAL_FIBRILLATION: ("心房颤动", "快速心室率"),
}


def _beats(rhythm: Rhythm, rng: np.random.Generator) -> list[float]:
    """R peaks in ms, from before the start to after the end, so that no wave is cut off."""
    if rhythm is Rhythm.ATRIAL_FIBRILLATION:
        pauses = rng.uniform(360, 780, 40)                    # no rhythm at all
    else:
        mean = 833.0 if rhythm is Rhythm.NORMAL else 640.0
        breath = np.sin(np.arange(40) * mean / 1000 * 2 * math.pi / 4.2)
        pauses = mean * (1 + 0.022 * breath) + rng.normal(0, 5, 40)
    at = np.cumsum(pauses) - 700
    return [float(v) for v in at if v < DURATION_S * 1000 + 600]


def _waves(rhythm: Rhythm, before_ms: float) -> list[_Wave]:
    qrs = _INFARCT_QRS if rhythm is Rhythm.ANTERIOR_INFARCT else _QRS
    after = _INFARCT_ST if rhythm is Rhythm.ANTERIOR_INFARCT else _T
    stretch = math.sqrt(min(max(before_ms, 350.0), 1200.0) / 833.0)        # QT follows the root of RR
    late = [_Wave(w.at_ms * stretch, w.width_ms * stretch, w.left, w.down, w.back) for w in after]
    early = [] if rhythm is Rhythm.ATRIAL_FIBRILLATION else list(_P)
    return [*early, *qrs, *late]


def _fibrillation(t_ms: Signal, rng: np.random.Generator) -> Signal:
    """Small waves of changing rate around 6 a second, largest towards V1."""
    rate_hz = 6.0 + np.interp(t_ms, np.linspace(0, t_ms[-1], 12), rng.normal(0, 0.8, 12))
    phase = 2 * math.pi * np.cumsum(rate_hz) / SAMPLING_FREQUENCY_HZ
    size = 0.055 * (1 + 0.5 * np.interp(t_ms, np.linspace(0, t_ms[-1], 25), rng.normal(0, 1, 25)))
    wave = size * (np.sin(phase) + 0.4 * np.sin(2 * phase + 1))
    return np.array([[-0.25], [0.75], [-0.8]]) * wave


def _leads(dipole: Signal, t_ms: Signal, rng: np.random.Generator) -> dict[str, NDArray[np.int32]]:
    left, down, back = dipole

    def noisy(clean: Signal) -> NDArray[np.int32]:
        wander = 0.025 * np.sin(2 * math.pi * t_ms / 4200 + rng.uniform(0, 6)) * rng.uniform(0.3, 1)
        muscle = np.convolve(rng.normal(0, 0.006, len(clean)), [0.25, 0.5, 0.25], mode="same")
        return np.rint((clean + wander + muscle) * 1000 / MICROVOLTS_PER_COUNT).astype(np.int32)

    one = noisy(left)
    two = noisy(left * math.cos(math.radians(60)) + down * math.sin(math.radians(60)) * 1.15)
    limb = {"I": one, "II": two, "III": two - one, "aVR": -_half(one + two), "aVL": _half(2 * one - two),
            "aVF": _half(2 * two - one)}
    chest = {}
    for name, (angle, tilt, gain) in _CHEST.items():
        a = math.radians(angle)
        chest[name] = noisy(gain * (left * math.cos(a) - back * math.sin(a) + down * tilt))
    return {name: {**limb, **chest}[name] for name in LEAD_NAMES}


def _half(counts: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.rint(counts / 2).astype(np.int32)


def _measured(rhythm: Rhythm, heart_rate: float) -> dict[str, float]:
    rr_s = 60 / heart_rate
    qt = 372.0 * math.sqrt(rr_s / 0.833) + (10 if rhythm is Rhythm.ANTERIOR_INFARCT else 0)
    found = {"heart_rate_bpm": float(round(heart_rate)), "qrs_ms": 92.0, "qt_ms": float(round(qt)),
             "qtc_ms": float(round(qt / math.sqrt(rr_s))), "qrs_axis_deg": 41.0}
    if rhythm is not Rhythm.ATRIAL_FIBRILLATION:
        found["pr_ms"] = 158.0
    return found
