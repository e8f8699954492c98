"""A reader sees the clock of a reading in the list and on its page, and hears of it by the bell (D4)."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.test_demo_screens import check_for_everybody, photograph
from tests.support import dicom_builders as build
from tests.support import reading_room as room
from tests.support.browser import chromium, page_of
from tests.support.clinic_county import set_up, storescu
from tests.support.running_gateway import RunningGateway

pytestmark = pytest.mark.browser

SMALL = {"width": 1280, "height": 800}
RULES = """
format: 1
title: 测试计时
groups:
  imaging: {name: 影像, members: [writer, reviewer]}
fallback: {group: imaging}
rules:
  - name: 急诊胸片
    when: ['study.modality == "DX"']
    then:
      group: imaging
      priority: emergency
      due: {claim: 5, write: 20, review: 30}
      notify: [{who: group, when: routed}]
"""


def test_the_bell_rings_live_and_leads_to_the_reading_with_its_stages(tmp_path: Path) -> None:
    quick = {"READING_GATEWAY_QUIET_PERIOD_S": "0.2"}
    with RunningGateway(tmp_path / "var", quick) as gateway, chromium() as browser:
        set_up(gateway)
        (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
        gateway.command("rules", "activate", str(tmp_path / "rules.yaml"))
        with page_of(browser, gateway.url, viewport=SMALL) as page:
            room.log_in(page, "writer")
            bell = page.get_by_test_id("bell")
            expect(bell).to_have_attribute("data-unread", "0", timeout=room.SLOW_MS)
            film = tmp_path / "film.dcm"
            film.write_bytes(build.dx_image(patient=build.Patient("P-1", b"Test^Clock")))
            storescu(gateway, film)
            expect(bell).to_have_attribute("data-unread", "1", timeout=room.SLOW_MS)      # nobody reloaded
            row = page.get_by_test_id("worklist-row")
            expect(row.get_by_test_id("clock")).to_have_attribute("data-stage", "claim", timeout=room.SLOW_MS)
            expect(row.get_by_test_id("clock")).to_contain_text("认领")
            photograph(page, "clock-in-the-list")
            bell.focus()
            page.keyboard.press("Enter")
            line = page.get_by_test_id("notice")
            expect(line).to_contain_text("新检查已分派")
            expect(line).not_to_contain_text("Clock")
            check_for_everybody(page, "the notices")
            photograph(page, "notices")
            line.focus()
            page.keyboard.press("Enter")
            stages = page.get_by_test_id("stages")
            expect(stages.locator("[data-stage=arrive]")).to_have_attribute("data-state", "met", timeout=room.SLOW_MS)
            expect(stages.locator("[data-stage=claim]")).to_have_attribute("data-state", "pending")
            expect(bell).to_have_attribute("data-unread", "0")
            page.get_by_test_id("claim").click()
            expect(stages.locator("[data-stage=claim]")).to_have_attribute("data-state", "met")
            expect(page.get_by_test_id("identity").get_by_test_id("clock")).to_have_attribute("data-stage", "write")
            photograph(page, "stages")
            check_for_everybody(page, "a reading with its stages")
