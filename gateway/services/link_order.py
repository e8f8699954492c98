"""Say which order a study was made for, where exact evidence says so; likeness is for a person to judge (A4, A5, A7).

Exact is: the Study Instance UID that the order gave, or its accession number together with the Patient ID of the same
site. A study under the order's UID that names another Patient ID is not linked; a person is told. Plain code on one
transaction, called when a study appears.
"""

from __future__ import annotations

from datetime import datetime

from gateway.core.ecg_pairing import is_number_like
from gateway.core.order import more_urgent
from gateway.services.complete_study import note_expected_count
from gateway.services.keep_ecg_identity import take_identity
from gateway.services.quality.follow_orders import note_retaken
from storage.interface import Transaction
from storage.model import AuditEntry, CareClass, Study, StudyState, Visit
from storage.model.orders import LinkEvidence, Order

MISMATCH = "order-of-another-patient"
_BY_ORDER = "order:"


def link_order(tx: Transaction, study: Study, *, at: datetime) -> bool:
    """Link the order that names this new study exactly, if there is one. True if it raised an alarm instead."""
    patient_id = study.patient.patient_id
    number = patient_id if study.modality == "ECG" and is_number_like(patient_id) else ""
    if number:                               # typed on a cart: the name of an order, not of a patient
        patient_id = ""
    order = tx.orders.for_study(study.study_instance_uid, study.accession_number, study.site_id,
                                patient_id=patient_id)
    if order is None or order.study_id is not None:
        return False
    is_by_uid = order.study_instance_uid == study.study_instance_uid
    numbered = tx.ecg_pairings.of_number(number, study.site_id) if number else None
    is_of_another = numbered is not None and numbered.order_id != order.id
    if is_by_uid and (is_of_another or (patient_id and patient_id != order.patient_id)):
        tx.alarms.raise_alarm(
            MISMATCH, site_id=study.site_id, ref=study.id, at=at,
            detail=f"The study came under the UID of order {order.accession_number}, but with another Patient ID. "
                   "It was kept and not linked; a person must say whose it is.")
        return True
    take_link(tx, order, study, LinkEvidence.STUDY_INSTANCE_UID if is_by_uid else LinkEvidence.ACCESSION_NUMBER,
              at=at, actor="gateway")
    return False


def take_link(tx: Transaction, order: Order, study: Study, evidence: LinkEvidence, *, at: datetime,
              actor: str) -> bool:
    """Link them; the study gets the order's expected count and is at least as urgent. False: the order changed."""
    if not tx.orders.link(order, study.id, evidence, at=at):
        return False
    if order.expected_count is not None:
        note_expected_count(tx, study.study_instance_uid, order.expected_count, ref=order.id, site_id=study.site_id,
                            at=at)
    urgency = more_urgent(order.urgency, study.urgency)
    if urgency != study.urgency:
        tx.studies.set_urgency(study.id, urgency)
    tx.audit.append(AuditEntry(
        at, actor, "order.linked", site_id=study.site_id, study_id=study.id, patient_id=study.patient.id,
        detail={"order": order.id, "accession_number": order.accession_number, "evidence": evidence.value}))
    note_retaken(tx, order.id, study.id, at=at)
    take_identity(tx, order, study, at=at, actor=actor)
    note_care(tx, order, study, at=at)
    if study.state is StudyState.COMPLETE:               # linked late: the order leaves the worklists now
        tx.orders.note_performed(study.id, at=at)
    return True


def note_care(tx: Transaction, order: Order, study: Study, *, at: datetime) -> None:
    """The order says which class its study is kept as; what a person said, and the longer of two, stays."""
    if not order.patient_class:
        return
    said, care_class = tx.keeping.visit(study.id), CareClass(order.patient_class)
    if said is not None and (not said.set_by.startswith(_BY_ORDER) or said.care_class is CareClass.INPATIENT):
        return
    if said is not None and said.care_class is care_class:
        return
    tx.keeping.set_visit(Visit(study.id, care_class, None, _BY_ORDER + order.id, at))
    tx.audit.append(AuditEntry(
        at, "gateway", "retention.visit_recorded", site_id=study.site_id, study_id=study.id,
        patient_id=study.patient.id, detail={"class": care_class.value, "order": order.id}))


def forget_care(tx: Transaction, order: Order, study: Study, *, at: datetime) -> None:
    """The link was wrong: nobody has said the study's class, so it is kept as long as the longest."""
    said = tx.keeping.visit(study.id)
    if said is not None and said.set_by == _BY_ORDER + order.id:
        tx.keeping.set_visit(Visit(study.id, CareClass.UNKNOWN, None, said.set_by, at))
