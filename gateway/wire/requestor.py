"""An association that we open to store objects at another node: one socket, no thread of its own.

dcmtk and everything built on it writes an answer in two pieces with Nagle's algorithm on; the second piece waits for
our acknowledgement, which the kernel delays by 40 ms. TCP_QUICKACK before each read of an answer, which the kernel
forgets again and again, makes that node some twenty times faster without touching it.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

from gateway.wire.association_messages import (
    ABORT,
    ABORT_BY_USER,
    ASSOCIATE_AC,
    ASSOCIATE_RJ,
    P_DATA,
    RELEASE_REQUEST,
    RELEASE_RESPONSE,
    RELEASE_RP,
    RELEASE_RQ,
    BadAnswer,
    ProposedContext,
    context_id,
    encode_associate_request,
    read_acceptance,
    read_refusal,
)
from gateway.wire.store_messages import COMMAND, LAST, PDU_HEADER, PDV_HEADER

IMPLEMENTATION_CLASS_UID = "2.25.271582094371902436581109275036644903211"    # as in gateway/formats/part10.py
IMPLEMENTATION_VERSION_NAME = "READING_GATEWAY"

_LARGEST_PDU_BYTES = 131072              # what we take, and the most that we send, whatever the peer would take
_SMALLEST_PDU_BYTES = 128
_LARGEST_ANSWER_BYTES = 1 << 20
_SENT_AT_ONCE_BYTES = 1 << 20


class PeerUnavailable(OSError):
    """The peer could not be reached, was silent, or ended the association. Nothing is known to be stored."""


class PeerNotTrusted(PeerUnavailable):
    """The peer and we did not agree on TLS: its certificate or ours is not trusted, or it speaks none."""


class PeerRefused(Exception):
    """The peer understood and said no before any data set was sent: association or SOP class refused.

    `is_transient` where the peer itself says that it may say yes later.
    """

    def __init__(self, detail: str, *, is_transient: bool = False) -> None:
        super().__init__(detail)
        self.is_transient = is_transient


@dataclass(frozen=True, slots=True)
class RemoteNode:
    """Where to send, as whom, and how long to wait for each answer."""

    host: str
    port: int
    called_ae_title: str
    calling_ae_title: str
    timeout_s: float
    ssl_context: ssl.SSLContext | None = None      # None: plain

    @property
    def tls_args(self) -> tuple[ssl.SSLContext, str] | None:
        """The same for an association of pynetdicom."""
        return None if self.ssl_context is None else (self.ssl_context, self.host)

    def __str__(self) -> str:
        return f"{self.called_ae_title} at {self.host}:{self.port}"


class Requestor:
    """`with Requestor(node, contexts) as association:` releases at its end, and aborts when an error passes."""

    def __init__(self, node: RemoteNode, contexts: Sequence[ProposedContext]) -> None:
        """Connect and negotiate. Raises PeerUnavailable, PeerRefused, ValueError (what no request can hold)."""
        self._node = node
        request = encode_associate_request(
            contexts, called_ae_title=node.called_ae_title, calling_ae_title=node.calling_ae_title,
            largest_pdu_bytes=_LARGEST_PDU_BYTES, implementation_class_uid=IMPLEMENTATION_CLASS_UID,
            implementation_version_name=IMPLEMENTATION_VERSION_NAME)
        self._sock = _connect(node)
        try:
            self._contexts = self._negotiate(request, contexts)
        except BaseException:
            self._sock.close()
            raise

    @property
    def accepted(self) -> Mapping[tuple[str, str], int]:
        """Context IDs by SOP class and transfer syntax."""
        return self._contexts

    def __enter__(self) -> Requestor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if error is None or kind is GeneratorExit:
            self.release()
        else:
            self.abort()

    def exchange(self, context: int, command_set: bytes, dataset: Iterable[memoryview]) -> bytes:
        """Send a message with its data set; return the command set of the answer. Raises PeerUnavailable."""
        try:
            self._send_message(context, command_set, dataset)
            return self._read_command()
        except (OSError, BadAnswer) as exc:
            if isinstance(exc, PeerUnavailable):
                raise
            raise PeerUnavailable(f"{self._node} did not answer: {exc}") from exc

    def release(self) -> None:
        """End in good order; a peer that does not play along is left."""
        with suppress(OSError, BadAnswer):
            self._sock.sendall(RELEASE_REQUEST)
            while self._read_pdu()[0] not in (RELEASE_RP, ABORT, 0):
                """What is still under way is not waited for."""
        self._sock.close()

    def abort(self) -> None:
        with suppress(OSError):
            self._sock.sendall(ABORT_BY_USER)
        self._sock.close()

    def _negotiate(self, request: bytes, contexts: Sequence[ProposedContext]) -> dict[tuple[str, str], int]:
        node = self._node
        try:
            self._sock.sendall(request)
            kind, body = self._read_pdu()
            if kind == ASSOCIATE_RJ:
                refusal = read_refusal(body)
                raise PeerRefused(f"{node} rejected the association ({refusal.result}, {refusal.source}, "
                                  f"{refusal.reason})", is_transient=refusal.is_transient)
            if kind != ASSOCIATE_AC:
                raise PeerUnavailable(f"{node} did not answer the association request")
            acceptance = read_acceptance(body)
        except (OSError, BadAnswer) as exc:
            if isinstance(exc, PeerUnavailable):
                raise
            kind_of_failure = PeerNotTrusted if isinstance(exc, ssl.SSLError) else PeerUnavailable
            raise kind_of_failure(f"{node} did not answer: {exc}") from exc      # TLS 1.3 refuses us only now
        largest = acceptance.largest_pdu_bytes or _LARGEST_PDU_BYTES
        self._fragment_bytes = max(min(largest, _LARGEST_PDU_BYTES), _SMALLEST_PDU_BYTES) - PDV_HEADER.size
        found = ((context.abstract_syntax, acceptance.transfer_syntaxes.get(context_id(index), ""), context_id(index))
                 for index, context in enumerate(contexts))
        return {(abstract, transfer): number for abstract, transfer, number in found if transfer}

    def _send_message(self, context: int, command_set: bytes, dataset: Iterable[memoryview]) -> None:
        waiting: list[bytes | memoryview] = [_headers(context, len(command_set), COMMAND | LAST), command_set]
        size = 0
        for part, is_last in self._fragments(dataset):
            waiting += (_headers(context, len(part), LAST if is_last else 0), part)
            size += len(part)
            if size >= _SENT_AT_ONCE_BYTES:
                self._sock.sendall(b"".join(waiting))
                waiting, size = [], 0
        if waiting:
            self._sock.sendall(b"".join(waiting))

    def _fragments(self, dataset: Iterable[memoryview]) -> Iterator[tuple[memoryview, bool]]:
        """Pieces that fit into a PDU of the peer, and whether it is the last."""
        held: memoryview | None = None
        for piece in dataset:
            for start in range(0, len(piece), self._fragment_bytes):
                if held is not None:
                    yield held, False
                held = piece[start:start + self._fragment_bytes]
        yield held if held is not None else memoryview(b""), True

    def _read_command(self) -> bytes:
        """The command set of the message that comes next; what else it holds is let go."""
        command = bytearray()
        while True:
            kind, body = self._read_pdu()
            if kind == RELEASE_RQ:
                self._sock.sendall(RELEASE_RESPONSE)
            if kind != P_DATA:
                raise PeerUnavailable(f"{self._node} ended the association")
            position = 0
            while position < len(body):
                if len(body) - position < PDV_HEADER.size:
                    raise BadAnswer("a fragment ends inside its header")
                length, _, control = PDV_HEADER.unpack_from(body, position)
                end = position + 4 + length
                if length < 2 or end > len(body):
                    raise BadAnswer("a fragment is longer than its PDU")
                if control & COMMAND:
                    command += body[position + PDV_HEADER.size:end]
                    if control & LAST:
                        return bytes(command)
                position = end

    def _read_pdu(self) -> tuple[int, bytes]:
        """Type and body of the next PDU; (0, b"") if the peer closed. Raises OSError, BadAnswer."""
        header = self._read(PDU_HEADER.size)
        if len(header) < PDU_HEADER.size:
            return 0, b""
        kind, _, length = PDU_HEADER.unpack(header)
        if length > _LARGEST_ANSWER_BYTES:
            raise BadAnswer(f"a PDU of {length} bytes")
        body = self._read(length)
        return (kind, body) if len(body) == length else (0, b"")

    def _read(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)     # the kernel drops it again
            more = self._sock.recv(count - len(data))
            if not more:
                break
            data += more
        return bytes(data)


def _connect(node: RemoteNode) -> socket.socket:
    try:
        sock = socket.create_connection((node.host, node.port), node.timeout_s)
    except OSError as exc:
        raise PeerUnavailable(f"{node} cannot be reached: {exc}") from exc
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    except OSError as exc:
        sock.close()
        raise PeerUnavailable(f"{node} cannot be reached: {exc}") from exc
    if node.ssl_context is None:
        return sock
    try:
        return node.ssl_context.wrap_socket(sock, server_hostname=node.host)
    except (OSError, ValueError) as exc:
        sock.close()
        raise PeerNotTrusted(f"{node} did not agree on TLS: {exc}") from exc


def _headers(context: int, length: int, control: int) -> bytes:
    """Of a PDU that holds one fragment of this length."""
    return (struct.pack(">BBL", P_DATA, 0, length + PDV_HEADER.size)
            + PDV_HEADER.pack(length + 2, context, control))
