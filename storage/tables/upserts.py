"""INSERT … ON CONFLICT, which both engines write alike and SQLAlchemy offers once per dialect."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.postgresql import insert as insert_on_postgres
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite

from storage.tables.prepared import Prepared


def upsert(connection: sa.Connection, table: sa.Table) -> SqliteInsert | PostgresInsert:
    """An INSERT that knows `on_conflict_do_nothing`, `on_conflict_do_update` and `excluded`."""
    return insert_for(connection.dialect.name, table)


def insert_for(dialect: str, table: sa.Table) -> SqliteInsert | PostgresInsert:
    """The same by the name of the dialect, for statements that are built once."""
    return insert_on_postgres(table) if dialect == "postgresql" else insert_on_sqlite(table)


def add_if_absent(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> bool:
    """Insert unless a unique column says that it is there; True if it was added.

    Never an error, so that a transaction on PostgreSQL goes on.
    """
    return _adding(table).first(connection, values) is not None


@cache
def _adding(table: sa.Table) -> Prepared:
    # RETURNING, because not every driver tells how many rows an INSERT made
    return Prepared(lambda dialect: insert_for(dialect, table).on_conflict_do_nothing()
                    .returning(*table.primary_key.columns))
