"""The modality worklist over the real port, asked by DCMTK's findscu (A4, C5, 2.M)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO

import pytest
from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom import AE
from pynetdicom.dimse_primitives import C_FIND

from gateway.core.order import OrderRequest
from gateway.dicom.worklist_scp import MODALITY_WORKLIST
from gateway.services.administer_sites import By
from gateway.services.place_order import place_order, withdraw_order
from storage.model import EVERYWHERE, Device, Site, SiteKind
from storage.model.orders import OrderSource, OrderState
from tests.support.dicom_receiver import MODALITY, OTHER_SITE, SITE, open_receiver
from tests.support.stores import START
from tests.support.worklists import ask, missing_type_1, query_text

BY = By("test", "", EVERYWHERE)
REQUEST = OrderRequest(
    patient_id="P1", patient_name="演示王小明", modality="DX", sex="M", birth_date=date(1980, 5, 6),
    body_part="CHEST", procedure_code="XR1", procedure_description="胸部正位", station_ae_title="MODALITY",
    requesting_physician="李医生",
    clinical_diagnosis="咳嗽3天\n待查", purpose="排除肺炎", urgency="urgent", department="内科", visit_number="M001")


@pytest.fixture
async def receiver(tmp_path):
    async with open_receiver(tmp_path / "data") as opened:
        yield opened


async def place(receiver, *, site_id: str = SITE.id, **changes):
    request = replace(REQUEST, **changes)
    return (await place_order(receiver.parts, site_id, request, BY, OrderSource.API)).order


async def test_an_order_is_answered_with_the_keys_of_the_step_inside_its_sequence_and_every_type_1_key(
        receiver, tmp_path):
    order = await place(receiver, accession_number="ACC1", scheduled_at=START + timedelta(hours=2))
    answered = await ask(receiver.address, tmp_path, query_text())
    assert len(answered.items) == 1, answered.output
    item = answered.items[0]
    step = item.ScheduledProcedureStepSequence[0]
    assert missing_type_1(item) == []
    assert item.SpecificCharacterSet == "ISO_IR 192"
    assert (item.PatientName.alphabetic, item.PatientName.ideographic) == ("Yan^Shiwangxiaoming", "演示王小明")
    assert (item.PatientID, item.PatientBirthDate, item.PatientSex) == ("P1", "19800506", "M")
    assert (item.AccessionNumber, item.StudyInstanceUID) == ("ACC1", order.study_instance_uid)
    assert (item.RequestedProcedureID, item.RequestedProcedurePriority) == (order.requested_procedure_id, "HIGH")
    assert item.RequestedProcedureDescription == "胸部正位"
    assert item.RequestedProcedureCodeSequence[0].CodeValue == "XR1"
    assert item.AdmissionID == "M001"
    assert (step.ScheduledStationAETitle, step.Modality) == ("MODALITY", "DX")
    # 2026-03-02 03:00 UTC is 11:00 in Asia/Shanghai
    assert (step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime) == ("20260302", "110000")
    assert step.ScheduledProcedureStepID == order.scheduled_step_id
    for keyword in ("ScheduledStationAETitle", "ScheduledProcedureStepID", "Modality"):
        assert keyword not in item, "a key of the step stands outside its sequence"


async def test_a_query_without_the_sequence_gets_the_whole_step(receiver, tmp_path):
    await place(receiver)
    answered = await ask(receiver.address, tmp_path, query_text(has_step=False))
    assert [missing_type_1(item) for item in answered.items] == [[]]


async def test_an_order_without_station_is_answered_to_whoever_asks_under_its_own_title(receiver, tmp_path):
    await place(receiver, station_ae_title="")
    for station, expected in (("", "MODALITY"), ("MODALITY", "MODALITY"), ("OTHER", "OTHER")):
        items = (await ask(receiver.address, tmp_path, query_text(station=station))).items
        assert [i.ScheduledProcedureStepSequence[0].ScheduledStationAETitle for i in items] == [expected]


@pytest.mark.parametrize(("station", "is_found"), [
    ("MODALITY", True), ("", True), ("MODAL*", False), ("*", False), ("MODALITY2", False), ("modality", False)])
async def test_the_station_is_matched_by_a_single_value_only(receiver, tmp_path, station, is_found):
    await place(receiver, accession_number="ACC1")
    answered = await ask(receiver.address, tmp_path, query_text(station=station))
    assert answered.accessions == (["ACC1"] if is_found else [])


async def test_dates_and_times_match_as_spans_and_together_as_one(receiver, tmp_path):
    for name, hours in (("A", 0), ("B", 12), ("C", 24), ("D", 30)):     # 09:00, 21:00, next day 09:00, 15:00
        await place(receiver, accession_number=name, scheduled_at=START + timedelta(hours=hours))

    async def found(day: str = "", time: str = "") -> str:
        answered = await ask(receiver.address, tmp_path, query_text(date=day, time=time))
        return "".join(answered.accessions)

    assert await found("20260302") == "AB"
    assert await found("20260302-20260303") == "ABCD"
    assert await found("-20260302") == "AB"
    assert await found("20260303-") == "CD"
    assert await found("20260304") == ""
    assert await found("20260302", "0900-1000") == "A"
    assert await found("20260302-20260303", "2000-1000") == "BC"    # one span: from the 2nd 20:00 to the 3rd 10:00
    assert await found("20260302-20260303", "1000-1200") == "BC"
    assert await found("", "0800-1000") == "AC"
    assert await found("20260302", "090000") == "A"


@pytest.mark.parametrize(("name", "is_found"), [
    ("演示王*", True), ("*小明", True), ("演示王小明", True), ("演示?小明", True), ("李*", False), ("Yan*", True),
    ("YAN^SHIWANG*", True), ("*=演示王小明", True), ("Wang*", False)])
async def test_names_match_with_wildcards_in_either_component_group(receiver, tmp_path, name, is_found):
    await place(receiver)
    answered = await ask(receiver.address, tmp_path, query_text(character_set="ISO_IR 192", name=name))
    assert len(answered.items) == int(is_found), answered.output


async def test_modality_patient_id_and_accession_number_narrow_the_list(receiver, tmp_path):
    await place(receiver, accession_number="ACC1")
    await place(receiver, accession_number="ACC2", modality="CT", patient_id="P2")
    assert (await ask(receiver.address, tmp_path, query_text(modality="CT"))).accessions == ["ACC2"]
    assert (await ask(receiver.address, tmp_path, query_text(patient_id="P1"))).accessions == ["ACC1"]
    only = query_text().replace("(0008,0050) SH\n", "(0008,0050) SH [ACC2]\n")
    assert (await ask(receiver.address, tmp_path, only)).accessions == ["ACC2"]


@pytest.mark.parametrize(("charset", "raw_name"), [
    ("GB18030", "Yan^Shiwangxiaoming=演示王小明"), ("GBK", "Yan^Shiwangxiaoming=演示王小明"),
    ("ISO_IR 192", "Yan^Shiwangxiaoming=演示王小明")])
async def test_the_answer_is_in_the_character_set_of_the_query(receiver, tmp_path, charset, raw_name):
    await place(receiver)
    answered = await ask(receiver.address, tmp_path, query_text(character_set=charset))
    codec = {"GB18030": "gb18030", "GBK": "gbk", "ISO_IR 192": "utf-8"}[charset]
    raw = next((tmp_path / "answers").iterdir()).read_bytes()
    assert raw_name.encode(codec) in raw
    assert "胸部正位".encode(codec) in raw
    assert answered.items[0].SpecificCharacterSet == charset


async def test_a_console_without_chinese_gets_pinyin_by_its_rule_or_by_what_it_says(receiver, tmp_path):
    await place(receiver)
    declared = await ask(receiver.address, tmp_path, query_text(character_set="ISO_IR 6"))
    await receiver.parts.database.write(lambda tx: tx.sites.update_device(
        replace(MODALITY, answer_character_set="pinyin")))
    by_rule = await ask(receiver.address, tmp_path, query_text(character_set="GB18030"))
    for answered in (declared, by_rule):
        item = answered.items[0]
        assert "SpecificCharacterSet" not in item
        assert (item.PatientName, item.RequestedProcedureDescription) == ("Yan^Shiwangxiaoming", "Xiong bu zheng wei")
        assert all(part.isascii() for part in [str(item)])


async def test_a_query_in_gbk_is_understood_without_a_declared_character_set(receiver, tmp_path):
    await place(receiver)
    answered = await ask(receiver.address, tmp_path, query_text(name="演示王*"), encoding="gb18030")
    assert len(answered.items) == 1


async def test_a_device_sees_the_orders_of_its_own_site_alone_even_at_a_hospital(receiver, tmp_path):
    hospital = Site("county", "演示县医院", "County", SiteKind.HOSPITAL)
    await receiver.parts.database.write(lambda tx: tx.sites.add_site(hospital))
    await receiver.add_device(Device("ct-9", hospital.id, "CT", "COUNTYCT", None, "CT"))
    await place(receiver, accession_number="OURS")
    await place(receiver, site_id=OTHER_SITE.id, accession_number="THEIRS", station_ae_title="")
    await place(receiver, site_id=hospital.id, accession_number="COUNTY", station_ae_title="")
    assert (await ask(receiver.address, tmp_path, query_text())).accessions == ["OURS"]
    assert (await ask(receiver.address, tmp_path, query_text(), calling="COUNTYCT")).accessions == ["COUNTY"]


async def test_nobody_in_the_inbox_and_no_disabled_device_gets_an_order(tmp_path):
    async with open_receiver(tmp_path / "data", unknown_devices="inbox") as receiver:
        await place(receiver, station_ae_title="")
        stranger = await ask(receiver.address, tmp_path, query_text(), calling="STRANGER")
        assert stranger.items == []
        assert "0x0000" in stranger.output


async def test_what_was_performed_or_withdrawn_disappears_and_what_is_begun_stays(receiver, tmp_path):
    orders = {name: await place(receiver, accession_number=name) for name in ("A", "B", "C")}
    await withdraw_order(receiver.parts, orders["A"].id, "病人回家", BY)
    for name, state in (("B", OrderState.PERFORMED), ("C", OrderState.IN_PROGRESS)):
        await receiver.parts.database.write(lambda tx, name=name, state=state: tx.orders.replace(
            replace(orders[name], state=state)))
    answered = await ask(receiver.address, tmp_path, query_text(
        more="").replace("(0040,0009) SH\n", "(0040,0009) SH\n(0040,0020) CS\n"))
    assert answered.accessions == ["C"]
    assert answered.items[0].ScheduledProcedureStepSequence[0].ScheduledProcedureStepStatus == "STARTED"


async def test_a_long_list_comes_whole_and_in_the_order_of_time_and_a_cancel_ends_it(receiver, tmp_path):
    for n in range(230):
        await place(receiver, accession_number=f"N{n:03}", scheduled_at=START + timedelta(minutes=n % 7))
    whole = await ask(receiver.address, tmp_path, query_text())
    assert len(whole.items) == 230
    assert len(set(whole.accessions)) == 230
    starts = [i.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartTime for i in whole.items]
    assert starts == sorted(starts)
    cut = await ask(receiver.address, tmp_path, query_text(), options=("--cancel", "5"))
    assert 5 <= len(cut.items) < 230
    assert "0xfe00" in cut.output.lower()


async def test_an_unknown_key_comes_back_empty_and_is_said(receiver, tmp_path):
    await place(receiver)
    answered = await ask(receiver.address, tmp_path, query_text(more="(0010,1040) LO\n(0009,0010) LO [ACME]\n"))
    assert answered.items[0].PatientAddress == ""
    assert "0xff01" in answered.output.lower()
    known = await ask(receiver.address, tmp_path, query_text())
    assert "0xff00" in known.output.lower()


@pytest.mark.parametrize("key", ["(0040,0002) DA [2026-03]", "(0040,0003) TM [noon]"])
async def test_a_key_that_cannot_be_understood_is_refused_and_the_next_query_is_served(receiver, tmp_path, key):
    await place(receiver)
    good = query_text()
    refused = await ask(receiver.address, tmp_path, good.replace(key[:15] + "[]\n", key + "\n"))
    assert refused.items == []
    assert "0xa900" in refused.output.lower(), refused.output
    assert len((await ask(receiver.address, tmp_path, good)).items) == 1


async def test_every_encoding_of_the_port_carries_the_same_answer(receiver, tmp_path):
    await place(receiver, accession_number="ACC1")
    for option in ("-xi", "-xe", "-xb"):
        answered = await ask(receiver.address, tmp_path, query_text(), options=(option,))
        assert answered.accessions == ["ACC1"], option
        assert missing_type_1(answered.items[0]) == []


async def test_asking_is_audited_once_in_ten_minutes(receiver, tmp_path):
    await place(receiver)
    for _ in range(3):
        await ask(receiver.address, tmp_path, query_text())
    entries = await receiver.parts.database.read(lambda tx: tx.audit.recent(EVERYWHERE))
    asked = [e.entry for e in entries if e.entry.action == "worklist.queried"]
    assert [e.detail["answered"] for e in asked] == [1]


def _found_by_pynetdicom(address: str, identifier: Dataset | bytes) -> list[tuple[int, Dataset | None]]:
    host, port = address.split(":")
    entity = AE("MODALITY")
    entity.add_requested_context(MODALITY_WORKLIST)
    association = entity.associate(host, int(port), ae_title="GATEWAY")
    assert association.is_established
    try:
        if isinstance(identifier, Dataset):
            answers = association.send_c_find(identifier, MODALITY_WORKLIST)
            return [(status.Status, found) for status, found in answers]
        request = C_FIND()
        request.MessageID, request.Priority, request.AffectedSOPClassUID = 1, 2, UID(MODALITY_WORKLIST)
        request.Identifier = BytesIO(identifier)
        association._reactor_checkpoint.clear()          # its own thread must not take our answer
        association.dimse.send_msg(request, association.accepted_contexts[0].context_id or 1)
        _, answer = association.dimse.get_msg(block=True)
        assert isinstance(answer, C_FIND)
        return [(int(answer.Status or 0), None)]
    finally:
        association._reactor_checkpoint.set()
        association.release()


async def test_pynetdicom_gets_the_same_answer_and_bad_identifiers_their_status(receiver):
    order = await place(receiver)
    step, query = Dataset(), Dataset()
    step.Modality, step.ScheduledStationAETitle = "DX", "MODALITY"
    query.PatientName, query.StudyInstanceUID, query.ScheduledProcedureStepSequence = "*", "", [step]
    [(status, found), (last, nothing)] = await asyncio.to_thread(_found_by_pynetdicom, receiver.address, query)
    assert (status, last, nothing) == (0xFF00, 0x0000, None)
    assert found is not None
    assert found.StudyInstanceUID == order.study_instance_uid
    assert found.ScheduledProcedureStepSequence[0].Modality == "DX"
    query.ScheduledProcedureStepSequence = [step, step]
    assert await asyncio.to_thread(_found_by_pynetdicom, receiver.address, query) == [(0xA900, None)]
    for garbage in (b"\x10\x00\x10\x00\xff\xff\xff\x7f", b"\x00", b"\xff" * 64):
        assert await asyncio.to_thread(_found_by_pynetdicom, receiver.address, garbage) == [(0xC000, None)]
