"""The job table on both engines: one owner at a time, nothing lost when an owner dies."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

from tests.support.stores import START


def after(seconds):
    return START + timedelta(seconds=seconds)


async def enqueue(database, ref="a", *, due=0.0, kind="work", key=None):
    await database.write(lambda tx: tx.jobs.enqueue(kind, ref, due=after(due), key=key))


async def claim(database, owner, *, now=0.0, lease_s=60.0, limit=10):
    return await database.write(lambda tx: tx.jobs.claim(owner, now=after(now), lease_until=after(now + lease_s),
                                                         limit=limit))


async def finish(database, job, owner):
    return await database.write(lambda tx: tx.jobs.finish(job.id, owner))


async def test_a_due_job_is_claimed_once_and_finished_by_its_owner_alone(database):
    await enqueue(database)
    [job] = await claim(database, "first")
    assert (job.kind, job.ref, job.key, job.attempt) == ("work", "a", "work:a", 1)
    assert await claim(database, "second", now=30) == []
    assert await finish(database, job, "second") is False
    assert await finish(database, job, "first") is True
    assert await finish(database, job, "first") is False
    assert await database.read(lambda tx: tx.jobs.counts()) == {"ready": 0, "done": 1, "failed": 0}


async def test_a_job_is_not_claimed_before_it_is_due_and_the_earliest_comes_first(database):
    await enqueue(database, "later", due=20)
    await enqueue(database, "soon", due=10)
    assert await claim(database, "me", now=9) == []
    assert [job.ref for job in await claim(database, "me", now=20, limit=1)] == ["soon"]
    assert [job.ref for job in await claim(database, "me", now=20)] == ["later"]


async def test_a_job_of_a_dead_owner_is_taken_over_when_its_lease_ends(database):
    await enqueue(database)
    [job] = await claim(database, "dead", lease_s=60)
    assert await claim(database, "heir", now=59) == []
    [taken] = await claim(database, "heir", now=60)
    assert (taken.id, taken.attempt) == (job.id, 2)
    assert await finish(database, job, "dead") is False, "the dead came back: the job is not its any more"
    assert await finish(database, taken, "heir") is True


async def test_a_lease_that_is_extended_is_not_taken_over(database):
    await enqueue(database)
    [job] = await claim(database, "slow", lease_s=60)
    extended = await database.write(lambda tx: tx.jobs.extend([job.id], "slow", lease_until=after(120)))
    assert extended == 1
    assert await database.write(lambda tx: tx.jobs.extend([job.id], "other", lease_until=after(999))) == 0
    assert await claim(database, "heir", now=119) == []
    assert len(await claim(database, "heir", now=120)) == 1


async def test_racing_claimers_never_get_the_same_job(database):
    def enqueue_all(tx):
        for number in range(200):
            tx.jobs.enqueue("work", str(number), due=START)

    await database.write(enqueue_all)

    async def take_all(owner):
        taken = []
        while jobs := await claim(database, owner, limit=7):
            taken += [job.id for job in jobs]
        return taken

    taken = await asyncio.gather(*[take_all(f"owner-{n}") for n in range(6)])
    counts = Counter(job for jobs in taken for job in jobs)
    assert len(counts) == 200
    assert set(counts.values()) == {1}


async def test_the_same_key_is_one_job_with_the_earlier_due_time(database):
    await enqueue(database, due=30)
    await enqueue(database, due=10)
    await enqueue(database, due=50)
    assert await database.read(lambda tx: tx.jobs.next_due()) == after(10)
    assert len(await claim(database, "me", now=100)) == 1


async def test_postponing_moves_an_unfinished_job_to_exactly_then(database):
    await enqueue(database, due=10)
    await database.write(lambda tx: tx.jobs.postpone("work", "a", due=after(40)))
    assert await database.read(lambda tx: tx.jobs.next_due()) == after(40)
    await database.write(lambda tx: tx.jobs.postpone("work", "a", due=after(20)))
    assert await database.read(lambda tx: tx.jobs.next_due()) == after(20)


async def test_a_finished_job_is_made_ready_again_from_the_start(database):
    await enqueue(database)
    [job] = await claim(database, "me")
    await finish(database, job, "me")
    await enqueue(database, due=5)
    [again] = await claim(database, "me", now=5)
    assert (again.id, again.attempt) == (job.id, 1)


async def test_a_job_asked_for_while_it_runs_is_run_once_more(database):
    await enqueue(database)
    [job] = await claim(database, "me")
    await enqueue(database, due=7)
    assert await claim(database, "other", now=8) == [], "it must not run twice at the same time"
    assert await finish(database, job, "me") is True
    assert await database.read(lambda tx: tx.jobs.next_due()) == after(7)
    [again] = await claim(database, "other", now=8)
    assert await finish(database, again, "other") is True
    assert await claim(database, "other", now=100) == []


async def test_a_running_job_that_postpones_itself_waits_until_then(database):
    await enqueue(database)
    [job] = await claim(database, "me")
    await database.write(lambda tx: tx.jobs.postpone("work", "a", due=after(45)))
    await finish(database, job, "me")
    assert await claim(database, "me", now=44) == []
    assert len(await claim(database, "me", now=45)) == 1


async def test_a_later_wish_survives_the_death_of_the_owner_that_it_met(database):
    await enqueue(database)
    await claim(database, "dead", lease_s=60)
    await database.write(lambda tx: tx.jobs.postpone("work", "a", due=after(90)))
    [job] = await claim(database, "heir", now=60)
    await finish(database, job, "heir")
    assert len(await claim(database, "heir", now=90)) == 1


async def test_a_job_given_back_waits_with_its_reason_and_keeps_counting(database):
    await enqueue(database)
    [job] = await claim(database, "me")
    given_back = await database.write(lambda tx: tx.jobs.retry(job.id, "me", due=after(30), why="网络不通"))
    assert given_back is True
    assert await database.write(lambda tx: tx.jobs.retry(job.id, "me", due=after(99), why="again")) is False
    assert (await database.read(lambda tx: tx.jobs.counts()))["failed"] == 1
    assert await database.read(lambda tx: tx.jobs.waiting()) == {"ready": 0, "failed": 1}
    assert await claim(database, "me", now=29) == []
    [again] = await claim(database, "me", now=30)
    assert (again.attempt, again.last_error) == (2, "网络不通")


async def test_a_cancelled_job_is_gone_and_a_finished_one_cannot_be_cancelled(database):
    await enqueue(database, "a")
    await enqueue(database, "b")
    assert await database.write(lambda tx: tx.jobs.cancel("work:a")) is True
    assert await database.write(lambda tx: tx.jobs.cancel("work:a")) is False
    [job] = await claim(database, "me")
    await finish(database, job, "me")
    assert await database.write(lambda tx: tx.jobs.cancel("work:b")) is False


async def test_the_next_due_time_minds_leases(database):
    assert await database.read(lambda tx: tx.jobs.next_due()) is None
    await enqueue(database)
    await claim(database, "me", lease_s=60)
    assert await database.read(lambda tx: tx.jobs.next_due()) == after(60)


async def test_a_job_enqueued_in_a_write_that_fails_is_not_there(database):
    def work(tx):
        tx.jobs.enqueue("work", "a", due=START)
        raise LookupError

    await asyncio.gather(database.write(work), return_exceptions=True)
    assert await claim(database, "me") == []


async def test_leases_end_at_once_where_no_other_owner_can_live(database):
    await enqueue(database)
    await claim(database, "dead", lease_s=3600)
    assert await database.write(lambda tx: tx.jobs.release_all()) == 1
    assert len(await claim(database, "me", now=1)) == 1


async def test_finished_jobs_of_the_past_are_forgotten(database):
    await enqueue(database, "old", due=0)
    await enqueue(database, "new", due=50)
    for job in await claim(database, "me", now=60):
        await finish(database, job, "me")
    assert await database.write(lambda tx: tx.jobs.remove_done(due_before=after(50))) == 1
    assert (await database.read(lambda tx: tx.jobs.counts()))["done"] == 1


async def test_a_lane_takes_its_own_kinds_alone_and_knows_when_they_are_due(database):
    slow = frozenset({"slow"})

    def work(tx):
        tx.jobs.enqueue("slow", "1", due=START)
        tx.jobs.enqueue("slow", "2", due=START)
        tx.jobs.enqueue("quick", "1", due=START + timedelta(seconds=1))
        now, until = START + timedelta(seconds=2), START + timedelta(minutes=1)
        dues = (tx.jobs.next_due(), tx.jobs.next_due(only=slow), tx.jobs.next_due(but_not=slow))
        crowds = [tx.jobs.are_waiting("slow", more_than=most) for most in (0, 1, 2)]
        quick = tx.jobs.claim("a", now=now, lease_until=until, limit=9, but_not=slow)
        mine = tx.jobs.claim("b", now=now, lease_until=until, limit=9, only=slow)
        return dues, crowds, [job.kind for job in quick], [job.ref for job in mine]

    dues, crowds, quick, mine = await database.write(work)
    assert dues == (START, START, START + timedelta(seconds=1))
    assert crowds == [True, True, False]
    assert (quick, mine) == (["quick"], ["1", "2"])
