"""A record of any length: an overview of all of it, and a sheet of paper that moves over it; unknown leads too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.browser import chromium
from tests.support.ecg_page import canvas_value, ecg_page, ecg_room, ink_mm, lead_names, press, settle

pytestmark = pytest.mark.browser

PICTURES = Path(__file__).parents[2] / "var" / "pictures"


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
    with ecg_page(room, browser, "holter") as page:
        yield page


def start_s(page) -> float:
    return float(canvas_value(page, "data-start-s"))


def test_ten_minutes_of_two_leads_are_shown_ten_seconds_at_a_time(page):
    assert lead_names(page) == ["V5", "MLII"]
    assert page.get_by_test_id("ecg-overview-text").inner_text() == "MLII · 0.0–10.0 / 600 s"
    press(page, "0")
    # The spike of each full second stands at its second: 1 mV is 10 mm at the very sample.
    assert ink_mm(page, [3.0], "MLII")[0] == pytest.approx(5, abs=1.5)      # the middle of the spike's ink
    assert ink_mm(page, [3.4], "MLII")[0] == pytest.approx(0, abs=0.1)


def test_keys_move_over_the_record_and_stop_at_its_ends(page):
    press(page, "PageDown")
    assert start_s(page) == pytest.approx(10)
    press(page, "End")
    assert start_s(page) == pytest.approx(590)
    press(page, "PageDown")
    assert start_s(page) == pytest.approx(590)
    press(page, "Home")
    assert start_s(page) == 0
    page.get_by_test_id("ecg-desk").focus()
    press(page, "ArrowRight")
    assert start_s(page) == pytest.approx(0.2)               # five millimetres
    page.get_by_test_id("ecg-overview-frame").focus()
    press(page, "ArrowRight")
    assert start_s(page) == pytest.approx(1.2)               # a tenth of what is shown


def test_the_overview_is_clicked_and_dragged(page):
    strip = page.get_by_test_id("ecg-overview").bounding_box()
    x = strip["x"] + strip["width"] / 2
    y = strip["y"] + strip["height"] / 2
    page.mouse.click(x, y)
    settle(page)
    assert start_s(page) == pytest.approx(295, abs=1)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + strip["width"] / 4, y, steps=5)
    page.mouse.up()
    settle(page)
    assert start_s(page) == pytest.approx(445, abs=1.5)


def test_the_paper_is_pulled_along(page):
    press(page, "PageDown", "0")
    desk = page.get_by_test_id("ecg-desk").bounding_box()
    x, y = desk["x"] + 500, desk["y"] + 150
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 25 * 96 / 25.4, y, steps=5)
    page.mouse.up()
    settle(page)
    assert start_s(page) == pytest.approx(11, abs=0.05)
    assert ink_mm(page, [15.4], "MLII")[0] == pytest.approx(0, abs=0.1)


def test_a_strip_shows_eighty_seconds_of_one_lead_row_under_row(page):
    press(page, "7")
    starts = page.get_by_test_id("ecg-lead").evaluate_all("(all) => all.map((e) => Number(e.dataset.startS))")
    assert starts == pytest.approx([0, 10, 20, 30, 40, 50, 60, 70])
    assert page.get_by_test_id("ecg-lead").nth(3).text_content() == "MLII 30 s"
    assert page.get_by_test_id("ecg-overview-text").inner_text() == "MLII · 0.0–80.0 / 600 s"
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / "ecg-long-strip.png")


def test_leads_with_unknown_names_are_shown_row_by_row(room, browser):
    with ecg_page(room, browser, "odd") as page:
        assert lead_names(page) == ["Brust", "abc"]
        options = page.get_by_test_id("ecg-layout").locator("option").all_inner_texts()
        assert options == ["12×1", "长条", "叠加"]
        press(page, "1")                                     # needs the twelve: nothing happens
        assert canvas_value(page, "data-layout") == "12x1"
