"""Report versions. A signed one never changes."""

from __future__ import annotations

import sqlalchemy as sa

from storage.model import Report, Scope


class Reports:
    """Drafts are replaced in place; every signed version stays."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, report: Report) -> None:
        """A new version."""
        raise NotImplementedError

    def get(self, report_id: str, scope: Scope) -> Report | None:
        """One version."""
        raise NotImplementedError

    def latest(self, reading_id: str, scope: Scope) -> Report | None:
        """The newest version, signed or not."""
        raise NotImplementedError

    def latest_signed(self, study_id: str, scope: Scope) -> Report | None:
        """The newest preliminary or final version."""
        raise NotImplementedError

    def versions(self, reading_id: str, scope: Scope) -> list[Report]:
        """Oldest first."""
        raise NotImplementedError

    def replace(self, report: Report) -> bool:
        """Write a draft or submitted version if the stored revision is `report.revision` (stores revision + 1) and it is not signed yet."""
        raise NotImplementedError

    def mark_replaced(self, report_id: str) -> None:
        """A newer signed version called it back: only the state changes."""
        raise NotImplementedError
