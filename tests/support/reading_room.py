"""What doctors and clinics do in the browser, in their words; and pixels read back from what they see."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.support.clinic_county import PASSWORD

SLOW_MS = 60_000      # software WebGL on a busy machine


def log_in(page: Page, login: str) -> None:
    """Through the form, as a person does."""
    page.goto("/")
    page.fill('[name="login"]', login)
    page.fill('[name="password"]', PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("account")).to_be_visible(timeout=SLOW_MS)


def open_from_worklist(page: Page, words: str) -> None:
    """Find the row that holds these words and open it by keyboard."""
    page.goto("/worklist")
    row = page.get_by_test_id("worklist-row").filter(has_text=words)
    row.first.click()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("identity")).to_be_visible(timeout=SLOW_MS)


def write_report(page: Page, *, technique: str, findings: str, impression: str) -> None:
    """Write all three parts and wait until the server has them."""
    for part, words in (("technique", technique), ("findings", findings), ("impression", impression)):
        page.get_by_test_id(f"report-{part}").fill(words)
    page.get_by_test_id("positive-true").check()
    expect(page.get_by_test_id("save-state")).to_have_attribute("data-state", "saved", timeout=SLOW_MS)


def sign(page: Page) -> str:
    """Sign what the dialog shows; returns exactly that text."""
    page.get_by_test_id("sign").click()
    text = page.get_by_test_id("signing-text").inner_text(timeout=SLOW_MS)
    page.get_by_test_id("sign-password").fill(PASSWORD)
    page.get_by_test_id("sign-now").click()
    expect(page.get_by_test_id("report-text")).to_have_attribute("data-state", "final", timeout=SLOW_MS)
    return text


def pixels_of(element: Locator) -> npt.NDArray[np.uint8]:
    """(height, width, 3) as the screen shows the element."""
    picture = Image.open(io.BytesIO(element.screenshot()))
    return np.asarray(picture.convert("RGB"))


def wait_for_lossless(page: Page) -> Locator:
    """The film once its stored pixels are on screen."""
    canvas = page.get_by_test_id("image-canvas")
    expect(canvas).to_have_attribute("data-state", "lossless", timeout=SLOW_MS)
    return canvas


def grey_edges(row: npt.NDArray[np.uint8]) -> list[int]:
    """Columns where the grey of a row of the phantom steps up (first pixel of the brighter band)."""
    steps = np.diff(row.astype(int))
    edges = [int(x) + 1 for x in np.flatnonzero(steps > 20)]
    return [x for i, x in enumerate(edges) if i == 0 or x - edges[i - 1] > 4]


@dataclass(frozen=True)
class TraceOnPaper:
    """The drawn traces of the ECG page: which millimetres carry ink."""

    ink: npt.NDArray[np.bool_]
    dots_per_mm: float

    def tops_mm(self, x_mm: float, from_mm: float, to_mm: float) -> tuple[float, float] | None:
        """Highest and lowest ink in a column between two heights, in millimetres from the sheet's upper edge."""
        column = self.ink[:, round(x_mm * self.dots_per_mm)]
        first, last = round(from_mm * self.dots_per_mm), round(to_mm * self.dots_per_mm)
        found = np.flatnonzero(column[first:last])
        if not len(found):
            return None
        return (found[0] + first) / self.dots_per_mm, (found[-1] + first) / self.dots_per_mm


def trace_on_paper(page: Page) -> TraceOnPaper:
    """Read the trace canvas back, dot by dot."""
    canvas = page.get_by_test_id("ecg-traces")
    expect(canvas).to_have_attribute("data-state", "drawn", timeout=SLOW_MS)
    width, height, alpha = canvas.evaluate(
        """canvas => {
            const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            let text = '';
            for (let i = 3; i < data.length; i += 4) text += data[i] > 100 ? '1' : '0';
            return [canvas.width, canvas.height, text];
        }""")
    ink = np.frombuffer(alpha.encode(), np.uint8).reshape(height, width) == ord("1")
    px_per_mm = float(canvas.get_attribute("data-px-per-mm") or 0)
    dpr = float(canvas.get_attribute("data-dpr") or 1)
    return TraceOnPaper(ink, px_per_mm * dpr)
