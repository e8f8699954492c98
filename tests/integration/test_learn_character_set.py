"""Learn how a device writes names from what it sends, and correct it with one act (C4)."""

from __future__ import annotations

import pytest

from gateway.core.errors import InvalidRequest, NotFound, NotNow
from gateway.services import correct_device_text as correcting
from gateway.services import learn_character_set as learning
from gateway.services.correct_device_text import correct_device_text, undo_device_text
from gateway.services.learn_character_set import device_lessons, device_text
from storage.model import EVERYWHERE, Confidence, Device, PatientName
from tests.support import dcmtk
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import SITE
from tests.support.quarantine_rooms import BOSS, HERE, SENDER, THERE, actions, quarantine_room, send
from tests.support.two_sites import claim_jobs

DECLARED, GUESSED, DEVICE_RULE = Confidence.DECLARED, Confidence.GUESSED, Confidence.DEVICE_RULE
HANDLERS = {**learning.HANDLERS, **correcting.HANDLERS}
WHY = "厂家确认该机只写 GBK"


@pytest.fixture
async def receiver(tmp_path, engine):
    async with quarantine_room(tmp_path / "data", **engine) as opened:
        yield opened


async def run_jobs(receiver) -> int:
    """The two jobs of this subject; the others are not looked at."""
    done = 0
    while jobs := await claim_jobs(receiver.parts):
        for job in jobs:
            if job.kind in HANDLERS:
                await HANDLERS[job.kind](receiver.parts, job)
                done += 1
            await receiver.parts.database.write(lambda tx, job=job: tx.jobs.finish(job.id, "test"))
    return done


async def film(receiver, number: int, name: str, *, codec: str = "gbk", declared: bytes | None = b"ISO_IR 100",
               description: str = "胸部正位") -> build.StudyIds:
    """Receive a complete study of the registered modality, written so."""
    ids = build.StudyIds()
    patient = build.Patient(f"P{number:04d}", name.encode(codec), character_set=declared)
    image = build.dx_image(ids=ids, patient=patient, NumberOfStudyRelatedInstances=1)
    await send(receiver, build.with_text(image, 0x00081030, description.encode(codec)), SENDER)
    return ids


async def shown(receiver, ids):
    study = await receiver.study(ids.study)
    return study.patient.name, study.description


async def test_what_a_device_declares_and_what_its_bytes_are_is_counted_once_a_study(receiver):
    for number in range(3):
        await film(receiver, number, "王^小东")
    await film(receiver, 4, "李^四", declared=b"GB18030")
    await film(receiver, 5, "Wang^Wu", description="chest")
    assert await run_jobs(receiver) == 5
    await run_jobs(receiver)
    found = await device_text(receiver.parts, "dr-1", HERE)
    assert sorted(found.counts) == [("GB18030", "gb18030", DECLARED, 1), ("ISO_IR 100", "gb18030", GUESSED, 3)]
    assert (found.learned.lesson.names, found.learned.lesson.mislabelled) == (4, 3)
    assert found.learned.lesson.suggestion == ""


async def test_examples_show_the_raw_bytes_and_both_readings_and_count_as_opened(receiver):
    ids = await film(receiver, 1, "王^小东")
    await run_jobs(receiver)
    (example,) = (await device_text(receiver.parts, "dr-1", HERE)).examples
    raw = "王^小东".encode("gbk")
    assert (bytes.fromhex(example.raw_hex), example.as_declared, example.as_read) == (
        raw, raw.decode("latin-1"), "王小东")
    assert (example.study_id, example.confidence) == ((await receiver.study(ids.study)).id, GUESSED)
    assert "study.opened" in await actions(receiver)


async def test_twenty_mislabelled_names_suggest_the_rule_and_one_act_corrects_device_and_studies(receiver):
    """The whole way: suggested, corrected, read again, taken back."""
    films = [await film(receiver, number, f"王^小东{number}") for number in range(20)]
    right = await film(receiver, 99, "李^四", declared=b"GB18030")
    await run_jobs(receiver)
    (learned,) = await device_lessons(receiver.parts, EVERYWHERE)
    assert (learned.lesson.suggestion, learned.lesson.names, learned.lesson.mislabelled) == ("gb18030", 21, 20)

    await correct_device_text(receiver.parts, "dr-1", "gb18030", reason=WHY, by=HERE)
    device = await receiver.parts.database.read(lambda tx: tx.sites.device("dr-1"))
    assert device.character_set == "gb18030"
    await run_jobs(receiver)
    for number, ids in enumerate(films):
        name, description = await shown(receiver, ids)
        assert (name.display, name.confidence, description) == (f"王小东{number}", DEVICE_RULE, "胸部正位")
        assert bytes.fromhex(name.raw_hex) == f"王^小东{number}".encode("gbk")
    assert (await shown(receiver, right))[0].confidence is DECLARED
    found = await device_text(receiver.parts, "dr-1", HERE)
    (correction,) = found.corrections
    assert (correction.before, correction.after, correction.reason, correction.studies) == ("", "gb18030", WHY, 20)
    assert correction.finished_at is not None
    assert found.learned.lesson.suggestion == ""
    trail = await actions(receiver)
    assert trail.count("study.text_corrected") == 20
    assert "device.text_corrected" in trail

    await undo_device_text(receiver.parts, "dr-1", reason="弄错了设备", by=HERE)
    await run_jobs(receiver)
    assert {(await shown(receiver, ids))[0].confidence for ids in films} == {GUESSED}
    assert (await receiver.parts.database.read(lambda tx: tx.sites.device("dr-1"))).character_set is None
    with pytest.raises(NotNow):
        await undo_device_text(receiver.parts, "dr-1", reason="再一次", by=HERE)


