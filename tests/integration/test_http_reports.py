"""The report routes over a real socket: a draft, its review, the signature, the PDF at the clinic."""

from __future__ import annotations

import pytest

from gateway.services.claim_reading import claim_reading
from tests.support.report_builders import CLINIC, REVIEWER, STRANGER, WRITER, a_text, furnish
from tests.support.report_tools import signature_report, squeezed, words_of
from tests.support.web import PASSWORD, password_hash, serving

TEXT = {"technique": a_text().technique, "findings": a_text().findings, "impression": a_text().impression}


@pytest.fixture
async def web(parts):
    async with serving(parts) as running:
        yield running


@pytest.fixture
async def room(parts):
    return await furnish(parts, password_hash=password_hash())


async def call(browser, method, path, body=None):
    async with browser.request(method, path, json=body) as answer:
        return answer.status, await answer.json()


async def test_from_draft_to_acknowledged_report(web, room, tmp_path):
    reading = f"/api/readings/{room.reading.id}"
    writer, reviewer, clinic = [await web.browser(user.login) for user in (WRITER, REVIEWER, CLINIC)]

    status, view = await call(writer, "PUT", f"{reading}/draft", {"text": TEXT, "template_id": "T1", "revision": 0})
    assert (status, view["state"], view["revision"], view["writer_name"]) == (200, "draft", 1, "演示阅片医师")
    status, problem = await call(writer, "PUT", f"{reading}/draft", {"text": TEXT, "template_id": "", "revision": 0})
    assert (status, problem["reason"]) == (409, "revision")
    assert (await call(writer, "POST", f"{reading}/submit"))[1]["state"] == "submitted"
    await claim_reading(web.parts, REVIEWER, room.reading.id)

    status, shown = await call(reviewer, "GET", f"{reading}/signing")
    assert (status, shown["checks"]) == (200, [])
    assert TEXT["impression"] in shown["text"]
    status, problem = await call(reviewer, "POST", f"{reading}/sign",
                                 {"password": "wrong-password", "text_sha256": shown["text_sha256"]})
    assert (status, problem["reason"]) == (403, "bad-password")
    status, view = await call(reviewer, "POST", f"{reading}/sign",
                              {"password": PASSWORD, "text_sha256": shown["text_sha256"]})
    assert (status, view["state"], view["signed_by_name"]) == (200, "final", "演示审核医师")

    async with clinic.get(f"/api/reports/{view['id']}/pdf") as answer:
        assert (answer.status, answer.content_type) == (200, "application/pdf")
        assert answer.headers["Content-Disposition"].startswith("inline")
        pdf = await answer.read()
    assert squeezed(TEXT["impression"]) in words_of(pdf, tmp_path)
    assert "Signature is Valid" in signature_report(pdf, tmp_path)
    async with clinic.get("/api/clinic/studies") as answer:
        [row] = (await answer.json())["items"]
    status, delivery = await call(clinic, "POST", f"/api/deliveries/{row['delivery']['id']}/acknowledge")
    assert (status, delivery["state"], delivery["acknowledged_by_name"]) == (200, "acknowledged", "演示乡镇医师")
    assert delivery["opened_at"] is not None


async def test_a_report_given_back_shows_as_draft_again(web, room):
    reading = f"/api/readings/{room.reading.id}"
    writer, reviewer = [await web.browser(user.login) for user in (WRITER, REVIEWER)]
    await call(writer, "PUT", f"{reading}/draft", {"text": TEXT, "template_id": "", "revision": 0})
    await call(writer, "POST", f"{reading}/submit")
    await claim_reading(web.parts, REVIEWER, room.reading.id)
    status, problem = await call(reviewer, "POST", f"{reading}/reject", {"reason": ""})
    assert (status, problem["reason"]) == (400, "reason-required")
    assert (await call(reviewer, "POST", f"{reading}/reject", {"reason": "侧别?"}))[1]["state"] == "draft"


async def test_blocking_checks_stop_the_signature_and_name_what_is_open(web, room):
    reading = f"/api/readings/{room.reading.id}"
    writer = await web.browser(WRITER.login)
    await call(writer, "PUT", f"{reading}/draft",
               {"text": TEXT | {"findings": "右侧气胸,心胸比约【0.】。"}, "template_id": "T1", "revision": 0})
    _, shown = await call(writer, "GET", f"{reading}/signing")
    assert [(check["code"], check["is_blocking"]) for check in shown["checks"]] == [("placeholder", True)]
    status, problem = await call(writer, "POST", f"{reading}/sign", {
        "password": PASSWORD, "text_sha256": shown["text_sha256"], "is_emergency": True})
    assert (status, problem["reason"]) == (400, "checks-failed")


async def test_templates_are_offered_for_modality_body_part_and_kind(web, room):
    writer = await web.browser(WRITER.login)
    _, offered = await call(writer, "GET", "/api/templates?modality=DX&body_part=CHEST&kind=image")
    assert [template["id"] for template in offered] == ["T1", "T2"]
    assert offered[0]["hints"]
    _, offered = await call(writer, "GET", "/api/templates?modality=ECG&body_part=&kind=ecg")
    assert [template["id"] for template in offered] == ["T6"]


async def test_who_may_not_see_it_finds_nothing(web, room):
    reading = f"/api/readings/{room.reading.id}"
    writer, clinic, stranger = [await web.browser(user.login) for user in (WRITER, CLINIC, STRANGER)]
    _, draft = await call(writer, "PUT", f"{reading}/draft", {"text": TEXT, "template_id": "", "revision": 0})
    for browser in (clinic, stranger, web.stranger()):
        async with browser.get(f"/api/reports/{draft['id']}/pdf") as answer:
            assert answer.status in (401, 404)
            assert b"%PDF" not in await answer.read()
    status, _ = await call(clinic, "PUT", f"{reading}/draft", {"text": TEXT, "template_id": "", "revision": 1})
    assert status == 403
