"""The readers' worklist and what one does with one of its rows; writing and signing live in reports.py."""

from __future__ import annotations

from enum import StrEnum

from aiohttp import web

from gateway.http import asking
from gateway.http.messages import ReadingDetail, ReadingList, ReasonRequest
from gateway.http.routing import ADMINS, READERS, Route, caller_of, json_response, person_of, read_json
from gateway.http.views import reading_detail, reading_row
from gateway.services.claim_reading import claim_reading, release_reading, send_back
from gateway.services.list_readings import ReadingFilter, list_readings
from gateway.services.people.decline_reading import decline_reading
from gateway.services.ports import Parts
from gateway.services.show_reading import show_reading
from storage.model import Priority, ReadingState

PAGE = 200
LONGEST_PAGE = 1000


class _Kind(StrEnum):
    IMAGE = "image"
    ECG = "ecg"


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    async def list_all(request: web.Request) -> web.StreamResponse:
        page = await list_readings(
            parts, caller_of(request).scope, _asked(request),
            limit=asking.whole_number(request, "limit", PAGE, most=LONGEST_PAGE),
            offset=asking.whole_number(request, "offset", 0, most=10**6))
        return json_response(ReadingList(
            items=[reading_row(line, page.clocks.get(line.reading.id, ())) for line in page.lines], total=page.total,
            counts={state.value: page.counts.get(state, 0) for state in ReadingState}))

    async def show(request: web.Request) -> web.StreamResponse:
        return await detail(request, is_opening=True)

    async def claim(request: web.Request) -> web.StreamResponse:
        await claim_reading(parts, person_of(request), request.match_info["reading_id"], address=request.remote or "")
        return await detail(request, is_opening=False)

    async def release(request: web.Request) -> web.StreamResponse:
        await release_reading(parts, person_of(request), request.match_info["reading_id"],
                              address=request.remote or "")
        return await detail(request, is_opening=False)

    async def return_to_clinic(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, ReasonRequest)
        await send_back(parts, person_of(request), request.match_info["reading_id"], asked.reason,
                        address=request.remote or "")
        return await detail(request, is_opening=False)

    async def decline(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, ReasonRequest)
        await decline_reading(parts, person_of(request), request.match_info["reading_id"], asked.reason,
                              address=request.remote or "")
        return await detail(request, is_opening=False)

    async def detail(request: web.Request, *, is_opening: bool) -> web.Response:
        caller = caller_of(request)
        shown = await show_reading(parts, caller.scope, request.match_info["reading_id"], person_of(request),
                                   address=caller.address, is_opening=is_opening)
        return json_response(reading_detail(shown))

    one = "/api/readings/{reading_id}"
    return [
        Route("GET", "/api/readings", list_all, "The worklist: emergency first, then by due time",
              roles=READERS | ADMINS, response=ReadingList,
              query=("state", "modality", "site", "kind", "priority", "mine", "q", "limit", "offset")),
        Route("GET", one, show, "One reading with its study and report", roles=READERS | ADMINS,
              response=ReadingDetail),
        Route("POST", one + "/claim", claim, "Take the lock, to write or to review", roles=READERS,
              response=ReadingDetail),
        Route("POST", one + "/release", release, "Give the lock back", roles=READERS | ADMINS,
              response=ReadingDetail),
        Route("POST", one + "/send-back", return_to_clinic, "Send the study back to the clinic, with a reason",
              roles=READERS, request=ReasonRequest, response=ReadingDetail),
        Route("POST", one + "/decline", decline, "Say that this site does not read it, with a reason",
              roles=READERS, request=ReasonRequest, response=ReadingDetail),
    ]


def _asked(request: web.Request) -> ReadingFilter:
    kind = asking.choice(request, "kind", _Kind)
    is_mine = asking.flag(request, "mine")
    return ReadingFilter(
        states=asking.choices(request, "state", ReadingState), modality=asking.text(request, "modality"),
        kind=kind.value if kind else "", site_id=asking.text(request, "site"),
        priority=asking.choice(request, "priority", Priority), text=asking.text(request, "q"),
        held_or_assigned_to=person_of(request).id if is_mine else "")
