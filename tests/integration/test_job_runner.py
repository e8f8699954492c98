"""The job runner over real SQLite: it runs what is due, survives failures, and gives work back when stopped."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from gateway.services.event_bus import EventBus
from gateway.services.job_runner import JobRunner, RetryLater
from tests.support.waiting import until


@pytest.fixture
def events():
    return EventBus()


async def enqueue(parts, kind, ref, *, in_s=0.0):
    due = parts.clock() + timedelta(seconds=in_s)
    await parts.database.write(lambda tx: tx.jobs.enqueue(kind, ref, due=due))
    parts.events.wake_jobs()


async def counts(parts):
    return await parts.database.read(lambda tx: tx.jobs.counts())


async def test_a_job_runs_as_soon_as_it_is_enqueued_and_once(parts):
    seen = []

    async def handle(_parts, job):
        seen.append(job.ref)

    runner = JobRunner(parts, {"greet": handle}, poll_s=30)  # so that only the wake-up can be in time
    await runner.start()
    try:
        await enqueue(parts, "greet", "a")
        await until(lambda: seen == ["a"])
        await enqueue(parts, "greet", "b")
        await until(lambda: seen == ["a", "b"])
    finally:
        await runner.stop()
    assert await counts(parts) == {"ready": 0, "done": 2, "failed": 0}


async def test_a_job_that_is_due_soon_after_another_runs_at_its_time(parts, clock):
    seen = []

    async def handle(_parts, job):
        seen.append(job.ref)

    runner = JobRunner(dataclasses.replace(parts, clock=lambda: datetime.now(UTC)), {"work": handle}, poll_s=30)
    at = datetime.now(UTC)

    def both(tx):
        tx.jobs.enqueue("work", "now", due=at)
        tx.jobs.enqueue("work", "soon", due=at + timedelta(seconds=0.5))

    await parts.database.write(both)
    await runner.start()                         # nobody wakes it: it must know when the second is due
    try:
        await until(lambda: seen == ["now", "soon"])
    finally:
        await runner.stop()
    assert datetime.now(UTC) - at < timedelta(seconds=10)


async def test_more_jobs_than_workers_all_run(parts):
    seen = []

    async def handle(_parts, job):
        await asyncio.sleep(0)
        seen.append(job.ref)

    refs = [f"{number:02}" for number in range(20)]
    await parts.database.write(lambda tx: [tx.jobs.enqueue("work", ref, due=parts.clock()) for ref in refs] and None)
    runner = JobRunner(parts, {"work": handle}, poll_s=30, workers=3)
    await runner.start()
    try:
        await until(lambda: len(seen) == len(refs))
    finally:
        await runner.stop()
    assert sorted(seen) == refs


async def test_a_failing_job_waits_with_its_error_and_the_next_one_runs(parts, clock):
    seen = []

    async def handle(_parts, job):
        seen.append(job.ref)
        if job.ref == "bad" and job.attempt == 1:
            raise ValueError("no such thing")

    runner = JobRunner(parts, {"work": handle})
    await enqueue(parts, "work", "bad")
    await enqueue(parts, "work", "good")
    await runner.run_due()
    assert seen == ["bad", "good"]
    assert await counts(parts) == {"ready": 0, "done": 1, "failed": 1}
    clock.advance(2)
    await runner.run_due()
    assert seen == ["bad", "good", "bad"]
    assert await counts(parts) == {"ready": 0, "done": 2, "failed": 0}


async def test_a_job_that_asks_for_later_runs_then_and_says_why_it_waits(parts, clock):
    async def handle(_parts, job):
        if job.attempt == 1:
            raise RetryLater(clock() + timedelta(seconds=40), "the study is still arriving")

    runner = JobRunner(parts, {"work": handle})
    await enqueue(parts, "work", "a")
    await runner.run_due()
    assert await parts.database.read(lambda tx: tx.jobs.next_due()) == clock() + timedelta(seconds=40)
    clock.advance(39)
    assert await runner.run_due() == 0
    clock.advance(1)
    assert await runner.run_due() == 1
    assert (await counts(parts))["done"] == 1


async def test_a_job_asked_for_again_while_it_runs_runs_once_more(parts):
    """The first run may have looked before the change that the second wish is about."""
    seen = []

    async def handle(_parts, job):
        seen.append(job.ref)
        if len(seen) == 1:
            await enqueue(parts, "work", "a")

    await enqueue(parts, "work", "a")
    await JobRunner(parts, {"work": handle}).run_due()
    assert seen == ["a", "a"]
    assert (await counts(parts))["done"] == 1


async def test_a_job_of_an_unknown_kind_is_kept_and_named(parts):
    await enqueue(parts, "strange", "a")
    await JobRunner(parts, {}).run_due()
    assert (await counts(parts))["failed"] == 1


async def test_a_job_that_outlives_its_lease_is_not_run_by_another(parts):
    began, may_end = asyncio.Event(), asyncio.Event()

    async def handle(_parts, _job):
        began.set()
        await may_end.wait()

    extended = []

    real = dataclasses.replace(parts)  # the same parts: a second runner in the same store
    runner = JobRunner(parts, {"slow": handle}, lease_s=0.3)
    await runner.start()
    try:
        await enqueue(parts, "slow", "a")
        await asyncio.wait_for(began.wait(), 5)
        lease_end = await parts.database.read(lambda tx: tx.jobs.next_due())
        parts.clock.advance(0.2)

        async def is_extended():
            extended.append(await parts.database.read(lambda tx: tx.jobs.next_due()))
            return extended[-1] > lease_end

        await until(is_extended)
        parts.clock.advance(0.2)  # past the first lease, inside the renewed one
        assert await JobRunner(real, {"slow": handle}).run_due() == 0
        may_end.set()
        await until(lambda: not runner._running)
    finally:
        await runner.stop()
    assert (await counts(parts))["done"] == 1


async def test_stopping_gives_running_work_back_at_once(parts):
    began = asyncio.Event()

    async def handle(_parts, _job):
        began.set()
        await asyncio.Event().wait()

    runner = JobRunner(parts, {"endless": handle})
    await runner.start()
    await enqueue(parts, "endless", "a")
    await asyncio.wait_for(began.wait(), 5)
    await runner.stop(longest_s=0.05)
    seen = []

    async def quick(_parts, job):
        seen.append(job.ref)

    await JobRunner(parts, {"endless": quick}).run_due()
    assert seen == ["a"]
