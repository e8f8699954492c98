"""An administrator settles where studies come from, by keyboard, in two languages; the device form (A7, J4)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_demo_screens import check_for_everybody, photograph
from tests.support import dicom_builders as build
from tests.support import reading_room as room
from tests.support.browser import chromium, page_of
from tests.support.certificates import Authority
from tests.support.clinic_county import SITE, log_in, readings, set_up, storescu, wait_for
from tests.support.running_gateway import RunningGateway

pytestmark = pytest.mark.browser

SMALL = {"width": 1280, "height": 800}
OTHER = "测试河西卫生院"


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningGateway, Browser]]:
    """A relay that nobody wrote rules for, and a device whose images name another clinic."""
    folder = tmp_path_factory.mktemp("origins")
    with RunningGateway(folder / "var", {"READING_GATEWAY_QUIET_PERIOD_S": "0.2"}) as gateway, chromium() as browser:
        set_up(gateway)
        gateway.command("site", "add", "hexi", "--name", OTHER, "--name-en", "Test Hexi")
        gateway.command("device", "add", "RELAY", "--site", SITE, "--name", "县医共体前置机", "--relay")
        _send(gateway, folder / "relayed", "Test^Relay=测试转发", "羊昌分院放射科", calling="RELAY")
        _send(gateway, folder / "contrary", "Test^Contrary=测试矛盾", OTHER)
        yield gateway, browser


def _send(gateway: RunningGateway, folder: Path, name: str, institution: str,
          calling: str = "DR_YANGCHANG") -> None:
    patient = build.Patient(f"P-{folder.name}", name.encode("gb18030"), character_set=b"GB18030")
    film = build.dx_image(patient=patient, StudyDescription="CHEST PA")
    film = build.with_text(film, 0x00080080, institution.encode("gb18030"))
    storescu(gateway, *build.write_all(folder, [film]), calling=calling)


def test_the_queue_shows_the_evidence_and_a_person_settles_it_by_keyboard(
        county: tuple[RunningGateway, Browser]) -> None:
    gateway, browser = county
    for language in ("zh", "en"):
        with page_of(browser, gateway.url, viewport=SMALL) as page:
            room.log_in(page, "admin")
            _speak(page, language)
            page.goto("/admin/origins")
            expect(page.get_by_test_id("waiting-origin")).to_have_count(2, timeout=room.SLOW_MS)
            check_for_everybody(page, f"origins {language}")
            photograph(page, f"admin-origins-{language}")
    assert _clinic_sees(gateway) == [], "no clinic sees what may be another's"
    with page_of(browser, gateway.url, viewport=SMALL) as page:
        room.log_in(page, "admin")
        page.goto("/admin/origins")
        contrary = page.get_by_test_id("waiting-origin").filter(has_text="测试矛盾")
        expect(contrary.get_by_test_id("evidence")).to_have_count(2, timeout=room.SLOW_MS)
        choice = contrary.get_by_test_id("it-is").filter(has_text=OTHER)
        choice.focus()
        page.keyboard.press("Enter")
        page.get_by_test_id("settle-reason").focus()
        page.keyboard.type("已电话核实")
        photograph(page, "admin-origins-settle")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("waiting-origin")).to_have_count(1, timeout=room.SLOW_MS)
        _writes_a_rule(page)
        expect(page.get_by_test_id("waiting-origin")).to_have_count(0, timeout=room.SLOW_MS)
        photograph(page, "admin-origins-rules")
    wait_for(lambda: len(readings(log_in(gateway, "writer"), gateway)) == 2 or None)
    assert _clinic_sees(gateway) == ["测试转发"], "the clinic sees its own now"
    with page_of(browser, gateway.url, viewport=SMALL) as page:
        room.log_in(page, "writer")
        _open_why(page, "测试矛盾")
        expect(page.get_by_test_id("why-origin")).to_contain_text(OTHER)
        expect(page.get_by_test_id("why-origin")).to_contain_text("人工确认")
        photograph(page, "reading-origin")


def test_a_reader_says_whose_an_emergency_is_and_an_administrator_puts_it_right(
        county: tuple[RunningGateway, Browser], tmp_path: Path) -> None:
    gateway, browser = county
    _send(gateway, tmp_path / "night", "Test^Night=测试夜班", OTHER)
    wait_for(lambda: [row for row in readings(log_in(gateway, "writer"), gateway)
                      if row["patient"]["name"]["display"] == "测试夜班"] or None)
    with page_of(browser, gateway.url, viewport=SMALL) as page:
        room.log_in(page, "writer")
        room.open_from_worklist(page, "测试夜班")
        expect(page.get_by_test_id("origin-open")).to_be_visible(timeout=room.SLOW_MS)
        photograph(page, "reading-origin-open")
        page.get_by_test_id("say-origin").click()
        page.get_by_test_id("origin-site").select_option(label=OTHER)
        page.get_by_test_id("origin-reason").fill("已电话报告，对方确认")
        photograph(page, "reading-origin-dialog")
        page.get_by_test_id("origin-confirm").click()
        expect(page.get_by_test_id("origin-open")).to_have_count(0, timeout=room.SLOW_MS)
    assert "测试夜班" not in _clinic_sees(gateway)
    with page_of(browser, gateway.url, viewport=SMALL) as page:
        room.log_in(page, "admin")
        page.goto("/admin/origins")
        row = page.get_by_test_id("admin-row").filter(has_text="测试夜班")
        expect(row).to_contain_text("已电话报告", timeout=room.SLOW_MS)
        row.get_by_test_id("move-origin").click()
        page.get_by_test_id("site").select_option(SITE)
        page.get_by_test_id("settle-reason").fill("说错了，是羊昌的")
        photograph(page, "admin-origins-move")
        page.get_by_test_id("form-save").click()
        expect(page.get_by_test_id("form-dialog")).to_have_count(0, timeout=room.SLOW_MS)
        expect(row).to_contain_text("说错了", timeout=room.SLOW_MS)
    assert "测试夜班" in _clinic_sees(gateway)


def _clinic_sees(gateway: RunningGateway) -> list[str]:
    answer = log_in(gateway, "clinic").get(f"{gateway.url}/api/clinic/studies", timeout=30)
    return [row["patient"]["name"]["display"] for row in answer.json()["items"]]


def _speak(page: Page, language: str) -> None:
    page.evaluate(f"localStorage.setItem('reading-gateway.language', '{language}')")


def _open_why(page: Page, patient: str) -> None:
    room.open_from_worklist(page, patient)
    page.get_by_test_id("why").click()
    expect(page.get_by_test_id("why-origin")).to_be_visible(timeout=room.SLOW_MS)


def _writes_a_rule(page: Page) -> None:
    page.get_by_test_id("write-rule").click()
    row = page.get_by_test_id("relay-rule")
    expect(row.get_by_test_id("rule-text")).to_have_value("羊昌分院放射科")
    row.get_by_test_id("rule-site").select_option(SITE)
    page.get_by_test_id("try-text").fill("羊昌分院 放射科")
    page.get_by_test_id("try-text").press("Enter")
    expect(page.get_by_test_id("try-result")).to_contain_text("测试羊昌卫生院", timeout=room.SLOW_MS)
    page.get_by_test_id("try-text").fill("别的医院")
    page.get_by_test_id("try-rules").click()
    expect(page.get_by_test_id("try-result")).to_contain_text("没有规则符合")
    page.get_by_test_id("save-rules").click()


def test_the_device_form_holds_every_field(county: tuple[RunningGateway, Browser], tmp_path: Path) -> None:
    gateway, browser = county
    issued = Authority(tmp_path / "pki").issue("Demo DR")
    for language in ("zh", "en"):
        with page_of(browser, gateway.url, viewport=SMALL) as page:
            room.log_in(page, "admin")
            _speak(page, language)
            page.goto("/admin/devices")
            row = page.get_by_test_id("admin-row").filter(has_text="DR_YANGCHANG")
            row.get_by_role("button", name="修改" if language == "zh" else "Change").click()
            page.get_by_test_id("device-port").fill("11112")
            page.get_by_test_id("device-certificate").fill(issued.certificate_file.read_text())
            check_for_everybody(page, f"device form {language}")
            photograph(page, f"admin-device-{language}")
            page.get_by_test_id("form-save").click()
            expect(page.get_by_test_id("form-dialog")).to_have_count(0, timeout=room.SLOW_MS)
    device = gateway.command("device", "show", "DR_YANGCHANG")
    assert (device["port"], device["certificate_sha256"], device["modality"]) == (11112, issued.sha256, "DX")


def test_a_system_that_sends_hl7_is_registered_and_changed_on_its_page(
        county: tuple[RunningGateway, Browser]) -> None:
    gateway, browser = county
    with page_of(browser, gateway.url, viewport=SMALL) as page:
        room.log_in(page, "admin")
        page.goto("/admin/partners")
        page.get_by_role("button", name="新增").click()
        page.get_by_test_id("partner-name").fill("测试县医院HIS")
        page.get_by_test_id("partner-facility").fill("TESTHIS")
        page.get_by_test_id("site").select_option(SITE)
        check_for_everybody(page, "partner form")
        photograph(page, "admin-partner-form")
        page.get_by_test_id("form-save").click()
        row = page.get_by_test_id("admin-row").filter(has_text="TESTHIS")
        expect(row).to_contain_text("测试县医院HIS", timeout=room.SLOW_MS)
        photograph(page, "admin-partners")
        row.get_by_role("button", name="修改").click()
        page.get_by_test_id("partner-name").fill("测试县医院新HIS")
        page.get_by_test_id("form-save").click()
        expect(row).to_contain_text("测试县医院新HIS", timeout=room.SLOW_MS)
    [partner] = log_in(gateway, "admin").get(f"{gateway.url}/api/admin/hl7-partners", timeout=30).json()
    assert (partner["facility"], partner["site_id"], partner["character_set"]) == ("TESTHIS", SITE, "UTF-8")
