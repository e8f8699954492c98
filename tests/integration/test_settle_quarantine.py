"""Decide about the quarantine (B4): every decision works to the end, has a reason, and deletes nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from pydicom.uid import generate_uid

from gateway.core.errors import InvalidRequest, NotAllowed, NotFound, NotNow
from gateway.services.compare_arrivals import examine
from gateway.services.decide_alike import decide_alike
from gateway.services.receive_ecg import receive_ecg
from gateway.services.receive_instance import keep_quarantined
from gateway.services.retry_arrival import TAKEN_FROM_QUARANTINE, retry_arrival
from gateway.services.settle_quarantine import decide, quarantined_bytes
from gateway.services.sweep_orphans import sweep_orphans
from gateway.services.verify_store import verify
from storage.model import (
    EVERYWHERE,
    INBOX_SITE_ID,
    ArrivalOutcome,
    ArrivalVia,
    Device,
    Priority,
    QuarantineChoice,
    QuarantineFilter,
    Reading,
    ReadingState,
    new_id,
)
from tests.support import dcmtk, ecg_builders
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import OTHER_SITE, SITE
from tests.support.quarantine_rooms import (
    BOSS,
    HERE,
    OTHER_SENDER,
    SENDER,
    THERE,
    actions,
    arrival_of,
    conflict,
    pair,
    quarantine_room,
    send,
)

KEEP_FIRST, USE_SECOND, RETRY, SETTLE, UNDO = (
    QuarantineChoice.KEEP_FIRST, QuarantineChoice.USE_SECOND, QuarantineChoice.RETRY, QuarantineChoice.SETTLE,
    QuarantineChoice.UNDO)
WHY = "技师确认"


@pytest.fixture
async def receiver(tmp_path, engine):
    async with quarantine_room(tmp_path / "data", **engine) as opened:
        yield opened


async def waiting(receiver, **asked):
    wanted = QuarantineFilter(**asked)
    found = await receiver.parts.database.read(lambda tx: tx.quarantine.arrivals(EVERYWHERE, wanted))
    return [arrival.id for arrival in found]


async def instance_of(receiver, arrival):
    return await receiver.parts.database.read(lambda tx: tx.studies.find_instance(arrival.sop_instance_uid))


async def add_reading(receiver, study_id: str, state: ReadingState) -> None:
    now = receiver.clock()
    reading = Reading(
        id=new_id(), study_id=study_id, site_id=SITE.id, state=state, priority=Priority.ROUTINE, group="all",
        decision_id="d", created_at=now, due_at=now, assigned_to=None, writer_id="w", reviewer_id="r",
        claimed_by="w" if state is ReadingState.IN_PROGRESS else None, claimed_at=None, lock_until=None, reason="",
        late_instances=0, revision=0)
    await receiver.parts.database.write(lambda tx: tx.readings.add(reading))


async def reading_of(receiver, study_id: str) -> Reading:
    found: Reading = await receiver.parts.database.read(lambda tx: tx.readings.of_study(study_id, EVERYWHERE))
    assert found is not None
    return found


async def test_keeping_the_first_changes_nothing_that_readers_see(receiver):
    arrival = await conflict(receiver)
    before = await instance_of(receiver, arrival)
    await decide(receiver.parts, arrival.id, KEEP_FIRST, reason=WHY, by=HERE)
    assert await instance_of(receiver, arrival) == before
    assert await waiting(receiver) == []
    assert await waiting(receiver, is_decided=True) == [arrival.id]
    assert await receiver.alarm_kinds() == []
    assert receiver.parts.objects.get(arrival.object_sha256)
    (made,) = (await examine(receiver.parts, arrival.id, HERE)).found.decisions
    assert (made.choice, made.reason, made.actor) == (KEEP_FIRST, WHY, "it-here")
    assert "arrival.decided" in await actions(receiver)


@pytest.mark.parametrize("choice", list(QuarantineChoice))
async def test_no_decision_without_a_reason(receiver, choice):
    arrival = await conflict(receiver)
    work = (retry_arrival(receiver.parts, arrival.id, reason=" ", by=HERE) if choice is RETRY
            else decide(receiver.parts, arrival.id, choice, reason=" \n", by=HERE))
    with pytest.raises(InvalidRequest, match="reason"):
        await work
    assert await waiting(receiver) == [arrival.id]


async def test_using_the_second_shows_it_to_readers_and_keeps_the_first_as_superseded(receiver):
    arrival = await conflict(receiver, rows=32, InstanceNumber=7)
    first = await instance_of(receiver, arrival)
    await add_reading(receiver, first.study_id, ReadingState.FINAL)
    await decide(receiver.parts, arrival.id, USE_SECOND, reason=WHY, by=HERE)
    now = await instance_of(receiver, arrival)
    assert (now.id, now.object_sha256, now.rows, now.number) == (first.id, arrival.object_sha256, 32, 7)
    assert now.attributes["00280010"]["Value"] == [32]
    reading = await reading_of(receiver, first.study_id)
    assert (reading.state, reading.writer_id, reading.late_instances) == (ReadingState.UNREAD, None, 1)
    assert {"instance.replaced", "reading.reopened", "arrival.decided"} <= set(await actions(receiver))
    found = await examine(receiver.parts, arrival.id, HERE)
    assert found.first is not None
    assert (found.first.sha256, found.second.sha256) == (first.object_sha256, arrival.object_sha256)
    assert found.choices == (UNDO,)
    assert await quarantined_bytes(receiver.parts, arrival.id, HERE, is_first=True) == receiver.parts.objects.get(
        first.object_sha256)


async def test_using_the_second_can_be_taken_back_and_decided_anew(receiver):
    arrival = await conflict(receiver)
    first = await instance_of(receiver, arrival)
    for _ in range(2):
        await decide(receiver.parts, arrival.id, USE_SECOND, reason=WHY, by=HERE)
        await decide(receiver.parts, arrival.id, UNDO, reason="弄错了", by=HERE)
        assert await instance_of(receiver, arrival) == first
        assert await waiting(receiver) == [arrival.id]
        assert await receiver.alarm_kinds() == ["sop-instance-conflict"]
    await decide(receiver.parts, arrival.id, KEEP_FIRST, reason=WHY, by=HERE)
    made = (await examine(receiver.parts, arrival.id, HERE)).found.decisions
    assert [decision.choice for decision in made] == [USE_SECOND, UNDO, USE_SECOND, UNDO, KEEP_FIRST]


async def test_a_reader_who_is_at_it_keeps_the_reading_and_is_told(receiver):
    arrival = await conflict(receiver)
    first = await instance_of(receiver, arrival)
    await add_reading(receiver, first.study_id, ReadingState.IN_PROGRESS)
    await decide(receiver.parts, arrival.id, USE_SECOND, reason=WHY, by=HERE)
    reading = await reading_of(receiver, first.study_id)
    assert (reading.state, reading.claimed_by, reading.late_instances) == (ReadingState.IN_PROGRESS, "w", 1)


async def test_the_second_may_stand_in_another_series_and_the_counts_follow(receiver):
    ids = build.StudyIds()
    arrival = await conflict(receiver, ids, series_uid=generate_uid())
    await decide(receiver.parts, arrival.id, USE_SECOND, reason=WHY, by=HERE)
    study = await receiver.study(ids.study)

    def counts(tx):
        return sorted(series.instance_count for series in tx.studies.series_of(study.id, EVERYWHERE))

    assert await receiver.parts.database.read(counts) == [0, 1]
    assert study.instance_count == 1
    await decide(receiver.parts, arrival.id, UNDO, reason=WHY, by=HERE)
    assert await receiver.parts.database.read(counts) == [0, 1]
    (instance,) = await receiver.instances(ids.study)
    assert instance.series_id in [series.id for series in await receiver.parts.database.read(
        lambda tx: tx.studies.series_of(study.id, EVERYWHERE)) if series.instance_count == 1]


async def test_an_ecg_that_takes_the_place_of_another_brings_its_own_facts(receiver):
    ids, uid = build.StudyIds(), generate_uid()
    await send(receiver, build.ecg_waveform(ids=ids, sop_instance_uid=uid))
    receipt = await send(receiver, build.ecg_waveform(ids=ids, sop_instance_uid=uid, samples=1000))
    (instance,) = await receiver.instances(ids.study)

    async def samples():
        return (await receiver.parts.database.read(lambda tx: tx.studies.ecg_of(instance.id))).sample_count

    assert await samples() == 500
    await decide(receiver.parts, receipt.arrival_id, USE_SECOND, reason=WHY, by=HERE)
    assert await samples() == 1000
    await decide(receiver.parts, receipt.arrival_id, UNDO, reason=WHY, by=HERE)
    assert await samples() == 500


async def test_of_two_who_decide_at_once_one_is_told_to_look_again(receiver):
    arrival = await conflict(receiver)
    done = await asyncio.gather(*(decide(receiver.parts, arrival.id, choice, reason=WHY, by=HERE)
                                  for choice in (KEEP_FIRST, USE_SECOND, KEEP_FIRST, USE_SECOND)),
                                return_exceptions=True)
    assert sum(isinstance(one, NotNow) for one in done) == 3
    made = (await examine(receiver.parts, arrival.id, HERE)).found.decisions
    assert len(made) == 1


async def test_a_uid_in_another_study_is_never_given_to_a_second_object(receiver):
    uid = generate_uid()
    await send(receiver, build.ct_slice(sop_instance_uid=uid))
    receipt = await send(receiver, build.ct_slice(sop_instance_uid=uid))
    with pytest.raises(NotNow):
        await decide(receiver.parts, receipt.arrival_id, USE_SECOND, reason=WHY, by=HERE)
    await decide(receiver.parts, receipt.arrival_id, KEEP_FIRST, reason=WHY, by=HERE)
    await decide(receiver.parts, receipt.arrival_id, UNDO, reason=WHY, by=HERE)
    assert await waiting(receiver) == [receipt.arrival_id]


async def test_nothing_is_ever_deleted_by_deciding(receiver):
    """B4: after every kind of decision each object is there, is named, and outlives the sweep."""
    one, two = await conflict(receiver), await conflict(receiver)
    broken = await send(receiver, b"not DICOM")
    await decide(receiver.parts, one.id, KEEP_FIRST, reason=WHY, by=HERE)
    await decide(receiver.parts, two.id, USE_SECOND, reason=WHY, by=HERE)
    await decide(receiver.parts, broken.arrival_id, SETTLE, reason=WHY, by=HERE)
    receiver.clock.advance(7200)
    await sweep_orphans(receiver.parts)
    assert len(receiver.parts.objects.names()) == 5
    assert not (await verify(receiver.parts)).missing


async def test_an_administrator_of_another_site_decides_nothing_here(receiver):
    arrival = await conflict(receiver)
    for choice in (KEEP_FIRST, USE_SECOND):
        with pytest.raises(NotFound):
            await decide(receiver.parts, arrival.id, choice, reason=WHY, by=THERE)
    with pytest.raises(NotFound):
        await retry_arrival(receiver.parts, arrival.id, reason=WHY, by=THERE)


# ------------------------------------------------------------------------------------------------------- taken in now
async def test_what_a_wrong_command_brought_can_be_taken_in_as_its_data_set_says(receiver):
    """A900: the data set is sound, the command was not."""
    ids = build.StudyIds()
    receipt = await keep_quarantined(receiver.parts, build.ct_slice(ids=ids), SENDER, reason="sop-class-mismatch",
                                     detail="The command named another class.")
    await retry_arrival(receiver.parts, receipt.arrival_id, reason=WHY, by=HERE)
    (instance,) = await receiver.instances(ids.study)
    arrival = await arrival_of(receiver, receipt.arrival_id)
    assert (instance.object_sha256, arrival.study_id) == (arrival.object_sha256, instance.study_id)
    assert arrival.resolved_at is not None
    assert await waiting(receiver) == []
    assert await receiver.alarm_kinds() == []
    study = await receiver.study(ids.study)
    arrivals = await receiver.parts.database.read(lambda tx: tx.arrivals.of_study(study.id, EVERYWHERE))
    assert {a.reason for a in arrivals} == {"sop-class-mismatch", TAKEN_FROM_QUARANTINE}
    found = await examine(receiver.parts, receipt.arrival_id, HERE)
    assert (found.first, found.choices) == (None, ())


async def test_what_still_cannot_be_read_stays_and_says_why(receiver):
    receipt = await send(receiver, build.ct_slice()[:-100])
    with pytest.raises(NotNow, match="ends in the middle"):
        await retry_arrival(receiver.parts, receipt.arrival_id, reason=WHY, by=HERE)
    assert await waiting(receiver) == [receipt.arrival_id]
    await decide(receiver.parts, receipt.arrival_id, SETTLE, reason="已重新发送", by=HERE)
    assert await waiting(receiver) == []


async def test_an_arrival_of_a_device_that_is_registered_by_now_goes_to_its_site_with_its_rule(receiver):
    """C4: read again with what is known today."""
    stray = replace(SENDER, site_id=INBOX_SITE_ID, device=None, calling_ae_title="NEW_DR")
    ids = build.StudyIds()
    data = build.dx_image(ids=ids, patient=build.Patient(name="王^小东".encode("gbk"), character_set=b"ISO_IR 100"))
    receipt = await keep_quarantined(receiver.parts, data, stray, reason="study-mismatch", detail="…")
    await receiver.add_device(Device("new-dr", OTHER_SITE.id, "New DR", "NEW_DR", None, "DX", character_set="gbk"))
    await retry_arrival(receiver.parts, receipt.arrival_id, reason=WHY, by=BOSS)
    study = await receiver.study(ids.study)
    assert (study.site_id, study.device_id) == (OTHER_SITE.id, "new-dr")
    assert (study.patient.name.display, study.patient.name.confidence) == ("王小东", "device_rule")


async def test_an_image_of_another_sites_study_joins_it_when_a_person_names_that_site(receiver):
    """A7: never by itself; the administrator of all names the site, one of a single site cannot."""
    ids = build.StudyIds()
    await send(receiver, build.ct_slice(1, ids=ids))
    receipt = await send(receiver, build.ct_slice(2, ids=ids), OTHER_SENDER)
    assert receipt.outcome is ArrivalOutcome.CONFLICT
    found = await examine(receiver.parts, receipt.arrival_id, BOSS)
    assert (found.named_site_id, found.choices) == (SITE.id, (SETTLE, RETRY))
    with pytest.raises(NotNow, match="another site"):
        await retry_arrival(receiver.parts, receipt.arrival_id, reason=WHY, by=BOSS)
    with pytest.raises(NotAllowed):
        await retry_arrival(receiver.parts, receipt.arrival_id, reason=WHY, by=THERE, site_id=SITE.id)
    await retry_arrival(receiver.parts, receipt.arrival_id, reason=WHY, by=BOSS, site_id=SITE.id)
    assert len(await receiver.instances(ids.study)) == 2
    assert await waiting(receiver) == []


async def test_what_has_a_known_uid_by_now_is_compared_and_not_taken_in(receiver):
    first, second = pair(SliceThickness=3)
    receipt = await keep_quarantined(receiver.parts, second, SENDER, reason="study-mismatch", detail="…")
    await send(receiver, first)
    with pytest.raises(NotNow):
        await retry_arrival(receiver.parts, receipt.arrival_id, reason=WHY, by=HERE)
    found = await examine(receiver.parts, receipt.arrival_id, HERE)
    assert found.choices == (KEEP_FIRST, USE_SECOND, QuarantineChoice.TAKE_AS_NEW)
    assert [d.element.keyword for d in found.difference.differences] == ["SliceThickness"]


async def test_an_ecg_file_that_can_be_read_now_is_taken_in(receiver):
    sender = replace(SENDER, via=ArrivalVia.ECG_UPLOAD, calling_ae_title="")
    data = ecg_builders.aecg(name="演示心电", patient_id="E1")
    receipt = await keep_quarantined(receiver.parts, data, sender, reason="aecg-entity", detail="…",
                                     file_name="a.xml")
    study = await retry_arrival(receiver.parts, receipt.arrival_id, reason=WHY, by=HERE)
    assert (study.modality, study.site_id, study.patient.name.display) == ("ECG", SITE.id, "演示心电")
    assert (await receive_ecg(receiver.parts, data, sender)).outcome is ArrivalOutcome.DUPLICATE
    assert await waiting(receiver) == []


# ------------------------------------------------------------------------------------------------- a whole sending
async def test_a_series_that_was_sent_again_is_decided_at_once_and_each_slice_for_itself(receiver, tmp_path):
    """Over the wire: 12 slices, corrected and sent again under the same UIDs; one decision, twelve entries."""
    ids, uids = build.StudyIds(), [generate_uid() for _ in range(12)]
    for name, more in (("first", {}), ("second", {"SliceThickness": 3})):
        await dcmtk.storescu(receiver.address, build.write_all(tmp_path / name, [
            build.ct_slice(n, ids=ids, sop_instance_uid=uid, **more) for n, uid in enumerate(uids, 1)]))
    await send(receiver, build.ct_slice(1, ids=ids, sop_instance_uid=uids[0], SliceThickness=9))
    [stray, *sending] = await receiver.quarantine()
    assert (await examine(receiver.parts, sending[0].id, HERE)).alike == 11
    assert (await examine(receiver.parts, stray.id, HERE)).alike == 0
    done = await decide_alike(receiver.parts, sending[0].id, USE_SECOND, reason="整个序列重发", by=HERE)
    assert (done.decided, done.waiting) == (11, 0)
    assert await waiting(receiver) == [stray.id]
    assert {i.attributes["00180050"]["Value"][0] for i in await receiver.instances(ids.study)} == {3.0}
    assert (await actions(receiver)).count("arrival.decided") == 12
    with pytest.raises(InvalidRequest):
        await decide_alike(receiver.parts, sending[0].id, UNDO, reason=WHY, by=HERE)
    await decide(receiver.parts, sending[0].id, UNDO, reason=WHY, by=HERE)
    assert len(await waiting(receiver)) == 2


# ------------------------------------------------------------------------------------------------------------- lists
async def test_the_list_is_filtered_by_reason_site_state_and_text_and_counts_reasons(receiver):
    one = await conflict(receiver)
    broken = await send(receiver, b"junk")
    there = await send(receiver, b"other junk", OTHER_SENDER)
    await decide(receiver.parts, broken.arrival_id, SETTLE, reason=WHY, by=HERE)
    assert set(await waiting(receiver)) == {one.id, there.arrival_id}
    assert await waiting(receiver, reason="sop-instance-conflict") == [one.id]
    assert await waiting(receiver, site_id=OTHER_SITE.id) == [there.arrival_id]
    assert await waiting(receiver, text="OTHER_") == [there.arrival_id]
    assert await waiting(receiver, text="%") == []
    assert await waiting(receiver, is_decided=True) == [broken.arrival_id]
    assert len(await waiting(receiver, is_decided=None)) == 3
    counts = await receiver.parts.database.read(
        lambda tx: tx.quarantine.reasons(EVERYWHERE, QuarantineFilter(is_decided=None, reason="not-dicom")))
    assert counts == {"not-dicom": 2, "sop-instance-conflict": 1}
