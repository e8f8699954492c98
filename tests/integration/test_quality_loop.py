"""From a poor film to a better one: graded, rejected with marks, asked again on page and worklist, retaken (D6)."""

from __future__ import annotations

import asyncio
import io
from datetime import timedelta

import pytest
from PIL import Image

from gateway.core.errors import InvalidRequest, NotAllowed, NotFound, NotNow
from gateway.core.order import OrderRequest
from gateway.core.quality import Judgement
from gateway.core.quality_figures import Per
from gateway.services.activate_rules import ensure_rules
from gateway.services.administer_sites import By
from gateway.services.claim_reading import claim_reading
from gateway.services.match_order import match_order_back, match_study
from gateway.services.place_order import place_order, withdraw_order
from gateway.services.quality.answer_retake import (
    decline_retake,
    schedule_retake,
    see_retake,
    withdraw_retake,
)
from gateway.services.quality.ask_retake import Rejection, ask_retake, reject_image
from gateway.services.quality.count_quality import count_quality
from gateway.services.quality.grade_study import grade_study
from gateway.services.quality.show_quality import list_retakes, show_picture, show_quality
from gateway.services.settle_match import unlink
from gateway.settings import Settings
from storage.model import EVERYWHERE, ReadingState, Role, Scope
from storage.model.clocks import NoticeKind
from storage.model.orders import OrderSource, OrderState
from storage.model.quality import Grade, GradedLevel, RetakeState
from tests.support import dcmtk
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import SITE, open_receiver
from tests.support.quality import ADDRESS, png_address, reject, rejection_of
from tests.support.stores import open_parts
from tests.support.two_sites import run_due_jobs
from tests.support.waiting import until
from tests.support.web import add_exam, add_person, add_site
from tests.support.worklists import ask, query_text

BY = By("test", "", EVERYWHERE)
REQUEST = OrderRequest(patient_id="P1", patient_name="演示王小明", modality="DX", body_part="CHEST",
                       procedure_description="胸部正位", clinical_diagnosis="咳嗽3天", purpose="排除肺炎",
                       urgency="urgent", fee_item="演示收费", requesting_physician="李医生")


@pytest.fixture
async def receiver(tmp_path):
    async with open_receiver(tmp_path / "data") as opened:
        await ensure_rules(opened.parts)
        yield opened


@pytest.fixture
async def parts(tmp_path):
    async with open_parts(tmp_path / "data") as opened:
        await add_site(opened, "a", "演示甲镇")
        await add_site(opened, "b", "演示乙镇")
        yield opened


@pytest.fixture
async def reader(parts):
    return await add_person(parts, "reader", (Role.READER, None))


@pytest.fixture
async def clinic(parts):
    return await add_person(parts, "clinic", (Role.CLINIC, "a"))


async def send_film(receiver, folder, *, uid: str, **more):
    patient = build.Patient("P1", "Yan^Shiwangxiaoming=演示王小明".encode(), character_set=b"ISO_IR 192")
    films = [build.dx_image(ids=build.StudyIds(study=uid), patient=patient, **more)]
    assert (await dcmtk.storescu(receiver.address, build.write_all(folder, films))).is_success
    study = await receiver.study(uid)

    async def is_routed() -> bool:
        receiver.clock.advance(60)           # the association may still be open when storescu is done
        await run_due_jobs(receiver.parts, receiver.clock)
        return await look(receiver.parts, lambda tx: tx.readings.of_study(study.id, EVERYWHERE)) is not None

    await until(is_routed)
    return await receiver.study(uid)


async def reject_film(parts, person, study, said, picture="", *, is_sent_back=False):
    return await reject_image(parts, person, study.id, Rejection(said, picture, is_sent_back, True), revision=0,
                              address=ADDRESS)


async def look(parts, work):
    return await parts.database.read(work)


async def actions(parts, study_id: str) -> list[str]:
    entries = await look(parts, lambda tx: tx.audit.of_study(study_id, EVERYWHERE))
    return sorted({e.entry.action for e in entries if e.entry.action.split(".")[0] in ("quality", "retake")})


