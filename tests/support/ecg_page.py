"""The ECG page as a reader meets it: a gateway with a few known ECGs, and ink read back from the canvas in mm."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page

from tests.support.browser import page_of
from tests.support.ecg_builders import LEADS, Samples, aecg, aecg_measurement, known_square, wfdb_zip
from tests.support.running_gateway import RunningGateway

PASSWORD = "horse-battery-42"
STATEMENT = "窦性心律不齐"
DRAWN = '[data-testid="ecg-traces"][data-state="drawn"]'
DESK = {"width": 1280, "height": 768}
FURTHER = ("V7", "V8", "V9", "V3R", "V4R", "V5R")


@dataclass(frozen=True)
class EcgRoom:
    """`studies` are by name: square (12 leads), eighteen, holter (2 leads, 10 min), odd (unknown lead names)."""

    gateway: RunningGateway
    studies: Mapping[str, str]


@contextmanager
def ecg_room(folder: Path) -> Iterator[EcgRoom]:
    with RunningGateway(folder / "var") as gateway:
        gateway.command("site", "add", "yangchang", "--name", "演示羊场镇卫生院")
        gateway.command("user", "add", "reader", "--name", "演示阅片医师", "--grant", "reader@all",
                        "--password-stdin", input=f"{PASSWORD}\n")
        token = gateway.command("token", "add", "--site", "yangchang", "--scope", "ingest")["token"]
        numbers = (("MDC_ECG_TIME_PD_PR", 158, "ms"), ("MDC_ECG_TIME_PD_QT", 400, "ms"),
                   ("MDC_ECG_HEART_RATE", 75, "bpm"))
        files = {
            "square": aecg(known_square(), statements=(STATEMENT,),
                           annotations="".join(aecg_measurement(*number) for number in numbers)),
            "eighteen": aecg(known_square(leads=LEADS + FURTHER), patient_id="P2"),
            "holter": wfdb_zip(_beats(("MLII", "V5"), seconds=600)),
            "odd": wfdb_zip(_beats(("Brust", "abc"), seconds=20), name="odd1"),
        }
        yield EcgRoom(gateway, {name: send(gateway, token, data) for name, data in files.items()})


@contextmanager
def ecg_page(room: EcgRoom, browser: Browser, study: str = "square", *, locale: str = "zh-CN",
             viewport: Mapping[str, int] = DESK) -> Iterator[Page]:
    """The reading of one ECG, drawn."""
    with page_of(browser, room.gateway.url, viewport=dict(viewport), locale=locale) as page:
        log_in(page)
        open_ecg(page, room, study)
        yield page


def log_in(page: Page) -> None:
    answer = page.request.post("/api/session", data={"login": "reader", "password": PASSWORD})
    assert answer.status == 200


def open_ecg(page: Page, room: EcgRoom, study: str) -> None:
    page.goto(f"/readings/{reading_of(page, room, study)}")
    page.locator(DRAWN).wait_for()


def reading_of(page: Page, room: EcgRoom, study: str) -> str:
    for _ in range(100):
        rows = page.request.get("/api/readings").json()["items"]
        if found := [row for row in rows if row["study_id"] == room.studies[study]]:
            return str(found[0]["id"])
        page.wait_for_timeout(100)
    raise AssertionError("the ECG never came into the list")


def wait_until_analysed(page: Page) -> None:
    """The gateway's numbers have come to the page."""
    page.locator('[data-testid="ecg-numbers"][data-state="done"]').wait_for()


def settle(page: Page) -> None:
    """Two frames: what was asked for is painted."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
    settle(page)


# Where the ink of a lead's last piece lies at some times, in mm above its own zero line; null where there is none.
_INK = """([lead, times, above, below]) => {
  const canvas = document.querySelector('[data-testid=ecg-traces]');
  const dots = Number(canvas.dataset.pxPerMm) * Number(canvas.dataset.dpr);
  const labels = [...document.querySelectorAll('[data-testid=ecg-lead]')];
  const { xMm, baselineMm, startS } = labels.filter((e) => e.dataset.lead === lead).at(-1).dataset;
  const top = Math.max(0, Math.round((baselineMm - above) * dots)), high = Math.round((above + below) * dots);
  return times.map((at) => {
    const x = Math.round((Number(xMm) + (at - startS) * canvas.dataset.mmPerS) * dots);
    const { data } = canvas.getContext('2d').getImageData(x, top, 1, high);
    let sum = 0, weight = 0;
    for (let i = 0; i < high; i += 1) { sum += data[i * 4 + 3] * (i + 0.5); weight += data[i * 4 + 3]; }
    return weight === 0 ? null : Number(baselineMm) - (top + sum / weight) / dots;
  });
}"""
# Where the trace of lead II's long strip crosses half a millivolt, in mm from the sheet's left edge.
_EDGES = """() => {
  const canvas = document.querySelector('[data-testid=ecg-traces]');
  const dots = Number(canvas.dataset.pxPerMm) * Number(canvas.dataset.dpr);
  const lead = [...document.querySelectorAll('[data-testid=ecg-lead]')].filter((e) => e.dataset.lead === 'II').at(-1);
  const y = Math.round((lead.dataset.baselineMm - canvas.dataset.mmPerMv / 2) * dots);
  const { data } = canvas.getContext('2d').getImageData(0, y, canvas.width, 1);
  const marks = [];
  for (let x = 0, sum = 0, ink = 0; x < canvas.width; x += 1) {
    const alpha = data[x * 4 + 3];
    if (alpha > 0) { sum += alpha * (x + 0.5); ink += alpha; }
    else if (ink > 0) { marks.push(sum / ink / dots); sum = 0; ink = 0; }
  }
  return marks.filter((mm) => mm > Number(lead.dataset.xMm));
}"""


def ink_mm(page: Page, times: list[float], lead: str = "II", *, above: float = 14, below: float = 14) -> list[float]:
    """Looked for so many millimetres above and below the zero line: rows may stand close."""
    found = page.evaluate(_INK, [lead, times, above, below])
    assert None not in found, f"no ink of {lead} at {times}: {found}"
    return [float(value) for value in found]


def edges_mm(page: Page) -> np.ndarray:
    return np.array(page.evaluate(_EDGES))


def canvas_value(page: Page, name: str) -> str:
    value = page.get_by_test_id("ecg-traces").get_attribute(name)
    assert value is not None
    return value


def lead_names(page: Page) -> list[str]:
    return page.get_by_test_id("ecg-lead").evaluate_all("(all) => all.map((e) => e.dataset.lead)")  # type: ignore[no-any-return]


def _beats(leads: tuple[str, ...], *, seconds: int) -> Samples:
    """A beat a second: a spike of 1 mV at the full second, so that every stretch can be told by its place."""
    one = np.zeros(seconds * 500, dtype=np.int32)
    one[::500] = 400
    return {lead: one for lead in leads}


def send(gateway: RunningGateway, token: str, data: bytes) -> str:
    """Over the door for carts; returns the study's id."""
    request = urllib.request.Request(f"{gateway.url}/api/ecg", data=data, method="POST",
                                     headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as answer:
        return str(json.load(answer)["study_id"])
