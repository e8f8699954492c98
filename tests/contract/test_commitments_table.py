"""Commitment transactions, performed steps and evidence on both engines (B5, B7, B9)."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta

import pytest

from storage.model import EVERYWHERE, Patient, PatientName, Scope, Study, StudyState
from storage.model.commitments import (
    AskedCommitment,
    Commitment,
    CommitmentItem,
    CommitmentState,
    Evidence,
    EvidenceKind,
    PerformedStep,
    StepState,
)
from tests.support.stores import START

HERE, ELSEWHERE = Scope(frozenset({"here"})), Scope(frozenset({"there"}))
ITEMS = [CommitmentItem("1.2.840.10008.5.1.4.1.1.2", f"1.2.3.{n}") for n in range(1, 6)]
STEP = PerformedStep("step-1", "1.9.1", "here", "device-1", "CT1", StepState.IN_PROGRESS, ("1.2", "1.3"), ("A1",),
                     START, START, {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "演示"}]}})


def asked(name: str = "c1", uid: str = "2.25.1", **more) -> Commitment:
    known = Commitment(name, uid, "here", "device-1", "CT1", "10.0.0.5", "association-1", "node-a", START,
                       CommitmentState.WAITING)
    return dataclasses.replace(known, **more)


async def add(database, commitment, items=ITEMS) -> bool:
    return bool(await database.write(lambda tx: tx.commitments.add(commitment, items)))


async def test_a_transaction_comes_back_whole_and_in_order(database):
    assert await add(database, asked())
    assert await database.read(lambda tx: tx.commitments.get("c1", HERE)) == asked()
    assert await database.read(lambda tx: tx.commitments.find("2.25.1", EVERYWHERE)) == asked()
    assert await database.read(lambda tx: tx.commitments.items("c1")) == ITEMS
    assert await database.read(lambda tx: tx.commitments.get("c1", ELSEWHERE)) is None
    assert await database.read(lambda tx: tx.commitments.find("2.25.1", ELSEWHERE)) is None
    assert await database.read(lambda tx: tx.commitments.recent(ELSEWHERE)) == []


async def test_a_request_of_thousands_of_instances_is_one_transaction(database):
    items = [CommitmentItem("1.2", f"1.2.3.{n}") for n in range(3000)]
    assert await add(database, asked(), items)
    assert await database.read(lambda tx: tx.commitments.items("c1")) == items


async def test_a_transaction_uid_is_used_once_even_by_two_at_the_same_time(database):
    """2.M: never reused, by whomever, and the first request keeps its items."""
    won = await asyncio.gather(*(add(database, asked(f"c{n}", ae_title=f"CT{n}"), ITEMS[:n + 1]) for n in range(4)))
    assert sorted(won) == [False, False, False, True]
    kept = await database.read(lambda tx: tx.commitments.recent(EVERYWHERE))
    assert [one.id for one in kept] == [f"c{won.index(True)}"]
    assert await database.read(lambda tx: tx.commitments.items(kept[0].id)) == ITEMS[:won.index(True) + 1]


async def test_a_verdict_is_written_once_and_never_changes(database):
    await add(database, asked())
    verdict = {0: 0, 1: 0x0112, 2: 0x0110, 3: 0, 4: 0x0119}
    assert await database.write(lambda tx: tx.commitments.judge("c1", verdict, START))
    assert not await database.write(lambda tx: tx.commitments.judge("c1", dict.fromkeys(range(5), 0), START))
    assert [i.failure_reason for i in await database.read(lambda tx: tx.commitments.items("c1"))] == [
        *verdict.values()]
    found = await database.read(lambda tx: tx.commitments.get("c1", HERE))
    assert (found.state, found.judged_at) == (CommitmentState.JUDGED, START)


async def test_what_is_judged_and_not_taken_waits_for_its_device(database):
    for number, state in enumerate(CommitmentState):
        await add(database, asked(f"c{number}", f"2.25.{number}", state=state,
                                  requested_at=START + timedelta(seconds=number)))
    await add(database, asked("other", "2.25.9", state=CommitmentState.JUDGED, ae_title="CT2"))
    waiting = await database.read(lambda tx: tx.commitments.unreported("CT1"))
    assert [one.state for one in waiting] == [CommitmentState.JUDGED]
    done = dataclasses.replace(waiting[0], state=CommitmentState.REPORTED, reported_at=START, attempts=3)
    await database.write(lambda tx: tx.commitments.replace(done))
    assert await database.read(lambda tx: tx.commitments.unreported("CT1")) == []
    assert await database.read(lambda tx: tx.commitments.get(done.id, HERE)) == done


async def test_the_first_answer_to_what_we_asked_counts(database):
    told = AskedCommitment("2.25.7", "delivery-1", "node-1", "PACS", "1.2", "1.2.3", START)
    await database.write(lambda tx: tx.commitments.add_asked(told))
    assert await database.write(lambda tx: tx.commitments.answer_asked("2.25.7", 0, START))
    assert not await database.write(lambda tx: tx.commitments.answer_asked("2.25.7", 0x0112, START))
    assert await database.read(lambda tx: tx.commitments.asked_for("delivery-1")) == [
        dataclasses.replace(told, failure_reason=0, answered_at=START)]
    assert await database.read(lambda tx: tx.commitments.find_asked("2.25.8")) is None


async def test_a_step_comes_back_as_it_was_and_only_its_site_sees_it(database):
    assert await database.write(lambda tx: tx.performed_steps.add(STEP))
    assert not await database.write(
        lambda tx: tx.performed_steps.add(dataclasses.replace(STEP, id="step-2", ae_title="CT2")))
    assert await database.read(lambda tx: tx.performed_steps.find("1.9.1", HERE)) == STEP
    assert await database.read(lambda tx: tx.performed_steps.find("1.9.1", ELSEWHERE)) is None


@pytest.mark.parametrize("final", [StepState.COMPLETED, StepState.DISCONTINUED])
async def test_a_final_step_is_never_changed(database, final):
    """B7; also when two changes come at the same time."""
    await database.write(lambda tx: tx.performed_steps.add(STEP))
    done = dataclasses.replace(STEP, state=final, updated_at=START + timedelta(seconds=9))
    late = dataclasses.replace(STEP, attributes={})
    assert await database.write(lambda tx: tx.performed_steps.update(done))
    assert not await database.write(lambda tx: tx.performed_steps.update(late))
    assert await database.read(lambda tx: tx.performed_steps.find("1.9.1", HERE)) == done


async def test_a_source_replaces_what_it_said_and_others_stay(database):
    open_step = Evidence("1.2", EvidenceKind.MPPS, "step-1", "here", "device-1", START, False, 0)
    final = dataclasses.replace(open_step, is_final=True, instance_count=2, sop_instance_uids=("1.2.3.1", "1.2.3.2"))
    order = Evidence("1.2", EvidenceKind.ORDER, "order-1", "here", None, START - timedelta(1), True, 40)
    for told in (open_step, order, dataclasses.replace(order, study_instance_uid="1.4"), final):
        await database.write(lambda tx, told=told: tx.performed_steps.note_evidence(told))
    assert await database.read(lambda tx: tx.performed_steps.evidence_of("1.2")) == [order, final]


def study(number: int, **more) -> Study:
    patient = Patient(f"patient-{number}", "here", "P1", PatientName("演示"), "M", None)
    known = Study(f"study-{number:02d}", f"1.2.{number}", "here", patient, "device-1", "CT", "CHEST", "", "", START,
                  None, "routine", StudyState.COMPLETE, 10 + number, None, START, START)
    return dataclasses.replace(known, **more)


async def add_study(database, one: Study) -> None:
    def work(tx):
        tx.studies.add_patient(one.patient)
        assert tx.studies.add_study(one)

    await database.write(work)


async def test_a_device_habit_is_what_its_last_complete_studies_were(database):
    for number in range(5):
        await add_study(database, study(number, longest_pause_s=float(number)))
    await add_study(database, study(5, state=StudyState.ARRIVING))
    await add_study(database, study(6, modality="MR"))
    await add_study(database, study(7, device_id="device-2"))
    habits = await database.read(lambda tx: tx.performed_steps.habits_of("device-1", "CT", "here", 3))
    assert habits == [(14, 4.0), (13, 3.0), (12, 2.0)]


async def test_the_whole_study_is_told_better_than_one_acquisition(database):
    await add_study(database, study(1))

    async def after(count, by):
        await database.write(lambda tx: tx.performed_steps.expect("study-01", count=count, by=by))
        found = await database.read(lambda tx: tx.studies.get("study-01", HERE))
        return found.expected_count, found.expected_by

    assert await after(50, "acquisition") == (50, "acquisition")
    assert await after(40, "acquisition") == (50, "acquisition")
    assert await after(34, "mpps") == (34, "mpps")
    assert await after(90, "acquisition") == (34, "mpps")
    assert await after(30, "attribute") == (34, "mpps")
    assert await after(36, "order") == (36, "order")
