"""Ask the node that got a report to commit to it, and take its answer (PS3.4 annex J, as the user).

A node may answer on the association it was asked on, or call us hours later; either way the answer is written once.
A delivery that was waiting for a yes goes on at once, one that got a no when its pause is over. Whoever answers must
be whom we asked.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.commitment import COMMITTED, FailureReason
from gateway.core.errors import GatewayError
from gateway.services.ports import Parts
from gateway.services.queue_deliveries import JOB
from storage.interface import Transaction
from storage.model import AuditEntry
from storage.model.commitments import AskedCommitment


class NotAsked(GatewayError):
    """We asked no such thing, or somebody else."""

    reason = "not-asked"


async def note_request(parts: Parts, asked: AskedCommitment) -> None:
    """Remember a request before it leaves: the answer may be faster than we are. Raises StorageError."""
    await parts.database.write(lambda tx: tx.commitments.add_asked(asked))


async def latest_request(parts: Parts, delivery_id: str) -> AskedCommitment | None:
    """What was asked last for a delivery. Raises StorageError."""
    return await parts.database.read(lambda tx: next(iter(tx.commitments.asked_for(delivery_id)), None))


async def take_answer(parts: Parts, ae_title: str, transaction_uid: str, *, committed: frozenset[str],
                      failed: Mapping[str, int]) -> None:
    """Write the node's verdict, and let the delivery that waits for it go on. Raises NotAsked, StorageError."""
    now = parts.clock()

    def work(tx: Transaction) -> None:
        asked = tx.commitments.find_asked(transaction_uid)
        if asked is None or asked.ae_title != ae_title:
            raise NotAsked()
        uid = asked.sop_instance_uid
        # What is named in neither list was not answered: no commitment.
        reason = COMMITTED if uid in committed and uid not in failed else failed.get(
            uid, int(FailureReason.PROCESSING_FAILURE))
        if not tx.commitments.answer_asked(transaction_uid, reason, now):
            return
        delivery_site = tx.sites.destination(asked.destination_id)
        tx.audit.append(AuditEntry(
            now, f"node:{ae_title}", "delivery.committed", is_success=reason == COMMITTED,
            site_id=delivery_site.site_id if delivery_site is not None else None,
            detail={"delivery": asked.delivery_id, "transaction_uid": transaction_uid, "reason": f"{reason:04X}"}))
        if reason == COMMITTED:              # a refusal waits for its turn: asking at once again would never end
            tx.jobs.postpone(JOB, asked.delivery_id, due=now)

    await parts.database.write(work)
    parts.events.wake_jobs()
