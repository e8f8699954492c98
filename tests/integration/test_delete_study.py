"""A study goes only after its retention, without a hold, by two people; and it goes whole (B10, J.3.6)."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
import sqlalchemy as sa

from gateway.core.errors import InvalidRequest, NotAllowed, NotFound, NotNow
from gateway.renditions.cache import RenditionCache
from gateway.services import delete_study
from gateway.services.activate_rules import ensure_rules
from gateway.services.administer_sites import By
from gateway.services.delete_study import approve_deletion, ask_deletion, run_delete_study, withdraw_deletion
from gateway.services.hold_study import manifest_of, place_hold, release_hold
from gateway.services.job_runner import RetryLater
from gateway.services.reach_second_copy import prepare_second_copy
from gateway.services.receive_instance import Sender, receive_part10
from gateway.services.retention import find_standings, lengthen, record_visit
from gateway.services.second_copy import copy_waiting, safety_of
from gateway.services.verify_store import verify
from gateway.services.watch_space import enrol_all
from gateway.settings import Settings
from storage.model import EVERYWHERE, ArrivalVia, CareClass, CompleteBy, DeletionState, Job, Role, StudyState
from storage.opening import open_second_copy
from storage.tables import schema
from storage.tables.study_removal import STAYS, tables_that_go
from tests.support import dicom_builders
from tests.support.stores import ManualClock, open_parts
from tests.support.web import add_person, add_site

LEGAL_YEARS = timedelta(days=30 * 366)


@pytest.fixture
def clock():
    return ManualClock(datetime.now(UTC))  # files carry the system's time


@pytest_asyncio.fixture
async def parts(tmp_path, clock):
    settings = Settings(data_dir=tmp_path / "data", reserve_bytes=0, node="test-node",
                        second_copy_dir=str(tmp_path / "second"))
    async with open_parts(settings.data_dir, settings=settings, clock=clock) as opened:
        await ensure_rules(opened)
        await add_site(opened, "yangchang", "演示羊昌卫生院")
        parts = dataclasses.replace(opened, second_copy=open_second_copy(
            data_dir=settings.data_dir, folder=settings.second_copy_dir))
        await prepare_second_copy(parts)
        yield parts


@pytest_asyncio.fixture
async def admins(parts):
    """Two administrators of the whole alliance."""
    return [await add_person(parts, login, (Role.ADMIN, None)) for login in ("admin-one", "admin-two")]


def by(person):
    return By(person.id, "10.0.0.9", EVERYWHERE)


def sender():
    return Sender(site_id="yangchang", device=None, via=ArrivalVia.STOW, calling_ae_title="DR1", address="10.0.0.5")


async def receive(parts, *, ids=None, count=2):
    """A study of some films that was complete when it came."""
    ids = ids or dicom_builders.StudyIds()
    films = [dicom_builders.dx_image(ids=ids) for _ in range(count)]
    receipts = [await receive_part10(parts, film, sender()) for film in films]
    study_id = receipts[0].study_id
    await parts.database.write(lambda tx: tx.studies.set_state(study_id, StudyState.COMPLETE, at=parts.clock(),
                                                               complete_by=CompleteBy.QUIET_TIME))
    return study_id, films, receipts


async def study(parts, study_id):
    return await parts.database.read(lambda tx: tx.studies.get(study_id, EVERYWHERE))


async def actions(parts):
    return [c.entry.action for c in reversed(await parts.database.read(lambda tx: tx.audit.recent(EVERYWHERE)))]


async def alarm_kinds(parts):
    return [alarm.kind for alarm in await parts.database.read(lambda tx: tx.alarms.open_alarms(EVERYWHERE))]


async def approved(parts, clock, admins, study_id):
    """Retention over, asked, approved, waiting period over."""
    clock.now += LEGAL_YEARS
    deletion = await ask_deletion(parts, study_id, reason="保存期满", person=admins[0], by=by(admins[0]))
    deletion = await approve_deletion(parts, deletion.id, person=admins[1], by=by(admins[1]))
    clock.advance(parts.settings.deletion_wait_days * 86400 + 1)
    return deletion


def job_of(deletion):
    return Job(1, f"delete_study:{deletion.id}", "delete_study", deletion.id, deletion.due_at, 1)


async def deletion_now(parts, deletion):
    return await parts.database.read(lambda tx: tx.keeping.deletion(deletion.id, EVERYWHERE))


async def test_a_study_goes_whole_and_leaves_tombstones(parts, clock, admins):
    study_id, _, receipts = await receive(parts)
    kept_id, _, _ = await receive(parts)
    await enrol_all(parts)
    await copy_waiting(parts)
    instances = await parts.database.read(lambda tx: tx.studies.instances_of(study_id, EVERYWHERE))
    hashes = [instance.object_sha256 for instance in instances]
    cache = RenditionCache(parts.settings.data_dir / "renditions", limit_bytes=1 << 30)
    cache.put(hashes[0], "frame-1.preview.jpg", b"a picture of the patient")
    deletion = await approved(parts, clock, admins, study_id)
    await run_delete_study(parts, job_of(deletion))

    assert await study(parts, study_id) is None
    assert (await deletion_now(parts, deletion)).state is DeletionState.DELETED
    second = parts.settings.data_dir.parent / "second" / "objects"
    for sha256 in hashes:
        assert sha256 not in parts.objects.names()
        assert not (second / sha256[:2] / sha256).exists()
    assert cache.get(hashes[0], "frame-1.preview.jpg") is None
    tombstones = await parts.database.read(lambda tx: tx.keeping.tombstones_of(deletion.id))
    assert {t.sop_instance_uid for t in tombstones} == {r.sop_instance_uid for r in receipts}
    assert {t.object_sha256 for t in tombstones} == set(hashes)
    assert all(t.removed_at is not None for t in tombstones)
    result = await verify(parts)
    assert result.is_sound, result.summary()
    assert result.deleted == 2
    assert len(await parts.database.read(lambda tx: tx.studies.instances_of(kept_id, EVERYWHERE))) == 2
    safety = (await safety_of(parts, hashes))[hashes[0]]
    assert not safety.is_kept
    assert "deleted" in safety.why
    assert await parts.database.read(lambda tx: tx.object_care.total()) == await parts.database.read(
        lambda tx: tx.objects.total())


async def test_the_audit_trail_tells_who_deleted_what_and_why(parts, clock, admins):
    study_id, _, _ = await receive(parts)
    uid = (await study(parts, study_id)).study_instance_uid
    deletion = await approved(parts, clock, admins, study_id)
    await run_delete_study(parts, job_of(deletion))
    found = await parts.database.read(lambda tx: tx.audit.of_study(study_id, EVERYWHERE))
    told = {c.entry.action: c.entry for c in found}
    assert {"deletion.asked", "deletion.approved", "study.deleted", "study.bytes_removed"} <= set(told)
    detail = told["study.deleted"].detail
    assert (detail["event"], detail["study_instance_uid"]) == ("110105", uid)
    assert (detail["asked_by"], detail["approved_by"]) == (admins[0].id, admins[1].id)
    assert detail["reason"] == "保存期满"
    assert (await verify(parts)).audit_faults == ()


async def test_nothing_of_the_patient_is_left_in_any_table_but_the_proof(parts, clock, admins):
    study_id, _, _ = await receive(parts)
    patient = (await study(parts, study_id)).patient
    deletion = await approved(parts, clock, admins, study_id)
    await run_delete_study(parts, job_of(deletion))

    def rows(tx):
        left = {table.name: tx.connection.scalar(sa.select(sa.func.count()).select_from(table).where(
            table.c.study_id == study_id)) for table in tables_that_go()}
        left["patient"] = tx.connection.scalar(sa.select(sa.func.count()).select_from(schema.patient).where(
            schema.patient.c.id == patient.id))
        return {name: count for name, count in left.items() if count}

    assert await parts.database.read(rows) == {}


async def test_every_table_that_names_a_study_has_a_decision_about_its_deletion():
    """A new table with a study_id must be put on one of the two lists here, by a person who thought about it."""
    assert " ".join(sorted(table.name for table in tables_that_go())) == (
        "annotation character_set_note decision delivery ecg_analysis ecg_correction ecg_identity exam_order "
        "forward instance notice order_match quality_grade reading reading_clock reading_timer report retake series "
        "study_origin unread_ecg visit workitem workitem_event"), "decide!"
    assert {"audit", "arrival", "deletion", "legal_hold", "tombstone"} == STAYS


async def test_the_same_person_cannot_ask_and_approve(parts, clock, admins):
    study_id, _, _ = await receive(parts)
    clock.now += LEGAL_YEARS
    deletion = await ask_deletion(parts, study_id, reason="保存期满", person=admins[0], by=by(admins[0]))
    with pytest.raises(NotAllowed) as refused:
        await approve_deletion(parts, deletion.id, person=admins[0], by=by(admins[0]))
    assert refused.value.reason == "same-person"
    assert (await deletion_now(parts, deletion)).state is DeletionState.ASKED
    failed = [c.entry for c in await parts.database.read(lambda tx: tx.audit.recent(EVERYWHERE))
              if not c.entry.is_success]
    assert [entry.action for entry in failed] == ["deletion.refused"], "a refusal is a security event"


async def test_a_study_within_its_retention_cannot_be_deleted(parts, clock, admins):
    study_id, _, _ = await receive(parts)
    clock.now += timedelta(days=29 * 365)
    with pytest.raises(NotNow) as refused:
        await ask_deletion(parts, study_id, reason="要空间", person=admins[0], by=by(admins[0]))
    assert refused.value.reason == "retention-not-ended"
    assert "deletion.refused" in await actions(parts)
    with pytest.raises(InvalidRequest):
        await ask_deletion(parts, study_id, reason="  ", person=admins[0], by=by(admins[0]))
    with pytest.raises(NotFound):
        await ask_deletion(parts, "nothing", reason="x", person=admins[0], by=by(admins[0]))


async def test_an_outpatient_study_is_free_after_fifteen_years_and_a_later_visit_prolongs_it(parts, clock, admins):
    study_id, _, _ = await receive(parts)
    standing = await record_visit(parts, study_id, CareClass.OUTPATIENT, None, by(admins[0]))
    assert standing.retention.years == 15
    assert standing.obstacles == ["retention-not-ended"]
    arrived = (await study(parts, study_id)).last_arrival_at
    assert standing.retention.retain_until == arrived.replace(year=arrived.year + 15)
    clock.now = standing.retention.retain_until + timedelta(seconds=1)
    assert [s.study.id for s in await find_standings(parts, EVERYWHERE)] == [study_id]
    assert (await find_standings(parts, EVERYWHERE))[0].obstacles == []
    last_visit = clock.now - timedelta(days=365)
    standing = await record_visit(parts, study_id, CareClass.OUTPATIENT, last_visit, by(admins[0]))
    assert standing.retention.counted_from == last_visit
    assert standing.obstacles == ["retention-not-ended"]


async def test_the_alliance_may_lengthen_a_period_but_never_shorten_it(parts, admins):
    assert await lengthen(parts, CareClass.OUTPATIENT, 20, by(admins[0])) == {
        CareClass.OUTPATIENT: 20, CareClass.INPATIENT: 30, CareClass.UNKNOWN: 30}
    for care_class, years in ((CareClass.OUTPATIENT, 14), (CareClass.INPATIENT, 29), (CareClass.UNKNOWN, 15)):
        with pytest.raises(InvalidRequest) as refused:
            await lengthen(parts, care_class, years, by(admins[0]))
        assert refused.value.reason == "too-short"
    with pytest.raises(NotAllowed):
        await lengthen(parts, CareClass.OUTPATIENT, 50,
                       By("local-admin", "", dataclasses.replace(EVERYWHERE, site_ids=frozenset({"yangchang"}))))


async def test_a_hold_seals_what_is_there_by_hash_and_forbids_deletion(parts, clock, admins):
    study_id, _, _ = await receive(parts)
    instances = await parts.database.read(lambda tx: tx.studies.instances_of(study_id, EVERYWHERE))
    hold = await place_hold(parts, study_id, reason="医疗纠纷", demanded_by="演示患者家属", by=by(admins[0]))
    manifest = json.loads(hold.manifest)
    assert {o["sha256"] for o in manifest["objects"]} == {i.object_sha256 for i in instances}
    assert hashlib.sha256(hold.manifest.encode()).hexdigest() == hold.manifest_sha256
    [entry] = [c.entry for c in await parts.database.read(lambda tx: tx.audit.of_study(study_id, EVERYWHERE))
               if c.entry.action == "hold.placed"]
    assert entry.detail["manifest_sha256"] == hold.manifest_sha256
    clock.now += LEGAL_YEARS
    with pytest.raises(NotNow) as refused:
        await ask_deletion(parts, study_id, reason="保存期满", person=admins[0], by=by(admins[0]))
    assert refused.value.reason == "legal-hold"
    with pytest.raises(InvalidRequest):
        await release_hold(parts, hold.id, reason="", by=by(admins[0]))
    await release_hold(parts, hold.id, reason="调解结束", by=by(admins[1]))
    with pytest.raises(NotNow):
        await release_hold(parts, hold.id, reason="again", by=by(admins[1]))
    await ask_deletion(parts, study_id, reason="保存期满", person=admins[0], by=by(admins[0]))
    assert (await manifest_of(parts, hold.id, by(admins[0]))).manifest == hold.manifest
    assert {"hold.placed", "hold.released", "hold.manifest_taken"} <= set(await actions(parts))


async def test_a_hold_needs_a_reason_and_a_name(parts, admins):
    study_id, _, _ = await receive(parts)
    for reason, name in (("", "演示"), ("纠纷", " ")):
        with pytest.raises(InvalidRequest):
            await place_hold(parts, study_id, reason=reason, demanded_by=name, by=by(admins[0]))


async def test_a_hold_placed_while_a_deletion_waits_stops_it(parts, clock, admins):
    study_id, _, _ = await receive(parts)
    deletion = await approved(parts, clock, admins, study_id)
    await place_hold(parts, study_id, reason="医疗纠纷", demanded_by="演示法院", by=by(admins[0]))
    await run_delete_study(parts, job_of(deletion))
    assert (await deletion_now(parts, deletion)).state is DeletionState.WITHDRAWN
    assert await study(parts, study_id) is not None
    assert (await verify(parts)).is_sound


async def test_an_approved_deletion_looks_again_at_all_that_forbids_it(parts, clock, admins):
    ids = dicom_builders.StudyIds()
    study_id, _, _ = await receive(parts, ids=ids)
    deletion = await approved(parts, clock, admins, study_id)
    await receive_part10(parts, dicom_builders.dx_image(ids=ids), sender())      # a late film, 30 years late
    await run_delete_study(parts, job_of(deletion))
    assert (await deletion_now(parts, deletion)).state is DeletionState.WITHDRAWN
    assert "deletion-stopped" in await alarm_kinds(parts)
    assert len(await parts.database.read(lambda tx: tx.studies.instances_of(study_id, EVERYWHERE))) == 3


async def test_a_hold_that_comes_after_the_rows_went_is_refused_by_name(parts, clock, admins):
    study_id, _, _ = await receive(parts)
    deletion = await approved(parts, clock, admins, study_id)
    assert await delete_study._remove_rows(parts, await deletion_now(parts, deletion))
    with pytest.raises(NotNow) as refused:
        await place_hold(parts, study_id, reason="医疗纠纷", demanded_by="演示法院", by=by(admins[0]))
    assert refused.value.reason == "being-deleted"


async def test_nothing_is_deleted_before_the_waiting_period_is_over_and_it_can_be_taken_back(parts, clock, admins):
    study_id, _, _ = await receive(parts)
    clock.now += LEGAL_YEARS
    deletion = await ask_deletion(parts, study_id, reason="保存期满", person=admins[0], by=by(admins[0]))
    with pytest.raises(NotNow) as refused:
        await ask_deletion(parts, study_id, reason="保存期满", person=admins[1], by=by(admins[1]))
    assert refused.value.reason == "deletion-open"
    deletion = await approve_deletion(parts, deletion.id, person=admins[1], by=by(admins[1]))
    clock.advance(6 * 86400)
    with pytest.raises(RetryLater):
        await run_delete_study(parts, job_of(deletion))
    await withdraw_deletion(parts, deletion.id, reason="再想想", by=by(admins[0]))
    clock.advance(2 * 86400)
    await run_delete_study(parts, job_of(deletion))
    assert await study(parts, study_id) is not None
    with pytest.raises(NotNow):
        await withdraw_deletion(parts, deletion.id, reason="x", by=by(admins[0]))


async def test_bytes_that_something_else_needs_stay(parts, clock, admins):
    """The same bytes came under another site's name once and lie in quarantine there."""
    await add_site(parts, "other", "演示另一卫生院")
    study_id, films, _ = await receive(parts, count=1)
    conflict = await receive_part10(parts, films[0], dataclasses.replace(sender(), site_id="other"))
    assert conflict.outcome == "conflict"
    [instance] = await parts.database.read(lambda tx: tx.studies.instances_of(study_id, EVERYWHERE))
    deletion = await approved(parts, clock, admins, study_id)
    await run_delete_study(parts, job_of(deletion))
    assert (await deletion_now(parts, deletion)).state is DeletionState.DELETED
    assert parts.objects.get(instance.object_sha256)
    assert (await verify(parts)).is_sound


