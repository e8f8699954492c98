"""Queue a signed report for every destination of its site, and call back what a newer version replaces.

Both happen in the transaction of the signature: a report that is signed is on its way, and one that is not is not.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from storage.interface import Transaction
from storage.model import EVERYWHERE, AuditEntry, Delivery, DeliveryState, DestinationKind, Report, new_id

JOB = "deliver"
FETCH_REMINDER_JOB = "remind_of_report"
_FETCHED_WITHIN = timedelta(days=1)


def queue_deliveries(tx: Transaction, report: Report, *, patient_id: str, now: datetime) -> list[Delivery]:
    """One delivery a destination. The clinic's page has it with this commit, its own program comes for it; the
    others get a job each."""
    queued = []
    for destination in tx.sites.destinations_of(report.site_id):
        is_page = destination.kind is DestinationKind.CLINIC_PAGE
        is_pulled = destination.kind is DestinationKind.PULL
        at_once = now if is_page else None
        delivery = Delivery(
            id=new_id(), report_id=report.id, study_id=report.study_id, site_id=report.site_id,
            destination_id=destination.id, kind=destination.kind,
            state=DeliveryState.ACCEPTED if is_page else DeliveryState.QUEUED, attempts=1 if is_page else 0,
            queued_at=now, next_attempt_at=None if is_page or is_pulled else now, sent_at=at_once,
            accepted_at=at_once, opened_at=None, acknowledged_at=None, acknowledged_by=None, last_error="")
        tx.deliveries.add(delivery)
        if is_page:
            note_delivery(tx, delivery, "delivery.accepted", patient_id=patient_id, now=now)
        elif is_pulled:
            tx.jobs.enqueue(FETCH_REMINDER_JOB, delivery.id, due=now + _FETCHED_WITHIN)
        else:
            tx.jobs.enqueue(JOB, delivery.id, due=now)
        queued.append(delivery)
    return queued


def call_back(tx: Transaction, report: Report) -> None:
    """A newer version replaces the report: its deliveries say so, keep their times, and are not tried again (F5)."""
    for delivery in tx.deliveries.of_report(report.id, EVERYWHERE):
        tx.jobs.cancel(f"{JOB}:{delivery.id}")
        tx.deliveries.replace(replace(delivery, state=DeliveryState.CALLED_BACK, next_attempt_at=None))


def note_delivery(tx: Transaction, delivery: Delivery, action: str, *, patient_id: str | None, now: datetime,
                  actor: str = "gateway", address: str = "", is_success: bool = True, **detail: object) -> None:
    """Append the audit record of a step of a delivery."""
    tx.audit.append(AuditEntry(
        now, actor, action, is_success, delivery.site_id, delivery.study_id, patient_id, address,
        {"delivery": delivery.id, "report": delivery.report_id, "destination": delivery.destination_id,
         "kind": delivery.kind.value, **detail}))
