"""The ECG on screen is true to scale: positions are read back from the canvas in millimetres (E5, K2)."""

from __future__ import annotations

import json
import urllib.request

import numpy as np
import pytest

from tests.support.browser import chromium, page_of
from tests.support.ecg_builders import LEADS, aecg, aecg_measurement
from tests.support.running_gateway import RunningGateway

pytestmark = pytest.mark.browser

PASSWORD = "horse-battery-42"
STATEMENT = "窦性心律不齐"

# Where the ink of lead II's long strip lies at some times, in mm above its own zero line; null where there is none.
INK = """(times) => {
  const canvas = document.querySelector('[data-testid=ecg-traces]');
  const dots = Number(canvas.dataset.pxPerMm) * Number(canvas.dataset.dpr);
  const lead = [...document.querySelectorAll('[data-testid=ecg-lead]')].filter((e) => e.dataset.lead === 'II').at(-1);
  const { xMm, baselineMm, startS } = lead.dataset;
  const top = Math.round((baselineMm - 14) * dots), high = Math.round(28 * dots);
  return times.map((at) => {
    const x = Math.round((Number(xMm) + (at - startS) * canvas.dataset.mmPerS) * dots);
    const { data } = canvas.getContext('2d').getImageData(x, top, 1, high);
    let sum = 0, weight = 0;
    for (let i = 0; i < high; i += 1) { sum += data[i * 4 + 3] * (i + 0.5); weight += data[i * 4 + 3]; }
    return weight === 0 ? null : Number(baselineMm) - (top + sum / weight) / dots;
  });
}"""
# Where the trace of lead II's long strip crosses half a millivolt, in mm from its beginning.
EDGES = """() => {
  const canvas = document.querySelector('[data-testid=ecg-traces]');
  const dots = Number(canvas.dataset.pxPerMm) * Number(canvas.dataset.dpr);
  const lead = [...document.querySelectorAll('[data-testid=ecg-lead]')].filter((e) => e.dataset.lead === 'II').at(-1);
  const y = Math.round((lead.dataset.baselineMm - canvas.dataset.mmPerMv / 2) * dots);
  const { data } = canvas.getContext('2d').getImageData(0, y, canvas.width, 1);
  const marks = [];
  for (let x = 0, sum = 0, ink = 0; x < canvas.width; x += 1) {
    const alpha = data[x * 4 + 3];
    if (alpha > 0) { sum += alpha * (x + 0.5); ink += alpha; }
    else if (ink > 0) { marks.push(sum / ink / dots - lead.dataset.xMm); sum = 0; ink = 0; }
  }
  return marks;
}"""


