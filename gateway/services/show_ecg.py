"""Show one ECG: its header and its samples, decoded from the object as received.

The file stays the truth; decoded records are kept in a small cache because header and samples are asked for together.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gateway.core.errors import NotFound
from gateway.core.waveform import EcgRecord
from gateway.formats.ecg import read_ecg
from gateway.services.ports import Parts
from storage.model import AuditEntry, Instance, Scope, Study


@dataclass(frozen=True, slots=True)
class ShownEcg:
    study: Study
    instance: Instance
    record: EcgRecord


class EcgShelf:
    """Decoded ECGs, the last few used. One per process; used from the event loop."""

    def __init__(self, parts: Parts, *, places: int = 32) -> None:
        self._parts = parts
        self._places = places
        self._records: OrderedDict[str, EcgRecord] = OrderedDict()

    async def show(self, scope: Scope, instance_id: str) -> ShownEcg:
        """Decode, or take from the shelf. Raises NotFound outside the scope, Unreadable with its reason."""
        study, instance = await find_ecg(self._parts, scope, instance_id)
        return ShownEcg(study, instance, await self._record(instance.object_sha256))

    async def samples(self, scope: Scope, instance_id: str) -> bytes:
        """int32 little-endian nanovolts, lead after lead; -2147483648 where there is no value."""
        shown = await self.show(scope, instance_id)
        return await asyncio.to_thread(lambda: b"".join(
            lead.nanovolts().astype("<i4").tobytes() for lead in shown.record.leads))

    async def _record(self, sha256: str) -> EcgRecord:
        record = self._records.get(sha256)
        if record is None:
            record = await asyncio.to_thread(self._decode, sha256)
        self._records[sha256] = record
        self._records.move_to_end(sha256)
        while len(self._records) > self._places:
            self._records.popitem(last=False)
        return record

    def _decode(self, sha256: str) -> EcgRecord:
        return read_ecg(self._parts.objects.get(sha256), time_zone=ZoneInfo(self._parts.settings.time_zone))


async def original_ecg(parts: Parts, scope: Scope, instance_id: str, *, actor: str,
                       address: str) -> tuple[Instance, bytes]:
    """The received bytes, and a record of who took them. Raises NotFound."""
    study, instance = await find_ecg(parts, scope, instance_id)
    data = await asyncio.to_thread(parts.objects.get, instance.object_sha256)
    entry = AuditEntry(parts.clock(), actor, "study.retrieved", site_id=study.site_id, study_id=study.id,
                       patient_id=study.patient.id, address=address,
                       detail={"instance_id": instance.id, "what": "original"})
    await parts.database.write(lambda tx: tx.audit.append(entry))
    return instance, data


async def find_ecg(parts: Parts, scope: Scope, instance_id: str) -> tuple[Study, Instance]:
    """An instance with a waveform, within the scope. Raises NotFound."""
    found = await parts.database.read(lambda tx: tx.studies.get_instance_by_id(instance_id, scope))
    if found is None or not found[1].has_waveform:
        raise NotFound("There is no such ECG.")
    return found
