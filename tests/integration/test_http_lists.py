"""The worklist, the reading page, the clinic's page and the administrator's desk, over the wire."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.services.ports import OPENING_WINDOW
from gateway.services.written_lately import WrittenLately
from storage.model import (
    EVERYWHERE,
    Arrival,
    ArrivalOutcome,
    ArrivalVia,
    Priority,
    ReadingState,
    Role,
    StudyState,
    new_id,
)
from tests.support.web import add_exam, add_person, add_site, serving

SITE, OTHER = "yangchang", "xinzhuang"


@pytest.fixture
async def web(parts):
    await add_site(parts, SITE, "演示羊场镇卫生院")
    await add_site(parts, OTHER, "演示新庄镇卫生院")
    await add_person(parts, "reader", (Role.READER, SITE), (Role.READER, OTHER))
    await add_person(parts, "reviewer", (Role.REVIEWER, SITE))
    await add_person(parts, "clinic", (Role.CLINIC, SITE))
    await add_person(parts, "boss", (Role.ADMIN, None))
    async with serving(parts) as running:
        yield running


async def get(browser, path, **query):
    async with browser.get(path, params=query) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def names(browser, **query):
    return [row["patient"]["name"]["display"] for row in (await get(browser, "/api/readings", **query))["items"]]


async def test_the_worklist_goes_by_urgency_then_due_time_then_waiting_time(web):
    late = {"due_minutes": 60}
    for name, fields in {
        "演示丁": {"priority": Priority.ROUTINE, "due_minutes": 10},
        "演示乙": {"priority": Priority.EMERGENCY, **late, "waited_minutes": 3},
        "演示甲": {"priority": Priority.EMERGENCY, "due_minutes": 20},
        "演示丙": {"priority": Priority.URGENT, **late},
        "演示戊": {"priority": Priority.ROUTINE, **late, "waited_minutes": 9},
        "演示己": {"priority": Priority.ROUTINE, **late, "waited_minutes": 2},
        "演示庚": {"priority": Priority.EMERGENCY, "due_minutes": 1, "state": ReadingState.FINAL},
    }.items():
        await add_exam(web.parts, SITE, name=name, **fields)
    browser = await web.browser("reader")
    assert await names(browser) == ["演示甲", "演示乙", "演示丙", "演示丁", "演示戊", "演示己", "演示庚"]


async def test_films_and_ecgs_stand_in_one_list_and_filters_split_them(web):
    await add_exam(web.parts, SITE, name="演示心电", modality="ECG")
    await add_exam(web.parts, SITE, name="演示胸片", modality="DX", priority=Priority.EMERGENCY)
    await add_exam(web.parts, OTHER, name="演示CT", modality="CT")
    browser = await web.browser("reader")
    rows = (await get(browser, "/api/readings"))["items"]
    assert {(row["kind"], row["modality"], row["is_device_statement_present"]) for row in rows} == {
        ("ecg", "ECG", True), ("image", "DX", False), ("image", "CT", False)}
    assert await names(browser, kind="ecg") == ["演示心电"]
    assert sorted(await names(browser, kind="image")) == ["演示CT", "演示胸片"]
    assert await names(browser, modality="CT") == ["演示CT"]
    assert await names(browser, site=OTHER) == ["演示CT"]
    assert await names(browser, priority="emergency") == ["演示胸片"]


async def test_counts_ignore_the_filter_by_state_and_heed_all_others(web):
    for state in (ReadingState.UNREAD, ReadingState.UNREAD, ReadingState.FINAL):
        await add_exam(web.parts, SITE, state=state)
    await add_exam(web.parts, OTHER, state=ReadingState.UNREAD)
    browser = await web.browser("reader")
    found = await get(browser, "/api/readings", state="final")
    assert (found["total"], len(found["items"])) == (1, 1)
    assert (found["counts"]["unread"], found["counts"]["final"]) == (3, 1)
    assert set(found["counts"]) == {state.value for state in ReadingState}
    assert (await get(browser, "/api/readings", site=SITE))["counts"]["unread"] == 2
    assert (await get(browser, "/api/readings", state="unread,final"))["total"] == 4


async def test_pages_do_not_overlap_and_say_how_many_there_are(web):
    for n in range(5):
        await add_exam(web.parts, SITE, name=f"演示{n}", due_minutes=n)
    browser = await web.browser("reader")
    pages = [await get(browser, "/api/readings", limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [page["total"] for page in pages] == [5, 5, 5]
    seen = [row["patient"]["name"]["display"] for page in pages for row in page["items"]]
    assert seen == [f"演示{n}" for n in range(5)]


async def test_mine_is_what_i_hold_wrote_or_was_given(web):
    me = (await web.parts.database.read(lambda tx: tx.users.find_login("reader")))[0]
    await add_exam(web.parts, SITE, name="演示别人的")
    await add_exam(web.parts, SITE, name="演示我的", state=ReadingState.IN_PROGRESS, claimed_by=me.id,
                   writer_id=me.id)
    browser = await web.browser("reader")
    assert await names(browser, mine="1") == ["演示我的"]
    row = (await get(browser, "/api/readings", mine="1"))["items"][0]
    assert row["claimed_by_name"] == "演示reader"


@pytest.mark.parametrize(("words", "expected"), [
    ("小明", ["演示王小明"]), ("MZ2026", ["演示李四", "演示王小明"]), ("mz20260302001", ["演示王小明"]),
    ("DR77", ["演示李四"]), ("2026", []), ("%", []), ("_", []), ("'; drop table reading; --", []), ("不存在", []),
])
async def test_search_takes_part_of_a_name_or_the_beginning_of_a_number(web, words, expected):
    await add_exam(web.parts, SITE, name="演示王小明", patient_id="MZ20260302001", accession_number="DR1")
    await add_exam(web.parts, SITE, name="演示李四", patient_id="MZ20260302002", accession_number="DR77")
    browser = await web.browser("reader")
    assert sorted(await names(browser, q=words)) == expected


async def test_an_old_finished_reading_is_found_by_its_exact_number_alone(web):
    """Lists follow the day's work: what was due long ago costs nothing until somebody asks for it."""
    await add_exam(web.parts, SITE, name="演示旧", patient_id="OLD1", state=ReadingState.FINAL,
                   due_minutes=-60 * 24 * 40)
    await add_exam(web.parts, SITE, name="演示旧未读", patient_id="OLD2", due_minutes=-60 * 24 * 40)
    browser = await web.browser("reader")
    assert await names(browser) == ["演示旧未读"]
    assert await names(browser, q="OLD") == ["演示旧未读"]
    assert await names(browser, q="OLD1") == ["演示旧"]


