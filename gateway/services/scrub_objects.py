"""Read kept objects back in the background and compare them with their names (B11), oldest check first.

Every object is read at a bounded rate; the first pass adds SM3 beside SHA-256. What was found is written down object
by object, so a restart goes on where it stopped. Damaged and missing objects raise an alarm and are taken from the
second copy where there is a sound one: repaired in place, audited, never silently.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from gateway.observability import metrics
from gateway.services.job_runner import JobHandler
from gateway.services.ports import Event, Parts
from gateway.services.reach_second_copy import COPY_JOB, open_place
from storage.errors import ObjectMissing, StorageError, StorageUnavailable
from storage.interface import CHUNK_BYTES, Digest, ObjectStore, Transaction, chunks_of, digest_of
from storage.model import AuditEntry, CheckState, CopyState, Job, ObjectCare, ObjectRef

JOB = "scrub_objects"
BAD_AGAIN = timedelta(hours=1)
"""A damaged or missing object is looked at again after so long: its second copy may be back."""

_RUN_S = 2.0                             # one job run; between runs the other jobs have their turn
_BATCH = 64
_IDLE = timedelta(minutes=5)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """What a check of an object's bytes found."""

    state: CheckState                    # sound, damaged or missing
    sm3: str = ""


@dataclass(frozen=True, slots=True)
class ScrubResult:
    """What one run did."""

    checked: int
    size_bytes: int
    bad: int
    repaired: int


async def check_bytes(objects: ObjectStore, ref: ObjectRef, *, with_sm3: bool, bytes_per_s: float = 0.0) -> Found:
    """Re-hash an object, at most so fast (0: as fast as it goes). Raises StorageUnavailable."""
    digest = Digest(with_sm3=with_sm3)
    began = time.monotonic()

    def step() -> int:
        chunk = objects.get_range(ref.sha256, digest.size_bytes, CHUNK_BYTES)
        digest.update(chunk)
        return len(chunk)

    try:
        while await asyncio.to_thread(step):
            if bytes_per_s > 0:
                await asyncio.sleep(max(0.0, began + digest.size_bytes / bytes_per_s - time.monotonic()))
    except ObjectMissing:
        return Found(CheckState.MISSING)
    return Found(CheckState.SOUND, digest.sm3) if digest.names(ref) else Found(CheckState.DAMAGED)


async def settle_check(parts: Parts, ref: ObjectRef, found: Found) -> CheckState:
    """Write down what was found; a bad object is alarmed and, where possible, repaired. Returns how it is now."""
    if found.state is CheckState.SOUND:
        before = await parts.database.write(
            lambda tx: tx.object_care.note_check(ref.sha256, CheckState.SOUND, at=parts.clock(), sm3=found.sm3))
        if before in (CheckState.DAMAGED, CheckState.MISSING):
            await parts.database.write(lambda tx: _clear(parts, tx, ref))
        return CheckState.SOUND
    if not await parts.database.read(lambda tx: tx.objects.has(ref.sha256)):
        return CheckState.SOUND          # it was deleted meanwhile: nothing is promised any more
    failure = await _repair(parts, ref)
    now, is_repaired = parts.clock(), failure == ""
    word = "damaged" if found.state is CheckState.DAMAGED else "missing"
    what = "its bytes were not what their name says" if word == "damaged" else "its bytes were not there"
    outcome = "It was repaired from the second copy." if is_repaired else f"It could not be repaired: {failure}."

    def note(tx: Transaction) -> None:
        tx.object_care.note_check(ref.sha256, CheckState.SOUND if is_repaired else found.state, at=now)
        tx.audit.append(AuditEntry(now, "gateway", f"object.{word}", is_success=False,
                                   detail={"object": ref.sha256, "size_bytes": ref.size_bytes}))
        if is_repaired:
            tx.audit.append(AuditEntry(now, "gateway", "object.repaired", detail={
                "object": ref.sha256, "was": word, "from": "second copy"}))
        tx.alarms.raise_alarm(f"object-{word}", site_id="", ref=ref.sha256, at=now,
                              detail=f"Object {ref.sha256[:16]}…: {what}. {outcome}")

    await parts.database.write(note)
    _log.error("a kept object was not sound", object=ref.sha256, found=word, repaired=is_repaired, why=failure)
    metrics.BAD_OBJECTS.labels(found=word, repaired=str(is_repaired).lower()).inc()
    parts.events.publish(Event("alarm", ""))
    return CheckState.SOUND if is_repaired else found.state


async def check_object(parts: Parts, ref: ObjectRef) -> CheckState:
    """Check one object now, and settle what was found. Raises StorageUnavailable."""
    found = await check_bytes(parts.objects, ref, with_sm3=False)
    return await settle_check(parts, ref, found)


