"""What DICOMweb asks of the index: the same answers on SQLite and PostgreSQL, and nothing of another site."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.services.ports import Parts
from gateway.settings import Settings
from storage.interface import InstanceQuery, SeriesQuery, StudyQuery
from storage.model import EVERYWHERE, Scope, Site, SiteKind
from storage.objects.files import FileObjectStore
from tests.support.stores import START, ManualClock, RecordingEvents
from tests.support.web import build_exam, put_exam

HERE = Scope(frozenset({"here"}))


@pytest.fixture
async def exams(database, tmp_path):
    """Two films here, one there, and an ECG that is not DICOM and so is nobody's answer."""
    parts = Parts(Settings(data_dir=tmp_path), database, FileObjectStore(tmp_path / "objects", reserve_bytes=0),
                  ManualClock(), RecordingEvents(), "node-a")
    made = [build_exam(parts, "here", name="演示王五", accession_number="A1", waited_minutes=10)[0],
            build_exam(parts, "here", name="演示李四", accession_number="A2", modality="CT", waited_minutes=1440)[0],
            build_exam(parts, "there", name="演示王五", accession_number="B1")[0],
            build_exam(parts, "here", name="演示王五", modality="ECG")[0]]

    def put(tx):
        for site_id in ("here", "there"):
            tx.sites.add_site(Site(site_id, site_id, site_id, SiteKind.TOWNSHIP))
        for exam in made:
            put_exam(tx, exam)

    await database.write(put)
    return made


def ask(database, query, scope=HERE, limit=50, offset=0):
    return database.read(lambda tx: tx.dicomweb.studies(query, scope, limit=limit, offset=offset))


@pytest.mark.parametrize(("query", "found"), [
    (StudyQuery(), ["A1", "A2"]),
    (StudyQuery(patient_name="演示王*"), ["A1"]),
    (StudyQuery(patient_name="演示?四"), ["A2"]),
    (StudyQuery(accession_number="A2"), ["A2"]),
    (StudyQuery(accession_number="B1"), []),
    (StudyQuery(modalities_in_study=("CT",)), ["A2"]),
    (StudyQuery(from_time=START - timedelta(hours=1)), ["A1"]),
    (StudyQuery(before_time=START - timedelta(hours=1)), ["A2"]),
    (StudyQuery(patient_name="100%"), []),
])
async def test_each_key_matches_what_the_standard_says(database, exams, query, found):
    assert sorted(study.accession_number for study in await ask(database, query)) == found


async def test_pages_neither_repeat_nor_skip(database, exams):
    pages = [await ask(database, StudyQuery(), EVERYWHERE, limit=1, offset=offset) for offset in range(4)]
    assert [len(page) for page in pages] == [1, 1, 1, 0]
    assert len({page[0].study_id for page in pages[:3]}) == 3


async def test_series_and_instances_belong_to_their_study(database, exams):
    film = exams[0]
    study = StudyQuery(study_instance_uids=(film.study.study_instance_uid,))
    series = await database.read(lambda tx: tx.dicomweb.series(SeriesQuery(study), HERE, limit=10))
    assert [one.series_instance_uid for one in series] == [film.series.series_instance_uid]
    instances = await database.read(
        lambda tx: tx.dicomweb.instances(InstanceQuery(SeriesQuery(study)), HERE, limit=None))
    assert [one.sop_instance_uid for one in instances] == [film.instance.sop_instance_uid]


async def test_another_sites_objects_are_not_found_by_their_own_uids(database, exams):
    """Promise 5: scope is in the statement."""
    theirs = exams[2]
    study = StudyQuery(study_instance_uids=(theirs.study.study_instance_uid,))
    assert await ask(database, study) == []
    query = InstanceQuery(SeriesQuery(study), sop_instance_uids=(theirs.instance.sop_instance_uid,))
    assert await database.read(lambda tx: tx.dicomweb.instances(query, HERE, limit=None)) == []
    assert len(await database.read(lambda tx: tx.dicomweb.instances(query, EVERYWHERE, limit=None))) == 1


async def test_an_ecg_in_another_format_is_not_offered_as_dicom(database, exams):
    ecg = exams[3]
    assert await ask(database, StudyQuery(study_instance_uids=(ecg.study.study_instance_uid,))) == []