@pytest.mark.parametrize("query", [{"state": "nonsense"}, {"limit": "-1"}, {"limit": "many"}, {"priority": "x"},
                                   {"kind": "film"}, {"offset": "1e3"}])
async def test_a_filter_that_means_nothing_is_refused_by_name(web, query):
    browser = await web.browser("reader")
    async with browser.get("/api/readings", params=query) as answer:
        assert answer.status == 400
        assert next(iter(query)) in (await answer.json())["detail"]


async def test_a_claim_is_a_lock_and_what_one_may_do_follows_from_it(web):
    """D2, D3."""
    exam = await add_exam(web.parts, SITE)
    reader, reviewer = await web.browser("reader"), await web.browser("reviewer")
    one = f"/api/readings/{exam.reading.id}"
    assert (await get(reader, one))["allowed"] == ["claim", "decline"]
    async with reader.post(one + "/claim") as answer:
        assert answer.status == 200
        claimed = await answer.json()
    assert claimed["row"]["state"] == "in_progress"
    assert {"release", "submit", "send_back", "write", "decline"} == set(claimed["allowed"])
    async with reviewer.post(one + "/claim") as answer:
        assert (answer.status, (await answer.json())["reason"]) == (409, "claimed-by-another")
    assert (await get(reviewer, one))["allowed"] == []
    async with reader.post(one + "/release") as answer:
        assert (await answer.json())["row"]["state"] == "unread"


