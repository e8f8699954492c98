"""A centre with a duty group that assigns, its readers, and a study that waits: for tests about people."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from gateway.services.people.assign import Assigned, assign
from gateway.services.people.groups import groups_in_force
from gateway.services.people.presence import note_presence
from gateway.services.route_study import route_study
from routing_rules.evaluate import decide
from routing_rules.parse import parse
from storage.model import EVERYWHERE, Role
from storage.model.rosters import EntryKind, Presence, RosterEntry
from tests.support.routing_builders import add_study, add_user, user

ZONE = ZoneInfo("Asia/Shanghai")
RULES = """\
format: 1
title: 演示分派
groups:
  imaging:
    name: 影像组
    name_en: Imaging
    members: [ann, bob, cleo]
    assign: least-loaded
    head: [cleo]
  pool:
    name: 备用组
    name_en: Pool
fallback:
  group: pool
rules:
  - name: 影像
    when: ['study.kind == "image"']
    then: {group: imaging}
"""


async def open_room(parts, *, rules=RULES):
    """Put the rules in force; ann and bob write and review, cleo heads. Returns them by login."""
    people = {login: await add_user(parts, user(login, Role.READER, Role.REVIEWER))
              for login in ("ann", "bob", "cleo")}
    await parts.database.write(lambda tx: tx.decisions.add_rule_set(rules, by="test", at=parts.clock()))
    await say(parts, people["cleo"], Presence.AWAY)
    return people


async def say(parts, person, presence):
    await parts.database.write(lambda tx: note_presence(tx, person.id, presence, parts.clock()))


async def log_in(parts, person):
    await parts.database.write(lambda tx: tx.users.add_session(
        f"s-{person.id}", person.id, at=parts.clock(), expires_at=parts.clock() + timedelta(hours=8), address=""))


async def assigned(parts, study) -> Assigned:
    """What `assign` says for a study now, as routing asks it."""
    def work(tx):
        rules = parse(tx.decisions.active_rule_set()[1])
        facts = {"study.kind": "ecg" if study.modality == "ECG" else "image"}
        outcome = decide(rules, facts, parts.clock().astimezone(ZONE))
        return assign(tx, study, outcome, groups_in_force(tx)[outcome.group], at=parts.clock())

    found: Assigned = await parts.database.write(work)
    return found


async def given_to(parts, person, **more):
    """A routed reading that is assigned to this person."""
    study = await add_study(parts, **more)
    reading = await route_study(parts, study.id)

    def put(tx):
        found = tx.readings.get(reading.id, EVERYWHERE)
        tx.readings.replace(replace(found, assigned_to=person.id if person else None))

    await parts.database.write(put)
    return await stored(parts, reading)


async def stored(parts, reading):
    return await parts.database.read(lambda tx: tx.readings.get(reading.id, EVERYWHERE))


async def audit_of(parts, reading, action):
    entries = await parts.database.read(lambda tx: tx.audit.of_study(reading.study_id, EVERYWHERE))
    return [e.entry for e in entries if e.entry.action == action]


def stretch(person, clock, *, start_h=0.0, hours=8.0, group="imaging", kind=EntryKind.DUTY) -> RosterEntry:
    """A stretch that begins so many hours from now."""
    start = clock() + timedelta(hours=start_h)
    return RosterEntry("", kind, group if kind is EntryKind.DUTY else "", person.id, start,
                       start + timedelta(hours=hours), "", "", clock())
