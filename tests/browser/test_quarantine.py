"""The administrator decides a conflict and corrects a device's text, by keyboard and in both languages (B4, C4)."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import requests
from playwright.sync_api import Page, expect
from pydicom.uid import generate_uid

from tests.support import dicom_builders as dicom
from tests.support import reading_room as room
from tests.support.browser import chromium, page_of
from tests.support.clinic_county import log_in, readings, set_up, storescu, wait_for
from tests.support.running_gateway import RunningGateway

pytestmark = pytest.mark.browser

SIZE = {"width": 1280, "height": 800}


def shot(page: Page, name: str) -> None:
    """A picture for whoever asks for it by SHOTS=<folder>."""
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def speak_english(page: Page) -> None:
    page.evaluate("localStorage.setItem('reading-gateway.language', 'en')")
    page.reload()


def send(gateway: RunningGateway, folder: Path, *files: bytes) -> None:
    storescu(gateway, *dicom.write_all(folder, list(files)))


def mislabelled_film(number: int) -> bytes:
    patient = dicom.Patient(f"C{number:03d}", f"演示^患者{number}".encode("gbk"), character_set=b"ISO_IR 100")
    return dicom.dx_image(NumberOfStudyRelatedInstances=1, AccessionNumber=patient.patient_id, patient=patient)


def test_a_conflict_is_seen_side_by_side_and_decided_with_a_reason_by_keyboard(tmp_path: Path) -> None:
    ids, uid = dicom.StudyIds(), generate_uid()
    first = dicom.dx_image(ids=ids, sop_instance_uid=uid, NumberOfStudyRelatedInstances=1, patient=dicom.Patient(
        patient_id="Q1", name="演示^玘琟".encode("gb18030"), character_set=b"GB18030"))
    second = dicom.dx_image(ids=ids, sop_instance_uid=uid, NumberOfStudyRelatedInstances=1, ViewPosition="AP",
                            rows=64, patient=dicom.Patient(patient_id="Q1", name="演示^玘伟".encode("gb18030"),
                                                           character_set=b"GB18030"))
    with RunningGateway(tmp_path / "var") as gateway, chromium() as browser:
        set_up(gateway)
        send(gateway, tmp_path / "in", first, second)
        with page_of(browser, gateway.url, viewport=SIZE) as page:
            room.log_in(page, "admin")
            page.goto("/admin/quarantine")
            rows = page.get_by_test_id("admin-row")
            expect(rows).to_have_count(1, timeout=room.SLOW_MS)
            shot(page, "quarantine-list-zh")
            page.get_by_test_id("open-arrival").focus()
            page.keyboard.press("Enter")
            expect(page.get_by_test_id("picture-first")).to_be_visible(timeout=room.SLOW_MS)
            for which in ("first", "second"):
                picture = page.get_by_test_id(f"picture-{which}")
                assert picture.evaluate("async (img) => (await img.decode(), img.naturalWidth)") == 128, which
            differing = page.get_by_test_id("difference")
            expect(differing).to_have_count(3)
            name = page.locator('[data-keyword="PatientName"]')
            expect(name).to_contain_text("患者姓名")
            expect(name).to_contain_text("演示^玘琟")
            expect(name).to_contain_text("演示^玘伟")
            expect(page.get_by_test_id("pixel-verdict")).to_have_attribute("data-verdict", "shape")
            expect(page.get_by_test_id("decide")).to_be_disabled()
            shot(page, "quarantine-conflict-zh")

            page.get_by_test_id("choice-use_second").focus()
            page.keyboard.press("Space")
            page.keyboard.press("Tab")
            page.keyboard.type("技师确认第二张才对")
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
            expect(page.get_by_test_id("arrival-history")).to_contain_text("技师确认第二张才对", timeout=room.SLOW_MS)
            expect(page.get_by_test_id("choice-undo")).to_be_visible()
            speak_english(page)
            expect(page.get_by_test_id("side-first")).to_contain_text("superseded", timeout=room.SLOW_MS)
            shot(page, "quarantine-decided-en")
            page.goto("/admin/quarantine")
            page.get_by_test_id("quarantine-state").select_option("decided")
            expect(rows).to_have_count(1, timeout=room.SLOW_MS)
            page.get_by_test_id("quarantine-search").fill("no such sender")
            expect(rows).to_have_count(0)
        shown = log_in(gateway, "writer").get(f"{gateway.url}/dicom-web/studies/{ids.study}/metadata", timeout=30)
        assert shown.json()[0]["00185101"]["Value"] == ["AP"]


def test_a_reader_who_has_the_film_open_sees_the_second_one_as_soon_as_it_is_used(tmp_path: Path) -> None:
    """Nobody reads on with a superseded picture: same UID, same size, other pixels."""
    first = dicom.dx_image(AccessionNumber="Q9", NumberOfStudyRelatedInstances=1, patient=dicom.Patient(
        patient_id="Q9", name="演示患者".encode("gb18030"), character_set=b"GB18030"))
    length = 128 * 128 * 2
    second = first[:-length] + np.frombuffer(first[-length:], "<u2").reshape(128, 128)[:, ::-1].tobytes()
    with RunningGateway(tmp_path / "var") as gateway, chromium() as browser:
        set_up(gateway)
        send(gateway, tmp_path / "first", first)
        writer, admin = log_in(gateway, "writer"), log_in(gateway, "admin")
        wait_for(lambda: len(readings(writer, gateway)) == 1)
        with page_of(browser, gateway.url) as page:
            room.log_in(page, "writer")
            room.open_from_worklist(page, "演示患者")
            wait_for(lambda: is_rising(page), why="the first film on the screen")
            send(gateway, tmp_path / "second", second)
            desk = f"{gateway.url}/api/admin/quarantine"
            [waiting] = admin.get(desk, timeout=30).json()["arrivals"]
            decided = admin.post(f"{desk}/{waiting['id']}/decide", timeout=30, headers={"Origin": gateway.url},
                                 json={"choice": "use_second", "reason": "左右颠倒，技师重发"})
            assert decided.status_code == 200, decided.text
            wait_for(lambda: is_rising(page) is False or None, within_s=room.SLOW_MS / 1000,
                     why="the second film on the screen")
            shot(page, "reading-second-zh")


def is_rising(page: Page) -> bool | None:
    """Whether the phantom's bands get brighter from left to right, as the first film has them; None: all is dark."""
    row = room.pixels_of(room.wait_for_lossless(page)).mean(axis=2)
    line = row[row.shape[0] // 2]
    seen = line[np.flatnonzero(line > 20)]
    if len(seen) < 3:
        return None                          # between two films
    return bool(seen[: len(seen) // 3].mean() < seen[-len(seen) // 3:].mean())


def test_what_is_no_dicom_is_shown_by_its_bytes_and_what_cannot_be_taken_in_says_so(tmp_path: Path) -> None:
    with RunningGateway(tmp_path / "var") as gateway, chromium() as browser:
        set_up(gateway)
        token = gateway.command("token", "add", "--site", "yangchang", "--scope", "ingest", "--name", "x")["token"]
        requests.post(f"{gateway.url}/api/ecg", data=b"\x01\x02 this is no ECG at all", timeout=30,
                      headers={"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"})
        with page_of(browser, gateway.url, viewport=SIZE) as page:
            room.log_in(page, "admin")
            page.goto("/admin/quarantine")
            page.get_by_test_id("open-arrival").click()
            expect(page.get_by_test_id("side-second")).to_contain_text("01 02 20 74", timeout=room.SLOW_MS)
            page.get_by_test_id("choice-retry").check()
            page.get_by_test_id("decision-reason").fill("再试一次")
            page.get_by_test_id("decide").click()
            expect(page.get_by_test_id("problem")).to_have_attribute("data-reason", "still-unreadable",
                                                                   timeout=room.SLOW_MS)
            shot(page, "quarantine-unreadable-zh")
            page.get_by_test_id("choice-settle").check()
            page.get_by_test_id("decide").click()
            expect(page.get_by_test_id("arrival-history")).to_contain_text("再试一次", timeout=room.SLOW_MS)


def test_a_device_that_mislabels_is_suggested_with_its_bytes_and_corrected_with_one_click(tmp_path: Path) -> None:
    with RunningGateway(tmp_path / "var") as gateway, chromium() as browser:
        set_up(gateway)
        send(gateway, tmp_path / "in", *(mislabelled_film(number) for number in range(20)))
        session = log_in(gateway, "admin")
        learned = f"{gateway.url}/api/admin/devices-text"
        wait_for(lambda: session.get(learned, timeout=30).json()[0]["suggestion"] != "")
        with page_of(browser, gateway.url, viewport=SIZE) as page:
            room.log_in(page, "admin")
            page.goto("/admin/devices")
            expect(page.get_by_test_id("text-suggestions")).to_contain_text("DR 1室", timeout=room.SLOW_MS)
            shot(page, "devices-suggestion-zh")
            page.get_by_test_id("see-examples").focus()
            page.keyboard.press("Enter")
            examples = page.get_by_test_id("text-examples")
            expect(examples).to_contain_text("d1 dd ca be 5e", timeout=room.SLOW_MS)
            expect(examples).to_contain_text("ÑÝÊ¾")
            expect(examples).to_contain_text("演示患者")
            expect(page.get_by_test_id("text-codec")).to_have_value("gb18030")
            shot(page, "device-text-zh")
            page.get_by_test_id("correct-text").click()
            corrections = page.get_by_test_id("text-corrections")
            expect(corrections).to_contain_text("重新读出 20 份检查", timeout=room.SLOW_MS)
            shot(page, "device-text-corrected-zh")
            speak_english(page)
            page.get_by_test_id("device-text").click()
            expect(corrections).to_contain_text("20 studies", timeout=room.SLOW_MS)
            shot(page, "device-text-en")
            page.get_by_test_id("undo-reason").fill("wrong device")
            page.get_by_test_id("undo-text").click()
            expect(corrections.get_by_role("listitem")).to_have_count(2, timeout=room.SLOW_MS)
        with page_of(browser, gateway.url, viewport=SIZE) as page:
            room.log_in(page, "writer")
            wait_for(lambda: len(readings(log_in(gateway, "writer"), gateway)) == 20)
            page.goto("/worklist")
            page.get_by_test_id("worklist-search").fill("C007")
            expect(page.get_by_test_id("worklist-row").first).to_contain_text("演示患者7", timeout=room.SLOW_MS)
            expect(page.get_by_test_id("guessed-name")).to_have_count(1, timeout=room.SLOW_MS)