async def test_what_another_wrote_is_offered_for_review_and_to_its_writer_not(web):
    """F2: writer and reviewer are different persons."""
    me = (await web.parts.database.read(lambda tx: tx.users.find_login("reader")))[0]
    exam = await add_exam(web.parts, SITE, state=ReadingState.AWAITING_REVIEW, writer_id=me.id)
    one = f"/api/readings/{exam.reading.id}"
    assert (await get(await web.browser("reader"), one))["allowed"] == []
    reviewer = await web.browser("reviewer")
    assert (await get(reviewer, one))["allowed"] == ["review"]
    async with reviewer.post(one + "/claim") as answer:
        assert "return" in (await answer.json())["allowed"]


async def test_a_study_goes_back_only_with_a_reason(web):
    exam = await add_exam(web.parts, SITE)
    reader = await web.browser("reader")
    one = f"/api/readings/{exam.reading.id}"
    async with reader.post(one + "/claim"):
        pass
    async with reader.post(one + "/send-back", json={"reason": "  "}) as answer:
        assert answer.status == 400
    async with reader.post(one + "/send-back", json={"reason": "体位不正，请重拍"}) as answer:
        assert answer.status == 200, await answer.text()
    row = (await get(await web.browser("clinic"), "/api/clinic/studies"))["items"][0]
    assert (row["step"], row["reason"]) == ("sent_back", "体位不正，请重拍")


async def openings_of(web, exam):
    story = await web.parts.database.read(lambda tx: tx.audit.of_study(exam.study.id, EVERYWHERE))
    return [chained.entry for chained in story if chained.entry.action == "study.opened"]


async def test_opening_a_study_is_noted_once_for_a_person_within_ten_minutes(web, clock):
    """J2, J3: who saw whose data; a screen that refreshes itself adds nothing."""
    exam = await add_exam(web.parts, SITE)
    reader = await web.browser("reader")
    shown = await get(reader, f"/api/studies/{exam.study.id}")
    assert shown["patient"]["name"]["display"] == "演示张三"
    assert shown["series"][0]["instances"][0]["sop_instance_uid"] == exam.instance.sop_instance_uid
    assert shown["decision"]["because"][0]["rule"] == "all"
    for _ in range(3):
        clock.advance(199)
        await get(reader, f"/api/readings/{exam.reading.id}")
        await get(reader, f"/api/studies/{exam.study.id}")
    assert len(await openings_of(web, exam)) == 1
    clock.advance(3)
    await get(reader, f"/api/readings/{exam.reading.id}")
    opened = await openings_of(web, exam)
    assert len(opened) == 2
    assert [entry.detail for entry in opened] == [{}, {"reading": exam.reading.id}]
    assert {entry.patient_id for entry in opened} == {exam.study.patient.id}
    assert all(entry.address for entry in opened)


async def test_every_person_and_every_study_is_noted(web):
    """J3: one study and one person per entry."""
    one, other = await add_exam(web.parts, SITE), await add_exam(web.parts, SITE)
    for login in ("reader", "reviewer"):
        browser = await web.browser(login)
        for exam in (one, other, one):
            await get(browser, f"/api/studies/{exam.study.id}")
    for exam in (one, other):
        assert len({entry.actor for entry in await openings_of(web, exam)}) == 2
        assert len(await openings_of(web, exam)) == 2


async def test_after_a_restart_an_opening_is_noted_again(web):
    exam = await add_exam(web.parts, SITE)
    await get(await web.browser("reader"), f"/api/studies/{exam.study.id}")
    fresh = replace(web.parts, openings=WrittenLately(window=OPENING_WINDOW))
    async with serving(fresh) as restarted:
        await get(await restarted.browser("reader"), f"/api/studies/{exam.study.id}")
    assert len(await openings_of(web, exam)) == 2


async def test_annotations_belong_to_the_person_who_drew_them(web):
    exam = await add_exam(web.parts, SITE)
    drawn = {"length": [{"from": [1, 2], "to": [3.5, 4], "text": "12.3 mm"}]}
    path = f"/api/studies/{exam.study.id}/annotations"
    reader, reviewer = await web.browser("reader"), await web.browser("reviewer")
    assert await get(reader, path) is None
    for content in ({"first": 1}, drawn):
        async with reader.put(path, json=content) as answer:
            assert answer.status == 204
    assert await get(reader, path) == drawn
    assert await get(reviewer, path) is None


