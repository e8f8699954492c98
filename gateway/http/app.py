"""The web edge: one aiohttp application made from the table of routes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import HttpVersion11, hdrs, web

from gateway.http import (
    admin,
    admin_watch,
    agreements,
    clinic,
    commitments,
    device_text,
    devices,
    dicomweb,
    ecg,
    ecg_analysis,
    ecg_export,
    ecg_intake,
    ecg_upload,
    events,
    figures,
    health,
    keeping,
    middlewares,
    notices,
    openapi,
    order_matches,
    orders,
    origins,
    pages,
    pulled,
    quality,
    quarantine,
    readers,
    readings,
    reports,
    roster,
    rule_editing,
    rules,
    session,
    simulations,
    studies,
    wall,
)
from gateway.http.auth import Authenticator
from gateway.http.errors import problem_response
from gateway.http.routing import Route
from gateway.services.ports import Parts

ROUTES = web.AppKey("routes", list[Route])


def create_app(parts: Parts, *, dicom_address: str = "", extra_routes: Iterable[Route] = ()) -> web.Application:
    """Build the application; the caller runs it. `extra_routes` come before the pages of the UI."""
    table = [*api_routes(parts, dicom_address=dicom_address), *extra_routes]
    table += openapi.routes(table)
    table += pages.routes(parts)
    rows: dict[web.AbstractRoute, Route] = {}
    app = web.Application(middlewares=middlewares.build(parts.settings, Authenticator(parts), rows),
                          client_max_size=middlewares.SMALL_BODY_BYTES)
    app[ROUTES] = table
    app[events.STOPPING] = asyncio.Event()
    for row in table:
        for method in (row.method, "HEAD") if row.is_public and row.method == "GET" else (row.method,):
            rows[app.router.add_route(method, row.path, row.handler, expect_handler=_expect(parts))] = row
    app.on_response_prepare.append(middlewares.note_start)
    app.on_shutdown.append(events.end_streams)
    return app


def api_routes(parts: Parts, *, dicom_address: str = "") -> list[Route]:
    """Every row but the description and the pages."""
    return [
        *session.routes(parts), *readings.routes(parts), *studies.routes(parts), *clinic.routes(parts),
        *pulled.routes(parts),
        *admin.routes(parts, dicom_address=dicom_address), *devices.routes(parts), *origins.routes(parts),
        *notices.routes(parts), *readers.routes(parts), *roster.routes(parts), *agreements.routes(parts),
        *admin_watch.routes(parts),
        *quarantine.routes(parts), *device_text.routes(parts), *events.routes(parts), *health.routes(parts),
        *keeping.routes(parts), *commitments.routes(parts),
        *reports.routes(parts), *orders.routes(parts), *order_matches.routes(parts),
        *quality.routes(parts),
        *figures.routes(parts),
        *ecg_analysis.routes(parts), *ecg.routes(parts), *ecg_export.routes(parts),
        *ecg_upload.routes(parts), *ecg_intake.routes(parts),
        *wall.routes(parts), *rules.routes(parts), *rule_editing.routes(parts), *simulations.routes(parts),
        *dicomweb.routes(parts),
    ]


def _expect(parts: Parts) -> Callable[[web.Request], Awaitable[web.StreamResponse | None]]:
    """Answer "Expect: 100-continue" before the body is sent: a body that is too large is never asked for."""
    async def answer(request: web.Request) -> web.StreamResponse | None:
        if request.headers.get(hdrs.EXPECT, "").lower() != "100-continue":
            return problem_response(417, "expectation-failed")
        limit_bytes = middlewares.body_limit_bytes(parts.settings, request.method, request.path)
        refusal = middlewares.too_large(request, limit_bytes)
        if refusal is None and request.version == HttpVersion11:
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0      # the answer itself has not begun
        return refusal

    return answer
