"""Performed procedure steps over the real port, with pynetdicom as the modality (B7), and what they tell (B9)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid
from pynetdicom import AE, evt

from gateway.http.views import study_view
from gateway.services.complete_study import run_complete_study
from gateway.services.job_runner import RetryLater
from gateway.services.show_study import look_up_study
from storage.model import EVERYWHERE, CompleteBy, Device, Job, StudyState
from storage.model.commitments import StepState
from storage.model.orders import Order, OrderSource, OrderState
from tests.support import dcmtk
from tests.support import dicom_builders as build
from tests.support.commitment_user import references_of
from tests.support.dicom_receiver import OTHER_SITE, SITE, open_receiver
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("wire")

MPPS = "1.2.840.10008.3.1.2.3.3"


@pytest.fixture
async def receiver(tmp_path):
    async with open_receiver(tmp_path / "data") as opened:
        yield opened


class Modality:
    """Creates and changes steps; each call is one message."""

    def __init__(self, address: str, ae_title: str = "MODALITY") -> None:
        host, port = address.rsplit(":", 1)
        ae = AE(ae_title=ae_title)
        ae.add_requested_context(MPPS)
        self.association = ae.associate(host, int(port), ae_title="GATEWAY")
        assert self.association.is_established

    async def create(self, ds: Dataset, uid: str | None) -> tuple[Dataset, Dataset | None]:
        return await asyncio.to_thread(self.association.send_n_create, ds, MPPS, uid)

    async def set(self, ds: Dataset, uid: str) -> Dataset:
        return (await asyncio.to_thread(self.association.send_n_set, ds, MPPS, uid))[0]


@pytest.fixture
async def modality(receiver):
    opened = await asyncio.to_thread(Modality, receiver.address)
    yield opened
    await asyncio.to_thread(opened.association.release)


def creation(study: str = "1.2.826.0.1.77", accession: str = "A0001", **more: Any) -> Dataset:
    ds = Dataset()
    scheduled = Dataset()
    scheduled.StudyInstanceUID, scheduled.AccessionNumber, scheduled.ScheduledProcedureStepID = study, accession, "S1"
    ds.ScheduledStepAttributesSequence = Sequence([scheduled])
    ds.PatientID, ds.PatientName = "P0001", "Demo^One"
    ds.PerformedProcedureStepID, ds.PerformedStationAETitle = "PPS1", "MODALITY"
    ds.PerformedProcedureStepStartDate, ds.PerformedProcedureStepStartTime = "20260302", "090000"
    ds.PerformedProcedureStepStatus, ds.Modality = "IN PROGRESS", "CT"
    ds.PerformedSeriesSequence = Sequence([])
    for keyword, value in more.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


def final(*references: tuple[str, str], status: str = "COMPLETED") -> Dataset:
    ds = Dataset()
    ds.PerformedProcedureStepStatus = status
    ds.PerformedProcedureStepEndDate, ds.PerformedProcedureStepEndTime = "20260302", "091500"
    series = Dataset()
    series.SeriesInstanceUID, series.ProtocolName = generate_uid(), "Chest"
    images = []
    for sop_class_uid, sop_instance_uid in references:
        image = Dataset()
        image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = sop_class_uid, sop_instance_uid
        images.append(image)
    series.ReferencedImageSequence = Sequence(images)
    ds.PerformedSeriesSequence = Sequence([series])
    return ds


async def step(receiver, uid: str):
    return await receiver.parts.database.read(lambda tx: tx.performed_steps.find(uid, EVERYWHERE))


async def send(receiver, folder, *files: bytes) -> None:
    assert (await dcmtk.storescu(receiver.address, build.write_all(folder, list(files)))).is_success


async def run_completion(receiver, study) -> str:
    """Run the study's job once; "" or why it waits."""
    try:
        await run_complete_study(receiver.parts, Job(1, "", "complete_study", study.id, receiver.clock(), 1))
    except RetryLater as later:
        return later.why
    return ""


async def test_a_step_is_created_changed_and_completed(receiver, modality):
    uid = generate_uid()
    assert (await modality.create(creation(), uid))[0].Status == 0x0000
    kept = await step(receiver, uid)
    assert (kept.state, kept.site_id, kept.ae_title, kept.accession_numbers) == (
        StepState.IN_PROGRESS, SITE.id, "MODALITY", ("A0001",))
    change = Dataset()
    change.PerformedProcedureStepDescription = "Chest plain"
    assert (await modality.set(change, uid)).Status == 0x0000
    assert (await modality.set(final((build.CT, "1.2.3.4")), uid)).Status == 0x0000
    kept = await step(receiver, uid)
    assert kept.state is StepState.COMPLETED
    assert kept.attributes["00400254"]["Value"] == ["Chest plain"]
    assert kept.attributes["00400244"]["Value"] == ["20260302"]
    trail = await receiver.parts.database.read(lambda tx: tx.audit.recent(EVERYWHERE))
    assert [t.entry.action for t in trail if t.entry.detail.get("step") == uid] == [
        "step.changed", "step.changed", "step.created"]


