"""Reject a picture, and ask the clinic to take it again: on its page, and as an order on its worklist (D6).

The new order is the old one with a new accession number and a new Study Instance UID: same patient, modality, body
part and urgency, for the device that took the first. Its purpose begins with what was wrong, which a console shows as
the comments of the scheduled step (0040,0400). One study has one open request: a second rejection joins it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.core.errors import InvalidRequest, NotFound, NotNow
from gateway.core.order import OrderRequest, checked, more_urgent
from gateway.core.quality import Judgement, words_of
from gateway.services.administer_sites import By
from gateway.services.claim_reading import send_back_on
from gateway.services.place_order import amend, announce_order, place, request_of
from gateway.services.ports import Event, Parts
from gateway.services.quality.follow_orders import TELL_JOB, announce, keep
from gateway.services.quality.grade_study import grade_on, operator_of, reading_scope, study_of
from gateway.services.quality.marked_picture import OBJECT_KIND, keep_picture
from gateway.services.quality.tell_people import tell_of
from storage.interface import Transaction
from storage.model import AuditEntry, Reading, Scope, Study, User, new_id
from storage.model.orders import Order, OrderSource
from storage.model.quality import OPEN_RETAKES, Grade, QualityGrade, Retake, RetakeState

AGAIN = "重做："
_LONGEST_PURPOSE = 1000                  # characters of an order's purpose
_LONGEST_DESCRIPTION = 64


@dataclass(frozen=True, slots=True)
class Rejection:
    """What a reader does with a picture that is not good enough."""

    judgement: Judgement
    picture: str                         # data:image/png;base64,… with the marks in it; "": none
    is_sent_back: bool                   # the reading cannot go on: back to the clinic (退回)
    asks_retake: bool


@dataclass(frozen=True, slots=True)
class Rejected:
    """What became of it."""

    grade: QualityGrade
    retake: Retake | None
    order: Order | None
    reading: Reading | None              # that went back


async def reject_image(parts: Parts, user: User, study_id: str, rejection: Rejection, *, revision: int,
                       address: str) -> Rejected:
    """Grade it as rejected, keep the marked picture, send the reading back, ask for a retake: in one write.

    Raises NotFound, InvalidRequest (see `checked` of quality and of orders; "picture", "grade"), NotNow ("revision",
    and what sending back says).
    """
    if rejection.judgement.grade is not Grade.REJECTED:
        raise InvalidRequest("A rejection grades the picture as rejected.", reason="grade")
    operator = await operator_of(parts, user, study_id)
    picture = await keep_picture(parts, rejection.picture)

    def work(tx: Transaction) -> Rejected:
        if picture is not None:
            tx.objects.add(picture, kind=OBJECT_KIND, at=parts.clock())
        grade = grade_on(tx, parts, user, study_id, rejection.judgement, revision=revision, operator=operator,
                         picture=picture, address=address)
        reading = tx.readings.of_study(study_id, reading_scope(user))
        sent_back = None
        if rejection.is_sent_back:
            if reading is None:
                raise NotFound("There is no reading of this study yet.")
            sent_back = send_back_on(tx, parts, user, reading.id, words_of(grade.reasons, grade.note),
                                     address=address)
        if not rejection.asks_retake:
            return Rejected(grade, None, None, sent_back)
        retake, order = ask_on(tx, parts, user, grade, reading, is_sent_back=sent_back is not None, address=address)
        return Rejected(grade, retake, order, sent_back)

    done = await parts.database.write(work)
    _announce(parts, done)
    return done


async def ask_retake(parts: Parts, user: User, grade_id: str, *, address: str) -> Retake:
    """Ask for a retake because of a rejection that was given before. Raises NotFound, InvalidRequest("grade")."""
    def work(tx: Transaction) -> Rejected:
        grade = tx.quality.grade(grade_id, reading_scope(user))
        if grade is None:
            raise NotFound("There is no such grade.")
        if grade.grade is not Grade.REJECTED or not grade.is_current:
            raise InvalidRequest("Only what is rejected is taken again.", reason="grade")
        reading = tx.readings.of_study(grade.study_id, reading_scope(user))
        retake, order = ask_on(tx, parts, user, grade, reading, is_sent_back=False, address=address)
        return Rejected(grade, retake, order, None)

    done = await parts.database.write(work)
    _announce(parts, done)
    assert done.retake is not None
    return done.retake


def ask_on(tx: Transaction, parts: Parts, user: User, grade: QualityGrade, reading: Reading | None, *,
           is_sent_back: bool, address: str) -> tuple[Retake, Order]:
    """Place the order and the request, or let an open request of the study ask for this picture too."""
    scope = reading_scope(user)
    study, now, by = study_of(tx, grade.study_id, scope), parts.clock(), By(user.id, address, scope)
    what = AGAIN + words_of(grade.reasons, grade.note)
    for open_one in tx.quality.retakes_of(study.id, scope):
        order = tx.orders.get(open_one.order_id, scope) if open_one.state in OPEN_RETAKES else None
        if order is not None:
            request = replace(request_of(order), purpose=_purpose(what, order.purpose))
            order = amend(tx, parts, order, checked(request), by)
            state = RetakeState.SCHEDULED if open_one.state is RetakeState.SCHEDULED else RetakeState.ASKED
            return keep(tx, replace(open_one, state=state, is_sent_back=open_one.is_sent_back or is_sent_back),
                        "retake.asked", actor=user.id, at=now, address=address, grade=grade.id), order
    order = place(tx, parts, study.site_id, _request(tx, study, reading, what), by, OrderSource.UI)
    retake = Retake(
        id=new_id(), study_id=study.id, site_id=study.site_id, reading_id=reading.id if reading else None,
        grade_id=grade.id, order_id=order.id, state=RetakeState.ASKED, asked_by=user.id, asked_at=now,
        is_sent_back=is_sent_back)
    if not tx.quality.add_retake(retake):
        raise NotNow("Somebody asks for it this very moment. Look again.", reason="revision")
    tx.audit.append(AuditEntry(
        now, user.id, "retake.asked", site_id=study.site_id, study_id=study.id, patient_id=study.patient.id,
        address=address, detail={"retake": retake.id, "grade": grade.id, "order": order.id,
                                 "accession_number": order.accession_number, "reasons": list(grade.reasons)}))
    tell_of(tx, retake, at=now)
    tx.jobs.enqueue(TELL_JOB, retake.id, due=now)
    return retake, order


def _request(tx: Transaction, study: Study, reading: Reading | None, what: str) -> OrderRequest:
    """The order of the study again, or one made from what its images say where nobody ordered it."""
    old = tx.orders.of_study(study.id, Scope(frozenset({study.site_id})))
    patient = study.patient
    asked = request_of(old) if old is not None else OrderRequest(
        patient_id=patient.patient_id, patient_name=patient.name.display, modality=study.modality,
        name_alphabetic=patient.name.alphabetic, sex=patient.sex if patient.sex in ("M", "F", "O") else "",
        birth_date=patient.birth_date, body_part=study.body_part[:16])
    device = tx.sites.device(study.device_id) if study.device_id else None
    urgency = more_urgent(asked.urgency, study.urgency)
    return checked(replace(
        asked, scheduled_at=None, accession_number="", study_instance_uid="", requested_procedure_id="",
        scheduled_step_id="", placer_order_number="", expected_count=None,
        fee_item="",                     # a repetition for want of quality is not charged again by us
        procedure_description=asked.procedure_description or study.description[:_LONGEST_DESCRIPTION],
        station_ae_title=device.ae_title if device is not None and not device.is_relay else asked.station_ae_title,
        urgency=more_urgent(urgency, reading.priority.value) if reading is not None else urgency,
        purpose=_purpose(what, asked.purpose)))


def _purpose(what: str, before: str) -> str:
    kept = [line for line in before.split("\n") if line.strip() and line.strip() != what]
    return "\n".join([what, *kept])[:_LONGEST_PURPOSE]


def _announce(parts: Parts, done: Rejected) -> None:
    grade = done.grade
    parts.events.publish(Event("quality", grade.site_id, grade.study_id))
    if done.reading is not None:
        parts.events.publish(Event("reading", grade.site_id, grade.study_id, done.reading.id))
    if done.retake is not None:
        announce(parts, done.retake)
    if done.order is not None:
        announce_order(parts, done.order)
