"""What is still to be said to the other processes on the database, and how it is written."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from gateway.observability import metrics
from gateway.services.event_bus import RESYNC
from gateway.services.ports import Event
from storage.interface import INTERCOM_TEXT_BYTES

_ENVELOPE_BYTES = 100
_Fields = tuple[str, str, str, str]      # of an Event; a release that has others is met with a resync


class Message(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One text on the intercom."""

    sender: str                      # a process, never the same twice
    number: int
    is_wake: bool
    events: list[_Fields]


@dataclass(frozen=True, slots=True)
class Batch:
    """What is said at once; empty: only to hear that it comes back."""

    events: Sequence[Event] = ()
    is_wake: bool = False


class Outbox:
    """What is still to be said, bounded. `put` and `put_wake` may be called from any thread."""

    def __init__(self, longest: int, on_news: Callable[[], None]) -> None:
        self._longest = longest
        self._on_news = on_news
        self._lock = threading.Lock()
        self._events: list[Event] = []
        self._is_wake = False
        self._is_resync = False      # stands for everything up to the moment when it is sent

    def put(self, event: Event) -> None:
        with self._lock:
            is_full = not self._is_resync and len(self._events) >= self._longest
            if is_full:
                self._resync()
            elif not self._is_resync:
                self._events.append(event)
        if is_full:
            metrics.NEWS_RESYNCS.labels(reason="overflow").inc()
        self._on_news()

    def put_wake(self) -> None:
        with self._lock:
            self._is_wake = True
        self._on_news()

    def take(self) -> Batch:
        """Everything that waits, perhaps nothing."""
        with self._lock:
            batch = Batch([Event(RESYNC, "")] if self._is_resync else self._events, self._is_wake)
            self._events, self._is_wake, self._is_resync = [], False, False
        return batch

    def put_back(self, batch: Batch) -> None:
        """It may or may not have been heard: nothing is told twice, so one resync takes its place."""
        with self._lock:
            if batch.events:
                self._resync()
            self._is_wake |= batch.is_wake

    @property
    def is_empty(self) -> bool:
        return not (self._events or self._is_wake or self._is_resync)

    def _resync(self) -> None:
        self._events, self._is_resync = [], True


def packed(events: Sequence[Event]) -> Iterator[list[_Fields]]:
    """Events in as many parts as fit into one text each; at least one part, perhaps empty."""
    part: list[_Fields] = []
    room = INTERCOM_TEXT_BYTES - _ENVELOPE_BYTES
    for event in events:
        fields = (event.kind, event.site_id, event.study_id, event.reading_id)
        size = len(msgspec.json.encode(fields)) + 1
        if size > INTERCOM_TEXT_BYTES - _ENVELOPE_BYTES:
            fields, size = (RESYNC, "", "", ""), _ENVELOPE_BYTES
        if size > room:
            yield part
            part, room = [], INTERCOM_TEXT_BYTES - _ENVELOPE_BYTES
        part.append(fields)
        room -= size
    yield part
