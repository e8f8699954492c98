"""A gateway that receives and is administered: two objects of one UID, sent by a modality, and people who decide."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydicom.uid import generate_uid

from gateway.services.administer_sites import By
from gateway.services.receive_instance import Receipt, Sender, receive_part10
from storage.model import EVERYWHERE, Arrival, ArrivalVia, Scope
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import MODALITY, OTHER_SITE, SITE, Receiver, open_receiver

SENDER = Sender(SITE.id, MODALITY, ArrivalVia.DICOM, calling_ae_title="MODALITY", address="127.0.0.1")
OTHER_SENDER = Sender(OTHER_SITE.id, None, ArrivalVia.DICOM, calling_ae_title="OTHER_CT", address="127.0.0.1")
BOSS = By("boss", "127.0.0.1", EVERYWHERE)
HERE = By("it-here", "127.0.0.1", Scope(frozenset({SITE.id})))
THERE = By("it-there", "127.0.0.1", Scope(frozenset({OTHER_SITE.id})))


@asynccontextmanager
async def quarantine_room(folder: Path, **settings: Any) -> AsyncIterator[Receiver]:
    async with open_receiver(folder, **settings) as opened:
        yield opened


def pair(ids: build.StudyIds | None = None, **second: Any) -> tuple[bytes, bytes]:
    """Two objects with one SOP Instance UID; the second has what is given."""
    ids, uid = ids or build.StudyIds(), generate_uid()
    return (build.ct_slice(1, ids=ids, sop_instance_uid=uid),
            build.ct_slice(1, ids=ids, sop_instance_uid=uid, **second))


async def send(receiver: Receiver, data: bytes, sender: Sender = SENDER) -> Receipt:
    return await receive_part10(receiver.parts, data, sender)


async def conflict(receiver: Receiver, ids: build.StudyIds | None = None, **second: Any) -> Arrival:
    """Receive both; returns the arrival that lies in quarantine."""
    first, other = pair(ids, **(second or {"SliceThickness": 3}))
    await send(receiver, first)
    receipt = await send(receiver, other)
    return await arrival_of(receiver, receipt.arrival_id)


async def arrival_of(receiver: Receiver, arrival_id: str) -> Arrival:
    found = await receiver.parts.database.read(lambda tx: tx.arrivals.get(arrival_id, EVERYWHERE))
    assert found is not None
    return found


async def actions(receiver: Receiver) -> list[str]:
    """What the audit trail says, newest first."""
    found = await receiver.parts.database.read(lambda tx: tx.audit.recent(EVERYWHERE, 200))
    return [chained.entry.action for chained in found]
