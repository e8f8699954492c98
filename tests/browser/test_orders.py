"""The clinic writes its orders, sees what does not agree, and answers which order a study belongs to (A1, A5, A6)."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support import dicom_builders as dicom
from tests.support import reading_room as room
from tests.support.browser import PHONE, chromium, page_of
from tests.support.clinic_county import log_in, set_up, storescu, wait_for
from tests.support.running_gateway import RunningGateway

pytestmark = pytest.mark.browser


def test_an_order_is_written_warned_about_matched_by_a_person_and_taken_back(tmp_path: Path) -> None:
    with RunningGateway(tmp_path / "var", environment={"READING_GATEWAY_QUIET_PERIOD_S": "0.5"}) as gateway, \
            chromium() as browser:
        set_up(gateway)
        with page_of(browser, gateway.url) as page:
            room.log_in(page, "clinic")
            page.goto("/orders")
            page.get_by_test_id("order-add").click()
            form = page.get_by_test_id("order-form")
            page.get_by_test_id("order-name").fill("演示患者甲")
            page.get_by_test_id("order-visit").fill("MZ-0001")
            page.get_by_test_id("order-id-card").fill("110101199003070012")      # the check digit is wrong
            page.get_by_test_id("order-diagnosis").fill("胸痛三小时")
            page.get_by_test_id("order-urgency").select_option("emergency")
            page.get_by_test_id("order-save").click()
            expect(page.get_by_test_id("order-warnings")).to_contain_text("校验位")
            page.keyboard.press("Escape")
            expect(form).to_have_count(0)
            card = page.get_by_test_id("order")
            expect(card).to_have_count(1)
            expect(card.get_by_test_id("order-warning")).to_contain_text("校验位")

            path = tmp_path / "film.dcm"
            path.write_bytes(dicom.dx_image(AccessionNumber="", patient=dicom.Patient(
                patient_id="console-9", name="演示患者甲".encode("gb18030"), character_set=b"GB18030")))
            storescu(gateway, path)
            session = log_in(gateway, "clinic")
            wait_for(lambda: session.get(f"{gateway.url}/api/order-matches", timeout=10).json()["total"] == 1,
                     why="the study asks for its order")
            page.get_by_role("link", name="待确认").click()
            question = page.get_by_test_id("question")
            expect(question).to_contain_text("console-9", timeout=room.SLOW_MS)
            expect(question.get_by_test_id("proposal")).to_contain_text("MZ-0001")
            page.screenshot(path=str(tmp_path / "question.png"))
            question.get_by_test_id("proposal-link").click()
            dialog = page.get_by_test_id("reason-dialog")
            dialog.get_by_role("textbox").fill("已电话核实")
            page.get_by_test_id("confirm-reason").click()
            expect(page.get_by_test_id("question")).to_have_count(0)

            page.get_by_role("link", name="申请单").click()
            expect(page.get_by_test_id("order")).to_contain_text("人工确认")
            page.screenshot(path=str(tmp_path / "list.png"))
            page.get_by_test_id("order-unlink").click()
            page.get_by_test_id("reason-dialog").get_by_role("textbox").fill("不是同一次检查")
            page.get_by_test_id("confirm-reason").click()
            expect(page.get_by_test_id("order")).to_contain_text("图像未到")


def test_the_page_of_orders_fits_a_phone_and_speaks_english(tmp_path: Path) -> None:
    with RunningGateway(tmp_path / "var") as gateway, chromium() as browser:
        set_up(gateway)
        session = log_in(gateway, "clinic")
        made = session.post(f"{gateway.url}/api/orders", timeout=10, json={
            "patient_name": "演示患者乙", "visit_number": "MZ-0002", "modality": "US",
            "procedure_description": "腹部超声(肝胆胰脾双肾)及泌尿系"})
        assert made.status_code == 201, made.text
        with page_of(browser, gateway.url, viewport=PHONE) as page:
            room.log_in(page, "clinic")
            page.evaluate("localStorage.setItem('reading-gateway.language', 'en')")
            page.goto("/orders")
            expect(page.get_by_test_id("order")).to_contain_text("No images yet")
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            page.screenshot(path=str(tmp_path / "phone.png"))
            page.get_by_test_id("order-change").click()
            expect(page.get_by_test_id("order-form")).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            page.screenshot(path=str(tmp_path / "phone-form.png"))
