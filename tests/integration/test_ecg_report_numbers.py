"""From measured numbers to a signed ECG report: offered with their sources, confirmed by a person, kept (T6, K2)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.ecg_report_text import UNCONFIRMED
from gateway.core.errors import InvalidRequest, NotFound
from gateway.services import complete_study, examine_ecg, route_study
from gateway.services.activate_rules import ensure_rules
from gateway.services.claim_reading import claim_reading
from gateway.services.job_runner import JobRunner
from gateway.services.offer_templates import offer_templates
from gateway.services.receive_ecg import receive_ecg
from gateway.services.receive_instance import Sender
from gateway.services.sign_report import prepare_signing, sign_report
from gateway.services.write_report import save_draft, submit_report
from storage.model import EVERYWHERE, ArrivalVia, ReportText, Role, Scope
from tests.support.beating_ecgs import ecg_with_beats
from tests.support.ecg_builders import aecg, aecg_measurement
from tests.support.web import PASSWORD, add_person, add_site

CLINIC = Sender(site_id="yangchang", device=None, via=ArrivalVia.ECG_UPLOAD, actor="token:1")
HANDLERS = {**complete_study.HANDLERS, **examine_ecg.HANDLERS, **route_study.HANDLERS}


@pytest.fixture
async def study_id(parts):
    await ensure_rules(parts)
    await add_site(parts, "yangchang", "演示羊昌镇卫生院")
    data = aecg(ecg_with_beats(), annotations=aecg_measurement("MDC_ECG_HEART_RATE", 72, "bpm"))
    received = await receive_ecg(parts, data, CLINIC)
    await JobRunner(parts, HANDLERS).run_due()
    return received.study_id


async def t6(parts, study_id, scope=EVERYWHERE):
    offered = await offer_templates(parts, scope, modality="ECG", body_part="", kind="ecg", study_id=study_id)
    return next(template for template in offered if template.id == "T6")


async def test_the_offered_text_holds_this_studys_numbers_and_the_conclusion_none(parts, study_id):
    template = await t6(parts, study_id)
    assert "心率 72 次/分（设备）" in template.technique
    assert f"（{UNCONFIRMED}）】" in template.technique
    assert "采样率 500 Hz" in template.technique
    plain = next(each for each in await offer_templates(parts, EVERYWHERE, modality="ECG", body_part="", kind="ecg")
                 if each.id == "T6")
    assert (template.findings, template.impression) == (plain.findings, plain.impression)
    assert "心率【】次/分" in plain.technique


async def test_the_numbers_of_another_sites_study_are_not_offered(parts, study_id):
    with pytest.raises(NotFound):
        await t6(parts, study_id, Scope(frozenset({"machang"})))


async def test_a_gateway_number_is_signed_only_after_a_persons_act_and_its_source_is_kept(parts, study_id):
    writer = await add_person(parts, "writer", (Role.READER, None))
    reviewer = await add_person(parts, "reviewer", (Role.REVIEWER, None))
    reading = await parts.database.read(lambda tx: tx.readings.of_study(study_id, EVERYWHERE))
    template = await t6(parts, study_id)
    text = ReportText(template.technique, "窦性P波，规律出现。", "1.窦性心律。\n2.正常范围心电图。",
                      is_positive=False)
    await claim_reading(parts, writer, reading.id)
    await save_draft(parts, writer, reading.id, text, template_id="T6", revision=0)
    await submit_report(parts, writer, reading.id)
    await claim_reading(parts, reviewer, reading.id)
    sheet = await prepare_signing(parts, reviewer, reading.id)
    assert {"placeholder", "unconfirmed"} <= {check.code for check in sheet.checks if check.is_blocking}
    with pytest.raises(InvalidRequest) as refusal:
        await sign_report(parts, reviewer, reading.id, password=PASSWORD, text_sha256=sheet.text_sha256)
    assert refusal.value.reason == "checks-failed"

    confirmed = "12导联同步，心率 72 次/分（设备），QT 400 ms（网关测量，医师已核对）。"
    report = await parts.database.read(lambda tx: tx.reports.latest(reading.id, EVERYWHERE))
    await save_draft(parts, reviewer, reading.id, replace(text, technique=confirmed), template_id="T6",
                     revision=report.revision)
    sheet = await prepare_signing(parts, reviewer, reading.id)
    await sign_report(parts, reviewer, reading.id, password=PASSWORD, text_sha256=sheet.text_sha256)
    entries = [each.entry for each in await parts.database.read(lambda tx: list(tx.audit.walk()))]
    (signed,) = [entry for entry in entries if entry.action == "report.signed"]
    (numbers,) = signed.detail["ecg_numbers"].values()
    assert numbers["heart_rate_bpm"] == {"value": 72, "source": "device"}
    assert numbers["qt_ms"]["source"] == "gateway"
