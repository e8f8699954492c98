"""The XML of carts through the upload: known by content, shown with the limb leads that follow (B8)."""

from __future__ import annotations

import numpy as np
import pytest

from storage.model import Role
from tests.support.cardiosoft_builders import cardiosoft
from tests.support.ecg_builders import LEADS, known_samples
from tests.support.muse_builders import MUSE_LEADS, muse
from tests.support.sierra_builders import sierra
from tests.support.web import add_person, add_site, add_token, serving


@pytest.fixture
async def web(parts):
    await add_site(parts, "yangchang", "演示卫生院")
    async with serving(parts) as running:
        yield running


async def _sent(web, data):
    cart = web.stranger(token=await add_token(web.parts, "yangchang", "ingest"))
    async with cart.post("/api/ecg?file_name=wrong.txt", data=data) as answer:
        return answer.status, await answer.json()


async def _shown(web, instance_id):
    reader = await web_reader(web)
    async with reader.get(f"/api/ecg/{instance_id}") as answer:
        header = await answer.json()
    async with reader.get(f"/api/ecg/{instance_id}/samples") as answer:
        return header, np.frombuffer(await answer.read(), dtype="<i4")


@pytest.mark.parametrize(("data", "name", "nv_per_unit", "count"), [
    (cardiosoft(encoding="GBK", family="演示", given="丙"), "cardiosoft_xml", 5000, 5000),
    (sierra(), "sierra_xml", 5000, 5500)])
async def test_twelve_stored_leads_come_out_as_they_went_in(web, data, name, nv_per_unit, count):
    status, receipt = await _sent(web, data)
    assert (status, receipt["format"], receipt["outcome"]) == (201, name, "kept")
    header, nanovolts = await _shown(web, receipt["id"])
    assert [lead["name"] for lead in header["leads"]] == list(LEADS)
    made = np.stack(list(known_samples(count=count).values())) * nv_per_unit
    assert np.array_equal(nanovolts.reshape(12, count), made)


async def test_eight_stored_leads_are_shown_as_twelve(web):
    status, receipt = await _sent(web, muse(statements=(("窦性心律", True),)))
    assert (status, receipt["format"]) == (201, "muse_xml")
    header, nanovolts = await _shown(web, receipt["id"])
    assert [lead["name"] for lead in header["leads"]] == [*MUSE_LEADS, "III", "aVR", "aVL", "aVF"]
    assert header["statements"] == ["窦性心律"]
    made = known_samples(leads=MUSE_LEADS)
    one, two = made["I"].astype(np.int64), made["II"].astype(np.int64)
    rows = nanovolts.reshape(12, 5000)
    assert np.array_equal(rows[:8], np.stack(list(made.values())) * 4880)
    assert np.array_equal(rows[8:], np.stack([2 * (two - one), -one - two, 2 * one - two, 2 * two - one]) * 2440)


async def test_a_damaged_file_is_kept_and_refused_by_name(web):
    status, problem = await _sent(web, muse(units_per_bit=""))
    assert status == 422
    assert "muse-uncalibrated" in str(problem)


async def web_reader(web):
    await add_person(web.parts, "reader", (Role.READER, "yangchang"))
    return await web.browser("reader")
