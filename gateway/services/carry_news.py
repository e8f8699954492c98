"""Carry news between the processes that share one database: who is connected to this one hears what that one did.

What is published here goes out over storage's intercom, several events in one message; what comes in is told to the
listeners of this process alone and never sent on. Ids travel, nothing else. Two rules keep it right without keeping
anything: the next message goes out when the last one has come back to us, which proves that the line works (also
through a pooler, and when nothing happens for a while); and whatever may have been lost on either side becomes one
"resync", after which screens fetch anew. Receiving never waits for any of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random

import msgspec
import structlog

from gateway.core.retry import backoff_s
from gateway.observability import metrics
from gateway.services.event_bus import RESYNC, EventBus
from gateway.services.news_outbox import Batch, Message, Outbox, packed
from gateway.services.ports import Event
from storage.errors import StorageUnavailable
from storage.interface import Intercom, IntercomLine

_log = structlog.get_logger(__name__)

_LONGEST_QUEUE = 2048                # events; while the database is away, later ones become one resync
_GATHER_S = 0.05                     # between two messages, so that a flood of arrivals makes few of them
_WAKES_APART_S = 0.25                # of jobs by others: each wake-up is a look at the table in every process
_PROVE_EVERY_S = 30.0                # when there is nothing to say
_BACK_WITHIN_S = 10.0
_LONGEST_PAUSE_S = 30.0
_LAST_WORDS_S = 1.0


class NewsCarrier:
    """Owns the task that carries between a bus and an intercom. Made in the loop in which it runs; a `Carrier`."""

    def __init__(self, bus: EventBus, intercom: Intercom, *, longest_queue: int = _LONGEST_QUEUE,
                 prove_every_s: float = _PROVE_EVERY_S, back_within_s: float = _BACK_WITHIN_S) -> None:
        self._bus = bus
        self._intercom = intercom
        self._name = os.urandom(8).hex()
        self._prove_every_s = prove_every_s
        self._back_within_s = back_within_s
        self._outbox = Outbox(longest_queue, self._look)
        self._random = random.Random()  # noqa: S311  spreads attempts, guards nothing
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._has_news = asyncio.Event()
        self._came_back = asyncio.Event()
        self._number = 0
        self._attempt = 0
        self._is_said_lost = False
        self._is_ending = False
        self._woken_at = 0.0
        self._next_wake: asyncio.TimerHandle | None = None
        self.is_connected = False

    async def start(self) -> None:
        """Begin to carry; nobody waits for the database."""
        self._task = asyncio.create_task(self._run(), name="news")
        self._bus.carry_by(self)

    async def stop(self) -> None:
        """Say what is still to be said, for a second at most, and hang up."""
        if self._task is None:
            return
        self._bus.carry_by(None)
        self._is_ending = True
        self._has_news.set()                         # whoever waits for news sees that this is the end
        if self.is_connected:
            await asyncio.wait({self._task}, timeout=_LAST_WORDS_S)
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        if self._next_wake is not None:
            self._next_wake.cancel()

    def carry(self, event: Event) -> None:
        self._outbox.put(event)

    def carry_wake(self) -> None:
        self._outbox.put_wake()

    def _look(self) -> None:
        if not self._has_news.is_set():
            with contextlib.suppress(RuntimeError):  # the loop is closed: there is nobody left to tell
                self._loop.call_soon_threadsafe(self._has_news.set)

    # ------------------------------------------------------------------------------------------------------- the line
    async def _run(self) -> None:
        while not self._is_ending:
            try:
                await self._talk_until_lost()
            except StorageUnavailable as exc:
                self._say_lost(str(exc))
            except Exception as exc:  # the task's outermost loop: what is broken here must not end it
                _log.exception("news could not be carried")
                self._say_lost(type(exc).__name__)
            finally:
                self._is(connected=False)
            if not self._is_ending:
                self._attempt += 1
                await asyncio.sleep(backoff_s(self._attempt, base_s=0.2, cap_s=_LONGEST_PAUSE_S,
                                              jitter=self._random.random()))

    async def _talk_until_lost(self) -> None:
        """Open the line, and say and hear until one of both ends: an error, or the last words were said."""
        async with self._intercom.opened() as line:
            both = {asyncio.create_task(self._say(line), name="news-say"),
                    asyncio.create_task(self._hear(line), name="news-hear")}
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in both:
                    task.cancel()
                ends = await asyncio.gather(*both, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _say(self, line: IntercomLine) -> None:
        while True:
            self._has_news.clear()
            batch = self._outbox.take()
            try:
                await self._say_at_once(line, batch)
            except BaseException:
                self._outbox.put_back(batch)
                raise
            metrics.NEWS.labels(way="sent").inc(len(batch.events))
            if not self.is_connected:
                self._say_back()
            await asyncio.sleep(_GATHER_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._prove_every_s):
                    await self._has_news.wait()
            if self._is_ending and self._outbox.is_empty:
                return

    async def _say_at_once(self, line: IntercomLine, batch: Batch) -> None:
        texts = []
        for events in packed(batch.events):
            self._number += 1
            texts.append(msgspec.json.encode(Message(self._name, self._number, batch.is_wake, events)).decode())
        self._came_back.clear()
        await line.send(texts)
        try:
            async with asyncio.timeout(self._back_within_s):
                await self._came_back.wait()
        except TimeoutError as exc:
            raise StorageUnavailable("What was sent to the other processes does not come back to this one; "
                                     "is there a pooler that knows no LISTEN?") from exc

    async def _hear(self, line: IntercomLine) -> None:
        async for text in line:
            try:
                message = msgspec.json.decode(text, type=Message)
            except msgspec.DecodeError:
                self._resync_here("unreadable")      # of another release, which is about to be everywhere
                continue
            if message.sender == self._name:
                if message.number == self._number:
                    self._came_back.set()
                continue
            metrics.NEWS.labels(way="heard").inc(len(message.events))
            for fields in message.events:
                self._bus.tell_here(Event(*fields))
            if message.is_wake:
                self._wake_here()

    # ---------------------------------------------------------------------------------------------- what is told here
    def _wake_here(self) -> None:
        """At once, or as soon as the last time is long enough ago."""
        if self._next_wake is None:
            due = max(self._loop.time(), self._woken_at + _WAKES_APART_S)
            self._next_wake = self._loop.call_at(due, self._wake_now)

    def _wake_now(self) -> None:
        self._next_wake = None
        self._woken_at = self._loop.time()
        self._bus.wake_here()

    def _resync_here(self, reason: str) -> None:
        metrics.NEWS_RESYNCS.labels(reason=reason).inc()
        self._bus.tell_here(Event(RESYNC, ""))

    def _say_lost(self, why: str) -> None:
        if not self._is_said_lost:
            self._is_said_lost = True
            _log.warning("news of other processes do not arrive, screens here show them late", error=why)

    def _say_back(self) -> None:
        """The line is proven. What happened before it was, nobody told us."""
        self._is(connected=True)
        self._attempt = 0
        if self._is_said_lost:
            self._is_said_lost = False
            _log.info("news of other processes arrive again")
        self._resync_here("connected")
        self._wake_here()

    def _is(self, *, connected: bool) -> None:
        self.is_connected = connected
        metrics.NEWS_CONNECTED.set(connected)
