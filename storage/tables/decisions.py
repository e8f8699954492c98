"""Rule sets and the decisions they made."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from storage.model import Decision, Scope


class Decisions:
    """Versions and decisions are never changed."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add_rule_set(self, source: str, *, by: str, at: datetime) -> int:
        """Store a version and make it the active one; returns its number."""
        raise NotImplementedError

    def active_rule_set(self) -> tuple[int, str] | None:
        """(version, YAML source)."""
        raise NotImplementedError

    def rule_set(self, version: int) -> str | None:
        """The YAML source of a version."""
        raise NotImplementedError

    def rule_sets(self) -> list[tuple[int, datetime, str]]:
        """(version, activated at, by whom), newest first."""
        raise NotImplementedError

    def add(self, decision: Decision) -> None:
        """Store a decision with its reasons."""
        raise NotImplementedError

    def get(self, decision_id: str) -> Decision | None:
        """One decision; check the scope of its study first."""
        raise NotImplementedError

    def of_study(self, study_id: str, scope: Scope) -> list[Decision]:
        """Newest first."""
        raise NotImplementedError
