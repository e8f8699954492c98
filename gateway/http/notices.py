"""A person's own notices: the bell of every page."""

from __future__ import annotations

from aiohttp import web

from gateway.http import asking
from gateway.http.messages.clocks import NoticeList, NoticesReadRequest, NoticeView
from gateway.http.routing import PEOPLE, Route, caller_of, json_response, person_of, read_json
from gateway.services.clocks.show_notices import MOST_SHOWN, NoticeLine, note_looked_at, show_notices
from gateway.services.ports import Parts

PAGE = 50


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    async def mine(request: web.Request) -> web.Response:
        shown = await show_notices(parts, person_of(request), caller_of(request).scope,
                                   limit=asking.whole_number(request, "limit", PAGE, most=MOST_SHOWN))
        return json_response(NoticeList(items=[notice_view(line) for line in shown.lines], unread=shown.unread))

    async def looked_at(request: web.Request) -> web.Response:
        asked = await read_json(request, NoticesReadRequest)
        await note_looked_at(parts, person_of(request), reading_id=asked.reading_id, until=asked.until)
        return await mine(request)

    return [
        Route("GET", "/api/notices", mine, "What one was told of readings in the last seven days", roles=PEOPLE,
              response=NoticeList, query=("limit",)),
        Route("POST", "/api/notices/read", looked_at, "One has looked at a notice, or at all", roles=PEOPLE,
              request=NoticesReadRequest, response=NoticeList),
    ]


def notice_view(line: NoticeLine) -> NoticeView:
    """As a screen is sent it."""
    notice = line.notice
    return NoticeView(
        id=notice.id, at=notice.at, kind=notice.kind, stage=notice.stage or "", percent=notice.percent,
        reading_id=notice.reading_id, study_id=notice.study_id, site_name=line.site_name, modality=line.modality,
        body_part=line.body_part, accession_number=line.accession_number, priority=line.priority, state=line.state,
        due_at=line.due_at, is_read=notice.read_at is not None)
