"""Own the loop that fires timers: to the second, after restarts, and on another node after a kill.

It does not go through the table of jobs. A job is leased, and a lease that its owner left behind must run out before
another may begin; a timer is locked for the length of one transaction, which ends with its process. So whoever looks
next finds it, and a flood of timers waits in a table that no other job looks at. A few at a time, so that what is
received meanwhile is written between them.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import structlog

from gateway.core.retry import backoff_s
from gateway.observability import metrics
from gateway.services.clocks.fire_timers import Fired, fire_due, fire_one
from gateway.services.event_bus import EventBus
from gateway.services.ports import Parts
from storage.errors import StorageError
from storage.interface import Transaction

_log = structlog.get_logger(__name__)

AT_ONCE, AT_ONCE_SHARED = 10, 64
"""Timers in one transaction: on SQLite every other write waits for it, some 10 ms; on PostgreSQL nobody does."""

LOOK_EVERY_S = 0.5
"""A node that is killed leaves its timers to the others, which look so often."""

_LONGEST_PAUSE_S = 60.0


class ClockRunner:
    """One task; `start` begins it, `stop` ends it between two transactions."""

    def __init__(self, parts: Parts, *, look_every_s: float = LOOK_EVERY_S) -> None:
        self._parts = parts
        self._zone = ZoneInfo(parts.settings.time_zone)
        self._at_once = AT_ONCE_SHARED if parts.settings.database_url else AT_ONCE
        self._look_every_s = look_every_s
        self._has_news = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False

    async def start(self) -> None:
        """Begin to fire; what came due while nobody ran is fired at once."""
        self._loop = asyncio.get_running_loop()
        if isinstance(self._parts.events, EventBus):
            self._parts.events.on_jobs(self.wake)
        self._task = asyncio.create_task(self._fire_until_stopped(), name="clocks")

    async def stop(self) -> None:
        """Finish the transaction that runs, begin no other."""
        self._is_stopping = True
        if isinstance(self._parts.events, EventBus):
            self._parts.events.forget_jobs(self.wake)
        self._has_news.set()
        if self._task is not None:
            await self._task

    def wake(self) -> None:
        """A timer may be due: look at once. May be called from any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: there is nobody left to wake
                self._loop.call_soon_threadsafe(self._has_news.set)

    async def fire_all(self) -> int:
        """Fire until nothing is due; returns how many timers. For tests and tools."""
        count = 0
        while fired := await self._fire():
            count += fired
        return count

    async def _fire_until_stopped(self) -> None:
        while not self._is_stopping:
            self._has_news.clear()
            pause_s = self._look_every_s
            try:
                if await self._fire():
                    await asyncio.sleep(0)
                    continue
                pause_s = await self._pause_s()
            except StorageError as exc:
                _log.warning("timers wait, the store does not answer", error=type(exc).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._has_news.wait(), timeout=pause_s)

    async def _pause_s(self) -> float:
        due = await self._parts.database.read(lambda tx: tx.clocks.next_timer())
        if due is None:
            return self._look_every_s
        # One that is due and was passed over is being fired, or its reading changed, by somebody else.
        return min(self._look_every_s, max(0.01, (due - self._parts.clock()).total_seconds()))

    async def _fire(self) -> int:
        try:
            return await self._fire_some(lambda tx: fire_due(tx, at=self._parts.clock(), zone=self._zone,
                                                             limit=self._at_once))
        except StorageError:
            raise
        except Exception as exc:  # the outermost loop of all timers: one that is broken never stops the others
            _log.exception("timers are fired one by one", error=type(exc).__name__)
            return await self._fire_one_by_one()

    async def _fire_some(self, work: Callable[[Transaction], Fired]) -> int:
        fired = await self._parts.database.write(work)
        for event in fired.events:
            self._parts.events.publish(event)
        metrics.TIMERS_FIRED.inc(fired.timers)
        return fired.timers

    async def _fire_one_by_one(self) -> int:
        """Each in a transaction of its own; what fails waits, with its error, while the rest goes on."""
        waiting = await self._parts.database.read(
            lambda tx: tx.clocks.due_readings(self._parts.clock(), limit=self._at_once))
        for reading_id, attempts in waiting:
            try:
                await self._fire_some(functools.partial(fire_one, reading_id=reading_id, at=self._parts.clock(),
                                                        zone=self._zone))
            except StorageError:
                raise
            except Exception as exc:  # the same outermost loop
                _log.exception("a timer failed", reading=reading_id, error=type(exc).__name__)
                await self._put_off(reading_id, attempts, exc)
        return len(waiting)

    async def _put_off(self, reading_id: str, attempts: int, exc: Exception) -> None:
        pause_s = backoff_s(attempts + 1, base_s=2.0, cap_s=_LONGEST_PAUSE_S, jitter=0.5)
        until = self._parts.clock() + timedelta(seconds=pause_s)
        why = f"{type(exc).__name__}: {exc}"[:500]
        await self._parts.database.write(lambda tx: tx.clocks.put_off(reading_id, until=until, why=why))
