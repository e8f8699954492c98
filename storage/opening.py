"""Open what the settings ask for: SQLite or PostgreSQL, files or S3; the schema is brought up to date on the way."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from storage.engines.sqlite import SqliteDatabase
from storage.interface import Database, ObjectStore, Storage
from storage.model import INBOX_SITE_ID, Site, SiteKind
from storage.objects.files import FileObjectStore
from storage.tables.schema import metadata
from storage.tables.sites import Sites

DATABASE_FILE = "gateway.db"
OBJECTS_FOLDER = "objects"


@dataclass(frozen=True, slots=True)
class S3Options:
    """Where the S3 service is and how to log in to it."""

    endpoint: str = ""
    region: str = "us-east-1"
    access_key_id: str = ""
    secret_access_key: str = ""


async def open_storage(*, data_dir: Path, database_url: str = "", objects_url: str = "",
                       s3: S3Options | None = None, node: str = "", reserve_bytes: int = 1 << 30,
                       is_read_only: bool = False) -> Storage:
    """Open the tables and the objects. Close with `await storage.database.close()`.

    `is_read_only` looks at a store while another process has it: nothing is locked, upgraded or written.
    Raises AlreadyOpen, SchemaTooNew, StorageFull, StorageUnavailable.
    """
    node = node or socket.gethostname()
    return await asyncio.to_thread(_open, data_dir, database_url, objects_url, s3 or S3Options(), node,
                                   reserve_bytes, is_read_only)


def _open(data_dir: Path, database_url: str, objects_url: str, s3: S3Options, node: str, reserve_bytes: int,
          is_read_only: bool) -> Storage:
    data_dir.mkdir(parents=True, exist_ok=True)
    database = _open_database(data_dir, database_url, node, is_read_only)
    return Storage(database, _open_objects(data_dir, objects_url, s3, reserve_bytes))


def _open_database(data_dir: Path, database_url: str, node: str, is_read_only: bool) -> Database:
    return SqliteDatabase(data_dir / DATABASE_FILE, node=node, prepare=prepare, is_read_only=is_read_only)


def _open_objects(data_dir: Path, objects_url: str, s3: S3Options, reserve_bytes: int) -> ObjectStore:
    return FileObjectStore(data_dir / OBJECTS_FOLDER, reserve_bytes=reserve_bytes)


def prepare(connection: sa.Connection) -> None:
    """Bring the schema and the rows that are always there up to date."""
    metadata.create_all(connection)
    inbox = Site(INBOX_SITE_ID, "收件箱", "Inbox", SiteKind.INBOX)
    sites = Sites(connection)
    if sites.site(INBOX_SITE_ID) is None:
        sites.add_site(inbox)
