"""The job table: work that is due, with leases; enqueued in the commit of the change that asks for it.

A job that is asked for again while it runs is noted in `again_due` and made ready once more when it finishes:
the run may have looked before the change it is asked to see.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

import sqlalchemy as sa

from storage.model import Job
from storage.tables.prepared import Prepared
from storage.tables.schema import job
from storage.tables.upserts import insert_for

_READY, _DONE = "ready", "done"
_IS_READY = job.c.state == sa.literal_column("'ready'")  # written out, so that the partial index is used
_IS_RUNNING = sa.and_(_IS_READY, job.c.owner.is_not(None))


class Jobs:
    """At least once: a job whose owner died is claimed by another when the lease ends."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def enqueue(self, kind: str, ref: str, *, due: datetime, key: str | None = None) -> None:
        """Add work; key defaults to "kind:ref".

        An unfinished job of the same key keeps its place with the earlier due time; a finished one is made ready
        again; a running one runs once more.
        """
        self._ask(kind, ref, due, key, keep_earlier=True)

    def postpone(self, kind: str, ref: str, *, due: datetime, key: str | None = None) -> None:
        """Like enqueue, but an unfinished job of the same key moves to exactly `due`."""
        self._ask(kind, ref, due, key, keep_earlier=False)

    def cancel(self, key: str) -> bool:
        """Drop an unfinished job."""
        return self._connection.execute(sa.delete(job).where(job.c.key == key, _IS_READY)).rowcount == 1

    def claim(self, owner: str, *, now: datetime, lease_until: datetime, limit: int,
              only: frozenset[str] = frozenset(), but_not: frozenset[str] = frozenset()) -> list[Job]:
        """Take up to `limit` due jobs whose lease is over (SKIP LOCKED on PostgreSQL), of `only` these kinds if any
        are named."""
        rows = _claiming(only, but_not).all(self._connection, {
            "now": now, "most": limit, "of_owner": owner, "leased_until": lease_until})
        return sorted((_job(row) for row in rows), key=lambda claimed: (claimed.due, claimed.id))

    def extend(self, job_ids: list[int], owner: str, *, lease_until: datetime) -> int:
        """Keep the lease of jobs that are still running; returns how many are still held."""
        return self._connection.execute(sa.update(job).where(job.c.id.in_(job_ids), *_held(owner))
                                        .values(lease_until=lease_until)).rowcount

    def finish(self, job_id: int, owner: str) -> bool:
        """True if the owner still held it."""
        return _FINISH.run(self._connection, {"of_id": job_id, "of_owner": owner}) == 1

    def retry(self, job_id: int, owner: str, *, due: datetime, why: str) -> bool:
        """Give it back, due later (or sooner, if it was asked for again meanwhile), with the reason."""
        is_sooner = sa.and_(job.c.again_due.is_not(None), job.c.again_due < due)
        done = self._connection.execute(
            sa.update(job).where(job.c.id == job_id, *_held(owner))
            .values(due=sa.case((is_sooner, job.c.again_due), else_=sa.bindparam("later", due, job.c.due.type)),
                    again_due=None, owner=None, lease_until=None, last_error=why))
        return done.rowcount == 1

    def release_all(self) -> int:
        """End every lease. Only for an engine that one process has to itself: no other owner can be alive."""
        return self._connection.execute(sa.update(job).where(_IS_RUNNING)
                                        .values(owner=None, lease_until=None)).rowcount

    def next_due(self, *, only: frozenset[str] = frozenset(), but_not: frozenset[str] = frozenset(),
                 ) -> datetime | None:
        """When the earliest ready job can be claimed."""
        row = _next_due(only, but_not).first(self._connection, {})
        return None if row is None else row["at"]

    def are_waiting(self, kind: str, *, more_than: int) -> bool:
        """True if more jobs of the kind than that are not finished."""
        waiting = sa.select(job.c.id).where(_IS_READY, job.c.kind == kind).limit(more_than + 1)
        return len(self._connection.execute(waiting).all()) > more_than

    def counts(self) -> dict[str, int]:
        """Number of jobs by state: "ready", "done", and "failed" for those that wait after an error."""
        state = sa.case((sa.and_(_IS_READY, job.c.last_error != ""), "failed"), else_=job.c.state)
        rows = self._connection.execute(sa.select(state, sa.func.count()).group_by(state))
        return {"ready": 0, "done": 0, "failed": 0} | {str(name): int(count) for name, count in rows}

    def waiting(self) -> dict[str, int]:
        """The same without the finished ones: cheap however long the gateway has run."""
        state = sa.case((job.c.last_error != "", "failed"), else_=_READY)
        rows = self._connection.execute(sa.select(state, sa.func.count()).where(_IS_READY).group_by(state))
        return {"ready": 0, "failed": 0} | {str(name): int(count) for name, count in rows}

    def remove_done(self, *, due_before: datetime) -> int:
        """Forget finished jobs of the past; the audit trail keeps what they did."""
        return self._connection.execute(
            sa.delete(job).where(job.c.state == _DONE, job.c.due < due_before)).rowcount

    def _ask(self, kind: str, ref: str, due: datetime, key: str | None, *, keep_earlier: bool) -> None:
        (_ENQUEUE if keep_earlier else _POSTPONE).run(self._connection, {
            "key": key or f"{kind}:{ref}", "kind": kind, "ref": ref, "due": due, "state": _READY})


