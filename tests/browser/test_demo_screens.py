"""Every screen of the running demo: drawn, readable by everybody, in two languages, and photographed for the README.

`READING_GATEWAY_UPDATE_PICTURES=1 pytest tests/browser/test_demo_screens.py` renews docs/pictures; without it the
pictures land in var/pictures, to be looked at.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support import reading_room as room
from tests.support.browser import PHONE, chromium, page_of
from tests.support.running_gateway import RunningGateway

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
AXE = ROOT / "reading_ui" / "node_modules" / "axe-core" / "axe.min.js"
OF_THE_README = ("worklist", "film", "ecg", "clinic-phone")
IS_RENEWING = bool(os.environ.get("READING_GATEWAY_UPDATE_PICTURES"))
ADMIN_PAGES = ("overview", "devices", "knocks", "users", "quarantine", "deliveries", "audit", "rules")


@dataclass(frozen=True)
class Demo:
    gateway: RunningGateway
    browser: Browser
    passwords: dict[str, str]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo county with its five studies, played in over the real ports."""
    data = tmp_path_factory.mktemp("demo") / "var"
    with RunningGateway(data) as gateway, chromium() as browser:
        gateway.command("demo", "--http", gateway.http, "--dicom", f"{gateway.host}:{gateway.port}")
        lines = (data / "demo-logins.txt").read_text(encoding="utf-8").splitlines()
        yield Demo(gateway, browser, {line.split("\t")[0]: line.split("\t")[1] for line in lines})


def enter(page: Page, demo: Demo, login: str) -> None:
    page.goto("/login")
    page.fill('[name="login"]', login)
    page.fill('[name="password"]', demo.passwords[login])
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("account")).to_be_visible(timeout=room.SLOW_MS)


def photograph(page: Page, name: str) -> None:
    folder = ROOT / ("docs" if IS_RENEWING and name in OF_THE_README else "var") / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png")


def check_for_everybody(page: Page, what: str) -> None:
    """No violation that axe knows of (WCAG 2 A and AA), and nothing to scroll sideways for."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", rules)
    faults = [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found["violations"]]
    assert not faults, f"{what}: {faults}"
    sideways = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    assert sideways <= 0, f"{what} scrolls sideways by {sideways} px"


def test_the_worklist_is_photographed_and_open_to_everybody(demo: Demo) -> None:
    with page_of(demo.browser, demo.gateway.url) as page:
        page.goto("/login")
        expect(page.get_by_test_id("login-form")).to_be_visible()
        check_for_everybody(page, "login")
        enter(page, demo, "demo-radiologist")
        expect(page.get_by_test_id("worklist-row")).to_have_count(5, timeout=room.SLOW_MS)
        check_for_everybody(page, "worklist")
        photograph(page, "worklist")


def test_a_film_is_photographed_with_its_stored_pixels_on_screen(demo: Demo) -> None:
    with page_of(demo.browser, demo.gateway.url) as page:
        enter(page, demo, "demo-radiologist")
        room.open_from_worklist(page, "DX")
        room.wait_for_lossless(page)
        page.get_by_test_id("claim").click()
        page.get_by_test_id("template").select_option(index=1)
        expect(page.get_by_test_id("report-findings")).to_have_value(re.compile("肺"))
        page.keyboard.press("F2")
        check_for_everybody(page, "reading a film")
        photograph(page, "film")
        page.get_by_test_id("release").click()


def test_an_ecg_is_photographed_on_its_paper(demo: Demo) -> None:
    with page_of(demo.browser, demo.gateway.url) as page:
        enter(page, demo, "demo-ecg")
        room.open_from_worklist(page, "ECG")
        expect(page.get_by_test_id("ecg-traces")).to_have_attribute("data-state", "drawn", timeout=room.SLOW_MS)
        expect(page.get_by_test_id("device-statements")).to_contain_text("未经医师确认")
        check_for_everybody(page, "reading an ECG")
        photograph(page, "ecg")


def test_film_and_ecg_of_one_patient_stand_side_by_side(demo: Demo) -> None:
    with page_of(demo.browser, demo.gateway.url, viewport={"width": 1920, "height": 1080}) as page:
        enter(page, demo, "demo-radiologist")
        room.open_from_worklist(page, "演示患者甲")
        page.get_by_test_id("side-by-side").click()
        room.wait_for_lossless(page)
        expect(page.get_by_test_id("ecg-traces")).to_have_attribute("data-state", "drawn", timeout=room.SLOW_MS)
        photograph(page, "side-by-side")


def test_a_reading_is_opened_by_keyboard_alone(demo: Demo) -> None:
    with page_of(demo.browser, demo.gateway.url, viewport={"width": 1280, "height": 768}) as page:
        enter(page, demo, "demo-radiologist")
        rows = page.get_by_test_id("worklist-row")
        expect(rows).to_have_count(5, timeout=room.SLOW_MS)
        page.keyboard.press("/")
        expect(page.get_by_test_id("worklist-search")).to_be_focused()
        page.keyboard.type("演示患者乙")
        expect(rows).to_have_count(1)
        page.keyboard.press("Tab")
        for _ in range(20):
            if page.evaluate("() => document.activeElement.getAttribute('data-testid')") == "worklist-row":
                break
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("patient-name")).to_contain_text("演示患者乙", timeout=room.SLOW_MS)
        room.wait_for_lossless(page)
        before = page.get_by_test_id("image-canvas").get_attribute("data-image-index")
        page.keyboard.press("PageDown")
        expect(page.get_by_test_id("image-canvas")).not_to_have_attribute("data-image-index", before or "")
        photograph(page, "ct-1280")


def test_every_administration_page_is_open_to_everybody(demo: Demo) -> None:
    with page_of(demo.browser, demo.gateway.url, viewport={"width": 1280, "height": 800}) as page:
        enter(page, demo, "demo-admin")
        for name in ADMIN_PAGES:
            page.goto(f"/admin/{name}")
            expect(page.get_by_test_id("admin")).to_be_visible(timeout=room.SLOW_MS)
            page.wait_for_load_state("load")
            expect(page.locator("[aria-busy=true], .loading")).to_have_count(0)
            check_for_everybody(page, f"admin/{name}")
            photograph(page, f"admin-{name}")


def test_the_clinics_page_is_open_to_everybody_on_a_phone_and_on_a_desk(demo: Demo) -> None:
    for name, viewport in (("phone", PHONE), ("desk", {"width": 1280, "height": 800})):
        with page_of(demo.browser, demo.gateway.url, viewport=viewport) as page:
            enter(page, demo, "demo-east")
            expect(page.get_by_test_id("clinic-row").first).to_be_visible(timeout=room.SLOW_MS)
            check_for_everybody(page, f"clinic on a {name}")
            photograph(page, f"clinic-{name}")


def test_in_english_no_chinese_is_left_but_names_and_what_was_sent(demo: Demo) -> None:
    with page_of(demo.browser, demo.gateway.url, locale="en-GB") as page:
        page.goto("/login")
        form = page.get_by_test_id("login-form")
        form.locator("button[lang=en]").click()
        expect(form).not_to_contain_text(re.compile("登录"))
        enter(page, demo, "demo-radiologist")
        expect(page.get_by_test_id("worklist-row")).to_have_count(5, timeout=room.SLOW_MS)
        headers = page.locator('[role="columnheader"]').all_inner_texts()
        assert headers
        assert not [text for text in headers if re.search("[\u4e00-\u9fff]", text)]
        photograph(page, "worklist-en")
