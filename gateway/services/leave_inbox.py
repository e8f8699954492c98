"""Take studies out of the inbox once the device that sent them is registered.

A study leaves when everybody who sent to it is by now a device of one and the same site: what two sites may have sent
stays where only administrators of the alliance see it. It is the same look-up that admits an association, so a study
goes where its next image will go. The evidence that came with it is weighed again, as if the device had been known;
what a person must settle stays. Bytes, series and instances are not touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.services.complete_study import ROUTE_JOB
from gateway.services.find_origin import ALARM as ORIGIN_ALARM
from gateway.services.find_origin import raise_waiting, weigh_again
from gateway.services.link_order import link_order
from gateway.services.ports import Event, Parts
from gateway.services.queue_deliveries import queue_deliveries
from storage.interface import Transaction
from storage.model import (
    EVERYWHERE,
    INBOX_SITE_ID,
    AuditEntry,
    Device,
    OriginState,
    Patient,
    Reading,
    Scope,
    Study,
    new_id,
)

_INBOX = Scope(frozenset({INBOX_SITE_ID}))


@dataclass(frozen=True, slots=True)
class Moved:
    """One study at its site."""

    study: Study                         # as it is now
    reading: Reading | None
    from_site_id: str = INBOX_SITE_ID


def leave_inbox(tx: Transaction, device: Device, *, actor: str, address: str, now: datetime) -> list[Moved]:
    """In the transaction that registers the device: move what it sent, each with an audit entry "study.moved"."""
    if device.site_id == INBOX_SITE_ID:
        return []
    for caller in tx.site_moves.stray_callers_of(device.ae_title):
        known = tx.sites.find_device(*caller)
        if known is not None and known.site_id == device.site_id:
            tx.site_moves.move_arrivals(caller, study_id=None, site_id=device.site_id, device_id=known.id)
    moved = []
    for study_id in tx.site_moves.inbox_studies_of(device.ae_title):
        study = tx.studies.get(study_id, _INBOX)
        senders = {caller: tx.sites.find_device(*caller) for caller in tx.site_moves.callers_of(study_id)}
        devices = [found for found in senders.values() if found is not None and found.site_id == device.site_id]
        if study is None or len(devices) < len(senders):
            continue
        site_id = _origin_site(tx, study, next((one for one in devices if one.is_relay), devices[0]), now=now)
        if site_id is None:
            continue
        for caller, sender in zip(senders, devices, strict=True):
            tx.site_moves.move_arrivals(caller, study_id=study.id, site_id=site_id, device_id=sender.id)
        moved.append(move_to_site(tx, study, site_id, devices[0].id, actor=actor, address=address, now=now))
    return moved


def move_to_site(tx: Transaction, study: Study, site_id: str, device_id: str | None, *, actor: str, address: str,
             now: datetime, reason: str = "") -> Moved:
    """In the caller's transaction: take a study from where it is to its site, with what belongs to it. Its arrivals
    are the caller's affair. What was signed before goes to the site's destinations, and the order is looked for."""
    before = Scope(frozenset({study.site_id}))
    patient = _patient_at(tx, study, site_id)
    for alarm in tx.alarms.about(study.id, before):
        if alarm.kind == ORIGIN_ALARM:
            tx.alarms.acknowledge(alarm.id, actor, now, before)
    tx.site_moves.move_study(study.id, site_id=site_id, device_id=device_id, patient_key=patient.id,
                             from_site_id=study.site_id)
    reading = tx.readings.of_study(study.id, EVERYWHERE)
    if reading is not None:
        # The rules knew neither site nor device when it was routed.
        tx.jobs.enqueue(ROUTE_JOB, study.id, due=now, key=f"{ROUTE_JOB}:{study.id}:moved:{site_id}")
    after = replace(study, site_id=site_id, device_id=device_id, patient=patient)
    detail = {"before": _place(study), "after": _place(after)}
    tx.audit.append(AuditEntry(
        now, actor, "study.moved", site_id=site_id, study_id=study.id, patient_id=patient.id, address=address,
        detail=detail | ({"reason": reason} if reason else {})))
    link_order(tx, after, at=now)
    report = tx.reports.latest_signed(study.id, EVERYWHERE)
    if report is not None and not tx.deliveries.of_report(report.id, EVERYWHERE):
        queue_deliveries(tx, report, patient_id=patient.id, now=now)
    return Moved(after, reading, study.site_id)


def announce_moved(parts: Parts, moved: Sequence[Moved]) -> None:
    """After the write: the lists of both sites, and the job that routes by the site's rules."""
    for one in moved:
        for site_id in (one.from_site_id, one.study.site_id):
            parts.events.publish(Event("study", site_id, one.study.id))
            if one.reading is not None:
                parts.events.publish(Event("reading", site_id, one.study.id, one.reading.id))
    if moved:
        parts.events.wake_jobs()


def _origin_site(tx: Transaction, study: Study, device: Device, *, now: datetime) -> str | None:
    """The site that asked for the study, now that its sender is this device; None where a person must say."""
    origin = tx.origins.get(study.id)
    if origin is None:                               # of before evidence was kept: a relay's cannot be told apart
        return None if device.is_relay else device.site_id
    after = weigh_again(tx, study, origin, device)
    tx.origins.replace(after)
    if after.state is OriginState.WAITING and origin.state is not OriginState.WAITING:
        raise_waiting(tx, study.id, after.why, at=now)
    return after.site_id or None


def _patient_at(tx: Transaction, study: Study, site_id: str) -> Patient:
    """The identity at the site: the one that receiving would have found there, else the study's own.

    The inbox may have joined patients of two sites that gave out the same number, so an identity of which a study
    stays where it is is not taken away from it; the site gets one of its own.
    """
    patient = study.patient
    known = tx.studies.find_patient(site_id, patient.patient_id, patient.name.display, patient.birth_date)
    if known is not None:
        return known
    if not tx.studies.related(study, Scope(frozenset({study.site_id}))):
        tx.site_moves.move_patient(patient.id, site_id=site_id)
        return replace(patient, site_id=site_id)
    own = replace(patient, id=new_id(), site_id=site_id)
    tx.studies.add_patient(own)
    return own


def _place(study: Study) -> dict[str, str | None]:
    return {"site": study.site_id, "device": study.device_id, "patient": study.patient.id}
