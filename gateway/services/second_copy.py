"""Copy every kept object to a second place, prove it by hash there, and tell how safe an object is (B5).

Receiving pays nothing for it: what has no copy yet is found afterwards (see `watch_space`), and one job copies it. A
place that does not answer is tried again for as long as it takes; the lag is shown, and an alarm says why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from gateway.core.retry import backoff_s
from gateway.services.job_runner import JobHandler, RetryLater
from gateway.services.ports import Event, Parts
from gateway.services.reach_second_copy import COPY_JOB, open_place
from gateway.services.scrub_objects import check_bytes, check_object, note_sound, settle_check
from storage.errors import ObjectMissing, StorageFull, StorageUnavailable
from storage.interface import Transaction
from storage.model import AuditEntry, CheckState, CopyState, Job, ObjectCare, ObjectRef

CHECK_IS_FRESH = timedelta(minutes=5)
"""A check so young is not repeated when somebody asks how safe an object is."""

_ALARM, _ALARM_REF = "second-copy-unavailable", "second-copy"
_BATCH = 32
_LONGEST_PAUSE_S = 900.0
_LONGEST_OBJECT_PAUSE_S = 6 * 3600.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Safety:
    """How safe one object is now. "Safe" is what Storage Commitment promises."""

    sha256: str
    is_kept: bool                        # the index promises it
    is_sound: bool                       # read back from the store and hashed, just now or minutes ago
    is_copy_wanted: bool                 # a second copy is configured
    copied_at: datetime | None           # when its hash was last verified in the second copy
    deleted_at: datetime | None = None   # when it was deleted, for what is not kept any more

    @property
    def is_safe(self) -> bool:
        return self.is_kept and self.is_sound and (self.copied_at is not None or not self.is_copy_wanted)

    @property
    def is_waiting(self) -> bool:
        """True if it may become safe by itself: all that is missing is the second copy."""
        return self.is_kept and self.is_sound and not self.is_safe

    @property
    def why(self) -> str:
        """One sentence; "" if it is safe."""
        if not self.is_kept:
            return "It was deleted after its retention had ended." if self.deleted_at else "It is not kept here."
        if not self.is_sound:
            return "Its bytes are damaged or missing."
        return "" if self.is_safe else "It is not in the second copy yet."


async def safety_of(parts: Parts, sha256s: Sequence[str]) -> Mapping[str, Safety]:
    """Look at these objects now: re-hash them in the store, and say where their second copies stand.

    What waits for its second copy is copied next. Raises StorageUnavailable.
    """
    names = list(dict.fromkeys(sha256s))
    kept, deleted = await parts.database.read(
        lambda tx: (tx.object_care.kept_since(names), tx.keeping.deleted_objects(names)))
    await _take_into_care(parts, list(kept))
    cares = await parts.database.read(lambda tx: tx.object_care.get_many(list(kept)))
    found: dict[str, Safety] = {}
    read_back: dict[str, str] = {}
    for name in names:
        care = cares.get(name)
        if name not in kept or care is None:
            found[name] = Safety(name, False, False, parts.second_copy is not None, None, deleted.get(name))
            continue
        is_sound = await _is_sound_now(parts, care, read_back)
        copied_at = care.copied_at if care.copy_state is CopyState.COPIED else None
        found[name] = Safety(name, True, is_sound, parts.second_copy is not None, copied_at)
    await note_sound(parts, read_back)
    if any(safety.is_waiting for safety in found.values()):
        now = parts.clock()
        await parts.database.write(lambda tx: tx.jobs.enqueue(COPY_JOB, "store", due=now))
        parts.events.wake_jobs()
    return found


def problem_of(tx: Transaction) -> str:
    """Why the second copy takes nothing now; "" if it does, or nothing was tried yet."""
    return tx.object_care.note(_ALARM)


async def copy_waiting(parts: Parts, *, limit: int = _BATCH) -> int:
    """Copy what waits; returns how many were tried. Raises StorageUnavailable, StorageFull when the place fails."""
    now = parts.clock()
    waiting = await parts.database.read(lambda tx: tx.object_care.to_copy(now=now, limit=limit))
    if not waiting:
        return 0
    _, mark = await open_place(parts)
    done: list[str] = []
    try:
        for care in waiting:
            if await _copy(parts, care, mark):
                done.append(care.sha256)
    finally:                             # what was copied before the place failed is copied
        at = parts.clock()
        await parts.database.write(lambda tx: tx.object_care.note_copied(done, at))
    return len(waiting)


async def run_copies(parts: Parts, job: Job) -> None:
    """Job "second_copy": everything that waits, in batches. Raises RetryLater while the place does not answer."""
    if parts.second_copy is None:
        return
    try:
        for _ in range(8):               # then the other jobs have their turn
            if not await copy_waiting(parts):
                break
    except (StorageUnavailable, StorageFull) as exc:
        await _note_unavailable(parts, str(exc))
        pause_s = backoff_s(min(job.attempt, 12), base_s=5.0, cap_s=_LONGEST_PAUSE_S, jitter=0.5)
        raise RetryLater(parts.clock() + timedelta(seconds=pause_s), str(exc)) from exc
    await parts.database.write(lambda tx: _go_on(parts, tx))


async def _copy(parts: Parts, care: ObjectCare, mark: str) -> bool:
    ref = ObjectRef(care.sha256, care.size_bytes)
    second = parts.second_copy
    assert second is not None
    try:
        if await asyncio.to_thread(second.copy, parts.objects, ref, mark):
            return True
        why = "the bytes in the store are damaged"
    except ObjectMissing:
        why = "the bytes in the store are missing"
    await check_object(parts, ref)       # says so to people, and repairs from an older copy if there is one
    pause_s = backoff_s(min(care.copy_attempts + 1, 12), base_s=60.0, cap_s=_LONGEST_OBJECT_PAUSE_S, jitter=0.5)
    due = parts.clock() + timedelta(seconds=pause_s)
    await parts.database.write(lambda tx: tx.object_care.note_copy_failed(ref.sha256, due=due, why=why))
    return False


async def _note_unavailable(parts: Parts, why: str) -> None:
    now = parts.clock()

    def note(tx: Transaction) -> bool:
        if tx.object_care.note(_ALARM) == why:
            return False
        is_new = tx.object_care.note(_ALARM) == ""
        tx.object_care.set_note(_ALARM, why)
        if is_new:
            tx.alarms.raise_alarm(_ALARM, site_id="", ref=_ALARM_REF, at=now,
                                  detail=f"The second copy does not take objects: {why}. They wait and are tried "
                                         "again; nothing is lost as long as the first disk lives.")
            tx.audit.append(AuditEntry(now, "gateway", "second_copy.unavailable", is_success=False,
                                       detail={"why": why}))
        return is_new

    if await parts.database.write(note):
        _log.error("the second copy does not take objects", why=why)
        parts.events.publish(Event("alarm", ""))


def _go_on(parts: Parts, tx: Transaction) -> None:
    """The place answers: close the alarm, and come again when the next copy is due."""
    now = parts.clock()
    if tx.object_care.note(_ALARM):
        tx.object_care.set_note(_ALARM, "")
        tx.alarms.clear(_ALARM, _ALARM_REF, at=now)
        tx.audit.append(AuditEntry(now, "gateway", "second_copy.available"))
    due = tx.object_care.next_copy_due()
    if due is not None:
        tx.jobs.enqueue(COPY_JOB, "store", due=max(due, now))


async def _is_sound_now(parts: Parts, care: ObjectCare, read_back: dict[str, str]) -> bool:
    """True if its bytes are right; one that was read now goes into `read_back`, to be written down with the rest."""
    if care.state is CheckState.SOUND and parts.clock() - care.checked_at <= CHECK_IS_FRESH:
        return True
    ref = ObjectRef(care.sha256, care.size_bytes)
    checked = await check_bytes(parts.objects, ref, with_sm3=not care.sm3)
    if checked.state is CheckState.SOUND and care.state in (CheckState.UNCHECKED, CheckState.SOUND):
        read_back[ref.sha256] = checked.sm3
        return True
    return await settle_check(parts, ref, checked) is CheckState.SOUND


async def _take_into_care(parts: Parts, sha256s: Sequence[str]) -> None:
    """What came a moment ago has no row yet."""
    zone = ZoneInfo(parts.settings.time_zone)

    def enrol(tx: Transaction) -> None:
        tx.object_care.enrol(tx.object_care.named_without_care(sha256s), zone=zone,
                             has_second_copy=parts.second_copy is not None)

    if await parts.database.read(lambda tx: bool(tx.object_care.named_without_care(sha256s))):
        await parts.database.write(enrol)


HANDLERS: dict[str, JobHandler] = {COPY_JOB: run_copies}
