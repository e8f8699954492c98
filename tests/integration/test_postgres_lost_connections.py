"""PostgreSQL goes away in the middle: what was answered is there, nothing is done twice (requirement B2)."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
import sqlalchemy as sa

from storage.engines import postgres
from storage.engines.postgres import PostgresDatabase
from storage.engines.preparing import prepare
from storage.errors import StorageUnavailable
from storage.tables.schema import stored_object
from tests.support.postgres import make_server
from tests.support.stores import START
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until


@pytest.fixture(scope="module")
def server():
    """A server of our own: it is stopped and started here."""
    yield from make_server()


def knock(tx):
    return tx.sites.knock("SCANNER", "10.0.0.9", START).count


@pytest.mark.parametrize("was_done", [True, False], ids=["answer-lost", "commit-lost"])
async def test_a_connection_cut_at_the_commit_leaves_the_change_made_exactly_once(server, was_done):
    """Only the server knows whether it committed; it is asked, instead of guessing."""
    proxy = TcpProxy(server.port)
    url = server.new_database().replace(f":{server.port}/", f":{proxy.port}/")
    database = PostgresDatabase(url, node="node-a", prepare=prepare)
    try:
        assert await database.write(knock) == 1
        proxy.cut_at(b"COMMIT", forward=was_done)
        assert await database.write(knock) == 2
        assert proxy.cuts == 1
        [counted] = await database.read(lambda tx: tx.sites.knocks())
        assert counted.count == 2
    finally:
        await database.close()
        proxy.close()


async def test_a_connection_cut_in_the_middle_of_the_work_runs_the_work_again(server):
    proxy = TcpProxy(server.port)
    url = server.new_database().replace(f":{server.port}/", f":{proxy.port}/")
    database = PostgresDatabase(url, node="node-a", prepare=prepare)
    try:
        proxy.cut_at(b"INSERT", forward=True)
        assert await database.write(knock) == 1
        proxy.cut_at(b"SELECT", forward=True)
        assert [k.count for k in await database.read(lambda tx: tx.sites.knocks())] == [1]
        assert proxy.cuts == 2
    finally:
        await database.close()
        proxy.close()


async def test_every_answered_write_survives_a_server_that_crashes_and_comes_back(server):
    database = PostgresDatabase(server.new_database(), node="node-a", prepare=prepare)
    answered: set[str] = set()

    def add(name):
        def work(tx):
            # plain INSERT: a second run of a committed work would raise
            tx.connection.execute(sa.insert(stored_object).values(sha256=name, size_bytes=1, kind="received",
                                                                  stored_at=START))
        return work

    async def write_many(writer):
        for number in range(60):
            name = f"{writer}-{number}"
            await database.write(add(name))
            answered.add(name)

    writers = asyncio.gather(*[write_many(n) for n in range(4)])
    await until(lambda: len(answered) > 40)
    await asyncio.to_thread(server.stop, at_once=True)
    assert len(answered) < 240, "it was stopped in the middle"
    await asyncio.to_thread(server.start)
    await writers
    kept = {ref.sha256 for ref in await database.read(lambda tx: list(tx.objects.walk()))}
    assert kept == answered
    assert len(kept) == 240
    await database.close()


async def test_a_writer_whose_row_was_tidied_away_makes_itself_a_new_one(server):
    url = server.new_database()
    database = PostgresDatabase(url, node="node-a", prepare=prepare)
    await asyncio.gather(*[database.write(knock) for _ in range(20)])
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM write_mark")
    counts = await asyncio.gather(*[database.write(knock) for _ in range(20)])
    assert sorted(counts) == list(range(21, 41))
    await database.close()


async def test_a_server_that_stays_away_is_said_to_be_unavailable(server, monkeypatch):
    monkeypatch.setattr(postgres, "_PATIENCE_S", 0.5)
    database = PostgresDatabase(server.new_database(), node="node-a", prepare=prepare)
    await asyncio.to_thread(server.stop)
    try:
        for call in (database.write(knock), database.read(lambda tx: tx.sites.knocks())):
            with pytest.raises(StorageUnavailable):
                await call
        with pytest.raises(StorageUnavailable):
            await asyncio.to_thread(PostgresDatabase, server.url("anything"), node="node-a", prepare=prepare)
    finally:
        await asyncio.to_thread(server.start)
    assert await database.write(knock) == 1
    await database.close()


async def test_two_processes_that_open_an_empty_database_at_once_make_one_schema(server):
    url = server.new_database()
    opened = await asyncio.gather(*[asyncio.to_thread(PostgresDatabase, url, node=f"node-{n}", prepare=prepare)
                                    for n in range(3)])
    counts = await asyncio.gather(*[database.write(knock) for database in opened])
    assert sorted(counts) == [1, 2, 3]
    for database in opened:
        await database.close()
