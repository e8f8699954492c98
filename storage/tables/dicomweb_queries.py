"""What QIDO-RS and WADO-RS ask of the index: DICOM instances alone, within a scope, in an order that pages keep.

Rows are ordered by our ids, which grow with time: what arrives while somebody pages comes after the last page and
never shifts an earlier one. An ECG kept in another format is no DICOM instance and does not appear here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from storage.model import InstanceFormat, Scope
from storage.tables import schema as t
from storage.tables.scoping import within


@dataclass(frozen=True, slots=True)
class StudyQuery:
    """Matching keys; an empty one matches everything. Texts may hold * and ? (PS3.4 C.2.2.2.4)."""

    study_instance_uids: tuple[str, ...] = ()
    patient_name: str = ""
    patient_id: str = ""
    accession_number: str = ""
    study_description: str = ""
    modalities_in_study: tuple[str, ...] = ()
    body_part: str = ""
    from_time: datetime | None = None                  # Study Date and Time, inclusive
    before_time: datetime | None = None                # exclusive


@dataclass(frozen=True, slots=True)
class SeriesQuery:
    study: StudyQuery = field(default_factory=StudyQuery)
    series_instance_uids: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    number: int | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class InstanceQuery:
    series: SeriesQuery = field(default_factory=SeriesQuery)
    sop_instance_uids: tuple[str, ...] = ()
    sop_class_uids: tuple[str, ...] = ()
    number: int | None = None


@dataclass(frozen=True, slots=True)
class StoredStudy:
    """One study as QIDO-RS shows it. `attributes` are those of one of its instances."""

    study_id: str
    site_id: str
    patient_key: str
    study_instance_uid: str
    patient_id: str
    name_display: str
    name_alphabetic: str
    name_ideographic: str
    name_confidence: str
    name_encoding: str
    sex: str
    birth_date: date | None
    study_at: datetime | None
    accession_number: str
    description: str
    modalities: tuple[str, ...] = ()
    series_count: int = 0
    instance_count: int = 0
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredSeries:
    study: StoredStudy
    series_id: str
    series_instance_uid: str
    modality: str
    number: int | None
    description: str
    body_part: str
    instance_count: int
    attributes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredInstance:
    study: StoredStudy
    series_instance_uid: str
    modality: str
    instance_id: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    object_sha256: str
    size_bytes: int
    number: int | None
    rows: int | None
    columns: int | None
    frame_count: int
    attributes: dict[str, Any]


class DicomwebQueries:
    """Every query takes the scope of the caller."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def studies(self, query: StudyQuery, scope: Scope, *, limit: int, offset: int = 0, after: str = ""
                ) -> list[StoredStudy]:
        """One page of studies, oldest arrival first; `after` is the study id that the last page ended with."""
        page = (sa.select(*STUDY_COLUMNS).select_from(t.study.join(*PATIENT_JOIN))
                .where(*study_conditions(query, scope), has_dicom(t.study.c.id), *_after(t.study.c.id, after))
                .order_by(t.study.c.id).limit(limit).offset(offset))
        rows = list(self._connection.execute(page).mappings())
        return self._with_counts([study_line(row) for row in rows])

    def series(self, query: SeriesQuery, scope: Scope, *, limit: int, offset: int = 0, after: str = ""
               ) -> list[StoredSeries]:
        """One page of series (`after` a series id), each with the attributes of one of its instances."""
        is_dicom = sa.exists().where(t.instance.c.series_id == t.series.c.id,
                                     t.instance.c.format == InstanceFormat.DICOM)
        page = (sa.select(*STUDY_COLUMNS, *_SERIES_COLUMNS)
                .select_from(t.series.join(t.study, t.study.c.id == t.series.c.study_id).join(*PATIENT_JOIN))
                .where(*_series_conditions(query, scope), is_dicom, *_after(t.series.c.id, after))
                .order_by(t.series.c.id).limit(limit).offset(offset))
        rows = list(self._connection.execute(page).mappings())
        studies = self._studies_of(rows)
        counted = {series_id: (n, attributes) for _, series_id, _, n, attributes in
                   self._dicom_of(t.instance.c.series_id, [row["series_id"] for row in rows])}
        return [StoredSeries(studies[row["study_id"]], row["series_id"], row["series_instance_uid"],
                           row["series_modality"], row["series_number"], row["series_description"],
                           row["series_body_part"], *counted[row["series_id"]]) for row in rows]

    def instances(self, query: InstanceQuery, scope: Scope, *, limit: int | None = None, offset: int = 0,
                  after: str = "") -> list[StoredInstance]:
        """One page of instances (`after` an instance id)."""
        source = (t.instance.join(t.series, t.series.c.id == t.instance.c.series_id)
                  .join(t.study, t.study.c.id == t.instance.c.study_id).join(*PATIENT_JOIN))
        page = (sa.select(*STUDY_COLUMNS, *_SERIES_COLUMNS, *_INSTANCE_COLUMNS).select_from(source)
                .where(*_instance_conditions(query, scope), *_after(t.instance.c.id, after))
                .order_by(t.instance.c.id).limit(limit).offset(offset))
        rows = list(self._connection.execute(page).mappings())
        studies = self._studies_of(rows)
        return [StoredInstance(studies[row["study_id"]], row["series_instance_uid"], row["series_modality"],
                             row["instance_id"], row["sop_instance_uid"], row["sop_class_uid"],
                             row["transfer_syntax_uid"], row["object_sha256"], int(row["size_bytes"]),
                             row["instance_number"], row["rows"], row["columns"], int(row["frame_count"]),
                             dict(row["attributes"])) for row in rows]

    def _studies_of(self, rows: Sequence[Any]) -> dict[str, StoredStudy]:
        lines = self._with_counts(list({row["study_id"]: study_line(row) for row in rows}.values()))
        return {line.study_id: line for line in lines}

    def _with_counts(self, lines: list[StoredStudy]) -> list[StoredStudy]:
        """Add what needs a look at the series and instances, in one query for the whole page."""
        found: dict[str, list[_SeriesCount]] = {}
        for row in self._dicom_of(t.instance.c.study_id, [line.study_id for line in lines]):
            found.setdefault(row[0], []).append(row)
        return [replace(line, modalities=tuple(sorted({modality for _, _, modality, _, _ in found[line.study_id]
                                                       if modality})),
                        series_count=len(found[line.study_id]),
                        instance_count=sum(n for _, _, _, n, _ in found[line.study_id]),
                        attributes=found[line.study_id][0][4]) for line in lines]

    def _dicom_of(self, parent: sa.Column[Any], ids: list[str]) -> list[_SeriesCount]:
        """(study, series, modality, number of DICOM instances, attributes of one) of each series below `ids`."""
        found: list[_SeriesCount] = []
        for chunk in (ids[at:at + _CHUNK] for at in range(0, len(ids), _CHUNK)):
            grouped = (sa.select(t.instance.c.series_id, sa.func.count().label("n"),
                                 sa.func.min(t.instance.c.id).label("one"))
                       .where(parent.in_(chunk), t.instance.c.format == InstanceFormat.DICOM)
                       .group_by(t.instance.c.series_id).subquery())
            rows = self._connection.execute(
                sa.select(t.series.c.study_id, t.series.c.id, t.series.c.modality, grouped.c.n,
                          t.instance.c.attributes)
                .select_from(grouped.join(t.series, t.series.c.id == grouped.c.series_id)
                             .join(t.instance, t.instance.c.id == grouped.c.one))
                .order_by(t.series.c.id))
            found += [(row[0], row[1], row[2], int(row[3]), dict(row[4])) for row in rows]
        return found


