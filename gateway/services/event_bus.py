"""Tell listeners that something changed: live lists in browsers, and the job runner.

Publishing never waits for a listener. A listener that falls too far behind loses what it has not read and gets one
"resync" event instead: it then reads its lists again, which is always right. Where several processes share one
database, a carrier (`carry_news.py`) takes what happened here to the listeners of the others, and brings theirs.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from gateway.services.ports import Event

RESYNC = "resync"
_LONGEST_BACKLOG = 256


class Carrier(Protocol):
    """Takes to the other processes what happened in this one. Neither blocks nor raises; called from any thread."""

    def carry(self, event: Event) -> None:
        """This was published here."""

    def carry_wake(self) -> None:
        """A job may be due."""


class EventBus:
    """Implements `Events`. `publish`, `wake_jobs` and their halves may be called from any thread."""

    def __init__(self) -> None:
        self._subscriptions: frozenset[Subscription] = frozenset()  # replaced, never changed: safe to walk anywhere
        self._on_jobs: tuple[Callable[[], None], ...] = ()
        self._carrier: Carrier | None = None

    def publish(self, event: Event) -> None:
        self.tell_here(event)
        if carrier := self._carrier:
            carrier.carry(event)

    def wake_jobs(self) -> None:
        self.wake_here()
        if carrier := self._carrier:
            carrier.carry_wake()

    def tell_here(self, event: Event) -> None:
        """Hand the event to the listeners of this process alone: it came from another one."""
        for subscription in self._subscriptions:
            subscription.offer(event)

    def wake_here(self) -> None:
        """Wake the jobs of this process alone."""
        for callback in self._on_jobs:
            callback()

    def carry_by(self, carrier: Carrier | None) -> None:
        """From now on this one carries what happens here to the other processes; None: nobody does."""
        self._carrier = carrier

    def on_jobs(self, callback: Callable[[], None]) -> None:
        """Call this, from any thread, whenever a job may be due. It must neither block nor raise."""
        self._on_jobs = (*self._on_jobs, callback)

    def forget_jobs(self, callback: Callable[[], None]) -> None:
        """Undo `on_jobs`."""
        self._on_jobs = tuple(known for known in self._on_jobs if known != callback)

    @asynccontextmanager
    async def subscribe(self, *, longest_backlog: int = _LONGEST_BACKLOG) -> AsyncIterator[Subscription]:
        """Listen, from now to the end of the block: `async with bus.subscribe() as events: await events.get()`."""
        subscription = Subscription(asyncio.get_running_loop(), longest_backlog)
        self._subscriptions |= {subscription}
        try:
            yield subscription
        finally:
            self._subscriptions -= {subscription}


class Subscription:
    """What one listener has not read yet. `get` and iteration belong to the loop that subscribed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, longest_backlog: int) -> None:
        self._loop = loop
        self._longest_backlog = longest_backlog
        self._backlog: deque[Event] = deque()
        self._has_some = asyncio.Event()

    def offer(self, event: Event) -> None:
        """Called by the bus, from any thread."""
        with suppress(RuntimeError):  # the listener's loop is closed: nobody reads any more
            self._loop.call_soon_threadsafe(self._take, event)

    async def get(self) -> Event:
        """Return the next event; wait for it."""
        while not self._backlog:
            self._has_some.clear()
            await self._has_some.wait()
        return self._backlog.popleft()

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            yield await self.get()

    def _take(self, event: Event) -> None:
        if len(self._backlog) >= self._longest_backlog:
            self._backlog.clear()
            event = Event(RESYNC, "")
        self._backlog.append(event)
        self._has_some.set()
