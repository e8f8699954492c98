"""Send DICOM objects by C-STORE, their data sets exactly as they are, many on one association."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from gateway.wire.association_messages import MOST_CONTEXTS, ProposedContext
from gateway.wire.requestor import PeerRefused, PeerUnavailable, RemoteNode, Requestor
from gateway.wire.store_messages import BadResponse, MoveOriginator, encode_store_request, read_status

__all__ = ["CannotBeSent", "MoveOriginator", "OutgoingInstance", "PeerRefused", "PeerUnavailable", "RemoteNode",
           "SendResult", "part10_instance", "send_instance", "send_instances"]

NOT_ACCEPTED = 0x0122                    # SOP class not supported (PS3.7 C.4.3): what the peer would have said itself
CANNOT_UNDERSTAND = 0xC000
_READ_BYTES = 1 << 20
_META_BYTES = 1 << 16
_LONG_LENGTH = (b"OB", b"UN", b"OW", b"SQ", b"UT", b"UC", b"UR")


class CannotBeSent(Exception):
    """The object cannot be opened as it should go out: it alone fails, with CANNOT_UNDERSTAND, the others go on."""


@dataclass(frozen=True, slots=True)
class OutgoingInstance:
    """An object to be sent, opened only when its turn comes.

    `open_dataset(transfer_syntax_uid)` returns the data set alone (no file meta information), as bytes or as a file
    at its first byte, which is closed afterwards. It is called with one of `transfer_syntaxes`: the object's own
    first, then those into which it could be turned for a peer that does not take its own. It may raise CannotBeSent.
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntaxes: tuple[str, ...]
    open_dataset: Callable[[str], bytes | memoryview | BinaryIO]


@dataclass(frozen=True, slots=True)
class SendResult:
    """What the peer said: 0x0000 kept, 0xBxxx kept with a warning, else a failure; 0x0122 if it takes no syntax."""

    instance: OutgoingInstance
    status: int

    @property
    def is_kept(self) -> bool:
        return self.status == 0 or self.status >> 12 == 0xB


async def send_instance(part10: bytes, *, host: str, port: int, called_ae_title: str, calling_ae_title: str,
                        timeout_s: float, ssl_context: ssl.SSLContext | None = None) -> int:
    """Send the file and return the C-STORE status (0x0000 success, 0xBxxx stored with a warning, others failures).

    Raises PeerUnavailable (try later), PeerRefused (trying again will not help, unless it is transient), ValueError
    (not a DICOM file).
    """
    node = RemoteNode(host, port, called_ae_title, calling_ae_title, timeout_s, ssl_context)
    return await asyncio.to_thread(_send_one, part10_instance(part10), node)


def send_instances(instances: Sequence[OutgoingInstance], node: RemoteNode, *,
                   originator: MoveOriginator | None = None,
                   is_cancelled: Callable[[], bool] = lambda: False) -> Iterator[SendResult]:
    """Send them in order and yield a result for each as soon as the peer has answered. Blocking: use a thread.

    Every SOP class is proposed once with each of its instances' own transfer syntaxes, and once with all the others
    that they could be turned into, so that the peer's yes to the own syntax is never lost to its taste. More than 128
    contexts take further associations, one after the other. `originator` is told to the peer when a C-MOVE asked for
    it. Nothing more is sent once `is_cancelled()`, or when the generator is closed; the association is released then.

    Raises PeerUnavailable (not reached, or gone in between: what has no result yet is not known to be kept) and
    PeerRefused (no association).
    """
    for group in _groups(instances):
        with Requestor(node, _contexts(group)) as association:
            for number, instance in enumerate(group):
                if is_cancelled():
                    return
                status = _store(association, instance, number % 0xFFFF + 1, originator)
                yield SendResult(instance, status)


