"""Seal a study (封存, B10): nothing of it may be deleted until somebody releases it, and what was there is on record.

The manifest lists every object and signed report by hash. It is kept with the hold, can be handed out at any time,
and its own SHA-256 stands in the audit chain: whoever has both can prove what was sealed, and when.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC
from typing import Any

from gateway.core.errors import InvalidRequest, NotFound, NotNow
from gateway.services.administer_sites import By
from gateway.services.ports import Event, Parts
from storage.interface import Transaction
from storage.model import EVERYWHERE, AuditEntry, DeletionState, LegalHold, Scope, Study, new_id

MANIFEST_FORMAT = "reading-gateway-seal-1"


async def place_hold(parts: Parts, study_id: str, *, reason: str, demanded_by: str, by: By) -> LegalHold:
    """Seal a study. Raises InvalidRequest, NotFound, NotNow ("being-deleted")."""
    if not reason.strip() or not demanded_by.strip():
        raise InvalidRequest("A hold needs a reason and the name of who demands it.", reason="reason-required")

    def place(tx: Transaction) -> LegalHold:
        now = parts.clock()
        if not tx.keeping.lock_study(study_id):      # takes turns with a deletion: one of the two comes first
            raise _gone(tx, study_id, by.scope)
        study = tx.studies.get(study_id, by.scope)
        if study is None:
            raise NotFound("There is no such study.")
        text = json.dumps(_manifest(tx, study, reason.strip(), demanded_by.strip(), now.astimezone(UTC).isoformat()),
                          ensure_ascii=False, sort_keys=True, indent=1)
        hold = LegalHold(new_id(), study.id, study.site_id, reason.strip(), demanded_by.strip(), by.actor, now, text,
                         hashlib.sha256(text.encode()).hexdigest())
        tx.keeping.add_hold(hold)
        _note(tx, hold, study, "hold.placed", by, at=now, detail={
            "reason": hold.reason, "demanded_by": hold.demanded_by, "manifest_sha256": hold.manifest_sha256})
        waiting = tx.keeping.open_deletion_of(study.id)
        if waiting is not None:                      # its rows are here, so it has not begun
            tx.keeping.change_deletion(waiting.id, DeletionState.WITHDRAWN, done_at=now, note="legal-hold")
            _note(tx, hold, study, "deletion.withdrawn", by, at=now, detail={"deletion": waiting.id,
                                                                             "why": "legal-hold"})
        return hold

    hold = await parts.database.write(place)
    parts.events.publish(Event("study", hold.site_id, hold.study_id))
    return hold


async def release_hold(parts: Parts, hold_id: str, *, reason: str, by: By) -> LegalHold:
    """End a hold. Raises InvalidRequest, NotFound, NotNow (it was released already)."""
    if not reason.strip():
        raise InvalidRequest("Releasing a hold needs a reason.", reason="reason-required")

    def release(tx: Transaction) -> LegalHold:
        now = parts.clock()
        hold = tx.keeping.hold(hold_id, by.scope)
        if hold is None:
            raise NotFound("There is no such hold.")
        if not tx.keeping.release_hold(hold_id, by=by.actor, reason=reason.strip(), at=now):
            raise NotNow("It was released already.")
        study = tx.studies.get(hold.study_id, EVERYWHERE)
        _note(tx, hold, study, "hold.released", by, at=now, detail={
            "reason": reason.strip(), "manifest_sha256": hold.manifest_sha256})
        released = tx.keeping.hold(hold_id, by.scope)
        assert released is not None
        return released

    hold = await parts.database.write(release)
    parts.events.publish(Event("study", hold.site_id, hold.study_id))
    return hold


async def manifest_of(parts: Parts, hold_id: str, by: By) -> LegalHold:
    """Hand out the manifest, and note who took it. Raises NotFound."""
    def take(tx: Transaction) -> LegalHold:
        hold = tx.keeping.hold(hold_id, by.scope)
        if hold is None:
            raise NotFound("There is no such hold.")
        _note(tx, hold, tx.studies.get(hold.study_id, EVERYWHERE), "hold.manifest_taken", by, at=parts.clock(),
              detail={"manifest_sha256": hold.manifest_sha256})
        return hold

    return await parts.database.write(take)


def _manifest(tx: Transaction, study: Study, reason: str, demanded_by: str, at: str) -> dict[str, Any]:
    """What is there, by hash; no patient data, so that it can be shown to anybody."""
    instances = tx.studies.instances_of(study.id, EVERYWHERE)
    arrivals = tx.arrivals.of_study(study.id, EVERYWHERE)
    reports = [tx.reports.get(report_id, EVERYWHERE) for report_id in tx.keeping.report_ids(study.id)]
    hashes = {instance.object_sha256 for instance in instances} | {a.object_sha256 for a in arrivals}
    sm3 = {sha256: care.sm3 for sha256, care in tx.object_care.get_many(sorted(hashes)).items()}
    kept = {instance.object_sha256 for instance in instances}
    return {
        "format": MANIFEST_FORMAT, "study_instance_uid": study.study_instance_uid, "study": study.id,
        "site": study.site_id, "sealed_at": at, "reason": reason, "demanded_by": demanded_by,
        "objects": [{"sop_instance_uid": i.sop_instance_uid, "sop_class_uid": i.sop_class_uid,
                     "sha256": i.object_sha256, "sm3": sm3.get(i.object_sha256, ""), "size_bytes": i.size_bytes}
                    for i in instances],
        "in_quarantine": [{"arrival": a.id, "sha256": a.object_sha256, "sm3": sm3.get(a.object_sha256, ""),
                           "size_bytes": a.size_bytes} for a in arrivals if a.object_sha256 not in kept],
        "reports": [{"report": r.id, "version": r.version, "state": r.state.value, "text_sha256": r.text_sha256,
                     "pdf_sha256": r.pdf_sha256, "dicom_sha256": r.dicom_sha256,
                     "sop_instance_uid": r.sop_instance_uid, "signed_by": r.signed_by,
                     "signed_at": r.signed_at.isoformat() if r.signed_at else None}
                    for r in reports if r is not None],
    }


def _gone(tx: Transaction, study_id: str, scope: Scope) -> Exception:
    deletion = tx.keeping.deletion_of_gone(study_id, scope)
    if deletion is None:
        return NotFound("There is no such study.")
    return NotNow("The study was deleted; what is left is its tombstone.", reason="being-deleted")


def _note(tx: Transaction, hold: LegalHold, study: Study | None, action: str, by: By, *, at: Any,
          detail: dict[str, Any]) -> None:
    tx.audit.append(AuditEntry(at, by.actor, action, site_id=hold.site_id, study_id=hold.study_id,
                               patient_id=study.patient.id if study else None, address=by.address,
                               detail={"hold": hold.id} | detail))
