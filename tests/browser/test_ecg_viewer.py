"""The ECG on screen is true to scale, and what measures it reads true: device pixels are read back (E5, K2)."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.browser import DESKTOP, chromium
from tests.support.ecg_page import (
    DRAWN,
    STATEMENT,
    canvas_value,
    ecg_page,
    ecg_room,
    edges_mm,
    ink_mm,
    press,
    settle,
)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    with ecg_room(tmp_path_factory.mktemp("ecg")) as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def page(room, browser):
    with ecg_page(room, browser, viewport=DESKTOP) as page:
        press(page, "0")
        yield page


def test_one_millivolt_is_ten_millimetres_and_one_second_twenty_five_within_half_a_percent(page):
    low, high, low_again = ink_mm(page, [0.25, 0.75, 1.25])
    assert high - low == pytest.approx(10.0, rel=0.005)
    assert low_again == pytest.approx(low, abs=0.05)
    edges = edges_mm(page)
    assert len(edges) == 19
    assert np.abs(np.diff(edges[::2]) - 25.0).max() < 0.125
    assert np.abs(np.diff(edges[1::2]) - 25.0).max() < 0.125
    # An edge goes from one sample to the next, so it lies half a sample (0.025 mm) before its half second.
    left = float(page.get_by_test_id("ecg-lead").last.get_attribute("data-x-mm"))
    assert np.abs(edges - left - (12.5 * np.arange(1, 20) - 0.025)).max() < 0.15


@pytest.mark.parametrize(("key", "mm_per_mv", "mm_per_s"),
                         [("]", 20, 25), ("[", 5, 25), ("=", 10, 50), ("-", 10, 12.5)])
def test_gain_and_speed_keys_keep_the_scale(page, key, mm_per_mv, mm_per_s):
    press(page, key)
    assert float(canvas_value(page, "data-mm-per-mv")) == mm_per_mv
    assert float(canvas_value(page, "data-mm-per-s")) == mm_per_s
    if mm_per_mv <= 10:
        low, high = ink_mm(page, [0.25, 0.75])
        assert high - low == pytest.approx(mm_per_mv, rel=0.01)
        assert np.diff(edges_mm(page)).mean() == pytest.approx(mm_per_s / 2, rel=0.005)
    footer = page.get_by_test_id("ecg-footer").text_content()
    assert f"{mm_per_s} mm/s" in footer
    assert f"{mm_per_mv} mm/mV" in footer


def test_a_time_caliper_laid_on_the_ink_of_one_period_reads_1000_ms(page):
    press(page, "c")
    scale = float(canvas_value(page, "data-px-per-mm"))
    edges = edges_mm(page)
    sheet = page.get_by_test_id("ecg-traces").bounding_box()
    y = sheet["y"] + 60 * scale
    page.mouse.move(sheet["x"] + 60 * scale, y)
    page.mouse.down()
    page.mouse.move(sheet["x"] + 80 * scale, y, steps=4)
    page.mouse.up()
    for arm, target in (("a", edges[4]), ("b", edges[6])):
        handle = page.get_by_test_id(f"caliper-time-{arm}")
        handle.focus()
        samples = round((target - float(handle.locator("line").first.get_attribute("x1"))) / 0.05)
        towards = "Right" if samples > 0 else "Left"
        for _ in range(abs(samples) // 10):
            page.keyboard.press(f"Shift+Arrow{towards}")
        for _ in range(abs(samples) % 10):
            page.keyboard.press(f"Arrow{towards}")
    readout = page.get_by_test_id("caliper-time-readout")
    assert float(readout.get_attribute("data-ms")) == pytest.approx(1000, abs=2)
    assert "60" in readout.inner_text()
    press(page, "m")
    marks = page.get_by_test_id("caliper-march").evaluate_all("(all) => all.map((e) => Number(e.getAttribute('x1')))")
    assert len(marks) == 8
    for mark in marks:
        # The caliper may be two samples off in each period, and the marks add that up.
        assert np.abs(edges - mark).min() < 0.5 or mark < edges[0]
    press(page, "Escape")
    assert readout.count() == 0


def test_a_voltage_caliper_laid_on_the_ink_reads_one_millivolt(page):
    press(page, "v")
    readout = page.get_by_test_id("caliper-voltage-readout")
    assert float(readout.get_attribute("data-mv")) == pytest.approx(1.0)
    low, high = ink_mm(page, [0.25, 0.75])
    baseline = float(page.get_by_test_id("ecg-lead").last.get_attribute("data-baseline-mm"))
    for arm, target in (("a", baseline - low), ("b", baseline - high)):
        handle = page.get_by_test_id(f"caliper-voltage-{arm}")
        handle.focus()
        steps = round((target - float(handle.locator("line").first.get_attribute("y1"))) / 0.1)
        way = "Down" if steps > 0 else "Up"
        for _ in range(abs(steps) // 10):
            page.keyboard.press(f"Shift+Arrow{way}")
        for _ in range(abs(steps) % 10):
            page.keyboard.press(f"Arrow{way}")
    assert float(readout.get_attribute("data-mv")) == pytest.approx(1.0, abs=0.01)


def test_a_qt_caliper_gives_four_corrections_by_the_rr_of_the_second_caliper_or_the_stated_one(page):
    press(page, "q")
    assert float(page.get_by_test_id("caliper-qt-readout").get_attribute("data-ms")) == pytest.approx(400, abs=0.01)
    # the cart states 75/min: 400/√0.8, 400/∛0.8, 400 + 154·0.2, 400 + 1.75·15
    said = page.get_by_test_id("qtc").inner_text()
    assert "800 ms(设备)" in said
    assert [number in said for number in ("447 ms", "431 ms", "431 ms", "426 ms")] == [True] * 4
    press(page, "c")
    for _ in range(15):
        page.keyboard.press("Shift+ArrowRight")
    said = page.get_by_test_id("qtc").inner_text()
    assert "1100 ms(时间分规)" in said
    assert [number in said for number in ("381 ms", "387 ms", "385 ms", "390 ms")] == [True] * 4


def test_the_carts_words_are_marked_and_stay_out_of_the_report(page):
    """K2: shown as the device's own, never copied."""
    box = page.get_by_test_id("device-statements")
    assert "设备自动分析,未经医师确认" in box.inner_text()
    assert STATEMENT in box.inner_text()
    assert box.get_by_role("button").count() == 0
    assert page.get_by_test_id("device-pr_ms").inner_text() == "158 ms"
    for field in page.locator("textarea").all():
        assert STATEMENT not in field.input_value()


