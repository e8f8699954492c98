"""Search the worklist and retrieve one workitem (PS3.4 CC.2.7, CC.2.8; PS3.18 11.5, 11.9).

The database narrows by state, UIDs and Patient ID; the rest is judged on the record that would be shown, so a search
by C-FIND and one by UPS-RS find the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from gateway.core.workitem_query import WorkitemKey, fits, narrowed
from gateway.core.workitem_record import Json
from gateway.core.workitems import Refused, Status
from gateway.services.ports import Parts
from gateway.services.workitems.follow_readings import follow_all, follow_waiting
from gateway.services.workitems.outsider import Outsider
from gateway.services.workitems.show_workitem import show
from storage.interface import Transaction
from storage.model import AuditEntry
from storage.model.workitems import Workitem

PAGE = 100
MOST_LOOKED_AT = 2_000
"""Workitems judged for one answer by the web; whoever asks for more must narrow the search."""


@dataclass(frozen=True, slots=True)
class WorkitemPage:
    """Some records that match; `after` is where the next page begins, "" at the end."""

    records: list[Json]
    after: str


class TooBroad(Exception):
    """More workitems would have to be looked at than one answer allows."""


async def find_page(parts: Parts, who: Outsider, keys: Sequence[WorkitemKey], *, after: str = "",
                    base_url: str = "", limit: int = PAGE) -> WorkitemPage:
    """The next page, perhaps empty before the end. Raises BadQuery, StorageUnavailable."""
    wanted = narrowed(keys)
    if not after:
        await follow_all(parts)

    def look(tx: Transaction) -> WorkitemPage:
        items = tx.workitems.find(wanted, who.sees(tx), after=after, limit=limit)
        records = [record for item in items
                   if (record := show(tx, parts, item, with_objects=False, base_url=base_url)) is not None]
        return WorkitemPage([record for record in records if fits(record, keys)],
                            items[-1].uid if len(items) == limit else "")

    return await parts.database.read(look)


async def find_some(parts: Parts, who: Outsider, keys: Sequence[WorkitemKey], *, offset: int, limit: int,
                    base_url: str) -> tuple[list[Json], bool]:
    """Up to `limit` records after `offset`, and whether there are more. Raises BadQuery, TooBroad."""
    found: list[Json] = []
    after, looked_at = "", 0
    while True:
        page = await find_page(parts, who, keys, after=after, base_url=base_url)
        found += page.records
        looked_at += PAGE
        if len(found) > offset + limit:
            return found[offset:offset + limit], True
        if not page.after:
            return found[offset:], False
        if looked_at >= MOST_LOOKED_AT:
            raise TooBroad
        after = page.after


async def retrieve(parts: Parts, who: Outsider, uid: str, *, base_url: str = "") -> Json:
    """One workitem with all it names. Raises Refused (UNKNOWN), StorageUnavailable."""
    def work(tx: Transaction) -> tuple[Workitem, Json]:
        item = found(tx, parts, who, uid)
        record = show(tx, parts, item, with_objects=True, base_url=base_url)
        if record is None:
            raise Refused(Status.UNKNOWN)
        if not parts.openings.has(_opening(who, item), now=parts.clock()):
            tx.audit.append(AuditEntry(parts.clock(), who.actor, "workitem.retrieved", site_id=item.site_id,
                                       study_id=item.study_id, address=who.address, detail={"workitem": item.uid}))
        return item, record

    item, record = await parts.database.write(work)
    parts.openings.add(_opening(who, item), now=parts.clock())
    return record


async def note_search(parts: Parts, who: Outsider, *, answered: int, via: str) -> None:
    """Audit that somebody asked, once in ten minutes (J3: Query)."""
    now, key = parts.clock(), f"workitems:{who.actor}:{who.address}"
    if parts.openings.has(key, now=now):
        return
    await parts.database.write(lambda tx: tx.audit.append(AuditEntry(
        now, who.actor, "workitems.queried", site_id=who.site_id or None, address=who.address,
        detail={"answered": answered, "via": via, "not_repeated_for_s": timedelta(minutes=10).total_seconds()})))
    parts.openings.add(key, now=now)


def found(tx: Transaction, parts: Parts, who: Outsider, uid: str) -> Workitem:
    """The workitem of this UID as its reading is now. Raises Refused (UNKNOWN), also outside the caller's scope."""
    scope = who.sees(tx)
    item = tx.workitems.get(uid, scope)
    if item is not None and item.reading_id and follow_waiting(tx, parts, reading_id=item.reading_id):
        item = tx.workitems.get(uid, scope)
    if item is None:
        raise Refused(Status.UNKNOWN)
    return item


def _opening(who: Outsider, item: Workitem) -> str:
    return f"workitem:{who.actor}:{item.uid}"
