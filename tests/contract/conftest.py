"""Every test of this folder that asks for `database` runs on both engines, for `objects` on both object stores."""

from __future__ import annotations

import dataclasses

import psycopg
import pytest

from storage.engines.preparing import prepare
from storage.engines.sqlite import SqliteDatabase
from storage.interface import Database
from storage.objects.files import FileObjectStore
from storage.tables.schema import metadata
from tests.support.empty_stores import lay_empty_store


@pytest.fixture(scope="session")
def emptied_postgres(postgres_server):
    """A function that empties one database and returns its address: making a new one for each test takes longer."""
    url = postgres_server.new_database()
    everything = "; ".join(f"DELETE FROM {table.name}" for table in metadata.sorted_tables)  # names of our own

    def empty():
        with psycopg.connect(url) as connection:
            if connection.execute("SELECT to_regclass('alembic_version')").fetchone() != (None,):
                connection.execute(everything.encode())
        return url

    return empty


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request, tmp_path):
    """An empty store with the schema of this release, of a node called "node-a"."""
    opened: Database
    if request.param == "sqlite":
        lay_empty_store(tmp_path)
        opened = SqliteDatabase(tmp_path / "gateway.db", node="node-a", prepare=prepare)
    else:
        from storage.engines.postgres import PostgresDatabase
        opened = PostgresDatabase(request.getfixturevalue("emptied_postgres")(), node="node-a", prepare=prepare)
    yield opened
    await opened.close()


@pytest.fixture(params=["files", "part files", "s3"])
def objects(request, tmp_path):
    """An empty object store without a reserve; "part files" as on a file system that knows no nameless ones."""
    if request.param != "s3":
        files = FileObjectStore(tmp_path / "objects", reserve_bytes=0)
        files._has_nameless_files = request.param == "files"
        return files
    from storage.objects.s3 import S3ObjectStore
    address = dataclasses.asdict(request.getfixturevalue("seaweed_server").new_bucket())
    return S3ObjectStore(address.pop("objects_url"), region="us-east-1", spool=tmp_path / "spool", reserve_bytes=0,
                         **{name.removeprefix("s3_"): value for name, value in address.items()})
