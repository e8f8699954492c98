"""Ten minutes: chest pain at a township clinic, a film and an ECG, two doctors, a signed answer, a receipt.

The shipped program in its own process. DCMTK's storescu is the film machine, an uploaded aECG the cart, Chromium the
doctors and the clinic's phone, DCMTK's storescp the clinic's node, poppler the judge of the signature.
"""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from playwright.sync_api import Browser, Page, expect
from pydicom import dcmread

from tests.support import dicom_builders as dicom
from tests.support import reading_room as room
from tests.support.browser import PHONE, chromium, page_of
from tests.support.clinic_county import Storescp, log_in, readings, set_up, storescu, wait_for
from tests.support.ecg_builders import LEADS, aecg
from tests.support.report_tools import signature_report, squeezed, words_of
from tests.support.running_gateway import RunningGateway

pytestmark = [pytest.mark.acceptance, pytest.mark.browser]

NAME = "测试患者甲"
SPACING_MM = 0.14
BAND_PX = 256
FILM_WORDS = {"technique": "胸部后前位数字化摄影。", "findings": "右侧胸腔见无肺纹理透亮区,右肺受压约60%。",
              "impression": "右侧气胸,肺组织受压约60%。"}
ECG_WORDS = {"technique": "十二导联同步,25 mm/s,10 mm/mV。", "findings": "方波测试图形。",
             "impression": "测试信号,非人体心电图。"}
STATEMENT = "窦性心律 设备自动"


def test_the_ten_minutes_of_a_pneumothorax(tmp_path: Path) -> None:
    """A, B1, B2, B8, D3, E1, E2, E5, F1–F4, F9, G5 (four times), H1, J2, K2, K5."""
    with Storescp(tmp_path / "node") as node, RunningGateway(tmp_path / "var") as gateway, chromium() as browser:
        token = set_up(gateway, node_port=node.port)
        film, ecg = _film(), _ecg()
        _send_in(gateway, token, film, ecg, tmp_path)
        writer_api = log_in(gateway, "writer")
        rows = wait_for(lambda: _both(readings(writer_api, gateway)), within_s=40, why="film and ECG on one worklist")
        assert {row["patient"]["name"]["display"] for row in rows} == {NAME}
        assert not any(row["patient"]["name"]["is_guessed"] for row in rows)

        _writer_reads_film_and_ecg(browser, gateway)
        signed = _reviewer_signs_both(browser, gateway)

        files = wait_for(lambda: files if len(files := node.files()) == 2 else None, why="both reports at the node")
        _check_reports_at_the_node(files, signed, tmp_path)
        _clinic_acknowledges_on_a_phone(browser, gateway)
        _check_both_data_sets_come_back(gateway, writer_api, rows, film, ecg)
        _check_the_audit_tells_the_story(gateway, rows)
        answer = gateway.command("verify")
        assert answer["is_sound"], answer


def _film() -> bytes:
    patient = dicom.Patient(patient_id="Y0001", name=f"Ce Shi^Huan Zhe Jia={NAME}".encode("gb18030"),
                            birth_date="19700102", character_set=b"GB18030")
    return dicom.dx_image(rows=1024, columns=4 * BAND_PX, patient=patient, AccessionNumber="DR20260302",
                          ImagerPixelSpacing=[SPACING_MM, SPACING_MM], StudyDescription="CHEST PA")


def _ecg() -> bytes:
    """Lead I is 0 mV for the first second and 1 mV for the next; the others are flat."""
    step = np.zeros(5000, np.int32)
    step[500:1000] = 400              # 2.5 µV a unit
    samples = {lead: step if lead == "I" else np.zeros(5000, np.int32) for lead in LEADS}
    return aecg(samples, patient_id="Y0001", name=NAME, birth="19700102", statements=(STATEMENT,))


def _send_in(gateway: RunningGateway, token: str, film: bytes, ecg: bytes, folder: Path) -> None:
    path = folder / "film.dcm"
    path.write_bytes(film)
    storescu(gateway, path)
    bearer = {"Authorization": f"Bearer {token}"}
    answer = requests.post(f"{gateway.url}/api/ecg", data=ecg, headers=bearer, timeout=30)
    assert answer.status_code == 201, answer.text


