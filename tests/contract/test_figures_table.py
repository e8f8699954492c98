"""What figures are read from, on both engines: each reading once, in its span, inside the scope (D4, D6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.services.ports import Parts
from gateway.settings import Settings
from storage.model import EVERYWHERE, AuditEntry, ReadingState, Report, ReportState, ReportText, Scope, new_id
from storage.model.clocks import ReadingClock, Stage
from storage.objects.files import FileObjectStore
from tests.contract.test_orders_table import an_order
from tests.support.stores import START, ManualClock, RecordingEvents
from tests.support.web import build_exam, put_exam

HERE = Scope(frozenset({"here"}))


@pytest.fixture
def parts(database, tmp_path):
    return Parts(Settings(data_dir=tmp_path), database, FileObjectStore(tmp_path / "objects", reserve_bytes=0),
                 ManualClock(), RecordingEvents(), "node-a")


async def put(parts, site_id="here", **fields):
    exam, _ = build_exam(parts, site_id, **fields)
    exam = replace(exam, instance=replace(exam.instance, object_sha256=new_id()))
    await parts.database.write(lambda tx: put_exam(tx, exam))
    return exam


def a_report(exam, version, state, **more) -> Report:
    text = ReportText("", "所见", "意见", is_positive=True, is_critical=True)
    made = Report(new_id(), exam.reading.id, exam.study.id, exam.study.site_id, version, state, text, "", "writer",
                  START, None, "reviewer", START + timedelta(minutes=30), "0" * 64, None, None, None, (), 1, START)
    return replace(made, **more)


async def counted(parts, scope, start=START - timedelta(hours=1), end=START + timedelta(hours=1)):
    return await parts.database.read(lambda tx: list(tx.figures.readings_between(start, end, scope)))


async def test_a_reading_comes_with_its_last_signed_report_its_first_order_and_every_clock(parts):
    exam = await put(parts, modality="US", state=ReadingState.FINAL)
    clocks = [ReadingClock(exam.reading.id, exam.study.id, stage, START, START + timedelta(minutes=9),
                           met_at=START + timedelta(minutes=5) if stage is Stage.CLAIM else None) for stage in Stage]

    def add(tx):
        tx.clocks.put(clocks)
        for version, state, positive in ((1, ReportState.PRELIMINARY, False), (2, ReportState.FINAL, True),
                                         (3, ReportState.DRAFT, None)):
            tx.reports.add(a_report(exam, version, state, text=ReportText("", "", "", is_positive=positive,
                                                                         is_critical=version == 2)))
        for hours, patient_class in ((2, "inpatient"), (1, "outpatient")):
            tx.orders.add(replace(an_order("here"), study_id=exam.study.id, patient_class=patient_class,
                                  created_at=START - timedelta(hours=hours)))

    await parts.database.write(add)
    (found,) = await counted(parts, EVERYWHERE)
    assert (found.modality, found.state, found.group) == ("US", ReadingState.FINAL, "imaging")
    assert (found.writer_id, found.signed_by) == ("writer", "reviewer")
    assert (found.is_positive, found.is_critical) == (True, True)
    assert (found.patient_class, found.ordered_at) == ("inpatient", START - timedelta(hours=2))
    assert set(found.clocks) == set(Stage)
    assert found.clocks[Stage.CLAIM].met_at == START + timedelta(minutes=5)


async def test_the_span_begins_with_its_first_moment_and_ends_before_its_last(parts):
    exam = await put(parts, waited_minutes=0)
    at = exam.study.completed_at
    assert [one.study_id for one in await counted(parts, HERE, at, at + timedelta(seconds=1))] == [exam.study.id]
    assert await counted(parts, HERE, at - timedelta(hours=1), at) == []


async def test_a_head_counts_the_readings_of_their_own_sites_alone(parts):
    mine, theirs = await put(parts), await put(parts, "there")
    assert [one.study_id for one in await counted(parts, HERE)] == [mine.study.id]
    assert {one.study_id for one in await counted(parts, EVERYWHERE)} == {mine.study.id, theirs.study.id}
    assert await counted(parts, Scope(frozenset())) == []


async def test_a_rejection_is_counted_from_the_audit_trail(parts):
    def add(tx):
        for study_id, action, hours in (("a", "report.rejected", 1), ("a", "report.rejected", 2),
                                        ("b", "report.rejected", -1), ("b", "report.signed", 1)):
            tx.audit.append(AuditEntry(START + timedelta(hours=hours), "x", action, study_id=study_id))

    await parts.database.write(add)
    assert await parts.database.read(lambda tx: tx.figures.rejections_since(START)) == {"a": 2}
