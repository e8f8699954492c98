"""Who gets in, for how long, and what a forged request gets (J1)."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from argon2 import PasswordHasher, extract_parameters

from gateway.core.errors import InvalidRequest, NotAllowed
from gateway.http.auth import COOKIE
from gateway.services.log_in import check_password, make_user
from storage.model import EVERYWHERE, INBOX_SITE_ID, Role, Site, SiteKind
from tests.support.web import PASSWORD, add_exam, add_person, add_site, add_token, serving


@pytest.fixture
async def web(parts):
    await add_site(parts, "yangchang", "演示羊场镇卫生院")
    await add_person(parts, "reader", (Role.READER, "yangchang"), name="演示阅片医师")
    async with serving(parts) as running:
        yield running


async def log_in(browser, login="reader", password=PASSWORD, **more):
    async with browser.post("/api/session", json={"login": login, "password": password}, **more) as answer:
        return answer.status, await answer.json(), answer


async def actions(parts):
    return [(c.entry.action, c.entry.is_success) for c in reversed(
        await parts.database.read(lambda tx: tx.audit.recent(EVERYWHERE)))]


async def test_a_person_logs_in_and_out_and_the_trail_says_so(web):
    browser = web.stranger()
    status, body, answer = await log_in(browser)
    assert (status, body["login"], body["display_name"]) == (200, "reader", "演示阅片医师")
    assert body["grants"] == [{"role": "reader", "site_id": "yangchang"}]
    assert body["time_zone"] == web.parts.settings.time_zone
    cookie = answer.headers["Set-Cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict", "Path=/"))
    async with browser.get("/api/session") as shown:
        assert shown.status == 200
    async with browser.delete("/api/session") as ended:
        assert ended.status == 204
    async with browser.get("/api/session") as shown:
        assert shown.status == 401
    assert await actions(web.parts) == [("login.ok", True), ("login.ended", True)]


async def test_the_cookie_of_an_ended_session_opens_nothing(web):
    browser = await web.browser("reader")
    token = browser.cookie_jar.filter_cookies(web.server.make_url("/"))[COOKIE].value
    async with browser.delete("/api/session"):
        pass
    async with web.stranger().get("/api/readings", cookies={COOKIE: token}) as answer:
        assert answer.status == 401


async def test_the_store_never_holds_the_token_itself(web):
    browser = await web.browser("reader")
    token = browser.cookie_jar.filter_cookies(web.server.make_url("/"))[COOKIE].value
    for file in web.parts.settings.data_dir.rglob("*"):
        if file.is_file():
            assert token.encode() not in file.read_bytes(), file
            assert PASSWORD.encode() not in file.read_bytes(), file


async def test_wrong_login_and_wrong_password_look_alike(web):
    first = await log_in(web.stranger(), login="nobody")
    second = await log_in(web.stranger(), password="not the password")
    assert first[:2] == second[:2]
    assert (first[0], first[1]["reason"]) == (401, "bad-login")
    assert [a for a, good in await actions(web.parts) if not good] == ["login.failed", "login.failed"]


async def test_an_account_is_locked_after_five_failures_and_opens_again_later(web, clock):
    browser = web.stranger()
    for _ in range(web.parts.settings.failed_logins_allowed):
        assert (await log_in(browser, password="wrong-password"))[1]["reason"] == "bad-login"
    status, body, _ = await log_in(browser)
    assert (status, body["reason"]) == (403, "locked")
    clock.advance(web.parts.settings.lockout_minutes * 60 - 1)
    assert (await log_in(browser))[1]["reason"] == "locked"
    clock.advance(2)
    assert (await log_in(browser, password="wrong-password"))[1]["reason"] == "bad-login"
    assert (await log_in(browser))[0] == 200


async def test_many_guesses_at_once_cannot_slip_past_the_lock(web):
    outcomes = await asyncio.gather(*(log_in(web.stranger(), password="wrong-guess") for _ in range(12)))
    reasons = [body["reason"] for _, body, _ in outcomes]
    assert reasons.count("bad-login") == web.parts.settings.failed_logins_allowed
    assert reasons.count("locked") == 12 - web.parts.settings.failed_logins_allowed


async def test_a_wrong_password_at_signing_counts_as_a_failed_login(web):
    user = (await web.parts.database.read(lambda tx: tx.users.find_login("reader")))[0]
    assert await check_password(web.parts, user.id, PASSWORD)
    for _ in range(web.parts.settings.failed_logins_allowed):
        assert not await check_password(web.parts, user.id, "wrong-password")
    with pytest.raises(NotAllowed) as refused:
        await check_password(web.parts, user.id, PASSWORD)
    assert refused.value.reason == "locked"


async def test_a_session_ends_when_it_is_not_used(web, clock):
    browser = await web.browser("reader")
    idle_s = web.parts.settings.session_idle_minutes * 60
    for _ in range(4):                                # in use: each call moves the limit
        clock.advance(idle_s * 0.9)
        async with browser.get("/api/readings") as answer:
            assert answer.status == 200
    clock.advance(idle_s + 1)
    async with browser.get("/api/readings") as answer:
        assert (answer.status, (await answer.json())["reason"]) == (401, "login-needed")


async def test_a_session_ends_after_its_hours_however_much_it_is_used(web, clock):
    browser = await web.browser("reader")
    used_s = 0
    while used_s < web.parts.settings.session_hours * 3600 - 700:
        clock.advance(600)
        used_s += 600
        async with browser.get("/api/readings") as answer:
            assert answer.status == 200
    clock.advance(1200)
    async with browser.get("/api/readings") as answer:
        assert answer.status == 401


@pytest.mark.parametrize("token", ["", "made-up", "é", "f" * 5000, "' OR 1=1 --"])
async def test_a_made_up_cookie_is_nobody(web, token):
    async with web.stranger().get("/api/session", headers={"Cookie": f"{COOKIE}={token}"}) as answer:
        assert answer.status == 401


async def test_a_disabled_account_is_out_at_once(web):
    browser = await web.browser("reader")
    user = (await web.parts.database.read(lambda tx: tx.users.find_login("reader")))[0]
    await web.parts.database.write(lambda tx: tx.users.set_enabled(user.id, False))
    async with browser.get("/api/readings") as answer:
        assert answer.status == 401
    assert (await log_in(web.stranger()))[1]["reason"] == "bad-login"


@pytest.mark.parametrize("headers", [
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"},
    {"Origin": "null"},
])
async def test_a_request_from_another_site_changes_nothing(web, headers):
    exam = await add_exam(web.parts, "yangchang")
    browser = await web.browser("reader")
    async with browser.post(f"/api/readings/{exam.reading.id}/claim", headers=headers) as answer:
        assert (answer.status, (await answer.json())["reason"]) == (403, "other-origin")
    reading = await web.parts.database.read(lambda tx: tx.readings.get(exam.reading.id, EVERYWHERE))
    assert reading.claimed_by is None


async def test_our_own_page_may_change_things(web):
    exam = await add_exam(web.parts, "yangchang")
    browser = await web.browser("reader")
    origin = str(web.server.make_url("/")).rstrip("/")
    async with browser.post(f"/api/readings/{exam.reading.id}/claim",
                            headers={"Sec-Fetch-Site": "same-origin", "Origin": origin}) as answer:
        assert answer.status == 200, await answer.text()


async def test_a_form_of_another_site_cannot_log_somebody_in(web):
    async with web.stranger().post("/api/session", data={"login": "reader", "password": PASSWORD}) as answer:
        assert (answer.status, (await answer.json())["reason"]) == (415, "media-type")


@pytest.mark.parametrize(("login", "password"), [
    ("newcomer", "short"), ("newcomer-long", "newcomer-long"), ("newcomer-long", "NEWCOMER-LONG"),
    ("newcomer", "aaaaaaaaaaaa"),
])
async def test_a_weak_password_is_refused(web, login, password):
    with pytest.raises(InvalidRequest) as refused:
        await make_user(web.parts, login=login, display_name="演示", password=password, grants=())
    assert refused.value.reason == "weak-password"


async def test_a_login_is_given_once(web):
    with pytest.raises(InvalidRequest) as refused:
        await make_user(web.parts, login="reader", display_name="演示", password=PASSWORD, grants=())
    assert refused.value.reason == "login-taken"


async def test_a_machine_gets_what_its_token_is_for_and_nothing_else(web):
    exam = await add_exam(web.parts, "yangchang")
    reads = web.stranger(token=await add_token(web.parts, "yangchang", "read"))
    async with reads.get(f"/api/studies/{exam.study.id}") as answer:
        assert answer.status == 200
    async with reads.get("/api/readings") as answer:
        assert (answer.status, (await answer.json())["reason"]) == (403, "token-scope")
    async with web.stranger(token="made-up").get(f"/api/studies/{exam.study.id}") as answer:
        assert (answer.status, (await answer.json())["reason"]) == (401, "bad-token")


async def test_the_inbox_is_for_those_who_read_for_the_whole_alliance_and_its_administrators(web):
    """Studies that nobody can say the site of: no other role opens them, not even one for every site."""
    inbox = Site(INBOX_SITE_ID, "未登记设备", "Unregistered devices", SiteKind.INBOX)
    if await web.parts.database.read(lambda tx: tx.sites.site(INBOX_SITE_ID)) is None:
        await web.parts.database.write(lambda tx: tx.sites.add_site(inbox))
    exam = await add_exam(web.parts, INBOX_SITE_ID)
    await add_person(web.parts, "county", (Role.READER, None))
    await add_person(web.parts, "boss", (Role.ADMIN, None))
    await add_person(web.parts, "clinics", (Role.CLINIC, None))
    sites = [site.id for site in await web.parts.database.read(lambda tx: tx.sites.sites(EVERYWHERE))
             if site.id != INBOX_SITE_ID]
    await add_person(web.parts, "local", *((role, site_id) for site_id in sites
                                           for role in (Role.READER, Role.REVIEWER, Role.ADMIN)))
    county, boss = await web.browser("county"), await web.browser("boss")
    for login in ("clinics", "local"):
        stranger = await web.browser(login)
        async with stranger.get(f"/api/studies/{exam.study.id}") as answer:
            assert answer.status == 404
    async with stranger.get("/api/readings") as answer:
        assert (await answer.json())["total"] == 0
    async with stranger.post(f"/api/readings/{exam.reading.id}/claim") as answer:
        assert answer.status == 404
    for reads in (county, boss):
        async with reads.get(f"/api/studies/{exam.study.id}") as answer:
            assert answer.status == 200
    async with county.get("/api/readings") as answer:
        assert (await answer.json())["total"] == 1
    async with county.get("/api/admin/sites") as answer:
        assert answer.status == 403
    async with county.post(f"/api/readings/{exam.reading.id}/claim") as answer:
        assert answer.status == 200


async def test_a_login_that_nobody_has_costs_the_guesser_a_whole_hash(web, monkeypatch):
    """Time does not tell which logins there are, and a start of the program computes no hash at all."""
    asked, verify = [], PasswordHasher.verify

    def watched(hasher, password_hash, password):
        asked.append(extract_parameters(password_hash))
        return verify(hasher, password_hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", watched)
    for login in ("reader", "nobody"):
        assert (await log_in(web.stranger(), login, "wrong password"))[0] == 401
    real, nobodys = asked
    assert nobodys == real


def test_loading_the_program_computes_no_hash():
    code = ("import argon2\n"
            "argon2.PasswordHasher.hash = None\n"
            "import gateway.services.log_in\n")
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
