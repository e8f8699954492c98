"""The lists that people look at: one query each, index look-ups only.

A list shows what is open and what was finished lately (`since`); anything older is found by its exact Patient ID or
accession number. So the cost of a screen follows the day's work and not the size of the archive.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from storage.model import (
    INBOX_SITE_ID,
    ArrivalOutcome,
    DeliveryState,
    KnockState,
    Priority,
    Reading,
    ReadingState,
    ReportState,
    Scope,
)
from storage.tables import schema as t
from storage.tables.scoping import within
from storage.tables.worklist_rows import (
    ClinicLine,
    Counts,
    DeliveryLine,
    ReadingFilter,
    ReadingLine,
    SignedReport,
    columns_of,
    delivery_line,
    holder_name,
    reading_line,
    reading_of_row,
    study_columns,
    study_line,
)

OPEN_STATES = (ReadingState.UNREAD, ReadingState.IN_PROGRESS, ReadingState.AWAITING_REVIEW, ReadingState.IN_REVIEW,
               ReadingState.REJECTED)
"""States in which somebody still has to do something."""

CLOSED_STATES = tuple(state for state in ReadingState if state not in OPEN_STATES)
ECG_MODALITY = "ECG"
SIGNED = (ReportState.PRELIMINARY, ReportState.FINAL)
WAITING = (DeliveryState.QUEUED, DeliveryState.SENT)


class Worklists:
    """Every query takes the scope of the caller."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def readings(self, scope: Scope, asked: ReadingFilter, *, since: datetime, limit: int, offset: int = 0,
                 now: datetime | None = None) -> tuple[list[ReadingLine], dict[ReadingState, int]]:
        """Return one page and the counts by state, the latter without the filter by state.

        Open readings come first: emergency before urgent before routine, then by due time, then by waiting time.
        Finished ones follow, newest first; those due before `since` only for an exact Patient ID or accession number.
        With `now`, unread ones that a rule holds until later are left out, unless their text is searched for.
        """
        where = self._reading_conditions(scope, asked, since)
        if now is not None and not asked.text:
            where.append(sa.or_(t.reading.c.hold_until.is_(None), t.reading.c.hold_until <= now,
                                t.reading.c.state != ReadingState.UNREAD))
        counted = self._connection.execute(
            sa.select(t.reading.c.state, sa.func.count()).select_from(_reading_source(asked)).where(*where)
            .group_by(t.reading.c.state))
        counts = {ReadingState(state): int(count) for state, count in counted}
        if asked.states:
            where.append(t.reading.c.state.in_(asked.states))
        # Sort the bare readings, then look up names, reports and statements for this page alone.
        chosen = (sa.select(t.reading.c.id).select_from(_reading_source(asked)).where(*where)
                  .order_by(*_reading_order()).limit(limit).offset(offset))
        page = _reading_lines().where(t.reading.c.id.in_(chosen)).order_by(*_reading_order())
        return [reading_line(row) for row in self._connection.execute(page).mappings()], counts

    def reading(self, reading_id: str, scope: Scope) -> ReadingLine | None:
        """One row."""
        query = _reading_lines().where(t.reading.c.id == reading_id, within(scope, t.reading.c.site_id))
        row = self._connection.execute(query).mappings().first()
        return None if row is None else reading_line(row)

    def readings_of(self, study_ids: Iterable[str], scope: Scope) -> dict[str, Reading]:
        """The readings of these studies, by study id."""
        query = sa.select(*columns_of(t.reading, "reading")).where(
            t.reading.c.study_id.in_(list(study_ids)), within(scope, t.reading.c.site_id))
        found = [reading_of_row(row) for row in self._connection.execute(query).mappings()]
        return {reading.study_id: reading for reading in found}

    def clinic_studies(self, scope: Scope, text: str, *, since: datetime, limit: int, offset: int = 0,
                       ) -> tuple[list[ClinicLine], int]:
        """Return one page of studies, newest arrival first, and how many there are.

        Those whose last arrival lies before `since` are found by an exact Patient ID or accession number alone.
        """
        source = t.study.join(t.patient, t.patient.c.id == t.study.c.patient_key)
        where = [within(scope, t.study.c.site_id),
                 t.study.c.id.in_(_matching_studies(scope, text, t.study.c.last_arrival_at >= since)) if text
                 else t.study.c.last_arrival_at >= since]
        total = self._connection.scalar(sa.select(sa.func.count()).select_from(t.study).where(*where)) or 0
        holder = t.user_account.alias("holder")
        query = (sa.select(*study_columns(), *columns_of(t.reading, "reading"),
                           holder.c.display_name.label("holder_name"))
                 .select_from(source.outerjoin(t.site, t.site.c.id == t.study.c.site_id)
                              .outerjoin(t.reading, t.reading.c.study_id == t.study.c.id)
                              .outerjoin(holder, holder.c.id == sa.func.coalesce(t.reading.c.claimed_by,
                                                                                 t.reading.c.writer_id)))
                 .where(*where).order_by(t.study.c.last_arrival_at.desc(), t.study.c.id).limit(limit).offset(offset))
        rows = list(self._connection.execute(query).mappings())
        study_ids = [row["study_id"] for row in rows]
        reports = self._newest_signed(study_ids)
        deliveries = self._delivery_lines(t.delivery.c.report_id.in_([r.id for r in reports.values()]), scope)
        lines = []
        for row in rows:
            report = reports.get(row["study_id"])
            lines.append(ClinicLine(
                study_line(row), reading_of_row(row) if row["reading_id"] else None, holder_name(row), report,
                tuple(line for line in deliveries if report and line.delivery.report_id == report.id)))
        return lines, int(total)

    def deliveries_of_study(self, study_id: str, scope: Scope) -> list[DeliveryLine]:
        """Newest report first."""
        return self._delivery_lines(t.delivery.c.study_id == study_id, scope)

    def waiting_deliveries(self, scope: Scope, limit: int = 500) -> list[DeliveryLine]:
        """Not yet accepted, and refused ones that a person has to look at; oldest first."""
        states = (*WAITING, DeliveryState.REFUSED)
        return self._delivery_lines(t.delivery.c.state.in_(states), scope, oldest_first=True, limit=limit)

    def names(self, user_ids: Iterable[str | None]) -> dict[str, str]:
        """Display names by user id."""
        wanted = {user_id for user_id in user_ids if user_id}
        if not wanted:
            return {}
        query = sa.select(t.user_account.c.id, t.user_account.c.display_name).where(t.user_account.c.id.in_(wanted))
        return {row.id: row.display_name for row in self._connection.execute(query)}

    def counts(self, scope: Scope) -> Counts:
        """Numbers of the administrator's first page; knocks belong to no site and count for an unlimited scope."""
        def count(table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
            return int(self._connection.scalar(sa.select(sa.func.count()).select_from(table).where(*where)) or 0)

        quarantine = (ArrivalOutcome.QUARANTINED, ArrivalOutcome.CONFLICT)
        return Counts(
            sites=count(t.site, within(scope, t.site.c.id), t.site.c.id != INBOX_SITE_ID),
            devices=count(t.device, within(scope, t.device.c.site_id)),
            studies=count(t.study, within(scope, t.study.c.site_id)),
            waiting_readings=count(t.reading, t.reading.c.state.in_(OPEN_STATES),
                                   within(scope, t.reading.c.site_id)),
            waiting_deliveries=count(t.delivery, t.delivery.c.state.in_(WAITING),
                                     within(scope, t.delivery.c.site_id)),
            quarantined=count(t.arrival, t.arrival.c.outcome.in_(quarantine), t.arrival.c.resolved_at.is_(None),
                              within(scope, t.arrival.c.site_id)),
            open_alarms=count(t.alarm, t.alarm.c.acknowledged_at.is_(None), within(scope, t.alarm.c.site_id)),
            knocks=count(t.knock, t.knock.c.state == KnockState.WAITING) if scope.site_ids is None else 0,
        )

    def _reading_conditions(self, scope: Scope, asked: ReadingFilter, since: datetime,
                            ) -> list[sa.ColumnElement[bool]]:
        recent = sa.or_(t.reading.c.state.in_(OPEN_STATES),
                        sa.and_(t.reading.c.state.in_(CLOSED_STATES), t.reading.c.due_at >= since))
        where: list[sa.ColumnElement[bool]] = [within(scope, t.reading.c.site_id)]
        if asked.text:
            where.append(t.reading.c.study_id.in_(_matching_studies(scope, asked.text, recent)))
        else:
            where.append(recent)
        if asked.modality:
            where.append(t.study.c.modality == asked.modality)
        if asked.kind:
            is_ecg = t.study.c.modality == ECG_MODALITY
            where.append(is_ecg if asked.kind == "ecg" else sa.not_(is_ecg))
        if asked.site_id:
            where.append(t.reading.c.site_id == asked.site_id)
        if asked.priority:
            where.append(t.reading.c.priority == asked.priority)
        if asked.held_or_assigned_to:
            me = asked.held_or_assigned_to
            where.append(sa.or_(t.reading.c.claimed_by == me, t.reading.c.assigned_to == me,
                                t.reading.c.writer_id == me))
        return where

    def _newest_signed(self, study_ids: list[str]) -> dict[str, SignedReport]:
        signer = t.user_account.alias("signer")
        query = (sa.select(t.report, signer.c.display_name.label("signed_by_name"))
                 .select_from(t.report.outerjoin(signer, signer.c.id == t.report.c.signed_by))
                 .where(t.report.c.study_id.in_(study_ids), t.report.c.state.in_(SIGNED))
                 .order_by(t.report.c.version))
        return {row.study_id: SignedReport(row.id, row.version, ReportState(row.state), row.is_critical,
                                           row.signed_at, row.signed_by_name)
                for row in self._connection.execute(query)}

    def _delivery_lines(self, condition: sa.ColumnElement[bool], scope: Scope, *, oldest_first: bool = False,
                        limit: int = 1000) -> list[DeliveryLine]:
        receiver = t.user_account.alias("receiver")
        order = [t.delivery.c.queued_at] if oldest_first else [t.report.c.version.desc(), t.delivery.c.queued_at]
        query = (sa.select(t.delivery, t.report.c.version.label("report_version"),
                           t.destination.c.name.label("destination_name"),
                           receiver.c.display_name.label("acknowledged_by_name"))
                 .select_from(t.delivery.join(t.report, t.report.c.id == t.delivery.c.report_id)
                              .outerjoin(t.destination, t.destination.c.id == t.delivery.c.destination_id)
                              .outerjoin(receiver, receiver.c.id == t.delivery.c.acknowledged_by))
                 .where(condition, within(scope, t.delivery.c.site_id))
                 .order_by(*order, t.delivery.c.id).limit(limit))
        return [delivery_line(row) for row in self._connection.execute(query).mappings()]


def _matching_studies(scope: Scope, text: str, recent: sa.ColumnElement[bool]) -> sa.CompoundSelect[tuple[str]]:
    """Ids of recent studies that the text fits loosely, and of all that it names exactly."""
    people = t.study.join(t.patient, t.patient.c.id == t.study.c.patient_key)
    loose = sa.or_(t.patient.c.name_display.icontains(text, autoescape=True),
                   t.patient.c.name_alphabetic.icontains(text, autoescape=True),
                   t.patient.c.patient_id.istartswith(text, autoescape=True),
                   t.study.c.accession_number.istartswith(text, autoescape=True))
    allowed = within(scope, t.study.c.site_id)
    source = people.outerjoin(t.reading, t.reading.c.study_id == t.study.c.id)
    return sa.union(
        sa.select(t.study.c.id).select_from(source).where(recent, loose, allowed),
        sa.select(t.study.c.id).select_from(people).where(t.patient.c.patient_id == text, allowed),
        sa.select(t.study.c.id).where(t.study.c.accession_number == text, allowed))


def _reading_source(asked: ReadingFilter) -> sa.FromClause:
    if asked.modality or asked.kind:
        return t.reading.join(t.study, t.study.c.id == t.reading.c.study_id)
    return t.reading


@cache
def _reading_order() -> tuple[sa.ColumnElement[Any], ...]:
    """Open before finished; open ones by urgency, due time, waiting time; finished ones newest first."""
    is_open = t.reading.c.state.in_(OPEN_STATES)
    rank = sa.case({Priority.EMERGENCY: 0, Priority.URGENT: 1}, value=t.reading.c.priority, else_=2)
    return (sa.case((is_open, 0), else_=1), sa.case((is_open, rank), else_=0),
            sa.case((is_open, t.reading.c.due_at)), sa.case((is_open, t.reading.c.created_at)),
            t.reading.c.due_at.desc(), t.reading.c.id)


@cache
def _reading_lines() -> sa.Select[Any]:
    assigned, holder = t.user_account.alias("assigned"), t.user_account.alias("holder")
    report_state = (sa.select(t.report.c.state).where(t.report.c.reading_id == t.reading.c.id)
                    .order_by(t.report.c.version.desc()).limit(1).scalar_subquery())
    statement = sa.exists().where(t.instance.c.study_id == t.study.c.id, t.ecg.c.instance_id == t.instance.c.id,
                                  sa.cast(t.ecg.c.statements, sa.Text) != "[]")
    return (sa.select(*columns_of(t.reading, "reading"), *study_columns(),
                      assigned.c.display_name.label("assigned_name"), holder.c.display_name.label("holder_name"),
                      report_state.label("report_state"), t.decision.c.hints.label("hints"),
                      sa.and_(t.study.c.modality == ECG_MODALITY, statement).label("has_statement"))
            .select_from(t.reading.join(t.study, t.study.c.id == t.reading.c.study_id)
                         .join(t.patient, t.patient.c.id == t.study.c.patient_key)
                         .outerjoin(t.site, t.site.c.id == t.reading.c.site_id)
                         .outerjoin(t.decision, t.decision.c.id == t.reading.c.decision_id)
                         .outerjoin(assigned, assigned.c.id == t.reading.c.assigned_to)
                         .outerjoin(holder, holder.c.id == t.reading.c.claimed_by)))
