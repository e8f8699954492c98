"""Hand an ECG out in another format, under the identity that the centre knows, with a record of who took it.

The leads are those of the file, none derived. The person is the study's: an ECG that came without one and was
identified later must not leave without a name.
"""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gateway.core.errors import InvalidRequest
from gateway.core.waveform import EcgRecord
from gateway.formats.dicom_ecg_writer import DicomUids
from gateway.formats.ecg import read_ecg
from gateway.formats.ecg_export import EcgTarget, ExportedEcg, export
from gateway.services.ports import Parts
from gateway.services.show_ecg import find_ecg, is_page
from storage.model import AuditEntry, Instance, Scope, Study


@dataclass(frozen=True, slots=True)
class HandedOut:
    instance: Instance
    exported: ExportedEcg


async def export_ecg(parts: Parts, scope: Scope, instance_id: str, target: EcgTarget, *, actor: str,
                     address: str) -> HandedOut:
    """Raises NotFound outside the scope, InvalidRequest("no-waveform") for a page, Unreadable with its reason."""
    study, instance = await find_ecg(parts, scope, instance_id)
    if is_page(study, instance):
        raise InvalidRequest("This ECG is a page without waveform, so there is nothing to convert.",
                             reason="no-waveform")
    exported = await asyncio.to_thread(_exported, parts, study, instance, target)
    entry = AuditEntry(parts.clock(), actor, "study.retrieved", site_id=study.site_id, study_id=study.id,
                       patient_id=study.patient.id, address=address,
                       detail={"instance_id": instance.id, "what": f"as {target.value}",
                               "losses": list(exported.losses)})
    await parts.database.write(lambda tx: tx.audit.append(entry))
    return HandedOut(instance, exported)


def _exported(parts: Parts, study: Study, instance: Instance, target: EcgTarget) -> ExportedEcg:
    record = read_ecg(parts.objects.get(instance.object_sha256), time_zone=ZoneInfo(parts.settings.time_zone))
    return export(_of_the_studys_person(record, study), target, uids=DicomUids(study=study.study_instance_uid))


def _of_the_studys_person(record: EcgRecord, study: Study) -> EcgRecord:
    person = study.patient
    patient = dataclasses.replace(
        record.patient, patient_id=person.patient_id or record.patient.patient_id,
        name=person.name.display or record.patient.name, sex=person.sex or record.patient.sex,
        birth_date=person.birth_date or record.patient.birth_date)
    return dataclasses.replace(record, patient=patient)
