"""One request that we answer message by message: C-FIND, C-GET and C-MOVE of a peer.

pynetdicom's own providers of these services take decoded data sets and put every answer into a queue without an end.
Here the bytes are ours, and a message is only made when the one before it has left: a slow peer slows us down instead
of filling our memory, and a C-CANCEL counts at once. Used from the association's thread.
"""

from __future__ import annotations

import queue
import select
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pynetdicom.dimse_primitives import C_FIND, C_GET, C_MOVE, C_STORE
from pynetdicom.pdu_primitives import P_DATA

from gateway.wire.exchange_messages import C_FIND_RSP, C_GET_RSP, C_MOVE_RSP, Counts, encode_response, fragments
from gateway.wire.storage_service import Peer
from gateway.wire.store_messages import encode_store_request

RESPONSES: Mapping[type, int] = {C_FIND: C_FIND_RSP, C_GET: C_GET_RSP, C_MOVE: C_MOVE_RSP}
MOST_IDENTIFIER_BYTES = 1 << 20

_MOST_WAITING = 4                        # PDUs between us and the socket
_LOOK_S = 0.05
_LET_IN_S = 0.2
_PDV_OVERHEAD_BYTES = 6                  # item length, context ID, Message Control Header
_LARGEST_FRAGMENT_BYTES = 131_066


class PeerGone(Exception):
    """The association is over, or about to be: nothing more can be said."""


@dataclass(frozen=True, slots=True)
class StorageContext:
    """A presentation context in which the peer takes objects."""

    context_id: int
    sop_class_uid: str
    transfer_syntax_uid: str


class Exchange:
    """A request, and the way back to whoever sent it."""

    def __init__(self, peer: Peer, association: Any, context_id: int, request: Any, *,
                 is_closing: Callable[[], bool]) -> None:
        accepted = {context.context_id: context for context in association.accepted_contexts}[context_id]
        self.peer = peer
        self.sop_class_uid = str(accepted.abstract_syntax)
        self.transfer_syntax_uid = str(accepted.transfer_syntax[0])
        self.message_id = int(request.MessageID)
        self.identifier: bytes = request.Identifier.getvalue() if request.Identifier is not None else b""
        self.move_destination = str(getattr(request, "MoveDestination", "") or "").strip()
        self._association = association
        self._context_id = context_id
        self._response = RESPONSES[type(request)]
        self._is_closing = is_closing
        self._looked = select.poll()
        connection = association.dul.socket.socket
        if connection is not None and connection.fileno() >= 0:      # else the peer has left: `is_over` will say so
            self._looked.register(connection, select.POLLIN)
        association.dimse.cancel_req.clear()         # what came before this request is not about it

    @property
    def extended_negotiation(self) -> bytes:
        """Service class application information that the peer proposed for this SOP class (PS3.7 D.3.3.5)."""
        return bytes(self._association.requestor.sop_class_extended.get(self.sop_class_uid, b""))

    @property
    def is_cancelled(self) -> bool:
        """True once a C-CANCEL for this request came."""
        self._let_in()
        return self.message_id in self._association.dimse.cancel_req

    @property
    def is_over(self) -> bool:
        """True once the peer has left, or the port closes."""
        acse, dul = self._association.acse, self._association.dul
        return bool(acse.is_aborted() or acse.is_release_requested() or not dul.is_alive() or self._is_closing()
                    or not self._association.is_established)

    def respond(self, status: int, *, identifier: bytes | None = None, comment: str = "",
                counts: Counts | None = None) -> None:
        """Send a response, pending or final. Raises PeerGone."""
        command = encode_response(self._response, sop_class_uid=self.sop_class_uid, message_id=self.message_id,
                                  status=status, has_data_set=identifier is not None, comment=comment, counts=counts)
        self._send(self._context_id, command, None if identifier is None else (identifier,))

    def storage_contexts(self) -> Sequence[StorageContext]:
        """Where the peer takes objects on this association: contexts in which it is provider (PS3.7 D.3.3.4)."""
        return [StorageContext(context.context_id, str(context.abstract_syntax), str(context.transfer_syntax[0]))
                for context in self._association.accepted_contexts if context.as_scu]

    def store(self, context: StorageContext, sop_instance_uid: str, message_id: int,
              dataset: Iterable[bytes | memoryview]) -> int:
        """Store an object at the peer; returns its status. Raises PeerGone."""
        self._send(context.context_id, encode_store_request(context.sop_class_uid, sop_instance_uid, message_id),
                   dataset)
        deadline = time.monotonic() + float(self._association.dimse_timeout or 60.0)
        while time.monotonic() < deadline:
            try:
                _, message = self._association.dimse.msg_queue.get(timeout=_LOOK_S)
            except queue.Empty:
                if self.is_over:
                    break
                continue
            if isinstance(message, C_STORE) and message.MessageIDBeingRespondedTo == message_id:
                return 0x0110 if message.Status is None else int(message.Status)
        raise PeerGone("the peer did not answer a C-STORE")

    def finish(self) -> None:
        """The request is answered: the peer may be silent for a while again."""
        self._association.dimse.cancel_req.clear()
        self._association.dul.socket.buffer.on_progress()

    def _send(self, context_id: int, command: bytes, dataset: Iterable[bytes | memoryview] | None) -> None:
        largest = int(self._association.dimse.maximum_pdu_size or 0)
        size = min(max(largest - _PDV_OVERHEAD_BYTES, 1) if largest else _LARGEST_FRAGMENT_BYTES,
                   _LARGEST_FRAGMENT_BYTES)
        for fragment in fragments((command,), size, is_command=True):
            self._put(context_id, fragment)
        if dataset is not None:
            for fragment in fragments(dataset, size, is_command=False):
                self._put(context_id, fragment)

    def _put(self, context_id: int, fragment: bytes) -> None:
        outgoing = self._association.dul.to_provider_queue
        self._wait_until(lambda: outgoing.qsize() < _MOST_WAITING)
        if self.is_over:
            raise PeerGone("the association ended")
        primitive = P_DATA()
        values: Any = [[context_id, fragment]]               # a list of lists, whatever its annotation says
        primitive.presentation_data_value_list = values
        self._association.dul.send_pdu(primitive)

    def _wait_until(self, is_so: Callable[[], bool]) -> None:
        outgoing = self._association.dul.to_provider_queue
        while not is_so():
            if self.is_over:
                raise PeerGone("the association ended")
            with outgoing.not_full:
                outgoing.not_full.wait(_LOOK_S)

    def _let_in(self) -> None:
        """pynetdicom reads only when it has nothing to send: where something came, wait until it was read."""
        deadline = time.monotonic() + _LET_IN_S
        outgoing = self._association.dul.to_provider_queue
        while (self._has_input() and time.monotonic() < deadline and not self.is_over
               and not self._association.dimse.cancel_req):
            with outgoing.not_full:
                outgoing.not_full.wait(0.001)

    def _has_input(self) -> bool:
        wrapper = self._association.dul.socket
        if len(wrapper.buffer):
            return True
        try:
            return bool(self._looked.poll(0))
        except OSError:
            return False


ExchangeHandler = Callable[[Exchange], None]
"""Answers a request to its end, from the association's thread; may block. PeerGone may pass."""


def serve(handler: ExchangeHandler, exchange: Exchange) -> None:
    """Let the handler answer."""
    try:
        handler(exchange)
    except PeerGone:
        """Who asked is not there any more; the association's own thread sees to the rest."""
    finally:
        exchange.finish()
