"""Can the gateway accept and store now? Finds out by doing."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta

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
    """A job is put in and taken out again in one commit, and the free space is looked at."""

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
            is_full = free_bytes is not None and free_bytes < self._parts.settings.reserve_bytes
            if is_full or self._parts.space.is_over_quota:
                problems.append("storage-full")
        except (StorageError, OSError):
            problems.append("objects")
        return Readiness(not problems, tuple(problems))

    def _write(self, tx: Transaction) -> None:
        due = self._parts.clock() + timedelta(days=1)
        tx.jobs.postpone("readiness", self._parts.node, due=due)
        tx.jobs.cancel(f"readiness:{self._parts.node}")
