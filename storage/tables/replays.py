"""Reading stored decisions again, page by page: for simulations and the proof that they replay.

`because` is not read: of 200 rules it is a hundred times as long as all the rest, and a replay makes it anew.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.model import Scope
from storage.model.replays import StoredReplay
from storage.tables.schema import decision, report, study, user_account
from storage.tables.scoping import within

_SIGNED_AT = (sa.select(sa.func.min(report.c.signed_at)).where(report.c.study_id == decision.c.study_id)
              .correlate(decision).scalar_subquery())
_COLUMNS = (
    decision.c.id, decision.c.study_id, decision.c.at, decision.c.rules_version, decision.c.facts, decision.c.inputs,
    decision.c.outcome, decision.c.hints, decision.c.duty_group, decision.c.priority, decision.c.due_at,
    decision.c.tags, study.c.site_id, study.c.modality, study.c.body_part, study.c.urgency, study.c.completed_at,
    user_account.c.login, _SIGNED_AT.label("signed_at"),
)


class Replays:
    """Reached as `tx.replays`. Of every site: simulations are the whole alliance's."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def count(self, since: datetime, until: datetime, *, version: int | None = None) -> int:
        """How many `page` will give in all."""
        query = sa.select(sa.func.count()).select_from(decision).where(*_wanted(since, until, version))
        return int(self._connection.scalar(query) or 0)

    def page(self, since: datetime, until: datetime, *, after: tuple[datetime, str] | None = None, limit: int = 500,
             version: int | None = None) -> list[StoredReplay]:
        """The next decisions from `since` (inclusive) to `until` (exclusive) in the order of (time, id).

        Without a version only the newest of each study (before `until`), with one every decision that it made.
        """
        query = (sa.select(*_COLUMNS).join(study, study.c.id == decision.c.study_id)
                 .outerjoin(user_account, user_account.c.id == decision.c.reader_id)
                 .where(*_wanted(since, until, version)).order_by(decision.c.at, decision.c.id).limit(limit))
        if after is not None:
            query = query.where(sa.or_(decision.c.at > after[0],
                                       sa.and_(decision.c.at == after[0], decision.c.id > after[1])))
        return [_replay(row) for row in self._connection.execute(query)]

    def decided_lately(self, scope: Scope, *, limit: int) -> list[str]:
        """Ids of the studies that were decided last, the newest first."""
        rows = self._connection.execute(
            sa.select(decision.c.study_id).join(study, study.c.id == decision.c.study_id)
            .where(within(scope, study.c.site_id), _is_newest())
            .order_by(decision.c.at.desc(), decision.c.id.desc()).limit(limit))
        return list(rows.scalars())


def _wanted(since: datetime, until: datetime, version: int | None) -> list[sa.ColumnElement[bool]]:
    wanted = [decision.c.at >= since, decision.c.at < until]
    return [*wanted, _is_newest(until) if version is None else decision.c.rules_version == version]


def _is_newest(until: datetime | None = None) -> sa.ColumnElement[bool]:
    """Of its study, before `until`: a decision made while the pages are read does not take one away."""
    later = decision.alias("later")
    found = sa.select(later.c.id).where(
        later.c.study_id == decision.c.study_id,
        sa.or_(later.c.at > decision.c.at, sa.and_(later.c.at == decision.c.at, later.c.id > decision.c.id)))
    return ~sa.exists(found if until is None else found.where(later.c.at < until))


def _replay(row: Any) -> StoredReplay:
    return StoredReplay(
        decision_id=row.id, study_id=row.study_id, site_id=row.site_id, at=row.at,
        rules_version=int(row.rules_version), facts=row.facts, inputs=row.inputs or {}, outcome=row.outcome or {},
        hints=row.hints or [], group=row.duty_group, reader=row.login, priority=row.priority, due_at=row.due_at,
        tags=tuple(row.tags), modality=row.modality, body_part=row.body_part, urgency=row.urgency,
        completed_at=row.completed_at, signed_at=row.signed_at)
