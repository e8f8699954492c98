"""The wall screen of an ECG centre: its list and its traces, for people who may read; read-only, without identities.

A machine's token opens neither: one of scope "read" also opens the identities behind these ECGs (DICOMweb, the ECG's
header), and would lie in a browser on a public wall.
"""

from __future__ import annotations

import struct

import msgspec
from aiohttp import web

from gateway.http import asking
from gateway.http.messages.wall import WallHint, WallItem, WallLeadView, WallTraceHeader, WallView
from gateway.http.routing import ADMINS, READERS, Route, caller_of, json_response
from gateway.services.ports import Parts
from gateway.services.show_wall import MOST, WallLine, WallTraces, is_alarming, show_wall, state_of
from storage.model import Scope

_SAMPLE_BYTES = 4


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    traces = WallTraces(parts)

    def scope_of(request: web.Request) -> Scope:
        return caller_of(request).scope

    async def show(request: web.Request) -> web.StreamResponse:
        limit = asking.whole_number(request, "limit", MOST, most=MOST)
        shown = await show_wall(parts, scope_of(request), limit=limit)
        counts = shown.counts
        return json_response(WallView(
            now=shown.now, items=[_item(line) for line in shown.lines], waiting=counts.waiting,
            emergencies=counts.emergencies, being_read=counts.being_read,
            oldest_waiting_at=counts.oldest_waiting_at))

    async def trace(request: web.Request) -> web.StreamResponse:
        found = await traces.trace(scope_of(request), request.match_info["instance_id"])
        header = msgspec.json.encode(WallTraceHeader(found.interval_us, [
            WallLeadView(lead.name, lead.sample_count, lead.start_us) for lead in found.leads]))
        header += b" " * (-len(header) % _SAMPLE_BYTES)
        return web.Response(body=struct.pack("<I", len(header)) + header + found.samples,
                            content_type="application/octet-stream", headers={"Cache-Control": "private, no-store"})

    return [
        Route("GET", "/api/wall", show, "What hangs on the wall of the ECG centre; tells nobody's identity",
              roles=READERS | ADMINS, response=WallView, query=("limit",)),
        Route("GET", "/api/wall/traces/{instance_id}", trace,
              "The first ten seconds of an ECG: uint32 length of a JSON header, the header, int32 nanovolts, all "
              "little-endian, lead after lead; tells nobody's identity", roles=READERS | ADMINS),
    ]


def _item(line: WallLine) -> WallItem:
    raising = [hint for hint in line.hints if hint["raises_to"]]
    return WallItem(
        study_id=line.study_id, site_name=line.site_name, arrived_at=line.arrived_at, priority=line.priority,
        state=state_of(line), is_alarming=is_alarming(line), is_raised_by_hint=bool(raising),
        # Numbers alone: the words of a cart may hold anything.
        hints=[WallHint(hint["measure"], hint["value"], hint["unit"], hint["level"], hint["source"])
               for hint in raising if hint["measure"] and hint["value"] is not None],
        instance_id=line.instance_id)
