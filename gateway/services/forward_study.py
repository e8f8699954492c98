"""Send a whole study on to a destination that a rule names: the job "forward_study".

One way per study and destination, kept for good: a study that is routed again, or reopened by late images, sends only
what the destination has not said it keeps. A destination that does not answer is tried again with a growing, capped
pause for `delivery_days`; one that says no is not tried again. Either end is told: audit, and an alarm when it fails.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import BinaryIO

from gateway.core.errors import DestinationRefused, DestinationUnavailable
from gateway.core.retry import backoff_s
from gateway.renditions.transcode import other_syntaxes
from gateway.services.job_runner import JobHandler, RetryLater
from gateway.services.ports import Event, ForwardChannel, ForwardObject, Parts
from gateway.services.retrieve_for_peer import RetrievableObject, open_object
from storage.interface import Transaction
from storage.model import EVERYWHERE, AuditEntry, Destination, DestinationKind, Job, Study, new_id
from storage.model.forwards import Forward, ForwardState

JOB = "forward_study"                    # ref: id of the forward
FIRST_PAUSE_S = 5.0
ForwardChannels = Mapping[DestinationKind, ForwardChannel]


def queue_forwards(tx: Transaction, study: Study, destination_ids: Sequence[str], *, decision_id: str,
                   at: datetime) -> None:
    """In the write of a decision: begin the ways it asks for, go on with those that have something new to send."""
    for destination_id in destination_ids:
        known = tx.forwards.to(study.id, destination_id)
        if known is None:
            known = Forward(new_id(), study.id, destination_id, decision_id, ForwardState.WAITING, at)
            tx.forwards.add(known)
        elif not _unsent(tx, known):
            continue
        else:
            tx.forwards.replace(replace(known, state=ForwardState.WAITING, queued_at=at, next_attempt_at=None))
        tx.jobs.enqueue(JOB, known.id, due=at)


def handlers(channels: ForwardChannels, *, jitter: Callable[[], float] = random.random) -> dict[str, JobHandler]:
    """The handler of the job, over the channels that main gives."""
    async def handle(parts: Parts, job: Job) -> None:
        await forward_study(parts, job.ref, channels, jitter=jitter)

    return {JOB: handle}


async def forward_study(parts: Parts, forward_id: str, channels: ForwardChannels, *,
                        jitter: Callable[[], float]) -> None:
    """Try once. Raises RetryLater when it must be tried again; returns when it is settled."""
    found = await parts.database.read(lambda tx: _look_up(tx, forward_id))
    if found is None:
        return
    forward, study, destination, objects = found
    kept: list[str] = []
    try:
        channel = _channel(destination, channels)
        if not objects and not forward.kept_uids:
            raise DestinationRefused("这个检查里没有可以转发的 DICOM 对象(心电原始文件不能这样转发)。")
        if objects:
            assert destination is not None
            await channel.forward([_outgoing(parts, one) for one in objects], destination, kept.append)
    except DestinationUnavailable as exc:
        await _wait(parts, forward, study, kept, str(exc), jitter)
    except DestinationRefused as exc:
        why = str(exc)
        await _settle(parts, study, lambda tx, now: _refused(tx, forward, study, kept, why, "forward-refused", now))
    else:
        await _settle(parts, study, lambda tx, now: _sent(tx, forward, study, kept, now))


def _look_up(tx: Transaction, forward_id: str,
             ) -> tuple[Forward, Study, Destination | None, list[RetrievableObject]] | None:
    forward = tx.forwards.get(forward_id)
    study = tx.studies.get(forward.study_id, EVERYWHERE) if forward else None
    if forward is None or study is None or forward.state is not ForwardState.WAITING:
        return None
    return forward, study, tx.sites.destination(forward.destination_id), _unsent(tx, forward)


def _unsent(tx: Transaction, forward: Forward) -> list[RetrievableObject]:
    kept = frozenset(forward.kept_uids)
    return [one for one in tx.forwards.objects_of(forward.study_id) if one.sop_instance_uid not in kept]


def _channel(destination: Destination | None, channels: ForwardChannels) -> ForwardChannel:
    if destination is None:
        raise DestinationRefused("规则里写的目的地不存在。")
    if not destination.is_enabled:
        raise DestinationUnavailable("目的地已停用，启用后会自动继续发送。")
    channel = channels.get(destination.kind)
    if channel is None:
        raise DestinationRefused(f"“{destination.kind}”这种目的地不接收影像。")
    return channel


def _outgoing(parts: Parts, one: RetrievableObject) -> ForwardObject:
    def open_as(transfer_syntax_uid: str) -> BinaryIO:
        return open_object(parts, one, transfer_syntax_uid)

    return ForwardObject(one.sop_class_uid, one.sop_instance_uid,
                         (one.transfer_syntax_uid, *other_syntaxes(one.transfer_syntax_uid)), open_as,
                         lambda: parts.objects.get(one.object_sha256))


async def _wait(parts: Parts, forward: Forward, study: Study, kept: Sequence[str], why: str,
                jitter: Callable[[], float]) -> None:
    now = parts.clock()
    if now - forward.queued_at >= timedelta(days=parts.settings.delivery_days):
        said = f"{why} 已连续尝试 {parts.settings.delivery_days:g} 天，不再自动重试，请人工处理。"
        await _settle(parts, study, lambda tx, at: _refused(tx, forward, study, kept, said, "forward-given-up", at))
        return
    pause_s = backoff_s(forward.attempts + 1, base_s=FIRST_PAUSE_S, cap_s=parts.settings.delivery_backoff_max_s,
                        jitter=jitter())
    due = now + timedelta(seconds=pause_s)
    await parts.database.write(lambda tx: tx.forwards.replace(replace(
        forward, kept_uids=(*forward.kept_uids, *kept), attempts=forward.attempts + 1, next_attempt_at=due,
        last_error=why)))
    raise RetryLater(due, why)


async def _settle(parts: Parts, study: Study, work: Callable[[Transaction, datetime], None]) -> None:
    await parts.database.write(lambda tx: work(tx, parts.clock()))
    parts.events.publish(Event("forward", study.site_id, study.id))


def _sent(tx: Transaction, forward: Forward, study: Study, kept: Sequence[str], now: datetime) -> None:
    done = replace(forward, state=ForwardState.SENT, kept_uids=(*forward.kept_uids, *kept),
                   attempts=forward.attempts + 1, next_attempt_at=None, sent_at=now, last_error="")
    tx.forwards.replace(done)
    _note(tx, done, study, "study.forwarded", now, instances=len(kept))
    if _unsent(tx, done):                # came while it was on its way
        tx.forwards.replace(replace(done, state=ForwardState.WAITING, queued_at=now))
        tx.jobs.enqueue(JOB, forward.id, due=now)


def _refused(tx: Transaction, forward: Forward, study: Study, kept: Sequence[str], why: str, alarm: str,
             now: datetime) -> None:
    ended = replace(forward, state=ForwardState.REFUSED, kept_uids=(*forward.kept_uids, *kept),
                    attempts=forward.attempts + 1, next_attempt_at=None, last_error=why)
    tx.forwards.replace(ended)
    tx.alarms.raise_alarm(alarm, site_id=study.site_id, ref=forward.id, detail=why, at=now)
    _note(tx, ended, study, "study.forward_refused", now, is_success=False, instances=len(kept), why=why)


def _note(tx: Transaction, forward: Forward, study: Study, action: str, now: datetime, *, is_success: bool = True,
          **detail: object) -> None:
    tx.audit.append(AuditEntry(
        now, "gateway", action, is_success=is_success, site_id=study.site_id, study_id=study.id,
        patient_id=study.patient.id,
        detail={"destination": forward.destination_id, "decision": forward.decision_id, "event": "110104", **detail}))
