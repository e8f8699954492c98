"""Bring a database to the schema of this release, or say that it is ahead of us.

Alembic is used as a library: the revisions lie in `versions/`, `env.py` takes the connection it is given. The whole
upgrade is one transaction, on SQLite too, so a power cut leaves either the old schema or the new one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.errors import SchemaTooNew
from storage.tables.schema import metadata

if TYPE_CHECKING:
    from alembic.config import Config

_FOLDER = Path(__file__).parent
_LOCK_KEY = 0x52474D49  # one upgrade at a time on PostgreSQL ("RGMI")


def upgrade(connection: sa.Connection) -> None:
    """Apply the revisions that are missing. Raises SchemaTooNew when the database has one we do not know."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK_KEY)))
    known = revisions()
    current = current_revision(connection)
    if current is not None and current not in known:
        raise SchemaTooNew(f"the database has schema {current}, this release knows up to {known[-1]}; "
                           "install the newer release, nothing was changed")
    if current != known[-1]:
        from alembic import command  # 11 MB that a start without an upgrade has no use for

        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def revisions() -> list[str]:
    """Every revision of this release, the oldest first: a file is named after its own."""
    return sorted(file.name.partition("_")[0] for file in (_FOLDER / "versions").glob("[0-9]*_*.py"))


def current_revision(connection: sa.Connection) -> str | None:
    """The revision the database is at; None for an empty one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)


def drift(connection: sa.Connection) -> list[Any]:
    """Differences between the database and storage/tables/schema; empty when the revisions say the same."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    context = MigrationContext.configure(connection, opts={"compare_type": True,
                                                              "compare_server_default": _is_other_default})
    return list(compare_metadata(context, metadata))


def _is_other_default(_context: Any, _inspected: Any, _column: Any, inspected: str | None, _default: Any,
                      rendered: str | None) -> bool | None:
    """Alembic takes SQLite's '' for something else than the empty text; it judges the rest by itself (None)."""
    return False if inspected in ("''", "('')") and rendered in ("", "''") else None


def configuration() -> Config:
    """Alembic's configuration, without a file: also for making a new revision."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
