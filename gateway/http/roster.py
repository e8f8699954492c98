"""The roster: a calendar of duty and leave, swaps, days off. `services/people/planning.py` says who plans what."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web

from gateway.core.errors import InvalidRequest
from gateway.http import asking
from gateway.http.admin import by_of
from gateway.http.messages import readers as m
from gateway.http.readers import one_of
from gateway.http.roster_views import entry_view, holiday_view, roster_view, swap_view
from gateway.http.routing import ADMINS, READERS, Route, caller_of, json_response, person_of, read_json
from gateway.services.people.keep_roster import (
    add_entry,
    change_entry,
    copy_week,
    drop_entry,
    drop_holiday,
    put_holiday,
)
from gateway.services.people.show_roster import show_roster
from gateway.services.people.swap_duty import answer_swap, ask_swap, withdraw_swap
from gateway.services.ports import Parts
from storage.model.rosters import EntryKind, Holiday, HolidayKind, RosterEntry

_PLANNERS = READERS | ADMINS             # a head of a group is a reader; the service looks closer


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    return [*_entries(parts), *_swaps(parts), *_days(parts)]


def _entries(parts: Parts) -> list[Route]:
    async def show(request: web.Request) -> web.StreamResponse:
        first, before = _span(request, parts)
        user = person_of(request)
        roster = await show_roster(parts, user, caller_of(request).scope, first=first, before=before)
        return json_response(roster_view(roster, user, parts.settings.time_zone))

    async def add(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.RosterEntryRequest)
        made = await add_entry(parts, person_of(request), _entry("", asked, parts), address=request.remote or "")
        return await answer(made, status=201)

    async def change(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.RosterEntryRequest)
        return await answer(await change_entry(parts, person_of(request), _entry(
            request.match_info["entry_id"], asked, parts), address=request.remote or ""))

    async def drop(request: web.Request) -> web.StreamResponse:
        await drop_entry(parts, person_of(request), request.match_info["entry_id"], address=request.remote or "")
        return web.Response(status=204)

    async def copy(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.CopyWeekRequest)
        done = await copy_week(parts, person_of(request), asked.group, week=asked.week, to_week=asked.to_week,
                               address=request.remote or "")
        return json_response(m.CopyWeekView(done.added, done.skipped))

    async def answer(entry: RosterEntry, *, status: int = 200) -> web.Response:
        names = await parts.database.read(lambda tx: tx.worklists.names([entry.user_id]))
        return json_response(entry_view(entry, names), status=status)

    one = "/api/roster/entries/{entry_id}"
    return [
        Route("GET", "/api/roster", show, "The roster between two days", roles=_PLANNERS, response=m.RosterView,
              query=("from", "before")),
        Route("POST", "/api/roster/entries", add, "Put somebody on duty, or on leave", roles=_PLANNERS,
              request=m.RosterEntryRequest, response=m.RosterEntryView),
        Route("PUT", one, change, "Move it, or give it to another person", roles=_PLANNERS,
              request=m.RosterEntryRequest, response=m.RosterEntryView),
        Route("DELETE", one, drop, "Take it out", roles=_PLANNERS),
        Route("POST", "/api/roster/copy-week", copy, "Plan a week of a group like another", roles=_PLANNERS,
              request=m.CopyWeekRequest, response=m.CopyWeekView),
    ]


def _swaps(parts: Parts) -> list[Route]:
    async def ask(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.SwapRequest)
        user = person_of(request)
        swap = await ask_swap(parts, user, asked.entry_id, asked.to_user_id, asked.note, address=request.remote or "")
        return json_response(swap_view(swap, user, {}, is_planner=False), status=201)

    async def answer(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.SwapAnswer)
        user = person_of(request)
        swap = await answer_swap(parts, user, request.match_info["swap_id"], agrees=asked.agrees,
                                 reason=asked.reason, address=request.remote or "")
        return json_response(swap_view(swap, user, {}, is_planner=False))

    async def withdraw(request: web.Request) -> web.StreamResponse:
        user = person_of(request)
        swap = await withdraw_swap(parts, user, request.match_info["swap_id"], address=request.remote or "")
        return json_response(swap_view(swap, user, {}, is_planner=False))

    one = "/api/roster/swaps/{swap_id}"
    return [
        Route("POST", "/api/roster/swaps", ask, "Ask a colleague to take one's own duty", roles=READERS,
              request=m.SwapRequest, response=m.SwapView),
        Route("POST", one + "/answer", answer, "The colleague's answer, then the head's", roles=_PLANNERS,
              request=m.SwapAnswer, response=m.SwapView),
        Route("POST", one + "/withdraw", withdraw, "It is not needed any more", roles=READERS, response=m.SwapView),
    ]


def _days(parts: Parts) -> list[Route]:
    async def put(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.HolidayRequest)
        day = _day(request.match_info["day"])
        kept = await put_holiday(parts, Holiday(day, one_of(HolidayKind, asked.kind), asked.name, asked.name_en),
                                 by_of(request))
        return json_response(holiday_view(kept, is_own=True))

    async def drop(request: web.Request) -> web.StreamResponse:
        await drop_holiday(parts, _day(request.match_info["day"]), by_of(request))
        return web.Response(status=204)

    one = "/api/roster/holidays/{day}"
    return [
        Route("PUT", one, put, "A day off of the alliance, or a weekend day that is worked", roles=ADMINS,
              request=m.HolidayRequest, response=m.HolidayView),
        Route("DELETE", one, drop, "The day is as the calendar that ships has it", roles=ADMINS),
    ]


def _entry(entry_id: str, asked: m.RosterEntryRequest, parts: Parts) -> RosterEntry:
    for moment in (asked.starts_at, asked.ends_at):
        if moment.tzinfo is None:
            raise InvalidRequest("A time needs its zone, for example 2026-11-22T08:00:00+08:00.", reason="bad-times")
        if not 2000 <= moment.year <= 2200:
            raise InvalidRequest("Not a time of this world.", reason="bad-times")
    kind = one_of(EntryKind, asked.kind)
    return RosterEntry(entry_id, kind, asked.group if kind is EntryKind.DUTY else "", asked.user_id, asked.starts_at,
                       asked.ends_at, asked.note, "", parts.clock(), asked.revision)


def _span(request: web.Request, parts: Parts) -> tuple[datetime, datetime]:
    """Local days of the reading centre; by default this week and the next."""
    zone = ZoneInfo(parts.settings.time_zone)
    today = parts.clock().astimezone(zone).date()
    first_text, before_text = asking.text(request, "from"), asking.text(request, "before")
    first = _day(first_text) if first_text else today - timedelta(days=today.weekday())
    before = _day(before_text) if before_text else first + timedelta(days=14)
    return (datetime(first.year, first.month, first.day, tzinfo=zone),
            datetime(before.year, before.month, before.day, tzinfo=zone))


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as exc:
        raise InvalidRequest(f"{text[:20]!r} is not a day such as 2026-11-22.") from exc
    if not 2000 <= day.year <= 2200:
        raise InvalidRequest("Not a day of this world.")
    return day
