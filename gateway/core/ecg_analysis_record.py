"""An analysis as it is kept and shown: plain JSON, without the median beats' samples.

The samples of the median beats are computed again when somebody asks for them: they follow from the file within a few
ten milliseconds, and would be most of what is kept otherwise. Numbers that JSON cannot write are left out. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gateway.core.ecg_analysis import EcgAnalysis, QualityHint


def hints_to_keep(analysis: EcgAnalysis) -> list[dict[str, Any]]:
    """The technical faults, for lists."""
    return [_hint(hint) for hint in analysis.hints]


def content_to_keep(analysis: EcgAnalysis) -> dict[str, Any]:
    """Everything else."""
    median = analysis.median_beats
    return {
        "measurements": finite(analysis.measurements),
        "not_measurable": dict(analysis.not_measurable),
        "fiducials_us": finite(analysis.fiducials_us),
        "beats_us": [round(float(at), 1) for at in analysis.beats_us],
        "rr_ms": [float(rr) for rr in analysis.rr_ms if math.isfinite(rr)],
        "st_nv": {lead: finite(levels) for lead, levels in analysis.st_nv.items()},
        "median": None if median is None else {
            "interval_us": float(median.interval_us), "lead_names": list(median.lead_names),
            "sample_count": int(median.samples_nv.shape[1]), "beat_count": int(median.beat_count)},
    }


def finite(values: Mapping[str, float]) -> dict[str, float]:
    """The values that are numbers."""
    return {str(name): float(value) for name, value in values.items() if math.isfinite(value)}


def _hint(hint: QualityHint) -> dict[str, Any]:
    value = None if hint.value is None or not math.isfinite(hint.value) else float(hint.value)
    return {"kind": hint.kind.value, "leads": list(hint.leads), "value": value, "unit": hint.unit,
            "is_repeat_advised": bool(hint.is_repeat_advised), "detail": hint.detail}
