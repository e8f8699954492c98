"""Leave, duty, swaps and an agreement of one of two sites: for the tests of who may see what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway.services.people.keep_roster import add_entry
from gateway.services.people.swap_duty import ask_swap
from storage.model import Grant, Role, new_id
from storage.model.rosters import EntryKind, RosterEntry, SiteAgreement


async def add_roster(parts, clinic) -> dict[str, str]:
    """Leave, duty and swaps of the clinic's own people, and its agreement; returns their ids."""
    boss = replace(clinic.people[Role.ADMIN], grants=(Grant(Role.ADMIN, None),))
    reader, reviewer, now = clinic.people[Role.READER], clinic.people[Role.REVIEWER], parts.clock()

    def stretch(day: int, kind: EntryKind) -> RosterEntry:
        start = now + timedelta(days=day)
        return RosterEntry("", kind, "imaging" if kind is EntryKind.DUTY else "", reader.id, start,
                           start + timedelta(hours=8), f"演示{clinic.word}备注", "", now)

    found = {"reader": reader.id, "reviewer": reviewer.id}
    for key, day, kind in (("leave_entry", 1, EntryKind.LEAVE), ("spare_entry", 3, EntryKind.LEAVE),
                           ("duty_entry", 5, EntryKind.DUTY), ("swap_entry", 7, EntryKind.DUTY),
                           ("spare_swap_entry", 9, EntryKind.DUTY)):
        found[key] = (await add_entry(parts, boss, stretch(day, kind))).id
    for key in ("swap", "spare_swap"):
        found[key] = (await ask_swap(parts, reader, found[f"{key}_entry"], reviewer.id,
                                     f"演示{clinic.word}换班")).id
    agreement = SiteAgreement(new_id(), clinic.site_id, "spare", f"协{clinic.word}", now.date(), None, "", "test",
                              now)
    await parts.database.write(lambda tx: tx.rosters.add_agreement(agreement))
    return {**found, "agreement": agreement.id}
