"""Turnaround, load, findings and rejections by site, reader, modality or duty group, month by month (D4, D6). Pure.

A reading counts in the month in which its study was complete. The time of a stage is what its last clock says:
from its start until it was met; a breach is a stage met after its time, or not met although that is over. A rate is
None where nothing was counted: no number is made of nothing.

Indicators carry the names of those who ask for them. RQI: 放射影像专业医疗质量控制指标 (2024), RRC-02 and RCV-04;
USQI: 超声诊断专业医疗质量控制指标 (2022), US-CV-01 and US-TL-01; N121: 国卫办基层函〔2025〕121号, remote diagnoses
counted. What they mean by notice is here the clinic's opening of the report, the only moment that the gateway sees.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from storage.model import Priority, ReadingState
from storage.model.clocks import Stage
from storage.model.figures import CountedReading, StageTimes

_OPEN_STATES = frozenset({ReadingState.UNREAD, ReadingState.IN_PROGRESS, ReadingState.REJECTED,
                          ReadingState.AWAITING_REVIEW, ReadingState.IN_REVIEW})
_EMERGENCY_REPORT = timedelta(hours=2)
_CRITICAL_NOTICE = timedelta(minutes=10)
_INPATIENT_ULTRASOUND = timedelta(hours=48)


class Per(StrEnum):
    """What a line of the table is about."""

    SITE = "site"
    READER = "reader"
    MODALITY = "modality"
    GROUP = "group"


@dataclass(slots=True)
class StageSum:
    """The times of one stage."""

    seconds: array[float] = field(default_factory=lambda: array("d"))
    breaches: int = 0
    counted: int = 0                     # met, or late and not met: those of whom a breach can be told

    def quantile_s(self, share: float) -> float | None:
        """The time that this share of the readings did not exceed, in seconds, between neighbours a straight line."""
        if not self.seconds:
            return None
        ordered = sorted(self.seconds)
        place = share * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


@dataclass(slots=True)
class Line:
    """One subject in one month."""

    key: str
    month: str                           # "2026-11"
    studies: int = 0
    signed: int = 0
    still_open: int = 0
    returned: int = 0                    # sent back, declined or withdrawn
    reviewed: int = 0                    # by this reader, of what others wrote
    judged: int = 0                      # signed, and said to be positive or negative
    positive: int = 0
    critical: int = 0
    rejections: int = 0                  # of reports, by the reviewer
    stages: dict[Stage, StageSum] = field(default_factory=dict)
    hours: list[int] = field(default_factory=lambda: [0] * 24)        # readings that came, by the hour of the day
    signed_hours: list[int] = field(default_factory=lambda: [0] * 24)

    @property
    def positive_rate(self) -> float | None:
        """Positive ÷ judged."""
        return self.positive / self.judged if self.judged else None


def merged(lines: Iterable[Line], *, key: str, month: str) -> Line:
    """One line of several: of all months, or of all subjects."""
    whole = Line(key, month)
    for line in lines:
        for name in _COUNTS_OF_A_LINE:
            setattr(whole, name, getattr(whole, name) + getattr(line, name))
        for stage, part in line.stages.items():
            total = whole.stages.setdefault(stage, StageSum())
            total.seconds.extend(part.seconds)
            total.breaches += part.breaches
            total.counted += part.counted
        whole.hours = [a + b for a, b in zip(whole.hours, line.hours, strict=True)]
        whole.signed_hours = [a + b for a, b in zip(whole.signed_hours, line.signed_hours, strict=True)]
    return whole


_COUNTS_OF_A_LINE = ("studies", "signed", "still_open", "returned", "reviewed", "judged", "positive", "critical",
                     "rejections")


@dataclass(slots=True)
class Indicator:
    """Numerator and denominator of one month; without a denominator a count."""

    code: str
    month: str
    numerator: int = 0
    denominator: int | None = None

    @property
    def value(self) -> float | None:
        """The rate, or the count itself."""
        if self.denominator is None:
            return float(self.numerator)
        return self.numerator / self.denominator if self.denominator else None


class Tally:
    """Readings are added one after another; lines and indicators come out in order."""

    def __init__(self, per: Per, zone: ZoneInfo, months: Iterable[str], *, now: datetime) -> None:
        self._per, self._zone, self._now = per, zone, now
        self._lines: dict[tuple[str, str], Line] = {}
        self._months = tuple(months)
        self._indicators = {(code, month): Indicator(code, month, denominator=None if code in COUNTS else 0)
                            for code in INDICATORS for month in self._months}

    def add(self, reading: CountedReading, *, rejections: int) -> None:
        """Count one reading, and how often its report was given back."""
        month = f"{reading.completed_at.astimezone(self._zone):%Y-%m}"
        line = self._line(_SUBJECT[self._per](reading), month)
        line.studies += 1
        line.still_open += reading.state in _OPEN_STATES
        line.returned += reading.state not in _OPEN_STATES and reading.state is not ReadingState.FINAL
        line.hours[reading.completed_at.astimezone(self._zone).hour] += 1
        line.rejections += rejections
        if reading.signed_at is not None:
            line.signed += 1
            line.critical += reading.is_critical
            line.judged += reading.is_positive is not None
            line.positive += bool(reading.is_positive)
            line.signed_hours[reading.signed_at.astimezone(self._zone).hour] += 1
        for stage, times in reading.clocks.items():
            _add_stage(line.stages.setdefault(stage, StageSum()), times, self._now)
        if self._per is Per.READER and reading.signed_by not in (None, reading.writer_id):
            self._line(reading.signed_by or "", month).reviewed += 1
        for code in INDICATORS:
            _INDICATE[code](self._indicators[code, month], reading, self._now)

    def lines(self) -> list[Line]:
        """By subject, then month."""
        return [self._lines[key] for key in sorted(self._lines)]

    def indicators(self) -> list[Indicator]:
        """By name, then month."""
        return [self._indicators[code, month] for code in INDICATORS for month in self._months]

    def _line(self, key: str, month: str) -> Line:
        return self._lines.setdefault((key, month), Line(key, month))


def _add_stage(total: StageSum, times: StageTimes, now: datetime) -> None:
    if times.met_at is not None:
        total.seconds.append(max(0.0, (times.met_at - times.started_at).total_seconds()))
        total.breaches += times.met_at > times.due_at
        total.counted += 1
    elif times.stopped_at is None and now > times.due_at:
        total.breaches += 1
        total.counted += 1


_SUBJECT: dict[Per, Callable[[CountedReading], str]] = {
    Per.SITE: lambda reading: reading.site_id,
    Per.READER: lambda reading: reading.writer_id or "",
    Per.MODALITY: lambda reading: reading.modality,
    Per.GROUP: lambda reading: reading.group,
}


# --------------------------------------------------------------------------------------------------- indicators
def _emergency_report(one: Indicator, reading: CountedReading, now: datetime) -> None:
    """RQI RRC-02: emergency images whose report was signed within two hours; those still within them do not count."""
    if reading.modality in ("ECG", "US") or reading.priority is not Priority.EMERGENCY:
        return
    _within(one, reading.completed_at, reading.signed_at, _EMERGENCY_REPORT, now)


def _critical_image(one: Indicator, reading: CountedReading, now: datetime) -> None:
    if reading.modality not in ("ECG", "US"):
        _critical(one, reading, now)


def _critical_ultrasound(one: Indicator, reading: CountedReading, now: datetime) -> None:
    if reading.modality == "US":
        _critical(one, reading, now)


def _inpatient_ultrasound(one: Indicator, reading: CountedReading, now: datetime) -> None:
    """USQI US-TL-01: inpatients' ultrasound done and reported within 48 h of the request."""
    if reading.modality == "US" and reading.patient_class == "inpatient" and reading.ordered_at is not None:
        _within(one, reading.ordered_at, reading.signed_at, _INPATIENT_ULTRASOUND, now)


