"""Is the gateway alive, can it accept and store, and how is it doing: for watchdogs and for Prometheus."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from gateway.http.routing import Route, json_response
from gateway.observability.metrics import CONTENT_TYPE, exposition
from gateway.services.ports import Parts
from storage.errors import StorageError
from storage.interface import Transaction

PROBE_VALID_S = 1.0
"""Answers are reused for so long: whoever asks often must not make us write often."""


@dataclass(frozen=True, slots=True)
class Readiness:
    is_ready: bool
    problems: tuple[str, ...]            # machine words


class Probe:
    """Finds out by doing: a job is put in and taken out again in one commit."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = asyncio.Lock()
        self._last: tuple[float, Readiness] | None = None

    async def ask(self) -> Readiness:
        async with self._lock:
            if self._last is None or time.monotonic() - self._last[0] > PROBE_VALID_S:
                self._last = time.monotonic(), await self._try()
            return self._last[1]

    async def _try(self) -> Readiness:
        problems = []
        try:
            await self._parts.database.write(self._write)
        except StorageError:
            problems.append("database")
        try:
            free_bytes = await asyncio.to_thread(self._parts.objects.free_bytes)
            if free_bytes is not None and free_bytes < self._parts.settings.reserve_bytes:
                problems.append("storage-full")
        except (StorageError, OSError):
            problems.append("objects")
        return Readiness(not problems, tuple(problems))

    def _write(self, tx: Transaction) -> None:
        due = self._parts.clock() + timedelta(days=1)
        tx.jobs.postpone("readiness", self._parts.node, due=due)
        tx.jobs.cancel(f"readiness:{self._parts.node}")


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
