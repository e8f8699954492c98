"""Place, amend and withdraw orders. Each is one transaction with its audit record.

The work on a transaction is apart (`place`, `amend`, `withdraw`), so that one HL7 message with several orders is one
write too.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, fields, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.core.errors import InvalidRequest, NotAllowed, NotFound, NotNow
from gateway.core.id_card import IdCardWarning, id_card_warnings
from gateway.core.order import (
    OrderRequest,
    amended,
    checked,
    more_urgent,
    new_order,
    order_code,
    withdrawn,
)
from gateway.core.reading import taken_back
from gateway.services.administer_sites import By
from gateway.services.clocks.keep_clocks import follow_reading
from gateway.services.complete_study import note_expected_count
from gateway.services.link_order import note_care
from gateway.services.match_order import MATCH_BACK_JOB, route_again
from gateway.services.people.decline_reading import ask_again
from gateway.services.ports import Event, Parts
from gateway.services.quality.follow_orders import note_withdrawn
from storage.interface import Transaction
from storage.model import INBOX_SITE_ID, AuditEntry, Scope, new_id
from storage.model.orders import Order, OrderSource, OrderState

CHANGED_MEANWHILE = "revision"
"""The reason of a change that lost a race: look at the order again, then decide."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The order as it is now, and what a person should look at in it (A6)."""

    order: Order
    warnings: tuple[IdCardWarning, ...] = ()


async def place_order(parts: Parts, site_id: str, request: OrderRequest, by: By, source: OrderSource) -> Placed:
    """Add an order. Raises NotAllowed("other-site"), InvalidRequest (also "unknown-site", "taken")."""
    request = checked(request)
    order = await parts.database.write(lambda tx: place(tx, parts, site_id, request, by, source))
    return _announced(parts, order)


async def amend_order(parts: Parts, order_id: str, request: OrderRequest, by: By, *,
                      revision: int | None = None) -> Placed:
    """Replace what an order says; `revision` is the one last seen (None: whatever it is now).

    Raises NotFound, InvalidRequest, NotNow ("withdrawn", "identity-fixed", "revision").
    """
    request = checked(request)

    def work(tx: Transaction) -> Order:
        return amend(tx, parts, seen(tx, order_id, by.scope, revision), request, by)

    return _announced(parts, await parts.database.write(work))


async def withdraw_order(parts: Parts, order_id: str, reason: str, by: By) -> Placed:
    """Take it back, with a reason, while nobody has begun to read; an unread reading of it is withdrawn too.

    Asking again for what is done already changes nothing. Raises NotFound, InvalidRequest("reason-required"),
    NotNow("reading-started").
    """
    def work(tx: Transaction) -> Order:
        return withdraw(tx, parts, seen(tx, order_id, by.scope, None), reason, by)

    return _announced(parts, await parts.database.write(work))


def place(tx: Transaction, parts: Parts, site_id: str, request: OrderRequest, by: By, source: OrderSource) -> Order:
    """Add the order of a checked request."""
    if not by.scope.allows(site_id):
        raise NotAllowed("This is not one of your sites.", reason="other-site")
    site = tx.sites.site(site_id)
    if site is None or not site.is_enabled or site.id == INBOX_SITE_ID:
        raise InvalidRequest(f"There is no site {site_id}.", reason="unknown-site")
    if request.accession_number and tx.orders.of_accession(request.accession_number, site_id) \
            and source is not OrderSource.HL7:       # an order by HL7 may be one of several of the same accession
        raise InvalidRequest("The site has an order of this accession number already.", reason="taken")
    now = parts.clock()
    order = new_order(request, order_id=new_id(), site_id=site_id, code=_free_code(tx, parts, site_id, now),
                      uid=f"2.25.{uuid.uuid4().int}", source=source, created_by=by.actor, now=now)
    if not tx.orders.add(order):
        raise InvalidRequest("There is an order of this placer order number already.", reason="taken")
    tx.jobs.enqueue(MATCH_BACK_JOB, order.id, due=now)       # its images may be here already
    _note(tx, parts, by, "order.placed", order)
    return order