@pytest.mark.parametrize("status", ["COMPLETED", "DISCONTINUED"])
async def test_a_final_step_may_no_longer_be_updated(receiver, modality, status):
    """0110 with Error ID A710 (B7), and nothing is changed."""
    uid = generate_uid()
    await modality.create(creation(), uid)
    await modality.set(final(status=status), uid)
    before = await step(receiver, uid)
    for late in (final(), final(status="DISCONTINUED"), final(status="IN PROGRESS"), Dataset()):
        late.PerformedProcedureStepDescription = "late"
        answer = await modality.set(late, uid)
        assert (answer.Status, answer.ErrorID) == (0x0110, 0xA710)
    assert await step(receiver, uid) == before


async def test_a_uid_that_is_taken_is_refused(receiver, modality):
    uid = generate_uid()
    await modality.create(creation(), uid)
    assert (await modality.create(creation(study="1.2.9"), uid))[0].Status == 0x0111
    assert (await step(receiver, uid)).study_instance_uids == ("1.2.826.0.1.77",)


@pytest.mark.parametrize(("more", "status"), [
    ({"PerformedProcedureStepID": None}, 0x0120), ({"ScheduledStepAttributesSequence": None}, 0x0120),
    ({"PerformedProcedureStepStatus": None}, 0x0120), ({"Modality": ""}, 0x0121),
    ({"ScheduledStepAttributesSequence": Sequence([Dataset()])}, 0x0120),
    ({"PerformedProcedureStepStatus": "FINISHED"}, 0x0106), ({"PerformedProcedureStepStatus": "COMPLETED"}, 0x0106),
])
async def test_a_step_that_lacks_what_it_must_have_is_refused(receiver, modality, more, status):
    uid = generate_uid()
    assert (await modality.create(creation(**more), uid))[0].Status == status
    assert await step(receiver, uid) is None


async def test_a_wrong_state_in_a_change_is_refused_and_an_unknown_step_is_named_as_that(receiver, modality):
    uid = generate_uid()
    await modality.create(creation(), uid)
    assert (await modality.set(final(status="DONE"), uid)).Status == 0x0106
    assert (await step(receiver, uid)).state is StepState.IN_PROGRESS
    assert (await modality.set(final(), generate_uid())).Status == 0x0112


async def test_a_step_of_another_site_is_nobodys(receiver, modality):
    await receiver.add_device(Device("ct-2", OTHER_SITE.id, "CT 2", "ELSEWHERE", None, "CT"))
    uid = generate_uid()
    await modality.create(creation(), uid)
    other = await asyncio.to_thread(Modality, receiver.address, "ELSEWHERE")
    assert (await other.set(final(), uid)).Status == 0x0112
    await asyncio.to_thread(other.association.release)
    assert (await step(receiver, uid)).state is StepState.IN_PROGRESS


async def test_a_device_may_leave_the_uid_to_us(receiver, modality):
    answers = []
    modality.association.bind(evt.EVT_DIMSE_RECV, lambda event: answers.append(event.message.command_set))
    assert (await modality.create(creation(), None))[0].Status == 0x0000
    assert (await step(receiver, str(answers[-1].AffectedSOPInstanceUID))).state is StepState.IN_PROGRESS


async def test_chinese_text_without_a_declared_character_set_is_decoded(receiver, modality):
    """C2: GBK bytes, and no Specific Character Set."""
    ds = creation()
    ds.add_new(0x00100010, "PN", "演示^一".encode("gbk"))
    uid = generate_uid()
    assert (await modality.create(ds, uid))[0].Status == 0
    kept = await step(receiver, uid)
    assert kept.attributes["00100010"]["Value"] == [{"Alphabetic": "演示^一"}]


async def test_a_study_is_complete_once_everything_that_a_final_step_names_is_here(receiver, modality, tmp_path):
    ids, uid = build.StudyIds(), generate_uid()
    files = [build.ct_slice(n, ids=ids) for n in (1, 2, 3)]
    await modality.create(creation(ids.study), uid)
    await send(receiver, tmp_path / "one", files[0])
    study = await receiver.study(ids.study)
    await until(lambda: not receiver.scp.is_sending(study.id))
    receiver.clock.advance(60)
    assert await run_completion(receiver, study) == "the examination is still going on"
    await modality.set(final(*references_of(*files)), uid)
    study = await receiver.study(ids.study)
    assert (study.state, study.instance_count, study.expected_count, study.expected_by) == (
        StudyState.ARRIVING, 1, 3, "mpps")
    assert await run_completion(receiver, study) == "1 of 3 are here"
    assert await told_of(receiver, study) == [("mpps", True, 3, 2)]
    await send(receiver, tmp_path / "two", *files[1:])
    study = await receiver.study(ids.study)
    assert (study.state, study.complete_by) == (StudyState.COMPLETE, CompleteBy.MPPS)
    assert await told_of(receiver, study) == [("mpps", True, 3, 0)]


