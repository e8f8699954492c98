"""Read the text of a study again from its kept bytes, with the rule of its device as it is today (C4).

Only what was read from these bytes is written anew: a text that came from elsewhere stays, and so does a name that
was simply as declared. Bytes are not touched, and a report that is signed stays as it was signed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.core.errors import Unreadable
from gateway.formats.dicom_dataset import DatasetHead, read_part10
from gateway.formats.dicom_elements import ByteSource
from gateway.formats.text_evidence import read_text_evidence
from gateway.services.ports import Event, Parts
from storage.errors import ObjectMissing
from storage.interface import Transaction
from storage.model import (
    EVERYWHERE,
    AuditEntry,
    Confidence,
    Device,
    Instance,
    InstanceFormat,
    PatientName,
    Study,
)


async def read_study_again(parts: Parts, study_id: str, device: Device, *, rule_before: str, actor: str,
                           correction_id: str = "") -> bool:
    """Write what reads differently now, with an audit entry; True if anything did. Once more changes nothing."""
    instances = await parts.database.read(lambda tx: tx.studies.instances_of(study_id, EVERYWHERE))
    again = await asyncio.to_thread(_read_instances, parts, instances, device.character_set, rule_before)

    def write(tx: Transaction) -> Study | None:
        study = tx.studies.get(study_id, EVERYWHERE)
        if study is None or not _write_again(tx, study, again):
            return None
        tx.audit.append(AuditEntry(
            parts.clock(), actor, "study.text_corrected", site_id=study.site_id, study_id=study.id,
            patient_id=study.patient.id, detail={"correction": correction_id, "device": device.id,
                                                 "character_set": device.character_set or ""}))
        return study

    study = await parts.database.write(write) if again else None
    if study is None:
        return False
    parts.events.publish(Event("study", study.site_id, study.id))
    parts.events.publish(Event("reading", study.site_id, study.id))
    return True


def source_of(parts: Parts, instance: Instance) -> ByteSource:
    """The kept bytes of an instance, read where they are asked for."""
    def read(start: int, length: int) -> bytes:
        return parts.objects.get_range(instance.object_sha256, start, length)

    return ByteSource(b"", instance.size_bytes, read)


@dataclass(frozen=True, slots=True)
class _Again:
    """An instance as it may have been read, and as it is read now."""

    instance: Instance
    raw_name_hex: str
    before: tuple[DatasetHead, ...]
    now: DatasetHead

    def text(self, kept: str, of: Callable[[DatasetHead], str]) -> str:
        """What stands in the index, read anew if it was read from these bytes; otherwise as it is."""
        return of(self.now) if any(of(head) == kept for head in self.before) else kept

    def name(self, kept: PatientName) -> PatientName:
        """The same for a name; its bytes stay with it for ever."""
        was_read_here = kept.raw_hex == self.raw_name_hex or any(
            head.patient_name.display == kept.display for head in self.before)
        if kept.confidence is Confidence.DECLARED or not was_read_here:
            return kept
        return replace(self.now.patient_name, raw_hex=self.raw_name_hex)


def _read_instances(parts: Parts, instances: list[Instance], rule: str | None, rule_before: str) -> list[_Again]:
    """Blocking; what cannot be read stays as it is."""
    found = []
    for instance in instances:
        if instance.format is not InstanceFormat.DICOM:
            continue
        source = source_of(parts, instance)
        try:
            raw = read_text_evidence(source).patient_name.rstrip(b"\0 ")
            before = tuple(read_part10(source, device_codec=codec) for codec in {None, rule_before or None})
            found.append(_Again(instance, raw.hex(), before, read_part10(source, device_codec=rule)))
        except (Unreadable, ObjectMissing):
            continue
    return found


def _write_again(tx: Transaction, study: Study, again: list[_Again]) -> bool:
    """True if anything of the study was changed."""
    name, description, accession_number = study.patient.name, study.description, study.accession_number
    series = {one.id: one.description for one in tx.studies.series_of(study.id, EVERYWHERE)}
    is_changed = False
    for one in again:
        name = one.name(name)
        description = one.text(description, lambda head: head.study_description)
        accession_number = one.text(accession_number, lambda head: head.accession_number)
        series_id = one.instance.series_id
        if (text := one.text(series[series_id], lambda head: head.series_description)) != series[series_id]:
            series[series_id] = text
            tx.character_sets.set_series_description(series_id, text)
        if one.now.attributes != one.instance.attributes:
            tx.character_sets.set_attributes(one.instance, one.now.attributes)
            is_changed = True
    if name != study.patient.name:
        tx.character_sets.set_patient_name(study.patient.id, name)
        is_changed = True
    if (description, accession_number) != (study.description, study.accession_number):
        tx.character_sets.set_study_text(study.id, description=description, accession_number=accession_number)
        is_changed = True
    return is_changed
