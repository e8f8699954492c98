"""Clocks, timers and notices, and the order of the worklist: the same statements on both engines (D4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.core.clock_plan import Plan
from gateway.services.clocks.fire_timers import fire_due
from gateway.services.ports import Parts
from gateway.settings import Settings
from storage.interface import chain_fault
from storage.model import (
    EVERYWHERE,
    AuditEntry,
    Grant,
    Priority,
    ReadingState,
    Role,
    Scope,
    Site,
    SiteKind,
    User,
    new_id,
)
from storage.model.clocks import Notice, NoticeKind, ReadingClock, ReadingTimer, Stage
from storage.objects.files import FileObjectStore
from storage.tables.worklist_rows import ReadingFilter
from tests.support.due_timers import add_due_timers, add_people, fired_at
from tests.support.stores import START, ManualClock, RecordingEvents
from tests.support.web import build_exam, put_exam

HERE, NOWHERE = Scope(frozenset({"here"})), Scope(frozenset())
SINCE = START - timedelta(days=30)
ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
async def shelf(database, tmp_path):
    parts = Parts(Settings(data_dir=tmp_path), database, FileObjectStore(tmp_path / "objects", reserve_bytes=0),
                  ManualClock(), RecordingEvents(), "node-a")

    def add(tx):
        tx.sites.add_site(Site("here", "演示here", "here", SiteKind.TOWNSHIP))
        tx.users.add(User("u1", "reader", "演示阅片医师", "", (Grant(Role.READER, "here"),)), password_hash="x",
                     at=START)

    await database.write(add)
    return parts


async def put(parts, **fields):
    hold_until = fields.pop("hold_until", None)
    exam, _ = build_exam(parts, "here", **fields)
    exam = replace(exam, instance=replace(exam.instance, object_sha256=new_id()),
                   reading=replace(exam.reading, hold_until=hold_until))
    await parts.database.write(lambda tx: put_exam(tx, exam))
    return exam


async def names(parts, *, limit=50, offset=0, now=None, text=""):
    lines, counts = await parts.database.read(lambda tx: tx.worklists.readings(
        EVERYWHERE, ReadingFilter(text=text), since=SINCE, limit=limit, offset=offset, now=now or parts.clock()))
    return [line.study.patient.name.display for line in lines], counts


async def test_the_queue_is_emergency_first_then_due_time_then_waiting_time_films_and_ecgs_in_one(shelf):
    for name, modality, priority, due, waited in (
        ("routine film, waits long", "DX", Priority.ROUTINE, 60, 90), ("routine ECG", "ECG", Priority.ROUTINE, 20, 5),
        ("routine film", "DX", Priority.ROUTINE, 60, 10), ("late routine CT", "CT", Priority.ROUTINE, -500, 900),
        ("emergency film", "DX", Priority.EMERGENCY, 30, 1), ("emergency ECG", "ECG", Priority.EMERGENCY, 9, 1),
        ("urgent film", "DX", Priority.URGENT, 5, 2),
    ):
        await put(shelf, name=name, modality=modality, priority=priority, due_minutes=due, waited_minutes=waited)
    assert (await names(shelf))[0] == [
        "emergency ECG", "emergency film", "urgent film", "late routine CT", "routine ECG",
        "routine film, waits long", "routine film"]


async def test_no_old_study_is_hidden_from_somebody_who_pages_while_new_ones_arrive(shelf):
    """New ones come before and behind the page; what was there is met by whoever goes on paging."""
    old = [f"old {n:02}" for n in range(30)]
    for n, name in enumerate(old):
        await put(shelf, name=name, due_minutes=10 + n, modality="ECG" if n % 2 else "DX")
    met: list[str] = []
    for page in range(12):
        met += (await names(shelf, limit=5, offset=5 * page))[0]
        await put(shelf, name=f"new emergency {page}", priority=Priority.EMERGENCY, due_minutes=3)
        await put(shelf, name=f"new routine {page}", due_minutes=200)
    assert set(old) <= set(met)
    assert [name for name in dict.fromkeys(met) if name in old] == old, "the old ones keep their order"


async def test_what_a_rule_holds_appears_at_its_hour_and_is_found_by_its_number_before(shelf):
    until = START + timedelta(hours=8)
    await put(shelf, name="演示体检", hold_until=until, accession_number="HELD-1")
    await put(shelf, name="演示门诊")
    assert (await names(shelf))[0] == ["演示门诊"]
    assert sum((await names(shelf))[1].values()) == 1
    assert (await names(shelf, text="HELD-1"))[0] == ["演示体检"]
    assert sorted((await names(shelf, now=until))[0]) == sorted(["演示体检", "演示门诊"])
    assert len((await names(shelf, now=until - timedelta(seconds=1)))[0]) == 1


async def test_a_clock_is_met_once_and_stopped_only_while_it_runs(shelf):
    def work(tx):
        tx.clocks.put([ReadingClock("r1", "s1", stage, START, START + timedelta(minutes=9))
                       for stage in (Stage.WRITE, Stage.CLAIM)])
        return [tx.clocks.meet("r1", Stage.CLAIM, at=START), tx.clocks.meet("r1", Stage.CLAIM, at=START),
                tx.clocks.stop("r1", at=START), tx.clocks.meet("r1", Stage.WRITE, at=START)]

    assert await shelf.database.write(work) == [True, False, 1, False]
    clocks = await shelf.database.read(lambda tx: tx.clocks.of_reading("r1"))
    assert [(clock.stage, clock.met_at, clock.stopped_at) for clock in clocks] == [
        (Stage.CLAIM, START, None), (Stage.WRITE, None, START)]


async def test_a_timer_is_due_at_its_moment_and_can_be_put_off(shelf):
    exam = await put(shelf)
    timer = ReadingTimer(exam.reading.id, exam.study.id, START, Plan(minutes={}).as_json())

    def work(tx):
        tx.clocks.put_timers([timer])
        due = [tx.clocks.due_timers(START + timedelta(seconds=second), limit=9) for second in (-1, 0)]
        tx.clocks.put_off(exam.reading.id, until=START + timedelta(minutes=1), why="KeyError: 'x'")
        return due, tx.clocks.due_timers(START, limit=9), tx.clocks.next_timer(), tx.clocks.timer(exam.reading.id)

    (before, at), after, following, kept = await shelf.database.write(work)
    assert (before, at, after) == ([], [(timer, exam.reading)], [])
    assert (following, kept.attempts, kept.last_error) == (START + timedelta(minutes=1), 1, "KeyError: 'x'")


async def test_timers_that_are_due_together_fire_in_batches_and_each_once(shelf):
    """Reminders and overflows in batches, then never again."""
    await add_people(shelf.database, at=START)
    timers = await add_due_timers(shelf, 40, first=START, over=timedelta(seconds=1))
    shelf.clock.advance(1)
    fired = [(await shelf.database.write(lambda tx: fire_due(tx, at=shelf.clock(), zone=ZONE, limit=16))).timers
             for _ in range(4)]
    assert fired == [16, 16, 8, 0]
    found = await shelf.database.read(fired_at)
    assert {timer.reading_id: "reading.overflowed" if timer.is_overflow else "clock.nudged" for timer in timers} == {
        reading_id: entries[0][0] for reading_id, entries in found.items() if len(entries) == 1}


async def test_people_see_their_own_notices_of_sites_that_they_may_still_see(shelf):
    exam = await put(shelf, state=ReadingState.UNREAD)

    def say(user_id, percent, minute):
        return Notice(new_id(), START + timedelta(minutes=minute), user_id, NoticeKind.NUDGE, exam.reading.id,
                      exam.study.id, "here", Stage.CLAIM, percent=percent)

    def work(tx):
        tx.notices.add([say("u1", 50, 1), say("u1", 80, 2), say("u2", 50, 1)])
        tx.notices.add([say("u1", 50, 3)])           # the same again
        mine = tx.notices.of_user("u1", HERE, since=SINCE, limit=9)
        return ([line.notice.percent for line in mine], mine[0].accession_number == exam.study.accession_number,
                tx.notices.of_user("u1", NOWHERE, since=SINCE, limit=9),
                tx.notices.count_unread("u1", HERE, since=SINCE), tx.notices.count_unread("u1", NOWHERE, since=SINCE),
                tx.notices.mark_read("u1", at=START, until=START + timedelta(minutes=1)),
                tx.notices.mark_read("u1", at=START, reading_id=exam.reading.id),
                tx.notices.count_unread("u1", HERE, since=SINCE), tx.notices.count_unread("u2", HERE, since=SINCE))

    assert await shelf.database.write(work) == ([80, 50], True, [], 1, 0, 1, 1, 0, 1)


async def test_many_audit_entries_at_once_continue_the_chain_as_one_by_one(shelf):
    def work(tx):
        tx.audit.append(AuditEntry(START, "gateway", "first"))
        tx.audit.extend([AuditEntry(START, "gateway", f"fired {n}", detail={"n": n, "t": (1, 2)}) for n in range(5)])
        tx.audit.append(AuditEntry(START, "gateway", "last"))
        return list(tx.audit.walk())

    chain = [each for each in await shelf.database.write(work) if each.node == "node-a"]
    faults = [chain_fault(entry, before) for before, entry in zip([None, *chain], chain, strict=False)]
    assert faults == [""] * len(chain)
    assert [each.entry.action for each in chain[-7:]] == ["first", *(f"fired {n}" for n in range(5)), "last"]
