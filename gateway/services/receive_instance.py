"""Receive a DICOM instance: its bytes are durable first, then one write holds index, audit and jobs, then the answer.

Nothing received is ever overwritten or refused for whom it belongs to (B4, A7). The first object of a SOP Instance
UID stays; the same again is a duplicate; another one under the same UID goes into quarantine with an alarm.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from zoneinfo import ZoneInfo

from gateway.core.errors import Unreadable
from gateway.formats.dicom_dataset import DatasetHead, read_part10
from gateway.formats.dicom_elements import ByteSource
from gateway.formats.ecg import read_ecg
from gateway.formats.part10 import read_file_meta
from gateway.observability import metrics
from gateway.services.complete_study import announce_complete
from gateway.services.index_instance import Candidate, Clash, Indexed, LostRace, index_instance
from gateway.services.ports import Event, Parts
from storage.interface import Transaction
from storage.model import (
    Arrival,
    ArrivalOutcome,
    ArrivalVia,
    AuditEntry,
    Device,
    ObjectRef,
    new_id,
)

_HEAD_BYTES = 1 << 20
RACES = 8


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, and how."""

    site_id: str
    device: Device | None
    via: ArrivalVia
    calling_ae_title: str = ""
    address: str = ""
    association_id: str = ""
    actor: str = ""                      # of the audit; default: "device:<ae title>"
    certificate_sha256: str = ""         # of the client certificate that it showed (TLS)

    @property
    def audit_actor(self) -> str:
        return self.actor or f"device:{self.calling_ae_title}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of the bytes. Whatever the outcome, they are durable."""

    outcome: ArrivalOutcome
    arrival_id: str
    study_id: str | None
    instance_id: str | None
    sop_instance_uid: str
    sop_class_uid: str
    reason: str = ""
    detail: str = ""


async def receive_part10(parts: Parts, data: bytes, sender: Sender, *, file_name: str = "") -> Receipt:
    """Keep a DICOM file as it is (STOW-RS, upload). Raises StorageFull, StorageUnavailable: then nothing is kept."""
    ref = await asyncio.to_thread(parts.objects.put, data)
    try:
        head = await asyncio.to_thread(read_kept, parts, ref, data[:_HEAD_BYTES], sender)
    except Unreadable as exc:
        return await quarantine_kept(parts, ref, sender, reason=exc.reason, detail=str(exc), file_name=file_name)
    return await receive_kept(parts, ref, head, sender, file_name=file_name)


async def keep_quarantined(parts: Parts, data: bytes, sender: Sender, *, reason: str, detail: str,
                           file_name: str = "", sop_class_uid: str = "", sop_instance_uid: str = "") -> Receipt:
    """Keep bytes that cannot be taken, with a named reason, where a person will see them."""
    ref = await asyncio.to_thread(parts.objects.put, data)
    return await quarantine_kept(parts, ref, sender, reason=reason, detail=detail, file_name=file_name,
                                 sop_class_uid=sop_class_uid, sop_instance_uid=sop_instance_uid)


def read_kept(parts: Parts, ref: ObjectRef, first_bytes: bytes, sender: Sender) -> DatasetHead:
    """Read what the index needs of a kept Part 10 file; blocking. Raises Unreadable with a named reason."""
    source = ByteSource(first_bytes, ref.size_bytes,
                        lambda start, length: parts.objects.get_range(ref.sha256, start, length))
    return read_part10(source, device_codec=sender.device.character_set if sender.device else None)


async def receive_kept(parts: Parts, ref: ObjectRef, head: DatasetHead, sender: Sender, *,
                       file_name: str = "") -> Receipt:
    """Index an object whose bytes are durable. Raises StorageFull, StorageUnavailable: then it is not indexed."""
    candidate = candidate_of(parts, ref, head, sender, file_name=file_name)
    if head.is_ecg:
        candidate = await asyncio.to_thread(with_ecg, parts, candidate)
    for _ in range(RACES):
        try:
            indexed = await parts.database.write(partial(index_instance, candidate))
            break
        except LostRace:
            continue
        except Clash as clash:
            candidate = await asyncio.to_thread(compared, parts, candidate, clash)
    else:
        raise RuntimeError(f"{head.sop_instance_uid} was taken {RACES} times by others")
    return received(parts, indexed)


async def quarantine_kept(parts: Parts, ref: ObjectRef, sender: Sender, *, reason: str, detail: str,
                          file_name: str = "", sop_class_uid: str = "", sop_instance_uid: str = "") -> Receipt:
    """Put durable bytes into the quarantine list."""
    arrival, work = quarantining(parts, ref, sender, reason=reason, detail=detail, file_name=file_name,
                                 sop_class_uid=sop_class_uid, sop_instance_uid=sop_instance_uid)
    await parts.database.write(work)
    return quarantined(parts, arrival)


