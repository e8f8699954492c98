"""What rules may know is read from the store, and what they say is kept to be asked again; on both engines."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.services.gather_facts import study_facts
from gateway.services.ports import Parts
from gateway.services.route_study import route_study
from gateway.settings import Settings
from routing_rules.evaluate import decide
from routing_rules.facts import FACTS, checked
from routing_rules.parse import parse
from storage.model import EVERYWHERE, Priority, Role, Scope, Site, SiteKind
from storage.model.forwards import Forward, ForwardState
from storage.model.orders import LinkEvidence, Order, OrderSource, OrderState
from storage.model.rosters import EntryKind, Holiday, HolidayKind, Presence, ReaderPresence, RosterEntry
from storage.objects.files import FileObjectStore
from tests.support import rule_sets
from tests.support.routing_builders import add_study, add_user, user
from tests.support.stores import START, ManualClock, RecordingEvents

ZONE = ZoneInfo("Asia/Shanghai")
RULES = """\
format: 1
title: 时段
groups:
  day: {name: 白班, members: [demo-day]}
  late: {name: 晚班, members: [demo-late]}
fallback: {group: day}
rules:
  - name: 体检错峰
    when: ['study.modality == "DX"']
    then: {group: day, hold: {until: "18:00"}, due_minutes: 60}
  - name: 白班没有人
    when: ['presence.on_duty["day"] == 0']
    then: {group: late}
  - name: 其余
    when: []
    then: {group: day}
