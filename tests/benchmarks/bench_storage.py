"""Durable writes: transactions per second on SQLite, and objects per second into files.

One transaction is an object row, an audit entry in the chain, and a job: five statements, on disk when it returns.
The peer is the same five statements through plain `sqlite3` with a commit each, which is what one gets without group
commit and without SQLAlchemy.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from storage.interface import Storage
from storage.model import AuditEntry, ObjectRef, new_id
from storage.opening import open_storage
from tests.benchmarks.row import Row

_TRANSACTIONS = 1600
_OBJECTS, _OBJECT_BYTES = 300, 512 * 1024


def measure() -> Iterable[Row]:
    with tempfile.TemporaryDirectory(prefix="rg-bench-") as folder:
        peer = _plain_sqlite_per_s(Path(folder) / "peer.db")
        yield from asyncio.run(_measure(Path(folder) / "data", peer))


async def _measure(data_dir: Path, peer: float) -> list[Row]:
    storage = await open_storage(data_dir=data_dir, node="bench", reserve_bytes=0)
    try:
        rows = []
        await _writes_per_s(storage, callers=16, count=200)
        for callers in (1, 16, 128):
            speed = await _writes_per_s(storage, callers=callers, count=_TRANSACTIONS)
            rows.append(Row(f"durable writes, SQLite, {callers} caller{'s' * (callers > 1)}", speed, "tx/s",
                            peer="sqlite3, commit each", ratio=speed / peer))
        objects_per_s = await asyncio.to_thread(_objects_per_s, storage)
        rows.append(Row("durable objects, files, 512 KiB, 1 writer", objects_per_s, "objects/s"))
        return rows
    finally:
        await storage.database.close()


async def _writes_per_s(storage: Storage, *, callers: int, count: int) -> float:
    async def call(times: int) -> None:
        for _ in range(times):
            now = datetime.now(UTC)
            ref, key = ObjectRef(os.urandom(32).hex(), 1), new_id()

            def work(tx, ref=ref, key=key, now=now):
                tx.objects.add(ref, kind="received", at=now)
                tx.audit.append(AuditEntry(now, "device:BENCH", "instance.received", detail={"sha256": ref.sha256}))
                tx.jobs.enqueue("bench", key, due=now)

            await storage.database.write(work)

    start = perf_counter()
    await asyncio.gather(*[call(count // callers) for _ in range(callers)])
    return count // callers * callers / (perf_counter() - start)


def _objects_per_s(storage: Storage) -> float:
    bodies = [os.urandom(_OBJECT_BYTES) for _ in range(8)]
    start = perf_counter()
    for number in range(_OBJECTS):
        writer = storage.objects.begin()
        writer.write(bodies[number % len(bodies)])
        writer.write(str(number).encode())
        writer.finish()
    return _OBJECTS / (perf_counter() - start)


def _plain_sqlite_per_s(path: Path) -> float:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
                      "CREATE TABLE object (sha256 TEXT PRIMARY KEY, size INTEGER)",
                      "CREATE TABLE audit (seq INTEGER PRIMARY KEY, detail TEXT)",
                      "CREATE TABLE head (node TEXT PRIMARY KEY, seq INTEGER)",
                      "CREATE TABLE job (id INTEGER PRIMARY KEY, key TEXT UNIQUE)",
                      "INSERT INTO head VALUES ('n', 0)"):
        connection.execute(statement)
    count = _TRANSACTIONS // 4
    start = perf_counter()
    for number in range(1, count + 1):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO object VALUES (?, 1)", (os.urandom(32).hex(),))
        connection.execute("SELECT seq FROM head WHERE node = 'n'").fetchone()
        connection.execute("INSERT INTO audit VALUES (?, '{}')", (number,))
        connection.execute("UPDATE head SET seq = ? WHERE node = 'n'", (number,))
        connection.execute("INSERT INTO job (key) VALUES (?)", (new_id(),))
        connection.execute("COMMIT")
    speed = count / (perf_counter() - start)
    connection.close()
    return speed
