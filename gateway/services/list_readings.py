"""The readers' worklist: what waits for an opinion, films and ECGs alike, in the order in which it should be read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from gateway.services.ports import Parts
from storage.interface import ReadingFilter as ReadingFilter
from storage.interface import ReadingLine as ReadingLine
from storage.interface import StudyLine as StudyLine
from storage.model import ReadingState, Scope

FINISHED_SHOWN_DAYS = 30
"""Finished readings older than that are found by Patient ID or accession number alone."""


@dataclass(frozen=True, slots=True)
class ReadingPage:
    lines: list[ReadingLine]
    total: int
    counts: dict[ReadingState, int]      # without the filter by state


async def list_readings(parts: Parts, scope: Scope, asked: ReadingFilter, *, limit: int, offset: int) -> ReadingPage:
    """Return one page of what the scope may see."""
    since = parts.clock() - timedelta(days=FINISHED_SHOWN_DAYS)
    lines, counts = await parts.database.read(
        lambda tx: tx.worklists.readings(scope, asked, since=since, limit=limit, offset=offset))
    total = sum(count for state, count in counts.items() if not asked.states or state in asked.states)
    return ReadingPage(lines, total, counts)
