"""What both engines promise about transactions (requirement B2)."""

from __future__ import annotations

import asyncio
import multiprocessing
import sqlite3
import threading

import pytest
import sqlalchemy as sa

from storage.engines.preparing import prepare
from storage.engines.sqlite import SqliteDatabase
from storage.errors import AlreadyOpen, StorageFull, StorageUnavailable
from storage.model import EVERYWHERE, INBOX_SITE_ID, Site, SiteKind
from tests.support.stores import START as NOW


def site(number):
    return Site(f"site-{number:03d}", f"卫生院{number}", f"Clinic {number}", SiteKind.TOWNSHIP)


async def count_sites(database):
    sites = await database.read(lambda tx: tx.sites.sites(EVERYWHERE))
    return len([known for known in sites if known.id != INBOX_SITE_ID])


async def test_a_write_is_seen_by_the_next_read_and_returns_what_the_work_returned(database):
    assert await database.write(lambda tx: tx.sites.add_site(site(1)) or "done") == "done"
    assert await database.read(lambda tx: tx.sites.site("site-001")) == site(1)


async def test_a_work_that_raises_leaves_nothing_and_its_error_arrives(database):
    def work(tx):
        tx.sites.add_site(site(1))
        raise KeyError("halfway")

    with pytest.raises(KeyError, match="halfway"):
        await database.write(work)
    assert await count_sites(database) == 0


async def test_one_failing_call_does_not_spoil_its_neighbours(database):
    """They share a commit on SQLite: each has a savepoint of its own."""
    def work(number):
        def add(tx):
            tx.sites.add_site(site(number))
            if number % 3 == 0:
                raise ValueError(number)
            return number
        return add

    answers = await asyncio.gather(*[database.write(work(n)) for n in range(60)], return_exceptions=True)
    assert [n for n, answer in enumerate(answers) if isinstance(answer, ValueError)] == list(range(0, 60, 3))
    assert [answer for answer in answers if isinstance(answer, int)] == [n for n in range(60) if n % 3]
    assert await count_sites(database) == 40


async def test_a_broken_statement_spoils_only_its_own_call(database):
    answers = await asyncio.gather(
        database.write(lambda tx: tx.sites.add_site(site(1))),
        database.write(lambda tx: tx.connection.execute(sa.text("SELECT * FROM nowhere"))),
        database.write(lambda tx: tx.sites.add_site(site(2))), return_exceptions=True)
    assert isinstance(answers[1], sa.exc.DBAPIError)
    assert await count_sites(database) == 2


async def test_a_read_cannot_write(database):
    with pytest.raises((sa.exc.DBAPIError, StorageUnavailable)):
        await database.read(lambda tx: tx.sites.add_site(site(1)))
    assert await count_sites(database) == 0


async def test_a_read_sees_one_moment_while_others_write(database):
    loop = asyncio.get_running_loop()
    first = asyncio.Event()
    written = asyncio.Event()

    def look_twice(tx):
        before = len(tx.sites.sites(EVERYWHERE))
        loop.call_soon_threadsafe(first.set)
        asyncio.run_coroutine_threadsafe(written.wait(), loop).result(10)
        return before, len(tx.sites.sites(EVERYWHERE))

    looking = asyncio.create_task(database.read(look_twice))
    await asyncio.wait_for(first.wait(), 10)
    await database.write(lambda tx: tx.sites.add_site(site(1)))
    written.set()
    before, after = await looking
    assert before == after
    assert await count_sites(database) == 1


async def test_many_writers_of_the_same_row_lose_no_update(database):
    async def knock_ten_times():
        for _ in range(10):
            await database.write(lambda tx: tx.sites.knock("SCANNER", "10.0.0.9", NOW))

    await asyncio.gather(*[knock_ten_times() for _ in range(8)])
    knocks = await database.read(lambda tx: tx.sites.knocks())
    assert [knock.count for knock in knocks] == [80]


async def test_after_close_nothing_is_taken(database):
    await database.close()
    await database.close()
    with pytest.raises(StorageUnavailable):
        await database.write(lambda tx: None)
    with pytest.raises(StorageUnavailable):
        await database.read(lambda tx: None)


async def test_what_was_begun_before_close_is_finished(database):
    writes = [asyncio.create_task(database.write(lambda tx, n=n: tx.sites.add_site(site(n)))) for n in range(20)]
    await asyncio.sleep(0)  # let each hand in its work
    await database.close()
    assert await asyncio.gather(*writes) == [None] * 20