async def test_bytes_that_came_a_moment_ago_are_not_removed_before_nobody_can_be_about_to_index_them(
        parts, clock, admins):
    study_id, films, _ = await receive(parts, count=1)
    deletion = await approved(parts, clock, admins, study_id)
    assert await delete_study._remove_rows(parts, await deletion_now(parts, deletion))
    ref = parts.objects.put(films[0])            # a sender is in the middle of sending it again
    clock.now = datetime.now(UTC)                # as old as it really is
    with pytest.raises(RetryLater, match="too young"):
        await run_delete_study(parts, job_of(deletion))
    assert parts.objects.get(ref.sha256) == films[0]
    clock.advance(2 * 3600)
    await run_delete_study(parts, job_of(deletion))
    assert ref.sha256 not in parts.objects.names()
    assert (await deletion_now(parts, deletion)).state is DeletionState.DELETED


async def test_a_deleted_study_that_comes_again_is_kept_as_a_new_one_with_an_alarm(parts, clock, admins):
    study_id, films, _ = await receive(parts, count=1)
    deletion = await approved(parts, clock, admins, study_id)
    await run_delete_study(parts, job_of(deletion))
    receipt = await receive_part10(parts, films[0], sender())
    assert receipt.outcome == "kept"
    assert receipt.study_id not in (None, study_id)
    assert "deleted-study-returned" in await alarm_kinds(parts)
    result = await verify(parts)
    assert result.is_sound, result.summary()
    [instance] = await parts.database.read(lambda tx: tx.studies.instances_of(receipt.study_id, EVERYWHERE))
    assert (await parts.database.read(lambda tx: tx.object_care.kept_since([instance.object_sha256])))


