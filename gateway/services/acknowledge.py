"""Open a report and say "received": sent, accepted, opened and acknowledged are four different times (G5)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.core.errors import NotFound, NotNow
from gateway.core.report import canonical_text, text_sha256
from gateway.reports.report_pdf import render_pdf
from gateway.services.clocks.keep_clocks import delivery_followed
from gateway.services.ports import Event, Parts
from gateway.services.queue_deliveries import note_delivery
from gateway.services.report_page import SIGNED, ReportRecord, record_of_report, zone_of
from storage.interface import Transaction
from storage.model import AuditEntry, Delivery, DeliveryState, DestinationKind, Report, Role, User


async def open_report(parts: Parts, user: User, report_id: str, *, address: str) -> tuple[Report, bytes]:
    """Return a version and its PDF; every opening is noted, and the clinic's page counts the clinic's own.

    Readers may look at a draft, printed with its watermark (K5); a clinic sees signed versions alone.
    Raises NotFound (also outside the user's scope).
    """
    def work(tx: Transaction) -> tuple[ReportRecord, bool]:
        now = parts.clock()
        record = record_of_report(tx, report_id, user.scope(Role.CLINIC, Role.READER, Role.REVIEWER))
        report = record.report
        if report.state not in SIGNED and not _may_see_drafts(user, report.site_id):
            raise NotFound("There is no such report.")
        study = record.study
        tx.audit.append(AuditEntry(now, user.id, "report.opened", site_id=study.site_id, study_id=study.id,
                                   patient_id=study.patient.id, address=address,
                                   detail={"report": report.id, "version": report.version,
                                           "state": report.state.value}))
        return record, _mark_opened(tx, parts, user, report)

    record, is_newly_opened = await parts.database.write(work)
    report = record.report
    if is_newly_opened:
        parts.events.publish(Event("delivery", report.site_id, report.study_id, report.reading_id))
    if report.pdf_sha256 is not None:
        return report, await asyncio.to_thread(parts.objects.get, report.pdf_sha256)
    return report, await asyncio.to_thread(_draft, parts, record)


async def acknowledge_delivery(parts: Parts, user: User, delivery_id: str, *, address: str) -> Delivery:
    """A person at the clinic has received the report. Pressing twice changes nothing.

    Raises NotFound; NotNow: "called-back" (a newer version is there), "not-delivered".
    """
    def work(tx: Transaction) -> Delivery:
        now = parts.clock()
        delivery = tx.deliveries.get(delivery_id, user.scope(Role.CLINIC))
        if delivery is None:
            raise NotFound("There is no such delivery.")
        if delivery.state is DeliveryState.ACKNOWLEDGED:
            return delivery
        if delivery.state is DeliveryState.CALLED_BACK:
            raise NotNow("A newer version has replaced this report. Open the newer one.", reason="called-back")
        if delivery.state not in (DeliveryState.ACCEPTED, DeliveryState.OPENED):
            raise NotNow("The report has not been delivered there yet.", reason="not-delivered")
        after = replace(delivery, state=DeliveryState.ACKNOWLEDGED, acknowledged_at=now, acknowledged_by=user.id)
        tx.deliveries.replace(after)
        delivery_followed(tx, after, at=now)
        record = record_of_report(tx, delivery.report_id, user.scope(Role.CLINIC))
        note_delivery(tx, after, "report.acknowledged", patient_id=record.study.patient.id, now=now, actor=user.id,
                      address=address, version=record.report.version)
        return after

    delivery = await parts.database.write(work)
    parts.events.publish(Event("delivery", delivery.site_id, delivery.study_id))
    return delivery


def _may_see_drafts(user: User, site_id: str) -> bool:
    return user.has_role(Role.READER, site_id) or user.has_role(Role.REVIEWER, site_id)


def _mark_opened(tx: Transaction, parts: Parts, user: User, report: Report) -> bool:
    if not user.has_role(Role.CLINIC, report.site_id):
        return False
    page = [delivery for delivery in tx.deliveries.of_report(report.id, user.scope(Role.CLINIC))
            if delivery.kind is DestinationKind.CLINIC_PAGE and delivery.state is DeliveryState.ACCEPTED]
    for delivery in page:
        opened = replace(delivery, state=DeliveryState.OPENED, opened_at=parts.clock())
        tx.deliveries.replace(opened)
        delivery_followed(tx, opened, at=parts.clock())
    return bool(page)


def _draft(parts: Parts, record: ReportRecord) -> bytes:
    sheet = record.as_it_is(parts.settings)
    return render_pdf(sheet, text_sha256=text_sha256(canonical_text(sheet)), at=record.report.updated_at,
                      zone=zone_of(parts.settings), signature=None)
