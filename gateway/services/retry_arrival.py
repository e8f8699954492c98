"""Take in what lay in quarantine, once the cause is gone: its device is registered, or a person names its site.

The bytes are read again as they came. If they cannot be taken in now either, nothing changes and the person is told
why; if they can, they become an instance in the same write that settles the arrival.

Where its SOP Instance UID is another object's, a copy can be taken in under a UID of its own (`take_as_new`): the
bytes as they came stay in quarantine, and the copy says what it was called.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from gateway.core.errors import NotNow, Unreadable
from gateway.core.quarantine_choices import choices
from gateway.formats.dicom_dataset import DatasetHead, read_part10
from gateway.formats.dicom_elements import ByteSource
from gateway.formats.ecg import read_ecg, recognise
from gateway.formats.renamed_copy import renamed_copy
from gateway.services.administer_sites import By, require_site
from gateway.services.compare_arrivals import find, in_quarantine, situation
from gateway.services.complete_study import announce_complete
from gateway.services.index_instance import Candidate, Indexed, LostRace, index_instance
from gateway.services.ports import Parts
from gateway.services.receive_ecg import receive_ecg
from gateway.services.receive_instance import Sender
from gateway.services.settle_quarantine import announce_decided, checked_reason, note_decision
from storage.errors import ObjectMissing
from storage.interface import Transaction
from storage.model import (
    EVERYWHERE,
    Arrival,
    ArrivalOutcome,
    Device,
    ObjectRef,
    QuarantineChoice,
    Study,
    new_id,
)

_RACES = 8
TAKEN_FROM_QUARANTINE = "from-quarantine"


async def retry_arrival(parts: Parts, arrival_id: str, *, reason: str, by: By, site_id: str = "") -> Study:
    """Take it in, at the site of its device as known today or at `site_id`; returns the study it is part of.

    Raises NotFound, InvalidRequest, NotAllowed, and NotNow with the reason why it cannot be taken in.
    """
    reason = checked_reason(reason)
    arrival, device = await parts.database.read(lambda tx: _known_today(tx, arrival_id, by))
    site_id = site_id or (device.site_id if device is not None else arrival.site_id)
    await parts.database.read(lambda tx: require_site(tx, by.scope, site_id))
    data_start = await asyncio.to_thread(_first_bytes, parts, arrival)
    name = recognise(data_start)
    if name is not None and name != "dicom":
        return await _retry_ecg(parts, arrival, device, site_id, reason, by)
    head = await asyncio.to_thread(_head, parts, arrival, data_start, device)
    candidate = await _candidate(parts, arrival, head, device, site_id, by)
    return await _taken_in(parts, _TakeIn(arrival_id, head, candidate, QuarantineChoice.RETRY, reason, by))


async def take_as_new(parts: Parts, arrival_id: str, *, reason: str, by: By) -> Study:
    """Take in a copy under a new SOP Instance UID, at the site it came from; returns the study it is part of.

    Raises NotFound, InvalidRequest, and NotNow with the reason why it cannot be taken in.
    """
    reason = checked_reason(reason)
    arrival, device = await parts.database.read(lambda tx: _known_today(tx, arrival_id, by))
    head = await asyncio.to_thread(_head, parts, arrival, _first_bytes(parts, arrival), device)
    found = await parts.database.read(lambda tx: find(tx, arrival_id, by, head))
    if QuarantineChoice.TAKE_AS_NEW not in choices(situation(found, head)):
        raise NotNow("This cannot be decided as things are now. Look again.", reason="not-possible-now")
    copy = await asyncio.to_thread(_renamed, parts, arrival, f"2.25.{uuid.uuid4().int}")
    # Durable before the index names it; what no write takes in is an orphan that the sweep finds.
    candidate = await _candidate(parts, copy, await asyncio.to_thread(
        _head, parts, copy, _first_bytes(parts, copy), device), device, arrival.site_id, by)
    return await _taken_in(parts, _TakeIn(arrival_id, head, candidate, QuarantineChoice.TAKE_AS_NEW, reason, by))


@dataclass(frozen=True, slots=True)
class _TakeIn:
    """What one write does: make `candidate` an instance, and settle the arrival, whose own bytes say `head`."""

    arrival_id: str
    head: DatasetHead
    candidate: Candidate
    choice: QuarantineChoice
    reason: str
    by: By


async def _taken_in(parts: Parts, work: _TakeIn) -> Study:
    for _ in range(_RACES):
        try:
            indexed, study, arrival = await parts.database.write(lambda tx: _take_in(tx, work))
            break
        except LostRace:
            continue
    else:
        raise NotNow("Others are sending the same object just now. Try again.")
    announce_decided(parts, arrival, study)
    if indexed.completed_study is not None:
        announce_complete(parts, indexed.completed_study)
    return study


def _take_in(tx: Transaction, work: _TakeIn) -> tuple[Indexed, Study, Arrival]:
    """Index it and settle the arrival, in one write."""
    candidate, by = work.candidate, work.by
    found = find(tx, work.arrival_id, by, work.head)
    if work.choice not in choices(situation(found, work.head)):
        raise NotNow("This cannot be decided as things are now. Look again.", reason="not-possible-now")
    site_id = candidate.arrival.site_id
    if found.study_site_id not in ("", site_id):
        raise NotNow("The study that it names is known from another site: name that site, if you are sure.",
                     reason="study-of-another-site")
    indexed = index_instance(candidate, tx)
    if indexed.instance_id is None or indexed.arrival.study_id is None:
        raise NotNow("It cannot be taken in: another object has its SOP Instance UID.", reason="not-possible-now")
    study = tx.studies.get(indexed.arrival.study_id, EVERYWHERE)
    assert study is not None
    at = candidate.arrival.at
    detail = {"site": site_id, "study": study.id, "arrival": indexed.arrival.id}
    if work.choice is QuarantineChoice.TAKE_AS_NEW:
        detail |= {"copy_sha256": candidate.ref.sha256, "came_under": work.head.sop_instance_uid,
                   "sop_instance_uid": candidate.head.sop_instance_uid}
    else:
        tx.quarantine.mark_received(found.arrival.object_sha256)
    tx.quarantine.set_arrival_study(work.arrival_id, study_id=study.id, site_id=found.arrival.site_id, at=at,
                                    by=by.actor)
    note_decision(tx, found.arrival, work.choice, reason=work.reason, by=by, at=at, study=study, detail=detail)
    return indexed, study, found.arrival


def _renamed(parts: Parts, arrival: Arrival, sop_instance_uid: str) -> Arrival:
    """As if the copy had arrived; its bytes are in the store."""
    try:
        data = renamed_copy(parts.objects.get(arrival.object_sha256), sop_instance_uid=sop_instance_uid,
                            at=parts.clock())
    except ObjectMissing as exc:
        raise NotNow("The bytes are not in the store.", reason="missing") from exc
    except Unreadable as exc:
        raise NotNow(str(exc), reason="still-unreadable") from exc
    ref = parts.objects.put(data)
    return replace(arrival, object_sha256=ref.sha256, size_bytes=ref.size_bytes)


def _known_today(tx: Transaction, arrival_id: str, by: By) -> tuple[Arrival, Device | None]:
    arrival = in_quarantine(tx, arrival_id, by)
    device = tx.sites.device(arrival.device_id) if arrival.device_id else None
    if device is None and arrival.calling_ae_title:
        device = tx.sites.find_device(arrival.calling_ae_title, arrival.address)
    return arrival, device


def _first_bytes(parts: Parts, arrival: Arrival) -> bytes:
    try:
        return parts.objects.get_range(arrival.object_sha256, 0, 1 << 20)
    except ObjectMissing as exc:
        raise NotNow("The bytes are not in the store.", reason="missing") from exc


def _head(parts: Parts, arrival: Arrival, first_bytes: bytes, device: Device | None) -> DatasetHead:
    source = ByteSource(first_bytes, arrival.size_bytes,
                        lambda start, length: parts.objects.get_range(arrival.object_sha256, start, length))
    try:
        return read_part10(source, device_codec=device.character_set if device is not None else None)
    except Unreadable as exc:
        raise NotNow(f"It still cannot be read: {exc}", reason="still-unreadable") from exc


async def _candidate(parts: Parts, arrival: Arrival, head: DatasetHead, device: Device | None, site_id: str,
                     by: By) -> Candidate:
    zone = ZoneInfo(parts.settings.time_zone)
    is_of_site = device is not None and device.site_id == site_id
    again = replace(
        arrival, id=new_id(), at=parts.clock(), outcome=ArrivalOutcome.KEPT, site_id=site_id,
        device_id=device.id if device is not None and is_of_site else None, sop_class_uid=head.sop_class_uid,
        sop_instance_uid=head.sop_instance_uid, study_id=None, reason=TAKEN_FROM_QUARANTINE,
        detail=f"Taken in from the quarantine by a person; it had arrived as {arrival.id}.", resolved_at=None,
        resolved_by=None)
    candidate = Candidate(ref=ObjectRef(arrival.object_sha256, arrival.size_bytes), head=head, arrival=again,
                          study_at=head.study_at(zone), actor=by.actor,
                          quiet_period_s=parts.settings.quiet_period_s)
    if not head.is_ecg:
        return candidate
    try:
        data = await asyncio.to_thread(parts.objects.get, arrival.object_sha256)
        return replace(candidate, ecg=await asyncio.to_thread(read_ecg, data, time_zone=zone))
    except Unreadable as exc:
        return replace(candidate, ecg_failure=f"{exc.reason}: {exc}")


async def _retry_ecg(parts: Parts, arrival: Arrival, device: Device | None, site_id: str, reason: str,
                     by: By) -> Study:
    """An ECG that is no DICOM object. Its own write comes first and may be repeated: the same file is a duplicate."""
    data = await asyncio.to_thread(parts.objects.get, arrival.object_sha256)
    try:
        await asyncio.to_thread(read_ecg, data, time_zone=ZoneInfo(parts.settings.time_zone))
    except Unreadable as exc:
        raise NotNow(f"It still cannot be read: {exc}", reason="still-unreadable") from exc
    sender = Sender(site_id, device if device is not None and device.site_id == site_id else None, arrival.via,
                    calling_ae_title=arrival.calling_ae_title, address=arrival.address, actor=by.actor)
    received = await receive_ecg(parts, data, sender, file_name=arrival.file_name)

    def settle(tx: Transaction) -> Study:
        found = in_quarantine(tx, arrival.id, by)
        study = tx.studies.get(received.study_id, EVERYWHERE)
        if found.resolved_at is not None or study is None:
            raise NotNow("Somebody else has just decided it.")
        now = parts.clock()
        tx.quarantine.mark_received(arrival.object_sha256)
        tx.quarantine.set_arrival_study(arrival.id, study_id=study.id, site_id=arrival.site_id, at=now, by=by.actor)
        note_decision(tx, arrival, QuarantineChoice.RETRY, reason=reason, by=by, at=now, study=study,
                      detail={"site": site_id, "study": study.id})
        return study

    study = await parts.database.write(settle)
    announce_decided(parts, arrival, study)
    return study
