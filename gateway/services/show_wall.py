"""What the wall screen of an ECG centre shows: open ECGs and how long they have waited, never whose they are.

Emergencies are pinned first, the longest wait foremost; then come the newest, so that an ECG is on the wall as soon
as it is here, and last those whose report is out. How many wait in all, and the longest wait, are told beside it, so
that what does not fit the wall is not forgotten. An ECG that routing has not seen yet is shown as waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.core.errors import NotFound
from gateway.services.ports import Parts
from gateway.services.show_ecg import EcgShelf
from storage.interface import Transaction
from storage.interface import WallCounts as WallCounts
from storage.interface import WallLine as WallLine
from storage.model import Priority, ReadingState, Scope

MOST = 24
"""More places than any wall has."""

REPORTS_SHOWN = timedelta(hours=12)
UNROUTED_SHOWN = timedelta(minutes=10)
TRACE_S = 10.0
"""A wall shows the first ten seconds, also of a record of a day."""


class WallState(StrEnum):
    WAITING = "waiting"
    BEING_READ = "being_read"
    REPORT_OUT = "report_out"


_STATES: Mapping[ReadingState | None, WallState] = {
    None: WallState.WAITING, ReadingState.UNREAD: WallState.WAITING, ReadingState.FINAL: WallState.REPORT_OUT}


@dataclass(frozen=True, slots=True)
class ShownWall:
    now: datetime                        # the gateway's clock, by which the screen counts
    lines: list[WallLine]
    counts: WallCounts


@dataclass(frozen=True, slots=True)
class WallLead:
    name: str
    sample_count: int
    start_us: float


@dataclass(frozen=True, slots=True)
class WallTrace:
    """The beginning of a record: nothing of its header but what drawing needs."""

    interval_us: float
    leads: list[WallLead]
    samples: bytes                       # int32 little-endian nanovolts, lead after lead


async def show_wall(parts: Parts, scope: Scope, *, limit: int) -> ShownWall:
    """Return what a wall with so many places shows."""
    now = parts.clock()

    def look(tx: Transaction) -> tuple[list[WallLine], WallCounts]:
        fresh = tx.wall.unrouted(scope, since=now - UNROUTED_SHOWN, limit=MOST)
        known = tx.wall.lines(scope, finished_since=now - REPORTS_SHOWN, limit=limit)
        return ordered([*fresh, *known])[:limit], _with(tx.wall.counts(scope), fresh)

    lines, counts = await parts.database.read(look)
    return ShownWall(now, lines, counts)


def state_of(line: WallLine) -> WallState:
    """Waiting until somebody begins, then being read until the report is final."""
    return _STATES.get(line.state, WallState.BEING_READ)


def is_alarming(line: WallLine) -> bool:
    """True for an emergency that nobody has begun to read."""
    return line.priority is Priority.EMERGENCY and state_of(line) is WallState.WAITING


def ordered(lines: list[WallLine]) -> list[WallLine]:
    """The order of the wall; the same as `Wall.lines` has, over lines of both kinds."""
    def place(line: WallLine) -> tuple[int, float]:
        state, at = state_of(line), line.arrived_at.timestamp()
        if line.priority is Priority.EMERGENCY and state is not WallState.REPORT_OUT:
            return (0 if state is WallState.WAITING else 1, at)
        return (3 if state is WallState.REPORT_OUT else 2, -at)

    return sorted(lines, key=place)


def _with(counts: WallCounts, fresh: list[WallLine]) -> WallCounts:
    """The counts of the worklist, and those that are on their way there."""
    waiting_since = [at for at in (counts.oldest_waiting_at, *(line.arrived_at for line in fresh)) if at is not None]
    return replace(counts, waiting=counts.waiting + len(fresh),
                   emergencies=counts.emergencies + sum(is_alarming(line) for line in fresh),
                   oldest_waiting_at=min(waiting_since, default=None))


class WallTraces:
    """The traces, through the same shelf of decoded records as the ECG page has. One per process."""

    def __init__(self, parts: Parts) -> None:
        self._shelf = EcgShelf(parts, places=MOST)

    async def trace(self, scope: Scope, instance_id: str) -> WallTrace:
        """Raises NotFound outside the scope or where there is a page alone, Unreadable."""
        record = (await self._shelf.show(scope, instance_id)).record
        if not record.leads or record.interval_us <= 0:
            raise NotFound("This ECG has no waveform.", reason="no-waveform")

        def cut() -> WallTrace:
            most = round(TRACE_S * 1e6 / record.interval_us)
            firsts = [lead.nanovolts()[:most].astype("<i4") for lead in record.leads]
            leads = [WallLead(lead.name, len(first), lead.start_us)
                     for lead, first in zip(record.leads, firsts, strict=True)]
            return WallTrace(record.interval_us, leads, b"".join(first.tobytes() for first in firsts))

        return await asyncio.to_thread(cut)
