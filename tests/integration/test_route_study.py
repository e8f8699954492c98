"""From a complete study to a reading with a stored reason (D1, D4, K3), over real storage."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.core.errors import NotFound
from gateway.core.priority import HINT_TAG
from gateway.services.activate_rules import (
    RulesRefused,
    activate_rules,
    check_rules,
    ensure_rules,
    packaged_rules,
)
from gateway.services.explain_study import explain_study
from gateway.services.route_study import HANDLERS, route_study
from routing_rules.evaluate import decide
from routing_rules.parse import parse
from storage.model import EVERYWHERE, Job, Priority, ReadingState, Role, Scope
from tests.support.routing_builders import add_instance, add_study, add_user, user

RULES = """\
format: 1
title: 试验
groups:
  imaging: {name: 影像}
  fallback: {name: 兜底}
fallback: {group: fallback, priority: urgent}
rules:
  - name: 设备提示
    when: ['ecg.statements.exists(s, s.contains("梗死"))']
    then: {priority: emergency, tags: [设备提示]}
  - name: 胸片
    when: ['study.modality == "DX"', 'patient.age_years >= 65.0']
    then: {group: imaging, due_minutes: 45, tags: [老年]}
  - name: 指定医生
    when: ['study.modality == "CT"']
    then: {reader: demo-ct}
"""


@pytest.fixture(autouse=True)
async def ct_reader(parts):
    """The person whom RULES name; a rule set that names nobody's login would be refused."""
    return await add_user(parts, user("demo-ct", Role.READER))


def at_once(study):
    assert study.completed_at is not None
    return study.completed_at


async def read(parts, work):
    return await parts.database.read(work)


async def test_a_study_is_routed_with_its_decision_reading_audit_and_event_together(parts, events):
    study = await add_study(parts, modality="DX", age_years=70.0, instances=2)
    version = await activate_rules(parts, RULES, by="demo-admin")
    reading = await route_study(parts, study.id)
    assert (reading.state, reading.group, reading.priority) == (ReadingState.UNREAD, "imaging", Priority.ROUTINE)
    assert reading.due_at == at_once(study) + timedelta(minutes=45)
    [decision] = await read(parts, lambda tx: tx.decisions.of_study(study.id, EVERYWHERE))
    assert await read(parts, lambda tx: tx.decisions.get(decision.id)) == decision
    assert (decision.id, decision.rules_version, decision.tags) == (reading.decision_id, version, ("老年",))
    assert decision.facts["study.instance_count"] == 2
    assert await read(parts, lambda tx: tx.readings.of_study(study.id, EVERYWHERE)) == reading
    story = await read(parts, lambda tx: tx.audit.of_study(study.id, EVERYWHERE))
    assert [e.entry.action for e in story] == ["study.routed"]
    assert story[0].entry.detail["rules_version"] == version
    assert [(e.kind, e.site_id, e.reading_id) for e in events.published][-1] == ("reading", "east", reading.id)


async def test_the_explanation_is_what_was_stored_and_equals_what_the_rules_said(parts):
    study = await add_study(parts, modality="DX", age_years=70.0)
    await activate_rules(parts, RULES, by="demo-admin")
    reading = await route_study(parts, study.id)
    said = await explain_study(parts, study.study_instance_uid, EVERYWHERE)
    local_now = parts.clock().astimezone(ZoneInfo(parts.settings.time_zone))
    assert said["because"] == decide(parse(RULES), said["facts"], local_now).because
    assert said == await explain_study(parts, study.id, EVERYWHERE)
    assert said == await explain_study(parts, reading.id, EVERYWHERE)
    # Rules that came later do not change why it went there.
    await activate_rules(parts, packaged_rules(), by="demo-admin")
    assert await explain_study(parts, study.id, EVERYWHERE) == said


async def test_a_site_that_does_not_hold_the_study_gets_no_explanation(parts):
    study = await add_study(parts)
    await route_study(parts, study.id)
    with pytest.raises(NotFound):
        await explain_study(parts, study.id, Scope(frozenset({"west"})))
    assert await read(parts, lambda tx: tx.decisions.of_study(study.id, Scope(frozenset({"west"})))) == []


async def test_a_study_that_is_not_routed_yet_says_so(parts):
    study = await add_study(parts)
    with pytest.raises(NotFound) as caught:
        await explain_study(parts, study.id, EVERYWHERE)
    assert caught.value.reason == "not-routed"


async def test_running_the_job_again_changes_nothing(parts, clock):
    study = await add_study(parts)
    job = Job(1, "route_study", "route_study", study.id, parts.clock(), 1)
    await HANDLERS["route_study"](parts, job)
    first = await read(parts, lambda tx: tx.readings.of_study(study.id, EVERYWHERE))
    clock.advance(60)
    await HANDLERS["route_study"](parts, job)
    assert await read(parts, lambda tx: tx.readings.of_study(study.id, EVERYWHERE)) == first
    assert len(await read(parts, lambda tx: tx.decisions.of_study(study.id, EVERYWHERE))) == 1


