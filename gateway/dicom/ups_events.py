"""Carry workitem events to devices: N-EVENT-REPORT of UPS Event (PS3.4 CC.2.4).

On an association that the device opened with UPS Event and still holds; else on one that we open to where it is
registered, as the provider. The event is about an instance of UPS Push, whatever class carries it (CC.3.1).
"""

from __future__ import annotations

import asyncio

import structlog

from gateway.core.answer_text import answer_character_set
from gateway.core.workitems import UPS_EVENT, UPS_PUSH
from gateway.dicom.ups_datasets import dataset_from
from gateway.services.job_runner import JobHandler
from gateway.services.workitems.tell_subscriber import EventNotTaken, handlers
from gateway.settings import Settings
from gateway.wire.event_report_scu import EventReport, OpenLines, report_on_new_association
from gateway.wire.requestor import PeerRefused, PeerUnavailable, RemoteNode
from gateway.wire.tls_context import ClientTls, TlsFault, client_context
from storage.model import Device
from storage.model.workitems import WorkitemEvent

log = structlog.get_logger("gateway.dicom")

_ANSWER_WITHIN_S = 10.0


def workitem_handlers(settings: Settings, lines: OpenLines, tls: ClientTls | None = None) -> dict[str, JobHandler]:
    """The job that tells devices, over the associations of the port."""
    return handlers(DicomEventReporter(lines, ae_title=settings.ae_title, tls=tls))


class DicomEventReporter:
    """`WorkitemReporter` over the associations that devices hold open, or new ones."""

    def __init__(self, lines: OpenLines, *, ae_title: str, tls: ClientTls | None = None) -> None:
        self._lines = lines
        self._ae_title = ae_title
        self._tls = tls

    async def report(self, device: Device, event: WorkitemEvent) -> None:
        report = EventReport(UPS_PUSH, event.workitem_uid, int(event.kind),
                             dataset_from(event.information, answer_character_set(device, "")), UPS_EVENT)
        status = await self._on_its_association(device, report)
        if status is None:
            status = await self._on_ours(device, report)
        if status != 0x0000:
            log.warning("a workitem event was answered with a failure", device=device.ae_title, status=hex(status))

    async def _on_its_association(self, device: Device, report: EventReport) -> int | None:
        line = self._lines.find("", device.id, context_uid=UPS_EVENT)
        if line is None:
            return None
        try:
            return await asyncio.wrap_future(line.send(report, timeout_s=_ANSWER_WITHIN_S))
        except PeerUnavailable as exc:
            log.info("workitem event not told on the device's association", why=str(exc), device=device.ae_title)
            return None

    async def _on_ours(self, device: Device, report: EventReport) -> int:
        if not device.port or not device.address:
            raise EventNotTaken("The device has no address and port of its own; it is told when it calls.")
        try:
            secured = client_context(self._tls, device.certificate_sha256) if device.uses_tls else None
            return await report_on_new_association(report, RemoteNode(
                device.address, device.port, device.ae_title, self._ae_title, _ANSWER_WITHIN_S, secured))
        except (PeerRefused, PeerUnavailable, TlsFault, OSError) as exc:
            raise EventNotTaken(f"{device.ae_title} did not take it: {exc}") from exc
