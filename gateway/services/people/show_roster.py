"""The roster as a calendar shows it: groups with their weekly hours, stretches with dates, days off, gaps, swaps.

Whoever sees only some sites sees only the people who read for those; a colleague beyond them stands without a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.core.errors import InvalidRequest
from gateway.services.people.duty import Gap, gaps, gaps_ahead
from gateway.services.people.groups import groups_in_force
from gateway.services.people.keep_profiles import is_reader_in
from gateway.services.people.planning import may_plan, plans_everything
from gateway.services.ports import Parts
from routing_rules.holidays import kind_of_day
from routing_rules.model import Group
from storage.interface import Transaction
from storage.model import Scope, User
from storage.model.rosters import Holiday, HolidayKind, RosterEntry, Swap

LONGEST_SPAN = timedelta(days=62)
SETTLED_SWAPS_SHOWN = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """One duty group of the rules in force."""

    group: Group
    members: tuple[str, ...]             # user ids whom the asker may see
    weekly: tuple[tuple[frozenset[int], int, int, tuple[str, ...]], ...]   # weekdays, from, to (minutes), user ids
    may_plan: bool


@dataclass(frozen=True, slots=True)
class Roster:
    """Everything between two times."""

    groups: tuple[ShownGroup, ...]
    entries: tuple[RosterEntry, ...]
    gaps: tuple[Gap, ...]
    ahead: tuple[Gap, ...]               # of the next four weeks, whatever is looked at
    holidays: tuple[tuple[Holiday, bool], ...]     # with True where the alliance itself said so
    swaps: tuple[Swap, ...]
    names: Mapping[str, str]             # display names of everybody mentioned, where the asker may see them
    may_plan_all: bool


async def show_roster(parts: Parts, user: User, scope: Scope, *, first: datetime, before: datetime) -> Roster:
    """Raises InvalidRequest for a span that ends before it begins or is longer than two months."""
    if not timedelta(0) < before - first <= LONGEST_SPAN:
        raise InvalidRequest("A span of at most 62 days is meant.", reason="bad-times")
    return await parts.database.read(lambda tx: _roster(tx, parts, user, scope, first, before))


def _roster(tx: Transaction, parts: Parts, user: User, scope: Scope, first: datetime, before: datetime) -> Roster:
    zone = ZoneInfo(parts.settings.time_zone)
    groups = groups_in_force(tx)
    people = [one for one in tx.users.all() if one.is_enabled]
    seen = {one.id: one.display_name for one in people if is_reader_in(one, scope) or one.id == user.id}
    logins = {one.id: one.login for one in people}
    ids = {one.login: one.id for one in people if one.id in seen}
    entries = tx.rosters.entries(first, before)
    now = parts.clock()
    swaps = [swap for swap in tx.rosters.swaps(asked_since=now - SETTLED_SWAPS_SHOWN)
             if user.id in (swap.from_user_id, swap.to_user_id) or may_plan(user, groups.get(swap.duty_group))]
    return Roster(
        groups=tuple(_group(group, ids, user) for group in groups.values()),
        entries=tuple(entry for entry in entries if entry.user_id in seen),
        gaps=tuple(gaps(groups, entries, logins, first=first, before=before, zone=zone)),
        ahead=tuple(gaps_ahead(tx, groups, now, zone)),
        holidays=_holidays(tx, first, before, zone), swaps=tuple(swaps), names=seen,
        may_plan_all=plans_everything(user))


def _group(group: Group, ids: Mapping[str, str], user: User) -> ShownGroup:
    def seen(logins: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(ids[login] for login in logins if login in ids)

    return ShownGroup(group, seen(group.members), tuple(
        (shift.days, shift.start_minute, shift.end_minute, seen(shift.members)) for shift in group.shifts),
        may_plan(user, group))


def _holidays(tx: Transaction, first: datetime, before: datetime, zone: ZoneInfo) -> tuple[tuple[Holiday, bool], ...]:
    """The days off of the span: the calendar that ships, and over it what the alliance says."""
    day, last = first.astimezone(zone).date(), before.astimezone(zone).date()
    own = {holiday.day: holiday for holiday in tx.rosters.holidays(day, last)}
    found: list[tuple[Holiday, bool]] = []
    while day <= last:
        if day in own:
            found.append((own[day], True))
        else:
            known = kind_of_day(day)
            if known.holiday:
                found.append((Holiday(day, HolidayKind.HOLIDAY, known.holiday), False))
            elif known.is_workday and day.weekday() >= 5:
                found.append((Holiday(day, HolidayKind.WORKDAY, ""), False))
        day += timedelta(days=1)
    return tuple(found)
