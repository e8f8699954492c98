"""What every request passes: problem documents, limits, headers, live events, the description, the pages."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from dataclasses import replace

import jsonschema
import pytest

from gateway.core.errors import NotNow
from gateway.http import pages
from gateway.http.app import ROUTES, create_app
from gateway.http.events import routes as event_routes
from gateway.http.routing import Route
from gateway.services.ports import Event
from storage.errors import ObjectMissing, StorageFull, StorageUnavailable
from storage.model import Role
from tests.support.web import add_exam, add_person, add_site, serving

SITE, OTHER = "yangchang", "xinzhuang"


@pytest.fixture
async def people(parts):
    await add_site(parts, SITE, "演示羊场镇卫生院")
    await add_site(parts, OTHER, "演示新庄镇卫生院")
    await add_person(parts, "reader", (Role.READER, SITE))
    await add_person(parts, "clinic", (Role.CLINIC, OTHER))
    await add_person(parts, "boss", (Role.ADMIN, None))
    return parts


@pytest.fixture
async def web(people):
    async with serving(people) as running:
        yield running


async def problem(answer):
    assert answer.content_type == "application/problem+json", await answer.text()
    body = await answer.json()
    assert body["status"] == answer.status
    assert set(body) >= {"title", "status", "reason"}
    return answer.status, body["reason"]


# ------------------------------------------------------------------------------------------------ problem documents
@pytest.mark.parametrize(("method", "path", "expected"), [
    ("GET", "/api/nothing/here", (404, "not-found")), ("GET", "/api", (404, "not-found")),
    ("POST", "/api/nothing", (405, "method-not-allowed")), ("DELETE", "/api/readings", (405, "method-not-allowed")),
    ("GET", "/api/readings", (401, "login-needed")), ("GET", "/dicom-web/nothing/here", (404, "not-found")),
    ("GET", "/fhir/Patient", (404, "not-found")), ("GET", "/assets/gone.js", (404, "not-found")),
])
async def test_every_refusal_is_a_problem_document(web, method, path, expected):
    async with web.stranger().request(method, path) as answer:
        assert await problem(answer) == expected


@pytest.mark.parametrize(("body", "kind", "expected"), [
    (b"{", "application/json", (400, "invalid")), (b"", "application/json", (400, "invalid")),
    (b'{"login": 1, "password": "x"}', "application/json", (400, "invalid")),
    (b"\xff\xfe", "application/json", (400, "invalid")), (b"login=x", "text/plain", (415, "media-type")),
])
async def test_a_body_that_means_nothing_is_refused(web, body, kind, expected):
    async with web.stranger().post("/api/session", data=body, headers={"Content-Type": kind}) as answer:
        assert await problem(answer) == expected


@pytest.mark.parametrize(("error", "expected"), [
    (StorageFull("/secret/path"), (503, "storage-full")),
    (StorageUnavailable("/secret/path"), (503, "storage-unavailable")),
    (ObjectMissing("/secret/path"), (500, "object-missing")), (NotNow(reason="own-report"), (409, "own-report")),
    (ZeroDivisionError("/secret/path"), (500, "internal")),
])
async def test_a_failure_inside_is_told_in_plain_words_without_paths(people, error, expected):
    async def fail(request):
        raise error

    async with serving(people, extra_routes=[Route("GET", "/api/fail", fail, "", is_public=True)]) as web:
        async with web.stranger().get("/api/fail") as answer:
            assert await problem(answer) == expected
            assert "secret" not in await answer.text()
        async with web.stranger().get("/healthz") as answer:      # the next one is served
            assert answer.status == 200


# ----------------------------------------------------------------------------------------------------------- limits
@pytest.mark.parametrize("path", ["/api/session", "/api/ecg", "/dicom-web/studies", "/api/admin/rules"])
async def test_two_gigabytes_announced_are_refused_before_they_are_sent(web, path):
    head = (f"POST {path} HTTP/1.1\r\nHost: {web.server.host}:{web.server.port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {2 << 30}\r\n\r\n")
    reader, writer = await asyncio.open_connection(web.server.host, web.server.port)
    writer.write(head.encode())
    async with asyncio.timeout(5):
        answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close" in answer
    async with web.stranger().get("/healthz") as alive:
        assert alive.status == 200


async def test_a_client_that_asks_first_is_told_not_to_send(web):
    reader, writer = await asyncio.open_connection(web.server.host, web.server.port)
    writer.write("POST /api/session HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                 "Content-Type: application/json\r\n"
                 f"Content-Length: {2 << 30}\r\n\r\n".encode())
    async with asyncio.timeout(5):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 413 ")
    writer.close()


async def test_a_small_body_that_asks_first_is_taken(web):
    body = json.dumps({"login": "reader", "password": "wrong-password"}).encode()
    reader, writer = await asyncio.open_connection(web.server.host, web.server.port)
    writer.write("POST /api/session HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                 "Content-Type: application/json\r\n"
                 f"Content-Length: {len(body)}\r\n\r\n".encode())
    async with asyncio.timeout(5):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        writer.write(body)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 401 ")
    writer.close()


async def test_an_endless_body_without_a_length_is_cut_off(web):
    reader, writer = await asyncio.open_connection(web.server.host, web.server.port)
    writer.write(b"POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Transfer-Encoding: chunked\r\n\r\n")
    answer = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
    sent_bytes = 0
    async with asyncio.timeout(20):
        while not answer.done() and sent_bytes < 64 << 20:
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            sent_bytes += 65536
            await writer.drain()
        assert (await answer).startswith(b"HTTP/1.1 413 ")
    writer.close()
    assert sent_bytes < 64 << 20
    async with web.stranger().get("/healthz") as alive:
        assert alive.status == 200


async def test_noise_on_the_port_does_not_stop_the_next_request(web):
    for noise in (b"\x00\xff" * 500 + b"\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00"):
        with socket.create_connection((web.server.host, web.server.port), timeout=5) as peer:
            peer.sendall(noise)
    async with web.stranger().get("/healthz") as alive:
        assert alive.status == 200


# ---------------------------------------------------------------------------------------------------------- headers
async def test_every_answer_carries_the_security_headers(web):
    for path in ("/", "/api/nothing", "/api/openapi.json", "/healthz"):
        async with web.stranger().get(path) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'self'" in policy
            assert "script-src 'self' 'wasm-unsafe-eval'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe-eval'" not in policy.replace("'wasm-unsafe-eval'", "")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
    async with web.stranger().get("/api/openapi.json") as answer:
        assert answer.headers["Cache-Control"] == "no-store"


async def test_a_pdf_may_stand_in_a_frame_of_our_own_page(people):
    from aiohttp import web as aiohttp_web

    async def pdf(request):
        return aiohttp_web.Response(body=b"%PDF-1.7", content_type="application/pdf")

    row = Route("GET", "/api/pdf", pdf, "", is_public=True)
    async with serving(people, extra_routes=[row]) as web, web.stranger().get("/api/pdf") as answer:
        assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'self'"


# ------------------------------------------------------------------------------------------------------ live events
async def next_event(answer):
    async with asyncio.timeout(5):
        while True:
            line = await answer.content.readline()
            assert line, "the stream ended"
            if line.startswith(b"data: "):
                return json.loads(line[6:])


async def test_a_screen_hears_of_its_own_sites_alone(web):
    browser = await web.browser("reader")
    async with browser.get("/api/events") as answer:
        assert answer.content_type == "text/event-stream"
        web.parts.events.publish(Event("reading", OTHER, "s-other", "r-other"))
        web.parts.events.publish(Event("knock", ""))
        web.parts.events.publish(Event("reading", SITE, "s-own", "r-own"))
        assert await next_event(answer) == {"kind": "reading", "site_id": SITE, "study_id": "s-own",
                                            "reading_id": "r-own"}


async def test_a_claim_reaches_the_other_screens(web):
    exam = await add_exam(web.parts, SITE)
    watching, claiming = await web.browser("reader"), await web.browser("reader")
    async with watching.get("/api/events") as answer:
        async with claiming.post(f"/api/readings/{exam.reading.id}/claim"):
            pass
        assert (await next_event(answer))["reading_id"] == exam.reading.id


async def test_a_screen_that_fell_behind_is_told_to_read_again(web):
    browser = await web.browser("reader")
    async with browser.get("/api/events") as answer:
        for n in range(400):                          # all in one turn of the loop: nothing is read in between
            web.parts.events.publish(Event("study", SITE, str(n)))
        first = await next_event(answer)
        assert first["kind"] == "resync" or first["study_id"] != "0"
        kinds = {first["kind"]}
        while "resync" not in kinds:
            kinds.add((await next_event(answer))["kind"])


async def test_a_stream_beats_and_ends_when_its_login_does(people, clock, monkeypatch):
    monkeypatch.setattr("gateway.http.app.events.routes", lambda parts: event_routes(parts, heartbeat_s=0.05))
    async with serving(people) as web:
        browser = await web.browser("reader")
        async with browser.get("/api/events") as answer, asyncio.timeout(10):
            assert b"retry" in await answer.content.readline()
            assert await answer.content.readuntil(b": still here\n\n")
            clock.advance(people.settings.session_idle_minutes * 60 + 1)
            rest = await answer.content.read()
            assert b"data:" not in rest


async def test_stopping_does_not_wait_for_open_screens(people):
    async with serving(people) as web:
        browser = await web.browser("reader")
        answer = await browser.get("/api/events")
        await answer.content.readline()
        async with asyncio.timeout(5):
            await web.server.close()
            assert await answer.content.read() == b"\n"


# ---------------------------------------------------------------------------------------------------------- health
async def test_ready_means_that_a_write_was_tried_and_space_is_left(web):
    async with web.stranger().get("/readyz") as answer:
        assert (answer.status, (await answer.json())["status"]) == (200, "ok")


async def test_a_full_store_is_not_ready_but_alive(people):
    short = replace(people, settings=replace(people.settings, reserve_bytes=1 << 62))
    async with serving(short) as web:
        async with web.stranger().get("/readyz") as answer:
            assert (answer.status, (await answer.json())["problems"]) == (503, ["storage-full"])
        async with web.stranger().get("/healthz") as answer:
            assert answer.status == 200


async def test_a_database_that_does_not_answer_is_not_ready(people):
    class Broken:
        async def write(self, work):
            raise StorageUnavailable

        read = write

    async with serving(replace(people, database=Broken())) as web, web.stranger().get("/readyz") as answer:
        assert (answer.status, (await answer.json())["problems"]) == (503, ["database"])


async def test_metrics_count_requests_by_row_and_never_by_id(web):
    exam = await add_exam(web.parts, SITE)
    async with (await web.browser("reader")).get(f"/api/readings/{exam.reading.id}"):
        pass
    async with web.stranger().get("/metrics") as answer:
        page = await answer.text()
    assert re.search(r'reading_gateway_http_requests_total\{[^}]*route="/api/readings/\{reading_id\}"', page)
    assert exam.reading.id not in page


# ------------------------------------------------------------------------------------------------------ description
async def test_the_description_names_every_row_and_its_references_hold(web):
    async with web.stranger().get("/api/openapi.json") as answer:
        document = await answer.json()
    assert document["openapi"] == "3.1.0"
    operations = {(method.upper(), path): operation for path, item in document["paths"].items()
                  for method, operation in item.items()}
    table = web.server.app[ROUTES]
    assert len(operations) == len({(row.method, row.path) for row in table if row.path != "/{path:.*}"})
    ids = [operation["operationId"] for operation in operations.values()]
    assert len(ids) == len(set(ids))
    for (_, path), operation in operations.items():
        declared = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert declared == set(re.findall(r"\{(\w+)\}", path))
    schemas = document["components"]["schemas"]
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)):
        assert reference.removeprefix("#/components/schemas/") in schemas, reference
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(("login", "path"), [
    ("reader", "/api/readings"), ("clinic", "/api/clinic/studies"), ("boss", "/api/admin/overview"),
    ("boss", "/api/admin/sites"), ("boss", "/api/admin/users"), ("boss", "/api/admin/audit"),
    ("reader", "/api/session"),
])
async def test_answers_are_as_the_description_says(web, login, path):
    await add_exam(web.parts, SITE, modality="ECG")
    await add_exam(web.parts, OTHER)
    browser = await web.browser(login)
    async with browser.get("/api/openapi.json") as answer:
        document = await answer.json()
    schema = document["paths"][path]["get"]["responses"]["2XX"]["content"]["application/json"]["schema"]
    async with browser.get(path) as answer:
        assert answer.status == 200
        jsonschema.validate(await answer.json(), {**schema, "components": document["components"]})


async def test_no_two_rows_answer_the_same_address(parts):
    table = create_app(parts)[ROUTES]
    rows = [(row.method, row.path) for row in table]
    assert len(rows) == len(set(rows))
    for row in table:
        assert row.is_public or row.roles or row.token_scopes, f"nobody may call {row.path}"


# ------------------------------------------------------------------------------------------------------------ pages
@pytest.fixture
async def built(people, tmp_path, monkeypatch):
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<!doctype html><title>阅片</title>", encoding="utf-8")
    (dist / "assets" / "app-1a2b.js").write_text("plain", encoding="utf-8")
    (dist / "assets" / "app-1a2b.js.gz").write_bytes(b"\x1f\x8b packed")
    (dist / "assets" / "codec-9f.wasm").write_bytes(b"\0asm")
    (tmp_path / "secret.txt").write_text("secret")
    monkeypatch.setattr(pages, "built_ui", lambda: dist)
    async with serving(people) as running:
        yield running


@pytest.mark.parametrize("path", ["/", "/worklist", "/readings/0198abc", "/clinic", "/admin/devices", "/login"])
async def test_every_address_of_the_ui_gets_its_page(built, path):
    async with built.stranger().get(path) as answer:
        assert answer.status == 200
        assert "阅片" in await answer.text()
        assert answer.headers["Cache-Control"] == "no-cache"


async def test_hashed_assets_are_kept_forever_and_sent_compressed(built):
    browser = built.stranger()
    async with browser.get("/assets/app-1a2b.js", headers={"Accept-Encoding": "identity"}) as answer:
        assert (await answer.read(), answer.headers["Content-Type"]) == (b"plain", "text/javascript")
        assert "immutable" in answer.headers["Cache-Control"]
    reader, writer = await asyncio.open_connection(built.server.host, built.server.port)
    writer.write(b"GET /assets/app-1a2b.js HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    assert b"Content-Encoding: gzip" in answer
    assert answer.endswith(b"\x1f\x8b packed")
    async with browser.get("/assets/codec-9f.wasm") as wasm:
        assert wasm.headers["Content-Type"] == "application/wasm"


@pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt",
                                  "/assets/%00", "//etc/passwd"])
async def test_no_file_outside_the_build_is_served(built, path):
    reader, writer = await asyncio.open_connection(built.server.host, built.server.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert b"secret" not in answer.partition(b"\r\n\r\n")[2]
    assert b"root:" not in answer
    assert not answer.startswith(b"HTTP/1.1 5")


async def test_without_a_build_the_page_says_what_to_run(people, tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "built_ui", lambda: tmp_path / "nothing")
    async with serving(people) as web, web.stranger().get("/") as answer:
        assert answer.status == 503
        assert "npm run build" in await answer.text()