async def test_what_the_cart_says_raises_the_priority_and_wears_its_label(parts):
    """K3: device data may only raise, marked 提示排序,不代表诊断."""
    study = await add_study(parts, modality="ECG", body_part="", statements=("急性前壁心肌梗死可能",),
                            measurements={"heart_rate_bpm": 94})
    await activate_rules(parts, RULES, by="demo-admin")
    reading = await route_study(parts, study.id)
    assert reading.priority is Priority.EMERGENCY
    assert reading.due_at == at_once(study) + timedelta(minutes=10)
    [decision] = await read(parts, lambda tx: tx.decisions.of_study(study.id, EVERYWHERE))
    assert decision.tags == ("设备提示", HINT_TAG)
    assert decision.facts["ecg.heart_rate_bpm"] == 94.0


async def test_nothing_that_no_rule_places_is_lost(parts):
    study = await add_study(parts, modality="US", body_part="ABDOMEN")
    await activate_rules(parts, RULES, by="demo-admin")
    reading = await route_study(parts, study.id)
    assert (reading.group, reading.priority) == ("fallback", Priority.URGENT)


async def test_a_named_reader_is_assigned_and_one_who_left_is_skipped_with_a_reason(parts, ct_reader):
    await activate_rules(parts, RULES, by="demo-admin")
    reading = await route_study(parts, (await add_study(parts, modality="CT")).id)
    assert reading.assigned_to == ct_reader.id
    await parts.database.write(lambda tx: tx.users.set_enabled(ct_reader.id, False))
    later = await add_study(parts, modality="CT")
    reading = await route_study(parts, later.id)
    assert reading.assigned_to is None
    last = (await explain_study(parts, later.id, EVERYWHERE))["because"][-1]
    assert (last["rule"], last["matched"]) == ("reader", False)


@pytest.mark.parametrize("state", [ReadingState.FINAL, ReadingState.RETURNED])
async def test_late_images_reopen_a_finished_reading_under_a_new_decision(parts, clock, state):
    """B9: a late image warns a signed report."""
    study = await add_study(parts)
    reading = await route_study(parts, study.id)
    await parts.database.write(lambda tx: tx.readings.replace(replace(reading, state=state)))
    clock.advance(3600)
    await parts.database.write(lambda tx: [add_instance(tx, study, at=parts.clock()) for _ in range(3)] and None)
    await activate_rules(parts, RULES, by="demo-admin")
    again = await route_study(parts, study.id)
    assert (again.state, again.late_instances, again.group) == (ReadingState.UNREAD, 3, "fallback")
    decisions = await read(parts, lambda tx: tx.decisions.of_study(study.id, EVERYWHERE))
    assert [d.id for d in decisions] == [again.decision_id, reading.decision_id]
    assert await read(parts, lambda tx: tx.readings.of_study(study.id, EVERYWHERE)) == again
    actions = [e.entry.action for e in await read(parts, lambda tx: tx.audit.of_study(study.id, EVERYWHERE))]
    assert actions == ["study.routed", "reading.reopened", "study.routed"]


async def test_late_images_do_not_take_an_open_reading_from_its_reader(parts, clock):
    study = await add_study(parts)
    reading = await route_study(parts, study.id)
    held = replace(reading, state=ReadingState.IN_PROGRESS, claimed_by="someone", claimed_at=parts.clock(),
                   lock_until=parts.clock())
    await parts.database.write(lambda tx: tx.readings.replace(held))
    # Received before the decision, committed after it: late all the same.
    await parts.database.write(lambda tx: add_instance(tx, study, at=parts.clock() - timedelta(seconds=30)) and None)
    again = await route_study(parts, study.id)
    assert (again.state, again.claimed_by, again.late_instances) == (ReadingState.IN_PROGRESS, "someone", 1)


async def test_the_gateway_always_has_rules_and_keeps_those_it_has(parts):
    assert await ensure_rules(parts) == 1
    assert await activate_rules(parts, RULES, by="demo-admin") == 2
    assert await ensure_rules(parts) == 2
    assert await activate_rules(parts, RULES, by="demo-admin") == 2, "the same text is the same version"
    assert [v for v, _, _ in await read(parts, lambda tx: tx.decisions.rule_sets())] == [2, 1]
    assert await read(parts, lambda tx: tx.decisions.rule_set(1)) == packaged_rules()


async def test_rules_with_an_error_or_an_unknown_person_are_refused_and_nothing_changes(parts):
    await ensure_rules(parts)
    for wrong in (RULES.replace("study.modality ==", "study.modalty =="),
                  RULES.replace("imaging: {name: 影像}", "imaging: {name: 影像, members: [nobody-here]}")):
        with pytest.raises(RulesRefused) as caught:
            await activate_rules(parts, wrong, by="demo-admin")
        assert caught.value.problems
        assert str(caught.value)[0].isdigit()
    assert (await read(parts, lambda tx: tx.decisions.active_rule_set()))[0] == 1


async def test_a_site_that_nobody_registered_is_only_warned_about(parts):
    text = RULES.replace('study.modality == "DX"', 'site.id == "nowhere"')
    problems = await check_rules(parts, text)
    assert {p.is_warning for p in problems if "nowhere" in p.en} == {True}


async def test_routing_what_does_not_exist_is_not_found(parts):
    with pytest.raises(NotFound):
        await route_study(parts, "nothing")
