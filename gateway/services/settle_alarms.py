"""Deal with alarms. The quarantine is decided in settle_quarantine."""

from __future__ import annotations

from gateway.core.errors import NotFound
from gateway.services.administer_sites import By
from gateway.services.ports import Event, Parts
from storage.interface import Transaction
from storage.model import Alarm, AuditEntry


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
