"""UPS-RS on a real socket: PS3.18 section 11 with its statuses and warnings, and events by WebSocket (D3, D5)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import aiohttp
import msgspec
import pytest
from dicomweb_client.web import DICOMwebClient

from gateway.core.workitem_record import value
from gateway.core.workitems import FILTERED_SUBSCRIPTION, GLOBAL_SUBSCRIPTION
from gateway.services.claim_reading import claim_reading, release_reading
from gateway.services.workitems.follow_readings import FollowReadings
from storage.model import EVERYWHERE, ReadingState, Role
from tests.support.web import add_exam, add_person, add_site, add_token, serving
from tests.support.workitems import creation, performed

ALL = "/dicom-web/workitems"
LOCK = "1.2.3.999"
JSON = {"Content-Type": "application/dicom+json"}


class Room:
    """A gateway with one reading, and machines of its site."""

    def __init__(self, web, exam, perform, ingest, read, stranger) -> None:
        self.web, self.exam = web, exam
        self.perform, self.ingest, self.read = perform, ingest, read
        self.stranger = stranger             # of another site

    async def uid(self) -> str:
        study_uid = self.exam.study.study_instance_uid
        status, found, _ = await call(self.read, "GET", f"{ALL}?StudyInstanceUID={study_uid}")
        assert status == 200, found
        return str(found[0]["00080018"]["Value"][0])

    async def reading(self):
        return await self.web.parts.database.read(lambda tx: tx.readings.get(self.exam.reading.id, EVERYWHERE))

    async def state(self, uid: str, wanted: str, lock: str = LOCK, session=None):
        sent = {"00741000": value("CS", wanted), "00081195": value("UI", lock)}
        return await call(session or self.perform, "PUT", f"{ALL}/{uid}/state", sent)


@pytest.fixture
async def room(parts):
    site = await add_site(parts, "east", "演示东")
    exam = await add_exam(parts, site.id, name="演示患者")
    tokens = [await add_token(parts, site.id, scope) for scope in ("perform", "ingest", "read")]
    await add_site(parts, "west", "演示西")
    tokens.append(await add_token(parts, "west", "perform"))
    async with serving(parts) as web:
        follower = FollowReadings(web.parts)
        await follower.start()
        yield Room(web, exam, *(web.stranger(token=token) for token in tokens))
        await follower.stop()


async def call(session, method: str, path: str, sent: Any = None, **more: Any):
    """Status, decoded body (None for none), headers."""
    data = None if sent is None else msgspec.json.encode([sent])
    headers = {**(JSON if sent is not None else {}), **more.pop("headers", {})}
    async with session.request(method, path, data=data, headers=headers, **more) as answer:
        body = await answer.read()
        return answer.status, msgspec.json.decode(body) if body else None, answer.headers


async def test_a_reading_is_claimed_updated_and_completed_by_another_system(room):
    uid = await room.uid()
    assert (await room.state(uid, "IN PROGRESS"))[0] == 200
    assert (await room.reading()).claimed_by == "system:east perform"
    sent = {"00741216": performed(room.exam.study.study_instance_uid, room.exam.instance.sop_instance_uid)}
    status, _, headers = await call(room.perform, "POST", f"{ALL}/{uid}?{LOCK}", sent)
    assert (status, headers["Content-Location"].endswith(f"/workitems/{uid}")) == (200, True)
    assert (await room.state(uid, "COMPLETED"))[0] == 200
    after = await room.reading()
    assert (after.state, after.reason) == (ReadingState.READ_ELSEWHERE, "east perform")
    status, [record], _ = await call(room.read, "GET", f"{ALL}/{uid}")
    assert (status, record["00741000"]["Value"]) == (200, ["COMPLETED"])
    assert "00081195" not in record
    assert record["00100010"]["Value"][0]["Ideographic"] == "演示患者"
    inputs = record["00404021"]["Value"][0]
    assert inputs["00081199"]["Value"][0]["00081155"]["Value"] == [room.exam.instance.sop_instance_uid]
    url = inputs["0040E025"]["Value"][0]["00081190"]["Value"][0]
    assert url.endswith(f"/series/{room.exam.series.series_instance_uid}")


async def test_conflicts_are_409_with_the_warning_that_names_them(room):
    uid = await room.uid()
    missing = "The Transaction UID is missing."
    state = "The submitted request is inconsistent with the state of the UPS Instance."

    async def said(answer):
        status, _, headers = answer
        return status, headers.get("Warning", "").partition("dicom-web: ")[2]

    assert await said(await room.state(uid, "COMPLETED")) == (409, state)
    assert await said(await room.state(uid, "IN PROGRESS", "")) == (409, missing)
    assert await said(await room.state(uid, "SCHEDULED")) == (409, state)
    assert (await room.state(uid, "SOON"))[0] == 400
    assert (await room.state(uid, "IN PROGRESS"))[0] == 200
    assert await said(await room.state(uid, "IN PROGRESS")) == (409, state)
    assert await said(await room.state(uid, "COMPLETED", "1.2")) == (409, "The Transaction UID is incorrect.")
    assert await said(await room.state(uid, "COMPLETED")) == (409, state), "final needs are not met"
    assert await said(await call(room.perform, "POST", f"{ALL}/{uid}", {})) == (409, missing)
    assert await said(await room.state(uid, "CANCELED")) == (200, "")
    assert await said(await room.state(uid, "CANCELED")) == (
        200, "The UPS is already in the requested state of CANCELED.")
    status, text = await said(await call(room.perform, "POST", f"{ALL}/{uid}?transaction-uid={LOCK}", {}))
    assert status == 400, text
    assert (await room.state("1.2.3.404", "IN PROGRESS"))[0] == 404
    assert (await room.state(uid, "IN PROGRESS", session=room.ingest))[0] == 403
    assert (await room.state(uid, "IN PROGRESS", session=room.read))[0] == 403


async def test_a_request_is_201_with_its_place_and_the_same_again_409(room):
    study = room.exam.study.study_instance_uid
    status, body, headers = await call(room.ingest, "POST", f"{ALL}?1.2.3.77", creation(study))
    assert (status, body) == (201, None)
    assert headers["Location"].endswith("/dicom-web/workitems/1.2.3.77")
    assert (await call(room.perform, "GET", f"{ALL}/1.2.3.77"))[0] == 200
    assert (await call(room.ingest, "POST", f"{ALL}?workitem=1.2.3.77", creation(study)))[0] == 409
    named = {**creation(study), "00080018": value("UI", "1.2.3.78"), "00100010": value("PN", {"Alphabetic": "Other"})}
    status, _, headers = await call(room.ingest, "POST", ALL, named)
    assert (status, headers["Location"].endswith("1.2.3.78")) == (201, True)
    assert headers["Warning"].endswith("The Workitem was created with modifications.")
    status, _, headers = await call(room.ingest, "POST", ALL, creation(study))
    assert (status, "/workitems/2.25." in headers["Location"]) == (201, True)
    for wrong in (creation("1.2.404"), {**creation(study), "00741000": value("CS", "COMPLETED")}, {}):
        status, problem, _ = await call(room.ingest, "POST", f"{ALL}?workitem=1.2.3.79", wrong)
        assert (status, problem["status"]) == (400, 400)
    for body, kind, expected in ((b"{", "application/dicom+json", 400), (b"x", "text/plain", 415),
                                 (b"[" * 5000, "application/dicom+json", 400),
                                 (b" " * (1 << 20) + b"{}", "application/dicom+json", 413)):
        async with room.ingest.post(ALL, data=body, headers={"Content-Type": kind}) as answer:
            assert answer.status == expected, await answer.text()
    status, _, _ = await call(room.ingest, "POST", f"{ALL}/1.2.3.77/cancelrequest")
    assert status == 202
    status, _, headers = await call(room.ingest, "POST", f"{ALL}/1.2.3.77/cancelrequest")
    assert (status, headers["Warning"].endswith("requested state of CANCELED.")) == (202, True)
    assert (await call(room.ingest, "POST", f"{ALL}/{await room.uid()}/cancelrequest"))[0] in (202, 409)
    assert (await call(room.ingest, "POST", f"{ALL}/1.2.404/cancelrequest"))[0] == 404


async def test_a_search_finds_by_keyword_tag_and_inside_sequences_and_pages(room):
    for n in range(4):
        await add_exam(room.web.parts, "east", name=f"演示{n}", modality="CT", patient_id=f"CT{n}")
    everything = (await call(room.read, "GET", ALL))[1]
    assert len(everything) == 5
    pages = [(await call(room.read, "GET", f"{ALL}?limit=2&offset={offset}"))[1] for offset in (0, 2, 4)]
    assert [record["00080018"] for page in pages for record in page] == [one["00080018"] for one in everything]
    for query, count in (("PatientID=CT1", 1), ("00100020=CT*", 4), ("ProcedureStepState=SCHEDULED", 5),
                         ("ScheduledWorkitemCodeSequence.CodeValue=110005", 5), ("PatientName=演示1", 1),
                         ("ReferencedRequestSequence.AccessionNumber=" + room.exam.study.accession_number, 1),
                         ("InputInformationSequence.StudyInstanceUID=" + room.exam.study.study_instance_uid, 1),
                         ("ScheduledProcedureStepStartDateTime=20200101-", 5)):
        assert len((await call(room.read, "GET", f"{ALL}?{query}"))[1]) == count, query
    assert (await call(room.read, "GET", f"{ALL}?PatientID=nobody"))[0] == 204
    for wrong in ("NoSuchThing=1", "ProcedureStepState=DONE", "TransactionUID=1.2.3", "limit=many"):
        assert (await call(room.read, "GET", f"{ALL}?{wrong}"))[0] == 400, wrong
    assert "00400400" not in everything[0]
    more = (await call(room.read, "GET", f"{ALL}?includefield=CommentsOnTheScheduledProcedureStep"))[1]
    assert "00400400" in more[0]
    assert (await call(room.ingest, "GET", ALL))[0] == 403, "a token that only sends reads nobody's data"


async def test_xml_goes_in_and_out(room):
    xml = ('<?xml version="1.0"?><NativeDicomModel>'
           '<DicomAttribute tag="00741000" vr="CS" keyword="ProcedureStepState"><Value number="1">IN PROGRESS</Value>'
           '</DicomAttribute><DicomAttribute tag="00081195" vr="UI" keyword="TransactionUID"><Value number="1">'
           f'{LOCK}</Value></DicomAttribute></NativeDicomModel>').encode()
    uid = await room.uid()
    body = b"--edge\r\nContent-Type: application/dicom+xml\r\n\r\n" + xml + b"\r\n--edge--\r\n"
    async with room.perform.put(f"{ALL}/{uid}/state", data=body, headers={
            "Content-Type": 'multipart/related; type="application/dicom+xml"; boundary=edge'}) as answer:
        assert answer.status == 200, await answer.text()
    async with room.read.get(f"{ALL}/{uid}", headers={
            "Accept": 'multipart/related; type="application/dicom+xml"'}) as answer:
        assert b'tag="00741000"' in (text := await answer.read())
        assert LOCK.encode() not in text
    async with room.read.get(ALL, headers={"Accept": "image/png"}) as answer:
        assert answer.status == 406


async def test_a_client_of_dicomweb_finds_the_study_of_a_workitem(room):
    """dicomweb-client has no UPS-RS of its own: what Input Information names is fetched with it."""
    uid = await room.uid()
    record = (await call(room.read, "GET", f"{ALL}/{uid}"))[1][0]
    item = record["00404021"]["Value"][0]
    token = room.read.headers["Authorization"]
    client = DICOMwebClient(str(room.web.server.make_url("/dicom-web")), headers={"Authorization": token})
    found = await asyncio.to_thread(client.search_for_series, item["0020000D"]["Value"][0])
    assert [one["0020000E"]["Value"] for one in found] == [item["0020000E"]["Value"]]


async def heard(channel) -> dict[str, Any]:
    async with asyncio.timeout(10):
        message = await channel.receive()
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return msgspec.json.decode(message.data, type=dict[str, Any])


def told(event: dict[str, Any]) -> tuple[int, str]:
    return event["00001002"]["Value"][0], event.get("00741000", {}).get("Value", [""])[0]


async def test_events_come_by_websocket_in_order_and_wait_while_nobody_listens(room):
    uid = await room.uid()
    status, _, headers = await call(room.ingest, "POST", f"{ALL}/{uid}/subscribers/WATCHER?deletionlock=true")
    assert (status, headers["Content-Location"].startswith("ws://")) == (201, True)
    person = await add_person(room.web.parts, "demo-reader", (Role.READER, "east"))
    await claim_reading(room.web.parts, person, room.exam.reading.id)
    async with room.ingest.ws_connect("/dicom-web/subscribers/WATCHER") as channel:
        first = await heard(channel)
        assert (told(first), first["00001000"]["Value"], first["00000002"]["Value"]) == (
            (1, "SCHEDULED"), [uid], ["1.2.840.10008.5.1.4.34.6.4"])
        assert first["00404041"]["Value"] == ["READY"]
        assert told(await heard(channel)) == (1, "IN PROGRESS")
        await release_reading(room.web.parts, person, room.exam.reading.id)
        assert told(await heard(channel)) == (1, "CANCELED")
    async with room.ingest.get("/dicom-web/subscribers/WATCHER") as answer:
        assert answer.status == 426
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        await room.stranger.ws_connect("/dicom-web/subscribers/WATCHER")
    assert refusal.value.status == 404, "the title belongs to the site whose machine subscribed it"


async def test_a_global_and_a_filtered_subscription_hear_of_new_readings_until_they_are_suspended(room):
    everything, urgent = (f"{ALL}/{uid}/subscribers/{name}" for uid, name in (
        (GLOBAL_SUBSCRIPTION, "EVERY"), (FILTERED_SUBSCRIPTION, "FILM")))
    async with room.read.ws_connect("/dicom-web/subscribers/EVERY") as every, \
            room.ingest.ws_connect("/dicom-web/subscribers/FILM") as film:
        await room.uid()
        assert (await call(room.read, "POST", everything))[0] == 201
        assert (await call(room.ingest, "POST", urgent))[0] == 400, "a filter is missing"
        assert (await call(room.ingest, "POST", urgent + "?filter=PatientID=FILM*,ProcedureStepState=SCHEDULED"))[
            0] == 201
        await add_exam(room.web.parts, "east", patient_id="FILM1")
        assert told(await heard(film)) == told(await heard(every)) == (1, "SCHEDULED")
        other = await add_exam(room.web.parts, "east", patient_id="OTHER")
        assert told(await heard(every)) == (1, "SCHEDULED")
        assert (await call(room.read, "POST", everything + "/suspend"))[0] == 200
        await add_exam(room.web.parts, "east", patient_id="FILM2")
        assert told(await heard(film)) == (1, "SCHEDULED")
        person = await add_person(room.web.parts, "demo-reader", (Role.READER, "east"))
        await claim_reading(room.web.parts, person, other.reading.id)
        assert told(await heard(every)) == (1, "IN PROGRESS"), "what it follows already stays followed"
        assert (await call(room.read, "DELETE", everything))[0] == 200
        assert (await call(room.read, "DELETE", f"{ALL}/{GLOBAL_SUBSCRIPTION}/subscribers/NOBODY"))[0] == 404
    assert (await call(room.read, "POST", f"{ALL}/1.2.404/subscribers/EVERY"))[0] == 404
    assert (await call(room.stranger, "POST", f"{ALL}/{GLOBAL_SUBSCRIPTION}/subscribers/FILM"))[0] == 403
    assert (await call(room.stranger, "DELETE", f"{ALL}/{GLOBAL_SUBSCRIPTION}/subscribers/FILM"))[0] == 404


async def test_what_one_process_changes_the_subscribers_of_another_hear(room):
    """A second gateway over the same store: nothing but rows goes from one to the other."""
    uid = await room.uid()
    async with serving(replace(room.web.parts, node="other")) as other:
        watcher = other.stranger(token=room.read.headers["Authorization"].removeprefix("Bearer "))
        assert (await call(watcher, "POST", f"{ALL}/{uid}/subscribers/FAR"))[0] == 201
        async with watcher.ws_connect("/dicom-web/subscribers/FAR") as channel:
            assert told(await heard(channel)) == (1, "SCHEDULED")
            assert (await room.state(uid, "IN PROGRESS"))[0] == 200
            loop = asyncio.get_running_loop()
            begun = loop.time()
            assert told(await heard(channel)) == (1, "IN PROGRESS")
            assert loop.time() - begun < 5
