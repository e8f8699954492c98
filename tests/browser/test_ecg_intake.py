"""The clinic pairs a cart with a person, names who an ECG is of; the reader sees a page; IT binds a file (A5, B8)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.support import reading_room as room
from tests.support.browser import chromium, page_of
from tests.support.clinic_county import SITE, log_in, set_up, wait_for
from tests.support.ecg_orders import local, silent_aecg
from tests.support.hl7_results import small_pdf
from tests.support.running_gateway import RunningGateway

pytestmark = pytest.mark.browser
DESK = {"width": 1280, "height": 800}


def send(gateway: RunningGateway, token: str, data: bytes, *, expected: int = 201, name: str = "") -> dict[str, str]:
    answer = requests.post(f"{gateway.url}/api/ecg", params={"file_name": name}, data=data, timeout=30,
                           headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == expected, answer.text
    body: dict[str, str] = answer.json()
    return body


def place(gateway: RunningGateway, name: str, visit: str) -> str:
    answer = log_in(gateway, "clinic").post(f"{gateway.url}/api/orders", timeout=10, json={
        "patient_name": name, "visit_number": visit, "modality": "ECG", "sex": "F"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def now() -> str:
    return local(datetime.now(UTC))


def look(page: Page, folder: Path, name: str) -> None:
    """Nothing sticks out to the right, and a picture for whoever wants to see."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.screenshot(path=str(folder / f"{name}.png"))


def test_a_cart_without_a_worklist_is_paired_by_number_or_by_a_press(tmp_path: Path) -> None:
    with RunningGateway(tmp_path / "var") as gateway, chromium() as browser:
        token = set_up(gateway)
        gateway.command("device", "add", "CART1", "--site", SITE, "--name", "心电图机一号", "--modality", "ECG")
        first, second = place(gateway, "演示患者甲", "MZ-1"), place(gateway, "演示患者乙", "MZ-2")
        with page_of(browser, gateway.url, viewport=DESK) as page:
            room.log_in(page, "clinic")
            page.goto("/orders/ecg")
            cards = page.get_by_test_id("ecg-to-record")
            expect(cards).to_have_count(2, timeout=room.SLOW_MS)
            page.get_by_test_id("ecg-cart").select_option(label="心电图机一号")
            page.locator(f'[data-id="{second}"]').get_by_test_id("call-recording").press("Enter")
            expect(page.locator(f'[data-id="{second}"]').get_by_test_id("recording-now")).to_contain_text("心电图机一号")
            look(page, tmp_path, "recording")
            number = page.locator(f'[data-id="{first}"]').get_by_test_id("cart-number").inner_text().replace(" ", "")
            send(gateway, token, silent_aecg(patient_id=number, head=now()))
            expect(cards).to_have_count(1, timeout=room.SLOW_MS)     # by itself: the order has its ECG
            session = log_in(gateway, "clinic")
            order = session.get(f"{gateway.url}/api/orders/{first}", timeout=10).json()
            assert (order["state"], order["link_evidence"]) == ("performed", "score")
            page.locator(f'[data-id="{second}"]').get_by_test_id("end-recording").click()
            expect(page.get_by_test_id("recording-now")).to_have_count(0)


