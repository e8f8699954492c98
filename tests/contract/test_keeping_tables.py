"""Checks, second copies, holds and deletions are remembered alike on both engines (B5, B10, B11)."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from storage.errors import ObjectMissing, StorageUnavailable
from storage.model import (
    EVERYWHERE,
    CareClass,
    CheckState,
    CopyState,
    Deletion,
    DeletionState,
    LegalHold,
    ObjectRef,
    RetentionRule,
    Scope,
    Visit,
    new_id,
)
from storage.objects.files import FileObjectStore
from storage.objects.hashing import digest_of
from storage.objects.second_copy import SecondCopy
from storage.tables import schema
from tests.support.web import build_exam, put_exam

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
BEIJING_MIDNIGHT = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


def ref(number):
    return ObjectRef(f"{number:064x}", 100 + number)


async def keep(database, numbers, at=NOW):
    def work(tx):
        for number in numbers:
            tx.objects.add(ref(number), kind="received", at=at)

    await database.write(work)


async def enrol(database, *, has_second_copy=True):
    return await database.write(lambda tx: tx.object_care.enrol(
        tx.object_care.without_care(), zone=ZONE, has_second_copy=has_second_copy))


async def test_objects_are_enrolled_once_and_counted_to_their_day_in_the_gateways_zone(database):
    await keep(database, range(3), at=BEIJING_MIDNIGHT - timedelta(seconds=1))
    await keep(database, range(3, 5), at=BEIJING_MIDNIGHT)
    assert await enrol(database) == 5
    assert await enrol(database) == 0
    days = await database.read(lambda tx: tx.object_care.intake(date(2026, 3, 1)))
    assert [(day.day, day.objects, day.size_bytes) for day in days] == [
        (date(2026, 3, 2), 3, 303), (date(2026, 3, 3), 2, 207)]
    assert await database.read(lambda tx: tx.object_care.total()) == (5, 510)


async def test_two_processes_that_enrol_the_same_objects_count_them_once(database):
    await keep(database, range(50))
    found = await database.read(lambda tx: tx.object_care.without_care())
    counts = await asyncio.gather(*(database.write(
        lambda tx: tx.object_care.enrol(found, zone=ZONE, has_second_copy=True)) for _ in range(4)))
    assert sum(counts) == 50
    assert (await database.read(lambda tx: tx.object_care.total()))[0] == 50


async def test_what_came_since_a_time_is_found_in_its_order(database):
    await keep(database, [1], at=NOW - timedelta(hours=1))
    await keep(database, [3], at=NOW + timedelta(seconds=2))
    await keep(database, [2], at=NOW + timedelta(seconds=1))
    found = await database.read(lambda tx: tx.object_care.without_care(stored_since=NOW))
    assert [sha256 for sha256, _, _ in found] == [ref(2).sha256, ref(3).sha256]


async def test_the_check_takes_new_ones_first_then_the_oldest_and_never_the_same_at_once(database):
    for number in range(4):
        await keep(database, [number], at=NOW + timedelta(minutes=number))
    await enrol(database)

    def due(limit=10):
        return lambda tx: [care.sha256 for care in tx.object_care.to_check(
            sound_before=NOW, bad_before=NOW + timedelta(hours=1), limit=limit)]

    assert await database.read(due(2)) == [ref(0).sha256, ref(1).sha256]
    await database.write(lambda tx: tx.object_care.note_check(ref(0).sha256, CheckState.SOUND, at=NOW, sm3="ab"))
    await database.write(lambda tx: tx.object_care.note_check(ref(1).sha256, CheckState.MISSING, at=NOW))
    assert await database.read(due()) == [ref(2).sha256, ref(3).sha256, ref(1).sha256]
    was = await database.write(lambda tx: tx.object_care.note_check(ref(1).sha256, CheckState.SOUND, at=NOW))
    assert was is CheckState.MISSING
    assert (await database.read(lambda tx: tx.object_care.get(ref(0).sha256))).sm3 == "ab"
    assert await database.write(lambda tx: tx.object_care.note_check("f" * 64, CheckState.SOUND, at=NOW)) is None


async def test_copies_wait_fail_and_are_made_and_the_counts_say_so(database):
    await keep(database, range(3))
    await enrol(database)
    later = NOW + timedelta(hours=1)

    def copy(tx):
        tx.object_care.note_copied([ref(0).sha256], NOW)
        tx.object_care.note_copy_failed(ref(1).sha256, due=later, why="it does not answer")

    await database.write(copy)
    assert [c.sha256 for c in await database.read(lambda tx: tx.object_care.to_copy(now=NOW, limit=9))] == [
        ref(2).sha256]
    counts = await database.read(lambda tx: tx.object_care.counts())
    assert (counts.copies_waiting, counts.copies_failing, counts.copies_waiting_bytes) == (2, 1, 203)
    assert counts.oldest_waiting_at == NOW
    assert await database.read(lambda tx: tx.object_care.next_copy_due()) == NOW
    assert await database.write(lambda tx: tx.object_care.expect_copies(due=later)) == 3
    assert (await database.read(lambda tx: tx.object_care.get(ref(0).sha256))).copy_state is CopyState.WAITING
    assert await database.write(lambda tx: tx.object_care.expect_copies(due=None)) == 3
    assert (await database.read(lambda tx: tx.object_care.counts())).copies_waiting == 0


async def test_a_forgotten_object_counts_no_longer(database):
    await keep(database, range(2))
    await enrol(database)

    def forget(tx):
        stored_at = tx.study_removal.forget_object(ref(0).sha256)
        tx.object_care.forget(ref(0).sha256, zone=ZONE, stored_at=stored_at)
        return stored_at

    assert await database.write(forget) == NOW
    assert await database.read(lambda tx: tx.object_care.total()) == (1, 101)
    assert await database.read(lambda tx: tx.object_care.intake(NOW.date()))  # the intake of the day stays
    assert await database.write(lambda tx: tx.study_removal.forget_object(ref(0).sha256)) is None


async def test_rules_visits_and_notes_are_replaced_not_doubled(database):
    for years in (20, 25):
        await database.write(lambda tx, years=years: tx.keeping.set_rule(
            RetentionRule(CareClass.OUTPATIENT, years, "boss", NOW)))
        await database.write(lambda tx, years=years: tx.keeping.set_visit(
            Visit("s1", CareClass.INPATIENT, NOW + timedelta(days=years), "boss", NOW)))
        await database.write(lambda tx, years=years: tx.object_care.set_note("word", str(years)))
    assert (await database.read(lambda tx: tx.keeping.rules()))[CareClass.OUTPATIENT].years == 25
    assert (await database.read(lambda tx: tx.keeping.visit("s1"))).ended_at == NOW + timedelta(days=25)
    assert await database.read(lambda tx: tx.object_care.note("word")) == "25"


async def test_holds_are_seen_within_scope_and_released_once(database):
    hold = LegalHold(new_id(), "s1", "north", "纠纷", "演示家属", "boss", NOW, "{}", "0" * 64)
    await database.write(lambda tx: tx.keeping.add_hold(hold))
    south = Scope(frozenset({"south"}))
    assert await database.read(lambda tx: tx.keeping.hold(hold.id, south)) is None
    assert await database.read(lambda tx: tx.keeping.holds(south)) == []
    assert await database.read(lambda tx: tx.keeping.holds(EVERYWHERE, study_id="s1")) == [hold]
    assert await database.write(lambda tx: tx.keeping.release_hold(hold.id, by="boss", reason="x", at=NOW))
    assert not await database.write(lambda tx: tx.keeping.release_hold(hold.id, by="boss", reason="x", at=NOW))
    assert await database.read(lambda tx: tx.keeping.holds(EVERYWHERE)) == []
    assert len(await database.read(lambda tx: tx.keeping.holds(EVERYWHERE, include_released=True))) == 1


async def add_exam(database, name="演示", site_id="north"):
    class Clocked:
        clock = staticmethod(lambda: NOW)

    parts: Any = Clocked                 # the clock is all that it is asked for
    exam, _ = build_exam(parts, site_id, name=name)
    await database.write(lambda tx: put_exam(tx, exam))
    return exam


async def test_a_study_is_removed_whole_and_the_patient_only_with_the_last_study(database):
    exam = await add_exam(database)
    other = await add_exam(database, name="演示另一人")
    tombstones = await database.read(lambda tx: tx.study_removal.tombstones(exam.study.id, deletion_id="d1", at=NOW))
    assert [t.sop_instance_uid for t in tombstones] == [exam.instance.sop_instance_uid]

    def remove(tx):
        tx.keeping.add_tombstones(tombstones)
        tx.study_removal.remove_rows(exam.study.id)

    await database.write(remove)

    def left(tx):
        return [tx.connection.scalar(sa.select(sa.func.count()).select_from(table))
                for table in (schema.study, schema.series, schema.instance, schema.reading, schema.patient)]

    assert await database.read(left) == [1, 1, 1, 1, 1]
    assert await database.read(lambda tx: tx.studies.get(other.study.id, EVERYWHERE)) is not None
    tombstone = await database.read(lambda tx: tx.keeping.deleted_study(exam.study.study_instance_uid))
    assert tombstone.deletion_id == "d1"
    assert await database.read(lambda tx: tx.keeping.count_tombstones()) == (1, 1)
    await database.write(lambda tx: tx.keeping.mark_removed([tombstones[0].id], NOW))
    assert await database.read(lambda tx: tx.keeping.tombstones_of("d1", only_with_bytes=True)) == []


async def test_an_instance_that_arrives_while_its_study_is_deleted_is_not_lost_without_a_study(database):
    """The receiver saw the study, then it went: the write must not be committed, and is run again."""
    exam = await add_exam(database)
    late = exam.instance.__class__(**{name: getattr(exam.instance, name) for name in exam.instance.__slots__} | {
        "id": new_id(), "sop_instance_uid": exam.instance.sop_instance_uid + ".9"})
    await database.write(lambda tx: tx.study_removal.remove_rows(exam.study.id))

    class Refused(Exception):
        pass

    def add(tx):
        if not tx.studies.add_instance(late):
            raise Refused

    with pytest.raises(Refused):
        await database.write(add)
    assert await database.read(lambda tx: tx.studies.find_instance(late.sop_instance_uid)) is None


async def test_a_hold_and_a_deletion_of_one_study_take_turns(database):
    """Whoever comes second sees what the first did; both orders, many times."""
    for number in range(6):
        exam = await add_exam(database, name=f"演示{number}")
        study_id = exam.study.id
        deletion = Deletion(new_id(), study_id, exam.study.study_instance_uid, "north", DeletionState.APPROVED, "x",
                            NOW, "one", NOW)
        await database.write(lambda tx, deletion=deletion: tx.keeping.add_deletion(deletion))

        def hold(tx, study_id=study_id):
            if not tx.keeping.lock_study(study_id):
                return "too late"
            tx.keeping.add_hold(LegalHold(new_id(), study_id, "north", "r", "d", "b", NOW, "{}", "0" * 64))
            return "held"

        def delete(tx, study_id=study_id):
            if not tx.keeping.lock_study(study_id) or tx.keeping.holds(EVERYWHERE, study_id=study_id):
                return "stopped"
            tx.study_removal.remove_rows(study_id)
            return "deleted"

        works = [hold, delete] if number % 2 else [delete, hold]
        outcome = set(await asyncio.gather(*(database.write(work) for work in works)))
        assert outcome in ({"held", "stopped"}, {"too late", "deleted"}), outcome


async def test_a_bad_object_is_put_right_and_wrong_bytes_are_refused(objects):
    kept = objects.put(b"right" * 1000)
    objects.repair(kept, iter([b"right" * 1000]))
    assert objects.get(kept.sha256) == b"right" * 1000
    with pytest.raises(StorageUnavailable, match="not those of its name"):
        objects.repair(kept, iter([b"wrong"]))
    assert objects.get(kept.sha256) == b"right" * 1000
    absent = ObjectRef("0" * 64, 5)
    with pytest.raises(StorageUnavailable):
        objects.repair(absent, iter([b"wrong"]))
    assert objects.names() == [kept.sha256]
    digest = digest_of(objects, kept, with_sm3=True)
    assert digest.names(kept)
    assert len(digest.sm3) == 64


async def test_a_second_place_takes_proves_and_heals_copies(objects, tmp_path):
    """The same object store once more: as a bucket, or as files, behind the same door."""
    source = FileObjectStore(tmp_path / "first", reserve_bytes=0)
    second = SecondCopy(bucket=objects, address="s3://second")
    mark = second.begin()
    kept = source.put(b"precious" * 100_000)
    assert second.copy(source, kept, mark)
    assert second.digest(kept, mark).names(kept)
    assert second.copy(source, kept, mark), "again is no fault"
    rotten = source.put(b"to rot")
    (tmp_path / "first" / rotten.sha256[:2] / rotten.sha256).write_bytes(b"rotten")
    assert not second.copy(source, rotten, mark)
    assert objects.names() == [kept.sha256], "damaged bytes are not copied"
    with pytest.raises(ObjectMissing):
        second.copy(source, ObjectRef("0" * 64, 1), mark)
