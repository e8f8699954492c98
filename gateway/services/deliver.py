"""Deliver one signed report to one destination: the job "deliver".

At least once, and always the same object (one SOP Instance UID a version). A destination that does not answer is
tried again with a growing, capped pause for `delivery_days`, and the delivery says in plain words why it waits; one
that says no is not tried again. Either way a person learns of it: an alarm.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.core.errors import AwaitingCommitment, DestinationRefused, DestinationUnavailable
from gateway.core.retry import backoff_s
from gateway.observability import metrics
from gateway.services.clocks.keep_clocks import delivery_followed
from gateway.services.job_runner import JobHandler, RetryLater
from gateway.services.ports import DeliveryChannel, DeliveryParcel, Event, Parts
from gateway.services.queue_deliveries import JOB, note_delivery
from storage.errors import StorageError
from storage.interface import Transaction
from storage.model import EVERYWHERE, Delivery, DeliveryState, Destination, DestinationKind, Job, Report

Channels = Mapping[DestinationKind, DeliveryChannel]
FIRST_PAUSE_S = 5.0
_OPEN = (DeliveryState.QUEUED, DeliveryState.SENT)


def handlers(channels: Channels, *, jitter: Callable[[], float] = random.random) -> dict[str, JobHandler]:
    """The handlers of this room, over the channels that main gives."""
    async def handle(parts: Parts, job: Job) -> None:
        await deliver(parts, job.ref, channels, jitter=jitter)

    return {JOB: handle}


async def deliver(parts: Parts, delivery_id: str, channels: Channels, *, jitter: Callable[[], float]) -> None:
    """Try once. Raises RetryLater when it must be tried again; returns when it is settled."""
    found = await parts.database.read(lambda tx: _look_up(tx, delivery_id))
    if found is None:
        return                               # called back, or delivered by a former try whose answer was lost here
    delivery, report, destination = found
    started = parts.clock()
    try:
        await _try(parts, delivery, report, destination, channels)
    except DestinationUnavailable as exc:
        metrics.DELIVERIES.labels(kind=delivery.kind, outcome="unavailable").inc()
        await _wait(parts, delivery, str(exc), jitter, is_sent=isinstance(exc, AwaitingCommitment))
    except DestinationRefused as exc:
        metrics.DELIVERIES.labels(kind=delivery.kind, outcome="refused").inc()
        why = str(exc)
        await _settle(parts, delivery, lambda tx, now: _refused(tx, delivery, now, why, "delivery-refused"))
    else:
        await _settle(parts, delivery, lambda tx, now: _accepted(tx, delivery, started, now))
        metrics.DELIVERIES.labels(kind=delivery.kind, outcome="accepted").inc()


async def _try(parts: Parts, delivery: Delivery, report: Report, destination: Destination | None,
               channels: Channels) -> None:
    if destination is None or not destination.is_enabled:
        raise DestinationUnavailable("目的地已停用，启用后会自动继续发送。")
    channel = channels.get(delivery.kind)
    if channel is None:
        raise DestinationRefused(f"本机不支持“{delivery.kind}”这种目的地。")
    try:
        pdf, dicom = await asyncio.to_thread(_bytes, parts, report)
    except StorageError as exc:
        raise DestinationUnavailable(f"报告文件暂时读不出来({type(exc).__name__})。") from exc
    await channel.deliver(DeliveryParcel(delivery, report, pdf, dicom), destination)


def _bytes(parts: Parts, report: Report) -> tuple[bytes, bytes]:
    assert report.pdf_sha256 is not None
    assert report.dicom_sha256 is not None
    return parts.objects.get(report.pdf_sha256), parts.objects.get(report.dicom_sha256)


def _look_up(tx: Transaction, delivery_id: str) -> tuple[Delivery, Report, Destination | None] | None:
    delivery = tx.deliveries.get(delivery_id, EVERYWHERE)
    report = tx.reports.get(delivery.report_id, EVERYWHERE) if delivery else None
    if delivery is None or report is None or delivery.state not in _OPEN:
        return None
    return delivery, report, tx.sites.destination(delivery.destination_id)


async def _wait(parts: Parts, delivery: Delivery, why: str, jitter: Callable[[], float], *,
                is_sent: bool = False) -> None:
    now = parts.clock()
    if now - delivery.queued_at >= timedelta(days=parts.settings.delivery_days):
        days = parts.settings.delivery_days
        said = f"{why} 已连续尝试 {days:g} 天，不再自动重试，请人工处理。"
        await _settle(parts, delivery, lambda tx, at: _refused(tx, delivery, at, said, "delivery-given-up"))
        return
    pause_s = backoff_s(delivery.attempts + 1, base_s=FIRST_PAUSE_S, cap_s=parts.settings.delivery_backoff_max_s,
                        jitter=jitter())
    due = now + timedelta(seconds=pause_s)

    def note(tx: Transaction) -> bool:
        current = tx.deliveries.get(delivery.id, EVERYWHERE)
        if current is None or current.state not in _OPEN:
            return False
        state = DeliveryState.SENT if is_sent else current.state
        tx.deliveries.replace(replace(current, state=state, attempts=current.attempts + 1, next_attempt_at=due,
                                      sent_at=current.sent_at or (now if is_sent else None), last_error=why))
        return True

    is_waiting = await parts.database.write(note)
    parts.events.publish(Event("delivery", delivery.site_id, delivery.study_id))
    if is_waiting:
        raise RetryLater(due, why)


async def _settle(parts: Parts, delivery: Delivery, work: Callable[[Transaction, datetime], None]) -> None:
    await parts.database.write(lambda tx: work(tx, parts.clock()))
    parts.events.publish(Event("delivery", delivery.site_id, delivery.study_id))


def _accepted(tx: Transaction, delivery: Delivery, started: datetime, now: datetime) -> None:
    current = tx.deliveries.get(delivery.id, EVERYWHERE)
    assert current is not None
    is_called_back = current.state is DeliveryState.CALLED_BACK      # while it was on its way
    after = replace(
        current, state=current.state if is_called_back else DeliveryState.ACCEPTED, attempts=current.attempts + 1,
        next_attempt_at=None, sent_at=started, accepted_at=now, last_error="")
    tx.deliveries.replace(after)
    delivery_followed(tx, after, at=now)
    note_delivery(tx, current, "delivery.accepted", patient_id=_patient_id(tx, current), now=now,
                  attempts=current.attempts + 1)


def _refused(tx: Transaction, delivery: Delivery, now: datetime, why: str, alarm: str) -> None:
    current = tx.deliveries.get(delivery.id, EVERYWHERE)
    assert current is not None
    if current.state not in _OPEN:
        return
    tx.deliveries.replace(replace(current, state=DeliveryState.REFUSED, attempts=current.attempts + 1,
                                  next_attempt_at=None, last_error=why))
    tx.alarms.raise_alarm(alarm, site_id=current.site_id, ref=current.id, detail=why, at=now)
    note_delivery(tx, current, "delivery.refused", patient_id=_patient_id(tx, current), now=now, is_success=False,
                  why=why)


def _patient_id(tx: Transaction, delivery: Delivery) -> str | None:
    study = tx.studies.get(delivery.study_id, EVERYWHERE)
    return study.patient.id if study else None
