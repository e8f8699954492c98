"""Studies of an unregistered device go to its site once it is registered, and to no other (A7, B5, promise 5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.services import complete_study, route_study
from gateway.services.accept_device import accept_device
from gateway.services.activate_rules import activate_rules, ensure_rules
from gateway.services.administer_sites import By, add_device, change_device
from gateway.services.job_runner import JobRunner
from gateway.services.receive_instance import Sender, receive_part10
from gateway.services.render import HANDLERS as RENDER_HANDLERS
from storage.model import EVERYWHERE, INBOX_SITE_ID, ArrivalVia, Device, Grant, Role, Scope, User, new_id
from tests.support import dcmtk
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import OTHER_SITE, SITE, open_receiver
from tests.support.web import add_person, serving

ADMIN = User("admin-1", "admin", "Demo Admin", "", (Grant(Role.ADMIN, None),))
BOSS = By("admin-1", "10.0.0.9", EVERYWHERE)
THERE = Scope(frozenset({SITE.id}))
INBOX = Scope(frozenset({INBOX_SITE_ID}))
WANG = build.Patient("P7", "Wang^Demo=演示王".encode(), character_set=b"ISO_IR 192")
LI = build.Patient("P7", "Li^Demo=演示李".encode(), character_set=b"ISO_IR 192")
RULES = f"""
format: 1
title: 演示规则
groups:
  town: {{name: 乡镇组, members: []}}
  centre: {{name: 中心组, members: []}}
fallback: {{group: centre}}
rules:
  - name: films of the town
    when: ['site.id == "{SITE.id}"']
    then: {{group: town, priority: urgent}}
