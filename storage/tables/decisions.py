"""Rule sets and the decisions they made."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.model import Decision, Priority, Scope
from storage.model.rule_versions import RuleState
from storage.tables.packed_reasons import packed, unpacked
from storage.tables.prepared import Prepared
from storage.tables.rule_versions import RuleVersions
from storage.tables.schema import decision, rule_set, study

_NEWEST_FIRST = sa.select(decision).order_by(decision.c.at.desc(), decision.c.id.desc())

# Built once: every decision runs these.
_IS_ACTIVE = rule_set.c.state == RuleState.ACTIVE.value
_ACTIVE = Prepared(sa.select(rule_set.c.version, rule_set.c.source).where(_IS_ACTIVE))
_ACTIVE_VERSION = Prepared(sa.select(rule_set.c.version).where(_IS_ACTIVE))
_ADD = Prepared(sa.insert(decision))


class Decisions:
    """Versions and decisions are never changed."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add_rule_set(self, source: str, *, by: str, at: datetime, title: str = "") -> int:
        """Store a text as the next version and make it the active one; returns its number."""
        versions = RuleVersions(self._connection)
        active = versions.active()
        if active is not None:
            versions.supersede(active.version)
        return versions.add(source, title=title, state=RuleState.ACTIVE, by=by, at=at,
                            based_on=active.version if active is not None else None)

    def active_rule_set(self) -> tuple[int, str] | None:
        """(version, YAML source)."""
        row = _ACTIVE.first(self._connection, {})
        return None if row is None else (int(row["version"]), str(row["source"]))

    def active_version(self) -> int:
        """Its number alone; 0 where there is none."""
        row = _ACTIVE_VERSION.first(self._connection, {})
        return 0 if row is None else int(row["version"])

    def rule_set(self, version: int) -> str | None:
        """The YAML source of a version."""
        return RuleVersions(self._connection).source(version)

    def rule_sets(self) -> list[tuple[int, datetime, str]]:
        """(version, activated at, by whom) of those that are or were in force, newest first."""
        return [(found.version, found.activated_at, found.proposed_by)
                for found in RuleVersions(self._connection).list() if found.activated_at is not None]

    def add(self, made: Decision) -> None:
        """Store a decision with its reasons."""
        _ADD.run(self._connection, {
            "id": made.id, "study_id": made.study_id, "at": made.at, "rules_version": made.rules_version,
            "priority": made.priority.value, "duty_group": made.group, "reader_id": made.reader_id,
            "due_at": made.due_at, "tags": list(made.tags), "because": packed(made.because), "facts": made.facts,
            "hints": made.hints, "outcome": made.outcome, "inputs": made.inputs})

    def get(self, decision_id: str) -> Decision | None:
        """One decision; check the scope of its study first."""
        row = self._connection.execute(sa.select(decision).where(decision.c.id == decision_id)).one_or_none()
        return None if row is None else _decision(row)

    def newest(self, study_id: str) -> Decision | None:
        """The last one about a study; check the scope of the study first."""
        row = self._connection.execute(_NEWEST_FIRST.where(decision.c.study_id == study_id).limit(1)).one_or_none()
        return None if row is None else _decision(row)

    def of_study(self, study_id: str, scope: Scope) -> list[Decision]:
        """Newest first."""
        query = _NEWEST_FIRST.where(decision.c.study_id == study_id)
        if scope.site_ids is not None:
            query = query.join(study, study.c.id == decision.c.study_id).where(study.c.site_id.in_(scope.site_ids))
        return [_decision(row) for row in self._connection.execute(query)]


def _decision(row: sa.Row[Any]) -> Decision:
    return Decision(
        id=row.id, study_id=row.study_id, at=row.at, rules_version=int(row.rules_version),
        priority=Priority(row.priority), group=row.duty_group, reader_id=row.reader_id, due_at=row.due_at,
        tags=tuple(row.tags), because=unpacked(row.because), facts=row.facts, hints=row.hints or [],
        outcome=row.outcome or {}, inputs=row.inputs or {})
