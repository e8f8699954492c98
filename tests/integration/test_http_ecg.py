"""POST /api/ecg and what comes back out of it, over a real socket (B8, J2)."""

from __future__ import annotations

import asyncio
import hashlib
import io
import zipfile
from dataclasses import replace

import aiohttp
import numpy as np
import pytest

from storage.model import EVERYWHERE, Role
from tests.support.ecg_builders import LEADS, aecg, dicom_ecg, known_samples, wfdb_files, wfdb_zip
from tests.support.web import add_person, add_site, add_token, serving


@pytest.fixture
async def web(parts):
    parts = replace(parts, settings=replace(parts.settings, max_ecg_bytes=1 << 20))
    for site in ("yangchang", "machang"):
        await add_site(parts, site, f"演示{site}")
    async with serving(parts) as running:
        yield running


@pytest.fixture
async def cart(web):
    return web.stranger(token=await add_token(web.parts, "yangchang", "ingest"))


async def send(browser, data, path="/api/ecg", **more):
    async with browser.post(path, data=data, **more) as answer:
        return answer.status, await answer.json()


@pytest.mark.parametrize(("data", "name"), [(aecg(), "hl7_aecg"), (dicom_ecg(), "dicom"), (wfdb_zip(), "wfdb")])
async def test_each_format_is_taken_by_its_content(cart, data, name):
    status, receipt = await send(cart, data, "/api/ecg?file_name=wrong.txt")
    assert (status, receipt["format"], receipt["outcome"]) == (201, name, "kept")
    assert receipt["sha256"] == hashlib.sha256(data).hexdigest()
    status, again = await send(cart, data)
    assert (status, again["outcome"], again["id"]) == (200, "duplicate", receipt["id"])


async def test_what_went_in_comes_out_exactly(web, cart):
    _, receipt = await send(cart, aecg(statements=("窦性心律",)))
    reader = await web_reader(web)
    async with reader.get(f"/api/ecg/{receipt['id']}") as answer:
        header = await answer.json()
    assert [lead["name"] for lead in header["leads"]] == list(LEADS)
    assert (header["interval_us"], header["statements"]) == (2000, ["窦性心律"])
    async with reader.get(f"/api/ecg/{receipt['id']}/samples") as answer:
        nanovolts = np.frombuffer(await answer.read(), dtype="<i4").reshape(len(LEADS), 5000)
    assert np.array_equal(nanovolts, np.stack(list(known_samples().values())) * 2500)
    async with reader.get(f"/api/ecg/{receipt['id']}/original") as answer:
        assert await answer.read() == aecg(statements=("窦性心律",))
        assert answer.headers["Content-Disposition"].startswith("attachment")


async def test_a_form_with_header_and_signal_file_is_one_record(web, cart):
    form = aiohttp.FormData()
    for name, data in wfdb_files().items():
        form.add_field("file", data, filename=name)
    status, receipt = await send(cart, form)
    assert (status, receipt["format"]) == (201, "wfdb")
    reader = await web_reader(web)
    async with reader.get(f"/api/ecg/{receipt['id']}/original") as answer:
        archive = zipfile.ZipFile(io.BytesIO(await answer.read()))
    assert {name: archive.read(name) for name in archive.namelist()} == wfdb_files()


async def test_a_form_with_one_file_is_taken(cart):
    form = aiohttp.FormData()
    form.add_field("comment", "x")
    form.add_field("file", aecg(), filename="a.xml")
    assert (await send(cart, form))[0] == 201


async def test_two_ecgs_in_one_form_are_refused(cart):
    form = aiohttp.FormData()
    form.add_field("a", aecg(), filename="a.xml")
    form.add_field("b", aecg(name="演示乙"), filename="b.xml")
    status, problem = await send(cart, form)
    assert (status, problem["reason"]) == (400, "one-ecg")


@pytest.mark.parametrize(("data", "reason"), [
    (b"", "empty"), (b"\x00" * 100, "unknown-format"),
    (b'<!DOCTYPE a [<!ENTITY b "c">]><AnnotatedECG>&b;</AnnotatedECG>', "aecg-entity")])
async def test_a_refusal_is_a_problem_document_with_its_reason(web, cart, data, reason):
    async with cart.post("/api/ecg", data=data) as answer:
        assert answer.status == 422
        assert answer.content_type == "application/problem+json"
        assert (await answer.json())["reason"] == reason
    assert (await send(cart, aecg()))[0] == 201


async def test_a_zip_that_reaches_outside_is_refused_and_kept(web, cart):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../../etc/x.hea", "x 1 500\n")
    status, problem = await send(cart, out.getvalue())
    assert (status, problem["reason"]) == (422, "zip-path")
    kept = await web.parts.database.read(lambda tx: tx.arrivals.quarantine(EVERYWHERE))
    assert [web.parts.objects.get(arrival.object_sha256) for arrival in kept] == [out.getvalue()]


async def test_two_announced_gigabytes_are_refused_before_they_are_sent(web, cart):
    token = cart.headers["Authorization"]
    reader, writer = await asyncio.open_connection(web.server.host, web.server.port)
    writer.write(f"POST /api/ecg HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
                 f"Content-Length: {2 << 30}\r\n\r\n".encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert b" 413 " in head.splitlines()[0]
    length = int(head.lower().split(b"content-length:")[1].split()[0])
    assert b'"too-large"' in await asyncio.wait_for(reader.readexactly(length), 5)
    writer.close()
    assert (await send(cart, aecg()))[0] == 201


async def test_a_body_without_a_length_is_cut_off_at_the_limit(cart):
    async def endless():
        while True:
            yield bytes(1 << 16)

    try:
        async with cart.post("/api/ecg", data=endless()) as answer:
            assert answer.status == 413
    except aiohttp.ClientError:
        pass                                  # cut off while it was still sending: as good an answer
    assert (await send(cart, aecg()))[0] == 201


async def test_a_token_sends_for_its_own_site_only(web, cart):
    status, problem = await send(cart, aecg(), "/api/ecg?site=machang")
    assert (status, problem["reason"]) == (403, "not-allowed")


async def test_who_may_send(web):
    await add_person(web.parts, "clinic", (Role.CLINIC, "machang"))
    await add_person(web.parts, "admin", (Role.ADMIN, None))
    await add_person(web.parts, "reader", (Role.READER, None))
    assert (await send(await web.browser("clinic"), aecg(patient_id="c")))[0] == 201
    admin = await web.browser("admin")
    assert (await send(admin, aecg()))[1]["reason"] == "site-needed"
    assert (await send(admin, aecg(), "/api/ecg?site=machang"))[0] == 201
    assert (await send(await web.browser("reader"), aecg()))[0] == 403
    assert (await send(web.stranger(), aecg()))[0] == 401


async def test_another_sites_ecg_looks_like_none(web, cart):
    _, receipt = await send(cart, aecg())
    await add_person(web.parts, "elsewhere", (Role.READER, "machang"))
    reader = await web.browser("elsewhere")
    for path in ("", "/samples", "/original"):
        async with reader.get(f"/api/ecg/{receipt['id']}{path}") as answer:
            assert answer.status == 404


async def web_reader(web):
    await add_person(web.parts, "reader", (Role.READER, "yangchang"))
    return await web.browser("reader")
