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

from gateway.core.ecg_envelope import EcgEnvelope, Enclosed, enclosed
from gateway.core.errors import Unreadable
from gateway.core.identifiers import InvalidUid, Uid
from gateway.core.waveform import EcgPatient
from gateway.formats.ecg import ecg_facts, read_ecg, recognise
from gateway.observability import metrics
from gateway.services.find_origin import keep_upload
from gateway.services.keep_ecg_identity import note_unidentified
from gateway.services.link_order import link_order
from gateway.services.ports import Event, Parts
from gateway.services.queue_examination import queue_examination, route_due
from gateway.services.receive_instance import Sender, keep_quarantined, receive_part10
from gateway.services.returned_study import note_return
from storage.interface import Transaction
from storage.model import (
    EVERYWHERE,
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
ALARM = "ecg-identity-conflict"
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
    conflicts: tuple[str, ...] = ()      # what the file and its envelope say differently
    has_alarm: bool = False


async def receive_ecg(parts: Parts, data: bytes, sender: Sender, *, file_name: str = "",
                      envelope: EcgEnvelope | None = None, is_kept_already: bool = False) -> EcgReceived:
    """Keep, decode and index one ECG. Raises Unreadable after keeping it in quarantine, StorageFull.

    `envelope` is what came around the file; a DICOM object speaks for itself. `is_kept_already`: the file lies in
    quarantine, and is not put there once more.
    """
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
        if not is_kept_already:
            await _keep_once(parts, data, sender, exc, file_name)
        raise
    received = await _index(parts, _Arriving(enclosed(record, envelope), ref, sender, file_name, parts.clock()))
    metrics.count_arrival(sender.via, received.outcome, ref.size_bytes)
    parts.events.publish(Event("arrival", sender.site_id, received.study_id))
    if received.has_alarm:
        parts.events.publish(Event("alarm", sender.site_id, received.study_id))
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

    def __init__(self, arrived: Enclosed, ref: ObjectRef, sender: Sender, file_name: str, now: datetime) -> None:
        self._record, self._conflicts = arrived.record, arrived.conflicts
        self._ref, self._sender, self._file_name, self._now = ref, sender, file_name, now
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
        study = self._study(patient, self._study_uid(tx))
        series = Series(id=new_id(), study_id=study.id, series_instance_uid=self._uids["2"], modality="ECG", number=1,
                        description="", body_part="")
        instance = Instance(
            id=new_id(), study_id=study.id, series_id=series.id, sop_instance_uid=self._sop_instance_uid,
            sop_class_uid="", format=_instance_format(record.format), transfer_syntax_uid="",
            object_sha256=self._ref.sha256, size_bytes=self._ref.size_bytes, number=1, rows=None, columns=None,
            frame_count=1, has_waveform=bool(record.leads), received_at=now)
        if not tx.studies.add_study(study):
            raise _LostRace
        has_alarm = note_return(tx, study, at=now)
        keep_upload(tx, study, caller=self._sender.audit_actor, at=now)
        tx.studies.add_series(series)
        tx.studies.add_instance(instance)
        tx.studies.add_ecg(ecg_facts(record, instance.id))
        self._note(tx, ArrivalOutcome.KEPT, study.id)
        self._audit(tx, "ecg.received", study, {"format": record.format, "sha256": self._ref.sha256,
                                                "file_name": self._file_name, "via": self._sender.via.value})
        self._audit(tx, "study.completed", study, {"complete_by": CompleteBy.SINGLE_FILE.value}, actor="gateway")
        note_unidentified(tx, study, at=now)
        has_alarm = self._link(tx, study) or has_alarm
        queue_examination(tx, instance, at=now)
        tx.jobs.enqueue("route_study", study.id, due=route_due(tx, study.id, at=now), key=f"route_study:{study.id}:0")
        return self._received(ArrivalOutcome.KEPT, instance, has_alarm=has_alarm)

    def _link(self, tx: Transaction, study: Study) -> bool:
        """Link the order that the file names exactly; the rest is for the score. True if it raised an alarm."""
        if self._conflicts:
            tx.alarms.raise_alarm(
                ALARM, site_id=study.site_id, ref=study.id, at=self._now,
                detail=f"An ECG and what came with it do not agree: {'; '.join(self._conflicts)}. It was kept as the "
                       "file says and linked to no order; a person must say whose it is.")
            return True
        return link_order(tx, study, at=self._now)

    def _study_uid(self, tx: Transaction) -> str:
        """The UID that an order of the site gave, if the file brings it back and no study has it (A4); else our own.

        A UID that no order gave is the word of a file alone: it stays in the file.
        """
        named = self._record.study_instance_uid
        try:
            uid = str(Uid.parse(named)) if named else ""
        except InvalidUid:
            return self._uids["1"]
        is_ordered = uid and any(order.site_id == self._sender.site_id for order in tx.orders.of_study_uid(uid))
        return uid if is_ordered and tx.studies.find_uid(uid, EVERYWHERE) is None else self._uids["1"]

    def _duplicate(self, tx: Transaction, known: Instance) -> EcgReceived:
        self._note(tx, ArrivalOutcome.DUPLICATE, known.study_id)
        tx.audit.append(AuditEntry(self._now, self._actor, "ecg.received", site_id=self._sender.site_id,
                                   study_id=known.study_id, address=self._sender.address,
                                   detail={"outcome": "duplicate", "sha256": self._ref.sha256}))
        return self._received(ArrivalOutcome.DUPLICATE, known)

    def _received(self, outcome: ArrivalOutcome, instance: Instance, *, has_alarm: bool = False) -> EcgReceived:
        return EcgReceived(outcome=outcome, instance_id=instance.id, study_id=instance.study_id,
                           format=self._record.format, sop_instance_uid=instance.sop_instance_uid,
                           sha256=self._ref.sha256, conflicts=self._conflicts, has_alarm=has_alarm)

    def _study(self, patient: Patient, study_instance_uid: str) -> Study:
        record, now = self._record, self._now
        return Study(
            id=new_id(), study_instance_uid=study_instance_uid, site_id=self._sender.site_id, patient=patient,
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


def _instance_format(name: str) -> InstanceFormat:
    """A format that only an adapter knows has no word of its own in the index."""
    return InstanceFormat(name) if name in set(InstanceFormat) else InstanceFormat.ADDED


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


async def _keep_once(parts: Parts, data: bytes, sender: Sender, refusal: Unreadable, file_name: str) -> None:
    """Into quarantine, unless the same bytes of this site wait there: senders repeat what was refused."""
    sha256 = hashlib.sha256(data).hexdigest()

    def is_there(tx: Transaction) -> bool:
        known = tx.quarantine.find_same("", sha256, sender.site_id)
        arrival = tx.arrivals.get(known, EVERYWHERE) if known else None
        return arrival is not None and arrival.resolved_at is None and arrival.reason == refusal.reason

    if not await parts.database.read(is_there):
        await keep_quarantined(parts, data, sender, reason=refusal.reason, detail=str(refusal), file_name=file_name)


async def _note_empty(parts: Parts, sender: Sender, file_name: str) -> None:
    """No bytes, so nothing to keep; that somebody sent nothing is still worth knowing."""
    entry = AuditEntry(parts.clock(), actor_of(sender), "ecg.received", is_success=False, site_id=sender.site_id,
                       address=sender.address, detail={"reason": "empty", "file_name": file_name,
                                                       "via": sender.via.value})
    await parts.database.write(lambda tx: tx.audit.append(entry))
