"""The place of the second copies, as this store knows it: chosen once, marked, and looked at before every use.

Another place means that everything is copied again; a folder without the mark we left is a disk that is not mounted.
"""

from __future__ import annotations

import asyncio
import json

import structlog

from gateway.services.ports import Parts
from storage.errors import StorageUnavailable
from storage.interface import ObjectStore, Transaction
from storage.model import AuditEntry

COPY_JOB = "second_copy"
_NOTE = "second-copy"
_log = structlog.get_logger(__name__)


def place_of(tx: Transaction) -> tuple[str, str]:
    """(address, mark) of the place in use; ("", "") where there is none yet."""
    note = tx.object_care.note(_NOTE)
    known: dict[str, str] = json.loads(note) if note else {}
    return known.get("address", ""), known.get("mark", "")


async def prepare_second_copy(parts: Parts, *, is_new_place: bool = False) -> None:
    """At start: begin a place that was not in use, or stop expecting copies where none is configured any more.

    With `is_new_place` the configured place is begun anew (a new disk under the old name): everything is copied
    there. Raises StorageUnavailable where a new place does not answer.
    """
    second = parts.second_copy
    address, _ = await parts.database.read(place_of)
    wanted = second.address if second is not None else ""
    if wanted == address and not is_new_place:
        return
    mark = await asyncio.to_thread(second.begin) if second is not None else ""
    now = parts.clock()

    def change(tx: Transaction) -> int:
        tx.object_care.set_note(_NOTE, json.dumps({"address": wanted, "mark": mark}))
        count = tx.object_care.expect_copies(due=now if wanted else None)
        tx.audit.append(AuditEntry(now, "gateway", "second_copy.place_changed",
                                   detail={"from": address, "to": wanted, "objects": count}))
        if wanted:
            tx.jobs.enqueue(COPY_JOB, "store", due=now)
        return count

    count = await parts.database.write(change)
    _log.info("the place of the second copies changed", to=wanted or "none", objects=count)


async def open_place(parts: Parts) -> tuple[ObjectStore, str]:
    """The store of the second copies and its mark. Raises StorageUnavailable: not configured, or not answering."""
    if parts.second_copy is None:
        raise StorageUnavailable("no second copy is configured")
    _, mark = await parts.database.read(place_of)
    return await asyncio.to_thread(parts.second_copy.open, mark), mark
