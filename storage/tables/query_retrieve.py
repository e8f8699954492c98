"""What C-FIND, C-MOVE and C-GET ask of the index beyond the statements of DICOMweb: patients, and signed reports.

A signed report is kept as an object of its own (Encapsulated PDF), not as an instance of the index; here it stands
beside the instances of its study. A version that was called back does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from storage.model import InstanceFormat, ReportState, Scope
from storage.tables import schema as t
from storage.tables.dicomweb_matching import (
    InstanceQuery,
    StudyQuery,
    few_studies,
    instance_conditions,
    series_conditions,
    study_conditions,
)
from storage.tables.dicomweb_queries import PATIENT_JOIN, STUDY_COLUMNS, StoredStudy, has_dicom, study_line
from storage.tables.scoping import within


@dataclass(frozen=True, slots=True)
class StoredPatient:
    """One patient identity, and how much there is of it within the scope."""

    patient_key: str
    site_id: str
    patient_id: str
    name_display: str
    name_alphabetic: str
    name_ideographic: str
    sex: str
    birth_date: date | None
    study_ids: frozenset[str] = frozenset()                        # of studies with DICOM instances
    series_count: int = 0
    instance_count: int = 0
    attributes: dict[str, Any] = field(default_factory=dict)      # of one of the patient's instances


@dataclass(frozen=True, slots=True)
class StoredReport:
    """The Encapsulated PDF of a signed report that stands. `study` has no counts."""

    study: StoredStudy
    report_id: str
    reading_id: str
    version: int
    signed_at: datetime | None
    sop_instance_uid: str
    object_sha256: str


@dataclass(frozen=True, slots=True)
class RetrievableObject:
    """What is needed to send one object, and to write down whose it is."""

    study_id: str
    site_id: str
    patient_key: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    object_sha256: str


class QueryRetrieve:
    """Every query takes the scope of the caller."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def patients(self, query: StudyQuery, scope: Scope, *, limit: int, after: str = "") -> list[StoredPatient]:
        """One page of patients with anything that can be retrieved, by id; `after` is the last page's last id."""
        is_there = (sa.exists().where(t.study.c.patient_key == t.patient.c.id, *study_conditions(query, scope),
                                      sa.or_(has_dicom(t.study.c.id), _has_report(t.study.c.id)))
                    .correlate(t.patient))
        page = sa.select(t.patient).where(t.patient.c.id > after, is_there).order_by(t.patient.c.id).limit(limit)
        rows = list(self._connection.execute(page).mappings())
        counts = self._counts([row["id"] for row in rows], scope)
        return [StoredPatient(row["id"], row["site_id"], row["patient_id"], row["name_display"],
                              row["name_alphabetic"], row["name_ideographic"], row["sex"], row["birth_date"],
                              *counts.get(row["id"], (frozenset(), 0, 0, {}))) for row in rows]

    def reports(self, query: StudyQuery, scope: Scope, *, limit: int | None = None, after: str = "",
                study_ids: Sequence[str] | None = None, patient_keys: Sequence[str] | None = None,
                sop_instance_uids: Sequence[str] = (), is_alone: bool = False) -> list[StoredReport]:
        """Reports by id; `is_alone`: of studies that have no DICOM instance of their own."""
        found = [*study_conditions(query, scope), within(scope, t.report.c.site_id), _stands(), t.report.c.id > after]
        if study_ids is not None:
            found.append(t.study.c.id.in_(study_ids))
        if patient_keys is not None:
            found.append(t.study.c.patient_key.in_(patient_keys))
        if sop_instance_uids:
            found.append(t.report.c.sop_instance_uid.in_(sop_instance_uids))
        if is_alone:
            found.append(sa.not_(has_dicom(t.study.c.id)))
        rows = self._connection.execute(
            sa.select(*STUDY_COLUMNS, t.report.c.id.label("report_id"), t.report.c.reading_id, t.report.c.version,
                      t.report.c.signed_at, t.report.c.sop_instance_uid, t.report.c.dicom_sha256)
            .select_from(t.report.join(t.study, t.study.c.id == t.report.c.study_id).join(*PATIENT_JOIN))
            .where(*found).order_by(t.report.c.id).limit(limit)).mappings()
        return [StoredReport(study_line(row), row["report_id"], row["reading_id"], int(row["version"]),
                             row["signed_at"], row["sop_instance_uid"], row["dicom_sha256"]) for row in rows]

    def sop_classes(self, study_ids: Sequence[str]) -> dict[str, list[str]]:
        """SOP Classes in Study (0008,0062) of studies that the caller was shown."""
        found: dict[str, list[str]] = {}
        rows = self._connection.execute(
            sa.select(t.instance.c.study_id, t.instance.c.sop_class_uid).distinct()
            .where(t.instance.c.study_id.in_(study_ids), t.instance.c.format == InstanceFormat.DICOM)
            .order_by(t.instance.c.sop_class_uid))
        for study_id, sop_class_uid in rows:
            found.setdefault(study_id, []).append(sop_class_uid)
        return found

    def retrievable(self, query: InstanceQuery, scope: Scope, *, limit: int) -> list[RetrievableObject]:
        """The instances to send, study by study, in the order of their numbers."""
        few = few_studies(self._connection, query.series.study, scope)
        lead = [] if few is None else [t.instance.c.study_id.in_(few)]
        rows = self._connection.execute(
            sa.select(t.study.c.id, t.study.c.site_id, t.study.c.patient_key, t.instance.c.sop_instance_uid,
                      t.instance.c.sop_class_uid, t.instance.c.transfer_syntax_uid, t.instance.c.object_sha256)
            .select_from(t.instance.join(t.series, t.series.c.id == t.instance.c.series_id)
                         .join(t.study, t.study.c.id == t.instance.c.study_id).join(*PATIENT_JOIN))
            .where(*study_conditions(query.series.study, scope), *series_conditions(query.series),
                   *instance_conditions(query), t.instance.c.format == InstanceFormat.DICOM, *lead)
            .order_by(t.study.c.id, t.series.c.id, t.instance.c.number, t.instance.c.id).limit(limit))
        return [RetrievableObject(*row) for row in rows]

    def _counts(self, patient_keys: list[str], scope: Scope
                ) -> dict[str, tuple[frozenset[str], int, int, dict[str, Any]]]:
        """Studies, series, instances and the attributes of one instance, by patient; DICOM instances alone."""
        grouped = (sa.select(t.study.c.patient_key, t.study.c.id.label("study_id"),
                             sa.func.count(t.instance.c.series_id.distinct()).label("series"),
                             sa.func.count(t.instance.c.id).label("instances"),
                             sa.func.min(t.instance.c.id).label("one"))
                   .select_from(t.study.join(t.instance, t.instance.c.study_id == t.study.c.id))
                   .where(t.study.c.patient_key.in_(patient_keys), within(scope, t.study.c.site_id),
                          t.instance.c.format == InstanceFormat.DICOM)
                   .group_by(t.study.c.patient_key, t.study.c.id).subquery())
        found: dict[str, tuple[frozenset[str], int, int, dict[str, Any]]] = {}
        for row in self._connection.execute(
                sa.select(grouped.c.patient_key, grouped.c.study_id, grouped.c.series, grouped.c.instances,
                          t.instance.c.attributes)
                .select_from(grouped.join(t.instance, t.instance.c.id == grouped.c.one))
                .order_by(grouped.c.study_id)):
            studies, series, instances, attributes = found.get(row[0], (frozenset(), 0, 0, dict(row[4])))
            found[row[0]] = studies | {row[1]}, series + int(row[2]), instances + int(row[3]), attributes
        return found


def _has_report(study_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    return sa.exists().where(t.report.c.study_id == study_id, _stands())


def _stands() -> sa.ColumnElement[bool]:
    """Signed, not called back, and not come back to us as an instance."""
    came_back = sa.exists().where(t.instance.c.sop_instance_uid == t.report.c.sop_instance_uid).correlate(t.report)
    return sa.and_(t.report.c.state.in_(_words((ReportState.PRELIMINARY, ReportState.FINAL))),
                   t.report.c.dicom_sha256.is_not(None), t.report.c.sop_instance_uid.is_not(None),
                   sa.not_(came_back))


def _words(states: Iterable[ReportState]) -> list[str]:
    return [state.value for state in states]
