"""Report versions. A signed one never changes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from storage.model import Report, ReportState, ReportText, Scope
from storage.tables.schema import report as t

_OPEN = (ReportState.DRAFT, ReportState.SUBMITTED)
_SIGNED = (ReportState.PRELIMINARY, ReportState.FINAL)


class Reports:
    """Drafts are replaced in place; every signed version stays."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, report: Report) -> None:
        """A new version."""
        self._connection.execute(sa.insert(t).values(**_row(report)))

    def get(self, report_id: str, scope: Scope) -> Report | None:
        """One version."""
        return self._one(_within(scope).where(t.c.id == report_id))

    def latest(self, reading_id: str, scope: Scope) -> Report | None:
        """The newest version, signed or not."""
        return self._one(_within(scope).where(t.c.reading_id == reading_id).order_by(t.c.version.desc()).limit(1))

    def latest_signed(self, study_id: str, scope: Scope) -> Report | None:
        """The newest preliminary or final version."""
        return self._one(_within(scope).where(t.c.study_id == study_id, t.c.state.in_(_words(_SIGNED)))
                         .order_by(t.c.version.desc()).limit(1))

    def versions(self, reading_id: str, scope: Scope) -> list[Report]:
        """Oldest first."""
        rows = self._connection.execute(_within(scope).where(t.c.reading_id == reading_id).order_by(t.c.version))
        return [_report(row) for row in rows]

    def replace(self, report: Report) -> bool:
        """Write a draft or submitted version if the stored revision is `report.revision` and it is not signed yet.

        Stores revision + 1. False: somebody was faster, or the version is signed.
        """
        values = _row(report) | {"revision": report.revision + 1}
        del values["id"]
        done = self._connection.execute(
            sa.update(t).values(**values)
            .where(t.c.id == report.id, t.c.revision == report.revision, t.c.state.in_(_words(_OPEN))))
        return bool(done.rowcount)

    def mark_replaced(self, report_id: str) -> None:
        """A newer signed version called it back: only the state changes."""
        self._connection.execute(sa.update(t).values(state=ReportState.REPLACED.value)
                                 .where(t.c.id == report_id, t.c.state.in_(_words(_SIGNED))))

    def _one(self, query: sa.Select[Any]) -> Report | None:
        row = self._connection.execute(query).first()
        return _report(row) if row is not None else None


def _within(scope: Scope) -> sa.Select[Any]:
    query = sa.select(t)
    return query if scope.site_ids is None else query.where(t.c.site_id.in_(sorted(scope.site_ids)))


def _words(states: tuple[ReportState, ...]) -> list[str]:
    return [state.value for state in states]


def _row(report: Report) -> dict[str, Any]:
    return {
        "id": report.id, "reading_id": report.reading_id, "study_id": report.study_id, "site_id": report.site_id,
        "version": report.version, "state": report.state.value, "technique": report.text.technique,
        "findings": report.text.findings, "impression": report.text.impression,
        "is_positive": report.text.is_positive, "is_critical": report.text.is_critical,
        "template_id": report.template_id, "writer_id": report.writer_id, "written_at": report.written_at,
        "reviewer_id": report.reviewer_id, "signed_by": report.signed_by, "signed_at": report.signed_at,
        "text_sha256": report.text_sha256, "pdf_sha256": report.pdf_sha256, "dicom_sha256": report.dicom_sha256,
        "sop_instance_uid": report.sop_instance_uid, "read_from": list(report.read_from),
        "revision": report.revision, "updated_at": report.updated_at,
    }


def _report(row: Any) -> Report:
    return Report(
        id=row.id, reading_id=row.reading_id, study_id=row.study_id, site_id=row.site_id, version=row.version,
        state=ReportState(row.state),
        text=ReportText(technique=row.technique, findings=row.findings, impression=row.impression,
                        is_positive=row.is_positive, is_critical=row.is_critical),
        template_id=row.template_id, writer_id=row.writer_id, written_at=row.written_at,
        reviewer_id=row.reviewer_id, signed_by=row.signed_by, signed_at=row.signed_at,
        text_sha256=row.text_sha256, pdf_sha256=row.pdf_sha256, dicom_sha256=row.dicom_sha256,
        sop_instance_uid=row.sop_instance_uid, read_from=tuple(row.read_from), revision=row.revision,
        updated_at=row.updated_at,
    )