async def test_a_rejected_film_is_asked_for_again_on_the_worklist_and_its_better_one_answers_the_request(
        receiver, tmp_path):
    parts = receiver.parts
    reader = await add_person(parts, "reader", (Role.READER, None))
    clinic = await add_person(parts, "clinic", (Role.CLINIC, SITE.id))
    old = (await place_order(parts, SITE.id, REQUEST, BY, OrderSource.API)).order
    poor = await send_film(receiver, tmp_path / "poor", uid=old.study_instance_uid, OperatorsName="Demo^Technician")
    reading = await look(parts, lambda tx: tx.readings.of_study(poor.id, EVERYWHERE))
    await claim_reading(parts, reader, reading.id)
    [image] = await receiver.instances(old.study_instance_uid)
    said = Judgement(GradedLevel.IMAGE, image.id, Grade.REJECTED, reasons=("position", "foreign-body"), note="项链",
                     marks=({"shape": "circle", "points": [[0.4, 0.4], [0.6, 0.5]], "text": ""},))
    done = await reject_film(parts, reader, poor, said, png_address(), is_sent_back=True)

    assert done.reading.state is ReadingState.RETURNED
    assert done.reading.reason == "摆位不正、体外异物、项链"
    assert done.grade.operator.replace("^", " ") == "Demo Technician"
    query = query_text(more="(0040,1400) LT\n(0010,21b0) LT\n")
    [item] = (await ask(receiver.address, tmp_path / "mwl", query)).items
    assert item.AccessionNumber == done.order.accession_number != old.accession_number
    assert item.StudyInstanceUID != old.study_instance_uid
    assert (item.PatientID, item.RequestedProcedurePriority, item.RequestedProcedureDescription) == (
        "P1", "HIGH", "胸部正位")
    assert item.RequestedProcedureComments == "重做：摆位不正、体外异物、项链\n排除肺炎"
    assert item.AdditionalPatientHistory == "咳嗽3天"
    assert item.ScheduledProcedureStepSequence[0].ScheduledStationAETitle == "MODALITY"
    assert (done.order.station_ae_title, done.order.body_part, done.order.fee_item) == ("MODALITY", "CHEST", "")

    [shown], names = await list_retakes(parts, clinic.scope(Role.CLINIC), is_with_settled=False)
    assert (shown.retake.state, shown.study.id, names[reader.id]) == (RetakeState.ASKED, poor.id, "演示reader")
    await see_retake(parts, clinic, shown.retake.id, address=ADDRESS)
    await schedule_retake(parts, clinic, shown.retake.id, on=None, address=ADDRESS)
    better = await send_film(receiver, tmp_path / "better", uid=item.StudyInstanceUID)

    seen = await show_quality(parts, EVERYWHERE, better.id)
    assert seen.answers is not None
    assert (seen.answers.retake.state, seen.answers.study.id) == (RetakeState.RETAKEN, poor.id)
    of_poor = await show_quality(parts, EVERYWHERE, poor.id)
    assert [one.retake.new_study_id for one in of_poor.retakes] == [better.id]
    assert (await ask(receiver.address, tmp_path / "mwl", query_text())).items == []
    new_reading = await look(parts, lambda tx: tx.readings.of_study(better.id, EVERYWHERE))
    related = await look(parts, lambda tx: tx.studies.related(better, EVERYWHERE))
    assert (new_reading.state, [study.id for study in related]) == (ReadingState.UNREAD, [poor.id])
    assert better.urgency == "urgent"
    assert await actions(parts, poor.id) == ["quality.graded", "retake.asked", "retake.retaken", "retake.scheduled",
                                             "retake.seen"]


async def test_the_order_of_a_retake_is_never_taken_for_the_one_of_the_poor_film_or_of_an_earlier_one(
        receiver, tmp_path):
    """Both films have no order of their own, and everything about them agrees with the new one."""
    parts = receiver.parts
    reader = await add_person(parts, "reader", (Role.READER, None))
    for folder in ("earlier", "poor"):
        poor = await send_film(receiver, tmp_path / folder, uid=build.StudyIds().study)
        receiver.clock.advance(60)
    [image] = await receiver.instances(poor.study_instance_uid)
    said = Judgement(GradedLevel.IMAGE, image.id, Grade.REJECTED, reasons=("motion",))
    done = await reject_film(parts, reader, poor, said)
    await match_order_back(parts, done.order.id)
    await match_study(parts, poor.id)
    order, retake, proposed = await look(parts, lambda tx: (
        tx.orders.get(done.order.id, EVERYWHERE), tx.quality.retake(done.retake.id, EVERYWHERE),
        tx.order_matches.of_study(poor.id)))
    assert (order.study_id, retake.state, proposed) == (None, RetakeState.ASKED, [])
    receiver.clock.advance(60)
    new = await send_film(receiver, tmp_path / "new", uid=build.StudyIds().study)      # a console without worklist
    await match_study(parts, new.id)
    pairs = await look(parts, lambda tx: tx.order_matches.of_study(new.id))
    assert [pair.order_id for pair in pairs] == [done.order.id]


