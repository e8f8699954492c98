"""The ECG page in Chromium with software graphics: from the click to the paper, and how fast it moves.

A 12-lead ECG of 12 × 5000 samples, filtered; pan is tried on ten minutes of two leads, where every step draws anew. A
frame counts when the browser shows it: each carries one change, so frames a second are drawings a second.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from statistics import median, quantiles

from playwright.sync_api import Page

from tests.benchmarks.row import Row
from tests.support.browser import chromium, page_of
from tests.support.ecg_page import DESK, EcgRoom, ecg_room, log_in, open_ecg, press

TIMES = 15
# One change in each frame for two seconds; frames a second, and the milliseconds from event to laid-out page.
_MOVE = """async ([selector, keys]) => {
  const target = selector === '' ? document.body : document.querySelector(selector);
  target.focus?.({ preventScroll: true });
  const costs = [];
  const begun = performance.now();
  for (let count = 0; performance.now() - begun < 2000; count += 1) {
    await new Promise((done) => requestAnimationFrame(done));
    const from = performance.now();
    const key = keys[count % keys.length];
    document.querySelector(selector || 'body').dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    await Promise.resolve();
    document.querySelector('[data-testid=ecg-desk]').getBoundingClientRect();
    costs.push(performance.now() - from);
  }
  return { framesPerS: costs.length / ((performance.now() - begun) / 1000), costs };
}"""


def measure() -> Iterable[Row]:
    with tempfile.TemporaryDirectory() as folder, ecg_room(Path(folder)) as room, chromium() as browser, \
            page_of(browser, room.gateway.url, viewport=dict(DESK)) as page:
        log_in(page)
        page.goto("/worklist")
        clicks = [_click(page) for _ in range(TIMES + 1)]
        yield Row("click in the list → ECG drawn, first of the visit", clicks[0], "ms")
        yield Row("click in the list → ECG drawn, median of 15", median(clicks[1:]), "ms", "≤ 300")
        yield from _moves(page, room)


def _moves(page: Page, room: EcgRoom) -> Iterable[Row]:
    to_and_fro = ["ArrowRight"] * 30 + ["ArrowLeft"] * 30
    open_ecg(page, room, "square")
    press(page, ",", ".", "n")
    yield from _rows("zoom of a filtered 12-lead sheet", page, "", ["x", "z"])
    yield from _rows("filter of a 12-lead sheet changed", page, "", ["."])
    press(page, "0", "c")
    yield from _rows("time caliper moved", page, "[data-testid=caliper-time-b]", to_and_fro)
    press(page, "Escape", "l")
    yield from _rows("magnifier moved", page, "[data-testid=ecg-lens]", to_and_fro)
    open_ecg(page, room, "holter")
    press(page, "0")
    yield from _rows("pan over ten minutes", page, "[data-testid=ecg-desk]", ["ArrowRight"])


def _rows(name: str, page: Page, selector: str, keys: list[str]) -> Iterable[Row]:
    found = page.evaluate(_MOVE, [selector, keys])
    goal_ms = "≤ 16" if "caliper" in name else ""
    yield Row(f"{name}: frames a second", found["framesPerS"], "1/s", "≥ 25")
    yield Row(f"{name}: key → page laid out, p95", quantiles(found["costs"], n=20)[-1], "ms", goal_ms)


def _click(page: Page) -> float:
    """Milliseconds from Enter in the list to the painted frame, by the page's own clock."""
    page.get_by_test_id("worklist-row").filter(has_text="演示甲").first.click()
    page.evaluate("""() => {
      const once = { capture: true, once: true };
      window.addEventListener('keydown', (event) => { window.begun = event.timeStamp; }, once);
      window.painted = new Promise((done) => {
        const look = () => {
          const paper = document.querySelector('[data-testid=ecg-traces][data-state=drawn]');
          if (paper === null) requestAnimationFrame(look);
          else requestAnimationFrame(() => requestAnimationFrame((at) => done(at - window.begun)));
        };
        look();
      });
    }""")
    page.keyboard.press("Enter")
    taken = float(page.evaluate("() => window.painted"))
    page.get_by_test_id("back-to-list").click()
    page.get_by_test_id("worklist-row").first.wait_for()
    return taken