async def test_a_deletion_waits_for_a_second_copy_that_does_not_answer(parts, clock, admins, tmp_path):
    study_id, _, _ = await receive(parts, count=1)
    await enrol_all(parts)
    await copy_waiting(parts)
    deletion = await approved(parts, clock, admins, study_id)
    (tmp_path / "second").rename(tmp_path / "unplugged")
    with pytest.raises(RetryLater, match="second copy"):
        await run_delete_study(parts, job_of(deletion))
    assert (await deletion_now(parts, deletion)).state is DeletionState.DELETING
    (tmp_path / "unplugged").rename(tmp_path / "second")
    await run_delete_study(parts, job_of(deletion))
    assert (await deletion_now(parts, deletion)).state is DeletionState.DELETED
    assert not list((tmp_path / "second" / "objects").glob("??/*"))


async def test_an_open_question_in_quarantine_keeps_the_study(parts, clock, admins):
    ids = dicom_builders.StudyIds()
    uid = "1.2.826.0.1.3680043.8.498.77"
    receipt = await receive_part10(parts, dicom_builders.dx_image(ids=ids, SOPInstanceUID=uid), sender())
    other = await receive_part10(parts, dicom_builders.dx_image(ids=ids, SOPInstanceUID=uid,
                                                                 AccessionNumber="OTHER"), sender())
    assert other.outcome == "conflict"
    study_id = receipt.study_id
    assert study_id is not None
    await parts.database.write(lambda tx: tx.studies.set_state(study_id, StudyState.COMPLETE, at=parts.clock()))
    clock.now += LEGAL_YEARS
    with pytest.raises(NotNow) as refused:
        await ask_deletion(parts, study_id, reason="保存期满", person=admins[0], by=by(admins[0]))
    assert refused.value.reason == "open-quarantine"
