"""What the gateway measured on an ECG, and what a doctor corrected."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class AnalysisState(StrEnum):
    """How the work on one ECG ended; no row at all means that it has not been done yet."""

    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StoredAnalysis:
    """The analysis of one instance by one method. A newer method replaces it; corrections are kept apart."""

    instance_id: str
    study_id: str
    state: AnalysisState
    reason: str                          # why it failed, a machine word; "" when done
    method: str                          # core.ecg_analysis.METHOD of then
    at: datetime
    is_repeat_advised: bool = False
    hints: list[dict[str, Any]] = field(default_factory=list)    # for lists; as core.ecg_analysis_record writes
    content: dict[str, Any] = field(default_factory=dict)        # measurements, fiducials, beats, ST; no samples


@dataclass(frozen=True, slots=True)
class EcgCorrection:
    """Points that a doctor set, and what follows from them. Never changed: the next one stands beside it."""

    id: str
    instance_id: str
    study_id: str
    user_id: str
    at: datetime
    method: str                          # of the median beat on which the points were set
    fiducials_us: dict[str, float]       # empty: the doctor took the correction back
    measurements: dict[str, float]
