"""Orders on the API: placed, amended, withdrawn before the reading starts, listed (A1, A2, A6)."""

from __future__ import annotations

import pytest

from gateway.services.claim_reading import claim_reading
from storage.model import EVERYWHERE, ReadingState, Role
from storage.model.orders import LinkEvidence
from tests.support.stores import open_parts
from tests.support.web import add_exam, add_person, add_site, add_token, serving

ORDER = {
    "patient_id": "P1", "patient_name": "演示王小明", "modality": "dx", "sex": "M", "birth_date": "1949-12-31",
    "id_card_number": "11010519491231002x", "body_part": "chest", "procedure_description": "胸部正位",
    "department": "内科", "requesting_physician": "李医生", "clinical_diagnosis": "咳嗽3天", "purpose": "排除肺炎",
    "urgency": "urgent", "fee_item": "F-210", "consent_informed_by": "李医生", "consent_is_written": True,
    "consent_at": "2026-03-02T00:30:00Z", "consent_given_by": "本人", "scheduled_at": "2026-03-02T11:00:00+08:00"}


@pytest.fixture
async def web(tmp_path):
    async with open_parts(tmp_path / "data") as parts:
        await add_site(parts, "alder", "演示甲院")
        await add_site(parts, "birch", "演示乙院")
        running_people = {"clerk": (Role.CLINIC, "alder"), "reader": (Role.READER, None), "boss": (Role.ADMIN, None)}
        people = {login: await add_person(parts, login, grant) for login, grant in running_people.items()}
        token = await add_token(parts, "alder", "ingest")
        async with serving(parts) as running:
            running.people, running.token = people, token
            running.clerk = await running.browser("clerk")
            yield running


async def call(browser, method, path, status, **body):
    async with browser.request(method, path, **({"json": body} if body else {})) as answer:
        got = await answer.json()
        assert answer.status == status, got
        return got


async def trail(web, action):
    entries = await web.parts.database.read(lambda tx: tx.audit.recent(EVERYWHERE))
    return [chained.entry for chained in entries if chained.entry.action == action]


async def test_a_clinic_places_an_order_and_gets_its_names_and_the_warnings_of_the_identity_number(web):
    placed = await call(web.clerk, "POST", "/api/orders", 201, **ORDER)
    assert (placed["site_id"], placed["site_name"], placed["source"], placed["state"]) == (
        "alder", "演示甲院", "ui", "scheduled")
    assert len(placed["accession_number"]) == 12
    assert placed["accession_number"].startswith("260302")
    assert placed["study_instance_uid"].startswith("2.25.")
    assert (placed["modality"], placed["body_part"]) == ("DX", "CHEST")
    assert placed["name_alphabetic"] == "Yan^Shiwangxiaoming"
    assert placed["scheduled_at"] == "2026-03-02T03:00:00Z"
    assert (placed["consent_informed_by"], placed["consent_is_written"]) == ("李医生", True)
    assert placed["id_card_number"] == "11010519491231002X"
    assert placed["warnings"] == ["id-card-other-sex"]
    assert await call(web.clerk, "GET", f"/api/orders/{placed['id']}", 200) == placed
    [entry] = await trail(web, "order.placed")
    assert (entry.actor, entry.site_id, entry.detail["order"]) == (web.people["clerk"].id, "alder", placed["id"])


@pytest.mark.parametrize(("changes", "reason"), [
    ({"patient_name": " "}, "patient-name"), ({"patient_id": ""}, "patient-id"), ({"modality": "X-RAY!"}, "modality"),
    ({"sex": "X"}, "sex"), ({"urgency": "now"}, "urgency"), ({"expected_count": 0}, "expected-count"),
    ({"accession_number": "A" * 17}, "too-long"), ({"accession_number": "A\\B"}, "accession-number"),
    ({"study_instance_uid": "1.02"}, "study-instance-uid"), ({"station_ae_title": "A" * 17}, "station-ae-title"),
    ({"clinical_diagnosis": "x" * 1001}, "too-long"), ({"scheduled_at": "0001-01-01T00:00:00+14:00"}, "scheduled-at"),
    ({"birth_date": "0001-01-01"}, "birth-date"), ({"patient_name": "\x00"}, "patient-name"),
    ({"scheduled_at": "2026-03-02T11:00:00"}, "invalid"),
    ({"site_id": "nowhere"}, "other-site"), ({"unknown": 1}, "invalid"), ({"birth_date": "1980-02-30"}, "invalid")])
async def test_what_is_wrong_with_an_order_is_named(web, changes, reason):
    got = await call(web.clerk, "POST", "/api/orders", 403 if reason == "other-site" else 400, **ORDER | changes)
    assert got["reason"] == reason
    assert (await call(web.clerk, "GET", "/api/orders", 200))["total"] == 0


async def test_an_accession_number_is_given_once_in_a_site(web):
    await call(web.clerk, "POST", "/api/orders", 201, **ORDER, accession_number="A1")
    assert (await call(web.clerk, "POST", "/api/orders", 400, **ORDER, accession_number="A1"))["reason"] == "taken"
    boss = await web.browser("boss")
    await call(boss, "POST", "/api/orders", 201, **ORDER, accession_number="A1", site_id="birch")
    assert (await call(boss, "POST", "/api/orders", 400, **ORDER))["reason"] == "unknown-site"


async def test_a_machine_places_orders_for_its_site(web):
    machine = web.stranger(token=web.token)
    placed = await call(machine, "POST", "/api/orders", 201, **ORDER)
    assert (placed["source"], placed["site_id"]) == ("api", "alder")


