"""The readers' worklist: what waits for an opinion, films and ECGs alike, in the order in which it should be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from gateway.services.clocks.show_clocks import ShownClock, shown_clocks
from gateway.services.ports import Parts
from storage.interface import ReadingFilter as ReadingFilter
from storage.interface import ReadingLine as ReadingLine
from storage.interface import StudyLine as StudyLine
from storage.interface import Transaction
from storage.model import ReadingState, Scope

FINISHED_SHOWN_DAYS = 30
"""Finished readings older than that are found by Patient ID or accession number alone."""


@dataclass(frozen=True, slots=True)
class ReadingPage:
    lines: list[ReadingLine]
    total: int
    counts: dict[ReadingState, int]      # without the filter by state
    clocks: dict[str, list[ShownClock]] = field(default_factory=dict)    # by reading


async def list_readings(parts: Parts, scope: Scope, asked: ReadingFilter, *, limit: int, offset: int) -> ReadingPage:
    """Return one page of what the scope may see."""
    now = parts.clock()
    since = now - timedelta(days=FINISHED_SHOWN_DAYS)

    def look_up(tx: Transaction) -> ReadingPage:
        lines, counts = tx.worklists.readings(scope, asked, since=since, now=now, limit=limit, offset=offset)
        total = sum(count for state, count in counts.items() if not asked.states or state in asked.states)
        return ReadingPage(lines, total, counts, shown_clocks(tx, [line.reading.id for line in lines], now=now))

    return await parts.database.read(look_up)
