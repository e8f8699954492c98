"""A person says which order a study was made for, that none was, or that a link was wrong (A5, A7).

Every answer is kept with who gave it, and a link can be taken back: nothing is merged.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from gateway.core.errors import InvalidRequest, NotFound, NotNow
from gateway.core.order_matching import match
from gateway.services.administer_sites import By
from gateway.services.keep_ecg_identity import give_back
from gateway.services.link_order import forget_care, take_link
from gateway.services.match_order import MATCH_JOB, route_again
from gateway.services.ports import Event, Parts
from gateway.services.quality.follow_orders import note_unlinked
from storage.interface import Transaction
from storage.model import AuditEntry, Device, Scope, Study
from storage.model.order_matches import MatchState, OrderMatch
from storage.model.orders import LinkEvidence, Order, OrderState


@dataclass(frozen=True, slots=True)
class Proposal:
    """An order that may be the study's, with what speaks for and against it."""

    pair: OrderMatch
    order: Order


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A study whose order a person must name; proposals, the best first."""

    study: Study
    device: Device | None
    proposals: tuple[Proposal, ...]


async def list_open_questions(parts: Parts, scope: Scope, *, limit: int) -> tuple[list[OpenQuestion], int]:
    """The queue, the longest waiting first, and how many there are in all."""
    def work(tx: Transaction) -> tuple[list[OpenQuestion], int]:
        study_ids, total = tx.order_matches.waiting_studies(scope, limit=limit)
        studies = [study for study_id in study_ids if (study := tx.studies.get(study_id, scope)) is not None]
        return [OpenQuestion(study, tx.sites.device(study.device_id) if study.device_id else None,
                             _proposals(tx, study, scope)) for study in studies], total

    return await parts.database.read(work)


async def link_by_person(parts: Parts, by: By, study_id: str, order_id: str, reason: str) -> Order:
    """The study was made for this order. Raises NotFound, InvalidRequest("no-reason", "other-site"), NotNow."""
    why = _required(reason)

    def work(tx: Transaction) -> tuple[Study, Order]:
        study, order = _both(tx, by.scope, study_id, order_id)
        if study.site_id != order.site_id:
            raise InvalidRequest("The order is another site's.", reason="other-site")
        if order.state is OrderState.WITHDRAWN:
            raise NotNow("The order was withdrawn.", reason="withdrawn")
        if order.study_id == study.id:
            return study, order
        if order.study_id is not None or tx.orders.of_study(study.id, by.scope) is not None:
            raise NotNow("One of them is linked already; take that link back first.", reason="linked")
        if not take_link(tx, order, study, LinkEvidence.PERSON, at=parts.clock(), actor=by.actor):
            raise NotNow("Somebody changed the order meanwhile.", reason="revision")
        found = match(study, order, tx.ecg_pairings.of_orders([order.id]).get(order.id))
        now = parts.clock()
        tx.order_matches.record_link(OrderMatch(
            study_id=study.id, order_id=order.id, site_id=study.site_id, score=found.score, reasons=found.reasons,
            state=MatchState.LINKED, proposed_at=now, settled_at=now, settled_by=by.actor, reason=why))
        route_again(tx, study, at=now)
        return study, tx.orders.get(order.id, by.scope) or order

    study, order = await parts.database.write(work)
    parts.events.publish(Event("order", study.site_id, study.id))
    parts.events.wake_jobs()
    return order


async def dismiss_proposals(parts: Parts, by: By, study_id: str, reason: str) -> int:
    """None of the proposed orders is the study's. Raises NotFound, InvalidRequest("no-reason")."""
    why = _required(reason)

    def work(tx: Transaction) -> tuple[Study, int]:
        study = tx.studies.get(study_id, by.scope)
        if study is None:
            raise NotFound("There is no such study.")
        now = parts.clock()
        ended = tx.order_matches.dismiss(study.id, order_id=None, at=now, by=by.actor, reason=why)
        if ended:
            tx.audit.append(AuditEntry(now, by.actor, "order.not-linked", site_id=study.site_id, study_id=study.id,
                                       patient_id=study.patient.id, address=by.address,
                                       detail={"proposals": ended, "reason": why}))
        return study, ended

    study, ended = await parts.database.write(work)
    parts.events.publish(Event("order", study.site_id, study.id))
    return ended


async def unlink(parts: Parts, by: By, order_id: str, reason: str) -> Order:
    """The link was wrong: both wait again, and this pair is never proposed again. The study stays as urgent as it is.

    Raises NotFound, InvalidRequest("no-reason"), NotNow ("not-linked", "signed", "revision").
    """
    why = _required(reason)

    def work(tx: Transaction) -> tuple[Study, Order]:
        order = tx.orders.get(order_id, by.scope)
        if order is None:
            raise NotFound("There is no such order.")
        study = tx.studies.get(order.study_id, by.scope) if order.study_id else None
        if study is None:
            raise NotNow("No study is linked to the order.", reason="not-linked")
        if tx.reports.latest_signed(study.id, by.scope) is not None:
            raise NotNow("A report was signed on this link; it must be corrected by its doctor.", reason="signed")
        now = parts.clock()
        freed = dataclasses.replace(order, study_id=None, link_evidence=None, state=OrderState.SCHEDULED,
                                    updated_at=now)
        if not tx.orders.replace(freed):
            raise NotNow("Somebody changed the order meanwhile.", reason="revision")
        forget_care(tx, order, study, at=now)
        note_unlinked(tx, order.id, at=now, actor=by.actor)
        study = give_back(tx, study, at=now, actor=by.actor)
        found = match(study, order, tx.ecg_pairings.of_orders([order.id]).get(order.id))
        tx.order_matches.record_link(OrderMatch(
            study_id=study.id, order_id=order.id, site_id=study.site_id, score=found.score, reasons=found.reasons,
            state=MatchState.DISMISSED, proposed_at=now, settled_at=now, settled_by=by.actor, reason=why))
        tx.audit.append(AuditEntry(now, by.actor, "order.unlinked", site_id=study.site_id, study_id=study.id,
                                   patient_id=study.patient.id, address=by.address,
                                   detail={"order": order.id, "reason": why}))
        tx.jobs.enqueue(MATCH_JOB, study.id, due=now)
        return study, tx.orders.get(order.id, by.scope) or freed

    study, order = await parts.database.write(work)
    parts.events.publish(Event("order", study.site_id, study.id))
    parts.events.wake_jobs()
    return order


def _proposals(tx: Transaction, study: Study, scope: Scope) -> tuple[Proposal, ...]:
    pairs = [pair for pair in tx.order_matches.of_study(study.id) if pair.state is MatchState.PROPOSED]
    return tuple(Proposal(pair, order) for pair in pairs
                 if (order := tx.orders.get(pair.order_id, scope)) is not None)


def _both(tx: Transaction, scope: Scope, study_id: str, order_id: str) -> tuple[Study, Order]:
    study, order = tx.studies.get(study_id, scope), tx.orders.get(order_id, scope)
    if study is None:
        raise NotFound("There is no such study.")
    if order is None:
        raise NotFound("There is no such order.")
    return study, order


def _required(reason: str) -> str:
    why = reason.strip()
    if not why:
        raise InvalidRequest("Write down why.", reason="no-reason")
    return why
