"""Stores with the tables of this release and nothing in them: made once by the gateway's own opening, then copied.

Making the tables takes a fifth of a second, and most tests want a store of their own. The making has tests of its own
in tests/contract, and so has the program that starts on an empty folder.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Coroutine
from functools import cache
from pathlib import Path

from storage.engines.preparing import prepare
from storage.engines.sqlite import SqliteDatabase
from storage.opening import DATABASE_FILE


def lay_empty_store(data_dir: Path) -> None:
    """Put an empty store into a data folder that has none."""
    path = data_dir / DATABASE_FILE
    if not path.exists():
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(_empty_sqlite())


@cache
def _empty_sqlite() -> bytes:
    with tempfile.TemporaryDirectory(prefix="rg-empty-") as folder:
        path = Path(folder) / DATABASE_FILE
        database = SqliteDatabase(path, node="", prepare=prepare)
        _run(database.close())
        assert not list(Path(folder).glob(f"{DATABASE_FILE}-*")), "its log is not in it"
        return path.read_bytes()


def make_tables(url: str) -> None:
    """Make the tables of this release in an empty PostgreSQL database."""
    from storage.engines.postgres import PostgresDatabase

    _run(PostgresDatabase(url, node="", prepare=prepare).close())


def _run(coroutine: Coroutine[None, None, None]) -> None:
    """To the end, whether or not a loop runs here."""
    thread = threading.Thread(target=asyncio.run, args=(coroutine,))
    thread.start()
    thread.join()
