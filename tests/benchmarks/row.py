"""One line of the benchmark table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    value: float
    unit: str
    goal: str = ""
    peer: str = ""
    ratio: float | None = None


def as_json(row: Row) -> dict[str, Any]:
    return asdict(row)


def median_seconds(work: Callable[[], object], *, times: int = 20, warm_up: int = 1) -> float:
    """Median wall time of one call, seconds."""
    for _ in range(warm_up):
        work()
    taken = []
    for _ in range(times):
        start = perf_counter()
        work()
        taken.append(perf_counter() - start)
    return median(taken)
