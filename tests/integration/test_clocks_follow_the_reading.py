"""Each stage of a reading has a clock that follows what people do, and what falls due happens by itself (D4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.clock_plan import Plan
from gateway.core.clocks import ClockState, clock_state
from gateway.services.acknowledge import open_report
from gateway.services.activate_rules import activate_rules
from gateway.services.claim_reading import claim_reading, release_reading, send_back
from gateway.services.clocks.clock_runner import ClockRunner
from gateway.services.list_readings import ReadingFilter, list_readings
from gateway.services.route_study import route_study
from gateway.services.sign_report import prepare_signing, sign_report
from gateway.services.write_report import reject_report, save_draft, submit_report
from storage.model import EVERYWHERE, Destination, DestinationKind, ReadingState, ReportText, Role
from storage.model.clocks import NoticeKind, ReadingTimer, Stage
from tests.support.report_builders import CLINIC, MADE_AT, SITE, WRITER, a_text, furnish
from tests.support.routing_builders import add_study, add_user, user
from tests.support.stores import START, ManualClock, open_parts
from tests.support.web import PASSWORD, password_hash

RULES = """
format: 1
title: clocks
groups:
  imaging: {name: 影像, members: [anna, ben], head: [head], reoffer_minutes: 40}
  upper: {name: 上级, members: [city]}
fallback: {group: imaging}
rules:
  - name: films
    when: ['study.modality == "DX"']
    then:
      group: imaging
      reader: anna
      due: {claim: 30, write: 90, review: 120, return: 2, open: 60}
      notify: [{who: clinic, when: routed}]
      overflow: {group: upper, after_minutes: 100}
  - name: urgent ECG
    when: ['study.modality == "ECG"']
    then: {group: imaging, priority: emergency, due_minutes: 10}
