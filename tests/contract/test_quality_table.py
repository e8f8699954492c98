"""Grades and retakes on both engines: history, scopes, lost races, what goes with a study (D6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from storage.model import EVERYWHERE, ObjectRef, Scope, Study, new_id
from storage.model.quality import Grade, GradedLevel, QualityGrade, Retake, RetakeState
from tests.contract.test_orders_table import an_order
from tests.contract.test_studies_table import STUDY

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
A, B = Scope(frozenset({"a"})), Scope(frozenset({"b"}))


def a_grade(study_id: str, **more) -> QualityGrade:
    grade = QualityGrade(new_id(), study_id, "a", GradedLevel.STUDY, study_id, 0, Grade.GOOD, ("motion",), "注", "DX",
                         "dr", "王技师", "doc", AT, 1,
                         marks=({"shape": "text", "points": [[0.5, 0.5]], "text": "这里"},))
    return replace(grade, **more)


def a_study(site_id: str, **more) -> Study:
    uid = new_id()
    patient = replace(STUDY.patient, id=f"patient-{uid}", site_id=site_id, patient_id=uid)
    return replace(STUDY, id=uid, study_instance_uid=f"2.25.{int(uid, 16)}", site_id=site_id, patient=patient, **more)


def a_retake(study_id: str, **more) -> Retake:
    return replace(Retake(new_id(), study_id, "a", None, "g", new_id(), RetakeState.ASKED, "doc", AT, False), **more)


async def test_the_newest_grade_of_a_subject_counts_and_the_others_stay(database):
    first = a_grade("s")
    second = a_grade("s", revision=2, grade=Grade.REJECTED, graded_at=AT + timedelta(hours=1))
    of_frame = a_grade("s", target_id="i", level=GradedLevel.IMAGE, frame=2)

    def put(tx):
        return [tx.quality.add_grade(grade) for grade in (first, second, of_frame)]

    assert await database.write(put) == [True, True, True]
    assert await database.write(lambda tx: tx.quality.add_grade(replace(second, id=new_id()))) is False
    kept = await database.read(lambda tx: tx.quality.grades_of("s", A))
    assert {grade.id: grade for grade in kept} == {
        first.id: replace(first, is_current=False), second.id: second, of_frame.id: of_frame}
    assert kept[0] == second
    assert await database.read(lambda tx: tx.quality.current_of("s", 0, A)) == second
    counted = await database.read(lambda tx: tx.quality.current_between(AT, AT + timedelta(hours=2), A))
    assert {grade.id for grade in counted} == {second.id, of_frame.id}


async def test_a_site_sees_its_own_grades_and_retakes_alone(database):
    grade, retake = a_grade("s"), a_retake("s", new_study_id="n", settled_at=AT)

    def put(tx):
        tx.quality.add_grade(grade)
        tx.quality.add_retake(retake)

    await database.write(put)

    def look(tx, scope):
        quality = tx.quality
        return [quality.grade(grade.id, scope), quality.retake(retake.id, scope), quality.retaken_as("n", scope),
                *quality.grades_of("s", scope), *quality.retakes_of("s", scope),
                *quality.open_retakes(scope, limit=9), *quality.settled_since(AT, scope, limit=9),
                *quality.current_between(AT, AT + timedelta(1), scope),
                *quality.retakes_between(AT, AT + timedelta(1), scope)]

    assert await database.read(lambda tx: look(tx, B)) == [None, None, None]
    assert await database.read(lambda tx: look(tx, Scope(frozenset()))) == [None, None, None]
    assert len(await database.read(lambda tx: look(tx, A))) == 9


async def test_a_retake_is_replaced_only_by_who_saw_it_as_it_is(database):
    retake = a_retake("s")
    await database.write(lambda tx: tx.quality.add_retake(retake))
    seen = replace(retake, state=RetakeState.SEEN, seen_by="n", seen_at=AT)
    assert await database.write(lambda tx: tx.quality.replace_retake(seen)) is True
    assert await database.write(lambda tx: tx.quality.replace_retake(replace(retake, reason="late"))) is False
    assert await database.read(lambda tx: tx.quality.retake_of_order(retake.order_id)) == replace(seen, revision=1)


async def test_a_study_has_one_open_request_and_may_have_another_once_that_is_settled(database):
    first, second = a_retake("s"), a_retake("s")
    assert await database.write(lambda tx: [tx.quality.add_retake(one) for one in (first, second)]) == [True, False]
    settled = replace(first, state=RetakeState.RETAKEN, settled_at=AT)
    assert await database.write(lambda tx: tx.quality.replace_retake(settled)) is True
    assert await database.write(lambda tx: tx.quality.add_retake(second)) is True
    assert len(await database.read(lambda tx: tx.quality.retakes_of("s", A))) == 2


async def test_open_requests_come_the_longest_waiting_first(database):
    late, early = a_retake("t", asked_at=AT + timedelta(hours=1)), a_retake("s")
    done = a_retake("s", state=RetakeState.DECLINED, settled_at=AT)

    def put(tx):
        for retake in (late, early, done):
            tx.quality.add_retake(retake)

    await database.write(put)
    assert [one.id for one in await database.read(lambda tx: tx.quality.open_retakes(A, limit=9))] == [
        early.id, late.id]
    assert [one.id for one in await database.read(lambda tx: tx.quality.settled_since(AT, A, limit=9))] == [done.id]


async def test_studies_are_counted_by_span_device_and_modality(database):
    studies = [a_study("a", first_arrival_at=AT + timedelta(days=days)) for days in (0, 1, 40)]
    studies.append(a_study("b", first_arrival_at=AT))

    def put(tx):
        for study in studies:
            tx.studies.add_patient(study.patient)
            tx.studies.add_study(study)

    await database.write(put)
    bounds = [AT, AT + timedelta(days=30), AT + timedelta(days=60)]
    assert sorted(await database.read(lambda tx: tx.quality.studies_between(bounds, A)), key=str) == [
        (0, "a", "device-1", "CT", 2), (1, "a", "device-1", "CT", 1)]


async def test_a_moved_study_takes_its_grades_its_request_and_the_order_that_waits_along(database):
    study, order = a_study("a"), an_order("a")
    grade, retake = a_grade(study.id), a_retake(study.id, order_id=order.id)

    def put(tx):
        tx.studies.add_patient(study.patient)
        tx.studies.add_study(study)
        tx.orders.add(order)
        tx.quality.add_grade(grade)
        tx.quality.add_retake(retake)
        tx.site_moves.move_study(study.id, site_id="b", device_id=None, patient_key=study.patient.id,
                                 from_site_id="a")

    await database.write(put)

    def look(tx):
        return (tx.quality.grade(grade.id, B), tx.quality.retake(retake.id, B), tx.orders.waiting(B),
                tx.orders.waiting(A))

    moved_grade, moved_retake, waiting, left = await database.read(look)
    assert (moved_grade.site_id, moved_retake.site_id) == ("b", "b")
    assert ([one.id for one in waiting], left) == ([order.id], [])


async def test_a_marked_picture_is_promised_while_its_study_is_kept_and_goes_with_it(database):
    study = a_study("a")
    picture = ObjectRef("ab" * 32, 10)
    grade = a_grade(study.id, picture_sha256=picture.sha256, picture_bytes=10)

    def put(tx):
        tx.studies.add_patient(study.patient)
        tx.studies.add_study(study)
        tx.quality.add_grade(grade)

    await database.write(put)
    assert await database.read(lambda tx: tx.objects.unnamed()) == [("quality_grade", grade.id, picture.sha256)]
    await database.write(lambda tx: tx.objects.add(picture, kind="marked_picture", at=AT))
    assert await database.read(lambda tx: tx.objects.unnamed()) == []
    [gone] = await database.read(lambda tx: tx.study_removal.tombstones(study.id, deletion_id="d", at=AT))
    assert (gone.object_sha256, gone.size_bytes, gone.kind) == (picture.sha256, 10, "marked_picture")
    await database.write(lambda tx: tx.study_removal.remove_rows(study.id))
    assert await database.read(lambda tx: tx.quality.grades_of(study.id, EVERYWHERE)) == []
