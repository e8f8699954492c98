"""A claim is a lock: of many who claim at once one wins; it ends by release, by hand-over, or by time (D3).

The lock is the reading's row: every move writes it only if its revision is still the one that was read. A claim that
nobody extends by saving is given back by the job "release_claim" at `lock_until`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.core.errors import InvalidRequest, NotAllowed, NotFound, NotNow
from gateway.core.reading import HELD, ReadingAction, expired, moved
from gateway.services.clocks.keep_clocks import follow_reading
from gateway.services.job_runner import RetryLater
from gateway.services.people.assign import gap_of
from gateway.services.ports import Event, Parts
from storage.interface import Transaction
from storage.model import EVERYWHERE, SYSTEM_HOLDER, AuditEntry, Job, Reading, Role, Scope, Study, User

JOB = "release_claim"


async def claim_reading(parts: Parts, user: User, reading_id: str, *, address: str = "") -> Reading:
    """Take the lock, to write or (of what another wrote) to review. Claiming what one holds already changes nothing.

    Anybody able may take what is assigned to a colleague; the trail says so. Raises NotFound (also outside the user's
    scope), NotAllowed (the role, or the reader's profile: "not-skilled", "not-reviewer-grade", "other-site"), NotNow:
    "claimed-by-another" names the holder.
    """
    def work(tx: Transaction) -> Reading:
        now = parts.clock()
        reading = _found(tx, reading_id, user.scope(Role.READER, Role.REVIEWER))
        if reading.claimed_by == user.id and reading.state in HELD:
            return reading
        _refuse_if_held(tx, reading, user)
        after = _move(tx, parts, reading, ReadingAction.CLAIM, user, now)
        gap = gap_of(tx, user, reading)
        if gap is not None:
            raise NotAllowed("Your profile as a reader does not cover this study.", reason=gap)
        assert after.lock_until is not None
        tx.jobs.postpone(JOB, reading.id, due=after.lock_until)
        taken_over = {} if reading.assigned_to in (None, user.id) else {"taken_over_from": reading.assigned_to}
        _note(tx, now, user.id, "reading.claimed", reading, address, {"state": after.state.value, **taken_over})
        return after

    return await _write(parts, work, wakes_jobs=True)


async def release_reading(parts: Parts, user: User, reading_id: str, *, address: str = "") -> Reading:
    """Give the lock back; an administrator may take it from its holder, and the trail says so.

    Raises NotFound, NotNow ("not-holder", "wrong-state").
    """
    def work(tx: Transaction) -> Reading:
        now = parts.clock()
        reading = _found(tx, reading_id, user.scope(Role.READER, Role.REVIEWER, Role.ADMIN))
        after = _move(tx, parts, reading, ReadingAction.RELEASE, user, now)
        tx.jobs.cancel(f"{JOB}:{reading.id}")
        _note(tx, now, user.id, "reading.released", reading, address,
              {"held_by": reading.claimed_by, "forced": reading.claimed_by != user.id})
        return after

    return await _write(parts, work)


async def send_back(parts: Parts, user: User, reading_id: str, reason: str, *, address: str = "") -> Reading:
    """Return the study to the clinic with a reason (退回). Raises InvalidRequest without one, NotFound, NotNow."""
    return await _write(parts, lambda tx: send_back_on(tx, parts, user, reading_id, reason, address=address))


def send_back_on(tx: Transaction, parts: Parts, user: User, reading_id: str, reason: str, *, address: str) -> Reading:
    """The same in the caller's write, which announces it."""
    why = reason.strip()
    if not why:
        raise InvalidRequest("A study is sent back only with a reason.", reason="reason-required")
    now = parts.clock()
    reading = _found(tx, reading_id, user.scope(Role.READER, Role.REVIEWER))
    after = _move(tx, parts, reading, ReadingAction.SEND_BACK, user, now, reason=why)
    tx.jobs.cancel(f"{JOB}:{reading.id}")
    _note(tx, now, user.id, "reading.sent_back", reading, address, {"reason": why})
    return after


def extend_claim(tx: Transaction, reading: Reading, now: datetime, minutes: float) -> Reading:
    """Move the end of the lock: whoever saves is still at work. Returns the reading as stored.

    Raises NotNow when nobody holds it ("not-holder") or somebody was faster ("conflict").
    """
    if reading.state not in HELD or reading.claimed_by is None:
        raise NotNow(reason="not-holder")
    lock_until = now + timedelta(minutes=minutes)
    after = replace(reading, lock_until=lock_until)
    if not tx.readings.replace(after):
        raise NotNow(reason="conflict")
    tx.jobs.postpone(JOB, reading.id, due=lock_until)
    return replace(after, revision=reading.revision + 1)


async def give_back_expired(parts: Parts, job: Job) -> None:
    """The job "release_claim": give the reading back if its lock ran out, else look again when it does."""
    def work(tx: Transaction) -> tuple[Reading | None, datetime | None]:
        now = parts.clock()
        reading = tx.readings.get(job.ref, EVERYWHERE)
        if reading is None or reading.state not in HELD or reading.lock_until is None:
            return None, None
        if reading.lock_until > now:
            return None, reading.lock_until
        after = expired(reading)
        if not tx.readings.replace(after):
            return None, now                         # saved this very moment: look again
        follow_reading(tx, reading, after, at=now)
        _note(tx, now, "gateway", "reading.released", reading, "",
              {"held_by": reading.claimed_by, "expired": True})
        return after, None

    released, look_again = await parts.database.write(work)
    if look_again is not None:
        raise RetryLater(look_again, "the claim was extended")
    if released is not None:
        parts.events.publish(Event("reading", released.site_id, released.study_id, released.id))


async def _write(parts: Parts, work: Callable[[Transaction], Reading], *, wakes_jobs: bool = False) -> Reading:
    reading = await parts.database.write(work)
    parts.events.publish(Event("reading", reading.site_id, reading.study_id, reading.id))
    if wakes_jobs:
        parts.events.wake_jobs()
    return reading


def _found(tx: Transaction, reading_id: str, scope: Scope) -> Reading:
    reading = tx.readings.get(reading_id, scope)
    if reading is None:
        raise NotFound
    return reading


def _refuse_if_held(tx: Transaction, reading: Reading, user: User) -> None:
    if reading.state in HELD and reading.claimed_by not in (None, user.id):
        holder = tx.users.get(reading.claimed_by) if reading.claimed_by else None
        name = holder.display_name if holder else (reading.claimed_by or "").removeprefix(SYSTEM_HOLDER)
        raise NotNow(f"{name} is working on it.",
                     reason="claimed-by-another")


def _move(tx: Transaction, parts: Parts, reading: Reading, action: ReadingAction, user: User, now: datetime, *,
          reason: str = "") -> Reading:
    after = moved(reading, action, user, now=now, claim_for=timedelta(minutes=parts.settings.claim_minutes),
                  reason=reason)
    if not tx.readings.replace(after):
        raise NotNow(reason="conflict")
    follow_reading(tx, reading, after, at=now)
    return replace(after, revision=reading.revision + 1)


def _note(tx: Transaction, now: datetime, actor: str, action: str, reading: Reading, address: str,
          detail: dict[str, object]) -> None:
    study: Study | None = tx.studies.get(reading.study_id, EVERYWHERE)
    tx.audit.append(AuditEntry(
        now, actor, action, site_id=reading.site_id, study_id=reading.study_id,
        patient_id=study.patient.id if study else None, address=address, detail={"reading": reading.id, **detail}))


HANDLERS = {JOB: give_back_expired}
