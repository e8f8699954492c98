"""An ECG that is a page alone, plain or inside a DICOM object: each question about its signal is answered by name."""

from __future__ import annotations

import pytest

from gateway.core.waveform import EcgRecord
from gateway.signals.analyse import analyse, quality
from gateway.signals.traces import is_measurable
from storage.model import Role
from tests.support.hl7_results import encapsulated_pdf, small_pdf
from tests.support.web import add_person, add_site, add_token, serving

PAGES = pytest.mark.parametrize("page", [small_pdf(), encapsulated_pdf(small_pdf())], ids=["pdf", "pdf-in-dicom"])


@pytest.fixture
async def web(parts):
    await add_site(parts, "yangchang", "演示羊昌卫生院")
    await add_person(parts, "reader", (Role.READER, None))
    async with serving(parts) as running:
        yield running


async def send(web, data):
    cart = web.stranger(token=await add_token(web.parts, "yangchang", "ingest"))
    async with cart.post("/api/ecg", data=data) as answer:
        assert answer.status == 201, await answer.text()
        return await answer.json()


def test_a_record_without_a_signal_is_not_measured_and_has_no_faults():
    record = EcgRecord("pdf", 0.0, (), None)
    assert not is_measurable(record)
    assert quality(record) == ()
    assert analyse(record).median_beats is None


@PAGES
async def test_a_page_has_no_median_beats_and_no_trace_for_the_wall(web, page):
    receipt = await send(web, page)
    reader = await web.browser("reader")
    for path, reason in ((f"/api/ecg/{receipt['id']}/median-beats", "no-median-beat"),
                         (f"/api/wall/traces/{receipt['id']}", "no-waveform")):
        async with reader.get(path) as answer:
            assert (answer.status, (await answer.json())["reason"]) == (404, reason)


@PAGES
async def test_a_page_has_an_analysis_that_says_why_there_is_none(web, page):
    receipt = await send(web, page)
    reader = await web.browser("reader")
    async with reader.get(f"/api/ecg/{receipt['id']}/analysis") as answer:
        assert answer.status == 200, await answer.text()
        found = await answer.json()
    assert (found["state"], found["reason"], found["measurements"]) == ("none", "no-waveform", {})
    async with reader.get(f"/api/ecg/{receipt['id']}/previous") as answer:
        assert (answer.status, (await answer.json())["items"]) == (200, [])