"""


@pytest.fixture
async def parts(tmp_path):
    async with open_parts(tmp_path, clock=ManualClock()) as opened:
        yield opened


@pytest.fixture
async def people(parts):
    made = {}
    for login, roles in (("anna", (Role.READER,)), ("ben", (Role.READER, Role.REVIEWER)), ("head", (Role.REVIEWER,)),
                         ("city", (Role.READER,)), ("clerk", (Role.CLINIC,))):
        site_id = "east" if login == "clerk" else None
        made[login] = await add_user(parts, user(login, *roles, site_id=site_id))
    await activate_rules(parts, RULES, by="test")
    return made


async def routed(parts, **fields):
    study = await add_study(parts, **fields)
    return await route_study(parts, study.id)


async def states(parts, reading_id):
    clocks = await parts.database.read(lambda tx: tx.clocks.of_reading(reading_id))
    return {clock.stage.value: clock_state(clock, parts.clock()).value for clock in clocks}


async def clock(parts, reading_id, stage):
    clocks = await parts.database.read(lambda tx: tx.clocks.of_reading(reading_id))
    return next(clock for clock in clocks if clock.stage is stage)


async def fire(parts, minutes=0.0):
    if minutes:
        parts.clock.advance(minutes * 60)
    return await ClockRunner(parts).fire_all()


async def told(parts, person, reading):
    notices = await parts.database.read(lambda tx: tx.notices.of_reading(reading.id))
    return [(notice.kind.value, notice.stage.value if notice.stage else "", notice.percent)
            for notice in notices if notice.user_id == person.id]


async def actions(parts, reading):
    trail = await parts.database.read(lambda tx: tx.audit.recent(EVERYWHERE, limit=1000))
    return [each.entry.action for each in reversed(trail) if each.entry.detail.get("reading") == reading.id
            and each.entry.actor == "gateway"]


async def test_a_routed_study_has_a_clock_for_each_stage_until_its_report(parts, people):
    reading = await routed(parts)
    assert await states(parts, reading.id) == {"arrive": "met", "claim": "pending", "write": "pending",
                                               "review": "pending"}
    claim = await clock(parts, reading.id, Stage.CLAIM)
    assert (claim.started_at, claim.due_at) == (START, START + timedelta(minutes=30))
    assert (await clock(parts, reading.id, Stage.REVIEW)).due_at == reading.due_at == START + timedelta(minutes=120)


async def test_clocks_are_met_by_what_people_do_and_write_begins_again_when_it_is_rejected(parts, people):
    reading = await routed(parts)
    parts.clock.advance(600)
    await claim_reading(parts, people["anna"], reading.id)
    assert (await states(parts, reading.id))["claim"] == "met"
    await save_draft(parts, people["anna"], reading.id, ReportText("", "所见", "印象"), template_id="", revision=0)
    parts.clock.advance(85 * 60)
    await submit_report(parts, people["anna"], reading.id)
    assert (await states(parts, reading.id))["write"] == "late"
    await claim_reading(parts, people["ben"], reading.id)
    await reject_report(parts, people["ben"], reading.id, "再看右肺")
    again = await clock(parts, reading.id, Stage.WRITE)
    assert (clock_state(again, parts.clock()), again.round) == (ClockState.PENDING, 2)
    assert again.due_at == parts.clock() + timedelta(minutes=90)
    assert (await states(parts, reading.id))["review"] == "pending"


async def test_a_claim_that_is_given_back_starts_the_claim_clock_again(parts, people):
    reading = await routed(parts)
    await claim_reading(parts, people["anna"], reading.id)
    parts.clock.advance(300)
    await release_reading(parts, people["anna"], reading.id)
    again = await clock(parts, reading.id, Stage.CLAIM)
    assert (again.met_at, again.started_at, again.round) == (None, parts.clock(), 2)


async def test_what_was_sent_back_to_the_clinic_keeps_nobody_waiting(parts, people):
    reading = await routed(parts)
    await claim_reading(parts, people["anna"], reading.id)
    await send_back(parts, people["anna"], reading.id, "体位不对")
    assert (await states(parts, reading.id))["review"] == "stopped"
    assert await fire(parts, minutes=10_000) == 0


async def test_reminders_come_at_half_and_at_four_fifths_of_the_stage_and_once(parts, people):
    reading = await routed(parts)
    assert await fire(parts, minutes=14.9) == 0
    await fire(parts, minutes=0.1)
    assert await told(parts, people["anna"], reading) == [("nudge", "claim", 50)]
    assert await told(parts, people["ben"], reading) == []
    await fire(parts, minutes=9)
    await fire(parts)
    assert await told(parts, people["anna"], reading) == [("nudge", "claim", 50), ("nudge", "claim", 80)]


async def test_a_stage_that_comes_late_to_somebody_does_not_remind_them_of_the_time_before(parts, people):
    reading = await routed(parts)
    parts.clock.advance(75 * 60)                 # more than four fifths of the 90 minutes to write
    await fire(parts)
    await claim_reading(parts, people["ben"], reading.id)
    await fire(parts)
    assert ("nudge", "write", 50) not in await told(parts, people["ben"], reading)


async def test_what_was_not_claimed_is_offered_again_climbs_and_overflows_each_once(parts, people):
    reading = await routed(parts)
    for _ in range(50):
        await fire(parts, minutes=3)
    done = await actions(parts, reading)
    assert [done.count(action) for action in ("clock.nudged", "reading.reoffered", "reading.climbed",
                                              "reading.overflowed")] == [2, 1, 1, 1]
    assert done.count("clock.breached") == 3     # claim, write, review
    assert ("climb", "claim", 0) in await told(parts, people["head"], reading)
    assert ("overflow", "claim", 0) in await told(parts, people["city"], reading)
    after = await parts.database.read(lambda tx: tx.readings.get(reading.id, EVERYWHERE))
    assert (after.group, after.assigned_to, after.state) == ("upper", None, ReadingState.UNREAD)
    decision = await parts.database.read(lambda tx: tx.decisions.get(after.decision_id))
    assert (decision.group, decision.because[-1]["rule"]) == ("upper", "overflow")
    assert decision.inputs["moved"]["from"] == "imaging"


async def test_a_re_offer_takes_it_from_the_named_reader_after_the_minutes_of_the_group(parts, people):
    reading = await routed(parts)
    assert reading.assigned_to == people["anna"].id
    await fire(parts, minutes=39)
    unchanged = await parts.database.read(lambda tx: tx.readings.get(reading.id, EVERYWHERE))
    assert unchanged.assigned_to == people["anna"].id
    await fire(parts, minutes=1)
    offered = await parts.database.read(lambda tx: tx.readings.get(reading.id, EVERYWHERE))
    assert (offered.assigned_to, offered.group) == (None, "imaging")
    assert (NoticeKind.REOFFER.value, "claim", 0) in await told(parts, people["ben"], reading)


async def test_a_breached_emergency_raises_an_alarm_and_climbs_at_once(parts, people):
    reading = await routed(parts, modality="ECG", body_part="")
    assert (await clock(parts, reading.id, Stage.CLAIM)).due_at == START + timedelta(minutes=2)
    await fire(parts, minutes=2)
    alarms = await parts.database.read(lambda tx: tx.alarms.open_alarms(EVERYWHERE))
    assert [(alarm.kind, alarm.site_id) for alarm in alarms] == [("clock-breached", "east")]
    assert ("climb", "claim", 0) in await told(parts, people["head"], reading)


async def test_a_rule_tells_the_clinic_at_once(parts, people):
    reading = await routed(parts)
    assert await told(parts, people["clerk"], reading) == [("routed", "", 0)]


async def test_a_timer_that_cannot_be_fired_waits_with_its_error_and_the_others_go_on(parts, people):
    broken, sound = await routed(parts), await routed(parts)

    def spoil(tx):
        timer = tx.clocks.timer(broken.id)
        tx.clocks.put_timers([replace(timer, plan={"minutes": {}})])

    await parts.database.write(spoil)
    await fire(parts, minutes=15)
    assert await told(parts, people["anna"], sound) == [("nudge", "claim", 50)]
    timer = await parts.database.write(lambda tx: tx.clocks.timer(broken.id))
    assert (timer.attempts, "KeyError" in timer.last_error) == (1, True)
    assert timer.next_at > parts.clock()




async def test_a_signed_report_waits_for_the_clinic_and_a_critical_one_for_ten_minutes(tmp_path):
    async with open_parts(tmp_path, clock=ManualClock(MADE_AT)) as opened:
        room = await furnish(opened, password_hash=password_hash())
        page = Destination("page-1", SITE.id, DestinationKind.CLINIC_PAGE, "演示页面")
        await opened.database.write(lambda tx: tx.sites.add_destination(page))
        await opened.database.write(lambda tx: tx.clocks.put_timers([ReadingTimer(
            room.reading.id, room.study.id, None,
            Plan(minutes={"return": 1, "open": 60}, is_emergency=True).as_json())]))
        critical = replace(a_text(), is_critical=True)
        await save_draft(opened, WRITER, room.reading.id, critical, template_id="T1", revision=0)
        shown = await prepare_signing(opened, WRITER, room.reading.id)
        await sign_report(opened, WRITER, room.reading.id, password=PASSWORD, text_sha256=shown.text_sha256,
                          is_emergency=True)
        found = await clock(opened, room.reading.id, Stage.OPEN)
        assert found.due_at == MADE_AT + timedelta(minutes=10)
        assert (await states(opened, room.reading.id)) == {"return": "met", "open": "pending"}
        report = await opened.database.read(lambda tx: tx.reports.latest(room.reading.id, EVERYWHERE))
        opened.clock.advance(300)
        await open_report(opened, CLINIC, report.id, address="")
        assert (await states(opened, room.reading.id)) == {"return": "met", "open": "met"}


async def test_a_held_study_counts_from_its_hour_and_is_on_the_list_from_then(parts, people):
    held = RULES.replace("overflow: {", 'hold: {until: "18:00"}\n      overflow: {')
    await activate_rules(parts, held, by="test")
    reading = await routed(parts)
    until = reading.hold_until
    assert until > parts.clock()
    claim, review = [await clock(parts, reading.id, stage) for stage in (Stage.CLAIM, Stage.REVIEW)]
    assert (claim.started_at, claim.due_at) == (until, until + timedelta(minutes=30))
    assert review.due_at == reading.due_at == until + timedelta(minutes=120)
    page = await list_readings(parts, EVERYWHERE, ReadingFilter(), limit=9, offset=0)
    assert (page.lines, page.total) == ([], 0)
    parts.clock.now = until
    await fire(parts)
    assert (await actions(parts, reading)) == ["reading.hold_over"]
    page = await list_readings(parts, EVERYWHERE, ReadingFilter(), limit=9, offset=0)
    assert [line.reading.id for line in page.lines] == [reading.id]
    assert [shown.clock.stage for shown in page.clocks[reading.id]][:2] == [Stage.ARRIVE, Stage.CLAIM]


async def test_rules_that_cannot_be_read_any_more_stop_no_timer(parts, people):
    reading = await routed(parts)
    await parts.database.write(lambda tx: tx.decisions.add_rule_set("format: 9", by="test", at=parts.clock()))
    late = await routed(parts)
    assert (await states(parts, late.id))["claim"] == "pending"
    await fire(parts, minutes=15)
    assert await told(parts, people["anna"], reading) == [("nudge", "claim", 50)]
