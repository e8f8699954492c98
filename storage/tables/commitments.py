"""Storage commitment: what devices ask of us, and what we ask of the nodes that get reports.

The unique Transaction UID decides who was first: a request that comes again never becomes a second transaction.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.model import ArrivalOutcome, Scope
from storage.model.commitments import AskedCommitment, Commitment, CommitmentItem, CommitmentState
from storage.tables.schema import arrival, asked_commitment, commitment, commitment_item
from storage.tables.scoping import within
from storage.tables.upserts import add_if_absent

_PAGE = 500


class Commitments:
    """Transactions with their items, in both roles."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    # ----------------------------------------------------------------------------------------- we are asked (SCP)
    def add(self, asked: Commitment, items: Sequence[CommitmentItem]) -> bool:
        """Remember a transaction whole. False if its Transaction UID was used before, by whomever."""
        if not add_if_absent(self._connection, commitment, _plain(asked)):
            return False
        rows = [{"commitment_id": asked.id, "position": position, **dataclasses.asdict(item)}
                for position, item in enumerate(items)]
        for start in range(0, len(rows), _PAGE):
            self._connection.execute(sa.insert(commitment_item), rows[start:start + _PAGE])
        return True

    def get(self, commitment_id: str, scope: Scope) -> Commitment | None:
        """One transaction by our id."""
        return self._one(sa.and_(commitment.c.id == commitment_id, within(scope, commitment.c.site_id)))

    def find(self, transaction_uid: str, scope: Scope) -> Commitment | None:
        """One transaction by its UID."""
        return self._one(sa.and_(commitment.c.transaction_uid == transaction_uid,
                                 within(scope, commitment.c.site_id)))

    def items(self, commitment_id: str) -> list[CommitmentItem]:
        """In the order in which the device named them; check the scope by `get` first."""
        rows = self._connection.execute(
            sa.select(commitment_item).where(commitment_item.c.commitment_id == commitment_id)
            .order_by(commitment_item.c.position))
        return [CommitmentItem(row.sop_class_uid, row.sop_instance_uid, row.failure_reason) for row in rows]

    def judge(self, commitment_id: str, verdicts: Mapping[int, int], at: datetime) -> bool:
        """Write each position's reason (0: committed). False if it was judged before: a verdict never changes."""
        done = self._connection.execute(
            sa.update(commitment).where(commitment.c.id == commitment_id,
                                        commitment.c.state == CommitmentState.WAITING.value)
            .values(state=CommitmentState.JUDGED.value, judged_at=at, last_error=""))
        if done.rowcount != 1:
            return False
        reasons = [{"of": commitment_id, "at_position": position, "reason": reason}
                   for position, reason in verdicts.items()]
        if reasons:
            self._connection.execute(
                sa.update(commitment_item).where(commitment_item.c.commitment_id == sa.bindparam("of"),
                                                 commitment_item.c.position == sa.bindparam("at_position"))
                .values(failure_reason=sa.bindparam("reason")), reasons)
        return True

    def replace(self, changed: Commitment) -> None:
        """Write all fields."""
        self._connection.execute(sa.update(commitment).where(commitment.c.id == changed.id).values(**_plain(changed)))

    def unreported(self, ae_title: str) -> list[Commitment]:
        """Judged, and not yet taken, of devices with this title (there may be several); oldest first."""
        rows = self._connection.execute(
            sa.select(commitment).where(commitment.c.state == CommitmentState.JUDGED.value,
                                        commitment.c.ae_title == ae_title)
            .order_by(commitment.c.requested_at, commitment.c.id).limit(_PAGE))
        return [_commitment(row) for row in rows]

    def recent(self, scope: Scope, limit: int = 100) -> list[Commitment]:
        """Newest first, for a person to see."""
        rows = self._connection.execute(
            sa.select(commitment).where(within(scope, commitment.c.site_id))
            .order_by(commitment.c.requested_at.desc(), commitment.c.id.desc()).limit(limit))
        return [_commitment(row) for row in rows]

    def recent_with_counts(self, scope: Scope, limit: int = 100) -> list[tuple[Commitment, int, int]]:
        """(transaction, instances, those of them that failed), newest first."""
        found = self.recent(scope, limit)
        is_failed = sa.and_(commitment_item.c.failure_reason.is_not(None), commitment_item.c.failure_reason != 0)
        rows = self._connection.execute(
            sa.select(commitment_item.c.commitment_id, sa.func.count(), sa.func.count(sa.case((is_failed, 1))))
            .where(commitment_item.c.commitment_id.in_([one.id for one in found]))
            .group_by(commitment_item.c.commitment_id))
        counts = {of: (int(count), int(failed)) for of, count, failed in rows}
        return [(one, *counts.get(one.id, (0, 0))) for one in found]

    def arrivals_of(self, study_id: str, sop_instance_uid: str) -> list[tuple[str | None, bool]]:
        """(device, is in dispute) of each time this instance came; a conflict is until a person has decided."""
        rows = self._connection.execute(
            sa.select(arrival.c.device_id, arrival.c.outcome, arrival.c.resolved_at)
            .where(arrival.c.study_id == study_id, arrival.c.sop_instance_uid == sop_instance_uid))
        return [(row.device_id, row.outcome == ArrivalOutcome.CONFLICT.value and row.resolved_at is None)
                for row in rows]

    # ----------------------------------------------------------------------------------------------- we ask (SCU)
    def add_asked(self, asked: AskedCommitment) -> None:
        """Remember what we are about to ask, before it leaves."""
        self._connection.execute(sa.insert(asked_commitment), dataclasses.asdict(asked))

    def find_asked(self, transaction_uid: str) -> AskedCommitment | None:
        """By its Transaction UID; the caller compares who answers."""
        row = self._connection.execute(
            sa.select(asked_commitment).where(asked_commitment.c.transaction_uid == transaction_uid)).first()
        return None if row is None else AskedCommitment(**row._mapping)

    def asked_for(self, delivery_id: str) -> list[AskedCommitment]:
        """All that was asked for one delivery, newest first."""
        rows = self._connection.execute(
            sa.select(asked_commitment).where(asked_commitment.c.delivery_id == delivery_id)
            .order_by(asked_commitment.c.asked_at.desc(), asked_commitment.c.transaction_uid))
        return [AskedCommitment(**row._mapping) for row in rows]

    def answer_asked(self, transaction_uid: str, failure_reason: int, at: datetime) -> bool:
        """Write the node's verdict. False if it answered before: the first answer counts."""
        done = self._connection.execute(
            sa.update(asked_commitment).where(asked_commitment.c.transaction_uid == transaction_uid,
                                              asked_commitment.c.answered_at.is_(None))
            .values(failure_reason=failure_reason, answered_at=at))
        return done.rowcount == 1

    def _one(self, condition: sa.ColumnElement[bool]) -> Commitment | None:
        row = self._connection.execute(sa.select(commitment).where(condition)).first()
        return None if row is None else _commitment(row)


def _plain(record: Commitment) -> dict[str, Any]:
    return dataclasses.asdict(record) | {"state": record.state.value}


def _commitment(row: sa.Row[Any]) -> Commitment:
    return Commitment(**dict(row._mapping) | {"state": CommitmentState(row.state)})