def quarantining(parts: Parts, ref: ObjectRef, sender: Sender, *, reason: str, detail: str, file_name: str = "",
                 sop_class_uid: str = "",
                 sop_instance_uid: str = "") -> tuple[Arrival, Callable[[Transaction], None]]:
    """The arrival, and the write that puts it into quarantine."""
    arrival = replace(
        _arrival(parts, ref, sender, ArrivalOutcome.QUARANTINED, file_name=file_name, sop_class_uid=sop_class_uid,
                 sop_instance_uid=sop_instance_uid), reason=reason, detail=detail)

    def work(tx: Transaction) -> None:
        tx.objects.add(ref, kind="quarantined", at=arrival.at)
        tx.arrivals.add(arrival)
        tx.audit.append(AuditEntry(
            arrival.at, sender.audit_actor, "arrival.quarantined", is_success=False, site_id=sender.site_id,
            address=sender.address, detail={"arrival": arrival.id, "object": ref.sha256, "reason": reason}))
        tx.alarms.raise_alarm("arrival-quarantined", site_id=sender.site_id, ref=arrival.id,
                              detail=f"{reason}: {detail}", at=arrival.at)

    return arrival, work


def quarantined(parts: Parts, arrival: Arrival) -> Receipt:
    """After that write: count it, and tell those who look."""
    metrics.count_arrival(arrival.via, arrival.outcome, arrival.size_bytes)
    parts.events.publish(Event("alarm", arrival.site_id))
    return Receipt(arrival.outcome, arrival.id, None, None, arrival.sop_instance_uid, arrival.sop_class_uid,
                   arrival.reason, arrival.detail)


def candidate_of(parts: Parts, ref: ObjectRef, head: DatasetHead, sender: Sender, *,
                 file_name: str = "") -> Candidate:
    """What is to be indexed."""
    return Candidate(
        ref=ref, head=head, arrival=_arrival(parts, ref, sender, ArrivalOutcome.KEPT, file_name=file_name,
                                             sop_class_uid=head.sop_class_uid,
                                             sop_instance_uid=head.sop_instance_uid),
        study_at=head.study_at(ZoneInfo(parts.settings.time_zone)), actor=sender.audit_actor, device=sender.device,
        quiet_period_s=parts.settings.quiet_period_s)


def _arrival(parts: Parts, ref: ObjectRef, sender: Sender, outcome: ArrivalOutcome, *, file_name: str,
             sop_class_uid: str, sop_instance_uid: str) -> Arrival:
    return Arrival(
        id=new_id(), at=parts.clock(), via=sender.via, outcome=outcome, site_id=sender.site_id,
        device_id=sender.device.id if sender.device else None, calling_ae_title=sender.calling_ae_title,
        address=sender.address, association_id=sender.association_id, object_sha256=ref.sha256,
        size_bytes=ref.size_bytes, file_name=file_name, sop_class_uid=sop_class_uid,
        sop_instance_uid=sop_instance_uid, certificate_sha256=sender.certificate_sha256)


def with_ecg(parts: Parts, candidate: Candidate) -> Candidate:
    """Decode the waveform of a kept ECG; blocking. What cannot be decoded stays an instance; a person is told."""
    zone = ZoneInfo(parts.settings.time_zone)
    try:
        return replace(candidate, ecg=read_ecg(parts.objects.get(candidate.ref.sha256), time_zone=zone))
    except Unreadable as exc:
        return replace(candidate, ecg_failure=f"{exc.reason}: {exc}")


def compared(parts: Parts, candidate: Candidate, clash: Clash) -> Candidate:
    """Look whether the data set is the same as that which is kept; blocking."""
    is_same = _is_same_dataset(parts, clash.kept_sha256, candidate.ref.sha256)
    return replace(candidate, compared_with=clash.kept_sha256, is_same_dataset=is_same)


def _is_same_dataset(parts: Parts, one_sha256: str, other_sha256: str) -> bool:
    """True if two Part 10 files differ in nothing but their file meta information."""
    found = []
    for sha256 in (one_sha256, other_sha256):
        data = parts.objects.get(sha256)
        try:
            meta = read_file_meta(ByteSource(data))
        except Unreadable:
            return False
        found.append((meta.transfer_syntax_uid, hashlib.sha256(memoryview(data)[meta.dataset_start:]).digest()))
    return found[0] == found[1]


def received(parts: Parts, indexed: Indexed) -> Receipt:
    """After the write: count it, and tell those who look."""
    arrival = indexed.arrival
    metrics.count_arrival(arrival.via, arrival.outcome, arrival.size_bytes)
    parts.events.publish(Event("arrival", arrival.site_id, arrival.study_id or ""))
    if indexed.has_alarm:
        parts.events.publish(Event("alarm", arrival.site_id, arrival.study_id or ""))
    if indexed.completed_study is not None:
        announce_complete(parts, indexed.completed_study)
    elif indexed.is_new_in_list:
        parts.events.publish(Event("study", arrival.site_id, arrival.study_id or ""))
        parts.events.wake_jobs()
    return Receipt(arrival.outcome, arrival.id, arrival.study_id, indexed.instance_id, arrival.sop_instance_uid,
                   arrival.sop_class_uid, arrival.reason, arrival.detail)
