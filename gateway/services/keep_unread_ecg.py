"""ECG files that nobody can read: show them to IT, bind one to a patient, and read it as soon as a release can.

The quarantine keeps the bytes. Binding a file says whose it is; one that can be read today, a PDF among them, is
taken in at once, any other waits beside its order or study and is tried again by whoever asks, and once at the start
of every release that knows other formats. Its words never overwrite what the file itself says (core/ecg_envelope).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from gateway import __version__
from gateway.core.ecg_envelope import EcgEnvelope
from gateway.core.errors import InvalidRequest, NotFound, NotNow, Unreadable
from gateway.core.waveform import EcgPatient
from gateway.formats.ecg import all_formats
from gateway.services.administer_sites import By
from gateway.services.compare_arrivals import in_quarantine
from gateway.services.job_runner import JobHandler
from gateway.services.ports import Event, Parts
from gateway.services.receive_ecg import EcgReceived, receive_ecg
from gateway.services.receive_instance import Sender
from gateway.services.settle_match import link_by_person
from gateway.services.settle_quarantine import checked_reason, note_decision
from storage.errors import ObjectMissing
from storage.interface import Transaction
from storage.model import (
    EVERYWHERE,
    INBOX_SITE_ID,
    Arrival,
    Device,
    Job,
    QuarantineChoice,
    Scope,
    Study,
)
from storage.model.ecg_intake import UnreadEcg
from storage.model.orders import Order

READ = "read"
JOB = "read_unread_ecgs"
FIRST_BYTES = 64
_PDF_WITHIN = 1024
_AT_ONCE = 200
_BY_ITSELF = "gateway"

log = structlog.get_logger("gateway.ecg")


@dataclass(frozen=True, slots=True)
class UnreadFile:
    """One file, what its beginning looks like, and to whom it is bound."""

    arrival: Arrival
    unread: UnreadEcg | None
    device: Device | None
    patient_name: str                    # of what it is bound to
    first_bytes: bytes
    is_pdf: bool


def known_formats() -> str:
    """This release and every format that it reads; another text means: try again."""
    return f"{__version__}:{','.join(known.name for known in all_formats())}"


async def list_unread(parts: Parts, scope: Scope, state: str, *, limit: int) -> tuple[list[UnreadFile], int]:
    """Files that wait for somebody ("waiting"), are bound for later ("kept"), or were read since ("read")."""
    def work(tx: Transaction) -> tuple[list[tuple[Arrival, UnreadEcg | None, Device | None, str]], int]:
        files, total = tx.unread_ecgs.files(scope, state=state, limit=limit)
        return [(arrival, unread, tx.sites.device(arrival.device_id) if arrival.device_id else None,
                 _name(tx, unread, scope)) for arrival, unread in files], total

    found, total = await parts.database.read(work)
    heads = await asyncio.to_thread(lambda: [_head(parts, arrival) for arrival, *_ in found])
    return [UnreadFile(arrival, unread, device, name, head[:FIRST_BYTES], b"%PDF-" in head)
            for (arrival, unread, device, name), head in zip(found, heads, strict=True)], total


async def show_unread(parts: Parts, by: By, arrival_id: str) -> UnreadFile:
    """One of them. Raises NotFound."""
    def work(tx: Transaction) -> tuple[Arrival, UnreadEcg | None, Device | None, str]:
        arrival, unread = in_quarantine(tx, arrival_id, by), tx.unread_ecgs.of_arrival(arrival_id)
        return (arrival, unread, tx.sites.device(arrival.device_id) if arrival.device_id else None,
                _name(tx, unread, by.scope))

    arrival, unread, device, name = await parts.database.read(work)
    head = await asyncio.to_thread(_head, parts, arrival)
    return UnreadFile(arrival, unread, device, name, head[:FIRST_BYTES], b"%PDF-" in head)


async def attach(parts: Parts, by: By, arrival_id: str, *, order_id: str | None, study_id: str | None,
                 reason: str) -> None:
    """Say whose file it is, and read it if it can be read today. Raises NotFound, InvalidRequest, NotNow."""
    why = checked_reason(reason)
    if (order_id is None) == (study_id is None):
        raise InvalidRequest("Name an order or a study.", reason="whose")

    def work(tx: Transaction) -> None:
        arrival, now = in_quarantine(tx, arrival_id, by), parts.clock()
        known = tx.unread_ecgs.of_arrival(arrival_id)
        if known is not None or arrival.resolved_at is not None:
            raise NotNow("Somebody has decided about it already.", reason="decided")
        order, study = _owner(tx, arrival, order_id, study_id, by.scope)
        site_id = order.site_id if order is not None else study.site_id if study is not None else arrival.site_id
        tx.unread_ecgs.attach(UnreadEcg(arrival.id, site_id, order_id, study_id, now, by.actor, why))
        if not tx.arrivals.resolve(arrival.id, by.actor, now, by.scope):
            raise NotNow("Somebody else has just decided it.")
        note_decision(tx, arrival, QuarantineChoice.SETTLE, reason=why, by=by, at=now, study=study,
                      detail={"kept_for_later": True, "order": order_id or "", "study": study_id or ""})

    await parts.database.write(work)
    await read_again(parts, by, arrival_id)


async def detach(parts: Parts, by: By, arrival_id: str, reason: str) -> None:
    """It was bound to the wrong person: it waits in quarantine again. Raises NotFound, InvalidRequest, NotNow."""
    why = checked_reason(reason)

    def work(tx: Transaction) -> Arrival:
        arrival = in_quarantine(tx, arrival_id, by)
        if not tx.unread_ecgs.detach(arrival_id):
            raise NotNow("It is not bound, or it has been read.", reason="not-bound")
        tx.quarantine.reopen(arrival_id)
        last = tx.quarantine.decisions(arrival_id)[-1:]
        note_decision(tx, arrival, QuarantineChoice.UNDO, reason=why, by=by, at=parts.clock(),
                      undoes=last[0].id if last else "")
        return arrival

    arrival = await parts.database.write(work)
    parts.events.publish(Event("arrival", arrival.site_id))


async def read_again(parts: Parts, by: By, arrival_id: str) -> bool:
    """Try it with the formats of today; True if it is an ECG of its patient now. Raises NotFound, NotNow."""
    def look(tx: Transaction) -> tuple[Arrival, UnreadEcg, Order | None, Study | None, Device | None]:
        arrival, unread = in_quarantine(tx, arrival_id, by), tx.unread_ecgs.of_arrival(arrival_id)
        if unread is None:
            raise NotNow("Say first whose it is.", reason="not-bound")
        if unread.result == READ:
            raise NotNow("It has been read.", reason="read")
        order = tx.orders.get(unread.order_id, EVERYWHERE) if unread.order_id else None
        study = tx.studies.get(unread.study_id, EVERYWHERE) if unread.study_id else None
        device = tx.sites.device(arrival.device_id) if arrival.device_id else None
        return arrival, unread, order, study, device if device and device.site_id == unread.site_id else None

    arrival, unread, order, study, device = await parts.database.read(look)
    known = known_formats()
    try:
        data = await asyncio.to_thread(parts.objects.get, arrival.object_sha256)
        received = await receive_ecg(
            parts, data, Sender(unread.site_id, device, arrival.via, address=arrival.address, actor=by.actor),
            file_name=arrival.file_name, envelope=_envelope(order, study), is_kept_already=True)
    except (Unreadable, ObjectMissing) as exc:
        await _note_tried(parts, arrival_id, known, exc.reason if isinstance(exc, Unreadable) else "missing")
        return False
    await _linked(parts, by, unread, order, received)
    await parts.database.write(lambda tx: _note_read(tx, parts, by, arrival, unread, received, known))
    parts.events.publish(Event("arrival", unread.site_id, received.study_id))
    return True


async def schedule_reading(parts: Parts) -> None:
    """At start: try every bound file that was never tried with what this release knows."""
    due = parts.clock()
    await parts.database.write(lambda tx: tx.jobs.enqueue(JOB, "all", due=due))


async def _run(parts: Parts, _job: Job) -> None:
    known = known_formats()
    while ids := await parts.database.read(lambda tx: tx.unread_ecgs.to_try(known, limit=_AT_ONCE)):
        for arrival_id in ids:
            try:
                is_read = await read_again(parts, By(_BY_ITSELF, "", EVERYWHERE), arrival_id)
                log.info("a kept ECG file was tried again", arrival=arrival_id, is_read=is_read)
            except (InvalidRequest, NotFound, NotNow):       # somebody decided about it in this moment
                await _note_tried(parts, arrival_id, known, "decided")


HANDLERS: Mapping[str, JobHandler] = {JOB: _run}


async def _note_tried(parts: Parts, arrival_id: str, known: str, result: str) -> None:
    await parts.database.write(lambda tx: tx.unread_ecgs.note_try(
        arrival_id, known=known, at=parts.clock(), result=result))


async def _linked(parts: Parts, by: By, unread: UnreadEcg, order: Order | None, received: EcgReceived) -> None:
    """What a person bound to an order is linked to it, unless the file names somebody else."""
    if order is None or received.conflicts or order.site_id != unread.site_id:
        return
    linked = await parts.database.read(lambda tx: tx.orders.of_study(received.study_id, EVERYWHERE))
    if linked is not None:
        return
    try:
        await link_by_person(parts, By(unread.attached_by, by.address, EVERYWHERE), received.study_id, order.id,
                             unread.reason)
    except (InvalidRequest, NotFound, NotNow) as exc:
        # Another ECG has the order by now, or the study lies elsewhere; this one is the patient's all the same.
        log.info("a kept ECG file was not linked", reason=exc.reason)


def _note_read(tx: Transaction, parts: Parts, by: By, arrival: Arrival, unread: UnreadEcg, received: EcgReceived,
               known: str) -> None:
    now = parts.clock()
    study = tx.studies.get(received.study_id, EVERYWHERE)
    tx.unread_ecgs.note_try(arrival.id, known=known, at=now, result=READ, study_id=received.study_id)
    tx.quarantine.mark_received(arrival.object_sha256)
    tx.quarantine.set_arrival_study(arrival.id, study_id=received.study_id, site_id=unread.site_id, at=now,
                                    by=by.actor)
    note_decision(tx, arrival, QuarantineChoice.RETRY, reason=unread.reason, by=by, at=now, study=study,
                  detail={"site": unread.site_id, "study": received.study_id})


def _owner(tx: Transaction, arrival: Arrival, order_id: str | None, study_id: str | None,
           scope: Scope) -> tuple[Order | None, Study | None]:
    order = tx.orders.get(order_id, scope) if order_id else None
    study = tx.studies.get(study_id, scope) if study_id else None
    if order_id and order is None:
        raise NotFound("There is no such order.")
    if study_id and study is None:
        raise NotFound("There is no such study.")
    owner = order or study
    if owner is not None and arrival.site_id not in (owner.site_id, INBOX_SITE_ID):
        raise InvalidRequest("The file came from another site.", reason="other-site")
    return order, study


def _envelope(order: Order | None, study: Study | None) -> EcgEnvelope | None:
    if order is not None:
        return EcgEnvelope("binding", EcgPatient(patient_id=order.patient_id, name=order.patient_name, sex=order.sex,
                                                 birth_date=order.birth_date),
                           accession_number=order.accession_number, study_instance_uid=order.study_instance_uid)
    if study is not None:
        patient = study.patient
        return EcgEnvelope("binding", EcgPatient(patient_id=patient.patient_id, name=patient.name.display,
                                                 sex=patient.sex, birth_date=patient.birth_date))
    return None


def _name(tx: Transaction, unread: UnreadEcg | None, scope: Scope) -> str:
    if unread is None:
        return ""
    order = tx.orders.get(unread.order_id, scope) if unread.order_id else None
    study = tx.studies.get(unread.study_id, scope) if unread.study_id else None
    return order.patient_name if order is not None else study.patient.name.display if study is not None else ""


def _head(parts: Parts, arrival: Arrival) -> bytes:
    try:
        return parts.objects.get_range(arrival.object_sha256, 0, _PDF_WITHIN)
    except ObjectMissing:
        return b""
