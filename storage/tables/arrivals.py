"""Arrivals: everything that came in, with its outcome; the quarantine is a part of it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from storage.model import Arrival, Scope


class Arrivals:
    """Append-only, but for the resolution of a quarantined one."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, arrival: Arrival) -> None:
        """Remember an arrival."""
        raise NotImplementedError

    def get(self, arrival_id: str, scope: Scope) -> Arrival | None:
        """One arrival, if the scope may see it."""
        raise NotImplementedError

    def of_study(self, study_id: str, scope: Scope) -> list[Arrival]:
        """In the order they came."""
        raise NotImplementedError

    def quarantine(self, scope: Scope, *, include_resolved: bool = False, limit: int = 500) -> list[Arrival]:
        """Conflict and quarantined arrivals, newest first."""
        raise NotImplementedError

    def resolve(self, arrival_id: str, user_id: str, at: datetime, scope: Scope) -> bool:
        """Mark as dealt with; nothing is deleted by that."""
        raise NotImplementedError
