"""UPS-RS: readings as workitems for other systems (PS3.18 section 11). docs/ups.md says what each does to a reading.

People may look; only machines change anything: a token made to "ingest" asks for readings, one made to "perform"
claims and completes them.
"""

from __future__ import annotations

import uuid

from aiohttp import web

from gateway.core.errors import InvalidRequest
from gateway.core.workitem_content import text_of
from gateway.core.workitem_query import BadQuery, shown
from gateway.core.workitems import FILTERED_SUBSCRIPTION, Refused, Status
from gateway.http.dicomweb.record_list import answer_list
from gateway.http.dicomweb.workitem_answers import (
    STATE_CONFLICT,
    UPDATE_CONFLICT,
    base_of,
    refusal,
    warning,
    warning_of,
)
from gateway.http.dicomweb.workitem_body import read_workitem
from gateway.http.dicomweb.workitem_events import Channels
from gateway.http.dicomweb.workitem_query import WorkitemSearch, filter_of
from gateway.http.errors import problem_response
from gateway.http.routing import CLINICS, READERS, Route, caller_of
from gateway.services.ports import Parts
from gateway.services.workitems.change_workitem import change_state, request_cancel, update_workitem
from gateway.services.workitems.create_workitem import create_workitem
from gateway.services.workitems.find_workitems import TooBroad, find_some, note_search, retrieve
from gateway.services.workitems.outsider import Outsider
from gateway.services.workitems.subscribe import subscribe, suspend, unsubscribe
from storage.model.workitems import Channel

_ALL = "/dicom-web/workitems"
_ONE = _ALL + "/{workitem}"
_SUBSCRIBER = _ONE + "/subscribers/{aetitle}"
_LOOKERS = READERS | CLINICS
_READ = frozenset({"read", "perform"})
_ASK = frozenset({"ingest", "perform"})
_FOLLOW = frozenset({"read", "ingest", "perform"})
_MORE = "The number of results exceeded the maximum supported by the server. Additional results can be requested."
_LITERAL = "The fuzzymatching parameter is not supported. Only literal matching has been performed."


def routes(parts: Parts) -> list[Route]:
    """The rows of the worklist service."""
    web_edge = Worklist(parts)
    channels = Channels(parts)
    return [
        Route("POST", _ALL, web_edge.create, "UPS-RS: create a workitem", token_scopes=_ASK),
        Route("GET", _ALL, web_edge.search, "UPS-RS: search for workitems", roles=_LOOKERS, token_scopes=_READ),
        Route("GET", _ONE, web_edge.retrieve, "UPS-RS: retrieve a workitem", roles=_LOOKERS, token_scopes=_READ),
        Route("POST", _ONE, web_edge.update, "UPS-RS: update a workitem", token_scopes=_ASK),
        Route("PUT", _ONE + "/state", web_edge.change_state, "UPS-RS: change the state of a workitem",
              token_scopes=frozenset({"perform"})),
        Route("POST", _ONE + "/cancelrequest", web_edge.request_cancel, "UPS-RS: request cancellation",
              token_scopes=_ASK),
        Route("POST", _SUBSCRIBER, web_edge.subscribe, "UPS-RS: subscribe", token_scopes=_FOLLOW),
        Route("DELETE", _SUBSCRIBER, web_edge.unsubscribe, "UPS-RS: unsubscribe", token_scopes=_FOLLOW),
        Route("POST", _SUBSCRIBER + "/suspend", web_edge.suspend, "UPS-RS: suspend a global subscription",
              token_scopes=_FOLLOW),
        Route("GET", "/dicom-web/subscribers/{aetitle}", channels.open, "UPS-RS: events by WebSocket",
              token_scopes=_FOLLOW),
    ]


