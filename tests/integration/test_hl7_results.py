"""ECG files inside HL7 results over MLLP: kept as any other ECG, answered when durable and indexed (B8)."""

from __future__ import annotations

import hashlib

import hl7
import pytest

from gateway.core.order import OrderRequest
from gateway.services.place_order import place_order
from gateway.services.show_ecg import EcgShelf
from storage.errors import StorageFull
from storage.model import EVERYWHERE, Device, InstanceFormat
from storage.model.orders import LinkEvidence, OrderSource
from tests.support.ecg_builders import aecg, known_samples, sha256_nanovolts, wfdb_zip
from tests.support.ecg_orders import BY, silent_aecg
from tests.support.hl7_results import as_hex, as_text, ed, oru, small_pdf, value
from tests.support.mllp import SITE, code_of, errors_of, listening


@pytest.fixture
async def gateway(tmp_path):
    async with listening(tmp_path / "data") as started:
        yield started


async def studies(gateway):
    """Study and instance of every ECG, in the order they came."""
    def work(tx):
        ids = [c.entry.study_id for c in tx.audit.walk() if c.entry.action == "ecg.received"
               and c.entry.detail.get("outcome") != "duplicate" and c.entry.study_id]
        return [(tx.studies.get(i, EVERYWHERE), tx.studies.instances_of(i, EVERYWHERE)[0]) for i in ids]

    return await gateway.parts.database.read(work)


def texts_of(answer: hl7.Message) -> str:
    return " ".join(str(err[8]) for err in answer.segments("ERR"))


@pytest.mark.parametrize("observation", [ed(aecg()), as_hex(aecg()), as_text(aecg()), as_text(aecg(), kind="FT"),
                                         ed(wfdb_zip()).replace("x-ecg", "PDF")],
                         ids=["base64", "hex", "text", "formatted-text", "wrong-label"])
async def test_a_file_in_any_wrapping_gives_the_samples_of_the_file(gateway, observation):
    answer = await gateway.send(oru(observation))
    assert code_of(answer) == "AA"
    ((study, instance),) = await studies(gateway)
    assert study.site_id == SITE.id
    shown = await EcgShelf(gateway.parts).show(EVERYWHERE, instance.id)
    assert {lead.name: lead.sha256_nanovolts() for lead in shown.record.leads} == {
        name: sha256_nanovolts(samples, 2500) for name, samples in known_samples().items()}


async def test_the_kept_bytes_are_those_that_were_embedded(gateway):
    data = aecg(statements=("窦性心律 & <正常>".replace("<", "&lt;").replace("& ", "&amp; "),))
    assert code_of(await gateway.send(oru(as_text(data)))) == "AA"
    ((_, instance),) = await studies(gateway)
    assert instance.object_sha256 == hashlib.sha256(data).hexdigest()


async def test_a_pdf_is_an_ecg_without_waveform_of_the_patient_that_the_message_names(gateway):
    assert code_of(await gateway.send(oru(ed(small_pdf(), subtype="PDF")))) == "AA"
    ((study, instance),) = await studies(gateway)
    assert (instance.format, instance.has_waveform) == (InstanceFormat.PDF, False)
    assert (study.patient.name.display, study.patient.patient_id, study.modality) == ("演示甲", "P1", "ECG")
    assert study.study_at is not None
    assert study.study_at.isoformat() == "2026-03-02T00:30:00+00:00"


async def test_several_files_of_one_message_are_several_ecgs(gateway):
    answer = await gateway.send(oru(ed(aecg()), ed(aecg(head="20260302090000")), ed(small_pdf()), value()))
    assert code_of(answer) == "AA"
    assert len(await studies(gateway)) == 3
    assert errors_of(answer) == [("OBX^1", "0", "W")]     # the value beside them was not taken, and is told


async def test_patient_and_order_of_the_message_serve_a_silent_file(gateway):
    placed = await place_order(gateway.parts, SITE.id, OrderRequest(
        patient_id="M-7", patient_name="演示王小明", modality="ECG", placer_order_number="ORD9"), BY, OrderSource.API)
    answer = await gateway.send(oru(ed(silent_aecg()), patient="M-7^^^HIS^MR", name="演示王小明", birth="19800506",
                                    placer="ORD9"))
    assert code_of(answer) == "AA"
    ((study, _),) = await studies(gateway)
    order = await gateway.parts.database.read(lambda tx: tx.orders.get(placed.order.id, EVERYWHERE))
    assert (study.patient.patient_id, study.patient.name.display) == ("M-7", "演示王小明")
    assert order.study_id == study.id
    assert order.link_evidence in (LinkEvidence.ACCESSION_NUMBER, LinkEvidence.STUDY_INSTANCE_UID)


async def test_a_message_and_a_file_that_disagree_are_kept_told_and_not_linked(gateway):
    placed = await place_order(gateway.parts, SITE.id, OrderRequest(
        patient_id="M-7", patient_name="演示王小明", modality="ECG", placer_order_number="ORD9"), BY, OrderSource.API)
    answer = await gateway.send(oru(ed(aecg()), patient="M-7^^^HIS^MR", name="演示王小明", birth="", placer="ORD9"))
    assert code_of(answer) == "AA"
    assert "Patient ID, name" in texts_of(answer)
    ((study, instance),) = await studies(gateway)
    assert (study.patient.patient_id, study.patient.name.display) == ("P1", "演示甲")
    order = await gateway.parts.database.read(lambda tx: tx.orders.get(placed.order.id, EVERYWHERE))
    assert order.study_id is None
    assert await gateway.alarm_kinds() == ["ecg-identity-conflict"]
    shown = await EcgShelf(gateway.parts).show(EVERYWHERE, instance.id)
    assert any("do not agree" in warning for warning in shown.record.warnings)


