"""Readers' skills and presence, dated rosters, swaps, days off, agreements between sites; one statement each."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from storage.model import Reading, ReadingState, Scope
from storage.model.rosters import (
    EntryKind,
    Grade,
    Holiday,
    HolidayKind,
    OpenWork,
    Presence,
    ReaderPresence,
    ReaderProfile,
    RosterEntry,
    SiteAgreement,
    Swap,
    SwapState,
)
from storage.tables import schema as t
from storage.tables.prepared import Prepared
from storage.tables.readings import reading_of
from storage.tables.scoping import within
from storage.tables.upserts import upsert

IN_HAND = (ReadingState.UNREAD, ReadingState.IN_PROGRESS, ReadingState.AWAITING_REVIEW, ReadingState.IN_REVIEW,
           ReadingState.REJECTED)
"""States in which a reading that is somebody's counts as their work."""

# Built once: every decision runs these.
_ENTRIES_AT = Prepared(sa.select(t.roster_entry).where(
    t.roster_entry.c.ends_at > sa.bindparam("now"), t.roster_entry.c.starts_at <= sa.bindparam("now"))
    .order_by(t.roster_entry.c.starts_at, t.roster_entry.c.id))
_HOLIDAYS = Prepared(sa.select(t.holiday).where(
    t.holiday.c.day.between(sa.bindparam("first"), sa.bindparam("last"))).order_by(t.holiday.c.day))


