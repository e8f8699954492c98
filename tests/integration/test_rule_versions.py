"""Versions of the rules on the page: proposed, approved by another person, refused, rolled back (D6, J1)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.core.errors import NotAllowed, NotNow
from gateway.services.activate_rules import activate_rules, ensure_rules, packaged_rules
from gateway.services.route_study import route_study
from gateway.services.rules.versions import Author, approve_rules, propose_rules
from gateway.settings import Settings
from storage.model import Role, RuleState
from tests.support.routing_builders import add_study
from tests.support.stores import open_parts
from tests.support.web import add_person, add_site, add_token, serving

FIRST = packaged_rules()
SECOND, THIRD = FIRST + "# 二\n", FIRST + "# 三\n"


@pytest.fixture
async def web(tmp_path):
    """Two administrators of the alliance, one of a site, and the default rules in force."""
    async with open_parts(tmp_path / "data") as parts, serving(parts) as running:
        await ensure_rules(parts)
        await add_site(parts, "east", "演示东院")
        for login in ("head", "deputy"):
            await add_person(parts, login, (Role.ADMIN, None))
        await add_person(parts, "clerk", (Role.ADMIN, "east"))
        running.head, running.deputy = await running.browser("head"), await running.browser("deputy")
        running.clerk = await running.browser("clerk")
        yield running


@pytest.fixture
async def strict(tmp_path):
    """The same, where a second person must approve."""
    settings = Settings(data_dir=tmp_path / "data", reserve_bytes=0, node="test-node", rules_need_approval=True)
    async with open_parts(tmp_path / "data", settings=settings) as parts, serving(parts) as running:
        await ensure_rules(parts)
        running.people = [await add_person(parts, login, (Role.ADMIN, None)) for login in ("head", "deputy")]
        running.head, running.deputy = await running.browser("head"), await running.browser("deputy")
        yield running


async def post(browser, path, status, **body):
    async with browser.post(f"/api/rules/{path}", json=body) as answer:
        told = await answer.json()
        assert answer.status == status, told
        return told


async def get(browser, path, status=200):
    async with browser.get(f"/api/rules/{path}") as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def active(parts):
    return (await parts.database.read(lambda tx: tx.decisions.active_rule_set()))


async def test_where_nobody_must_approve_a_proposal_is_in_force_at_once(web):
    made = await post(web.head, "versions", 201, source=SECOND, note="夜间改组")
    assert (made["version"], made["state"], made["note"], made["by"]) == (2, "active", "夜间改组", "演示head")
    assert await active(web.parts) == (2, SECOND)
    versions = await get(web.head, "versions")
    assert [(v["version"], v["state"]) for v in versions] == [(2, "active"), (1, "superseded")]
    shown = await get(web.head, "versions/2")
    assert (shown["source"], shown["about"]["based_on"]) == (SECOND, 1)
    await get(web.head, "versions/9", 404)


async def test_the_text_in_force_is_not_stored_again(web):
    assert (await post(web.head, "versions", 201, source=FIRST))["version"] == 1
    assert len(await get(web.head, "versions")) == 1


async def test_a_text_with_errors_is_refused_with_its_places_and_nothing_is_stored(web):
    told = await post(web.head, "versions", 400, source=FIRST.replace("study.kind", "study.kidn"))
    assert told["reason"] == "rules-invalid"
    assert len(await get(web.head, "versions")) == 1


async def test_a_second_person_must_approve_and_the_first_may_not(strict):
    made = await post(strict.head, "versions", 201, source=SECOND, note="试行")
    assert (made["state"], made["may_approve"]) == ("awaiting_approval", False)
    assert (await active(strict.parts))[0] == 1, "nothing has changed yet"
    told = await post(strict.head, "versions/2/approve", 403)
    assert told["reason"] == "same-person"
    [seen, _] = await get(strict.deputy, "versions")
    assert seen["may_approve"] is True
    done = await post(strict.deputy, "versions/2/approve", 200)
    assert (done["state"], done["by"], done["approved_by"]) == ("active", "演示head", "演示deputy")
    assert await active(strict.parts) == (2, SECOND)
    told = await post(strict.deputy, "versions/2/approve", 409)
    assert told["reason"] == "not-waiting"


async def test_every_step_is_in_the_audit_trail_also_the_refused_one(strict):
    await post(strict.head, "versions", 201, source=SECOND)
    await post(strict.head, "versions/2/approve", 403)
    await post(strict.deputy, "versions/2/approve", 200)
    entries = await strict.parts.database.read(lambda tx: list(tx.audit.walk()))
    told = [(e.entry.action, e.entry.is_success) for e in entries if e.entry.action.startswith("rules.")]
    assert told == [("rules.activated", True), ("rules.proposed", True), ("rules.approval_refused", False),
                    ("rules.approved", True), ("rules.activated", True)]


async def test_a_waiting_version_is_refused_with_a_reason(strict):
    await post(strict.head, "versions", 201, source=SECOND)
    assert (await post(strict.deputy, "versions/2/refuse", 400, reason=" "))["reason"] == "reason-required"
    done = await post(strict.deputy, "versions/2/refuse", 200, reason="夜班没有人")
    assert (done["state"], done["refused_by"], done["refused_reason"]) == ("refused", "演示deputy", "夜班没有人")
    await post(strict.deputy, "versions/2/approve", 409)
    assert (await active(strict.parts))[0] == 1


async def test_the_old_door_of_the_administrators_desk_asks_for_approval_too(strict):
    async with strict.head.post("/api/admin/rules", data=SECOND.encode(),
                                headers={"Content-Type": "text/yaml"}) as answer:
        assert (answer.status, (await answer.json())["version"]) == (202, 1)
    [waiting, _] = await get(strict.head, "versions")
    assert waiting["state"] == "awaiting_approval"


async def test_nobody_without_a_name_proposes_or_approves_where_two_people_are_asked_for(strict):
    with pytest.raises(NotAllowed, match="known by name"):
        await activate_rules(strict.parts, SECOND, by="cli")
    await post(strict.head, "versions", 201, source=SECOND)
    with pytest.raises(NotAllowed, match="known by name"):
        await approve_rules(strict.parts, 2, Author("cli"))
    token = await add_token(strict.parts, "inbox", "admin")
    await post(strict.stranger(token=token), "versions/2/approve", 403)
    assert (await active(strict.parts))[0] == 1


async def test_rolling_back_brings_the_old_text_as_a_new_version(web):
    await post(web.head, "versions", 201, source=SECOND)
    assert (await post(web.head, "versions/2/roll-back", 409))["reason"] == "in-force"
    done = await post(web.deputy, "versions/1/roll-back", 201, note="组里忙不过来")
    assert (done["version"], done["state"], done["restores"]) == (3, "active", 1)
    assert await active(web.parts) == (3, FIRST)


async def test_rolling_back_asks_for_approval_like_any_other_change(strict):
    await post(strict.head, "versions", 201, source=SECOND)
    assert (await post(strict.head, "versions/2/roll-back", 409))["reason"] == "never-in-force"
    await post(strict.deputy, "versions/2/approve", 200)
    done = await post(strict.head, "versions/1/roll-back", 201)
    assert done["state"] == "awaiting_approval"
    await post(strict.head, f"versions/{done['version']}/approve", 403)
    await post(strict.deputy, f"versions/{done['version']}/approve", 200)
    assert await active(strict.parts) == (3, FIRST)


async def test_of_two_who_activate_at_once_one_wins_and_the_other_is_told(web):
    async def activate(browser, source):
        async with browser.post("/api/rules/versions", json={"source": source, "based_on": 1}) as answer:
            return answer.status, (await answer.json()).get("reason")

    done = await asyncio.gather(activate(web.head, SECOND), activate(web.deputy, THIRD))
    assert sorted(done, key=lambda told: told[0]) == [(201, None), (409, "rules-changed")]
    assert len(await get(web.head, "versions")) == 2


async def test_who_approves_over_a_newer_version_must_have_seen_it(strict):
    await post(strict.head, "versions", 201, source=SECOND)
    await post(strict.head, "versions", 201, source=THIRD)
    await post(strict.deputy, "versions/2/approve", 200)
    assert (await post(strict.deputy, "versions/3/approve", 409))["reason"] == "rules-changed"
    assert (await post(strict.deputy, "versions/3/approve", 200, based_on=2))["state"] == "active"


async def test_what_became_wrong_while_it_waited_is_not_approved(strict):
    head, _ = strict.people
    with_reader = FIRST.replace("name: 影像诊断组\n", "name: 影像诊断组\n    members: [deputy]\n", 1)
    await propose_rules(strict.parts, with_reader, Author.of(head))
    await strict.parts.database.write(lambda tx: tx.connection.exec_driver_sql(
        "UPDATE user_account SET login = 'gone' WHERE login = 'deputy'"))
    told = await post(strict.deputy, "versions/2/approve", 400)
    assert told["reason"] == "rules-invalid"
    assert "deputy" in told["detail"]


async def test_only_administrators_of_the_whole_alliance_come_near_the_rules(web):
    assert (await get(web.clerk, "versions", 403))["reason"] == "alliance-only"
    await post(web.clerk, "versions", 403, source=SECOND)
    await post(web.clerk, "check", 403, source=SECOND)


async def test_check_names_problems_with_their_places_and_the_rules_it_could_read(web):
    told = await post(web.head, "check", 200, source=FIRST.replace('study.kind == "image"', "study.kidn == 1"))
    assert told["is_valid"] is False
    [problem] = [p for p in told["problems"] if not p["is_warning"]]
    assert FIRST.splitlines()[problem["line"] - 1].strip() == '- study.kind == "image"'
    assert [rule["name"] for rule in told["rules"]][-1] == "影像 / imaging"
    assert (await post(web.head, "check", 200, source="a: [")) ["rules"] == []


async def test_the_editor_is_told_all_that_a_rule_may_ask_say_and_name(web):
    told = await get(web.head, "language")
    facts = {fact["name"]: fact for fact in told["facts"]}
    assert facts["study.kind"]["choices"] == ["image", "ecg"]
    assert facts["ecg.heart_rate_bpm"]["is_measured"] is True
    assert {key["key"] for key in told["then"]} >= {"group", "reader", "priority", "due", "forwards"}
    assert [site["id"] for site in told["sites"]] == ["east"]
    assert [group["id"] for group in told["groups"]] == ["imaging", "ecg", "fallback"]
    assert told["needs_approval"] is False


async def test_a_first_version_needs_no_approval_and_there_is_always_one(strict):
    found = await strict.parts.database.read(lambda tx: tx.rule_versions.active())
    assert (found.version, found.state, found.proposed_by) == (1, RuleState.ACTIVE, "gateway")


async def test_an_activation_that_began_before_another_ended_is_told(web):
    """Also without `based_on`: the check takes seconds, and somebody may be faster meanwhile."""
    head = await add_person(web.parts, "third", (Role.ADMIN, None))
    slow = asyncio.create_task(propose_rules(web.parts, THIRD, Author.of(head)))
    await asyncio.sleep(0)
    other = replace(Author.of(head), actor="cli", person=None)
    outcomes = await asyncio.gather(slow, propose_rules(web.parts, SECOND, other), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, NotNow)]
    assert [outcome.reason for outcome in refused] == ["rules-changed"]


async def test_a_rule_is_changed_through_a_form_and_the_change_is_told_in_words(web):
    forms = (await post(web.head, "forms", 200, source=FIRST))["forms"]
    assert [(form["name"], form["index"]) for form in forms][1:] == [("心电图 / electrocardiogram", 1),
                                                                    ("影像 / imaging", 2)]
    changed = {**forms[2], "then": {"group": "fallback"}}
    edited = await post(web.head, "edit", 200, source=FIRST, index=2, form=changed)
    assert [problem for problem in edited["problems"] if not problem["is_warning"]] == []
    changes = (await post(web.head, "diff", 200, from_version=1, to_source=edited["source"]))["changes"]
    assert [(change["kind"], change["subject"]) for change in changes] == [("gives-changed", "影像 / imaging")]
    assert "fallback" in changes[0]["zh"]
    moved = await post(web.head, "edit", 200, source=FIRST, index=2, move_to=0)
    forms = (await post(web.head, "forms", 200, source=moved["source"]))["forms"]
    assert forms[0]["name"] == "影像 / imaging"
    told = await post(web.head, "edit", 400, source=FIRST, index=99)
    assert told["reason"] == "edit-refused"


async def test_a_draft_is_tried_on_one_study_beside_what_was_decided(web):
    study = await add_study(web.parts, modality="CT")
    await route_study(web.parts, study.id)
    draft = FIRST.replace("rules:\n", "rules:\n  - name: CT\n    when: ['study.modality == \"CT\"']\n"
                                      "    then: {group: fallback, due_minutes: 5}\n")
    for name in (study.id, study.study_instance_uid, study.accession_number):
        told = await post(web.head, "try", 200, source=draft, study=name)
        assert (told["study_id"], told["decision"]["group"], told["stored"]["group"]) == (
            study.id, "fallback", "imaging")
    first = told["decision"]["because"][0]
    assert (first["rule"], first["matched"], first["conditions"][0]["seen"]) == ("CT", True, {"study.modality": "CT"})
    assert told["stored"]["rules_version"] == 1
    [listed] = await get(web.head, "studies")
    assert (listed["study_id"], listed["group"], listed["rules_version"]) == (study.id, "imaging", 1)
    await post(web.head, "try", 404, source=draft, study="nothing")
