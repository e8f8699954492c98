"""Arrivals: everything that came in, with its outcome; the quarantine is a part of it."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.model import Arrival, ArrivalOutcome, ArrivalVia, Scope
from storage.tables.prepared import Prepared
from storage.tables.schema import arrival as table
from storage.tables.scoping import within

_FIELDS = tuple(field.name for field in dataclasses.fields(Arrival))
_IN_QUARANTINE = (ArrivalOutcome.CONFLICT.value, ArrivalOutcome.QUARANTINED.value)


_INSERT = Prepared(sa.insert(table))     # built once: everything that arrives runs it


class Arrivals:
    """Append-only, but for the resolution of a quarantined one, and the site of what leaves the inbox."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, arrival: Arrival) -> None:
        """Remember an arrival."""
        values = {name: getattr(arrival, name) for name in _FIELDS}
        values |= {"via": arrival.via.value, "outcome": arrival.outcome.value}
        _INSERT.run(self._connection, values)

    def get(self, arrival_id: str, scope: Scope) -> Arrival | None:
        """One arrival, if the scope may see it."""
        row = self._connection.execute(
            sa.select(table).where(table.c.id == arrival_id, within(scope, table.c.site_id))).first()
        return None if row is None else to_arrival(row)

    def of_study(self, study_id: str, scope: Scope) -> list[Arrival]:
        """In the order they came."""
        rows = self._connection.execute(
            sa.select(table).where(table.c.study_id == study_id, within(scope, table.c.site_id))
            .order_by(table.c.at, table.c.id))
        return [to_arrival(row) for row in rows]

    def quarantine(self, scope: Scope, *, include_resolved: bool = False, limit: int = 500) -> list[Arrival]:
        """Conflict and quarantined arrivals, newest first."""
        wanted = sa.select(table).where(table.c.outcome.in_(_IN_QUARANTINE), within(scope, table.c.site_id))
        if not include_resolved:
            wanted = wanted.where(table.c.resolved_at.is_(None))
        rows = self._connection.execute(wanted.order_by(table.c.at.desc(), table.c.id.desc()).limit(limit))
        return [to_arrival(row) for row in rows]

    def resolve(self, arrival_id: str, user_id: str, at: datetime, scope: Scope) -> bool:
        """Mark as dealt with; nothing is deleted by that. True if it was in quarantine and open."""
        done = self._connection.execute(
            sa.update(table).where(table.c.id == arrival_id, table.c.resolved_at.is_(None),
                                   table.c.outcome.in_(_IN_QUARANTINE), within(scope, table.c.site_id))
            .values(resolved_at=at, resolved_by=user_id))
        return done.rowcount == 1


def to_arrival(row: sa.Row[Any]) -> Arrival:
    """The record of a row of the table."""
    values = dict(row._mapping)
    values |= {"via": ArrivalVia(values["via"]), "outcome": ArrivalOutcome(values["outcome"])}
    return Arrival(**values)
