"""The wall screen's routes over a real socket: live, read-only, and without a word about whose ECG it is (S3, J7)."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from gateway.formats.zip_members import pack
from gateway.services import complete_study, examine_ecg, route_study
from gateway.services.claim_reading import claim_reading
from gateway.services.job_runner import JobRunner
from gateway.services.queue_examination import ROUTE_WITHIN
from storage.model import EVERYWHERE, Role
from tests.support.beating_ecgs import ecg_with_beats, slow_ecg
from tests.support.ecg_builders import LEADS, aecg, dicom_ecg, known_samples, wfdb_files, wfdb_zip
from tests.support.web import add_person, add_site, add_token, serving

HANDLERS = {**complete_study.HANDLERS, **examine_ecg.HANDLERS, **route_study.HANDLERS}
NAME, PATIENT_ID, STATEMENT = "演示秘密人", "SECRET-4711", "急性下壁心肌梗死 演示秘密人"
IDENTITY = (NAME, PATIENT_ID, STATEMENT, "19600405", "1960-04-05", "Demo cart", "SN7")


@pytest.fixture
async def web(parts):
    await add_site(parts, "yangchang", "演示羊昌卫生院")
    await add_person(parts, "reader", (Role.READER, None))
    await add_person(parts, "clinic", (Role.CLINIC, "yangchang"))
    await add_person(parts, "admin", (Role.ADMIN, None))
    async with serving(parts) as running:
        yield running


async def send(web, data):
    cart = web.stranger(token=await add_token(web.parts, "yangchang", "ingest"))
    async with cart.post("/api/ecg", data=data) as answer:
        assert answer.status == 201, await answer.text()
        return await answer.json()


async def route(web):
    web.parts.clock.advance(ROUTE_WITHIN.total_seconds())
    await JobRunner(web.parts, HANDLERS).run_due()


async def wall(browser, query=""):
    async with browser.get(f"/api/wall{query}") as answer:
        assert answer.status == 200, await answer.text()
        text = await answer.text()
    assert not [word for word in IDENTITY if word in text], text
    return json.loads(text)


async def test_an_ecg_hangs_there_at_once_and_tells_nobodys_identity(web):
    receipt = await send(web, aecg(slow_ecg(32), name=NAME, patient_id=PATIENT_ID, statements=(STATEMENT,)))
    reader = await web.browser("reader")
    (item,) = (await wall(reader))["items"]
    assert (item["state"], item["site_name"], item["instance_id"]) == ("waiting", "演示羊昌卫生院", receipt["id"])
    await route(web)
    shown = await wall(reader)
    (item,) = shown["items"]
    assert (item["priority"], item["is_alarming"], item["is_raised_by_hint"]) == ("emergency", True, True)
    (rate,) = [hint for hint in item["hints"] if hint["measure"] == "heart_rate_bpm"]
    assert (rate["source"], rate["value"]) == ("gateway", pytest.approx(32, abs=1))
    assert (shown["waiting"], shown["emergencies"], shown["being_read"]) == (1, 1, 0)
    assert shown["oldest_waiting_at"] == item["arrived_at"]


async def test_the_alarm_ends_when_somebody_claims_the_reading(web):
    receipt = await send(web, aecg(slow_ecg(32), name=NAME, patient_id=PATIENT_ID))
    await route(web)
    reader = await web.browser("reader")
    reading = await web.parts.database.read(lambda tx: tx.readings.of_study(receipt["study_id"], EVERYWHERE))
    person = await web.parts.database.read(lambda tx: tx.users.find_login("reader"))
    await claim_reading(web.parts, person[0], reading.id, address="")
    shown = await wall(reader)
    assert [(item["state"], item["is_alarming"]) for item in shown["items"]] == [("being_read", False)]
    assert (shown["waiting"], shown["being_read"]) == (0, 1)


@pytest.mark.parametrize("data", [
    aecg(name=NAME, patient_id=PATIENT_ID, statements=(STATEMENT,)),
    dicom_ecg(name=f"=={NAME}".encode(), character_set="ISO_IR 192", elements={"PatientID": PATIENT_ID}),
    pack(wfdb_files(comments=("Age: 65", f"Name: {NAME}", f"ID {PATIENT_ID}")))], ids=["aecg", "dicom", "wfdb"])
async def test_the_trace_is_exact_and_its_header_holds_what_drawing_needs_alone(web, data):
    receipt = await send(web, data)
    reader = await web.browser("reader")
    async with reader.get(f"/api/wall/traces/{receipt['id']}") as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "private, no-store"
        body = await answer.read()
    assert not [word for word in IDENTITY if word.encode() in body]
    (length,) = struct.unpack_from("<I", body)
    header = json.loads(body[4:4 + length])
    assert set(header) == {"interval_us", "leads"}
    assert {key for lead in header["leads"] for key in lead} == {"name", "sample_count", "start_us"}
    assert [lead["name"] for lead in header["leads"]] == list(LEADS)
    nanovolts = np.frombuffer(body[4 + length:], "<i4").reshape(len(LEADS), 5000)
    assert np.array_equal(nanovolts, np.stack(list(known_samples().values())) * 2500)


async def test_of_a_long_record_the_first_ten_seconds_are_sent(web):
    receipt = await send(web, wfdb_zip(known_samples(leads=("MLII", "V5"), count=60_000)))
    reader = await web.browser("reader")
    async with reader.get(f"/api/wall/traces/{receipt['id']}") as answer:
        body = await answer.read()
    (length,) = struct.unpack_from("<I", body)
    assert [lead["sample_count"] for lead in json.loads(body[4:4 + length])["leads"]] == [5000, 5000]
    assert len(body) == 4 + length + 2 * 5000 * 4


async def test_readers_and_heads_may_look_clinics_and_machines_may_not(web):
    receipt = await send(web, aecg(ecg_with_beats()))
    for login, status in (("reader", 200), ("admin", 200), ("clinic", 403)):
        browser = await web.browser(login)
        for path in ("/api/wall", f"/api/wall/traces/{receipt['id']}"):
            async with browser.get(path) as answer:
                assert answer.status == status, (login, path)
    for scope in ("read", "ingest", "admin"):
        machine = web.stranger(token=await add_token(web.parts, "yangchang", scope))
        async with machine.get("/api/wall") as answer:
            assert answer.status == 403
    async with web.stranger().get("/api/wall") as answer:
        assert answer.status == 401


async def test_nothing_can_be_changed_through_the_wall(web):
    routes = [row for row in web.server.app.router.resources() if row.canonical.startswith("/api/wall")]
    methods = {route.method for row in routes for route in row}
    assert methods <= {"GET", "HEAD"}
