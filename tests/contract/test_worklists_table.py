"""The lists that people look at and what readers drew: the same statements on both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.services.ports import Parts
from gateway.settings import Settings
from storage.model import (
    EVERYWHERE,
    INBOX_SITE_ID,
    Alarm,
    Arrival,
    ArrivalOutcome,
    ArrivalVia,
    Delivery,
    DeliveryState,
    DestinationKind,
    Grant,
    Priority,
    ReadingState,
    Report,
    ReportState,
    ReportText,
    Role,
    Scope,
    Site,
    SiteKind,
    User,
    new_id,
)
from storage.objects.files import FileObjectStore
from storage.tables.worklist_rows import ReadingFilter
from tests.support.stores import START, ManualClock, RecordingEvents
from tests.support.web import build_exam, put_exam

HERE, THERE, NOWHERE = Scope(frozenset({"here"})), Scope(frozenset({"there"})), Scope(frozenset())
SINCE = START - timedelta(days=30)


@pytest.fixture
async def shelf(database, tmp_path):
    """Parts over the engine under test, with two sites."""
    parts = Parts(Settings(data_dir=tmp_path), database, FileObjectStore(tmp_path / "objects", reserve_bytes=0),
                  ManualClock(), RecordingEvents(), "node-a")

    def add(tx):
        for site_id in ("here", "there"):
            tx.sites.add_site(Site(site_id, f"演示{site_id}", site_id, SiteKind.TOWNSHIP))
        tx.users.add(User("u1", "reader", "演示阅片医师", "", (Grant(Role.READER, "here"),)), password_hash="x",
                     at=START)

    await database.write(add)
    return parts


async def put(parts, site_id="here", **fields):
    exam, _ = build_exam(parts, site_id, **fields)
    exam = replace(exam, instance=replace(exam.instance, object_sha256=new_id()))
    await parts.database.write(lambda tx: put_exam(tx, exam))
    return exam


async def listed(parts, scope=EVERYWHERE, **asked):
    lines, counts = await parts.database.read(
        lambda tx: tx.worklists.readings(scope, ReadingFilter(**asked), since=SINCE, limit=50))
    return [line.study.patient.name.display for line in lines], counts


async def test_open_before_finished_and_urgent_before_early(shelf):
    for name, priority, due, state in (
        ("final", Priority.EMERGENCY, 1, ReadingState.FINAL), ("routine", Priority.ROUTINE, 5, ReadingState.UNREAD),
        ("urgent", Priority.URGENT, 9, ReadingState.REJECTED), ("soon", Priority.EMERGENCY, 10, ReadingState.UNREAD),
        ("later", Priority.EMERGENCY, 20, ReadingState.IN_REVIEW), ("older", Priority.ROUTINE, 2, ReadingState.FINAL),
    ):
        await put(shelf, name=name, priority=priority, due_minutes=due, state=state)
    names, counts = await listed(shelf)
    assert names == ["soon", "later", "urgent", "routine", "older", "final"]
    assert counts == {ReadingState.UNREAD: 2, ReadingState.REJECTED: 1, ReadingState.IN_REVIEW: 1,
                      ReadingState.FINAL: 2}


async def test_a_scope_holds_for_rows_counts_and_search(shelf):
    exam = await put(shelf, name="演示这里", patient_id="SAME")
    await put(shelf, "there", name="演示那里", patient_id="SAME")
    for scope, names in ((EVERYWHERE, 2), (HERE, 1), (THERE, 1), (NOWHERE, 0)):
        for text in ("", "SAME", "sam", "演示"):
            found, counts = await listed(shelf, scope, text=text)
            assert (len(found), sum(counts.values())) == (names, names), (scope, text)
    one = exam.reading.id
    read = shelf.database.read
    assert (await read(lambda tx: tx.worklists.reading(one, HERE))).reading == exam.reading
    assert await read(lambda tx: tx.worklists.reading(one, THERE)) is None
    assert await read(lambda tx: tx.worklists.readings_of([exam.study.id], THERE)) == {}


@pytest.mark.parametrize(("asked", "names"), [
    ({"kind": "ecg"}, ["ecg"]), ({"kind": "image"}, ["film"]), ({"modality": "DX"}, ["film"]),
    ({"priority": Priority.URGENT}, ["film"]), ({"held_or_assigned_to": "u1"}, ["film"]),
    ({"states": (ReadingState.UNREAD,)}, ["ecg"]), ({"site_id": "there"}, []), ({"text": "FIL"}, ["film"]),
    ({"text": "acc-"}, ["ecg", "film"]), ({"text": "%"}, []), ({"text": "c"}, ["ecg"]),
])
async def test_filters(shelf, asked, names):
    await put(shelf, name="film", priority=Priority.URGENT, claimed_by="u1", state=ReadingState.IN_PROGRESS,
              accession_number="ACC-1")
    await put(shelf, name="ecg", modality="ECG", accession_number="acc-2")
    assert sorted((await listed(shelf, **asked))[0]) == names


async def test_a_row_carries_the_holder_the_report_and_the_carts_own_statement(shelf):
    film = await put(shelf, claimed_by="u1", state=ReadingState.IN_PROGRESS)
    await put(shelf, modality="ECG")
    await shelf.database.write(lambda tx: tx.reports.add(_report(film, 1, ReportState.FINAL)))
    await shelf.database.write(lambda tx: tx.reports.add(_report(film, 2, ReportState.DRAFT)))
    lines, _ = await shelf.database.read(
        lambda tx: tx.worklists.readings(EVERYWHERE, ReadingFilter(), since=SINCE, limit=50))
    rows = {line.study.modality: line for line in lines}
    assert (rows["DX"].claimed_by_name, rows["DX"].report_state) == ("演示阅片医师", ReportState.DRAFT)
    assert (rows["DX"].has_device_statement, rows["ECG"].has_device_statement) == (False, True)
    assert rows["ECG"].report_state is None
    assert rows["DX"].study.site_name == "演示here"


async def test_the_clinic_sees_the_newest_signed_version_and_its_deliveries(shelf):
    film = await put(shelf, state=ReadingState.FINAL, waited_minutes=1)
    await put(shelf, name="演示在等", waited_minutes=9)
    await put(shelf, "there")
    reports = [_report(film, 1, ReportState.REPLACED), _report(film, 2, ReportState.FINAL),
               _report(film, 3, ReportState.DRAFT)]
    deliveries = [_delivery(report, state) for report, state in
                  zip(reports, (DeliveryState.CALLED_BACK, DeliveryState.QUEUED, None), strict=True) if state]

    def add(tx):
        for report in reports:
            tx.reports.add(report)
        for delivery in deliveries:
            tx.deliveries.add(delivery)

    await shelf.database.write(add)
    lines, total = await shelf.database.read(
        lambda tx: tx.worklists.clinic_studies(HERE, "", since=SINCE, limit=10))
    assert (total, [line.study.id == film.study.id for line in lines]) == (2, [True, False])
    assert (lines[0].report.version, lines[0].report.signed_by_name) == (2, "演示阅片医师")
    assert [line.delivery.id for line in lines[0].deliveries] == [deliveries[1].id]
    assert lines[1].report is None
    waiting = await shelf.database.read(lambda tx: tx.worklists.waiting_deliveries(HERE))
    assert [(line.delivery.id, line.report_version) for line in waiting] == [(deliveries[1].id, 2)]
    assert await shelf.database.read(lambda tx: tx.worklists.waiting_deliveries(THERE)) == []
    assert len(await shelf.database.read(lambda tx: tx.worklists.deliveries_of_study(film.study.id, HERE))) == 2


async def test_the_delivery_queue_holds_what_waits_and_what_was_refused(shelf):
    """A refused report needs a person, who cannot see it anywhere else."""
    film = await put(shelf, state=ReadingState.FINAL)
    report = _report(film, 1, ReportState.FINAL)
    deliveries = {state: replace(_delivery(report, state), destination_id=state) for state in DeliveryState}

    def add(tx):
        tx.reports.add(report)
        for delivery in deliveries.values():
            tx.deliveries.add(delivery)

    await shelf.database.write(add)
    lines = await shelf.database.read(lambda tx: tx.worklists.waiting_deliveries(HERE))
    assert {line.delivery.state for line in lines} == {DeliveryState.QUEUED, DeliveryState.SENT,
                                                       DeliveryState.REFUSED}


async def test_counts_of_an_administrator_are_of_their_sites(shelf):
    await put(shelf)
    await put(shelf, "there")

    def add(tx) -> Alarm:
        for site_id in ("here", INBOX_SITE_ID):
            tx.arrivals.add(Arrival(new_id(), START, ArrivalVia.DICOM, ArrivalOutcome.QUARANTINED, site_id, None, "",
                                    "", "", "0" * 64, 1))
        tx.sites.knock("NEW", "10.0.0.1", START)
        alarm: Alarm = tx.alarms.raise_alarm("x", site_id="there", ref="r", detail="", at=START)
        return alarm

    await shelf.database.write(add)
    everywhere = await shelf.database.read(lambda tx: tx.worklists.counts(EVERYWHERE))
    here = await shelf.database.read(lambda tx: tx.worklists.counts(HERE))
    assert (everywhere.studies, everywhere.waiting_readings, everywhere.quarantined, everywhere.open_alarms,
            everywhere.knocks, everywhere.sites) == (2, 2, 2, 1, 1, 2)
    assert (here.studies, here.waiting_readings, here.quarantined, here.open_alarms, here.knocks,
            here.sites) == (1, 1, 1, 0, 0, 1)


async def test_annotations_are_one_document_a_study_and_person(shelf):
    for content in ({"a": [1, 2.5, "长度"]}, ["again"], None):
        await shelf.database.write(lambda tx, c=content: tx.annotations.put("s1", "u1", c, START))
        assert await shelf.database.read(lambda tx: tx.annotations.get("s1", "u1")) == content
    assert await shelf.database.read(lambda tx: tx.annotations.get("s1", "u2")) is None


def _report(exam, version: int, state: ReportState) -> Report:
    signed = state not in (ReportState.DRAFT, ReportState.SUBMITTED)
    return Report(new_id(), exam.reading.id, exam.study.id, exam.study.site_id, version, state,
                  ReportText("", "所见", "印象"), "", "u1", START, None, "u1" if signed else None,
                  START if signed else None, None, None, None, None, (), 1, START)


def _delivery(report: Report, state: DeliveryState) -> Delivery:
    return Delivery(new_id(), report.id, report.study_id, report.site_id, "d1", DestinationKind.CLINIC_PAGE, state, 0,
                    START, None, None, None, None, None, None, "")