class Rosters:
    """None of these tables holds a patient's data; who may see which person is decided by the services."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    # --------------------------------------------------------------------------------------------------- profiles
    def profile(self, user_id: str) -> ReaderProfile | None:
        """What this reader can read; None where nobody has said."""
        return self.profiles([user_id]).get(user_id)

    def profiles(self, user_ids: Collection[str] | None = None) -> dict[str, ReaderProfile]:
        """By user id; None: of everybody who has one."""
        query = sa.select(t.reader_profile)
        if user_ids is not None:
            query = query.where(t.reader_profile.c.user_id.in_(sorted(user_ids)))
        return {row.user_id: _profile(row) for row in self._connection.execute(query)}

    def put_profile(self, profile: ReaderProfile) -> None:
        """Add or replace it."""
        values = dataclasses.asdict(profile) | {
            "grade": profile.grade.value, "modalities": list(profile.modalities),
            "body_parts": list(profile.body_parts), "site_ids": list(profile.site_ids)}
        self._put(t.reader_profile, values, key="user_id")

    def drop_profile(self, user_id: str) -> bool:
        """The reader is restricted by nothing but the grants again. True if there was one."""
        return self._connection.execute(sa.delete(t.reader_profile).where(
            t.reader_profile.c.user_id == user_id)).rowcount == 1

    # --------------------------------------------------------------------------------------------------- presence
    def presence(self, user_ids: Collection[str]) -> dict[str, ReaderPresence]:
        """What these people last said, by user id."""
        rows = self._connection.execute(sa.select(t.reader_presence).where(
            t.reader_presence.c.user_id.in_(sorted(user_ids))))
        return {row.user_id: ReaderPresence(row.user_id, Presence(row.presence), row.since) for row in rows}

    def put_presence(self, presence: ReaderPresence) -> None:
        """Replace it."""
        self._put(t.reader_presence, dataclasses.asdict(presence) | {"presence": presence.presence.value},
                  key="user_id")

    def logged_in(self, user_ids: Collection[str], *, now: datetime) -> frozenset[str]:
        """Those of these people who have a live session."""
        rows = self._connection.execute(sa.select(t.login_session.c.user_id).distinct().where(
            t.login_session.c.user_id.in_(sorted(user_ids)), t.login_session.c.expires_at > now))
        return frozenset(rows.scalars())

    # ------------------------------------------------------------------------------------------------------- work
    def open_work(self, user_ids: Collection[str]) -> dict[str, OpenWork]:
        """How much each of these people has in hand: held, or assigned and nobody holds it."""
        ids = sorted(user_ids)
        owner = sa.func.coalesce(t.reading.c.claimed_by, t.reading.c.assigned_to)
        counted = self._connection.execute(
            sa.select(owner.label("owner"), sa.func.count().label("count")).select_from(t.reading)
            .where(t.reading.c.state.in_(IN_HAND), owner.in_(ids)).group_by(owner))
        counts = {row.owner: int(row[1]) for row in counted}
        turns = {row.user_id: row.last_assigned_at for row in self._connection.execute(
            sa.select(t.reader_turn).where(t.reader_turn.c.user_id.in_(ids)))}
        return {user_id: OpenWork(user_id, counts.get(user_id, 0), turns.get(user_id)) for user_id in ids}

    def note_turn(self, user_id: str, *, at: datetime) -> None:
        """Something was assigned to this person now."""
        self._put(t.reader_turn, {"user_id": user_id, "last_assigned_at": at}, key="user_id")

    def readings_in_hand(self, user_id: str) -> list[Reading]:
        """What this person holds, or was assigned and nobody holds; the most urgent due time first."""
        owner = sa.func.coalesce(t.reading.c.claimed_by, t.reading.c.assigned_to)
        rows = self._connection.execute(sa.select(t.reading).where(
            t.reading.c.state.in_(IN_HAND), owner == user_id).order_by(t.reading.c.due_at, t.reading.c.id))
        return [reading_of(row) for row in rows]

    def prior_readers(self, patient_id: str, *, but_study: str, limit: int = 20) -> list[str]:
        """Who wrote or signed earlier reports of this patient at the site that gave the number, newest first."""
        rows = self._connection.execute(
            sa.select(t.report.c.writer_id, t.report.c.signed_by)
            .select_from(t.report.join(t.study, t.study.c.id == t.report.c.study_id))
            .where(t.study.c.patient_key == patient_id, t.report.c.study_id != but_study,
                   t.report.c.signed_at.is_not(None))
            .order_by(t.report.c.signed_at.desc()).limit(limit))
        return list(dict.fromkeys(person for row in rows for person in row if person))

    # ----------------------------------------------------------------------------------------------------- roster
    def add_entry(self, entry: RosterEntry) -> None:
        """A stretch of duty or leave."""
        self._connection.execute(sa.insert(t.roster_entry).values(
            dataclasses.asdict(entry) | {"kind": entry.kind.value}))

    def entry(self, entry_id: str) -> RosterEntry | None:
        """One stretch."""
        row = self._connection.execute(sa.select(t.roster_entry).where(t.roster_entry.c.id == entry_id)).first()
        return None if row is None else _entry(row._mapping)

    def replace_entry(self, entry: RosterEntry) -> bool:
        """Write it if nobody did meanwhile; stores revision + 1."""
        result = self._connection.execute(
            sa.update(t.roster_entry).where(t.roster_entry.c.id == entry.id,
                                            t.roster_entry.c.revision == entry.revision)
            .values(duty_group=entry.duty_group, user_id=entry.user_id, starts_at=entry.starts_at,
                    ends_at=entry.ends_at, note=entry.note, revision=entry.revision + 1))
        return result.rowcount == 1

    def drop_entry(self, entry_id: str) -> bool:
        """True if it was there."""
        return self._connection.execute(
            sa.delete(t.roster_entry).where(t.roster_entry.c.id == entry_id)).rowcount == 1

    def entries(self, first: datetime, before: datetime, *, user_id: str | None = None) -> list[RosterEntry]:
        """Everything that touches the time from `first` to `before`, by begin."""
        query = sa.select(t.roster_entry).where(t.roster_entry.c.ends_at > first, t.roster_entry.c.starts_at < before)
        if user_id is not None:
            query = query.where(t.roster_entry.c.user_id == user_id)
        order = (t.roster_entry.c.starts_at, t.roster_entry.c.duty_group, t.roster_entry.c.id)
        return [_entry(row._mapping) for row in self._connection.execute(query.order_by(*order))]

    def entries_at(self, at: datetime) -> list[RosterEntry]:
        """Everything that covers this moment."""
        return [_entry(row) for row in _ENTRIES_AT.all(self._connection, {"now": at})]

    # ------------------------------------------------------------------------------------------------------ swaps
    def add_swap(self, swap: Swap) -> None:
        """Somebody asks."""
        self._connection.execute(sa.insert(t.roster_swap).values(
            dataclasses.asdict(swap) | {"state": swap.state.value}))

    def swap(self, swap_id: str) -> Swap | None:
        """One of them."""
        row = self._connection.execute(sa.select(t.roster_swap).where(t.roster_swap.c.id == swap_id)).first()
        return None if row is None else _swap(row)

    def replace_swap(self, swap: Swap, *, was: SwapState) -> bool:
        """Write it if its state is still `was`."""
        result = self._connection.execute(
            sa.update(t.roster_swap).where(t.roster_swap.c.id == swap.id, t.roster_swap.c.state == was.value)
            .values(state=swap.state.value, answered_at=swap.answered_at, decided_by=swap.decided_by,
                    decided_at=swap.decided_at, reason=swap.reason))
        return result.rowcount == 1

    def swaps(self, *, asked_since: datetime) -> list[Swap]:
        """Open ones of any age and settled ones of late, newest first."""
        is_open = t.roster_swap.c.state.in_((SwapState.ASKED.value, SwapState.AGREED.value))
        rows = self._connection.execute(
            sa.select(t.roster_swap).where(sa.or_(is_open, t.roster_swap.c.asked_at >= asked_since))
            .order_by(t.roster_swap.c.asked_at.desc(), t.roster_swap.c.id))
        return [_swap(row) for row in rows]

    def open_swaps_of(self, entry_id: str) -> list[Swap]:
        """Not settled yet."""
        rows = self._connection.execute(sa.select(t.roster_swap).where(
            t.roster_swap.c.entry_id == entry_id,
            t.roster_swap.c.state.in_((SwapState.ASKED.value, SwapState.AGREED.value))))
        return [_swap(row) for row in rows]

    # --------------------------------------------------------------------------------------------------- days off
    def holidays(self, first: date, last: date) -> list[Holiday]:
        """The alliance's own days, both ends included, in order."""
        rows = _HOLIDAYS.all(self._connection, {"first": first, "last": last})
        return [Holiday(row["day"], HolidayKind(row["kind"]), row["name"], row["name_en"]) for row in rows]

    def put_holiday(self, holiday: Holiday) -> None:
        """Add or replace the day."""
        self._put(t.holiday, dataclasses.asdict(holiday) | {"kind": holiday.kind.value}, key="day")

    def drop_holiday(self, day: date) -> bool:
        """True if it was there."""
        return self._connection.execute(sa.delete(t.holiday).where(t.holiday.c.day == day)).rowcount == 1

    # ------------------------------------------------------------------------------------------------- agreements
    def add_agreement(self, agreement: SiteAgreement) -> None:
        """Two sites agreed."""
        self._connection.execute(sa.insert(t.site_agreement).values(dataclasses.asdict(agreement)))

    def agreement(self, agreement_id: str) -> SiteAgreement | None:
        """One of them."""
        row = self._connection.execute(
            sa.select(t.site_agreement).where(t.site_agreement.c.id == agreement_id)).first()
        return None if row is None else SiteAgreement(**row._mapping)

    def replace_agreement(self, agreement: SiteAgreement) -> bool:
        """Write it if nobody did meanwhile; stores revision + 1."""
        values = dataclasses.asdict(agreement) | {"revision": agreement.revision + 1}
        return self._connection.execute(
            sa.update(t.site_agreement).where(t.site_agreement.c.id == agreement.id,
                                              t.site_agreement.c.revision == agreement.revision)
            .values(**{key: values[key] for key in values if key not in ("id", "created_by", "created_at")})
        ).rowcount == 1

    def agreements(self, scope: Scope) -> list[SiteAgreement]:
        """Those in which a site of the scope takes part, the newest first."""
        rows = self._connection.execute(
            sa.select(t.site_agreement)
            .where(sa.or_(within(scope, t.site_agreement.c.requesting_site_id),
                          within(scope, t.site_agreement.c.reading_site_id)))
            .order_by(t.site_agreement.c.requesting_site_id, t.site_agreement.c.valid_from.desc(),
                      t.site_agreement.c.id))
        return [SiteAgreement(**row._mapping) for row in rows]

    def agreements_of(self, requesting_site_id: str) -> Sequence[SiteAgreement]:
        """What a site has agreed on as the one that asks."""
        rows = self._connection.execute(sa.select(t.site_agreement).where(
            t.site_agreement.c.requesting_site_id == requesting_site_id))
        return [SiteAgreement(**row._mapping) for row in rows]

    def _put(self, table: sa.Table, values: dict[str, Any], *, key: str) -> None:
        changed = {name: value for name, value in values.items() if name != key}
        self._connection.execute(upsert(self._connection, table).values(**values).on_conflict_do_update(
            index_elements=[table.c[key]], set_=changed))


def _profile(row: sa.Row[Any]) -> ReaderProfile:
    return ReaderProfile(
        user_id=row.user_id, grade=Grade(row.grade), modalities=tuple(row.modalities),
        body_parts=tuple(row.body_parts), reads_ecg=bool(row.reads_ecg), site_ids=tuple(row.site_ids),
        max_open=int(row.max_open), home_site_id=row.home_site_id, updated_by=row.updated_by,
        updated_at=row.updated_at)


def _entry(row: Mapping[Any, Any]) -> RosterEntry:
    return RosterEntry(**{**row, "kind": EntryKind(row["kind"]), "revision": int(row["revision"])})


def _swap(row: sa.Row[Any]) -> Swap:
    return Swap(**{**row._mapping, "state": SwapState(row.state)})