def _asking(dialect: str, *, keep_earlier: bool) -> sa.Insert:
    """INSERT, or for a known key what enqueue and postpone say."""
    insert = insert_for(dialect, job)
    asked = insert.excluded.due
    new_due: Any = asked
    new_again: Any = asked
    if keep_earlier:
        new_due = sa.case((job.c.due < asked, job.c.due), else_=asked)
        new_again = sa.case((job.c.again_due < asked, job.c.again_due), else_=asked)
    return insert.on_conflict_do_update(
        index_elements=[job.c.key],
        set_={"due": sa.case((_IS_RUNNING, job.c.due), (_IS_READY, new_due), else_=asked),
              "again_due": sa.case((_IS_RUNNING, new_again), else_=None),
              "attempt": sa.case((_IS_READY, job.c.attempt), else_=0),
              "state": _READY})


@lru_cache(maxsize=32)
def _claiming(only: frozenset[str], but_not: frozenset[str]) -> Prepared:
    """Choose and take in one statement; what is chosen is locked, so that PostgreSQL works it out once."""
    now = sa.bindparam("now", type_=job.c.due.type)
    is_free = sa.or_(job.c.lease_until.is_(None), job.c.lease_until <= now)
    wanted = (sa.select(job.c.id).where(_IS_READY, job.c.due <= now, is_free, *_lane(only, but_not))
              .order_by(job.c.due, job.c.id).limit(sa.bindparam("most", type_=sa.Integer))
              .with_for_update(skip_locked=True).cte("wanted"))
    # What was asked for up to now is covered by the run that begins now; a later wish stays.
    later_wish = sa.case((job.c.again_due > now, job.c.again_due))
    return Prepared(sa.update(job).where(job.c.id.in_(sa.select(wanted.c.id))).values(
        owner=sa.bindparam("of_owner"), lease_until=sa.bindparam("leased_until"), attempt=job.c.attempt + 1,
        again_due=later_wish).returning(*job.c))


@lru_cache(maxsize=32)
def _next_due(only: frozenset[str], but_not: frozenset[str]) -> Prepared:
    is_leased_longer = sa.and_(job.c.lease_until.is_not(None), job.c.lease_until > job.c.due)
    claimable_at = sa.case((is_leased_longer, job.c.lease_until), else_=job.c.due)
    return Prepared(sa.select(sa.func.min(claimable_at).label("at")).where(_IS_READY, *_lane(only, but_not)))


def _lane(only: frozenset[str], but_not: frozenset[str]) -> list[sa.ColumnElement[bool]]:
    """The kinds of jobs that somebody looks after."""
    return [*([sa.or_(*(job.c.kind == kind for kind in sorted(only)))] if only else []),
            *(job.c.kind != kind for kind in sorted(but_not))]


def _held(owner: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (_IS_READY, job.c.owner == owner)


def _finishing() -> sa.Update:
    is_wanted_again = job.c.again_due.is_not(None)
    return sa.update(job).where(
        job.c.id == sa.bindparam("of_id"), _IS_READY, job.c.owner == sa.bindparam("of_owner")).values(
        state=sa.case((is_wanted_again, _READY), else_=_DONE), due=sa.func.coalesce(job.c.again_due, job.c.due),
        attempt=sa.case((is_wanted_again, 0), else_=job.c.attempt), again_due=None, owner=None, lease_until=None,
        last_error="")


# Built once: every job runs these.
_FINISH = Prepared(_finishing())
_ENQUEUE = Prepared(partial(_asking, keep_earlier=True))
_POSTPONE = Prepared(partial(_asking, keep_earlier=False))


def _job(row: Mapping[str, Any]) -> Job:
    return Job(row["id"], row["key"], row["kind"], row["ref"], row["due"], row["attempt"], row["last_error"])
