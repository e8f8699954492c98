"""The clinic sees at once that a trace should be taken again; readers see why an ECG stands further up (B8, K3)."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect

from tests.support import reading_room as room
from tests.support.beating_ecgs import ecg_with_beats, slow_ecg, without_electrode
from tests.support.browser import PHONE, chromium, page_of
from tests.support.clinic_county import log_in, set_up, wait_for
from tests.support.ecg_builders import aecg, aecg_measurement
from tests.support.running_gateway import RunningGateway

pytestmark = pytest.mark.browser

CLINIC_SEES_WITHIN_S = 2.0
"""Safety deadline: the patient must still be lying there."""


def send(gateway: RunningGateway, token: str, data: bytes) -> str:
    answer = requests.post(f"{gateway.url}/api/ecg", data=data, timeout=30,
                           headers={"Authorization": f"Bearer {token}", "Content-Type": "application/xml"})
    assert answer.status_code == 201, answer.text
    study_id: str = answer.json()["study_id"]
    return study_id


def wait_until_examined(gateway: RunningGateway, study_id: str) -> None:
    """The first examination of a gateway loads its libraries, which takes seconds on a busy machine."""
    writer = log_in(gateway, "writer")
    [series] = writer.get(f"{gateway.url}/api/studies/{study_id}", timeout=30).json()["series"]
    address = f"{gateway.url}/api/ecg/{series['instances'][0]['id']}/analysis"
    wait_for(lambda: writer.get(address, timeout=30).json()["state"] == "done", within_s=60, why="the examination")


def test_the_card_says_within_two_seconds_which_electrode_is_off(tmp_path: Path) -> None:
    with RunningGateway(tmp_path / "var") as gateway, chromium() as browser:
        token = set_up(gateway)
        wait_until_examined(gateway, send(gateway, token, aecg(ecg_with_beats(), name="演示患者甲", patient_id="P1")))
        with page_of(browser, gateway.url) as page:
            room.log_in(page, "clinic")
            good = page.get_by_test_id("clinic-row").filter(has_text="演示患者甲")
            expect(good).to_have_count(1, timeout=room.SLOW_MS)
            expect(good.get_by_test_id("repeat-advised")).to_have_count(0)
            sent_at = time.monotonic()
            send(gateway, token, aecg(without_electrode("V3"), name="演示患者乙", patient_id="P2"))
            card = page.get_by_test_id("clinic-row").filter(has_text="演示患者乙")
            advice = card.get_by_test_id("repeat-advised")
            expect(advice).to_be_visible(timeout=CLINIC_SEES_WITHIN_S * 1000)
            assert time.monotonic() - sent_at <= CLINIC_SEES_WITHIN_S
            expect(advice).to_contain_text("建议重新采集：没有信号，电极可能脱落：V3")
            expect(card.get_by_role("status")).to_contain_text("请检查电极")
            expect(good.get_by_test_id("repeat-advised")).to_have_count(0)
            page.screenshot(path=str(tmp_path / "clinic.png"))
            page.evaluate("localStorage.setItem('reading-gateway.language', 'en')")
            page.reload()
            expect(page.get_by_test_id("repeat-advised")).to_contain_text(
                "Please record again: no signal, electrode may be off: V3")
        with page_of(browser, gateway.url, viewport=PHONE) as page:
            room.log_in(page, "clinic")
            expect(page.get_by_test_id("repeat-advised")).to_be_visible(timeout=room.SLOW_MS)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            page.screenshot(path=str(tmp_path / "phone.png"))


def test_the_worklist_and_the_why_panel_say_what_raised_an_ecg(tmp_path: Path) -> None:
    with RunningGateway(tmp_path / "var") as gateway, chromium() as browser:
        token = set_up(gateway)
        send(gateway, token, aecg(ecg_with_beats(), name="演示患者甲", patient_id="P1", statements=("窦性心律",)))
        send(gateway, token, aecg(slow_ecg(32), name="演示患者乙", patient_id="P2"))
        with page_of(browser, gateway.url) as page:
            room.log_in(page, "writer")
            page.goto("/worklist")
            first = page.get_by_test_id("worklist-row").first
            expect(first).to_contain_text("演示患者乙", timeout=room.SLOW_MS)
            badge = first.get_by_test_id("hint-badge")
            expect(badge).to_have_text(re.compile("^心率 3[0-9] 网关测·未确认$"))    # K2
            expect(badge).to_have_attribute("data-level", "red")
            page.set_viewport_size({"width": 1280, "height": 800})
            assert badge.evaluate("(badge) => badge.getBoundingClientRect().right"
                                  " <= badge.closest('.grid-row > div').getBoundingClientRect().right")
            assert page.locator(".grid-row").first.evaluate("(row) => row.scrollWidth <= innerWidth")
            title = badge.get_attribute("title") or ""
            assert "提示排序，不代表诊断" in title
            assert "网关测量，未经医师确认" in title
            quiet = page.get_by_test_id("worklist-row").filter(has_text="演示患者甲")
            expect(quiet.get_by_test_id("hint-badge")).to_have_count(0)
            page.screenshot(path=str(tmp_path / "worklist.png"))
            room.open_from_worklist(page, "演示患者乙")
            page.get_by_test_id("why").click()
            expect(page.get_by_test_id("ecg-side").get_by_test_id("hint-list")).to_contain_text("不代表诊断")
            hints = page.get_by_test_id("why-panel").get_by_test_id("hint-list")
            expect(hints).to_contain_text("提示排序，不代表诊断")
            expect(hints.get_by_test_id("priority-hint").first).to_have_attribute("data-item", "ECG11")
            page.screenshot(path=str(tmp_path / "why.png"))


def test_the_doctor_takes_the_gateways_numbers_one_by_one_into_the_report(tmp_path: Path) -> None:
    """T6, K2: they stand in brackets until somebody has looked at each."""
    with RunningGateway(tmp_path / "var") as gateway, chromium() as browser:
        token = set_up(gateway)
        wait_until_examined(gateway, send(gateway, token, aecg(          # a template takes what is known by then
            ecg_with_beats(), name="演示患者甲", patient_id="P1",
            annotations=aecg_measurement("MDC_ECG_HEART_RATE", 72, "bpm"))))
        with page_of(browser, gateway.url) as page:
            room.log_in(page, "writer")
            page.goto("/worklist")
            expect(page.get_by_test_id("worklist-row")).to_have_count(1, timeout=room.SLOW_MS)
            room.open_from_worklist(page, "演示患者甲")
            page.get_by_test_id("claim").click()
            page.get_by_test_id("template").select_option("T6", timeout=room.SLOW_MS)
            technique = page.get_by_test_id("report-technique")
            expect(technique).to_have_value(re.compile("心率 72 次/分（设备）"), timeout=room.SLOW_MS)
            before = technique.input_value().count("未经医师确认")
            assert before >= 3
            page.screenshot(path=str(tmp_path / "offered.png"))
            confirm = page.get_by_test_id("confirm-measured")
            confirm.click()                                              # selects the first, changes nothing
            assert technique.input_value().count("未经医师确认") == before
            page.keyboard.press("Alt+Enter")
            expect(technique).to_have_value(re.compile("（网关测量，医师已核对）"))
            assert technique.input_value().count("未经医师确认") == before - 1
            for _ in range(before - 1):
                page.wait_for_function("() => { const t = document.activeElement; "
                                       "return t.selectionEnd > t.selectionStart; }")
                left = technique.input_value().count("未经医师确认")
                page.keyboard.press("Alt+Enter")
                expect(confirm).to_have_count(0 if left == 1 else 1)
                page.wait_for_function("n => document.querySelector('[data-testid=\"report-technique\"]').value"
                                       ".split('未经医师确认').length - 1 < n", arg=left)
            assert "未经医师确认" not in technique.input_value()
            assert "未经" not in page.get_by_test_id("report-impression").input_value()
            page.screenshot(path=str(tmp_path / "confirmed.png"))
