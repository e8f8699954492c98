"""What happens in one process is news in the others on the same PostgreSQL, once; what may be lost is a resync."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import psycopg
import pytest
import structlog

from gateway.services.carry_news import NewsCarrier
from gateway.services.event_bus import RESYNC, EventBus, Subscription
from gateway.services.ports import Event
from storage.engines import postgres_intercom
from storage.engines.postgres_intercom import APPLICATION_NAME, CHANNEL, PostgresIntercom
from storage.opening import open_storage
from tests.support.postgres import PostgresServer, make_server
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of our own: it is stopped and started here."""
    yield from make_server()


@pytest.fixture
def url(server: PostgresServer) -> str:
    return server.new_database()


@pytest.fixture
async def proxied(server: PostgresServer, url: str) -> AsyncIterator[tuple[TcpProxy, str]]:
    """A line to the database that can be held still."""
    proxy = TcpProxy(server.port)
    yield proxy, url.replace(f":{server.port}/", f":{proxy.port}/")
    proxy.close()


@asynccontextmanager
async def process(url: str, **limits: float) -> AsyncIterator[tuple[EventBus, NewsCarrier]]:
    """The bus of one more gateway process on this database, carried to and from the others."""
    bus = EventBus()
    carrier = NewsCarrier(bus, PostgresIntercom(url), **limits)  # type: ignore[arg-type]
    await carrier.start()
    try:
        await until(lambda: carrier.is_connected)
        yield bus, carrier
    finally:
        await carrier.stop()


async def heard(listener: Subscription, *, upto: str) -> list[str]:
    """The kinds of all events up to the first of this kind."""
    kinds: list[str] = []
    async with asyncio.timeout(10):
        while upto not in kinds:
            kinds.append((await listener.get()).kind)
    return kinds


def backends(url: str) -> set[int]:
    """The connections that carry news, as the server sees them."""
    with psycopg.connect(url) as connection:
        return {row[0] for row in connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()",
            [APPLICATION_NAME])}


async def test_an_event_is_heard_once_by_the_listeners_of_every_process_also_by_those_of_its_own(url):
    async with process(url) as (a, _), process(url) as (b, _), a.subscribe() as here, b.subscribe() as there:
        a.publish(Event("reading", "yangchang", "study-1", "reading-1"))
        assert await asyncio.wait_for(there.get(), 10) == Event("reading", "yangchang", "study-1", "reading-1")
        b.publish(Event("report", "羊昌", "study-2"))
        b.publish(Event("alarm", ""))
        assert await heard(here, upto="alarm") == ["reading", "report", "alarm"]
        assert await heard(there, upto="alarm") == ["report", "alarm"]


