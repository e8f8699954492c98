"""Which objects the index relies on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa

from storage.model import ObjectRef
from storage.tables import schema
from storage.tables.schema import stored_object
from storage.tables.upserts import add_if_absent

_PAGE = 1000


class Objects:
    """A row here is the promise that the bytes are in the object store."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, ref: ObjectRef, *, kind: str, at: datetime) -> None:
        """Remember a durable object; the same hash twice is one row. Kinds: received, quarantined, report,
        marked_picture."""
        add_if_absent(self._connection, stored_object,
                      {"sha256": ref.sha256, "size_bytes": ref.size_bytes, "kind": kind, "stored_at": at})

    def has(self, sha256: str) -> bool:
        """True if the index relies on it."""
        found = self._connection.execute(sa.select(stored_object.c.sha256).where(stored_object.c.sha256 == sha256))
        return found.first() is not None

    def walk(self) -> Iterator[ObjectRef]:
        """Every object that must be there, by hash."""
        after = ""
        while page := self.page(after):
            yield from page
            after = page[-1].sha256

    def page(self, after: str, limit: int = _PAGE) -> list[ObjectRef]:
        """The next objects behind a hash, for walks that must not hold one snapshot for hours."""
        rows = self._connection.execute(
            sa.select(stored_object.c.sha256, stored_object.c.size_bytes).where(stored_object.c.sha256 > after)
            .order_by(stored_object.c.sha256).limit(limit))
        return [ObjectRef(row.sha256, row.size_bytes) for row in rows]

    def unnamed(self) -> list[tuple[str, str, str]]:
        """(table, row id, hash) of every row whose object the index does not know: always empty in a sound store."""
        places = [("instance", schema.instance, schema.instance.c.object_sha256),
                  ("arrival", schema.arrival, schema.arrival.c.object_sha256),
                  ("report", schema.report, schema.report.c.pdf_sha256),
                  ("report", schema.report, schema.report.c.dicom_sha256),
                  ("quality_grade", schema.quality_grade, schema.quality_grade.c.picture_sha256)]
        found: list[tuple[str, str, str]] = []
        for name, table, column in places:
            is_known = sa.or_(sa.exists().where(stored_object.c.sha256 == column),
                              sa.exists().where(schema.tombstone.c.object_sha256 == column))
            rows = self._connection.execute(
                sa.select(table.c.id, column.label("sha256")).where(column.is_not(None), column != "", ~is_known))
            found.extend((name, row.id, row.sha256) for row in rows)
        return found

    def total(self) -> tuple[int, int]:
        """Count and bytes."""
        row = self._connection.execute(
            sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(stored_object.c.size_bytes), 0))
            .select_from(stored_object)).one()
        return int(row[0]), int(row[1])
