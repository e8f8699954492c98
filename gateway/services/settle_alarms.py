"""Deal with what a person must look at: alarms and the quarantine. Nothing is deleted by that."""

from __future__ import annotations

import asyncio

from gateway.core.errors import NotFound
from gateway.services.administer_sites import By
from gateway.services.ports import Event, Parts
from storage.interface import Transaction
from storage.model import Alarm, Arrival, ArrivalOutcome, AuditEntry


async def acknowledge_alarm(parts: Parts, alarm_id: str, by: By) -> None:
    """Somebody has seen it. Raises NotFound for one that is closed or outside the scope."""
    def acknowledge(tx: Transaction) -> Alarm:
        found = [alarm for alarm in tx.alarms.open_alarms(by.scope, limit=10_000) if alarm.id == alarm_id]
        if not found or not tx.alarms.acknowledge(alarm_id, by.actor, parts.clock(), by.scope):
            raise NotFound("There is no such open alarm.")
        tx.audit.append(AuditEntry(parts.clock(), by.actor, "alarm.acknowledged", site_id=found[0].site_id,
                                   address=by.address, detail={"alarm": alarm_id, "kind": found[0].kind}))
        return found[0]

    alarm = await parts.database.write(acknowledge)
    parts.events.publish(Event("alarm", alarm.site_id))


async def resolve_quarantined(parts: Parts, arrival_id: str, by: By) -> None:
    """Mark a quarantined arrival as dealt with. Raises NotFound."""
    def resolve(tx: Transaction) -> Arrival:
        arrival = _quarantined(tx, arrival_id, by)
        if not tx.arrivals.resolve(arrival_id, by.actor, parts.clock(), by.scope):
            raise NotFound("It was dealt with already.")
        tx.audit.append(AuditEntry(parts.clock(), by.actor, "arrival.resolved", site_id=arrival.site_id,
                                   study_id=arrival.study_id, address=by.address, detail={"arrival": arrival_id}))
        return arrival

    arrival = await parts.database.write(resolve)
    parts.events.publish(Event("arrival", arrival.site_id))


async def quarantined_bytes(parts: Parts, arrival_id: str, by: By) -> tuple[Arrival, bytes]:
    """Hand out the bytes as they came, and note who took them. Raises NotFound, ObjectMissing."""
    arrival = await parts.database.read(lambda tx: _quarantined(tx, arrival_id, by))
    data = await asyncio.to_thread(parts.objects.get, arrival.object_sha256)
    entry = AuditEntry(parts.clock(), by.actor, "arrival.downloaded", site_id=arrival.site_id,
                       study_id=arrival.study_id, address=by.address, detail={"arrival": arrival_id})
    await parts.database.write(lambda tx: tx.audit.append(entry))
    return arrival, data


def _quarantined(tx: Transaction, arrival_id: str, by: By) -> Arrival:
    arrival = tx.arrivals.get(arrival_id, by.scope)
    if arrival is None or arrival.outcome not in (ArrivalOutcome.QUARANTINED, ArrivalOutcome.CONFLICT):
        raise NotFound("There is no such arrival in quarantine.")
    return arrival