async def test_a_thousand_events_of_many_threads_arrive_all_and_in_the_order_of_each_thread(url):
    """Far more than fits into one NOTIFY of 8,000 bytes."""
    def publish(thread: int) -> None:
        for number in range(250):
            a.publish(Event("study", f"site-{thread}", f"{number:032}", "r" * 32))

    async with process(url) as (a, _), process(url) as (b, _), b.subscribe(longest_backlog=2000) as there:
        threads = [threading.Thread(target=publish, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        events = [await asyncio.wait_for(there.get(), 10) for _ in range(1000)]
        for thread in threads:
            thread.join()
        for number in range(4):
            assert [int(one.study_id) for one in events if one.site_id == f"site-{number}"] == list(range(250))


async def test_an_event_too_long_for_the_line_arrives_as_a_resync_between_its_neighbours(url):
    async with process(url) as (a, _), process(url) as (b, _), b.subscribe() as there:
        for event in (Event("arrival", "a"), Event("study", "a" * 9000), Event("alarm", "a")):
            a.publish(event)
        assert await heard(there, upto="alarm") == ["arrival", RESYNC, "alarm"]


async def test_jobs_are_woken_in_every_process_and_many_wishes_are_few_wake_ups(url):
    woken_here: list[int] = []
    woken_there: list[int] = []
    async with process(url) as (a, _), process(url) as (b, _):
        a.on_jobs(lambda: woken_here.append(1))
        b.on_jobs(lambda: woken_there.append(1))
        for _ in range(100):
            a.wake_jobs()
        assert len(woken_here) == 100
        await until(lambda: woken_there)
        async with a.subscribe() as here:
            b.publish(Event("study", "a"))           # it comes after everything that A said
            await heard(here, upto="study")
        assert len(woken_there) == 1


async def test_a_connection_that_was_cut_is_opened_again_and_screens_fetch_anew(url):
    with structlog.testing.capture_logs() as logs:
        async with process(url) as (a, _), process(url) as (b, second), b.subscribe() as there:
            before = backends(url)
            assert len(before) == 4
            with psycopg.connect(url) as connection:
                connection.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", [list(before)])
            assert await heard(there, upto=RESYNC) == [RESYNC]
            await until(lambda: second.is_connected and len(backends(url)) == 4)
            assert not backends(url) & before
            a.publish(Event("study", "a", "s1"))
            assert await heard(there, upto="study") == ["study"], "one resync is enough"
    said = [line["event"] for line in logs]
    assert sum("do not arrive" in line for line in said) == 2, "each of both says once that it is lost"
    assert sum("arrive again" in line for line in said) == 2


async def test_what_is_too_much_for_the_queue_arrives_as_one_resync(url, proxied):
    proxy, slow_url = proxied
    async with process(slow_url, longest_queue=3) as (a, carrier), process(url) as (b, _), b.subscribe() as there:
        proxy.hold(True)
        a.publish(Event("first", "a"))
        await until(lambda: carrier._outbox.is_empty)
        for number in range(50):
            a.publish(Event("study", "a", str(number)))
        proxy.hold(False)
        assert await heard(there, upto=RESYNC) == ["first", RESYNC]
        a.publish(Event("last", "a"))
        assert await heard(there, upto="last") == ["last"]


async def test_what_was_being_said_when_the_line_broke_arrives_as_one_resync_never_twice(url, proxied):
    proxy, slow_url = proxied
    async with process(slow_url) as (a, carrier), process(url) as (b, _), b.subscribe() as there:
        proxy.cut_at(b"said-and-cut", forward=True)
        a.publish(Event("study", "said-and-cut"))
        assert await heard(there, upto=RESYNC) == ["study", RESYNC]
        await until(lambda: carrier.is_connected)
        a.publish(Event("last", "a"))
        assert await heard(there, upto="last") == ["last"]


async def test_a_line_that_is_silent_is_given_up_and_opened_again(url, proxied, monkeypatch):
    monkeypatch.setattr(postgres_intercom, "_ANSWER_WITHIN_S", 0.3)
    proxy, slow_url = proxied
    async with process(slow_url, prove_every_s=0.1) as (a, carrier), a.subscribe() as here:
        proxy.hold(True)
        await until(lambda: not carrier.is_connected)
        proxy.hold(False)
        assert await heard(here, upto=RESYNC) == [RESYNC]


async def test_publishing_returns_at_once_while_the_database_is_away_and_nobody_is_left_behind(server, url):
    async with process(url) as (a, first), process(url) as (b, second), b.subscribe() as there:
        await asyncio.to_thread(server.stop)
        try:
            await until(lambda: not first.is_connected and not second.is_connected)
            began = time.monotonic()
            for number in range(5000):
                a.publish(Event("study", "a", str(number)))
                a.wake_jobs()
            assert time.monotonic() - began < 2.0
        finally:
            await asyncio.to_thread(server.start)
        assert await heard(there, upto=RESYNC) == [RESYNC]
        await until(lambda: first.is_connected and second.is_connected)
        a.publish(Event("last", "a"))
        assert set(await heard(there, upto="last")) <= {RESYNC, "last"}


async def test_what_another_release_says_makes_screens_fetch_anew(url):
    async with process(url) as (a, _), a.subscribe() as here:
        with psycopg.connect(url, autocommit=True) as connection:
            for text in ("not ours", '["x", 1, false, [["study", "a", "s1", "r1", "more"]]]'):
                connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, text])
                assert await heard(here, upto=RESYNC) == [RESYNC]


async def test_the_last_words_are_said_and_after_stopping_nothing_is_left(url):
    threads = set(threading.enumerate())
    async with process(url) as (b, second), b.subscribe() as there:
        async with process(url) as (a, _):
            a.publish(Event("study", "a", "the last"))
        assert await heard(there, upto="study") == ["study"]
        await second.stop()
        await until(lambda: not backends(url))
        a.publish(Event("study", "a"))               # nobody carries it any more
        b.publish(Event("alarm", "a"))
        assert await heard(there, upto="alarm") == ["alarm"]
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("news")]
    assert {thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")} <= threads


async def test_stopping_does_not_wait_for_a_database_without_answer(url, proxied):
    proxy, slow_url = proxied
    async with process(slow_url) as (a, carrier):
        proxy.hold(True)
        a.publish(Event("study", "a"))
        await until(lambda: carrier._outbox.is_empty)
        began = time.monotonic()
        await carrier.stop()
        assert time.monotonic() - began < 3.0
        proxy.hold(False)
        await until(lambda: not backends(url))


class DeafIntercom:
    """A pooler that gives each statement another connection: it takes LISTEN and brings nothing."""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[DeafIntercom]:
        yield self

    async def send(self, texts: Sequence[str]) -> None:
        pass

    async def __aiter__(self) -> AsyncIterator[str]:
        await asyncio.Event().wait()
        yield ""


async def test_a_line_on_which_nothing_comes_back_is_never_trusted_and_that_is_said_once():
    with structlog.testing.capture_logs() as logs:
        carrier = NewsCarrier(EventBus(), DeafIntercom(), back_within_s=0.01)
        await carrier.start()
        await until(lambda: carrier._attempt >= 3)
        assert not carrier.is_connected
        await carrier.stop()
    [line] = logs
    assert "pooler" in line["error"]


async def test_one_process_alone_has_no_intercom(tmp_path):
    storage = await open_storage(data_dir=tmp_path, reserve_bytes=0)
    await storage.database.close()
    assert storage.intercom is None
