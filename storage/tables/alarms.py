"""Alarms: what a person must look at."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.model import Alarm, Scope, new_id
from storage.tables.schema import alarm
from storage.tables.scoping import within


class Alarms:
    """Raised by services, shown to administrators until acknowledged."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def raise_alarm(self, kind: str, *, site_id: str, ref: str, detail: str, at: datetime) -> Alarm:
        """Add an alarm; the same kind and ref that is still open is not added twice."""
        is_same = sa.and_(alarm.c.kind == kind, alarm.c.ref == ref, alarm.c.acknowledged_at.is_(None))
        row = self._connection.execute(sa.select(alarm).where(is_same).limit(1)).first()
        if row is not None:
            return _alarm(row)
        raised = Alarm(new_id(), at, kind, site_id, ref, detail)
        self._connection.execute(sa.insert(alarm).values(id=raised.id, at=at, kind=kind, site_id=site_id, ref=ref,
                                                         detail=detail))
        return raised

    def was_raised(self, kind: str, ref: str) -> bool:
        """True if there is or was such an alarm, acknowledged or not."""
        return self._connection.execute(
            sa.select(alarm.c.id).where(alarm.c.kind == kind, alarm.c.ref == ref).limit(1)).first() is not None

    def open_alarms(self, scope: Scope, limit: int = 200) -> list[Alarm]:
        """Not yet acknowledged, newest first."""
        rows = self._connection.execute(
            sa.select(alarm).where(alarm.c.acknowledged_at.is_(None), within(scope, alarm.c.site_id))
            .order_by(alarm.c.at.desc(), alarm.c.id.desc()).limit(limit))
        return [_alarm(row) for row in rows]

    def about(self, ref: str, scope: Scope) -> list[Alarm]:
        """Open ones about one thing."""
        rows = self._connection.execute(sa.select(alarm).where(
            alarm.c.ref == ref, alarm.c.acknowledged_at.is_(None), within(scope, alarm.c.site_id)))
        return [_alarm(row) for row in rows]

    def clear(self, kind: str, ref: str, *, at: datetime) -> int:
        """What it told of is over, and nobody needs to look any more; returns how many were open."""
        return self._connection.execute(
            sa.update(alarm).where(alarm.c.kind == kind, alarm.c.ref == ref, alarm.c.acknowledged_at.is_(None))
            .values(acknowledged_at=at, acknowledged_by="gateway")).rowcount

    def acknowledge(self, alarm_id: str, user_id: str, at: datetime, scope: Scope) -> bool:
        """True if it was open and within scope."""
        done = self._connection.execute(
            sa.update(alarm).where(alarm.c.id == alarm_id, alarm.c.acknowledged_at.is_(None),
                                   within(scope, alarm.c.site_id))
            .values(acknowledged_at=at, acknowledged_by=user_id))
        return done.rowcount == 1


def _alarm(row: sa.Row[Any]) -> Alarm:
    return Alarm(**row._mapping)
