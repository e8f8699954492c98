"""The deliveries page shows what devices asked us to commit to; a destination can ask for commitment (B5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support import dicom_builders as dicom
from tests.support.browser import chromium, page_of
from tests.support.clinic_county import set_up
from tests.support.commitment_user import CommitmentUser, references_of
from tests.support.reading_room import SLOW_MS, log_in
from tests.support.running_gateway import RunningGateway

pytestmark = pytest.mark.browser

DESKTOP = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A modality that asked for what is here and for one that is not, was told, and then asked again and left."""
    with RunningGateway(tmp_path_factory.mktemp("commitments") / "var") as running:
        set_up(running, node_port=11999)
        user = CommitmentUser("DR_YANGCHANG")
        user.associate(f"{running.host}:{running.port}")
        data = dicom.ct_slice(1)
        assert user.store(data) == [0]
        user.ask([*references_of(data), (dicom.CT, "1.2.3.404")])
        user.release()
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.mark.parametrize(("language", "counted", "waits"), [
    ("zh", "2（1 个未承诺）", "已核对，等设备接收结果"), ("en", "2 (1 not committed)", "checked, not told yet")])
def test_what_a_device_asked_for_is_listed_with_why_it_waits(gateway, browser, tmp_path: Path, language, counted,
                                                             waits):
    with page_of(browser, gateway.url, viewport=DESKTOP) as page:
        log_in(page, "admin")
        page.evaluate(f"localStorage.setItem('reading-gateway.language', '{language}')")
        page.goto("/admin/deliveries")
        listed = page.get_by_test_id("commitments")
        expect(listed).to_contain_text("DR_YANGCHANG", timeout=SLOW_MS)
        expect(listed).to_contain_text(counted)
        expect(listed).to_contain_text(waits)
        expect(listed).to_contain_text("设备没有登记接收端口")
        page.screenshot(path=tmp_path / f"deliveries-{language}.png")


def test_a_destination_is_told_to_ask_for_commitment(gateway, browser, tmp_path: Path):
    with page_of(browser, gateway.url, viewport=DESKTOP) as page:
        log_in(page, "admin")
        page.goto("/admin/destinations")
        page.get_by_role("row", name="卫生院影像节点").get_by_role("button").click()
        switch = page.get_by_label("要求存储承诺：对方确认长期保存后才算送达")
        expect(switch).not_to_be_checked(timeout=SLOW_MS)
        switch.check()
        page.screenshot(path=tmp_path / "destination.png")
        page.get_by_role("button", name="保存").click()
        expect(switch).to_be_hidden(timeout=SLOW_MS)
    rows = gateway.command("destination", "list")["rows"]
    assert [row["asks_commitment"] for row in rows if row["name"] == "卫生院影像节点"] == [True]
