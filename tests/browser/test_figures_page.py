"""The figures of reading as a head sees them: stages, months, hours, indicators, table and file, in zh and en."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.core.clocks import default_minutes
from gateway.core.due_times import examination_class
from gateway.services.ports import Parts
from storage.model import Priority, ReadingState, Report, ReportState, ReportText, Role, new_id
from storage.model.clocks import ReadingClock, Stage
from tests.support.browser import chromium, page_of
from tests.support.clinic_county import PASSWORD
from tests.support.reading_room import SLOW_MS, log_in
from tests.support.running_gateway import RunningGateway
from tests.support.stores import ManualClock, open_parts
from tests.support.web import add_person, add_site, build_exam, put_exam

pytestmark = pytest.mark.browser

DESK = {"width": 1280, "height": 900}
STUDIES = 150
SITES = {"yangchang": "演示羊昌卫生院", "shuitian": "演示水田卫生院", "xiaba": "演示下坝卫生院"}


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningGateway, Browser]]:
    """Three months of three clinics, as if they had been read."""
    folder = tmp_path_factory.mktemp("figures") / "var"
    asyncio.run(_fill(folder))
    with RunningGateway(folder) as gateway, chromium() as browser:
        gateway.command("user", "add", "head", "--name", "演示主任", "--grant", "reviewer@all", "--password-stdin",
                        input=f"{PASSWORD}\n")
        yield gateway, browser


async def _fill(folder: Path) -> None:
    clock = ManualClock(datetime.now(UTC) - timedelta(days=75))
    chance = random.Random(7)
    async with open_parts(folder, clock=clock) as parts:
        for site_id, name in SITES.items():
            await add_site(parts, site_id, name)
        writers = [(await add_person(parts, login, (Role.READER, None), name=name)).id
                   for login, name in (("one", "演示甲医师"), ("two", "演示乙医师"))]
        for _ in range(STUDIES):
            clock.advance(75 * 86_400 / STUDIES * chance.uniform(0.9, 1.0))
            await _put(parts, chance, writers)


async def _put(parts: Parts, chance: random.Random, writers: list[str]) -> None:
    modality = chance.choice(("DX", "DX", "CT", "US", "ECG", "ECG"))
    priority = chance.choices((Priority.ROUTINE, Priority.EMERGENCY), (8, 1))[0]
    exam, _ = build_exam(parts, chance.choice(list(SITES)), modality=modality, priority=priority,
                         state=ReadingState.FINAL)
    exam = replace(exam, instance=replace(exam.instance, object_sha256=new_id()))
    at = exam.study.completed_at
    assert at is not None
    minutes = default_minutes(examination=examination_class(modality, ""), priority=priority, review_minutes=60)
    signed_at = at + timedelta(minutes=chance.lognormvariate(3.4, 0.6))
    spent = {Stage.ARRIVE: chance.uniform(0.1, 2), Stage.CLAIM: chance.uniform(1, 20), Stage.WRITE: 15,
             Stage.RETURN: chance.uniform(0.01, 0.1), Stage.OPEN: chance.lognormvariate(4, 1)}
    clocks = [ReadingClock(exam.reading.id, exam.study.id, stage, began, began + timedelta(minutes=minutes[stage]),
                           signed_at if stage is Stage.REVIEW else began + timedelta(minutes=spent[stage]))
              for stage in Stage for began in (signed_at if stage in (Stage.RETURN, Stage.OPEN) else at,)]
    text = ReportText("", "所见", "意见", is_positive=chance.random() < 0.4, is_critical=chance.random() < 0.05)
    report = Report(new_id(), exam.reading.id, exam.study.id, exam.study.site_id, 1, ReportState.FINAL, text, "",
                    chance.choice(writers), at, None, "head", signed_at, "0" * 64, None, None, None, (), 1, at)

    def add(tx):
        put_exam(tx, exam)
        tx.clocks.put(clocks)
        tx.reports.add(report)

    await parts.database.write(add)


def shoot(page: Page, name: str) -> None:
    """Keep a picture to look at, where a folder for them is named."""
    folder = os.environ.get("READING_GATEWAY_SHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"figures-{name}.png", full_page=True)


def test_a_head_sees_how_long_things_take_who_reads_and_what_is_asked_for_and_takes_it_away(county) -> None:
    gateway, browser = county
    with page_of(browser, gateway.url, viewport=DESK) as page:
        log_in(page, "head")
        page.goto("/quality")
        page.get_by_role("link", name="阅片指标").click()
        stages = page.get_by_test_id("stage-bars")
        expect(stages).to_be_visible(timeout=SLOW_MS)
        expect(stages.locator("li")).to_have_count(6)
        expect(page.get_by_test_id("figures-table").locator("tbody tr")).to_have_count(len(SITES))
        expect(page.get_by_test_id("figures-table").locator("tfoot td").first).to_have_text(str(STUDIES))
        seen = page.request.get("/api/figures").json()
        emergencies = page.get_by_test_id("indicators").locator('tr[data-code="RRC-02"] td').last
        (now,) = [one for one in seen["indicators"] if one["code"] == "RRC-02"]
        if now["denominator"]:
            expect(emergencies).to_contain_text(f"{now['numerator']} / {now['denominator']}")
        shoot(page, "sites")
        page.get_by_test_id("figures-per").select_option("reader")
        expect(page.get_by_test_id("figures-table").locator("tbody")).to_contain_text("演示甲医师")
        with page.expect_download() as download:
            page.get_by_test_id("figures-csv").click()
        data = Path(download.value.path()).read_bytes()
        assert data.startswith(b"\xef\xbb\xbf")
        assert "演示乙医师" in data.decode("utf-8-sig")


def test_the_same_page_speaks_english_and_says_when_there_is_nothing_to_count(county) -> None:
    gateway, browser = county
    with page_of(browser, gateway.url, viewport=DESK) as page:
        log_in(page, "head")
        page.evaluate("localStorage.setItem('reading-gateway.language', 'en')")
        page.goto("/figures")
        expect(page.get_by_role("heading", name="Figures of reading")).to_be_visible(timeout=SLOW_MS)
        expect(page.get_by_test_id("hour-rows")).to_be_visible()
        shoot(page, "english")
        page.get_by_test_id("figures-from").fill("2020-01")
        page.get_by_test_id("figures-to").fill("2020-02")
        expect(page.get_by_text("No study was complete in this time.")).to_be_visible(timeout=SLOW_MS)
