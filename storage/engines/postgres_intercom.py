"""The intercom of the processes on one PostgreSQL: LISTEN and NOTIFY on one channel.

Two connections of its own, outside the pool: one listens and is never busy with anything else, one sends. What is
sent is no data (whoever misses it looks at the tables), so it waits for no disk: `synchronous_commit` is off.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg

from storage.engines.postgres import address_of
from storage.errors import StorageUnavailable

APPLICATION_NAME = "reading-gateway-news"
CHANNEL = "reading_gateway_news"

_LISTEN = f"LISTEN {CHANNEL}"
_SEND = "SELECT pg_notify(%s, text) FROM unnest(%s::text[]) WITH ORDINALITY AS sent (text, place) ORDER BY place"
_ANSWER_WITHIN_S = 5.0
_ARGUMENTS: dict[str, Any] = {
    "application_name": APPLICATION_NAME, "connect_timeout": 5, "options": "-c synchronous_commit=off",
    # a listener sends nothing, so only these tell it that the other end is gone
    "keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}


class PostgresIntercom:
    """`Intercom` on the database at `url`, with the same address and credentials as its pool."""

    def __init__(self, url: str) -> None:
        address = address_of(url)
        _, arguments = address.get_dialect()().create_connect_args(address)
        self._arguments: dict[str, Any] = {**arguments, **_ARGUMENTS}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[PostgresLine]:
        async with self._connected() as listening, self._connected() as sending:
            await _answered(listening, _LISTEN)
            yield PostgresLine(listening, sending)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        try:
            # Nothing is prepared: a pooler in front of the server may not know the statement the next time.
            connection = await psycopg.AsyncConnection.connect(autocommit=True, prepare_threshold=None,
                                                               **self._arguments)
        except psycopg.Error as exc:
            raise _unavailable(exc) from exc
        try:
            yield connection
        finally:
            await connection.close()


class PostgresLine:
    """`IntercomLine` over two open connections."""

    def __init__(self, listening: psycopg.AsyncConnection[Any], sending: psycopg.AsyncConnection[Any]) -> None:
        self._listening = listening
        self._sending = sending

    async def send(self, texts: Sequence[str]) -> None:
        await _answered(self._sending, _SEND, CHANNEL, list(texts))

    async def __aiter__(self) -> AsyncIterator[str]:
        try:
            async for notification in self._listening.notifies():
                yield notification.payload
        except psycopg.Error as exc:
            raise _unavailable(exc) from exc


async def _answered(connection: psycopg.AsyncConnection[Any], statement: str, *values: object) -> None:
    """Run a statement. Without an answer in time, or when the caller is cancelled, the connection is cut.

    psycopg itself would first ask the server to stop, which takes seconds of a server that does not answer.
    """
    asking = asyncio.ensure_future(connection.execute(statement.encode(), values or None))
    try:
        await asyncio.wait({asking}, timeout=_ANSWER_WITHIN_S)
    finally:
        if not asking.done():
            _cut(connection)
            await asyncio.wait({asking})
        failure = asking.exception()
    if isinstance(failure, psycopg.Error):
        raise _unavailable(failure) from failure
    if failure is not None:
        raise failure


def _cut(connection: psycopg.AsyncConnection[Any]) -> None:
    """Whoever waits for this connection sees it end at once."""
    with suppress(OSError, psycopg.Error), \
            socket.fromfd(connection.fileno(), socket.AF_UNSPEC, socket.SOCK_STREAM) as handle:
        handle.shutdown(socket.SHUT_RDWR)


def _unavailable(exc: psycopg.Error) -> StorageUnavailable:
    said = str(exc).splitlines()
    return StorageUnavailable(f"PostgreSQL does not answer: {said[0] if said else type(exc).__name__}")
