"""Hand reports to a clinic's own program that calls out to us: behind NAT nobody can call it.

A destination of kind "pull" queues a delivery like any other, but the program comes for it. A delivery stays on the
program's list until it says that it has the report, so a lost answer or a crash there loses nothing. Four times are
kept apart: sent (we handed the bytes out), accepted (the program has checked and kept them), opened and acknowledged
(it says that a person did so).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from gateway.core.errors import InvalidRequest, NotFound, NotNow
from gateway.services.clocks.keep_clocks import delivery_followed
from gateway.services.event_bus import RESYNC, EventBus
from gateway.services.job_runner import JobHandler
from gateway.services.ports import Event, Parts
from gateway.services.queue_deliveries import FETCH_REMINDER_JOB, note_delivery
from storage.interface import Transaction
from storage.model import (
    EVERYWHERE,
    Delivery,
    DeliveryState,
    DestinationKind,
    Job,
    Report,
    Scope,
    Study,
)

LOOK_AGAIN_S = 2.0
"""Another process may have queued a report, whose events this one does not hear."""

_UNTAKEN = (DeliveryState.QUEUED, DeliveryState.SENT)


class Step(StrEnum):
    """What a program may say of a report that it took."""

    ACCEPTED = "accepted"
    OPENED = "opened"
    ACKNOWLEDGED = "acknowledged"


class Form(StrEnum):
    """How a report is handed out."""

    PDF = "pdf"
    DICOM = "dicom"


@dataclass(frozen=True, slots=True)
class PulledReport:
    """One line of a program's list."""

    delivery: Delivery
    report: Report
    study: Study


@dataclass(frozen=True, slots=True)
class Program:
    """Who asks: a machine of a clinic."""

    actor: str
    address: str
    scope: Scope


async def list_reports(parts: Parts, program: Program, *, since: datetime | None, limit: int,
                       wait_s: float = 0.0) -> list[PulledReport]:
    """Reports that were not accepted yet, oldest first; with `since` all that were queued from then on.

    Where there is none, wait up to `wait_s` for one.
    """
    async with asyncio.timeout(wait_s + 60.0):
        deadline = asyncio.get_running_loop().time() + wait_s
        while True:
            found = await parts.database.read(lambda tx: _listed(tx, program.scope, since, limit))
            left = deadline - asyncio.get_running_loop().time()
            if found or left <= 0:
                return found
            await _news(parts, program.scope, min(left, LOOK_AGAIN_S))


async def take_report(parts: Parts, program: Program, delivery_id: str, form: Form) -> tuple[Report, bytes]:
    """Hand out the signed report and note that it was sent. Raises NotFound; NotNow ("called-back")."""
    def work(tx: Transaction) -> tuple[Delivery, Report]:
        delivery, report, study = _found(tx, program, delivery_id)
        now = parts.clock()
        if delivery.state in _UNTAKEN:
            delivery = replace(delivery, state=DeliveryState.SENT, sent_at=now, attempts=delivery.attempts + 1)
            tx.deliveries.replace(delivery)
        note_delivery(tx, delivery, "delivery.sent", patient_id=study.patient.id, now=now, actor=program.actor,
                      address=program.address, form=form.value, version=report.version)
        return delivery, report

    delivery, report = await parts.database.write(work)
    parts.events.publish(Event("delivery", delivery.site_id, delivery.study_id))
    sha256 = report.pdf_sha256 if form is Form.PDF else report.dicom_sha256
    if sha256 is None:
        raise NotFound("The report has no such form.")
    return report, await asyncio.to_thread(parts.objects.get, sha256)


