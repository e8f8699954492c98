"""The messages that open and close an association, as a requestor writes and reads them (PS3.8 9.3). Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

ASSOCIATE_AC, ASSOCIATE_RJ, P_DATA, RELEASE_RQ, RELEASE_RP, ABORT = 2, 3, 4, 5, 6, 7
RELEASE_REQUEST = struct.pack(">BBLL", RELEASE_RQ, 0, 4, 0)
RELEASE_RESPONSE = struct.pack(">BBLL", RELEASE_RP, 0, 4, 0)
ABORT_BY_USER = struct.pack(">BBLL", ABORT, 0, 4, 0)
MOST_CONTEXTS = 128                      # presentation context IDs are odd numbers of one byte

_APPLICATION_CONTEXT = b"1.2.840.10008.3.1.1.1"
_APPLICATION, _CONTEXT, _CONTEXT_RESULT, _ABSTRACT, _TRANSFER, _USER = 0x10, 0x20, 0x21, 0x30, 0x40, 0x50
_MAXIMUM_LENGTH, _IMPLEMENTATION_CLASS, _IMPLEMENTATION_VERSION = 0x51, 0x52, 0x55
_FIXED = struct.Struct(">HH16s16s32s")
_ITEM = struct.Struct(">BBH")


@dataclass(frozen=True, slots=True)
class ProposedContext:
    """One abstract syntax with the transfer syntaxes of which the peer may choose one."""

    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """An A-ASSOCIATE-AC: the transfer syntax of each accepted context by its ID, and the largest PDU (0: any)."""

    transfer_syntaxes: Mapping[int, str]
    largest_pdu_bytes: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """An A-ASSOCIATE-RJ (PS3.8 9.3.4)."""

    result: int
    source: int
    reason: int

    @property
    def is_transient(self) -> bool:
        """True for result "rejected-transient", and for a node that is merely full (table 9-21).

        Temporary congestion and local limit exceeded say "later" whatever the result field next to them says.
        """
        return self.result == 2 or (self.source == 3 and self.reason in (1, 2))


class BadAnswer(ValueError):
    """The bytes are not what an answer to an A-ASSOCIATE-RQ looks like."""


def context_id(index: int) -> int:
    """ID of the context at this place of the proposal."""
    return 2 * index + 1


def encode_associate_request(contexts: Sequence[ProposedContext], *, called_ae_title: str, calling_ae_title: str,
                             largest_pdu_bytes: int, implementation_class_uid: str,
                             implementation_version_name: str) -> bytes:
    """Return the A-ASSOCIATE-RQ. Raises ValueError for titles or contexts that no request can hold."""
    if not 0 < len(contexts) <= MOST_CONTEXTS:
        raise ValueError(f"{len(contexts)} presentation contexts do not fit into one association")
    titles = [title.encode("ascii") for title in (called_ae_title, calling_ae_title)]
    if any(len(title) > 16 for title in titles):
        raise ValueError("an AE title is longer than 16 characters")
    items = [_item(_APPLICATION, _APPLICATION_CONTEXT)]
    for index, context in enumerate(contexts):
        syntaxes = b"".join(_item(_TRANSFER, uid.encode("ascii")) for uid in context.transfer_syntaxes)
        items.append(_item(_CONTEXT, bytes((context_id(index), 0, 0, 0))
                           + _item(_ABSTRACT, context.abstract_syntax.encode("ascii")) + syntaxes))
    items.append(_item(_USER, _item(_MAXIMUM_LENGTH, struct.pack(">L", largest_pdu_bytes))
                       + _item(_IMPLEMENTATION_CLASS, implementation_class_uid.encode("ascii"))
                       + _item(_IMPLEMENTATION_VERSION, implementation_version_name.encode("ascii"))))
    called, calling = (title.ljust(16) for title in titles)
    body = _FIXED.pack(1, 0, called, calling, bytes(32)) + b"".join(items)
    return struct.pack(">BBL", 1, 0, len(body)) + body


def read_acceptance(body: bytes) -> Acceptance:
    """Read the body of an A-ASSOCIATE-AC. Raises BadAnswer."""
    accepted: dict[int, str] = {}
    largest = 0
    for kind, value in _items(body[_FIXED.size:]):
        if kind == _CONTEXT_RESULT and len(value) >= 4 and value[2] == 0:
            syntaxes = [uid for kind_of_part, uid in _items(value[4:]) if kind_of_part == _TRANSFER]
            if syntaxes:
                accepted[value[0]] = syntaxes[0].decode("ascii", "replace").rstrip("\0 ")
        elif kind == _USER:
            for kind_of_part, part in _items(value):
                if kind_of_part == _MAXIMUM_LENGTH and len(part) == 4:
                    (largest,) = struct.unpack(">L", part)
    return Acceptance(accepted, largest)


def read_refusal(body: bytes) -> Refusal:
    """Read the body of an A-ASSOCIATE-RJ. Raises BadAnswer."""
    if len(body) < 4:
        raise BadAnswer("a rejection of fewer than four bytes")
    return Refusal(body[1], body[2], body[3])


def _item(kind: int, data: bytes) -> bytes:
    return _ITEM.pack(kind, 0, len(data)) + data


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(data):
        if len(data) - position < _ITEM.size:
            raise BadAnswer("an item ends inside its header")
        kind, _, length = _ITEM.unpack_from(data, position)
        position += _ITEM.size
        if length > len(data) - position:
            raise BadAnswer("an item is longer than its PDU")
        yield kind, data[position:position + length]
        position += length
