"""Studies on their way to destinations that rules name, and the objects that still have to go."""

from __future__ import annotations

import dataclasses
from typing import Any

import sqlalchemy as sa

from storage.model import InstanceFormat, Scope
from storage.model.forwards import Forward, ForwardState
from storage.tables import schema as t
from storage.tables.query_retrieve import RetrievableObject
from storage.tables.scoping import within
from storage.tables.upserts import add_if_absent


class Forwards:
    """One row per study and destination, for good: that is why nothing is forwarded twice."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, forward: Forward) -> bool:
        """False if the study has been on its way to this destination before."""
        return add_if_absent(self._connection, t.forward, _row(forward))

    def get(self, forward_id: str) -> Forward | None:
        """One of them; for the job alone, which acts for nobody."""
        row = self._connection.execute(sa.select(t.forward).where(t.forward.c.id == forward_id)).first()
        return None if row is None else _forward(row)

    def to(self, study_id: str, destination_id: str) -> Forward | None:
        """The way of a study to a destination."""
        row = self._connection.execute(sa.select(t.forward).where(
            t.forward.c.study_id == study_id, t.forward.c.destination_id == destination_id)).first()
        return None if row is None else _forward(row)

    def of_study(self, study_id: str, scope: Scope) -> list[Forward]:
        """All ways of a study, the first first."""
        rows = self._connection.execute(
            sa.select(t.forward).join(t.study, t.study.c.id == t.forward.c.study_id)
            .where(t.forward.c.study_id == study_id, within(scope, t.study.c.site_id))
            .order_by(t.forward.c.queued_at, t.forward.c.id))
        return [_forward(row) for row in rows]

    def replace(self, forward: Forward) -> None:
        """Write all fields."""
        self._connection.execute(sa.update(t.forward).values(**_row(forward)).where(t.forward.c.id == forward.id))

    def objects_of(self, study_id: str) -> list[RetrievableObject]:
        """The DICOM objects of a study, series by series."""
        rows = self._connection.execute(
            sa.select(t.study.c.id, t.study.c.site_id, t.study.c.patient_key, t.instance.c.sop_instance_uid,
                      t.instance.c.sop_class_uid, t.instance.c.transfer_syntax_uid, t.instance.c.object_sha256)
            .select_from(t.instance.join(t.study, t.study.c.id == t.instance.c.study_id))
            .where(t.instance.c.study_id == study_id, t.instance.c.format == InstanceFormat.DICOM)
            .order_by(t.instance.c.series_id, t.instance.c.number, t.instance.c.id))
        return [RetrievableObject(*row) for row in rows]


def _row(forward: Forward) -> dict[str, Any]:
    return dataclasses.asdict(forward) | {"state": forward.state.value, "kept_uids": list(forward.kept_uids)}


def _forward(row: sa.Row[Any]) -> Forward:
    values = dict(row._mapping)
    return Forward(**values | {"state": ForwardState(row.state), "kept_uids": tuple(row.kept_uids)})
