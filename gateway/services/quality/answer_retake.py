"""The clinic's answer to a request for a retake: seen, will repeat, or cannot, because…; and who asked takes it back.

A "cannot" takes the order off the worklists, and a reading that was sent back for the picture is read as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from gateway.core.errors import InvalidRequest, NotFound
from gateway.core.order import checked
from gateway.core.quality import declined, scheduled, seen, withdrawn
from gateway.services.administer_sites import By
from gateway.services.place_order import amend, announce_order, request_of, withdraw
from gateway.services.ports import Event, Parts
from gateway.services.quality.follow_orders import announce, give_back_to_readers, keep
from gateway.services.quality.grade_study import reading_scope
from storage.interface import Transaction
from storage.model import Role, Scope, User
from storage.model.orders import Order
from storage.model.quality import Retake, RetakeState

_Change = Callable[[Transaction, Retake, datetime], Retake]


async def see_retake(parts: Parts, user: User, retake_id: str, *, address: str) -> Retake:
    """A person at the clinic has read it. Once more changes nothing. Raises NotFound, NotNow (already settled)."""
    def change(tx: Transaction, retake: Retake, now: datetime) -> Retake:
        after = seen(retake, by=user.id, at=now)
        return after if after is retake else keep(tx, after, "retake.seen", actor=user.id, at=now, address=address)

    return await _answer(parts, _clinic(user), retake_id, change)


async def schedule_retake(parts: Parts, user: User, retake_id: str, *, on: datetime | None, address: str) -> Retake:
    """The clinic will repeat it: now, or at a time. The worklist shows that time: consoles ask for today's orders.

    Raises NotFound, NotNow (already settled), InvalidRequest("time": more than a day ago, or than a year ahead).
    """
    def change(tx: Transaction, retake: Retake, now: datetime) -> Retake:
        when = on or now
        if not -1 <= (when - now).total_seconds() / 86_400 <= 366:
            raise InvalidRequest("The time lies in the past, or more than a year ahead.", reason="time")
        after = keep(tx, scheduled(retake, by=user.id, at=now, on=when), "retake.scheduled", actor=user.id, at=now,
                     address=address, on=when.isoformat())
        order = _order(tx, retake)
        if order.study_id is None:
            amend(tx, parts, order, checked(replace(request_of(order), scheduled_at=when)),
                  By(user.id, address, _clinic(user)))
        return after

    return await _answer(parts, _clinic(user), retake_id, change)


async def decline_retake(parts: Parts, user: User, retake_id: str, reason: str, *, address: str) -> Retake:
    """The clinic cannot. Raises NotFound, NotNow (already settled), InvalidRequest("reason-required")."""
    def change(tx: Transaction, retake: Retake, now: datetime) -> Retake:
        after = keep(tx, declined(retake, reason, by=user.id, at=now), "retake.declined", actor=user.id, at=now,
                     address=address, reason=reason)
        return _given_up(tx, parts, after, By(user.id, address, _clinic(user)), now)

    return await _answer(parts, _clinic(user), retake_id, change)


async def withdraw_retake(parts: Parts, user: User, retake_id: str, reason: str, *, address: str) -> Retake:
    """A reader needs it no longer. Raises NotFound, NotNow (already settled), InvalidRequest("reason-required")."""
    def change(tx: Transaction, retake: Retake, now: datetime) -> Retake:
        after = keep(tx, withdrawn(retake, reason, by=user.id, at=now), "retake.withdrawn", actor=user.id, at=now,
                     address=address, reason=reason)
        return _given_up(tx, parts, after, By(user.id, address, reading_scope(user)), now)

    return await _answer(parts, reading_scope(user), retake_id, change)


def _given_up(tx: Transaction, parts: Parts, retake: Retake, by: By, now: datetime) -> Retake:
    withdraw(tx, parts, _order(tx, retake), retake.reason, by)
    give_back_to_readers(tx, retake, at=now, actor=by.actor)
    return retake


async def _answer(parts: Parts, scope: Scope, retake_id: str, change: _Change) -> Retake:
    def work(tx: Transaction) -> tuple[Retake, Order]:
        retake = tx.quality.retake(retake_id, scope)
        if retake is None:
            raise NotFound("There is no such request.")
        return change(tx, retake, parts.clock()), _order(tx, retake)

    retake, order = await parts.database.write(work)
    announce(parts, retake)
    announce_order(parts, order)
    if retake.state in (RetakeState.DECLINED, RetakeState.WITHDRAWN):
        parts.events.publish(Event("reading", retake.site_id, retake.study_id, retake.reading_id or ""))
    return retake


def _order(tx: Transaction, retake: Retake) -> Order:
    order = tx.orders.get(retake.order_id, Scope(frozenset({retake.site_id})))
    if order is None:
        raise NotFound("There is no such order.")
    return order


def _clinic(user: User) -> Scope:
    return user.scope(Role.CLINIC)