"""


@pytest.fixture
async def receiver(tmp_path):
    async with open_receiver(tmp_path / "data", unknown_devices="inbox") as opened:
        yield opened


def device(ae_title="NEW_CT", site_id=SITE.id, address=None):
    return Device(new_id(), site_id, "演示CT", ae_title, address, "CT")


async def receive(receiver, part10, *, calling="NEW_CT", address="10.0.0.5"):
    """As an association does that began while nobody knew the caller."""
    sender = Sender(INBOX_SITE_ID, None, ArrivalVia.DICOM, calling, address, "association-1")
    return await receive_part10(receiver.parts, part10, sender)


async def arrivals(receiver, study):
    return await receiver.parts.database.read(lambda tx: tx.arrivals.of_study(study.id, EVERYWHERE))


async def moves(receiver, study):
    story = await receiver.parts.database.read(lambda tx: tx.audit.of_study(study.id, EVERYWHERE))
    return [chained.entry for chained in story if chained.entry.action == "study.moved"]


async def run_jobs(receiver):
    receiver.clock.advance(receiver.parts.settings.quiet_period_s + 1)
    runner = JobRunner(receiver.parts, {**complete_study.HANDLERS, **route_study.HANDLERS, **RENDER_HANDLERS})
    while await runner.run_due():
        """Completing a study asks for its routing."""


async def test_an_accepted_knock_takes_its_studies_along_and_their_later_images_join_them(receiver, tmp_path):
    ids = build.StudyIds()
    first, second = build.write_all(tmp_path / "in", [build.ct_slice(1, ids=ids), build.ct_slice(2, ids=ids)])
    await dcmtk.storescu(receiver.address, [first], calling="NEW_CT")
    before = await receiver.study(ids.study)
    [kept] = await receiver.instances(ids.study)
    [knock] = await receiver.parts.database.read(lambda tx: tx.sites.knocks())
    accepted = await accept_device(receiver.parts, ADMIN, knock.id, site_id=SITE.id, name="演示CT",
                                   address="10.0.0.9")
    study = await receiver.study(ids.study)
    assert (study.site_id, study.device_id, study.patient.site_id) == (SITE.id, accepted.id, SITE.id)
    assert study.patient.id == before.patient.id, "nobody else's study hangs on it"
    assert [(a.site_id, a.device_id) for a in await arrivals(receiver, study)] == [(SITE.id, accepted.id)]
    [noted] = await moves(receiver, study)
    assert (noted.actor, noted.address, noted.site_id, noted.patient_id) == (
        "admin-1", "10.0.0.9", SITE.id, study.patient.id)
    assert noted.detail == {
        "before": {"site": INBOX_SITE_ID, "device": None, "patient": before.patient.id},
        "after": {"site": SITE.id, "device": accepted.id, "patient": study.patient.id}}
    told = [(event.kind, event.site_id) for event in receiver.events.published if event.study_id == study.id]
    assert {("study", INBOX_SITE_ID), ("study", SITE.id)} <= set(told)

    sent = await dcmtk.storescu(receiver.address, [second], calling="NEW_CT")
    assert sent.statuses == [0]
    assert await receiver.quarantine() == []
    assert len(await receiver.instances(ids.study)) == 2
    assert kept in await receiver.instances(ids.study), "the object and its entry are as they were"


async def test_an_association_that_began_at_the_inbox_goes_on_at_the_site(receiver):
    """The device is registered in the middle of a study."""
    ids = build.StudyIds()
    await receive(receiver, build.ct_slice(1, ids=ids))
    new = await add_device(receiver.parts, device(), BOSS)
    await receive(receiver, build.ct_slice(2, ids=ids))
    study = await receiver.study(ids.study)
    assert (study.site_id, study.instance_count) == (SITE.id, 2)
    assert [(a.site_id, a.device_id) for a in await arrivals(receiver, study)] == [(SITE.id, new.id)] * 2
    assert await receiver.quarantine() == []


async def test_a_device_with_an_address_takes_only_what_came_from_there(receiver):
    here, elsewhere = build.StudyIds(), build.StudyIds()
    await receive(receiver, build.ct_slice(ids=here), address="10.0.0.5")
    await receive(receiver, build.ct_slice(ids=elsewhere), address="10.0.0.6")
    await add_device(receiver.parts, device(address="10.0.0.5"), BOSS)
    assert (await receiver.study(here.study)).site_id == SITE.id
    assert (await receiver.study(elsewhere.study)).site_id == INBOX_SITE_ID
    await add_device(receiver.parts, device(address="10.0.0.6", site_id=OTHER_SITE.id), BOSS)
    assert (await receiver.study(elsewhere.study)).site_id == OTHER_SITE.id


async def test_a_study_of_two_senders_waits_until_both_are_known_at_one_site(receiver):
    ids = build.StudyIds()
    await receive(receiver, build.ct_slice(1, ids=ids), calling="NEW_CT")
    await receive(receiver, build.ct_slice(2, ids=ids), calling="WORKPLACE")
    new = await add_device(receiver.parts, device(), BOSS)
    assert (await receiver.study(ids.study)).site_id == INBOX_SITE_ID
    second = await add_device(receiver.parts, device("WORKPLACE", site_id=OTHER_SITE.id), BOSS)
    assert (await receiver.study(ids.study)).site_id == INBOX_SITE_ID, "two sites sent it: a person must say whose"
    await change_device(receiver.parts, replace(second, site_id=SITE.id), BOSS)
    study = await receiver.study(ids.study)
    assert (study.site_id, study.device_id) == (SITE.id, new.id)
    assert [a.device_id for a in await arrivals(receiver, study)] == [new.id, second.id]


async def test_an_administrator_of_one_site_draws_nothing_out_of_the_inbox(receiver):
    """Promise 5: whoever names a title that is not theirs sees nobody's patients by that."""
    ids = build.StudyIds()
    await receive(receiver, build.ct_slice(ids=ids))
    local = By("local", "10.0.0.8", THERE)
    new = await add_device(receiver.parts, device(), local)
    await change_device(receiver.parts, replace(new, name="演示新CT"), local)
    assert (await receiver.study(ids.study)).site_id == INBOX_SITE_ID
    await change_device(receiver.parts, new, BOSS)
    assert (await receiver.study(ids.study)).site_id == SITE.id


async def test_a_device_that_is_switched_off_takes_nothing(receiver):
    ids = build.StudyIds()
    await receive(receiver, build.ct_slice(ids=ids))
    await add_device(receiver.parts, replace(device(), is_enabled=False), BOSS)
    assert (await receiver.study(ids.study)).site_id == INBOX_SITE_ID


async def test_a_patient_joins_the_sites_identity_only_by_the_rule_of_receiving(receiver):
    """A7: the same number and the same name; never the number alone."""
    known, same, other = build.StudyIds(), build.StudyIds(), build.StudyIds()
    await add_device(receiver.parts, device("OLD_CT"), BOSS)
    await receive(receiver, build.ct_slice(ids=known, patient=WANG), calling="OLD_CT")
    await receive(receiver, build.ct_slice(ids=same, patient=WANG))
    await receive(receiver, build.ct_slice(ids=other, patient=replace(LI, birth_date="19990909")))
    await add_device(receiver.parts, device(), BOSS)
    wang = (await receiver.study(known.study)).patient
    assert wang.site_id == SITE.id
    assert (await receiver.study(same.study)).patient == wang
    assert (await receiver.study(other.study)).patient.id != wang.id
    assert (await receiver.study(other.study)).patient.site_id == SITE.id


