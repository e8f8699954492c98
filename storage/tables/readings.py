"""Readings: the state, the lock, the clock."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from storage.model import Reading, Scope


class Readings:
    """Every move goes through `move`, which checks the revision."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, reading: Reading) -> None:
        """One per study."""
        raise NotImplementedError

    def get(self, reading_id: str, scope: Scope) -> Reading | None:
        """One reading."""
        raise NotImplementedError

    def of_study(self, study_id: str, scope: Scope) -> Reading | None:
        """The reading of a study."""
        raise NotImplementedError

    def replace(self, reading: Reading) -> bool:
        """Write all fields if the stored revision is `reading.revision`; stores revision + 1. False: somebody was faster."""
        raise NotImplementedError

    def expired_locks(self, now: datetime) -> list[Reading]:
        """Claims whose lock ran out."""
        raise NotImplementedError
