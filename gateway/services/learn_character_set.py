"""Learn how each device writes names, off the path of receiving: one look at one object when a study is complete.

What is remembered are counts without names. Examples for a person are read from the kept objects when asked for, and
that somebody saw them is written down like the opening of a study.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.core.character_set_learning import NEWEST_STUDIES, Lesson, lesson
from gateway.core.charset import as_declared
from gateway.core.errors import NotFound, Unreadable
from gateway.formats.text_evidence import TextEvidence, read_text_evidence
from gateway.services.administer_sites import By
from gateway.services.complete_study import LEARN_JOB
from gateway.services.job_runner import JobHandler
from gateway.services.note_opening import note_opening
from gateway.services.ports import Parts
from gateway.services.read_text_again import read_study_again, source_of
from storage.errors import ObjectMissing
from storage.interface import Transaction
from storage.model import (
    EVERYWHERE,
    INBOX_SITE_ID,
    CharacterSetCorrection,
    CharacterSetNote,
    Confidence,
    Device,
    Instance,
    InstanceFormat,
    Job,
    Scope,
    Study,
)

EXAMPLES_OF_A_KIND = 3


@dataclass(frozen=True, slots=True)
class DeviceLesson:
    device: Device
    lesson: Lesson


@dataclass(frozen=True, slots=True)
class TextExample:
    """A name that the device sent."""

    study_id: str
    at: datetime
    declared: str
    raw_hex: str
    as_declared: str
    as_read: str                         # what the worklist shows
    codec: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class DeviceText:
    """Everything a person needs to correct a device's text."""

    learned: DeviceLesson
    counts: tuple[tuple[str, str, Confidence, int], ...]       # declared, codec, confidence, studies
    examples: tuple[TextExample, ...]
    corrections: tuple[CharacterSetCorrection, ...]
    names: dict[str, str]                                      # of the people who corrected


async def run_learn_character_set(parts: Parts, job: Job) -> None:
    """The job "learn_character_set": its ref is the study's id. Running it again counts the study no second time."""
    study, instances = await parts.database.read(
        lambda tx: (tx.studies.get(job.ref, EVERYWHERE), tx.studies.instances_of(job.ref, EVERYWHERE)))
    if study is None or study.device_id is None:
        return
    evidence = await asyncio.to_thread(evidence_of, parts, instances)
    if evidence is None or not evidence.is_telling:
        return
    name = evidence.reader().person_name(evidence.patient_name)
    note = CharacterSetNote(study.id, study.device_id, study.last_arrival_at, _term(evidence.declared), name.encoding,
                            name.confidence)

    def write(tx: Transaction) -> Device | None:
        tx.character_sets.note(note)
        return tx.sites.device(note.device_id)

    device = await parts.database.write(write)
    if device is not None and device.character_set and study.patient.name.confidence is Confidence.GUESSED:
        # It came while the rule was being set, or belongs to a patient whom another device had sent before.
        await read_study_again(parts, study.id, device, rule_before="", actor="gateway")


def evidence_of(parts: Parts, instances: Sequence[Instance]) -> TextEvidence | None:
    """The text of the first DICOM object of a study that can be read; blocking."""
    for instance in instances:
        if instance.format is not InstanceFormat.DICOM:
            continue
        try:
            return read_text_evidence(source_of(parts, instance))
        except (Unreadable, ObjectMissing):
            continue
    return None


async def device_lessons(parts: Parts, scope: Scope) -> list[DeviceLesson]:
    """What each device of the scope taught us, those to correct first."""
    def look(tx: Transaction) -> list[DeviceLesson]:
        notes = tx.character_sets.notes_of_all(limit=NEWEST_STUDIES)
        return [_judged(device, notes.get(device.id, [])) for device in tx.sites.devices(scope)
                if device.site_id != INBOX_SITE_ID]

    found = await parts.database.read(look)
    return sorted(found, key=lambda one: (one.lesson.suggestion == "", -one.lesson.mislabelled, one.device.name))


async def device_text(parts: Parts, device_id: str, by: By) -> DeviceText:
    """One device with examples and corrections; the studies of the examples count as opened. Raises NotFound."""
    def look(tx: Transaction) -> tuple[Device, list[CharacterSetNote], list[CharacterSetCorrection]]:
        device = device_in_scope(tx, device_id, by)
        return (device, tx.character_sets.notes_of(device_id, limit=NEWEST_STUDIES),
                tx.character_sets.corrections_of(device_id))

    device, notes, corrections = await parts.database.read(look)
    counts = Counter((note.declared, note.codec, note.confidence) for note in notes)
    examples = []
    for kind, _ in counts.most_common(4):
        alike = [note for note in notes if (note.declared, note.codec, note.confidence) == kind]
        for note in alike[:EXAMPLES_OF_A_KIND]:
            example = await _example(parts, note, by)
            if example is not None:
                examples.append(example)
    actors = [correction.actor for correction in corrections]
    return DeviceText(
        _judged(device, notes), tuple((*kind, count) for kind, count in counts.most_common()), tuple(examples),
        tuple(corrections), await parts.database.read(lambda tx: tx.worklists.names(actors)))


def device_in_scope(tx: Transaction, device_id: str, by: By) -> Device:
    """Raises NotFound."""
    device = tx.sites.device(device_id)
    if device is None or not by.scope.allows(device.site_id):
        raise NotFound("There is no such device.")
    return device


async def _example(parts: Parts, note: CharacterSetNote, by: By) -> TextExample | None:
    def look(tx: Transaction) -> tuple[Study | None, list[Instance]]:
        return tx.studies.get(note.study_id, by.scope), tx.studies.instances_of(note.study_id, by.scope)

    study, instances = await parts.database.read(look)
    evidence = await asyncio.to_thread(evidence_of, parts, instances)
    if study is None or evidence is None:
        return None
    await note_opening(parts, study, actor=by.actor, address=by.address, via="device text")
    raw, name = evidence.patient_name.rstrip(b"\0 "), study.patient.name
    return TextExample(study.id, note.at, note.declared, raw.hex(), as_declared(evidence.declared, raw),
                       name.display, name.encoding, name.confidence)


def _judged(device: Device, notes: Sequence[CharacterSetNote]) -> DeviceLesson:
    return DeviceLesson(device, lesson(notes, device.character_set or ""))


def _term(declared: bytes) -> str:
    return declared.decode("ascii", "replace").strip(" \0")[:64]


HANDLERS: dict[str, JobHandler] = {LEARN_JOB: run_learn_character_set}
