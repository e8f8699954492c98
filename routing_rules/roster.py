"""Who of a duty group is on duty, and where the roster has holes.

The caller passes local time: the clock of the reading centre's zone, as the roster on its wall is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from routing_rules.model import Group, Shift

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 24 * 60


Duty = Mapping[str, tuple[str, ...]]
"""Group id to the logins on duty now, for groups whose dated roster says something; it wins over the weekly hours."""


def on_duty(group: Group, local_now: datetime, duty: Duty | None = None) -> tuple[str, ...] | None:
    """Logins on duty in this group; None where it has no roster (all members, at any time)."""
    if duty is not None and group.id in duty:
        return tuple(duty[group.id])
    if not group.shifts:
        return None
    minute = local_now.hour * 60 + local_now.minute
    open_now = [shift for shift in group.shifts if _covers(shift, local_now.isoweekday(), minute)]
    return tuple(dict.fromkeys(login for shift in open_now for login in shift.members))


def standing_in(group: Group, groups: Mapping[str, Group], local_now: datetime,
                duty: Duty | None = None) -> tuple[Group, tuple[str, ...]]:
    """The group that really has somebody on duty: itself, else along `cover`; and who is on duty there.

    When nobody is on duty anywhere along the way, the group itself keeps the study: it is never left without one.
    """
    current, met = group, {group.id}
    while True:
        present = on_duty(current, local_now, duty)
        if present is None:
            return current, current.members
        if present:
            return current, present
        if current.cover is None or current.cover in met:
            return group, ()
        met.add(current.cover)
        current = groups[current.cover]


def holes(group: Group) -> list[str]:
    """Times of the week without anybody on duty, such as "sat 18:00-24:00"; empty without a roster."""
    found: list[str] = []
    if not group.shifts:
        return found
    for day in range(1, 8):
        start: int | None = None
        for minute in range(_DAY_MINUTES + 1):
            is_open = minute < _DAY_MINUTES and not any(s.members and _covers(s, day, minute) for s in group.shifts)
            if is_open and start is None:
                start = minute
            elif not is_open and start is not None:
                found.append(f"{DAYS[day - 1]} {_clock(start)}-{_clock(minute)}")
                start = None
    return found


def _covers(shift: Shift, weekday: int, minute: int) -> bool:
    if shift.start_minute < shift.end_minute:
        return weekday in shift.days and shift.start_minute <= minute < shift.end_minute
    yesterday = 7 if weekday == 1 else weekday - 1
    return (weekday in shift.days and minute >= shift.start_minute) or (
        yesterday in shift.days and minute < shift.end_minute)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
