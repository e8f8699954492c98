"""What completes a study before silence does, and what makes the silence longer or shorter (B9)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.services.complete_study import run_complete_study
from gateway.services.job_runner import RetryLater
from storage.model import EVERYWHERE, CompleteBy, Job, StudyState
from tests.support import dcmtk
from tests.support import dicom_builders as build
from tests.support.commitment_user import references_of
from tests.support.committing import ask, opened, receiver, run_jobs, user
from tests.support.dicom_receiver import MODALITY
from tests.support.waiting import until

__all__ = ["receiver", "user"]

pytestmark = pytest.mark.usefixtures("wire")


async def send(receiver, folder, *files: bytes) -> None:
    assert (await dcmtk.storescu(receiver.address, build.write_all(folder, list(files)))).is_success
    await until(lambda: not receiver.scp._studies)


async def run_completion(receiver, uid: str) -> str:
    """Run the study's job once; "" or why it waits."""
    study = await receiver.study(uid)
    try:
        await run_complete_study(receiver.parts, Job(1, "", "complete_study", study.id, receiver.clock(), 1))
    except RetryLater as later:
        return later.why
    return ""


async def test_a_commitment_request_for_all_that_is_here_completes_the_study(receiver, user):
    ids = build.StudyIds()
    files = [build.ct_slice(n, ids=ids) for n in (1, 2, 3)]
    await opened(user, receiver, *files)
    await ask(user, references_of(*files))
    await run_jobs(receiver)
    study = await receiver.study(ids.study)
    assert (study.state, study.complete_by) == (StudyState.COMPLETE, CompleteBy.COMMITMENT)


async def test_a_request_for_a_part_completes_nothing_but_several_parts_together_do(receiver, user):
    ids = build.StudyIds()
    files = [build.ct_slice(n, ids=ids) for n in (1, 2, 3)]
    await opened(user, receiver, *files)
    for part in (files[:1], files[1:2]):
        await ask(user, references_of(*part))
        await run_jobs(receiver)
        assert (await receiver.study(ids.study)).state is StudyState.ARRIVING
    await ask(user, references_of(files[2]))
    await run_jobs(receiver)
    assert (await receiver.study(ids.study)).complete_by is CompleteBy.COMMITMENT


async def test_a_request_image_by_image_while_sending_completes_nothing_at_its_first_image(receiver, user):
    ids = build.StudyIds()
    data = build.ct_slice(1, ids=ids)
    await opened(user, receiver, data)
    await ask(user, references_of(data))
    await run_jobs(receiver)
    assert user.reports[0].event_type == 1
    assert (await receiver.study(ids.study)).state is StudyState.ARRIVING


async def test_a_request_that_names_something_missing_completes_nothing(receiver, user):
    ids = build.StudyIds()
    files = [build.ct_slice(n, ids=ids) for n in (1, 2)]
    await opened(user, receiver, *files)
    await ask(user, [*references_of(*files), (build.CT, "1.2.3.404")])
    await run_jobs(receiver)
    assert (await receiver.study(ids.study)).state is StudyState.ARRIVING


async def test_the_count_of_the_images_is_not_overruled_by_a_request_for_fewer(receiver, user):
    ids = build.StudyIds()
    files = [build.ct_slice(n, ids=ids, NumberOfStudyRelatedInstances=34) for n in (1, 2)]
    await opened(user, receiver, *files)
    await ask(user, references_of(*files))
    await run_jobs(receiver)
    study = await receiver.study(ids.study)
    assert (study.state, study.instance_count, study.expected_count, study.expected_by) == (
        StudyState.ARRIVING, 2, 34, "attribute")


async def test_what_a_person_set_for_the_device_is_its_quiet_time(receiver, tmp_path):
    await receiver.parts.database.write(
        lambda tx: tx.sites.update_device(replace(MODALITY, quiet_period_s=90.0)))
    ids = build.StudyIds()
    await send(receiver, tmp_path / "in", build.ct_slice(1, ids=ids))
    receiver.clock.advance(89)
    assert await run_completion(receiver, ids.study) == "more may follow"
    receiver.clock.advance(1)
    assert await run_completion(receiver, ids.study) == ""
    assert (await receiver.study(ids.study)).complete_by is CompleteBy.QUIET_TIME


async def habit(receiver, folder, studies: int, images: int) -> None:
    for number in range(studies):
        ids = build.StudyIds()
        await send(receiver, folder / str(number), *[build.ct_slice(n, ids=ids, rows=4, columns=4)
                                                     for n in range(1, images + 1)])
        receiver.clock.advance(60)
        assert await run_completion(receiver, ids.study) == ""


async def test_a_device_that_always_sends_as_many_is_waited_for_a_second(receiver, tmp_path):
    await habit(receiver, tmp_path / "habit", 8, 2)
    ids = build.StudyIds()
    await send(receiver, tmp_path / "one", build.ct_slice(1, ids=ids))
    receiver.clock.advance(6)
    assert await run_completion(receiver, ids.study) == "1 are here, this device sends 2 to 2"
    await send(receiver, tmp_path / "two", build.ct_slice(2, ids=ids))
    receiver.clock.advance(0.9)
    assert await run_completion(receiver, ids.study) == "this device always sends 2"
    receiver.clock.advance(0.1)
    assert await run_completion(receiver, ids.study) == ""
    assert (await receiver.study(ids.study)).complete_by is CompleteBy.DEVICE_HABIT


async def test_a_device_that_pauses_within_its_studies_is_waited_for_longer(receiver, tmp_path):
    for number in range(8):
        ids = build.StudyIds()
        folder = tmp_path / str(number)
        await send(receiver, folder / "one", build.ct_slice(1, ids=ids))
        receiver.clock.advance(40)
        await send(receiver, folder / "two", *[build.ct_slice(n, ids=ids) for n in range(2, 4 + number % 2)])
        receiver.clock.advance(120)
        assert await run_completion(receiver, ids.study) == ""
    ids = build.StudyIds()
    await send(receiver, tmp_path / "in", *[build.ct_slice(n, ids=ids) for n in (1, 2, 3)])
    receiver.clock.advance(59)
    assert await run_completion(receiver, ids.study) == "this device pauses for 40 s within a study"
    receiver.clock.advance(1)
    assert await run_completion(receiver, ids.study) == ""


async def test_the_reason_is_told_where_the_study_is_audited(receiver, user):
    ids = build.StudyIds()
    files = [build.ct_slice(n, ids=ids) for n in (1, 2)]
    await opened(user, receiver, *files)
    await ask(user, references_of(*files))
    await run_jobs(receiver)
    study = await receiver.study(ids.study)
    trail = await receiver.parts.database.read(lambda tx: tx.audit.of_study(study.id, EVERYWHERE))
    assert [t.entry.detail["complete_by"] for t in trail if t.entry.action == "study.completed"] == ["commitment"]
    await asyncio.to_thread(user.release)