async def test_a_link_that_was_wrong_makes_the_request_wait_again(receiver, tmp_path):
    parts = receiver.parts
    reader = await add_person(parts, "reader", (Role.READER, None))
    poor = await send_film(receiver, tmp_path / "poor", uid=build.StudyIds().study)
    [image] = await receiver.instances(poor.study_instance_uid)
    said = Judgement(GradedLevel.IMAGE, image.id, Grade.REJECTED, reasons=("motion",))
    done = await reject_film(parts, reader, poor, said)
    assert (done.order.patient_id, done.order.patient_name, done.order.modality) == ("P1", "演示王小明", "DX")
    await send_film(receiver, tmp_path / "new", uid=done.order.study_instance_uid)
    assert (await look(parts, lambda tx: tx.quality.retake(done.retake.id, EVERYWHERE))).state is RetakeState.RETAKEN
    await unlink(parts, BY, done.order.id, "演示：不是这位患者")
    waits = await look(parts, lambda tx: tx.quality.retake(done.retake.id, EVERYWHERE))
    assert (waits.state, waits.new_study_id) == (RetakeState.ASKED, None)


async def test_where_the_clinic_cannot_the_order_goes_and_the_reading_is_read_as_it_is(parts, reader, clinic):
    exam = await add_exam(parts, "a")
    await claim_reading(parts, reader, exam.reading.id)
    done = await reject(parts, reader, exam, is_sent_back=True)
    with pytest.raises(InvalidRequest):
        await decline_retake(parts, clinic, done.retake.id, "  ", address=ADDRESS)
    await decline_retake(parts, clinic, done.retake.id, "患者已经回家，路远", address=ADDRESS)
    reading = await look(parts, lambda tx: tx.readings.get(exam.reading.id, EVERYWHERE))
    order = await look(parts, lambda tx: tx.orders.get(done.order.id, EVERYWHERE))
    retake = await look(parts, lambda tx: tx.quality.retake(done.retake.id, EVERYWHERE))
    assert (reading.state, order.state) == (ReadingState.UNREAD, OrderState.WITHDRAWN)
    assert (retake.state, retake.reason, retake.settled_by) == (
        RetakeState.DECLINED, "患者已经回家，路远", clinic.id)
    notices = await look(parts, lambda tx: tx.notices.of_reading(exam.reading.id))
    assert [(n.kind, n.user_id) for n in notices if n.kind.value.startswith("retake")] == [
        (NoticeKind.RETAKE_ASKED, clinic.id), (NoticeKind.RETAKE_DECLINED, reader.id)]
    with pytest.raises(NotNow) as refused:
        await schedule_retake(parts, clinic, done.retake.id, on=None, address=ADDRESS)
    assert refused.value.reason == "declined"


async def test_the_worklist_shows_the_day_on_which_the_clinic_will_repeat_it(parts, reader, clinic):
    """A console asks for the orders of its day: one that was asked for yesterday is repeated today."""
    done = await reject(parts, reader, await add_exam(parts, "a"))
    parts.clock.advance(30 * 3600)
    for on in (None, parts.clock() + timedelta(days=2)):
        await schedule_retake(parts, clinic, done.retake.id, on=on, address=ADDRESS)
        [order] = await look(parts, lambda tx: tx.orders.waiting(Scope(frozenset({"a"}))))
        assert order.scheduled_at == (on or parts.clock())
    for on in (parts.clock() - timedelta(days=2), parts.clock() + timedelta(days=400)):
        with pytest.raises(InvalidRequest) as refused:
            await schedule_retake(parts, clinic, done.retake.id, on=on, address=ADDRESS)
        assert refused.value.reason == "time"


async def test_an_order_taken_back_on_the_page_of_orders_is_a_no_to_the_retake(parts, reader):
    exam = await add_exam(parts, "a")
    await claim_reading(parts, reader, exam.reading.id)
    done = await reject(parts, reader, exam, is_sent_back=True)
    await withdraw_order(parts, done.order.id, "患者转院", BY)
    retake = await look(parts, lambda tx: tx.quality.retake(done.retake.id, EVERYWHERE))
    reading = await look(parts, lambda tx: tx.readings.get(exam.reading.id, EVERYWHERE))
    assert (retake.state, retake.reason, reading.state) == (RetakeState.DECLINED, "患者转院", ReadingState.UNREAD)


