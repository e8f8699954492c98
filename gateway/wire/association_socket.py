"""The socket of an association, for pynetdicom's reactor thread.

pynetdicom 3.0 reads 4 KB at a time and sleeps 1 ms between looks. This socket waits for data (or for an answer that
wants to leave) instead, reads a PDU in one go, refuses a PDU that is larger than agreed before it takes memory, and
keeps Nagle's algorithm and delayed acknowledgements out of the way: together they cost 44 ms an object.
"""

from __future__ import annotations

import os
import queue
import select
import socket
import time
from typing import Any

from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.transport import AssociationSocket

_WAIT_MS = 100
_MESSAGE_WAIT_S = 0.01
_CLOSED_WAIT_S = 0.002
_LARGEST_REQUEST_PDU_BYTES = 1 << 20        # an A-ASSOCIATE-RQ with 128 contexts is far below
_HEADER_BYTES = 6


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


class PduSocket(AssociationSocket):
    """An accepted connection that reads whole PDUs."""

    largest_pdu_bytes: int
    outgoing: WakingQueue
    poller: select.poll

    @property
    def ready(self) -> bool:
        """True if there is data to read; waits a moment for it, or for something to send."""
        sock, event = self.socket, self.outgoing.event
        if sock is None or not self._is_connected or event < 0:
            time.sleep(_CLOSED_WAIT_S)               # nothing will come; the thread only waits to be ended
            return False
        try:
            found = dict(self.poller.poll(_WAIT_MS))
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
        filled = 0
        if nr_bytes == _HEADER_BYTES:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)     # the kernel drops it again by itself
        while filled < nr_bytes:
            count = sock.recv_into(view[filled:])
            if not count:
                break
            filled += count
        view.release()
        return data if filled == nr_bytes else data[:filled]


class WaitingDimse(DIMSEServiceProvider):
    """Hands messages to the association thread as soon as they are there, instead of on its next look."""

    def get_msg(self, block: bool = False) -> Any:
        if block:
            return super().get_msg(block=True)
        try:
            return self.msg_queue.get(timeout=_MESSAGE_WAIT_S)
        except queue.Empty:
            return None, None


def tune(association: Any, sock: socket.socket, *, timeout_s: float, largest_pdu_bytes: int) -> WakingQueue:
    """Make a fresh, not yet started acceptor association use these; returns the queue, to be closed at the end."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(timeout_s)                       # a peer that stalls inside a PDU must not hold the thread
    outgoing = WakingQueue()
    association.dul.to_provider_queue = outgoing
    association.dul._run_loop_delay = 0
    association.dul.daemon = True
    wrapper = association.dul.socket
    wrapper.__class__ = PduSocket                    # made by pynetdicom a moment ago, and used by nobody yet
    wrapper.largest_pdu_bytes = largest_pdu_bytes
    wrapper.outgoing = outgoing
    wrapper.poller = select.poll()
    wrapper.poller.register(sock, select.POLLIN)
    wrapper.poller.register(outgoing.event, select.POLLIN)
    return outgoing
