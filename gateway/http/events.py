"""Live lists: server-sent events that say what changed, by id alone, to those who may see it.

A stream never carries patient data; the screen asks the API again, which checks the scope once more.
"""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web

from gateway.core.errors import GatewayError
from gateway.http.auth import Authenticator
from gateway.http.messages import LiveEvent
from gateway.http.routing import PEOPLE, Route, caller_of
from gateway.services.event_bus import RESYNC, EventBus
from gateway.services.ports import Event, Parts
from storage.model import Scope

HEARTBEAT_S = 15.0
STOPPING = web.AppKey("stopping", asyncio.Event)


def routes(parts: Parts, *, heartbeat_s: float = HEARTBEAT_S) -> list[Route]:
    """The rows of this file."""
    authenticator = Authenticator(parts)

    async def stream(request: web.Request) -> web.StreamResponse:
        bus = parts.events
        if not isinstance(bus, EventBus):
            raise GatewayError("This process publishes no events.", reason="no-events")
        scope = caller_of(request).scope
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store",
                                               "X-Accel-Buffering": "no"})
        async with bus.subscribe() as events:
            await response.prepare(request)
            stopping = asyncio.create_task(request.app[STOPPING].wait())
            waiting = asyncio.create_task(events.get())
            try:
                await response.write(b"retry: 2000\n\n")
                while not stopping.done():
                    await asyncio.wait({waiting, stopping}, timeout=heartbeat_s,
                                       return_when=asyncio.FIRST_COMPLETED)
                    if waiting.done():
                        message = encoded(waiting.result(), scope)
                        waiting = asyncio.create_task(events.get())
                        if message:
                            await response.write(message)
                    elif not stopping.done():
                        if await authenticator.person(request) is None:
                            break                    # logged out or timed out elsewhere
                        await response.write(b": still here\n\n")
            except ConnectionResetError:
                pass                                 # the screen was closed
            finally:
                stopping.cancel()
                waiting.cancel()
        return response

    return [Route("GET", "/api/events", stream, "What changed, as server-sent events", roles=PEOPLE,
                  response=LiveEvent)]


def encoded(event: Event, scope: Scope) -> bytes | None:
    """One event as sent, or None if it is about a site outside the scope."""
    if event.kind != RESYNC and not scope.allows(event.site_id):
        return None
    message = LiveEvent(event.kind, event.site_id, event.study_id, event.reading_id)
    return b"event: change\ndata: " + msgspec.json.encode(message) + b"\n\n"


async def end_streams(app: web.Application) -> None:
    """Signal of the app's shutdown: streams end by themselves, so that stopping need not wait for them."""
    app[STOPPING].set()
