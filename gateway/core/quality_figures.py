"""Sums of grades, rejections and retakes by device, by person and by month (D6, G63). Pure.

One study counts once: by the grade of the study as a whole where somebody gave one and rejected nothing in it since,
else by the worst grade of its series and images. It counts in the month in which it was graded and for the device and
the operator of that grade. A rate of rejection is rejected ÷ graded; what nobody graded is counted apart (`studies`),
by the month of its arrival.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from gateway.core.errors import InvalidRequest
from storage.model.quality import Grade, GradedLevel, QualityGrade, Retake, RetakeState

LONGEST_SPAN_MONTHS = 36
_WORST_FIRST = (Grade.REJECTED, Grade.ACCEPTABLE, Grade.GOOD, Grade.EXCELLENT)


class Per(StrEnum):
    """What a line of the table is about."""

    DEVICE = "device"
    OPERATOR = "operator"
    SITE = "site"
    MODALITY = "modality"
    GRADER = "grader"                    # who graded: to see who is strict and who never looks


Subject = tuple[str, str]
"""Site and, inside it, the device, operator, modality or person; "" where it is not known."""


@dataclass(slots=True)
class Line:
    """One subject in one month."""

    subject: Subject
    month: str                           # "2026-11"
    studies: int = 0                     # that arrived; 0 for an operator or a grader: nobody counts those
    graded: int = 0
    grades: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    retakes: int = 0
    retaken: int = 0
    declined: int = 0

    @property
    def rejection_rate(self) -> float | None:
        """Rejected ÷ graded; None where nothing was graded."""
        return self.grades[Grade.REJECTED.value] / self.graded if self.graded else None


def month_bounds(first: str, last: str, zone: ZoneInfo) -> list[tuple[str, datetime]]:
    """The beginnings of the months from `first` to the one after `last`, e.g. "2026-01", in the alliance's zone.

    Raises InvalidRequest("month").
    """
    start, end = _month_number(first), _month_number(last)
    if not 0 <= end - start < LONGEST_SPAN_MONTHS:
        raise InvalidRequest(f"From a month to a later one, at most {LONGEST_SPAN_MONTHS}.", reason="month")
    bounds = []
    for number in range(start, end + 2):
        year, month = divmod(number, 12)
        bounds.append((f"{year:04}-{month + 1:02}", datetime(year, month + 1, 1, tzinfo=zone)))
    return bounds


def lines_of(per: Per, zone: ZoneInfo, grades: Iterable[QualityGrade], retakes: Iterable[tuple[Retake, QualityGrade]],
             arrived: Iterable[tuple[str, str, str | None, str, int]]) -> list[Line]:
    """Sum them up, by subject and month.

    Parameters
    ----------
    grades
        Those that count today.
    retakes
        Each with the rejection that it was asked for.
    arrived
        (month, site, device, modality, studies).
    """
    lines: dict[tuple[Subject, str], Line] = {}

    def line(subject: Subject, month: str) -> Line:
        return lines.setdefault((subject, month), Line(subject, month))

    def month_of(at: datetime) -> str:
        return f"{at.astimezone(zone):%Y-%m}"

    of = _SUBJECTS[per]
    for grade, codes in one_a_study(grades):
        row = line(of(grade), month_of(grade.graded_at))
        row.graded += 1
        row.grades[grade.grade.value] += 1
        row.reasons.update(codes)
    for retake, rejection in retakes:
        row = line(of(rejection), month_of(retake.asked_at))
        row.retakes += 1
        row.retaken += retake.state is RetakeState.RETAKEN
        row.declined += retake.state is RetakeState.DECLINED
    if per not in (Per.OPERATOR, Per.GRADER):
        for month, site_id, device_id, modality, count in arrived:
            key = {Per.DEVICE: device_id or "", Per.SITE: "", Per.MODALITY: modality}[per]
            line((site_id, key), month).studies += count
    return sorted(lines.values(), key=lambda row: (row.subject, row.month))


def one_a_study(grades: Iterable[QualityGrade]) -> list[tuple[QualityGrade, set[str]]]:
    """The grade that stands for each study, and every reason that was given for anything in it."""
    of_study: dict[str, list[QualityGrade]] = {}
    for grade in grades:
        of_study.setdefault(grade.study_id, []).append(grade)
    return [(all_of_it[0] if len(all_of_it) == 1 else _standing(all_of_it),
             {code for grade in all_of_it for code in grade.reasons}) for all_of_it in of_study.values()]


def _standing(grades: Sequence[QualityGrade]) -> QualityGrade:
    whole = [grade for grade in grades if grade.level is GradedLevel.STUDY]
    since = [grade for grade in grades if whole and grade.grade is Grade.REJECTED
             and grade.graded_at > whole[0].graded_at]
    return min(since or whole or grades,
               key=lambda grade: (_WORST_FIRST.index(grade.grade), grade.graded_at, grade.id))


_SUBJECTS: dict[Per, Callable[[QualityGrade], Subject]] = {
    Per.DEVICE: lambda grade: (grade.site_id, grade.device_id or ""),
    Per.OPERATOR: lambda grade: (grade.site_id, grade.operator),
    Per.SITE: lambda grade: (grade.site_id, ""),
    Per.MODALITY: lambda grade: (grade.site_id, grade.modality),
    Per.GRADER: lambda grade: (grade.site_id, grade.graded_by),
}


def _month_number(text: str) -> int:
    year, _, month = text.partition("-")
    if not (len(year) == 4 and len(month) == 2 and (year + month).isascii() and (year + month).isdigit()
            and 1 <= int(month) <= 12 and 1990 <= int(year) <= 2200):
        raise InvalidRequest("A month is written 2026-11.", reason="month")
    return int(year) * 12 + int(month) - 1
