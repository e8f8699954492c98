"""Readings, decisions, rule sets, annotations and the worklists over them, on both engines (D1-D4)."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta

import pytest

from gateway.services.ports import Parts
from gateway.settings import Settings
from storage.model import EVERYWHERE, Decision, Priority, ReadingState, Scope
from storage.objects.files import FileObjectStore
from storage.tables.worklist_rows import ReadingFilter
from tests.support.report_builders import MADE_AT, SITE, WRITER, a_reading, a_study, furnish
from tests.support.stores import ManualClock, RecordingEvents

HERE, ELSEWHERE, NOWHERE = Scope(frozenset({SITE.id})), Scope(frozenset({"elsewhere"})), Scope(frozenset())
LONG_AGO = MADE_AT - timedelta(days=30)


@pytest.fixture
def parts(database, tmp_path):
    """Parts over the engine under test."""
    return Parts(Settings(data_dir=tmp_path), database, FileObjectStore(tmp_path / "objects", reserve_bytes=0),
                 ManualClock(MADE_AT), RecordingEvents(), "node-a")


async def test_a_reading_comes_back_as_it_was_and_only_within_scope(database):
    study = a_study()
    for number, state in enumerate(ReadingState):
        reading = dataclasses.replace(a_reading(study, state=state), id=f"r{number}", study_id=f"s{number}",
                                      reason="影像不清", late_instances=2, assigned_to="u-1")
        await database.write(lambda tx, reading=reading: tx.readings.add(reading))
        assert await database.read(lambda tx, n=number: tx.readings.get(f"r{n}", HERE)) == reading
        assert await database.read(lambda tx, n=number: tx.readings.of_study(f"s{n}", EVERYWHERE)) == reading
        for scope in (ELSEWHERE, NOWHERE):
            assert await database.read(lambda tx, n=number, s=scope: tx.readings.get(f"r{n}", s)) is None
            assert await database.read(lambda tx, n=number, s=scope: tx.readings.of_study(f"s{n}", s)) is None


async def test_of_many_who_claim_at_once_one_wins(database):
    reading = a_reading(a_study())
    await database.write(lambda tx: tx.readings.add(reading))

    async def claim(user):
        mine = dataclasses.replace(reading, state=ReadingState.IN_PROGRESS, claimed_by=user)
        return user if await database.write(lambda tx: tx.readings.replace(mine)) else None

    [winner] = [user for user in await asyncio.gather(*[claim(f"u{n}") for n in range(12)]) if user]
    stored = await database.read(lambda tx: tx.readings.get(reading.id, EVERYWHERE))
    assert (stored.claimed_by, stored.revision) == (winner, reading.revision + 1)


async def test_claims_whose_lock_ran_out_are_found(database):
    held = a_reading(a_study(), state=ReadingState.IN_PROGRESS)
    await database.write(lambda tx: tx.readings.add(held))
    assert held.lock_until is not None
    before = held.lock_until - timedelta(seconds=1)
    assert await database.read(lambda tx: tx.readings.expired_locks(before)) == []
    assert await database.read(lambda tx: tx.readings.expired_locks(held.lock_until)) == [held]


async def test_a_decision_keeps_its_reasons_and_is_seen_with_its_study(parts):
    await furnish(parts)
    condition = {"text": "study.urgency == 'emergency'", "holds": True, "seen": {"study.urgency": "emergency"}}
    because = [{"rule": "急诊胸片", "matched": True, "conditions": [condition]}]
    made = Decision("d2", "study-1", MADE_AT + timedelta(seconds=1), 7, Priority.EMERGENCY, "imaging", "u-1",
                    MADE_AT + timedelta(minutes=30), ("夜间", "chest"), because, {"study.age": 56.0, "site": None})
    await parts.database.write(lambda tx: tx.decisions.add(made))
    assert await parts.database.read(lambda tx: tx.decisions.get("d2")) == made
    found = await parts.database.read(lambda tx: tx.decisions.of_study("study-1", HERE))
    assert [decision.id for decision in found] == ["d2", "decision-study-1"]
    assert await parts.database.read(lambda tx: tx.decisions.newest("study-1")) == found[0]
    assert await parts.database.read(lambda tx: tx.decisions.newest("study-2")) is None
    assert await parts.database.read(lambda tx: tx.decisions.of_study("study-1", ELSEWHERE)) == []
    assert await parts.database.read(lambda tx: tx.decisions.of_study("study-1", NOWHERE)) == []


async def test_rule_sets_are_versions_and_the_newest_is_active(database):
    assert await database.read(lambda tx: tx.decisions.active_rule_set()) is None
    assert await database.read(lambda tx: tx.decisions.active_version()) == 0
    first = await database.write(lambda tx: tx.decisions.add_rule_set("规则: 一", by="cli", at=MADE_AT))
    second = await database.write(lambda tx: tx.decisions.add_rule_set("规则: 二", by="u-1", at=MADE_AT))
    assert second > first
    assert await database.read(lambda tx: tx.decisions.active_rule_set()) == (second, "规则: 二")
    assert await database.read(lambda tx: tx.decisions.active_version()) == second
    assert await database.read(lambda tx: tx.decisions.rule_set(first)) == "规则: 一"
    assert await database.read(lambda tx: tx.decisions.rule_set(99)) is None
    assert await database.read(lambda tx: tx.decisions.rule_sets()) == [
        (second, MADE_AT, "u-1"), (first, MADE_AT, "cli")]


async def test_annotations_are_one_document_per_study_and_user(database):
    async def put(user, content):
        await database.write(lambda tx: tx.annotations.put("study-1", user, content, MADE_AT))

    await put("u1", {"lengths": [{"mm": 12.5, "说明": "结节"}]})
    await put("u2", [])
    await put("u1", {"lengths": []})
    assert await database.read(lambda tx: tx.annotations.get("study-1", "u1")) == {"lengths": []}
    assert await database.read(lambda tx: tx.annotations.get("study-1", "u2")) == []
    assert await database.read(lambda tx: tx.annotations.get("study-1", "u3")) is None


async def readings(parts, scope=HERE, **asked):
    page, counts = await parts.database.read(
        lambda tx: tx.worklists.readings(scope, ReadingFilter(**asked), since=LONG_AGO, limit=50))
    return [line.reading.study_id for line in page], counts


async def test_the_worklist_shows_what_is_urgent_first_and_counts_by_state(parts):
    await furnish(parts, study_id="routine", priority=Priority.ROUTINE)
    await furnish(parts, study_id="emergency", priority=Priority.EMERGENCY, modality="ECG")
    await furnish(parts, study_id="urgent", priority=Priority.URGENT)
    ids, counts = await readings(parts)
    assert ids == ["emergency", "urgent", "routine"]
    assert {state: count for state, count in counts.items() if count} == {ReadingState.IN_PROGRESS: 3}
    assert (await readings(parts, kind="ecg"))[0] == ["emergency"]
    assert (await readings(parts, kind="image"))[0] == ["urgent", "routine"]
    assert (await readings(parts, modality="DX", priority=Priority.ROUTINE))[0] == ["routine"]
    assert (await readings(parts, held_or_assigned_to=WRITER.id))[0] == ids
    assert (await readings(parts, held_or_assigned_to="nobody"))[0] == []
    assert (await readings(parts, states=(ReadingState.FINAL,)))[0] == []
    assert (await readings(parts, site_id="elsewhere"))[0] == []


@pytest.mark.parametrize("text", ["小明", "wang", "MZ2026", "dr20260302001", "MZ20260302001"])
async def test_the_worklist_finds_a_person_by_what_a_reader_types(parts, text):
    await furnish(parts)
    assert (await readings(parts, text=text))[0] == ["study-1"]
    assert (await readings(parts, ELSEWHERE, text=text))[0] == []


@pytest.mark.parametrize("text", ["李四", "%", "_", "100%", "' OR 1=1 --"])
async def test_the_worklist_finds_nobody_by_what_is_not_there(parts, text):
    await furnish(parts)
    assert (await readings(parts, text=text))[0] == []


@pytest.mark.parametrize("scope", [ELSEWHERE, NOWHERE])
async def test_lists_show_nothing_outside_the_scope(parts, scope):
    room = await furnish(parts)
    assert (await readings(parts, scope))[0] == []
    reads = parts.database.read
    assert await reads(lambda tx: tx.worklists.reading(room.reading.id, scope)) is None
    assert await reads(lambda tx: tx.worklists.readings_of(["study-1"], scope)) == {}
    assert await reads(lambda tx: tx.worklists.clinic_studies(scope, "", since=LONG_AGO, limit=9)) == ([], 0)
    assert await reads(lambda tx: tx.worklists.deliveries_of_study("study-1", scope)) == []
    assert await reads(lambda tx: tx.worklists.waiting_deliveries(scope)) == []
    counts = await reads(lambda tx: tx.worklists.counts(scope))
    assert set(dataclasses.astuple(counts)) == {0}


async def test_the_clinic_sees_its_studies_and_the_administrator_the_numbers(parts):
    room = await furnish(parts)
    reads = parts.database.read
    [line], total = await reads(lambda tx: tx.worklists.clinic_studies(HERE, "", since=LONG_AGO, limit=9))
    assert (line.study.id, line.reading, total) == ("study-1", room.reading, 1)
    assert line.study.patient == room.study.patient
    assert line.holder_name == WRITER.display_name
    found, _ = await reads(lambda tx: tx.worklists.clinic_studies(HERE, "小明", since=LONG_AGO, limit=9))
    assert [line.study.id for line in found] == ["study-1"]
    assert (await reads(lambda tx: tx.worklists.reading(room.reading.id, HERE))).reading == room.reading
    assert await reads(lambda tx: tx.worklists.names([WRITER.id, None, "nobody"])) == {
        WRITER.id: WRITER.display_name}
    counts = await reads(lambda tx: tx.worklists.counts(EVERYWHERE))
    assert (counts.sites, counts.studies, counts.waiting_readings) == (1, 1, 1)
