"""The wall screen as it hangs in a reading room: opened by a reader, watched from a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import requests
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browser import page_of
from tests.support.clinic_county import PASSWORD
from tests.support.reading_room import SLOW_MS
from tests.support.running_gateway import RunningGateway

FULL_HD = {"width": 1920, "height": 1080}

# When the trace of a study has been painted and shown, by the clock of this machine; null if that takes too long.
_PAINTED_AT = """([study, withinMs]) => new Promise((done) => {
  const begun = performance.now();
  const look = () => {
    const drawn = document.querySelector(`[data-study="${study}"] [data-testid=wall-trace][data-state=drawn]`);
    if (drawn !== null) requestAnimationFrame(() => requestAnimationFrame(() => done(Date.now())));
    else if (performance.now() - begun > withinMs) done(null);
    else requestAnimationFrame(look);
  };
  look();
})"""


@contextmanager
def wall_of(gateway: RunningGateway, browser: Browser, *, url: str = "", login: str = "writer",
            address: str = "/wall", viewport: Mapping[str, int] = FULL_HD) -> Iterator[Page]:
    """The wall, opened; `url` is where the browser reaches the gateway, if not directly."""
    with page_of(browser, url or gateway.url, viewport=dict(viewport)) as page:
        answer = page.request.post("/api/session", data={"login": login, "password": PASSWORD})
        assert answer.status == 200
        page.goto(address)
        expect(page.get_by_test_id("wall")).to_have_attribute("data-fresh", "true", timeout=SLOW_MS)
        yield page


def send_ecg(gateway: RunningGateway, token: str, data: bytes, *, http: str = "") -> str:
    """POST an ECG as a cart does; returns the study's id."""
    answer = requests.post(f"http://{http or gateway.http}/api/ecg", data=data, timeout=60,
                           headers={"Authorization": f"Bearer {token}", "Content-Type": "application/xml"})
    assert answer.status_code == 201, answer.text
    study_id: str = answer.json()["study_id"]
    return study_id


def cell_of(page: Page, study_id: str) -> Locator:
    return page.locator(f'[data-testid="wall-cell"][data-study="{study_id}"]')


def expect_drawn(page: Page, study_id: str) -> Locator:
    """The cell of a study once its trace is painted."""
    cell = cell_of(page, study_id)
    expect(cell.get_by_test_id("wall-trace")).to_have_attribute("data-state", "drawn", timeout=SLOW_MS)
    return cell


def painted_at_s(page: Page, study_id: str, *, within_s: float) -> float | None:
    """Seconds since the epoch at which the painted trace was on the screen, None if not in time."""
    found = page.evaluate(_PAINTED_AT, [study_id, within_s * 1000])
    return None if found is None else float(found) / 1000
