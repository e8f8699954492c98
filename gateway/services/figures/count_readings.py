"""Figures of the reading service: turnaround, load, findings, rejections and indicators, month by month (D4, D6)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from zoneinfo import ZoneInfo

from gateway.core.quality_figures import month_bounds
from gateway.core.reading_figures import Indicator, Line, Per, Tally
from gateway.services.people.groups import groups_in_force
from gateway.services.ports import Parts
from storage.interface import Transaction
from storage.model import Scope


@dataclass(frozen=True, slots=True)
class ReadingFigures:
    """Lines and indicators, and the names of what the lines are about."""

    per: Per
    months: list[str]
    lines: list[Line]
    indicators: list[Indicator]
    names: dict[str, str]


async def count_readings(parts: Parts, scope: Scope, per: Per, *, first: str, last: str) -> ReadingFigures:
    """The months from `first` to `last`, e.g. "2026-01"; "" is this month. Raises InvalidRequest("month").

    Each month is read by itself, so that a long span neither fills memory nor holds one snapshot of the store open.
    """
    zone = ZoneInfo(parts.settings.time_zone)
    now = parts.clock()
    this_month = f"{now.astimezone(zone):%Y-%m}"
    bounds = month_bounds(first or last or this_month, last or this_month, zone)
    months = [month for month, _ in bounds[:-1]]
    tally = Tally(per, zone, months, now=now)
    for (_, start), (_, end) in pairwise(bounds):
        def count(tx: Transaction, start=start, end=end) -> None:  # type: ignore[no-untyped-def]
            rejections = tx.figures.rejections_since(start)
            for reading in tx.figures.readings_between(start, end, scope):
                tally.add(reading, rejections=rejections.get(reading.study_id, 0))

        await parts.database.read(count)
    lines = tally.lines()
    names = await parts.database.read(lambda tx: _names(tx, per, [line.key for line in lines], scope))
    return ReadingFigures(per, months, lines, tally.indicators(), names)


def _names(tx: Transaction, per: Per, keys: list[str], scope: Scope) -> dict[str, str]:
    if per is Per.SITE:
        return {site.id: site.name for site in tx.sites.sites(scope)}
    if per is Per.READER:
        return dict(tx.worklists.names([key for key in keys if key]))
    if per is Per.GROUP:
        return {group.id: group.name for group in groups_in_force(tx).values()}
    return {}
