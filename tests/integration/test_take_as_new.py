"""Two objects of one SOP Instance UID, and both are wanted: a copy of the second under a UID of its own (B4)."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, generate_uid

from gateway.core.errors import NotFound, NotNow, Unreadable
from gateway.formats.renamed_copy import renamed_copy
from gateway.services.compare_arrivals import examine
from gateway.services.decide_alike import decide_alike, decide_one
from gateway.services.sweep_orphans import sweep_orphans
from gateway.services.verify_store import verify
from storage.model import EVERYWHERE, QuarantineChoice
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import SITE
from tests.support.quarantine_rooms import (
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
from tests.support.stores import START

TAKE_AS_NEW, KEEP_FIRST = QuarantineChoice.TAKE_AS_NEW, QuarantineChoice.KEEP_FIRST
WHY = "设备编号重复，两份都要"
NEW_UID = "2.25.1234567890"
IN_ONE_GO = replace(SENDER, association_id="association-1")
CHANGED = {0x00080018, 0x04000561}


@pytest.fixture
async def receiver(tmp_path):
    async with quarantine_room(tmp_path / "data") as opened:
        yield opened


async def test_a_uid_in_use_in_another_study_lets_both_studies_be_whole(receiver):
    uid = generate_uid()
    first_ids, second_ids = build.StudyIds(), build.StudyIds()
    await send(receiver, build.ct_slice(ids=first_ids, sop_instance_uid=uid))
    came = build.ct_slice(ids=second_ids, sop_instance_uid=uid)
    receipt = await send(receiver, came)
    assert await receiver.study(second_ids.study) is None
    found = await examine(receiver.parts, receipt.arrival_id, HERE)
    assert found.choices == (KEEP_FIRST, TAKE_AS_NEW)

    await decide_one(receiver.parts, receipt.arrival_id, TAKE_AS_NEW, reason=WHY, by=HERE)
    [first] = await receiver.instances(first_ids.study)
    [second] = await receiver.instances(second_ids.study)
    assert first.sop_instance_uid == uid != second.sop_instance_uid
    assert second.sop_instance_uid.startswith("2.25.")
    study = await receiver.study(second_ids.study)
    assert (study.site_id, study.instance_count) == (SITE.id, 1)

    kept = dcmread(BytesIO(await receiver.kept_bytes(second)))
    assert kept.SOPInstanceUID == kept.file_meta.MediaStorageSOPInstanceUID == second.sop_instance_uid
    [note] = kept.OriginalAttributesSequence
    assert note.ModifiedAttributesSequence[0].SOPInstanceUID == uid
    assert note.ReasonForTheAttributeModification == "CORRECT"
    assert _others(kept) == _others(dcmread(BytesIO(came)))

    arrival = await arrival_of(receiver, receipt.arrival_id)
    assert (arrival.resolved_by, arrival.study_id) == (HERE.actor, study.id)
    assert receiver.parts.objects.get(arrival.object_sha256) == came, "the bytes as they came stay"
    after = await examine(receiver.parts, receipt.arrival_id, HERE)
    assert after.choices == ()
    [decision] = after.found.decisions
    assert (decision.choice, decision.reason) == (TAKE_AS_NEW, WHY)
    assert (decision.detail["came_under"], decision.detail["sop_instance_uid"]) == (uid, second.sop_instance_uid)
    assert {"arrival.decided", "instance.received"} <= set(await actions(receiver))
    assert "sop-instance-in-another-study" not in await receiver.alarm_kinds()
    receiver.clock.advance(7200)
    await sweep_orphans(receiver.parts)
    assert len(receiver.parts.objects.names()) == 3
    assert not (await verify(receiver.parts)).missing


async def test_also_two_images_of_one_study_are_both_shown(receiver):
    arrival = await conflict(receiver)
    await decide_one(receiver.parts, arrival.id, TAKE_AS_NEW, reason=WHY, by=HERE)
    study = await receiver.parts.database.read(lambda tx: tx.studies.get(arrival.study_id, EVERYWHERE))
    shown = await receiver.instances(study.study_instance_uid)
    assert len(shown) == study.instance_count == 2
    assert len({one.series_id for one in shown}) == 1


async def test_a_whole_sending_is_taken_in_at_once(receiver):
    first, second = build.StudyIds(), build.StudyIds()
    uids = [generate_uid() for _ in range(3)]
    for ids in (first, second):
        receipts = [await send(receiver, build.ct_slice(n, ids=ids, sop_instance_uid=uid), IN_ONE_GO)
                    for n, uid in enumerate(uids, 1)]
    done = await decide_alike(receiver.parts, receipts[0].arrival_id, TAKE_AS_NEW, reason=WHY, by=HERE)
    assert (done.decided, done.waiting) == (2, 0)
    assert len(await receiver.instances(second.study)) == 3


async def test_it_is_decided_once_and_only_where_the_study_is_ones_own(receiver):
    arrival = await conflict(receiver)
    await decide_one(receiver.parts, arrival.id, TAKE_AS_NEW, reason=WHY, by=HERE)
    for choice in (TAKE_AS_NEW, KEEP_FIRST, QuarantineChoice.UNDO):
        with pytest.raises(NotNow):
            await decide_one(receiver.parts, arrival.id, choice, reason=WHY, by=HERE)
    other = await conflict(receiver)
    with pytest.raises(NotFound):
        await decide_one(receiver.parts, other.id, TAKE_AS_NEW, reason=WHY, by=THERE)
    one, two = pair(SliceThickness=3)
    await send(receiver, one)
    receipt = await send(receiver, two, OTHER_SENDER)
    with pytest.raises(NotNow):
        await decide_one(receiver.parts, receipt.arrival_id, TAKE_AS_NEW, reason=WHY, by=THERE)


# -------------------------------------------------------------------------------------------------------- the copy
@pytest.mark.parametrize("syntax", ["explicit", "implicit", "big", "deflated"])
def test_the_copy_differs_in_its_uid_and_the_note_alone(syntax):
    came = _in(syntax)
    copied = renamed_copy(came, sop_instance_uid=NEW_UID, at=START)
    before, after = dcmread(BytesIO(came)), dcmread(BytesIO(copied))
    assert after.file_meta.TransferSyntaxUID == before.file_meta.TransferSyntaxUID
    assert after.SOPInstanceUID == NEW_UID
    assert _others(after) == _others(before)


def test_what_was_noted_before_stays_in_front():
    dataset = dcmread(BytesIO(build.ct_slice()))
    earlier = Dataset()
    earlier.ModifyingSystem = "ARCHIVE"
    dataset.OriginalAttributesSequence = Sequence([earlier])
    written = BytesIO()
    dataset.save_as(written)
    copied = dcmread(BytesIO(renamed_copy(written.getvalue(), sop_instance_uid=NEW_UID, at=START)))
    assert [note.ModifyingSystem for note in copied.OriginalAttributesSequence] == ["ARCHIVE", "READING_GATEWAY"]


def test_chinese_text_in_a_wrongly_declared_character_set_keeps_its_bytes():
    name = "演示张三".encode("gb18030")
    came = build.dx_image(patient=build.Patient("P1", name, character_set=b"ISO_IR 100"))
    assert name in renamed_copy(came, sop_instance_uid=NEW_UID, at=START)


def test_dciodvfy_finds_no_new_fault_in_the_copy(tmp_path):
    came = build.dx_image()
    faults = []
    for number, data in enumerate((came, renamed_copy(came, sop_instance_uid=NEW_UID, at=START))):
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(data)
        done = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False, timeout=60)
        faults.append({line for line in done.stderr.splitlines() if line.startswith("Error")})
    assert faults[1] <= faults[0]


def test_what_is_no_dicom_file_is_named():
    with pytest.raises(Unreadable):
        renamed_copy(b"nothing of the kind", sop_instance_uid=NEW_UID, at=START)


def _in(syntax):
    if syntax in ("explicit", "implicit"):
        return build.ct_slice(syntax=syntax)
    if syntax == "big":
        return Path(str(get_testdata_file("MR_small_bigendian.dcm"))).read_bytes()
    dataset = dcmread(BytesIO(build.ct_slice()))
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    written = BytesIO()
    dataset.save_as(written)
    return written.getvalue()


def _others(dataset):
    """Every other element as it stands in the file."""
    return {element.tag: (element.VR, element.value) for element in dataset if element.tag not in CHANGED}
