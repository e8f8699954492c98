"""Every layout of the ECG is drawn, fits a small screen, and is worked by keyboard alone, in both languages (E5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.browser import chromium
from tests.support.ecg_builders import LEADS
from tests.support.ecg_page import FURTHER, canvas_value, ecg_page, ecg_room, ink_mm, lead_names, press, settle

pytestmark = pytest.mark.browser

PICTURES = Path(__file__).parents[2] / "var" / "pictures"
GRID = ["I", "aVR", "V1", "V4", "II", "aVL", "V2", "V5", "III", "aVF", "V3", "V6"]
SIX = ["I", "V1", "II", "V2", "III", "V3", "aVR", "V4", "aVL", "V5", "aVF", "V6"]
CABRERA = ["aVL", "I", "−aVR", "II", "aVF", "III"]


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
    with ecg_page(room, browser) as page:
        yield page


def photograph(page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"ecg-{name}.png")


@pytest.mark.parametrize(("name", "keys", "leads"), [
    ("3x4+1", "1", [*GRID, "II"]),
    ("3x4+3", "2", [*GRID, "II", "V1", "V5"]),
    ("3x4", "3", GRID),
    ("6x2", "4", SIX),
    ("6x2+1", "5", [*SIX, "II"]),
    ("12x1", "6", list(LEADS)),
    ("strip", "7", ["II"]),
    ("overlay", "8", list(LEADS)),
    ("3x4+1-cabrera", "1k", ["aVL", "II", "V1", "V4", "I", "aVF", "V2", "V5", "−aVR", "III", "V3", "V6", "II"]),
    ("6x2-cabrera", "4k", [name for pair in zip(CABRERA, LEADS[6:], strict=True) for name in pair]),
    ("12x1-cabrera", "6k", [*CABRERA, *LEADS[6:]]),
])
def test_each_layout_draws_every_lead_it_names(page, name, keys, leads):
    press(page, "6", *keys)
    assert lead_names(page) == leads
    for label in page.get_by_test_id("ecg-lead").all():
        begin = float(label.get_attribute("data-start-s"))
        name_of_lead = label.get_attribute("data-lead")
        if name_of_lead == "−aVR" or (name == "12x1-cabrera" and name_of_lead == "II"):
            continue                       # −aVR goes down, into the ink of the row below: see the next test
        low, high = ink_mm(page, [begin + 0.25, begin + 0.75], name_of_lead, above=12.5, below=2.5)
        # A column that begins at a half second begins at 1 mV.
        assert abs(high - low) == pytest.approx(10, rel=0.03)
    photograph(page, name)


def test_a_turned_avr_is_drawn_upside_down(page):
    press(page, "3", "k")
    low, high = ink_mm(page, [0.25, 0.75], "−aVR")
    assert high - low == pytest.approx(-10, rel=0.03)


def test_chest_leads_at_half_gain_are_half_as_high_and_say_so(page):
    press(page, "4", "h", "0")
    low, high = ink_mm(page, [5.25, 5.75], "V3", above=12.5, below=2.5)
    assert high - low == pytest.approx(5.0, rel=0.01)
    assert "×½" in page.locator('[data-testid=ecg-lead][data-lead=V3]').text_content()
    assert "胸导联 5 mm/mV" in page.get_by_test_id("ecg-footer").text_content()


def test_fifteen_and_eighteen_leads_get_columns_of_their_own(room, browser):
    with ecg_page(room, browser, "eighteen") as page:
        names = lead_names(page)
        assert set(FURTHER) <= set(names)
        assert names[:6] == ["I", "aVR", "V1", "V4", "V7", "V3R"]
        photograph(page, "18-leads")
        press(page, "6")
        assert lead_names(page) == [*LEADS, *FURTHER]
        photograph(page, "18-leads-rows")


def test_the_whole_default_sheet_is_in_sight_at_1280_by_768_and_says_that_it_is_smaller(page):
    desk = page.get_by_test_id("ecg-desk")
    assert desk.evaluate("(e) => [e.scrollHeight <= e.clientHeight, e.scrollWidth <= e.clientWidth]") == [True, True]
    rhythm = page.get_by_test_id("ecg-lead").last.bounding_box()
    box = desk.bounding_box()
    assert rhythm["y"] + rhythm["height"] < box["y"] + box["height"]
    assert "非真实比例" in page.get_by_test_id("ecg-not-true-size").inner_text()
    assert "非真实比例" in page.get_by_test_id("ecg-footer").text_content()
    press(page, "0")
    assert page.get_by_test_id("ecg-not-true-size").count() == 0
    assert "非真实比例" not in page.get_by_test_id("ecg-footer").text_content()


def test_full_window_shows_the_default_sheet_at_true_size_without_scrolling_at_1280_by_768(page):
    press(page, "w")
    assert page.get_by_test_id("ecg-not-true-size").count() == 0           # fitting is true size here
    assert float(canvas_value(page, "data-px-per-mm")) == pytest.approx(96 / 25.4)
    desk = page.get_by_test_id("ecg-desk")
    assert desk.evaluate("(e) => [e.scrollHeight <= e.clientHeight, e.scrollWidth <= e.clientWidth]") == [True, True]
    assert "演示甲" in page.get_by_test_id("ecg-identity").text_content()      # who it is, whatever else is covered
    photograph(page, "full-window")
    press(page, "Escape")
    assert page.get_by_test_id("ecg-not-true-size").count() == 1


def test_everything_is_reached_by_keyboard_alone(page):
    """No pointer: layout, scale, filter, all three calipers, march-out, magnifier, numbers, help."""
    press(page, "2", "k", "]", "=", "w", "f", ",", ".", "n", "u", "u", "h", "r")
    shown = [canvas_value(page, f"data-{name}") for name in ("layout", "mm-per-mv", "mm-per-s")]
    assert shown == ["3x4+3", "20", "50"]
    press(page, "1", "k", "[", "-", "h", "w", "c")
    assert page.evaluate("() => document.activeElement.dataset.testid") == "caliper-time-b"
    before = float(page.get_by_test_id("caliper-time-readout").get_attribute("data-ms"))
    press(page, "ArrowRight")
    assert float(page.get_by_test_id("caliper-time-readout").get_attribute("data-ms")) == pytest.approx(before + 2)
    press(page, "Control+ArrowRight")                                        # one millimetre is 40 ms
    assert float(page.get_by_test_id("caliper-time-readout").get_attribute("data-ms")) == pytest.approx(before + 42)
    press(page, "Tab")
    assert page.evaluate("() => document.activeElement.dataset.testid") == "caliper-time-both"
    bar = page.get_by_test_id("caliper-time-both").locator("line").first
    x, y = float(bar.get_attribute("x1")), float(bar.get_attribute("y1"))
    press(page, "Shift+ArrowRight", "ArrowUp")
    assert float(bar.get_attribute("x1")) == pytest.approx(x + 0.5)
    assert float(bar.get_attribute("y1")) == pytest.approx(y - 1)
    press(page, "m", "v", "q")
    assert page.get_by_test_id("caliper-march").count() > 5
    assert page.get_by_test_id("caliper-voltage-readout").count() == 1
    assert page.get_by_test_id("qtc").count() == 1
    press(page, "i")
    assert page.get_by_test_id("ecg-side").count() == 0
    press(page, "i", "l")
    lens = page.get_by_test_id("ecg-lens")
    at = float(lens.get_attribute("data-x-mm"))
    press(page, "ArrowRight", "Shift+ArrowRight")
    assert float(lens.get_attribute("data-x-mm")) == pytest.approx(at + 11)
    press(page, "Escape")
    assert lens.count() == 0
    page.get_by_test_id("ecg-help").focus()
    press(page, "Enter")
    assert page.get_by_test_id("ecg-help-list").is_visible()


def test_the_magnifier_draws_three_times_as_large_and_says_so(page):
    press(page, "0", "l")
    lens = page.get_by_test_id("ecg-lens")
    assert float(lens.get_attribute("data-times")) == 3
    assert page.get_by_test_id("ecg-lens-ratio").inner_text() == "×3 = 75 mm/s, 30 mm/mV"
    desk = page.get_by_test_id("ecg-desk").bounding_box()
    page.mouse.move(desk["x"] + 300, desk["y"] + 200)
    page.mouse.move(desk["x"] + 310, desk["y"] + 210)
    settle(page)
    box = lens.bounding_box()
    assert box["x"] + box["width"] / 2 == pytest.approx(desk["x"] + 310, abs=2)
    assert box["y"] + box["height"] / 2 == pytest.approx(desk["y"] + 210, abs=2)
    dark = page.get_by_test_id("ecg-lens-picture").evaluate("""(canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let dark = 0;
      for (let i = 0; i < data.length; i += 4) if (data[i] < 60 && data[i + 1] < 60) dark += 1;
      return dark;
    }""")
    assert dark > 500
    photograph(page, "magnifier")


def test_chosen_leads_lie_on_top_of_each_other_in_their_own_colours(page):
    press(page, "8")
    page.get_by_test_id("ecg-overlay").click()
    for name in LEADS[2:]:
        page.get_by_test_id(f"ecg-overlay-{name}").uncheck()
    page.keyboard.press("Escape")
    settle(page)
    assert lead_names(page) == ["I", "II"]
    labels = page.get_by_test_id("ecg-lead").all()
    colours = [label.evaluate("(e) => getComputedStyle(e).fill") for label in labels]
    assert colours[0] != colours[1]
    assert labels[0].get_attribute("data-baseline-mm") == labels[1].get_attribute("data-baseline-mm")


def test_english_fits_the_small_screen_too(room, browser):
    with ecg_page(room, browser) as page:
        page.evaluate("() => localStorage.setItem('reading-gateway.language', 'en')")
        page.reload()
        page.locator('[data-testid="ecg-traces"][data-state="drawn"]').wait_for()
        press(page, ",", ",")
        assert "not true to scale" in page.get_by_test_id("ecg-not-true-size").inner_text()
        assert "Display filter: ≥ 0.5 Hz" in (page.get_by_test_id("ecg-footer").text_content() or "")
        assert "distorts the ST segment" in page.get_by_test_id("ecg-filter-warnings").inner_text()
        assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
        photograph(page, "english")
