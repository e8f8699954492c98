"""A study that names no order finds it, or asks a person, who can say so, refuse, and take it back (A5, A7)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from gateway.core.errors import InvalidRequest, NotFound, NotNow
from gateway.core.order import OrderRequest
from gateway.services import match_order, route_study
from gateway.services.administer_sites import By
from gateway.services.job_runner import JobRunner
from gateway.services.match_order import match_study
from gateway.services.place_order import amend_order, place_order
from gateway.services.settle_match import dismiss_proposals, link_by_person, list_open_questions, unlink
from storage.model import EVERYWHERE, Priority, Scope
from storage.model.order_matches import MatchState
from storage.model.orders import LinkEvidence, OrderSource, OrderState
from storage.tables import schema
from tests.support.routing_builders import add_study
from tests.support.waiting import until

BY = By("演示", "10.0.0.1", EVERYWHERE)


def asking_for(study, **changes):
    """An order for the patient of this study, with nothing that names the study."""
    patient = study.patient
    fields = {"patient_id": "M-7", "patient_name": patient.name.display, "modality": study.modality, "sex": "M",
              "body_part": study.body_part, "birth_date": patient.birth_date}
    return OrderRequest(**(fields | changes))


async def order_for(parts, study, **changes):
    return (await place_order(parts, study.site_id, asking_for(study, **changes), BY, OrderSource.UI)).order


def certainly(study):
    """What makes the order above fit without a doubt: the number that the clinic gave its patient."""
    return {"patient_id": study.patient.patient_id}


async def run_jobs(parts):
    """Let the real runner do what is due."""
    runner = JobRunner(parts, {**match_order.HANDLERS, **route_study.HANDLERS}, workers=1)
    await runner.start()
    try:
        await until(lambda: none_due(parts))
    finally:
        await runner.stop()


async def none_due(parts):
    jobs = await parts.database.read(lambda tx: tx.connection.execute(
        sa.select(schema.job.c.kind).where(schema.job.c.state != "done")).scalars().all())
    return not set(jobs) & {"match_order", "match_order_back", "route_study"}


async def linked(parts, study):
    return await parts.database.read(lambda tx: tx.orders.of_study(study.id, EVERYWHERE))


async def test_an_order_that_fits_well_is_linked_before_the_rules_decide_and_makes_the_study_urgent(parts):
    study = await add_study(parts)
    order = await order_for(parts, study, urgency="emergency", **certainly(study))
    reading = await route_study.route_study(parts, study.id)
    found = await linked(parts, study)
    assert (found.id, found.link_evidence) == (order.id, LinkEvidence.SCORE)
    assert reading.priority is Priority.EMERGENCY


async def test_an_order_written_down_after_the_images_is_found_and_raises_the_reading(parts):
    study = await add_study(parts)
    before = await route_study.route_study(parts, study.id)
    assert before.priority is Priority.ROUTINE
    await order_for(parts, study, urgency="emergency", **certainly(study))
    await run_jobs(parts)
    assert (await linked(parts, study)).link_evidence is LinkEvidence.SCORE
    after = await parts.database.read(lambda tx: tx.readings.of_study(study.id, EVERYWHERE))
    assert (after.id, after.priority) == (before.id, Priority.EMERGENCY)


async def test_an_order_that_becomes_an_emergency_takes_its_reading_along(parts):
    study = await add_study(parts)
    order = await order_for(parts, study, **certainly(study))
    assert (await route_study.route_study(parts, study.id)).priority is Priority.ROUTINE
    await amend_order(parts, order.id, asking_for(study, urgency="emergency", **certainly(study)), BY)
    await run_jobs(parts)
    reading = await parts.database.read(lambda tx: tx.readings.of_study(study.id, EVERYWHERE))
    assert reading.priority is Priority.EMERGENCY


async def test_below_the_threshold_a_person_decides_and_the_answer_is_kept(parts):
    study = await add_study(parts)
    order = await order_for(parts, study, sex="F")           # one of them is wrong
    await match_study(parts, study.id)
    assert await linked(parts, study) is None
    [question], total = await list_open_questions(parts, EVERYWHERE, limit=10)
    assert (total, question.study.id) == (1, study.id)
    [proposal] = question.proposals
    assert proposal.order.id == order.id
    assert "other-sex" in proposal.pair.reasons

    await link_by_person(parts, BY, study.id, order.id, "性别是登记时写错的")
    assert (await linked(parts, study)).link_evidence is LinkEvidence.PERSON
    assert await list_open_questions(parts, EVERYWHERE, limit=10) == ([], 0)
    pairs = await parts.database.read(lambda tx: tx.order_matches.of_study(study.id))
    assert [(pair.state, pair.settled_by, pair.reason) for pair in pairs] == [
        (MatchState.LINKED, "演示", "性别是登记时写错的")]


async def test_what_a_person_refused_is_not_proposed_again(parts):
    study = await add_study(parts)
    await order_for(parts, study, sex="F")
    await match_study(parts, study.id)
    assert await dismiss_proposals(parts, BY, study.id, "不是同一个人") == 1
    await match_study(parts, study.id)
    assert await list_open_questions(parts, EVERYWHERE, limit=10) == ([], 0)


async def test_a_wrong_link_is_taken_back_and_the_pair_stays_apart(parts):
    """Links are reversible and logged (A8)."""
    study = await add_study(parts)
    order = await order_for(parts, study, **certainly(study))
    await match_study(parts, study.id)
    freed = await unlink(parts, BY, order.id, "是另一位同名患者")
    assert (freed.study_id, freed.state) == (None, OrderState.SCHEDULED)
    await run_jobs(parts)
    assert await linked(parts, study) is None
    audited = await parts.database.read(lambda tx: tx.audit.of_study(study.id, EVERYWHERE))
    actions = [entry.entry.action for entry in audited]
    assert actions[-2:] == ["order.linked", "order.unlinked"]


async def test_two_patients_of_one_name_are_never_linked_without_a_person(parts):
    study = await add_study(parts)
    await order_for(parts, study, patient_id="M-7")
    await order_for(parts, study, patient_id="M-8")
    await match_study(parts, study.id)
    assert await linked(parts, study) is None
    [question], _ = await list_open_questions(parts, EVERYWHERE, limit=10)
    assert len(question.proposals) == 2


async def test_an_order_of_another_site_is_never_a_candidate(parts):
    study = await add_study(parts, site_id="east")
    west = await add_study(parts, site_id="west")
    await place_order(parts, "west", asking_for(study), BY, OrderSource.UI)
    await match_study(parts, study.id)
    assert await linked(parts, study) is None
    assert await list_open_questions(parts, Scope(frozenset({"east"})), limit=10) == ([], 0)
    elsewhere = await order_for(parts, west)
    with pytest.raises(InvalidRequest, match="another site"):
        await link_by_person(parts, BY, study.id, elsewhere.id, "试试")


async def test_nobody_links_what_he_may_not_see_nor_without_a_reason(parts):
    study = await add_study(parts)
    order = await order_for(parts, study, sex="F")
    stranger = By("演示外人", "", Scope(frozenset({"west"})))
    with pytest.raises(NotFound):
        await link_by_person(parts, stranger, study.id, order.id, "试试")
    with pytest.raises(InvalidRequest):
        await link_by_person(parts, BY, study.id, order.id, "  ")
    with pytest.raises(NotNow):
        await unlink(parts, BY, order.id, "没有可撤的")
