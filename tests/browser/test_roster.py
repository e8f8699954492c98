"""The roster page: planned by mouse and keyboard, gaps in red, a swap, going off, skills, agreements, zh and en."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.services.administer_sites import By, add_site
from gateway.services.log_in import make_user
from gateway.services.receive_instance import Sender, receive_part10
from storage.model import EVERYWHERE, ArrivalVia, Grant, Role, Site, SiteKind
from storage.model.rosters import Holiday, HolidayKind
from tests.browser.test_keeping_page import check_for_everybody
from tests.support import dicom_builders
from tests.support.browser import chromium, page_of
from tests.support.clinic_county import PASSWORD
from tests.support.reading_room import SLOW_MS, log_in
from tests.support.running_gateway import RunningGateway
from tests.support.stores import open_parts

pytestmark = pytest.mark.browser

DESKTOP = {"width": 1280, "height": 900}
SHANGHAI = ZoneInfo("Asia/Shanghai")
PEOPLE = {"head": ("演示组长", Grant(Role.REVIEWER, None)), "day": ("演示日班医师", Grant(Role.READER, None)),
          "night": ("演示夜班医师", Grant(Role.READER, None)), "boss": ("演示管理员", Grant(Role.ADMIN, None)),
          "clinic": ("演示卫生院医生", Grant(Role.CLINIC, "yangchang"))}
RULES = """\
format: 1
title: 演示排班
groups:
  imaging:
    name: 影像诊断组
    name_en: Imaging readers
    members: [head, day, night]
    head: [head]
    assign: least-loaded
    hours:
      - {days: [mon, tue, wed, thu, fri], from: "08:00", to: "18:00", members: [day]}
  fallback:
    name: 兜底
fallback: {group: fallback}
rules:
  - {name: 影像, when: ['study.kind == "image"'], then: {group: imaging}}
"""


@dataclass(frozen=True)
class Room:
    gateway: RunningGateway
    browser: Browser


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """A gateway with a duty group that has a head and weekly hours, and two sites."""
    folder = tmp_path_factory.mktemp("roster")
    asyncio.run(_furnish(folder))
    with RunningGateway(folder / "var", {"READING_GATEWAY_QUIET_PERIOD_S": "1"}) as gateway, chromium() as browser:
        yield Room(gateway, browser)


async def _furnish(folder: Path) -> None:
    """People, rules, a film of the clinic's, and in the week that is planned a day off of the alliance's own."""
    day = monday() + timedelta(days=3)
    async with open_parts(folder / "var", clock=lambda: datetime.now(UTC)) as parts:
        for site in (Site("yangchang", "演示羊昌卫生院", "", SiteKind.TOWNSHIP),
                     Site("centre", "演示县医院", "", SiteKind.CENTRE)):
            await add_site(parts, site, By("test", "", EVERYWHERE))
        for login, (name, grant) in PEOPLE.items():
            await make_user(parts, login=login, display_name=name, password=PASSWORD, grants=(grant,))
        await parts.database.write(lambda tx: tx.decisions.add_rule_set(RULES, by="test", at=parts.clock()))
        sender = Sender(site_id="yangchang", device=None, via=ArrivalVia.STOW, calling_ae_title="DR",
                        address="127.0.0.1", actor="test")
        await receive_part10(parts, dicom_builders.dx_image(), sender)
        await parts.database.write(
            lambda tx: tx.rosters.put_holiday(Holiday(day, HolidayKind.HOLIDAY, "演示县庆", "County day")))


def monday():
    today = datetime.now(SHANGHAI).date()
    return today - timedelta(days=today.weekday()) + timedelta(days=7)      # all of it lies ahead


def day(page: Page, number: int):
    return page.locator(f'[data-testid="day"][data-day="{monday() + timedelta(days=number)}"]')


def night_of(page: Page):
    """Saturday's stretch of the one who has the nights."""
    return day(page, 5).get_by_test_id("stretch").filter(has_text="演示夜班医师")