def test_who_it_is_and_what_filters_it_stands_on_the_paper(page):
    assert "演示甲" in page.get_by_test_id("ecg-identity").text_content()
    footer = page.get_by_test_id("ecg-footer")
    assert "滤波: 设备未注明" in footer.text_content()
    assert "显示: 原始 / 无" in footer.text_content()
    assert "未校准" in footer.text_content()
    press(page, ",", ",", ".", ".", "n")
    assert "显示滤波: 0.5–40 Hz, 陷波 50 Hz(零相位,仅显示)" in footer.text_content()
    for place in ("ecg-notes", "ecg-filter-warnings"):
        assert "ST 段变形" in page.get_by_test_id(place).text_content()
        assert "起搏钉" in page.get_by_test_id(place).text_content()
    # 0.5 Hz takes the mean of the square away: what was 0 and 1 mV lies about zero.
    low, high = ink_mm(page, [4.25, 4.75])
    assert low == pytest.approx(-5, abs=1.0)
    assert high == pytest.approx(5, abs=1.0)


def test_the_raw_trace_is_one_key_away_held_or_pressed(page):
    press(page, ",", ",")
    filtered = ink_mm(page, [4.25])[0]
    page.keyboard.down("u")
    settle(page)
    assert ink_mm(page, [4.25])[0] == pytest.approx(0, abs=0.1)
    page.wait_for_timeout(500)                   # held: longer than a press
    page.keyboard.up("u")
    settle(page)
    assert ink_mm(page, [4.25])[0] == pytest.approx(filtered, abs=0.01)
    press(page, "u")
    assert ink_mm(page, [4.25])[0] == pytest.approx(0, abs=0.1)
    assert "显示: 原始 / 无" in page.get_by_test_id("ecg-footer").text_content()


def test_a_calibrated_screen_draws_real_millimetres_and_remembers_it(page):
    page.get_by_test_id("ecg-calibrate").click()
    page.get_by_test_id("calibration-width").fill("5")
    width = page.get_by_test_id("calibration-card").bounding_box()["width"]
    assert width == pytest.approx(85.6 * 5, abs=0.5)
    page.get_by_test_id("calibration-save").click()
    page.get_by_test_id("calibration-dialog").wait_for(state="detached")
    assert float(canvas_value(page, "data-px-per-mm")) == 5
    page.reload()
    page.locator(DRAWN).wait_for()
    press(page, "0")
    assert float(canvas_value(page, "data-px-per-mm")) == 5
    assert page.get_by_test_id("ecg-calibration").inner_text() == "已校准"
    low, high = ink_mm(page, [0.25, 0.75])
    assert high - low == pytest.approx(10.0, rel=0.005)