async def test_a_guess_that_was_wrong_is_put_right_everywhere_it_is_shown(receiver):
    """A name that the test of the bytes reads wrongly: the person knows better, and the index follows."""
    raw = "김^영희".encode("euc_kr")
    ids = build.StudyIds()
    film = build.dx_image(ids=ids, patient=build.Patient(name=raw), NumberOfStudyRelatedInstances=1)
    data = build.with_text(film, 0x00081030, "흉부".encode("euc_kr"))
    await send(receiver, data)
    await run_jobs(receiver)
    before, described = await shown(receiver, ids)
    assert before.display != "김 영희"
    await correct_device_text(receiver.parts, "dr-1", "euc_kr", reason=WHY, by=HERE)
    await run_jobs(receiver)
    name, description = await shown(receiver, ids)
    assert (name.display, name.confidence, description) == ("김 영희", DEVICE_RULE, "흉부")
    (instance,) = await receiver.instances(ids.study)
    assert instance.attributes["00100010"]["Value"] == [{"Alphabetic": "김^영희"}]
    assert instance.attributes["00081030"]["Value"] == ["흉부"]
    await undo_device_text(receiver.parts, "dr-1", reason=WHY, by=HERE)
    await run_jobs(receiver)
    assert await shown(receiver, ids) == (before, described)


async def test_a_name_that_another_device_wrote_is_not_touched(receiver):
    """One identity, two devices: the name belongs to the bytes that it was read from."""
    await receiver.add_device(Device("ct-9", SITE.id, "CT 9", "CT9", None, "CT"))
    first = await film(receiver, 1, "王^小东")
    await film(receiver, 1, "王^小东", codec="utf-8", declared=None)
    studies = {(await receiver.study(first.study)).patient.id}
    assert len(studies) == 1
    await correct_device_text(receiver.parts, "ct-9", "latin-1", reason=WHY, by=BOSS)
    await run_jobs(receiver)
    name, _ = await shown(receiver, first)
    assert (name.display, name.confidence) == ("王小东", GUESSED)


async def test_a_correction_needs_a_known_character_set_a_reason_and_the_device_of_ones_site(receiver):
    parts = receiver.parts
    with pytest.raises(InvalidRequest, match="character set"):
        await correct_device_text(parts, "dr-1", "klingon", reason=WHY, by=HERE)
    with pytest.raises(InvalidRequest, match="reason"):
        await correct_device_text(parts, "dr-1", "gbk", reason="", by=HERE)
    with pytest.raises(NotFound):
        await correct_device_text(parts, "dr-1", "gbk", reason=WHY, by=THERE)
    with pytest.raises(NotFound):
        await device_text(parts, "dr-1", THERE)
    with pytest.raises(NotNow):
        await correct_device_text(parts, "dr-1", "", reason=WHY, by=HERE)
    with pytest.raises(NotNow):
        await undo_device_text(parts, "dr-1", reason=WHY, by=HERE)
    assert await device_lessons(parts, THERE.scope) == []


async def test_what_arrives_over_the_wire_is_learned_too_and_the_rule_serves_a_later_association(receiver, tmp_path):
    patient = build.Patient("P1", "王^小东".encode("gbk"), character_set=b"ISO_IR 100")

    async def sent() -> Confidence:
        ids = build.StudyIds()
        data = build.dx_image(ids=ids, patient=patient, NumberOfStudyRelatedInstances=1)
        await dcmtk.storescu(receiver.address, build.write_all(tmp_path / ids.study, [data]))
        await run_jobs(receiver)
        name: PatientName = (await receiver.study(ids.study)).patient.name
        return name.confidence

    assert await sent() is GUESSED
    await correct_device_text(receiver.parts, "dr-1", "GBK", reason=WHY, by=HERE)
    patient = build.Patient("P2", "李^四".encode("gbk"), character_set=b"ISO_IR 100")
    for _ in range(3):                       # at once, although the port remembers devices for a moment
        assert await sent() is DEVICE_RULE
