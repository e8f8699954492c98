"""Run the jobs that are due: claim with a lease, run the handler of the kind, finish or try again later.

At least once: a process that dies leaves its lease to run out, then another claims the job; handlers therefore
look at the state before they act. A lease is kept alive while its handler runs. One job's failure never stops the
others: it waits with its error and a growing pause, and is never given up silently.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import structlog

from gateway.core.retry import backoff_s
from gateway.observability import metrics
from gateway.services.event_bus import EventBus
from gateway.services.ports import Parts
from storage.errors import StorageError
from storage.interface import Transaction
from storage.model import Job

JobHandler = Callable[[Parts, Job], Awaitable[None]]

_log = structlog.get_logger(__name__)
_POLL_S = 1.0
_LONGEST_PAUSE_S = 300.0
_LONGEST_STOP_S = 8.0


class RetryLater(Exception):
    """Raised by a handler: nothing is wrong, but it cannot be done before `due`; `why` is shown to people."""

    def __init__(self, due: datetime, why: str) -> None:
        super().__init__(why)
        self.due = due
        self.why = why


class JobRunner:
    """Owns one polling task, one task a running job, and one that keeps the leases alive.

    A kind of job that would hold up the others under load gets a runner of its own: `only` its kind, and the other
    runner takes all `but_not` that.
    """

    def __init__(self, parts: Parts, handlers: Mapping[str, JobHandler], *, lease_s: float = 60.0, workers: int = 4,
                 poll_s: float = _POLL_S, only: frozenset[str] = frozenset(),
                 but_not: frozenset[str] = frozenset()) -> None:
        self._parts = parts
        self._handlers = dict(handlers)
        self._lease = timedelta(seconds=lease_s)
        self._workers = workers
        self._poll_s = poll_s
        self._only, self._but_not = only, but_not
        self._owner = f"{parts.node}:{os.getpid()}:{os.urandom(4).hex()}"  # never the same twice, so never mistaken
        self._random = random.Random()  # noqa: S311  spreads retries, guards nothing
        self._running: dict[int, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._has_work = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_stopping = False

    async def start(self) -> None:
        """Begin to claim and run."""
        self._loop = asyncio.get_running_loop()
        if isinstance(self._parts.events, EventBus):
            self._parts.events.on_jobs(self.wake)
        self._tasks = [asyncio.create_task(self._claim_until_stopped(), name="jobs-claim"),
                       asyncio.create_task(self._keep_leases(), name="jobs-leases")]

    async def stop(self, *, longest_s: float = _LONGEST_STOP_S) -> None:
        """Claim no more, let running jobs end; what still runs after `longest_s` is cancelled and given back."""
        self._is_stopping = True
        if isinstance(self._parts.events, EventBus):
            self._parts.events.forget_jobs(self.wake)
        for task in self._tasks[:1]:
            await _cancelled(task)
        running = list(self._running.values())
        if running:
            await asyncio.wait(running, timeout=longest_s)
            for task in running:
                await _cancelled(task)
        for task in self._tasks[1:]:
            await _cancelled(task)
        self._tasks = []

    def wake(self) -> None:
        """A job may be due: look at once. May be called from any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: there is nobody left to wake
                self._loop.call_soon_threadsafe(self._has_work.set)

    async def run_due(self) -> int:
        """Run what is due now, one round after another until nothing is; returns how many. For tests and tools."""
        count = 0
        while jobs := (await self._claim(limit=64))[0]:
            for job in jobs:
                await self._run(job)
            count += len(jobs)
        return count

    # ------------------------------------------------------------------------------------------------------ tasks
    async def _claim_until_stopped(self) -> None:
        while not self._is_stopping:
            self._has_work.clear()
            pause_s = self._poll_s
            try:
                free = self._workers - len(self._running)
                if free > 0:
                    pause_s = await self._pause_s()
                    if pause_s <= 0:
                        jobs, pause_s = await self._claim(limit=free)
                        for job in jobs:
                            self._begin(job)
            except StorageError as exc:
                _log.warning("jobs wait, the store does not answer", error=type(exc).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._has_work.wait(), timeout=pause_s)

    async def _keep_leases(self) -> None:
        while True:
            await self._count_waiting()
            await asyncio.sleep(self._lease.total_seconds() / 3)
            ids = list(self._running)
            if ids:
                until = self._parts.clock() + self._lease
                try:
                    await self._extend(ids, until)
                except StorageError as exc:
                    _log.warning("leases were not renewed", error=type(exc).__name__)

    def _begin(self, job: Job) -> None:
        task = asyncio.create_task(self._run(job), name=f"job-{job.id}")
        self._running[job.id] = task
        task.add_done_callback(lambda _: self._ended(job.id))

    def _ended(self, job_id: int) -> None:
        self._running.pop(job_id, None)
        self._has_work.set()

    async def _run(self, job: Job) -> None:
        outcome = "done"
        try:
            handler = self._handlers.get(job.kind)
            if handler is None:
                raise LookupError(f"nobody handles jobs of the kind {job.kind!r}")
            await handler(self._parts, job)
            await self._parts.database.write(lambda tx: tx.jobs.finish(job.id, self._owner))
        except asyncio.CancelledError:
            outcome = "stopped"
            await self._give_back(job, self._parts.clock(), "the gateway was stopped")
            raise
        except RetryLater as exc:
            outcome = "later"
            await self._give_back(job, exc.due, exc.why)
        except Exception as exc:  # the outermost loop of every job: log it, keep it, serve the next
            outcome = "failed"
            pause_s = backoff_s(job.attempt, base_s=2.0, cap_s=_LONGEST_PAUSE_S, jitter=self._random.random())
            _log.exception("job failed", kind=job.kind, job=job.id, attempt=job.attempt, again_in_s=round(pause_s))
            await self._give_back(job, self._parts.clock() + timedelta(seconds=pause_s),
                                  f"{type(exc).__name__}: {exc}")
        finally:
            metrics.JOBS.labels(kind=job.kind, outcome=outcome).inc()

    # ---------------------------------------------------------------------------------------------------- storage
    async def _pause_s(self) -> float:
        return self._until(await self._parts.database.read(self._next_due))

    def _until(self, due: datetime | None) -> float:
        if due is None:
            return self._poll_s
        return min(self._poll_s, (due - self._parts.clock()).total_seconds())

    def _next_due(self, tx: Transaction) -> datetime | None:
        return tx.jobs.next_due(only=self._only, but_not=self._but_not)

    async def _claim(self, *, limit: int) -> tuple[list[Job], float]:
        """The jobs, and for how long there is nothing else to do: known without asking again beside their begin."""
        now = self._parts.clock()

        def work(tx: Transaction) -> tuple[list[Job], datetime | None]:
            jobs = tx.jobs.claim(self._owner, now=now, lease_until=now + self._lease, limit=limit,
                                 only=self._only, but_not=self._but_not)
            return jobs, self._next_due(tx)

        jobs, due = await self._parts.database.write(work)
        return jobs, self._until(due)

    async def _count_waiting(self) -> None:
        try:
            for state, count in (await self._parts.database.read(lambda tx: tx.jobs.waiting())).items():
                metrics.JOBS_WAITING.labels(state=state).set(count)
        except StorageError:
            pass  # the number grows old; who claims says that the store does not answer

    async def _extend(self, job_ids: list[int], until: datetime) -> None:
        await self._parts.database.write(lambda tx: tx.jobs.extend(job_ids, self._owner, lease_until=until))

    async def _give_back(self, job: Job, due: datetime, why: str) -> None:
        try:
            await self._parts.database.write(lambda tx: tx.jobs.retry(job.id, self._owner, due=due, why=why[:500]))
        except StorageError as exc:  # its lease will run out instead
            _log.warning("job could not be given back", kind=job.kind, job=job.id, error=type(exc).__name__)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
