"""Keep whose ECG it is, in the caller's transaction: nobody's, the linked order's, and back again (A7, A8).

The empty identity that an ECG came with is kept, so that whatever was decided can be taken back; every change is in
the audit trail.
"""

from __future__ import annotations

import dataclasses
from datetime import date, datetime

from gateway.core.ecg_pairing import names_nobody
from gateway.core.errors import NotNow
from gateway.core.pinyin import has_chinese
from storage.interface import Transaction
from storage.model import EVERYWHERE, AuditEntry, Confidence, Patient, PatientName, Study, new_id
from storage.model.ecg_intake import EcgIdentity, IdentityState
from storage.model.orders import Order

_DAYS_A_YEAR = 365.25


def note_unidentified(tx: Transaction, study: Study, *, at: datetime) -> bool:
    """In the write that makes an ECG's study: it waits for its patient if it names none. True then."""
    if study.modality != "ECG" or not names_nobody(study.patient):
        return False
    return tx.ecg_identities.add(EcgIdentity(study.id, at, IdentityState.WAITING, study.patient.id, study.age_years))


def take_identity(tx: Transaction, order: Order, study: Study, *, at: datetime, actor: str) -> None:
    """After an ECG that names nobody was linked: its patient is the order's."""
    waiting = tx.ecg_identities.of_study(study.id)
    if waiting is None or waiting.state is not IdentityState.WAITING:
        return
    is_chinese = has_chinese(order.patient_name)
    name = PatientName(display=order.patient_name, alphabetic=order.name_alphabetic,
                       ideographic=order.patient_name if is_chinese else "")
    patient = known_patient(tx, order.site_id, order.patient_id, name, order.sex, order.birth_date)
    settle_identity(tx, study, patient, IdentityState.FROM_ORDER, was=IdentityState.WAITING, at=at, actor=actor,
                    reason=f"order {order.id}")


def give_back(tx: Transaction, study: Study, *, at: datetime, actor: str) -> Study:
    """The link was wrong: whose ECG it is nobody knows again. Returns the study as it is then."""
    known = tx.ecg_identities.of_study(study.id)
    if known is None or known.state is not IdentityState.FROM_ORDER:
        return study
    return undo_identity(tx, study, known, at=at, actor=actor, reason="unlinked")


def known_patient(tx: Transaction, site_id: str, patient_id: str, name: PatientName, sex: str,
                  birth_date: date | None) -> Patient:
    """The same person at this site, or a new one (A7)."""
    known = tx.studies.find_patient(site_id, patient_id, name.display, birth_date)
    if known is not None:
        return known
    patient = Patient(new_id(), site_id, patient_id, dataclasses.replace(name, confidence=Confidence.DECLARED), sex,
                      birth_date)
    tx.studies.add_patient(patient)
    return patient


def settle_identity(tx: Transaction, study: Study, patient: Patient, state: IdentityState, *, was: IdentityState,
                    at: datetime, actor: str, reason: str, address: str = "") -> Study:
    """The study is of this patient. Raises NotNow where somebody was faster."""
    if not tx.ecg_identities.settle(study.id, state, at=at, by=actor, reason=reason, was=was):
        raise NotNow("Somebody else has just said whose it is.", reason="identified")
    age = study.age_years if study.age_years is not None else _age(patient, study)
    tx.ecg_identities.set_patient(study.id, patient.id, age_years=age)
    tx.audit.append(AuditEntry(
        at, actor, "ecg.identified", site_id=study.site_id, study_id=study.id, patient_id=patient.id, address=address,
        detail={"state": state.value, "before": study.patient.id, "after": patient.id, "reason": reason}))
    return dataclasses.replace(study, patient=patient, age_years=age)


def undo_identity(tx: Transaction, study: Study, known: EcgIdentity, *, at: datetime, actor: str, reason: str,
                  address: str = "") -> Study:
    """The study is nobody's again, and waits. Raises NotNow where somebody was faster."""
    if not tx.ecg_identities.settle(study.id, IdentityState.WAITING, at=None, by="", reason="", was=known.state):
        raise NotNow("Somebody else has just said whose it is.", reason="identified")
    tx.ecg_identities.set_patient(study.id, known.former_patient_key, age_years=known.former_age_years)
    tx.audit.append(AuditEntry(
        at, actor, "ecg.unidentified", site_id=study.site_id, study_id=study.id, patient_id=study.patient.id,
        address=address, detail={"state": known.state.value, "before": study.patient.id,
                                 "after": known.former_patient_key, "reason": reason}))
    return tx.studies.get(study.id, EVERYWHERE) or study


def _age(patient: Patient, study: Study) -> float | None:
    if patient.birth_date is None:
        return None
    days = ((study.study_at or study.first_arrival_at).date() - patient.birth_date).days
    return round(days / _DAYS_A_YEAR, 2) if 0 <= days < 150 * 366 else None
