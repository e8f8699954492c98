"""What hangs on the wall of an ECG centre: open ECGs and those whose report is out, without a word about a person.

No column of a patient is ever selected here, so nothing above can send one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from storage.model import Priority, ReadingState, Scope
from storage.tables import schema as t
from storage.tables.scoping import within
from storage.tables.worklists import ECG_MODALITY, OPEN_STATES


@dataclass(frozen=True, slots=True)
class WallLine:
    """One ECG on the wall."""

    study_id: str
    site_name: str
    arrived_at: datetime
    priority: Priority
    state: ReadingState | None           # None: not on the worklist yet
    instance_id: str | None              # the newest with a waveform
    hints: tuple[dict[str, Any], ...]    # of the decision, as core.ecg_priority writes them


@dataclass(frozen=True, slots=True)
class WallCounts:
    """How many there are, on the wall or not."""

    waiting: int                         # nobody has begun
    emergencies: int                     # of those
    being_read: int
    oldest_waiting_at: datetime | None


class Wall:
    """Every query takes the scope of the caller."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def lines(self, scope: Scope, *, finished_since: datetime, limit: int) -> list[WallLine]:
        """Emergencies that nobody has begun, then those being read, longest wait first in both; then all other open
        ones, newest first; then those finished whose due time is no older than `finished_since`, newest first."""
        query = (_lines().where(t.study.c.modality == ECG_MODALITY, within(scope, t.reading.c.site_id), sa.or_(
            t.reading.c.state.in_(OPEN_STATES),
            sa.and_(t.reading.c.state == ReadingState.FINAL, t.reading.c.due_at >= finished_since)))
            .order_by(*_order()).limit(limit))
        return [_line(row) for row in self._connection.execute(query)]

    def unrouted(self, scope: Scope, *, since: datetime, limit: int) -> list[WallLine]:
        """Those that arrived since then and are not on the worklist yet, newest first."""
        # The condition on all sites lets the database use the index on site and arrival for an unlimited scope, too.
        site = within(scope, t.study.c.site_id) if scope.site_ids is not None else t.study.c.site_id.in_(
            sa.select(t.site.c.id))
        query = (sa.select(t.study.c.id.label("study_id"), _site_name(), t.study.c.first_arrival_at,
                           t.study.c.urgency.label("priority"), sa.null().label("state"), _newest_waveform(),
                           sa.null().label("hints"))
                 .select_from(t.study.outerjoin(t.site, t.site.c.id == t.study.c.site_id)
                              .outerjoin(t.reading, t.reading.c.study_id == t.study.c.id))
                 .where(t.study.c.modality == ECG_MODALITY, t.study.c.last_arrival_at >= since, site,
                        t.reading.c.id.is_(None))
                 .order_by(t.study.c.first_arrival_at.desc(), t.study.c.id).limit(limit))
        return [_line(row) for row in self._connection.execute(query)]

    def counts(self, scope: Scope) -> WallCounts:
        """Over all open ECGs on the worklist."""
        is_waiting = t.reading.c.state == ReadingState.UNREAD
        is_emergency = sa.and_(is_waiting, t.reading.c.priority == Priority.EMERGENCY)
        row = self._connection.execute(
            sa.select(sa.func.count().filter(is_waiting).label("waiting"),
                      sa.func.count().filter(is_emergency).label("emergencies"),
                      sa.func.count().filter(sa.not_(is_waiting)).label("being_read"),
                      sa.func.min(t.study.c.first_arrival_at).filter(is_waiting).label("oldest"))
            .select_from(t.reading.join(t.study, t.study.c.id == t.reading.c.study_id))
            .where(t.study.c.modality == ECG_MODALITY, t.reading.c.state.in_(OPEN_STATES),
                   within(scope, t.reading.c.site_id))).one()
        return WallCounts(row.waiting, row.emergencies, row.being_read, row.oldest)


def _line(row: sa.Row[Any]) -> WallLine:
    known = set(Priority)
    return WallLine(row.study_id, row.site_name or "", row.first_arrival_at,
                    Priority(row.priority) if row.priority in known else Priority.ROUTINE,
                    None if row.state is None else ReadingState(row.state), row.instance_id, tuple(row.hints or ()))


def _site_name() -> sa.Label[str]:
    return t.site.c.name.label("site_name")


def _newest_waveform() -> sa.Label[Any]:
    return (sa.select(t.instance.c.id).where(t.instance.c.study_id == t.study.c.id, t.instance.c.has_waveform)
            .order_by(t.instance.c.received_at.desc(), t.instance.c.id).limit(1).scalar_subquery()
            .label("instance_id"))


@cache
def _order() -> tuple[sa.ColumnElement[Any], ...]:
    is_open = t.reading.c.state.in_(OPEN_STATES)
    is_pinned = sa.and_(is_open, t.reading.c.priority == Priority.EMERGENCY)
    rank = sa.case((sa.and_(is_pinned, t.reading.c.state == ReadingState.UNREAD), 0), (is_pinned, 1), (is_open, 2),
                   else_=3)
    return (rank, sa.case((is_pinned, t.study.c.first_arrival_at)),
            t.study.c.first_arrival_at.desc(), t.study.c.id)


@cache
def _lines() -> sa.Select[Any]:
    return (sa.select(t.study.c.id.label("study_id"), _site_name(), t.study.c.first_arrival_at,
                      t.reading.c.priority, t.reading.c.state, _newest_waveform(), t.decision.c.hints.label("hints"))
            .select_from(t.reading.join(t.study, t.study.c.id == t.reading.c.study_id)
                         .outerjoin(t.site, t.site.c.id == t.reading.c.site_id)
                         .outerjoin(t.decision, t.decision.c.id == t.reading.c.decision_id)))
