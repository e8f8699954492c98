"""Keeping from a terminal: how much room is left, what is sealed, what was asked to be deleted.

Deletions are asked for and approved on the administrator's page, where two people log in; a terminal is one person.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any

from gateway.core.errors import NotFound
from gateway.services.administer_sites import By
from gateway.services.hold_study import manifest_of, place_hold, release_hold
from gateway.services.ports import Parts
from gateway.services.reach_second_copy import prepare_second_copy
from gateway.services.retention import Standing, find_standings
from gateway.services.second_copy import problem_of
from gateway.services.watch_space import measure
from storage.interface import Transaction
from storage.model import EVERYWHERE

BY = By(actor="cli", address="local", scope=EVERYWHERE)


async def show_keeping(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    space = await measure(parts)
    counts, problem = await parts.database.read(lambda tx: (tx.object_care.counts(), problem_of(tx)))
    return {
        **{f"space_{name}": value for name, value in asdict(space).items() if name != "intake"},
        "usual_day_bytes": space.intake.bytes_a_day if space.intake else None,
        "measured_days": space.intake.days if space.intake else 0,
        **{name: value.isoformat() if hasattr(value, "isoformat") else value
           for name, value in asdict(counts).items() if name not in ("objects", "size_bytes")},
        "second_copy": parts.second_copy.address if parts.second_copy else "", "second_copy_problem": problem,
    }


async def begin_copies(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    """A new disk under the old name: mark it, and copy everything there."""
    if parts.second_copy is None:
        raise NotFound("No second copy is configured.")
    await prepare_second_copy(parts, is_new_place=True)
    parts.events.wake_jobs()
    return await show_keeping(parts, given)


async def show_retention(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    return {"rows": [_standing_row(standing) for standing in await find_standings(parts, EVERYWHERE, given["words"])]}


async def list_holds(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    holds = await parts.database.read(lambda tx: tx.keeping.holds(
        EVERYWHERE, include_released=given.get("released", False)))
    return {"rows": [{"id": hold.id, "study_id": hold.study_id, "reason": hold.reason,
                      "demanded_by": hold.demanded_by, "placed_at": hold.placed_at.isoformat(),
                      "manifest_sha256": hold.manifest_sha256,
                      "released_at": hold.released_at.isoformat() if hold.released_at else None} for hold in holds]}


async def seal(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    study_id = await parts.database.read(lambda tx: _study_id(tx, given["study"]))
    hold = await place_hold(parts, study_id, reason=given["reason"], demanded_by=given["demanded_by"], by=BY)
    return {"id": hold.id, "study_id": study_id, "manifest_sha256": hold.manifest_sha256}


async def unseal(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    hold = await release_hold(parts, given["id"], reason=given["reason"], by=BY)
    return {"id": hold.id, "study_id": hold.study_id, "release_reason": hold.release_reason}


async def show_manifest(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    hold = await manifest_of(parts, given["id"], BY)
    return {"manifest": hold.manifest, "manifest_sha256": hold.manifest_sha256}


async def list_deletions(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    found = await parts.database.read(lambda tx: tx.keeping.deletions(EVERYWHERE))
    return {"rows": [{"id": d.id, "study_instance_uid": d.study_instance_uid, "state": d.state, "reason": d.reason,
                      "asked_at": d.asked_at.isoformat(), "due_at": d.due_at.isoformat() if d.due_at else None,
                      "done_at": d.done_at.isoformat() if d.done_at else None, "objects": d.objects, "note": d.note}
                     for d in found]}


COMMANDS: Mapping[str, Callable[[Parts, dict[str, Any]], Awaitable[dict[str, Any]]]] = {
    "keeping show": show_keeping, "keeping begin-copies": begin_copies,
    "keeping retention": show_retention, "hold list": list_holds, "hold place": seal, "hold release": unseal,
    "hold manifest": show_manifest, "deletion list": list_deletions,
}


def _standing_row(standing: Standing) -> dict[str, Any]:
    study, retention = standing.study, standing.retention
    return {"study_id": study.id, "study_instance_uid": study.study_instance_uid, "site_id": study.site_id,
            "class": retention.care_class, "years": retention.years,
            "counted_from": f"{retention.counted_from:%Y-%m-%d}",
            "retain_until": f"{retention.retain_until:%Y-%m-%d}",
            "holds": len(standing.holds), "obstacles": ", ".join(standing.obstacles)}


def _study_id(tx: Transaction, name: str) -> str:
    """By our id, by Study Instance UID, or by an accession number of its own."""
    found = tx.keeping.find_studies(name, EVERYWHERE, limit=2)
    if len(found) != 1:
        raise NotFound(f"There is no single study {name}.")
    return found[0]
