"""Deliveries of signed reports, one per report and destination."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.model import Delivery, DeliveryState, DestinationKind, Scope
from storage.tables.schema import delivery as t

_UNFINISHED = [DeliveryState.QUEUED.value, DeliveryState.SENT.value]


class Deliveries:
    """Sent, accepted, opened and acknowledged are four different times."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, delivery: Delivery) -> None:
        """Queue one."""
        self._connection.execute(sa.insert(t).values(**_row(delivery)))

    def get(self, delivery_id: str, scope: Scope) -> Delivery | None:
        """One delivery."""
        row = self._connection.execute(_within(scope).where(t.c.id == delivery_id)).first()
        return _delivery(row) if row is not None else None

    def of_study(self, study_id: str, scope: Scope) -> list[Delivery]:
        """Newest report first."""
        return self._all(_within(scope).where(t.c.study_id == study_id)
                         .order_by(t.c.queued_at.desc(), t.c.report_id.desc(), t.c.id))

    def of_report(self, report_id: str, scope: Scope) -> list[Delivery]:
        """All destinations of a report."""
        return self._all(_within(scope).where(t.c.report_id == report_id).order_by(t.c.id))

    def replace(self, delivery: Delivery) -> None:
        """Write all fields."""
        values = _row(delivery)
        self._connection.execute(sa.update(t).values(**values).where(t.c.id == delivery.id))

    def waiting(self, scope: Scope, limit: int = 500) -> list[Delivery]:
        """Not yet accepted, oldest first, for the queue page."""
        return self._all(_within(scope).where(t.c.state.in_(_UNFINISHED)).order_by(t.c.queued_at, t.c.id)
                         .limit(limit))

    def to_pull(self, scope: Scope, *, since: datetime | None, limit: int) -> list[Delivery]:
        """Of the clinics' own programs, oldest first: not yet accepted, or (`since`) all that were queued from then
        on; never one that a newer version replaced."""
        wanted = _within(scope).where(t.c.kind == DestinationKind.PULL.value,
                                      t.c.state != DeliveryState.CALLED_BACK.value)
        wanted = wanted.where(t.c.state.in_(_UNFINISHED) if since is None else t.c.queued_at >= since)
        return self._all(wanted.order_by(t.c.queued_at, t.c.id).limit(limit))

    def _all(self, query: sa.Select[Any]) -> list[Delivery]:
        return [_delivery(row) for row in self._connection.execute(query)]


def _within(scope: Scope) -> sa.Select[Any]:
    query = sa.select(t)
    return query if scope.site_ids is None else query.where(t.c.site_id.in_(sorted(scope.site_ids)))


def _row(delivery: Delivery) -> dict[str, Any]:
    values = {f.name: getattr(delivery, f.name) for f in fields(delivery)}
    return values | {"kind": delivery.kind.value, "state": delivery.state.value}


def _delivery(row: Any) -> Delivery:
    values = dict(row._mapping)
    return Delivery(**values | {"kind": DestinationKind(row.kind), "state": DeliveryState(row.state)})
