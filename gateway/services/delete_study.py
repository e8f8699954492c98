"""Delete a study: after its retention, without a hold, asked by one administrator and approved by another (B10).

An approved deletion waits some days, then a job carries it out: one write looks again at everything that forbids it,
leaves tombstones and removes the index rows; only then the bytes go, here and in the second copy, unless something
else needs them. A process that dies in between goes on with the tombstones whose bytes are still there.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import structlog

from gateway.core.errors import GatewayError, InvalidRequest, NotAllowed, NotFound, NotNow
from gateway.renditions.cache import RenditionCache
from gateway.services.administer_sites import By
from gateway.services.job_runner import JobHandler, RetryLater
from gateway.services.ports import Event, Parts
from gateway.services.reach_second_copy import open_place
from gateway.services.retention import standing_of
from gateway.services.sweep_orphans import YOUNGEST_ORPHAN
from storage.errors import ObjectMissing, StorageError
from storage.interface import ObjectStore, Transaction
from storage.model import (
    EVERYWHERE,
    AuditEntry,
    Deletion,
    DeletionState,
    Job,
    Study,
    Tombstone,
    User,
    new_id,
)

JOB = "delete_study"
DICOM_STUDY_DELETED = "110105"
"""Event of the DICOM audit message (PS3.15 A.5.3.5, DICOM Study Deleted)."""

_AGAIN = timedelta(minutes=15)
_log = structlog.get_logger(__name__)


async def ask_deletion(parts: Parts, study_id: str, *, reason: str, person: User, by: By) -> Deletion:
    """Ask for a deletion. Raises InvalidRequest, NotFound, NotNow (the reason names the first obstacle)."""
    if not reason.strip():
        raise InvalidRequest("A deletion needs a reason.", reason="reason-required")

    def ask(tx: Transaction) -> Deletion | GatewayError:
        now = parts.clock()
        study = tx.studies.get(study_id, by.scope)
        if study is None:
            return NotFound("There is no such study.")
        standing = standing_of(tx, study, now=now)
        if standing.deletion is not None:
            return NotNow("Its deletion has been asked for already.", reason="deletion-open")
        if standing.obstacles:
            _note(tx, parts, study, "deletion.refused", by, detail={"why": standing.obstacles}, is_success=False)
            return NotNow(f"It must stay: {', '.join(standing.obstacles)}.", reason=standing.obstacles[0])
        deletion = Deletion(new_id(), study.id, study.study_instance_uid, study.site_id, DeletionState.ASKED,
                            reason.strip(), standing.retention.retain_until, person.id, now,
                            objects=study.instance_count)
        tx.keeping.add_deletion(deletion)
        _note(tx, parts, study, "deletion.asked", by, detail={"deletion": deletion.id, "reason": deletion.reason})
        return deletion

    return _settled(parts, await parts.database.write(ask))


async def approve_deletion(parts: Parts, deletion_id: str, *, person: User, by: By) -> Deletion:
    """Agree to what another administrator asked for. Raises NotFound, NotAllowed ("same-person"), NotNow."""
    def approve(tx: Transaction) -> Deletion | GatewayError:
        now = parts.clock()
        deletion = tx.keeping.deletion(deletion_id, by.scope, is_locked=True)
        if deletion is None:
            return NotFound("There is no such request.")
        if deletion.state is not DeletionState.ASKED:
            return NotNow("It is not waiting for an answer any more.")
        study = tx.studies.get(deletion.study_id, by.scope)
        if study is None:
            return NotFound("There is no such study.")
        if deletion.asked_by == person.id:
            _note(tx, parts, study, "deletion.refused", by, is_success=False,
                  detail={"deletion": deletion.id, "why": ["same-person"]})
            return NotAllowed("Another administrator must approve it.", reason="same-person")
        found = standing_of(tx, study, now=now).obstacles
        if found:
            _note(tx, parts, study, "deletion.refused", by, is_success=False,
                  detail={"deletion": deletion.id, "why": found})
            return NotNow(f"It must stay: {', '.join(found)}.", reason=found[0])
        due = now + timedelta(days=parts.settings.deletion_wait_days)
        tx.keeping.change_deletion(deletion.id, DeletionState.APPROVED, approved_by=person.id, approved_at=now,
                                   due_at=due)
        tx.jobs.enqueue(JOB, deletion.id, due=due)
        _note(tx, parts, study, "deletion.approved", by, detail={"deletion": deletion.id, "due_at": due.isoformat()})
        return replace(deletion, state=DeletionState.APPROVED, approved_by=person.id, approved_at=now, due_at=due)

    deletion = _settled(parts, await parts.database.write(approve))
    parts.events.wake_jobs()
    return deletion


async def withdraw_deletion(parts: Parts, deletion_id: str, *, reason: str, by: By) -> Deletion:
    """Take a request back, or say no to it, as long as nothing was deleted. Raises NotFound, NotNow."""
    def withdraw(tx: Transaction) -> Deletion | GatewayError:
        now = parts.clock()
        deletion = tx.keeping.deletion(deletion_id, by.scope, is_locked=True)
        if deletion is None:
            return NotFound("There is no such request.")
        if deletion.state not in (DeletionState.ASKED, DeletionState.APPROVED):
            return NotNow("It cannot be taken back any more.")
        tx.keeping.change_deletion(deletion.id, DeletionState.WITHDRAWN, done_at=now, note=reason.strip()[:300])
        study = tx.studies.get(deletion.study_id, EVERYWHERE)
        _note(tx, parts, study, "deletion.withdrawn", by, detail={"deletion": deletion.id, "why": reason.strip()})
        return replace(deletion, state=DeletionState.WITHDRAWN, done_at=now, note=reason.strip()[:300])

    return _settled(parts, await parts.database.write(withdraw))


async def run_delete_study(parts: Parts, job: Job) -> None:
    """Job "delete_study": its ref is the deletion's id. Raises RetryLater while bytes are still to go."""
    deletion = await parts.database.read(lambda tx: tx.keeping.deletion(job.ref, EVERYWHERE))
    if deletion is None or deletion.state not in (DeletionState.APPROVED, DeletionState.DELETING):
        return
    if deletion.state is DeletionState.APPROVED:
        if deletion.due_at is None or parts.clock() < deletion.due_at:
            raise RetryLater(deletion.due_at or parts.clock() + _AGAIN, "its waiting period is not over")
        if not await _remove_rows(parts, deletion):
            return
    await _remove_bytes(parts, deletion)


