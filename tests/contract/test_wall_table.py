"""What hangs on the wall of an ECG centre: the same statements on both engines (S3, J7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.services.ports import Parts
from gateway.services.show_wall import show_wall
from gateway.settings import Settings
from storage.model import EVERYWHERE, Priority, ReadingState, Scope, Site, SiteKind
from storage.objects.files import FileObjectStore
from tests.support.stores import START, ManualClock, RecordingEvents
from tests.support.web import build_exam, put_exam

HERE, NOWHERE = Scope(frozenset({"here"})), Scope(frozenset())
EMERGENCY, ROUTINE = Priority.EMERGENCY, Priority.ROUTINE
WAITING, BEGUN, REVIEW, FINAL = (ReadingState.UNREAD, ReadingState.IN_PROGRESS, ReadingState.AWAITING_REVIEW,
                                 ReadingState.FINAL)


@pytest.fixture
async def shelf(database, tmp_path):
    """Parts over the engine under test, with two sites."""
    parts = Parts(Settings(data_dir=tmp_path), database, FileObjectStore(tmp_path / "objects", reserve_bytes=0),
                  ManualClock(), RecordingEvents(), "node-a")

    def add(tx):
        for site_id in ("here", "there"):
            tx.sites.add_site(Site(site_id, f"演示{site_id}", site_id, SiteKind.TOWNSHIP))

    await database.write(add)
    return parts


async def put(parts, *, site_id="here", modality="ECG", is_routed=True, **fields):
    exam, _ = build_exam(parts, site_id, modality=modality, **fields)

    def work(tx):
        if is_routed:
            put_exam(tx, exam)
            return
        tx.studies.add_patient(exam.study.patient)
        tx.studies.add_study(replace(exam.study, instance_count=0))
        tx.studies.add_series(exam.series)
        tx.studies.add_instance(exam.instance)

    await parts.database.write(work)
    return exam


async def test_emergencies_are_pinned_then_come_the_newest_then_finished_reports(shelf):
    for minutes, priority, state in (
            (5, ROUTINE, WAITING), (90, ROUTINE, WAITING), (3, EMERGENCY, WAITING), (70, EMERGENCY, WAITING),
            (200, EMERGENCY, BEGUN), (1, ROUTINE, FINAL), (2, Priority.URGENT, REVIEW), (0.5, EMERGENCY, FINAL)):
        await put(shelf, waited_minutes=minutes, priority=priority, state=state)
    shown = await show_wall(shelf, HERE, limit=24)
    waited = [round((START - line.arrived_at) / timedelta(minutes=1), 1) for line in shown.lines]
    assert waited == [70, 3, 200, 2, 5, 90, 0.5, 1]
    assert [line.state for line in shown.lines[:3]] == [WAITING, WAITING, BEGUN]
    assert (shown.counts.waiting, shown.counts.emergencies, shown.counts.being_read) == (4, 2, 2)
    assert shown.counts.oldest_waiting_at == START - timedelta(minutes=90)
    few = await show_wall(shelf, HERE, limit=2)
    assert few.lines == shown.lines[:2]


async def test_many_old_cases_never_hide_an_emergency(shelf):
    for number in range(40):
        await put(shelf, waited_minutes=number / 10)
    urgent = await put(shelf, waited_minutes=500, priority=EMERGENCY)
    shown = await show_wall(shelf, HERE, limit=6)
    assert shown.lines[0].study_id == urgent.study.id
    assert len(shown.lines) == 6


async def test_an_ecg_is_there_before_it_is_routed_and_not_twice_afterwards(shelf):
    fresh = await put(shelf, is_routed=False, waited_minutes=0.1)
    await put(shelf, is_routed=False, waited_minutes=30)
    known = await put(shelf, waited_minutes=1)
    for scope in (HERE, EVERYWHERE):
        shown = await show_wall(shelf, scope, limit=24)
        assert [line.study_id for line in shown.lines] == [fresh.study.id, known.study.id]
        assert shown.lines[0].state is None
        assert shown.lines[0].instance_id == fresh.instance.id
        assert shown.counts.waiting == 2
        assert shown.counts.oldest_waiting_at == known.study.first_arrival_at


async def test_only_ecgs_of_the_scope_hang_there(shelf):
    await put(shelf, modality="DX")
    await put(shelf, site_id="there")
    await put(shelf, site_id="there", is_routed=False)
    for state in (ReadingState.RETURNED, ReadingState.GIVEN_UP, ReadingState.WITHDRAWN):
        await put(shelf, state=state)
    for scope in (HERE, NOWHERE):
        shown = await show_wall(shelf, scope, limit=24)
        assert shown.lines == []
        assert shown.counts.waiting == 0
        assert shown.counts.oldest_waiting_at is None
    assert len((await show_wall(shelf, EVERYWHERE, limit=24)).lines) == 2
