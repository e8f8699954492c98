"""A site that was said wrongly is put right, and readers of the whole alliance say it first (A7)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.errors import InvalidRequest, NotAllowed, NotFound, NotNow
from gateway.services.administer_sites import By
from gateway.services.claim_reading import claim_reading, release_reading
from gateway.services.settle_origin import (
    list_settled_by_people,
    move_origin,
    settle_origin,
    waiting_study,
)
from storage.model import (
    EVERYWHERE,
    INBOX_SITE_ID,
    EvidenceKind,
    Grant,
    ReportState,
    Role,
    Scope,
    User,
)
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import OTHER_SITE, SITE
from tests.support.origin_rooms import (
    BOSS,
    CENTRE,
    OF_OTHER,
    film,
    order_for,
    origin_of,
    receive,
    receiver,
    run_jobs,
    seen_by,
    site_of,
)
from tests.support.report_builders import a_report

__all__ = ["receiver"]


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
            for entry in moves] == [
                (INBOX_SITE_ID, OTHER_SITE.id, "听错了"), (OTHER_SITE.id, SITE.id, "再次电话核实")]
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
