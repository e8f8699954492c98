"""Claim, update, complete, cancel: what a performer and a requester do (PS3.4 CC.2.1, CC.2.2, CC.2.6).

A claim is the same lock as a person's: the reading's row, written only if its revision is still the one that was
read, so between a reader and another system exactly one wins. The Transaction UID is the key to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from gateway.core.errors import NotNow
from gateway.core.outside_reading import (
    claimed_outside,
    completed_outside,
    extended_outside,
    given_back_outside,
)
from gateway.core.workitem_content import (
    ASSIGNED,
    PROGRESS,
    TRANSACTION_UID,
    check_update,
    text_of,
    with_cancellation,
)
from gateway.core.workitem_record import Json, local, only, value
from gateway.core.workitems import (
    Refused,
    Status,
    cancel_request,
    change,
    missing_to_complete,
    outputs,
    update,
)
from gateway.services.claim_reading import JOB as RELEASE_JOB
from gateway.services.clocks.keep_clocks import follow_reading
from gateway.services.ports import Event, Parts
from gateway.services.workitems.create_workitem import check_writable, raise_urgency
from gateway.services.workitems.find_workitems import found
from gateway.services.workitems.follow_readings import LostRace, follow_waiting
from gateway.services.workitems.outsider import Outsider
from gateway.services.workitems.show_workitem import zone_of
from gateway.services.workitems.tell_followers import assignment, tell, tell_state
from storage.interface import Transaction
from storage.model import EVERYWHERE, AuditEntry, Reading
from storage.model.workitems import EventKind, UpsState, Workitem

CANCEL_ALARM = "workitem-cancel-requested"
_TOLD_WITH_A_REQUEST = ("00741238", "0074100E", "0074100A", "0074100C")


@dataclass(frozen=True, slots=True)
class Changed:
    """The workitem now, and SUCCESS or a warning."""

    item: Workitem
    status: Status


async def change_state(parts: Parts, who: Outsider, uid: str, *, wanted: str, transaction_uid: str) -> Changed:
    """Claim it, complete it or give it up. Raises Refused with the status of table CC.1.1-2, StorageUnavailable."""
    def work(tx: Transaction) -> Changed:
        item = found(tx, parts, who, uid)
        status = change(item.state, wanted.strip(), given_uid=transaction_uid, recorded_uid=item.transaction_uid)
        if status.is_failure:
            raise Refused(status)
        if status is not Status.SUCCESS:
            return Changed(item, status)
        if not who.may_perform(tx):
            raise Refused(Status.NOT_AUTHORIZED, "This caller may not perform readings.")
        reading = tx.readings.get(item.reading_id, EVERYWHERE) if item.reading_id else None
        if reading is None:
            raise Refused(Status.NOT_AUTHORIZED, "The study was not routed yet: there is no reading to claim.")
        match UpsState(wanted.strip()):
            case UpsState.IN_PROGRESS:
                item = _claim(tx, parts, who, item, reading, transaction_uid)
            case UpsState.COMPLETED:
                item = _complete(tx, parts, who, item, reading)
            case _:
                item = _give_up(tx, parts, who, item, reading)
        follow_waiting(tx, parts, reading_id=reading.id)
        return Changed(item, Status.SUCCESS)

    return _announced(parts, await parts.database.write(work))


async def update_workitem(parts: Parts, who: Outsider, uid: str, sent: Mapping[str, Any], *,
                          transaction_uid: str = "") -> Changed:
    """Set attributes. While SCHEDULED only who asked for it may; while IN PROGRESS who has the Transaction UID.

    Raises Refused, StorageUnavailable. The performer's claim is extended.
    """
    check_writable(sent)

    def work(tx: Transaction) -> Changed:
        item = found(tx, parts, who, uid)
        given = transaction_uid or text_of(sent, TRANSACTION_UID)
        status = update(item.state, given_uid=given, recorded_uid=item.transaction_uid)
        if status.is_failure:
            raise Refused(status)
        is_performer = item.state is UpsState.IN_PROGRESS
        if not is_performer and item.requester != who.owner:
            raise Refused(Status.NOT_IN_PROGRESS)
        news = check_update(sent, is_performer=is_performer)
        after = _store(tx, replace(item, attributes={**item.attributes, **news}, modified_at=parts.clock()))
        if is_performer:
            _extend(tx, parts, item)
        elif (study := tx.studies.get(item.study_id, EVERYWHERE)) is not None:
            raise_urgency(tx, parts, study, sent)
        if PROGRESS in news and news[PROGRESS] != item.attributes.get(PROGRESS):
            tell(tx, parts, after, EventKind.PROGRESS, {PROGRESS: news[PROGRESS]})
        if any(tag in news and news[tag] != item.attributes.get(tag) for tag in ASSIGNED):
            tell(tx, parts, after, EventKind.ASSIGNED, assignment(after.attributes))
        _note(tx, parts, who, after, "workitem.updated", attributes=sorted(news))
        return Changed(after, Status.SUCCESS)

    return _announced(parts, await parts.database.write(work))


async def request_cancel(parts: Parts, who: Outsider, uid: str, told: Mapping[str, Any]) -> Changed:
    """Ask that it be canceled. What is still SCHEDULED is, if the caller asked for it; else whoever performs decides.

    The images stay on our list: only the clinic's own order, or a reader, takes a reading off it. Raises Refused.
    """
    check_writable(told)

    def work(tx: Transaction) -> Changed:
        item = found(tx, parts, who, uid)
        status = cancel_request(item.state)
        if status.is_failure:
            raise Refused(status)
        if status is not Status.SUCCESS:
            return Changed(item, status)
        is_own = item.is_request and item.requester == who.owner
        if item.state is UpsState.SCHEDULED and not is_own:
            raise Refused(Status.PERFORMER_DECLINES)
        words = only(told, _TOLD_WITH_A_REQUEST)
        tell(tx, parts, item, EventKind.CANCEL_REQUESTED, {"00741236": value("AE", who.name[:16]), **words})
        _note(tx, parts, who, item, "workitem.cancel_requested", reason=text_of(told, "00741238"))
        if item.state is UpsState.SCHEDULED:
            item = _cancel_request(tx, parts, item, words)
        else:
            tx.alarms.raise_alarm(
                CANCEL_ALARM, site_id=item.site_id, ref=item.reading_id or item.uid, at=parts.clock(),
                detail=f"{who.name} asks to cancel a reading that is being read. {text_of(told, '00741238')}".strip())
        return Changed(item, Status.SUCCESS)

    done = await parts.database.write(work)
    parts.events.publish(Event("alarm", done.item.site_id))
    return _announced(parts, done)


def _claim(tx: Transaction, parts: Parts, who: Outsider, item: Workitem, reading: Reading,
           transaction_uid: str) -> Workitem:
    try:
        after = claimed_outside(reading, who.name, now=parts.clock(), claim_for=_claim_for(parts))
    except NotNow as exc:
        raise Refused(Status.ALREADY_IN_PROGRESS) from exc
    if not tx.readings.replace(after):
        raise Refused(Status.ALREADY_IN_PROGRESS)
    follow_reading(tx, reading, after, at=parts.clock())
    assert after.lock_until is not None
    tx.jobs.postpone(RELEASE_JOB, reading.id, due=after.lock_until)
    item = _store(tx, replace(item, state=UpsState.IN_PROGRESS, performer=who.owner, transaction_uid=transaction_uid,
                              modified_at=parts.clock()))
    _note(tx, parts, who, item, "reading.claimed", reading=reading.id, outside=who.name)
    tell_state(tx, parts, item)
    return item


def _complete(tx: Transaction, parts: Parts, who: Outsider, item: Workitem, reading: Reading) -> Workitem:
    missing = missing_to_complete(item.attributes)
    if missing:
        raise Refused(Status.FINAL_NEEDS_NOT_MET, f"({missing[0][:4]},{missing[0][4:]}) has no value.")
    named = outputs(item.attributes)
    here = {one.sop_instance_uid for one in tx.studies.instances_of(item.study_id, EVERYWHERE)}
    if not any(uid in here for _, uid in named):
        raise Refused(Status.FINAL_NEEDS_NOT_MET, "No object of Output Information is in the study here.")
    _move(tx, parts, reading, completed_outside(reading, reason=who.name))
    tx.jobs.cancel(f"{RELEASE_JOB}:{reading.id}")
    item = _store(tx, replace(item, state=UpsState.COMPLETED, modified_at=parts.clock()))
    _note(tx, parts, who, item, "reading.read_elsewhere", reading=reading.id, outside=who.name,
          output=[uid for _, uid in named if uid in here])
    tell_state(tx, parts, item)
    return item


def _give_up(tx: Transaction, parts: Parts, who: Outsider, item: Workitem, reading: Reading) -> Workitem:
    _move(tx, parts, reading, given_back_outside(reading))
    tx.jobs.cancel(f"{RELEASE_JOB}:{reading.id}")
    attributes = with_cancellation(item.attributes, local(parts.clock(), zone_of(parts)), {})
    item = _store(tx, replace(item, state=UpsState.CANCELED, attributes=attributes, modified_at=parts.clock()))
    _note(tx, parts, who, item, "reading.released", reading=reading.id, held_by=reading.claimed_by, forced=False)
    tell_state(tx, parts, item)
    return item


def _cancel_request(tx: Transaction, parts: Parts, item: Workitem, words: Json) -> Workitem:
    """SCHEDULED first becomes IN PROGRESS, then CANCELED (CC.2.2.3)."""
    item = _store(tx, replace(item, state=UpsState.IN_PROGRESS, modified_at=parts.clock()))
    tell_state(tx, parts, item)
    attributes = with_cancellation(item.attributes, local(parts.clock(), zone_of(parts)), words)
    item = _store(tx, replace(item, state=UpsState.CANCELED, is_current=False, attributes=attributes))
    tell_state(tx, parts, item)
    return item


def _extend(tx: Transaction, parts: Parts, item: Workitem) -> None:
    reading = tx.readings.get(item.reading_id, EVERYWHERE) if item.reading_id else None
    if reading is None:
        return
    after = extended_outside(reading, now=parts.clock(), claim_for=_claim_for(parts))
    _move(tx, parts, reading, after)
    assert after.lock_until is not None
    tx.jobs.postpone(RELEASE_JOB, reading.id, due=after.lock_until)


def _move(tx: Transaction, parts: Parts, before: Reading, after: Reading) -> None:
    if not tx.readings.replace(after):
        raise LostRace
    follow_reading(tx, before, after, at=parts.clock())


def _store(tx: Transaction, item: Workitem) -> Workitem:
    if not tx.workitems.replace(item):
        raise LostRace
    return replace(item, revision=item.revision + 1)


def _claim_for(parts: Parts) -> timedelta:
    return timedelta(minutes=parts.settings.outside_claim_minutes)


def _note(tx: Transaction, parts: Parts, who: Outsider, item: Workitem, action: str, **detail: Any) -> None:
    study = tx.studies.get(item.study_id, EVERYWHERE)
    tx.audit.append(AuditEntry(
        parts.clock(), who.actor, action, site_id=item.site_id, study_id=item.study_id,
        patient_id=study.patient.id if study else None, address=who.address, detail={"workitem": item.uid, **detail}))


def _announced(parts: Parts, done: Changed) -> Changed:
    parts.events.publish(Event("reading", done.item.site_id, done.item.study_id, done.item.reading_id or ""))
    parts.events.wake_jobs()
    return done
