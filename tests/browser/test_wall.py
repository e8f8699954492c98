"""The wall screen of an ECG centre: live, true to scale, without identities, and never quiet about an emergency."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.beating_ecgs import ecg_with_beats, slow_ecg
from tests.support.browser import chromium
from tests.support.clinic_county import log_in, readings, set_up, wait_for
from tests.support.ecg_builders import aecg, known_square, wfdb_zip
from tests.support.reading_room import SLOW_MS
from tests.support.running_gateway import RunningGateway
from tests.support.tcp_proxy import TcpProxy
from tests.support.wall import FULL_HD, cell_of, expect_drawn, send_ecg, wall_of

pytestmark = pytest.mark.browser

NAME, PATIENT_ID, STATEMENT = "演示秘密人", "SECRET-4711", "窦性心律 演示秘密人"
ULTRA_HD = {"width": 3840, "height": 2160}
# Chromium without a window lets every page sound; with one, and in other browsers, a page is silent until touched.
_SILENT_UNTIL_TOUCHED = """
window.AudioContext = class extends AudioContext {
  constructor() { super(); void this.suspend(); }
  resume() { return navigator.userActivation.hasBeenActive ? super.resume() : new Promise(() => {}); }
};
"""
_INK = """(canvas) => {
  const dots = Number(canvas.dataset.pxPerMm) * devicePixelRatio;
  const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const rows = [];
  for (let y = 0; y < height; y += 1) {
    let dark = 0;
    for (let x = 0; x < width; x += 1) if (data[(y * width + x) * 4] < 100) dark += 1;
    rows.push(dark);
  }
  return { dots, rows, width };
}"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


def routine(number: int) -> bytes:
    return aecg(ecg_with_beats(seed=number), patient_id=f"P{number}")


def emergency(number: int = 1) -> bytes:
    return aecg(slow_ecg(32, seed=number), name=NAME, patient_id=PATIENT_ID, statements=(STATEMENT,))


def words_of(page: Page) -> str:
    """Everything in the document: text, attributes, and what scripts were left with."""
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.title])")
    return page.content() + str(kept)


def wake(page: Page) -> None:
    """The first touch of a page, after which browsers let it sound."""
    page.mouse.click(5, 5)
    expect(page.get_by_test_id("wall-start")).to_have_count(0)


def test_a_sent_ecg_is_painted_to_scale_at_once_and_names_nobody(tmp_path: Path, browser: Browser) -> None:
    with RunningGateway(tmp_path / "var") as gateway:
        token = set_up(gateway)
        with wall_of(gateway, browser) as page:
            answers: list[str] = []
            page.on("response", lambda response: answers.append(response.body().decode("latin-1"))
                    if "/api/wall" in response.url else None)
            expect(page.get_by_test_id("wall-cell")).to_have_count(0)
            study = send_ecg(gateway, token, aecg(known_square(), name=NAME, patient_id=PATIENT_ID,
                                                  statements=(STATEMENT,)))
            cell = expect_drawn(page, study)
            expect(cell).to_contain_text("测试羊昌卫生院")
            expect(cell).to_contain_text("等待阅图")
            first = cell.get_by_test_id("wall-waited").inner_text()
            expect(cell.get_by_test_id("wall-waited")).not_to_have_text(first)
            _check_scale(page, study)
            assert len(answers) >= 2
            for text in (words_of(page), *answers):
                for secret in (NAME, PATIENT_ID, "1960-04-05", "19600405", STATEMENT):
                    assert secret not in text
                    assert secret.encode().decode("latin-1") not in text
            second = send_ecg(gateway, token, wfdb_zip())
            expect_drawn(page, second)
            order = page.get_by_test_id("wall-cell").evaluate_all("(all) => all.map((cell) => cell.dataset.study)")
            assert order == [second, study], "the newest comes first"
            page.screenshot(path=str(tmp_path / "wall-two.png"))


def _check_scale(page: Page, study: str) -> None:
    """The square wave of 1 mV is 10 mm high, by the ink of the canvas (E5)."""
    cell = cell_of(page, study)
    canvas = cell.get_by_test_id("wall-trace")
    ink = canvas.evaluate(_INK)
    lead = cell.locator('[data-testid="wall-lead"][data-lead="III"]')
    baseline = float(lead.get_attribute("data-baseline-mm") or 0) * ink["dots"]
    top = baseline - 10 * ink["dots"]

    def darkest(near: float) -> float:
        rows = ink["rows"][round(near - 3 * ink["dots"]):round(near + 3 * ink["dots"])]
        most = max(rows)
        dark = [number for number, count in enumerate(rows) if count > most * 0.6]
        return float(round(near - 3 * ink["dots"]) + sum(dark) / len(dark))

    assert (darkest(baseline) - darkest(top)) / ink["dots"] == pytest.approx(10, abs=0.25)


