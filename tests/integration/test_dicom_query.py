"""C-FIND on the DICOM port, asked by findscu of dcmtk (PS3.4 annex C; requirements B2, C5, J3, promise 5)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from pydicom import Dataset
from pynetdicom import AE
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation

from storage.model import EVERYWHERE, Device, Site, SiteKind
from tests.support.dcmtk import storescu
from tests.support.dicom_builders import Patient, StudyIds, ct_slice, dx_image, ecg_waveform, write_all
from tests.support.dicom_receiver import MODALITY, OTHER_SITE, open_receiver
from tests.support.query_peers import findscu
from tests.support.web import build_exam, put_exam

STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
CENTRE = Site("centre", "演示阅片中心", "Demo Centre", SiteKind.CENTRE)
STUDY, SERIES, IMAGE, PATIENT = (f"QueryRetrieveLevel={level}" for level in ("STUDY", "SERIES", "IMAGE", "PATIENT"))
WANG = Patient("P-WANG", "Wang^Xiaoming=王^小明".encode("gb18030"), "19690504", "M", b"GB18030")
LI = Patient("P-LI", "Li^Si", "19800101", "F")

CT_STUDY, DX_STUDY = StudyIds("1.2.826.0.1.3680043.10.55.1", "1.2.826.0.1.3680043.10.55.1.1"), \
    StudyIds("1.2.826.0.1.3680043.10.55.2", "1.2.826.0.1.3680043.10.55.2.1")
ECG_SERIES = "1.2.826.0.1.3680043.10.55.2.2"


@pytest.fixture
async def receiver(tmp_path):
    async with open_receiver(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
async def filled(receiver, tmp_path):
    """A CT of two slices of 王小明; a film and an ECG in one study of Li Si."""
    files = [ct_slice(n, ids=CT_STUDY, patient=WANG, AccessionNumber="CT-7", StudyDate="20260302", StudyTime="080000",
                      StudyDescription="Chest") for n in (1, 2)]
    files += [dx_image(ids=DX_STUDY, patient=LI, AccessionNumber="DX-9", StudyDate="20260115", StudyTime="143000.5",
                       ReferringPhysicianName="Demo^Referrer"),
              ecg_waveform(ids=DX_STUDY, patient=LI, series_uid=ECG_SERIES, SeriesNumber=2, StudyDate="20260115",
                           StudyTime="143000.5", AccessionNumber="DX-9")]
    sent = await storescu(receiver.address, write_all(tmp_path / "in", files))
    assert sent.is_success
    return receiver


@pytest.mark.parametrize(("key", "found"), [
    ("PatientName=", [CT_STUDY, DX_STUDY]),
    ("PatientName=wang*", [CT_STUDY]),
    ("PatientName=LI^SI", [DX_STUDY]),
    ("PatientName=Li", []),
    ("PatientID=P-WANG", [CT_STUDY]),
    ("PatientID=P-*", [CT_STUDY, DX_STUDY]),
    ("PatientID=p-wang", []),
    ("PatientBirthDate=19690101-19691231", [CT_STUDY]),
    ("PatientSex=F", [DX_STUDY]),
    ("AccessionNumber=DX-9", [DX_STUDY]),
    ("AccessionNumber=?T-7", [CT_STUDY]),
    ("StudyDate=20260302", [CT_STUDY]),
    ("StudyDate=20260101-20260131", [DX_STUDY]),
    ("StudyDate=-20260201", [DX_STUDY]),
    ("StudyDate=20260201-", [CT_STUDY]),
    ("StudyTime=14", [DX_STUDY]),
    ("StudyTime=0700-0900", [CT_STUDY]),
    ("StudyDescription=Chest", [CT_STUDY]),
    ("StudyDescription=chest", []),
    ("ModalitiesInStudy=ECG", [DX_STUDY]),
    ("ModalitiesInStudy=C*", [CT_STUDY]),
    ("ReferringPhysicianName=demo*", [DX_STUDY]),
    ("SOPClassesInStudy=1.2.840.10008.5.1.4.1.1.2", [CT_STUDY]),
    (f"StudyInstanceUID={CT_STUDY.study}\\{DX_STUDY.study}", [CT_STUDY, DX_STUDY]),
    (f"StudyInstanceUID={CT_STUDY.study}\\1.2.3", [CT_STUDY]),
    ("StudyInstanceUID=1.2.826*", []),
])
async def test_each_key_matches_what_the_standard_says(filled, tmp_path, key, found):
    keys = [STUDY, key] + ([] if key.startswith("StudyInstanceUID") else ["StudyInstanceUID"])
    answer = await findscu(filled.address, tmp_path / "out", *keys)
    assert answer.final == 0x0000
    assert sorted(answer.values("StudyInstanceUID")) == [ids.study for ids in found]


async def test_a_study_tells_what_is_in_it(filled, tmp_path):
    answer = await findscu(
        filled.address, tmp_path / "out", STUDY, f"StudyInstanceUID={DX_STUDY.study}", "PatientName", "PatientID",
        "StudyDate", "StudyTime", "AccessionNumber", "ModalitiesInStudy", "SOPClassesInStudy", "InstanceAvailability",
        "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances", "ReferringPhysicianName")
    [study] = answer.answers
    assert answer.statuses == [0xFF00, 0x0000]
    assert (str(study.PatientName), study.PatientID, study.StudyDate, study.StudyTime) == (
        "Li^Si", "P-LI", "20260115", "143000.5")
    assert list(study.ModalitiesInStudy) == ["DX", "ECG"]
    assert sorted(study.SOPClassesInStudy) == ["1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.9.1.1"]
    assert (study.NumberOfStudyRelatedSeries, study.NumberOfStudyRelatedInstances) == (2, 2)
    assert (study.RetrieveAETitle, study.InstanceAvailability) == ("GATEWAY", "ONLINE")


async def test_series_and_images_are_found_below_their_unique_keys(filled, tmp_path):
    series = await findscu(filled.address, tmp_path / "series", SERIES, f"StudyInstanceUID={DX_STUDY.study}",
                           "SeriesInstanceUID", "Modality=ECG", "SeriesNumber", "NumberOfSeriesRelatedInstances")
    assert series.values("SeriesInstanceUID") == [ECG_SERIES]
    assert (series.answers[0].SeriesNumber, series.answers[0].NumberOfSeriesRelatedInstances) == (2, 1)
    images = await findscu(filled.address, tmp_path / "images", IMAGE, f"StudyInstanceUID={CT_STUDY.study}",
                           f"SeriesInstanceUID={CT_STUDY.series}", "SOPInstanceUID", "InstanceNumber=02",
                           "SOPClassUID", "Rows", "SliceThickness")
    [image] = images.answers
    assert (image.InstanceNumber, image.Rows, image.SliceThickness) == (2, 64, 5)
    assert image.SOPClassUID == "1.2.840.10008.5.1.4.1.1.2"


async def test_a_patient_tells_how_much_there_is(filled, tmp_path):
    answer = await findscu(filled.address, tmp_path / "out", PATIENT, "PatientName=Li*", "PatientID", "PatientSex",
                           "PatientBirthDate", "NumberOfPatientRelatedStudies", "NumberOfPatientRelatedSeries",
                           "NumberOfPatientRelatedInstances", model="-P")
    [patient] = answer.answers
    assert (patient.PatientID, patient.PatientSex, patient.PatientBirthDate) == ("P-LI", "F", "19800101")
    assert (patient.NumberOfPatientRelatedStudies, patient.NumberOfPatientRelatedSeries,
            patient.NumberOfPatientRelatedInstances) == (1, 2, 2)


async def test_the_patient_root_goes_down_from_the_patient(filled, tmp_path):
    answer = await findscu(filled.address, tmp_path / "out", STUDY, "PatientID=P-WANG", "StudyInstanceUID",
                           model="-P")
    assert answer.values("StudyInstanceUID") == [CT_STUDY.study]


@pytest.mark.parametrize(("model", "keys"), [
    ("-S", ["StudyInstanceUID"]),                                          # no level
    ("-S", ["QueryRetrieveLevel=WARD", "StudyInstanceUID"]),
    ("-S", [PATIENT, "PatientID"]),                                        # the study root has no patients
    ("-S", [SERIES, "SeriesInstanceUID"]),                                 # which study?
    ("-S", [IMAGE, f"StudyInstanceUID={CT_STUDY.study}", "SOPInstanceUID"]),
    ("-S", [SERIES, f"StudyInstanceUID={CT_STUDY.study}\\{DX_STUDY.study}", "SeriesInstanceUID"]),
    ("-P", [STUDY, "StudyInstanceUID", "PatientID=P-*"]),
])
async def test_an_identifier_against_the_model_is_refused(filled, tmp_path, model, keys):
    answer = await findscu(filled.address, tmp_path / "out", *keys, model=model)
    assert answer.statuses == [0xA900]


async def test_a_date_that_is_none_cannot_be_processed(filled, tmp_path):
    answer = await findscu(filled.address, tmp_path / "out", STUDY, "StudyDate=yesterday", "StudyInstanceUID")
    assert answer.statuses == [0xC000]


async def test_keys_that_are_not_answered_come_back_empty_and_are_said(filled, tmp_path):
    answer = await findscu(filled.address, tmp_path / "out", STUDY, "StudyInstanceUID", "PatientWeight=80",
                           "Modality=CT", "AccessionNumber=CT-7")
    assert answer.statuses == [0xFF01, 0x0000]
    [study] = answer.answers
    assert ("PatientWeight" in study, study.PatientWeight, study.Modality) == (True, None, "")


# ------------------------------------------------------------------------------------------------ character sets
@pytest.mark.parametrize(("declared", "codec"), [("GB18030", "gb18030"), ("ISO_IR 192", "utf-8"), (None, "gb18030"),
                                                 (None, "utf-8")])
async def test_a_chinese_name_is_found_in_whatever_it_is_asked(filled, tmp_path, declared, codec):
    """C5: some clients omit (0008,0005)."""
    query = Dataset()
    query.QueryRetrieveLevel, query.StudyInstanceUID = "STUDY", ""
    if declared:
        query.SpecificCharacterSet = declared
    query.add_new(0x00100010, "PN", "=王^小*".encode(codec))
    statuses, answers = await ask(filled, query)
    assert statuses == [0xFF00, 0x0000]
    assert [str(one.StudyInstanceUID) for one in answers] == [CT_STUDY.study]


@pytest.mark.parametrize(("device_set", "asked", "declared", "name"), [
    ("", "ISO_IR 192", "ISO_IR 192", "Wang^Xiaoming=王^小明".encode()),
    ("", "", "ISO_IR 192", "Wang^Xiaoming=王^小明".encode()),
    ("", "GB18030", "GB18030", "Wang^Xiaoming=王^小明".encode("gb18030")),
    ("GB18030", "ISO_IR 192", "GB18030", "Wang^Xiaoming=王^小明".encode("gb18030")),
    ("pinyin", "GB18030", "ISO_IR 6", b"Wang^Xiaoming"),
])
async def test_the_answer_is_in_the_character_set_of_the_device(filled, device_set, asked, declared, name):
    """C5."""
    await filled.add_device(replace(MODALITY, id="console", ae_title="CONSOLE", answer_character_set=device_set))
    query = Dataset()
    query.QueryRetrieveLevel, query.StudyInstanceUID, query.PatientID = "STUDY", "", "P-WANG"
    query.PatientName = ""
    if asked:
        query.SpecificCharacterSet = asked
    _, [answer] = await ask(filled, query, calling="CONSOLE")
    assert answer.SpecificCharacterSet == declared
    raw = answer.get_item(0x00100010).value
    assert (raw if isinstance(raw, bytes) else raw.original_string).rstrip() == name


# --------------------------------------------------------------------------------------------------------- scope
async def test_a_device_finds_the_studies_of_its_own_site_alone(filled, tmp_path):
    """Promise 5."""
    await filled.add_device(Device("dr-2", OTHER_SITE.id, "DR 2", "OTHER", None, "DX"))
    answer = await findscu(filled.address, tmp_path / "out", STUDY, "StudyInstanceUID", calling="OTHER")
    assert answer.statuses == [0x0000]
    by_uid = await findscu(filled.address, tmp_path / "uid", STUDY, f"StudyInstanceUID={CT_STUDY.study}",
                           calling="OTHER")
    assert by_uid.statuses == [0x0000]


async def test_a_device_of_the_centre_finds_the_studies_of_every_site(filled, tmp_path):
    await filled.parts.database.write(lambda tx: tx.sites.add_site(CENTRE))
    await filled.add_device(Device("viewer", CENTRE.id, "Viewer", "VIEWER", None, ""))
    answer = await findscu(filled.address, tmp_path / "out", STUDY, "StudyInstanceUID", calling="VIEWER")
    assert len(answer.answers) == 2


async def test_an_unknown_caller_of_the_inbox_finds_nothing_not_even_its_own(tmp_path):
    async with open_receiver(tmp_path / "data", unknown_devices="inbox") as receiver:
        sent = await storescu(receiver.address, write_all(tmp_path / "in", [dx_image()]), calling="STRANGER")
        assert sent.is_success
        answer = await findscu(receiver.address, tmp_path / "out", STUDY, "StudyInstanceUID", calling="STRANGER")
        assert answer.statuses == [0x0000]
        await receiver.parts.database.write(lambda tx: tx.sites.add_site(CENTRE))
        await receiver.add_device(Device("viewer", CENTRE.id, "Viewer", "VIEWER", None, ""))
        answer = await findscu(receiver.address, tmp_path / "out2", STUDY, "StudyInstanceUID", calling="VIEWER")
        assert answer.statuses == [0x0000]


async def test_a_device_that_was_disabled_finds_nothing_on_its_open_association(filled):
    async def disable():
        device = replace(MODALITY, is_enabled=False)
        await filled.parts.database.write(lambda tx: tx.sites.update_device(device))

    query = Dataset()
    query.QueryRetrieveLevel, query.StudyInstanceUID = "STUDY", ""
    association = await in_thread(lambda: associate(filled))
    before = await in_thread(lambda: list(association.send_c_find(query, STUDY_ROOT_FIND)))
    await disable()
    after = await in_thread(lambda: list(association.send_c_find(query, STUDY_ROOT_FIND)))
    await in_thread(association.release)
    assert (len(before), len(after)) == (3, 1)


# --------------------------------------------------------------------------------- long answers, cancel, the rest
async def add_many(receiver, count):
    made = [build_exam(receiver.parts, MODALITY.site_id)[0] for _ in range(count)]

    def put(tx):
        for exam in made:
            put_exam(tx, exam)

    await receiver.parts.database.write(put)
    return made


async def test_a_long_answer_is_whole_and_in_order(receiver, tmp_path):
    made = await add_many(receiver, 250)
    answer = await findscu(receiver.address, tmp_path / "out", STUDY, "StudyInstanceUID")
    assert answer.values("StudyInstanceUID") == [exam.study.study_instance_uid for exam in
                                                 sorted(made, key=lambda exam: exam.study.id)]


@pytest.mark.usefixtures("wire")
async def test_a_cancel_ends_the_answer_at_once(tmp_path):
    async with open_receiver(tmp_path / "data") as receiver:
        await add_many(receiver, 1500)
        answer = await findscu(receiver.address, tmp_path / "out", STUDY, "StudyInstanceUID",
                               options=("--cancel", "5"))
        assert answer.final == 0xFE00
        assert 5 <= len(answer.statuses) < 500


async def test_a_peer_that_leaves_in_the_middle_costs_nothing_lasting(receiver):
    await add_many(receiver, 400)
    query = Dataset()
    query.QueryRetrieveLevel, query.StudyInstanceUID = "STUDY", ""

    def leave():
        association = associate(receiver)
        responses = association.send_c_find(query, STUDY_ROOT_FIND)
        next(responses)
        association.abort()

    await in_thread(leave)
    statuses, _ = await ask(receiver, query)
    assert statuses.count(0xFF00) == 400


async def test_a_relational_query_is_answered_where_it_was_negotiated(filled):
    query = Dataset()
    query.QueryRetrieveLevel, query.SeriesInstanceUID, query.Modality = "SERIES", "", "ECG"
    refused, _ = await ask(filled, query)
    statuses, [answer] = await ask(filled, query, extended=b"\1")
    assert (refused, statuses) == ([0xA900], [0xFF00, 0x0000])
    assert (answer.SeriesInstanceUID, answer.get("StudyInstanceUID")) == (ECG_SERIES, None)


async def test_the_port_says_whether_it_agrees_to_relational_queries(tmp_path):
    for setting, agreed in (("negotiated", b"\1\0\0"), ("never", b"\0\0\0")):
        async with open_receiver(tmp_path / setting, relational_queries=setting) as receiver:
            association = await in_thread(lambda receiver=receiver: associate(receiver, extended=b"\1\1\1"))
            said = dict(association.acceptor.sop_class_extended)
            await in_thread(association.release)
            assert said == {STUDY_ROOT_FIND: agreed}


async def test_a_query_is_written_down_once_for_an_association_and_a_level(filled):
    """J3: 110112 Query."""
    query = Dataset()
    query.QueryRetrieveLevel, query.StudyInstanceUID = "STUDY", ""

    def twice():
        association = associate(filled)
        for _ in range(2):
            assert len(list(association.send_c_find(query, STUDY_ROOT_FIND))) == 3
        association.release()

    await in_thread(twice)
    entries = await filled.parts.database.read(lambda tx: tx.audit.recent(EVERYWHERE, 100))
    [entry] = [one.entry for one in entries if one.entry.action == "studies.queried"]
    assert (entry.actor, entry.site_id, entry.detail["level"], entry.detail["event"]) == (
        "device:MODALITY", MODALITY.site_id, "study", "110112")
    assert entry.patient_id is None


# ------------------------------------------------------------------------------------------------------- helpers
async def in_thread(work):
    return await asyncio.to_thread(work)


def associate(receiver, *, calling="MODALITY", extended=b"", uid=STUDY_ROOT_FIND):
    host, port = receiver.address.split(":")
    ae = AE(ae_title=calling)
    ae.add_requested_context(uid)
    items: list[Any] = []
    if extended:
        item = SOPClassExtendedNegotiation()
        item.sop_class_uid, item.service_class_application_information = uid, extended
        items.append(item)
    association = ae.associate(host, int(port), ae_title="GATEWAY", ext_neg=items)
    assert association.is_established
    return association


async def ask(receiver, query, **more):
    """Statuses and answers of one query by pynetdicom."""
    def work():
        association = associate(receiver, **more)
        found = list(association.send_c_find(query, STUDY_ROOT_FIND))
        association.release()
        return [status.Status for status, _ in found], [answer for _, answer in found if answer is not None]

    return await in_thread(work)
