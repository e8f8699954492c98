"""Clocks of readings and the timers that fire them.

A timer is due work that is locked for the length of one transaction and never leased: what fires and the note that
it fired are one commit, so a process that dies leaves it due, and free, at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from storage.model import Reading
from storage.model.clocks import ReadingClock, ReadingTimer, Stage
from storage.tables.prepared import Prepared
from storage.tables.readings import reading_of
from storage.tables.schema import reading, reading_clock, reading_timer
from storage.tables.upserts import insert_for

# Not `asdict`, which copies as deep as it goes: a thousand timers may fire in one second.
_CLOCK_NAMES = tuple(column.name for column in reading_clock.c)
_TIMER_NAMES = tuple(column.name for column in reading_timer.c)
_IS_RUNNING = sa.and_(reading_clock.c.met_at.is_(None), reading_clock.c.stopped_at.is_(None))


def _putting(dialect: str, *, table: sa.Table) -> sa.Insert:
    """Add a row, or write it over the one with its key."""
    insert = insert_for(dialect, table)
    return insert.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={column.name: insert.excluded[column.name] for column in table.c if not column.primary_key})


_PUT_CLOCK = Prepared(partial(_putting, table=reading_clock))
_PUT_TIMER = Prepared(partial(_putting, table=reading_timer))


class Clocks:
    """One clock a stage and one timer a reading; whoever changes a clock sets the timer in the same transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    # ----------------------------------------------------------------------------------------------------- clocks
    def put(self, clocks: Sequence[ReadingClock]) -> None:
        """Add or replace clocks."""
        _PUT_CLOCK.run_many(self._connection, [_clock_values(clock) for clock in clocks])

    def of_reading(self, reading_id: str) -> list[ReadingClock]:
        """In the order of the stages; check the scope of its reading first."""
        return self.of_readings([reading_id]).get(reading_id, [])

    def of_readings(self, reading_ids: Iterable[str]) -> dict[str, list[ReadingClock]]:
        """Those of a page of a list, by reading."""
        rows = self._connection.execute(sa.select(reading_clock).where(
            reading_clock.c.reading_id.in_(list(reading_ids))))
        found: dict[str, list[ReadingClock]] = {}
        for row in rows:
            found.setdefault(row.reading_id, []).append(_clock(row))
        order = {stage: place for place, stage in enumerate(Stage)}
        return {key: sorted(clocks, key=lambda clock: order[clock.stage]) for key, clocks in found.items()}

    def meet(self, reading_id: str, stage: Stage, *, at: datetime) -> bool:
        """The stage is done. False where it was not running."""
        return self._connection.execute(sa.update(reading_clock).where(
            reading_clock.c.reading_id == reading_id, reading_clock.c.stage == stage.value,
            _IS_RUNNING).values(met_at=at)).rowcount == 1

    def stop(self, reading_id: str, *, at: datetime) -> int:
        """Nobody waits for any of its stages any more; returns how many were running."""
        return self._connection.execute(sa.update(reading_clock).where(
            reading_clock.c.reading_id == reading_id, _IS_RUNNING).values(stopped_at=at)).rowcount

    # ----------------------------------------------------------------------------------------------------- timers
    def put_timers(self, timers: Sequence[ReadingTimer]) -> None:
        """Add or replace the timers of readings."""
        _PUT_TIMER.run_many(self._connection,
                            [{name: getattr(timer, name) for name in _TIMER_NAMES} for timer in timers])

    def timer(self, reading_id: str) -> ReadingTimer | None:
        """Locked until the transaction ends, so that it is set by one at a time; take it before its clocks."""
        row = self._connection.execute(sa.select(reading_timer).where(
            reading_timer.c.reading_id == reading_id).with_for_update()).first()
        return None if row is None else ReadingTimer(**row._mapping)

    def due_timers(self, now: datetime, *, limit: int, reading_id: str = "") -> list[tuple[ReadingTimer, Reading]]:
        """The earliest that are due (or this one), with their readings, both locked until the transaction ends.

        What another process is working at is passed over, and so is a reading that somebody is changing: neither
        waits for the other.
        """
        columns = [*(column.label(f"timer_{column.name}") for column in reading_timer.c), *reading.c]
        where = [reading_timer.c.next_at <= now]
        if reading_id:
            where.append(reading_timer.c.reading_id == reading_id)
        rows = self._connection.execute(
            sa.select(*columns)
            .join_from(reading_timer, reading, reading.c.id == reading_timer.c.reading_id).where(*where)
            .order_by(reading_timer.c.next_at, reading_timer.c.reading_id)
            .limit(limit).with_for_update(skip_locked=True)).all()
        return [(ReadingTimer(**{column.name: row._mapping[f"timer_{column.name}"] for column in reading_timer.c}),
                 reading_of(row)) for row in rows]

    def due_readings(self, now: datetime, *, limit: int) -> list[tuple[str, int]]:
        """Readings whose timers are due, the earliest first, and how often each failed; nothing is locked."""
        rows = self._connection.execute(
            sa.select(reading_timer.c.reading_id, reading_timer.c.attempts).where(reading_timer.c.next_at <= now)
            .order_by(reading_timer.c.next_at, reading_timer.c.reading_id).limit(limit))
        return [(row.reading_id, int(row.attempts)) for row in rows]

    def next_timer(self) -> datetime | None:
        """When the earliest is due."""
        return self._connection.execute(sa.select(sa.func.min(reading_timer.c.next_at))).scalar()

    def late_timers(self, *, due_before: datetime) -> int:
        """How many should have fired by then."""
        return int(self._connection.scalar(sa.select(sa.func.count()).select_from(reading_timer).where(
            reading_timer.c.next_at < due_before)) or 0)

    def put_off(self, reading_id: str, *, until: datetime, why: str) -> None:
        """It could not be fired: try again then, and say why."""
        self._connection.execute(sa.update(reading_timer).where(reading_timer.c.reading_id == reading_id).values(
            next_at=until, attempts=reading_timer.c.attempts + 1, last_error=why))


def _clock_values(clock: ReadingClock) -> dict[str, Any]:
    return {name: getattr(clock, name) for name in _CLOCK_NAMES} | {"stage": clock.stage.value}


def _clock(row: sa.Row[Any]) -> ReadingClock:
    return ReadingClock(**{**row._mapping, "stage": Stage(row.stage)})
