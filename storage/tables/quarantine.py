"""The quarantine as people work with it: lists by reason, decisions, and the index row that a decision changes."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.model import (
    Arrival,
    ArrivalOutcome,
    Instance,
    QuarantineChoice,
    QuarantineDecision,
    QuarantineFilter,
    Scope,
)
from storage.tables import schema as t
from storage.tables.arrivals import to_arrival
from storage.tables.scoping import within

_IS_HERE = t.arrival.c.outcome.in_((ArrivalOutcome.CONFLICT.value, ArrivalOutcome.QUARANTINED.value))


class Quarantine:
    """Nothing here deletes: an arrival is decided or waits, an index row points to one of two kept objects."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def arrivals(self, scope: Scope, asked: QuarantineFilter, *, limit: int = 200, offset: int = 0) -> list[Arrival]:
        """Conflict and quarantined arrivals, newest first."""
        rows = self._connection.execute(
            sa.select(t.arrival).where(*_asked_for(scope, asked))
            .order_by(t.arrival.c.at.desc(), t.arrival.c.id.desc()).limit(limit).offset(offset))
        return [to_arrival(row) for row in rows]

    def reasons(self, scope: Scope, asked: QuarantineFilter) -> dict[str, int]:
        """How many arrivals there are for each reason, the most frequent first."""
        count = sa.func.count()
        rows = self._connection.execute(
            sa.select(t.arrival.c.reason, count).where(*_asked_for(scope, dataclasses.replace(asked, reason="")))
            .group_by(t.arrival.c.reason).order_by(count.desc(), t.arrival.c.reason))
        return {reason: int(number) for reason, number in rows}

    def alike(self, arrival: Arrival, *, limit: int = 10_000) -> list[str]:
        """Ids of the others that wait for the same reason and came by the same association."""
        if not arrival.association_id:
            return []
        table = t.arrival
        rows = self._connection.execute(
            sa.select(table.c.id).where(
                _IS_HERE, table.c.resolved_at.is_(None), table.c.id != arrival.id, table.c.reason == arrival.reason,
                table.c.site_id == arrival.site_id, table.c.association_id == arrival.association_id)
            .order_by(table.c.at, table.c.id).limit(limit))
        return list(rows.scalars())

    def reopen(self, arrival_id: str) -> bool:
        """It waits for a decision again. True if it was decided."""
        done = self._connection.execute(
            sa.update(t.arrival).where(t.arrival.c.id == arrival_id, _IS_HERE, t.arrival.c.resolved_at.is_not(None))
            .values(resolved_at=None, resolved_by=None))
        return done.rowcount == 1

    def add_decision(self, decision: QuarantineDecision) -> None:
        """Remember it for good."""
        values = {f.name: getattr(decision, f.name) for f in dataclasses.fields(decision)}
        self._connection.execute(sa.insert(t.quarantine_decision).values(values | {"choice": decision.choice.value}))

    def decisions(self, arrival_id: str) -> list[QuarantineDecision]:
        """In the order they were made; check the scope by the arrival first."""
        table = t.quarantine_decision
        rows = self._connection.execute(
            sa.select(table).where(table.c.arrival_id == arrival_id).order_by(table.c.at, table.c.id))
        return [QuarantineDecision(**dict(row._mapping) | {"choice": QuarantineChoice(row.choice)}) for row in rows]

    def point_instance(self, instance: Instance) -> None:
        """Let the index row of this id say what `instance` says; counts follow it into another series."""
        table = t.instance
        before = self._connection.execute(sa.select(table.c.series_id).where(table.c.id == instance.id)).scalar_one()
        values = {f.name: getattr(instance, f.name) for f in dataclasses.fields(instance) if f.name != "id"}
        self._connection.execute(sa.update(table).where(table.c.id == instance.id)
                                 .values(values | {"format": instance.format.value}))
        self._connection.execute(sa.delete(t.ecg).where(t.ecg.c.instance_id == instance.id))
        if before != instance.series_id:
            for series_id, change in ((before, -1), (instance.series_id, 1)):
                self._connection.execute(sa.update(t.series).where(t.series.c.id == series_id)
                                         .values(instance_count=t.series.c.instance_count + change))

    def mark_received(self, sha256: str) -> None:
        """The index relies on the object as on any received one."""
        self._connection.execute(sa.update(t.stored_object).where(t.stored_object.c.sha256 == sha256)
                                 .values(kind="received"))

    def find_same(self, sop_instance_uid: str, sha256: str, site_id: str) -> str | None:
        """The arrival by which these very bytes came from this site under this UID first and were put aside."""
        return self._connection.execute(
            sa.select(t.arrival.c.id).where(
                _IS_HERE, t.arrival.c.sop_instance_uid == sop_instance_uid, t.arrival.c.object_sha256 == sha256,
                t.arrival.c.site_id == site_id)
            .order_by(t.arrival.c.at, t.arrival.c.id).limit(1)).scalar()

    def set_arrival_study(self, arrival_id: str, *, study_id: str, site_id: str, at: datetime, by: str) -> None:
        """A quarantined arrival became part of a study."""
        self._connection.execute(
            sa.update(t.arrival).where(t.arrival.c.id == arrival_id)
            .values(study_id=study_id, site_id=site_id, resolved_at=at, resolved_by=by))


def _asked_for(scope: Scope, asked: QuarantineFilter) -> list[sa.ColumnElement[bool]]:
    table = t.arrival
    where: list[sa.ColumnElement[bool]] = [_IS_HERE, within(scope, table.c.site_id)]
    if asked.is_decided is not None:
        where.append(table.c.resolved_at.is_not(None) if asked.is_decided else table.c.resolved_at.is_(None))
    if asked.reason:
        where.append(table.c.reason == asked.reason)
    if asked.site_id:
        where.append(table.c.site_id == asked.site_id)
    if asked.text:
        columns: list[Any] = [table.c.calling_ae_title, table.c.address, table.c.file_name, table.c.sop_instance_uid]
        where.append(sa.or_(*(column.contains(asked.text, autoescape=True) for column in columns)))
    return where
