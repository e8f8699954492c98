"""What we change inside pynetdicom 3.0: the one file that touches names which it does not promise to keep.

pynetdicom reads 4 KB at a time, looks at its queues every millisecond, and carries a fragment through half a dozen
objects. Here an association waits instead of looking, reads what is there in one go, refuses a PDU that is larger
than agreed before it takes memory, keeps Nagle's algorithm and delayed acknowledgements out of the way (together they
cost 44 ms an object), and offers what comes next to a `StoreReader` before pynetdicom sees it.

`PRIVATE_NAMES` lists what is touched; tests/unit/test_pynetdicom_insides.py compares this list with this file, and
the code around those names with the release that we know.
"""

from __future__ import annotations

import os
import queue
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from pynetdicom import _config
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dul import DULServiceProvider
from pynetdicom.fsm import InvalidEventError
from pynetdicom.transport import AssociationSocket, RequestHandler

from gateway.wire.receive_buffer import ReceiveBuffer
from gateway.wire.store_reader import Read, StoreReader

PRIVATE_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "pynetdicom": ("_config",),
    "pynetdicom.dul.DULServiceProvider": ("_read_pdu_data", "_idle_timer", "_run_loop_delay"),
    "pynetdicom.transport.AssociationSocket": ("_is_connected", "_shutdown_socket"),
    "pynetdicom.transport.RequestHandler": ("_create_association",),
    "pynetdicom.association.Association": ("_accepted_cx",),
}

_WAIT_MS = 100
_KEEPALIVE_S = 30
_MESSAGE_WAIT_S = 0.1
_CLOSED_WAIT_S = 0.002
_LARGEST_REQUEST_PDU_BYTES = 1 << 20        # an A-ASSOCIATE-RQ with 128 contexts is far below
_HEADER_BYTES = 6
_ESTABLISHED = "Sta6"                       # association established, ready for data transfer (PS3.8 9.2)


class WakingQueue(queue.Queue[Any]):
    """What the association wants to send; a put wakes the thread that waits for the socket."""

    def __init__(self) -> None:
        super().__init__()
        self.event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def _put(self, item: Any) -> None:
        super()._put(item)
        if self.event >= 0:
            os.eventfd_write(self.event, 1)

    def close(self) -> None:
        """Give the descriptor back once nobody waits any more."""
        with self.mutex:
            event, self.event = self.event, -1
            if event >= 0:
                os.close(event)


class NoticedQueue(queue.Queue[Any]):
    """What the reactor has for the association; a put wakes the thread that waits for a message."""

    def __init__(self, on_put: Callable[[], None]) -> None:
        super().__init__()
        self._on_put = on_put

    def _put(self, item: Any) -> None:
        super()._put(item)
        self._on_put()


class PduSocket(AssociationSocket):
    """An accepted connection that reads whole PDUs, and first what a `StoreReader` left in the buffer."""

    largest_pdu_bytes: int
    outgoing: WakingQueue
    poller: select.poll
    buffer: ReceiveBuffer

    @property
    def ready(self) -> bool:
        """True if there is data to read; waits a moment for it, or for something to send."""
        sock, event = self.socket, self.outgoing.event
        if sock is None or not self._is_connected or event < 0:
            time.sleep(_CLOSED_WAIT_S)               # nothing will come; the thread only waits to be ended
            return False
        if len(self.buffer) or (isinstance(sock, ssl.SSLSocket) and sock.pending()):
            return True                              # a record that was decrypted whole makes no descriptor readable
        try:
            is_idle = self.event_queue.empty()           # what waits there is done first
            found = dict(self.poller.poll(_WAIT_MS if is_idle else 0))
            if event in found:
                os.eventfd_read(event)
            return sock.fileno() in found
        except OSError:
            self.event_queue.put("Evt17")
            return False

    def recv(self, nr_bytes: int) -> bytearray:
        """Read `nr_bytes`; fewer if the peer closed. Raises OSError (also when it is more than was agreed)."""
        if nr_bytes > max(self.largest_pdu_bytes, _LARGEST_REQUEST_PDU_BYTES):
            raise OSError(f"a PDU of {nr_bytes} bytes is larger than was agreed")
        sock = self.socket
        if sock is None:
            raise OSError("the connection is closed")
        data = bytearray(nr_bytes)
        view = memoryview(data)
        buffered = self.buffer.take(nr_bytes)
        filled = len(buffered)
        view[:filled] = buffered
        if nr_bytes == _HEADER_BYTES:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)     # the kernel drops it again by itself
        while filled < nr_bytes:
            count = sock.recv_into(view[filled:])
            if not count:
                break
            filled += count
        view.release()
        return data if filled == nr_bytes else data[:filled]


