"""Who is on duty by the dated roster, and when nobody will be.

The rule file gives a group its weekly hours. An entry with a date wins over them for as long as it lasts; a person on
leave is not on duty, whatever either says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from routing_rules.model import Group
from routing_rules.roster import on_duty, standing_in
from storage.interface import Transaction
from storage.model.rosters import EntryKind, RosterEntry

LOOK_AHEAD = timedelta(weeks=4)


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of time in which nobody of a group is on duty."""

    group: str
    starts_at: datetime
    ends_at: datetime
    covered_by: str | None               # the group that stands in for all of it; None: nobody at all


def duty_now(tx: Transaction, at: datetime, zone: ZoneInfo) -> dict[str, tuple[str, ...]]:
    """Logins on duty by group, only for groups that a dated entry covers now; a group may have nobody left.

    `zone` is the reading centre's; entries carry moments, so that it changes nothing here yet.
    """
    entries = tx.rosters.entries_at(at)
    duty = [entry for entry in entries if entry.kind is EntryKind.DUTY]
    if not duty:
        return {}
    logins = {user.id: user.login for user in tx.users.all() if user.is_enabled}
    return _dated(entries, logins)


def on_leave(tx: Transaction, at: datetime) -> frozenset[str]:
    """Ids of the people on leave now."""
    return frozenset(entry.user_id for entry in tx.rosters.entries_at(at) if entry.kind is EntryKind.LEAVE)


def gaps(groups: Mapping[str, Group], entries: Sequence[RosterEntry], logins: Mapping[str, str], *, first: datetime,
         before: datetime, zone: ZoneInfo) -> list[Gap]:
    """Hours with nobody on duty, by group and begin; `logins` by user id, of enabled accounts.

    A group with neither hours nor an entry is all its members at any time and has no gap; one without hours that is
    planned by dates has a gap where no date is planned, although all its members are asked then.
    """
    dated_groups = {entry.duty_group for entry in entries if entry.kind is EntryKind.DUTY}
    watched = [group for group in groups.values() if group.shifts or group.id in dated_groups]
    if not watched:
        return []
    found: list[Gap] = []
    moments = _moments(watched, groups.values(), entries, first, before, zone)
    for start, end in pairwise(moments):
        now = [entry for entry in entries if entry.starts_at <= start < entry.ends_at]
        away = {logins.get(entry.user_id) for entry in now if entry.kind is EntryKind.LEAVE}
        local = start.astimezone(zone)
        dated = _dated(now, logins)
        # The weekly hours less those on leave, said as a dated roster says it, so that `cover` looks at both alike.
        duty = dated | {group.id: tuple(login for login in weekly if login not in away)
                        for group in groups.values() if group.id not in dated
                        and (weekly := on_duty(group, local)) is not None}
        for group in watched:
            if on_duty(group, local, duty):
                continue
            stand_in, _ = standing_in(group, groups, local, duty)
            _extend(found, Gap(group.id, start, end, None if stand_in.id == group.id else stand_in.id))
    return sorted(found, key=lambda gap: (gap.group, gap.starts_at))


def gaps_ahead(tx: Transaction, groups: Mapping[str, Group], at: datetime, zone: ZoneInfo) -> list[Gap]:
    """The gaps of the next four weeks, for `check` and for the head of the day."""
    before = at + LOOK_AHEAD
    logins = {user.id: user.login for user in tx.users.all() if user.is_enabled}
    return gaps(groups, tx.rosters.entries(at, before), logins, first=at, before=before, zone=zone)


def _dated(entries: Iterable[RosterEntry], logins: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    entries = list(entries)
    away = {entry.user_id for entry in entries if entry.kind is EntryKind.LEAVE}
    found: dict[str, list[str]] = {}
    for entry in entries:
        if entry.kind is EntryKind.DUTY:
            people = found.setdefault(entry.duty_group, [])
            login = logins.get(entry.user_id)
            if login is not None and entry.user_id not in away and login not in people:
                people.append(login)
    return {group: tuple(people) for group, people in found.items()}


def _moments(watched: Sequence[Group], groups: Iterable[Group], entries: Sequence[RosterEntry], first: datetime,
             before: datetime, zone: ZoneInfo) -> list[datetime]:
    """Every time at which somebody may come or go, with both ends."""
    minutes = {minute for group in groups for shift in group.shifts for minute in (shift.start_minute,
                                                                                  shift.end_minute)}
    found = {first, before}
    found |= {moment for entry in entries for moment in (entry.starts_at, entry.ends_at) if first < moment < before}
    day = first.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    while day.replace(tzinfo=zone) < before:
        for minute in minutes:
            moment = (day + timedelta(minutes=minute)).replace(tzinfo=zone).astimezone(first.tzinfo)
            if first < moment < before:
                found.add(moment)
        day += timedelta(days=1)
    return sorted(found)


def _extend(found: list[Gap], gap: Gap) -> None:
    for index in range(len(found) - 1, -1, -1):
        last = found[index]
        if last.group == gap.group:
            if last.ends_at == gap.starts_at and last.covered_by == gap.covered_by:
                found[index] = Gap(last.group, last.starts_at, gap.ends_at, last.covered_by)
                return
            break
    found.append(gap)