async def test_a_reader_may_take_the_request_back_and_a_clinic_may_not(parts, reader, clinic):
    done = await reject(parts, reader, await add_exam(parts, "a"))
    with pytest.raises((NotFound, NotAllowed)):
        await withdraw_retake(parts, clinic, done.retake.id, "不想", address=ADDRESS)
    after = await withdraw_retake(parts, reader, done.retake.id, "已有外院片", address=ADDRESS)
    assert after.state is RetakeState.WITHDRAWN


async def test_a_second_rejection_joins_the_open_request_and_is_seen_anew(parts, reader, clinic):
    exam = await add_exam(parts, "a")
    first = await reject(parts, reader, exam)
    await see_retake(parts, clinic, first.retake.id, address=ADDRESS)
    second = await reject(parts, reader, exam, reasons=("exposure-low",), revision=1, picture=png_address("另一张"))
    assert (second.retake.id, second.retake.state) == (first.retake.id, RetakeState.ASKED)
    assert second.order.accession_number == first.order.accession_number
    assert second.order.purpose == "重做：曝光不足，噪声大\n重做：摆位不正"
    [shown], _ = await list_retakes(parts, EVERYWHERE, is_with_settled=True)
    assert [grade.reasons for grade in shown.rejections] == [("exposure-low",), ("position",)]


async def test_a_rejection_without_a_retake_leaves_the_reading_alone_and_one_may_ask_later(parts, reader):
    exam = await add_exam(parts, "a")
    done = await reject(parts, reader, exam, asks_retake=False)
    assert (done.retake, done.order, done.reading) == (None, None, None)
    reading = await look(parts, lambda tx: tx.readings.get(exam.reading.id, EVERYWHERE))
    assert reading == exam.reading
    retake = await ask_retake(parts, reader, done.grade.id, address=ADDRESS)
    assert retake.grade_id == done.grade.id


async def test_nothing_is_kept_of_a_rejection_whose_reading_cannot_go_back(parts, reader):
    exam = await add_exam(parts, "a")                # nobody has claimed it
    with pytest.raises(NotNow):
        await reject(parts, reader, exam, is_sent_back=True)
    assert await look(parts, lambda tx: (tx.quality.grades_of(exam.study.id, EVERYWHERE),
                                         tx.quality.retakes_of(exam.study.id, EVERYWHERE))) == ([], [])


async def test_every_grade_is_kept_the_newest_counts_and_a_lost_race_is_told(parts, reader):
    exam = await add_exam(parts, "a")

    async def say(grade: Grade, revision: int):
        return await grade_study(parts, reader, exam.study.id, Judgement(GradedLevel.STUDY, exam.study.id, grade),
                                 revision=revision, address=ADDRESS)

    await say(Grade.GOOD, 0)
    with pytest.raises(NotNow) as lost:
        await say(Grade.EXCELLENT, 0)
    assert lost.value.reason == "revision"
    await say(Grade.ACCEPTABLE, 1)
    shown = await show_quality(parts, EVERYWHERE, exam.study.id)
    assert [(g.grade, g.revision, g.is_current) for g in shown.grades] == [
        (Grade.ACCEPTABLE, 2, True), (Grade.GOOD, 1, False)]


async def test_a_grade_is_about_something_in_the_study(parts, reader):
    exam, other = await add_exam(parts, "a"), await add_exam(parts, "a")
    for level, target, frame in ((GradedLevel.STUDY, other.study.id, 0), (GradedLevel.SERIES, other.series.id, 0),
                                 (GradedLevel.IMAGE, other.instance.id, 1), (GradedLevel.IMAGE, exam.instance.id, 9)):
        with pytest.raises(InvalidRequest) as refused:
            await grade_study(parts, reader, exam.study.id, Judgement(level, target, Grade.GOOD, frame), revision=0,
                              address=ADDRESS)
        assert refused.value.reason == "subject"


async def test_a_clinic_s_person_and_another_site_s_reader_grade_nothing(parts, clinic):
    exam = await add_exam(parts, "a")
    stranger = await add_person(parts, "stranger", (Role.READER, "b"))
    for person in (clinic, stranger):
        with pytest.raises(NotFound):
            await reject(parts, person, exam)


