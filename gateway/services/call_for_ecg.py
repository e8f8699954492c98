"""Give open ECG orders their short numbers, and note for whom a cart records now (core/ecg_pairing).

Numbers are made when somebody looks at the clinic's list, and kept for a month after. One cart records for one person
at a time: a new call ends the one before it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from gateway.core.ecg_pairing import NUMBERS_KEPT, pairing_number, window_from
from gateway.core.errors import InvalidRequest, NotFound, NotNow
from gateway.core.order_matching import WINDOW_AFTER, WINDOW_BEFORE
from gateway.services.administer_sites import By
from gateway.services.ports import Event, Parts
from storage.interface import Transaction
from storage.model import AuditEntry, Device, Scope
from storage.model.ecg_intake import EcgPairing
from storage.model.orders import Order, OrderFilter, OrderState

_OPEN = (OrderState.SCHEDULED, OrderState.IN_PROGRESS)
_TRIES = 64


@dataclass(frozen=True, slots=True)
class OpenEcgOrder:
    """An ECG that somebody is to record."""

    order: Order
    pairing: EcgPairing


@dataclass(frozen=True, slots=True)
class OpenEcgOrders:
    orders: list[OpenEcgOrder]           # the nearest time first
    devices: list[Device]                # ECG devices of the sites
    total: int


async def list_open_ecg_orders(parts: Parts, scope: Scope, *, limit: int) -> OpenEcgOrders:
    """Open ECG orders of one's sites without an ECG; each has its number when this returns."""
    def work(tx: Transaction) -> OpenEcgOrders:
        now = parts.clock()
        orders, total = tx.orders.find(
            OrderFilter(states=_OPEN, modality="ECG", without_study=True, scheduled_from=now - WINDOW_BEFORE,
                        scheduled_before=now + WINDOW_AFTER), scope, limit=limit)
        known = tx.ecg_pairings.of_orders([order.id for order in orders])
        found = [OpenEcgOrder(order, known.get(order.id) or _numbered(tx, parts, order)) for order in orders]
        devices = [device for device in tx.sites.devices(scope) if device.is_enabled
                   and device.modality in ("ECG", "")]
        return OpenEcgOrders(sorted(found, key=lambda one: abs(one.order.scheduled_at - now)), devices, total)

    return await parts.database.write(work)


async def call_for_ecg(parts: Parts, by: By, order_id: str, *, device_id: str | None) -> OpenEcgOrder:
    """A cart records for this order from now on. Raises NotFound, InvalidRequest("unknown-device"), NotNow."""
    def work(tx: Transaction) -> OpenEcgOrder:
        order = _open_order(tx, order_id, by.scope)
        device = tx.sites.device(device_id) if device_id else None
        if device_id and (device is None or device.site_id != order.site_id):
            raise InvalidRequest("The site has no such device.", reason="unknown-device")
        now = parts.clock()
        pairing = tx.ecg_pairings.of_orders([order.id]).get(order.id) or _numbered(tx, parts, order)
        tx.ecg_pairings.end_calls(order.site_id, device_id, at=now, but=order.id)
        tx.ecg_pairings.call(order.id, at=now, until=window_from(now), by=by.actor, device_id=device_id)
        _note(tx, parts, by, "ecg.called", order, device_id or "")
        return OpenEcgOrder(order, tx.ecg_pairings.of_orders([order.id]).get(order.id, pairing))

    called = await parts.database.write(work)
    parts.events.publish(Event("order", called.order.site_id))
    return called


async def end_call(parts: Parts, by: By, order_id: str) -> OpenEcgOrder:
    """It was pressed by mistake, or the recording is done. Raises NotFound, NotNow."""
    def work(tx: Transaction) -> OpenEcgOrder:
        order = _open_order(tx, order_id, by.scope)
        tx.ecg_pairings.end_call(order.id, at=parts.clock())
        _note(tx, parts, by, "ecg.call-ended", order, "")
        return OpenEcgOrder(order, tx.ecg_pairings.of_orders([order.id]).get(order.id) or _numbered(tx, parts, order))

    ended = await parts.database.write(work)
    parts.events.publish(Event("order", ended.order.site_id))
    return ended


def _open_order(tx: Transaction, order_id: str, scope: Scope) -> Order:
    order = tx.orders.get(order_id, scope)
    if order is None:
        raise NotFound("There is no such order.")
    if order.modality != "ECG":
        raise InvalidRequest("The order is not for an ECG.", reason="not-ecg")
    if order.state not in _OPEN or order.study_id is not None:
        raise NotNow("The order is no longer open.", reason="not-open")
    return order


def _numbered(tx: Transaction, parts: Parts, order: Order) -> EcgPairing:
    now = parts.clock()
    tx.ecg_pairings.forget(order.site_id, made_before=now - NUMBERS_KEPT)
    for _ in range(_TRIES):
        pairing = EcgPairing(order.id, order.site_id, pairing_number(os.urandom(4)), now)
        if tx.ecg_pairings.add(pairing):
            return pairing
    raise NotNow("The site has no free number left.", reason="no-number")


def _note(tx: Transaction, parts: Parts, by: By, action: str, order: Order, device_id: str) -> None:
    tx.audit.append(AuditEntry(parts.clock(), by.actor, action, site_id=order.site_id, address=by.address,
                               detail={"order": order.id, "device": device_id}))
