"""A clinic behind NAT gets its reports by calling out: nothing is missed, and every time is its own (G5, H1)."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from io import BytesIO

import pytest
from pydicom import dcmread

from gateway.core.errors import NotNow
from gateway.services.administer_sites import By, add_destination
from gateway.services.claim_reading import claim_reading
from gateway.services.job_runner import JobRunner
from gateway.services.pull_reports import HANDLERS
from gateway.services.retry_delivery import retry_delivery
from gateway.services.sign_report import prepare_signing, sign_report
from gateway.services.write_report import save_draft
from storage.model import EVERYWHERE, DeliveryState, Destination, DestinationKind
from tests.support.report_builders import REVIEWER, SITE, WRITER, a_text, furnish
from tests.support.web import PASSWORD, add_token, password_hash, serving

BOSS = By("boss", "10.0.0.9", EVERYWHERE)
PROGRAM = Destination("his-1", SITE.id, DestinationKind.PULL, "演示卫生院系统")
REPORTS = "/api/clinic/reports"


class Clinic:
    """A web edge, the clinic's program with its token, and a study that a reader has in hand."""

    def __init__(self, web, room, program):
        self.web, self.room, self.program = web, room, program

    async def sign(self, *, user=WRITER, is_emergency=True):
        parts, reading_id = self.web.parts, self.room.reading.id
        shown = await prepare_signing(parts, user, reading_id)
        return await sign_report(parts, user, reading_id, password=PASSWORD, text_sha256=shown.text_sha256,
                                 is_emergency=is_emergency)

    async def ask(self, query=""):
        async with self.program.get(REPORTS + query) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def fetch(self, line, form="pdf", *, status=200):
        async with self.program.get(f"{REPORTS}/{line['id']}/{form}") as answer:
            assert answer.status == status, await answer.text()
            return await answer.read()

    async def say(self, line, step, *, status=204, **more):
        async with self.program.post(f"{REPORTS}/{line['id']}/acknowledge", json={"step": step, **more}) as answer:
            assert answer.status == status, await answer.text()

    async def times(self, line):
        delivery = await self.web.parts.database.read(lambda tx: tx.deliveries.get(line["id"], EVERYWHERE))
        return delivery.state, delivery.sent_at, delivery.accepted_at, delivery.opened_at, delivery.acknowledged_at


@pytest.fixture
async def clinic(parts):
    async with serving(parts) as web:
        room = await furnish(web.parts, password_hash=password_hash())
        await add_destination(web.parts, PROGRAM, BOSS)
        await save_draft(web.parts, WRITER, room.reading.id, a_text(), template_id="T1", revision=0)
        yield Clinic(web, room, web.stranger(token=await add_token(web.parts, SITE.id, "read")))


async def test_a_program_lists_fetches_and_acknowledges_and_every_time_is_its_own(clinic, clock):
    assert await clinic.ask() == []
    report = await clinic.sign()
    [line] = await clinic.ask()
    assert (line["state"], line["version"], line["sent_at"]) == ("queued", 1, None)
    assert line["study_instance_uid"] == clinic.room.study.study_instance_uid
    await clinic.say(line, "accepted", status=409)

    at_fetch = clock.advance(60)
    pdf = await clinic.fetch(line)
    assert hashlib.sha256(pdf).hexdigest() == line["pdf_sha256"] == report.pdf_sha256
    assert await clinic.times(line) == (DeliveryState.SENT, at_fetch, None, None, None)
    assert [one["id"] for one in await clinic.ask()] == [line["id"]], "handed out is not yet received"
    clock.advance(60)
    again = await clinic.fetch(line, "dicom")
    assert dcmread(BytesIO(again)).SOPInstanceUID == report.sop_instance_uid
    assert hashlib.sha256(again).hexdigest() == line["dicom_sha256"]
    at_fetch = clock()

    at_accept = clock.advance(60)
    await clinic.say(line, "accepted")
    clock.advance(60)
    await clinic.say(line, "accepted")
    assert await clinic.times(line) == (DeliveryState.ACCEPTED, at_fetch, at_accept, None, None)
    assert await clinic.ask() == []
    at_open = clock.advance(60)
    await clinic.say(line, "opened")
    at_end = clock.advance(60)
    await clinic.say(line, "acknowledged", status=400)
    await clinic.say(line, "acknowledged", person="演示医生")
    await clinic.say(line, "opened")
    assert await clinic.times(line) == (DeliveryState.ACKNOWLEDGED, at_fetch, at_accept, at_open, at_end)
    story = await clinic.web.parts.database.read(
        lambda tx: tx.audit.of_study(clinic.room.study.id, EVERYWHERE))
    told = [one.entry for one in story if one.entry.actor.startswith("token:")]
    assert [entry.action for entry in told] == ["delivery.sent", "delivery.sent", "delivery.accepted",
                                                "delivery.opened", "report.acknowledged"]
    assert told[-1].detail["person"] == "演示医生"