async def test_the_marked_picture_is_kept_as_pixels_alone_and_shown_inside_the_scope(parts, reader):
    done = await reject(parts, reader, await add_exam(parts, "a"), picture=png_address(size=(64, 48)))
    kept = await look(parts, lambda tx: (tx.objects.has(done.grade.picture_sha256), tx.objects.unnamed()))
    data = await show_picture(parts, Scope(frozenset({"a"})), done.grade.id, actor="x", address=ADDRESS)
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.size, picture.info) == ("PNG", (64, 48), {})
    assert kept[0]
    assert done.grade.picture_sha256 not in {sha256 for _, _, sha256 in kept[1]}
    with pytest.raises(NotFound):
        await show_picture(parts, Scope(frozenset({"b"})), done.grade.id, actor="x", address=ADDRESS)


@pytest.mark.parametrize("picture", ["data:image/jpeg;base64,AAAA", "data:image/png;base64,%%%",
                                     "data:image/png;base64,AAAA", png_address(size=(4097, 2))])
async def test_what_is_no_picture_is_refused_and_nothing_is_kept(parts, reader, picture):
    exam = await add_exam(parts, "a")
    with pytest.raises(InvalidRequest) as refused:
        await reject(parts, reader, exam, picture=picture)
    assert refused.value.reason == "picture"
    assert await look(parts, lambda tx: tx.quality.grades_of(exam.study.id, EVERYWHERE)) == []


async def test_a_film_is_not_rejected_for_a_lead_that_came_off(parts, reader):
    exam = await add_exam(parts, "a")
    rejection = rejection_of(exam, reasons=("lead-off",))
    with pytest.raises(InvalidRequest) as refused:
        await reject_image(parts, reader, exam.study.id, rejection, revision=0, address=ADDRESS)
    assert refused.value.reason == "unknown-reason"


async def test_figures_count_by_device_and_person_inside_the_scope(parts, reader, clinic):
    exams = [await add_exam(parts, "a") for _ in range(3)] + [await add_exam(parts, "b")]
    for exam, grade in zip(exams, (Grade.EXCELLENT, Grade.GOOD, None, Grade.GOOD), strict=True):
        if grade is not None:
            await grade_study(parts, reader, exam.study.id, Judgement(GradedLevel.STUDY, exam.study.id, grade),
                              revision=0, address=ADDRESS)
    done = await reject(parts, reader, exams[2])
    await decline_retake(parts, clinic, done.retake.id, "演示", address=ADDRESS)
    [line] = (await count_quality(parts, Scope(frozenset({"a"})), Per.DEVICE, first="", last="")).lines
    assert (line.month, line.studies, line.graded) == ("2026-03", 3, 3)
    assert line.rejection_rate == pytest.approx(1 / 3)
    assert (dict(line.reasons), line.retakes, line.retaken, line.declined) == ({"position": 1}, 1, 0, 1)
    people = await count_quality(parts, EVERYWHERE, Per.GRADER, first="2026-02", last="2026-03")
    assert [(one.subject, one.graded) for one in people.lines] == [(("a", reader.id), 3), (("b", reader.id), 1)]
    assert people.names == {reader.id: "演示reader"}


async def test_of_many_who_reject_at_once_one_grade_and_one_request_are_kept(engine, tmp_path):
    settings = Settings(data_dir=tmp_path / "data", reserve_bytes=0, node="test-node", **engine)
    async with open_parts(tmp_path / "data", settings=settings) as parts:
        await add_site(parts, "a", "演示甲镇")
        exam = await add_exam(parts, "a")
        people = [await add_person(parts, f"reader-{n}", (Role.READER, None)) for n in range(8)]
        outcomes = await asyncio.gather(*(reject(parts, person, exam) for person in people), return_exceptions=True)
        assert [type(one).__name__ for one in outcomes].count("Rejected") == 1
        assert {one.reason for one in outcomes if isinstance(one, NotNow)} == {"revision"}
        subjects = [(GradedLevel.STUDY, exam.study.id), (GradedLevel.SERIES, exam.series.id)]
        await asyncio.gather(*(reject_image(
            parts, people[0], exam.study.id,
            Rejection(Judgement(level, target, Grade.REJECTED, reasons=("motion",)), "", False, True), revision=0,
            address=ADDRESS) for level, target in subjects), return_exceptions=True)
        grades, retakes, orders = await look(parts, lambda tx: (
            tx.quality.grades_of(exam.study.id, EVERYWHERE), tx.quality.retakes_of(exam.study.id, EVERYWHERE),
            tx.orders.waiting(EVERYWHERE)))
        assert (len(retakes), len(orders)) == (1, 1)
        assert len({(grade.target_id, grade.revision) for grade in grades}) == len(grades) >= 2
