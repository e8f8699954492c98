"""Receive an object that has just come over the wire, from the thread that received it, as fast as the disk allows.

The same order as everywhere, bytes durable before their index entry, but side by side: the statements of the index
run while the file is synced, and are committed after it (`Database.write_while`). What cannot be read from the first
bytes alone, or takes long to make durable, goes one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from gateway.core.errors import Unreadable
from gateway.formats.dicom_dataset import ECG_SOP_CLASS_PREFIX, DatasetHead, read_part10
from gateway.formats.dicom_elements import DEFLATED_LITTLE_ENDIAN, ByteSource
from gateway.services.index_instance import Candidate, Clash, Indexed, LostRace, index_instance
from gateway.services.keep_dataset import DatasetKeeper
from gateway.services.ports import Parts
from gateway.services.receive_instance import (
    RACES,
    Receipt,
    Sender,
    candidate_of,
    compared,
    quarantined,
    quarantining,
    read_kept,
    received,
    with_ecg,
)
from storage.interface import Transaction

Check = Callable[[DatasetHead], None]
"""Raises Unreadable where the data set is not what was announced."""


@dataclass(frozen=True, slots=True)
class Announced:
    """What the sender said of the data set before it came."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str


class _NotAllHere(Exception):
    """More than the first bytes is needed to read what the index wants."""


def receive_arriving(parts: Parts, keeper: DatasetKeeper, announced: Announced, sender: Sender, check: Check, *,
                     within_s: float) -> Receipt:
    """Keep and index it; blocking. Raises StorageFull, StorageUnavailable, and Unreadable after quarantining it."""
    try:
        return received(parts, _indexed(parts, keeper, announced, sender, check, within_s))
    except Unreadable as exc:
        arrival, work = quarantining(parts, keeper.finish(), sender, reason=exc.reason, detail=str(exc),
                                     sop_class_uid=announced.sop_class_uid,
                                     sop_instance_uid=announced.sop_instance_uid)
        parts.database.write_while(work, _nothing, within_s=within_s)
        quarantined(parts, arrival)
        raise


def _indexed(parts: Parts, keeper: DatasetKeeper, announced: Announced, sender: Sender, check: Check,
             within_s: float) -> Indexed:
    is_quick = (keeper.finishes_soon and announced.transfer_syntax_uid != DEFLATED_LITTLE_ENDIAN
                and not announced.sop_class_uid.startswith(ECG_SOP_CLASS_PREFIX))
    if is_quick:
        ref = keeper.ref()
        first_bytes = bytes(keeper.first_bytes)

        def read_and_index(tx: Transaction) -> Indexed:
            head = read_part10(ByteSource(first_bytes, ref.size_bytes, _not_here),
                               device_codec=sender.device.character_set if sender.device else None)
            check(head)
            return index_instance(candidate_of(parts, ref, head, sender), tx)

        try:
            return parts.database.write_while(read_and_index, keeper.finish, within_s=within_s)
        except (_NotAllHere, LostRace, Clash):
            """Then one after the other, from the kept object."""
    ref = keeper.finish()
    head = read_kept(parts, ref, bytes(keeper.first_bytes), sender)
    check(head)
    candidate = candidate_of(parts, ref, head, sender)
    return _index(parts, with_ecg(parts, candidate) if head.is_ecg else candidate, within_s)


def _index(parts: Parts, candidate: Candidate, within_s: float) -> Indexed:
    for _ in range(RACES):
        try:
            return parts.database.write_while(partial(index_instance, candidate), _nothing, within_s=within_s)
        except LostRace:
            continue
        except Clash as clash:
            candidate = compared(parts, candidate, clash)
    raise RuntimeError(f"{candidate.head.sop_instance_uid} was taken {RACES} times by others")


def _not_here(_start: int, _length: int) -> bytes:
    raise _NotAllHere


def _nothing() -> None:
    """The bytes are durable already."""
