"""Which objects the index relies on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa

from storage.model import ObjectRef


class Objects:
    """A row here is the promise that the bytes are in the object store."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, ref: ObjectRef, *, kind: str, at: datetime) -> None:
        """Remember a durable object; the same hash twice is one row. Kinds: received, quarantined, report."""
        raise NotImplementedError

    def has(self, sha256: str) -> bool:
        """True if the index relies on it."""
        raise NotImplementedError

    def walk(self) -> Iterator[ObjectRef]:
        """Every object that must be there."""
        raise NotImplementedError

    def total(self) -> tuple[int, int]:
        """Count and bytes."""
        raise NotImplementedError
