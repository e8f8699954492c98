"""Put down what subscribers are to be told, in the write that changes a workitem (PS3.4 CC.2.4).

An event is one row a subscriber, so that each is told by whatever process it is connected to, and nobody is told
twice: by the job "tell_subscriber" (N-EVENT-REPORT), or through the channel that it opens (WebSocket).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gateway.core.workitem_query import fits, from_filter
from gateway.core.workitem_record import Json, only, state_information, value
from gateway.core.workitems import GLOBAL_SUBSCRIPTION
from gateway.services.ports import Parts
from gateway.services.workitems.outsider import seen_by
from gateway.services.workitems.show_workitem import show
from storage.interface import Transaction
from storage.model.workitems import (
    Channel,
    EventKind,
    GlobalSubscription,
    Subscriber,
    UpsState,
    Workitem,
    WorkitemEvent,
)

JOB = "tell_subscriber"
KEPT_FOR = timedelta(hours=24)
"""What nobody fetched or took for so long is dropped; a search shows how things are."""


def tell_state(tx: Transaction, parts: Parts, item: Workitem, *, record: Json | None = None) -> None:
    """UPS State Report to everybody who follows it."""
    shown = record or show(tx, parts, item, with_objects=False)
    if shown is not None:
        tell(tx, parts, item, EventKind.STATE, state_information(shown))


def tell(tx: Transaction, parts: Parts, item: Workitem, kind: EventKind, information: Mapping[str, Any]) -> None:
    """One event to everybody who follows the workitem and may still see it."""
    for one in tx.workitems.followers(item.uid):
        if seen_by(tx, one).allows(item.site_id):
            put_event(tx, one, item.uid, kind, information, at=parts.clock(), study_id=item.study_id,
                      site_id=item.site_id)


def announce(tx: Transaction, parts: Parts, item: Workitem) -> None:
    """A new workitem: who wants to hear of every one (that fits) follows it from now on, and is told first."""
    everybody = tx.workitems.global_subscribers()
    if not everybody:
        return
    record = show(tx, parts, replace(item, state=UpsState.SCHEDULED), with_objects=False) or {}
    for one in everybody:
        if seen_by(tx, one).allows(item.site_id) and fits(record, from_filter(one.filter)):
            tx.workitems.follow_if_not(one.ae_title, item.uid,
                                       has_lock=one.all_workitems is GlobalSubscription.WITH_LOCK)
    tell_state(tx, parts, item, record=record)
    assigned = only(record, ("00404025", "00404034"))
    if any(element.get("Value") for element in assigned.values()):
        tell(tx, parts, item, EventKind.ASSIGNED, assignment(record))


def assignment(record: Mapping[str, Any]) -> Json:
    """What a UPS Assigned event tells: stations, and the first person with their organisation."""
    told = only(record, ("00404025",)) if record.get("00404025", {}).get("Value") else {}
    for person in record.get("00404034", {}).get("Value") or []:
        told |= only(person, ("00404009", "00404036"))
    return told


def put_event(tx: Transaction, one: Subscriber, uid: str, kind: EventKind, information: Mapping[str, Any], *,
              at: datetime, study_id: str = "", site_id: str = "") -> None:
    """One event for one subscriber."""
    tx.workitems.add_event(WorkitemEvent(0, one.ae_title, uid, study_id, site_id, kind, at, dict(information)))
    if one.channel is Channel.DICOM:
        tx.jobs.enqueue(JOB, one.ae_title, due=at)
    else:
        tx.workitems.forget_events_before(one.ae_title, at - KEPT_FOR)


async def tell_restarted(parts: Parts) -> None:
    """SCP Status Change to every subscriber: lists and subscriptions are as they were (CC.2.4.3)."""
    told = {"00741242": value("CS", "RESTARTED"), "00741244": value("CS", "WARM START"),
            "00741246": value("CS", "WARM START")}

    def work(tx: Transaction) -> int:
        everybody = tx.workitems.subscribers()
        for one in everybody:
            put_event(tx, one, GLOBAL_SUBSCRIPTION, EventKind.SCP_STATUS, told, at=parts.clock())
        return len(everybody)

    if await parts.database.write(work):
        parts.events.wake_jobs()
