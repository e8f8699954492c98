"""Find the order of a study that names none exactly: link it where the score is certain, else ask a person.

Runs before a complete study is routed, so that the rules see what the order says, and again for the studies that are
there already when an order is written down later. Nothing is merged (A5, A7): a link can be taken back, and what a
person refused is not proposed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.core.order_matching import (
    WINDOW_AFTER,
    WINDOW_BEFORE,
    Match,
    best_first,
    certain,
    is_in_window,
    match,
)
from gateway.services.complete_study import ROUTE_JOB
from gateway.services.job_runner import JobHandler
from gateway.services.link_order import take_link
from gateway.services.ports import Event, Parts
from storage.interface import Transaction
from storage.model import EVERYWHERE, INBOX_SITE_ID, Job, Scope, Study
from storage.model.order_matches import MatchState, OrderMatch
from storage.model.orders import LinkEvidence, Order, OrderFilter, OrderState

MATCH_JOB = "match_order"                # ref: study id
MATCH_BACK_JOB = "match_order_back"      # ref: order id, written down when its images were here already
_MOST_ORDERS = 300
_MOST_PROPOSALS = 5
_OPEN_STATES = (OrderState.SCHEDULED, OrderState.IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class _Found:
    """What became of one study."""

    study: Study
    is_linked: bool = False
    is_proposed: bool = False


def may_have_order(tx: Transaction, study: Study) -> bool:
    """False where `match_study` would find nothing to look at. For a snapshot: it needs no write."""
    arrived = study.first_arrival_at
    return study.site_id != INBOX_SITE_ID and tx.orders.may_be_of(
        study.id, study.site_id, study_instance_uid=study.study_instance_uid,
        accession_number=study.accession_number, scheduled_from=arrived - 2 * WINDOW_BEFORE,
        scheduled_before=arrived + 2 * WINDOW_AFTER)


async def match_study(parts: Parts, study_id: str) -> None:
    """Look for the order of one study."""
    found = await parts.database.write(lambda tx: _match_study(tx, parts, study_id))
    _announce(parts, [found] if found else [])


async def match_order_back(parts: Parts, order_id: str) -> None:
    """Look for the study of an order that came after its images."""
    def work(tx: Transaction) -> list[_Found]:
        order = tx.orders.get(order_id, EVERYWHERE)
        if order is None or order.study_id is not None or order.state not in _OPEN_STATES:
            return []
        studies = tx.order_matches.studies_without_order(
            order.site_id, arrived_from=order.scheduled_at - WINDOW_AFTER,
            arrived_until=order.scheduled_at + WINDOW_BEFORE)
        found = [_match_study(tx, parts, study_id) for study_id in studies]
        return [one for one in found if one is not None]

    _announce(parts, await parts.database.write(work))


async def _on_study(parts: Parts, job: Job) -> None:
    await match_study(parts, job.ref)


async def _on_order(parts: Parts, job: Job) -> None:
    await match_order_back(parts, job.ref)


HANDLERS: Mapping[str, JobHandler] = {MATCH_JOB: _on_study, MATCH_BACK_JOB: _on_order}


def route_again(tx: Transaction, study: Study, *, at: datetime) -> None:
    """After a link to a study that was routed before: it may be more urgent now."""
    now_study = tx.studies.get(study.id, EVERYWHERE)
    if now_study is not None and now_study.urgency != study.urgency \
            and tx.readings.of_study(study.id, EVERYWHERE) is not None:
        tx.jobs.enqueue(ROUTE_JOB, study.id, due=at, key=f"{ROUTE_JOB}:{study.id}:{now_study.urgency}")


def _match_study(tx: Transaction, parts: Parts, study_id: str) -> _Found | None:
    study = tx.studies.get(study_id, EVERYWHERE)
    if study is None or study.site_id == INBOX_SITE_ID or tx.orders.of_study(study.id, EVERYWHERE) is not None:
        return None
    said = {pair.order_id: pair for pair in tx.order_matches.of_study(study.id)}
    orders = {order.id: order for order in _candidates(tx, study)
              if said.get(order.id) is None or said[order.id].state is not MatchState.DISMISSED}
    for asked_since in tx.quality.asked_after(list(orders), study.first_arrival_at):
        del orders[asked_since]          # a retake's pictures come after somebody asked for them
    pairings = tx.ecg_pairings.of_orders(list(orders)) if study.modality == "ECG" else {}
    matches = [match(study, order, pairings.get(order.id)) for order in orders.values()]
    sure = certain(matches, sure=parts.settings.order_match_sure)
    if sure is not None and take_link(tx, orders[sure.order_id], study, LinkEvidence.SCORE, at=parts.clock(),
                                      actor="gateway"):
        tx.order_matches.record_link(_pair(parts, study, sure, MatchState.LINKED))
        route_again(tx, study, at=parts.clock())
        return _Found(study, is_linked=True)
    shown = best_first(matches, worth_showing=parts.settings.order_match_shown)[:_MOST_PROPOSALS]
    for found in shown:
        tx.order_matches.propose(_pair(parts, study, found, MatchState.PROPOSED))
    return _Found(study, is_proposed=bool(shown))


def _candidates(tx: Transaction, study: Study) -> list[Order]:
    """Open orders of the study's site without a study: near in time, or named by UID or accession number."""
    site = Scope(frozenset({study.site_id}))
    arrived = study.first_arrival_at
    near, _ = tx.orders.find(
        OrderFilter(states=_OPEN_STATES, without_study=True, scheduled_from=arrived - 2 * WINDOW_BEFORE,
                    scheduled_before=arrived + 2 * WINDOW_AFTER), site, limit=_MOST_ORDERS)
    named = [order for order in (*tx.orders.of_study_uid(study.study_instance_uid),
                                 *tx.orders.of_accession(study.accession_number, study.site_id))
             if order.site_id == study.site_id and order.study_id is None and order.state in _OPEN_STATES]
    chosen = {order.id: order for order in named} | {order.id: order for order in near if is_in_window(study, order)}
    return list(chosen.values())


def _pair(parts: Parts, study: Study, found: Match, state: MatchState) -> OrderMatch:
    is_settled = state is MatchState.LINKED
    return OrderMatch(
        study_id=study.id, order_id=found.order_id, site_id=study.site_id, score=found.score,
        reasons=found.reasons, state=state, proposed_at=parts.clock(),
        settled_at=parts.clock() if is_settled else None, settled_by="gateway" if is_settled else None)


def _announce(parts: Parts, found: list[_Found]) -> None:
    for one in found:
        if one.is_linked or one.is_proposed:
            parts.events.publish(Event("order", one.study.site_id, one.study.id))
    if any(one.is_linked for one in found):
        parts.events.wake_jobs()
