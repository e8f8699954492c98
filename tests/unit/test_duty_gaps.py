"""Hours with nobody on duty: weekly hours, dated entries over them, leave, and the group that stands in (D1)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.services.people.duty import Gap, gaps
from routing_rules.model import Group, Shift
from storage.model.rosters import EntryKind, RosterEntry

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 3, 2, tzinfo=ZONE)
LOGINS = {"u1": "a", "u2": "b"}
DAYS = frozenset(range(1, 6))
OFFICE = Group("imaging", "影像", "", shifts=(Shift(DAYS, 8 * 60, 18 * 60, ("a", "b")),))


def entry(user, start_h, end_h, *, group="imaging", kind=EntryKind.DUTY):
    return RosterEntry(f"{user}{start_h}", kind, group if kind is EntryKind.DUTY else "", user,
                       MONDAY + timedelta(hours=start_h), MONDAY + timedelta(hours=end_h), "", "boss", MONDAY)


def found(*entries, group=OFFICE, others=(), days=1.0):
    groups = {one.id: one for one in (group, *others)}
    return [((gap.starts_at - MONDAY) / timedelta(hours=1), (gap.ends_at - MONDAY) / timedelta(hours=1),
             gap.covered_by)
            for gap in gaps(groups, entries, LOGINS, first=MONDAY, before=MONDAY + timedelta(days=days), zone=ZONE)
            if gap.group == group.id]


def test_weekly_hours_leave_the_night_open():
    assert found() == [(0, 8, None), (18, 24, None)]
    assert found(days=2) == [(0, 8, None), (18, 32, None), (42, 48, None)]


def test_an_entry_with_a_date_fills_the_night_and_wins_over_the_weekly_hours():
    assert found(entry("u1", 18, 24)) == [(0, 8, None)]
    assert found(entry("gone", 9, 10)) == [(0, 8, None), (9, 10, None), (18, 24, None)]


def test_who_is_on_leave_is_on_duty_by_neither():
    both_away = (entry("u1", 9, 12, kind=EntryKind.LEAVE), entry("u2", 9, 11, kind=EntryKind.LEAVE))
    assert found(both_away[0]) == found()
    assert found(*both_away) == [(0, 8, None), (9, 11, None), (18, 24, None)]
    night = entry("u1", 18, 24)
    assert found(night, entry("u1", 20, 22, kind=EntryKind.LEAVE)) == [(0, 8, None), (20, 22, None)]


def test_a_group_that_stands_in_is_named():
    centre = Group("centre", "中心", "", members=("b",))
    office = Group("imaging", "影像", "", shifts=OFFICE.shifts, cover="centre")
    assert found(group=office, others=(centre,)) == [(0, 8, "centre"), (18, 24, "centre")]
    asleep = Group("centre", "中心", "", shifts=(Shift(DAYS, 0, 60, ("b",)),))
    assert found(group=office, others=(asleep,)) == [(0, 1, "centre"), (1, 8, None), (18, 24, None)]


def test_a_group_without_hours_has_gaps_only_once_it_is_planned_by_dates():
    everyone = Group("imaging", "影像", "")
    assert found(group=everyone) == []
    assert found(entry("u1", 0, 12), group=everyone) == [(12, 24, None)]
    assert gaps({}, [], LOGINS, first=MONDAY, before=MONDAY + timedelta(days=1), zone=ZONE) == []


def test_a_shift_over_midnight_joins_two_days():
    night = Group("imaging", "影像", "", shifts=(Shift(frozenset(range(1, 8)), 20 * 60, 6 * 60, ("a",)),))
    assert found(group=night, days=2) == [(6, 20, None), (30, 44, None)]
    assert gaps({"imaging": night}, [], LOGINS, first=MONDAY, before=MONDAY + timedelta(hours=7), zone=ZONE) == [
        Gap("imaging", MONDAY + timedelta(hours=6), MONDAY + timedelta(hours=7), None)]
