"""Simulations of a draft: begun, looked at, cancelled. They run in a process of their own."""

from __future__ import annotations

import msgspec
from aiohttp import web

from gateway.http.messages import rules as m
from gateway.http.routing import Route, json_response, read_json
from gateway.http.rules import author_of, row
from gateway.services.ports import Parts
from gateway.services.rules.simulations import Asked


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    async def begin(request: web.Request) -> web.StreamResponse:
        author, asked = author_of(request), await read_json(request, m.SimulateRulesRequest)
        begun = await parts.simulations.start(parts, asked.source, days=asked.days, against=asked.against,
                                              by=author.actor)
        return json_response(m.SimulationStarted(begun.id), status=202)

    async def list_all(request: web.Request) -> web.StreamResponse:
        author_of(request)
        return json_response([_view(asked, is_whole=False) for asked in parts.simulations.list()])

    async def show(request: web.Request) -> web.StreamResponse:
        author_of(request)
        return json_response(_view(parts.simulations.get(request.match_info["simulation_id"])))

    async def cancel(request: web.Request) -> web.StreamResponse:
        author_of(request)
        await parts.simulations.cancel(request.match_info["simulation_id"])
        return web.Response(status=204)

    one = "simulations/{simulation_id}"
    return [
        row("POST", "simulations", begin, "Replay the arrivals of some days against a draft",
            request=m.SimulateRulesRequest, response=m.SimulationStarted),
        row("GET", "simulations", list_all, "The last simulations, without their results",
            response=list[m.SimulationView]),
        row("GET", one, show, "How far a simulation is, and what came out", response=m.SimulationView),
        row("DELETE", one, cancel, "End a simulation"),
    ]


def _view(asked: Asked, *, is_whole: bool = True) -> m.SimulationView:
    result = msgspec.convert(asked.result, m.SimulationResult) if is_whole and asked.result is not None else None
    return m.SimulationView(asked.id, asked.state, asked.done, asked.total, asked.days, asked.against, asked.at,
                            asked.error, result)
