"""The index of patients, studies, series and instances on both engines (requirements A7, B4, B9, C4)."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import date, timedelta

import pytest

from storage.model import (
    EVERYWHERE,
    CompleteBy,
    Confidence,
    EcgFacts,
    Instance,
    InstanceFormat,
    PatientName,
    Scope,
    Series,
    StudyState,
)
from tests.support.report_builders import MADE_AT, SITE, a_study

HERE, ELSEWHERE, NOWHERE = Scope(frozenset({SITE.id})), Scope(frozenset({"elsewhere"})), Scope(frozenset())
STUDY = dataclasses.replace(a_study(), instance_count=0)
SERIES = Series("series-1", STUDY.id, "1.2.3.1", "DX", 1, "胸部", "CHEST")
INSTANCE = Instance("instance-1", STUDY.id, SERIES.id, "1.2.3.1.1", "1.2.840.10008.5.1.4.1.1.1.1",
                    InstanceFormat.DICOM, "1.2.840.10008.1.2.4.70", "ab" * 32, 9_000_000_000, 3, 2800, 2304, 1, False,
                    MADE_AT, {"00100010": {"vr": "PN", "Value": [{"Ideographic": "王^小明"}]}})


@pytest.fixture
async def index(database):
    def add(tx):
        tx.studies.add_patient(STUDY.patient)
        assert tx.studies.add_study(STUDY) is True
        assert tx.studies.add_series(SERIES) is True
        assert tx.studies.add_instance(INSTANCE) is True

    await database.write(add)
    return database


async def get(database, scope=HERE):
    return await database.read(lambda tx: tx.studies.get(STUDY.id, scope))


async def test_a_study_comes_back_with_its_patient_and_counts_its_instances(index):
    counted = dataclasses.replace(STUDY, instance_count=1)
    assert await get(index) == counted
    assert await index.read(lambda tx: tx.studies.find_uid(STUDY.study_instance_uid, HERE)) == counted
    assert await index.read(lambda tx: tx.studies.series_of(STUDY.id, HERE)) == [
        dataclasses.replace(SERIES, instance_count=1)]
    assert await index.read(lambda tx: tx.studies.instances_of(STUDY.id, HERE)) == [INSTANCE]
    assert await index.read(lambda tx: tx.studies.find_instance("1.2.3.1.1")) == INSTANCE
    assert await index.read(lambda tx: tx.studies.get_instance("1.2.3.1.1", HERE)) == (counted, INSTANCE)
    assert await index.read(lambda tx: tx.studies.get_instance_by_id("instance-1", HERE)) == (counted, INSTANCE)
    assert await index.read(lambda tx: tx.studies.find_series(STUDY.id, "1.2.3.1")) is not None


@pytest.mark.parametrize("scope", [ELSEWHERE, NOWHERE])
async def test_outside_the_scope_there_is_nothing(index, scope):
    assert await get(index, scope) is None
    for ask in (lambda s: s.find_uid(STUDY.study_instance_uid, scope), lambda s: s.get_instance("1.2.3.1.1", scope),
                lambda s: s.get_instance_by_id("instance-1", scope)):
        assert await index.read(lambda tx, ask=ask: ask(tx.studies)) is None
    for ask in (lambda s: s.series_of(STUDY.id, scope), lambda s: s.instances_of(STUDY.id, scope),
                lambda s: s.related(STUDY, scope)):
        assert await index.read(lambda tx, ask=ask: ask(tx.studies)) == []


async def test_what_is_there_already_is_said_so_and_the_transaction_goes_on(index):
    """The unique UID decides between two receivers, not the look before it; the first is kept."""
    def again(tx):
        answers = (tx.studies.add_study(dataclasses.replace(STUDY, id="twin", modality="CT")),
                   tx.studies.add_series(dataclasses.replace(SERIES, id="twin")),
                   tx.studies.add_instance(dataclasses.replace(INSTANCE, id="twin", object_sha256="cd" * 32)))
        return answers, tx.studies.find_instance("1.2.3.1.1")

    answers, kept = await index.write(again)
    assert answers == (False, False, False)
    assert kept == INSTANCE
    assert (await get(index)).instance_count == 1


async def test_many_receivers_of_one_study_count_every_instance_once(index):
    async def receive(number):
        instance = dataclasses.replace(INSTANCE, id=f"i{number}", sop_instance_uid=f"9.{number}", number=number)
        return await index.write(lambda tx: tx.studies.add_instance(instance))

    answers = await asyncio.gather(*[receive(n % 20) for n in range(40)])
    assert sum(answers) == 20
    assert (await get(index)).instance_count == 21


async def test_series_and_instances_are_told_by_number_and_those_without_last(index):
    def add(tx):
        tx.studies.add_series(Series("series-0", STUDY.id, "1.2.3.0", "DX", None, "", ""))
        tx.studies.add_series(Series("series-2", STUDY.id, "1.2.3.2", "DX", 0, "", ""))
        for number, name in ((10, "b"), (2, "a"), (None, "z")):
            tx.studies.add_instance(dataclasses.replace(INSTANCE, id=name, sop_instance_uid=f"8.{name}",
                                                        number=number))

    await index.write(add)
    assert [s.id for s in await index.read(lambda tx: tx.studies.series_of(STUDY.id, HERE))] == [
        "series-2", "series-1", "series-0"]
    assert [i.id for i in await index.read(lambda tx: tx.studies.instances_of(STUDY.id, HERE))] == [
        "a", "instance-1", "b", "z"]


async def test_a_patient_is_the_same_only_by_site_id_and_name_or_birth_date(index):
    async def find(site=SITE.id, patient_id="MZ20260302001", name="王小明", born=date(1969, 5, 4)):
        return await index.read(lambda tx: tx.studies.find_patient(site, patient_id, name, born))

    assert await find() == STUDY.patient
    assert await find(born=None) == STUDY.patient
    assert await find(name="王晓明") == STUDY.patient, "the birth date agrees"
    assert await find(name="王晓明", born=date(1970, 1, 1)) is None, "never by Patient ID alone"
    assert await find(site="elsewhere") is None
    assert await find(patient_id="other") is None
    assert await find(patient_id="") is None


async def test_a_guessed_name_keeps_its_bytes_and_that_it_is_a_guess(index):
    name = PatientName("张三", "", "张三", Confidence.GUESSED, "gb18030", "d5c5c8fd")
    guessed = dataclasses.replace(STUDY.patient, id="p2", patient_id="X", name=name, birth_date=None, sex="")
    study = dataclasses.replace(STUDY, id="s2", study_instance_uid="7.7", patient=guessed, study_at=None,
                                age_years=None, expected_count=None, completed_at=None, complete_by=None)

    def add(tx):
        tx.studies.add_patient(guessed)
        tx.studies.add_study(study)

    await index.write(add)
    assert await index.read(lambda tx: tx.studies.get("s2", HERE)) == study


async def test_an_arrival_moves_the_last_time_and_keeps_the_larger_expected_count(index):
    later = MADE_AT + timedelta(seconds=30)
    for expected, known in ((5, 5), (3, 5), (None, 5), (9, 9)):
        await index.write(lambda tx, n=expected: tx.studies.note_arrival(STUDY.id, later, expected_count=n))
        study = await get(index)
        assert (study.last_arrival_at, study.expected_count) == (later, known)


async def test_a_study_is_completed_with_its_evidence_and_counts_how_often_it_was_reopened(index):
    for _ in range(2):
        await index.write(lambda tx: tx.studies.set_state(STUDY.id, StudyState.REOPENED, at=MADE_AT))
    study = await get(index)
    assert (study.state, study.reopened_count) == (StudyState.REOPENED, 2)
    done = MADE_AT + timedelta(minutes=1)
    await index.write(lambda tx: tx.studies.set_state(STUDY.id, StudyState.COMPLETE, at=done,
                                                      complete_by=CompleteBy.QUIET_TIME))
    study = await get(index)
    assert (study.state, study.completed_at, study.complete_by) == (StudyState.COMPLETE, done, CompleteBy.QUIET_TIME)
    await index.write(lambda tx: tx.studies.set_urgency(STUDY.id, "routine"))
    assert (await get(index)).urgency == "routine"


async def test_earlier_studies_of_the_same_person_are_told_newest_first(index):
    def add(tx):
        for number in range(3):
            tx.studies.add_study(dataclasses.replace(
                STUDY, id=f"old-{number}", study_instance_uid=f"6.{number}",
                first_arrival_at=MADE_AT - timedelta(days=number + 1)))

    await index.write(add)
    related = await index.read(lambda tx: tx.studies.related(STUDY, EVERYWHERE))
    assert [study.id for study in related] == ["old-0", "old-1", "old-2"]


async def test_what_an_ecg_says_of_itself_comes_back_exactly(index):
    facts = EcgFacts("instance-1", "hl7_aecg", 2000.0, ("I", "II", "V1"), 5000, MADE_AT, "演示心电机", "0.05-150 Hz",
                     {"heart_rate_bpm": 71.5, "qt_ms": 402}, ("窦性心律", "Normal ECG"), ())
    await index.write(lambda tx: tx.studies.add_ecg(facts))
    assert await index.read(lambda tx: tx.studies.ecg_of("instance-1")) == facts
    assert await index.read(lambda tx: tx.studies.ecg_of("instance-2")) is None
