"""A head of department changes who reads after 18:00, by a form, and it comes into force so (D1, D6, J1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_demo_screens import check_for_everybody, photograph
from tests.support import dicom_builders as build
from tests.support import reading_room as room
from tests.support.browser import chromium, page_of
from tests.support.clinic_county import PASSWORD, SITE, add_user, log_in, storescu, wait_for
from tests.support.running_gateway import RunningGateway

pytestmark = pytest.mark.browser

SMALL = {"width": 1280, "height": 800}
RULES = """\
format: 1
title: 演示县域阅片规则 / Demo county rules

groups:
  imaging:
    name: 白班影像组
    name_en: Day readers
    members: [writer, reviewer]
  duty:
    name: 晚间值班组
    name_en: Duty group
    members: [reviewer]      # 夜里只有一位

fallback:
  group: imaging

rules:
  # 主任办公会定的,改之前先打电话
  - name: 晚间 DR / DR in the evening
    when:
      - arrival.hour >= 23
      - study.modality == "DX"   # 只看 DR
    then:
      group: duty
      due_minutes: 60

  - name: 儿童优先 / children first
    when:
      - patient.age_years < 14.0
    then:
      priority: urgent
      tags: [儿童]

  - name: 影像 / imaging
    when:
      - study.kind == "image"
    then:
      group: imaging
"""


@dataclass(frozen=True)
class Office:
    gateway: RunningGateway
    browser: Browser
    folder: Path
    head: requests.Session
    first: int                 # version in force at the start

    def send_film(self, name: str) -> str:
        """A chest film arrives now; returns the group that it went to."""
        person = build.Patient(f"P-{name}", f"Test^{name}".encode())
        film = build.dx_image(patient=person, StudyDescription="CHEST PA")
        storescu(self.gateway, *build.write_all(self.folder / name, [film]))
        asked = f"{self.gateway.url}/api/rules/studies"

        def group() -> str | None:
            found = self.head.get(asked, params={"q": f"P-{name}"}, timeout=30).json()
            return found[0]["group"] or None if found else None
        return wait_for(group, why=f"{name} is not routed")


def zone_of_evening() -> str:
    """A zone in which it is between 20:00 and 21:00 now: "after 18:00" then holds whenever this runs."""
    ahead = 20 - datetime.now(UTC).hour
    ahead = ahead - 24 if ahead > 14 else ahead
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A county in the evening whose alliance wants a second person for new rules."""
    folder = tmp_path_factory.mktemp("rules")
    with RunningGateway(folder / "var", {
        "READING_GATEWAY_QUIET_PERIOD_S": "0.2", "READING_GATEWAY_TIME_ZONE": zone_of_evening(),
        "READING_GATEWAY_RULES_NEED_APPROVAL": "1",
    }) as gateway, chromium() as browser:
        add_user(gateway, "head", "测试科主任", "", ["--grant", "admin@all"])
        head = log_in(gateway, "head")
        for path, body in _furniture():
            send(head, gateway, f"admin/{path}", body)
        found = send(head, gateway, "rules/versions", {"source": RULES, "note": "第一版"})
        send(log_in(gateway, "deputy"), gateway, f"rules/versions/{found['version']}/approve", {})
        yield Office(gateway, browser, folder, head, found["version"])


