"""From the roster to what a screen is sent."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.http.messages import readers as m
from gateway.services.people.duty import Gap
from gateway.services.people.show_roster import Roster, ShownGroup
from storage.model import User
from storage.model.rosters import Holiday, RosterEntry, Swap, SwapState


def roster_view(roster: Roster, user: User, time_zone: str) -> m.RosterView:
    """The calendar."""
    planned = {shown.group.id for shown in roster.groups if shown.may_plan}
    return m.RosterView(
        time_zone=time_zone, groups=[_group_view(shown) for shown in roster.groups],
        entries=[entry_view(entry, roster.names) for entry in roster.entries],
        gaps=[_gap_view(gap) for gap in roster.gaps], gaps_ahead=[_gap_view(gap) for gap in roster.ahead],
        holidays=[holiday_view(holiday, is_own=is_own) for holiday, is_own in roster.holidays],
        swaps=[swap_view(swap, user, roster.names, is_planner=swap.duty_group in planned) for swap in roster.swaps],
        may_plan_all=roster.may_plan_all)


def entry_view(entry: RosterEntry, names: Mapping[str, str]) -> m.RosterEntryView:
    """One stretch."""
    return m.RosterEntryView(
        id=entry.id, kind=entry.kind, group=entry.duty_group, user_id=entry.user_id,
        user_name=names.get(entry.user_id, ""), starts_at=entry.starts_at, ends_at=entry.ends_at, note=entry.note,
        revision=entry.revision)


def holiday_view(holiday: Holiday, *, is_own: bool) -> m.HolidayView:
    """One day."""
    return m.HolidayView(holiday.day, holiday.kind, holiday.name, holiday.name_en, is_own)


def swap_view(swap: Swap, user: User, names: Mapping[str, str], *, is_planner: bool) -> m.SwapView:
    """One swap, with what the asker may do with it."""
    may_answer = ((swap.state is SwapState.ASKED and swap.to_user_id == user.id)
                  or (swap.state is SwapState.AGREED and is_planner))
    is_open = swap.state in (SwapState.ASKED, SwapState.AGREED)
    return m.SwapView(
        id=swap.id, entry_id=swap.entry_id, group=swap.duty_group, from_user_id=swap.from_user_id,
        from_name=names.get(swap.from_user_id, ""), to_user_id=swap.to_user_id,
        to_name=names.get(swap.to_user_id, ""), state=swap.state, note=swap.note, reason=swap.reason,
        asked_at=swap.asked_at, may_answer=may_answer, may_withdraw=is_open and swap.from_user_id == user.id)


def _group_view(shown: ShownGroup) -> m.DutyGroupView:
    group = shown.group
    return m.DutyGroupView(
        id=group.id, name=group.name, name_en=group.name_en, assign=group.assign, has_head=bool(group.head),
        member_ids=list(shown.members), may_plan=shown.may_plan,
        weekly=[m.WeeklyHoursView(sorted(days), start, end, list(people))
                for days, start, end, people in shown.weekly])


def _gap_view(gap: Gap) -> m.GapView:
    return m.GapView(gap.group, gap.starts_at, gap.ends_at, gap.covered_by)
