"""The roster: who plans it, weeks like another, swaps with a head who has the last word (D1)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.core.errors import InvalidRequest, NotAllowed, NotFound, NotNow
from gateway.services.people.keep_roster import add_entry, copy_week, drop_entry
from gateway.services.people.swap_duty import answer_swap, ask_swap, withdraw_swap
from storage.model import Role
from storage.model.rosters import EntryKind, SwapState
from tests.support.duty_room import ZONE, open_room, stretch
from tests.support.routing_builders import add_user, user


@pytest.fixture
async def people(parts):
    return await open_room(parts)


@pytest.fixture
async def boss(parts):
    return await add_user(parts, user("boss", Role.ADMIN))


async def test_the_head_plans_the_group_and_a_reader_only_their_own_leave(parts, people, boss, clock):
    ann, cleo = people["ann"], people["cleo"]
    made = await add_entry(parts, cleo, stretch(ann, clock))
    for forbidden in (stretch(ann, clock, start_h=9), stretch(cleo, clock, kind=EntryKind.LEAVE)):
        with pytest.raises(NotAllowed) as caught:
            await add_entry(parts, ann, forbidden)
        assert caught.value.reason == "not-planner"
    with pytest.raises(NotNow) as twice:
        await add_entry(parts, boss, stretch(ann, clock, start_h=4))
    assert twice.value.reason == "overlaps"
    with pytest.raises(NotNow) as busy:
        await add_entry(parts, ann, stretch(ann, clock, start_h=1, hours=1, kind=EntryKind.LEAVE))
    assert busy.value.reason == "on-duty"
    with pytest.raises(InvalidRequest):
        await add_entry(parts, boss, stretch(ann, clock, group="nothing"))
    with pytest.raises(InvalidRequest):
        await add_entry(parts, boss, stretch(ann, clock, start_h=50, hours=24 * 8))
    await drop_entry(parts, cleo, made.id)
    with pytest.raises(NotFound):
        await drop_entry(parts, cleo, made.id)


async def test_a_week_is_copied_without_those_who_are_away_then(parts, people, boss, clock):
    monday = clock().astimezone(ZONE).date()
    assert monday.weekday() == 0
    await add_entry(parts, boss, stretch(people["ann"], clock, start_h=2))
    await add_entry(parts, boss, stretch(people["bob"], clock, start_h=26))
    await add_entry(parts, people["bob"], stretch(people["bob"], clock, start_h=24 * 7, hours=72,
                                                  kind=EntryKind.LEAVE))
    next_week = monday + timedelta(days=7)
    done = await copy_week(parts, people["cleo"], "imaging", week=monday, to_week=next_week)
    assert (done.added, done.skipped) == (1, 1)
    assert (await copy_week(parts, boss, "imaging", week=monday, to_week=next_week)).added == 0


async def test_a_swap_needs_the_colleague_and_then_the_head(parts, people, boss, clock):
    ann, bob, cleo = people["ann"], people["bob"], people["cleo"]
    entry = await add_entry(parts, boss, stretch(ann, clock, start_h=24))
    swap = await ask_swap(parts, ann, entry.id, bob.id, "孩子开学")
    with pytest.raises(NotAllowed):
        await answer_swap(parts, ann, swap.id, agrees=True)
    agreed = await answer_swap(parts, bob, swap.id, agrees=True)
    assert agreed.state is SwapState.AGREED
    owner = (await parts.database.read(lambda tx: tx.rosters.entry(entry.id))).user_id
    assert owner == ann.id, "the head has not spoken yet"
    with pytest.raises(NotAllowed):
        await answer_swap(parts, bob, swap.id, agrees=True)
    done = await answer_swap(parts, cleo, swap.id, agrees=True)
    assert (done.state, done.decided_by) == (SwapState.DONE, cleo.id)
    assert (await parts.database.read(lambda tx: tx.rosters.entry(entry.id))).user_id == bob.id
    with pytest.raises(NotNow):
        await answer_swap(parts, cleo, swap.id, agrees=True)


async def test_a_swap_is_refused_with_a_reason_or_withdrawn(parts, people, boss, clock):
    ann, bob = people["ann"], people["bob"]
    entry = await add_entry(parts, boss, stretch(ann, clock, start_h=24))
    swap = await ask_swap(parts, ann, entry.id, bob.id, "")
    with pytest.raises(InvalidRequest):
        await answer_swap(parts, bob, swap.id, agrees=False)
    refused = await answer_swap(parts, bob, swap.id, agrees=False, reason="当天有手术")
    assert (refused.state, refused.reason) == (SwapState.REFUSED, "当天有手术")
    again = await ask_swap(parts, ann, entry.id, bob.id, "")
    assert (await withdraw_swap(parts, ann, again.id)).state is SwapState.WITHDRAWN
    third = await ask_swap(parts, ann, entry.id, bob.id, "")
    await drop_entry(parts, boss, entry.id)
    settled = await parts.database.read(lambda tx: tx.rosters.swap(third.id))
    assert settled.state is SwapState.WITHDRAWN, "what was asked for is gone"