_SeriesCount = tuple[str, str, str, int, dict[str, Any]]
_CHUNK = 400                                           # SQLite allows so many values in one statement, and more
PATIENT_JOIN = (t.patient, t.patient.c.id == t.study.c.patient_key)
STUDY_COLUMNS = (
    t.study.c.id.label("study_id"), t.study.c.site_id, t.study.c.patient_key, t.study.c.study_instance_uid,
    t.study.c.study_at, t.study.c.accession_number, t.study.c.description.label("study_description"),
    t.patient.c.patient_id, t.patient.c.name_display, t.patient.c.name_alphabetic, t.patient.c.name_ideographic,
    t.patient.c.name_confidence, t.patient.c.name_encoding, t.patient.c.sex, t.patient.c.birth_date)
_SERIES_COLUMNS = (
    t.series.c.id.label("series_id"), t.series.c.series_instance_uid, t.series.c.modality.label("series_modality"),
    t.series.c.number.label("series_number"), t.series.c.description.label("series_description"),
    t.series.c.body_part.label("series_body_part"))
_INSTANCE_COLUMNS = (
    t.instance.c.id.label("instance_id"), t.instance.c.sop_instance_uid, t.instance.c.sop_class_uid,
    t.instance.c.transfer_syntax_uid, t.instance.c.object_sha256, t.instance.c.size_bytes,
    t.instance.c.number.label("instance_number"), t.instance.c.rows, t.instance.c.columns, t.instance.c.frame_count,
    t.instance.c.attributes)