# --------------------------------------------------------------------------------------------------- SQLite alone
async def test_a_full_disk_is_said_so_to_every_caller_and_nothing_is_kept(tmp_path):
    """Requirement B2: resources → A700; the sender may try again."""
    database = SqliteDatabase(tmp_path / "gateway.db", node="node-a", prepare=prepare)
    pages = await database.write(lambda tx: tx.connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    await database.write(lambda tx: tx.connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}").scalar())
    big = Site("big", "x" * 200_000, "", SiteKind.TOWNSHIP)
    answers = await asyncio.gather(database.write(lambda tx: tx.sites.add_site(site(1))),
                                   database.write(lambda tx: tx.sites.add_site(big)), return_exceptions=True)
    assert isinstance(answers[1], StorageFull)
    # the neighbour is either kept and told so, or told that it was not
    assert await count_sites(database) == (0 if isinstance(answers[0], StorageFull) else 1)
    await database.write(lambda tx: tx.connection.exec_driver_sql("PRAGMA max_page_count=1000000").scalar())
    await database.write(lambda tx: tx.sites.add_site(site(2)))
    await database.close()


def _open_elsewhere(path, answers):
    try:
        SqliteDatabase(path, node="node-b", prepare=prepare)
        answers.put("opened")
    except AlreadyOpen as exc:
        answers.put(str(exc))


async def test_a_second_process_is_refused_with_a_clear_sentence(tmp_path):
    database = SqliteDatabase(tmp_path / "gateway.db", node="node-a", prepare=prepare)
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    other = context.Process(target=_open_elsewhere, args=(tmp_path / "gateway.db", answers))
    other.start()
    answer = await asyncio.to_thread(answers.get, True, 60)
    other.join(10)
    assert "pid" in answer
    assert "SQLite means exactly one process: stop the other first." in answer
    await database.close()
    SqliteDatabase(tmp_path / "gateway.db", node="node-a", prepare=prepare)._unlock()


async def test_a_reader_may_look_while_the_gateway_has_the_store(tmp_path):
    database = SqliteDatabase(tmp_path / "gateway.db", node="node-a", prepare=prepare)
    await database.write(lambda tx: tx.sites.add_site(site(1)))
    onlooker = SqliteDatabase(tmp_path / "gateway.db", node="node-b", prepare=prepare, is_read_only=True)
    assert await count_sites(onlooker) == 1
    with pytest.raises(StorageUnavailable):
        await onlooker.write(lambda tx: tx.sites.add_site(site(2)))
    await onlooker.close()
    await database.close()


async def test_every_connection_is_as_durable_as_promised(tmp_path):
    """Requirement B2: the log is synced by each commit; 2 is FULL."""
    database = SqliteDatabase(tmp_path / "gateway.db", node="node-a", prepare=prepare)

    def pragmas(tx):
        ask = tx.connection.exec_driver_sql
        return ask("PRAGMA journal_mode").scalar(), ask("PRAGMA synchronous").scalar()

    assert await database.write(pragmas) == ("wal", 2)
    await database.close()


async def test_a_file_that_is_no_database_is_not_touched(tmp_path):
    path = tmp_path / "gateway.db"
    path.write_bytes(b"these are somebody's notes, not a database" * 100)
    with pytest.raises(StorageUnavailable):
        SqliteDatabase(path, node="node-a", prepare=prepare)
    assert path.read_bytes().startswith(b"these are somebody's notes")
    path.unlink()
    SqliteDatabase(path, node="node-a", prepare=prepare)._unlock()
    assert sqlite3.connect(path).execute("SELECT count(*) FROM site").fetchone() == (1,)


def adding(number):
    return lambda tx: tx.sites.add_site(site(number)) or number


async def numbers(database):
    sites = await database.read(lambda tx: tx.sites.sites(EVERYWHERE))
    return sorted(int(known.id.removeprefix("site-")) for known in sites if known.id != INBOX_SITE_ID)


def in_thread(database, work, meanwhile=lambda: None, *, within_s=30.0):
    return asyncio.to_thread(lambda: database.write_while(work, meanwhile, within_s=within_s))


async def test_a_write_from_a_thread_is_there_when_it_returns(database):
    assert await in_thread(database, adding(1), lambda: None) == 1
    assert await numbers(database) == [1]


async def test_nothing_is_committed_before_what_the_write_stands_for_is_done(database):
    """B2: the object's bytes are durable before its index entry."""
    begun, may_end = threading.Event(), threading.Event()

    def meanwhile():
        begun.set()
        assert may_end.wait(20)

    writing = asyncio.create_task(in_thread(database, adding(1), meanwhile))
    assert await asyncio.to_thread(begun.wait, 20)
    seen = await numbers(database)
    may_end.set()
    assert await writing == 1
    assert (seen, await numbers(database)) == ([], [1])


async def test_what_fails_meanwhile_undoes_its_own_write_alone(database):
    def fails():
        raise StorageFull("no room for the bytes")

    async def failing(number):
        with pytest.raises(StorageFull, match="no room for the bytes"):
            await in_thread(database, adding(number), fails)

    await asyncio.gather(*(in_thread(database, adding(n)) for n in range(20)),
                         *(failing(n) for n in range(20, 40)),
                         *(database.write(adding(n)) for n in range(40, 60)))
    assert await numbers(database) == [*range(20), *range(40, 60)]


async def test_an_error_of_the_write_itself_reaches_the_thread(database):
    with pytest.raises(KeyError):
        await in_thread(database, lambda tx: dict[str, str]()["nothing"])
    assert await numbers(database) == []


async def test_a_closed_database_takes_no_write_from_a_thread(database):
    await database.close()
    with pytest.raises(StorageUnavailable):
        await in_thread(database, adding(1))