def shoot(page: Page, name: str) -> None:
    """Keep a picture to look at, where a folder for them is named."""
    folder = os.environ.get("READING_GATEWAY_SHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"roster-{name}.png")


def open_next_week(page: Page) -> None:
    page.goto("/roster")
    expect(page.get_by_test_id("day-grid")).to_be_visible(timeout=SLOW_MS)
    page.get_by_test_id("roster-after").click()
    expect(day(page, 0)).to_be_visible()


def test_a_head_plans_the_nights_by_mouse_and_by_keyboard_until_no_hour_is_red(room: Room):
    with page_of(room.browser, room.gateway.url, viewport=DESKTOP) as page:
        log_in(page, "head")
        open_next_week(page)
        monday_cell = day(page, 0)
        expect(monday_cell.get_by_test_id("gap")).to_have_count(2)          # 00–08 and 18–24
        shoot(page, "gaps")
        # by mouse: the night shift, dragged onto Monday
        page.get_by_test_id("shift-night").click()
        page.locator('[data-testid="person"][data-login="night"]').drag_to(monday_cell)
        expect(monday_cell.get_by_test_id("stretch")).to_have_count(1, timeout=SLOW_MS)
        expect(monday_cell.get_by_test_id("gap")).to_have_count(1)
        expect(day(page, 1).get_by_test_id("stretch")).to_have_count(1)     # it goes on until 08:00
        # by keyboard: the third person on Tuesday, then Wednesday through the form
        day(page, 1).focus()
        page.keyboard.press("3")
        expect(day(page, 1).get_by_test_id("stretch")).to_have_count(2, timeout=SLOW_MS)
        page.keyboard.press("ArrowRight")
        expect(day(page, 2)).to_be_focused()
        page.keyboard.press("Enter")
        page.get_by_test_id("entry-person").select_option(label="演示日班医师 (day)")
        page.get_by_test_id("form-save").click()
        expect(day(page, 2).get_by_test_id("stretch")).to_have_count(2, timeout=SLOW_MS)
        # a stretch is dragged to another day
        day(page, 2).get_by_test_id("stretch").filter(has_text="演示日班医师").drag_to(day(page, 4))
        expect(day(page, 4).get_by_test_id("stretch")).to_have_count(1, timeout=SLOW_MS)
        expect(page.get_by_text("演示县庆").first).to_be_visible()
        check_for_everybody(page, "the week")
        shoot(page, "week")
        page.get_by_test_id("span-month").click()
        expect(day(page, 0).get_by_test_id("stretch")).to_have_count(1, timeout=SLOW_MS)
        check_for_everybody(page, "the month")
        shoot(page, "month")
        # the same person twice at one time is refused, in words
        page.get_by_test_id("span-week").click()
        day(page, 0).focus()
        page.keyboard.press("3")
        expect(page.get_by_test_id("problem")).to_have_attribute("data-reason", "overlaps", timeout=SLOW_MS)


def test_a_reader_asks_for_a_swap_the_colleague_agrees_and_the_head_approves(room: Room):
    with page_of(room.browser, room.gateway.url, viewport=DESKTOP) as page:
        log_in(page, "head")
        open_next_week(page)
        page.get_by_test_id("shift-night").click()
        day(page, 5).focus()
        page.keyboard.press("3")                                           # "night" on Saturday
        expect(night_of(page)).to_have_count(1, timeout=SLOW_MS)
    with page_of(room.browser, room.gateway.url, viewport=DESKTOP) as page:
        log_in(page, "night")
        open_next_week(page)
        night_of(page).click()
        page.get_by_test_id("swap-to").select_option(label="演示日班医师")
        page.get_by_test_id("swap-send").click()
        expect(page.get_by_test_id("swap")).to_have_attribute("data-state", "asked", timeout=SLOW_MS)
        expect(page.get_by_test_id("copy-week")).to_have_count(0)           # a reader does not plan
    for login, state in (("day", "agreed"), ("head", "done")):
        with page_of(room.browser, room.gateway.url, viewport=DESKTOP) as page:
            log_in(page, login)
            open_next_week(page)
            page.get_by_test_id("swap-agree").click()
            expect(page.get_by_test_id("swap")).to_have_attribute("data-state", state, timeout=SLOW_MS)
            if login == "head":
                expect(night_of(page)).to_have_count(0, timeout=SLOW_MS)


def test_a_reader_goes_off_and_an_administrator_sets_skills_and_agreements(room: Room):
    with page_of(room.browser, room.gateway.url, viewport=DESKTOP) as page:
        log_in(page, "night")
        page.goto("/roster")
        expect(page.get_by_test_id("presence-present")).to_have_attribute("aria-pressed", "true", timeout=SLOW_MS)
        page.get_by_test_id("presence-off").click()
        page.get_by_test_id("off-now").click()
        expect(page.get_by_test_id("presence-off")).to_have_attribute("aria-pressed", "true", timeout=SLOW_MS)
    with page_of(room.browser, room.gateway.url, viewport=DESKTOP, locale="en-GB") as page:
        log_in(page, "boss")
        page.goto("/roster/readers")
        row = page.get_by_test_id("admin-row").filter(has_text="演示夜班医师")
        row.get_by_test_id("change-profile").click(timeout=SLOW_MS)
        page.get_by_test_id("profile-grade").select_option("write")
        page.get_by_test_id("profile-modalities").fill("dx, ct")
        page.get_by_test_id("form-save").click()
        expect(row).to_contain_text("DX CT", timeout=SLOW_MS)
        shoot(page, "readers")
        check_for_everybody(page, "the readers")
        page.goto("/roster/agreements")
        page.get_by_test_id("add-agreement").click(timeout=SLOW_MS)
        page.get_by_test_id("agreement-requesting").select_option(label="演示羊昌卫生院")
        page.get_by_test_id("agreement-reading").select_option(label="演示县医院")
        page.get_by_test_id("agreement-number").fill("协〔2026〕3号")
        page.get_by_test_id("agreement-from").fill("2026-01-01")
        page.get_by_test_id("agreement-until").fill((datetime.now(SHANGHAI) + timedelta(days=20)).date().isoformat())
        page.get_by_test_id("form-save").click()
        row = page.get_by_test_id("admin-row").filter(has_text="协〔2026〕3号")
        expect(row).to_be_visible(timeout=SLOW_MS)
        shoot(page, "agreements")
        page.get_by_test_id("account").click()
        page.get_by_text("English").click()
        expect(page.get_by_text("ends soon")).to_be_visible()
        page.goto("/roster")
        expect(page.get_by_text("Nobody on duty").first).to_be_visible(timeout=SLOW_MS)
        check_for_everybody(page, "the agreements")
        shoot(page, "english")


def test_the_reading_site_declines_a_film_and_the_clinic_reads_why_and_what_is_missing(room: Room):
    with page_of(room.browser, room.gateway.url, viewport=DESKTOP) as page:
        log_in(page, "head")
        page.get_by_test_id("worklist-row").first.click(timeout=SLOW_MS)
        page.keyboard.press("Enter")
        missing = page.get_by_test_id("missing")
        expect(missing).to_have_attribute("data-missing", re.compile("^consent"), timeout=SLOW_MS)
        shoot(page, "reading")
        page.get_by_test_id("decline").click()
        page.locator("textarea").last.fill("本中心不承接此类检查")
        page.get_by_test_id("confirm-reason").click()
        expect(page.get_by_test_id("reading")).to_have_attribute("data-state", "given_up", timeout=SLOW_MS)
    with page_of(room.browser, room.gateway.url, viewport={"width": 390, "height": 844}) as page:
        log_in(page, "clinic")
        expect(page.get_by_test_id("declined")).to_contain_text("本中心不承接此类检查", timeout=SLOW_MS)
        expect(page.get_by_test_id("missing")).to_be_visible()
        shoot(page, "clinic")
