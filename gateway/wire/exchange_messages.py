"""Command sets of the query and retrieve responses (PS3.7 9.3.2 to 9.3.4), and messages cut into fragments. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.wire.store_messages import COMMAND, LAST

C_FIND_RSP, C_GET_RSP, C_MOVE_RSP = 0x8020, 0x8010, 0x8021
_NO_DATA_SET, _DATA_SET = 0x0101, 0x0001
_MOST_COUNTED = 0xFFFF


@dataclass(frozen=True, slots=True)
class Counts:
    """Sub-operations of a retrieval (PS3.7 9.1.3); `remaining` is only told while some remain."""

    completed: int
    failed: int
    warning: int
    remaining: int | None = None


def encode_response(command_field: int, *, sop_class_uid: str, message_id: int, status: int, has_data_set: bool,
                    comment: str = "", counts: Counts | None = None) -> bytes:
    """The command set of a response; `comment` explains a failure in at most 64 ASCII characters."""
    elements = [_text(0x0002, sop_class_uid, b"\0"), _us(0x0100, command_field), _us(0x0120, message_id),
                _us(0x0800, _DATA_SET if has_data_set else _NO_DATA_SET), _us(0x0900, status)]
    if comment:
        elements.append(_text(0x0902, comment[:64], b" "))
    if counts is not None:
        if counts.remaining is not None:
            elements.append(_us(0x1020, counts.remaining))
        elements += [_us(0x1021, counts.completed), _us(0x1022, counts.failed), _us(0x1023, counts.warning)]
    body = b"".join(elements)
    return struct.pack("<HHLL", 0, 0, 4, len(body)) + body


def fragments(data: Iterable[bytes | memoryview], size: int, *, is_command: bool) -> Iterator[bytes]:
    """Cut a message part into fragments of at most `size` bytes, each behind its Message Control Header (PS3.8 E.2).

    The parts of `data` are read one ahead and never joined, so memory does not grow with the message.
    """
    kind = COMMAND if is_command else 0
    held: bytes | memoryview | None = None
    for part in data:
        for start in range(0, len(part), size):
            if held is not None:
                yield bytes((kind,)) + held
            held = part[start:start + size]
    yield bytes((kind | LAST,)) + (b"" if held is None else held)


def _text(element: int, value: str, padding: bytes) -> bytes:
    data = value.encode("ascii", "replace")
    data += padding * (len(data) % 2)
    return struct.pack("<HHL", 0, element, len(data)) + data


def _us(element: int, value: int) -> bytes:
    return struct.pack("<HHLH", 0, element, 2, min(value, _MOST_COUNTED))
