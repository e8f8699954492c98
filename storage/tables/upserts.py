"""INSERT … ON CONFLICT, which both engines write alike and SQLAlchemy offers once per dialect."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.postgresql import insert as insert_on_postgres
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite


def upsert(connection: sa.Connection, table: sa.Table) -> SqliteInsert | PostgresInsert:
    """An INSERT that knows `on_conflict_do_nothing`, `on_conflict_do_update` and `excluded`."""
    return insert_on_postgres(table) if connection.dialect.name == "postgresql" else insert_on_sqlite(table)
