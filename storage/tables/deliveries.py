"""Deliveries of signed reports, one per report and destination."""

from __future__ import annotations

import sqlalchemy as sa

from storage.model import Delivery, Scope


class Deliveries:
    """Sent, accepted, opened and acknowledged are four different times."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, delivery: Delivery) -> None:
        """Queue one."""
        raise NotImplementedError

    def get(self, delivery_id: str, scope: Scope) -> Delivery | None:
        """One delivery."""
        raise NotImplementedError

    def of_study(self, study_id: str, scope: Scope) -> list[Delivery]:
        """Newest report first."""
        raise NotImplementedError

    def of_report(self, report_id: str, scope: Scope) -> list[Delivery]:
        """All destinations of a report."""
        raise NotImplementedError

    def replace(self, delivery: Delivery) -> None:
        """Write all fields."""
        raise NotImplementedError

    def waiting(self, scope: Scope, limit: int = 500) -> list[Delivery]:
        """Not yet accepted, oldest first, for the queue page."""
        raise NotImplementedError
