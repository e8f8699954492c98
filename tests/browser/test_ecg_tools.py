"""The doctor's tools beside the paper: numbers, points of median beats, earlier ECGs, swapped electrodes, sentences.

All at 1280 px, as on the laptop of a county hospital, and by keyboard alone (E5, B8, K1, K2).
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from gateway.demo.ecg_generator import Rhythm
from tests.support.beating_ecgs import Counts, ecg_with_beats, without_electrode
from tests.support.browser import chromium, page_of
from tests.support.ecg_builders import aecg, aecg_measurement
from tests.support.ecg_page import DESK, EcgRoom, log_in, open_ecg, press, send, settle, wait_until_analysed
from tests.support.muse_builders import MUSE_LEADS, muse
from tests.support.running_gateway import RunningGateway

pytestmark = pytest.mark.browser
EARLIER, NOW = "20250214091500", "20260302083000"
STATEMENT = "窦性心律,正常心电图"


def slower(factor: float = 1.2) -> Counts:
    """The same person a year before: the same beats, everything stretched in time, so every interval is longer."""
    return {name: np.rint(np.interp(np.arange(5000) / factor, np.arange(5000), values)).astype(np.int32)
            for name, values in ecg_with_beats().items()}


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    with RunningGateway(tmp_path_factory.mktemp("ecg-tools") / "var") as gateway:
        gateway.command("site", "add", "yangchang", "--name", "演示羊场镇卫生院")
        for login, role in (("reader", "reader@all"), ("clinic", "clinic@yangchang")):
            gateway.command("user", "add", login, "--name", f"演示{login}", "--grant", role, "--password-stdin",
                            input="horse-battery-42\n")
        token = gateway.command("token", "add", "--site", "yangchang", "--scope", "ingest")["token"]
        numbers = "".join(aecg_measurement(*number) for number in (
            ("MDC_ECG_TIME_PD_PR", 120, "ms"), ("MDC_ECG_HEART_RATE", 75, "bpm")))
        files = {
            "earlier": aecg(slower(), head=EARLIER),
            "now": aecg(ecg_with_beats(), head=NOW, annotations=numbers, statements=(STATEMENT,)),
            "alone": aecg(ecg_with_beats(seed=9), patient_id="P9", name="演示乙"),
            "uneven": aecg(ecg_with_beats(rhythm=Rhythm.ATRIAL_FIBRILLATION), patient_id="P8", name="演示丙"),
            "faulty": aecg(without_electrode("V3"), patient_id="P7", name="演示丁"),
            "edited": muse({name: ecg_with_beats()[name] for name in MUSE_LEADS}, date="03-05-2026",
                           statements=(("Sinus rhythm", True),), status="Confirmed"),
        }
        studies = {name: send(gateway, token, data) for name, data in files.items()}
        yield EcgRoom(gateway, studies)


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def page(room, browser):
    with page_of(browser, room.gateway.url, viewport=DESK) as page:
        log_in(page)
        open_ecg(page, room, "now")
        wait_until_analysed(page)
        yield page


def shot(page: Page, folder: Path, name: str) -> None:
    """Nothing sticks out to the right; a picture for whoever wants to look."""
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.screenshot(path=str(folder / f"{name}.png"))


def ms(page: Page, test_id: str) -> float:
    return float(re.sub(r"[^\d.]", "", page.get_by_test_id(test_id).inner_text()))


def test_every_number_names_its_source_and_differing_sources_stand_side_by_side(page, tmp_path):
    pr = page.get_by_test_id("number-pr_ms")
    assert pr.get_attribute("data-source") == "device"
    assert page.get_by_test_id("device-pr_ms").inner_text() == "120 ms"
    assert abs(ms(page, "gateway-pr_ms") - 120) > 10
    assert "心电图机" in pr.inner_text()
    assert "网关" in pr.inner_text()
    assert "≠" in pr.inner_text()
    numbers = page.get_by_test_id("ecg-numbers")
    assert "未经医师确认" in numbers.inner_text()
    for formula in ("bazett", "fridericia", "framingham", "hodges"):
        assert ms(page, f"gateway-qtc_{formula}_ms") > 300
    page.get_by_test_id("ecg-st").locator("summary").click()
    assert page.get_by_test_id("ecg-st").locator("tbody tr").count() == 12
    page.get_by_test_id("ecg-rr").locator("summary").click()
    assert page.get_by_test_id("ecg-rr").locator("circle").count() > 5
    assert "设备自动分析,未经医师确认" in page.get_by_test_id("device-statements").inner_text()
    shot(page, tmp_path, "numbers")


def test_a_dragged_point_changes_pr_at_once_and_is_kept_as_the_doctors(page, tmp_path):
    gateway_pr = ms(page, "gateway-pr_ms")
    press(page, "b")
    line = page.get_by_test_id("fiducial-p_onset")
    line.wait_for()
    began = float(line.get_attribute("data-us"))
    box = line.locator(".grip").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.7
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 20, y, steps=4)
    page.mouse.up()
    moved = float(line.get_attribute("data-us"))
    assert moved < began
    assert float(page.get_by_test_id("original-p_onset").get_attribute("data-us")) == began
    live = ms(page, "beat-doctor-pr_ms")
    assert live == pytest.approx(gateway_pr + (began - moved) / 1000, abs=1)
    assert ms(page, "beat-gateway-pr_ms") == pytest.approx(gateway_pr, abs=1)
    assert page.get_by_test_id("beat-doctor-qt_ms").inner_text() == "–"          # who moved P has not measured QT
    expect(page.get_by_test_id("unsaved")).to_be_visible()
    shot(page, tmp_path, "beats")
    page.get_by_test_id("save-fiducials").click()
    expect(page.get_by_test_id("unsaved")).to_have_count(0)
    expect(page.get_by_test_id("corrected-by")).to_contain_text("演示reader")
    press(page, "b")
    number = page.get_by_test_id("number-pr_ms")
    expect(number).to_have_attribute("data-source", "doctor")
    assert ms(page, "doctor-pr_ms") == live
    assert page.get_by_test_id("device-pr_ms").inner_text() == "120 ms"           # the others stay beside it
    assert ms(page, "gateway-pr_ms") == gateway_pr
    shot(page, tmp_path, "doctors")
    press(page, "b")
    page.get_by_test_id("take-back-fiducials").click()
    expect(page.get_by_test_id("corrected-by")).to_have_count(0)
    expect(line).to_have_attribute("data-us", f"{began:.0f}")
    press(page, "Escape")
    expect(number).to_have_attribute("data-source", "device")


def test_a_point_moves_by_one_sample_at_a_key_and_the_change_can_be_thrown_away(page):
    press(page, "b")
    line = page.get_by_test_id("fiducial-t_offset")
    line.wait_for()
    began = float(line.get_attribute("data-us"))
    line.focus()
    press(page, "ArrowRight")
    step = float(line.get_attribute("data-us"))
    press(page, "ArrowRight", "Shift+ArrowRight")
    assert float(line.get_attribute("data-us")) == step + 11 * 2000
    assert 0 < step - began <= 2000
    assert ms(page, "beat-doctor-qt_ms") > ms(page, "beat-gateway-qt_ms")
    assert ms(page, "beat-doctor-qtc_bazett_ms") > ms(page, "beat-gateway-qtc_bazett_ms")
    for _ in range(200):
        page.keyboard.press("Shift+ArrowRight")                                     # never beyond the beat
    settle(page)
    press(page, "Escape", "b")                                                       # a look at the paper keeps it
    expect(page.get_by_test_id("unsaved")).to_be_visible()
    page.get_by_test_id("undo-fiducials").press("Enter")
    expect(page.get_by_test_id("fiducial-t_offset")).to_have_attribute("data-us", f"{began:g}")


def test_what_cannot_be_measured_is_said_with_its_reason_and_a_doctor_can_set_the_point(page, room, tmp_path):
    open_ecg(page, room, "uneven")
    wait_until_analysed(page)
    refused = page.get_by_test_id("not-measurable")
    expect(refused).to_contain_text("PR 间期")
    expect(refused).to_contain_text(re.compile("未见 P 波|P 波与 QRS 的距离不固定"))
    assert page.get_by_test_id("number-pr_ms").count() == 0
    shot(page, tmp_path, "refused")
    press(page, "b")
    page.get_by_test_id("add-p_onset").press("Enter")
    assert page.get_by_test_id("beat-gateway-pr_ms").inner_text() == "–"
    expect(page.get_by_test_id("beat-doctor-pr_ms")).to_have_text(re.compile(r"^\d+ ms$"))
    page.get_by_test_id("undo-fiducials").press("Enter")
    expect(page.get_by_test_id("fiducial-p_onset")).to_have_count(0)


def test_a_point_is_moved_and_kept_with_the_keyboard_alone(page, room):
    open_ecg(page, room, "alone")
    wait_until_analysed(page)
    press(page, "b")
    page.get_by_test_id("beat-plot").wait_for()

    def tab_to(test_id: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("() => document.activeElement.dataset.testid") == test_id:
                return
        raise AssertionError(f"{test_id} cannot be reached with Tab")

    page.get_by_test_id("ecg-beats-tool").focus()
    tab_to("fiducial-qrs_offset")
    press(page, "ArrowRight", "ArrowRight", "ArrowRight")
    tab_to("save-fiducials")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("corrected-by")).to_be_visible()
    press(page, "Escape")
    expect(page.get_by_test_id("number-qrs_ms")).to_have_attribute("data-source", "doctor")
    expect(page.get_by_test_id("number-pr_ms")).to_have_attribute("data-source", "gateway")


def test_a_faulty_trace_says_repeat_advised_and_a_files_remarks_are_shown(page, room, tmp_path):
    open_ecg(page, room, "faulty")
    wait_until_analysed(page)
    quality = page.get_by_test_id("ecg-quality")
    assert quality.get_attribute("data-repeat") == "true"
    assert "建议复查" in quality.inner_text()
    assert "V3" in quality.inner_text()
    shot(page, tmp_path, "faulty")
    open_ecg(page, room, "edited")
    expect(page.get_by_test_id("ecg-notes-of-file")).to_contain_text("Confirmed")


def test_an_earlier_ecg_stands_above_beside_or_superimposed_and_is_never_mistaken(page, tmp_path):
    press(page, "s")
    expect(page.get_by_test_id("serial-earlier-traces")).to_have_attribute("data-state", "drawn")
    for mode in ("above", "beside", "superimposed"):
        page.get_by_test_id(f"serial-{mode}").press("Enter")
        earlier, now = page.get_by_test_id("serial-earlier-title"), page.get_by_test_id("serial-now-title")
        expect(earlier).to_contain_text("较早】2025/02/14")
        expect(now).to_contain_text("本次】2026/03/02")
        if mode != "superimposed":
            scales = {page.get_by_test_id(f"serial-{one}-traces").get_attribute("data-px-per-mm")
                      for one in ("earlier", "now")}
            assert len(scales) == 1
            drawn = [page.get_by_test_id(f"serial-{one}-figure").bounding_box() for one in ("earlier", "now")]
            axis = "y" if mode == "above" else "x"
            assert drawn[0][axis] < drawn[1][axis]
        shot(page, tmp_path, f"serial-{mode}")
    both = page.get_by_test_id("superimposed-V4").locator("path.beat")
    assert [path.get_attribute("data-testid") for path in both.all()] == ["beat-front", "beat-earlier"]
    assert page.evaluate("() => getComputedStyle(document.querySelector('.beat.earlier')).strokeDasharray") != "none"
    row = page.get_by_test_id("serial-heart_rate_bpm").inner_text()
    assert re.search(r"[+−±]\d", row)
    # The earlier one was stretched in time, so QT has become shorter since.
    assert re.search(r"−\d+ ms", page.get_by_test_id("difference-qt_ms").inner_text())
    press(page, "Escape")
    expect(page.get_by_test_id("ecg-desk")).to_be_visible()


def test_who_has_no_earlier_ecg_is_told_so(page, room):
    open_ecg(page, room, "alone")
    press(page, "s")
    expect(page.get_by_test_id("serial")).to_contain_text("没有更早的心电图")


def test_swapped_electrodes_are_a_preview_under_a_banner_and_never_the_record(page, tmp_path):
    traces = page.get_by_test_id("ecg-traces")
    before = traces.screenshot()
    numbers = page.get_by_test_id("ecg-numbers").inner_text()
    press(page, "e")
    banner = page.get_by_test_id("swap-banner")
    expect(banner).to_contain_text("预览,不是记录")
    assert banner.get_attribute("data-swap") == "LA/RA"
    assert traces.screenshot() != before
    assert page.get_by_test_id("ecg-numbers").inner_text() == numbers
    press(page, "c")
    assert page.get_by_test_id("insert-time").count() == 0
    shot(page, tmp_path, "swap")
    press(page, "c", "e")
    assert banner.get_attribute("data-swap") == "LA/LL"
    press(page, "e", "e")
    expect(banner).to_have_count(0)
    press(page, "e", "Escape")
    expect(banner).to_have_count(0)
    page.reload()
    page.locator('[data-testid="ecg-traces"][data-state="drawn"]').wait_for()
    assert page.get_by_test_id("swap-banner").count() == 0


def test_in_english_too(page, tmp_path):
    page.evaluate("localStorage.setItem('reading-gateway.language', 'en')")
    page.reload()
    wait_until_analysed(page)
    expect(page.get_by_test_id("ecg-numbers")).to_contain_text("not confirmed by a physician")
    shot(page, tmp_path, "english-numbers")
    press(page, "b")
    expect(page.get_by_test_id("median-beats")).to_contain_text("Median beats")
    shot(page, tmp_path, "english-beats")
    press(page, "s")
    expect(page.get_by_test_id("serial-earlier-title")).to_contain_text("[EARLIER]")
    expect(page.get_by_test_id("serial-now-title")).to_contain_text("[THIS ONE]")
    press(page, "e")
    expect(page.get_by_test_id("swap-banner")).to_contain_text("Preview, not the record")
    assert not re.search("[\u4e00-\u9fff]", page.get_by_test_id("swap-banner").inner_text())


def claim(page: Page) -> None:
    page.get_by_test_id("claim").click()
    page.get_by_test_id("statements").wait_for()


def test_a_short_code_typed_in_the_report_becomes_its_sentence(page, room, tmp_path):
    """dxxl is 窦性心律; what is written in capitals stays what it is; nothing enters without a press (K2)."""
    open_ecg(page, room, "alone")
    claim(page)
    findings = page.get_by_test_id("report-findings")
    findings.focus()
    page.keyboard.type("QRS ")
    assert page.get_by_test_id("statement-offer").count() == 0
    page.keyboard.type("dxxl")
    offer = page.get_by_test_id("statement-offer")
    expect(offer.get_by_test_id("statement-offered").first).to_contain_text("窦性心律")
    assert findings.input_value() == "QRS dxxl"
    shot(page, tmp_path, "offer")
    page.keyboard.press("Enter")
    expect(findings).to_have_value("QRS 窦性心律")
    page.keyboard.type("，dxx")
    page.keyboard.press("ArrowDown")
    second = offer.locator("li.on span").first.inner_text()
    page.keyboard.press("Enter")
    expect(findings).to_have_value(f"QRS 窦性心律，{second}")
    page.keyboard.type("dxxl")
    page.keyboard.press("Escape")
    expect(offer).to_have_count(0)
    page.keyboard.press("Enter")                                         # no offer: a new line, as always
    expect(findings).to_have_value(f"QRS 窦性心律，{second}dxxl\n")
    findings.fill("")
    expect(page.get_by_test_id("save-state")).to_have_attribute("data-state", "saved")
    page.get_by_test_id("release").click()


def test_the_library_is_searched_by_keyboard_clicked_in_groups_and_goes_into_the_template(page, tmp_path):
    claim(page)
    page.get_by_test_id("template").select_option("T6")
    expect(page.get_by_test_id("report-technique")).to_have_value(re.compile("PR间期 120 ms（设备）"))
    impression = page.get_by_test_id("report-impression")
    impression.fill("")
    page.keyboard.press("F4")
    page.keyboard.type("左束支")
    expect(page.get_by_test_id("statement").first).to_contain_text("左束支")
    shot(page, tmp_path, "library")
    chosen = page.get_by_test_id("statement").nth(1).locator("span").first.inner_text()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(impression).to_have_value(chosen)
    page.get_by_test_id("statement-group").select_option("rhythm")
    page.get_by_test_id("statement").filter(has_text=re.compile("窦性心律$|窦性心律[0-9]")).first.click()
    expect(impression).to_have_value(f"{chosen}，窦性心律")
    expect(page.get_by_test_id("statement-done")).to_contain_text("诊断意见:窦性心律")
    assert "窦性心律,正常心电图" not in impression.input_value()           # the cart's words stay the cart's
    gateway = page.get_by_test_id("gateway-qt_ms")
    number = gateway.inner_text()
    impression.focus()
    gateway.click()
    expect(impression).to_have_value(re.compile(f"【QT 间期 {number}（网关测量,未经医师确认）】$"))
    expect(page.get_by_test_id("confirm-measured")).to_be_visible()
    shot(page, tmp_path, "written")
    page.get_by_test_id("release").click()
