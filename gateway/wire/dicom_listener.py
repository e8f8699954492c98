"""Listen on the DICOM port: negotiate, echo, and hand the bytes of every C-STORE to whoever keeps them.

The data set is passed on fragment by fragment as it arrives, so that memory does not grow with the object; how, is
decided by `wire`: "lean" (`lean_stores.py`) or "stock" (`stock_stores.py`, pynetdicom's own way). pynetdicom runs two
threads an association; `StorageService` is called from them. pynetdicom's switch for unknown SOP classes is one for
the process, so a process listens with one policy.
"""

from __future__ import annotations

import logging
import ssl
import struct
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from socketserver import BaseServer
from typing import Any, cast

from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.transport import RequestHandler, ThreadedAssociationServer

from gateway.wire import upper_layer
from gateway.wire.dimse_service import DimseService, Exchanges, merged
from gateway.wire.lean_stores import read_lean
from gateway.wire.presentation import STORAGE_SOP_CLASSES, TRANSFER_SYNTAXES, VERIFICATION_SOP_CLASS
from gateway.wire.reception import Reception
from gateway.wire.stock_stores import ReceivingDimse, on_store
from gateway.wire.storage_service import Peer, Rejection, StorageService
from gateway.wire.tls_context import Refused, ServerTls

_HANDSHAKE_WITHIN_S = 15.0
_CONGESTED = struct.pack(">BBL4B", 3, 0, 4, 0, *Rejection.TEMPORARY_CONGESTION.value)


class DicomListener:
    """One listening DICOM port."""

    def __init__(self, service: StorageService, *, host: str, port: int, ae_title: str, accepts_unknown_classes: bool,
                 max_connections: int, max_pdu_bytes: int, network_timeout_s: float, idle_timeout_s: float,
                 implementation_class_uid: str, implementation_version_name: str, is_lean: bool,
                 services: Sequence[DimseService] = (), tls: ServerTls | None = None,
                 on_handshake_failed: Refused | None = None) -> None:
        """With `tls` nothing is said on the port before a handshake succeeded.

        `network_timeout_s` is the longest silence inside a message, `idle_timeout_s` that between messages (on the
        stock path the shorter one counts for both). How many associations there may be, `service` decides;
        beyond `max_connections`, associated or not, a connection is closed before it costs a thread.
        """
        self._host, self._port = host, port
        self._accepts_unknown_classes = accepts_unknown_classes
        self._max_connections = max_connections
        self._settings = _AssociationSettings(service, network_timeout_s, max_pdu_bytes, is_lean, Exchanges(services),
                                              tls, on_handshake_failed)
        self._server: _Server | None = None
        self._services = services
        self._ae = ae = AE(ae_title=ae_title)
        ae.implementation_class_uid = UID(implementation_class_uid)
        ae.implementation_version_name = implementation_version_name
        ae.maximum_associations = max_connections * 2                     # `admit` decides
        ae.maximum_pdu_size = max_pdu_bytes
        ae.network_timeout = idle_timeout_s if is_lean else min(idle_timeout_s, network_timeout_s)
        ae.dimse_timeout = network_timeout_s
        ae.acse_timeout = min(30.0, network_timeout_s)
        ae.require_called_aet, ae.require_calling_aet = False, []         # `admit` decides
        ae.add_supported_context(VERIFICATION_SOP_CLASS)
        for sop_class_uid in STORAGE_SOP_CLASSES:
            # Either role: with C-GET (PS3.4 C.4.3) it is we who store, on the association of the one who asks.
            ae.add_supported_context(sop_class_uid, list(TRANSFER_SYNTAXES), scu_role=True, scp_role=True)
        for offered in services:
            role = True if offered.takes_either_role else None
            for sop_class_uid in offered.sop_class_uids:
                ae.add_supported_context(sop_class_uid, list(offered.transfer_syntaxes), scu_role=role, scp_role=role)

    def start(self) -> tuple[str, int]:
        """Bind and listen; returns host and port. Raises OSError."""
        upper_layer.configure(accepts_unknown_classes=self._accepts_unknown_classes, is_uid=_any_uid)
        # What a stranger sends is no error of ours; what matters is told by the service, in our words.
        logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
        handlers: list[Any] = [(evt.EVT_REQUESTED, _on_requested), (evt.EVT_C_STORE, on_store),
                               (evt.EVT_C_ECHO, _on_echo), (evt.EVT_CONN_CLOSE, _on_closed),
                               *merged(self._services)]
        server: Any = self._ae.make_server((self._host, self._port), evt_handlers=handlers, server_class=_Server,
                                           request_handler=_Handler)
        server.settings = self._settings
        server.contexts = _SharedContexts(server.contexts)
        server.places = threading.BoundedSemaphore(self._max_connections)
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
                association.dimse.reception.is_closing = True
                if association not in aborting and not association.dimse.is_receiving:
                    aborting.add(association)
                    threading.Thread(target=association.abort, daemon=True).start()
            time.sleep(0.02)
        upper_layer.cut(server.active_associations)


