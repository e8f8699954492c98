"""Measurements that a reader drew, as JSON, one document per study and user."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.tables.schema import annotation
from storage.tables.upserts import upsert


class Annotations:
    """Kept beside the study; the received object is never touched."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, study_id: str, user_id: str) -> Any | None:
        """The document; check the scope of the study first."""
        row = self._connection.execute(sa.select(annotation.c.content).where(_is(study_id, user_id))).first()
        return None if row is None else row.content

    def put(self, study_id: str, user_id: str, content: Any, at: datetime) -> None:
        """Replace the document."""
        fresh = upsert(self._connection, annotation).values(study_id=study_id, user_id=user_id, content=content,
                                                            updated_at=at)
        self._connection.execute(fresh.on_conflict_do_update(
            index_elements=["study_id", "user_id"],
            set_={"content": fresh.excluded.content, "updated_at": fresh.excluded.updated_at}))


def _is(study_id: str, user_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(annotation.c.study_id == study_id, annotation.c.user_id == user_id)
