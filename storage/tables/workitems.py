"""Unified Procedure Steps, their subscribers, and the events that wait for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.model import Scope
from storage.model.workitems import (
    Channel,
    EventKind,
    GlobalSubscription,
    Subscriber,
    UpsState,
    Workitem,
    WorkitemEvent,
    WorkitemFilter,
)
from storage.tables.schema import (
    patient,
    reading_change,
    study,
    workitem,
    workitem_event,
    workitem_subscriber,
    workitem_subscription,
)
from storage.tables.scoping import within
from storage.tables.upserts import add_if_absent, upsert

_OPEN = (UpsState.SCHEDULED.value, UpsState.IN_PROGRESS.value)


class Workitems:
    """Every change goes through `replace`, which checks the revision: of many who try at once, one wins."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, item: Workitem) -> bool:
        """False if there is one of this UID already, whosever."""
        return add_if_absent(self._connection, workitem, _plain(item))

    def replace(self, item: Workitem) -> bool:
        """Write all fields if the stored revision is `item.revision`; stores revision + 1. False: nothing written."""
        done = self._connection.execute(
            sa.update(workitem).where(workitem.c.uid == item.uid, workitem.c.revision == item.revision)
            .values({**_plain(item), "revision": item.revision + 1}))
        return done.rowcount == 1

    def get(self, uid: str, scope: Scope) -> Workitem | None:
        """One by its UID."""
        row = self._connection.execute(
            sa.select(workitem).where(workitem.c.uid == uid, within(scope, workitem.c.site_id))).one_or_none()
        return None if row is None else _workitem(row)

    def of_reading(self, reading_id: str) -> list[Workitem]:
        """Every one of a reading, the first made first; check the scope of the reading before."""
        return self._many(sa.select(workitem).where(workitem.c.reading_id == reading_id)
                          .order_by(workitem.c.created_at, workitem.c.uid))

    def waiting_for_reading(self, study_id: str) -> list[Workitem]:
        """Requests that came before the study had a reading."""
        return self._many(sa.select(workitem).where(workitem.c.study_id == study_id, workitem.c.reading_id.is_(None)))

    def find(self, wanted: WorkitemFilter, scope: Scope, *, after: str, limit: int) -> list[Workitem]:
        """A page by UID, of those that may match; the caller judges each."""
        query = sa.select(workitem).where(within(scope, workitem.c.site_id), workitem.c.uid > after)
        if wanted.uids:
            query = query.where(workitem.c.uid.in_(wanted.uids))
        if wanted.states:
            query = query.where(workitem.c.state.in_([state.value for state in wanted.states]))
        if wanted.study_instance_uids or wanted.patient_ids:
            of = sa.select(study.c.id).join(patient, patient.c.id == study.c.patient_key)
            if wanted.study_instance_uids:
                of = of.where(study.c.study_instance_uid.in_(wanted.study_instance_uids))
            if wanted.patient_ids:
                of = of.where(patient.c.patient_id.in_(wanted.patient_ids))
            query = query.where(workitem.c.study_id.in_(of))
        return self._many(query.order_by(workitem.c.uid).limit(limit))

    # ------------------------------------------------------------------------------------------- readings that moved
    def has_changes(self) -> bool:
        """True if a reading moved and its workitems have not followed yet."""
        return self._connection.execute(sa.select(reading_change.c.id).limit(1)).first() is not None

    def take_changes(self, limit: int, *, reading_id: str = "") -> list[str]:
        """Ids of readings that moved, each once; what is returned is dealt with in this transaction or not at all."""
        query = sa.select(reading_change.c.id, reading_change.c.reading_id).order_by(reading_change.c.id).limit(limit)
        if reading_id:
            query = query.where(reading_change.c.reading_id == reading_id)
        rows = self._connection.execute(query.with_for_update()).all()
        if rows:
            taken = [row.id for row in rows]
            self._connection.execute(sa.delete(reading_change).where(reading_change.c.id.in_(taken)))
        return list(dict.fromkeys(row.reading_id for row in rows))

    # -------------------------------------------------------------------------------------------------- subscriptions
    def subscriber(self, ae_title: str) -> Subscriber | None:
        """Who is told under this title."""
        row = self._connection.execute(
            sa.select(workitem_subscriber).where(workitem_subscriber.c.ae_title == ae_title)).one_or_none()
        return None if row is None else _subscriber(row)

    def subscribers(self) -> list[Subscriber]:
        """Everybody who is told anything."""
        return [_subscriber(row) for row in self._connection.execute(
            sa.select(workitem_subscriber).order_by(workitem_subscriber.c.ae_title))]

    def put_subscriber(self, one: Subscriber) -> None:
        """Add or replace."""
        values = {**dataclasses.asdict(one), "channel": one.channel.value, "all_workitems": one.all_workitems.value,
                  "filter": [list(pair) for pair in one.filter]}
        adding = upsert(self._connection, workitem_subscriber).values(values)
        self._connection.execute(adding.on_conflict_do_update(index_elements=["ae_title"], set_=values))

    def global_subscribers(self) -> list[Subscriber]:
        """Those who want to hear of every new workitem (that fits their filter)."""
        rows = self._connection.execute(sa.select(workitem_subscriber)
                                        .where(workitem_subscriber.c.all_workitems != GlobalSubscription.NONE.value))
        return [_subscriber(row) for row in rows]

    def subscribe(self, ae_title: str, uid: str, *, has_lock: bool) -> None:
        """Follow one workitem; a lock is set or taken away."""
        values = {"ae_title": ae_title, "workitem_uid": uid, "has_lock": has_lock}
        adding = upsert(self._connection, workitem_subscription).values(values)
        self._connection.execute(adding.on_conflict_do_update(index_elements=["workitem_uid", "ae_title"],
                                                              set_={"has_lock": has_lock}))

    def follow_if_not(self, ae_title: str, uid: str, *, has_lock: bool) -> bool:
        """Follow one workitem unless the subscriber does; True if it was added."""
        return add_if_absent(self._connection, workitem_subscription,
                             {"ae_title": ae_title, "workitem_uid": uid, "has_lock": has_lock})

    def unsubscribe(self, ae_title: str, uid: str = "") -> int:
        """Follow one no more, or none at all; returns how many were followed."""
        where = [workitem_subscription.c.ae_title == ae_title]
        if uid:
            where.append(workitem_subscription.c.workitem_uid == uid)
        return self._connection.execute(sa.delete(workitem_subscription).where(*where)).rowcount

    def followers(self, uid: str) -> list[Subscriber]:
        """Who is to be told of this workitem."""
        rows = self._connection.execute(
            sa.select(workitem_subscriber)
            .join(workitem_subscription, workitem_subscription.c.ae_title == workitem_subscriber.c.ae_title)
            .where(workitem_subscription.c.workitem_uid == uid).order_by(workitem_subscriber.c.ae_title))
        return [_subscriber(row) for row in rows]

    def has_lock(self, ae_title: str, uid: str) -> bool | None:
        """Whether the subscriber holds a deletion lock on it; None: it does not follow it."""
        found: bool | None = self._connection.scalar(
            sa.select(workitem_subscription.c.has_lock).where(workitem_subscription.c.ae_title == ae_title,
                                                              workitem_subscription.c.workitem_uid == uid))
        return found

    def open_ones(self, scope: Scope, *, after: str, limit: int, with_final: bool = False) -> list[Workitem]:
        """A page of those that may still change, or of all, by UID."""
        where = [within(scope, workitem.c.site_id), workitem.c.uid > after]
        if not with_final:
            where.append(workitem.c.state.in_(_OPEN))
        return self._many(sa.select(workitem).where(*where).order_by(workitem.c.uid).limit(limit))

    # --------------------------------------------------------------------------------------------------------- events
    def add_event(self, event: WorkitemEvent) -> None:
        """Something to tell; its id is given here."""
        values = {**dataclasses.asdict(event), "kind": int(event.kind)}
        del values["id"]
        self._connection.execute(sa.insert(workitem_event).values(values))

    def events_for(self, ae_title: str, *, limit: int) -> list[WorkitemEvent]:
        """What a subscriber has not been told, oldest first."""
        rows = self._connection.execute(sa.select(workitem_event).where(workitem_event.c.ae_title == ae_title)
                                        .order_by(workitem_event.c.id).limit(limit))
        return [WorkitemEvent(row.id, row.ae_title, row.workitem_uid, row.study_id, row.site_id, EventKind(row.kind),
                              row.at, row.information) for row in rows]

    def forget_events(self, ids: Sequence[int]) -> None:
        """They were told, or never will be."""
        if ids:
            self._connection.execute(sa.delete(workitem_event).where(workitem_event.c.id.in_(list(ids))))

    def forget_events_before(self, ae_title: str, at: datetime) -> int:
        """Drop what waits too long; returns how many."""
        return self._connection.execute(sa.delete(workitem_event).where(
            workitem_event.c.ae_title == ae_title, workitem_event.c.at < at)).rowcount

    def forget_events_of(self, ae_title: str) -> None:
        """Nothing is told any more."""
        self._connection.execute(sa.delete(workitem_event).where(workitem_event.c.ae_title == ae_title))

    def _many(self, query: sa.Select[Any]) -> list[Workitem]:
        return [_workitem(row) for row in self._connection.execute(query)]


def _plain(item: Workitem) -> dict[str, Any]:
    return {**{field.name: getattr(item, field.name) for field in dataclasses.fields(item)},
            "state": item.state.value}


def _workitem(row: Any) -> Workitem:
    values = {field.name: getattr(row, field.name) for field in dataclasses.fields(Workitem)}
    return Workitem(**{**values, "state": UpsState(row.state), "revision": int(row.revision)})


def _subscriber(row: Any) -> Subscriber:
    return Subscriber(row.ae_title, Channel(row.channel), row.owner, row.site_id,
                      GlobalSubscription(row.all_workitems), tuple((path, value) for path, value in row.filter))