@pytest.mark.parametrize(("fields", "step"), [
    ({"study_state": StudyState.ARRIVING}, "arriving"), ({}, "arrived"),
    ({"state": ReadingState.IN_PROGRESS}, "being_read"), ({"state": ReadingState.REJECTED}, "being_read"),
    ({"state": ReadingState.AWAITING_REVIEW}, "in_review"), ({"state": ReadingState.IN_REVIEW}, "in_review"),
    ({"state": ReadingState.RETURNED}, "sent_back"),
])
async def test_the_clinic_sees_how_far_each_study_has_come(web, fields, step):
    await add_exam(web.parts, SITE, **fields)
    found = await get(await web.browser("clinic"), "/api/clinic/studies")
    assert (found["total"], found["site_name"]) == (1, "演示羊场镇卫生院")
    assert found["items"][0]["step"] == step


async def test_a_reader_is_not_a_clinic_and_a_clinic_is_not_an_administrator(web):
    for login, path in (("reader", "/api/clinic/studies"), ("clinic", "/api/readings"),
                        ("clinic", "/api/admin/overview"), ("reader", "/api/admin/audit")):
        async with (await web.browser(login)).get(path) as answer:
            assert (answer.status, (await answer.json())["reason"]) == (403, "not-allowed"), (login, path)


async def test_an_administrator_sets_up_a_site_and_every_step_is_in_the_trail(web):
    boss = await web.browser("boss")

    async def post(path, body, status=201):
        async with boss.post(f"/api/admin/{path}", json=body) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    await post("sites", {"id": "huangba", "name": "演示黄坝村卫生室", "name_en": "Demo Huangba", "kind": "village"})
    device = await post("devices", {"site_id": "huangba", "name": "演示DR", "ae_title": "DEMO_DR", "modality": "dx"})
    assert device["modality"] == "DX"
    await post("destinations", {"site_id": "huangba", "kind": "dicom", "name": "演示PACS", "ae_title": "PACS",
                                "host": "127.0.0.1", "port": 104})
    user = await post("users", {"login": "newcomer", "display_name": "演示新人", "password": "long enough 1",
                                "grants": [{"role": "clinic", "site_id": "huangba"}]})
    assert "password" not in str(user)
    async with boss.put(f"/api/admin/devices/{device['id']}", json={**device, "is_enabled": False}) as answer:
        assert (await answer.json())["is_enabled"] is False
    assert {row["id"] for row in await get(boss, "/api/admin/sites")} >= {"huangba", OTHER, SITE}
    assert {row["kind"] for row in await get(boss, "/api/admin/destinations") if row["site_id"] == "huangba"} == {
        "clinic_page", "dicom"}
    overview = await get(boss, "/api/admin/overview")
    assert (overview["sites"], overview["devices"]) == (3, 1)
    trail = [row["action"] for row in await get(boss, "/api/admin/audit")]
    for action in ("site.added", "device.added", "device.changed", "destination.added", "user.added"):
        assert action in trail
    assert (await web.browser("newcomer", "long enough 1")) is not None
    await post("sites", {"id": "huangba", "name": "x", "name_en": "", "kind": "village"}, status=400)
    await post("devices", {"site_id": "nowhere", "name": "x", "ae_title": "X"}, status=400)
    await post("devices", {"site_id": SITE, "name": "x", "ae_title": "MUCH_TOO_LONG_A_TITLE"}, status=400)
    await post("devices", {"site_id": SITE, "name": "x"}, status=400)


