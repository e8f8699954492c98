"""The reading site says no, with a reason that the clinic is shown (A2); amending the order asks again.

Sending back (退回) asks the clinic for something: another image, a word. Declining (谢绝) says that this site does
not read it, so that the clinic can turn elsewhere.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from gateway.core.errors import InvalidRequest, NotFound, NotNow
from gateway.core.reading import ReadingAction, moved, reopened
from gateway.services.administer_sites import By
from gateway.services.claim_reading import JOB as RELEASE_JOB
from gateway.services.clocks.keep_clocks import follow_reading
from gateway.services.ports import Event, Parts
from storage.interface import Transaction
from storage.model import EVERYWHERE, AuditEntry, Reading, ReadingState, Role, Study, User

LONGEST_REASON = 1000


async def decline_reading(parts: Parts, user: User, reading_id: str, reason: str, *, address: str = "") -> Reading:
    """Decline what nobody has begun, or what one holds oneself.

    Raises InvalidRequest ("reason-required", "too-long"), NotFound, NotAllowed, NotNow.
    """
    why = reason.strip()
    if not why:
        raise InvalidRequest("A study is declined only with a reason.", reason="reason-required")
    if len(why) > LONGEST_REASON:
        raise InvalidRequest(f"A reason has at most {LONGEST_REASON} characters.", reason="too-long")

    def work(tx: Transaction) -> Reading:
        now = parts.clock()
        reading = tx.readings.get(reading_id, user.scope(Role.READER, Role.REVIEWER))
        if reading is None:
            raise NotFound("There is no such reading.")
        after = replace(moved(reading, ReadingAction.DECLINE, user, now=now, claim_for=timedelta(0), reason=why),
                        assigned_to=None)
        if not tx.readings.replace(after):
            raise NotNow(reason="conflict")
        follow_reading(tx, reading, after, at=now)
        tx.jobs.cancel(f"{RELEASE_JOB}:{reading.id}")
        study = tx.studies.get(reading.study_id, EVERYWHERE)
        tx.audit.append(AuditEntry(
            now, user.id, "reading.declined", site_id=reading.site_id, study_id=reading.study_id, address=address,
            patient_id=study.patient.id if study else None, detail={"reading": reading.id, "reason": why}))
        return replace(after, revision=reading.revision + 1)

    after = await parts.database.write(work)
    parts.events.publish(Event("reading", after.site_id, after.study_id, after.id))
    return after


def ask_again(tx: Transaction, study: Study, by: By, *, at: datetime) -> Reading | None:
    """The clinic amended its order: what was declined waits for a reader again, with the reason still beside it."""
    reading = tx.readings.of_study(study.id, by.scope)
    if reading is None or reading.state is not ReadingState.GIVEN_UP:
        return None
    after = reopened(reading, late_instances=0)
    if not tx.readings.replace(after):
        raise NotNow(reason="conflict")
    follow_reading(tx, reading, after, at=at)
    tx.audit.append(AuditEntry(at, by.actor, "reading.asked_again", site_id=reading.site_id, study_id=study.id,
                               address=by.address, detail={"reading": reading.id, "declined": reading.reason}))
    return replace(after, revision=reading.revision + 1)