async def test_values_without_a_waveform_are_refused_by_name_and_kept(gateway):
    answer = await gateway.send(oru(value(), value("8625-6^PR^LN", "160", "ms")))
    assert code_of(answer) == "AE"
    assert "2 values and no ECG file" in texts_of(answer)
    (kept,) = await gateway.quarantine()
    assert kept.reason == "hl7-no-ecg"
    assert await studies(gateway) == []


async def test_a_damaged_file_is_named_by_its_place_and_the_sound_one_beside_it_is_kept(gateway):
    message = oru(ed(aecg()), "ED|ECG^Trace^L||S^Application^x-ecg^Base64^!!not base64!!||||||F")
    answer = await gateway.send(message)
    assert code_of(answer) == "AE"
    assert ("OBX^2^5", "102", "E") in errors_of(answer)
    assert "not base64" in texts_of(answer)
    assert len(await studies(gateway)) == 1
    assert [kept.reason for kept in await gateway.quarantine()] == ["hl7-embedded-file"]
    assert code_of(await gateway.send(message)) == "AE"
    assert len(await studies(gateway)) == 1                # sent again: nothing twice
    assert len(await gateway.quarantine()) == 1


async def test_a_file_of_no_known_format_lies_in_quarantine_with_its_own_bytes(gateway):
    data = b"MINDRAY-NATIVE\x00\x01" * 40
    answer = await gateway.send(oru(ed(data)))
    assert code_of(answer) == "AE"
    assert "unknown-format" in texts_of(answer)
    by_reason = {kept.reason: kept for kept in await gateway.quarantine()}
    assert set(by_reason) == {"unknown-format", "hl7-embedded-file"}
    assert gateway.parts.objects.get(by_reason["unknown-format"].object_sha256) == data


async def test_a_reference_to_a_file_elsewhere_is_refused_by_name(gateway):
    answer = await gateway.send(oru("RP|ECG^Trace^L||\\\\server\\share\\ecg.pdf^^PDF||||||F"))
    assert code_of(answer) == "AE"
    assert "reference" in texts_of(answer)


async def test_the_same_message_again_gets_the_same_bytes_and_changes_nothing(gateway):
    message = oru(ed(aecg()))
    async with gateway.peer() as peer:
        answers = []
        for _ in range(2):
            await peer.send(message)
            peer.write(b"\x0b" + message.encode() + b"\x1c\r")
            answers.append(await peer.answer())
    assert answers[0] == answers[1]
    assert len(await studies(gateway)) == 1


async def test_storage_that_is_full_is_answered_with_reject_and_nothing_is_indexed(gateway):
    class Full:
        def put(self, data):
            raise StorageFull

    gateway.listener._parts = gateway.listener._parts.__class__(
        **{name: getattr(gateway.parts, name) for name in gateway.parts.__slots__} | {"objects": Full()})
    answer = await gateway.send(oru(ed(aecg())))
    assert code_of(answer) == "AR"
    assert await studies(gateway) == []


async def test_a_trial_message_and_an_unknown_sender_are_rejected(gateway):
    assert code_of(await gateway.send(oru(ed(aecg()), processing="T"))) == "AR"
    assert code_of(await gateway.send(oru(ed(aecg()), facility="nowhere"))) == "AR"
    assert await studies(gateway) == []


async def test_the_cart_that_the_message_names_is_shown_with_the_study(gateway):
    await gateway.parts.database.write(lambda tx: tx.sites.add_device(
        Device("c1", SITE.id, "演示心电图机", "CART1", None, "ECG")))
    assert code_of(await gateway.send(oru(ed(aecg(), device="CART1^SN7")))) == "AA"
    ((study, _),) = await studies(gateway)
    assert study.device_id == "c1"


async def test_xml_in_gbk_inside_a_message_in_gbk_keeps_its_name(gateway):
    data = aecg(name="演示王小明").decode().replace('encoding="UTF-8"', 'encoding="GBK"').encode()
    answer = await gateway.send(oru(as_text(data), character_set="GB18030", name="演示王小明"), encoding="gb18030")
    assert code_of(answer) == "AA"
    ((study, instance),) = await studies(gateway)
    assert study.patient.name.display == "演示王小明"
    assert gateway.parts.objects.get(instance.object_sha256).decode("gbk").startswith("<?xml")


@pytest.mark.parametrize("name", ["idna", "undefined"])
async def test_xml_that_declares_what_is_no_character_set_is_answered_and_kept(gateway, name):
    """B8: whatever Python calls an encoding, the peer gets an answer and a person finds the message."""
    message = oru(as_text(aecg().replace(b'encoding="UTF-8"', f'encoding="{name}"'.encode())))
    answer = await gateway.send(message)
    assert code_of(answer) == "AE"
    assert "no character set" in texts_of(answer)
    (kept,) = await gateway.parts.database.read(lambda tx: tx.arrivals.quarantine(EVERYWHERE))
    assert gateway.parts.objects.get(kept.object_sha256) == message.encode()
    assert code_of(await gateway.send(oru(ed(aecg())))) == "AA"
