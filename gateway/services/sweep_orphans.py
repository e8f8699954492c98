"""Remove what a crash left behind: part files, and objects that no index row names.

Bytes come before the index, so a crash between them leaves an orphan, never a row without bytes. The sender got no
success answer and sends again. An orphan is removed once it is old enough that nobody can still be about to index it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from gateway.services.job_runner import JobHandler
from gateway.services.ports import Parts
from storage.errors import ObjectMissing
from storage.model import Job

YOUNGEST_ORPHAN = timedelta(hours=1)
_EVERY = timedelta(hours=6)
_JOB_KIND = "sweep_orphans"
_DONE_JOBS_KEPT = timedelta(days=7)
_NOTICES_KEPT = timedelta(days=30)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What a sweep removed."""

    part_files: int
    orphans: int
    finished_jobs: int
    sessions: int


async def clear_part_files(parts: Parts) -> int:
    """At start, before any door is open: every part file is of a writer that is dead."""
    count = await asyncio.to_thread(parts.objects.remove_parts, begun_before=parts.clock())
    if count:
        _log.info("removed part files of broken-off arrivals", count=count)
    return count


async def schedule_sweep(parts: Parts) -> None:
    """At start: have a sweep done now and then."""
    due = parts.clock() + YOUNGEST_ORPHAN
    await parts.database.write(lambda tx: tx.jobs.enqueue(_JOB_KIND, "store", due=due))


async def sweep_orphans(parts: Parts) -> SweepResult:
    """Remove old orphans and part files, and forget finished jobs, sessions and notices of the past."""
    now = parts.clock()
    stored_before = now - YOUNGEST_ORPHAN
    part_files = await asyncio.to_thread(parts.objects.remove_parts, begun_before=stored_before)
    orphans = 0
    for sha256 in await asyncio.to_thread(parts.objects.names):
        if not await _is_named(parts, sha256) and await _remove(parts, sha256, stored_before):
            orphans += 1
    finished_jobs, sessions, _ = await parts.database.write(lambda tx: (
        tx.jobs.remove_done(due_before=now - _DONE_JOBS_KEPT), tx.users.remove_expired_sessions(now),
        tx.notices.remove(before=now - _NOTICES_KEPT)))
    if orphans or part_files:
        _log.info("swept the object store", orphans=orphans, part_files=part_files)
    return SweepResult(part_files, orphans, finished_jobs, sessions)


async def _is_named(parts: Parts, sha256: str) -> bool:
    return await parts.database.read(lambda tx: tx.objects.has(sha256))


async def _remove(parts: Parts, sha256: str, stored_before: datetime) -> bool:
    try:
        return await asyncio.to_thread(parts.objects.remove_orphan, sha256, stored_before=stored_before)
    except ObjectMissing:
        return False  # somebody else removed it


async def _run(parts: Parts, _job: Job) -> None:
    await sweep_orphans(parts)
    due = parts.clock() + _EVERY
    await parts.database.write(lambda tx: tx.jobs.postpone(_JOB_KIND, "store", due=due))


HANDLERS: dict[str, JobHandler] = {_JOB_KIND: _run}
