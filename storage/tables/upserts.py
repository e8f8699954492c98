"""INSERT … ON CONFLICT, which both engines write alike and SQLAlchemy offers once per dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.postgresql import insert as insert_on_postgres
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite


def upsert(connection: sa.Connection, table: sa.Table) -> SqliteInsert | PostgresInsert:
    """An INSERT that knows `on_conflict_do_nothing`, `on_conflict_do_update` and `excluded`."""
    return insert_on_postgres(table) if connection.dialect.name == "postgresql" else insert_on_sqlite(table)


def add_if_absent(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> bool:
    """Insert unless a unique column says that it is there; True if it was added. Never an error, so that a
    transaction on PostgreSQL goes on."""
    added = connection.execute(upsert(connection, table).values(**values).on_conflict_do_nothing()
                               .returning(*table.primary_key.columns))  # not every driver tells an INSERT's count
    return added.first() is not None