def test_an_ecg_of_nobody_waits_until_somebody_says_whose_it_is(tmp_path: Path) -> None:
    with RunningGateway(tmp_path / "var") as gateway, chromium() as browser:
        token = set_up(gateway)
        send(gateway, token, silent_aecg(head=now()))
        study_id = send(gateway, token, silent_aecg(patient_id="912345", head=now()))["study_id"]
        with page_of(browser, gateway.url, viewport=DESK) as page:
            room.log_in(page, "clinic")
            page.goto("/orders/questions")
            expect(page.get_by_test_id("nobodys-ecg")).to_have_count(2, timeout=room.SLOW_MS)
            look(page, tmp_path, "unidentified")
            one = page.locator(f'[data-id="{study_id}"]')
            expect(one).to_contain_text("912345")
            one.get_by_test_id("look-at-ecg").click()
            expect(page.get_by_test_id("ecg-traces")).to_have_attribute("data-state", "drawn", timeout=room.SLOW_MS)
            look(page, tmp_path, "trace")
            page.keyboard.press("Escape")
            one.get_by_test_id("name-patient").click()
            page.get_by_test_id("nobody-name").fill("演示患者丙")
            page.get_by_test_id("nobody-id").fill("MZ-3")
            page.get_by_test_id("nobody-reason").fill("已与采集护士核对")
            look(page, tmp_path, "name")
            page.get_by_test_id("save-name").click()
            expect(page.get_by_test_id("nobodys-ecg")).to_have_count(1)
            page.get_by_test_id("say-nobody").click()
            page.get_by_test_id("reason-dialog").get_by_role("textbox").fill("试机")
            page.get_by_test_id("confirm-reason").click()
            expect(page.get_by_test_id("nobodys-ecg")).to_have_count(0)
            study = log_in(gateway, "clinic").get(f"{gateway.url}/api/studies/{study_id}", timeout=10).json()
            assert study["patient"]["name"]["display"] == "演示患者丙"


def test_a_pdf_is_read_as_a_page_and_said_to_have_no_waveform(tmp_path: Path) -> None:
    with RunningGateway(tmp_path / "var") as gateway, chromium() as browser:
        token = set_up(gateway)
        study_id = send(gateway, token, small_pdf())["study_id"]
        session = log_in(gateway, "writer")
        reading = wait_for(lambda: next((r for r in session.get(
            f"{gateway.url}/api/readings", timeout=10).json()["items"] if r["study_id"] == study_id), None))
        with page_of(browser, gateway.url, viewport=DESK) as page:
            room.log_in(page, "writer")
            page.goto(f"/readings/{reading['id']}")
            expect(page.get_by_test_id("no-waveform")).to_contain_text("没有波形", timeout=room.SLOW_MS)
            source = page.get_by_test_id("ecg-page").get_attribute("src") or ""
            assert session.get(f"{gateway.url}{source}", timeout=10).content == small_pdf()
            look(page, tmp_path, "page")


def test_it_sees_what_a_file_is_binds_it_and_tries_again(tmp_path: Path) -> None:
    with RunningGateway(tmp_path / "var") as gateway, chromium() as browser:
        token = set_up(gateway)
        place(gateway, "演示患者丁", "MZ-4")
        send(gateway, token, b"MAKER\x00\x01\xff" * 40, expected=422, name="E0001.dat")
        with page_of(browser, gateway.url, viewport=DESK) as page:
            room.log_in(page, "admin")
            page.goto("/admin/ecg_files")
            file = page.get_by_test_id("ecg-file")
            expect(file).to_contain_text("E0001.dat", timeout=room.SLOW_MS)
            expect(file).to_contain_text("不认识的格式")
            expect(file.get_by_test_id("first-bytes")).to_contain_text("4d 41 4b 45 52 00 01 ff")
            page.locator("summary").click()
            expect(page.locator("details")).to_contain_text("DICOM")
            look(page, tmp_path, "files")
            file.get_by_test_id("attach-file").click()
            page.get_by_test_id("attach-search").fill("演示患者丁")
            page.get_by_test_id("attach-order").check()
            page.get_by_test_id("attach-reason").fill("机器屏幕上核对过")
            look(page, tmp_path, "attach")
            page.get_by_test_id("attach-save").click()
            expect(page.get_by_test_id("ecg-file")).to_have_count(0)
            page.get_by_test_id("ecg-files-state").select_option("kept")
            expect(file.get_by_test_id("bound-to")).to_contain_text("演示患者丁")
            file.get_by_test_id("read-again").click()
            expect(file.get_by_test_id("bound-to")).to_contain_text("不认识的格式")
            look(page, tmp_path, "kept")
