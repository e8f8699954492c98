"""Write down who opened which study (J2, J3): once for a person and a study within ten minutes, not at each look."""

from __future__ import annotations

from gateway.services.ports import Parts
from storage.model import AuditEntry, Study


async def note_opening(parts: Parts, study: Study, *, actor: str, address: str, **detail: object) -> None:
    """Add "study.opened" to the audit trail before anything is shown. Raises StorageUnavailable.

    The same account at another address is somebody else as far as the trail can tell, and is written.
    """
    now = parts.clock()
    key = "\n".join((actor, address, study.id))
    if parts.openings.has(key, now=now):
        return
    entry = AuditEntry(now, actor, "study.opened", site_id=study.site_id, study_id=study.id,
                       patient_id=study.patient.id, address=address, detail=detail)
    await parts.database.write(lambda tx: tx.audit.append(entry))
    parts.openings.add(key, now=now)