def _both(rows: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    return rows if {row["kind"] for row in rows} == {"image", "ecg"} else None


def _writer_reads_film_and_ecg(browser: Browser, gateway: RunningGateway) -> None:
    with page_of(browser, gateway.url) as page:
        room.log_in(page, "writer")
        room.open_from_worklist(page, "DX")
        expect(page.get_by_test_id("patient-name")).to_contain_text(NAME)
        page.get_by_test_id("claim").click()
        _check_grey_values_and_measure(page)
        room.write_report(page, **FILM_WORDS)
        page.get_by_test_id("report-findings").focus()
        page.get_by_test_id("measurement-insert").click()
        expect(page.get_by_test_id("report-findings")).to_have_value(re.compile(r"\d+\.\d mm"))
        page.get_by_test_id("submit").click()
        expect(page.get_by_test_id("report-text")).to_have_attribute("data-state", "submitted", timeout=room.SLOW_MS)
        # the same patient's ECG, from the strip beside the film
        page.get_by_test_id("study-tab-ecg").click()
        page.get_by_test_id("open-other").click()
        page.get_by_test_id("claim").click()
        _check_the_trace_in_millimetres(page)
        expect(page.get_by_test_id("device-statements")).to_contain_text(STATEMENT)
        expect(page.get_by_test_id("device-statements")).to_contain_text("设备自动分析,未经医师确认")
        room.write_report(page, **ECG_WORDS)
        page.get_by_test_id("submit").click()
        expect(page.get_by_test_id("report-text")).to_have_attribute("data-state", "submitted", timeout=room.SLOW_MS)


def _check_grey_values_and_measure(page: Page) -> None:
    """The phantom's greys are right on screen, and a distance on the film is right in millimetres (E1)."""
    canvas = room.wait_for_lossless(page)
    shown = room.pixels_of(canvas)
    middle = shown[shown.shape[0] // 2, :, 0]
    edges = room.grey_edges(middle)
    assert len(edges) == 3, f"the four bands of the phantom are not on screen: {edges}"
    width = edges[1] - edges[0]
    greys = [int(np.median(middle[x + width // 4: x + width * 3 // 4])) for x in (edges[0] - width, *edges)]
    assert np.allclose(greys, dicom.PHANTOM_STEPS, atol=2), greys

    box = canvas.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.keyboard.press("l")
    page.mouse.move(box["x"] + edges[0], y)
    page.mouse.down()
    page.mouse.move(box["x"] + edges[1] - 10, y, steps=5)
    page.mouse.move(box["x"] + edges[1], y)
    page.mouse.up()
    measurement = page.get_by_test_id("measurement")
    expect(measurement).to_contain_text("mm")
    expect(measurement).to_contain_text("探测器平面")
    measured = float(measurement.get_attribute("data-mm") or 0)
    one_screen_pixel_mm = BAND_PX * SPACING_MM / width
    assert abs(measured - BAND_PX * SPACING_MM) <= 2 * one_screen_pixel_mm, (measured, BAND_PX * SPACING_MM)


def _check_the_trace_in_millimetres(page: Page) -> None:
    """1 mV is 10.0 mm high and 1 s is 25.0 mm long, in dots of the canvas (E5)."""
    expect(page.get_by_test_id("ecg-traces")).to_have_attribute("data-state", "drawn", timeout=room.SLOW_MS)
    page.keyboard.press("0")             # true size: the page begins as large as it fits
    expect(page.get_by_test_id("ecg-not-true-size")).to_have_count(0)
    paper = room.trace_on_paper(page)
    lead = page.locator('[data-testid="ecg-lead"][data-lead="I"]').first
    x_mm = float(lead.get_attribute("data-x-mm") or 0)
    baseline_mm = float(lead.get_attribute("data-baseline-mm") or 0) \
        + 10 * float(lead.get_attribute("data-shift-mv") or 0)
    flat = paper.tops_mm(x_mm + 12.5, baseline_mm - 14, baseline_mm + 4)
    high = paper.tops_mm(x_mm + 25 + 12.5, baseline_mm - 14, baseline_mm + 4)
    rise = paper.tops_mm(x_mm + 25.0, baseline_mm - 14, baseline_mm + 4)
    assert flat is not None, "no ink at 0 mV"
    assert high is not None, "no ink at 1 mV"
    assert rise is not None, "no step"
    line_mm = 0.3
    assert sum(flat) / 2 - sum(high) / 2 == pytest.approx(10.0, abs=line_mm)
    assert rise[1] - rise[0] >= 9.5, "the step does not stand 25.0 mm after the start"
    footer = page.get_by_test_id("ecg-footer")
    expect(footer).to_contain_text("25 mm/s")
    expect(footer).to_contain_text("10 mm/mV")


def _reviewer_signs_both(browser: Browser, gateway: RunningGateway) -> list[str]:
    with page_of(browser, gateway.url) as page:
        room.log_in(page, "reviewer")
        texts = []
        for words in ("DX", "ECG"):
            room.open_from_worklist(page, words)
            page.get_by_test_id("review").click()
            texts.append(room.sign(page))
        assert FILM_WORDS["impression"] in texts[0]
        assert ECG_WORDS["impression"] in texts[1]
        assert STATEMENT not in texts[1], "the cart's words must never become the doctor's by themselves (K2)"
        return texts


def _check_reports_at_the_node(files: list[Path], signed: list[str], folder: Path) -> None:
    impressions = {squeezed(words["impression"]) for words in (FILM_WORDS, ECG_WORDS)}
    for path in files:
        sent = dcmread(path)
        assert sent.SOPClassUID == "1.2.840.10008.5.1.4.1.1.104.1"
        pdf = bytes(sent.EncapsulatedDocument)[:sent.get("EncapsulatedDocumentLength")]
        assert "Signature is Valid" in signature_report(pdf, folder)
        words = words_of(pdf, folder)
        found = {impression for impression in impressions if impression in words}
        assert len(found) == 1
        impressions -= found
        assert squeezed("测试证书,无法律效力") in words
        assert "测试书写医师" in words
        assert "测试审核医师" in words
        at = pdf.index(b"stream") + 40
        broken = pdf[:at] + bytes([pdf[at] ^ 1]) + pdf[at + 1:]
        assert "Signature is Valid" not in signature_report(broken, folder)
    assert not impressions
    assert len(signed) == 2


def _clinic_acknowledges_on_a_phone(browser: Browser, gateway: RunningGateway) -> None:
    with page_of(browser, gateway.url, viewport=PHONE, has_touch=True, device_scale_factor=2) as page:
        room.log_in(page, "clinic")
        rows = page.get_by_test_id("clinic-row")
        expect(rows).to_have_count(2, timeout=room.SLOW_MS)
        film = rows.filter(has_text="DX")
        expect(film).to_have_attribute("data-step", "report_ready")
        film.get_by_test_id("show-report").click()
        expect(page.get_by_test_id("pdf")).to_be_visible()
        page.get_by_test_id("report-sheet").get_by_test_id("received").click()
        expect(page.get_by_test_id("report-sheet").get_by_test_id("acknowledged")).to_be_visible()
        page.keyboard.press("Escape")
        expect(film).to_have_attribute("data-step", "acknowledged")
        overflow = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
        assert overflow <= 0, "the page scrolls sideways on a phone"


def _check_both_data_sets_come_back(gateway: RunningGateway, session: requests.Session, rows: list[dict[str, Any]],
                                    film: bytes, ecg: bytes) -> None:
    sent = dcmread(BytesIO(film), stop_before_pixels=True)
    url = (f"{gateway.url}/dicom-web/studies/{sent.StudyInstanceUID}/series/{sent.SeriesInstanceUID}"
           f"/instances/{sent.SOPInstanceUID}")
    back = session.get(url, headers={"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'},
                       timeout=30)
    assert back.status_code == 200
    assert dicom.dataset_of(film) in back.content, "the data set's bytes are not those received (B1)"
    study = next(row["study_id"] for row in rows if row["kind"] == "ecg")
    instance = session.get(f"{gateway.url}/api/studies/{study}", timeout=30).json()["series"][0]["instances"][0]["id"]
    assert session.get(f"{gateway.url}/api/ecg/{instance}/original", timeout=30).content == ecg


def _check_the_audit_tells_the_story(gateway: RunningGateway, rows: list[dict[str, Any]]) -> None:
    admin = log_in(gateway, "admin")
    entries = admin.get(f"{gateway.url}/api/admin/audit", params={"limit": "500"}, timeout=30).json()
    entries = entries["items"] if isinstance(entries, dict) else entries
    film = next(row["study_id"] for row in rows if row["kind"] == "image")
    story = [entry["action"] for entry in sorted(entries, key=lambda entry: entry["seq"])
             if entry["study_id"] == film]
    in_order = ["instance.received", "study.completed", "study.routed", "study.opened", "reading.claimed",
                "report.submitted", "report.signed", "delivery.accepted", "report.opened", "report.acknowledged"]
    position = -1
    for action in in_order:
        assert action in story, f"{action} is missing: {story}"
        assert story.index(action) > position, f"{action} is out of order: {story}"
        position = story.index(action)