def study_line(row: Any) -> StoredStudy:
    return StoredStudy(row["study_id"], row["site_id"], row["patient_key"], row["study_instance_uid"],
                     row["patient_id"], row["name_display"], row["name_alphabetic"], row["name_ideographic"],
                     row["name_confidence"], row["name_encoding"], row["sex"], row["birth_date"], row["study_at"],
                     row["accession_number"], row["study_description"])


def has_dicom(study_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    return sa.exists().where(t.instance.c.study_id == study_id, t.instance.c.format == InstanceFormat.DICOM)


def study_conditions(query: StudyQuery, scope: Scope) -> list[sa.ColumnElement[bool]]:
    found = [within(scope, t.study.c.site_id)]
    if query.study_instance_uids:
        found.append(t.study.c.study_instance_uid.in_(query.study_instance_uids))
    if query.patient_name:
        found.append(_name_matches(query.patient_name))
    for column, text in ((t.patient.c.patient_id, query.patient_id), (t.study.c.body_part, query.body_part),
                         (t.study.c.accession_number, query.accession_number),
                         (t.study.c.description, query.study_description)):
        if text:
            found.append(_text_matches(column, text))
    if query.modalities_in_study:
        found.append(sa.exists().where(t.series.c.study_id == t.study.c.id,
                                       t.series.c.modality.in_(query.modalities_in_study)).correlate(t.study))
    if query.from_time is not None:
        found.append(t.study.c.study_at >= query.from_time)
    if query.before_time is not None:
        found.append(t.study.c.study_at < query.before_time)
    return found


def _series_conditions(query: SeriesQuery, scope: Scope) -> list[sa.ColumnElement[bool]]:
    found = study_conditions(query.study, scope)
    if query.series_instance_uids:
        found.append(t.series.c.series_instance_uid.in_(query.series_instance_uids))
    if query.modalities:
        found.append(t.series.c.modality.in_(query.modalities))
    if query.number is not None:
        found.append(t.series.c.number == query.number)
    if query.description:
        found.append(_text_matches(t.series.c.description, query.description))
    return found


def _instance_conditions(query: InstanceQuery, scope: Scope) -> list[sa.ColumnElement[bool]]:
    found = [*_series_conditions(query.series, scope), t.instance.c.format == InstanceFormat.DICOM]
    if query.sop_instance_uids:
        found.append(t.instance.c.sop_instance_uid.in_(query.sop_instance_uids))
    if query.sop_class_uids:
        found.append(t.instance.c.sop_class_uid.in_(query.sop_class_uids))
    if query.number is not None:
        found.append(t.instance.c.number == query.number)
    return found


def _after(column: sa.ColumnElement[str], last: str) -> list[sa.ColumnElement[bool]]:
    return [column > last] if last else []


def _text_matches(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    return column.ilike(_like(text), escape="\\") if "*" in text or "?" in text else column == text


def _name_matches(text: str) -> sa.ColumnElement[bool]:
    """Any component group, whatever its case; carets and spaces alike, since names are kept as display text."""
    pattern = _like(" ".join(text.replace("^", " ").split()))
    return sa.or_(*(column.ilike(pattern, escape="\\") for column in
                    (t.patient.c.name_display, t.patient.c.name_alphabetic, t.patient.c.name_ideographic)))


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").replace("?", "_")