class Worklist:
    """The handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def create(self, request: web.Request) -> web.StreamResponse:
        """POST /dicom-web/workitems"""
        who, sent = await self._caller(request), await read_workitem(request)
        uid = _named(request, "workitem", "AffectedSOPInstanceUID") or text_of(sent, "00001000") \
            or text_of(sent, "00080018") or f"2.25.{uuid.uuid4().int}"
        for tag in ("00001000", "00080018"):
            sent.pop(tag, None)
        try:
            made = await create_workitem(self._parts, who, uid, sent)
        except Refused as exc:
            return refusal(request, exc)
        return web.Response(status=201, headers={"Location": f"{base_of(request)}/workitems/{made.item.uid}",
                                                 **warning_of(request, made.status)})

    async def search(self, request: web.Request) -> web.StreamResponse:
        """GET /dicom-web/workitems"""
        who, asked = await self._caller(request), WorkitemSearch(request)
        try:
            found, is_more = await find_some(self._parts, who, asked.keys, offset=asked.offset, limit=asked.limit,
                                             base_url=base_of(request))
        except BadQuery as exc:
            raise InvalidRequest(str(exc), reason="query") from exc
        except TooBroad:
            return problem_response(413, "too-broad", "Too many workitems: narrow the search, for example by state.")
        await note_search(self._parts, who, answered=len(found), via="UPS-RS")
        texts = [*([_MORE] if is_more and asked.is_cut else []), *([_LITERAL] if asked.is_fuzzy else [])]
        said = {"Warning": ", ".join(warning(request, text)["Warning"] for text in texts)} if texts else {}
        records = [shown(record, asked.keys, asked.include) for record in found]
        return await answer_list(request, records, headers=said)

    async def retrieve(self, request: web.Request) -> web.StreamResponse:
        """GET /dicom-web/workitems/{workitem}"""
        try:
            record = await retrieve(self._parts, await self._caller(request), request.match_info["workitem"],
                                    base_url=base_of(request))
        except Refused as exc:
            return refusal(request, exc)
        return await answer_list(request, [record])

    async def update(self, request: web.Request) -> web.StreamResponse:
        """POST /dicom-web/workitems/{workitem}"""
        who, sent = await self._caller(request), await read_workitem(request)
        given = _named(request, "transaction-uid", "transaction") or text_of(sent, "00081195")
        try:
            done = await update_workitem(self._parts, who, request.match_info["workitem"], sent,
                                         transaction_uid=given)
        except Refused as exc:
            return refusal(request, exc, conflict=UPDATE_CONFLICT, has_transaction_uid=bool(given),
                           final_is_bad_request=True)
        return web.Response(status=200, headers={
            "Content-Location": f"{base_of(request)}/workitems/{done.item.uid}", **warning_of(request, done.status)})

    async def change_state(self, request: web.Request) -> web.StreamResponse:
        """PUT /dicom-web/workitems/{workitem}/state"""
        who, sent = await self._caller(request, is_performer=True), await read_workitem(request)
        wanted, given = text_of(sent, "00741000"), text_of(sent, "00081195")
        if not wanted:
            return refusal(request, Refused(Status.MISSING_ATTRIBUTE, "Procedure Step State is missing."))
        try:
            done = await change_state(self._parts, who, request.match_info["workitem"], wanted=wanted,
                                      transaction_uid=given)
        except Refused as exc:
            return refusal(request, exc, conflict=STATE_CONFLICT, has_transaction_uid=bool(given))
        return web.Response(status=200, headers=warning_of(request, done.status))

    async def request_cancel(self, request: web.Request) -> web.StreamResponse:
        """POST /dicom-web/workitems/{workitem}/cancelrequest"""
        who, told = await self._caller(request), await read_workitem(request, may_be_empty=True)
        try:
            done = await request_cancel(self._parts, who, request.match_info["workitem"], told)
        except Refused as exc:
            return refusal(request, exc, conflict=STATE_CONFLICT)
        return web.Response(status=202, headers=warning_of(request, done.status))

    async def subscribe(self, request: web.Request) -> web.StreamResponse:
        """POST /dicom-web/workitems/{workitem}/subscribers/{aetitle}"""
        uid, ae_title = request.match_info["workitem"], request.match_info["aetitle"]
        lock = request.query.get("deletionlock", "false").lower()
        if lock not in ("true", "false"):
            raise InvalidRequest("deletionlock is true or false.", reason="query")
        try:
            keys = filter_of(request) if uid == FILTERED_SUBSCRIPTION else []
            await subscribe(self._parts, await self._caller(request), uid, ae_title, has_lock=lock == "true",
                            keys=keys)
        except Refused as exc:
            return refusal(request, exc)
        channel = str(request.url.origin()).replace("http", "ws", 1)
        return web.Response(status=201, headers={"Content-Location": f"{channel}/dicom-web/subscribers/{ae_title}"})

    async def unsubscribe(self, request: web.Request) -> web.StreamResponse:
        """DELETE /dicom-web/workitems/{workitem}/subscribers/{aetitle}"""
        try:
            await unsubscribe(self._parts, await self._caller(request), request.match_info["workitem"],
                              request.match_info["aetitle"])
        except Refused as exc:
            return refusal(request, exc)
        return web.Response(status=200)

    async def suspend(self, request: web.Request) -> web.StreamResponse:
        """POST /dicom-web/workitems/{workitem}/subscribers/{aetitle}/suspend"""
        try:
            await suspend(self._parts, await self._caller(request), request.match_info["workitem"],
                          request.match_info["aetitle"])
        except Refused as exc:
            return refusal(request, exc)
        return web.Response(status=200)

    async def _caller(self, request: web.Request, *, is_performer: bool = False) -> Outsider:
        """Who asks; a machine goes by the name that its token was given."""
        caller = caller_of(request)
        name = caller.actor
        if caller.token_site_id is not None:
            token_id = caller.actor.removeprefix("token:")
            tokens = await self._parts.database.read(lambda tx: tx.users.tokens())
            name = next((one["name"] for one in tokens if one["id"] == token_id and one["name"]), caller.actor)
        return Outsider(caller.actor, caller.actor, name, caller.address, caller.token_site_id or "", Channel.WEB,
                        scope=caller.scope, is_performer=is_performer)


def _named(request: web.Request, *names: str) -> str:
    """A UID of the query string: by one of these names, or alone, as the templates of section 11 write it."""
    for name in names:
        if name in request.query:
            return request.query[name].strip()
    text = request.query_string
    return text if text and set(text) <= set("0123456789.") else ""
