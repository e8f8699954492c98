"""Write the roster: stretches of duty and leave, a week like another, days off. Each act is one audited write."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.core.errors import InvalidRequest, NotAllowed, NotFound, NotNow
from gateway.services.administer_sites import By, require_alliance
from gateway.services.people.groups import groups_in_force
from gateway.services.people.hand_over import JOB as HAND_OVER_JOB
from gateway.services.people.hand_over import plan_hand_over
from gateway.services.people.planning import check_entry, may_plan, require_planner
from gateway.services.ports import Event, Parts
from storage.interface import Transaction
from storage.model import INBOX_SITE_ID, AuditEntry, User, new_id
from storage.model.rosters import EntryKind, Holiday, RosterEntry, SwapState

LONGEST_NAME = 60
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Copied:
    """What copying a week did."""

    added: int
    skipped: int                         # somebody is on leave then, or stands there already


async def add_entry(parts: Parts, user: User, entry: RosterEntry, *, address: str = "") -> RosterEntry:
    """Put somebody on duty, or on leave. Raises NotAllowed("not-planner"), NotFound, InvalidRequest, NotNow."""
    def work(tx: Transaction) -> RosterEntry:
        made = replace(entry, id=new_id(), note=entry.note.strip(), created_by=user.id, created_at=parts.clock(),
                       revision=0)
        require_planner(tx, user, made)
        check_entry(tx, made)
        _add(tx, parts, user, made, address)
        return made

    return await _told(parts, await parts.database.write(work))


async def change_entry(parts: Parts, user: User, entry: RosterEntry, *, address: str = "") -> RosterEntry:
    """Give it to another person, or move it; its kind stays. Raises what `add_entry` does, NotNow("revision")."""
    def work(tx: Transaction) -> RosterEntry:
        before = _found(tx, entry.id)
        changed = replace(before, duty_group=entry.duty_group if before.kind is EntryKind.DUTY else "",
                          user_id=entry.user_id, starts_at=entry.starts_at, ends_at=entry.ends_at,
                          note=entry.note.strip(), revision=entry.revision)
        require_planner(tx, user, before)
        require_planner(tx, user, changed)
        check_entry(tx, changed)
        if not tx.rosters.replace_entry(changed):
            raise NotNow("Somebody changed the roster meanwhile.", reason="revision")
        plan_hand_over(tx, changed)
        _settle_swaps(tx, before, user, parts.clock())
        _note(tx, parts, user, "roster.changed", changed, address, was=_told_of(before))
        return replace(changed, revision=changed.revision + 1)

    return await _told(parts, await parts.database.write(work))


async def drop_entry(parts: Parts, user: User, entry_id: str, *, address: str = "") -> None:
    """Take it out. Raises NotFound, NotAllowed."""
    def work(tx: Transaction) -> RosterEntry:
        entry = _found(tx, entry_id)
        require_planner(tx, user, entry)
        tx.rosters.drop_entry(entry.id)
        tx.jobs.cancel(f"{HAND_OVER_JOB}:{entry.id}")
        _settle_swaps(tx, entry, user, parts.clock())
        _note(tx, parts, user, "roster.dropped", entry, address)
        return entry

    await _told(parts, await parts.database.write(work))


async def copy_week(parts: Parts, user: User, group_id: str, *, week: date, to_week: date,
                    address: str = "") -> Copied:
    """Plan a week like another: both named by their Monday. Whoever is away or stands there already is left out.

    Raises NotAllowed("not-planner"), InvalidRequest.
    """
    if week.weekday() or to_week.weekday() or week == to_week:
        raise InvalidRequest("Two different weeks, each named by its Monday, are meant.")
    zone = ZoneInfo(parts.settings.time_zone)

    def work(tx: Transaction) -> Copied:
        if not may_plan(user, groups_in_force(tx).get(group_id)):
            raise NotAllowed("Only the head of the group or an administrator plans it.", reason="not-planner")
        start = datetime.combine(week, time(), zone)
        shift, added, skipped = to_week - week, 0, 0
        for entry in tx.rosters.entries(start, start + WEEK):
            if entry.kind is not EntryKind.DUTY or entry.duty_group != group_id or entry.starts_at < start:
                continue
            made = replace(entry, id=new_id(), starts_at=entry.starts_at + shift, ends_at=entry.ends_at + shift,
                           created_by=user.id, created_at=parts.clock(), revision=0)
            try:
                check_entry(tx, made)
            except (NotNow, NotFound):
                skipped += 1
            else:
                _add(tx, parts, user, made, address)
                added += 1
        return Copied(added, skipped)

    done = await parts.database.write(work)
    parts.events.publish(Event("roster", INBOX_SITE_ID))
    parts.events.wake_jobs()
    return done


async def put_holiday(parts: Parts, holiday: Holiday, by: By) -> Holiday:
    """A day off of the alliance, or a weekend day that is worked. Raises NotAllowed, InvalidRequest."""
    require_alliance(by.scope)
    holiday = replace(holiday, name=holiday.name.strip(), name_en=holiday.name_en.strip())
    if not 1 <= len(holiday.name) <= LONGEST_NAME or len(holiday.name_en) > LONGEST_NAME:
        raise InvalidRequest(f"A day has a name of at most {LONGEST_NAME} characters.")

    def work(tx: Transaction) -> None:
        tx.rosters.put_holiday(holiday)
        tx.audit.append(AuditEntry(parts.clock(), by.actor, "holiday.set", address=by.address, detail={
            "day": holiday.day.isoformat(), "kind": holiday.kind.value, "name": holiday.name}))

    await parts.database.write(work)
    parts.events.publish(Event("roster", INBOX_SITE_ID))
    return holiday


async def drop_holiday(parts: Parts, day: date, by: By) -> None:
    """The day is as the calendar that ships has it. Raises NotAllowed, NotFound."""
    require_alliance(by.scope)

    def work(tx: Transaction) -> None:
        if not tx.rosters.drop_holiday(day):
            raise NotFound("The alliance has said nothing of this day.")
        tx.audit.append(AuditEntry(parts.clock(), by.actor, "holiday.dropped", address=by.address,
                                   detail={"day": day.isoformat()}))

    await parts.database.write(work)
    parts.events.publish(Event("roster", INBOX_SITE_ID))


def _add(tx: Transaction, parts: Parts, user: User, entry: RosterEntry, address: str) -> None:
    tx.rosters.add_entry(entry)
    plan_hand_over(tx, entry)
    _note(tx, parts, user, "roster.added", entry, address)


def _found(tx: Transaction, entry_id: str) -> RosterEntry:
    entry = tx.rosters.entry(entry_id)
    if entry is None:
        raise NotFound("There is no such entry.")
    return entry


def _settle_swaps(tx: Transaction, entry: RosterEntry, user: User, at: datetime) -> None:
    """The stretch that was asked for is another one now: nobody answers for it any more."""
    for swap in tx.rosters.open_swaps_of(entry.id):
        tx.rosters.replace_swap(replace(swap, state=SwapState.WITHDRAWN, decided_by=user.id, decided_at=at),
                                was=swap.state)


def _told_of(entry: RosterEntry) -> dict[str, object]:
    return {"kind": entry.kind.value, "group": entry.duty_group, "user": entry.user_id,
            "from": entry.starts_at.isoformat(), "to": entry.ends_at.isoformat()}


def _note(tx: Transaction, parts: Parts, user: User, action: str, entry: RosterEntry, address: str,
          **more: object) -> None:
    tx.audit.append(AuditEntry(parts.clock(), user.id, action, address=address,
                               detail={"entry": entry.id, **_told_of(entry), **more}))


async def _told(parts: Parts, entry: RosterEntry) -> RosterEntry:
    parts.events.publish(Event("roster", INBOX_SITE_ID))
    parts.events.wake_jobs()
    return entry
