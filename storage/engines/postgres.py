"""The engine for many processes: PostgreSQL through psycopg 3 and a pool of connections.

Each `write` is one transaction of its own on a thread. It is run again when the connection is lost, when two
transactions stood in each other's way, and when another process added the same unique row first (then the second
look finds it). Any number of processes may be open.

A connection lost during COMMIT leaves open whether it was committed. Each write therefore leaves a fresh token in the
row of its writer (a thread of this process), in the same transaction; looking at that row, with its lock, tells.
The number of the transaction would not do: a server that crashed gives a number out again if it was not yet on disk.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa

from storage.engines.json_columns import from_json, to_json
from storage.errors import StorageFull, StorageUnavailable
from storage.interface import Transaction
from storage.model import new_id
from storage.tables.schema import write_mark

T = TypeVar("T")

_MARK = sa.update(write_mark).where(write_mark.c.writer == sa.bindparam("of_writer")).values(
    token=sa.bindparam("new_token"), at=sa.bindparam("now"))
_MARK_OF = sa.select(write_mark.c.token).where(
    write_mark.c.writer == sa.bindparam("of_writer")).with_for_update()
_MARKS_KEPT = timedelta(days=30)

_WRITERS = 8
_READERS = 8
_PATIENCE_S = 15.0          # for a server that restarts; afterwards the caller tells its peer to come again
_CONFLICTS_ALLOWED = 20
_DISK_FULL = "53100"
_UNIQUE_VIOLATION = "23505"
_CONFLICT = {"40001", "40P01", _UNIQUE_VIOLATION}  # serialisation failure, deadlock, somebody was faster
_GONE = {"57P01", "57P02", "57P03", "53300",       # server stops or starts, too many connections
         "55P03"}                                  # a lock was not given in time


class PostgresDatabase:
    """`Database` on PostgreSQL. Create it in a thread: opening and upgrading block."""

    def __init__(self, url: str, *, node: str, prepare: Callable[[sa.Connection], None],
                 is_read_only: bool = False) -> None:
        """Connect; `prepare` brings the schema up to date.

        Raises StorageUnavailable, StorageFull and what `prepare` raises.
        """
        self._node = node
        self._is_read_only = is_read_only
        self._is_closed = False
        self._engine = _engine(url)
        self._snapshots = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="postgres-write")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="postgres-read")
        self._local = threading.local()
        if not is_read_only:
            try:
                with self._engine.begin() as connection:
                    prepare(connection)
                    is_of_the_dead = write_mark.c.at < datetime.now(UTC) - _MARKS_KEPT
                    connection.execute(sa.delete(write_mark).where(is_of_the_dead))
            except sa.exc.DBAPIError as exc:
                self._engine.dispose()
                raise _translated(exc) from exc

    async def write(self, work: Callable[[Transaction], T]) -> T:
        if self._is_closed or self._is_read_only:
            raise StorageUnavailable("the database is closed" if self._is_closed else "opened for reading only")
        return await asyncio.get_running_loop().run_in_executor(self._writers, self._write, work)

    def write_while(self, work: Callable[[Transaction], T], meanwhile: Callable[[], object], *, within_s: float) -> T:
        if self._is_closed or self._is_read_only:
            raise StorageUnavailable("the database is closed" if self._is_closed else "opened for reading only")
        meanwhile()                 # not beside it: a transaction that waits would hold its locks over the network
        try:
            return self._writers.submit(self._write, work).result(within_s)
        except concurrent.futures.TimeoutError as exc:
            raise StorageUnavailable("the database did not answer in time") from exc
        except RuntimeError as exc:
            if not self._is_closed:
                raise
            raise StorageUnavailable("the database is closed") from exc

    async def read(self, work: Callable[[Transaction], T]) -> T:
        if self._is_closed:
            raise StorageUnavailable("the database is closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def close(self) -> None:
        self._is_closed = True
        await asyncio.to_thread(self._writers.shutdown)
        await asyncio.to_thread(self._readers.shutdown)
        self._engine.dispose()

    # ------------------------------------------------------------------------------------------- in a pool's thread
    def _write(self, work: Callable[[Transaction], T]) -> T:
        patience = _Patience()
        while True:
            writer, token, is_marked = self._writer_row(patience), new_id(), False
            try:
                with self._engine.connect() as connection, connection.begin():
                    result = work(Transaction(connection, node=self._node))
                    is_marked = self._mark(connection, writer, token)
                return result
            except _NoRow:
                self._local.writer = None  # somebody tidied up too eagerly: make a new row and run again
                patience.wait("the row of this writer is gone")
            except sa.exc.DBAPIError as exc:
                if is_marked and _is_lost(exc) and self._was_committed(writer, token, patience):
                    return result
                patience.wait_or_raise(exc)

    def _writer_row(self, patience: _Patience) -> str:
        """The row of this thread, made once and committed by itself: a lock waits only for rows that are there."""
        writer: str | None = getattr(self._local, "writer", None)
        while writer is None:
            try:
                name = f"{self._node}:{new_id()}"
                with self._engine.connect() as connection, connection.begin():
                    connection.execute(sa.insert(write_mark), {"writer": name, "token": "", "at": datetime.now(UTC)})
                self._local.writer = writer = name
            except sa.exc.DBAPIError as exc:
                patience.wait_or_raise(exc)
        return writer

    def _mark(self, connection: sa.Connection, writer: str, token: str) -> bool:
        marked = connection.execute(_MARK, {"of_writer": writer, "new_token": token, "now": datetime.now(UTC)})
        if marked.rowcount != 1:
            raise _NoRow
        return True

    def _was_committed(self, writer: str, token: str, patience: _Patience) -> bool:
        """Tell what became of a transaction whose COMMIT was not answered; wait while it is still being decided."""
        while True:
            try:
                with self._engine.connect() as connection, connection.begin():
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(_PATIENCE_S * 1000)}")
                    return connection.scalar(_MARK_OF, {"of_writer": writer}) == token
            except sa.exc.DBAPIError as exc:
                patience.wait_or_raise(exc)

    def _read(self, work: Callable[[Transaction], T]) -> T:
        patience = _Patience()
        while True:
            try:
                with self._snapshots.connect() as connection, connection.begin():
                    return work(Transaction(connection, node=self._node))
            except sa.exc.DBAPIError as exc:
                patience.wait_or_raise(exc)


class _NoRow(Exception):
    """The row of this writer is gone."""


class _Patience:
    """How long one call goes on trying."""

    def __init__(self) -> None:
        self._deadline = time.monotonic() + _PATIENCE_S
        self._conflicts = 0
        self._pause_s = 0.02

    def wait_or_raise(self, exc: sa.exc.DBAPIError) -> None:
        """Wait a moment if another try may help, else raise what the caller should see."""
        if _state(exc) in _CONFLICT and self._conflicts < _CONFLICTS_ALLOWED:
            self._conflicts += 1
            time.sleep(0.002 * self._conflicts)
        elif _is_lost(exc):
            self.wait(str(exc.orig), exc)
        else:
            raise _translated(exc) from exc

    def wait(self, why: str, exc: BaseException | None = None) -> None:
        """Wait a moment, longer each time. Raises StorageUnavailable when patience is over."""
        if time.monotonic() + self._pause_s > self._deadline:
            raise StorageUnavailable(f"PostgreSQL does not answer: {why}") from exc
        time.sleep(self._pause_s)
        self._pause_s = min(self._pause_s * 2, 1.0)


def _state(exc: sa.exc.DBAPIError) -> str:
    return getattr(exc.orig, "sqlstate", None) or ""


def _is_lost(exc: sa.exc.DBAPIError) -> bool:
    state = _state(exc)
    if exc.connection_invalidated or state in _GONE or state.startswith("08"):
        return True
    return not state and isinstance(exc, sa.exc.OperationalError | sa.exc.InterfaceError)


def _translated(exc: sa.exc.DBAPIError) -> Exception:
    if _state(exc) == _DISK_FULL:
        return StorageFull(f"the disk of the database is full: {exc.orig}")
    if _is_lost(exc) or _state(exc).startswith(("53", "58")):
        return StorageUnavailable(f"PostgreSQL does not answer: {exc.orig}")
    return exc


def address_of(url: str) -> sa.URL:
    """The address, for psycopg whatever driver the URL names."""
    address = sa.make_url(url)
    if address.get_backend_name() in ("postgresql", "postgres"):
        address = address.set(drivername="postgresql+psycopg")
    return address


def _engine(url: str) -> sa.Engine:
    arguments: dict[str, Any] = {"connect_timeout": 5, "application_name": "reading-gateway",
                                 # never weaker than durable, whatever the server's default is
                                 "options": "-c synchronous_commit=on -c timezone=UTC"}
    return sa.create_engine(address_of(url), pool_pre_ping=True, pool_size=_WRITERS + _READERS, max_overflow=0,
                            pool_timeout=_PATIENCE_S, json_serializer=to_json, json_deserializer=from_json,
                            hide_parameters=True, connect_args=arguments)
