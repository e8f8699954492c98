"""GET /api/ecg/{id}/export gives any ECG in four forms, as the study's person, and leaves a record (E5, J2, J3)."""

from __future__ import annotations

from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest

from gateway.formats.ecg import read_ecg
from gateway.formats.ecg_export import MEDIA_TYPES, EcgTarget
from gateway.services.administer_sites import By
from gateway.services.identify_ecg import NamedPatient, name_patient
from storage.model import EVERYWHERE, Role
from tests.support.ecg_builders import aecg, known_samples, sha256_nanovolts
from tests.support.ecg_orders import silent_aecg
from tests.support.hl7_results import small_pdf
from tests.support.muse_builders import muse
from tests.support.web import add_person, add_site, add_token, serving

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
async def web(parts):
    for site in ("yangchang", "machang"):
        await add_site(parts, site, f"演示{site}")
    async with serving(parts) as running:
        yield running


@pytest.fixture
async def cart(web):
    return web.stranger(token=await add_token(web.parts, "yangchang", "ingest"))


@pytest.fixture
async def reader(web):
    await add_person(web.parts, "reader", (Role.READER, "yangchang"))
    return await web.browser("reader")


async def send(cart, data):
    async with cart.post("/api/ecg", data=data) as answer:
        assert answer.status == 201, await answer.text()
        return await answer.json()


async def take(reader, receipt, target, *, expect=200):
    async with reader.get(f"/api/ecg/{receipt['id']}/export?to={target}") as answer:
        assert answer.status == expect, await answer.text()
        return answer, await answer.read() if expect == 200 else await answer.json()


@pytest.mark.parametrize("target", EcgTarget)
async def test_every_form_holds_the_nanovolts_that_came_in(cart, reader, target):
    receipt = await send(cart, aecg(statements=("窦性心律",)))
    answer, data = await take(reader, receipt, target)
    assert answer.content_type == MEDIA_TYPES[target]
    assert answer.headers["Content-Disposition"].startswith("attachment")
    record = read_ecg(data, time_zone=SHANGHAI)
    assert {lead.name: lead.sha256_nanovolts() for lead in record.leads} == {
        name: sha256_nanovolts(samples, 2500) for name, samples in known_samples().items()}
    assert record.patient.patient_id == ("P1" if target is not EcgTarget.WFDB else record.patient.patient_id)


async def test_leads_that_the_page_derives_are_not_in_the_file(cart, reader):
    _, data = await take(reader, await send(cart, muse()), "dicom")
    assert len(read_ecg(data, time_zone=SHANGHAI).leads) == 8


async def test_what_the_form_does_not_hold_is_told(cart, reader):
    answer, _ = await take(reader, await send(cart, muse()), "wfdb")
    assert "Device and filters are left out." in unquote(answer.headers["Ecg-Losses"])


async def test_an_ecg_that_a_person_identified_leaves_with_its_name_and_study(web, cart, reader):
    receipt = await send(cart, silent_aecg())
    await name_patient(web.parts, By("clerk", "10.0.0.1", EVERYWHERE), receipt["study_id"],
                       NamedPatient("N-9", "演示乙"), "演示核实")
    _, data = await take(reader, receipt, "dicom")
    record = read_ecg(data, time_zone=SHANGHAI)
    study = await web.parts.database.read(lambda tx: tx.studies.get(receipt["study_id"], EVERYWHERE))
    assert (record.patient.patient_id, record.patient.name) == ("N-9", "演示乙")
    assert record.study_instance_uid == study.study_instance_uid


async def test_who_took_it_is_in_the_audit_trail(web, cart, reader):
    receipt = await send(cart, aecg())
    await take(reader, receipt, "scp")
    trail = await web.parts.database.read(lambda tx: [c.entry for c in tx.audit.walk()])
    entry = next(e for e in reversed(trail) if e.action == "study.retrieved")
    assert (entry.study_id, entry.detail["instance_id"], entry.detail["what"]) == (
        receipt["study_id"], receipt["id"], "as scp")


async def test_a_page_an_unknown_form_and_another_site_are_refused(web, cart, reader):
    page, ecg = await send(cart, small_pdf()), await send(cart, aecg())
    assert (await take(reader, page, "dicom", expect=400))[1]["reason"] == "no-waveform"
    assert (await take(reader, ecg, "edf", expect=400))[1]["reason"] == "ecg-form"
    stranger = web.stranger(token=await add_token(web.parts, "machang", "read"))
    assert (await take(stranger, ecg, "dicom", expect=404))[1]["reason"] == "not-found"
