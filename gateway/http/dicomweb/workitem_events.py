"""Workitem events by WebSocket (PS3.18 8.10.4, 8.10.5, 11.13): what waits for a subscriber, as DICOM JSON.

The events are rows, so it does not matter which process of the gateway caused one: the process that holds the channel
looks when something happens in it, and each second. What was sent is forgotten; while no channel is open it waits.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

import msgspec
from aiohttp import WSCloseCode, web

from gateway.core.workitems import UPS_EVENT
from gateway.http.errors import problem_response
from gateway.http.events import STOPPING
from gateway.http.routing import caller_of
from gateway.services.event_bus import EventBus
from gateway.services.ports import Parts
from gateway.services.workitems.outsider import owner_by_web
from gateway.services.workitems.tell_subscriber import take_events, were_told
from storage.model.workitems import WorkitemEvent

POLL_S = 1.0
_HEARTBEAT_S = 30.0
_LOOK_AGAIN_S = 15.0                     # whether the token still counts
_SAYS_NOTHING_HERE = frozenset({"arrival", "delivery", "knock"})


class Channels:
    """The handler of the event channel."""

    def __init__(self, parts: Parts, *, poll_s: float = POLL_S) -> None:
        self._parts = parts
        self._poll_s = poll_s

    async def open(self, request: web.Request) -> web.StreamResponse:
        """GET /dicom-web/subscribers/{aetitle}: also before the first subscription; another's title is unknown."""
        caller = caller_of(request)
        ae_title, owner = request.match_info["aetitle"].strip(), owner_by_web(caller.token_site_id or "")
        known = await self._parts.database.read(lambda tx: tx.workitems.subscriber(ae_title))
        if known is not None and known.owner != owner:
            return problem_response(404, "not-found", "There is no such subscriber.")
        channel = web.WebSocketResponse(heartbeat=_HEARTBEAT_S, max_msg_size=1 << 16)
        if not channel.can_prepare(request).ok:
            return problem_response(426, "upgrade-required", "Events are given by WebSocket.",
                                    headers={"Upgrade": "websocket"})
        await channel.prepare(request)
        ends = [asyncio.create_task(one) for one in (
            request.app[STOPPING].wait(), _until_closed(channel),
            self._until_switched_off(caller.actor.removeprefix("token:")))]
        try:
            await self._tell(channel, ae_title, owner, ends)
        except ConnectionResetError:
            pass                             # the subscriber left; what was not sent waits for it
        finally:
            for task in ends:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, ConnectionResetError):
                    await task
            await channel.close(code=WSCloseCode.GOING_AWAY)
        return channel

    async def _until_switched_off(self, token_id: str) -> None:
        is_enabled = True
        while is_enabled:
            tokens = await self._parts.database.read(lambda tx: tx.users.tokens())
            is_enabled = any(one["id"] == token_id and one["state"] == "enabled" for one in tokens)
            await asyncio.sleep(_LOOK_AGAIN_S if is_enabled else 0)

    async def _tell(self, channel: web.WebSocketResponse, ae_title: str, owner: str,
                    ends: Sequence[asyncio.Task[Any]]) -> None:
        number = 0
        async with self._listening() as news:
            while not any(task.done() for task in ends):
                waiting = await take_events(self._parts, ae_title, owner=owner)
                for event in waiting.events if waiting else ():
                    number = number % 0xFFFF + 1
                    await channel.send_str(msgspec.json.encode(as_message(event, number)).decode())
                    await were_told(self._parts, [event.id])
                if not (waiting and waiting.events):
                    pause = asyncio.create_task(news())
                    await asyncio.wait({pause, *ends}, timeout=self._poll_s, return_when=asyncio.FIRST_COMPLETED)
                    pause.cancel()

    @contextlib.asynccontextmanager
    async def _listening(self) -> AsyncIterator[Callable[[], Coroutine[Any, Any, None]]]:
        bus = self._parts.events
        if not isinstance(bus, EventBus):
            yield lambda: asyncio.sleep(self._poll_s)
            return
        async with bus.subscribe() as events:
            async def news() -> None:
                while (await events.get()).kind in _SAYS_NOTHING_HERE:
                    pass

            yield news


def as_message(event: WorkitemEvent, number: int) -> dict[str, Any]:
    """One Send Event Report payload."""
    return {"00000002": {"vr": "UI", "Value": [UPS_EVENT]}, "00000110": {"vr": "US", "Value": [number]},
            "00001000": {"vr": "UI", "Value": [event.workitem_uid]},
            "00001002": {"vr": "US", "Value": [int(event.kind)]}, **event.information}


async def _until_closed(channel: web.WebSocketResponse) -> None:
    async for _ in channel:
        pass                                 # a subscriber has nothing to say