async def test_a_step_that_is_final_before_the_first_image_is_remembered(receiver, modality, tmp_path):
    ids, uid = build.StudyIds(), generate_uid()
    files = [build.ct_slice(n, ids=ids) for n in (1, 2)]
    await modality.create(creation(ids.study), uid)
    await modality.set(final(*references_of(*files), status="DISCONTINUED"), uid)
    await send(receiver, tmp_path / "one", files[0])
    assert ((await receiver.study(ids.study)).state, (await receiver.study(ids.study)).expected_count) == (
        StudyState.ARRIVING, 2)
    await send(receiver, tmp_path / "two", files[1])
    assert (await receiver.study(ids.study)).complete_by is CompleteBy.MPPS


async def test_other_images_than_the_named_ones_do_not_complete_a_study(receiver, modality, tmp_path):
    """As many as named, but one of the named ones is not among them."""
    ids, uid = build.StudyIds(), generate_uid()
    files = [build.ct_slice(n, ids=ids) for n in (1, 2, 3)]
    await modality.create(creation(ids.study), uid)
    await modality.set(final(*references_of(*files[:2])), uid)
    await send(receiver, tmp_path / "one", files[0], files[2])
    assert (await receiver.study(ids.study)).state is StudyState.ARRIVING
    await send(receiver, tmp_path / "two", files[1])
    assert (await receiver.study(ids.study)).complete_by is CompleteBy.MPPS


async def test_a_step_of_another_site_says_nothing_of_a_study(receiver, tmp_path):
    await receiver.add_device(Device("ct-2", OTHER_SITE.id, "CT 2", "ELSEWHERE", None, "CT"))
    ids, uid = build.StudyIds(), generate_uid()
    data = build.ct_slice(1, ids=ids)
    await send(receiver, tmp_path / "one", data)
    other = await asyncio.to_thread(Modality, receiver.address, "ELSEWHERE")
    await other.create(creation(ids.study), uid)
    await other.set(final(*references_of(data)), uid)
    await asyncio.to_thread(other.association.release)
    study = await receiver.study(ids.study)
    assert (study.state, study.expected_count) == (StudyState.ARRIVING, None)
    assert await told_of(receiver, study) == [], "nor is it shown what another site says of it"


async def told_of(receiver, study):
    """As the page of the study says it."""
    shown = await receiver.parts.database.read(lambda tx: look_up_study(tx, EVERYWHERE, study.id))
    return [(one.kind, one.is_final, one.instance_count, one.missing) for one in study_view(shown).told]


def order_of(receiver, study: str, accession: str = "A0001", **more: Any) -> Order:
    now = receiver.clock()
    return Order(
        "order-1", SITE.id, OrderState.SCHEDULED, OrderSource.UI, accession, study, "RP1", "S1", "P0001", "演示一",
        "Demo^One", "CT", now + timedelta(minutes=5), now, "demo-clerk", now, **more)


async def order_state(receiver):
    return (await receiver.parts.database.read(lambda tx: tx.orders.get("order-1", EVERYWHERE))).state


async def test_a_step_moves_its_order_from_scheduled_to_performed(receiver, modality):
    study, uid = generate_uid(), generate_uid()
    await receiver.parts.database.write(lambda tx: tx.orders.add(order_of(receiver, study)))
    await modality.create(creation(study), uid)
    assert await order_state(receiver) is OrderState.IN_PROGRESS
    await modality.set(final(), uid)
    assert await order_state(receiver) is OrderState.PERFORMED


async def test_a_discontinued_step_leaves_its_order_open(receiver, modality):
    study, uid = generate_uid(), generate_uid()
    await receiver.parts.database.write(lambda tx: tx.orders.add(order_of(receiver, study)))
    await modality.create(creation(study), uid)
    await modality.set(final(status="DISCONTINUED"), uid)
    assert await order_state(receiver) is OrderState.IN_PROGRESS


async def test_the_count_of_an_order_completes_its_study(receiver, tmp_path):
    ids = build.StudyIds()
    await receiver.parts.database.write(
        lambda tx: tx.orders.add(order_of(receiver, ids.study, expected_count=2)))
    await send(receiver, tmp_path / "one", build.ct_slice(1, ids=ids))
    study = await receiver.study(ids.study)
    assert (study.state, study.expected_count, study.expected_by) == (StudyState.ARRIVING, 2, "order")
    await send(receiver, tmp_path / "two", build.ct_slice(2, ids=ids))
    assert (await receiver.study(ids.study)).complete_by is CompleteBy.ORDER_COUNT
    assert await order_state(receiver) is OrderState.PERFORMED
