"""ECG files that no reader knows: those that lie in quarantine, and those that somebody has bound to a patient."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.model import Arrival, ArrivalOutcome, ArrivalVia, Scope
from storage.model.ecg_intake import UnreadEcg
from storage.tables.schema import arrival
from storage.tables.schema import unread_ecg as table
from storage.tables.scoping import within
from storage.tables.upserts import upsert

READ = "read"
_WAYS = tuple(via.value for via in (ArrivalVia.ECG_UPLOAD, ArrivalVia.ECG_FOLDER, ArrivalVia.HL7))
_OF_A_MESSAGE = "hl7-"                   # so begin the reasons of whole messages; those are no ECG files


class UnreadEcgs:
    """Bound files are rows of their own; what nobody bound is an arrival of the quarantine."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def attach(self, unread: UnreadEcg) -> None:
        """Bind a file, or bind it anew."""
        values = dataclasses.asdict(unread)
        self._connection.execute(
            upsert(self._connection, table).values(**values).on_conflict_do_update(
                index_elements=[table.c.arrival_id], set_={k: v for k, v in values.items() if k != "arrival_id"}))

    def detach(self, arrival_id: str) -> bool:
        """It is nobody's again. True if it was bound and not yet read."""
        return self._connection.execute(
            sa.delete(table).where(table.c.arrival_id == arrival_id, table.c.result != READ)).rowcount == 1

    def of_arrival(self, arrival_id: str) -> UnreadEcg | None:
        """The binding of one file."""
        row = self._connection.execute(sa.select(table).where(table.c.arrival_id == arrival_id)).first()
        return None if row is None else UnreadEcg(**row._mapping)

    def to_try(self, known: str, *, limit: int) -> list[str]:
        """Bound files that were never tried with this set of formats."""
        rows = self._connection.execute(
            sa.select(table.c.arrival_id).where(table.c.result != READ, table.c.tried_with != known)
            .order_by(table.c.attached_at, table.c.arrival_id).limit(limit))
        return list(rows.scalars())

    def note_try(self, arrival_id: str, *, known: str, at: datetime, result: str,
                 study_id: str | None = None) -> None:
        """What came of reading it again."""
        values: dict[str, Any] = {"tried_with": known, "tried_at": at, "result": result}
        if study_id is not None:
            values["study_id"] = study_id
        self._connection.execute(sa.update(table).where(table.c.arrival_id == arrival_id).values(**values))

    def files(self, scope: Scope, *, state: str, limit: int) -> tuple[list[tuple[Arrival, UnreadEcg | None]], int]:
        """ECG files in quarantine: "waiting" for somebody, "kept" for later, or "read" since; the newest first."""
        joined = arrival.outerjoin(table, table.c.arrival_id == arrival.c.id)
        where = [arrival.c.outcome == ArrivalOutcome.QUARANTINED.value, arrival.c.via.in_(_WAYS),
                 ~arrival.c.reason.startswith(_OF_A_MESSAGE), within(scope, arrival.c.site_id)]
        if state == "waiting":
            where += [table.c.arrival_id.is_(None), arrival.c.resolved_at.is_(None)]
        elif state == "kept":
            where += [table.c.arrival_id.is_not(None), table.c.result != READ]
        else:
            where += [table.c.result == READ]
        total = self._connection.scalar(sa.select(sa.func.count()).select_from(joined).where(*where)) or 0
        labelled = [column.label(f"unread_{column.name}") for column in table.c]
        rows = self._connection.execute(
            sa.select(arrival, *labelled).select_from(joined).where(*where)
            .order_by(arrival.c.at.desc(), arrival.c.id.desc()).limit(limit))
        return [_file(row) for row in rows], int(total)


def _file(row: sa.Row[Any]) -> tuple[Arrival, UnreadEcg | None]:
    values = dict(row._mapping)
    of_arrival = {column.name: values[column.name] for column in arrival.c}
    found = Arrival(**of_arrival | {"via": ArrivalVia(values["via"]), "outcome": ArrivalOutcome(values["outcome"])})
    if values["unread_arrival_id"] is None:
        return found, None
    return found, UnreadEcg(**{column.name: values[f"unread_{column.name}"] for column in table.c})
