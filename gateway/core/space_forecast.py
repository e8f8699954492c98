"""How much room is left, how long it lasts, and when a person must hear of it. Pure: the caller measures.

The forecast divides the room by the median intake of the last complete days: one day on which an archive was
imported, or a quiet weekend, does not move it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from statistics import median

from storage.model import DayOfIntake

WINDOW_DAYS = 14
_CLEAR_FACTOR = 1.1                      # an alarm that comes and goes with every file helps nobody


class SpaceLevel(StrEnum):
    ENOUGH = "enough"
    LOW = "low"                          # objects are still taken, but somebody must act
    FULL = "full"                        # new objects are refused: C-STORE A700, HTTP 503


@dataclass(frozen=True, slots=True)
class Intake:
    """What a usual day brings."""

    bytes_a_day: int                     # median of `days`
    days: int                            # complete days that were measured, those without any object too


def usual_intake(days: Sequence[DayOfIntake], *, first_day: date | None, today: date) -> Intake | None:
    """The median of the last complete days, at most `WINDOW_DAYS`; None before the first one is complete."""
    if first_day is None or first_day >= today:
        return None
    count = min(WINDOW_DAYS, (today - first_day).days)
    brought = {day.day: day.size_bytes for day in days}
    sizes = [brought.get(today - timedelta(days=back), 0) for back in range(1, count + 1)]
    return Intake(round(median(sizes)), count)


def room_bytes(*, free_bytes: int | None, reserve_bytes: int, kept_bytes: int, quota_bytes: int) -> int | None:
    """Bytes until new objects are refused, never negative; None where neither disk nor quota sets a bound."""
    bounds = [] if free_bytes is None else [free_bytes - reserve_bytes]
    if quota_bytes:
        bounds.append(quota_bytes - kept_bytes)
    return max(0, min(bounds)) if bounds else None


def days_left(room: int | None, intake: Intake | None) -> float | None:
    """How long the room lasts; None where that cannot be said yet, or nothing comes in."""
    if room is None or intake is None or intake.bytes_a_day <= 0:
        return None
    return room / intake.bytes_a_day


def level_of(room: int | None, left_days: float | None, *, warning_bytes: int, warning_days: float,
             quota_bytes: int, before: SpaceLevel) -> SpaceLevel:
    """The level now. What is low stays low until a tenth more than the warning's bound is free again.

    With a quota the warning's bound is at most a tenth of it: a small quota is not low from the start.
    """
    if room is None:
        return SpaceLevel.ENOUGH
    if room <= 0:
        return SpaceLevel.FULL
    bound: float = min(warning_bytes, quota_bytes // 10) if quota_bytes else warning_bytes
    if before is not SpaceLevel.ENOUGH:
        bound, warning_days = bound * _CLEAR_FACTOR, warning_days * _CLEAR_FACTOR
    is_low = room < bound or (left_days is not None and left_days < warning_days)
    return SpaceLevel.LOW if is_low else SpaceLevel.ENOUGH
