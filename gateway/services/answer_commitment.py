"""The job "answer_commitment": judge a request for commitment, then report the verdict until the device takes it.

The device gets the report on the association it asked on if that is still open, on another one that it holds, or on
one that we open to the address and port it is registered with; a device without a port gets it when it calls next.
Every failure makes the pause longer, for days; then a person is told. A verdict never changes, however often it is
reported, and reporting it twice does no harm: the Transaction UID says which request it is.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from gateway.core.errors import GatewayError
from gateway.core.retry import backoff_s
from gateway.services.commit_storage import JOB, IsStorageClass, asker_of, judge
from gateway.services.job_runner import JobHandler, RetryLater
from gateway.services.ports import Event, Parts
from gateway.services.receive_instance import Sender
from storage.interface import Transaction
from storage.model import EVERYWHERE, AuditEntry, Job
from storage.model.commitments import Commitment, CommitmentItem, CommitmentState

_log = structlog.get_logger(__name__)

FIRST_PAUSE_S = 10.0
_OWN_PROCESS_FIRST = timedelta(seconds=10)
_AGAIN_SOON = timedelta(seconds=1)
_AT_ONCE = 2                             # reports under way, so that dead devices never hold every worker of the jobs
_SUCCESS = 0x0000


class ReportNotTaken(GatewayError):
    """The device could not be reached, or did not take the report. Try again later."""

    reason = "report-not-taken"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the device is told, and where it may be reached."""

    asked: Commitment
    items: Sequence[CommitmentItem]
    host: str
    port: int                            # 0: it only calls
    uses_tls: bool = False
    certificate_sha256: str = ""         # that it must show then; "": one that names the host


class CommitmentReporter(Protocol):
    """Carries a verdict to the device. Implemented by the DICOM edge."""

    async def report(self, verdict: Verdict) -> int:
        """Return the device's status. Raises ReportNotTaken with the reason in plain words."""


def handlers(reporter: CommitmentReporter, *, is_storage_class: IsStorageClass,
             jitter: Callable[[], float] = random.random) -> dict[str, JobHandler]:
    """The handlers of this room, over the edge that main gives."""
    running: set[str] = set()

    async def handle(parts: Parts, job: Job) -> None:
        if len(running) >= _AT_ONCE:
            raise RetryLater(parts.clock() + _AGAIN_SOON, "other devices are being told")
        running.add(job.ref)
        try:
            await answer(parts, job.ref, reporter, is_storage_class=is_storage_class, jitter=jitter)
        finally:
            running.discard(job.ref)

    return {JOB: handle}


async def answer(parts: Parts, commitment_id: str, reporter: CommitmentReporter, *,
                 is_storage_class: IsStorageClass, jitter: Callable[[], float]) -> None:
    """Judge once, report once. Raises RetryLater when it must be tried again; returns when it is settled."""
    asked = await parts.database.read(lambda tx: tx.commitments.get(commitment_id, EVERYWHERE))
    if asked is None or asked.state in (CommitmentState.REPORTED, CommitmentState.GIVEN_UP):
        return
    if asked.state is CommitmentState.WAITING:
        asked = await judge(parts, asked, is_storage_class=is_storage_class)
    if asked.node != parts.node and parts.clock() - asked.requested_at < _OWN_PROCESS_FIRST:
        raise RetryLater(parts.clock() + _AGAIN_SOON, "the process that holds its association comes first")
    verdict = await parts.database.read(lambda tx: _verdict(tx, asked))
    try:
        status = await reporter.report(verdict)
        if status != _SUCCESS:
            raise ReportNotTaken(f"设备收到了结果，但没有处理成功（状态 {status:04X}），稍后自动重试。")
    except ReportNotTaken as exc:
        _log.info("commitment not taken", transaction=asked.transaction_uid, attempts=asked.attempts + 1)
        await _wait(parts, asked, str(exc), jitter)
    else:
        await parts.database.write(lambda tx: _reported(tx, asked, parts.clock()))
        parts.events.publish(Event("commitment", asked.site_id))


async def device_called(parts: Parts, sender: Sender) -> int:
    """A device that may take reports has opened an association: try at once what waits for it; returns how much."""
    found = await parts.database.read(lambda tx: tx.commitments.unreported(sender.calling_ae_title))
    waiting = [asked for asked in found if asked.asker == asker_of(sender)]
    if not waiting:
        return 0
    now = parts.clock()

    def work(tx: Transaction) -> None:
        for asked in waiting:
            tx.jobs.postpone(JOB, asked.id, due=now)

    await parts.database.write(work)
    parts.events.wake_jobs()
    return len(waiting)


def _verdict(tx: Transaction, asked: Commitment) -> Verdict:
    device = tx.sites.device(asked.device_id) if asked.device_id else None
    items = tx.commitments.items(asked.id)
    if device is None or not device.is_enabled:
        return Verdict(asked, items, asked.address, 0)
    return Verdict(asked, items, device.address or asked.address, device.port, device.uses_tls,
                   device.certificate_sha256)


async def _wait(parts: Parts, asked: Commitment, why: str, jitter: Callable[[], float]) -> None:
    now = parts.clock()
    days = parts.settings.commitment_days
    if now - asked.requested_at >= timedelta(days=days):
        said = f"{why} 已连续尝试 {days:g} 天，不再自动重试。"
        await parts.database.write(lambda tx: _given_up(tx, asked, said, now))
        parts.events.publish(Event("alarm", asked.site_id))
        return
    pause_s = backoff_s(asked.attempts + 1, base_s=FIRST_PAUSE_S, cap_s=parts.settings.commitment_backoff_max_s,
                        jitter=jitter())
    due = now + timedelta(seconds=pause_s)

    def note(tx: Transaction) -> None:
        current = tx.commitments.get(asked.id, EVERYWHERE)
        if current is not None and current.state is CommitmentState.JUDGED:
            tx.commitments.replace(replace(current, attempts=current.attempts + 1, next_attempt_at=due,
                                           last_error=why))

    await parts.database.write(note)
    raise RetryLater(due, why)


def _reported(tx: Transaction, asked: Commitment, now: datetime) -> None:
    current = tx.commitments.get(asked.id, EVERYWHERE)
    assert current is not None
    tx.commitments.replace(replace(current, state=CommitmentState.REPORTED, reported_at=now, next_attempt_at=None,
                                   attempts=current.attempts + 1, last_error=""))
    tx.audit.append(AuditEntry(
        now, "gateway", "commitment.reported", site_id=asked.site_id, address=asked.address,
        detail={"transaction_uid": asked.transaction_uid, "device": asked.ae_title,
                "attempts": current.attempts + 1}))


def _given_up(tx: Transaction, asked: Commitment, why: str, now: datetime) -> None:
    current = tx.commitments.get(asked.id, EVERYWHERE)
    assert current is not None
    tx.commitments.replace(replace(current, state=CommitmentState.GIVEN_UP, attempts=current.attempts + 1,
                                   next_attempt_at=None, last_error=why))
    tx.audit.append(AuditEntry(
        now, "gateway", "commitment.given_up", is_success=False, site_id=asked.site_id, address=asked.address,
        detail={"transaction_uid": asked.transaction_uid, "device": asked.ae_title, "why": why}))
    tx.alarms.raise_alarm("commitment-given-up", site_id=asked.site_id, ref=asked.id, detail=why, at=now)
