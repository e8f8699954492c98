"""A study that was deleted after its retention may come again, from an old console or an archive."""

from __future__ import annotations

from datetime import datetime

from storage.interface import Transaction
from storage.model import Study


def note_return(tx: Transaction, study: Study, *, at: datetime) -> bool:
    """In the write that makes a study: one that was deleted is kept as a new one, and a person is told; True then."""
    tombstone = tx.keeping.deleted_study(study.study_instance_uid)
    if tombstone is None:
        return False
    tx.alarms.raise_alarm(
        "deleted-study-returned", site_id=study.site_id, ref=study.id, at=at,
        detail=f"A study that was deleted on {tombstone.deleted_at:%Y-%m-%d} came again. It is kept as a new one, "
               "with a new retention.")
    return True
