"""Follow workitems: one, all, or all that fit a filter; with or without a deletion lock (PS3.4 CC.2.3).

A subscription belongs to an AE title; by the web a title belongs to the site whose machine subscribed it first, so
that nobody can redirect what another site is told. By DIMSE it must be that of a registered device which the caller
sees.
Workitems are never deleted while their study is kept, so a lock is always granted; when a study is deleted as the law
allows, its workitems go with it, locked or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.core.identifiers import AETitle, InvalidAETitle
from gateway.core.workitem_query import WorkitemKey, as_filter, fits
from gateway.core.workitem_record import state_information
from gateway.core.workitems import FILTERED_SUBSCRIPTION, GLOBAL_SUBSCRIPTION, Refused, Status
from gateway.services.ports import Parts
from gateway.services.workitems.find_workitems import found
from gateway.services.workitems.follow_readings import follow_all
from gateway.services.workitems.outsider import Outsider, owner_by_web
from gateway.services.workitems.show_workitem import show
from gateway.services.workitems.tell_followers import put_event
from storage.interface import Transaction
from storage.model import EVERYWHERE, AuditEntry, Scope
from storage.model.workitems import Channel, EventKind, GlobalSubscription, Subscriber, Workitem

GLOBAL = frozenset({GLOBAL_SUBSCRIPTION, FILTERED_SUBSCRIPTION})
_PAGE = 500


async def subscribe(parts: Parts, who: Outsider, uid: str, ae_title: str, *, has_lock: bool,
                    keys: Sequence[WorkitemKey] = ()) -> Status:
    """Follow a workitem, or (well-known UIDs) all of them. Raises Refused, StorageUnavailable.

    Who follows one is told its state at once; who follows all with a lock is told the state of all.
    """
    if uid == FILTERED_SUBSCRIPTION and not as_filter(keys):
        raise Refused(Status.INVALID_VALUE, "A filtered subscription needs a matching key.")
    title = _title(ae_title)
    await follow_all(parts)

    def work(tx: Transaction) -> None:
        one = _subscriber(tx, who, title)
        if uid in GLOBAL:
            state = GlobalSubscription.WITH_LOCK if has_lock else GlobalSubscription.WITHOUT_LOCK
            one = replace(one, all_workitems=state, filter=as_filter(keys) if uid == FILTERED_SUBSCRIPTION else ())
            tx.workitems.put_subscriber(one)
            _follow_all_open(tx, parts, one, who.sees(tx), keys, has_lock=has_lock)
        else:
            item = found(tx, parts, who, uid)
            tx.workitems.put_subscriber(one)
            tx.workitems.subscribe(title, uid, has_lock=has_lock)
            _tell_now(tx, parts, one, item)
        _note(tx, parts, who, "workitem.subscribed", uid, title)

    await parts.database.write(work)
    parts.events.wake_jobs()
    return Status.SUCCESS


async def unsubscribe(parts: Parts, who: Outsider, uid: str, ae_title: str) -> Status:
    """Follow it no more; for the global UIDs nothing at all. Raises Refused."""
    title = _title(ae_title)

    def work(tx: Transaction) -> None:
        one = _known(tx, who, title)
        if uid in GLOBAL:
            tx.workitems.put_subscriber(replace(one, all_workitems=GlobalSubscription.NONE, filter=()))
            tx.workitems.unsubscribe(title)
            tx.workitems.forget_events_of(title)
        else:
            found(tx, parts, who, uid)
            tx.workitems.unsubscribe(title, uid)
        _note(tx, parts, who, "workitem.unsubscribed", uid, title)

    await parts.database.write(work)
    return Status.SUCCESS


async def suspend(parts: Parts, who: Outsider, uid: str, ae_title: str) -> Status:
    """No new workitems are followed by themselves any more; those that are followed stay. Raises Refused."""
    if uid not in GLOBAL:
        raise Refused(Status.NOT_FOR_THIS_INSTANCE)
    title = _title(ae_title)

    def work(tx: Transaction) -> None:
        one = _known(tx, who, title)
        tx.workitems.put_subscriber(replace(one, all_workitems=GlobalSubscription.NONE, filter=()))
        _note(tx, parts, who, "workitem.subscription_suspended", uid, title)

    await parts.database.write(work)
    return Status.SUCCESS


def _title(text: str) -> str:
    try:
        return AETitle.parse(text).value
    except InvalidAETitle as exc:
        raise Refused(Status.UNKNOWN_AE_TITLE) from exc


def _subscriber(tx: Transaction, who: Outsider, title: str) -> Subscriber:
    """The record of the title, new or known. Raises Refused where it is another's."""
    known = tx.workitems.subscriber(title)
    if who.sender is None:
        if any(device.ae_title == title for device in tx.sites.devices(EVERYWHERE)):
            raise Refused(Status.NOT_AUTHORIZED, "This AE Title belongs to a device.")
        if known is not None and known.owner != owner_by_web(who.site_id):
            raise Refused(Status.NOT_AUTHORIZED, "This AE Title belongs to another subscriber.")
        return known or Subscriber(title, Channel.WEB, owner_by_web(who.site_id), who.site_id)
    sees = who.sees(tx)
    devices = [device for device in tx.sites.devices(sees) if device.ae_title == title and device.is_enabled]
    own = who.sender.device
    chosen = next((device for device in devices if own is not None and device.id == own.id),
                  next(iter(devices), None))
    if chosen is None or (known is not None and known.channel is Channel.WEB):
        raise Refused(Status.UNKNOWN_AE_TITLE)
    return replace(known, owner=f"device:{chosen.id}", site_id=chosen.site_id) if known else Subscriber(
        title, Channel.DICOM, f"device:{chosen.id}", chosen.site_id)


def _known(tx: Transaction, who: Outsider, title: str) -> Subscriber:
    """The subscriber of this title, if the caller may speak for it. Raises Refused (UNKNOWN_AE_TITLE)."""
    one = tx.workitems.subscriber(title)
    is_web = who.sender is None
    if one is None or (one.channel is Channel.WEB) != is_web or not (
            one.owner == owner_by_web(who.site_id) if is_web else who.sees(tx).allows(one.site_id)):
        raise Refused(Status.UNKNOWN_AE_TITLE)
    return one


def _follow_all_open(tx: Transaction, parts: Parts, one: Subscriber, scope: Scope, keys: Sequence[WorkitemKey], *,
                     has_lock: bool) -> None:
    after = ""
    while True:
        items = tx.workitems.open_ones(scope, after=after, limit=_PAGE, with_final=has_lock)
        for item in items:
            if keys and not fits(show(tx, parts, item, with_objects=False) or {}, keys):
                continue
            is_new = tx.workitems.follow_if_not(one.ae_title, item.uid, has_lock=has_lock)
            if is_new and has_lock:
                _tell_now(tx, parts, one, item)
        if len(items) < _PAGE:
            return
        after = items[-1].uid


def _tell_now(tx: Transaction, parts: Parts, one: Subscriber, item: Workitem) -> None:
    record = show(tx, parts, item, with_objects=False)
    if record is not None:
        put_event(tx, one, item.uid, EventKind.STATE, state_information(record), at=parts.clock(),
                  study_id=item.study_id, site_id=item.site_id)


def _note(tx: Transaction, parts: Parts, who: Outsider, action: str, uid: str, title: str) -> None:
    tx.audit.append(AuditEntry(parts.clock(), who.actor, action, site_id=who.site_id or None, address=who.address,
                               detail={"workitem": uid, "ae_title": title}))
