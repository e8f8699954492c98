"""Bodies of the figures of reading."""

from __future__ import annotations

import msgspec


class StageFigures(msgspec.Struct, frozen=True):
    """How long a stage took, in seconds, and how often it took longer than it may."""

    count: int                           # of which the time is known
    median_s: float | None
    p90_s: float | None
    counted: int                         # those of which a breach could be told
    breaches: int


class ReadingFigureLine(msgspec.Struct, frozen=True):
    """One site, reader, modality or duty group in one month, or in all of them."""

    key: str
    name: str                            # "" where it is not known
    month: str                           # "" for the whole span
    studies: int
    signed: int
    still_open: int
    returned: int
    reviewed: int
    judged: int
    positive: int
    positive_rate: float | None
    critical: int
    rejections: int
    stages: dict[str, StageFigures]
    hours: list[int]                     # studies complete, by the hour of the day
    signed_hours: list[int]


class IndicatorView(msgspec.Struct, frozen=True):
    """One indicator in one month."""

    code: str
    month: str
    numerator: int
    denominator: int | None              # None: a count
    value: float | None


class ReadingFiguresView(msgspec.Struct, frozen=True):
    per: str
    months: list[str]
    lines: list[ReadingFigureLine]
    totals: list[ReadingFigureLine]      # each subject over the whole span
    total: ReadingFigureLine             # everything
    by_month: list[ReadingFigureLine]    # everything, month by month
    indicators: list[IndicatorView]