def test_an_emergency_is_pinned_rings_until_claimed_and_can_be_muted(tmp_path: Path, browser: Browser) -> None:
    with RunningGateway(tmp_path / "var") as gateway:
        token = set_up(gateway)
        with wall_of(gateway, browser) as page:
            sound = page.get_by_test_id("wall-sound")
            for number in range(4):
                send_ecg(gateway, token, routine(number))
            wake(page)
            expect(sound).to_have_attribute("data-state", "on")
            study = send_ecg(gateway, token, emergency())
            cell = expect_drawn(page, study)
            expect(cell).to_have_attribute("data-alarming", "true", timeout=SLOW_MS)
            for number in range(4, 8):
                send_ecg(gateway, token, routine(number))
            expect(page.get_by_test_id("wall-cell")).to_have_count(6)
            expect(page.get_by_test_id("wall-cell").first).to_have_attribute("data-study", study)
            expect(cell).to_contain_text("急诊 · 无人接图")
            expect(cell.get_by_test_id("wall-hint")).to_contain_text("提示排序，不代表诊断")
            expect(cell.get_by_test_id("wall-hint")).to_contain_text("网关测量,未经医师确认")   # K2
            assert cell.evaluate("(cell) => getComputedStyle(cell).borderTopWidth") == "10px"
            expect(sound).to_have_attribute("data-state", "ringing")
            wait_for(lambda: int(sound.get_attribute("data-played") or 0) >= 2, why="two bursts played to their end")
            page.screenshot(path=str(tmp_path / "wall-alarm.png"))

            page.keyboard.press("m")
            expect(sound).to_have_attribute("data-state", "muted")
            expect(sound).to_contain_text(re.compile(r"静音至 \d\d:\d\d"))
            second = send_ecg(gateway, token, aecg(slow_ecg(31), patient_id="P99"))
            expect(cell_of(page, second)).to_have_attribute("data-alarming", "true", timeout=SLOW_MS)
            expect(sound).to_have_attribute("data-state", "ringing")
            page.get_by_test_id("wall-mute").click()
            expect(sound).to_have_attribute("data-state", "muted")

            reader = log_in(gateway, "writer")
            for row in readings(reader, gateway, priority="emergency"):
                assert reader.post(f"{gateway.url}/api/readings/{row['id']}/claim", timeout=30).status_code == 200
            expect(sound).to_have_attribute("data-state", "on", timeout=SLOW_MS)
            expect(cell).to_have_attribute("data-alarming", "false")
            expect(cell).to_have_attribute("data-state", "being_read")
            expect(cell).to_contain_text("阅图中")
            expect(page.get_by_test_id("wall-cell").first).to_have_attribute("data-study", study)


def test_a_browser_that_wants_a_touch_first_is_told_so_and_then_rings(tmp_path: Path, browser: Browser) -> None:
    with RunningGateway(tmp_path / "var") as gateway:
        token = set_up(gateway)
        study = send_ecg(gateway, token, emergency())
        with wall_of(gateway, browser) as page:
            page.add_init_script(_SILENT_UNTIL_TOUCHED)
            page.reload()
            expect(cell_of(page, study)).to_have_attribute("data-alarming", "true", timeout=SLOW_MS)
            sound = page.get_by_test_id("wall-sound")
            expect(sound).to_have_attribute("data-state", "asleep")
            expect(sound).to_contain_text("声音未开启")
            assert sound.get_attribute("data-bursts") == "0"
            page.get_by_test_id("wall-start").click()
            expect(sound).to_have_attribute("data-state", "ringing")
            wait_for(lambda: int(sound.get_attribute("data-played") or 0) >= 1, why="a burst played to its end")


