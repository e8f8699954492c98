"""Orders that may be the one of a study: proposed by a score, settled by a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.model import Scope
from storage.model.order_matches import MatchState, OrderMatch
from storage.tables.schema import exam_order, study
from storage.tables.schema import order_match as table
from storage.tables.scoping import within
from storage.tables.upserts import upsert


class OrderMatches:
    """One row for each pair that was ever proposed; what a person said stays."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def propose(self, found: OrderMatch) -> None:
        """Put a pair before a person, with its newest score; a pair that was settled stays as it is."""
        values = _plain(found)
        self._connection.execute(
            upsert(self._connection, table).values(**values).on_conflict_do_update(
                index_elements=[table.c.study_id, table.c.order_id],
                set_={"score": values["score"], "reasons": values["reasons"]},
                where=table.c.state == MatchState.PROPOSED.value))

    def record_link(self, found: OrderMatch) -> None:
        """The pair is linked, whatever it was before; every other proposal of this study and of this order ends."""
        values = _plain(found)
        self._connection.execute(
            upsert(self._connection, table).values(**values).on_conflict_do_update(
                index_elements=[table.c.study_id, table.c.order_id],
                set_={name: values[name] for name in ("state", "settled_at", "settled_by", "reason")}))
        self._connection.execute(sa.delete(table).where(
            table.c.state == MatchState.PROPOSED.value,
            sa.or_(table.c.study_id == found.study_id, table.c.order_id == found.order_id)))

    def dismiss(self, study_id: str, *, order_id: str | None, at: datetime, by: str, reason: str) -> int:
        """None of the proposals of a study (or not this one) is its order. Returns how many ended."""
        chosen = sa.update(table).where(table.c.study_id == study_id)
        if order_id is None:
            chosen = chosen.where(table.c.state == MatchState.PROPOSED.value)
        else:
            chosen = chosen.where(table.c.order_id == order_id)
        return self._connection.execute(chosen.values(
            state=MatchState.DISMISSED.value, settled_at=at, settled_by=by, reason=reason)).rowcount

    def of_study(self, study_id: str) -> list[OrderMatch]:
        """Every pair of the study, the best first."""
        rows = self._connection.execute(
            sa.select(table).where(table.c.study_id == study_id).order_by(table.c.score.desc(), table.c.order_id))
        return [_match(row) for row in rows]

    def waiting_studies(self, scope: Scope, *, limit: int) -> tuple[list[str], int]:
        """Studies with proposals, the longest waiting first, and how many there are in all."""
        condition = sa.and_(table.c.state == MatchState.PROPOSED.value, within(scope, table.c.site_id))
        total = self._connection.scalar(
            sa.select(sa.func.count(sa.distinct(table.c.study_id))).where(condition)) or 0
        since = sa.func.min(table.c.proposed_at)
        rows = self._connection.execute(
            sa.select(table.c.study_id).where(condition).group_by(table.c.study_id)
            .order_by(since, table.c.study_id).limit(limit))
        return list(rows.scalars()), int(total)

    def studies_without_order(self, site_id: str, *, arrived_from: datetime, arrived_until: datetime,
                              limit: int = 200) -> list[str]:
        """Studies of a site to which no order is linked, newest first."""
        linked = sa.exists().where(exam_order.c.study_id == study.c.id)
        rows = self._connection.execute(
            sa.select(study.c.id).where(
                study.c.site_id == site_id, study.c.last_arrival_at >= arrived_from,
                study.c.last_arrival_at <= arrived_until, ~linked)
            .order_by(study.c.last_arrival_at.desc()).limit(limit))
        return list(rows.scalars())


def _plain(found: OrderMatch) -> dict[str, Any]:
    return {"study_id": found.study_id, "order_id": found.order_id, "site_id": found.site_id, "score": found.score,
            "reasons": list(found.reasons), "state": found.state.value, "proposed_at": found.proposed_at,
            "settled_at": found.settled_at, "settled_by": found.settled_by, "reason": found.reason}


def _match(row: sa.Row[Any]) -> OrderMatch:
    return OrderMatch(**dict(row._mapping) | {"state": MatchState(row.state), "reasons": tuple(row.reasons)})
