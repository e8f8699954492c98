"""Tell subscribers what waits for them: the job "tell_subscriber" by N-EVENT-REPORT, `take_events` for a web channel.

In the order in which it happened, one after another; what was not taken stays. A device that does not answer is asked
again with growing pauses, for a day; then what waits for it is dropped (PS3.4 CC.2.4.3 asks for no queue at all).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from gateway.core.errors import GatewayError
from gateway.core.retry import backoff_s
from gateway.services.job_runner import JobHandler, RetryLater
from gateway.services.ports import Parts
from gateway.services.workitems.outsider import seen_by
from gateway.services.workitems.tell_followers import JOB, KEPT_FOR
from storage.interface import Transaction
from storage.model import Device, Job
from storage.model.workitems import Subscriber, WorkitemEvent

_log = structlog.get_logger(__name__)
_AT_ONCE = 50
_FIRST_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 300.0
_SUBSCRIBERS_AT_ONCE = 2                 # so that dead ones never hold every worker of the jobs
_AGAIN_SOON = timedelta(seconds=1)


class EventNotTaken(GatewayError):
    """The subscriber could not be reached, or did not take the event. Try again later."""

    reason = "event-not-taken"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A subscriber, its device as it is registered now, and what it may be told, oldest first."""

    subscriber: Subscriber
    device: Device | None
    events: list[WorkitemEvent]


class WorkitemReporter(Protocol):
    """Carries an event to a device. Implemented by the DICOM edge."""

    async def report(self, device: Device, event: WorkitemEvent) -> None:
        """Return once the device has answered it. Raises EventNotTaken."""


def handlers(reporter: WorkitemReporter, *, jitter: Callable[[], float] = random.random) -> dict[str, JobHandler]:
    """The handlers of this room, over the edge that main gives."""
    running: set[str] = set()

    async def handle(parts: Parts, job: Job) -> None:
        if len(running) >= _SUBSCRIBERS_AT_ONCE:
            raise RetryLater(parts.clock() + _AGAIN_SOON, "other subscribers are being told")
        running.add(job.ref)
        try:
            while await _tell_some(parts, job.ref, reporter):
                pass
        except EventNotTaken as exc:
            _log.info("workitem event not taken", subscriber=job.ref, why=str(exc), attempt=job.attempt)
            pause_s = backoff_s(job.attempt, base_s=_FIRST_PAUSE_S, cap_s=_LONGEST_PAUSE_S, jitter=jitter())
            raise RetryLater(parts.clock() + timedelta(seconds=pause_s), str(exc)) from exc
        finally:
            running.discard(job.ref)

    return {JOB: handle}


async def _tell_some(parts: Parts, ae_title: str, reporter: WorkitemReporter) -> bool:
    """Tell what waits now, in order; False once nothing does. Raises EventNotTaken."""
    waiting = await take_events(parts, ae_title)
    if waiting is None or waiting.device is None:
        return False
    for event in waiting.events:
        await reporter.report(waiting.device, event)
        await were_told(parts, [event.id])
    return bool(waiting.events)


async def take_events(parts: Parts, ae_title: str, *, owner: str = "") -> Waiting | None:
    """What waits for a subscriber (of this owner); None if there is none. Drops what it may not see or is too old."""
    def look(tx: Transaction) -> tuple[Waiting | None, list[int]]:
        one = tx.workitems.subscriber(ae_title)
        if one is None or (owner and one.owner != owner):
            return None, []
        scope = seen_by(tx, one)
        oldest = parts.clock() - KEPT_FOR
        events = tx.workitems.events_for(ae_title, limit=_AT_ONCE)
        good = [event for event in events
                if event.at >= oldest and (not event.site_id or scope.allows(event.site_id))]
        kind, _, device_id = one.owner.partition(":")
        device = tx.sites.device(device_id) if kind == "device" else None
        return Waiting(one, device, good), [event.id for event in events if event not in good]

    while True:
        waiting, unwanted = await parts.database.read(look)
        if not unwanted:
            return waiting
        await were_told(parts, unwanted)


async def subscriber_called(parts: Parts, ae_title: str) -> None:
    """A device that takes events has opened an association: try at once what waits for it."""
    if not await parts.database.read(lambda tx: tx.workitems.events_for(ae_title, limit=1)):
        return
    await parts.database.write(lambda tx: tx.jobs.postpone(JOB, ae_title, due=parts.clock()))
    parts.events.wake_jobs()


async def were_told(parts: Parts, ids: list[int]) -> None:
    """They are forgotten."""
    await parts.database.write(lambda tx: tx.workitems.forget_events(ids))
