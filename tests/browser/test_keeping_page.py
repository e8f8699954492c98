"""The keeping page: seal, lengthen, ask and approve as two administrators, by keyboard, in both languages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import chromium, page_of
from tests.support.clinic_county import PASSWORD
from tests.support.kept_studies import add_old_study
from tests.support.reading_room import SLOW_MS, log_in
from tests.support.running_gateway import RunningGateway
from tests.support.stores import open_parts

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "reading_ui" / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP = {"width": 1280, "height": 900}


@dataclass(frozen=True)
class Desk:
    gateway: RunningGateway
    browser: Browser


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A gateway with two administrators, two studies of long ago, and a second copy."""
    folder = tmp_path_factory.mktemp("keeping")
    second = {"READING_GATEWAY_SECOND_COPY_DIR": str(folder / "second")}
    with RunningGateway(folder / "var", second) as gateway:
        gateway.command("site", "add", "yangchang", "--name", "演示羊昌卫生院")
        for login, name in (("admin-one", "演示管理员甲"), ("admin-two", "演示管理员乙")):
            gateway.command("user", "add", login, "--name", name, "--grant", "admin@all", "--password-stdin",
                            input=f"{PASSWORD}\n")
    asyncio.run(_furnish(folder / "var"))
    with RunningGateway(folder / "var", second) as gateway, chromium() as browser:
        yield Desk(gateway, browser)


async def _furnish(data_dir: Path) -> None:
    from gateway.main import utc_now
    async with open_parts(data_dir, clock=utc_now) as parts:
        for name in ("演示陈旧一", "演示陈旧二"):
            await add_old_study(parts, "yangchang", name)


def study_row(page: Page, name: str):
    return page.get_by_test_id("admin-row").filter(has_text=name)


def sideways(page: Page, test_id: str) -> int:
    """How many pixels of the table with this button lie out of sight."""
    frame = page.locator(".table-frame").filter(has=page.get_by_test_id(test_id))
    return int(frame.evaluate("box => box.scrollWidth - box.clientWidth"))


def check_for_everybody(page: Page, what: str) -> None:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})")
    faults = [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found["violations"]]
    assert not faults, f"{what}: {faults}"
    sideways = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    assert sideways <= 0, f"{what} scrolls sideways by {sideways} px"


def photograph(page: Page, name: str) -> None:
    folder = Path("var/pictures")
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", full_page=False)
    page.get_by_test_id("admin").locator(".admin-body").evaluate("body => { body.scrollTop = body.scrollHeight; }")
    page.screenshot(path=folder / f"{name}-below.png")


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_the_page_is_open_to_everybody_in_both_languages(desk: Desk, locale: str) -> None:
    with page_of(desk.browser, desk.gateway.url, viewport=DESKTOP, locale=locale) as page:
        page.goto("/login")
        if locale == "en":
            page.get_by_test_id("login-form").locator("button[lang=en]").click()
        log_in(page, "admin-one")
        page.goto("/admin/keeping")
        expect(page.get_by_test_id("space-room")).to_be_visible(timeout=SLOW_MS)
        expect(study_row(page, "演示陈旧一")).to_be_visible(timeout=SLOW_MS)
        assert sideways(page, "seal") <= 0, "every act is within sight at 1280 px"
        check_for_everybody(page, f"keeping {locale}")
        photograph(page, f"keeping-{locale}")


def test_two_administrators_seal_release_and_delete_by_keyboard(desk: Desk) -> None:
    with page_of(desk.browser, desk.gateway.url, viewport=DESKTOP) as page:
        log_in(page, "admin-one")
        page.goto("/admin/keeping")
        row = study_row(page, "演示陈旧一")
        expect(row.get_by_test_id("standing")).to_have_text("可以申请删除", timeout=SLOW_MS)
        row.get_by_test_id("seal").focus()
        page.keyboard.press("Enter")
        page.keyboard.type("演示家属")
        page.get_by_test_id("reason").fill("医疗纠纷")
        page.get_by_test_id("form-save").press("Enter")
        expect(row.get_by_test_id("standing")).to_have_text("已封存", timeout=SLOW_MS)
        expect(row.get_by_test_id("ask-deletion")).to_have_count(0)
        with page.expect_download() as manifest:
            page.get_by_test_id("manifest").click()
        assert "reading-gateway-seal-1" in Path(manifest.value.path()).read_text(encoding="utf-8")
        page.get_by_test_id("release").press("Enter")
        page.keyboard.type("调解结束")
        page.get_by_test_id("form-save").press("Enter")
        expect(page.get_by_test_id("release")).to_have_count(0, timeout=SLOW_MS)

        page.get_by_test_id("find-study").fill("演示陈旧二")
        page.keyboard.press("Enter")
        expect(study_row(page, "演示陈旧一")).to_have_count(0, timeout=SLOW_MS)
        study_row(page, "演示陈旧二").get_by_test_id("ask-deletion").press("Enter")
        page.keyboard.type("保存期满")
        page.get_by_test_id("form-save").press("Enter")
        expect(page.get_by_test_id("deletion-state")).to_have_text("待另一位管理员同意", timeout=SLOW_MS)
        expect(page.get_by_test_id("approve-deletion")).to_have_count(0)

        page.get_by_test_id("lengthen-outpatient").press("Enter")
        page.get_by_test_id("years").fill("20")
        page.get_by_test_id("form-save").press("Enter")
        expect(page.get_by_test_id("admin-row").filter(has_text="门诊").filter(has_text="20 年")).to_have_count(
            1, timeout=SLOW_MS)
    with page_of(desk.browser, desk.gateway.url, viewport=DESKTOP) as page:
        log_in(page, "admin-two")
        page.goto("/admin/keeping")
        page.get_by_test_id("approve-deletion").press("Enter", timeout=SLOW_MS)
        page.get_by_test_id("form-save").press("Enter")
        expect(page.get_by_test_id("deletion-state")).to_have_text("已同意，等待中", timeout=SLOW_MS)
        standing = study_row(page, "演示陈旧二").get_by_test_id("standing")
        expect(standing).to_have_text("已同意，等待中", timeout=SLOW_MS)
        assert sideways(page, "withdraw-deletion") <= 0
        photograph(page, "keeping-deletion")
        page.get_by_test_id("withdraw-deletion").press("Enter")
        page.keyboard.type("再想想")
        page.get_by_test_id("form-save").press("Enter")
        expect(page.get_by_test_id("deletion-state")).to_have_text("已撤回", timeout=SLOW_MS)