class GuardedUpperLayer(DULServiceProvider):
    """pynetdicom's reactor; it ends quietly when a peer breaks the protocol faster than it is answered.

    What the association decided a moment ago (to accept, to reject) then comes in a state that has no place for it
    (PS3.8 9.2.1), and pynetdicom's thread would die with a trace.
    """

    def run(self) -> None:
        try:
            super().run()
        except InvalidEventError:
            wrapper: Any = self.socket
            wrapper.close()


class LeanUpperLayer(GuardedUpperLayer):
    """The same; a C-STORE that comes next is read past it."""

    stores: StoreReader

    def _read_pdu_data(self) -> None:
        """Read what comes next: a C-STORE whole, or one PDU as ever. Called when there is something to read."""
        wrapper: Any = self.socket
        sock = wrapper.socket
        if sock is not None and self._is_between_messages():
            try:
                read = self.stores.read(sock)
            except OSError:
                read = Read.CLOSED
            if read is Read.CLOSED:
                self.event_queue.put("Evt17")        # transport connection closed
            elif read is Read.BROKEN:
                self.event_queue.put("Evt19")        # unrecognised or invalid PDU: A-ABORT
            if read is not Read.NOT_OURS:
                return
        super()._read_pdu_data()

    def idle_timer_expired(self) -> bool:
        """True if the peer is silent for too long; inside a C-STORE the socket's own timeout tells, and only of it.

        While an object is being kept the peer waits for us: slow storage is no silence.
        """
        return not self.stores.is_reading and super().idle_timer_expired()

    def _is_between_messages(self) -> bool:
        """True if what comes next begins a message: nothing that pynetdicom began is unfinished."""
        return (self.state_machine.current_state == _ESTABLISHED and self.event_queue.empty()
                and self.assoc.dimse.message is None)


class WaitingDimse(DIMSEServiceProvider):
    """Hands messages to the association thread as soon as they are there, instead of on its next look."""

    def get_msg(self, block: bool = False) -> Any:
        if block:
            return super().get_msg(block=True)
        try:
            return self.msg_queue.get(timeout=_MESSAGE_WAIT_S)
        except queue.Empty:
            return None, None


def configure(*, accepts_unknown_classes: bool, is_uid: Callable[[str], tuple[bool, str]]) -> None:
    """Set pynetdicom's switches for the process: any storage class, no logs with data of patients, our UID check."""
    _config.UNRESTRICTED_STORAGE_SERVICE = accepts_unknown_classes
    _config.LOG_HANDLER_LEVEL = "none"
    _config.VALIDATORS["UI"] = is_uid


def create_association(handler: RequestHandler) -> Any:
    """The association of a fresh connection, not yet started."""
    return handler._create_association()


def tune(association: Any, sock: socket.socket, *, timeout_s: float, largest_pdu_bytes: int) -> WakingQueue:
    """Make a fresh, not yet started acceptor association wait and read as above.

    Returns the queue, to be closed at the end.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)       # a host that vanished is noticed before long
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_S // 3)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    sock.settimeout(timeout_s)                       # a peer that stalls inside a PDU must not hold the thread
    outgoing = WakingQueue()
    association.dul.to_provider_queue = outgoing
    association.dul.to_user_queue = NoticedQueue(lambda: association.dimse.msg_queue.put((None, None)))
    association.dul._run_loop_delay = 0
    association.dul.__class__ = GuardedUpperLayer
    association.dul.daemon = True
    wrapper = association.dul.socket
    wrapper.__class__ = PduSocket                    # made by pynetdicom a moment ago, and used by nobody yet
    wrapper.largest_pdu_bytes = largest_pdu_bytes
    wrapper.outgoing = outgoing
    wrapper.poller = select.poll()
    wrapper.poller.register(sock, select.POLLIN)
    wrapper.poller.register(outgoing.event, select.POLLIN)
    wrapper.buffer = ReceiveBuffer(association.dul._idle_timer.restart)
    return outgoing


def read_stores_past(association: Any, make_reader: Callable[[ReceiveBuffer, Callable[[bytes], None]], StoreReader],
                     ) -> None:
    """Let what `make_reader` makes of buffer and sender read the C-STOREs of a tuned association."""
    wrapper = association.dul.socket
    association.dul.stores = make_reader(wrapper.buffer, wrapper.send)
    association.dul.__class__ = LeanUpperLayer


def accepted_context(association: Any, context_id: int) -> tuple[str, str] | None:
    """Abstract syntax and transfer syntax of an accepted presentation context."""
    context = association._accepted_cx.get(context_id)
    return (str(context.abstract_syntax), str(context.transfer_syntax[0])) if context is not None else None


def cut(associations: Iterable[Any]) -> None:
    """Close the connections of these associations, whatever they are at."""
    for association in associations:
        wrapper = association.dul.socket
        if wrapper is not None and wrapper.socket is not None:
            wrapper._shutdown_socket()
