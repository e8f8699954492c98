"""One line a reading, as the figures of a month are summed up from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from storage.model.clocks import Stage
from storage.model.readings import Priority, ReadingState


@dataclass(frozen=True, slots=True)
class StageTimes:
    """What one clock says."""

    started_at: datetime
    due_at: datetime
    met_at: datetime | None
    stopped_at: datetime | None


@dataclass(frozen=True, slots=True)
class CountedReading:
    """A reading whose study was complete in the span that is counted."""

    study_id: str
    site_id: str
    modality: str
    group: str
    priority: Priority
    state: ReadingState
    completed_at: datetime
    writer_id: str | None
    signed_by: str | None
    signed_at: datetime | None
    is_positive: bool | None             # None: nobody said, or nothing is signed
    is_critical: bool
    patient_class: str                   # of the order; "" where there is none
    ordered_at: datetime | None
    clocks: Mapping[Stage, StageTimes]
