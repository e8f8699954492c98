"""Studies of one site whose retention is long over: to be sealed, asked for, approved and taken back."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from gateway.services.administer_sites import By
from gateway.services.delete_study import ask_deletion
from gateway.services.hold_study import place_hold
from gateway.services.ports import Parts
from storage.model import EVERYWHERE, StudyState, User
from storage.tables import schema
from tests.support.web import add_exam

LONG_AGO = timedelta(days=31 * 366)


async def add_old_study(parts: Parts, site_id: str, name: str) -> str:
    """A complete study that nothing came to for 31 years; returns its id."""
    study_id = (await add_exam(parts, site_id, name=name)).study.id
    long_ago = parts.clock() - LONG_AGO
    await parts.database.write(lambda tx: tx.connection.execute(
        sa.update(schema.study).where(schema.study.c.id == study_id).values(
            first_arrival_at=long_ago, last_arrival_at=long_ago, state=StudyState.COMPLETE.value)))
    return study_id


async def add_kept(parts: Parts, site_id: str, word: str, asker: User) -> dict[str, str]:
    """Two holds and two requests, and studies for more; by what the route walk calls them."""
    by = By(asker.id, "10.1.1.2", EVERYWHERE)
    ids = {f"{use}_study": await add_old_study(parts, site_id, f"演示{word}{use}")
           for use in ("old", "ask", "seal", "asked", "approved", "held", "released")}
    for hold, use in (("hold", "held"), ("release_hold", "released")):
        placed = await place_hold(parts, ids[f"{use}_study"], reason=f"演示{word}纠纷", demanded_by=f"演示{word}家属",
                                  by=by)
        ids[hold] = placed.id
    for deletion, use in (("deletion", "asked"), ("approve_deletion", "approved")):
        asked = await ask_deletion(parts, ids[f"{use}_study"], reason=f"演示{word}期满", person=asker, by=by)
        ids[deletion] = asked.id
    return ids
