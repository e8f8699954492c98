"""The same SOP Instance UID again (B4): the first object is never overwritten, whatever comes after it."""

from __future__ import annotations

import asyncio

import pytest
from pydicom.uid import generate_uid

from gateway.services.receive_instance import Sender, receive_part10
from storage.model import EVERYWHERE, ArrivalOutcome, ArrivalVia, Device
from tests.support import dcmtk
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import MODALITY, OTHER_SITE, SITE, open_receiver

pytestmark = pytest.mark.usefixtures("wire")

SENDER = Sender(SITE.id, MODALITY, ArrivalVia.STOW, calling_ae_title="MODALITY")


@pytest.fixture
async def receiver(tmp_path, engine):
    async with open_receiver(tmp_path / "data", **engine) as opened:
        yield opened


def two_with_one_uid(ids: build.StudyIds, **more) -> tuple[bytes, bytes]:
    uid = generate_uid()
    return (build.ct_slice(1, ids=ids, sop_instance_uid=uid),
            build.ct_slice(1, ids=ids, sop_instance_uid=uid, SliceThickness=3, **more))


async def outcomes(receiver, study_instance_uid: str) -> list[str]:
    study = await receiver.study(study_instance_uid)
    arrivals = await receiver.parts.database.read(lambda tx: tx.arrivals.of_study(study.id, EVERYWHERE))
    return [a.outcome for a in arrivals]


async def test_the_same_bytes_again_are_accepted_and_stored_once(receiver, tmp_path):
    ids = build.StudyIds()
    paths = build.write_all(tmp_path / "in", [build.ct_slice(ids=ids)])
    for _ in range(2):
        assert (await dcmtk.storescu(receiver.address, paths)).statuses == [0]
    assert len(await receiver.instances(ids.study)) == 1
    assert await outcomes(receiver, ids.study) == ["kept", "duplicate"]
    assert (await receiver.study(ids.study)).instance_count == 1
    assert await receiver.quarantine() == []
    assert len(receiver.parts.objects.names()) == 1


async def test_other_bytes_under_a_known_uid_go_into_quarantine_with_an_alarm(receiver, tmp_path):
    """In one association: the second of the two is the conflict, and its sender is relieved of it."""
    ids = build.StudyIds()
    first, second = two_with_one_uid(ids)
    sent = await dcmtk.storescu(receiver.address, build.write_all(tmp_path / "in", [first, second]))
    assert sent.statuses == [0, 0]
    (instance,) = await receiver.instances(ids.study)
    assert build.dataset_of(await receiver.kept_bytes(instance)) == build.dataset_of(first)
    (conflict,) = await receiver.quarantine()
    assert (conflict.outcome, conflict.reason) == (ArrivalOutcome.CONFLICT, "sop-instance-conflict")
    assert build.dataset_of(receiver.parts.objects.get(conflict.object_sha256)) == build.dataset_of(second)
    assert await receiver.alarm_kinds() == ["sop-instance-conflict"]
    assert await outcomes(receiver, ids.study) == ["kept", "conflict"]


async def test_a_known_uid_in_another_study_is_a_conflict(receiver, tmp_path):
    uid = generate_uid()
    here, there = build.StudyIds(), build.StudyIds()
    files = [build.ct_slice(ids=here, sop_instance_uid=uid), build.ct_slice(ids=there, sop_instance_uid=uid)]
    await dcmtk.storescu(receiver.address, build.write_all(tmp_path / "in", files))
    assert [a.reason for a in await receiver.quarantine()] == ["sop-instance-in-another-study"]
    assert await receiver.study(there.study) is None
    assert len(await receiver.instances(here.study)) == 1


async def test_a_study_of_another_site_is_neither_merged_nor_lost(receiver, tmp_path):
    """A7: the instance is kept in quarantine; the other site's study does not change, and is not told of."""
    await receiver.add_device(Device("ct-2", OTHER_SITE.id, "CT 2", "OTHER_CT", None, "CT"))
    ids = build.StudyIds()
    first, second = build.write_all(tmp_path / "in", [build.ct_slice(1, ids=ids), build.ct_slice(2, ids=ids)])
    await dcmtk.storescu(receiver.address, [first])
    assert (await dcmtk.storescu(receiver.address, [second], calling="OTHER_CT")).statuses == [0]
    assert len(await receiver.instances(ids.study)) == 1
    (conflict,) = await receiver.quarantine()
    assert (conflict.reason, conflict.site_id, conflict.study_id) == ("study-of-another-site", OTHER_SITE.id, None)
    assert await receiver.alarm_kinds() == ["study-of-another-site"]


async def test_another_patient_id_on_a_known_study_is_kept_with_an_alarm(receiver, tmp_path):
    """A7: never refused, never silently merged."""
    ids = build.StudyIds()
    files = [build.ct_slice(1, ids=ids), build.ct_slice(2, ids=ids, patient=build.Patient(patient_id="P0002"))]
    await dcmtk.storescu(receiver.address, build.write_all(tmp_path / "in", files))
    assert len(await receiver.instances(ids.study)) == 2
    assert (await receiver.study(ids.study)).patient.patient_id == "P0001"
    assert await receiver.alarm_kinds() == ["patient-id-conflict"]