async def _remove_rows(parts: Parts, deletion: Deletion) -> bool:
    """Look again at all that forbids it, then tombstones in, rows out, in one write. False: it must stay."""
    hashes = await parts.database.read(lambda tx: [each.object_sha256 for each in tx.study_removal.tombstones(
        deletion.study_id, deletion_id=deletion.id, at=parts.clock())] if tx.studies.get(
            deletion.study_id, EVERYWHERE) else [])
    shared = await parts.database.read(lambda tx: tx.study_removal.shared(deletion.study_id, hashes))

    def remove(tx: Transaction) -> bool:
        now = parts.clock()
        current = tx.keeping.deletion(deletion.id, EVERYWHERE, is_locked=True)
        if current is None or current.state is not DeletionState.APPROVED:
            return current is not None and current.state is DeletionState.DELETING
        is_there = tx.keeping.lock_study(deletion.study_id)       # takes turns with a hold
        study = tx.studies.get(deletion.study_id, EVERYWHERE)
        found = standing_of(tx, study, now=now).obstacles if is_there and study is not None else ["not-there"]
        if found or study is None:
            _stop(tx, parts, deletion, study, found)
            return False
        tombstones = tx.study_removal.tombstones(study.id, deletion_id=deletion.id, at=now)
        tx.keeping.add_tombstones(tombstones)
        tx.study_removal.remove_rows(study.id)
        zone = ZoneInfo(parts.settings.time_zone)
        for sha256 in {each.object_sha256 for each in tombstones} - shared:
            stored_at = tx.study_removal.forget_object(sha256)
            if stored_at is not None:
                tx.object_care.forget(sha256, zone=zone, stored_at=stored_at)
        size_bytes = sum(each.size_bytes for each in tombstones)
        tx.keeping.change_deletion(deletion.id, DeletionState.DELETING, objects=len(tombstones),
                                   size_bytes=size_bytes)
        tx.audit.append(AuditEntry(
            now, "gateway", "study.deleted", site_id=study.site_id, study_id=study.id, patient_id=study.patient.id,
            detail={"event": DICOM_STUDY_DELETED, "deletion": deletion.id, "reason": deletion.reason,
                    "study_instance_uid": study.study_instance_uid, "asked_by": deletion.asked_by,
                    "approved_by": deletion.approved_by, "retain_until": deletion.retain_until.isoformat(),
                    "objects": len(tombstones), "shared": len(shared), "size_bytes": size_bytes}))
        return True

    is_removed = await parts.database.write(remove)
    parts.events.publish(Event("study" if is_removed else "alarm", deletion.site_id, deletion.study_id))
    parts.events.publish(Event("reading", deletion.site_id, deletion.study_id))
    return is_removed


