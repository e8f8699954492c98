"""The index of studies on both engines: unique UIDs, counts, scope, and the whole write of receiving in a race."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from functools import partial

import pytest

from gateway.formats.dicom_dataset import read_part10
from gateway.formats.dicom_elements import ByteSource
from gateway.services.index_instance import Candidate, Clash, LostRace, index_instance
from storage.model import (
    EVERYWHERE,
    Arrival,
    ArrivalOutcome,
    ArrivalVia,
    CompleteBy,
    Confidence,
    EcgFacts,
    Instance,
    InstanceFormat,
    ObjectRef,
    Patient,
    PatientName,
    Scope,
    Series,
    Study,
    StudyState,
    new_id,
)
from storage.tables import schema
from tests.support import dicom_builders as build
from tests.support.stores import START

NAME = PatientName("王小东", "Wang XiaoDong", "王小东", Confidence.GUESSED, "gb18030", "cdf5")
PATIENT = Patient("patient-1", "site-a", "P1", NAME, "M", date(1970, 1, 2))
STUDY = Study("study-1", "1.2.3", "site-a", PATIENT, "device-1", "CT", "CHEST", "Chest", "A1", START, 56.2, "routine",
              StudyState.ARRIVING, 0, None, START, START)
SERIES = Series("series-1", "study-1", "1.2.3.1", "CT", 2, "5 mm", "CHEST")
INSTANCE = Instance("instance-1", "study-1", "series-1", "1.2.3.1.1", build.CT, InstanceFormat.DICOM, "1.2.840",
                    "ab" * 32, 1000, 1, 64, 64, 1, False, START, {"00080060": {"vr": "CS", "Value": ["CT"]}})
ECG = EcgFacts("instance-1", "dicom", 2000.0, ("I", "II"), 500, START, "Cart", "", {"heart_rate_bpm": 71.0},
               ("窦性心律",), ())
OTHER = Scope(frozenset({"site-b"}))


def add_all(tx) -> None:
    tx.studies.add_patient(PATIENT)
    assert tx.studies.add_study(STUDY)
    assert tx.studies.add_series(SERIES)
    assert tx.studies.add_instance(INSTANCE)


async def test_what_is_added_comes_back_as_it_was(database):
    await database.write(add_all)
    await database.write(lambda tx: tx.studies.add_ecg(ECG))
    counted = replace(STUDY, instance_count=1)
    read = database.read
    assert await read(lambda tx: tx.studies.get("study-1", EVERYWHERE)) == counted
    assert await read(lambda tx: tx.studies.find_uid("1.2.3", EVERYWHERE)) == counted
    assert await read(lambda tx: tx.studies.find_instance("1.2.3.1.1")) == INSTANCE
    assert await read(lambda tx: tx.studies.get_instance("1.2.3.1.1", EVERYWHERE)) == (counted, INSTANCE)
    assert await read(lambda tx: tx.studies.get_instance_by_id("instance-1", EVERYWHERE)) == (counted, INSTANCE)
    assert await read(lambda tx: tx.studies.series_of("study-1", EVERYWHERE)) == [replace(SERIES, instance_count=1)]
    assert await read(lambda tx: tx.studies.instances_of("study-1", EVERYWHERE)) == [INSTANCE]
    assert await read(lambda tx: tx.studies.ecg_of("instance-1")) == ECG


async def test_nothing_is_seen_from_another_site(database):
    await database.write(add_all)

    def look(tx):
        return (tx.studies.get("study-1", OTHER), tx.studies.find_uid("1.2.3", OTHER),
                tx.studies.get_instance("1.2.3.1.1", OTHER), tx.studies.get_instance_by_id("instance-1", OTHER),
                tx.studies.series_of("study-1", OTHER), tx.studies.instances_of("study-1", OTHER),
                tx.studies.related(replace(STUDY, id="x"), OTHER))

    assert not any(await database.read(look))


async def test_a_uid_is_taken_once_and_nothing_is_overwritten(database):
    """B4."""
    await database.write(add_all)

    def again(tx):
        return (tx.studies.add_study(replace(STUDY, id="x", modality="MR")),
                tx.studies.add_series(replace(SERIES, id="x", modality="MR")),
                tx.studies.add_instance(replace(INSTANCE, id="x", object_sha256="cd" * 32)))

    assert await database.write(again) == (False, False, False)
    study = await database.read(lambda tx: tx.studies.get("study-1", EVERYWHERE))
    assert (study.modality, study.instance_count) == ("CT", 1)
    assert await database.read(lambda tx: tx.studies.find_instance("1.2.3.1.1")) == INSTANCE


@pytest.mark.parametrize(("patient_id", "name", "born", "is_found"), [
    ("P1", "王小东", None, True), ("P1", "Other", date(1970, 1, 2), True), ("P1", "Other", date(1980, 1, 1), False),
    ("P1", "Other", None, False), ("P2", "王小东", date(1970, 1, 2), False), ("", "王小东", date(1970, 1, 2), False)])
async def test_a_patient_is_never_found_by_the_patient_id_alone(database, patient_id, name, born, is_found):
    """A7."""
    await database.write(add_all)
    found = await database.read(lambda tx: tx.studies.find_patient("site-a", patient_id, name, born))
    assert found == (PATIENT if is_found else None)
    assert await database.read(lambda tx: tx.studies.find_patient("site-b", patient_id, name, born)) is None


async def test_states_and_counts_move_as_told(database):
    await database.write(add_all)

    def change(tx):
        tx.studies.note_arrival("study-1", START, expected_count=5)
        tx.studies.note_arrival("study-1", START, expected_count=3)
        tx.studies.set_urgency("study-1", "urgent")
        tx.studies.describe("study-1", modality="DX", body_part="KNEE", description="Knee")
        tx.studies.set_state("study-1", StudyState.COMPLETE, at=START, complete_by=CompleteBy.QUIET_TIME)
        tx.studies.set_state("study-1", StudyState.REOPENED, at=START)

    await database.write(change)
    study = await database.read(lambda tx: tx.studies.get("study-1", EVERYWHERE))
    assert (study.expected_count, study.urgency, study.state, study.reopened_count) == (
        5, "urgent", StudyState.REOPENED, 1)
    assert (study.modality, study.body_part, study.description) == ("DX", "KNEE", "Knee")
    assert (study.completed_at, study.complete_by) == (START, CompleteBy.QUIET_TIME)


def candidate(part10: bytes, sha256: str) -> Candidate:
    head = read_part10(ByteSource(part10))
    ref = ObjectRef(sha256, len(part10))
    arrival = Arrival(new_id(), START, ArrivalVia.DICOM, ArrivalOutcome.KEPT, "site-a", "device-1", "CT1",
                      "127.0.0.1", "1", sha256, len(part10), sop_class_uid=head.sop_class_uid,
                      sop_instance_uid=head.sop_instance_uid)
    return Candidate(ref, head, arrival, START, "device:CT1", 5.0)


async def receive(database, one: Candidate) -> str:
    """As receive_instance does it: run again after a lost race; other bytes are a conflict."""
    while True:
        try:
            indexed = await database.write(partial(index_instance, one))
            return str(indexed.arrival.outcome)
        except LostRace:
            continue
        except Clash as clash:
            one = replace(one, compared_with=clash.kept_sha256)


async def test_racing_receivers_of_one_study_make_one_study_and_count_every_instance(database):
    """Two gateways on PostgreSQL see no row of the other until it commits: the unique constraint decides."""
    ids = build.StudyIds()
    files = [candidate(build.ct_slice(n, ids=ids), f"{n:064x}") for n in range(12)]
    assert set(await asyncio.gather(*(receive(database, one) for one in files))) == {"kept"}
    study = await database.read(lambda tx: tx.studies.find_uid(ids.study, EVERYWHERE))
    assert study.instance_count == 12
    [series] = await database.read(lambda tx: tx.studies.series_of(study.id, EVERYWHERE))
    assert series.instance_count == 12


async def test_racing_receivers_of_one_uid_keep_one_and_quarantine_the_others(database):
    """B4."""
    ids, uid = build.StudyIds(), "1.2.3.4.5"
    files = [candidate(build.ct_slice(ids=ids, sop_instance_uid=uid, SliceThickness=n), f"{n:064x}")
             for n in range(1, 9)]
    outcomes = await asyncio.gather(*(receive(database, one) for one in files))
    assert sorted(outcomes) == ["conflict"] * 7 + ["kept"]
    assert len(await database.read(lambda tx: tx.arrivals.quarantine(EVERYWHERE))) == 7


async def test_the_ecgs_of_a_study_are_those_with_a_waveform_in_the_order_of_its_instances(database):
    made = [replace(INSTANCE, id=f"instance-{n}", sop_instance_uid=f"1.2.3.1.{n}", number=number, has_waveform=n != 3)
            for n, number in ((1, 7), (2, None), (3, 1), (4, 5))]

    def work(tx):
        add_all(tx)
        for instance in made[1:]:
            assert tx.studies.add_instance(instance)
        tx.connection.execute(schema.instance.update().values(has_waveform=schema.instance.c.id != "instance-3"))
        for instance in made:
            tx.studies.add_ecg(replace(ECG, instance_id=instance.id))

    await database.write(work)
    found = await database.read(lambda tx: (tx.studies.ecgs_of("study-1"), tx.studies.ecgs_of("study-2"), [
        tx.studies.ecg_of(one.id) for one in tx.studies.instances_of("study-1", EVERYWHERE) if one.has_waveform]))
    assert found[0] == found[2]
    assert found[1] == []
    assert {one.instance_id for one in found[0]} == {"instance-1", "instance-2", "instance-4"}