async def test_an_identity_that_the_inbox_shares_is_not_taken_from_what_stays(receiver):
    """The inbox joined two sites' patients of one number and name; each site gets its own."""
    here, again, there = build.StudyIds(), build.StudyIds(), build.StudyIds()
    for ids, calling in ((here, "NEW_CT"), (again, "NEW_CT"), (there, "OTHER_CT")):
        await receive(receiver, build.ct_slice(ids=ids, patient=WANG), calling=calling)
    shared = (await receiver.study(there.study)).patient
    assert (await receiver.study(here.study)).patient == shared
    await add_device(receiver.parts, device(), BOSS)
    moved = (await receiver.study(here.study)).patient
    assert moved == (await receiver.study(again.study)).patient == replace(shared, id=moved.id, site_id=SITE.id)
    assert moved.id != shared.id
    assert (await receiver.study(there.study)).patient == shared
    await add_device(receiver.parts, device("OTHER_CT", site_id=OTHER_SITE.id), BOSS)
    assert (await receiver.study(there.study)).patient == replace(shared, site_id=OTHER_SITE.id)


async def test_an_open_reading_is_routed_again_by_the_rules_of_the_site(receiver):
    await activate_rules(receiver.parts, RULES, by="admin-1")
    ids = build.StudyIds()
    await receive(receiver, build.ct_slice(ids=ids))
    await run_jobs(receiver)
    study = await receiver.study(ids.study)
    before = await receiver.parts.database.read(lambda tx: tx.readings.of_study(study.id, INBOX))
    assert before.group == "centre"
    await add_device(receiver.parts, device(), BOSS)
    assert await receiver.parts.database.read(lambda tx: tx.readings.of_study(study.id, INBOX)) is None
    await run_jobs(receiver)
    reading = await receiver.parts.database.read(lambda tx: tx.readings.of_study(study.id, THERE))
    assert (reading.id, reading.group, reading.priority) == (before.id, "town", "urgent")
    decisions = await receiver.parts.database.read(lambda tx: tx.decisions.of_study(study.id, THERE))
    assert [decision.facts["site.id"] for decision in decisions] == [SITE.id, INBOX_SITE_ID]
    assert decisions[0].facts["device.ae_title"] == "NEW_CT"
    await run_jobs(receiver)
    assert len(await receiver.parts.database.read(lambda tx: tx.decisions.of_study(study.id, THERE))) == 2


async def test_what_became_no_study_and_the_alarms_about_it_go_along(receiver):
    await receive(receiver, b"not DICOM")
    await receive(receiver, b"not DICOM either", calling="OTHER_CT")
    new = await add_device(receiver.parts, device(), BOSS)
    [quarantined] = await receiver.parts.database.read(lambda tx: tx.arrivals.quarantine(THERE))
    assert quarantined.device_id == new.id
    [alarm] = await receiver.parts.database.read(lambda tx: tx.alarms.open_alarms(THERE))
    assert alarm.ref == quarantined.id
    assert len(await receiver.parts.database.read(lambda tx: tx.arrivals.quarantine(INBOX))) == 1


async def test_the_inbox_is_seen_by_the_administrator_of_the_alliance_and_the_study_by_its_site_after_the_move(
        receiver):
    await ensure_rules(receiver.parts)
    await dcmtk.echoscu(receiver.address, calling="NEW_CT")
    for _ in range(2):
        await receive(receiver, build.ct_slice(), address="127.0.0.1")
    await run_jobs(receiver)
    await add_person(receiver.parts, "boss", (Role.ADMIN, None))
    await add_person(receiver.parts, "reader", (Role.READER, SITE.id))
    async with serving(receiver.parts) as web:
        boss, reader = await web.browser("boss"), await web.browser("reader")

        async def total(browser):
            async with browser.get("/api/readings") as answer:
                return (await answer.json())["total"]

        async with boss.get("/api/admin/knocks") as answer:
            [knock] = await answer.json()
        assert (knock["ae_title"], knock["inbox_studies"]) == ("NEW_CT", 2)
        assert (await total(boss), await total(reader)) == (2, 0)
        async with boss.post(f"/api/admin/knocks/{knock['id']}/accept",
                             json={"site_id": SITE.id, "name": "演示CT"}) as answer:
            assert answer.status == 201
        assert (await total(boss), await total(reader)) == (2, 2)
