"""Look at everything an administrator would, and say what to do: what the command `doctor` prints.

Each check is one line: what was looked at, how it is, and the next step where one is needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.core.space_forecast import WINDOW_DAYS, SpaceLevel
from gateway.services.ports import Parts
from gateway.services.reach_second_copy import open_place
from gateway.services.second_copy import problem_of
from gateway.services.watch_space import measure
from storage.errors import StorageError

LONGEST_LAG = timedelta(hours=24)
_GB = 1e9


class Health(StrEnum):
    OK = "ok"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    name: str
    health: Health
    detail: str
    advice: str = ""


Check = Callable[[Parts], Awaitable[Finding]]


async def check_space(parts: Parts) -> Finding:
    """Room, and how long it lasts."""
    space = await measure(parts)
    if space.room_bytes is None:
        return Finding("space", Health.OK, f"{space.kept_bytes / _GB:.1f} GB kept; nothing here sets a bound")
    detail = f"{space.room_bytes / _GB:.1f} GB until new objects are refused, {space.kept_bytes / _GB:.1f} GB kept"
    if space.intake is not None:
        detail += (f"; {space.intake.bytes_a_day / _GB:.2f} GB a day (median of {space.intake.days} of the last "
                   f"{WINDOW_DAYS} days)")
    if space.days_left is not None:
        detail += f", about {space.days_left:.0f} days left"
    advice = {SpaceLevel.ENOUGH: "", SpaceLevel.LOW: "Make the disk larger or raise the quota soon.",
              SpaceLevel.FULL: "Objects are being refused: make room now."}[space.level]
    health = {SpaceLevel.ENOUGH: Health.OK, SpaceLevel.LOW: Health.WARNING, SpaceLevel.FULL: Health.BAD}[space.level]
    return Finding("space", health, detail, advice)


async def check_objects(parts: Parts) -> Finding:
    """What the background check found."""
    counts = await parts.database.read(lambda tx: tx.object_care.counts())
    oldest = "never" if counts.oldest_check_at is None else f"{counts.oldest_check_at:%Y-%m-%d}"
    detail = (f"{counts.objects} objects, {counts.unchecked} not read back yet, oldest check {oldest}, "
              f"{counts.damaged} damaged, {counts.missing} missing")
    if counts.damaged or counts.missing:
        return Finding("objects", Health.BAD, detail, "Bring the bytes back from a backup; the alarms name them.")
    if parts.settings.scrub_mb_per_s <= 0:
        return Finding("objects", Health.WARNING, detail, "The background check is off: set scrub_mb_per_s.")
    return Finding("objects", Health.OK, detail)


async def check_second_copy(parts: Parts) -> Finding:
    """Is there a second copy, and how far behind is it?"""
    second, name = parts.second_copy, "second copy"
    if second is None:
        return Finding(name, Health.WARNING, "none is configured",
                       "One broken disk takes everything: set second_copy_dir or second_copy_url.")
    counts, problem = await parts.database.read(lambda tx: (tx.object_care.counts(), problem_of(tx)))
    detail = f"{second.address}: {counts.copies_waiting} objects wait ({counts.copies_waiting_bytes / _GB:.1f} GB)"
    try:
        await open_place(parts)
    except StorageError as exc:
        problem = str(exc)
    if problem:
        return Finding(name, Health.BAD, f"{detail}; {problem}", "Bring the place back; copying goes on by itself.")
    if await asyncio.to_thread(second.is_on_the_disk_of, parts.settings.data_dir):
        return Finding(name, Health.WARNING, f"{detail}; it lies on the same disk as the first",
                       "Put the second copy on another disk.")
    if _is_late(counts.oldest_waiting_at, parts.clock()):
        return Finding(name, Health.WARNING, f"{detail}, the oldest for more than a day", "See why it is slow.")
    return Finding(name, Health.OK, detail)


async def check_clock(parts: Parts) -> Finding:
    """A clock that went back writes times that lie before what is already in the audit trail."""
    last = await parts.database.read(lambda tx: tx.audit.last_at())
    now = parts.clock()
    if last is not None and now < last - timedelta(seconds=5):
        return Finding("clock", Health.BAD,
                       f"it shows {now:%Y-%m-%d %H:%M:%S} UTC, earlier than the last audit entry",
                       "Set the clock, and let it be kept by NTP.")
    return Finding("clock", Health.OK, f"{now:%Y-%m-%d %H:%M:%S} UTC")


CHECKS: Mapping[str, Check] = {
    "space": check_space, "objects": check_objects, "second copy": check_second_copy, "clock": check_clock,
}
"""What `doctor` looks at, in this order; a new check is one function and one line."""


async def examine(parts: Parts) -> list[Finding]:
    """Every check; one that cannot be made is bad by that."""
    found = []
    for name, check in CHECKS.items():
        try:
            found.append(await check(parts))
        except StorageError as exc:
            found.append(Finding(name, Health.BAD, f"it could not be looked at: {exc}"))
    return found


def _is_late(oldest: datetime | None, now: datetime) -> bool:
    return oldest is not None and now - oldest > LONGEST_LAG
