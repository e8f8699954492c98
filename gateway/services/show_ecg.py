"""Show one ECG: its header and its samples, decoded from the object as received.

The file stays the truth; decoded records are kept in a small cache because header and samples are asked for together.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections import OrderedDict
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gateway.core.derived_leads import with_derived_leads
from gateway.core.errors import NotFound
from gateway.core.waveform import EcgRecord
from gateway.formats import pdf_record
from gateway.formats.ecg import read_ecg
from gateway.services.note_opening import note_opening
from gateway.services.ports import Parts
from storage.model import AuditEntry, Instance, InstanceFormat, Scope, Study


@dataclass(frozen=True, slots=True)
class ShownEcg:
    study: Study
    instance: Instance
    record: EcgRecord


SHELF_BYTES = 32 << 20                   # of samples: some 200 resting ECGs, or one long recording


class EcgShelf:
    """Decoded ECGs, the last few used, bounded in number and in bytes; used from the event loop."""

    def __init__(self, parts: Parts, *, places: int = 32) -> None:
        self._parts = parts
        self._places = places
        self._records: OrderedDict[str, EcgRecord] = OrderedDict()

    async def show(self, scope: Scope, instance_id: str) -> ShownEcg:
        """Decode, or take from the shelf. Raises NotFound outside the scope, Unreadable with its reason."""
        study, instance = await find_ecg(self._parts, scope, instance_id)
        record = await self._record(instance)
        facts = await self._parts.database.read(lambda tx: tx.studies.ecg_of(instance.id))
        if facts is not None:            # what came around the file, and did not agree with it, was noted on arrival
            more = tuple(text for text in facts.warnings if text not in record.warnings)
            record = dataclasses.replace(record, warnings=(*record.warnings, *more)) if more else record
        return ShownEcg(study, instance, record)

    async def samples(self, scope: Scope, instance_id: str) -> bytes:
        """int32 little-endian nanovolts, lead after lead; -2147483648 where there is no value."""
        shown = await self.show(scope, instance_id)
        return await asyncio.to_thread(lambda: b"".join(
            lead.nanovolts().astype("<i4").tobytes() for lead in shown.record.leads))

    async def _record(self, instance: Instance) -> EcgRecord:
        sha256 = instance.object_sha256
        record = self._records.get(sha256)
        if record is None:
            record = await asyncio.to_thread(self._decode, instance)
        self._records[sha256] = record
        self._records.move_to_end(sha256)
        while len(self._records) > self._places or (len(self._records) > 1 and self._size_bytes() > SHELF_BYTES):
            self._records.popitem(last=False)
        return record

    def _size_bytes(self) -> int:
        return sum(lead.samples.nbytes for record in self._records.values()
                   for lead in (*record.leads, *record.representative_beats))

    def _decode(self, instance: Instance) -> EcgRecord:
        """The record as read, and the limb leads that follow from those it holds."""
        zone = ZoneInfo(self._parts.settings.time_zone)
        data = self._parts.objects.get(instance.object_sha256)
        if instance.sop_class_uid == pdf_record.ENCAPSULATED_PDF:
            return pdf_record.read(pdf_record.pdf_inside(data), time_zone=zone)
        return with_derived_leads(read_ecg(data, time_zone=zone))


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


async def page_of(parts: Parts, scope: Scope, instance_id: str, *, actor: str, address: str) -> bytes:
    """The PDF of an ECG without waveform, for reading it. Raises NotFound, Unreadable."""
    study, instance = await find_ecg(parts, scope, instance_id)
    if not is_page(study, instance):
        raise NotFound("This ECG has no page.")
    data = await asyncio.to_thread(parts.objects.get, instance.object_sha256)
    if instance.format is InstanceFormat.DICOM:
        data = await asyncio.to_thread(pdf_record.pdf_inside, data)
    await note_opening(parts, study, actor=actor, address=address)
    return data


async def find_ecg(parts: Parts, scope: Scope, instance_id: str) -> tuple[Study, Instance]:
    """An instance with a waveform, or an ECG on a page, within the scope. Raises NotFound."""
    found = await parts.database.read(lambda tx: tx.studies.get_instance_by_id(instance_id, scope))
    if found is None or not (found[1].has_waveform or is_page(*found)):
        raise NotFound("There is no such ECG.")
    return found


def is_page(study: Study, instance: Instance) -> bool:
    """True for an ECG that is a PDF, plain or inside a DICOM object."""
    return instance.format is InstanceFormat.PDF or (
        study.modality == "ECG" and instance.sop_class_uid == pdf_record.ENCAPSULATED_PDF)
