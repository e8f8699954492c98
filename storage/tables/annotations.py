"""Measurements that a reader drew, as JSON, one document per study and user."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa


class Annotations:
    """Kept beside the study; the received object is never touched."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, study_id: str, user_id: str) -> Any | None:
        """The document; check the scope of the study first."""
        raise NotImplementedError

    def put(self, study_id: str, user_id: str, content: Any, at: datetime) -> None:
        """Replace the document."""
        raise NotImplementedError