async def _remove_bytes(parts: Parts, deletion: Deletion) -> None:
    """Objects that nothing names any more, as the sweep would: never one that somebody may be about to index."""
    waiting = await parts.database.read(
        lambda tx: tx.keeping.tombstones_of(deletion.id, only_with_bytes=True))
    places: list[ObjectStore] = [parts.objects]
    if parts.second_copy is not None:
        try:
            places.append((await open_place(parts))[0])
        except StorageError as exc:
            raise RetryLater(parts.clock() + _AGAIN, f"the second copy does not answer: {exc}") from exc
    renditions = RenditionCache(parts.settings.data_dir / "renditions",
                                limit_bytes=parts.settings.renditions_max_bytes)
    gone: list[str] = []
    for tombstone in waiting:
        if await _is_gone(parts, tombstone, places):
            await asyncio.to_thread(renditions.forget, tombstone.object_sha256)
            gone.append(tombstone.id)
    now = parts.clock()
    is_done = len(gone) == len(waiting)

    def note(tx: Transaction) -> None:
        tx.keeping.mark_removed(gone, now)
        if is_done:
            tx.keeping.change_deletion(deletion.id, DeletionState.DELETED, done_at=now)
            tx.audit.append(AuditEntry(now, "gateway", "study.bytes_removed", site_id=deletion.site_id,
                                       study_id=deletion.study_id, detail={"deletion": deletion.id}))

    await parts.database.write(note)
    if not is_done:
        raise RetryLater(now + _AGAIN, f"{len(waiting) - len(gone)} objects are too young to be removed safely")
    _log.info("a deletion is done", deletion=deletion.id, objects=len(waiting))
    parts.events.publish(Event("study", deletion.site_id, deletion.study_id))


async def _is_gone(parts: Parts, tombstone: Tombstone, places: list[ObjectStore]) -> bool:
    """True once no place holds the bytes for us, or something else needs them."""
    sha256 = tombstone.object_sha256
    if await parts.database.read(lambda tx: tx.objects.has(sha256)):
        return True
    stored_before = parts.clock() - YOUNGEST_ORPHAN
    is_gone = True
    for place in places:
        try:
            is_gone &= await asyncio.to_thread(place.remove_orphan, sha256, stored_before=stored_before)
        except ObjectMissing:
            continue
    return is_gone


def _stop(tx: Transaction, parts: Parts, deletion: Deletion, study: Study | None, found: list[str]) -> None:
    """What allowed it no longer holds: nothing was touched, and both people must hear of it."""
    now = parts.clock()
    tx.keeping.change_deletion(deletion.id, DeletionState.WITHDRAWN, done_at=now, note=", ".join(found))
    tx.alarms.raise_alarm("deletion-stopped", site_id=deletion.site_id, ref=deletion.id, at=now,
                          detail=f"An approved deletion was not carried out: {', '.join(found)}.")
    tx.audit.append(AuditEntry(now, "gateway", "deletion.stopped", is_success=False, site_id=deletion.site_id,
                               study_id=deletion.study_id, patient_id=study.patient.id if study else None,
                               detail={"deletion": deletion.id, "why": found}))


def _settled(parts: Parts, result: Deletion | GatewayError) -> Deletion:
    """A refusal is written down before it is raised."""
    if isinstance(result, GatewayError):
        raise result
    parts.events.publish(Event("study", result.site_id, result.study_id))
    return result


def _note(tx: Transaction, parts: Parts, study: Study | None, action: str, by: By, *, detail: dict[str, object],
          is_success: bool = True) -> None:
    tx.audit.append(AuditEntry(
        parts.clock(), by.actor, action, is_success=is_success, site_id=study.site_id if study else None,
        study_id=study.id if study else None, patient_id=study.patient.id if study else None, address=by.address,
        detail=detail))


HANDLERS: dict[str, JobHandler] = {JOB: run_delete_study}
