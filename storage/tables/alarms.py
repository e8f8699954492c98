"""Alarms: what a person must look at."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from storage.model import Alarm, Scope


class Alarms:
    """Raised by services, shown to administrators until acknowledged."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def raise_alarm(self, kind: str, *, site_id: str, ref: str, detail: str, at: datetime) -> Alarm:
        """Add an alarm; the same kind and ref that is still open is not added twice."""
        raise NotImplementedError

    def open_alarms(self, scope: Scope, limit: int = 200) -> list[Alarm]:
        """Not yet acknowledged, newest first."""
        raise NotImplementedError

    def acknowledge(self, alarm_id: str, user_id: str, at: datetime, scope: Scope) -> bool:
        """True if it was open and within scope."""
        raise NotImplementedError
