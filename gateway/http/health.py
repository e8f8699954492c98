"""Is the gateway alive, can it accept and store, and how is it doing: for watchdogs and for Prometheus."""

from __future__ import annotations

from aiohttp import web

from gateway.http.routing import Route, json_response
from gateway.observability.metrics import CONTENT_TYPE, exposition
from gateway.services.check_readiness import Probe
from gateway.services.ports import Parts


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    probe = Probe(parts)

    async def healthz(request: web.Request) -> web.StreamResponse:
        return json_response({"status": "ok"})

    async def readyz(request: web.Request) -> web.StreamResponse:
        found = await probe.ask()
        return json_response({"status": "ok" if found.is_ready else "not-ready", "problems": found.problems},
                             status=200 if found.is_ready else 503)

    async def metrics(request: web.Request) -> web.StreamResponse:
        return web.Response(body=exposition(), headers={"Content-Type": CONTENT_TYPE})

    return [
        Route("GET", "/healthz", healthz, "Alive", is_public=True),
        Route("GET", "/readyz", readyz, "Can accept and store", is_public=True),
        Route("GET", "/metrics", metrics, "Numbers for Prometheus", is_public=True),
    ]
