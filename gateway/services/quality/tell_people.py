"""The bell: a clinic's people hear that something is asked of them, and who asked hears what became of it.

Written with the change itself; the bell shows which study, never whose.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from storage.interface import Transaction
from storage.model import Role, new_id
from storage.model.clocks import Notice, NoticeKind
from storage.model.quality import Retake, RetakeState

_TO_ASKER = {RetakeState.RETAKEN: NoticeKind.RETAKEN, RetakeState.DECLINED: NoticeKind.RETAKE_DECLINED}


def tell_of(tx: Transaction, retake: Retake, *, at: datetime) -> None:
    """What this state means to somebody who may not be looking; nothing where the study has no reading."""
    if retake.state is RetakeState.ASKED:
        _tell(tx, retake, NoticeKind.RETAKE_ASKED, _people_of_clinic(tx, retake.site_id), at)
    elif retake.state in _TO_ASKER:
        _tell(tx, retake, _TO_ASKER[retake.state], [retake.asked_by], at)


def _tell(tx: Transaction, retake: Retake, kind: NoticeKind, people: Iterable[str], at: datetime) -> None:
    if retake.reading_id is None:
        return
    # the same thing is said once; a second request, or a second picture in one, is another thing
    round_ = int(at.timestamp())
    tx.notices.add([Notice(new_id(), at, person, kind, retake.reading_id, retake.study_id, retake.site_id,
                           round=round_) for person in people])


def _people_of_clinic(tx: Transaction, site_id: str) -> list[str]:
    """Those of this very clinic; whoever has the role for the whole alliance is not of it."""
    return [user.id for user in tx.users.all() if user.is_enabled
            and any(grant.role is Role.CLINIC and grant.site_id == site_id for grant in user.grants)]
