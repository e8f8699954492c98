"""Storage commitment, push model (PS3.4 annex J): requests of devices, and our reports to them.

The answer to N-ACTION says that the request was received, and nothing more; the verdict follows as N-EVENT-REPORT
with the complete set. A device may take the report in the role of the user on its own association, or on one that we
open with the roles reversed. The same SOP class in the other role, reports of nodes that we asked, is answered here
too and given to `request_commitment`.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from pydicom import Dataset
from pynetdicom import evt

from gateway.core.commitment import event_type
from gateway.dicom.port_context import PortContext
from gateway.formats.commitment_messages import (
    REQUEST_COMMITMENT,
    SOP_CLASS,
    SOP_INSTANCE,
    read_report,
    read_request,
    report_dataset,
)
from gateway.services.answer_commitment import ReportNotTaken, Verdict, device_called, handlers
from gateway.services.commit_storage import DuplicateTransaction, asker_of, receive_request
from gateway.services.job_runner import JobHandler
from gateway.services.request_commitment import NotAsked, take_answer
from gateway.settings import Settings
from gateway.wire.dimse_service import DimseService
from gateway.wire.event_report_scu import EventReport, OpenLines, report_on_new_association
from gateway.wire.presentation import STORAGE_SOP_CLASSES
from gateway.wire.requestor import PeerRefused, PeerUnavailable, RemoteNode
from gateway.wire.storage_service import Peer
from gateway.wire.tls_context import ClientTls, TlsFault, client_context
from storage.errors import StorageError

log = structlog.get_logger("gateway.dicom")

SUCCESS = 0x0000
PROCESSING_FAILURE = 0x0110
NO_SUCH_SOP_INSTANCE = 0x0112
NO_SUCH_EVENT_TYPE = 0x0113
INVALID_ARGUMENT_VALUE = 0x0115
NO_SUCH_ACTION = 0x0123
RESOURCE_LIMITATION = 0x0213

_ANSWER_WITHIN_S = 10.0


def commitment_service(context: PortContext) -> DimseService:
    """The SOP class in both roles."""
    port = _CommitmentPort(context)
    return DimseService((SOP_CLASS,), {evt.EVT_N_ACTION: port.on_action, evt.EVT_N_EVENT_REPORT: port.on_report},
                        takes_either_role=True, on_established=port.on_established)


def commitment_handlers(settings: Settings, lines: OpenLines,
                        tls: ClientTls | None = None) -> dict[str, JobHandler]:
    """The job that answers requests, over the associations of the port."""
    accepts_unknown = settings.unknown_sop_classes == "accept"
    return handlers(DicomReporter(lines, ae_title=settings.ae_title, tls=tls),
                    is_storage_class=lambda uid: takes_class(uid, accepts_unknown=accepts_unknown))


def takes_class(sop_class_uid: str, *, accepts_unknown: bool) -> bool:
    """True for a class that the port stores: known, or private where the setting lets it in."""
    is_standard = sop_class_uid.startswith("1.2.840.10008.")
    return sop_class_uid in STORAGE_SOP_CLASSES or (accepts_unknown and not is_standard)


class DicomReporter:
    """`CommitmentReporter` over the associations that devices hold open, or new ones."""

    def __init__(self, lines: OpenLines, *, ae_title: str, tls: ClientTls | None = None) -> None:
        self._lines = lines
        self._tls = tls
        self._ae_title = ae_title

    async def report(self, verdict: Verdict) -> int:
        asked = verdict.asked
        report = EventReport(SOP_CLASS, SOP_INSTANCE, int(event_type(verdict.items)),
                             report_dataset(asked.transaction_uid, verdict.items, ae_title=self._ae_title))
        line = self._lines.find(asked.association_id, asked.asker)
        if line is not None:
            try:
                return await asyncio.wrap_future(line.send(report, timeout_s=_ANSWER_WITHIN_S))
            except PeerUnavailable as exc:
                log.info("commitment not reported on the device's association", why=str(exc), device=asked.ae_title)
        if not verdict.port:
            raise ReportNotTaken("设备没有登记接收端口，等它下次连接时告知。")
        where = f"{asked.ae_title}@{verdict.host}:{verdict.port}"
        try:
            secured = client_context(self._tls, verdict.certificate_sha256) if verdict.uses_tls else None
            return await report_on_new_association(report, RemoteNode(
                verdict.host, verdict.port, asked.ae_title, self._ae_title, _ANSWER_WITHIN_S, secured))
        except TlsFault as exc:
            raise ReportNotTaken(f"{where} 要用 TLS，但网关自己的证书或信任的证书不可用：{exc}") from exc
        except PeerRefused as exc:
            raise ReportNotTaken(f"{where} 拒绝了连接或这种服务，稍后自动重试。") from exc
        except (PeerUnavailable, OSError) as exc:
            raise ReportNotTaken(f"{where} 连不上或没有应答，稍后自动重试。") from exc


class _CommitmentPort:
    """The handlers; called from the associations' threads."""

    def __init__(self, context: PortContext) -> None:
        self._context = context

    def on_established(self, peer: Peer, association: Any) -> None:
        """The device can take what waits for it."""
        sender = self._context.sender_of(peer)
        self._context.lines.open(peer.association_id, asker_of(sender), association)
        try:
            self._context.bridge.call(device_called(self._context.parts, sender))
        except StorageError as exc:
            log.warning("what waits for a device was not looked up", why=str(exc), device=sender.calling_ae_title)

    def on_action(self, peer: Peer, event: Any) -> tuple[int | Dataset, None]:
        """N-ACTION: 0000 once the request is durable."""
        request = event.request
        if str(request.RequestedSOPInstanceUID or "") != SOP_INSTANCE:
            return NO_SUCH_SOP_INSTANCE, None
        if request.ActionTypeID != REQUEST_COMMITMENT:
            return NO_SUCH_ACTION, None
        try:
            transaction_uid, items = read_request(event.action_information)
        except ValueError as exc:        # InvalidUid among them
            log.info("N-ACTION refused", why=type(exc).__name__, association=peer.association_id)
            return INVALID_ARGUMENT_VALUE, None
        sender = self._context.sender_of(peer)
        try:
            self._context.bridge.call(receive_request(self._context.parts, sender, transaction_uid, items))
        except DuplicateTransaction:
            # 0131 is a Failure Reason (PS3.3 C.14.1.1) and no status of N-ACTION, and a report under this UID could
            # be taken for the verdict on the first request. So the answer has the status, and says it in words.
            return _refused(INVALID_ARGUMENT_VALUE, "Transaction UID was used before (0131)"), None
        except StorageError as exc:
            log.warning("N-ACTION refused", why=str(exc), association=peer.association_id)
            return RESOURCE_LIMITATION, None
        return SUCCESS, None

    def on_report(self, peer: Peer, event: Any) -> tuple[int, None]:
        """N-EVENT-REPORT: the answer to something that we asked."""
        if event.request.EventTypeID not in (1, 2):
            return NO_SUCH_EVENT_TYPE, None
        try:
            transaction_uid, committed, failed = read_report(event.event_information)
        except ValueError as exc:
            log.info("N-EVENT-REPORT refused", why=type(exc).__name__, association=peer.association_id)
            return INVALID_ARGUMENT_VALUE, None
        try:
            self._context.bridge.call(take_answer(
                self._context.parts, peer.calling_ae_title, transaction_uid, committed=committed, failed=failed))
        except NotAsked:
            return INVALID_ARGUMENT_VALUE, None
        except StorageError as exc:
            log.warning("N-EVENT-REPORT not kept", why=str(exc), association=peer.association_id)
            return PROCESSING_FAILURE, None
        return SUCCESS, None


def _refused(status: int, comment: str) -> Dataset:
    answer = Dataset()
    answer.Status, answer.ErrorComment = status, comment
    return answer
