"""The lists that people look at: one query each, index look-ups only."""

from __future__ import annotations

import sqlalchemy as sa


class Worklists:
    """Every query takes the scope of the caller."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
