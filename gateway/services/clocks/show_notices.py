"""A person's own notices: what they were told lately, and that they have looked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.services.ports import Parts
from storage.interface import NoticeLine as NoticeLine
from storage.interface import Transaction
from storage.model import Scope, User

SHOWN_DAYS = 7
MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class ShownNotices:
    """Newest first; `unread` counts readings that something unread is about."""

    lines: list[NoticeLine]
    unread: int


async def show_notices(parts: Parts, user: User, scope: Scope, *, limit: int) -> ShownNotices:
    """Return the notices of the last days, of sites that the person may still see."""
    since = parts.clock() - timedelta(days=SHOWN_DAYS)

    def look_up(tx: Transaction) -> ShownNotices:
        return ShownNotices(tx.notices.of_user(user.id, scope, since=since, limit=min(limit, MOST_SHOWN)),
                            tx.notices.count_unread(user.id, scope, since=since))

    return await parts.database.read(look_up)


async def note_looked_at(parts: Parts, user: User, *, reading_id: str = "", until: datetime | None = None) -> None:
    """The person has seen what was said of a reading, or everything up to a moment. Twice changes nothing."""
    await parts.database.write(
        lambda tx: tx.notices.mark_read(user.id, at=parts.clock(), reading_id=reading_id, until=until))
