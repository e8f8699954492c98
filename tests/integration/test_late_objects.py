"""Objects that come after a study was complete: the reading is reopened once, and nothing is forwarded again (B9)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.services.complete_study import HANDLERS as COMPLETE_HANDLERS
from gateway.services.job_runner import JobRunner
from gateway.services.learn_character_set import HANDLERS as TEXT_HANDLERS
from gateway.services.queue_deliveries import queue_deliveries
from gateway.services.render import HANDLERS as RENDER_HANDLERS
from gateway.services.route_study import HANDLERS as ROUTE_HANDLERS
from storage.model import EVERYWHERE, ReadingState, Report, ReportState, ReportText, StudyState
from tests.support import dcmtk
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import open_receiver
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("wire")


@pytest.fixture
async def receiver(tmp_path):
    async with open_receiver(tmp_path / "data") as opened:
        yield opened


async def send(receiver, folder, *files: bytes) -> None:
    assert set((await dcmtk.storescu(receiver.address, build.write_all(folder, list(files)))).statuses) == {0}


async def settle(receiver) -> None:
    """Everybody has released and the quiet time is over: run what is due."""
    await until(lambda: not receiver.scp._studies)
    receiver.clock.advance(60)
    jobs = JobRunner(receiver.parts, {**COMPLETE_HANDLERS, **ROUTE_HANDLERS, **RENDER_HANDLERS, **TEXT_HANDLERS})
    await jobs.run_due()


async def reading_of(receiver, study):
    return await receiver.parts.database.read(lambda tx: tx.readings.of_study(study.id, EVERYWHERE))


async def actions(receiver, study) -> list[str]:
    trail = await receiver.parts.database.read(lambda tx: tx.audit.of_study(study.id, EVERYWHERE))
    return [t.entry.action for t in trail]


async def signed_study(receiver, folder, ids):
    """A complete study whose report is signed and on its way."""
    await send(receiver, folder, *[build.ct_slice(n, ids=ids) for n in (1, 2)])
    await settle(receiver)
    study = await receiver.study(ids.study)
    reading = await reading_of(receiver, study)
    now = receiver.clock()
    report = Report(
        id="report-1", reading_id=reading.id, study_id=study.id, site_id=study.site_id, version=1,
        state=ReportState.FINAL, text=ReportText("", "演示", "演示"), template_id="", writer_id="w", written_at=now,
        reviewer_id="w", signed_by="w", signed_at=now, text_sha256="", pdf_sha256=None, dicom_sha256=None,
        sop_instance_uid="1.2.3", read_from=(), revision=0, updated_at=now)

    def sign(tx):
        tx.reports.add(report)
        assert tx.readings.replace(replace(reading, state=ReadingState.FINAL))
        queue_deliveries(tx, report, patient_id=study.patient.id, now=now)

    await receiver.parts.database.write(sign)
    return study, await deliveries(receiver, study)


async def deliveries(receiver, study):
    return await receiver.parts.database.read(lambda tx: tx.deliveries.of_study(study.id, EVERYWHERE))


async def assert_reopened_once(receiver, study, sent, *, late: int) -> None:
    found = await receiver.study(study.study_instance_uid)
    assert (found.state, found.reopened_count, found.instance_count) == (StudyState.COMPLETE, 1, 2 + late)
    reading = await reading_of(receiver, study)
    assert (reading.state, reading.late_instances) == (ReadingState.UNREAD, late)
    said = await actions(receiver, study)
    assert [said.count(a) for a in ("study.reopened", "reading.reopened", "study.completed", "study.routed")] == [
        1, 1, 2, 2]
    assert await deliveries(receiver, study) == sent, "the signed report stays where it is, and is not sent again"


async def test_late_objects_of_one_association_reopen_the_reading_once(receiver, tmp_path):
    ids = build.StudyIds()
    study, sent = await signed_study(receiver, tmp_path / "in", ids)
    await send(receiver, tmp_path / "late", *[build.ct_slice(n, ids=ids) for n in (3, 4, 5)])
    await settle(receiver)
    await assert_reopened_once(receiver, study, sent, late=3)


async def test_late_objects_that_come_in_parallel_reopen_the_reading_once(receiver, tmp_path):
    ids = build.StudyIds()
    study, sent = await signed_study(receiver, tmp_path / "in", ids)
    await asyncio.gather(*(send(receiver, tmp_path / f"late{n}", build.ct_slice(2 * n, ids=ids),
                                build.ct_slice(2 * n + 1, ids=ids)) for n in range(2, 6)))
    await settle(receiver)
    await assert_reopened_once(receiver, study, sent, late=8)


async def test_late_objects_and_their_repeats_around_restarts_reopen_the_reading_once(tmp_path):
    ids, data = build.StudyIds(), tmp_path / "data"
    third, fourth = build.ct_slice(3, ids=ids), build.ct_slice(4, ids=ids)
    async with open_receiver(data) as receiver:
        study, sent = await signed_study(receiver, tmp_path / "in", ids)
        moment = receiver.clock.now
        await send(receiver, tmp_path / "late", third)
    async with open_receiver(data, is_empty=False) as receiver:
        receiver.clock.now = moment
        await send(receiver, tmp_path / "again", third, fourth)
    async with open_receiver(data, is_empty=False) as receiver:
        receiver.clock.now = moment
        await settle(receiver)
        await assert_reopened_once(receiver, study, sent, late=2)
        await send(receiver, tmp_path / "repeats", third, fourth)
        await settle(receiver)
        await assert_nothing_new(receiver, study, sent)


async def assert_nothing_new(receiver, study, sent) -> None:
    """Repeats of what is here are nothing new."""
    assert (await receiver.study(study.study_instance_uid)).reopened_count == 1
    assert (await actions(receiver, study)).count("reading.reopened") == 1
    assert await deliveries(receiver, study) == sent
