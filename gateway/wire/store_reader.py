"""The lean path of C-STORE: from the socket to the sink, without a PDU, a message or a data set object in between.

It looks at what the peer sends next. A C-STORE-RQ and its data set are taken here, fragment by fragment, kept, and
answered; anything else is left in the buffer, untouched, for pynetdicom. PDUs and their fragments: PS3.8 9.3.5 and
annex E. One thread an association.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from gateway.wire.receive_buffer import ReceiveBuffer
from gateway.wire.storage_service import DatasetSink
from gateway.wire.store_messages import (
    COMMAND,
    LAST,
    LONGEST_COMMAND_BYTES,
    P_DATA_TF,
    PDU_HEADER,
    PDV_HEADER,
    StoreRequest,
    encode_store_response,
    read_store_request,
)

_PDU_HEADER_BYTES, _PDV_HEADER_BYTES = PDU_HEADER.size, PDV_HEADER.size
_OUTSIDE_LENGTH_BYTES = 2                # of a PDV's six header bytes, these two are counted in its length


class Read(Enum):
    """What came of a look at the socket."""

    STORED = auto()                      # a whole C-STORE was taken and answered
    NOT_OURS = auto()                    # something else comes next; nothing of it was taken
    CLOSED = auto()                      # the peer closed the connection
    BROKEN = auto()                      # the peer breaks the protocol inside a C-STORE


class Stores(Protocol):
    """Where the data sets go."""

    def begin(self, request: StoreRequest) -> DatasetSink | None:
        """A data set begins; None leaves the whole message to pynetdicom."""

    def store(self, request: StoreRequest, sink: DatasetSink) -> int:
        """The data set is complete: keep it, then return the status."""

    def answered(self, sink: DatasetSink) -> None:
        """The answer has left."""


@dataclass(slots=True)
class _Incoming:
    """A data set between its command and its last fragment."""

    request: StoreRequest
    sink: DatasetSink
    pdu_left: int                        # bytes of the present PDU that are still to come
    fragment_left: int = 0
    is_last_fragment: bool = False


class _Closed(Exception):
    """The peer closed the connection inside a message."""


class _Broken(Exception):
    """The peer breaks the protocol."""


class _NotOurs(Exception):
    """Another PDU came between the fragments: an abort, a release."""


class StoreReader:
    """Reads one association's C-STORE messages."""

    def __init__(self, buffer: ReceiveBuffer, stores: Stores, *, largest_pdu_bytes: int,
                 send: Callable[[bytes], None]) -> None:
        self._buffer = buffer
        self._stores = stores
        self._largest_pdu_bytes = largest_pdu_bytes
        self._send = send
        self.is_reading = False              # from the first look at a message until it is answered or given up

    def read(self, sock: socket.socket) -> Read:
        """Take the C-STORE that begins here, if one does, to its end. Raises OSError (a timeout too)."""
        self.is_reading = True
        try:
            incoming = self._begin(sock)
            if incoming is None:
                return Read.NOT_OURS
            while not (incoming.is_last_fragment and not incoming.fragment_left):
                self._next_fragment(sock, incoming)
                self._pass_on(sock, incoming)
            status = self._stores.store(incoming.request, incoming.sink)
            self._send(encode_store_response(incoming.request, status))
            self._stores.answered(incoming.sink)
            # Fragments of one message only may share a PDU (PS3.8 annex E).
            return Read.BROKEN if incoming.pdu_left else Read.STORED
        except _NotOurs:
            return Read.NOT_OURS
        except _Closed:
            return Read.CLOSED
        except _Broken:
            return Read.BROKEN
        finally:
            self._buffer.on_progress()
            self.is_reading = False

    def _begin(self, sock: socket.socket) -> _Incoming | None:
        """Look at the next PDU without taking it, unless it begins with the whole command of a C-STORE."""
        buffer = self._buffer
        self._need(sock, _PDU_HEADER_BYTES)
        pdu_type, _, pdu_length = PDU_HEADER.unpack(buffer.peek(0, _PDU_HEADER_BYTES))
        if pdu_type != P_DATA_TF or not _PDV_HEADER_BYTES < pdu_length <= self._largest_pdu_bytes:
            return None
        self._need(sock, _PDU_HEADER_BYTES + _PDV_HEADER_BYTES)
        length, context_id, control = PDV_HEADER.unpack(buffer.peek(_PDU_HEADER_BYTES, _PDV_HEADER_BYTES))
        command_bytes = length - _OUTSIDE_LENGTH_BYTES
        pdu_left = pdu_length - _PDV_HEADER_BYTES - command_bytes
        if control & (COMMAND | LAST) != COMMAND | LAST or not 0 < command_bytes <= LONGEST_COMMAND_BYTES:
            return None
        if pdu_left < 0:
            return None
        headers = _PDU_HEADER_BYTES + _PDV_HEADER_BYTES
        self._need(sock, headers + command_bytes)
        request = read_store_request(buffer.peek(headers, command_bytes), context_id)
        sink = self._stores.begin(request) if request is not None else None
        if request is None or sink is None:
            return None
        buffer.take(headers + command_bytes)
        return _Incoming(request, sink, pdu_left)

    def _next_fragment(self, sock: socket.socket, incoming: _Incoming) -> None:
        """Read headers up to the next fragment of the data set."""
        buffer = self._buffer
        while not incoming.pdu_left:
            self._need(sock, _PDU_HEADER_BYTES)
            pdu_type, _, pdu_length = PDU_HEADER.unpack(buffer.peek(0, _PDU_HEADER_BYTES))
            if pdu_type != P_DATA_TF or pdu_length > self._largest_pdu_bytes:
                raise _NotOurs
            buffer.take(_PDU_HEADER_BYTES)
            incoming.pdu_left = pdu_length
        if incoming.pdu_left < _PDV_HEADER_BYTES:
            raise _Broken
        self._need(sock, _PDV_HEADER_BYTES)
        length, context_id, control = PDV_HEADER.unpack(buffer.take(_PDV_HEADER_BYTES))
        incoming.fragment_left = length - _OUTSIDE_LENGTH_BYTES
        incoming.pdu_left -= _PDV_HEADER_BYTES + incoming.fragment_left
        incoming.is_last_fragment = bool(control & LAST)
        is_of_this_message = context_id == incoming.request.context_id and not control & COMMAND
        if not is_of_this_message or incoming.fragment_left < 0 or incoming.pdu_left < 0:
            raise _Broken

    def _pass_on(self, sock: socket.socket, incoming: _Incoming) -> None:
        """Move the fragment's bytes to the sink as they come."""
        buffer = self._buffer
        while incoming.fragment_left:
            if not len(buffer) and not buffer.receive(sock):
                raise _Closed
            part = buffer.take(incoming.fragment_left)
            incoming.sink.write(part)
            incoming.fragment_left -= len(part)

    def _need(self, sock: socket.socket, count: int) -> None:
        if not self._buffer.fill(sock, count):
            raise _Closed
