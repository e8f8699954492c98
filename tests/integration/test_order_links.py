"""An order's way from the worklist to its study, by exact evidence alone (A4, A5, A7, B9), over the real port."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest

from gateway.core.order import OrderRequest
from gateway.formats.hl7_message import read_header, read_message
from gateway.formats.hl7_orders import read_orders
from gateway.services.administer_sites import By
from gateway.services.place_order import amend_order, place_order, request_of, withdraw_order
from gateway.services.retention import record_visit
from gateway.services.settle_match import link_by_person, unlink
from gateway.services.sign_report import prepare_signing
from gateway.services.write_report import save_draft
from storage.model import EVERYWHERE, CareClass, CompleteBy, StudyState
from storage.model.orders import LinkEvidence, OrderSource, OrderState
from tests.support import dcmtk
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import OTHER_SITE, SITE, open_receiver
from tests.support.mllp import omi
from tests.support.report_builders import WRITER, a_text, furnish
from tests.support.stores import open_parts
from tests.support.worklists import ask, query_text

BY = By("test", "", EVERYWHERE)
REQUEST = OrderRequest(patient_id="P1", patient_name="演示王小明", modality="CT", department="内科",
                       requesting_physician="李医生", clinical_diagnosis="咳嗽\n3天", visit_number="M001")


@pytest.fixture
async def receiver(tmp_path):
    async with open_receiver(tmp_path / "data") as opened:
        yield opened


async def place(receiver, *, site_id: str = SITE.id, **changes):
    return (await place_order(receiver.parts, site_id, replace(REQUEST, **changes), BY, OrderSource.API)).order


async def order_now(receiver, order):
    return await receiver.parts.database.read(lambda tx: tx.orders.get(order.id, EVERYWHERE))


async def send(receiver, folder, *, study_uid: str, patient_id: str = "P1", accession: str = "", count: int = 1,
               first: int = 1):
    ids = build.StudyIds(study=study_uid)
    patient = build.Patient(patient_id, "Yan^Shiwangxiaoming=演示王小明".encode(), character_set=b"ISO_IR 192")
    files = [build.ct_slice(n, ids=ids, patient=patient, AccessionNumber=accession)
             for n in range(first, first + count)]
    assert (await dcmtk.storescu(receiver.address, build.write_all(folder, files))).is_success
    return await receiver.study(study_uid)


async def test_images_under_the_uid_of_the_worklist_are_the_order_s_and_complete_by_its_count(receiver, tmp_path):
    order = await place(receiver, expected_count=3, urgency="emergency")
    [item] = (await ask(receiver.address, tmp_path, query_text())).items
    study = await send(receiver, tmp_path / "in", study_uid=item.StudyInstanceUID, patient_id=item.PatientID,
                       accession=item.AccessionNumber, count=2)
    now = await order_now(receiver, order)
    assert (now.study_id, now.state, now.link_evidence) == (
        study.id, OrderState.IN_PROGRESS, LinkEvidence.STUDY_INSTANCE_UID)
    assert (study.state, study.instance_count, study.expected_count, study.urgency) == (
        StudyState.ARRIVING, 2, 3, "emergency")
    assert (await ask(receiver.address, tmp_path, query_text())).accessions == [order.accession_number]
    study = await send(receiver, tmp_path / "rest", study_uid=item.StudyInstanceUID, first=3)
    assert (study.state, study.complete_by) == (StudyState.COMPLETE, CompleteBy.ORDER_COUNT)
    assert (await order_now(receiver, order)).state is OrderState.PERFORMED
    assert (await ask(receiver.address, tmp_path, query_text())).items == []
    entries = [c.entry for c in await receiver.parts.database.read(
        lambda tx: tx.audit.of_study(study.id, EVERYWHERE))]
    [linked] = [e for e in entries if e.action == "order.linked"]
    assert linked.detail["evidence"] == "study_instance_uid"


async def test_the_accession_number_counts_with_the_patient_id_of_the_same_site(receiver, tmp_path):
    order = await place(receiver, accession_number="A1")
    study = await send(receiver, tmp_path / "in", study_uid="1.2.826.0.1.99.1", accession="A1")
    now = await order_now(receiver, order)
    assert (now.study_id, now.link_evidence) == (study.id, LinkEvidence.ACCESSION_NUMBER)


async def test_less_than_exact_evidence_links_nothing(receiver, tmp_path):
    mine = await place(receiver, accession_number="A1")
    theirs = await place(receiver, site_id=OTHER_SITE.id, accession_number="A2",
                         study_instance_uid="1.2.826.0.1.99.9")
    gone = await place(receiver, accession_number="A3")
    await withdraw_order(receiver.parts, gone.id, "x", BY)
    await send(receiver, tmp_path / "1", study_uid="1.2.826.0.1.99.1", accession="A1", patient_id="P9")
    await send(receiver, tmp_path / "2", study_uid="1.2.826.0.1.99.2", accession="")
    await send(receiver, tmp_path / "3", study_uid="1.2.826.0.1.99.9", accession="A2")
    await send(receiver, tmp_path / "4", study_uid=gone.study_instance_uid, accession="A3")
    for order in (mine, theirs, gone):
        assert (await order_now(receiver, order)).study_id is None


async def test_the_uid_of_an_order_with_another_patient_id_is_an_alarm_and_no_link(receiver, tmp_path):
    order = await place(receiver)
    study = await send(receiver, tmp_path / "in", study_uid=order.study_instance_uid, patient_id="P2")
    assert study is not None, "it is kept all the same"
    assert (await order_now(receiver, order)).study_id is None
    assert "order-of-another-patient" in await receiver.alarm_kinds()


async def test_a_second_study_of_the_same_accession_number_does_not_move_the_link(receiver, tmp_path):
    order = await place(receiver, accession_number="A1")
    first = await send(receiver, tmp_path / "1", study_uid="1.2.826.0.1.99.1", accession="A1")
    await send(receiver, tmp_path / "2", study_uid="1.2.826.0.1.99.2", accession="A1")
    assert (await order_now(receiver, order)).study_id == first.id


async def test_the_report_prints_what_the_order_says(tmp_path):
    async with open_parts(tmp_path / "data") as parts:
        room = await furnish(parts)
        await save_draft(parts, WRITER, room.reading.id, a_text(), template_id="T1", revision=0)
        before = (await prepare_signing(parts, WRITER, room.reading.id)).text
        assert "科别：未提供" in before
        assert "申请医师：演示申请医师" in before
        order = (await place_order(parts, room.study.site_id, REQUEST, BY, OrderSource.UI)).order
        await parts.database.write(lambda tx: tx.orders.link(order, room.study.id, LinkEvidence.PERSON,
                                                             at=parts.clock()))
        after = (await prepare_signing(parts, WRITER, room.reading.id)).text
        for line in ("科别：内科", "申请医师：李医生", "临床诊断：咳嗽 3天", "门诊/住院号：M001"):
            assert line in after


async def test_an_amended_count_of_a_linked_order_is_waited_for(receiver, tmp_path):
    order = await place(receiver, expected_count=3)
    await send(receiver, tmp_path / "in", study_uid=order.study_instance_uid, count=2)
    now = await order_now(receiver, order)
    await amend_order(receiver.parts, order.id, replace(request_of(now), expected_count=4), BY)
    study = await receiver.study(order.study_instance_uid)
    assert (study.state, study.expected_count) == (StudyState.ARRIVING, 4)
    study = await send(receiver, tmp_path / "rest", study_uid=order.study_instance_uid, count=2, first=3)
    assert (study.state, study.complete_by) == (StudyState.COMPLETE, CompleteBy.ORDER_COUNT)


async def care_class_of(receiver, study):
    visit = await receiver.parts.database.read(lambda tx: tx.keeping.visit(study.id))
    return None if visit is None else visit.care_class


async def test_the_class_of_patient_that_an_order_names_says_how_long_its_study_is_kept(receiver, tmp_path):
    """K5: out-patients and in-patients are kept differently; nothing is shortened by a later word."""
    order = await place(receiver, patient_class="outpatient")
    study = await send(receiver, tmp_path / "in", study_uid=order.study_instance_uid)
    assert await care_class_of(receiver, study) is CareClass.OUTPATIENT
    for said, kept in (("inpatient", CareClass.INPATIENT), ("outpatient", CareClass.INPATIENT)):
        now = await order_now(receiver, order)
        await amend_order(receiver.parts, order.id, replace(request_of(now), patient_class=said), BY,
                          revision=now.revision)
        assert await care_class_of(receiver, study) is kept
    await unlink(receiver.parts, BY, order.id, "不是这份")
    assert await care_class_of(receiver, study) is CareClass.UNKNOWN, "kept as long as the longest again"


async def test_what_a_person_said_of_a_visit_stays(receiver, tmp_path):
    order = await place(receiver, patient_class="outpatient")
    study = await send(receiver, tmp_path / "in", study_uid="1.2.3.77")
    await record_visit(receiver.parts, study.id, CareClass.INPATIENT, None, BY)
    await link_by_person(receiver.parts, BY, study.id, order.id, "核对过")
    assert await care_class_of(receiver, study) is CareClass.INPATIENT


@pytest.mark.parametrize(("code", "patient_class"), [
    ("I", "inpatient"), ("O", "outpatient"), ("E", "outpatient"), ("R", "outpatient"), ("P", ""), ("N", ""),
    ("", "")])
def test_hl7_names_the_class_in_pv1(code, patient_class):
    data = omi().replace("PV1|1|O|", f"PV1|1|{code}|").encode()
    [command], faults = read_orders(read_message(data, read_header(data), "utf-8"), zone=UTC)
    assert (command.request.patient_class, faults) == (patient_class, [])