def _counted(is_meant: Callable[[str], bool]) -> Callable[[Indicator, CountedReading, datetime], None]:
    def count(one: Indicator, reading: CountedReading, now: datetime) -> None:
        one.numerator += reading.signed_at is not None and is_meant(reading.modality)

    return count


def _critical(one: Indicator, reading: CountedReading, now: datetime) -> None:
    if reading.is_critical and reading.signed_at is not None:
        opened = reading.clocks.get(Stage.OPEN)
        _within(one, reading.signed_at, opened.met_at if opened is not None else None, _CRITICAL_NOTICE, now)


def _within(one: Indicator, since: datetime, until: datetime | None, longest: timedelta, now: datetime) -> None:
    if until is None and now - since <= longest:
        return
    one.denominator = (one.denominator or 0) + 1
    one.numerator += until is not None and until - since <= longest


_INDICATE: dict[str, Callable[[Indicator, CountedReading, datetime], None]] = {
    "RRC-02": _emergency_report, "RCV-04": _critical_image, "US-CV-01": _critical_ultrasound,
    "US-TL-01": _inpatient_ultrasound, "N121-IMG": _counted(lambda modality: modality not in ("ECG", "US")),
    "N121-US": _counted(lambda modality: modality == "US"), "N121-ECG": _counted(lambda modality: modality == "ECG"),
}
INDICATORS = tuple(_INDICATE)
COUNTS = frozenset({"N121-IMG", "N121-US", "N121-ECG"})
