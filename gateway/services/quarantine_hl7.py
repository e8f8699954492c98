"""Keep what came over MLLP and was refused, once, with a named reason, where a person will see it."""

from __future__ import annotations

from gateway.services.ports import Event, Parts
from storage.interface import Transaction
from storage.model import EVERYWHERE, Arrival, ArrivalOutcome, ArrivalVia, AuditEntry, ObjectRef, new_id

ALARM = "hl7-refused"


async def keep_refused(parts: Parts, ref: ObjectRef, *, address: str, site_id: str, sender: str, reason: str,
                       detail: str) -> None:
    """Put durable bytes into the quarantine list and raise an alarm, unless the same bytes wait there already.

    A sender that does not understand a refusal sends the same again every few seconds.
    """
    now = parts.clock()
    arrival = Arrival(
        id=new_id(), at=now, via=ArrivalVia.HL7, outcome=ArrivalOutcome.QUARANTINED, site_id=site_id, device_id=None,
        calling_ae_title="", address=address, association_id="", object_sha256=ref.sha256,
        size_bytes=ref.size_bytes, file_name=f"{sender}.hl7" if sender else "", reason=reason, detail=detail)

    def work(tx: Transaction) -> bool:
        name = f"{reason}:{ref.sha256}"
        if tx.alarms.about(name, EVERYWHERE):
            return False
        tx.objects.add(ref, kind="quarantined", at=now)
        tx.arrivals.add(arrival)
        tx.audit.append(AuditEntry(
            now, f"hl7:{sender}" if sender else "hl7", "hl7.refused", is_success=False, site_id=site_id,
            address=address, detail={"arrival": arrival.id, "object": ref.sha256, "reason": reason}))
        tx.alarms.raise_alarm(ALARM, site_id=site_id, ref=name, at=now,
                              detail=f"{reason}: {detail} ({sender or 'unknown sender'} at {address})")
        return True

    if await parts.database.write(work):
        parts.events.publish(Event("alarm", site_id))
