"""Versions of the rules: proposed, in force, superseded, refused. A text never changes.

At most one version is active: a unique index holds that, on both engines, whoever activates at the same time.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.model.rule_versions import RuleState, RuleVersion
from storage.tables.schema import rule_set

_ABOUT = [column for column in rule_set.c if column.name not in ("source", "source_sha256")]
_ACTIVE = rule_set.c.state == RuleState.ACTIVE.value


class RuleVersions:
    """Reached as `tx.rule_versions`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, source: str, *, title: str, state: RuleState, by: str, at: datetime, note: str = "",
            restores: int | None = None, based_on: int | None = None) -> int:
        """Store a text as the next version; returns its number. An active one needs `supersede` before it."""
        row = self._connection.execute(rule_set.insert().values(
            source=source, source_sha256=hashlib.sha256(source.encode()).hexdigest(), title=title,
            state=state.value, proposed_at=at, proposed_by=by, note=note, restores=restores, based_on=based_on,
            activated_at=at if state is RuleState.ACTIVE else None).returning(rule_set.c.version)).one()
        return int(row.version)

    def supersede(self, version: int) -> bool:
        """End this version; False if it is not the one in force any more: somebody else was faster."""
        return self._connection.execute(rule_set.update().where(_ACTIVE, rule_set.c.version == version).values(
            state=RuleState.SUPERSEDED.value)).rowcount == 1

    def approve(self, version: int, *, by: str, at: datetime) -> bool:
        """Put a waiting version into force; False if it does not wait any more. Call `supersede` before."""
        return self._end_waiting(version, state=RuleState.ACTIVE.value, approved_by=by, approved_at=at,
                                 activated_at=at)

    def refuse(self, version: int, *, by: str, at: datetime, reason: str) -> bool:
        """Say no to a waiting version; False if it does not wait any more."""
        return self._end_waiting(version, state=RuleState.REFUSED.value, refused_by=by, refused_at=at,
                                 refused_reason=reason)

    def get(self, version: int) -> RuleVersion | None:
        row = self._connection.execute(sa.select(*_ABOUT).where(rule_set.c.version == version)).one_or_none()
        return None if row is None else _version(row)

    def active(self) -> RuleVersion | None:
        row = self._connection.execute(sa.select(*_ABOUT).where(_ACTIVE)).one_or_none()
        return None if row is None else _version(row)

    def source(self, version: int) -> str | None:
        found: str | None = self._connection.execute(
            sa.select(rule_set.c.source).where(rule_set.c.version == version)).scalar_one_or_none()
        return found

    def list(self, *, limit: int = 1000) -> list[RuleVersion]:
        """Newest first."""
        rows = self._connection.execute(
            sa.select(*_ABOUT).order_by(rule_set.c.version.desc()).limit(limit))
        return [_version(row) for row in rows]

    def _end_waiting(self, version: int, **values: Any) -> bool:
        waits = (rule_set.c.version == version) & (rule_set.c.state == RuleState.AWAITING_APPROVAL.value)
        return self._connection.execute(rule_set.update().where(waits).values(**values)).rowcount == 1


def _version(row: sa.Row[Any]) -> RuleVersion:
    return RuleVersion(
        version=int(row.version), title=row.title, state=RuleState(row.state), proposed_at=row.proposed_at,
        proposed_by=row.proposed_by, note=row.note, activated_at=row.activated_at, approved_at=row.approved_at,
        approved_by=row.approved_by, refused_at=row.refused_at, refused_by=row.refused_by,
        refused_reason=row.refused_reason, restores=row.restores, based_on=row.based_on)
