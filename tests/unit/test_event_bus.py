"""The bus never waits for a listener, and a slow listener is told to read again."""

from __future__ import annotations

import asyncio
import threading

from gateway.services.event_bus import RESYNC, EventBus
from gateway.services.ports import Event


async def test_every_listener_gets_what_was_published_from_any_thread():
    bus = EventBus()
    async with bus.subscribe() as first, bus.subscribe() as second:
        thread = threading.Thread(target=bus.publish, args=(Event("study", "a", "s1"),))
        thread.start()
        thread.join()
        bus.publish(Event("reading", "a", "s1", "r1"))
        for listener in (first, second):
            heard = [await asyncio.wait_for(listener.get(), 5), await asyncio.wait_for(listener.get(), 5)]
            assert [event.kind for event in heard] == ["study", "reading"]


async def test_a_listener_that_falls_behind_is_told_to_read_again_and_goes_on():
    bus = EventBus()
    async with bus.subscribe(longest_backlog=3) as slow:
        for number in range(5):
            bus.publish(Event("study", "a", str(number)))
        await asyncio.sleep(0)  # let the loop hand them over
        heard = [await asyncio.wait_for(slow.get(), 5) for _ in range(2)]
        assert [event.kind for event in heard] == [RESYNC, "study"]
        assert heard[1].study_id == "4"


async def test_a_listener_that_left_gets_nothing_and_hurts_nobody():
    bus = EventBus()
    async with bus.subscribe() as gone:
        pass
    bus.publish(Event("study", "a"))
    await asyncio.sleep(0)
    assert not gone._backlog


async def test_waking_jobs_calls_who_asked_until_it_is_forgotten():
    bus, calls = EventBus(), []

    def note():
        calls.append(1)

    bus.on_jobs(note)
    bus.wake_jobs()
    bus.forget_jobs(note)
    bus.wake_jobs()
    assert calls == [1]
