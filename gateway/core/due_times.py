"""When a reading is due, where no rule says otherwise (D4).

Minutes after the study was complete, by class of examination (requirements 3.1): ECG 10 when urgent and 30 as
routine; plain film 30 and 120; CT and MR 60 and 240, head CT 30 in an emergency; ultrasound and what is left, as CT.
Pure: the caller passes the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model import Priority


@dataclass(frozen=True, slots=True)
class DueMinutes:
    """Default minutes by priority."""

    emergency: int
    urgent: int
    routine: int


FILM = frozenset({"DX", "CR", "DR", "RG", "MG", "PX", "IO", "RF"})
DEFAULT_DUE_MINUTES: dict[str, DueMinutes] = {
    "ecg": DueMinutes(10, 10, 30),
    "film": DueMinutes(30, 30, 120),
    "ct": DueMinutes(60, 60, 240),
    "head_ct": DueMinutes(30, 60, 240),
    "mr": DueMinutes(60, 60, 240),
    "us": DueMinutes(60, 60, 240),
    "other": DueMinutes(60, 60, 240),
}


def examination_class(modality: str, body_part: str) -> str:
    """The row of the table of defaults that a study belongs to."""
    if modality == "ECG":
        return "ecg"
    if modality in FILM:
        return "film"
    if modality == "CT":
        return "head_ct" if body_part.upper() in ("HEAD", "BRAIN", "SKULL") else "ct"
    return {"MR": "mr", "US": "us"}.get(modality, "other")


def due_at(completed_at: datetime, *, modality: str, body_part: str, priority: Priority,
           rule_minutes: int | None, is_raised: bool) -> datetime:
    """Return when the reading is due: as the rule says, else by class.

    Where a device's measurement raised the priority, the earlier of both counts: raising never gives more time.
    """
    default = getattr(DEFAULT_DUE_MINUTES[examination_class(modality, body_part)], priority.value)
    minutes = default if rule_minutes is None else min(rule_minutes, default) if is_raised else rule_minutes
    return completed_at + timedelta(minutes=minutes)