@dataclass(frozen=True, slots=True)
class _AssociationSettings:
    service: StorageService
    network_timeout_s: float
    max_pdu_bytes: int
    is_lean: bool
    exchanges: Exchanges
    tls: ServerTls | None
    on_handshake_failed: Refused | None


class _SharedContexts(list[Any]):
    """What is offered. Negotiating only reads it; a deep copy, which pynetdicom makes for each association, takes
    longer than all the rest of opening one."""

    def __deepcopy__(self, memo: Any) -> _SharedContexts:
        return self


class _Server(ThreadedAssociationServer):
    settings: _AssociationSettings
    block_on_close = False
    daemon_threads = True
    request_queue_size = 128
    places: threading.BoundedSemaphore

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give the connection its thread, or turn it away where a flood of connections takes all places."""
        if self.places.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        with suppress(OSError):
            if self.settings.tls is None:
                request.sendall(_CONGESTED)
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.places.release()


class _Handler(RequestHandler):
    """One connection: set up, run, and clean up after it, in its own thread."""

    def handle(self) -> None:
        settings = cast(_Server, self.server).settings
        if settings.tls is not None and not self._secure(settings.tls):
            return
        association = upper_layer.create_association(self)
        outgoing = upper_layer.tune(association, self.request, timeout_s=settings.network_timeout_s,
                                    largest_pdu_bytes=settings.max_pdu_bytes + 6)
        reception = Reception(settings.service)
        association.dimse = ReceivingDimse(association, reception, settings.exchanges)
        if settings.is_lean:
            read_lean(association, reception, largest_pdu_bytes=settings.max_pdu_bytes)
        association.name = f"AcceptorThread-{self.remote.address}:{self.remote.port}"     # pynetdicom counts by name
        association.dul.name = f"dicom-dul-{self.remote.address}:{self.remote.port}"
        try:
            association.start()
            association.join()
            association.dul.join(settings.network_timeout_s)
        finally:
            reception.finish()
            outgoing.close()
            self.request.close()

    def _secure(self, tls: ServerTls) -> bool:
        """Shake hands, in this connection's own thread: a slow or dead peer holds up nobody else."""
        try:
            self.request.settimeout(_HANDSHAKE_WITHIN_S)
            # The plain socket gives its descriptor away and is an empty shell from here on.
            self.request = tls.context().wrap_socket(self.request, server_side=True, do_handshake_on_connect=False)
            self.request.do_handshake()
            return True
        except OSError as exc:                       # ssl.SSLError, a timeout, a reset
            on_failed = cast(_Server, self.server).settings.on_handshake_failed
            if on_failed is not None:
                on_failed(self.remote.address, getattr(exc, "verify_message", "") or str(exc))
            self.request.close()
            return False


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
                str(request.called_ae_title or "").strip(), str(association.requestor.address_info.address),
                _certificate_of(association.dul.socket.socket))
    reception: Reception = association.dimse.reception
    # pynetdicom goes on to accept when this raises: whatever happens, nobody gets in without a yes.
    rejection: Rejection | None = Rejection.TEMPORARY_CONGESTION
    try:
        rejection = reception.service.admit(peer)
    finally:
        if rejection is None:
            reception.peer = peer
        else:
            association.acse.send_reject(*rejection.value)
            association.kill()


def _certificate_of(connection: Any) -> bytes:
    """The client certificate, already checked against those trusted, DER; empty where none was shown."""
    return connection.getpeercert(binary_form=True) or b"" if isinstance(connection, ssl.SSLSocket) else b""


def _on_echo(event: Any) -> int:
    return 0x0000


def _on_closed(event: Any) -> None:
    """A connection that ends before it asked for anything (a port scan) must not hold its place until a timeout."""
    if event.assoc.requestor.primitive is None:
        event.assoc.dul.to_user_queue.put(None)


def _any_uid(value: str) -> tuple[bool, str]:
    """Devices send UIDs that break the rules; whether one can be used is not the wire's to decide."""
    return (bool(value), "must not be empty")
