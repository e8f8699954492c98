"""Numbers from fiducials and voltages: intervals, axes, ST, R and S. QTc comes from core/ecg_intervals.py.

Axes are angles of the net area (Einthoven, Fahr and de Waart 1913): I is the horizontal axis, and aVF the vertical
one, which Goldberger's lead shows shorter by √3/2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from gateway.core.ecg_intervals import intervals
from gateway.signals.median_beats import DominantBeat
from gateway.signals.traces import Signal

_PLAUSIBLE_MS = {"p_ms": (20, 250), "pr_ms": (60, 500), "qrs_ms": (30, 300), "qt_ms": (150, 800)}
_MIN_AXIS_UV = 4.0                    # mean height of a wave in the frontal plane, below which it points nowhere
_ST_POINTS_S = {"j": 0.0, "j40": 0.04, "j60": 0.06, "j80": 0.08}
_ST_MEAN_S = 0.008


def plausible_intervals(fiducials_us: Mapping[str, float], rr_ms: float | None,
                        ) -> tuple[dict[str, float], dict[str, str]]:
    """P, PR, QRS, QT and QTc between the fiducials, and what of it no heart can have."""
    found = intervals(fiducials_us, rr_ms=rr_ms)
    wrong = {name for name, (low, high) in _PLAUSIBLE_MS.items() if name in found and not low <= found[name] <= high}
    if "qt_ms" in wrong:
        wrong |= {name for name in found if name.startswith("qtc_")}
    return ({name: value for name, value in found.items() if name not in wrong},
            dict.fromkeys(sorted(wrong), "implausible"))


def axis_deg(beat: DominantBeat, begin: int, end: int, *, is_above_line: bool) -> float | None:
    """Angle of the net area between two samples, −180 to 180; None if it points nowhere."""
    rows = beat.rows(("I", "aVF"))
    if len(rows) < 2 or end - begin < 2:
        return None
    part = beat.average_uv[rows, begin:end + 1]
    if is_above_line:
        part = part - (part[:, :1] + (part[:, -1:] - part[:, :1]) * np.linspace(0, 1, part.shape[1]))
    left, down = part.mean(axis=1) * (1.0, 2 / math.sqrt(3))
    if math.hypot(left, down) < _MIN_AXIS_UV:
        return None
    return round(math.degrees(math.atan2(down, left)), 1)


def st_nv(beat: DominantBeat, j: float) -> dict[str, dict[str, float]]:
    """Each lead's voltage at J and after it against the rest before the QRS, a mean over 8 ms."""
    half = max(0, round(_ST_MEAN_S * beat.rate / 2))
    out: dict[str, dict[str, float]] = {}
    for name, row in zip(beat.names, beat.average_uv, strict=True):
        places = {key: round(j + after * beat.rate) for key, after in _ST_POINTS_S.items()}
        if max(places.values()) + half < len(row):
            # At J itself the mean would reach into the QRS: it looks ahead only.
            out[name] = {key: round(1000 * _mean(row, at - (0 if key == "j" else half), at + half))
                         for key, at in places.items()}
    return out


def largest_mv(beat: DominantBeat, lead: str, begin: int, end: int, sign: int) -> float | None:
    """Height of R (sign 1) or depth of S (sign −1) within the QRS, never below zero."""
    rows = beat.rows((lead,))
    if not rows or end <= begin:
        return None
    return round(max(0.0, float((sign * beat.average_uv[rows[0], begin:end + 1]).max())) / 1000, 3)


def _mean(row: Signal, first: int, last: int) -> float:
    return float(row[max(0, first):last + 1].mean())
