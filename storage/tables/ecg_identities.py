"""ECGs that named no patient when they came, and what became of that."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.model import Scope
from storage.model.ecg_intake import EcgIdentity, IdentityState
from storage.tables.schema import ecg_identity as table
from storage.tables.schema import study
from storage.tables.scoping import within
from storage.tables.upserts import add_if_absent


class EcgIdentities:
    """One row a study; the study itself carries the patient that is in force."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, identity: EcgIdentity) -> bool:
        """Put an ECG among those of nobody. False if it is there already."""
        return add_if_absent(self._connection, table, dataclasses.asdict(identity)
                             | {"state": identity.state.value})

    def of_study(self, study_id: str) -> EcgIdentity | None:
        """What is known of one."""
        row = self._connection.execute(sa.select(table).where(table.c.study_id == study_id)).first()
        return None if row is None else _identity(row)

    def waiting(self, scope: Scope, *, limit: int) -> tuple[list[str], int]:
        """Studies whose patient nobody knows, the newest first, and how many there are in all."""
        joined = table.join(study, study.c.id == table.c.study_id)
        condition = sa.and_(table.c.state == IdentityState.WAITING.value, within(scope, study.c.site_id))
        total = self._connection.scalar(sa.select(sa.func.count()).select_from(joined).where(condition)) or 0
        rows = self._connection.execute(
            sa.select(table.c.study_id).select_from(joined).where(condition)
            .order_by(table.c.arrived_at.desc(), table.c.study_id).limit(limit))
        return list(rows.scalars()), int(total)

    def settle(self, study_id: str, state: IdentityState, *, at: datetime | None, by: str, reason: str,
               was: IdentityState) -> bool:
        """Say what became of it. False if somebody was faster."""
        done = self._connection.execute(
            sa.update(table).where(table.c.study_id == study_id, table.c.state == was.value)
            .values(state=state.value, settled_at=at, settled_by=by, reason=reason))
        return done.rowcount == 1

    def set_patient(self, study_id: str, patient_key: str, *, age_years: float | None) -> None:
        """The study is of this patient now."""
        self._connection.execute(sa.update(study).where(study.c.id == study_id)
                                 .values(patient_key=patient_key, age_years=age_years))


def _identity(row: sa.Row[Any]) -> EcgIdentity:
    return EcgIdentity(**dict(row._mapping) | {"state": IdentityState(row.state)})
