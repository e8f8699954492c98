"""Alembic's entry: runs the revisions on the connection that upgrading.py hands over."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context

from storage.tables.schema import UtcDateTime, metadata


def run(connection: sa.Connection) -> None:
    # Batch mode: SQLite cannot alter a table in place, Alembic copies it there.
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True,
                      render_item=render, transactional_ddl=False)  # the transaction is the caller's
    with context.begin_transaction():
        context.run_migrations()


def render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """How a new revision spells what it must not import from us: revisions stay as they were written."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "server_default" and isinstance(item, sa.DefaultClause) and isinstance(item.arg, sa.True_ | sa.False_):
        return "sa.true()" if isinstance(item.arg, sa.True_) else "sa.false()"
    return False


run(context.config.attributes["connection"])
