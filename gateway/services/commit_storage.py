"""Take requests for storage commitment, and judge them (B5).

A request is answered "received" once it is durable with its items and the job that will judge it. Judging reads
every named object back from where it is kept; what it finds is written in one transaction with the audit, and tells
of the study too: a device asks for commitment when it has sent what it has.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.core.commitment import COMMITTED, FailureReason, KeptInstance, Safety, reason_of, refusal
from gateway.core.errors import GatewayError
from gateway.services.complete_study import announce_complete, note_evidence
from gateway.services.job_runner import RetryLater
from gateway.services.know_sender import scope_of
from gateway.services.ports import Event, Parts
from gateway.services.receive_instance import Sender
from gateway.services.second_copy import safety_of
from storage.errors import StorageError
from storage.interface import Transaction
from storage.model import EVERYWHERE, ArrivalVia, AuditEntry, Study, new_id
from storage.model.commitments import (
    Commitment,
    CommitmentItem,
    CommitmentState,
    Evidence,
    EvidenceKind,
    asker_name,
)

JOB = "answer_commitment"
_LOOK_AGAIN = timedelta(seconds=0.5)
_ASK_STORAGE_AGAIN = timedelta(seconds=5)

IsStorageClass = Callable[[str], bool]
"""True for a SOP class that the port takes."""


class DuplicateTransaction(GatewayError):
    """The Transaction UID was used before."""

    reason = "duplicate-transaction"


def asker_of(sender: Sender) -> str:
    """As `Commitment.asker` of what this sender asks."""
    return asker_name(sender.device.id if sender.device else None, sender.calling_ae_title, sender.address)


async def receive_request(parts: Parts, sender: Sender, transaction_uid: str,
                          items: Sequence[CommitmentItem]) -> Commitment:
    """Remember the request and let it be judged. Raises DuplicateTransaction, StorageError."""
    now = parts.clock()
    asked = Commitment(
        id=new_id(), transaction_uid=transaction_uid, site_id=sender.site_id,
        device_id=sender.device.id if sender.device else None, ae_title=sender.calling_ae_title,
        address=sender.address, association_id=sender.association_id, node=parts.node, requested_at=now,
        state=CommitmentState.WAITING)

    def work(tx: Transaction) -> bool:
        is_new = tx.commitments.add(asked, items)
        tx.audit.append(AuditEntry(
            now, sender.audit_actor, "commitment.requested" if is_new else "commitment.repeated", is_success=is_new,
            site_id=sender.site_id, address=sender.address,
            detail={"transaction_uid": transaction_uid, "instances": len(items)}))
        if is_new:
            tx.jobs.enqueue(JOB, asked.id, due=now)
        return is_new

    if not await parts.database.write(work):
        raise DuplicateTransaction()
    parts.events.wake_jobs()
    return asked


async def judge(parts: Parts, asked: Commitment, *, is_storage_class: IsStorageClass) -> Commitment:
    """Decide on every item and remember it; returns the transaction as judged.

    Raises RetryLater while instances may still be on their way, or storage does not answer.
    """
    items, kept = await parts.database.read(lambda tx: _look_up(tx, asked))
    may_wait = parts.clock() - asked.requested_at < timedelta(seconds=parts.settings.commitment_wait_s)
    reasons = [refusal(item, found, is_supported=is_storage_class(item.sop_class_uid))
               for item, found in zip(items, kept, strict=True)]
    if (FailureReason.NO_SUCH_INSTANCE in reasons and may_wait
            and parts.associations.is_connected(asked.ae_title, besides=asked.association_id)):
        raise RetryLater(parts.clock() + _LOOK_AGAIN, "the device is still sending on another association")
    safeties = await _safeties(parts, [
        found.object_sha256 for found, reason in zip(kept, reasons, strict=True) if found and reason == COMMITTED])
    for position, found in enumerate(kept):
        if found is not None and reasons[position] == COMMITTED:
            reasons[position] = reason_of(safeties[found.object_sha256])
    if may_wait and not {Safety.UNKNOWN, Safety.NOT_COPIED}.isdisjoint(safeties.values()):
        raise RetryLater(parts.clock() + _ASK_STORAGE_AGAIN, "storage does not answer, or a copy is on its way")
    judged = [replace(item, failure_reason=int(reason)) for item, reason in zip(items, reasons, strict=True)]
    completed = await parts.database.write(lambda tx: _write(tx, parts, asked, judged, kept))
    for study in completed:
        announce_complete(parts, study)
    if any(reasons):
        parts.events.publish(Event("alarm", asked.site_id))
    return replace(asked, state=CommitmentState.JUDGED)


async def _safeties(parts: Parts, sha256s: Sequence[str]) -> dict[str, Safety]:
    """Read the objects back, here and now (B5)."""
    try:
        found = await safety_of(parts, sha256s)
    except StorageError:
        return dict.fromkeys(sha256s, Safety.UNKNOWN)
    return {sha256: Safety.SAFE if safety.is_safe else Safety.NOT_COPIED if safety.is_waiting else Safety.DAMAGED
            for sha256, safety in found.items()}


def _look_up(tx: Transaction, asked: Commitment) -> tuple[list[CommitmentItem], list[KeptInstance | None]]:
    items = tx.commitments.items(asked.id)
    device = tx.sites.device(asked.device_id) if asked.device_id else None
    scope = scope_of(tx, Sender(asked.site_id, device, ArrivalVia.DICOM, asked.ae_title, asked.address))
    sites: dict[str, str] = {}
    kept: list[KeptInstance | None] = []
    for item in items:
        instance = tx.studies.find_instance(item.sop_instance_uid)
        if instance is None:
            kept.append(None)
            continue
        if instance.study_id not in sites:
            study = tx.studies.get(instance.study_id, EVERYWHERE)
            sites[instance.study_id] = study.site_id if study is not None else ""
        arrivals = tx.commitments.arrivals_of(instance.study_id, item.sop_instance_uid)
        # A relay sends for several sites: what it sent itself it may ask about, whoever it belongs to.
        is_sender = asked.device_id is not None and any(device_id == asked.device_id for device_id, _ in arrivals)
        is_visible = scope.site_ids is None or sites[instance.study_id] in scope.site_ids or is_sender
        kept.append(KeptInstance(
            instance.sop_class_uid, instance.study_id, instance.object_sha256,
            any(is_in_dispute for _, is_in_dispute in arrivals)) if is_visible else None)
    return items, kept


def _write(tx: Transaction, parts: Parts, asked: Commitment, judged: Sequence[CommitmentItem],
           kept: Sequence[KeptInstance | None]) -> list[Study]:
    now = parts.clock()
    verdicts = {position: item.failure_reason or COMMITTED for position, item in enumerate(judged)}
    if not tx.commitments.judge(asked.id, verdicts, now):
        return []
    failures = Counter(f"{reason:04X}" for reason in verdicts.values() if reason != COMMITTED)
    tx.audit.append(AuditEntry(
        now, "gateway", "commitment.judged", is_success=not failures, site_id=asked.site_id,
        detail={"transaction_uid": asked.transaction_uid, "device": asked.ae_title, "instances": len(judged),
                "failed": dict(failures)}))
    if failures:
        tx.alarms.raise_alarm(
            "commitment-failed", site_id=asked.site_id, ref=asked.asker, at=now,
            detail=f"{asked.ae_title} asked for {len(judged)} instances; not committed: "
                   + ", ".join(f"{count} × {reason}" for reason, count in sorted(failures.items())))
        return []
    return _tell_studies(tx, asked, judged, kept, at=now)


def _tell_studies(tx: Transaction, asked: Commitment, judged: Sequence[CommitmentItem],
                  kept: Sequence[KeptInstance | None], *, at: datetime) -> list[Study]:
    """Everything that the device named is here: evidence for the studies that it belongs to."""
    named: defaultdict[str, set[str]] = defaultdict(set)
    for item, found in zip(judged, kept, strict=True):
        if found is not None:
            named[found.study_id].add(item.sop_instance_uid)
    completed = []
    for study_id, uids in named.items():
        study = tx.studies.get(study_id, EVERYWHERE)
        if study is None:
            continue
        evidence = Evidence(study.study_instance_uid, EvidenceKind.COMMITMENT, asked.id, asked.site_id,
                            asked.device_id, at, True, len(uids), tuple(sorted(uids)))
        if (done := note_evidence(tx, evidence, at=at)) is not None:
            completed.append(done)
    return completed
