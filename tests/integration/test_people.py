"""Rule → group → reader: assignment, review by another, skills at the claim, hand-over, declining (D1-D3, F2, A2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from gateway.core.errors import InvalidRequest, NotAllowed, NotNow
from gateway.core.order import OrderRequest
from gateway.services.administer_sites import By
from gateway.services.claim_reading import claim_reading, release_reading
from gateway.services.job_runner import JobRunner, RetryLater
from gateway.services.list_clinic_studies import Step, list_clinic_studies, step_of
from gateway.services.people.assign import assign
from gateway.services.people.decline_reading import decline_reading
from gateway.services.people.duty import duty_now
from gateway.services.people.groups import groups_in_force
from gateway.services.people.hand_over import HANDLERS, STILL_WRITING
from gateway.services.people.keep_agreements import Missing, add_agreement, missing_of_study
from gateway.services.people.keep_profiles import list_readers, put_profile, say_presence
from gateway.services.people.keep_roster import add_entry, change_entry, drop_entry
from gateway.services.place_order import amend_order, place_order, withdraw_order
from gateway.services.route_study import route_study
from gateway.services.show_reading import Act, show_reading
from gateway.services.write_report import reject_report, save_draft, submit_report
from routing_rules.evaluate import decide
from routing_rules.parse import parse
from storage.model import (
    EVERYWHERE,
    Job,
    ReadingState,
    ReportState,
    ReportText,
    Role,
    Scope,
    Site,
    SiteKind,
)
from storage.model.clocks import NoticeKind
from storage.model.orders import OrderSource, OrderState
from storage.model.rosters import EntryKind, Grade, Presence, ReaderProfile, SiteAgreement
from tests.support.duty_room import (
    ZONE,
    assigned,
    audit_of,
    given_to,
    log_in,
    open_room,
    say,
    stored,
    stretch,
)
from tests.support.routing_builders import add_study, add_user, user

TEXT = ReportText("站立位", "两肺纹理清晰。", "未见明显异常。")
BY = By("test", "", EVERYWHERE)


@pytest.fixture
async def people(parts):
    return await open_room(parts)


@pytest.fixture
async def boss(parts):
    return await add_user(parts, user("boss", Role.ADMIN))


def profile(person, **more):
    return ReaderProfile(person.id, **({"grade": Grade.REVIEW} | more))


async def write(parts, person, reading, *, submit=True):
    await claim_reading(parts, person, reading.id)
    await save_draft(parts, person, reading.id, TEXT, template_id="", revision=0)
    if submit:
        await submit_report(parts, person, reading.id)
    return await stored(parts, reading)


# --------------------------------------------------------------------------------------------------------- assignment
async def test_studies_go_round_among_those_on_duty_with_the_reasons(parts, people):
    logins = {person.id: login for login, person in people.items()}
    got = []
    for _ in range(4):
        study = await add_study(parts)
        parts.clock.advance(1)
        found = await assigned(parts, study)
        got.append(logins[found.reader_id])
    assert got == ["ann", "bob", "ann", "bob"], "nothing is open yet, so that turns alone decide"
    [entry] = found.entries
    assert [c["text"] for c in entry["conditions"]] == ["bob: chosen", "ann: able", "cleo: away"]


async def test_a_study_that_rules_give_to_the_group_is_one_readers_and_its_decision_says_why(parts, people):
    logins = {person.id: login for login, person in people.items()}
    readings = [await route_study(parts, (await add_study(parts)).id) for _ in range(4)]
    got = [logins[reading.assigned_to] for reading in readings]
    assert sorted(got) == ["ann", "ann", "bob", "bob"], "each has as much in hand as the other"
    decision = (await parts.database.read(lambda tx: tx.decisions.of_study(readings[3].study_id, EVERYWHERE)))[0]
    entry = next(entry for entry in decision.because if entry["rule"] == "assign")
    assert entry["gives"] == {"reader": got[3]}
    assert {c["text"].split(": ")[0]: c["seen"]["open"] for c in entry["conditions"]}[got[3]] == 1
    pooled = await route_study(parts, (await add_study(parts, modality="ECG")).id)
    assert (pooled.group, pooled.assigned_to) == ("pool", None)


async def test_who_has_less_in_hand_gets_it_and_who_signed_the_prior_is_preferred(parts, people):
    await given_to(parts, people["ann"])
    study = await add_study(parts)
    assert (await assigned(parts, study)).reader_id == people["bob"].id
    reading = await write(parts, people["ann"], await given_to(parts, people["ann"]))

    def same_patient_and_signed(tx):
        report = tx.reports.latest(reading.id, EVERYWHERE)
        assert tx.reports.replace(replace(report, state=ReportState.FINAL, signed_by=people["ann"].id,
                                          signed_at=parts.clock()))
        return tx.studies.get(reading.study_id, EVERYWHERE)

    prior = await parts.database.write(same_patient_and_signed)
    follow_up = replace(await add_study(parts), patient=prior.patient)
    found = await assigned(parts, follow_up)
    assert found.reader_id == people["ann"].id
    assert found.entries[0]["conditions"][0]["seen"]["own_prior"] is True


async def test_skills_sites_caps_leave_and_presence_decide_who_is_able(parts, people, boss, clock):
    ann, bob = people["ann"], people["bob"]
    ct = await add_study(parts, modality="CT", body_part="HEAD")
    await put_profile(parts, profile(ann, modalities=("DX",)), BY)
    assert (await assigned(parts, ct)).reader_id == bob.id
    await put_profile(parts, profile(bob, max_open=1), BY)
    await given_to(parts, bob)
    assert (await assigned(parts, ct)).reader_id is None, "one lacks the skill, the other is full: the pool"
    await put_profile(parts, profile(ann, modalities=("CT",)), BY)
    assert (await assigned(parts, ct)).reader_id == ann.id
    await add_entry(parts, ann, stretch(ann, clock, kind=EntryKind.LEAVE))
    assert (await assigned(parts, ct)).reader_id is None


async def test_present_counts_only_while_one_is_logged_in(parts, people, boss, clock):
    ann, cleo = people["ann"], people["cleo"]
    study = await add_study(parts)
    await add_entry(parts, boss, stretch(ann, clock))
    await say(parts, ann, Presence.AWAY)
    await say(parts, cleo, Presence.PRESENT)

    def on_the_dated_roster(tx):
        return duty_now(tx, clock(), ZONE)

    assert await parts.database.read(on_the_dated_roster) == {"imaging": ("ann",)}

    def with_duty(tx):
        rules = parse(tx.decisions.active_rule_set()[1])
        outcome = decide(rules, {"study.kind": "image"}, clock().astimezone(ZONE), duty_now(tx, clock(), ZONE))
        return assign(tx, study, outcome, groups_in_force(tx)["imaging"], at=clock()).reader_id

    assert await parts.database.write(with_duty) is None, "ann is away, and nobody knows where cleo is"
    await log_in(parts, cleo)
    assert await parts.database.write(with_duty) == cleo.id


async def test_a_reading_that_is_submitted_goes_to_a_reviewer_who_did_not_write_it(parts, people):
    reading = await write(parts, people["ann"], await given_to(parts, people["ann"]))
    assert (reading.state, reading.assigned_to) == (ReadingState.AWAITING_REVIEW, people["bob"].id)
    [entry] = await audit_of(parts, reading, "reading.assigned")
    assert entry.detail["to"] == people["bob"].id
    assert "ann: own-report" in [c["text"] for c in entry.detail["because"][0]["conditions"]]
    await claim_reading(parts, people["bob"], reading.id)
    await reject_report(parts, people["bob"], reading.id, "请补充")
    assert (await stored(parts, reading)).assigned_to == people["ann"].id


async def test_anybody_able_may_take_what_is_assigned_to_a_colleague_and_the_trail_says_so(parts, people):
    reading = await given_to(parts, people["ann"])
    assert (await claim_reading(parts, people["bob"], reading.id)).claimed_by == people["bob"].id
    [entry] = await audit_of(parts, reading, "reading.claimed")
    assert entry.detail["taken_over_from"] == people["ann"].id
    await release_reading(parts, people["bob"], reading.id)
    await claim_reading(parts, people["ann"], reading.id)
    assert "taken_over_from" not in (await audit_of(parts, reading, "reading.claimed"))[-1].detail


# ---------------------------------------------------------------------------------------------------------- the claim
@pytest.mark.parametrize(("can", "reason"), [
    ({"modalities": ("CT",)}, "not-skilled"), ({"site_ids": ("west",)}, "other-site"),
    ({"body_parts": ("HEAD",)}, "not-skilled")])
async def test_a_claim_respects_the_readers_profile(parts, people, can, reason):
    reading = await given_to(parts, None)
    await parts.database.write(lambda tx: tx.rosters.put_profile(profile(people["ann"], **can)))
    with pytest.raises(NotAllowed) as caught:
        await claim_reading(parts, people["ann"], reading.id)
    assert caught.value.reason == reason
    assert (await stored(parts, reading)).state is ReadingState.UNREAD
    shown = await show_reading(parts, EVERYWHERE, reading.id, people["ann"], address="")
    assert Act.CLAIM not in shown.acts
    shown = await show_reading(parts, EVERYWHERE, reading.id, people["bob"], address="")
    assert Act.CLAIM in shown.acts


async def test_a_reader_of_the_writing_grade_writes_and_does_not_review(parts, people):
    await put_profile(parts, profile(people["bob"], grade=Grade.WRITE), BY)
    reading = await write(parts, people["ann"], await given_to(parts, people["ann"]))
    assert reading.assigned_to is None, "the one is its writer, the other may not review, the head is away"
    with pytest.raises(NotAllowed) as caught:
        await claim_reading(parts, people["bob"], reading.id)
    assert caught.value.reason == "not-reviewer-grade"
    assert (await write(parts, people["bob"], await given_to(parts, None))).writer_id == people["bob"].id


# ---------------------------------------------------------------------------------------------------------- hand-over
async def test_going_off_hands_everything_back_and_keeps_the_draft(parts, people, events):
    ann, bob = people["ann"], people["bob"]
    assigned_only = await given_to(parts, ann)
    bare = await given_to(parts, ann)
    await claim_reading(parts, ann, bare.id)
    drafted = await write(parts, ann, await given_to(parts, ann), submit=False)
    assert drafted.state is ReadingState.IN_PROGRESS
    done = await say_presence(parts, ann, Presence.OFF)
    assert {reading.id for reading in done.readings} == {assigned_only.id, bare.id, drafted.id}
    for reading in (assigned_only, bare, drafted):
        now = await stored(parts, reading)
        assert (now.state, now.claimed_by, now.writer_id, now.assigned_to) == (
            ReadingState.UNREAD, None, None, bob.id)
        [entry] = await audit_of(parts, reading, "reading.handed_over")
        assert (entry.detail["from"], entry.detail["to"], entry.detail["why"]) == (ann.id, bob.id, "off")
        assert entry.detail["draft"] is (reading is drafted)
        notices = await parts.database.read(lambda tx, r=reading: tx.notices.of_reading(r.id))
        assert {(n.user_id, n.kind) for n in notices} == {(ann.id, NoticeKind.HANDED_OVER),
                                                          (bob.id, NoticeKind.ASSIGNED)}
    report = await parts.database.read(lambda tx: tx.reports.latest(drafted.id, EVERYWHERE))
    assert report.text == TEXT
    await claim_reading(parts, bob, drafted.id)
    saved = await save_draft(parts, bob, drafted.id, TEXT, template_id="", revision=report.revision)
    assert saved.writer_id == bob.id, "whoever takes it next answers for every word"


async def test_away_takes_nothing_out_of_anybodys_hands(parts, people):
    reading = await given_to(parts, people["ann"])
    assert (await say_presence(parts, people["ann"], Presence.AWAY)).readings == ()
    assert (await stored(parts, reading)).assigned_to == people["ann"].id


async def test_the_end_of_a_shift_hands_over_by_its_job_but_not_what_is_being_written(parts, people, boss, clock):
    ann = people["ann"]
    entry = await add_entry(parts, boss, stretch(ann, clock, hours=8))
    clock.advance(8 * 3600 - 60)
    waiting = await given_to(parts, ann)
    writing = await write(parts, ann, await given_to(parts, ann), submit=False)
    runner = JobRunner(parts, HANDLERS)
    assert await runner.run_due() == 0 or (await stored(parts, waiting)).assigned_to == ann.id
    clock.advance(61)
    job = Job(1, f"hand_over:{entry.id}", "hand_over", entry.id, clock(), 1)
    with pytest.raises(RetryLater) as caught:
        await HANDLERS["hand_over"](parts, job)
    assert (await stored(parts, waiting)).assigned_to == people["bob"].id
    assert (await stored(parts, writing)).claimed_by == ann.id
    clock.advance((caught.value.due - clock()).total_seconds())
    assert timedelta(minutes=5) <= STILL_WRITING
    await HANDLERS["hand_over"](parts, job)
    after = await stored(parts, writing)
    assert (after.claimed_by, after.state) == (None, ReadingState.UNREAD)


async def test_a_shift_that_is_followed_by_another_hands_nothing_over(parts, people, boss, clock):
    ann = people["ann"]
    first = await add_entry(parts, boss, stretch(ann, clock, hours=8))
    await add_entry(parts, boss, stretch(ann, clock, start_h=8, hours=4))
    clock.advance(8 * 3600)
    reading = await given_to(parts, ann)
    await HANDLERS["hand_over"](parts, Job(1, "k", "hand_over", first.id, clock(), 1))
    assert (await stored(parts, reading)).assigned_to == ann.id
    due = await parts.database.read(lambda tx: tx.jobs.next_due(only=frozenset({"hand_over"})))
    assert due == first.ends_at, "the job of the first shift is the one that is due"


async def test_a_shift_that_was_made_longer_hands_over_at_its_new_end(parts, people, boss, clock):
    entry = await add_entry(parts, boss, stretch(people["ann"], clock, hours=8))
    longer = await change_entry(parts, boss, replace(entry, ends_at=entry.ends_at + timedelta(hours=2)))
    assert await parts.database.read(lambda tx: tx.jobs.next_due(only=frozenset({"hand_over"}))) == longer.ends_at
    await drop_entry(parts, boss, entry.id)
    assert await parts.database.read(lambda tx: tx.jobs.next_due(only=frozenset({"hand_over"}))) is None


async def test_readers_are_listed_with_what_they_can_and_how_much_they_have(parts, people, boss, clock):
    await given_to(parts, people["ann"])
    await add_entry(parts, boss, stretch(people["ann"], clock))
    await put_profile(parts, profile(people["ann"], modalities=("ct", "ECG", "ct ")), BY)
    found = {one.user.login: one for one in await list_readers(parts, EVERYWHERE)}
    ann = found["ann"]
    assert set(found) == {"ann", "bob", "cleo"}
    assert ann.profile is not None
    assert (ann.open_count, ann.duty_groups, ann.profile.modalities) == (1, ("imaging",), ("CT",))
    said = found["cleo"].presence
    assert said is not None
    assert said.presence is Presence.AWAY
    await add_user(parts, user("westerly", Role.READER, site_id="west"))
    seen = {one.user.login for one in await list_readers(parts, Scope(frozenset({"east"})))}
    assert seen == {"ann", "bob", "cleo"}, "they read for the whole alliance, and so for the east"


# --------------------------------------------------------------------------------------------------------- A1 and A2
async def test_the_reading_site_declines_with_a_reason_and_the_clinic_asks_again(parts, people):
    reading = await given_to(parts, people["ann"])
    with pytest.raises(InvalidRequest) as caught:
        await decline_reading(parts, people["bob"], reading.id, " ")
    assert caught.value.reason == "reason-required"
    declined = await decline_reading(parts, people["bob"], reading.id, "本中心不承接冠脉 CTA")
    assert (declined.state, declined.reason, declined.assigned_to) == (
        ReadingState.GIVEN_UP, "本中心不承接冠脉 CTA", None)
    [entry] = await audit_of(parts, reading, "reading.declined")
    assert entry.actor == people["bob"].id
    with pytest.raises(NotNow):
        await decline_reading(parts, people["bob"], reading.id, "再次")
    order = await ordered(parts, reading)
    await amend_order(parts, order.id, request(purpose="改为胸部平扫"), BY)
    again = await stored(parts, reading)
    assert (again.state, again.reason) == (ReadingState.UNREAD, "本中心不承接冠脉 CTA")
    assert len(await audit_of(parts, reading, "reading.asked_again")) == 1


async def test_a_declined_request_can_be_withdrawn_and_one_being_read_cannot(parts, people):
    reading = await given_to(parts, people["ann"])
    order = await ordered(parts, reading)
    await claim_reading(parts, people["ann"], reading.id)
    with pytest.raises(NotNow) as caught:
        await withdraw_order(parts, order.id, "转院", BY)
    assert caught.value.reason == "reading-started"
    await decline_reading(parts, people["ann"], reading.id, "资质不符")
    assert (await withdraw_order(parts, order.id, "转院", BY)).order.state is OrderState.WITHDRAWN
    assert (await stored(parts, reading)).state is ReadingState.WITHDRAWN


async def test_what_is_missing_of_consent_and_agreement_is_said_and_stops_nobody(parts, people, clock):
    reading = await given_to(parts, None, urgency="emergency")

    async def missing(order=None, at_site=""):
        return await parts.database.read(
            lambda tx: missing_of_study(tx, parts, "east", order, reading_site_id=at_site))

    assert await missing() == [Missing.CONSENT, Missing.AGREEMENT]
    assert (await claim_reading(parts, people["ann"], reading.id)).claimed_by == people["ann"].id
    order = await ordered(parts, reading, consent_informed_by="演示村医", consent_is_written=True)
    await parts.database.write(lambda tx: tx.sites.add_site(_centre()))
    today = clock().astimezone(ZONE).date()
    assert await missing(order) == [Missing.AGREEMENT]
    await add_agreement(parts, SiteAgreement("a1", "east", "centre", "协〔2025〕1号", date(2025, 1, 1),
                                             today - timedelta(days=1), "", "boss", clock()), BY)
    assert await missing(order) == [Missing.AGREEMENT_ENDED]
    await add_agreement(parts, SiteAgreement("a2", "east", "centre", "协〔2026〕1号", today, None, "", "boss",
                                             clock()), BY)
    assert await missing(order) == []
    assert await missing(order, at_site="other") == [Missing.AGREEMENT]
    assert await missing(order, at_site="east") == [], "nothing leaves the house"
    informed = await ordered(parts, reading, consent_informed_by="演示村医")
    assert await missing(informed) == [Missing.CONSENT_WRITTEN]
    with pytest.raises(NotAllowed):
        await add_agreement(parts, SiteAgreement("a3", "east", "centre", "", today, None, "", "x", clock()),
                            By("x", "", Scope(frozenset({"east"}))))


async def test_the_clinic_sees_that_it_was_declined_and_what_is_missing(parts, people):
    reading = await given_to(parts, None)
    await decline_reading(parts, people["ann"], reading.id, "请改送省院")
    page = await list_clinic_studies(parts, Scope(frozenset({"east"})), text="", limit=10, offset=0)
    [line] = page.lines
    assert line.reading is not None
    assert (step_of(line), line.reading.reason) == (Step.SENT_BACK, "请改送省院")
    assert page.missing == {reading.study_id: [Missing.CONSENT, Missing.AGREEMENT]}
    await ordered(parts, reading, consent_informed_by="演示村医", consent_is_written=True)
    page = await list_clinic_studies(parts, Scope(frozenset({"east"})), text="", limit=10, offset=0)
    assert page.missing == {reading.study_id: [Missing.AGREEMENT]}


def _centre():
    return Site("centre", "演示中心", "Demo centre", SiteKind.CENTRE)


def request(**more) -> OrderRequest:
    return OrderRequest(patient_id="P-1", patient_name="演示患者", modality="DX", **more)


async def ordered(parts, reading, **more):
    """An order whose study is the reading's."""
    placed = (await place_order(parts, reading.site_id, request(**more), BY, OrderSource.UI)).order

    def link(tx):
        order = tx.orders.get(placed.id, EVERYWHERE)
        assert tx.orders.replace(replace(order, study_id=reading.study_id))

    await parts.database.write(link)
    return await parts.database.read(lambda tx: tx.orders.get(placed.id, EVERYWHERE))
