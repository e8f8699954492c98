"""Keep what a reader drew on a study: one document per study and person, beside the received objects."""

from __future__ import annotations

from typing import Any

from gateway.core.errors import NotFound
from gateway.services.ports import Parts
from storage.interface import Transaction
from storage.model import Scope


async def annotations_of(parts: Parts, scope: Scope, study_id: str, user_id: str) -> Any | None:
    """Return the person's own document, None if there is none. Raises NotFound."""
    def look_up(tx: Transaction) -> Any | None:
        _check(tx, scope, study_id)
        return tx.annotations.get(study_id, user_id)

    return await parts.database.read(look_up)


async def annotate_study(parts: Parts, scope: Scope, study_id: str, user_id: str, content: Any) -> None:
    """Replace the person's own document. Raises NotFound."""
    def put(tx: Transaction) -> None:
        _check(tx, scope, study_id)
        tx.annotations.put(study_id, user_id, content, parts.clock())

    await parts.database.write(put)


def _check(tx: Transaction, scope: Scope, study_id: str) -> None:
    if tx.studies.get(study_id, scope) is None:
        raise NotFound("There is no such study.")