async def scrub(parts: Parts, *, run_s: float = _RUN_S, limit: int = _BATCH) -> ScrubResult:
    """Check what is due, for about so long. Raises StorageUnavailable."""
    now, rate = parts.clock(), parts.settings.scrub_mb_per_s * 1e6
    due = await parts.database.read(lambda tx: tx.object_care.to_check(
        sound_before=now - timedelta(days=parts.settings.scrub_days), bad_before=now - BAD_AGAIN, limit=limit))
    checked = size_bytes = bad = repaired = 0
    sound: dict[str, str] = {}
    copied: list[str] = []
    began = time.monotonic()
    try:
        for care in due:
            ref = ObjectRef(care.sha256, care.size_bytes)
            found = await check_bytes(parts.objects, ref, with_sm3=not care.sm3, bytes_per_s=rate)
            if found.state is CheckState.SOUND and care.state in (CheckState.UNCHECKED, CheckState.SOUND):
                sound[ref.sha256] = found.sm3
            else:
                bad += found.state is not CheckState.SOUND
                is_sound_now = await settle_check(parts, ref, found) is CheckState.SOUND
                repaired += found.state is not CheckState.SOUND and is_sound_now
            if care.copy_state is CopyState.COPIED and await _is_copy_sound(parts, care):
                copied.append(ref.sha256)
            checked, size_bytes = checked + 1, size_bytes + ref.size_bytes
            metrics.SCRUBBED_BYTES.inc(ref.size_bytes)
            if time.monotonic() - began >= run_s:
                break
    finally:                             # one write for all that was sound: the scrub must not slow what is received
        await note_sound(parts, sound, copied)
    return ScrubResult(checked, size_bytes, bad, repaired)


async def note_sound(parts: Parts, sm3_of: Mapping[str, str], copied: Sequence[str] = ()) -> None:
    """Write down in one go what was read back and found sound, here and in the second copy."""
    if not sm3_of and not copied:
        return
    now = parts.clock()

    def note(tx: Transaction) -> None:
        tx.object_care.note_sound(sm3_of, at=now)
        if copied:
            tx.object_care.note_copied(copied, now)

    await parts.database.write(note)


async def schedule_scrub(parts: Parts) -> None:
    """At start: go on where the last run stopped."""
    if parts.settings.scrub_mb_per_s > 0:
        now = parts.clock()
        await parts.database.write(lambda tx: tx.jobs.enqueue(JOB, "store", due=now + timedelta(seconds=30)))


async def run_scrub(parts: Parts, _job: Job) -> None:
    """Job "scrub_objects": one run, then the next one is asked for."""
    if parts.settings.scrub_mb_per_s <= 0:
        return
    began = time.monotonic()
    result = await scrub(parts)
    if result.checked:
        # As long a pause as the run read ahead of its rate, so that the rate holds over many small objects too.
        owed_s = result.size_bytes / (parts.settings.scrub_mb_per_s * 1e6) - (time.monotonic() - began)
        pause = timedelta(seconds=max(0.2, owed_s))
    else:
        pause = _IDLE
    due = parts.clock() + pause
    await parts.database.write(lambda tx: tx.jobs.postpone(JOB, "store", due=due))


async def _repair(parts: Parts, ref: ObjectRef) -> str:
    """Take the object from the second copy; "" if it is sound again, else why not."""
    if parts.second_copy is None:
        return "no second copy is configured"
    try:
        place, _ = await open_place(parts)
        if not (await asyncio.to_thread(digest_of, place, ref, with_sm3=False)).names(ref):
            return "the second copy is damaged too"
        await asyncio.to_thread(lambda: parts.objects.repair(ref, chunks_of(place, ref)))
    except ObjectMissing:
        return "it is not in the second copy"
    except StorageError as exc:
        return str(exc)
    now_found = await check_bytes(parts.objects, ref, with_sm3=False)
    return "" if now_found.state is CheckState.SOUND else "the repaired bytes do not read back"


async def _is_copy_sound(parts: Parts, care: ObjectCare) -> bool:
    """Read the second copy back too; one that is lost or bad is made again, with an alarm."""
    ref, now = ObjectRef(care.sha256, care.size_bytes), parts.clock()
    assert parts.second_copy is not None
    try:
        _, mark = await open_place(parts)
        digest = await asyncio.to_thread(parts.second_copy.digest, ref, mark)
        fault = "" if digest.names(ref) else "damaged"
    except ObjectMissing:
        fault = "missing"
    except StorageUnavailable:
        return False                     # the copying job says so; nothing is known of the copy now
    if not fault:
        return True

    def note(tx: Transaction) -> None:
        tx.object_care.note_copy_failed(ref.sha256, due=now, why=f"the second copy was found {fault}")
        tx.audit.append(AuditEntry(now, "gateway", "second_copy.bad", is_success=False,
                                   detail={"object": ref.sha256, "found": fault}))
        tx.alarms.raise_alarm("second-copy-bad", site_id="", ref=ref.sha256, at=now,
                              detail=f"The second copy of {ref.sha256[:16]}… was {fault}; it is made again.")
        tx.jobs.enqueue(COPY_JOB, "store", due=now)

    await parts.database.write(note)
    _log.error("a second copy was not sound", object=ref.sha256, found=fault)
    parts.events.publish(Event("alarm", ""))
    return False


def _clear(parts: Parts, tx: Transaction, ref: ObjectRef) -> None:
    """It is sound again without our doing: say so; the alarms stay until a person has seen them."""
    tx.audit.append(AuditEntry(parts.clock(), "gateway", "object.sound_again", detail={"object": ref.sha256}))


HANDLERS: dict[str, JobHandler] = {JOB: run_scrub}