async def test_many_senders_of_one_object_at_once_make_one_instance(receiver, tmp_path):
    """In parallel: one is kept, the others are duplicates, all are told 0000."""
    ids = build.StudyIds()
    paths = build.write_all(tmp_path / "in", [build.ct_slice(ids=ids)])
    sent = await asyncio.gather(*(dcmtk.storescu(receiver.address, paths) for _ in range(6)))
    assert [s.statuses for s in sent] == [[0]] * 6
    assert sorted(await outcomes(receiver, ids.study)) == ["duplicate"] * 5 + ["kept"]
    assert (await receiver.study(ids.study)).instance_count == 1


async def test_different_objects_of_one_uid_at_once_leave_one_instance_and_the_rest_in_quarantine(receiver):
    """Racing receivers: the unique constraint decides, the others look again."""
    ids, uid = build.StudyIds(), generate_uid()
    files = [build.ct_slice(ids=ids, sop_instance_uid=uid, SliceThickness=n) for n in range(1, 9)]
    receipts = await asyncio.gather(*(receive_part10(receiver.parts, data, SENDER) for data in files))
    assert sorted(r.outcome for r in receipts) == ["conflict"] * 7 + ["kept"]
    assert len(await receiver.instances(ids.study)) == 1
    assert len(await receiver.quarantine()) == 7
    kept = {receiver.parts.objects.get(name) for name in receiver.parts.objects.names()}
    assert kept == set(files)


async def test_different_objects_of_one_uid_sent_at_the_same_instant_are_all_kept(receiver, tmp_path):
    """Over the wire: each association is told 0000; one object is what readers see, each other waits for a person."""
    ids, uid = build.StudyIds(), generate_uid()
    files = [build.ct_slice(ids=ids, sop_instance_uid=uid, SliceThickness=n) for n in range(1, 7)]
    paths = build.write_all(tmp_path / "in", files)
    sent = await asyncio.gather(*(dcmtk.storescu(receiver.address, [path]) for path in paths))
    assert [s.statuses for s in sent] == [[0]] * 6
    (instance,) = await receiver.instances(ids.study)
    waiting = await receiver.quarantine()
    assert len(waiting) == 5
    kept = [await receiver.kept_bytes(instance)] + [receiver.parts.objects.get(a.object_sha256) for a in waiting]
    assert sorted(build.dataset_of(data) for data in kept) == sorted(build.dataset_of(data) for data in files)
    assert len(await receiver.alarm_kinds()) == 5


async def test_a_sender_that_repeats_a_conflict_fills_no_list(receiver, tmp_path):
    """A modality whose queue is stuck sends the same again for days: one entry waits, each arrival is on record."""
    ids = build.StudyIds()
    first, second = two_with_one_uid(ids)
    paths = build.write_all(tmp_path / "in", [first, second])
    await dcmtk.storescu(receiver.address, paths)
    for _ in range(3):
        assert (await dcmtk.storescu(receiver.address, paths[1:])).statuses == [0]
    assert len(await receiver.quarantine()) == 1
    assert await receiver.alarm_kinds() == ["sop-instance-conflict"]
    assert await outcomes(receiver, ids.study) == ["kept"] + ["conflict"] * 4
    assert len(receiver.parts.objects.names()) == 2


async def test_a_study_sent_in_parallel_is_one_study(receiver):
    ids = build.StudyIds()
    files = [build.ct_slice(n, ids=ids) for n in range(1, 17)]
    receipts = await asyncio.gather(*(receive_part10(receiver.parts, data, SENDER) for data in files))
    assert {r.outcome for r in receipts} == {ArrivalOutcome.KEPT}
    assert len({r.study_id for r in receipts}) == 1
    assert (await receiver.study(ids.study)).instance_count == 16


async def test_a_duplicate_is_still_one_after_a_restart(tmp_path, engine):
    ids = build.StudyIds()
    first, second = two_with_one_uid(ids)
    paths = build.write_all(tmp_path / "in", [first, second])
    async with open_receiver(tmp_path / "data", **engine) as receiver:
        await dcmtk.storescu(receiver.address, paths[:1])
    for again in (["kept", "duplicate", "conflict"], ["kept", "duplicate", "conflict", "duplicate", "conflict"]):
        async with open_receiver(tmp_path / "data", is_empty=False, **engine) as receiver:
            await dcmtk.storescu(receiver.address, paths)
            assert await outcomes(receiver, ids.study) == again
            assert len(await receiver.quarantine()) == 1


async def test_an_upload_of_what_a_modality_sent_is_a_duplicate_although_its_file_meta_differs(receiver, tmp_path):
    """B4: the data set counts; an uploaded file keeps its own bytes where it is the first."""
    ids = build.StudyIds()
    part10 = build.ct_slice(ids=ids)
    await dcmtk.storescu(receiver.address, build.write_all(tmp_path / "in", [part10]))
    receipt = await receive_part10(receiver.parts, part10, SENDER)
    assert receipt.outcome is ArrivalOutcome.DUPLICATE
    other = build.ct_slice(2, ids=ids)
    assert (await receive_part10(receiver.parts, other, SENDER)).outcome is ArrivalOutcome.KEPT
    assert await receiver.kept_bytes((await receiver.instances(ids.study))[1]) == other
