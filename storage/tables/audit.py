"""The audit trail: append-only, one hash chain a node.

The hash of an entry is SHA-256 over the hash before it, a line feed, and the entry as canonical JSON (keys sorted,
no spaces, UTF-8, times as UTC with six digits of seconds): anyone can check the chain without us. A row per node
holds the head of its chain; on PostgreSQL it is locked for the length of the transaction, so that two processes
of one node name take turns.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from storage.model import AuditEntry, ChainedAuditEntry, Scope
from storage.tables.prepared import Prepared
from storage.tables.schema import audit, audit_head
from storage.tables.scoping import within
from storage.tables.upserts import add_if_absent

CHAIN_START = "0" * 64
_PAGE = 1000

# Built once: every write of the gateway appends here.
_HEAD = Prepared(sa.select(audit_head.c.seq, audit_head.c.hash).where(
    audit_head.c.node == sa.bindparam("of_node")).with_for_update())
_MOVE_HEAD = Prepared(sa.update(audit_head).where(audit_head.c.node == sa.bindparam("of_node")).values(
    seq=sa.bindparam("new_seq"), hash=sa.bindparam("new_hash")))
_INSERT = Prepared(sa.insert(audit))


def hash_entry(node: str, seq: int, entry: AuditEntry, previous_hash: str) -> str:
    """Return the hash that chains this entry to the one before it."""
    content = {
        "node": node, "seq": seq, "at": entry.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "actor": entry.actor, "action": entry.action, "is_success": entry.is_success, "site_id": entry.site_id,
        "study_id": entry.study_id, "patient_id": entry.patient_id, "address": entry.address, "detail": entry.detail,
    }
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{previous_hash}\n{text}".encode()).hexdigest()


def chain_fault(chained: ChainedAuditEntry, previous: ChainedAuditEntry | None) -> str:
    """Say in a sentence what is wrong with an entry that follows `previous` on its node; "" if nothing is."""
    seq, previous_hash = (0, CHAIN_START) if previous is None else (previous.seq, previous.hash)
    if chained.seq != seq + 1:
        return f"entry {chained.seq} follows {seq}: one was removed or added"
    if chained.previous_hash != previous_hash:
        return f"entry {chained.seq} does not continue the entry before it"
    if chained.hash != hash_entry(chained.node, chained.seq, chained.entry, chained.previous_hash):
        return f"entry {chained.seq} was changed after it was written"
    return ""


class Audit:
    """Each entry carries the hash of the one before it on the same node."""

    def __init__(self, connection: sa.Connection, node: str) -> None:
        self._connection = connection
        self._node = node

    def append(self, entry: AuditEntry) -> ChainedAuditEntry:
        """Add an entry to this node's chain, in the transaction of the act itself."""
        # What is hashed must be what comes back from the JSON column: records, tuples and enums become plain now.
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(entry.detail))
        entry = dataclasses.replace(entry, detail=plain)
        seq, previous_hash = self._head()
        chained = ChainedAuditEntry(self._node, seq + 1, entry, previous_hash,
                                    hash_entry(self._node, seq + 1, entry, previous_hash))
        _INSERT.run(self._connection, _values(chained))
        _MOVE_HEAD.run(self._connection, {"of_node": self._node, "new_seq": chained.seq, "new_hash": chained.hash})
        return chained

    def extend(self, entries: Sequence[AuditEntry]) -> None:
        """Add many entries in this order: the same chain as one by one, in three statements."""
        if not entries:
            return
        seq, previous_hash = self._head()
        rows = []
        for entry in entries:
            plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(entry.detail))
            entry = dataclasses.replace(entry, detail=plain)
            seq += 1
            hashed = hash_entry(self._node, seq, entry, previous_hash)
            rows.append(_values(ChainedAuditEntry(self._node, seq, entry, previous_hash, hashed)))
            previous_hash = hashed
        self._connection.execute(sa.insert(audit), rows)
        _MOVE_HEAD.run(self._connection, {"of_node": self._node, "new_seq": seq, "new_hash": previous_hash})

    def head(self) -> dict[str, tuple[int, str]]:
        """Sequence number and hash of the last entry of every node: what a missing tail is noticed by."""
        return {row.node: (row.seq, row.hash) for row in self._connection.execute(sa.select(audit_head))}

    def of_study(self, study_id: str, scope: Scope) -> list[ChainedAuditEntry]:
        """The story of a study, oldest first."""
        rows = self._connection.execute(
            sa.select(audit).where(audit.c.study_id == study_id, within(scope, audit.c.site_id))
            .order_by(audit.c.at, audit.c.node, audit.c.seq))
        return [_chained(row) for row in rows]

    def recent(self, scope: Scope, limit: int = 500) -> list[ChainedAuditEntry]:
        """Newest first."""
        rows = self._connection.execute(
            sa.select(audit).where(within(scope, audit.c.site_id))
            .order_by(audit.c.at.desc(), audit.c.node, audit.c.seq.desc()).limit(limit))
        return [_chained(row) for row in rows]

    def last_at(self) -> datetime | None:
        """The latest time of an entry."""
        at: datetime | None = self._connection.scalar(sa.select(sa.func.max(audit.c.at)))
        return at

    def walk(self) -> Iterator[ChainedAuditEntry]:
        """Every entry by node and sequence number, for verification."""
        node, seq = "", 0
        while page := self.page(node, seq):
            yield from page
            node, seq = page[-1].node, page[-1].seq

    def page(self, node: str, seq: int, limit: int = _PAGE) -> list[ChainedAuditEntry]:
        """The next entries behind (node, seq), for walks that must not hold one snapshot for hours."""
        is_behind = sa.or_(audit.c.node > node, sa.and_(audit.c.node == node, audit.c.seq > seq))
        rows = self._connection.execute(
            sa.select(audit).where(is_behind).order_by(audit.c.node, audit.c.seq).limit(limit))
        return [_chained(row) for row in rows]

    def _head(self) -> tuple[int, str]:
        row = _HEAD.first(self._connection, {"of_node": self._node})
        if row is None:
            add_if_absent(self._connection, audit_head, {"node": self._node, "seq": 0, "hash": CHAIN_START})
            row = _HEAD.first(self._connection, {"of_node": self._node})
            assert row is not None
        return row["seq"], row["hash"]


def _values(chained: ChainedAuditEntry) -> dict[str, Any]:
    entry = chained.entry
    return {"node": chained.node, "seq": chained.seq, "at": entry.at, "actor": entry.actor, "action": entry.action,
            "is_success": entry.is_success, "site_id": entry.site_id, "study_id": entry.study_id,
            "patient_id": entry.patient_id, "address": entry.address, "detail": entry.detail,
            "previous_hash": chained.previous_hash, "hash": chained.hash}


def _chained(row: sa.Row[Any]) -> ChainedAuditEntry:
    entry = AuditEntry(row.at, row.actor, row.action, row.is_success, row.site_id, row.study_id, row.patient_id,
                       row.address, row.detail)
    return ChainedAuditEntry(row.node, row.seq, entry, row.previous_hash, row.hash)
