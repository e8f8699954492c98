"""Say whose ECG it is when the cart did not: a person names the patient, or says that it is of nobody.

An ECG that names nobody waits in a queue of its site and of the centre. Linking it to an order ends that too
(keep_ecg_identity); what a person said can be taken back here, a link at the order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from gateway.core.errors import InvalidRequest, NotFound, NotNow
from gateway.core.pinyin import has_chinese
from gateway.services.administer_sites import By
from gateway.services.keep_ecg_identity import known_patient, settle_identity, undo_identity
from gateway.services.ports import Event, Parts
from storage.interface import Transaction
from storage.model import Device, PatientName, Scope, Study
from storage.model.ecg_intake import IdentityState


@dataclass(frozen=True, slots=True)
class NamedPatient:
    """Whose ECG it is, in the words of a person."""

    patient_id: str
    name: str
    sex: str = ""
    birth_date: date | None = None


@dataclass(frozen=True, slots=True)
class Unidentified:
    """An ECG of nobody, and the cart that sent it."""

    study: Study
    device: Device | None
    device_ecg_id: str                   # the instance to look at


async def list_unidentified(parts: Parts, scope: Scope, *, limit: int) -> tuple[list[Unidentified], int]:
    """The queue, the newest first, and how many there are in all."""
    def work(tx: Transaction) -> tuple[list[Unidentified], int]:
        ids, total = tx.ecg_identities.waiting(scope, limit=limit)
        studies = [study for study_id in ids if (study := tx.studies.get(study_id, scope)) is not None]
        return [Unidentified(study, tx.sites.device(study.device_id) if study.device_id else None,
                             next((i.id for i in tx.studies.instances_of(study.id, scope)), ""))
                for study in studies], total

    return await parts.database.read(work)


async def name_patient(parts: Parts, by: By, study_id: str, named: NamedPatient, reason: str) -> Study:
    """Somebody knows whose it is. Raises NotFound, InvalidRequest, NotNow."""
    named = dataclasses.replace(named, patient_id=named.patient_id.strip(), name=named.name.strip())
    why = _required(reason)
    if not named.patient_id or not named.name or len(named.patient_id) > 64 or len(named.name) > 64:
        raise InvalidRequest("A Patient ID and a name are needed, 64 characters at most.", reason="patient")
    if named.sex not in ("", "M", "F", "O"):
        raise InvalidRequest("sex: M, F, O or nothing is meant.", reason="sex")

    def work(tx: Transaction) -> Study:
        study = _waiting(tx, study_id, by.scope)
        is_chinese = has_chinese(named.name)
        name = PatientName(display=named.name, alphabetic="" if is_chinese else named.name,
                           ideographic=named.name if is_chinese else "")
        patient = known_patient(tx, study.site_id, named.patient_id, name, named.sex, named.birth_date)
        return settle_identity(tx, study, patient, IdentityState.FROM_PERSON, was=IdentityState.WAITING,
                               at=parts.clock(), actor=by.actor, reason=why, address=by.address)

    return await _written(parts, work)


async def say_nobody(parts: Parts, by: By, study_id: str, reason: str) -> Study:
    """It is of no patient: a trial of the cart. The ECG stays. Raises NotFound, InvalidRequest, NotNow."""
    why = _required(reason)

    def work(tx: Transaction) -> Study:
        study = _waiting(tx, study_id, by.scope)
        return settle_identity(tx, study, study.patient, IdentityState.NOBODY, was=IdentityState.WAITING,
                               at=parts.clock(), actor=by.actor, reason=why, address=by.address)

    return await _written(parts, work)


async def take_identity_back(parts: Parts, by: By, study_id: str, reason: str) -> Study:
    """What a person said was wrong: the ECG waits again. Raises NotFound, InvalidRequest, NotNow ("signed")."""
    why = _required(reason)

    def work(tx: Transaction) -> Study:
        study = tx.studies.get(study_id, by.scope)
        known = tx.ecg_identities.of_study(study_id) if study is not None else None
        if study is None or known is None:
            raise NotFound("There is no such ECG.")
        if known.state not in (IdentityState.FROM_PERSON, IdentityState.NOBODY):
            raise NotNow("No person has named its patient; an order is unlinked at the order.", reason="not-named")
        if tx.reports.latest_signed(study.id, by.scope) is not None:
            raise NotNow("A report was signed for this patient; it must be corrected by its doctor.", reason="signed")
        return undo_identity(tx, study, known, at=parts.clock(), actor=by.actor, reason=why, address=by.address)

    return await _written(parts, work)


async def _written(parts: Parts, work: Callable[[Transaction], Study]) -> Study:
    study = await parts.database.write(work)
    for kind in ("order", "study", "reading"):
        parts.events.publish(Event(kind, study.site_id, study.id))
    return study


def _waiting(tx: Transaction, study_id: str, scope: Scope) -> Study:
    study = tx.studies.get(study_id, scope)
    known = tx.ecg_identities.of_study(study_id) if study is not None else None
    if study is None or known is None:
        raise NotFound("There is no such ECG.")
    if known.state is not IdentityState.WAITING:
        raise NotNow("Somebody has said whose it is.", reason="identified")
    return study


def _required(reason: str) -> str:
    why = reason.strip()
    if not why:
        raise InvalidRequest("Write down how you know.", reason="no-reason")
    return why