async def test_an_amendment_names_the_revision_it_saw_and_keeps_what_it_leaves_out(web):
    placed = await call(web.clerk, "POST", "/api/orders", 201, **ORDER)
    path = f"/api/orders/{placed['id']}"
    changed = await call(web.clerk, "PUT", path, 200, **ORDER | {"purpose": "复查"}, revision=0)
    assert (changed["purpose"], changed["revision"]) == ("复查", 1)
    assert (changed["accession_number"], changed["study_instance_uid"]) == (
        placed["accession_number"], placed["study_instance_uid"])
    assert (await call(web.clerk, "PUT", path, 409, **ORDER, revision=0))["reason"] == "revision"


async def test_an_order_is_withdrawn_with_a_reason_and_only_once(web):
    placed = await call(web.clerk, "POST", "/api/orders", 201, **ORDER)
    path = f"/api/orders/{placed['id']}/withdraw"
    assert (await call(web.clerk, "POST", path, 400, reason=" "))["reason"] == "reason-required"
    gone = await call(web.clerk, "POST", path, 200, reason="病人离开")
    assert (gone["state"], gone["withdrawn_reason"]) == ("withdrawn", "病人离开")
    assert await call(web.clerk, "POST", path, 200, reason="again") == gone
    assert len(await trail(web, "order.withdrawn")) == 1
    amended = await call(web.clerk, "PUT", f"/api/orders/{placed['id']}", 409, **ORDER)
    assert amended["reason"] == "withdrawn"


async def linked(web, exam):
    placed = await call(web.clerk, "POST", "/api/orders", 201, **ORDER)
    order = await web.parts.database.read(lambda tx: tx.orders.get(placed["id"], EVERYWHERE))
    await web.parts.database.write(lambda tx: tx.orders.link(order, exam.study.id, LinkEvidence.PERSON,
                                                             at=web.parts.clock()))
    return placed


async def test_withdrawing_takes_the_unread_reading_with_it(web):
    exam = await add_exam(web.parts, "alder")
    placed = await linked(web, exam)
    await call(web.clerk, "POST", f"/api/orders/{placed['id']}/withdraw", 200, reason="重复开单")
    reading = await web.parts.database.read(lambda tx: tx.readings.get(exam.reading.id, EVERYWHERE))
    assert (reading.state, reading.reason) == (ReadingState.WITHDRAWN, "重复开单")


async def test_once_somebody_reads_the_order_stays(web):
    exam = await add_exam(web.parts, "alder")
    placed = await linked(web, exam)
    await claim_reading(web.parts, web.people["reader"], exam.reading.id)
    refused = await call(web.clerk, "POST", f"/api/orders/{placed['id']}/withdraw", 409, reason="重复开单")
    assert refused["reason"] == "reading-started"
    assert (await call(web.clerk, "GET", f"/api/orders/{placed['id']}", 200))["state"] == "in_progress"


async def test_once_images_are_here_whose_they_are_no_longer_changes_but_the_clinical_words_may(web):
    placed = await linked(web, await add_exam(web.parts, "alder"))
    path = f"/api/orders/{placed['id']}"
    other = await call(web.clerk, "PUT", path, 409, **ORDER | {"patient_id": "P2"})
    assert other["reason"] == "identity-fixed"
    assert (await call(web.clerk, "PUT", path, 200, **ORDER | {"clinical_diagnosis": "发热"}))[
        "clinical_diagnosis"] == "发热"


async def test_the_reading_page_is_told_what_the_clinic_asked(web):
    exam = await add_exam(web.parts, "alder")
    placed = await linked(web, exam)
    reader = await web.browser("reader")
    shown = await call(reader, "GET", f"/api/studies/{exam.study.id}", 200)
    assert shown["request"] == {
        "order_id": placed["id"], "department": "内科", "requesting_physician": "李医生",
        "clinical_diagnosis": "咳嗽3天", "purpose": "排除肺炎", "visit_number": ""}
    other = await add_exam(web.parts, "alder")
    assert (await call(reader, "GET", f"/api/studies/{other.study.id}", 200))["request"] is None


async def test_a_list_is_asked_by_state_time_words_and_page(web):
    for n in range(4):
        await call(web.clerk, "POST", "/api/orders", 201, **ORDER | {
            "accession_number": f"N{n}", "scheduled_at": f"2026-03-0{n + 1}T03:00:00Z", "patient_id": f"Q{n}"})
    first = (await call(web.clerk, "GET", "/api/orders?q=n0", 200))["items"][0]
    await call(web.clerk, "POST", f"/api/orders/{first['id']}/withdraw", 200, reason="x")

    async def numbers(query):
        got = await call(web.clerk, "GET", f"/api/orders?{query}", 200)
        return [item["accession_number"] for item in got["items"]], got["total"]

    assert await numbers("") == (["N3", "N2", "N1", "N0"], 4)
    assert await numbers("state=scheduled&limit=2") == (["N3", "N2"], 3)
    assert await numbers("state=scheduled&limit=2&offset=2") == (["N1"], 3)
    assert await numbers("from=2026-03-02T00:00:00Z&before=2026-03-03T12:00:00%2B08:00") == (["N2", "N1"], 2)
    assert await numbers("from=2026-03-02T00:00:00Z&before=2026-03-03T08:00:00%2B08:00") == (["N1"], 1)
    assert await numbers("q=Q2") == (["N2"], 1)
    assert (await call(web.clerk, "GET", "/api/orders?from=yesterday", 400))["reason"] == "invalid"
    assert (await call(web.clerk, "GET", "/api/orders?state=odd", 400))["reason"] == "invalid"
