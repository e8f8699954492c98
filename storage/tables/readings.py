"""Readings: the state, the lock, the clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.model import Priority, Reading, ReadingState, Scope
from storage.tables.prepared import Prepared
from storage.tables.schema import reading as table
from storage.tables.schema import reading_change

_REPLACE = table.update().where(table.c.id == sa.bindparam("of_id"), table.c.revision == sa.bindparam("of_revision"))
"""Built once: every move of a reading runs it, and many at once where a thousand timers fire."""
_ADD = Prepared(sa.insert(table))
_NOTE_CHANGE = Prepared(sa.insert(reading_change))
_OF_STUDY_EVERYWHERE = Prepared(sa.select(table).where(table.c.study_id == sa.bindparam("of_study")))


class Readings:
    """Every move goes through `replace`, which checks the revision: of many who try at once, one wins."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, reading: Reading) -> None:
        """One per study."""
        _ADD.run(self._connection, {
            "id": reading.id, "study_id": reading.study_id, "site_id": reading.site_id,
            "created_at": reading.created_at, "revision": reading.revision, **_changing(reading)})
        self._note_change(reading)

    def get(self, reading_id: str, scope: Scope) -> Reading | None:
        """One reading."""
        return self._one(table.c.id == reading_id, scope)

    def of_study(self, study_id: str, scope: Scope) -> Reading | None:
        """The reading of a study."""
        if scope.site_ids is None:
            row = _OF_STUDY_EVERYWHERE.first(self._connection, {"of_study": study_id})
            return None if row is None else _reading(row)
        return self._one(table.c.study_id == study_id, scope)

    def replace(self, reading: Reading) -> bool:
        """Write all fields if the stored revision is `reading.revision`; stores revision + 1.

        False: somebody was faster, and nothing was written.
        """
        result = self._connection.execute(_REPLACE, {
            "of_id": reading.id, "of_revision": reading.revision, "revision": reading.revision + 1,
            **_changing(reading)})
        if result.rowcount == 1:
            self._note_change(reading)
        return result.rowcount == 1

    def expired_locks(self, now: datetime) -> list[Reading]:
        """Claims whose lock ran out."""
        held = (ReadingState.IN_PROGRESS.value, ReadingState.IN_REVIEW.value)
        rows = self._connection.execute(
            sa.select(table).where(table.c.state.in_(held), table.c.lock_until <= now).order_by(table.c.lock_until))
        return [reading_of(row) for row in rows]

    def _note_change(self, reading: Reading) -> None:
        """Its workitems follow it (`services/workitems/follow_readings.py`)."""
        _NOTE_CHANGE.run(self._connection, {"reading_id": reading.id})

    def _one(self, which: sa.ColumnElement[bool], scope: Scope) -> Reading | None:
        query = sa.select(table).where(which)
        if scope.site_ids is not None:
            query = query.where(table.c.site_id.in_(scope.site_ids))
        row = self._connection.execute(query).one_or_none()
        return None if row is None else reading_of(row)


def _changing(reading: Reading) -> dict[str, Any]:
    return {
        "state": reading.state.value, "priority": reading.priority.value, "duty_group": reading.group,
        "decision_id": reading.decision_id, "due_at": reading.due_at, "assigned_to": reading.assigned_to,
        "writer_id": reading.writer_id, "reviewer_id": reading.reviewer_id, "claimed_by": reading.claimed_by,
        "claimed_at": reading.claimed_at, "lock_until": reading.lock_until, "reason": reading.reason,
        "late_instances": reading.late_instances, "hold_until": reading.hold_until,
    }


def reading_of(row: sa.Row[Any]) -> Reading:
    """The record of a row."""
    return _reading(row._mapping)


def _reading(row: Mapping[Any, Any]) -> Reading:
    return Reading(
        id=row["id"], study_id=row["study_id"], site_id=row["site_id"], state=ReadingState(row["state"]),
        priority=Priority(row["priority"]), group=row["duty_group"], decision_id=row["decision_id"],
        created_at=row["created_at"], due_at=row["due_at"], assigned_to=row["assigned_to"],
        writer_id=row["writer_id"], reviewer_id=row["reviewer_id"], claimed_by=row["claimed_by"],
        claimed_at=row["claimed_at"], lock_until=row["lock_until"], reason=row["reason"],
        late_instances=int(row["late_instances"]), revision=int(row["revision"]), hold_until=row["hold_until"])
