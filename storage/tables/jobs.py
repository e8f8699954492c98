"""The job table: work that is due, with leases; enqueued in the commit of the change that asks for it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from storage.model import Job


class Jobs:
    """At least once: a job whose owner died is claimed by another when the lease ends."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def enqueue(self, kind: str, ref: str, *, due: datetime, key: str | None = None) -> None:
        """Add work; key defaults to "kind:ref". An unfinished job of the same key keeps its place with the earlier due time; a finished one is made ready again."""
        raise NotImplementedError

    def postpone(self, kind: str, ref: str, *, due: datetime, key: str | None = None) -> None:
        """Like enqueue, but an unfinished job of the same key moves to exactly `due`."""
        raise NotImplementedError

    def cancel(self, key: str) -> bool:
        """Drop an unfinished job."""
        raise NotImplementedError

    def claim(self, owner: str, *, now: datetime, lease_until: datetime, limit: int) -> list[Job]:
        """Take up to `limit` due jobs whose lease is over (SKIP LOCKED on PostgreSQL)."""
        raise NotImplementedError

    def finish(self, job_id: int, owner: str) -> bool:
        """True if the owner still held it."""
        raise NotImplementedError

    def retry(self, job_id: int, owner: str, *, due: datetime, why: str) -> bool:
        """Give it back, due later, with the reason."""
        raise NotImplementedError

    def next_due(self) -> datetime | None:
        """When the earliest ready job is due."""
        raise NotImplementedError

    def counts(self) -> dict[str, int]:
        """Number of jobs by state ("ready", "done", "failed")."""
        raise NotImplementedError
