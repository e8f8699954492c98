"""Listen on the DICOM port: negotiate, echo, and hand the bytes of every C-STORE to whoever keeps them.

The data set is passed on fragment by fragment as it arrives, so that memory does not grow with the object. pynetdicom
runs two threads an association; `StorageService` is called from them. pynetdicom's switch for unknown SOP classes is
one for the process, so a process listens with one policy.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from enum import Enum
from io import BytesIO
from socketserver import BaseServer
from typing import Any, Protocol, cast

from pydicom.uid import UID
from pynetdicom import AE, _config, evt
from pynetdicom.dimse_messages import C_STORE_RQ, DIMSEMessage
from pynetdicom.pdu_primitives import P_DATA
from pynetdicom.transport import RequestHandler, ThreadedAssociationServer

from gateway.wire.association_socket import WaitingDimse, tune
from gateway.wire.presentation import STORAGE_SOP_CLASSES, TRANSFER_SYNTAXES, VERIFICATION_SOP_CLASS

_MAX_OTHER_DATASET_BYTES = 1 << 20


class Rejection(Enum):
    """A-ASSOCIATE-RJ: result, source, reason (PS3.8 9.3.4)."""

    CALLING_AE_TITLE_NOT_RECOGNISED = (1, 1, 3)
    CALLED_AE_TITLE_NOT_RECOGNISED = (1, 1, 7)
    TEMPORARY_CONGESTION = (2, 3, 1)


@dataclass(frozen=True, slots=True)
class Peer:
    """Who opened an association."""

    association_id: str
    calling_ae_title: str
    called_ae_title: str
    address: str


@dataclass(frozen=True, slots=True)
class StoreCommand:
    """A C-STORE-RQ (PS3.7 9.1.1): what the command says of the data set."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str


class DatasetSink(Protocol):
    """Takes one data set as it arrives."""

    def write(self, data: bytes) -> None:
        """Take the next bytes. Never raises: a failure is told by `StorageService.store`."""

    def abandon(self) -> None:
        """The rest will not come; leave nothing. Also called after `store`, then without effect."""


class StorageService(Protocol):
    """Keeps what arrives. Called from the associations' threads; may block."""

    def admit(self, peer: Peer) -> Rejection | None:
        """Decide on an association."""

    def begin(self, peer: Peer, command: StoreCommand) -> DatasetSink:
        """A data set begins. Never raises."""

    def store(self, peer: Peer, command: StoreCommand, sink: DatasetSink) -> int:
        """The data set is complete: keep it, then return the status. Never raises."""

    def ended(self, peer: Peer) -> None:
        """The association is over, in whatever way. Never raises."""


class DicomListener:
    """One listening DICOM port."""

    def __init__(self, service: StorageService, *, host: str, port: int, ae_title: str, accepts_unknown_classes: bool,
                 max_associations: int, max_pdu_bytes: int, network_timeout_s: float, implementation_class_uid: str,
                 implementation_version_name: str) -> None:
        self._service = service
        self._host, self._port = host, port
        self._accepts_unknown_classes = accepts_unknown_classes
        self._settings = _AssociationSettings(service, network_timeout_s, max_pdu_bytes)
        self._server: _Server | None = None
        self._ae = ae = AE(ae_title=ae_title)
        ae.implementation_class_uid = UID(implementation_class_uid)
        ae.implementation_version_name = implementation_version_name
        ae.maximum_associations = max_associations
        ae.maximum_pdu_size = max_pdu_bytes
        ae.network_timeout = ae.dimse_timeout = network_timeout_s
        ae.acse_timeout = min(30.0, network_timeout_s)
        ae.require_called_aet, ae.require_calling_aet = False, []         # `admit` decides
        ae.add_supported_context(VERIFICATION_SOP_CLASS)
        for sop_class_uid in STORAGE_SOP_CLASSES:
            ae.add_supported_context(sop_class_uid, list(TRANSFER_SYNTAXES))

    def start(self) -> tuple[str, int]:
        """Bind and listen; returns host and port. Raises OSError."""
        _config.UNRESTRICTED_STORAGE_SERVICE = self._accepts_unknown_classes
        _config.LOG_HANDLER_LEVEL = "none"
        _config.VALIDATORS["UI"] = _any_uid
        # What a stranger sends is no error of ours; what matters is told by the service, in our words.
        logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
        handlers: list[Any] = [(evt.EVT_REQUESTED, _on_requested), (evt.EVT_C_STORE, _on_store),
                               (evt.EVT_C_ECHO, _on_echo), (evt.EVT_CONN_CLOSE, _on_closed)]
        server: Any = self._ae.make_server((self._host, self._port), evt_handlers=handlers, server_class=_Server,
                                           request_handler=_Handler)
        server.settings = self._settings
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="dicom-listen",
                         daemon=True).start()
        self._server = server
        host, port = server.server_address[:2]
        return str(host), int(port)

    def stop(self, *, within_s: float) -> None:
        """Stop listening; objects that are on their way get until then, the others are aborted. Blocking."""
        server, self._server = self._server, None
        if server is None:
            return
        BaseServer.shutdown(server)
        server.server_close()
        deadline = time.monotonic() + within_s
        aborting: set[Any] = set()
        while (open_ones := server.active_associations) and time.monotonic() < deadline:
            for association in cast(list[Any], open_ones):
                if association not in aborting and not association.dimse.is_receiving:
                    aborting.add(association)
                    threading.Thread(target=association.abort, daemon=True).start()
            time.sleep(0.02)
        for association in server.active_associations:
            wrapper = association.dul.socket
            if wrapper is not None and wrapper.socket is not None:
                wrapper._shutdown_socket()


