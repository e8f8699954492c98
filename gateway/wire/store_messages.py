"""The two messages of C-STORE as bytes, for both roles: requests read in place, responses made in one piece.

A command set is implicit VR little endian, in the order of its tags (PS3.7 6.3.1). Only what every sender sends is
read here; a request that is in any way unusual gives None, and pynetdicom looks at it instead. Pure.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

COMMAND, LAST = 1, 2                     # bits of the Message Control Header (PS3.8 E.2)
P_DATA_TF = 4                            # PDU type (PS3.8 9.3.5)
PDU_HEADER = struct.Struct(">BBL")       # type, reserved, length (PS3.8 9.3.1)
PDV_HEADER = struct.Struct(">LBB")       # item length, presentation context ID, Message Control Header (9.3.5.1, E.2)
LONGEST_COMMAND_BYTES = 4096

_ELEMENT = struct.Struct("<HHL")
_US = struct.Struct("<H")
_C_STORE_RQ, _C_STORE_RSP = b"\x01\x00", 0x8001
_NO_DATA_SET = 0x0101
_UID_BYTES = frozenset(b"0123456789.")
_RESPONSE = struct.Struct("<" + "HHLH" * 3)   # Command Field, Message ID Being Responded To, Command Data Set Type
_STATUS = struct.Struct("<HHLH")


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """A C-STORE-RQ (PS3.7 9.3.1.1), with its UIDs as they were sent, unpadded."""

    context_id: int
    message_id: int
    sop_class_uid: bytes
    sop_instance_uid: bytes


@dataclass(frozen=True, slots=True)
class MoveOriginator:
    """The C-MOVE on whose behalf an object is stored (PS3.7 9.1.1.1)."""

    ae_title: str
    message_id: int


class BadResponse(ValueError):
    """What came is no answer to what was sent."""


def encode_store_request(sop_class_uid: str, sop_instance_uid: str, message_id: int,
                         originator: MoveOriginator | None = None) -> bytes:
    """Return the command set of a C-STORE-RQ of medium priority."""
    elements = [_uid(0x0002, sop_class_uid.encode("ascii")), _us(0x0100, 1), _us(0x0110, message_id), _us(0x0700, 0),
                _us(0x0800, 1), _uid(0x1000, sop_instance_uid.encode("ascii"))]
    if originator is not None:
        title = originator.ae_title.encode("ascii")
        title += b" " * (len(title) % 2)
        elements += [_ELEMENT.pack(0, 0x1030, len(title)) + title, _us(0x1031, originator.message_id)]
    body = b"".join(elements)
    return struct.pack("<HHLL", 0, 0, 4, len(body)) + body


def read_status(command_set: bytes, message_id: int) -> int:
    """Status of the C-STORE-RSP to this message. Raises BadResponse."""
    values: dict[int, bytes] = {}
    position = 0
    while len(command_set) - position >= _ELEMENT.size:
        _, element, length = _ELEMENT.unpack_from(command_set, position)
        position += _ELEMENT.size
        values[element] = command_set[position:position + length]
        position += length
    wanted = (values.get(0x0100), values.get(0x0120))
    if wanted != (_US.pack(_C_STORE_RSP), _US.pack(message_id)) or len(values.get(0x0900, b"")) != 2:
        raise BadResponse("the answer is not that to the C-STORE")
    return int(_US.unpack(values[0x0900])[0])


def read_store_request(command_set: bytes | memoryview, context_id: int) -> StoreRequest | None:
    """Read a command set. None: it is something else, or not quite as the standard wants it."""
    values: dict[int, bytes] = {}
    position, end, previous = 0, len(command_set), -1
    while position < end:
        if end - position < 8:
            return None
        group, element, length = _ELEMENT.unpack_from(command_set, position)
        position += 8
        if group or element <= previous or length > end - position:
            return None
        values[element] = bytes(command_set[position:position + length])
        position, previous = position + length, element
    has_data_set = values.get(0x0800, b"\1\1") != b"\1\1"
    message_id = values.get(0x0110, b"")
    uids = [values.get(tag, b"").rstrip(b"\0") for tag in (0x0002, 0x1000)]
    if values.get(0x0100) != _C_STORE_RQ or not has_data_set or len(message_id) != 2:
        return None
    if values.get(0x0700) not in (b"\0\0", b"\1\0", b"\2\0"):
        return None
    if any(not 0 < len(uid) <= 64 or not _UID_BYTES.issuperset(uid) for uid in uids):
        return None
    return StoreRequest(context_id, *_US.unpack(message_id), *uids)


def encode_store_response(request: StoreRequest, status: int) -> bytes:
    """Return the C-STORE-RSP (PS3.7 9.3.1.2) as one whole P-DATA-TF PDU, ready to be sent."""
    elements = b"".join((
        _uid(0x0002, request.sop_class_uid),
        _RESPONSE.pack(0, 0x0100, 2, _C_STORE_RSP, 0, 0x0120, 2, request.message_id, 0, 0x0800, 2, _NO_DATA_SET),
        _STATUS.pack(0, 0x0900, 2, status),
        _uid(0x1000, request.sop_instance_uid)))
    command_set = struct.pack("<HHLL", 0, 0, 4, len(elements)) + elements
    return (PDU_HEADER.pack(P_DATA_TF, 0, len(command_set) + 6)
            + PDV_HEADER.pack(len(command_set) + 2, request.context_id, COMMAND | LAST) + command_set)


def _uid(element: int, value: bytes) -> bytes:
    padded = value + b"\0" if len(value) % 2 else value
    return _ELEMENT.pack(0, element, len(padded)) + padded


def _us(element: int, value: int) -> bytes:
    return _STATUS.pack(0, element, 2, value)
