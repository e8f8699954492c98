"""Watch the room that is left: tell people before anything breaks, and take new objects into care.

A small task of each process looks every few seconds. Receiving pays nothing: objects that came since are found by
their time, counted to their day, and handed to the scrub and the second copy in one write.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from gateway.core.space_forecast import (
    WINDOW_DAYS,
    Intake,
    SpaceLevel,
    days_left,
    level_of,
    room_bytes,
    usual_intake,
)
from gateway.observability import metrics
from gateway.services.ports import Event, Parts
from gateway.services.reach_second_copy import COPY_JOB, prepare_second_copy
from gateway.services.scrub_objects import schedule_scrub
from storage.errors import StorageError
from storage.interface import Transaction
from storage.model import AuditEntry, DayOfIntake

LOOK_EVERY_S = 5.0
ALARM_KINDS = {SpaceLevel.LOW: "space-low", SpaceLevel.FULL: "space-full"}

_REF, _NOTE = "space", "space-level"
_A_WRITE = 50                            # objects; a few milliseconds of the one writer
_OVERLAP = timedelta(minutes=1)          # a commit may come that much later than the time it carries
_WHOLE_WALK_EVERY = timedelta(hours=12)
_COUNT_EVERY = timedelta(minutes=1)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Space:
    """The room as it is now."""

    level: SpaceLevel
    free_bytes: int | None               # on the fullest disk that objects and index need
    reserve_bytes: int
    quota_bytes: int                     # 0: none
    kept_objects: int
    kept_bytes: int
    room_bytes: int | None               # until new objects are refused
    intake: Intake | None                # the median day, and of how many days
    days_left: float | None
    today_bytes: int                     # what came today so far


class SpaceWatch:
    """Owns the task that looks."""

    def __init__(self, parts: Parts, *, every_s: float = LOOK_EVERY_S) -> None:
        self._parts = parts
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None
        self._seen_until: datetime | None = None
        self._walk_due: datetime | None = None
        self._count_due: datetime | None = None
        self._is_copy_ready = False

    async def start(self) -> None:
        """Begin to look every few seconds; the first look may be long, and nobody waits for it."""
        await schedule_scrub(self._parts)
        _, kept_bytes = await self._parts.database.read(lambda tx: tx.object_care.total())
        self._parts.space.kept(kept_bytes)
        self._task = asyncio.create_task(self._run(), name="space-watch")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def look(self) -> Space:
        """One look: new objects into care, gauges, and an alarm where the level changed. Raises StorageError."""
        parts = self._parts
        if not self._is_copy_ready:
            await self._prepare_copy()
        await self._enrol()
        space = await measure(parts)
        parts.space.kept(space.kept_bytes)
        if space.level is SpaceLevel.FULL:
            await asyncio.to_thread(parts.space.make_room)
        changed = await parts.database.read(lambda tx: tx.object_care.note(_NOTE)) != space.level.value
        if changed and await parts.database.write(lambda tx: _note_level(parts, tx, space)):
            _say(space)
            parts.events.publish(Event("alarm", ""))
        _show(space)
        await self._show_care()
        return space

    async def _run(self) -> None:
        while True:
            await self._look_and_say()
            await asyncio.sleep(self._every_s)

    async def _look_and_say(self) -> None:
        try:
            await self.look()
        except StorageError as exc:
            _log.warning("the room left could not be measured", error=type(exc).__name__, why=str(exc))

    async def _prepare_copy(self) -> None:
        try:
            await prepare_second_copy(self._parts)
            self._is_copy_ready = True
        except StorageError as exc:
            _log.error("the second copy cannot be begun; it is tried again", why=str(exc))

    async def _enrol(self) -> None:
        """Everything at first and twice a day, in between what came since the last look."""
        now = self._parts.clock()
        if self._walk_due is None or now >= self._walk_due:
            await enrol_all(self._parts)
            self._walk_due = now + _WHOLE_WALK_EVERY
        elif self._seen_until is not None:
            await enrol_since(self._parts, self._seen_until - _OVERLAP)
        self._seen_until = now

    async def _show_care(self) -> None:
        now = self._parts.clock()
        if self._count_due is not None and now < self._count_due:
            return
        self._count_due = now + _COUNT_EVERY
        counts = await self._parts.database.read(lambda tx: tx.object_care.counts())
        metrics.BAD_OBJECTS_NOW.set(counts.damaged + counts.missing)
        metrics.OLDEST_CHECK_S.set(_age_s(counts.oldest_check_at, now))
        metrics.COPIES_WAITING.set(counts.copies_waiting)
        metrics.COPY_LAG_S.set(_age_s(counts.oldest_waiting_at, now))


async def measure(parts: Parts) -> Space:
    """Measure without changing anything. Raises StorageError."""
    settings, zone = parts.settings, ZoneInfo(parts.settings.time_zone)
    today = parts.clock().astimezone(zone).date()
    free = await asyncio.to_thread(_free_bytes, parts)
    objects, kept, days, first_day, before = await parts.database.read(
        lambda tx: (*tx.object_care.total(), tx.object_care.intake(today - timedelta(days=WINDOW_DAYS)),
                    tx.object_care.first_day(), tx.object_care.note(_NOTE)))
    room = room_bytes(free_bytes=free, reserve_bytes=settings.reserve_bytes, kept_bytes=kept,
                      quota_bytes=settings.quota_bytes)
    intake = usual_intake(days, first_day=first_day, today=today)
    left = days_left(room, intake)
    level = level_of(room, left, warning_bytes=settings.space_warning_bytes,
                     warning_days=settings.space_warning_days, quota_bytes=settings.quota_bytes,
                     before=SpaceLevel(before) if before else SpaceLevel.ENOUGH)
    return Space(level, free, settings.reserve_bytes, settings.quota_bytes, objects, kept, room, intake, left,
                 _of_day(days, today))


async def enrol_all(parts: Parts) -> int:
    """Take every object into care that is not; returns how many there were."""
    count, after = 0, ""
    while found := await _without_care(parts, after):
        count += await _enrol(parts, found)
        after = found[-1][0]
    return count


async def enrol_since(parts: Parts, since: datetime) -> int:
    """Take into care what was stored since then."""
    count = 0
    while found := await parts.database.read(lambda tx: tx.object_care.without_care(stored_since=since)):
        count += await _enrol(parts, found)
    return count


async def _without_care(parts: Parts, after: str) -> list[tuple[str, int, datetime]]:
    return await parts.database.read(lambda tx: tx.object_care.without_care(after=after))


async def _enrol(parts: Parts, found: list[tuple[str, int, datetime]]) -> int:
    """In small writes, so that what is being received never waits long for one of them."""
    return sum([await _enrol_few(parts, found[start:start + _A_WRITE]) for start in range(0, len(found), _A_WRITE)])


async def _enrol_few(parts: Parts, found: list[tuple[str, int, datetime]]) -> int:
    zone, has_copy, now = ZoneInfo(parts.settings.time_zone), parts.second_copy is not None, parts.clock()

    def work(tx: Transaction) -> int:
        count = tx.object_care.enrol(found, zone=zone, has_second_copy=has_copy)
        if count and has_copy:
            tx.jobs.enqueue(COPY_JOB, "store", due=now)
        return count

    count = await parts.database.write(work)
    if has_copy:
        parts.events.wake_jobs()
    return count


def _note_level(parts: Parts, tx: Transaction, space: Space) -> bool:
    """Raise the alarm of a new level and close that of the one before; False if another process did."""
    care, now = tx.object_care, parts.clock()
    if care.note(_NOTE) == space.level.value:
        return False
    is_first = care.note(_NOTE) == ""
    care.set_note(_NOTE, space.level.value)
    for level, kind in ALARM_KINDS.items():
        if level is not space.level:
            tx.alarms.clear(kind, _REF, at=now)
    if space.level in ALARM_KINDS:
        tx.alarms.raise_alarm(ALARM_KINDS[space.level], site_id="", ref=_REF, detail=_sentence(space), at=now)
    if space.level in ALARM_KINDS or not is_first:
        tx.audit.append(AuditEntry(now, "gateway", f"space.{space.level}", is_success=space.level not in ALARM_KINDS,
                                   detail={"room_bytes": space.room_bytes, "free_bytes": space.free_bytes,
                                           "kept_bytes": space.kept_bytes}))
    return space.level in ALARM_KINDS or not is_first


def _say(space: Space) -> None:
    if space.level is SpaceLevel.ENOUGH:
        _log.info("there is room again", room_bytes=space.room_bytes)
    else:
        _log.error(_sentence(space), level=space.level.value, room_bytes=space.room_bytes,
                   free_bytes=space.free_bytes, kept_bytes=space.kept_bytes)


def _sentence(space: Space) -> str:
    room = f"{(space.room_bytes or 0) / 1e9:.1f} GB"
    if space.level is SpaceLevel.FULL:
        return ("NO ROOM: new objects are refused (C-STORE A700, HTTP 503) until space returns. Nothing that was "
                "acknowledged is lost.")
    last = "" if space.days_left is None else f", about {space.days_left:.0f} days at the usual intake"
    return f"Room is running out: {room} until new objects are refused{last}. Objects are still taken."


def _show(space: Space) -> None:
    metrics.SPACE_LEVEL.set(list(SpaceLevel).index(space.level))
    metrics.SPACE_FREE.set(float("nan") if space.free_bytes is None else space.free_bytes)
    metrics.SPACE_ROOM.set(float("nan") if space.room_bytes is None else space.room_bytes)
    metrics.SPACE_DAYS_LEFT.set(float("nan") if space.days_left is None else space.days_left)
    metrics.KEPT_OBJECTS.set(space.kept_objects)
    metrics.KEPT_BYTES.set(space.kept_bytes)


def _free_bytes(parts: Parts) -> int | None:
    """On the fullest disk: objects may lie elsewhere, but the index or the spool is always in the data folder."""
    found = [shutil.disk_usage(parts.settings.data_dir).free]
    of_objects = parts.objects.free_bytes()
    return min([*found, *([] if of_objects is None else [of_objects])])


def _of_day(days: Sequence[DayOfIntake], today: date) -> int:
    return sum(day.size_bytes for day in days if day.day == today)


def _age_s(then: datetime | None, now: datetime) -> float:
    return 0.0 if then is None else max(0.0, (now - then).total_seconds())
