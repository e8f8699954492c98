"""A claim is a lock (D3): one wins, it can be given back, taken back with a trace, and it runs out."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

import pytest

from gateway.core.errors import InvalidRequest, NotAllowed, NotFound, NotNow
from gateway.services.claim_reading import (
    HANDLERS,
    claim_reading,
    extend_claim,
    release_reading,
    send_back,
)
from gateway.services.job_runner import JobRunner, RetryLater
from gateway.services.route_study import route_study
from gateway.settings import Settings
from storage.model import EVERYWHERE, Job, ReadingState, Role
from tests.support.routing_builders import add_study, add_user, user
from tests.support.stores import open_parts
from tests.support.waiting import until


@pytest.fixture
async def reading(parts):
    return await route_study(parts, (await add_study(parts)).id)


@pytest.fixture
async def reader(parts):
    return await add_user(parts, user("demo-reader", Role.READER))


async def stored(parts, reading):
    return await parts.database.read(lambda tx: tx.readings.get(reading.id, EVERYWHERE))


async def story(parts, reading):
    entries = await parts.database.read(lambda tx: tx.audit.of_study(reading.study_id, EVERYWHERE))
    return [(e.entry.action, e.entry.actor, e.entry.detail) for e in entries if e.entry.action.startswith("reading.")]


async def test_of_fifty_who_claim_at_once_exactly_one_wins(parts, reading):
    people = [user(f"demo-{n}", Role.READER) for n in range(50)]
    await parts.database.write(
        lambda tx: [tx.users.add(p, password_hash="!", at=parts.clock()) for p in people] and None)
    outcomes = await asyncio.gather(*(claim_reading(parts, p, reading.id) for p in people), return_exceptions=True)
    winners = [o for o in outcomes if not isinstance(o, BaseException)]
    losers = [o for o in outcomes if isinstance(o, NotNow)]
    assert len(winners) == 1
    assert len(losers) == 49
    assert {o.reason for o in losers} <= {"claimed-by-another", "conflict"}
    now = await stored(parts, reading)
    assert now == winners[0]
    assert (now.state, now.writer_id, now.lock_until) == (
        ReadingState.IN_PROGRESS, now.claimed_by, parts.clock() + timedelta(minutes=parts.settings.claim_minutes))
    assert [action for action, _, _ in await story(parts, reading)] == ["reading.claimed"]


async def test_who_comes_second_is_told_who_has_it(parts, reading, reader):
    await claim_reading(parts, reader, reading.id)
    other = await add_user(parts, user("demo-other", Role.READER))
    with pytest.raises(NotNow, match="演示demo-reader") as caught:
        await claim_reading(parts, other, reading.id)
    assert caught.value.reason == "claimed-by-another"
    assert await claim_reading(parts, reader, reading.id) == await stored(parts, reading), "twice is one claim"


async def test_a_claim_needs_the_role_at_the_site(parts, reading):
    strangers = (user("a", Role.READER, site_id="west"), user("b", Role.CLINIC, site_id="east"),
                 user("c", Role.ADMIN))
    for stranger in strangers:
        with pytest.raises((NotFound, NotAllowed)):
            await claim_reading(parts, stranger, reading.id)
    assert (await stored(parts, reading)).state is ReadingState.UNREAD


async def test_a_claim_can_be_given_back_and_taken_again(parts, reading, reader, events):
    await claim_reading(parts, reader, reading.id)
    released = await release_reading(parts, reader, reading.id)
    assert (released.state, released.claimed_by, released.lock_until) == (ReadingState.UNREAD, None, None)
    assert released == await stored(parts, reading)
    assert (await parts.database.read(lambda tx: tx.jobs.counts()))["ready"] == 0, "its timer is gone"
    other = await add_user(parts, user("demo-other", Role.REVIEWER))
    assert (await claim_reading(parts, other, reading.id)).claimed_by == other.id
    assert events.kinds().count("reading") == 4
    assert [d.get("forced") for a, _, d in await story(parts, reading) if a == "reading.released"] == [False]


async def test_only_the_holder_or_an_administrator_can_release_and_force_is_on_the_record(parts, reading, reader):
    await claim_reading(parts, reader, reading.id)
    with pytest.raises(NotNow) as caught:
        await release_reading(parts, await add_user(parts, user("demo-other", Role.REVIEWER)), reading.id)
    assert caught.value.reason == "not-holder"
    admin = await add_user(parts, user("demo-admin", Role.ADMIN))
    assert (await release_reading(parts, admin, reading.id)).state is ReadingState.UNREAD
    action, actor, detail = (await story(parts, reading))[-1]
    assert (action, actor, detail["forced"], detail["held_by"]) == ("reading.released", admin.id, True, reader.id)


async def test_sending_back_needs_a_reason_and_the_lock(parts, reading, reader):
    with pytest.raises(NotNow):
        await send_back(parts, reader, reading.id, "左右标记缺失")
    await claim_reading(parts, reader, reading.id)
    with pytest.raises(InvalidRequest) as caught:
        await send_back(parts, reader, reading.id, "  ")
    assert caught.value.reason == "reason-required"
    sent = await send_back(parts, reader, reading.id, "左右标记缺失")
    assert (sent.state, sent.reason, sent.claimed_by) == (ReadingState.RETURNED, "左右标记缺失", None)
    assert (await story(parts, reading))[-1][2]["reason"] == "左右标记缺失"


async def test_a_lock_that_nobody_extends_is_given_back_by_its_job(parts, reading, reader, clock):
    await claim_reading(parts, reader, reading.id)
    runner = JobRunner(parts, HANDLERS, poll_s=0.01)
    await runner.start()
    try:
        clock.advance(parts.settings.claim_minutes * 60 - 1)
        await runner_looked(parts)
        assert (await stored(parts, reading)).state is ReadingState.IN_PROGRESS
        clock.advance(2)

        async def is_free():
            return (await stored(parts, reading)).state is ReadingState.UNREAD

        await until(is_free)
    finally:
        await runner.stop()
    action, actor, detail = (await story(parts, reading))[-1]
    assert (action, actor, detail["expired"], detail["held_by"]) == ("reading.released", "gateway", True, reader.id)


async def runner_looked(parts):
    """Wait until a job that is due now has been through the runner, so that an earlier one would have been, too."""
    await parts.database.write(lambda tx: tx.jobs.enqueue("release_claim", "nothing", due=parts.clock()))

    async def is_done():
        return (await parts.database.read(lambda tx: tx.jobs.counts()))["done"] >= 1

    await until(is_done)


async def test_saving_extends_the_lock_and_the_job_waits_for_the_new_end(parts, reading, reader, clock):
    await claim_reading(parts, reader, reading.id)
    clock.advance(29 * 60)
    claimed = await stored(parts, reading)
    extended = await parts.database.write(lambda tx: extend_claim(tx, claimed, parts.clock(), 30))
    assert extended == await stored(parts, reading)
    clock.advance(2 * 60)
    job = Job(1, f"release_claim:{reading.id}", "release_claim", reading.id, parts.clock(), 1)
    with pytest.raises(RetryLater) as caught:
        await HANDLERS["release_claim"](parts, job)
    assert caught.value.due == extended.lock_until
    clock.advance(28 * 60)
    await HANDLERS["release_claim"](parts, job)
    assert (await stored(parts, reading)).state is ReadingState.UNREAD


async def test_an_extension_that_comes_too_late_is_refused(parts, reading, reader):
    claimed = await claim_reading(parts, reader, reading.id)
    with pytest.raises(NotNow):
        await parts.database.write(lambda tx: extend_claim(tx, reading, parts.clock(), 30))
    await release_reading(parts, reader, reading.id)
    with pytest.raises(NotNow) as caught:
        await parts.database.write(lambda tx: extend_claim(tx, claimed, parts.clock(), 30))
    assert caught.value.reason == "conflict"


@pytest.mark.parametrize("engine_name", ["sqlite", "postgresql"])
async def test_of_fifty_who_race_through_two_gateways_exactly_one_wins(tmp_path, request, engine_name):
    """On PostgreSQL two pools of two nodes; SQLite is one process's, so both share its writer."""
    async with contextlib.AsyncExitStack() as opened:
        url = request.getfixturevalue("postgres_server").new_store() if engine_name == "postgresql" else ""
        nodes = [await opened.enter_async_context(open_parts(tmp_path / node, settings=Settings(
            data_dir=tmp_path / node, reserve_bytes=0, node=node, database_url=url)))
            for node in (("node-a", "node-b") if url else ("node-a",))]
        first = nodes[0]
        raced = await route_study(first, (await add_study(first)).id)
        people = [user(f"racer-{n}", Role.READER) for n in range(50)]
        await first.database.write(
            lambda tx: [tx.users.add(p, password_hash="!", at=first.clock()) for p in people] and None)
        outcomes = await asyncio.gather(*(claim_reading(nodes[n % len(nodes)], person, raced.id)
                                          for n, person in enumerate(people)), return_exceptions=True)
        winners = [one for one in outcomes if not isinstance(one, BaseException)]
        assert len(winners) == 1
        assert {type(one) for one in outcomes} == {NotNow, type(winners[0])}
        assert await stored(first, raced) == winners[0]
        assert [action for action, _, _ in await story(first, raced)] == ["reading.claimed"]
