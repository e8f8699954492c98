"""Keep performed procedure steps, and let them tell of orders and of completeness (B7, B9).

A step in progress keeps its study open; a final one names what was made. Both are evidence for the study, which may
come before or after. Each change is one write with its audit, the state of the order, and what it completes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway.core.errors import GatewayError, NotFound
from gateway.formats.performed_step import StepTold
from gateway.services.complete_study import announce_complete, note_evidence
from gateway.services.ports import Event, Parts
from gateway.services.receive_instance import Sender
from storage.interface import Transaction
from storage.model import EVERYWHERE, AuditEntry, Scope, Study, new_id
from storage.model.commitments import Evidence, EvidenceKind, PerformedStep, StepState
from storage.model.orders import Order, OrderState

_TRIES = 3


class StepExists(GatewayError):
    """The SOP Instance UID of the step is taken."""

    reason = "step-exists"


class StepIsFinal(GatewayError):
    """The step is completed or discontinued: it may no longer be updated."""

    reason = "step-is-final"


async def create_step(parts: Parts, sender: Sender, sop_instance_uid: str, told: StepTold) -> PerformedStep:
    """Remember a step that has begun. Raises StepExists, StorageError."""
    now = parts.clock()
    scheduled = told.scheduled or ()
    step = PerformedStep(
        id=new_id(), sop_instance_uid=sop_instance_uid, site_id=sender.site_id,
        device_id=sender.device.id if sender.device else None, ae_title=sender.calling_ae_title,
        state=told.state or StepState.IN_PROGRESS,
        study_instance_uids=tuple(dict.fromkeys(item.study_instance_uid for item in scheduled)),
        accession_numbers=tuple(dict.fromkeys(i.accession_number for i in scheduled if i.accession_number)),
        created_at=now, updated_at=now, attributes=told.attributes)

    def work(tx: Transaction) -> list[Study]:
        if not tx.performed_steps.add(step):
            raise StepExists()
        return _tell(tx, parts, sender, step, told, action="step.created")

    await _write(parts, sender, work)
    return step


async def change_step(parts: Parts, sender: Sender, sop_instance_uid: str, told: StepTold) -> PerformedStep:
    """Add what the device tells now. Raises NotFound, StepIsFinal, StorageError."""
    changed: list[PerformedStep] = []

    def work(tx: Transaction) -> list[Study]:
        kept = tx.performed_steps.find(sop_instance_uid, Scope(frozenset({sender.site_id})))
        if kept is None:
            raise NotFound("There is no such step.")
        if kept.state.is_final:
            raise StepIsFinal()
        step = replace(kept, state=told.state or kept.state, updated_at=parts.clock(),
                       attributes=kept.attributes | told.attributes)
        if not tx.performed_steps.update(step):
            raise StepIsFinal()
        changed[:] = [step]
        return _tell(tx, parts, sender, step, told, action="step.changed")

    await _write(parts, sender, work)
    return changed[0]


async def _write(parts: Parts, sender: Sender, work: Callable[[Transaction], list[Study]]) -> None:
    for study in await parts.database.write(work):
        announce_complete(parts, study)
    parts.events.publish(Event("order", sender.site_id))


def _tell(tx: Transaction, parts: Parts, sender: Sender, step: PerformedStep, told: StepTold, *,
          action: str) -> list[Study]:
    now = parts.clock()
    made = told.sop_instance_uids
    study = None
    if len(step.study_instance_uids) == 1:
        study = tx.studies.find_uid(step.study_instance_uids[0], EVERYWHERE)
    is_own = study is not None and study.site_id == step.site_id
    tx.audit.append(AuditEntry(
        now, sender.audit_actor, action, site_id=step.site_id, study_id=study.id if study and is_own else None,
        patient_id=study.patient.id if study and is_own else None, address=sender.address,
        detail={"step": step.sop_instance_uid, "state": step.state.value,
                "instances": None if made is None else len(made)}))
    _tell_orders(tx, parts, sender, step, told.patient_id)
    completed = []
    for study_instance_uid in step.study_instance_uids:
        # A step of several studies does not say which instance is whose.
        uids = made or () if len(step.study_instance_uids) == 1 else ()
        done = note_evidence(tx, Evidence(
            study_instance_uid, EvidenceKind.MPPS, step.id, step.site_id, step.device_id, now, step.state.is_final,
            len(uids), tuple(uids)), at=now)
        if done is not None:
            completed.append(done)
    return completed


def _tell_orders(tx: Transaction, parts: Parts, sender: Sender, step: PerformedStep, patient_id: str) -> None:
    """The order is in progress with the step, and performed once the step is completed."""
    wanted = OrderState.PERFORMED if step.state is StepState.COMPLETED else OrderState.IN_PROGRESS
    accessions = step.accession_numbers if len(step.accession_numbers) == 1 else ("",)
    for uid in step.study_instance_uids:
        for _ in range(_TRIES):
            order = tx.orders.for_study(uid, accessions[0], step.site_id, patient_id=patient_id)
            if order is None or not _may_become(order, wanted):
                break
            if tx.orders.replace(replace(order, state=wanted, updated_at=parts.clock())):
                tx.audit.append(AuditEntry(
                    parts.clock(), sender.audit_actor, f"order.{wanted.value}", site_id=order.site_id,
                    address=sender.address, detail={"order": order.id, "step": step.sop_instance_uid}))
                break


def _may_become(order: Order, wanted: OrderState) -> bool:
    if wanted is OrderState.PERFORMED:
        return order.state in (OrderState.SCHEDULED, OrderState.IN_PROGRESS)
    return order.state is OrderState.SCHEDULED