def send(session: requests.Session, gateway: RunningGateway, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = session.post(f"{gateway.url}/api/{path}", json=body, timeout=30)
    assert answer.ok, f"{path}: {answer.text}"
    told: dict[str, Any] = answer.json()
    return told


def _furniture() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "sites", {"id": SITE, "name": "测试羊昌卫生院", "name_en": "Test Yangchang", "kind": "township"}
    yield "devices", {"site_id": SITE, "name": "DR 1室", "ae_title": "DR_YANGCHANG", "modality": "DX"}
    for login, name, role in (("deputy", "测试副院长", "admin"), ("writer", "测试书写医师", "reader"),
                              ("reviewer", "测试审核医师", "reviewer")):
        yield "users", {"login": login, "display_name": name, "password": PASSWORD,
                        "grants": [{"role": role, "site_id": None}]}


def open_rules(page: Page, login: str, language: str = "zh", view: str = "edit") -> None:
    page.goto("/login")
    if language == "en":
        page.get_by_test_id("login-form").locator("button[lang=en]").click()
    room.log_in(page, login)
    page.goto(f"/admin/rules?view={view}")
    expect(page.get_by_test_id("rules-page")).to_be_visible(timeout=room.SLOW_MS)


def settled(page: Page, *, has_errors: bool = False) -> None:
    """`check` has answered for the text as it is now."""
    states = re.compile("errors" if has_errors else "fine|warnings")
    expect(page.get_by_test_id("check-state")).to_have_attribute("data-state", states, timeout=room.SLOW_MS)


def test_the_head_changes_the_hour_by_the_form_the_deputy_approves_and_films_go_so(office: Office) -> None:
    assert office.send_film("before") == "imaging"
    made = office.first + 1
    with page_of(office.browser, office.gateway.url, viewport=SMALL) as page:
        open_rules(page, "head")
        cards = page.get_by_test_id("rule-card")
        expect(cards).to_have_count(3, timeout=room.SLOW_MS)
        settled(page)
        check_for_everybody(page, "rules form zh")
        photograph(page, "rules-form-zh")
        expect(cards.first.get_by_test_id("rule-sentence")).to_contain_text("每天 23:00 以后")
        cards.first.get_by_test_id("rule-change-it").focus()
        page.keyboard.press("Enter")
        hour = page.get_by_test_id("condition-row").first.get_by_test_id("condition-value")
        hour.select_option(label="18:00")
        expect(page.get_by_test_id("rule-reads")).to_contain_text(
            "每天 18:00 以后（到 24:00）到达，并且检查类型是 DR（DX） → 值班组“晚间值班组”")
        photograph(page, "rules-form-dialog-zh")
        check_for_everybody(page, "rule dialog zh")
        page.get_by_test_id("rule-save").click()
        sentence = cards.first.get_by_test_id("rule-sentence")
        expect(sentence).to_contain_text("每天 18:00 以后（到 24:00）到达", timeout=room.SLOW_MS)
        expect(page.get_by_test_id("rules-bar")).to_have_attribute("data-state", "changed")
        page.get_by_test_id("rules-activate").click()
        expect(page.get_by_test_id("rule-change")).to_have_count(1, timeout=room.SLOW_MS)
        expect(page.get_by_test_id("rules-lately")).to_contain_text("都有人接", timeout=room.SLOW_MS)
        page.get_by_test_id("rules-note").fill("夏季作息，18:00 起由值班组看")
        photograph(page, "rules-propose-zh")
        expect(page.get_by_test_id("rules-confirm-now")).to_be_enabled(timeout=room.SLOW_MS)
        page.get_by_test_id("rules-confirm-now").click()
        expect(page.get_by_test_id("rules-done")).to_contain_text("等待另一位管理员审批", timeout=room.SLOW_MS)
        page.goto(f"/admin/rules?view=versions&version={made}")
        expect(page.get_by_test_id("version-detail")).to_be_visible(timeout=room.SLOW_MS)
        expect(page.get_by_test_id("version-approve")).to_have_count(0)
    assert office.send_film("waiting") == "imaging", "what waits for approval is not in force"
    with page_of(office.browser, office.gateway.url, viewport=SMALL) as page:
        open_rules(page, "deputy")
        page.get_by_test_id("rules-waiting").locator("a").click()
        expect(page.get_by_test_id("rule-change")).to_have_count(1, timeout=room.SLOW_MS)
        photograph(page, "rules-approve-zh")
        check_for_everybody(page, "rules versions zh")
        page.get_by_test_id("version-approve").click()
        row = page.locator(f'[data-testid="version-row"][data-version="{made}"]')
        expect(row).to_have_attribute("data-state", "active", timeout=room.SLOW_MS)
        expect(row).to_contain_text("测试副院长")
    assert office.send_film("after") == "duty"
    source = office.head.get(f"{office.gateway.url}/api/rules/versions/{made}", timeout=30).json()["source"]
    assert source == RULES.replace("arrival.hour >= 23", "arrival.hour >= 18"), "comments and layout stay"


def test_the_text_completes_facts_underlines_a_wrong_one_at_its_place_and_keeps_the_draft(office: Office) -> None:
    with page_of(office.browser, office.gateway.url, viewport=SMALL) as page:
        open_rules(page, "head")
        settled(page)
        page.get_by_test_id("rules-mode-text").click()
        editor = page.get_by_test_id("rules-editor")
        expect(editor.locator(".cm-content")).to_contain_text("主任办公会定的", timeout=room.SLOW_MS)
        line = editor.locator(".cm-line", has_text="study.kind")
        line.click()
        page.keyboard.press("End")
        page.keyboard.press("Enter")
        page.keyboard.type("- 性别")
        options = editor.locator(".cm-tooltip-autocomplete li")
        expect(options).to_have_count(1)
        expect(options).to_contain_text("patient.sex患者性别")
        photograph(page, "rules-completion-zh")
        page.keyboard.press("Enter")
        expect(editor.locator(".cm-line", has_text="patient.sex")).to_have_text("      - patient.sex")
        page.keyboard.type(' == "')
        expect(options.filter(has_text="F")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.type('F"')
        expect(editor.locator(".cm-line", has_text="patient.sex")).to_have_text('      - patient.sex == "F"')
        settled(page)
        page.keyboard.press("Enter")
        page.keyboard.type('- study.modalty == "DX"')
        page.keyboard.press("Escape")
        settled(page, has_errors=True)
        expect(editor.locator(".cm-lintRange-error")).to_have_text("study.modalty")
        problem = page.locator('[data-testid="rules-problem"][data-warning="false"]')
        expect(problem).to_contain_text("是不是 study.modality")
        number = RULES[:RULES.index('study.kind == "image"')].count("\n") + 3
        expect(problem).to_contain_text(f"第 {number} 行第 9 列")
        page.keyboard.press("Control+Home")
        page.keyboard.press("F8")
        expect(editor.locator(".cm-activeLine", has_text="study.modalty")).to_have_count(1)
        expect(page.get_by_test_id("rules-activate")).to_be_enabled()
        check_for_everybody(page, "rules text zh")
        photograph(page, "rules-text-zh")
        page.get_by_test_id("rules-activate").click()
        expect(page.get_by_test_id("rules-confirm-now")).to_be_disabled()
        page.keyboard.press("Escape")
        page.on("dialog", lambda asked: asked.accept())
        page.reload()
        expect(page.get_by_test_id("rules-found")).to_be_visible(timeout=room.SLOW_MS)
        settled(page, has_errors=True)
        page.locator("nav a[href='/admin/devices']").click()
        expect(page.get_by_test_id("rules-leave")).to_be_visible()
        page.keyboard.press("Escape")
        page.get_by_test_id("rules-discard").click()
        page.get_by_test_id("rules-discard-now").click()
        settled(page)
        expect(page.get_by_test_id("rules-bar")).to_have_attribute("data-state", "unchanged")
        page.get_by_test_id("rules-mode-text").click()
        with page.expect_download() as out:
            page.get_by_test_id("rules-file-out").click()
        taken = Path(out.value.path()).read_text(encoding="utf-8")
        assert "# 主任办公会定的,改之前先打电话" in taken
        page.get_by_test_id("rules-file-in").set_input_files(
            {"name": "rules.yaml", "mimeType": "text/yaml", "buffer": taken.replace("儿童优先", "小儿优先").encode()})
        expect(editor.locator(".cm-content")).to_contain_text("小儿优先")
        page.get_by_test_id("rules-undo").click()
        expect(page.get_by_test_id("rules-bar")).to_have_attribute("data-state", "unchanged")


def test_a_draft_is_tried_on_a_study_and_simulated_with_pictures_before_anybody_activates_it(office: Office) -> None:
    office.send_film("picked")
    with page_of(office.browser, office.gateway.url, viewport=SMALL, accept_downloads=True) as page:
        open_rules(page, "head", "en")
        cards = page.get_by_test_id("rule-card")
        expect(cards).to_have_count(3, timeout=room.SLOW_MS)
        photograph(page, "rules-form-en")
        page.get_by_test_id("rule-add").click()
        page.get_by_test_id("rule-name").fill("Chest films of the township")
        page.get_by_test_id("condition-add").click()
        row = page.get_by_test_id("condition-row").nth(1)
        row.get_by_test_id("condition-fact").select_option("site.id")
        expect(row.get_by_test_id("condition-value")).to_have_value(SITE)
        page.get_by_test_id("then-group").select_option("duty")
        page.get_by_test_id("then-priority").select_option("urgent")
        expect(page.get_by_test_id("rule-place")).to_have_value("2")      # before the rule that takes every image
        photograph(page, "rules-form-dialog-en")
        page.get_by_test_id("rule-save").click()
        expect(cards).to_have_count(4, timeout=room.SLOW_MS)
        expect(cards.nth(2)).to_contain_text("sending site is Test Yangchang", timeout=room.SLOW_MS)
        for place in (1, 0):
            settled(page)
            cards.nth(place + 1).get_by_test_id("rule-change-it").press("Alt+ArrowUp")
            expect(cards.nth(place)).to_contain_text("Chest films", timeout=room.SLOW_MS)
        _tries(page)
        _simulates(page)
        page.get_by_test_id("rules-see-difference").click()
        expect(page.get_by_test_id("rule-change").first).to_contain_text("Chest films", timeout=room.SLOW_MS)
        photograph(page, "rules-difference-en")


def _tries(page: Page) -> None:
    page.get_by_test_id("rules-view-try").click()
    page.get_by_test_id("try-search").fill("P-picked")
    expect(page.get_by_test_id("try-study")).to_have_count(1, timeout=room.SLOW_MS)
    page.get_by_test_id("try-study").click()
    trial = page.get_by_test_id("trial")
    expect(trial).to_have_attribute("data-group", "duty", timeout=room.SLOW_MS)
    expect(trial.locator('[data-testid="why-rule"][data-matched="true"]').first).to_contain_text("Chest films")
    grown_up = trial.locator('[data-testid="why-rule"][data-matched="false"]').filter(has_text="children first")
    expect(grown_up).to_contain_text("patient.age_years = ")
    check_for_everybody(page, "rules try en")
    photograph(page, "rules-try-en")


def _simulates(page: Page) -> None:
    page.get_by_test_id("rules-view-simulate").click()
    settled(page)
    page.get_by_test_id("sim-days").select_option("7")
    page.get_by_test_id("sim-start").click()
    result = page.get_by_test_id("sim-result")
    expect(result).to_be_visible(timeout=room.SLOW_MS)
    moved = int(result.get_attribute("data-moved") or 0)
    assert moved >= 1
    expect(page.get_by_test_id("flow")).to_have_count(1)
    expect(page.get_by_test_id("flow").locator("title")).to_have_text(f"Day readers → Duty group: {moved}")
    band = page.get_by_test_id("flow").bounding_box()
    assert band is not None
    assert min(band["width"] / 10, band["height"]) > 20, "the picture is drawn"
    assert page.get_by_test_id("sim-heat").locator("td[class^=heat-]:not(.heat-0):not(.heat-total)").count() >= 2
    check_for_everybody(page, "rules simulate en")
    photograph(page, "rules-simulate-en")
    page.get_by_test_id("sim-heat").scroll_into_view_if_needed()
    photograph(page, "rules-simulate-load-en")
    with page.expect_download() as export:
        page.get_by_test_id("sim-export").click()
    assert f'"moved": {moved}' in Path(export.value.path()).read_text(encoding="utf-8")


def test_the_deputy_refuses_with_a_reason_and_the_head_brings_an_old_version_back(office: Office) -> None:
    asked = send(office.head, office.gateway, "rules/versions", {"source": f"{RULES}# 试一下\n", "note": "试一下"})
    with page_of(office.browser, office.gateway.url, viewport=SMALL) as page:
        open_rules(page, "deputy", view=f"versions&version={asked['version']}")
        page.get_by_test_id("version-refuse").click(timeout=room.SLOW_MS)
        page.keyboard.type("先和村医说好")
        page.get_by_test_id("confirm-reason").click()
        row = page.locator(f'[data-testid="version-row"][data-version="{asked["version"]}"]')
        expect(row).to_have_attribute("data-state", "refused", timeout=room.SLOW_MS)
        expect(row).to_contain_text("测试副院长 拒绝：先和村医说好")
        page.goto("/admin/rules?view=versions&version=1")
        page.get_by_test_id("version-roll-back").click(timeout=room.SLOW_MS)
        page.keyboard.type("先用回原来的")
        page.get_by_test_id("roll-back-now").click()
        newest = page.get_by_test_id("version-row").first
        expect(newest).to_contain_text("恢复第 1 版的内容 先用回原来的", timeout=room.SLOW_MS)
        expect(newest).to_have_attribute("data-state", "awaiting_approval")
        photograph(page, "rules-versions-zh")
