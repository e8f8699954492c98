"""Whose study it is, from its first object on: evidence kept, doubts for a person, later objects at its side (A7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.core.errors import InvalidRequest, NotAllowed, NotFound, NotNow
from gateway.services import complete_study, route_study
from gateway.services.administer_sites import By, add_device, change_device
from gateway.services.claim_reading import claim_reading, release_reading
from gateway.services.find_origin import ALARM
from gateway.services.job_runner import JobRunner
from gateway.services.receive_instance import Sender, receive_part10
from gateway.services.render import HANDLERS as RENDER_HANDLERS
from gateway.services.settle_origin import (
    list_settled_by_people,
    list_waiting,
    move_origin,
    replace_relay_rules,
    settle_origin,
    waiting_study,
)
from storage.model import (
    EVERYWHERE,
    INBOX_SITE_ID,
    ArrivalOutcome,
    ArrivalVia,
    Comparison,
    Device,
    EvidenceKind,
    Grant,
    OriginState,
    RelayRule,
    ReportState,
    Role,
    Scope,
    Site,
    SiteKind,
    User,
    new_id,
)
from storage.model.orders import Order, OrderSource, OrderState
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import MODALITY, OTHER_SITE, SITE, open_receiver
from tests.support.report_builders import a_report

BOSS = By("admin-1", "10.0.0.9", EVERYWHERE)
CENTRE = Site("centre", "县影像中心", "Centre", SiteKind.CENTRE)
RELAY = Device("relay-1", CENTRE.id, "前置机", "RELAY", None, "", is_relay=True)
OF_OTHER = Device("dr-2", OTHER_SITE.id, "DR 2", "DR_2", None, "DX")


@pytest.fixture
async def receiver(tmp_path):
    async with open_receiver(tmp_path / "data") as opened:
        def register(tx):
            tx.sites.add_site(CENTRE)
            tx.sites.add_device(RELAY)
            tx.sites.add_device(OF_OTHER)

        await opened.parts.database.write(register)
        yield opened


def film(ids, *, institution="", **more):
    """With its institution in GB18030, as a machine here writes it."""
    part10 = build.dx_image(ids=ids, patient=build.Patient(more.pop("patient_id", "P1"), character_set=b"GB18030"),
                            **more)
    return build.with_text(part10, 0x00080080, institution.encode("gb18030")) if institution else part10


async def receive(receiver, part10, device=MODALITY, *, address="10.0.0.5"):
    sender = Sender(device.site_id, device, ArrivalVia.DICOM, device.ae_title, address, "association-1")
    return await receive_part10(receiver.parts, part10, sender)


async def origin_of(receiver, ids):
    study = await receiver.study(ids.study)
    return await receiver.parts.database.read(lambda tx: tx.origins.get(study.id))


async def site_of(receiver, ids):
    return (await receiver.study(ids.study)).site_id


async def seen_by(receiver, site_id):
    scope = Scope(frozenset({site_id}))
    lines, _ = await receiver.parts.database.read(lambda tx: tx.worklists.clinic_studies(
        scope, "", since=datetime(2020, 1, 1, tzinfo=UTC), limit=50, offset=0))
    return [line.study.id for line in lines]


async def waiting(receiver):
    return [one.study.study_instance_uid for one in await list_waiting(receiver.parts, BOSS)]


def rule(text, site_id, element="InstitutionName", comparison=Comparison.CONTAINS):
    return RelayRule(new_id(), 0, None, element, comparison, text, site_id)


async def order_for(receiver, ids, site_id):
    now = receiver.clock()
    order = Order(id=new_id(), site_id=site_id, state=OrderState.SCHEDULED, source=OrderSource.API,
                  accession_number="ORD1", study_instance_uid=ids.study, requested_procedure_id="1",
                  scheduled_step_id="1", patient_id="P1", patient_name="演示", name_alphabetic="Yan^Shi",
                  modality="DX", scheduled_at=now, created_at=now, created_by="u", updated_at=now)
    await receiver.parts.database.write(lambda tx: tx.orders.add(order))
    return order


async def run_jobs(receiver):
    receiver.clock.advance(receiver.parts.settings.quiet_period_s + 1)
    runner = JobRunner(receiver.parts, {**complete_study.HANDLERS, **route_study.HANDLERS, **RENDER_HANDLERS})
    while await runner.run_due():
        """Completing a study asks for its routing."""


async def test_the_evidence_of_a_registered_device_is_kept_with_its_study(receiver):
    ids = build.StudyIds()
    await receive(receiver, film(ids, institution=SITE.name, StationName="ROOM1"))
    origin = await origin_of(receiver, ids)
    assert (origin.state, origin.site_id, origin.decided_by) == (OriginState.SETTLED, SITE.id, EvidenceKind.DEVICE)
    assert {(one.kind, one.site_id) for one in origin.evidence} == {
        (EvidenceKind.DEVICE, SITE.id), (EvidenceKind.INSTITUTION, SITE.id)}
    assert origin.elements == {"InstitutionName": SITE.name, "StationName": "ROOM1", "CallingAETitle": "MODALITY",
                               "CallingAddress": "10.0.0.5", "PatientID": "P1", "AccessionNumber": "A0001"}
    assert ALARM not in await receiver.alarm_kinds()


async def test_a_study_whose_evidence_names_two_sites_waits_where_no_clinic_sees_it(receiver):
    ids = build.StudyIds()
    await receive(receiver, film(ids, institution=OTHER_SITE.name))
    study = await receiver.study(ids.study)
    assert (study.site_id, study.patient.site_id, study.device_id) == (INBOX_SITE_ID, INBOX_SITE_ID, MODALITY.id)
    assert await seen_by(receiver, SITE.id) == await seen_by(receiver, OTHER_SITE.id) == []
    assert await waiting(receiver) == [ids.study]
    assert ALARM in await receiver.alarm_kinds()
    await receive(receiver, film(ids, institution=SITE.name))
    assert len(await receiver.instances(ids.study)) == 2, "its later objects join it, whatever they say"
    assert await receiver.quarantine() == []
    assert await site_of(receiver, ids) == INBOX_SITE_ID


async def test_a_person_settles_it_with_a_reason_and_everything_moves(receiver):
    ids = build.StudyIds()
    await receive(receiver, film(ids, institution=OTHER_SITE.name))
    await run_jobs(receiver)
    study = await receiver.study(ids.study)
    await settle_origin(receiver.parts, study.id, site_id=OTHER_SITE.id, reason=" 电话核实 ", by=BOSS)
    moved = await receiver.study(ids.study)
    assert (moved.site_id, moved.patient.site_id, moved.device_id) == (OTHER_SITE.id, OTHER_SITE.id, MODALITY.id)
    origin = await origin_of(receiver, ids)
    assert (origin.state, origin.site_id, origin.decided_by, origin.settled_by, origin.reason) == (
        OriginState.SETTLED, OTHER_SITE.id, EvidenceKind.PERSON, "admin-1", "电话核实")
    assert len(origin.evidence) == 3, "what was seen stays"
    assert await waiting(receiver) == []
    assert ALARM not in await receiver.alarm_kinds()
    assert await seen_by(receiver, OTHER_SITE.id) == [study.id]
    assert await seen_by(receiver, SITE.id) == []
    story = await receiver.parts.database.read(lambda tx: tx.audit.of_study(study.id, EVERYWHERE))
    [entry] = [chained.entry for chained in story if chained.entry.action == "study.moved"]
    assert (entry.actor, entry.detail["reason"]) == ("admin-1", "电话核实")
    arrivals = await receiver.parts.database.read(lambda tx: tx.arrivals.of_study(study.id, EVERYWHERE))
    assert {(one.site_id, one.device_id) for one in arrivals} == {(OTHER_SITE.id, MODALITY.id)}
    await run_jobs(receiver)
    reading = await receiver.parts.database.read(lambda tx: tx.readings.of_study(study.id, EVERYWHERE))
    assert reading.site_id == OTHER_SITE.id
    await receive(receiver, film(ids, institution=SITE.name))
    assert len(await receiver.instances(ids.study)) == 2, "and its later objects follow it there"
    assert await receiver.quarantine() == []


async def test_settling_asks_for_a_reason_a_site_and_an_administrator_of_all(receiver):
    ids = build.StudyIds()
    await receive(receiver, film(ids, institution=OTHER_SITE.name))
    study = await receiver.study(ids.study)

    async def settle(site_id=SITE.id, reason="因为", by=BOSS, study_id=study.id):
        return await settle_origin(receiver.parts, study_id, site_id=site_id, reason=reason, by=by)

    with pytest.raises(InvalidRequest):
        await settle(reason="  ")
    with pytest.raises(InvalidRequest):
        await settle(site_id="nowhere")
    with pytest.raises(InvalidRequest):
        await settle(site_id=INBOX_SITE_ID)
    with pytest.raises(NotFound):
        await settle(study_id="none")
    of_one_site = By("admin-2", "10.0.0.8", Scope(frozenset({SITE.id})))
    with pytest.raises(NotFound):
        await settle(by=of_one_site)
    with pytest.raises(NotAllowed):
        await list_waiting(receiver.parts, of_one_site)
    assert await site_of(receiver, ids) == INBOX_SITE_ID
    await settle()
    with pytest.raises(NotNow):
        await settle(site_id=OTHER_SITE.id)


async def test_a_device_of_another_site_with_the_same_study_is_a_conflict_before_and_after(receiver):
    ids = build.StudyIds()
    await receive(receiver, film(ids, institution=OTHER_SITE.name))
    receipt = await receive(receiver, film(ids), OF_OTHER)
    assert (receipt.outcome, receipt.reason) == (ArrivalOutcome.CONFLICT, "study-of-another-site")
    study = await receiver.study(ids.study)
    await settle_origin(receiver.parts, study.id, site_id=CENTRE.id, reason="核实", by=BOSS)
    assert (await receive(receiver, film(ids), OF_OTHER)).outcome is ArrivalOutcome.CONFLICT
    assert (await receive(receiver, film(ids))).outcome is ArrivalOutcome.KEPT


async def test_a_relays_studies_go_where_its_rules_say_and_wait_where_they_say_nothing(receiver):
    await replace_relay_rules(receiver.parts, [rule("羊场", SITE.id), rule("HX-", OTHER_SITE.id, "PatientID",
                                                                          Comparison.STARTS_WITH)], BOSS)
    here, there, nowhere = build.StudyIds(), build.StudyIds(), build.StudyIds()
    await receive(receiver, film(here, institution="羊场镇卫生院放射科"), RELAY)
    await receive(receiver, film(there, patient_id="hx-0007"), RELAY)
    await receive(receiver, film(nowhere, institution="某医院"), RELAY)
    assert [await site_of(receiver, ids) for ids in (here, there, nowhere)] == [
        SITE.id, OTHER_SITE.id, INBOX_SITE_ID]
    assert (await origin_of(receiver, here)).decided_by is EvidenceKind.RELAY_RULE
    assert await waiting(receiver) == [nowhere.study]
    await receive(receiver, film(here, institution="羊场镇卫生院放射科"), RELAY)
    assert len(await receiver.instances(here.study)) == 2
    assert await receiver.quarantine() == []


async def test_a_relay_that_brings_one_study_for_two_clinics_is_a_conflict(receiver):
    await replace_relay_rules(receiver.parts, [rule("羊场", SITE.id), rule("河西", OTHER_SITE.id)], BOSS)
    ids = build.StudyIds()
    await receive(receiver, film(ids, institution="羊场卫生院"), RELAY)
    receipt = await receive(receiver, film(ids, institution="河西卫生院"), RELAY)
    assert (receipt.outcome, receipt.reason) == (ArrivalOutcome.CONFLICT, "study-of-another-site")
    assert len(await receiver.instances(ids.study)) == 1


async def test_a_new_rule_settles_what_waited_for_want_of_it_and_nothing_else(receiver):
    for_rule, for_person = build.StudyIds(), build.StudyIds()
    await receive(receiver, film(for_rule, institution="羊场分院"), RELAY)
    await receive(receiver, film(for_person, institution=OTHER_SITE.name))
    _, settled = await replace_relay_rules(receiver.parts, [rule("羊场", SITE.id)], BOSS)
    assert settled == 1
    assert await site_of(receiver, for_rule) == SITE.id
    assert await waiting(receiver) == [for_person.study]
    with pytest.raises(InvalidRequest):
        await replace_relay_rules(receiver.parts, [rule("羊场", "nowhere")], BOSS)
    with pytest.raises(InvalidRequest):
        await replace_relay_rules(receiver.parts, [rule("x", SITE.id, "PatientName")], BOSS)
    assert len(await receiver.parts.database.read(lambda tx: tx.origins.relay_rules())) == 1, "the old list stays"


async def test_the_order_says_whose_study_a_relay_brings(receiver):
    ids = build.StudyIds()
    order = await order_for(receiver, ids, OTHER_SITE.id)
    await receive(receiver, film(ids), RELAY)
    study = await receiver.study(ids.study)
    assert study.site_id == OTHER_SITE.id
    assert (await origin_of(receiver, ids)).decided_by is EvidenceKind.ORDER
    linked = await receiver.parts.database.read(lambda tx: tx.orders.get(order.id, EVERYWHERE))
    assert linked.study_id == study.id


async def test_an_order_of_another_site_than_the_device_is_for_a_person_and_linked_once_settled(receiver):
    ids = build.StudyIds()
    order = await order_for(receiver, ids, OTHER_SITE.id)
    await receive(receiver, film(ids))
    study = await receiver.study(ids.study)
    assert study.site_id == INBOX_SITE_ID
    await settle_origin(receiver.parts, study.id, site_id=OTHER_SITE.id, reason="核实", by=BOSS)
    linked = await receiver.parts.database.read(lambda tx: tx.orders.get(order.id, EVERYWHERE))
    assert linked.study_id == study.id


async def test_what_an_unregistered_device_sent_is_weighed_again_when_it_is_registered(tmp_path):
    async with open_receiver(tmp_path / "data", unknown_devices="inbox") as receiver:
        plain, contrary = build.StudyIds(), build.StudyIds()
        for ids, institution in ((plain, ""), (contrary, OTHER_SITE.name)):
            sender = Sender(INBOX_SITE_ID, None, ArrivalVia.DICOM, "NEW_DR", "10.0.0.5", "association-1")
            await receive_part10(receiver.parts, film(ids, institution=institution), sender)
        assert (await origin_of(receiver, plain)).state is OriginState.UNREGISTERED
        assert await waiting(receiver) == [], "who is not registered is the question, not whose study it is"
        new = await add_device(receiver.parts, Device(new_id(), SITE.id, "DR", "NEW_DR", None, "DX"), BOSS)
        assert await site_of(receiver, plain) == SITE.id
        assert (await origin_of(receiver, plain)).decided_by is EvidenceKind.DEVICE
        assert await site_of(receiver, contrary) == INBOX_SITE_ID
        assert await waiting(receiver) == [contrary.study]
        await change_device(receiver.parts, replace(new, name="DR 1"), BOSS)
        assert await waiting(receiver) == [contrary.study], "saving the device again does not settle it"
        await receive(receiver, film(contrary), new)
        assert len(await receiver.instances(contrary.study)) == 2


async def test_an_unregistered_sender_that_turns_out_to_be_a_relay_waits_for_its_rules(tmp_path):
    async with open_receiver(tmp_path / "data", unknown_devices="inbox") as receiver:
        await replace_relay_rules(receiver.parts, [rule("羊场", SITE.id)], BOSS)
        fits, other = build.StudyIds(), build.StudyIds()
        for ids, institution in ((fits, "羊场分院"), (other, "某医院")):
            sender = Sender(INBOX_SITE_ID, None, ArrivalVia.DICOM, "RELAY_2", "10.0.0.5", "association-1")
            await receive_part10(receiver.parts, film(ids, institution=institution), sender)
        await add_device(receiver.parts, Device(new_id(), OTHER_SITE.id, "前置机", "RELAY_2", None, "",
                                                is_relay=True), BOSS)
        assert await site_of(receiver, fits) == SITE.id
        assert await site_of(receiver, other) == INBOX_SITE_ID
        assert await waiting(receiver) == [other.study]


async def test_a_device_that_was_registered_wrongly_takes_its_studies_along_once_that_is_put_right(receiver):
    ids = build.StudyIds()
    await receive(receiver, film(ids, institution=OTHER_SITE.name))
    await change_device(receiver.parts, replace(MODALITY, name="DR 1室"), BOSS)
    assert await waiting(receiver) == [ids.study]
    await change_device(receiver.parts, replace(MODALITY, site_id=OTHER_SITE.id), BOSS)
    assert await site_of(receiver, ids) == OTHER_SITE.id
    assert await waiting(receiver) == []
    assert ALARM not in await receiver.alarm_kinds()


async def test_a_machine_that_always_names_another_clinic_is_told_apart_by_a_rule(receiver):
    ids = build.StudyIds()
    await receive(receiver, film(ids, institution=OTHER_SITE.name))
    await change_device(receiver.parts, replace(MODALITY, is_relay=True), BOSS)
    assert await waiting(receiver) == [ids.study]
    await replace_relay_rules(receiver.parts, [rule(OTHER_SITE.name, SITE.id)], BOSS)
    assert await site_of(receiver, ids) == SITE.id


# --------------------------------------------------------------------------------------- said wrongly, and put right
async def settled_wrongly(receiver):
    ids = build.StudyIds()
    await receive(receiver, film(ids, institution=OTHER_SITE.name))
    study = await receiver.study(ids.study)
    await settle_origin(receiver.parts, study.id, site_id=OTHER_SITE.id, reason="听错了", by=BOSS)
    await run_jobs(receiver)
    return ids, study.id


async def test_a_site_that_was_said_wrongly_is_put_right_with_a_reason(receiver):
    ids, study_id = await settled_wrongly(receiver)
    assert await seen_by(receiver, OTHER_SITE.id) == [study_id]
    await move_origin(receiver.parts, study_id, site_id=SITE.id, reason=" 再次电话核实 ", by=BOSS)
    study = await receiver.study(ids.study)
    assert (study.site_id, study.patient.site_id) == (SITE.id, SITE.id)
    assert await seen_by(receiver, SITE.id) == [study_id]
    assert await seen_by(receiver, OTHER_SITE.id) == []
    origin = await origin_of(receiver, ids)
    assert (origin.site_id, origin.decided_by, origin.reason) == (SITE.id, EvidenceKind.PERSON, "再次电话核实")
    assert [(one.seen, one.site_id) for one in origin.evidence[-2:]] == [
        ("听错了", OTHER_SITE.id), ("再次电话核实", SITE.id)], "what was said first stays"
    arrivals = await receiver.parts.database.read(lambda tx: tx.arrivals.of_study(study_id, EVERYWHERE))
    assert {one.site_id for one in arrivals} == {SITE.id}
    story = await receiver.parts.database.read(lambda tx: tx.audit.of_study(study_id, EVERYWHERE))
    moves = [chained.entry for chained in story if chained.entry.action == "study.moved"]
    assert [(entry.detail["before"]["site"], entry.detail["after"]["site"], entry.detail["reason"])
            for entry in moves] == [(INBOX_SITE_ID, OTHER_SITE.id, "听错了"), (OTHER_SITE.id, SITE.id, "再次电话核实")]
    [settled] = await list_settled_by_people(receiver.parts, BOSS)
    assert (settled.study.id, settled.study.site_id) == (study_id, SITE.id)
    await run_jobs(receiver)
    reading = await receiver.parts.database.read(lambda tx: tx.readings.of_study(study_id, EVERYWHERE))
    assert reading.site_id == SITE.id
    await receive(receiver, film(ids))
    assert len(await receiver.instances(ids.study)) == 2, "its later objects follow it there"
    assert await receiver.quarantine() == []


async def test_also_a_site_that_the_evidence_named_is_put_right(receiver):
    ids = build.StudyIds()
    await receive(receiver, film(ids))
    study = await receiver.study(ids.study)
    await move_origin(receiver.parts, study.id, site_id=OTHER_SITE.id, reason="借用设备", by=BOSS)
    assert await site_of(receiver, ids) == OTHER_SITE.id
    await receive(receiver, film(ids))
    assert len(await receiver.instances(ids.study)) == 2


async def test_a_patient_with_another_study_there_stays_and_the_moved_study_gets_an_identity_of_its_own(receiver):
    one, other = build.StudyIds(), build.StudyIds()
    for ids in (one, other):
        await receive(receiver, film(ids))
    study = await receiver.study(one.study)
    moved = await move_origin(receiver.parts, study.id, site_id=OTHER_SITE.id, reason="借用设备", by=BOSS)
    stayed = await receiver.study(other.study)
    assert moved.patient.id != stayed.patient.id
    assert (moved.patient.site_id, stayed.patient.site_id) == (OTHER_SITE.id, SITE.id)


async def test_what_somebody_has_acted_on_is_refused_by_name(receiver):
    """As with a link to an order: free until a report is signed, and never under a reader's hands."""
    _, study_id = await settled_wrongly(receiver)

    async def why(site_id=SITE.id, reason="核实", by=BOSS):
        with pytest.raises((NotNow, InvalidRequest, NotAllowed)) as refused:
            await move_origin(receiver.parts, study_id, site_id=site_id, reason=reason, by=by)
        return refused.value.reason

    assert await why(reason=" ") == "no-reason"
    assert await why(site_id=OTHER_SITE.id) == "same-site"
    assert await why(site_id=INBOX_SITE_ID) == "unknown-site"
    assert await why(by=By("admin-2", "", Scope(frozenset({SITE.id, OTHER_SITE.id})))) == "alliance-only"
    reader = User("reader-1", "reader", "演示阅片医师", "", (Grant(Role.READER, None),))
    reading = await receiver.parts.database.read(lambda tx: tx.readings.of_study(study_id, EVERYWHERE))
    await claim_reading(receiver.parts, reader, reading.id)
    assert await why() == "being-read"
    await release_reading(receiver.parts, reader, reading.id)
    ordered = build.StudyIds()
    await order_for(receiver, ordered, OTHER_SITE.id)
    await receive(receiver, film(ordered), OF_OTHER)
    study_id = (await receiver.study(ordered.study)).id
    assert await why() == "order-linked"
    waiting_ids = build.StudyIds()
    await receive(receiver, film(waiting_ids, institution=OTHER_SITE.name))
    study_id = (await receiver.study(waiting_ids.study)).id
    assert await why() == "not-settled"


