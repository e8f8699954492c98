"""A retake follows the order that was placed for it: its study came, was another's after all, or it was taken back.

Plain code in the caller's write, which it never breaks: receiving goes first. A job tells the screens afterwards, and
does what a race with a person at the clinic left undone.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gateway.core.errors import NotNow
from gateway.core.quality import declined, not_retaken, retaken
from gateway.core.reading import reopened
from gateway.services.clocks.keep_clocks import follow_reading
from gateway.services.job_runner import JobHandler
from gateway.services.ports import Event, Parts
from gateway.services.quality.tell_people import tell_of
from storage.interface import Transaction
from storage.model import EVERYWHERE, AuditEntry, Job, Reading, ReadingState
from storage.model.quality import OPEN_RETAKES, Retake, RetakeState

TELL_JOB = "tell_retake"                 # ref: retake id


def note_retaken(tx: Transaction, order_id: str, study_id: str, *, at: datetime) -> None:
    """The study of the order is here: the request is answered, and the reader sees both side by side."""
    retake = tx.quality.retake_of_order(order_id)
    if retake is not None and retake.state in OPEN_RETAKES and retake.study_id != study_id and not _kept(
            tx, retaken(retake, study_id, at=at), "retake.retaken", actor="gateway", at=at, new_study=study_id):
        tx.jobs.enqueue(TELL_JOB, retake.id, due=at)


def note_unlinked(tx: Transaction, order_id: str, *, at: datetime, actor: str) -> None:
    """That study was not the order's: the request waits again, unless the study is asked for anew by now."""
    retake = tx.quality.retake_of_order(order_id)
    if retake is not None and retake.state is RetakeState.RETAKEN and not any(
            other.state in OPEN_RETAKES for other in tx.quality.retakes_of(retake.study_id, EVERYWHERE)):
        _kept(tx, not_retaken(retake), "retake.unlinked", actor=actor, at=at)


def note_withdrawn(tx: Transaction, order_id: str, reason: str, *, at: datetime, actor: str, address: str) -> None:
    """The clinic took the order back on its own page of orders: that is a no to the retake as well."""
    retake = tx.quality.retake_of_order(order_id)
    if retake is not None and retake.state in OPEN_RETAKES:
        keep(tx, declined(retake, reason, by=actor, at=at), "retake.declined", actor=actor, at=at, address=address,
             reason=reason)
        give_back_to_readers(tx, retake, at=at, actor=actor)


def give_back_to_readers(tx: Transaction, retake: Retake, *, at: datetime, actor: str) -> Reading | None:
    """No better picture will come: a reading that was sent back for it is read as it is.

    Returns the reading if it went back to unread.
    """
    reading = tx.readings.get(retake.reading_id, EVERYWHERE) if retake.reading_id and retake.is_sent_back else None
    if reading is None or reading.state is not ReadingState.RETURNED:
        return None
    after = reopened(reading, late_instances=0)
    if not tx.readings.replace(after):
        return None                      # somebody moves it this very moment: images came, or an order was taken back
    follow_reading(tx, reading, after, at=at)
    tx.audit.append(AuditEntry(at, actor, "reading.reopened", site_id=reading.site_id, study_id=reading.study_id,
                               detail={"reading": reading.id, "was": reading.state.value, "retake": retake.id}))
    return after


def keep(tx: Transaction, retake: Retake, action: str, *, actor: str, at: datetime, address: str = "",
         **detail: object) -> Retake:
    """Write the changed request with its audit entry. Raises NotNow("revision") if somebody was faster."""
    if not _kept(tx, retake, action, actor=actor, at=at, address=address, **detail):
        raise NotNow("Somebody changed it meanwhile. Look again.", reason="revision")
    return replace(retake, revision=retake.revision + 1)


def _kept(tx: Transaction, retake: Retake, action: str, *, actor: str, at: datetime, address: str = "",
          **detail: object) -> bool:
    if not tx.quality.replace_retake(retake):
        return False
    study = tx.studies.get(retake.study_id, EVERYWHERE)
    tx.audit.append(AuditEntry(
        at, actor, action, site_id=retake.site_id, study_id=retake.study_id,
        patient_id=study.patient.id if study else None, address=address,
        detail={"retake": retake.id, "order": retake.order_id, "state": retake.state.value, **detail}))
    tell_of(tx, retake, at=at)
    tx.jobs.enqueue(TELL_JOB, retake.id, due=at)
    return True


def announce(parts: Parts, retake: Retake) -> None:
    """Tell the clinic's page, the reader's, and whoever shows lists."""
    parts.events.publish(Event("retake", retake.site_id, retake.study_id, retake.reading_id or ""))
    parts.events.publish(Event("notice", retake.site_id))
    if retake.new_study_id is not None:
        parts.events.publish(Event("retake", retake.site_id, retake.new_study_id))
    if retake.reading_id is not None:
        parts.events.publish(Event("reading", retake.site_id, retake.study_id, retake.reading_id))


async def _tell(parts: Parts, job: Job) -> None:
    def work(tx: Transaction) -> Retake | None:
        retake = tx.quality.retake(job.ref, EVERYWHERE)
        order = tx.orders.get(retake.order_id, EVERYWHERE) if retake is not None else None
        if order is not None and order.study_id is not None:
            note_retaken(tx, order.id, order.study_id, at=parts.clock())
        return tx.quality.retake(job.ref, EVERYWHERE)

    retake = await parts.database.write(work)
    if retake is not None:
        announce(parts, retake)


HANDLERS: dict[str, JobHandler] = {TELL_JOB: _tell}