async def test_an_administrator_of_one_site_gives_out_no_more_than_they_have(web):
    await add_person(web.parts, "local", (Role.ADMIN, SITE))
    local = await web.browser("local")
    person = {"login": "friend", "display_name": "演示", "password": "long enough 1"}
    for path, body, reason in (
        ("users", {**person, "grants": [{"role": "reader", "site_id": None}]}, "alliance-only"),
        ("users", {**person, "grants": [{"role": "reader", "site_id": OTHER}]}, "other-site"),
        ("devices", {"site_id": OTHER, "name": "x", "ae_title": "X"}, "other-site"),
        ("sites", {"id": "mine", "name": "x", "name_en": "", "kind": "village"}, "alliance-only"),
    ):
        async with local.post(f"/api/admin/{path}", json=body) as answer:
            assert (answer.status, (await answer.json())["reason"]) == (403, reason), path
    async with local.get("/api/admin/knocks") as answer:
        assert answer.status == 403


async def test_a_knock_becomes_a_device_with_one_click(web):
    knock = await web.parts.database.write(lambda tx: tx.sites.knock("NEW_CT", "10.0.0.9", web.parts.clock()))
    other = await web.parts.database.write(lambda tx: tx.sites.knock("SCANNER", "10.0.0.66", web.parts.clock()))
    boss = await web.browser("boss")
    assert {row["ae_title"] for row in await get(boss, "/api/admin/knocks")} == {"NEW_CT", "SCANNER"}
    async with boss.post(f"/api/admin/knocks/{knock.id}/accept",
                         json={"site_id": SITE, "name": "演示CT", "modality": "CT"}) as answer:
        assert answer.status == 201, await answer.text()
    async with boss.post(f"/api/admin/knocks/{other.id}/dismiss") as answer:
        assert answer.status == 204
    assert await get(boss, "/api/admin/knocks") == []
    assert [(d["ae_title"], d["address"]) for d in await get(boss, "/api/admin/devices")] == [("NEW_CT", "10.0.0.9")]


async def test_quarantine_and_alarms_are_shown_downloaded_and_dealt_with(web):
    now = web.parts.clock()
    kept = web.parts.objects.put(b"<script>alert(1)</script>")
    arrival = Arrival(new_id(), now, ArrivalVia.DICOM, ArrivalOutcome.QUARANTINED, SITE, None, "DR", "10.0.0.1", "",
                      kept.sha256, kept.size_bytes, reason="not-dicom", detail="not DICOM")

    def seed(tx):
        tx.objects.add(kept, kind="quarantined", at=now)
        tx.arrivals.add(arrival)
        return tx.alarms.raise_alarm("arrival-quarantined", site_id=SITE, ref=arrival.id, detail="look", at=now)

    alarm = await web.parts.database.write(seed)
    boss = await web.browser("boss")
    waiting = await get(boss, "/api/admin/quarantine")
    assert ([row["id"] for row in waiting["arrivals"]], waiting["total"]) == ([arrival.id], 1)
    assert waiting["reasons"] == [{"reason": "not-dicom", "count": 1}]
    async with boss.get(f"/api/admin/quarantine/{arrival.id}/bytes") as answer:
        assert await answer.read() == b"<script>alert(1)</script>"
        assert answer.content_type == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment")
    assert [row["ref"] for row in await get(boss, "/api/admin/alarms")] == [arrival.id]
    async with boss.post(f"/api/admin/alarms/{alarm.id}/acknowledge") as answer:
        assert answer.status == 204
    async with boss.post(f"/api/admin/alarms/{alarm.id}/acknowledge") as answer:
        assert answer.status == 404
    assert await get(boss, "/api/admin/alarms") == []


async def test_rules_with_errors_are_refused_and_good_ones_are_in_force(web):
    from gateway.services.activate_rules import ensure_rules

    await ensure_rules(web.parts)
    boss = await web.browser("boss")
    before = await get(boss, "/api/admin/rules")
    yaml = {"Content-Type": "text/yaml"}
    async with boss.post("/api/admin/rules", data=b"rules: [", headers=yaml) as answer:
        assert (answer.status, (await answer.json())["reason"]) == (400, "rules-invalid")
    changed = "# checked again\n" + before["source"]
    async with boss.post("/api/admin/rules", data=changed.encode(), headers=yaml) as answer:
        assert answer.status == 201, await answer.text()
    after = await get(boss, "/api/admin/rules")
    assert (after["source"], after["version"]) == (changed, before["version"] + 1)
    assert after["activated_by"] == "演示boss"
