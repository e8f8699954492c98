"""Whose study it is, from its first object on: evidence kept, doubts for a person, later objects at its side (A7)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.errors import InvalidRequest, NotAllowed, NotFound, NotNow
from gateway.services.administer_sites import By, add_device, change_device
from gateway.services.find_origin import ALARM
from gateway.services.receive_instance import Sender, receive_part10
from gateway.services.settle_origin import (
    list_waiting,
    replace_relay_rules,
    settle_origin,
)
from storage.model import (
    EVERYWHERE,
    INBOX_SITE_ID,
    ArrivalOutcome,
    ArrivalVia,
    Comparison,
    Device,
    EvidenceKind,
    OriginState,
    Scope,
    new_id,
)
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import MODALITY, OTHER_SITE, SITE, open_receiver
from tests.support.origin_rooms import (
    BOSS,
    CENTRE,
    OF_OTHER,
    RELAY,
    film,
    order_for,
    origin_of,
    receive,
    receiver,
    rule,
    run_jobs,
    seen_by,
    site_of,
    waiting,
)

__all__ = ["receiver"]


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