def square_wave() -> bytes:
    """All leads: 0.5 s at 0 mV, 0.5 s at 1 mV, and so on for 10 s."""
    one = np.where(np.arange(5000) // 250 % 2 == 0, 0, 400).astype(np.int32)
    return aecg({lead: one for lead in LEADS}, statements=(STATEMENT,),
                annotations=aecg_measurement("MDC_ECG_TIME_PD_PR", 158, "ms"))


@pytest.fixture(scope="module")
def reading(tmp_path_factory):
    """A running gateway with one ECG, and the address of its reading."""
    with RunningGateway(tmp_path_factory.mktemp("ecg") / "var") as gateway:
        gateway.command("site", "add", "yangchang", "--name", "演示羊场镇卫生院")
        gateway.command("user", "add", "reader", "--name", "演示阅片医师", "--grant", "reader@all",
                        "--password-stdin", input=f"{PASSWORD}\n")
        token = gateway.command("token", "add", "--site", "yangchang", "--scope", "ingest")["token"]
        request = urllib.request.Request(f"{gateway.url}/api/ecg", data=square_wave(), method="POST",
                                         headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request) as answer:
            receipt = json.load(answer)
        yield gateway, receipt


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def page(reading, browser):
    gateway, receipt = reading
    with page_of(browser, gateway.url) as page:
        answer = page.request.post("/api/session", data={"login": "reader", "password": PASSWORD})
        assert answer.status == 200
        row = find_reading(page, receipt["study_id"])
        page.goto(f"/readings/{row['id']}")
        page.locator('[data-testid="ecg-traces"][data-state="drawn"]').wait_for()
        yield page


def find_reading(page, study_id):
    for _ in range(100):
        rows = page.request.get("/api/readings").json()["items"]
        if found := [row for row in rows if row["study_id"] == study_id]:
            return found[0]
        page.wait_for_timeout(100)
    raise AssertionError("the ECG never came into the list")


def test_one_millivolt_is_ten_millimetres_and_one_second_twenty_five(page):
    low, high, low_again = page.evaluate(INK, [0.25, 0.75, 1.25])
    assert high - low == pytest.approx(10.0, abs=0.1)
    assert low_again == pytest.approx(low, abs=0.05)
    edges = np.array(page.evaluate(EDGES))
    edges = edges[edges > 0]                            # left of the traces stands the calibration pulse
    # An edge goes from one sample to the next, so it lies half a sample (0.025 mm) before its half second.
    assert np.abs(edges - (12.5 * np.arange(1, 20) - 0.025)).max() < 0.15


@pytest.mark.parametrize(("key", "mm_per_mv", "mm_per_s"), [("]", 20, 25), ("[", 5, 25), ("=", 10, 50)])
def test_gain_and_speed_keys_keep_the_scale(page, key, mm_per_mv, mm_per_s):
    page.keyboard.press(key)
    canvas = page.get_by_test_id("ecg-traces")
    assert float(canvas.get_attribute("data-mm-per-mv")) == mm_per_mv
    assert float(canvas.get_attribute("data-mm-per-s")) == mm_per_s
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    if mm_per_mv <= 10:
        low, high = page.evaluate(INK, [0.25, 0.75])
        assert high - low == pytest.approx(mm_per_mv, abs=0.1)
    assert f"{mm_per_s} mm/s" in page.get_by_test_id("ecg-footer").text_content()
    assert f"{mm_per_mv} mm/mV" in page.get_by_test_id("ecg-footer").text_content()


@pytest.mark.parametrize(("key", "layout", "leads"), [("1", "3x4", 13), ("2", "6x2", 12), ("3", "12x1", 12)])
def test_each_layout_shows_every_lead(page, key, layout, leads):
    page.keyboard.press("3")
    page.keyboard.press(key)
    assert page.get_by_test_id("ecg-traces").get_attribute("data-layout") == layout
    assert page.get_by_test_id("ecg-lead").count() == leads


def test_a_caliper_dragged_over_one_period_reads_1000_ms_and_60_a_minute(page):
    page.keyboard.press("c")
    sheet = page.get_by_test_id("ecg-traces").bounding_box()
    scale = float(page.get_by_test_id("ecg-traces").get_attribute("data-px-per-mm"))
    x = sheet["x"] + 60 * scale
    y = sheet["y"] + 60 * scale
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 12 * scale, y + 3, steps=4)
    page.mouse.move(x + 25 * scale, y, steps=4)
    page.mouse.up()
    readout = page.get_by_test_id("caliper-time-readout")
    assert float(readout.get_attribute("data-ms")) == pytest.approx(1000, abs=12)
    page.get_by_test_id("caliper-time-b").focus()
    before = float(readout.get_attribute("data-ms"))
    page.keyboard.press("ArrowRight")
    assert float(readout.get_attribute("data-ms")) == pytest.approx(before + 2, abs=0.01)       # one sample
    page.keyboard.press("Shift+ArrowLeft")
    assert float(readout.get_attribute("data-ms")) == pytest.approx(before - 18, abs=0.01)
    page.keyboard.press("Escape")
    assert readout.count() == 0


def test_a_voltage_caliper_over_the_pulse_reads_one_millivolt(page):
    page.keyboard.press("v")
    assert float(page.get_by_test_id("caliper-voltage-readout").get_attribute("data-mv")) == pytest.approx(1.0)


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
    footer = page.get_by_test_id("ecg-footer").text_content()
    assert "滤波: 设备未注明" in footer
    assert "显示: 原始 / 无" in footer
    assert "未校准" in footer


def test_a_calibrated_screen_draws_real_millimetres_and_remembers_it(page):
    page.get_by_test_id("ecg-calibrate").click()
    slider = page.get_by_test_id("calibration-width")
    slider.fill("5")
    width = page.get_by_test_id("calibration-card").bounding_box()["width"]
    assert width == pytest.approx(85.6 * 5, abs=0.5)
    page.get_by_test_id("calibration-save").click()
    page.get_by_test_id("calibration-dialog").wait_for(state="detached")
    assert float(page.get_by_test_id("ecg-traces").get_attribute("data-px-per-mm")) == 5
    page.reload()
    page.locator('[data-testid="ecg-traces"][data-state="drawn"]').wait_for()
    assert float(page.get_by_test_id("ecg-traces").get_attribute("data-px-per-mm")) == 5
    assert page.get_by_test_id("ecg-calibration").inner_text() == "已校准"
    low, high = page.evaluate(INK, [0.25, 0.75])
    assert high - low == pytest.approx(10.0, abs=0.1)
