"""Intervals from points on a median beat, and QT corrected for rate by the four formulas in use. Pure arithmetic.

QTc, with QT and RR in seconds: Bazett QT/√RR (Heart 1920;7:353), Fridericia QT/∛RR (Acta Med Scand 1920;53:469),
Framingham QT + 0.154 (1 − RR) (Sagie et al., Am J Cardiol 1992;70:797), Hodges QT + 0.00175 (rate − 60)
(Hodges et al., J Am Coll Cardiol 1983;1:694).
"""

from __future__ import annotations

from collections.abc import Mapping

SPANS: Mapping[str, tuple[str, str]] = {
    "p_ms": ("p_onset", "p_offset"), "pr_ms": ("p_onset", "qrs_onset"), "qrs_ms": ("qrs_onset", "qrs_offset"),
    "qt_ms": ("qrs_onset", "t_offset"),
}
"""Each interval and the two points that it lies between."""


def intervals(fiducials_us: Mapping[str, float], *, rr_ms: float | None) -> dict[str, float]:
    """Return what the points give: the intervals whose two points are there, and QTc where the rate is known, ms."""
    found = {name: round((fiducials_us[end] - fiducials_us[begin]) / 1000, 1)
             for name, (begin, end) in SPANS.items() if begin in fiducials_us and end in fiducials_us}
    if "qt_ms" in found and rr_ms is not None and rr_ms > 0:
        found |= corrected_qt(found["qt_ms"], rr_ms)
    return found


def corrected_qt(qt_ms: float, rr_ms: float) -> dict[str, float]:
    """QT corrected by all four formulas, ms; `rr_ms` must be above zero."""
    rr_s = rr_ms / 1000
    values = {
        "qtc_bazett_ms": qt_ms / rr_s ** 0.5,
        "qtc_fridericia_ms": qt_ms / rr_s ** (1 / 3),
        "qtc_framingham_ms": qt_ms + 154 * (1 - rr_s),
        "qtc_hodges_ms": qt_ms + 1.75 * (60 / rr_s - 60),
    }
    return {name: round(value, 1) for name, value in values.items()}


def changed_intervals(before_us: Mapping[str, float], after_us: Mapping[str, float], *,
                      rr_ms: float | None) -> dict[str, float]:
    """The intervals of `after_us` of which at least one point was moved, added or taken from another place.

    Who drags the end of the T wave has measured QT, not PR: the other numbers stay whose they are.
    """
    moved = {name for name, at in after_us.items() if before_us.get(name) != at}
    found = intervals(after_us, rr_ms=rr_ms)
    mine = {name for name, points in SPANS.items() if moved.intersection(points)}
    return {name: value for name, value in found.items()
            if name in mine or (name.startswith("qtc_") and "qt_ms" in mine)}