"""


@pytest.fixture
def parts(database, tmp_path):
    """Parts over the engine under test."""
    return Parts(Settings(data_dir=tmp_path, time_zone="Asia/Shanghai"), database,
                 FileObjectStore(tmp_path / "objects", reserve_bytes=0), ManualClock(), RecordingEvents(), "node-a")


async def facts_now(parts, study):
    facts = await parts.database.read(lambda tx: study_facts(tx, study, ZONE, now=parts.clock()))
    assert checked(facts) == facts
    return facts


def an_order(study):
    return Order("o1", study.site_id, OrderState.PERFORMED, OrderSource.UI, study.accession_number,
                 study.study_instance_uid, "r1", "s1", "P1", "演示患者", "Demo", study.modality, START, START, "u",
                 START, procedure_code="XR01", clinical_diagnosis="胸痛待查", purpose="排除气胸", department="内科",
                 patient_class="inpatient", urgency="urgent")


async def test_site_order_priors_load_and_absence_are_facts(parts):
    away = await add_user(parts, user("demo-away", Role.READER))
    prior = await add_study(parts, modality="CT")
    parts.clock.advance(3 * 86_400)
    study = await add_study(parts, instances=2)
    study = dataclasses.replace(study, patient=prior.patient)

    def furnish(tx):
        tx.sites.update_site(Site("east", "东", "East", SiteKind.TOWNSHIP, tier=2, distance_km=42.5,
                                  link_class="satellite"))
        tx.orders.add(an_order(study))
        tx.orders.link(an_order(study), study.id, LinkEvidence.ACCESSION_NUMBER, at=parts.clock())
        tx.rosters.put_presence(ReaderPresence(away.id, Presence.AWAY, parts.clock()))

    await parts.database.write(furnish)
    for _ in range(3):
        await route_study(parts, (await add_study(parts, modality="CT")).id)
    facts = await facts_now(parts, study)
    wanted = {
        "site.kind": "township", "site.tier": 2, "site.distance_km": 42.5, "site.link": "satellite",
        "study.procedure_code": "XR01", "order.urgency": "urgent", "order.clinical_question": "排除气胸",
        "order.clinical_diagnosis": "胸痛待查", "order.department": "内科", "order.patient_class": "inpatient",
        "study.instance_count": 2, "study.series_count": 1, "study.quality": [], "prior.count": 1,
        "prior.same_modality_count": 0, "prior.days_since": 3.0, "load.waiting": {"imaging": 3},
        "presence.away": ["demo-away"], "arrival.date": "2026-03-05", "arrival.is_workday": True,
        "arrival.is_holiday": False}
    assert {name: facts.get(name) for name in wanted} == wanted


async def test_the_day_is_a_holiday_as_the_public_calendar_has_it_and_the_alliance_wins(parts):
    parts.clock.now = datetime(2026, 10, 1, 2, 0, tzinfo=START.tzinfo)
    national = await add_study(parts)
    assert {name: value for name, value in (await facts_now(parts, national)).items() if "day" in name} == {
        "arrival.weekday": 4, "arrival.is_holiday": True, "arrival.holiday": "national-day",
        "arrival.is_workday": False}
    parts.clock.now = datetime(2026, 10, 10, 2, 0, tzinfo=START.tzinfo)      # a Saturday that is worked
    saturday = await add_study(parts)
    assert (await facts_now(parts, saturday))["arrival.is_workday"] is True
    await parts.database.write(lambda tx: tx.rosters.put_holiday(
        Holiday(date(2026, 10, 10), HolidayKind.HOLIDAY, "院庆", "Jubilee")))
    own = await facts_now(parts, saturday)
    assert (own["arrival.is_holiday"], own["arrival.is_workday"], own.get("arrival.holiday")) == (True, False, None)


async def test_a_routine_study_is_kept_off_the_worklist_until_its_time_and_an_urgent_one_is_not(parts):
    await parts.database.write(lambda tx: tx.decisions.add_rule_set(RULES, by="test", at=parts.clock()))
    held = await route_study(parts, (await add_study(parts)).id)
    urgent = await route_study(parts, (await add_study(parts, urgency="urgent")).id)
    six = START.astimezone(ZONE).replace(hour=18, minute=0)
    assert (held.hold_until, held.due_at) == (six, six + timedelta(hours=1)), "its clock begins with its turn"
    assert (urgent.hold_until, urgent.priority) == (None, Priority.URGENT)
    stored = await parts.database.read(lambda tx: tx.readings.get(held.id, EVERYWHERE))
    assert stored == held
    third = await add_study(parts, modality="CT")
    around = [await parts.database.read(lambda tx, at=at: tx.circumstances.of_study(third, now=at))
              for at in (parts.clock(), six)]
    assert [one.waiting for one in around] == [{"day": 1}, {"day": 2}], "what is held does not wait yet"


async def test_a_stored_decision_replayed_gives_itself_also_after_the_world_has_changed(parts):
    person = await add_user(parts, user("demo-late", Role.READER))
    await parts.database.write(lambda tx: tx.decisions.add_rule_set(RULES, by="test", at=parts.clock()))
    await parts.database.write(lambda tx: tx.rosters.add_entry(RosterEntry(
        "e1", EntryKind.DUTY, "day", person.id, START, START + timedelta(hours=1), "", "boss", START)))
    studies = [await add_study(parts, modality=modality) for modality in ("DX", "CT", "ECG")]
    for study in studies:
        await route_study(parts, study.id)
    parts.clock.advance(86_400)
    await parts.database.write(lambda tx: tx.rosters.drop_entry("e1"))
    await parts.database.write(
        lambda tx: tx.decisions.add_rule_set(rule_sets.rules(5), by="test", at=parts.clock()))
    for study in studies:
        [made] = await parts.database.read(lambda tx, s=study: tx.decisions.of_study(s.id, EVERYWHERE))
        source = await parts.database.read(lambda tx, d=made: tx.decisions.rule_set(d.rules_version))
        again = decide(parse(source), made.facts, datetime.fromisoformat(made.inputs["local_now"]),
                       made.inputs["duty"])
        assert again.as_json() == made.outcome
        assert again.because == made.because[:len(again.because)]
        assert made.inputs["duty"] == {"day": ["demo-late"]}
        assert set(made.facts) <= {name for name, fact in FACTS.items() if not fact.is_derived}


async def test_a_forward_is_kept_once_per_study_and_destination_and_only_within_scope(parts):
    study = await add_study(parts)
    forward = Forward("f1", study.id, "city", "d1", ForwardState.WAITING, START)

    def twice(tx):
        return tx.forwards.add(forward), tx.forwards.add(dataclasses.replace(forward, id="f2"))

    assert await parts.database.write(twice) == (True, False)
    sent = dataclasses.replace(forward, state=ForwardState.SENT, kept_uids=("1.2", "1.3"), sent_at=START, attempts=2)
    await parts.database.write(lambda tx: tx.forwards.replace(sent))
    assert await parts.database.read(lambda tx: tx.forwards.get("f1")) == sent
    assert await parts.database.read(lambda tx: tx.forwards.of_study(study.id, Scope(frozenset({"east"})))) == [sent]
    assert await parts.database.read(lambda tx: tx.forwards.of_study(study.id, Scope(frozenset({"west"})))) == []


class Counting:
    """A database that counts what it is asked to do."""

    def __init__(self, database):
        self._database = database
        self.reads = self.writes = 0

    async def read(self, work):
        self.reads += 1
        return await self._database.read(work)

    async def write(self, work):
        self.writes += 1
        return await self._database.write(work)


async def test_a_study_that_no_order_can_be_of_is_routed_by_one_look_and_one_write(parts):
    await parts.database.write(lambda tx: tx.decisions.add_rule_set(RULES, by="t", at=parts.clock()))
    for modality in ("CT", "ECG"):
        study = await add_study(parts, modality=modality)
        counting = Counting(parts.database)
        reading = await route_study(dataclasses.replace(parts, database=counting), study.id)
        assert (counting.reads, counting.writes) == (1, 1)
        [decision] = await parts.database.read(lambda tx, s=study: tx.decisions.of_study(s.id, EVERYWHERE))
        kept = await parts.database.write(lambda tx, r=reading: (tx.clocks.of_reading(r.id), tx.clocks.timer(r.id)))
        assert reading.decision_id == decision.id
        assert len(kept[0]) == 4
        assert kept[1] is not None
        assert await route_study(dataclasses.replace(parts, database=counting), study.id) == reading
        assert (counting.reads, counting.writes) == (2, 1)       # nothing new: it was only looked at


async def test_rules_that_another_process_put_into_force_decide_about_the_next_study(parts):
    await parts.database.write(lambda tx: tx.decisions.add_rule_set(RULES, by="t", at=parts.clock()))
    assert (await route_study(parts, (await add_study(parts, modality="CT")).id)).group == "day"
    changed = RULES.replace("when: []\n    then: {group: day}", "when: []\n    then: {group: late}")
    await parts.database.write(lambda tx: tx.decisions.add_rule_set(changed, by="another", at=parts.clock()))
    assert (await route_study(parts, (await add_study(parts, modality="CT")).id)).group == "late"
