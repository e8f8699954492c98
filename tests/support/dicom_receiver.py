"""A gateway that only receives: real storage, the real DICOM port on a free port, and one registered modality."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gateway.dicom.secure_port import calling_tls
from gateway.dicom.storage_scp import StorageScp
from gateway.services.ports import Parts
from gateway.settings import Settings
from storage.model import EVERYWHERE, Arrival, Device, Instance, Site, SiteKind, Study
from tests.support.stores import ManualClock, RecordingEvents, open_parts

SITE = Site("yangchang", "羊场镇卫生院", "Yangchang", SiteKind.TOWNSHIP)
OTHER_SITE = Site("hexi", "河西乡卫生院", "Hexi", SiteKind.TOWNSHIP)
MODALITY = Device("dr-1", SITE.id, "DR 1", "MODALITY", None, "DX")


@dataclass
class Receiver:
    """What the tests look at."""

    parts: Parts
    scp: StorageScp
    clock: ManualClock
    events: RecordingEvents

    @property
    def address(self) -> str:
        return self.scp.address

    async def study(self, study_instance_uid: str) -> Study | None:
        return await self.parts.database.read(lambda tx: tx.studies.find_uid(study_instance_uid, EVERYWHERE))

    async def instances(self, study_instance_uid: str) -> list[Instance]:
        study = await self.study(study_instance_uid)
        if study is None:
            return []
        return await self.parts.database.read(lambda tx: tx.studies.instances_of(study.id, EVERYWHERE))

    async def quarantine(self) -> list[Arrival]:
        return await self.parts.database.read(lambda tx: tx.arrivals.quarantine(EVERYWHERE))

    async def alarm_kinds(self) -> list[str]:
        return [a.kind for a in await self.parts.database.read(lambda tx: tx.alarms.open_alarms(EVERYWHERE))]

    async def kept_bytes(self, instance: Instance) -> bytes:
        return self.parts.objects.get(instance.object_sha256)

    async def add_device(self, device: Device) -> None:
        await self.parts.database.write(lambda tx: tx.sites.add_device(device))


@asynccontextmanager
async def open_receiver(data_dir: Path, *, is_empty: bool = True, **settings: Any) -> AsyncIterator[Receiver]:
    """Open it with these settings changed; registers the modality unless the folder was used before."""
    clock, events = ManualClock(), RecordingEvents()
    settings = {name: os.environ[variable] for name, variable in [("wire", "READING_GATEWAY_WIRE")]
                if variable in os.environ} | settings
    chosen = replace(Settings(data_dir=data_dir, reserve_bytes=0, node="test-node", dicom="127.0.0.1:0"), **settings)
    async with open_parts(data_dir, settings=chosen, clock=clock, events=events) as parts:
        if is_empty:
            await parts.database.write(lambda tx: register(tx))
        scp = StorageScp(parts, calling_tls=calling_tls(parts.settings))
        parts = replace(parts, associations=scp)
        await scp.start()
        try:
            yield Receiver(parts, scp, clock, events)
        finally:
            await scp.stop()


def register(tx) -> None:
    tx.sites.add_site(SITE)
    tx.sites.add_site(OTHER_SITE)
    tx.sites.add_device(MODALITY)