async def test_a_step_that_nobody_told_has_no_time(clinic, clock):
    await clinic.sign()
    [line] = await clinic.ask()
    await clinic.fetch(line)
    clock.advance(60)
    await clinic.say(line, "acknowledged", person="演示医生")
    state, _, accepted, opened, acknowledged = await clinic.times(line)
    assert (state, accepted, opened, acknowledged) == (DeliveryState.ACKNOWLEDGED, None, None, clock())


async def test_a_program_that_waits_hears_of_a_report_at_once(clinic):
    waiting = asyncio.create_task(clinic.ask("?wait=30"))
    assert await clinic.ask() == [], "a question asked later is answered meanwhile"
    assert not waiting.done()
    await clinic.sign()
    async with asyncio.timeout(15):
        [line] = await waiting
    assert line["state"] == "queued"


async def test_a_replaced_version_is_not_handed_out_and_the_new_one_is_listed(clinic):
    await clinic.sign()
    [old] = await clinic.ask()
    await clinic.fetch(old)
    await claim_reading(clinic.web.parts, REVIEWER, clinic.room.reading.id)
    final = await clinic.sign(user=REVIEWER, is_emergency=False)
    [new] = await clinic.ask()
    assert (new["version"], new["report_id"]) == (2, final.id)
    await clinic.fetch(old, status=409)
    await clinic.say(old, "accepted", status=409)


async def test_everything_since_a_time_can_be_asked_for_again(clinic, clock):
    before = clock()
    await clinic.sign()
    [line] = await clinic.ask()
    await clinic.fetch(line)
    await clinic.say(line, "accepted")
    assert [one["state"] for one in await clinic.ask(f"?since={before:%Y-%m-%dT%H:%M:%SZ}")] == ["accepted"]
    assert await clinic.ask(f"?since={before + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}") == []
    async with clinic.program.get(f"{REPORTS}?since=yesterday") as answer:
        assert answer.status == 400


async def test_other_deliveries_and_other_tokens_are_out_of_reach(clinic):
    await clinic.sign()
    [line] = await clinic.ask()
    page = next(one for one in await clinic.web.parts.database.read(
        lambda tx: tx.deliveries.of_study(clinic.room.study.id, EVERYWHERE))
        if one.kind is DestinationKind.CLINIC_PAGE)
    await clinic.fetch({"id": page.id}, status=404)
    ingest = clinic.web.stranger(token=await add_token(clinic.web.parts, SITE.id, "ingest"))
    async with ingest.get(f"{REPORTS}/{line['id']}/pdf") as answer:
        assert answer.status == 403


async def test_a_report_that_nobody_fetches_for_a_day_is_told_and_cannot_be_sent_from_here(clinic, clock):
    await clinic.sign()
    [line] = await clinic.ask()
    with pytest.raises(NotNow):
        await retry_delivery(clinic.web.parts, line["id"], BOSS)
    runner = JobRunner(clinic.web.parts, HANDLERS)
    await runner.run_due()
    clock.advance(86_401)
    await runner.run_due()
    alarms = await clinic.web.parts.database.read(lambda tx: tx.alarms.open_alarms(EVERYWHERE))
    assert [(alarm.kind, alarm.ref) for alarm in alarms] == [("report-not-fetched", line["id"])]
