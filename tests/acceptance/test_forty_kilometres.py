"""Forty kilometres in a minute (S3): an ECG leaves a village over a poor line and hangs, painted, in the centre.

The shipped program in its own process; the cart sends over a line of 2 Mbit/s with 80 ms each way, by C-STORE and by
an HTTP post in turn; Chromium shows the wall, a second session asks the worklist. The clock runs from before the
connection is opened to the frame after the trace was painted. READING_GATEWAY_FORTY_SENDS makes it longer
(`make forty`: 50 sends, all figures); the short form holds every send to the bound.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import pytest
import requests
from playwright.sync_api import Page
from pydicom.uid import generate_uid

from tests.support import dicom_builders
from tests.support.beating_ecgs import ecg_with_beats
from tests.support.browser import chromium
from tests.support.clinic_county import SITE, log_in, readings, set_up, wait_for
from tests.support.ecg_builders import TWELVE_LEAD_ECG, aecg, dicom_ecg
from tests.support.raw_association import RawAssociation, store_command, store_message
from tests.support.running_gateway import RunningGateway
from tests.support.tcp_proxy import Line, TcpProxy
from tests.support.wall import wall_of

pytestmark = [pytest.mark.acceptance, pytest.mark.browser]

COUNTRY_LINE = Line(bits_per_s=2e6, delay_s=0.080)
WITHIN_S = 5.0
SENDS = int(os.environ.get("READING_GATEWAY_FORTY_SENDS") or 6)
IS_LONG = SENDS >= 20
LONGEST_WAIT_S = 30.0
LONGEST_PDU = 16384                      # as carts send

# Notes, by study, when a painted trace was first on the screen.
_WATCH = """() => {
  window.painted = {};
  const look = () => {
    for (const drawn of document.querySelectorAll('[data-testid=wall-trace][data-state=drawn]')) {
      const { study } = drawn.closest('[data-testid=wall-cell]').dataset;
      if (study in window.painted) continue;
      window.painted[study] = null;
      requestAnimationFrame(() => requestAnimationFrame(() => { window.painted[study] = Date.now(); }));
    }
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
}"""


@dataclass(frozen=True)
class Sent:
    way: str
    size_bytes: int
    answered_s: float                    # all from before the connection is opened
    listed_s: float
    painted_s: float


@dataclass(frozen=True)
class Cart:
    """Sends over the line, a new connection each time, as carts do."""

    gateway: RunningGateway
    token: str
    http: TcpProxy
    dicom: TcpProxy

    def post(self, number: int) -> int:
        data = aecg(ecg_with_beats(seed=number), patient_id=patient_id(number), name="演示四十公里")
        answer = requests.post(f"http://127.0.0.1:{self.http.port}/api/ecg", data=data, timeout=LONGEST_WAIT_S,
                               headers={"Authorization": f"Bearer {self.token}"})
        assert answer.status_code == 201, answer.text
        return len(data)

    def store(self, number: int) -> int:
        uid = str(generate_uid())
        data = dicom_ecg(ecg_with_beats(seed=number),
                         elements={"PatientID": patient_id(number), "SOPInstanceUID": uid})
        syntax = dicom_builders.SYNTAXES["explicit"]
        with RawAssociation(f"127.0.0.1:{self.dicom.port}", [(TWELVE_LEAD_ECG, syntax)], calling="CART") as peer:
            peer.send(store_message(store_command(TWELVE_LEAD_ECG, uid), dicom_builders.dataset_of(data),
                                    fragment_bytes=min(peer.largest_pdu_bytes or LONGEST_PDU, LONGEST_PDU) - 6))
            assert peer.read_status() == 0
            peer.release()
        return len(data)


def test_an_ecg_hangs_on_the_wall_within_five_seconds_of_being_sent(tmp_path: Path) -> None:
    with RunningGateway(tmp_path / "var") as gateway, chromium() as browser:
        token = set_up(gateway)
        gateway.command("device", "add", "CART", "--site", SITE, "--name", "心电图机", "--modality", "ECG")
        http = TcpProxy(int(gateway.http.rpartition(":")[2]), line=COUNTRY_LINE)
        dicom = TcpProxy(gateway.port, line=COUNTRY_LINE)
        try:
            cart, reader = Cart(gateway, token, http, dicom), log_in(gateway, "reviewer")
            with wall_of(gateway, browser) as page:
                page.evaluate(_WATCH)
                done = [_send(cart, number, reader, page) for number in range(SENDS)]
                page.screenshot(path=str(tmp_path / "forty.png"))
        finally:
            http.close()
            dicom.close()
    print(_table(done))
    for measured in ("painted_s", "listed_s"):
        times = [getattr(one, measured) for one in done]
        if IS_LONG:
            assert p95(times) <= WITHIN_S, (measured, sorted(times))
        else:
            assert max(times) <= WITHIN_S, (measured, times)


def patient_id(number: int) -> str:
    return f"FORTY-{number:04}"


def _send(cart: Cart, number: int, reader: requests.Session, page: Page) -> Sent:
    way = cart.post if number % 2 == 0 else cart.store

    def send() -> tuple[int, float]:
        return way(number), time.time()

    def listed() -> tuple[str, float]:
        rows = wait_for(lambda: readings(reader, cart.gateway, q=patient_id(number)) or None,
                        within_s=LONGEST_WAIT_S, why=f"send {number} on the worklist")
        return str(rows[0]["study_id"]), time.time()

    with ThreadPoolExecutor(2) as pool:
        begun = time.time()
        sending, listing = pool.submit(send), pool.submit(listed)
        (size_bytes, answered), (study, seen) = sending.result(), listing.result()
    painted = wait_for(lambda: page.evaluate("(study) => window.painted[study] ?? null", study),
                       within_s=LONGEST_WAIT_S, why=f"send {number} painted on the wall") / 1000
    return Sent(way.__name__, size_bytes, answered - begun, seen - begun, painted - begun)


def p95(times: list[float]) -> float:
    return quantiles(times, n=20, method="inclusive")[-1]


def _table(done: list[Sent]) -> str:
    lines = [f"\n{len(done)} ECGs over {COUNTRY_LINE.bits_per_s / 1e6:g} Mbit/s and "
             f"{COUNTRY_LINE.delay_s * 1000:g} ms each way, seconds from the send:"]
    for way in ("post", "store"):
        mine = [one for one in done if one.way == way]
        if len(mine) < 2:
            continue
        line = f"  {way:5} {len(mine):3} × {median(one.size_bytes for one in mine) / 1000:.0f} kB"
        for name in ("answered_s", "listed_s", "painted_s"):
            times = [getattr(one, name) for one in mine]
            line += f"; {name[:-2]} median {median(times):.2f}, p95 {p95(times):.2f}, max {max(times):.2f}"
        lines.append(line)
    both = [one.painted_s for one in done]
    lines.append(f"  painted, both ways: median {median(both):.2f}, p95 {p95(both):.2f}, max {max(both):.2f}; "
                 f"bound {WITHIN_S:g}")
    return "\n".join(lines)
