"""Timers fire once in the record and on time although a node is killed while they fire (D4).

The shipped program is killed with SIGKILL at instants drawn from a printed seed while a thousand timers fall due
(`make faults`; a quarter of them otherwise). On SQLite the same program starts again and takes over; on PostgreSQL
another node is up all the time. Every reminder and every overflow stands in the audit trail exactly once, its effect
is there once, and none is later than two seconds after the node that takes over was up.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.main import open_parts
from gateway.settings import Settings
from storage.engines.postgres import PostgresDatabase
from storage.engines.preparing import prepare
from storage.interface import Transaction
from storage.opening import open_storage
from storage.tables import schema
from tests.support.due_timers import DueTimer, add_due_timers, add_people, fired_at
from tests.support.fuzzing import fresh_seed, rounds
from tests.support.running_gateway import RunningGateway
from tests.support.waiting import until

pytestmark = pytest.mark.faults

IS_LONG = bool(os.environ.get("READING_GATEWAY_FAULT_ROUNDS"))
COUNT = 1000 if IS_LONG else 250
KILLS = 3 if IS_LONG else 1
OVER = timedelta(seconds=4 if IS_LONG else 2)
WITHIN = timedelta(seconds=2)


@asynccontextmanager
async def parts_on(data_dir: Path, database_url: str):
    parts = await open_parts(Settings(data_dir=data_dir, database_url=database_url, reserve_bytes=0, node="test"))
    try:
        yield parts
    finally:
        await parts.database.close()


async def filled(data_dir: Path, database_url: str, *, first: datetime) -> list[DueTimer]:
    async with parts_on(data_dir, database_url) as parts:
        await add_people(parts.database, at=datetime.now(UTC))
        return await add_due_timers(parts, COUNT, first=first, over=OVER)


def seen(tx: Transaction) -> dict[str, Any]:
    """What fired, and what it did."""
    notices = sa.select(schema.notice.c.reading_id, schema.notice.c.user_id, schema.notice.c.kind)
    moved = sa.select(schema.decision.c.study_id).where(schema.decision.c.duty_group == "upper")
    return {
        "fired": fired_at(tx), "notices": [tuple(row) for row in tx.connection.execute(notices)],
        "moved": list(tx.connection.execute(moved).scalars()),
        "groups": dict(tx.connection.execute(sa.select(schema.reading.c.id, schema.reading.c.duty_group)).all()),
        "revisions": dict(tx.connection.execute(sa.select(schema.reading.c.id, schema.reading.c.revision)).all()),
    }


@dataclass(frozen=True)
class Run:
    """A node from when it said that it is ready (or, killed before, never) to its end."""

    up: datetime
    end: datetime


def check(found: dict[str, Any], timers: list[DueTimer], runs: list[Run], seed: str) -> timedelta:
    """Exactly once, and in time; returns how late the latest was, from its due time or from when its node was up."""
    latest = timedelta(0)
    for timer in timers:
        entries = found["fired"].get(timer.reading_id, [])
        action = "reading.overflowed" if timer.is_overflow else "clock.nudged"
        assert [entry[0] for entry in entries] == [action], f"{seed}: {timer} fired {entries}"
        at = entries[0][1]
        assert at >= timer.due_at, f"{seed}: {timer} fired early at {at}"
        run = next(run for run in runs if at <= run.end)
        late = at - max(timer.due_at, run.up)
        latest = max(latest, late)
        assert late <= WITHIN, f"{seed}: {timer} fired {late} late at {at} in {run}"
        assert found["groups"][timer.reading_id] == ("upper" if timer.is_overflow else "imaging"), seed
        assert found["revisions"][timer.reading_id] == (1 if timer.is_overflow else 0), seed
    overflows = [timer for timer in timers if timer.is_overflow]
    assert len(found["moved"]) == len(set(found["moved"])) == len(overflows), seed
    # A reminder goes to both of the group, an overflow to the one reader of the other.
    assert len(found["notices"]) == len(set(found["notices"])) == 2 * (len(timers) - len(overflows)) + len(overflows)
    return latest


async def progress_of(data_dir: Path) -> int:
    """How many fired so far, beside the gateway that has the file."""
    storage = await open_storage(data_dir=data_dir, is_read_only=True)
    try:
        return len(await storage.database.read(fired_at))
    finally:
        await storage.database.close()


@pytest.mark.parametrize("repetition", rounds(share=0.2))
async def test_each_timer_fires_once_and_in_time_although_the_only_node_is_killed(
        repetition: int, tmp_path: Path) -> None:
    seed = f"{fresh_seed()} {repetition}"
    chance = random.Random(seed)
    gateway = RunningGateway(tmp_path / "var")
    runs: list[Run] = []
    kills = sorted(chance.randrange(COUNT // 20, COUNT - COUNT // 10) for _ in range(KILLS))
    timers = await filled(gateway.data_dir, "", first=datetime.now(UTC) + timedelta(seconds=3))
    try:
        for kill_at in kills:
            runs.append(await killed_at(gateway, kill_at))
        before = await progress_of(gateway.data_dir)
        await asyncio.to_thread(gateway.start)
        runs.append(Run(datetime.now(UTC), datetime.max.replace(tzinfo=UTC)))
        await until(lambda: _at_least(gateway.data_dir, COUNT), timeout_s=60, every_s=0.05)
        assert await asyncio.to_thread(gateway.stop) == 0
    finally:
        await asyncio.to_thread(gateway.kill)
    storage = await open_storage(data_dir=gateway.data_dir, is_read_only=True)
    try:
        found = await storage.database.read(seen)
    finally:
        await storage.database.close()
    latest = check(found, timers, runs, seed)
    print(f"SQLite: killed at {kills} of {COUNT}, {before} fired before the last start; the latest {latest}")


async def killed_at(gateway: RunningGateway, count: int) -> Run:
    """Start it, and kill it once so many have fired: it fires before it is ready for anything else."""
    async def start() -> datetime:
        await asyncio.to_thread(gateway.start)
        return datetime.now(UTC)

    starting = asyncio.create_task(start())
    await until(lambda: _at_least(gateway.data_dir, count), timeout_s=60, every_s=0.002)
    await asyncio.to_thread(os.kill, gateway.pid, signal.SIGKILL)
    end = datetime.now(UTC)
    up = (await asyncio.gather(starting, return_exceptions=True))[0]
    await asyncio.to_thread(gateway.kill)
    return Run(up if isinstance(up, datetime) else end, end)


async def _at_least(data_dir: Path, count: int) -> bool:
    return await progress_of(data_dir) >= count


@pytest.mark.parametrize("repetition", rounds(share=0.2))
async def test_the_other_node_fires_what_a_killed_one_left(
        repetition: int, tmp_path: Path, postgres_url: str) -> None:
    seed = f"{fresh_seed()} {repetition}"
    chance = random.Random(seed)
    nodes = [RunningGateway(tmp_path / name, environment={
        "READING_GATEWAY_NODE": name, "READING_GATEWAY_DATABASE_URL": postgres_url}) for name in ("node-a", "node-b")]
    killed, other = nodes
    for node in nodes:
        node.data_dir.mkdir()
    database = await asyncio.to_thread(PostgresDatabase, postgres_url, node="test", prepare=prepare)
    kill_at = chance.randrange(COUNT // 20, COUNT - COUNT // 10)
    try:
        await asyncio.to_thread(killed.start)
        await asyncio.to_thread(other.start)
        up = datetime.now(UTC)
        timers = await filled(tmp_path / "test", postgres_url, first=datetime.now(UTC) + timedelta(seconds=2))
        await until(lambda: _fired(database, kill_at), timeout_s=60, every_s=0.005)
        await asyncio.to_thread(killed.kill)
        await until(lambda: _fired(database, COUNT), timeout_s=60, every_s=0.05)
        found = await database.read(seen)
        assert await asyncio.to_thread(other.stop) == 0
    finally:
        for node in nodes:
            await asyncio.to_thread(node.kill)
        await database.close()
    latest = check(found, timers, [Run(up, datetime.max.replace(tzinfo=UTC))], seed)
    by_node: dict[str, int] = {}
    for ((_, _, node),) in found["fired"].values():
        by_node[node] = by_node.get(node, 0) + 1
    print(f"PostgreSQL: killed at {kill_at} of {COUNT}, fired by {by_node}; the latest {latest}")


async def _fired(database: PostgresDatabase, at_least: int) -> bool:
    return len(await database.read(fired_at)) >= at_least
