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
from tests.support.hl7_results import encapsulated_pdf, small_pdf
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


async def test_several_files_in_one_form_get_one_answer_each_and_nothing_is_lost(web, cart):
    form = aiohttp.FormData()
    sent = {"a.xml": aecg(), "b.bin": b"MAKER-NATIVE" * 20, "c.pdf": small_pdf(), **wfdb_files()}
    for name, data in sent.items():
        form.add_field("file", data, filename=name)
    status, answer = await send(cart, form)
    assert status == 207
    by_name = {result["file_name"]: result for result in answer["results"]}
    assert {name: result["status"] for name, result in by_name.items()} == {
        "a.xml": 201, "b.bin": 422, "c.pdf": 201, "demo1.zip": 201}
    assert by_name["b.bin"]["problem"]["reason"] == "unknown-format"
    assert {name: result["receipt"]["format"] for name, result in by_name.items() if result["receipt"]} == {
        "a.xml": "hl7_aecg", "c.pdf": "pdf", "demo1.zip": "wfdb"}
    kept = await web.parts.database.read(lambda tx: tx.arrivals.quarantine(EVERYWHERE))
    assert [web.parts.objects.get(arrival.object_sha256) for arrival in kept] == [sent["b.bin"]]


async def test_two_files_of_one_name_are_both_received(cart):
    form = aiohttp.FormData()
    for name in ("演示甲", "演示乙"):
        form.add_field("file", aecg(name=name), filename="ecg.xml")
    status, answer = await send(cart, form)
    assert (status, [r["file_name"] for r in answer["results"]]) == (207, ["ecg.xml", "ecg-2.xml"])
    assert [r["status"] for r in answer["results"]] == [201, 201]


async def test_a_zip_of_several_ecgs_is_opened(cart):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("day/a.xml", aecg())
        archive.writestr("day/b.dcm", dicom_ecg())
        for name, data in wfdb_files().items():
            archive.writestr(f"day/{name}", data)
    status, answer = await send(cart, out.getvalue())
    assert (status, [r["receipt"]["format"] for r in answer["results"]]) == (207, ["hl7_aecg", "dicom", "wfdb"])


async def test_a_zip_of_one_record_with_its_annotations_stays_one_ecg(cart):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in (wfdb_files() | {"demo1.atr": b"\0\0", "README.txt": b"Demo"}).items():
            archive.writestr(name, data)
    status, receipt = await send(cart, out.getvalue())
    assert (status, receipt["format"], receipt["sha256"]) == (
        201, "wfdb", hashlib.sha256(out.getvalue()).hexdigest())


async def test_a_form_of_too_many_files_is_refused(cart):
    form = aiohttp.FormData()
    for number in range(65):
        form.add_field("file", b"x", filename=f"{number}.xml")
    status, problem = await send(cart, form)
    assert (status, problem["reason"]) == (400, "too-many-files")


def zip_of(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


async def sent_zips(cart, *zips):
    form = aiohttp.FormData()
    for number, data in enumerate(zips):
        form.add_field("file", data, filename=f"{number}.zip")
    return await send(cart, form)


async def test_several_zips_of_one_form_unfold_to_no_more_than_one_upload_may_have(web, cart):
    """B8: each of them alone is small enough."""
    size = web.parts.settings.max_ecg_bytes // 4
    zips = [zip_of({"a.bin": bytes([number, 1, 2, 3]) * (size // 8), "b.bin": b"abcdefgh" * (size // 16)})
            for number in range(6)]
    assert sum(map(len, zips)) < 1 << 16
    status, problem = await sent_zips(cart, *zips)
    assert (status, problem["reason"]) == (413, "too-large")
    assert (await sent_zips(cart, *zips[:2]))[0] == 207


async def test_zips_of_one_form_hold_no_more_files_than_a_form_may(cart):
    zips = [zip_of({f"{number}-{place}.xml": b"x" for place in range(40)}) for number in range(2)]
    status, problem = await sent_zips(cart, *zips)
    assert (status, problem["reason"]) == (400, "too-many-files")


async def test_a_pdf_is_shown_as_it_is_and_has_no_samples(web, cart):
    """B8: kept and shown as "no waveform"."""
    _, receipt = await send(cart, small_pdf())
    reader = await web_reader(web)
    async with reader.get(f"/api/ecg/{receipt['id']}") as answer:
        header = await answer.json()
    assert (header["format"], header["leads"], header["interval_us"]) == ("pdf", [], 0)
    async with reader.get(f"/api/ecg/{receipt['id']}/page") as answer:
        assert await answer.read() == small_pdf()
        assert answer.content_type == "application/pdf"
        assert answer.headers["Content-Disposition"].startswith("inline")
    async with reader.get(f"/api/ecg/{receipt['id']}/samples") as answer:
        assert await answer.read() == b""
    async with reader.get(f"/api/studies/{receipt['study_id']}") as answer:
        (series,) = (await answer.json())["series"]
        assert (series["instances"][0]["format"], series["instances"][0]["has_waveform"]) == ("pdf", False)


async def test_a_page_inside_a_dicom_object_is_shown_too(web, cart):
    _, receipt = await send(cart, encapsulated_pdf(small_pdf()))
    reader = await web_reader(web)
    async with reader.get(f"/api/ecg/{receipt['id']}/page") as answer:
        assert await answer.read() == small_pdf()
    async with reader.get(f"/api/ecg/{receipt['id']}") as answer:
        assert (await answer.json())["leads"] == []


async def test_an_ecg_with_a_waveform_has_no_page(web, cart):
    _, receipt = await send(cart, aecg())
    reader = await web_reader(web)
    async with reader.get(f"/api/ecg/{receipt['id']}/page") as answer:
        assert answer.status == 404


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
    for path in ("", "/samples", "/original", "/page"):
        async with reader.get(f"/api/ecg/{receipt['id']}{path}") as answer:
            assert answer.status == 404


async def web_reader(web):
    await add_person(web.parts, "reader", (Role.READER, "yangchang"))
    return await web.browser("reader")
