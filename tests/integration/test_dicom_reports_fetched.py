"""A clinic that can only call out fetches its signed reports by C-FIND and C-GET (H1, F5, promise 5)."""

from __future__ import annotations

import pytest
from pydicom import dcmread

from gateway.reports.encapsulated_pdf import report_series_uid
from gateway.services.claim_reading import claim_reading
from gateway.services.sign_report import prepare_signing, sign_report
from gateway.services.write_report import save_draft
from storage.model import EVERYWHERE, Device, Site, SiteKind
from tests.support.dicom_receiver import open_receiver
from tests.support.query_peers import dataset_bytes, findscu, getscu
from tests.support.report_builders import REVIEWER, SITE, WRITER, a_text, furnish
from tests.support.web import PASSWORD, password_hash

STUDY, SERIES, IMAGE = (f"QueryRetrieveLevel={level}" for level in ("STUDY", "SERIES", "IMAGE"))
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
BEHIND_NAT = Device("clinic-node", SITE.id, "Clinic PACS", "CLINIC", None, "")
OTHER = Site("faraway", "演示远乡卫生院", "Faraway", SiteKind.TOWNSHIP)


@pytest.fixture
async def signed(tmp_path):
    """A receiver with a signed report of the clinic's study, and a node of the clinic that never listens."""
    async with open_receiver(tmp_path / "data", is_empty=False) as receiver:
        parts = receiver.parts
        room = await furnish(parts, password_hash=password_hash())

        def put(tx):
            tx.sites.add_site(OTHER)
            tx.sites.add_device(BEHIND_NAT)
            tx.sites.add_device(Device("other-node", OTHER.id, "Other PACS", "OTHERNODE", None, ""))

        await parts.database.write(put)
        await save_draft(parts, WRITER, room.reading.id, a_text(), template_id="T1", revision=0)
        report = await sign(parts, room)
        yield receiver, room, report


async def sign(parts, room, user=WRITER, *, is_emergency=True):
    shown = await prepare_signing(parts, user, room.reading.id)
    return await sign_report(parts, user, room.reading.id, password=PASSWORD, text_sha256=shown.text_sha256,
                             is_emergency=is_emergency)


async def test_the_report_stands_in_its_study_as_a_document(signed, tmp_path):
    receiver, room, report = signed
    study_uid, series_uid = room.study.study_instance_uid, report_series_uid(room.reading.id)
    studies = await findscu(receiver.address, tmp_path / "studies", STUDY, "StudyInstanceUID",
                            "ModalitiesInStudy=DOC", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances",
                            "PatientName", calling="CLINIC")
    [study] = studies.answers
    assert (study.StudyInstanceUID, list(study.ModalitiesInStudy)) == (study_uid, ["DOC", "DX"])
    assert (study.NumberOfStudyRelatedSeries, study.NumberOfStudyRelatedInstances) == (2, 2)
    series = await findscu(receiver.address, tmp_path / "series", SERIES, f"StudyInstanceUID={study_uid}",
                           "SeriesInstanceUID", "Modality=DOC", "SeriesDescription", "NumberOfSeriesRelatedInstances",
                           calling="CLINIC")
    [document] = series.answers
    assert (document.SeriesInstanceUID, document.NumberOfSeriesRelatedInstances) == (series_uid, 1)
    images = await findscu(receiver.address, tmp_path / "images", IMAGE, f"StudyInstanceUID={study_uid}",
                           f"SeriesInstanceUID={series_uid}", "SOPInstanceUID", "SOPClassUID", "InstanceNumber",
                           calling="CLINIC")
    [image] = images.answers
    assert (image.SOPInstanceUID, image.SOPClassUID) == (report.sop_instance_uid, ENCAPSULATED_PDF)


async def test_the_clinic_fetches_the_signed_report_and_nothing_else_is_marked(signed, tmp_path):
    receiver, room, report = signed
    before = await deliveries(receiver, room)
    got = await fetch(receiver, tmp_path, room, "CLINIC")
    assert (got.final, len(got.files)) == (0x0000, 1)
    kept = receiver.parts.objects.get(report.dicom_sha256)
    pdf = receiver.parts.objects.get(report.pdf_sha256)
    fetched = dcmread(got.files[0])
    assert dataset_bytes(got.files[0]) == kept[144 + int.from_bytes(kept[140:144], "little"):]
    assert fetched.EncapsulatedDocument[:len(pdf)] == pdf
    assert await deliveries(receiver, room) == before
    entries = await receiver.parts.database.read(lambda tx: tx.audit.of_study(room.study.id, EVERYWHERE))
    [entry] = [one.entry for one in entries if one.entry.action == "study.retrieved"]
    assert (entry.actor, entry.detail["instances"]) == ("device:CLINIC", 1)


async def test_another_clinic_finds_and_fetches_no_report(signed, tmp_path):
    receiver, room, _ = signed
    found = await findscu(receiver.address, tmp_path / "found", STUDY, "StudyInstanceUID", calling="OTHERNODE")
    got = await fetch(receiver, tmp_path, room, "OTHERNODE")
    assert (found.answers, got.files) == ([], [])


async def test_a_version_that_was_called_back_is_not_given_out_any_more(signed, tmp_path):
    """F5: only the version that stands."""
    receiver, room, report = signed
    parts = receiver.parts
    await claim_reading(parts, REVIEWER, room.reading.id)
    second = await sign(parts, room, REVIEWER, is_emergency=False)
    got = await fetch(receiver, tmp_path, room, "CLINIC")
    assert [dcmread(path).SOPInstanceUID for path in got.files] == [second.sop_instance_uid]
    assert second.sop_instance_uid != report.sop_instance_uid


async def fetch(receiver, folder, room, calling):
    return await getscu(receiver.address, folder / "out", SERIES, f"StudyInstanceUID={room.study.study_instance_uid}",
                        f"SeriesInstanceUID={report_series_uid(room.reading.id)}", calling=calling)


async def deliveries(receiver, room):
    found = await receiver.parts.database.read(lambda tx: tx.deliveries.of_study(room.study.id, EVERYWHERE))
    return [(one.id, one.state, one.attempts) for one in found]
