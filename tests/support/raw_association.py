"""A DICOM peer that sends exactly the bytes it is told to, in any pieces, and encodes nothing while it sends."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Sequence
from types import TracebackType

COMMAND, LAST = 1, 2
P_DATA, RELEASE_RQ, RELEASE_RP, ABORT = 4, 5, 6, 7
IMPLICIT = "1.2.840.10008.1.2"
A_RELEASE_RQ = struct.pack(">BBLL", RELEASE_RQ, 0, 4, 0)
A_ABORT = struct.pack(">BBLL", ABORT, 0, 4, 0)
_APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
_STATUS = struct.pack("<HHL", 0, 0x0900, 2)


class RawAssociation:
    """`with RawAssociation(address, [(sop_class, syntax), …]) as peer:`; contexts get the IDs 1, 3, 5 …"""

    def __init__(self, address: str, contexts: Sequence[tuple[str, str]], *, calling: str = "MODALITY",
                 called: str = "GATEWAY", largest_pdu_bytes: int = 16384, timeout_s: float = 30.0) -> None:
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(associate_request(contexts, calling, called, largest_pdu_bytes))
        kind, body = self.read_pdu()
        assert kind == 2, f"the association was not accepted: PDU type {kind}"
        self.largest_pdu_bytes = _maximum_length(body)

    def __enter__(self) -> RawAssociation:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.socket.close()

    def send(self, data: bytes, *, piece_bytes: int = 0) -> None:
        """Send in TCP writes of this size; 0: all at once."""
        step = piece_bytes or len(data)
        for start in range(0, len(data), step):
            self.socket.sendall(data[start:start + step])

    def read_pdu(self) -> tuple[int, bytes]:
        """Type and body of the next PDU; (0, b"") if the peer closed."""
        header = self._read(6)
        if len(header) < 6:
            return 0, b""
        kind, _, length = struct.unpack(">BBL", header)
        return kind, self._read(length)

    def read_status(self) -> int:
        """Status of the response that comes next. Raises AssertionError when something else comes."""
        kind, body = self.read_pdu()
        assert kind == P_DATA, f"PDU type {kind} instead of an answer"
        (status,) = struct.unpack_from("<H", body, body.index(_STATUS) + 8)
        return int(status)

    def release(self) -> None:
        self.socket.sendall(A_RELEASE_RQ)
        kind, _ = self.read_pdu()
        assert kind == RELEASE_RP, f"PDU type {kind} instead of a release"

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count and (more := self.socket.recv(count - len(data))):
            data += more
        return data


def command_set(*elements: tuple[int, bytes]) -> bytes:
    """Encode a command set (PS3.7 6.3.1): (element number, value), group length added."""
    body = b"".join(struct.pack("<HHL", 0, number, len(value)) + value for number, value in elements)
    return struct.pack("<HHLL", 0, 0, 4, len(body)) + body


def uid(text: str) -> bytes:
    return text.encode() + b"\0" * (len(text) % 2)


def us(value: int) -> bytes:
    return struct.pack("<H", value)


def store_command(sop_class: str, sop_instance: str, *, message_id: int = 1,
                  more: Iterable[tuple[int, bytes]] = ()) -> bytes:
    """The command set of a C-STORE-RQ; `more` elements come last."""
    return command_set((0x0002, uid(sop_class)), (0x0100, us(1)), (0x0110, us(message_id)), (0x0700, us(0)),
                       (0x0800, us(1)), (0x1000, uid(sop_instance)), *more)


def echo_command(*, message_id: int = 9) -> bytes:
    return command_set((0x0002, uid("1.2.840.10008.1.1")), (0x0100, us(0x30)), (0x0110, us(message_id)),
                       (0x0800, us(0x0101)))


def pdv(context_id: int, control: int, data: bytes) -> bytes:
    """One presentation data value item (PS3.8 9.3.5.1)."""
    return struct.pack(">LBB", len(data) + 2, context_id, control) + data


def pdu(*items: bytes) -> bytes:
    """One P-DATA-TF PDU (PS3.8 9.3.5)."""
    body = b"".join(items)
    return struct.pack(">BBL", P_DATA, 0, len(body)) + body


def store_message(command: bytes, dataset: bytes, *, context_id: int = 1, fragment_bytes: int = 131066) -> bytes:
    """A whole C-STORE-RQ: the command in one PDU, the data set in PDUs of one fragment each."""
    pieces = [dataset[n:n + fragment_bytes] for n in range(0, len(dataset), fragment_bytes)] or [b""]
    return pdu(pdv(context_id, COMMAND | LAST, command)) + b"".join(
        pdu(pdv(context_id, LAST if n == len(pieces) - 1 else 0, piece)) for n, piece in enumerate(pieces))


def associate_request(contexts: Sequence[tuple[str, str]], calling: str, called: str,
                       largest_pdu_bytes: int) -> bytes:
    """PS3.8 9.3.2."""
    items = _item(0x10, _APPLICATION_CONTEXT.encode())
    for number, (abstract, transfer) in enumerate(contexts):
        items += _item(0x20, bytes((2 * number + 1, 0, 0, 0)) + _item(0x30, abstract.encode())
                       + _item(0x40, transfer.encode()))
    items += _item(0x50, _item(0x51, struct.pack(">L", largest_pdu_bytes)) + _item(0x52, b"1.2.3.4"))
    body = struct.pack(">HH16s16s32x", 1, 0, called.ljust(16).encode(), calling.ljust(16).encode()) + items
    return struct.pack(">BBL", 1, 0, len(body)) + body


def _item(kind: int, data: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(data)) + data


def _maximum_length(body: bytes) -> int:
    at = body.index(b"\x51\0\0\4")
    return int(struct.unpack_from(">L", body, at + 4)[0])
