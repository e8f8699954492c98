"""Take in one ECG file of any known format.

Order: bytes durable → decode → one commit (index, facts, audit, routing job) → answer. A DICOM object goes the way of
every DICOM object. What cannot be decoded is kept in quarantine under a named reason and refused to the sender, so
nothing is lost and nobody is told a success that a reader could not use.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgPatient, EcgRecord
from gateway.formats.ecg import ecg_facts, read_ecg, recognise
from gateway.observability import metrics
from gateway.services.find_origin import keep_upload
from gateway.services.ports import Event, Parts
from gateway.services.receive_instance import Sender, keep_quarantined, receive_part10
from gateway.services.returned_study import note_return
from storage.interface import Transaction
from storage.model import (
    Arrival,
    ArrivalOutcome,
    AuditEntry,
    CompleteBy,
    Confidence,
    Instance,
    InstanceFormat,
    ObjectRef,
    Patient,
    PatientName,
    Series,
    Study,
    StudyState,
    new_id,
)

ECG_STUDY_DESCRIPTION = "心电图"
_RACES = 4


@dataclass(frozen=True, slots=True)
class EcgReceived:
    """The bytes are durable and indexed."""

    outcome: ArrivalOutcome              # KEPT, DUPLICATE or, for DICOM, CONFLICT
    instance_id: str
    study_id: str
    format: str
    sop_instance_uid: str
    sha256: str


async def receive_ecg(parts: Parts, data: bytes, sender: Sender, *, file_name: str = "") -> EcgReceived:
    """Keep, decode and index one ECG. Raises Unreadable after keeping it in quarantine, StorageFull."""
    if not data:
        await _note_empty(parts, sender, file_name)
        raise Unreadable("The file is empty: nothing was received and nothing kept.", reason="empty")
    if recognise(data) == "dicom":
        return await _receive_dicom(parts, data, sender, file_name)
    ref = await asyncio.to_thread(parts.objects.put, data)
    try:
        record = await asyncio.to_thread(read_ecg, data, time_zone=ZoneInfo(parts.settings.time_zone),
                                         file_name=file_name)
    except Unreadable as exc:
        await keep_quarantined(parts, data, sender, reason=exc.reason, detail=str(exc), file_name=file_name)
        raise
    received = await _index(parts, _Arriving(record, ref, sender, file_name, parts.clock()))
    metrics.count_arrival(sender.via, received.outcome, ref.size_bytes)
    parts.events.publish(Event("arrival", sender.site_id, received.study_id))
    if received.outcome is ArrivalOutcome.KEPT:
        parts.events.publish(Event("study", sender.site_id, received.study_id))
        parts.events.wake_jobs()
    return received


async def _receive_dicom(parts: Parts, data: bytes, sender: Sender, file_name: str) -> EcgReceived:
    receipt = await receive_part10(parts, data, sender, file_name=file_name)
    if receipt.study_id is None or receipt.instance_id is None:
        raise Unreadable(receipt.detail or "The DICOM object was put in quarantine.",
                         reason=receipt.reason or "unreadable")
    return EcgReceived(outcome=receipt.outcome, instance_id=receipt.instance_id, study_id=receipt.study_id,
                       format="dicom", sop_instance_uid=receipt.sop_instance_uid,
                       sha256=hashlib.sha256(data).hexdigest())


class _LostRace(Exception):
    """The same file was indexed by another receiver a moment ago. Look again."""


async def _index(parts: Parts, arriving: _Arriving) -> EcgReceived:
    for _ in range(_RACES):
        try:
            return await parts.database.write(arriving.index)
        except _LostRace:
            continue
    raise RuntimeError(f"an ECG was taken {_RACES} times by others")


class _Arriving:
    """One file on its way into the index. `index` touches nothing but the transaction, so it may run twice."""

    def __init__(self, record: EcgRecord, ref: ObjectRef, sender: Sender, file_name: str, now: datetime) -> None:
        self._record, self._ref, self._sender, self._file_name, self._now = record, ref, sender, file_name, now
        # The site is part of the name: the same file from two sites is two examinations, each seen by its own.
        self._uids = {level: uid_from_bytes(level, sender.site_id, ref.sha256) for level in ("1", "2", "3")}
        self._sop_instance_uid = self._uids["3"]

    def index(self, tx: Transaction) -> EcgReceived:
        known = tx.studies.find_instance(self._sop_instance_uid)
        if known is not None:
            return self._duplicate(tx, known)
        record, now = self._record, self._now
        tx.objects.add(self._ref, kind="received", at=now)
        patient = self._patient(tx)
        study = self._study(patient)
        series = Series(id=new_id(), study_id=study.id, series_instance_uid=self._uids["2"], modality="ECG", number=1,
                        description="", body_part="")
        instance = Instance(
            id=new_id(), study_id=study.id, series_id=series.id, sop_instance_uid=self._sop_instance_uid,
            sop_class_uid="", format=InstanceFormat(record.format), transfer_syntax_uid="",
            object_sha256=self._ref.sha256, size_bytes=self._ref.size_bytes, number=1, rows=None, columns=None,
            frame_count=1, has_waveform=True, received_at=now)
        if not tx.studies.add_study(study):
            raise _LostRace
        note_return(tx, study, at=now)
        keep_upload(tx, study, caller=self._sender.audit_actor, at=now)
        tx.studies.add_series(series)
        tx.studies.add_instance(instance)
        tx.studies.add_ecg(ecg_facts(record, instance.id))
        self._note(tx, ArrivalOutcome.KEPT, study.id)
        self._audit(tx, "ecg.received", study, {"format": record.format, "sha256": self._ref.sha256,
                                                "file_name": self._file_name, "via": self._sender.via.value})
        self._audit(tx, "study.completed", study, {"complete_by": CompleteBy.SINGLE_FILE.value}, actor="gateway")
        tx.jobs.enqueue("route_study", study.id, due=now, key=f"route_study:{study.id}:0")
        return self._received(ArrivalOutcome.KEPT, instance)

    def _duplicate(self, tx: Transaction, known: Instance) -> EcgReceived:
        self._note(tx, ArrivalOutcome.DUPLICATE, known.study_id)
        tx.audit.append(AuditEntry(self._now, self._actor, "ecg.received", site_id=self._sender.site_id,
                                   study_id=known.study_id, address=self._sender.address,
                                   detail={"outcome": "duplicate", "sha256": self._ref.sha256}))
        return self._received(ArrivalOutcome.DUPLICATE, known)

    def _received(self, outcome: ArrivalOutcome, instance: Instance) -> EcgReceived:
        return EcgReceived(outcome=outcome, instance_id=instance.id, study_id=instance.study_id,
                           format=self._record.format, sop_instance_uid=instance.sop_instance_uid,
                           sha256=self._ref.sha256)

    def _study(self, patient: Patient) -> Study:
        record, now = self._record, self._now
        return Study(
            id=new_id(), study_instance_uid=self._uids["1"], site_id=self._sender.site_id, patient=patient,
            device_id=self._sender.device.id if self._sender.device else None, modality="ECG", body_part="",
            description=ECG_STUDY_DESCRIPTION, accession_number=record.accession_number, study_at=record.recorded_at,
            age_years=_age(record.patient, record.recorded_at or now), urgency="routine", state=StudyState.COMPLETE,
            instance_count=0, expected_count=1, first_arrival_at=now, last_arrival_at=now, completed_at=now,
            complete_by=CompleteBy.SINGLE_FILE)

    def _patient(self, tx: Transaction) -> Patient:
        """The same person at this site, or a new one. Patient ID alone never decides (A7)."""
        said = self._record.patient
        known = tx.studies.find_patient(self._sender.site_id, said.patient_id, said.name, said.birth_date)
        if known is not None:
            return known
        is_chinese = any("\u3400" <= c <= "\u9fff" for c in said.name)
        patient = Patient(
            id=new_id(), site_id=self._sender.site_id, patient_id=said.patient_id, sex=said.sex,
            birth_date=said.birth_date,
            name=PatientName(display=said.name, alphabetic="" if is_chinese else said.name,
                             ideographic=said.name if is_chinese else "",
                             confidence=Confidence.GUESSED if said.is_name_guessed else Confidence.DECLARED,
                             encoding=said.name_encoding, raw_hex=said.name_raw_hex))
        tx.studies.add_patient(patient)
        return patient

    @property
    def _actor(self) -> str:
        return actor_of(self._sender)

    def _note(self, tx: Transaction, outcome: ArrivalOutcome, study_id: str) -> None:
        sender = self._sender
        tx.arrivals.add(Arrival(
            id=new_id(), at=self._now, via=sender.via, outcome=outcome, site_id=sender.site_id,
            device_id=sender.device.id if sender.device else None, calling_ae_title=sender.calling_ae_title,
            address=sender.address, association_id=sender.association_id, object_sha256=self._ref.sha256,
            size_bytes=self._ref.size_bytes, file_name=self._file_name, sop_instance_uid=self._sop_instance_uid,
            study_id=study_id))

    def _audit(self, tx: Transaction, action: str, study: Study, detail: dict[str, object], *,
               actor: str = "") -> None:
        tx.audit.append(AuditEntry(self._now, actor or self._actor, action, site_id=study.site_id, study_id=study.id,
                                   patient_id=study.patient.id, address=self._sender.address, detail=detail))


def uid_from_bytes(level: str, site_id: str, sha256: str) -> str:
    """A UID of the 2.25 root (PS3.5 B.2) that the same bytes from the same site always get."""
    digest = hashlib.sha256(f"{level}\x00{site_id}\x00{sha256}".encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"


def actor_of(sender: Sender) -> str:
    """Who the audit trail names."""
    return sender.actor or f"device:{sender.calling_ae_title or sender.via.value}"


def _age(patient: EcgPatient, at: datetime) -> float | None:
    if patient.age_years is not None:
        return patient.age_years
    return _years_between(patient.birth_date, at.date()) if patient.birth_date else None


def _years_between(born: date, on: date) -> float | None:
    days = (on - born).days
    return round(days / 365.25, 2) if 0 <= days < 150 * 366 else None


async def _note_empty(parts: Parts, sender: Sender, file_name: str) -> None:
    """No bytes, so nothing to keep; that somebody sent nothing is still worth knowing."""
    entry = AuditEntry(parts.clock(), actor_of(sender), "ecg.received", is_success=False, site_id=sender.site_id,
                       address=sender.address, detail={"reason": "empty", "file_name": file_name,
                                                       "via": sender.via.value})
    await parts.database.write(lambda tx: tx.audit.append(entry))