def amend(tx: Transaction, parts: Parts, order: Order, request: OrderRequest, by: By) -> Order:
    """Change an order to what a checked request says; its study becomes as urgent as it says, never less."""
    changed = _kept(tx, parts, amended(order, request, now=parts.clock()), by, "order.amended")
    count = changed.expected_count
    study = tx.studies.get(order.study_id, by.scope) if order.study_id else None
    if study is not None and count is not None and count != order.expected_count:
        note_expected_count(tx, study.study_instance_uid, count, ref=order.id, site_id=order.site_id,
                            at=parts.clock())
    if study is not None:
        note_care(tx, changed, study, at=parts.clock())
    if study is not None and more_urgent(changed.urgency, study.urgency) != study.urgency:
        tx.studies.set_urgency(study.id, changed.urgency)
        route_again(tx, study, at=parts.clock())
    if study is not None:
        ask_again(tx, study, by, at=parts.clock())
    return changed


def withdraw(tx: Transaction, parts: Parts, order: Order, reason: str, by: By) -> Order:
    """Take an order back, and the reading that waits because of it."""
    if order.state is OrderState.WITHDRAWN:
        return order
    reading = tx.readings.of_study(order.study_id, by.scope) if order.study_id else None
    done = withdrawn(order, reading, reason=reason, now=parts.clock())
    if reading is not None:
        after = taken_back(reading, reason=done.withdrawn_reason)
        if not tx.readings.replace(after):
            raise NotNow("Somebody was faster.", reason="reading-started")
        follow_reading(tx, reading, after, at=parts.clock())
    note_withdrawn(tx, order.id, done.withdrawn_reason, at=parts.clock(), actor=by.actor, address=by.address)
    return _kept(tx, parts, done, by, "order.withdrawn", reason=done.withdrawn_reason)


def seen(tx: Transaction, order_id: str, scope: Scope, revision: int | None) -> Order:
    """The order that the caller means. Raises NotFound, NotNow("revision")."""
    order = tx.orders.get(order_id, scope)
    if order is None:
        raise NotFound("There is no such order.")
    if revision is not None and revision != order.revision:
        raise NotNow("Somebody changed the order meanwhile.", reason=CHANGED_MEANWHILE)
    return order


def announce_order(parts: Parts, order: Order) -> None:
    """After the write: tell whoever shows it, and whoever matches or routes because of it."""
    parts.events.publish(Event("order", order.site_id, order.study_id or ""))
    if order.study_id is not None:           # its study may be complete now
        parts.events.publish(Event("study", order.site_id, order.study_id))
    parts.events.wake_jobs()


def request_of(order: Order) -> OrderRequest:
    """What an order asks for now: where a change begins that names only some of it."""
    return OrderRequest(**{field.name: getattr(order, field.name) for field in fields(OrderRequest)})


def warnings_of(order: Order) -> tuple[IdCardWarning, ...]:
    """What does not agree in an order."""
    return tuple(id_card_warnings(order.id_card_number, birth_date=order.birth_date, sex=order.sex))


def _free_code(tx: Transaction, parts: Parts, site_id: str, now: datetime) -> str:
    today = now.astimezone(ZoneInfo(parts.settings.time_zone)).date()
    while tx.orders.of_accession(code := order_code(today, os.urandom(4)), site_id):
        pass
    return code


def _kept(tx: Transaction, parts: Parts, order: Order, by: By, action: str, **detail: str) -> Order:
    if not tx.orders.replace(order):
        raise NotNow("Somebody changed the order meanwhile.", reason=CHANGED_MEANWHILE)
    order = replace(order, revision=order.revision + 1)
    _note(tx, parts, by, action, order, **detail)
    return order


def _note(tx: Transaction, parts: Parts, by: By, action: str, order: Order, **detail: str) -> None:
    tx.audit.append(AuditEntry(
        parts.clock(), by.actor, action, site_id=order.site_id, study_id=order.study_id, address=by.address,
        detail={"order": order.id, "accession_number": order.accession_number, "revision": order.revision,
                "source": order.source.value} | detail))


def _announced(parts: Parts, order: Order) -> Placed:
    announce_order(parts, order)
    return Placed(order, warnings_of(order))