async def note_step(parts: Parts, program: Program, delivery_id: str, step: Step, *, person: str = "") -> Delivery:
    """The program says what has become of the report. Saying it twice changes nothing, and no time is overwritten.

    Raises NotFound; NotNow: "not-taken" (nobody has fetched it), "called-back".
    """
    if step is Step.ACKNOWLEDGED and not person.strip():
        raise InvalidRequest("Say which person has received it.", reason="no-person")

    def work(tx: Transaction) -> Delivery:
        delivery, report, study = _found(tx, program, delivery_id)
        if delivery.sent_at is None:
            raise NotNow("The report has not been fetched yet.", reason="not-taken")
        now = parts.clock()
        named: dict[str, Any] = {"person": person.strip()} if person.strip() else {}
        after = _after(delivery, step, now, program.actor)
        if after != delivery:
            tx.deliveries.replace(after)
            delivery_followed(tx, after, at=now)
            action = "report.acknowledged" if step is Step.ACKNOWLEDGED else f"delivery.{step.value}"
            note_delivery(tx, after, action, patient_id=study.patient.id, now=now, actor=program.actor,
                          address=program.address, version=report.version, **named)
        return after

    delivery = await parts.database.write(work)
    parts.events.publish(Event("delivery", delivery.site_id, delivery.study_id))
    return delivery


def _after(delivery: Delivery, step: Step, now: datetime, actor: str) -> Delivery:
    """A later step says that the earlier ones have been; when they were is not known, so their times stay empty."""
    match step:
        case Step.ACCEPTED if delivery.state in _UNTAKEN:
            return replace(delivery, state=DeliveryState.ACCEPTED, accepted_at=now)
        case Step.OPENED if delivery.opened_at is None and delivery.state is not DeliveryState.ACKNOWLEDGED:
            return replace(delivery, state=DeliveryState.OPENED, opened_at=now)
        case Step.ACKNOWLEDGED if delivery.state is not DeliveryState.ACKNOWLEDGED:
            return replace(delivery, state=DeliveryState.ACKNOWLEDGED, acknowledged_at=now, acknowledged_by=actor)
    return delivery


def _listed(tx: Transaction, scope: Scope, since: datetime | None, limit: int) -> list[PulledReport]:
    lines = []
    for delivery in tx.deliveries.to_pull(scope, since=since, limit=limit):
        report, study = tx.reports.get(delivery.report_id, EVERYWHERE), tx.studies.get(delivery.study_id, EVERYWHERE)
        if report is not None and study is not None:
            lines.append(PulledReport(delivery, report, study))
    return lines


def _found(tx: Transaction, program: Program, delivery_id: str) -> tuple[Delivery, Report, Study]:
    delivery = tx.deliveries.get(delivery_id, program.scope)
    if delivery is None or delivery.kind is not DestinationKind.PULL:
        raise NotFound("There is no such report.")
    if delivery.state is DeliveryState.CALLED_BACK:
        raise NotNow("A newer version has replaced this report. Fetch the newer one.", reason="called-back")
    report, study = tx.reports.get(delivery.report_id, EVERYWHERE), tx.studies.get(delivery.study_id, EVERYWHERE)
    if report is None or study is None:
        raise NotFound("There is no such report.")
    return delivery, report, study


async def _news(parts: Parts, scope: Scope, within_s: float) -> None:
    """Return when a report of these sites was queued, or after a moment."""
    if not isinstance(parts.events, EventBus):
        await asyncio.sleep(within_s)
        return
    async with parts.events.subscribe() as events:
        try:
            async with asyncio.timeout(within_s):
                async for event in events:
                    if event.kind == RESYNC or (event.kind == "delivery" and scope.allows(event.site_id)):
                        return
        except TimeoutError:
            return


async def _remind(parts: Parts, job: Job) -> None:
    """Nobody has come for the report: a person must look why."""
    def work(tx: Transaction) -> str | None:
        delivery = tx.deliveries.get(job.ref, EVERYWHERE)
        if delivery is None or delivery.state not in _UNTAKEN:
            return None
        tx.alarms.raise_alarm(
            "report-not-fetched", site_id=delivery.site_id, ref=delivery.id, at=parts.clock(),
            detail="The clinic's program has not fetched a report for a day. Ask whether it runs.")
        return delivery.site_id

    site_id = await parts.database.write(work)
    if site_id is not None:
        parts.events.publish(Event("alarm", site_id))


HANDLERS: dict[str, JobHandler] = {FETCH_REMINDER_JOB: _remind}
