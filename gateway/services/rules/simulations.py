"""Simulations asked for on the page: each in a process of its own, one at a time, so that receiving never waits.

A simulation computes for seconds and would hold the interpreter's lock of the gateway. The child opens the store for
reading only, tells its progress line by line, and runs at a low priority. Results are kept for a while, in memory:
whoever needs one longer takes it as JSON. A cancelled or lost child is the end of one simulation and of nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from gateway.core.errors import InvalidRequest, NotFound, NotNow
from gateway.services.rules.refused import RulesRefused
from gateway.services.rules.simulate import AGAINST, DECIDED
from gateway.settings import Settings
from routing_rules.model import InvalidRules
from routing_rules.parse import parse
from storage.model import new_id

WORKER = "gateway.cli.simulation_worker"
MOST_WAITING = 4
MOST_KEPT = 20
MOST_DAYS = 366
KEPT_FOR = timedelta(hours=2)
LONGEST_S = 900.0
_LONGEST_LINE_BYTES = 64 << 20

WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"


@dataclass(slots=True)
class Asked:
    """One simulation and how far it is."""

    id: str
    at: datetime
    by: str
    days: int
    against: str
    state: str = WAITING
    done: int = 0
    total: int = 0
    error: str = ""
    result: dict[str, Any] | None = None

    @property
    def is_open(self) -> bool:
        return self.state in (WAITING, RUNNING)


class Asker(Protocol):
    """What a simulation takes from the gateway that asks for it."""

    @property
    def settings(self) -> Settings:
        """Where its store is."""

    @property
    def clock(self) -> Callable[[], datetime]:
        """Up to when it has arrivals."""


class Simulations:
    """Owns the tasks and the child processes."""

    def __init__(self) -> None:
        self._asked: dict[str, Asked] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turn: asyncio.Lock | None = None

    async def start(self, asker: Asker, source: str, *, days: int, by: str, against: str = DECIDED) -> Asked:
        """Begin one; it is waiting or running when this returns. Raises RulesRefused, InvalidRequest, NotNow."""
        if not 1 <= days <= MOST_DAYS:
            raise InvalidRequest(f"days: 1 to {MOST_DAYS} are meant.")
        if against not in AGAINST:
            raise InvalidRequest(f"against: one of {', '.join(AGAINST)} is meant.")
        try:
            await asyncio.to_thread(parse, source)
        except InvalidRules as exc:
            raise RulesRefused(exc.problems) from exc
        if sum(asked.is_open for asked in self._asked.values()) > MOST_WAITING:
            raise NotNow("Enough simulations are waiting. Wait for one, or cancel it.", reason="too-many")
        self._forget(asker.clock())
        asked = Asked(new_id(), asker.clock(), by, days, against)
        self._asked[asked.id] = asked
        task = asyncio.create_task(self._run(asker, asked, source), name=f"simulation {asked.id}")
        self._tasks[asked.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(asked.id, None))
        return asked

    def get(self, simulation_id: str) -> Asked:
        """Raises NotFound, also for one that was kept long enough."""
        asked = self._asked.get(simulation_id)
        if asked is None:
            raise NotFound("There is no such simulation.")
        return asked

    def list(self) -> list[Asked]:
        """Newest first."""
        return list(self._asked.values())[::-1]

    async def cancel(self, simulation_id: str) -> Asked:
        """End it, if it has not ended; its process is gone when this returns. Raises NotFound."""
        asked = self.get(simulation_id)
        task = self._tasks.get(simulation_id)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        if asked.is_open:
            asked.state = CANCELLED
        return asked

    async def stop(self) -> None:
        """Cancel them all."""
        for simulation_id in list(self._tasks):
            await self.cancel(simulation_id)

    async def wait(self, simulation_id: str) -> Asked:
        """Return it when it has ended."""
        asked = self.get(simulation_id)
        task = self._tasks.get(simulation_id)
        if task is not None:
            await asyncio.wait([task])
        return asked

    async def _run(self, asker: Asker, asked: Asked, source: str) -> None:
        if self._turn is None:
            self._turn = asyncio.Lock()
        try:
            async with self._turn:
                asked.state = RUNNING
                async with asyncio.timeout(LONGEST_S):
                    await self._ask_child(asked, _job(asker, asked, source))
        except TimeoutError:
            asked.state, asked.error = FAILED, f"It took longer than {LONGEST_S:.0f} s."
        except OSError as exc:
            asked.state, asked.error = FAILED, f"Its process could not be started ({type(exc).__name__})."
        except asyncio.CancelledError:
            asked.state = CANCELLED
            raise

    async def _ask_child(self, asked: Asked, job: bytes) -> None:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", WORKER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL, start_new_session=True, limit=_LONGEST_LINE_BYTES)
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            with contextlib.suppress(ConnectionError):      # it died at once: what it said is read below
                child.stdin.write(job)
                await child.stdin.drain()
                child.stdin.close()
            async for line in child.stdout:
                _book(asked, json.loads(line))
            await child.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
        if asked.is_open:
            asked.state, asked.error = FAILED, "Its process ended without a result."

    def _forget(self, now: datetime) -> None:
        ended = [asked for asked in self._asked.values() if not asked.is_open]
        for number, asked in enumerate(reversed(ended)):
            if number >= MOST_KEPT - 1 or now - asked.at > KEPT_FOR:
                del self._asked[asked.id]


def _job(asker: Asker, asked: Asked, source: str) -> bytes:
    settings, until = asker.settings, asker.clock()
    return json.dumps({
        "data_dir": str(settings.data_dir), "database_url": settings.database_url, "zone": settings.time_zone,
        "source": source, "since": (until - timedelta(days=asked.days)).isoformat(), "until": until.isoformat(),
        "against": asked.against}).encode()


def _book(asked: Asked, told: dict[str, Any]) -> None:
    if "done" in told:
        asked.done, asked.total = told["done"], told["total"]
    elif "result" in told:
        asked.result, asked.state = told["result"], DONE
        asked.done = asked.total = told["result"]["studies"] + told["result"]["unreadable"]
    else:
        asked.state, asked.error = FAILED, str(told.get("error", ""))
