"""Open what the settings ask for: SQLite or PostgreSQL, files or S3; the schema is brought up to date on the way."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from storage.engines.preparing import prepare
from storage.engines.sqlite import SqliteDatabase
from storage.interface import Database, Intercom, ObjectStore, Storage
from storage.objects.files import FileObjectStore
from storage.objects.second_copy import SecondCopy

DATABASE_FILE = "gateway.db"
OBJECTS_FOLDER = "objects"


async def open_storage(*, data_dir: Path, database_url: str = "", objects_url: str = "", s3_endpoint: str = "",
                       s3_region: str = "us-east-1", s3_access_key_id: str = "", s3_secret_access_key: str = "",
                       node: str = "", reserve_bytes: int = 1 << 30, is_read_only: bool = False) -> Storage:
    """Open the tables and the objects. Close with `await storage.database.close()`.

    Parameters
    ----------
    data_dir
        Folder of the embedded engine; made when missing, closed to other accounts of the machine.
    database_url
        "postgresql://user@host/name"; empty: SQLite in the data folder.
    objects_url
        "s3://bucket" or "s3://bucket/prefix"; empty: files in the data folder.
    node
        Name of this process in the audit chain; empty: the host's name.
    reserve_bytes
        Free space below which new objects are refused.
    is_read_only
        Look at a store while another process has it: nothing is locked, upgraded or written.

    Raises
    ------
    AlreadyOpen, SchemaTooNew, StorageFull, StorageUnavailable
    """
    def open_all() -> Storage:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)  # one that is there keeps its mode
        name = node or socket.gethostname()
        database: Database
        intercom: Intercom | None = None
        if database_url:
            from storage.engines.postgres import PostgresDatabase  # the extra "scale" is needed for it
            from storage.engines.postgres_intercom import PostgresIntercom
            intercom = PostgresIntercom(database_url)
            database = PostgresDatabase(database_url, node=name, prepare=prepare, is_read_only=is_read_only)
        else:
            database = SqliteDatabase(data_dir / DATABASE_FILE, node=name, prepare=prepare,
                                      is_read_only=is_read_only)
        objects: ObjectStore
        if objects_url:
            from storage.objects.s3 import S3ObjectStore  # the extra "scale" is needed for it
            objects = S3ObjectStore(objects_url, endpoint=s3_endpoint, region=s3_region,
                                    access_key_id=s3_access_key_id, secret_access_key=s3_secret_access_key,
                                    spool=data_dir / "spool", reserve_bytes=reserve_bytes)
        else:
            objects = FileObjectStore(data_dir / OBJECTS_FOLDER, reserve_bytes=reserve_bytes)
        return Storage(database, objects, intercom)

    return await asyncio.to_thread(open_all)


def open_second_copy(*, data_dir: Path, folder: str = "", url: str = "", endpoint: str = "",
                     region: str = "us-east-1", access_key_id: str = "",
                     secret_access_key: str = "", reserve_bytes: int = 0) -> SecondCopy | None:
    """The second place of kept objects, or None where none is configured. Nothing is asked of it yet."""
    if folder:
        return SecondCopy(folder=Path(folder), address=str(Path(folder).absolute()), reserve_bytes=reserve_bytes)
    if not url:
        return None
    from storage.objects.s3 import S3ObjectStore  # the extra "scale" is needed for it
    bucket = S3ObjectStore(url, endpoint=endpoint, region=region, access_key_id=access_key_id,
                           secret_access_key=secret_access_key, spool=data_dir / "spool", reserve_bytes=reserve_bytes)
    return SecondCopy(bucket=bucket, address=f"{url} {endpoint}".strip())
