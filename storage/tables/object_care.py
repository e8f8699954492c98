"""What is known of each object's safety: when its bytes were last checked, and where its second copy stands.

Receiving writes nothing here. Rows are made afterwards by `enrol`, from the objects that the index promises, so that
the hot path pays nothing for them; the intake of each day is counted in the same write, each object once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from storage.model import CareCounts, CheckState, CopyState, DayOfIntake, ObjectCare
from storage.tables.schema import intake_day, keeping_note, stored_object
from storage.tables.schema import object_care as care
from storage.tables.upserts import add_if_absent, upsert

_BAD = (CheckState.DAMAGED.value, CheckState.MISSING.value)
_AT_ONCE = 400                           # values of one IN
StoredSince = tuple[str, int, datetime]
"""Hash, size in bytes and time of an object that has no row here yet."""


class ObjectsInCare:
    """One row an object, made by `enrol`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    # ------------------------------------------------------------------------------------------------- enrolling
    def without_care(self, *, stored_since: datetime | None = None, after: str = "",
                     limit: int = _AT_ONCE) -> list[StoredSince]:
        """Objects without a row: those stored since a time, in that order, or (None) all of them by hash."""
        o = stored_object
        wanted = (sa.select(o.c.sha256, o.c.size_bytes, o.c.stored_at)
                  .join(care, care.c.sha256 == o.c.sha256, isouter=True).where(care.c.sha256.is_(None)).limit(limit))
        if stored_since is None:
            wanted = wanted.where(o.c.sha256 > after).order_by(o.c.sha256)
        else:
            wanted = wanted.where(o.c.stored_at >= stored_since).order_by(o.c.stored_at)
        return [(row.sha256, row.size_bytes, row.stored_at) for row in self._connection.execute(wanted)]

    def named_without_care(self, sha256s: Sequence[str]) -> list[StoredSince]:
        """Which of these objects have no row yet."""
        o = stored_object
        found: list[StoredSince] = []
        for start in range(0, len(sha256s), _AT_ONCE):
            rows = self._connection.execute(
                sa.select(o.c.sha256, o.c.size_bytes, o.c.stored_at)
                .join(care, care.c.sha256 == o.c.sha256, isouter=True)
                .where(o.c.sha256.in_(sha256s[start:start + _AT_ONCE]), care.c.sha256.is_(None)))
            found += [(row.sha256, row.size_bytes, row.stored_at) for row in rows]
        return found

    def enrol(self, found: Sequence[StoredSince], *, zone: ZoneInfo, has_second_copy: bool) -> int:
        """Take objects into care and count them to their day; returns how many were new."""
        copy_state = CopyState.WAITING if has_second_copy else CopyState.NONE
        new = [(size_bytes, at) for sha256, size_bytes, at in found if add_if_absent(self._connection, care, {
            "sha256": sha256, "size_bytes": size_bytes, "state": CheckState.UNCHECKED.value, "checked_at": at,
            "copy_state": copy_state.value, "copy_due": at if has_second_copy else None})]
        self._count(new, zone)
        return len(new)

    def forget(self, sha256: str, *, zone: ZoneInfo, stored_at: datetime) -> None:
        """The object was deleted for good: it counts no longer."""
        row = self._connection.execute(sa.delete(care).where(care.c.sha256 == sha256)
                                       .returning(care.c.size_bytes)).first()
        if row is not None:
            self._connection.execute(
                sa.update(intake_day).where(intake_day.c.day == stored_at.astimezone(zone).date())
                .values(removed_objects=intake_day.c.removed_objects + 1,
                        removed_bytes=intake_day.c.removed_bytes + row.size_bytes))

    def _count(self, new: Sequence[tuple[int, datetime]], zone: ZoneInfo) -> None:
        days: dict[date, tuple[int, int]] = {}
        for size_bytes, at in new:
            day = at.astimezone(zone).date()
            count, total = days.get(day, (0, 0))
            days[day] = count + 1, total + size_bytes
        for day, (count, total) in sorted(days.items()):
            statement = upsert(self._connection, intake_day).values(day=day, objects=count, size_bytes=total)
            self._connection.execute(statement.on_conflict_do_update(
                index_elements=[intake_day.c.day],
                set_={"objects": intake_day.c.objects + count, "size_bytes": intake_day.c.size_bytes + total}))

    # ---------------------------------------------------------------------------------------------------- looking
    def get(self, sha256: str) -> ObjectCare | None:
        """What is known of one object; None before it is enrolled."""
        row = self._connection.execute(sa.select(care).where(care.c.sha256 == sha256)).first()
        return None if row is None else _care(row)

    def get_many(self, sha256s: Sequence[str]) -> dict[str, ObjectCare]:
        """The same for many."""
        found: dict[str, ObjectCare] = {}
        for start in range(0, len(sha256s), _AT_ONCE):
            rows = self._connection.execute(sa.select(care).where(care.c.sha256.in_(sha256s[start:start + _AT_ONCE])))
            found.update((row.sha256, _care(row)) for row in rows)
        return found

    def kept_since(self, sha256s: Sequence[str]) -> dict[str, datetime]:
        """Which of these the index promises, and since when."""
        o, found = stored_object, dict[str, datetime]()
        for start in range(0, len(sha256s), _AT_ONCE):
            rows = self._connection.execute(
                sa.select(o.c.sha256, o.c.stored_at).where(o.c.sha256.in_(sha256s[start:start + _AT_ONCE])))
            found.update((row.sha256, row.stored_at) for row in rows)
        return found

    def intake(self, since: date) -> list[DayOfIntake]:
        """What came on each day that brought something, oldest first."""
        rows = self._connection.execute(sa.select(intake_day).where(intake_day.c.day >= since)
                                        .order_by(intake_day.c.day))
        return [DayOfIntake(row.day, row.objects, row.size_bytes) for row in rows]

    def first_day(self) -> date | None:
        """The day of the first object."""
        return self._connection.execute(sa.select(sa.func.min(intake_day.c.day))).scalar()

    def total(self) -> tuple[int, int]:
        """Objects and bytes kept, from the days' sums: cheap however many objects there are."""
        d, zero = intake_day.c, sa.func.coalesce
        row = self._connection.execute(sa.select(
            zero(sa.func.sum(d.objects - d.removed_objects), 0),
            zero(sa.func.sum(d.size_bytes - d.removed_bytes), 0))).one()
        return int(row[0]), int(row[1])

    def counts(self) -> CareCounts:
        """For the page and the gauges; counts only what is out of the ordinary, by index."""
        objects, size_bytes = self.total()
        states: dict[str, int] = {row[0]: row[1] for row in self._connection.execute(
            sa.select(care.c.state, sa.func.count()).where(care.c.state != CheckState.SOUND.value)
            .group_by(care.c.state))}
        is_waiting = care.c.copy_state == CopyState.WAITING.value
        waiting, waiting_bytes = self._connection.execute(
            sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(care.c.size_bytes), 0))
            .where(is_waiting)).one()
        failing = self._connection.scalar(
            sa.select(sa.func.count()).select_from(care).where(is_waiting, care.c.copy_attempts > 0))
        oldest_waiting = self._connection.scalar(
            sa.select(sa.func.min(stored_object.c.stored_at))
            .join(care, care.c.sha256 == stored_object.c.sha256).where(is_waiting))
        return CareCounts(
            objects, size_bytes, int(states.get(CheckState.UNCHECKED.value, 0)),
            int(states.get(CheckState.DAMAGED.value, 0)), int(states.get(CheckState.MISSING.value, 0)),
            self._oldest_check(), int(waiting), int(waiting_bytes), int(failing or 0), oldest_waiting)

    def bad(self, limit: int = 200) -> list[ObjectCare]:
        """Damaged and missing ones."""
        rows = self._connection.execute(sa.select(care).where(care.c.state.in_(_BAD))
                                        .order_by(care.c.state, care.c.checked_at).limit(limit))
        return [_care(row) for row in rows]

    # --------------------------------------------------------------------------------------------------- checking
    def to_check(self, *, sound_before: datetime, bad_before: datetime, limit: int) -> list[ObjectCare]:
        """What is due to be re-hashed: never checked ones first, then the longest unchecked, oldest first."""
        found: list[ObjectCare] = []
        for state, before in ((CheckState.UNCHECKED, None), (CheckState.DAMAGED, bad_before),
                              (CheckState.MISSING, bad_before), (CheckState.SOUND, sound_before)):
            if len(found) >= limit:
                break
            wanted = sa.select(care).where(care.c.state == state.value)
            if before is not None:
                wanted = wanted.where(care.c.checked_at < before)
            rows = self._connection.execute(wanted.order_by(care.c.checked_at).limit(limit - len(found)))
            found += [_care(row) for row in rows]
        return found

    def note_check(self, sha256: str, state: CheckState, *, at: datetime, sm3: str = "") -> CheckState | None:
        """Write down what a check found; returns the state before it, None if the object is not in care."""
        before = self._connection.scalar(sa.select(care.c.state).where(care.c.sha256 == sha256).with_for_update())
        if before is None:
            return None
        values: dict[str, Any] = {"state": state.value, "checked_at": at}
        if sm3:
            values["sm3"] = sm3
        self._connection.execute(sa.update(care).where(care.c.sha256 == sha256).values(**values))
        return CheckState(before)

    def note_sound(self, sm3_of: Mapping[str, str], *, at: datetime) -> None:
        """These were read back and are sound, each with the SM3 that was found ("" where it was known before)."""
        for has_sm3 in (False, True):
            rows = [{"of_object": sha256, "new_sm3": sm3} for sha256, sm3 in sm3_of.items() if bool(sm3) is has_sm3]
            statement = sa.update(care).where(care.c.sha256 == sa.bindparam("of_object")).values(
                state=CheckState.SOUND.value, checked_at=sa.bindparam("now", at, care.c.checked_at.type))
            if has_sm3:
                statement = statement.values(sm3=sa.bindparam("new_sm3"))
            else:
                rows = [{"of_object": row["of_object"]} for row in rows]
            if rows:
                self._connection.execute(statement, [row | {"now": at} for row in rows])

    # --------------------------------------------------------------------------------------------------- copying
    def to_copy(self, *, now: datetime, limit: int) -> list[ObjectCare]:
        """What waits for its second copy and may be tried now."""
        rows = self._connection.execute(
            sa.select(care).where(care.c.copy_state == CopyState.WAITING.value, care.c.copy_due <= now)
            .order_by(care.c.copy_due).limit(limit))
        return [_care(row) for row in rows]

    def next_copy_due(self) -> datetime | None:
        """When the next try falls due."""
        due: datetime | None = self._connection.scalar(
            sa.select(sa.func.min(care.c.copy_due)).where(care.c.copy_state == CopyState.WAITING.value))
        return due

    def note_copied(self, sha256s: Sequence[str], at: datetime) -> None:
        """Their hashes were verified at the destination."""
        self._connection.execute(sa.update(care).where(care.c.sha256.in_(sha256s)).values(
            copy_state=CopyState.COPIED.value, copied_at=at, copy_due=None, copy_attempts=0, copy_error=""))

    def note_copy_failed(self, sha256: str, *, due: datetime, why: str) -> None:
        """Try again at `due`; also for a copy that was found lost or damaged."""
        self._connection.execute(sa.update(care).where(care.c.sha256 == sha256).values(
            copy_state=CopyState.WAITING.value, copied_at=None, copy_due=due,
            copy_attempts=care.c.copy_attempts + 1, copy_error=why[:300]))

    def expect_copies(self, *, due: datetime | None) -> int:
        """Everything waits for a second copy (a new destination), or (None) nothing does any more."""
        state = CopyState.NONE if due is None else CopyState.WAITING
        return self._connection.execute(
            sa.update(care).where(care.c.copy_state != state.value if due is None else sa.true())
            .values(copy_state=state.value, copied_at=None, copy_due=due, copy_attempts=0, copy_error="")).rowcount

    # ----------------------------------------------------------------------------------------------------- notes
    def note(self, name: str) -> str:
        """A word that was left under this name; "" if none was."""
        return self._connection.scalar(sa.select(keeping_note.c.value).where(keeping_note.c.name == name)) or ""

    def set_note(self, name: str, value: str) -> None:
        """Leave a word for later."""
        statement = upsert(self._connection, keeping_note).values(name=name, value=value)
        self._connection.execute(statement.on_conflict_do_update(index_elements=[keeping_note.c.name],
                                                                 set_={"value": value}))

    def _oldest_check(self) -> datetime | None:
        oldest = sa.select(sa.func.min(care.c.checked_at))       # state by state: so the index answers
        found = [self._connection.scalar(oldest.where(care.c.state == state.value)) for state in CheckState]
        return min((at for at in found if at is not None), default=None)


def _care(row: sa.Row[Any]) -> ObjectCare:
    return ObjectCare(row.sha256, row.size_bytes, row.sm3, CheckState(row.state), row.checked_at,
                      CopyState(row.copy_state), row.copy_due, row.copied_at, row.copy_attempts, row.copy_error)
