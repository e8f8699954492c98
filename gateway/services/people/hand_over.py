"""What a reader who goes off had in hand goes back to the group, and both sides are told.

A claim without text is released; a draft stays as it is, for whoever takes it next. The group's next able reader gets
it where the group assigns, else its pool. Going off hands everything back at once; the end of a shift does it by the
durable job "hand_over", which takes nothing out of hands that are still writing: it looks again later.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.core.reading import HELD, expired
from gateway.services.claim_reading import JOB as RELEASE_JOB
from gateway.services.clocks.keep_clocks import follow_reading
from gateway.services.job_runner import RetryLater
from gateway.services.people.assign import assign_again
from gateway.services.ports import Event, Parts
from storage.interface import Transaction
from storage.model import EVERYWHERE, AuditEntry, Job, Reading, ReportState, new_id
from storage.model.clocks import Notice, NoticeKind
from storage.model.rosters import EntryKind, Presence, RosterEntry

JOB = "hand_over"
STILL_WRITING = timedelta(minutes=10)
"""Whoever saved within this time is still at work; a shift's end waits for them."""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What went back, and what is still being written."""

    readings: tuple[Reading, ...]
    look_again_at: datetime | None = None


def hand_over(tx: Transaction, parts: Parts, user_id: str, *, at: datetime, actor: str, why: str,
              spares_writing: bool, address: str = "") -> HandedOver:
    """Give back what this person has in hand, in the caller's write; the caller publishes `readings`."""
    given: list[Reading] = []
    again: list[datetime] = []
    for reading in tx.rosters.readings_in_hand(user_id):
        quiet_at = _quiet_at(parts, reading, user_id)
        if spares_writing and quiet_at is not None and quiet_at > at:
            again.append(quiet_at)
        elif (after := _given_back(tx, parts, reading, user_id, at, actor, why, address)) is not None:
            given.append(after)
        else:
            again.append(at)                     # changed this very moment: look again
    return HandedOver(tuple(given), min(again, default=None))


def announce(parts: Parts, readings: tuple[Reading, ...]) -> None:
    """After the write: every list shows it."""
    for reading in readings:
        parts.events.publish(Event("reading", reading.site_id, reading.study_id, reading.id))


def plan_hand_over(tx: Transaction, entry: RosterEntry) -> None:
    """Let the end of this stretch of duty hand over; called whenever the stretch is written."""
    if entry.kind is EntryKind.DUTY:
        tx.jobs.postpone(JOB, entry.id, due=entry.ends_at)


async def run_hand_over(parts: Parts, job: Job) -> None:
    """The job "hand_over", its ref a roster entry. Nothing happens where the person goes on or the entry is gone."""
    def work(tx: Transaction) -> HandedOver:
        now = parts.clock()
        entry = tx.rosters.entry(job.ref)
        if entry is None or entry.kind is not EntryKind.DUTY:
            return HandedOver(())
        if entry.ends_at > now:
            return HandedOver((), entry.ends_at)
        if _goes_on(tx, entry, now):
            return HandedOver(())
        return hand_over(tx, parts, entry.user_id, at=now, actor="gateway", why="shift-end", spares_writing=True)

    done = await parts.database.write(work)
    announce(parts, done.readings)
    if done.look_again_at is not None:
        raise RetryLater(done.look_again_at, "the shift has ended, and a report is still being written")


def _goes_on(tx: Transaction, entry: RosterEntry, now: datetime) -> bool:
    """True if another stretch of duty follows, or the person has come back since the end and says so."""
    if any(other.kind is EntryKind.DUTY and other.user_id == entry.user_id for other in tx.rosters.entries_at(now)):
        return True
    said = tx.rosters.presence([entry.user_id]).get(entry.user_id)
    return said is not None and said.presence is Presence.PRESENT and said.since >= entry.ends_at


def _quiet_at(parts: Parts, reading: Reading, user_id: str) -> datetime | None:
    """When whoever holds it will have been quiet for long enough; None where nobody holds it."""
    if reading.state not in HELD or reading.claimed_by != user_id or reading.lock_until is None:
        return None
    return reading.lock_until - timedelta(minutes=parts.settings.claim_minutes) + STILL_WRITING


def _given_back(tx: Transaction, parts: Parts, reading: Reading, user_id: str, at: datetime, actor: str, why: str,
                address: str) -> Reading | None:
    was_held = reading.state in HELD
    free = replace(expired(reading) if was_held else reading, assigned_to=None)
    zone = ZoneInfo(parts.settings.time_zone)
    assigned = assign_again(tx, free, at=at, zone=zone, but_not=frozenset({user_id}))
    after = replace(free, assigned_to=assigned.reader_id)
    if not tx.readings.replace(after):
        return None
    follow_reading(tx, reading, after, at=at)
    if was_held:
        tx.jobs.cancel(f"{RELEASE_JOB}:{reading.id}")
    latest = tx.reports.latest(reading.id, EVERYWHERE)
    has_draft = latest is not None and latest.state is ReportState.DRAFT
    study = tx.studies.get(reading.study_id, EVERYWHERE)
    tx.audit.append(AuditEntry(
        at, actor, "reading.handed_over", site_id=reading.site_id, study_id=reading.study_id, address=address,
        patient_id=study.patient.id if study else None,
        detail={"reading": reading.id, "from": user_id, "to": assigned.reader_id, "group": reading.group, "why": why,
                "was": reading.state.value, "draft": has_draft, "because": assigned.entries}))
    _tell(tx, after, user_id, at, why=why, has_draft=has_draft)
    return replace(after, revision=reading.revision + 1)


def _tell(tx: Transaction, reading: Reading, from_user_id: str, at: datetime, *, why: str, has_draft: bool) -> None:
    """Tell who gave it, and who has it now; in a pool the group's list shows it."""
    def notice(user_id: str, kind: NoticeKind) -> Notice:
        return Notice(new_id(), at, user_id, kind, reading.id, reading.study_id, reading.site_id,
                      round=reading.revision, detail={"from": from_user_id, "draft": has_draft, "why": why})

    told = [notice(from_user_id, NoticeKind.HANDED_OVER)]
    if reading.assigned_to is not None:
        told.append(notice(reading.assigned_to, NoticeKind.ASSIGNED))
    tx.notices.add(told)


HANDLERS = {JOB: run_hand_over}
