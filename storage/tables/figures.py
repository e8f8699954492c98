"""What the figures of a month are read from: every reading once, with its clocks and its signed report."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.model import Priority, ReadingState, ReportState, Scope
from storage.model.clocks import Stage
from storage.model.figures import CountedReading, StageTimes
from storage.tables.schema import audit, exam_order, reading, reading_clock, report, study
from storage.tables.scoping import within

_AT_A_TIME = 2000                        # rows in memory, however long the span


class Figures:
    """Reads alone."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def readings_between(self, start: datetime, end: datetime, scope: Scope) -> Iterator[CountedReading]:
        """Readings whose study was complete in the span, one after another."""
        clocks = {stage: reading_clock.alias(f"clock_{stage.value}") for stage in Stage}
        signed = report.alias("signed")
        source: sa.FromClause = reading.join(study, study.c.id == reading.c.study_id)
        source = source.outerjoin(signed, sa.and_(signed.c.reading_id == reading.c.id, _is_last_signed(signed)))
        source = source.outerjoin(exam_order, exam_order.c.id == _order_of_study())
        for stage, clock in clocks.items():
            source = source.outerjoin(clock, sa.and_(clock.c.reading_id == reading.c.id,
                                                     clock.c.stage == stage.value))
        columns = [
            reading.c.study_id, reading.c.site_id, study.c.modality, reading.c.duty_group, reading.c.priority,
            reading.c.state, study.c.completed_at, signed.c.writer_id, signed.c.signed_by, signed.c.signed_at,
            signed.c.is_positive, signed.c.is_critical, exam_order.c.patient_class,
            exam_order.c.created_at.label("ordered_at"),
            *(clock.c[name].label(f"{stage.value}_{name}") for stage, clock in clocks.items()
              for name in ("started_at", "due_at", "met_at", "stopped_at"))]
        rows = self._connection.execute(
            sa.select(*columns).select_from(source)
            .where(study.c.completed_at >= start, study.c.completed_at < end, within(scope, reading.c.site_id)),
            execution_options={"yield_per": _AT_A_TIME})
        return (_counted(row) for row in rows)

    def rejections_since(self, start: datetime) -> dict[str, int]:
        """How often a report was given back to its writer, by study; by the audit trail."""
        rows = self._connection.execute(
            sa.select(audit.c.study_id, sa.func.count()).where(_IS_REJECTION, audit.c.at >= start)
            .group_by(audit.c.study_id))
        return {str(study_id): int(count) for study_id, count in rows if study_id is not None}


_IS_REJECTION = audit.c.action == sa.literal_column("'report.rejected'")    # written out: a partial index knows it


def _is_last_signed(signed: sa.FromClause) -> sa.ColumnElement[bool]:
    newer = report.alias("newer")
    states = (ReportState.FINAL.value, ReportState.PRELIMINARY.value)
    return sa.and_(signed.c.state.in_(states), ~sa.exists().where(
        newer.c.reading_id == signed.c.reading_id, newer.c.version > signed.c.version, newer.c.state.in_(states)))


def _order_of_study() -> sa.ScalarSelect[Any]:
    """Of several orders for one study the first that was placed."""
    other = exam_order.alias("placed")
    return (sa.select(other.c.id).where(other.c.study_id == study.c.id)
            .order_by(other.c.created_at, other.c.id).limit(1).correlate(study).scalar_subquery())


def _counted(row: sa.Row[Any]) -> CountedReading:
    values = row._mapping
    clocks = {stage: StageTimes(*(values[f"{stage.value}_{name}"]
                                  for name in ("started_at", "due_at", "met_at", "stopped_at")))
              for stage in Stage if values[f"{stage.value}_started_at"] is not None}
    return CountedReading(
        study_id=row.study_id, site_id=row.site_id, modality=row.modality, group=row.duty_group,
        priority=Priority(row.priority), state=ReadingState(row.state), completed_at=row.completed_at,
        writer_id=row.writer_id, signed_by=row.signed_by, signed_at=row.signed_at, is_positive=row.is_positive,
        is_critical=bool(row.is_critical), patient_class=row.patient_class or "", ordered_at=row.ordered_at,
        clocks=clocks)
