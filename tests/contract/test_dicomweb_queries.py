"""What DICOMweb asks of the index: the same answers on SQLite and PostgreSQL, and nothing of another site."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from gateway.services.ports import Parts
from gateway.settings import Settings
from storage.engines.preparing import prepare
from storage.engines.sqlite import SqliteDatabase
from storage.interface import AttributeKey, InstanceQuery, SeriesQuery, StudyQuery
from storage.model import EVERYWHERE, PatientName, Scope, Site, SiteKind
from storage.objects.files import FileObjectStore
from storage.tables import dicomweb_matching
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


# ------------------------------------------------------------------------------------------- how rows are found
NAMES = ["Wang Demo1", "wang demo2", "WANG DEMO3", "Wanh Demo4", "Li Demo5", "_ang Demo6", "Wan", "王五", "王六",
         "Müller Demo7"]


@pytest.fixture
async def many(database, tmp_path):
    """Forty studies, so that a lowered limit makes some keys sharp and others broad."""
    parts = Parts(Settings(data_dir=tmp_path), database, FileObjectStore(tmp_path / "objects", reserve_bytes=0),
                  ManualClock(), RecordingEvents(), "node-a")
    made = []
    for n in range(40):
        exam = build_exam(parts, "here" if n % 2 else "there", accession_number=f"A{n:02}",
                          patient_id=f"P{n % 20:02}", modality="MG" if n == 33 else "CT" if n % 4 else "DX",
                          waited_minutes=60 * (40 - n))[0]
        name = PatientName(NAMES[n % len(NAMES)], NAMES[n % len(NAMES)])
        patient = replace(exam.study.patient, name=name, sex="F" if n % 5 == 0 else "M",
                          birth_date=date(1950 + n, 3, 1))
        attributes = {"00200010": {"vr": "SH", "Value": [str(n)]}, "00280010": {"vr": "US", "Value": [100 + n]},
                      "00080090": {"vr": "PN", "Value": [{"Alphabetic": f"Doctor^{n}", "Ideographic": "送检"}]},
                      "00080030": {"vr": "TM", "Value": [f"{n // 2:02}3000"]}}
        made.append(replace(exam, study=replace(exam.study, patient=patient),
                            instance=replace(exam.instance, attributes=attributes)))

    def put(tx):
        for site_id in ("here", "there"):
            tx.sites.add_site(Site(site_id, site_id, site_id, SiteKind.TOWNSHIP))
        for exam in made:
            put_exam(tx, exam)

    await database.write(put)
    return made


def numbers(studies) -> list[int]:
    return [int(study.accession_number[1:]) for study in studies]


SEARCHES = [
    (StudyQuery(), lambda n: True),
    (StudyQuery(patient_name="wang*"), lambda n: n % 10 < 3),
    (StudyQuery(patient_name="Wang^Demo?"), lambda n: n % 10 < 3),
    (StudyQuery(patient_name="WANG DEMO2"), lambda n: n % 10 == 1),
    (StudyQuery(patient_name="_ang*"), lambda n: n % 10 == 5),
    (StudyQuery(patient_name="王*"), lambda n: n % 10 in (7, 8)),
    (StudyQuery(patient_name="Mü*"), lambda n: n % 10 == 9),
    (StudyQuery(patient_name="*Demo5"), lambda n: n % 10 == 4),
    (StudyQuery(patient_id="P07"), lambda n: n % 20 == 7),
    (StudyQuery(patient_id="P0*"), lambda n: n % 20 < 10),
    (StudyQuery(modalities_in_study=("MG",)), lambda n: n == 33),
    (StudyQuery(modalities_in_study=("DX", "MG")), lambda n: n == 33 or n % 4 == 0),
    (StudyQuery(from_time=START - timedelta(hours=5, minutes=1)), lambda n: n >= 35),
    (StudyQuery(from_time=START - timedelta(hours=30, minutes=1), before_time=START - timedelta(hours=20)),
     lambda n: 10 <= n < 20),
    (StudyQuery(patient_name="wang*", modalities_in_study=("CT",), from_time=START - timedelta(hours=30)),
     lambda n: n % 10 < 3 and n % 4 and n != 33 and n >= 10),
    (StudyQuery(sex="F"), lambda n: n % 5 == 0),
    (StudyQuery(born_from=date(1980, 1, 1)), lambda n: n >= 30),
    (StudyQuery(born_from=date(1955, 3, 1), born_until=date(1955, 3, 1)), lambda n: n == 5),
    (StudyQuery(attributes=(AttributeKey("00200010", "SH", "7"),)), lambda n: n == 7),
    (StudyQuery(attributes=(AttributeKey("00200010", "SH", "1?"),)), lambda n: 10 <= n < 20),
    (StudyQuery(attributes=(AttributeKey("00280010", "US", "139"),)), lambda n: n == 39),
    (StudyQuery(attributes=(AttributeKey("00080090", "PN", "doctor^3*"),)), lambda n: n == 3 or 30 <= n < 40),
    (StudyQuery(attributes=(AttributeKey("00080090", "PN", "送检"),)), lambda n: True),
    (StudyQuery(attributes=(AttributeKey("00080030", "TM", "05-0630"),)), lambda n: n in (10, 11, 12, 13)),
    (StudyQuery(attributes=(AttributeKey("00080030", "TM", "-0130"),)), lambda n: n < 4),
]
"""Each with the numbers of the studies it means."""


async def test_every_way_to_the_rows_finds_the_same_ones_in_order(database, many, monkeypatch):
    """By the sharpest index, or by a walk: the limit between them changes the way, never the answer."""
    in_order = [int(exam.study.accession_number[1:]) for exam in sorted(many, key=lambda exam: exam.study.id)]
    for few in (0, 3, 4096):
        monkeypatch.setattr(dicomweb_matching, "FEW", few)
        for query, is_meant in SEARCHES:
            expected = [n for n in in_order if is_meant(n)]
            assert numbers(await ask(database, query, EVERYWHERE)) == expected, (few, query)
            assert numbers(await ask(database, query)) == [n for n in expected if n % 2], (few, query)
            found = await ask(database, query, EVERYWHERE, limit=2, offset=1)
            assert numbers(found) == expected[1:3], (few, query)
            if found:
                rest = await database.read(lambda tx, query=query, last=found[-1].study_id: tx.dicomweb.studies(
                    query, EVERYWHERE, limit=50, after=last))
                assert numbers(rest) == expected[3:], (few, query)


async def test_series_and_instances_are_led_by_their_study_too(database, many, monkeypatch):
    for few in (0, 3, 4096):
        monkeypatch.setattr(dicomweb_matching, "FEW", few)
        of = SeriesQuery(StudyQuery(patient_name="wang*"), modalities=("CT",))
        series = await database.read(lambda tx, of=of: tx.dicomweb.series(of, EVERYWHERE, limit=50))
        instances = await database.read(lambda tx, of=of: tx.dicomweb.instances(InstanceQuery(of), EVERYWHERE))
        expected = [n for n in range(40) if n % 10 < 3 and n % 4]
        assert sorted(numbers(one.study for one in series)) == expected
        assert sorted(numbers(one.study for one in instances)) == expected
        by_uid = SeriesQuery(series_instance_uids=(many[7].series.series_instance_uid,))
        (one,) = await database.read(lambda tx, of=by_uid: tx.dicomweb.instances(InstanceQuery(of), HERE))
        assert one.sop_instance_uid == many[7].instance.sop_instance_uid
        assert not await database.read(lambda tx, of=by_uid: tx.dicomweb.instances(
            InstanceQuery(of), Scope(frozenset({"there"}))))


async def test_an_instance_is_found_by_its_address_within_the_scope_alone(database, many):
    exam = many[7]
    uids = exam.study.study_instance_uid, exam.series.series_instance_uid, exam.instance.sop_instance_uid

    def look(scope, *asked):
        return database.read(lambda tx: tx.dicomweb.instance(*asked, scope))

    for scope in (HERE, EVERYWHERE):
        found = await look(scope, *uids)
        assert found is not None
        assert found.sop_instance_uid == uids[2]
    assert await look(Scope(frozenset({"there"})), *uids) is None
    assert await look(Scope(frozenset()), *uids) is None
    assert await look(HERE, many[9].study.study_instance_uid, *uids[1:]) is None


async def test_a_search_that_must_look_at_every_row_is_named_too_broad(database, many, monkeypatch):
    monkeypatch.setattr(dicomweb_matching, "FEW", 3)
    slow = StudyQuery(attributes=(AttributeKey("00200010", "SH", "7"),))

    def is_too_broad(query, at_most):
        return database.read(lambda tx: tx.dicomweb.is_too_broad(query, EVERYWHERE, at_most=at_most))

    assert await is_too_broad(slow, 39)
    assert not await is_too_broad(slow, 40)
    assert not await is_too_broad(replace(slow, patient_id="P07"), 1)
    assert not await is_too_broad(StudyQuery(patient_name="wang*"), 1)
    assert await is_too_broad(StudyQuery(patient_name="*ang*"), 1)


async def test_no_sharp_key_makes_sqlite_walk_through_a_table(tmp_path):
    """The plans: every table is entered by an index, and the order of arrival is never made by sorting a table."""
    opened = SqliteDatabase(tmp_path / "plans.db", node="node-a", prepare=prepare)
    statements: list[tuple[str, object]] = []

    def run(tx):
        driver = tx.connection.connection.driver_connection

        def explained(statement, parameters):
            return [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]

        @sa.event.listens_for(tx.connection, "before_cursor_execute")
        def note(connection, cursor, statement, parameters, context, executemany):
            statements.append((statement, parameters))

        for query in (StudyQuery(study_instance_uids=("1.2",)), StudyQuery(patient_id="P"),
                      StudyQuery(accession_number="A"), StudyQuery(patient_name="Wang*"),
                      StudyQuery(modalities_in_study=("CT",)), StudyQuery(from_time=START), StudyQuery()):
            tx.dicomweb.studies(query, HERE, limit=50)
            tx.dicomweb.series(SeriesQuery(query), HERE, limit=50)
        tx.dicomweb.instance("1", "2", "3", HERE)
        return [(statement, explained(statement, parameters)) for statement, parameters in statements]

    try:
        plans = await opened.read(run)
    finally:
        await opened.close()
    assert len(plans) > 20
    for statement, plan in plans:
        walked = [step for step in plan if step.startswith("SCAN") and "USING" not in step
                  and not step.startswith(("SCAN (subquery", "SCAN anon", "SCAN CONSTANT"))]
        assert not walked, f"{walked}\n{statement}"
