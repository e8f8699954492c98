"""The DICOM port: verification and storage (PS3.4 annexes A and B).

A C-STORE is answered with success after its bytes and its index entry are durable, never before. Bytes go to the
object store while they arrive, and are kept, on the association's thread (`receive_arriving`).
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict

import structlog

from gateway.core.errors import GatewayError
from gateway.dicom.admission import Admission
from gateway.dicom.loop_bridge import LoopBridge
from gateway.dicom.offered_services import PortContext, offered_services
from gateway.dicom.secure_port import tls_files
from gateway.dicom.statuses import SUCCESS, UnexpectedInstance, status_of
from gateway.formats.dicom_dataset import DatasetHead
from gateway.formats.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from gateway.services.complete_study import association_ended
from gateway.services.keep_dataset import DatasetKeeper
from gateway.services.ports import Parts
from gateway.services.receive_arriving import Announced, receive_arriving
from gateway.services.receive_instance import Receipt
from gateway.wire.dicom_listener import DicomListener
from gateway.wire.dimse_service import DimseService
from gateway.wire.event_report_scu import OpenLines
from gateway.wire.storage_service import DatasetSink, Peer, Rejection, StoreCommand
from gateway.wire.tls_context import ClientTls, ServerTls
from storage.errors import StorageError

log = structlog.get_logger("gateway.dicom")

STOP_WITHIN_S = 8.0
_ANSWER_WITHIN_S = 120.0
_WAITING_CONNECTIONS = 32                # not yet associated, or about to be rejected, beside the associations


class StorageScp:
    """Listens while started; also tells which studies an open association has sent to (`OpenAssociations`)."""

    def __init__(self, parts: Parts, *, calling_tls: ClientTls | None = None) -> None:
        self._parts = parts
        self._calling_tls = calling_tls
        self._listeners: list[DicomListener] = []
        self._bridge: LoopBridge | None = None
        self._admission: Admission | None = None
        self._lock = threading.Lock()
        self._studies: defaultdict[str, set[str]] = defaultdict(set)
        self.lines = OpenLines()             # for reports to those who hold an association open
        self.address = ""
        self.tls_address = ""                # of the secure port, "" without one

    async def start(self) -> str:
        """Listen; returns "host:port" of the plain port. Raises OSError when a port is taken, TlsFault."""
        settings = self._parts.settings
        self._bridge = LoopBridge(asyncio.get_running_loop(), timeout_s=_ANSWER_WITHIN_S)
        self._admission = Admission(self._parts, self._bridge)
        services = offered_services(PortContext(self._parts, self._bridge, self._admission.sender_of, self.lines,
                                                self._calling_tls))
        self.address = await self._listen("dicom", services, tls=None)
        if settings.dicom_tls:
            try:
                self.tls_address = await self._listen("dicom_tls", services, tls=ServerTls(
                    tls_files(settings, demands_certificate=settings.tls_client_certificate == "required")))
            except BaseException:
                await self.stop()
                raise
        return self.address

    async def _listen(self, setting: str, services: list[DimseService], *, tls: ServerTls | None) -> str:
        settings = self._parts.settings
        host, port = settings.host_port(setting)
        listener = DicomListener(
            self, host=host, port=port, ae_title=settings.ae_title,
            accepts_unknown_classes=settings.unknown_sop_classes == "accept",
            max_connections=settings.max_associations + _WAITING_CONNECTIONS, max_pdu_bytes=settings.max_pdu_bytes,
            network_timeout_s=settings.network_timeout_s, idle_timeout_s=settings.idle_timeout_s,
            implementation_class_uid=IMPLEMENTATION_CLASS_UID,
            implementation_version_name=IMPLEMENTATION_VERSION_NAME, is_lean=settings.wire == "lean",
            services=services, tls=tls, on_handshake_failed=_handshake_failed)
        bound_host, bound_port = await asyncio.to_thread(listener.start)
        self._listeners.append(listener)
        return f"{bound_host}:{bound_port}"

    async def stop(self) -> None:
        """Take no more associations; what is on its way may finish within 8 s, the rest is aborted."""
        listeners, self._listeners = self._listeners, []
        await asyncio.gather(*(asyncio.to_thread(listener.stop, within_s=STOP_WITHIN_S) for listener in listeners))

    def is_sending(self, study_id: str) -> bool:
        with self._lock:
            return any(study_id in studies for studies in self._studies.values())

    def is_connected(self, calling_ae_title: str, *, besides: str) -> bool:
        return self._admission is not None and self._admission.is_connected(calling_ae_title, besides=besides)

    # ---------------------------------------------------- called by the listener, from the associations' threads
    def admit(self, peer: Peer) -> Rejection | None:
        try:
            return self._admissions.admit(peer)
        except StorageError as exc:
            log.error("association refused", why=str(exc), peer=peer.address)
            return Rejection.TEMPORARY_CONGESTION
        except Exception:  # the listener's outermost loop: refuse, and serve the next one
            log.exception("association refused", peer=peer.address)
            return Rejection.TEMPORARY_CONGESTION

    def begin(self, peer: Peer, command: StoreCommand) -> DatasetSink:
        return DatasetKeeper(self._parts, sop_class_uid=command.sop_class_uid,
                             sop_instance_uid=command.sop_instance_uid,
                             transfer_syntax_uid=command.transfer_syntax_uid)

    def store(self, peer: Peer, command: StoreCommand, sink: DatasetSink) -> int:
        assert isinstance(sink, DatasetKeeper)
        try:
            return self._store(peer, command, sink)
        except (GatewayError, StorageError) as exc:
            log.warning("C-STORE refused", why=str(exc), association=peer.association_id, status=hex(status_of(exc)))
            return status_of(exc)
        except Exception as exc:  # the listener's outermost loop: answer, and serve the next one
            log.exception("C-STORE failed", association=peer.association_id)
            return status_of(exc)

    def ended(self, peer: Peer) -> None:
        self._admissions.ended(peer)
        self.lines.ended(peer.association_id)
        with self._lock:
            studies = self._studies.pop(peer.association_id, set())
        if not studies:
            return
        try:
            self._calls.call(association_ended(self._parts, studies))
        except StorageError as exc:
            log.warning("the quiet time of studies was not moved", why=str(exc), association=peer.association_id)

    # --------------------------------------------------------------------------------------------------- inside
    @property
    def _calls(self) -> LoopBridge:
        assert self._bridge is not None
        return self._bridge

    @property
    def _admissions(self) -> Admission:
        assert self._admission is not None
        return self._admission

    def _store(self, peer: Peer, command: StoreCommand, sink: DatasetKeeper) -> int:
        announced = Announced(command.sop_class_uid, command.sop_instance_uid, command.transfer_syntax_uid)
        receipt = receive_arriving(self._parts, sink, announced, self._admissions.sender_of(peer),
                                   lambda head: _check(head, command), within_s=_ANSWER_WITHIN_S)
        self._remember(peer, receipt)
        return SUCCESS

    def _remember(self, peer: Peer, receipt: Receipt) -> None:
        if receipt.study_id is not None and receipt.instance_id is not None:
            with self._lock:
                self._studies[peer.association_id].add(receipt.study_id)


def _handshake_failed(address: str, why: str) -> None:
    log.info("no secure connection", peer=address, why=why)


def _check(head: DatasetHead, command: StoreCommand) -> None:
    """The data set must be what the command said. Raises UnexpectedInstance."""
    if head.sop_class_uid != command.sop_class_uid.strip("\0 "):
        raise UnexpectedInstance(f"The data set's SOP class {head.sop_class_uid} is not that of the command.")
    if head.sop_instance_uid != command.sop_instance_uid.strip("\0 "):
        raise UnexpectedInstance("The data set's SOP Instance UID is not that of the command.",
                                 reason="sop-instance-mismatch")
