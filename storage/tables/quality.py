"""Grades of images and traces with their history, and the retakes that were asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from storage.model import Scope
from storage.model.quality import (
    OPEN_RETAKES,
    Grade,
    GradedLevel,
    QualityGrade,
    Retake,
    RetakeState,
)
from storage.tables.schema import quality_grade, retake, study
from storage.tables.scoping import within
from storage.tables.upserts import add_if_absent

_LEVELS = {level.value: level for level in GradedLevel}
_GRADES = {grade.value: grade for grade in Grade}
_OPEN = tuple(sorted(state.value for state in OPEN_RETAKES))

StudyCount = tuple[int, str, str | None, str, int]
"""Number of the span, site, device, modality, and how many studies."""


class Quality:
    """A grade is added and never changed; a retake is replaced only by who saw its present revision."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    # ----------------------------------------------------------------------------------------------------- grades
    def add_grade(self, grade: QualityGrade) -> bool:
        """Add the next grade of its subject; the one before is history. False: somebody added that revision."""
        g = quality_grade.c
        self._connection.execute(
            sa.update(quality_grade).values(is_current=False)
            .where(g.target_id == grade.target_id, g.frame == grade.frame, g.revision < grade.revision))
        return add_if_absent(self._connection, quality_grade, _plain(grade))

    def grade(self, grade_id: str, scope: Scope) -> QualityGrade | None:
        """One grade, if the scope may see it."""
        return self._one_grade(sa.and_(quality_grade.c.id == grade_id, within(scope, quality_grade.c.site_id)))

    def current_of(self, target_id: str, frame: int, scope: Scope) -> QualityGrade | None:
        """The grade of a subject that counts."""
        g = quality_grade.c
        return self._one_grade(sa.and_(g.target_id == target_id, g.frame == frame, g.is_current.is_(True),
                                       within(scope, g.site_id)))

    def grades_of(self, study_id: str, scope: Scope) -> list[QualityGrade]:
        """Every grade of a study and of what is in it, the newest first."""
        g = quality_grade.c
        rows = self._connection.execute(
            sa.select(quality_grade).where(g.study_id == study_id, within(scope, g.site_id))
            .order_by(g.graded_at.desc(), g.revision.desc(), g.id))
        return [_grade(row) for row in rows]

    def current_between(self, start: datetime, end: datetime, scope: Scope) -> list[QualityGrade]:
        """Grades of a span of time that count today, without marks and notes, for statistics."""
        g = quality_grade.c
        rows = self._connection.execute(
            sa.select(g.id, g.study_id, g.site_id, g.level, g.target_id, g.frame, g.grade, g.reasons, g.modality,
                      g.device_id, g.operator, g.graded_by, g.graded_at, g.revision)
            .where(g.graded_at >= start, g.graded_at < end, g.is_current.is_(True), within(scope, g.site_id))).all()
        # by position: a year of a prefecture is a hundred thousand rows
        return [QualityGrade(id_, study_id, site_id, _LEVELS[level], target_id, frame, _GRADES[grade], tuple(reasons),
                             "", modality, device_id, operator, graded_by, graded_at, revision)
                for (id_, study_id, site_id, level, target_id, frame, grade, reasons, modality, device_id, operator,
                     graded_by, graded_at, revision) in rows]

    def studies_between(self, bounds: Sequence[datetime], scope: Scope) -> list[StudyCount]:
        """How many studies came in each span between two bounds."""
        s = study.c
        span = sa.case(*((sa.and_(s.first_arrival_at >= start, s.first_arrival_at < end), number)
                         for number, (start, end) in enumerate(pairwise(bounds))))
        rows = self._connection.execute(
            sa.select(span.label("span"), s.site_id, s.device_id, s.modality, sa.func.count().label("studies"))
            .where(s.first_arrival_at >= bounds[0], s.first_arrival_at < bounds[-1], within(scope, s.site_id))
            .group_by(span, s.site_id, s.device_id, s.modality))
        return [(int(row.span), row.site_id, row.device_id, row.modality, int(row.studies)) for row in rows]

    # ---------------------------------------------------------------------------------------------------- retakes
    def add_retake(self, wanted: Retake) -> bool:
        """Remember a request. False: the study has an open one already."""
        return add_if_absent(self._connection, retake, _plain(wanted))

    def replace_retake(self, changed: Retake) -> bool:
        """Replace it, if `changed.revision` is still the kept one (it grows). False: look again."""
        values = _plain(changed) | {"revision": changed.revision + 1}
        del values["id"]
        done = self._connection.execute(
            sa.update(retake).where(retake.c.id == changed.id, retake.c.revision == changed.revision)
            .values(**values))
        return done.rowcount == 1

    def retake(self, retake_id: str, scope: Scope) -> Retake | None:
        """One request, if the scope may see it."""
        return self._one_retake(sa.and_(retake.c.id == retake_id, within(scope, retake.c.site_id)))

    def retake_of_order(self, order_id: str) -> Retake | None:
        """The request that an order was placed for."""
        return self._one_retake(retake.c.order_id == order_id)

    def asked_after(self, order_ids: Sequence[str], at: datetime) -> list[str]:
        """Which of these orders are of retakes that were asked for after a time."""
        if not order_ids:
            return []
        return list(self._connection.execute(
            sa.select(retake.c.order_id).where(retake.c.order_id.in_(order_ids), retake.c.asked_at > at)).scalars())

    def retakes_of(self, study_id: str, scope: Scope) -> list[Retake]:
        """Requests to take a study again, the newest first."""
        return self._retakes(sa.and_(retake.c.study_id == study_id, within(scope, retake.c.site_id)))

    def retaken_as(self, study_id: str, scope: Scope) -> Retake | None:
        """The request that a study answers."""
        found = self._retakes(sa.and_(retake.c.new_study_id == study_id, within(scope, retake.c.site_id)))
        return found[0] if found else None

    def open_retakes(self, scope: Scope, *, limit: int) -> list[Retake]:
        """What clinics have not answered yet, the longest waiting first."""
        r = retake.c
        rows = self._connection.execute(
            sa.select(retake).where(r.state.in_(_OPEN), within(scope, r.site_id))
            .order_by(r.asked_at, r.id).limit(limit))
        return [_retake(row) for row in rows]

    def settled_since(self, since: datetime, scope: Scope, *, limit: int) -> list[Retake]:
        """What was answered lately, the newest first."""
        r = retake.c
        return self._retakes(sa.and_(r.settled_at >= since, within(scope, r.site_id)), limit=limit)

    def retakes_between(self, start: datetime, end: datetime, scope: Scope) -> list[Retake]:
        """Requests of a span of time."""
        r = retake.c
        return self._retakes(sa.and_(r.asked_at >= start, r.asked_at < end, within(scope, r.site_id)))

    # ---------------------------------------------------------------------------------------------------- helpers
    def _one_grade(self, condition: sa.ColumnElement[bool]) -> QualityGrade | None:
        row = self._connection.execute(sa.select(quality_grade).where(condition)).first()
        return None if row is None else _grade(row)

    def _one_retake(self, condition: sa.ColumnElement[bool]) -> Retake | None:
        row = self._connection.execute(sa.select(retake).where(condition)).first()
        return None if row is None else _retake(row)

    def _retakes(self, condition: sa.ColumnElement[bool], *, limit: int | None = None) -> list[Retake]:
        rows = self._connection.execute(
            sa.select(retake).where(condition).order_by(retake.c.asked_at.desc(), retake.c.id).limit(limit))
        return [_retake(row) for row in rows]


def _plain(record: QualityGrade | Retake) -> dict[str, Any]:
    values = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    return {name: value.value if isinstance(value, Enum) else list(value) if isinstance(value, tuple) else value
            for name, value in values.items()}


def _grade(row: sa.Row[Any]) -> QualityGrade:
    values = dict(row._mapping)
    return QualityGrade(**values | {
        "level": _LEVELS[row.level], "grade": _GRADES[row.grade], "reasons": tuple(row.reasons),
        "marks": tuple(row.marks)})


def _retake(row: sa.Row[Any]) -> Retake:
    return Retake(**dict(row._mapping) | {"state": RetakeState(row.state)})