def test_a_lost_line_is_told_in_big_letters_and_comes_back_by_itself(tmp_path: Path, browser: Browser) -> None:
    with RunningGateway(tmp_path / "var") as gateway:
        token = set_up(gateway)
        proxy = TcpProxy(int(gateway.http.rpartition(":")[2]))
        try:
            with wall_of(gateway, browser, url=f"http://127.0.0.1:{proxy.port}") as page:
                study = send_ecg(gateway, token, routine(1))
                cell = expect_drawn(page, study)
                proxy.hold(True)         # nothing more comes through, and nothing says so
                lost = page.get_by_test_id("wall-lost")
                expect(lost).to_be_visible(timeout=SLOW_MS)
                expect(lost).to_contain_text(re.compile(r"自 \d\d:\d\d 起没有连接"))
                assert lost.locator("strong").evaluate("(words) => parseFloat(getComputedStyle(words).fontSize)") > 90
                expect(cell).to_have_attribute("data-fresh", "false")
                expect(cell).to_contain_text("状态未知")
                second = send_ecg(gateway, token, routine(2))
                page.screenshot(path=str(tmp_path / "wall-lost.png"))
                proxy.hold(False)
                expect(lost).to_have_count(0, timeout=SLOW_MS)
                expect_drawn(page, second)
                expect(cell).to_have_attribute("data-fresh", "true")
        finally:
            proxy.close()


@pytest.mark.parametrize(("viewport", "grid"), [(FULL_HD, "3x2"), (FULL_HD, "3x3"), (ULTRA_HD, "3x2")],
                         ids=["1080p-3x2", "1080p-3x3", "2160p-3x2"])
def test_letters_stand_at_twenty_minutes_of_arc_and_nothing_is_cut_off(
        tmp_path: Path, browser: Browser, viewport: dict[str, int], grid: str) -> None:
    with RunningGateway(tmp_path / "var") as gateway:
        token = set_up(gateway)
        studies = [send_ecg(gateway, token, routine(number)) for number in range(7)]
        studies.append(send_ecg(gateway, token, emergency()))
        with wall_of(gateway, browser, viewport=viewport, address=f"/wall?grid={grid}&screen=65&distance=5") as page:
            cell = expect_drawn(page, studies[-1])
            expect(cell).to_have_attribute("data-alarming", "true", timeout=SLOW_MS)
            places = {"3x2": 6, "3x3": 8}[grid]
            expect(page.locator('[data-testid="wall-trace"][data-state="drawn"]')).to_have_count(places)
            page.screenshot(path=str(tmp_path / f"wall-{viewport['width']}-{grid}.png"))
            size_px = cell.locator("h2").evaluate("(words) => parseFloat(getComputedStyle(words).fontSize)")
            digit_mm = size_px * 0.733 * 1439 / viewport["width"]
            if grid == "3x2":
                assert digit_mm >= 29.0, "20 minutes of arc at 5 m"
            assert digit_mm >= 23.2, "16 minutes of arc at 5 m"
            cut = page.locator("h2, .wall-line, .wall-state, .wall-hint, .wall-bar").evaluate_all(
                "(all) => all.filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent)")
            assert cut == []
            outside = page.locator(".wall-paper, .wall-cell").evaluate_all(
                "(all) => all.filter((e) => { const p = e.parentElement.getBoundingClientRect(), b = "
                "e.getBoundingClientRect(); return b.bottom > p.bottom + 1 || b.right > p.right + 1; }).length")
            assert outside == 0


def test_the_wall_speaks_english_and_keeps_its_grid_in_the_address(tmp_path: Path, browser: Browser) -> None:
    with RunningGateway(tmp_path / "var") as gateway:
        token = set_up(gateway)
        study = send_ecg(gateway, token, emergency())
        with wall_of(gateway, browser, login="reviewer") as page:
            wake(page)
            page.keyboard.press("s")
            page.get_by_test_id("wall-language").click()
            cell = expect_drawn(page, study)
            expect(cell).to_contain_text("Emergency!", timeout=SLOW_MS)
            expect(page.get_by_test_id("wall-waiting")).to_contain_text("Waiting 1")
            page.get_by_test_id("wall-grid").select_option("2x2")
            expect(page).to_have_url(re.compile("grid=2x2"))
            page.screenshot(path=str(tmp_path / "wall-english.png"))
            page.keyboard.press("Escape")
            page.evaluate("document.activeElement.blur()")
            page.keyboard.press("f")
            wait_for(lambda: page.evaluate("document.fullscreenElement !== null"), why="F fills the screen")


def test_readers_find_the_wall_from_the_bar_of_pages_and_clinics_do_not(tmp_path: Path, browser: Browser) -> None:
    with RunningGateway(tmp_path / "var") as gateway:
        set_up(gateway)
        with wall_of(gateway, browser, address="/wall") as page:
            page.goto("/worklist")
            page.get_by_role("link", name="心电大屏").click()
            expect(page.get_by_test_id("wall")).to_be_visible(timeout=SLOW_MS)
        clinic = log_in(gateway, "clinic")
        assert clinic.get(f"{gateway.url}/api/wall", timeout=30).status_code == 403
