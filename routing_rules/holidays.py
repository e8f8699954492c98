"""Which days are public holidays in China, and which weekend days are worked for them.

Data, not rules of thumb: holidays.json holds what was announced for each year, and for years that are not announced
yet the days of the law, the moving ones as a table. An announcement also moves working days, so a year that is only
computed has no days in lieu; the alliance's own days, kept in the store, win over both. Pure.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

HOLIDAYS = ("new-year", "spring-festival", "qingming", "labour-day", "dragon-boat", "mid-autumn", "national-day")


@dataclass(frozen=True, slots=True)
class DayKind:
    """What a day is in the public calendar."""

    holiday: str                         # one of HOLIDAYS; "" if it is none
    is_workday: bool
    is_announced: bool                   # False: computed, or a year that the table does not hold


def kind_of_day(day: date) -> DayKind:
    """Return what the public calendar says of a day; a year without any data has its weekends alone."""
    holidays, workdays, is_announced = _year(day.year)
    holiday = holidays.get(day, "")
    is_workday = day in workdays or (not holiday and day.isoweekday() <= 5)
    return DayKind(holiday, is_workday, is_announced)


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(files("routing_rules").joinpath("holidays.json").read_text(encoding="utf-8"))
    return table


@cache
def _year(year: int) -> tuple[dict[date, str], frozenset[date], bool]:
    announced = _table()["announced"].get(str(year))
    if announced is not None:
        days = {day: name for name, span in announced["holidays"].items() for day in _span(span)}
        return days, frozenset(map(date.fromisoformat, announced["workdays"])), True
    moving = {name: date.fromisoformat(day) for name, day in _table()["moving"].get(str(year), {}).items()}
    days = {day: name for name, day in moving.items()}
    if "spring-festival" in moving:      # New Year's Eve and the first three days of the first month
        days |= {moving["spring-festival"] + timedelta(days=offset): "spring-festival" for offset in range(-1, 3)}
    days |= {date.fromisoformat(f"{year}-{day}"): name
             for name, fixed in _table()["fixed"].items() for day in fixed}
    return days, frozenset(), False


def _span(text: str) -> list[date]:
    first, last = (date.fromisoformat(day) for day in text.split(".."))
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