@dataclass(frozen=True, slots=True)
class _AssociationSettings:
    service: StorageService
    network_timeout_s: float
    max_pdu_bytes: int


class _Server(ThreadedAssociationServer):
    settings: _AssociationSettings
    block_on_close = False
    daemon_threads = True
    request_queue_size = 128


class _Handler(RequestHandler):
    """One connection: set up, run, and clean up after it, in its own thread."""

    def handle(self) -> None:
        settings = cast(_Server, self.server).settings
        association: Any = self._create_association()
        outgoing = tune(association, self.request, timeout_s=settings.network_timeout_s,
                        largest_pdu_bytes=settings.max_pdu_bytes + 6)
        dimse = association.dimse = _ReceivingDimse(association, settings.service)
        association.name = f"AcceptorThread-{self.remote.address}:{self.remote.port}"     # pynetdicom counts by name
        association.dul.name = f"dicom-dul-{self.remote.address}:{self.remote.port}"
        try:
            association.start()
            association.join()
            association.dul.join(settings.network_timeout_s)
        finally:
            dimse.finish()
            outgoing.close()


@dataclass(slots=True, eq=False)
class _Receiving:
    """A data set on its way from the first fragment until it is answered."""

    command: StoreCommand
    sink: DatasetSink


class _DatasetStream(BytesIO):
    """Stands where pynetdicom would collect the data set in memory."""

    def __init__(self, dimse: _ReceivingDimse, message: DIMSEMessage) -> None:
        super().__init__()
        self._dimse = dimse
        self._message = message
        self.receiving: _Receiving | None = None

    def write(self, data: Any) -> int:
        if self.receiving is None and isinstance(self._message, C_STORE_RQ):
            self.receiving = self._dimse.begin(self._message.command_set, self._message.context_id)
        if self.receiving is not None:
            self.receiving.sink.write(data)
            return len(data)
        if self.tell() + len(data) > _MAX_OTHER_DATASET_BYTES:
            raise ValueError("a data set without a C-STORE command is too large")
        return super().write(data)


class _ReceivingDimse(WaitingDimse):
    def __init__(self, association: Any, service: StorageService) -> None:
        super().__init__(association)
        self.service = service
        self.peer: Peer | None = None
        self._open: list[_Receiving] = []
        self._is_serving = False

    @property
    def is_receiving(self) -> bool:
        return bool(self._open) or self._is_serving or not self.msg_queue.empty()

    def receive_primitive(self, primitive: P_DATA) -> None:
        if self.message is None:
            self.message = DIMSEMessage()
            self.message.data_set = _DatasetStream(self, self.message)
        super().receive_primitive(primitive)

    def begin(self, command_set: Any, context_id: Any) -> _Receiving:
        accepted = self.assoc._accepted_cx.get(context_id)
        command = StoreCommand(str(command_set.get("AffectedSOPClassUID") or ""),
                               str(command_set.get("AffectedSOPInstanceUID") or ""),
                               str(accepted.transfer_syntax[0]) if accepted else "")
        assert self.peer is not None
        receiving = _Receiving(command, self.service.begin(self.peer, command))
        self._open.append(receiving)
        return receiving

    def store(self, stream: _DatasetStream, command: StoreCommand) -> int:
        """Let the service keep it; the sink is done with afterwards, whatever came of it."""
        assert self.peer is not None
        self._is_serving = True
        receiving = stream.receiving
        try:
            sink = self.service.begin(self.peer, command) if receiving is None else receiving.sink
            status = self.service.store(self.peer, command, sink)
            sink.abandon()
            return status
        finally:
            if receiving is not None:
                self._open.remove(receiving)
            self._is_serving = False

    def finish(self) -> None:
        """The connection is over: what is half here will not be completed."""
        while self._open:
            self._open.pop().sink.abandon()
        if self.peer is not None:
            self.service.ended(self.peer)


@dataclass(slots=True)
class _Counter:
    lock: threading.Lock = field(default_factory=threading.Lock)
    value: int = 0

    def next(self) -> int:
        with self.lock:
            self.value += 1
            return self.value


_counter = _Counter()


def _on_requested(event: Any) -> None:
    association = event.assoc
    request = association.requestor.primitive
    peer = Peer(f"{int(time.time()):x}-{_counter.next():x}", str(request.calling_ae_title or "").strip(),
                str(request.called_ae_title or "").strip(), str(association.requestor.address_info.address))
    dimse: _ReceivingDimse = association.dimse
    # pynetdicom goes on to accept when this raises: whatever happens, nobody gets in without a yes.
    rejection: Rejection | None = Rejection.TEMPORARY_CONGESTION
    try:
        rejection = dimse.service.admit(peer)
    finally:
        if rejection is None:
            dimse.peer = peer
        else:
            association.acse.send_reject(*rejection.value)
            association.kill()


def _on_store(event: Any) -> int:
    request = event.request
    command = StoreCommand(str(request.AffectedSOPClassUID or ""), str(request.AffectedSOPInstanceUID or ""),
                           str(event.context.transfer_syntax))
    dimse: _ReceivingDimse = event.assoc.dimse
    return dimse.store(request.DataSet, command)


def _on_echo(event: Any) -> int:
    return 0x0000


def _on_closed(event: Any) -> None:
    """A connection that ends before it asked for anything (a port scan) must not hold its place until a timeout."""
    if event.assoc.requestor.primitive is None:
        event.assoc.dul.to_user_queue.put(None)


def _any_uid(value: str) -> tuple[bool, str]:
    """Devices send UIDs that break the rules; whether one can be used is not the wire's to decide."""
    return (bool(value), "must not be empty")
