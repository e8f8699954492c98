"""From the key press in the worklist to the first picture, in Chromium with software graphics; medians of 20.

Goals: a recognisable picture ≤ 0.5 s at 8 Mbit/s, a lossless film ≤ 1.0 s on the LAN with the viewer warm. Two cores
serve the gateway, the browser and its software graphics here.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median

from playwright.sync_api import Page, expect

from tests.benchmarks.row import Row
from tests.support import dicom_builders as dicom
from tests.support import reading_room as room
from tests.support.browser import chromium, page_of
from tests.support.clinic_county import log_in, readings, set_up, storescu, wait_for
from tests.support.running_gateway import RunningGateway

TIMES = 20


def measure() -> Iterable[Row]:
    with tempfile.TemporaryDirectory() as folder, RunningGateway(Path(folder) / "var") as gateway, \
            chromium() as browser:
        set_up(gateway)
        paths = []
        for number in range(TIMES + 1):
            path = Path(folder) / f"{number}.dcm"
            path.write_bytes(dicom.dx_image(rows=3000, columns=3000, AccessionNumber=f"SCREEN{number:02}",
                                            NumberOfStudyRelatedInstances=1,
                                            patient=dicom.Patient(patient_id=f"S{number}")))
            paths.append(path)
        storescu(gateway, *paths)
        session = log_in(gateway, "writer")
        wait_for(lambda: len(readings(session, gateway)) == TIMES + 1, within_s=120)
        with page_of(browser, gateway.url) as page:
            room.log_in(page, "writer")
            times = [_open(page, f"SCREEN{number:02}") for number in range(TIMES + 1)]
        yield Row("click → first picture of a 3000×3000 film, first of the visit", times[0][0], "s")
        yield Row("click → first picture of a 3000×3000 film", median(first for first, _ in times[1:]), "s", "≤ 0.5")
        yield Row("click → its stored pixels on screen", median(last for _, last in times[1:]), "s", "≤ 1.0")


def _open(page: Page, accession: str) -> tuple[float, float]:
    """Seconds from Enter to the preview (or the pixels, whichever comes first) and to the stored pixels."""
    page.get_by_test_id("worklist-search").fill(accession)
    rows = page.get_by_test_id("worklist-row")
    expect(rows).to_have_count(1)
    rows.first.click()
    start = time.perf_counter()
    page.keyboard.press("Enter")
    page.locator("[data-testid=preview-image], [data-testid=image-canvas][data-state=lossless]").first.wait_for(
        state="visible", timeout=room.SLOW_MS)
    first = time.perf_counter() - start
    page.locator("[data-testid=image-canvas][data-state=lossless]").wait_for(timeout=room.SLOW_MS)
    last = time.perf_counter() - start
    page.get_by_test_id("back-to-list").click()
    expect(page.get_by_test_id("worklist")).to_be_visible()
    return first, last
