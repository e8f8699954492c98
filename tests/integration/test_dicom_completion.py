"""When a study is complete, over the real port and the real job runner's handler (B9)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from io import BytesIO

import pytest
from pydicom import dcmread
from pynetdicom import AE

from gateway.services.complete_study import JOB, run_complete_study
from gateway.services.job_runner import RetryLater
from storage.model import EVERYWHERE, CompleteBy, Job, StudyState
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
    assert (await dcmtk.storescu(receiver.address, build.write_all(folder, list(files)))).is_success


async def due_jobs(receiver, kind: str) -> list[Job]:
    """Claim what is due now, as the job runner does."""
    now = receiver.clock()
    claimed = await receiver.parts.database.write(
        lambda tx: tx.jobs.claim("test", now=now, lease_until=now + timedelta(days=1), limit=100))
    for job in [job for job in claimed if job.kind != kind]:
        await receiver.parts.database.write(lambda tx, job=job: tx.jobs.retry(job.id, "test", due=now, why="other"))
    return [job for job in claimed if job.kind == kind]


async def run_due(receiver) -> list[str]:
    """Run the due jobs as the job runner does; returns why some of them must wait."""
    waiting = []
    for job in await due_jobs(receiver, JOB):
        try:
            await run_complete_study(receiver.parts, job)
        except RetryLater as later:
            waiting.append(later.why)
            await receiver.parts.database.write(
                lambda tx, job=job, later=later: tx.jobs.retry(job.id, "test", due=later.due, why=later.why))
        else:
            await receiver.parts.database.write(lambda tx, job=job: tx.jobs.finish(job.id, "test"))
    return waiting


async def test_a_study_is_complete_after_the_quiet_time_and_goes_on_to_routing(receiver, tmp_path):
    ids = build.StudyIds()
    await send(receiver, tmp_path / "in", build.ct_slice(1, ids=ids), build.ct_slice(2, ids=ids))
    study = await receiver.study(ids.study)
    await until(lambda: not receiver.scp.is_sending(study.id))
    assert await due_jobs(receiver, JOB) == []
    receiver.clock.advance(receiver.parts.settings.quiet_period_s)
    await run_due(receiver)
    study = await receiver.study(ids.study)
    assert (study.state, study.complete_by) == (StudyState.COMPLETE, CompleteBy.QUIET_TIME)
    assert study.completed_at == receiver.clock()
    assert [j.ref for j in await due_jobs(receiver, "route_study")] == [study.id]
    assert [j.ref for j in await due_jobs(receiver, "make_renditions")] == [study.id]
    trail = await receiver.parts.database.read(lambda tx: tx.audit.of_study(study.id, EVERYWHERE))
    assert [t.entry.action for t in trail].count("study.completed") == 1


async def test_an_open_association_keeps_its_study_open_and_its_release_starts_the_quiet_time(receiver):
    ids = build.StudyIds()
    ds = dcmread(BytesIO(build.ct_slice(1, ids=ids)))
    association = await asyncio.to_thread(_open, receiver.address)
    status = await asyncio.to_thread(association.send_c_store, ds)
    assert status.Status == 0
    study = await receiver.study(ids.study)
    assert receiver.scp.is_sending(study.id)
    receiver.clock.advance(60)
    assert await run_due(receiver) == ["its sender is still connected"]
    wakes = receiver.events.job_wakes
    receiver.clock.advance(2)
    await asyncio.to_thread(association.release)
    await until(lambda: receiver.events.job_wakes > wakes)
    receiver.clock.advance(receiver.parts.settings.quiet_period_s - 0.1)
    assert await run_due(receiver) == []
    assert (await receiver.study(ids.study)).state is StudyState.ARRIVING
    receiver.clock.advance(receiver.parts.settings.quiet_period_s)
    await run_due(receiver)
    assert (await receiver.study(ids.study)).state is StudyState.COMPLETE


async def test_the_devices_own_count_of_the_study_completes_it_at_once(receiver, tmp_path):
    """Number of Study Related Instances (0020,1208)."""
    ids = build.StudyIds()
    files = [build.ct_slice(n, ids=ids, NumberOfStudyRelatedInstances=3) for n in (1, 2, 3)]
    await send(receiver, tmp_path / "in", *files[:2])
    assert (await receiver.study(ids.study)).state is StudyState.ARRIVING
    await send(receiver, tmp_path / "in2", files[2])
    study = await receiver.study(ids.study)
    assert (study.state, study.complete_by, study.expected_count) == (
        StudyState.COMPLETE, CompleteBy.EXPECTED_COUNT, 3)
    assert [j.ref for j in await due_jobs(receiver, "route_study")] == [study.id]


async def test_a_study_short_of_its_count_waits_for_the_longer_time_and_says_so(receiver, tmp_path):
    ids = build.StudyIds()
    await send(receiver, tmp_path / "in", build.ct_slice(1, ids=ids, ImagesInAcquisition=3))
    await until(lambda: not receiver.scp._studies)
    receiver.clock.advance(60)
    assert await run_due(receiver) == ["1 of 3 are here"]
    receiver.clock.advance(receiver.parts.settings.short_quiet_period_s)
    await run_due(receiver)
    assert (await receiver.study(ids.study)).complete_by is CompleteBy.QUIET_TIME_SHORT


async def test_a_late_image_reopens_the_study_and_routes_it_anew(receiver, tmp_path):
    ids = build.StudyIds()
    await send(receiver, tmp_path / "in", build.ct_slice(1, ids=ids))
    await until(lambda: not receiver.scp._studies)
    receiver.clock.advance(60)
    await run_due(receiver)
    await send(receiver, tmp_path / "in2", build.ct_slice(2, ids=ids))
    study = await receiver.study(ids.study)
    assert (study.state, study.reopened_count, study.instance_count) == (StudyState.REOPENED, 1, 2)
    await until(lambda: not receiver.scp._studies)
    receiver.clock.advance(60)
    await run_due(receiver)
    assert (await receiver.study(ids.study)).state is StudyState.COMPLETE
    assert sorted(j.key for j in await due_jobs(receiver, "route_study")) == [
        f"route_study:{study.id}:0", f"route_study:{study.id}:1"]
    trail = await receiver.parts.database.read(lambda tx: tx.audit.of_study(study.id, EVERYWHERE))
    actions = [t.entry.action for t in trail]
    assert actions == ["instance.received", "study.completed", "instance.received", "study.reopened",
                       "study.completed"]


async def test_a_duplicate_after_completion_reopens_nothing(receiver, tmp_path):
    ids = build.StudyIds()
    part10 = build.ct_slice(1, ids=ids, NumberOfStudyRelatedInstances=1)
    await send(receiver, tmp_path / "in", part10)
    await send(receiver, tmp_path / "in", part10)
    study = await receiver.study(ids.study)
    assert (study.state, study.reopened_count) == (StudyState.COMPLETE, 0)


def _open(address: str):
    host, port = address.split(":")
    ae = AE(ae_title="MODALITY")
    ae.add_requested_context(build.CT, build.SYNTAXES["explicit"])
    association = ae.associate(host, int(port), ae_title="GATEWAY")
    assert association.is_established
    return association