def part10_instance(source: bytes | Path) -> OutgoingInstance:
    """A Part 10 file, by path or as bytes, to be sent as it is. Raises ValueError (not a DICOM file), OSError."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            first = file.read(_META_BYTES)
    else:
        first = source[:_META_BYTES]
    values, start = _file_meta(first)

    def open_dataset(_transfer_syntax_uid: str) -> memoryview | BinaryIO:
        if not isinstance(source, Path):
            return memoryview(source)[start:]
        file = source.open("rb")
        file.seek(start)
        return file

    return OutgoingInstance(values[0x0002], values[0x0003], (values[0x0010],), open_dataset)


def _send_one(instance: OutgoingInstance, node: RemoteNode) -> int:
    with Requestor(node, _contexts([instance])) as association:
        if not association.accepted:
            raise PeerRefused(f"{node} does not take SOP class {instance.sop_class_uid} as "
                              f"{instance.transfer_syntaxes[0]}")
        return _store(association, instance, 1, None)


def _store(association: Requestor, instance: OutgoingInstance, message_id: int,
           originator: MoveOriginator | None) -> int:
    for syntax in instance.transfer_syntaxes:
        context = association.accepted.get((instance.sop_class_uid, syntax))
        if context is not None:
            break
    else:
        return NOT_ACCEPTED
    command = encode_store_request(instance.sop_class_uid, instance.sop_instance_uid, message_id, originator)
    try:
        opened = instance.open_dataset(syntax)
    except CannotBeSent:
        return CANNOT_UNDERSTAND
    if isinstance(opened, bytes | memoryview):
        answer = association.exchange(context, command, (memoryview(opened),))
    else:
        with opened:
            answer = association.exchange(context, command, iter(lambda: memoryview(opened.read(_READ_BYTES)), b""))
    try:
        return read_status(answer, message_id)
    except BadResponse as exc:
        raise PeerUnavailable(str(exc)) from exc


def _contexts(instances: Sequence[OutgoingInstance]) -> list[ProposedContext]:
    own = dict.fromkeys((instance.sop_class_uid, instance.transfer_syntaxes[:1]) for instance in instances)
    others: dict[str, dict[str, None]] = {}
    for instance in instances:
        others.setdefault(instance.sop_class_uid, {}).update(dict.fromkeys(instance.transfer_syntaxes[1:]))
    fallback = ((sop_class, tuple(syntaxes)) for sop_class, syntaxes in others.items() if syntaxes)
    return [ProposedContext(sop_class, syntaxes) for sop_class, syntaxes in dict.fromkeys(chain(own, fallback))]


def _groups(instances: Sequence[OutgoingInstance]) -> Iterator[list[OutgoingInstance]]:
    """Runs of instances whose contexts fit into one association."""
    group: list[OutgoingInstance] = []
    pairs: set[tuple[str, tuple[str, ...]]] = set()
    for instance in instances:
        wanted = {(instance.sop_class_uid, instance.transfer_syntaxes[:1])}
        if len(instance.transfer_syntaxes) > 1:
            wanted.add((instance.sop_class_uid, ()))
        if group and len(pairs | wanted) > MOST_CONTEXTS:
            yield group
            group, pairs = [], set()
        group.append(instance)
        pairs |= wanted
    if group:
        yield group


def _file_meta(data: bytes) -> tuple[dict[int, str], int]:
    """The UIDs of the file meta information (PS3.10 7.1) and where the data set begins. Raises ValueError."""
    if data[128:132] != b"DICM":
        raise ValueError("not a DICOM file that can be sent: the prefix DICM is missing")
    values: dict[int, str] = {}
    position = 132
    try:
        while True:
            group, element, vr = struct.unpack_from("<HH2s", data, position)
            if group != 2:
                break
            if vr in _LONG_LENGTH:
                (length,) = struct.unpack_from("<L", data, position + 8)
                position += 12
            else:
                (length,) = struct.unpack_from("<H", data, position + 6)
                position += 8
            values[element] = data[position:position + length].decode("latin-1").strip("\0 ")
            position += length
    except struct.error:
        """The file ends here, or its meta information is longer than any that we know."""
    missing = [name for number, name in ((0x0002, "SOP class"), (0x0003, "SOP Instance UID"),
                                         (0x0010, "transfer syntax")) if not values.get(number)]
    if missing:
        raise ValueError(f"not a DICOM file that can be sent: it does not name its {', '.join(missing)}")
    return values, position
