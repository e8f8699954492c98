"""Send a report once more that a destination refused or that was given up: a person has seen to the cause.

It is the same delivery of the same object. The tries so far stay counted; the days for which it is tried begin anew,
or the first silence of the node would end it again.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.core.errors import NotFound, NotNow
from gateway.services.administer_sites import By
from gateway.services.ports import Event, Parts
from gateway.services.queue_deliveries import JOB, note_delivery
from storage.interface import Transaction
from storage.model import EVERYWHERE, Delivery, DeliveryState, DestinationKind

_TRIED_AGAIN = (DeliveryState.QUEUED, DeliveryState.REFUSED)


async def retry_delivery(parts: Parts, delivery_id: str, by: By) -> Delivery:
    """Queue it, due now, and close the alarms about it: this person has dealt with them.

    Raises NotFound; NotNow: "called-back" (a newer version is there), "delivered".
    """
    def work(tx: Transaction) -> Delivery:
        now = parts.clock()
        delivery = tx.deliveries.get(delivery_id, by.scope)
        if delivery is None:
            raise NotFound("There is no such delivery.")
        if delivery.kind is DestinationKind.PULL:
            raise NotNow("The clinic's own program comes for it; we cannot call there.", reason="pulled")
        if delivery.state not in _TRIED_AGAIN:
            is_called_back = delivery.state is DeliveryState.CALLED_BACK
            raise NotNow("It is not waiting any more.", reason="called-back" if is_called_back else "delivered")
        is_refused = delivery.state is DeliveryState.REFUSED
        queued = replace(delivery, state=DeliveryState.QUEUED, next_attempt_at=now,
                         queued_at=now if is_refused else delivery.queued_at,
                         last_error="" if is_refused else delivery.last_error)
        tx.deliveries.replace(queued)
        tx.jobs.enqueue(JOB, delivery.id, due=now)
        for alarm in tx.alarms.about(delivery.id, by.scope):
            tx.alarms.acknowledge(alarm.id, by.actor, now, by.scope)
        study = tx.studies.get(delivery.study_id, EVERYWHERE)
        note_delivery(tx, delivery, "delivery.retried", patient_id=study.patient.id if study else None, now=now,
                      actor=by.actor, address=by.address, was=delivery.state.value, attempts=delivery.attempts,
                      queued_at=delivery.queued_at.isoformat(), last_error=delivery.last_error)
        return queued

    delivery = await parts.database.write(work)
    parts.events.publish(Event("delivery", delivery.site_id, delivery.study_id))
    parts.events.publish(Event("alarm", delivery.site_id, delivery.study_id))
    parts.events.wake_jobs()
    return delivery