async def test_a_study_with_a_signed_report_keeps_its_site(receiver):
    ids, study_id = await settled_wrongly(receiver)
    reading = await receiver.parts.database.read(lambda tx: tx.readings.of_study(study_id, EVERYWHERE))
    signed = replace(a_report(await receiver.study(ids.study)), reading_id=reading.id, state=ReportState.FINAL,
                     signed_by="reader-1", signed_at=receiver.clock())
    await receiver.parts.database.write(lambda tx: tx.reports.add(signed))
    with pytest.raises(NotNow) as refused:
        await move_origin(receiver.parts, study_id, site_id=SITE.id, reason="核实", by=BOSS)
    assert refused.value.reason == "report-signed"
    assert await site_of(receiver, ids) == OTHER_SITE.id


async def test_who_reads_for_the_whole_alliance_may_say_whose_it_is(receiver):
    """The scope of a reader of every site names each site and the inbox; that of one site's reader does not."""
    ids = build.StudyIds()
    await receive(receiver, film(ids, institution=OTHER_SITE.name))
    study = await receiver.study(ids.study)
    everywhere = By("reader-1", "", Scope(frozenset({SITE.id, OTHER_SITE.id, CENTRE.id, INBOX_SITE_ID})))
    local = By("reader-2", "", Scope(frozenset({SITE.id, OTHER_SITE.id, CENTRE.id})))
    with pytest.raises(NotFound):
        await waiting_study(receiver.parts, study.id, local)
    question, sites = await waiting_study(receiver.parts, study.id, everywhere)
    assert question.study.id == study.id
    assert {site.id for site in sites} == {SITE.id, OTHER_SITE.id, CENTRE.id}
    await settle_origin(receiver.parts, study.id, site_id=OTHER_SITE.id, reason="已电话报危急值", by=everywhere)
    origin = await origin_of(receiver, ids)
    assert (origin.settled_by, origin.site_id) == ("reader-1", OTHER_SITE.id)
    with pytest.raises(NotAllowed):
        await move_origin(receiver.parts, study.id, site_id=SITE.id, reason="核实", by=everywhere)
