"""Unified Procedure Step over the real port, with pynetdicom as the other system (D3, D5; PS3.4 annex CC)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.dicom.ups_events import workitem_handlers
from gateway.services.claim_reading import claim_reading
from gateway.services.job_runner import JobRunner
from gateway.services.route_study import route_study
from gateway.services.workitems.follow_readings import follow_all
from storage.model import EVERYWHERE, Device, ReadingState, Role, Site, SiteKind
from tests.support.dicom_receiver import OTHER_SITE, SITE, open_receiver
from tests.support.routing_builders import add_study, add_user, user
from tests.support.ups_peer import (
    EVENT,
    FILTERED,
    GLOBAL,
    PULL,
    PUSH,
    QUERY,
    WATCH,
    UpsPeer,
    data,
    performed,
    request_for,
)
from tests.support.waiting import until

CENTRE = Site("centre", "演示中心", "Demo centre", SiteKind.CENTRE)
READER = Device("reader-1", CENTRE.id, "演示阅片系统", "READER", None, "")
STRANGER = Device("dr-9", OTHER_SITE.id, "DR 9", "OTHER", None, "DX")
LOCK, OTHER_LOCK = "1.2.826.0.1.999", "1.2.826.0.1.998"


@pytest.fixture
async def receiver(tmp_path):
    async with open_receiver(tmp_path / "data") as opened:
        await opened.parts.database.write(lambda tx: tx.sites.add_site(CENTRE))
        await opened.add_device(READER)
        await opened.add_device(STRANGER)
        yield opened


@pytest.fixture
async def tell(receiver):
    """Run what is due of the job that tells subscribers."""
    return JobRunner(receiver.parts, workitem_handlers(receiver.parts.settings, receiver.scp.lines)).run_due


@pytest.fixture
async def study(receiver):
    return await add_study(receiver.parts, site_id=SITE.id)


@pytest.fixture
async def uid(receiver, study):
    reading = await route_study(receiver.parts, study.id)
    await follow_all(receiver.parts)
    [item] = await receiver.parts.database.read(lambda tx: tx.workitems.of_reading(reading.id))
    return item.uid


@pytest.fixture
async def peers(receiver):
    """Opens an association of this title; all are released at the end."""
    opened = []

    async def open_one(ae_title, *classes):
        one = UpsPeer(ae_title)
        await asyncio.to_thread(one.associate, receiver.address, *classes)
        opened.append(one)
        return one

    yield open_one
    for one in opened:
        await asyncio.to_thread(one.release)


async def reading_of(receiver, study):
    return await receiver.parts.database.read(lambda tx: tx.readings.of_study(study.id, EVERYWHERE))


async def test_a_reading_system_finds_claims_reports_and_completes(receiver, study, uid, peers):
    reader = await peers("READER")
    keys = data(ProcedureStepState="SCHEDULED", PatientID="", PatientName="", ProcedureStepLabel="",
                SOPInstanceUID="", ScheduledWorkitemCodeSequence=[data(CodeValue="110005")])
    [found], status = await reader.find(keys, PULL)
    assert (status, found.SOPInstanceUID, found.PatientID) == (0x0000, uid, study.patient.patient_id)
    assert found.PatientName.ideographic == study.patient.name.display
    assert await reader.state(uid, "COMPLETED", LOCK) == 0xC310
    assert await reader.state(uid, "IN PROGRESS", LOCK) == 0x0000
    held = await reading_of(receiver, study)
    assert (held.state, held.claimed_by) == (ReadingState.IN_PROGRESS, "system:READER")
    assert await reader.state(uid, "IN PROGRESS", LOCK) == 0xC302
    assert await reader.state(uid, "IN PROGRESS", OTHER_LOCK) == 0xC301
    assert await reader.state(uid, "SCHEDULED", LOCK) == 0xC303
    assert await reader.state(uid, "COMPLETED", LOCK) == 0xC304
    [instance] = await receiver.instances(study.study_instance_uid)
    done = performed(study.study_instance_uid, instance.sop_instance_uid, LOCK)
    assert await reader.set(replace_lock(done, OTHER_LOCK), uid) == 0xC301
    assert await reader.set(replace_lock(done, LOCK), uid) == 0x0000
    assert await reader.state(uid, "COMPLETED", LOCK) == 0x0000
    assert (await reading_of(receiver, study)).state is ReadingState.READ_ELSEWHERE
    assert await reader.state(uid, "COMPLETED", LOCK) == 0xB306
    assert await reader.state(uid, "CANCELED", LOCK) == 0xC300
    assert await reader.set(done, uid) == 0xC300
    assert await reader.act(2, uid, WATCH, ReasonForCancellation="late") == 0xC311
    status, record = await reader.get(uid)
    assert (status, record.ProcedureStepState, "TransactionUID" in record) == (0x0000, "COMPLETED", False)
    assert record.SOPClassUID == PUSH
    for unknown in (await reader.state("1.2.404", "IN PROGRESS", LOCK), (await reader.get("1.2.404"))[0],
                    await reader.set(data(ProcedureStepLabel="x"), "1.2.404"),
                    await reader.act(2, "1.2.404", PUSH), await reader.act(3, "1.2.404", WATCH, ReceivingAE="READER",
                                                                          DeletionLock="FALSE")):
        assert unknown == 0xC307


def replace_lock(ds, lock):
    ds.TransactionUID = lock
    return ds


async def test_get_gives_what_is_asked_for_and_says_what_it_does_not_have(uid, peers):
    reader = await peers("READER")
    status, record = await reader.get(uid, 0x00741000, 0x00404041, by=WATCH)
    assert (status, {element.keyword for element in record}) == (
        0x0000, {"ProcedureStepState", "InputReadinessState", "SpecificCharacterSet"})
    assert (record.ProcedureStepState, record.InputReadinessState) == ("SCHEDULED", "READY")
    status, record = await reader.get(uid, 0x00741000, 0x00081195, by=PUSH)
    assert (status, "TransactionUID" in record) == (0x0001, False)


async def test_each_class_takes_its_own_actions_alone(uid, peers):
    reader = await peers("READER")
    assert await reader.act(1, uid, PUSH, ProcedureStepState="IN PROGRESS", TransactionUID=LOCK) == 0x0123
    assert await reader.act(3, uid, PULL, ReceivingAE="READER", DeletionLock="FALSE") == 0x0123
    assert await reader.act(9, uid, WATCH, ReceivingAE="READER") == 0x0123
    assert await reader.act(5, uid, WATCH, ReceivingAE="READER") == 0xC314
    assert await reader.act(3, uid, WATCH, ReceivingAE="NOBODY", DeletionLock="FALSE") == 0xC308
    assert await reader.act(4, uid, WATCH, ReceivingAE="READER") == 0xC308


async def test_a_clinic_sees_its_own_and_asks_but_does_not_claim(receiver, study, uid, peers):
    clinic, stranger = await peers("MODALITY"), await peers("OTHER")
    assert len((await clinic.find(data(SOPInstanceUID="", ProcedureStepState="")))[0]) == 1
    assert await clinic.state(uid, "IN PROGRESS", LOCK) == 0x0124
    assert await stranger.find(data(SOPInstanceUID="", ProcedureStepState="")) == ([], 0x0000)
    assert await stranger.state(uid, "IN PROGRESS", LOCK) == 0xC307
    assert (await stranger.create(request_for(study.study_instance_uid), "1.2.3.70"))[0] == 0x0106
    assert (await clinic.create(request_for(study.study_instance_uid), "1.2.3.71"))[0] == 0x0000
    assert (await clinic.create(request_for(study.study_instance_uid), "1.2.3.71"))[0] == 0x0111
    urgent = request_for(study.study_instance_uid, ScheduledProcedureStepPriority="HIGH", PatientName="Other^One")
    assert (await clinic.create(urgent, "1.2.3.72"))[0] == 0xB300
    assert (await clinic.create(request_for(study.study_instance_uid), None))[0] == 0x0000
    assert len((await clinic.find(data(SOPInstanceUID="")))[0]) == 4, "the offer, and three requests"
    wrong = request_for(study.study_instance_uid, ProcedureStepState="IN PROGRESS")
    assert (await clinic.create(wrong, "1.2.3.73"))[0] == 0xC309
    order = await receiver.parts.database.read(lambda tx: tx.orders.of_study(study.id, EVERYWHERE))
    assert order.purpose == "请排除气胸"
    _, record = await clinic.get("1.2.3.71", by=PUSH)
    assert (record.ProcedureStepLabel, record.PatientID) == ("演示请求", study.patient.patient_id)
    assert await clinic.act(2, uid, PUSH) == 0xC313
    assert await clinic.act(2, "1.2.3.71", PUSH, ReasonForCancellation="late") == 0x0000
    assert await clinic.act(2, "1.2.3.71", PUSH) == 0xB304


async def test_a_search_that_cannot_be_understood_is_refused_and_many_answers_can_be_cancelled(receiver, peers):
    for _ in range(3):
        await route_study(receiver.parts, (await add_study(receiver.parts, site_id=SITE.id)).id)
    reader = await peers("READER")
    assert (await reader.find(data(ProcedureStepState="DONE")))[1] == 0xA900
    found, status = await reader.find(data(ProcedureStepState="", PatientName="", StudyInstanceUID=""), WATCH)
    assert (len(found), status) == (3, 0x0000)
    assert {one.get("PatientID", None) for one in found} == {None}, "what was not asked for is not told"


async def test_a_console_without_chinese_gets_latin_letters(receiver, study, uid, peers):
    await receiver.parts.database.write(lambda tx: tx.sites.update_device(replace(
        READER, answer_character_set="pinyin")))
    reader = await peers("READER")
    [found], _ = await reader.find(data(SOPInstanceUID=uid, PatientName=""))
    assert str(found.PatientName).isascii()
    assert str(found.PatientName) != ""


async def test_events_come_on_the_association_of_the_watcher_in_order(receiver, study, uid, peers, tell):
    watcher, reader = await peers("MODALITY", WATCH, EVENT), await peers("READER", PULL)
    assert await watcher.act(3, uid, WATCH, ReceivingAE="MODALITY", DeletionLock="TRUE") == 0x0000
    assert await reader.state(uid, "IN PROGRESS", LOCK) == 0x0000
    progress = data(TransactionUID=LOCK, ProcedureStepProgressInformationSequence=[data(ProcedureStepProgress="50")])
    assert await reader.set(progress, uid) == 0x0000
    assert await reader.state(uid, "CANCELED", LOCK) == 0x0000
    await tell()
    assert [(one.kind, one.state) for one in watcher.told] == [
        (1, "SCHEDULED"), (1, "IN PROGRESS"), (3, ""), (1, "CANCELED")]
    assert {(one.uid, one.sop_class_uid, one.context_uid) for one in watcher.told} == {(uid, PUSH, EVENT)}
    assert watcher.told[0].information.InputReadinessState == "READY"
    assert await watcher.act(4, uid, WATCH, ReceivingAE="MODALITY") == 0x0000


async def test_a_watcher_is_called_where_it_listens_and_tried_again_until_it_does(receiver, study, uid, peers, tell):
    listener = UpsPeer("VIEWER")
    with listener.listening() as port:
        device = Device("viewer-1", CENTRE.id, "演示观察", "VIEWER", "127.0.0.1", "", port=port)
        await receiver.add_device(device)
        watcher = await peers("READER", WATCH, PULL)
        assert await watcher.act(3, GLOBAL, WATCH, ReceivingAE="VIEWER", DeletionLock="FALSE") == 0x0000
        person = await add_user(receiver.parts, user("demo-reader", Role.READER))
        await claim_reading(receiver.parts, person, (await reading_of(receiver, study)).id)
        await follow_all(receiver.parts)
        await tell()
        assert [one.state for one in listener.told] == ["IN PROGRESS"]
    other = await add_study(receiver.parts, site_id=SITE.id)
    await route_study(receiver.parts, other.id)
    await follow_all(receiver.parts)
    await tell()
    waiting = await receiver.parts.database.read(lambda tx: tx.workitems.events_for("VIEWER", limit=9))
    assert len(waiting) == 1, "nobody listens: it waits"
    with listener.listening() as port:
        await receiver.parts.database.write(lambda tx: tx.sites.update_device(replace(device, port=port)))
        receiver.clock.advance(600)
        await tell()
        assert [one.state for one in listener.told] == ["IN PROGRESS", "SCHEDULED"]


async def test_a_watcher_that_only_calls_is_told_when_it_calls(receiver, uid, peers, tell):
    watcher = await peers("MODALITY", WATCH)
    assert await watcher.act(3, uid, WATCH, ReceivingAE="MODALITY", DeletionLock="FALSE") == 0x0000
    await tell()
    assert watcher.told == []
    again = await peers("MODALITY", EVENT)

    async def told():
        await tell()
        return again.told

    await until(told)
    assert [one.state for one in again.told] == ["SCHEDULED"]


async def test_a_filtered_subscription_hears_of_what_fits_and_a_suspended_one_of_nothing_new(receiver, peers, tell):
    watcher = await peers("READER", WATCH, EVENT)
    assert await watcher.act(3, FILTERED, WATCH, ReceivingAE="READER", DeletionLock="FALSE",
                             ProcedureStepLabel="CT*") == 0x0000
    for modality in ("CT", "DX"):
        await route_study(receiver.parts, (await add_study(receiver.parts, site_id=SITE.id, modality=modality)).id)
    await follow_all(receiver.parts)
    await tell()
    assert [(one.kind, one.state) for one in watcher.told] == [(1, "SCHEDULED")]
    assert await watcher.act(5, FILTERED, WATCH, ReceivingAE="READER") == 0x0000
    await route_study(receiver.parts, (await add_study(receiver.parts, site_id=SITE.id, modality="CT")).id)
    await follow_all(receiver.parts)
    await tell()
    assert len(watcher.told) == 1
    assert await watcher.act(4, GLOBAL, WATCH, ReceivingAE="READER") == 0x0000


async def test_a_broken_data_set_is_answered_and_the_association_goes_on(receiver, study, uid, peers):
    reader = await peers("READER")
    deep = data(PatientID="x")
    for _ in range(40):
        deep = data(ScheduledProcessingParametersSequence=[deep])
    status, _ = await reader.create(deep, "1.2.3.90")
    assert status in (0x0106, 0x0115, 0x0120)
    assert (await reader.get(uid))[0] == 0x0000
    assert await reader.act(1, uid, PULL, TransactionUID=LOCK) == 0x0106
    assert QUERY not in {one.context_uid for one in reader.told}
