"""Notices: what a person was told, and whether they have looked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.model import Priority, ReadingState, Scope
from storage.model.clocks import Notice, NoticeKind, Stage
from storage.tables import schema as t
from storage.tables.schema import notice as table
from storage.tables.scoping import within
from storage.tables.upserts import upsert

_NAMES = tuple(column.name for column in table.c)


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """A notice with what a screen needs beside it: which study, without the patient's name."""

    notice: Notice
    site_name: str
    modality: str
    body_part: str
    accession_number: str
    priority: Priority
    state: ReadingState
    due_at: datetime


class Notices:
    """Each person sees their own, and only of sites that they may still see."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, notices: Sequence[Notice]) -> None:
        """Say something; the same thing to the same person is said once."""
        if notices:
            self._connection.execute(upsert(self._connection, table).on_conflict_do_nothing(),
                                     [_values(notice) for notice in notices])

    def of_user(self, user_id: str, scope: Scope, *, since: datetime, limit: int) -> list[NoticeLine]:
        """Newest first."""
        rows = self._connection.execute(
            sa.select(*_columns(), t.site.c.name.label("site_name"), t.study.c.modality, t.study.c.body_part,
                      t.study.c.accession_number, t.reading.c.priority, t.reading.c.state, t.reading.c.due_at)
            .select_from(table.join(t.study, t.study.c.id == table.c.study_id)
                         .join(t.reading, t.reading.c.id == table.c.reading_id)
                         .outerjoin(t.site, t.site.c.id == t.study.c.site_id))
            .where(table.c.user_id == user_id, table.c.at >= since, within(scope, t.study.c.site_id))
            .order_by(table.c.at.desc(), table.c.id.desc()).limit(limit)).mappings()
        return [NoticeLine(_notice(row), row["site_name"] or "", row["modality"], row["body_part"],
                           row["accession_number"], Priority(row["priority"]), ReadingState(row["state"]),
                           row["due_at"]) for row in rows]

    def count_unread(self, user_id: str, scope: Scope, *, since: datetime) -> int:
        """How many readings have something that the person has not looked at."""
        return int(self._connection.scalar(
            sa.select(sa.func.count(table.c.reading_id.distinct()))
            .select_from(table.join(t.study, t.study.c.id == table.c.study_id))
            .where(table.c.user_id == user_id, table.c.at >= since, table.c.read_at.is_(None),
                   within(scope, t.study.c.site_id))) or 0)

    def mark_read(self, user_id: str, *, at: datetime, reading_id: str = "", until: datetime | None = None) -> int:
        """The person has looked: at everything (up to a moment), or at what was said about one reading."""
        where = [table.c.user_id == user_id, table.c.read_at.is_(None)]
        if reading_id:
            where.append(table.c.reading_id == reading_id)
        if until is not None:
            where.append(table.c.at <= until)
        return self._connection.execute(sa.update(table).where(*where).values(read_at=at)).rowcount

    def of_reading(self, reading_id: str) -> list[Notice]:
        """Everything that was said about it, oldest first; check the scope of the reading first."""
        rows = self._connection.execute(sa.select(*_columns())
                                        .where(table.c.reading_id == reading_id)
                                        .order_by(table.c.at, table.c.id)).mappings()
        return [_notice(row) for row in rows]

    def remove(self, *, before: datetime) -> int:
        """Forget old ones; the audit trail keeps what happened."""
        return self._connection.execute(sa.delete(table).where(table.c.at < before)).rowcount


def _columns() -> list[sa.Label[Any]]:
    return [column.label(f"notice_{column.name}") for column in table.c]


def _values(notice: Notice) -> dict[str, Any]:
    return {name: getattr(notice, name) for name in _NAMES} | {
        "kind": notice.kind.value, "stage": notice.stage.value if notice.stage else ""}


def _notice(row: sa.RowMapping) -> Notice:
    fields = {column.name: row[f"notice_{column.name}"] for column in table.c}
    stage = fields["stage"]
    return Notice(**{**fields, "kind": NoticeKind(fields["kind"]), "stage": Stage(stage) if stage else None})
