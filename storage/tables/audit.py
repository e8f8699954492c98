"""The audit trail: append-only, one hash chain a node."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from storage.model import AuditEntry, ChainedAuditEntry, Scope


class Audit:
    """Each entry carries the hash of the one before it on the same node."""

    def __init__(self, connection: sa.Connection, node: str) -> None:
        self._connection = connection
        self._node = node

    def append(self, entry: AuditEntry) -> ChainedAuditEntry:
        """Add an entry to this node's chain, in the transaction of the act itself."""
        raise NotImplementedError

    def of_study(self, study_id: str, scope: Scope) -> list[ChainedAuditEntry]:
        """The story of a study, oldest first."""
        raise NotImplementedError

    def recent(self, scope: Scope, limit: int = 500) -> list[ChainedAuditEntry]:
        """Newest first."""
        raise NotImplementedError

    def walk(self) -> Iterator[ChainedAuditEntry]:
        """Every entry by node and sequence number, for verification."""
        raise NotImplementedError
