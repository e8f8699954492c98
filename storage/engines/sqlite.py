"""The embedded engine: SQLite in WAL mode with one writer thread and group commit.

Every `write` is queued; the writer thread takes what is waiting, runs each call inside its own savepoint of one
shared transaction, and answers the callers after the COMMIT. With `synchronous=FULL` that COMMIT returns after the
write-ahead log was fsynced, so an answer always means durable; many callers share one fsync. A call may stand for
bytes that its own thread makes durable meanwhile (`write_while`): its statements run beside that, the COMMIT waits
for it. Reads run on other connections and never wait for the writer. SQLite means exactly one process: a lock file
refuses the second.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import queue
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import NullPool, QueuePool

from storage.engines.json_columns import from_json, to_json
from storage.errors import AlreadyOpen, StorageFull, StorageUnavailable
from storage.interface import Transaction

T = TypeVar("T")

LARGEST_GROUP = 128
_READERS = 4
_WRITER_CACHE_KB, _READER_CACHE_KB = 16384, 4096     # a reader misses into the system's cache, which all share
_BUSY_TIMEOUT_MS = 10_000
_BACKED_WITHIN_S = 10.0


class SqliteDatabase:
    """`Database` on one SQLite file. Create it in a thread: opening and upgrading block."""

    def __init__(self, path: Path, *, node: str, prepare: Callable[[sa.Connection], None],
                 is_read_only: bool = False) -> None:
        """Open the file; `prepare` brings the schema up to date on the writer's engine.

        With `is_read_only` no lock is taken and nothing can be written: for looking while the gateway runs.
        Raises AlreadyOpen, StorageFull, StorageUnavailable and what `prepare` raises.
        """
        self._node = node
        self._is_read_only = is_read_only
        self._lock = None if is_read_only else _FileLock(path.with_name("gateway.lock"))
        self._queue: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._is_closed = False
        self._transaction: Transaction | None = None
        self._is_last = False                # the writer has seen the end of the queue
        try:
            self._writer_engine = _engine(path, begin="BEGIN IMMEDIATE", poolclass=NullPool)
            self._reader_engine = _engine(path, begin="BEGIN", poolclass=QueuePool, pool_size=_READERS,
                                          max_overflow=0, is_reader=True)
            if not is_read_only:
                with self._writer_engine.connect() as connection, connection.begin():
                    prepare(connection)
                _fsync_folder(path.parent)
        except (sa.exc.DBAPIError, sqlite3.Error) as exc:
            self._unlock()
            raise _translated(exc) from exc
        except BaseException:
            self._unlock()
            raise
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="sqlite-read")
        self._writer = threading.Thread(target=self._write_until_closed, name="sqlite-write", daemon=True)
        self._writer.start()

    async def write(self, work: Callable[[Transaction], T]) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._gate:
            if self._is_closed or self._is_read_only:
                raise StorageUnavailable("the database is closed" if self._is_closed else "opened for reading only")
            self._queue.put(_LoopCall(work, loop=loop, future=future))
        return await future

    def write_while(self, work: Callable[[Transaction], T], meanwhile: Callable[[], object], *, within_s: float) -> T:
        call = _ThreadCall(work)
        with self._gate:
            if self._is_closed or self._is_read_only:
                raise StorageUnavailable("the database is closed" if self._is_closed else "opened for reading only")
            self._queue.put(call)
        try:
            meanwhile()
            call.is_backed = True
        finally:
            call.decided.release()
        if not call.done.acquire(timeout=within_s):
            raise StorageUnavailable("the database did not answer in time")
        if call.error is not None:
            raise call.error
        result: T = call.result
        return result

    async def read(self, work: Callable[[Transaction], T]) -> T:
        if self._is_closed:
            raise StorageUnavailable("the database is closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def close(self) -> None:
        with self._gate:
            if self._is_closed:
                return
            self._is_closed = True
            self._queue.put(None)
        await asyncio.to_thread(self._writer.join)
        await asyncio.to_thread(self._readers.shutdown)
        self._reader_engine.dispose()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def _read(self, work: Callable[[Transaction], T]) -> T:
        try:
            with self._reader_engine.connect() as connection, connection.begin():
                return work(Transaction(connection, node=self._node))
        except (sa.exc.DBAPIError, sqlite3.Error) as exc:
            raise _translated(exc) from exc

    # ------------------------------------------------------------------------------------------ the writer thread
    def _write_until_closed(self) -> None:
        if self._is_read_only:
            return
        with self._writer_engine.connect() as connection:
            while True:
                first = self._queue.get()
                if first is None:
                    return
                group = [first]
                self._commit(connection, group)
                _answer(group)
                if self._is_last:
                    return

    def _commit(self, connection: sa.Connection, group: list[_Call]) -> None:
        """Run the calls, and those that come meanwhile, in one transaction.

        Afterwards each holds its result, durable, or its error.
        """
        try:
            with connection.begin():
                self._run_all(connection, group)
                self._wait_until_backed(group)
        except _NotBacked:
            # Rare: an object could not be made durable. Its thread knows; the others run again, without it.
            group[:] = [call for call in group if call.is_backed]
            self._commit_again(connection, group)
        except Exception as exc:  # whatever ended the transaction ended it for all of them
            _fail(group, _translated(exc))

    def _commit_again(self, connection: sa.Connection, group: list[_Call]) -> None:
        try:
            with connection.begin():
                for call in group:
                    call.result = call.error = None
                    self._run(connection, call)
        except Exception as exc:
            _fail(group, _translated(exc))

    def _run_all(self, connection: sa.Connection, group: list[_Call]) -> None:
        """Run `group`, and take along whatever is waiting by then."""
        at = 0
        while at < len(group):
            self._run(connection, group[at])
            at += 1
            if at == len(group) < LARGEST_GROUP and not self._is_last:
                self._take_along(group)

    def _take_along(self, group: list[_Call]) -> None:
        with suppress(queue.Empty):
            while len(group) < LARGEST_GROUP:
                call = self._queue.get_nowait()
                if call is None:
                    self._is_last = True
                    return
                group.append(call)

    def _wait_until_backed(self, group: list[_Call]) -> None:
        """Wait for what the calls stand for. Raises _NotBacked unless all of it is durable."""
        deadline = time.monotonic() + _BACKED_WITHIN_S
        for call in group:
            if isinstance(call, _ThreadCall):
                call.decided.acquire(timeout=max(deadline - time.monotonic(), 0.001))
        if not all(call.is_backed for call in group):
            raise _NotBacked

    def _run(self, connection: sa.Connection, call: _Call) -> None:
        tx = self._transaction
        if tx is None or tx.connection is not connection:       # holds no state of its own: one for all calls
            tx = self._transaction = Transaction(connection, node=self._node)
        driver: Any = connection.connection.driver_connection  # savepoints need no more than the driver
        driver.execute("SAVEPOINT one_call")
        try:
            call.result = call.work(tx)
        except Exception as exc:  # the caller's own failure: it gets it, its neighbours do not
            if not driver.in_transaction:
                raise  # a full disk makes SQLite itself roll back everything
            driver.execute("ROLLBACK TO one_call")
            call.error = _translated(exc)
        driver.execute("RELEASE one_call")


class _NotBacked(Exception):
    """What a call stands for is not durable."""


@dataclass(slots=True, eq=False)
class _Call:
    work: Callable[[Transaction], Any]
    result: Any = None
    error: Exception | None = None
    is_backed: bool = True               # what it stands for is durable


@dataclass(slots=True, eq=False, kw_only=True)
class _LoopCall(_Call):
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


def _taken() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _ThreadCall(_Call):
    is_backed: bool = False
    decided: threading.Lock = field(default_factory=_taken)      # released when `is_backed` is as it stays
    done: threading.Lock = field(default_factory=_taken)         # released when the result is there


def _fail(group: list[_Call], error: Exception) -> None:
    for call in group:
        call.error = error


def _answer(group: list[_Call]) -> None:
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[_LoopCall]] = defaultdict(list)
    for call in group:
        if isinstance(call, _ThreadCall):
            call.done.release()
        elif isinstance(call, _LoopCall):
            by_loop[call.loop].append(call)
    for loop, calls in by_loop.items():
        if not loop.is_closed():  # a closed loop has nobody who waits
            loop.call_soon_threadsafe(_settle, calls)


def _settle(calls: list[_LoopCall]) -> None:
    for call in calls:
        if call.future.done():
            continue
        if call.error is None:
            call.future.set_result(call.result)
        elif isinstance(call.error, StopIteration):  # a future cannot carry it
            call.future.set_exception(RuntimeError("the work raised StopIteration"))
        else:
            call.future.set_exception(call.error)


def _translated(exc: Exception) -> Exception:
    """Foreign errors that a caller can act on become ours; anything else is a bug and stays what it is."""
    error = exc.orig if isinstance(exc, sa.exc.DBAPIError) else exc
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            return StorageFull(f"the disk of the database is full: {error}")
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN,
                    sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return StorageUnavailable(f"the database did not take it: {error}")
    return exc


def _engine(path: Path, *, begin: str, is_reader: bool = False, **options: Any) -> sa.Engine:
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)), json_serializer=to_json,
                              json_deserializer=from_json, hide_parameters=True,
                              connect_args={"check_same_thread": False},
                              **options)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={_BUSY_TIMEOUT_MS}",
                       "journal_size_limit=67108864", "temp_store=MEMORY",
                       f"cache_size=-{_READER_CACHE_KB if is_reader else _WRITER_CACHE_KB}",
                       "wal_autocheckpoint=4000"):       # 16 MB: fewer stops of the writer, and each worth more
            connection.execute(f"PRAGMA {pragma}")
        if is_reader:
            connection.execute("PRAGMA query_only=ON")

    # The dialect's hook and not a "begin" event: an engine with one looks for listeners at every statement.
    def start(dbapi_connection: Any) -> None:
        dbapi_connection.execute(begin)

    engine.dialect.do_begin = start  # type: ignore[method-assign]
    return engine


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _FileLock:
    """Held by the process that owns the data folder; the system lets go of it when that process ends."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise AlreadyOpen(f"Another gateway process (pid {holder or 'unknown'}) holds {path.parent}. "
                              "SQLite means exactly one process: stop the other first.") from exc
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._descriptor)
