"""What QIDO-RS and WADO-RS ask of the index: DICOM instances alone, within a scope, in an order that pages keep.

Rows are ordered by our ids, which grow with time: what arrives while somebody pages comes after the last page and
never shifts an earlier one. An ECG kept in another format is no DICOM instance and does not appear here.
How a search finds its rows without walking the archive is told in `dicomweb_matching`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from storage.model import InstanceFormat, Scope
from storage.tables import schema as t
from storage.tables.dicomweb_matching import AttributeKey as AttributeKey
from storage.tables.dicomweb_matching import InstanceQuery as InstanceQuery
from storage.tables.dicomweb_matching import SeriesQuery as SeriesQuery
from storage.tables.dicomweb_matching import StudyQuery as StudyQuery
from storage.tables.dicomweb_matching import (
    few_studies,
    first_possible_id,
    has_slow_keys,
    instance_conditions,
    series_conditions,
    study_conditions,
)


@dataclass(frozen=True, slots=True)
class StoredSample:
    """The object of one instance, for attributes that the index does not hold."""

    object_sha256: str
    size_bytes: int


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
    sample: StoredSample | None = None                 # the instance that `attributes` are of


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
    sample: StoredSample | None = None


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
    """Every query takes the scope of the caller. `after` is the id of the row that the last page ended with: a page
    that is fetched by it begins there, whatever came or went in between."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def is_too_broad(self, query: StudyQuery, scope: Scope, *, at_most: int) -> bool:
        """True if every row of a large archive would have to be looked at for want of a key with an index."""
        if not has_slow_keys(query) or few_studies(self._connection, query, scope) is not None:
            return False
        rows = sa.select(sa.literal(1)).select_from(t.study).limit(at_most + 1).subquery()
        return int(self._connection.execute(sa.select(sa.func.count()).select_from(rows)).scalar_one()) > at_most

    def studies(self, query: StudyQuery, scope: Scope, *, limit: int, offset: int = 0,
                after: str = "") -> list[StoredStudy]:
        """One page of studies, oldest arrival first."""
        page = (_STUDIES.where(*study_conditions(query, scope), *self._lead(query, scope, after))
                .limit(limit).offset(offset))
        rows = list(self._connection.execute(page).mappings())
        return self._with_counts([study_line(row) for row in rows])

    def series(self, query: SeriesQuery, scope: Scope, *, limit: int, offset: int = 0,
               after: str = "") -> list[StoredSeries]:
        """One page of series, each with the attributes of one of its instances."""
        page = (_SERIES.where(*study_conditions(query.study, scope), *series_conditions(query),
                              *self._lead_below(query.study, scope, t.series.c.study_id),
                              *_after(t.series.c.id, after))
                .limit(limit).offset(offset))
        rows = list(self._connection.execute(page).mappings())
        studies = self._studies_of(rows)
        counted = {series_id: (n, attributes, sample) for _, series_id, _, n, attributes, sample in
                   self._dicom_of(t.instance.c.series_id, [row["series_id"] for row in rows])}
        return [StoredSeries(studies[row["study_id"]], row["series_id"], row["series_instance_uid"],
                           row["series_modality"], row["series_number"], row["series_description"],
                           row["series_body_part"], *counted[row["series_id"]]) for row in rows]

    def instances(self, query: InstanceQuery, scope: Scope, *, limit: int | None = None, offset: int = 0,
                  after: str = "", has_attributes: bool = True, has_counts: bool = True) -> list[StoredInstance]:
        """One page of instances; without counts, what is said of their study holds no modalities and numbers."""
        of = query.series
        lead = [] if query.sop_instance_uids else self._lead_below(of.study, scope, t.instance.c.study_id)
        if of.series_instance_uids and not query.sop_instance_uids:
            found = self._connection.execute(
                sa.select(t.series.c.id).where(t.series.c.series_instance_uid.in_(of.series_instance_uids),
                                               *self._lead_below(of.study, scope, t.series.c.study_id))).scalars()
            lead = [t.instance.c.series_id.in_(list(found))]
        more = (t.instance.c.attributes,) if has_attributes else ()
        page = (sa.select(*STUDY_COLUMNS, *_SERIES_COLUMNS, *_INSTANCE_COLUMNS, *more).select_from(_INSTANCES)
                .where(*study_conditions(of.study, scope), *series_conditions(of), *instance_conditions(query),
                       t.instance.c.format == InstanceFormat.DICOM, *lead, *_after(t.instance.c.id, after))
                .order_by(t.instance.c.id).limit(limit).offset(offset))
        rows = list(self._connection.execute(page).mappings())
        studies = self._studies_of(rows, has_counts=has_counts)
        return [_instance_line(row, studies[row["study_id"]], dict(row["attributes"]) if has_attributes else {})
                for row in rows]

    def instance(self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str, scope: Scope
                 ) -> StoredInstance | None:
        """One instance by its address, without attributes and counts: each frame that is looked at asks this."""
        values: dict[str, Any] = {"study": study_instance_uid, "series": series_instance_uid, "sop": sop_instance_uid}
        if scope.site_ids is None:
            row = self._connection.execute(_INSTANCE_OF_ADDRESS, values).mappings().first()
        else:
            values["sites"] = sorted(scope.site_ids)
            row = self._connection.execute(_INSTANCE_OF_SITES, values).mappings().first()
        return None if row is None else _instance_line(row, study_line(row), {})

    def _lead(self, query: StudyQuery, scope: Scope, after: str) -> list[sa.ColumnElement[bool]]:
        few = few_studies(self._connection, query, scope)
        found = _after(t.study.c.id, after)
        if few is not None:
            return [*found, t.study.c.id.in_(few)]
        begins = None if after else first_possible_id(query)
        return found if begins is None else [*found, begins]

    def _lead_below(self, query: StudyQuery, scope: Scope, study_id: sa.ColumnElement[str]
                    ) -> list[sa.ColumnElement[bool]]:
        few = few_studies(self._connection, query, scope)
        return [] if few is None else [study_id.in_(few)]

    def _studies_of(self, rows: Sequence[Any], *, has_counts: bool = True) -> dict[str, StoredStudy]:
        lines = list({row["study_id"]: study_line(row) for row in rows}.values())
        return {line.study_id: line for line in (self._with_counts(lines) if has_counts else lines)}

    def _with_counts(self, lines: list[StoredStudy]) -> list[StoredStudy]:
        """Add what needs a look at the series and instances, in one query for the whole page."""
        found: dict[str, list[_SeriesCount]] = {}
        for row in self._dicom_of(t.instance.c.study_id, [line.study_id for line in lines]):
            found.setdefault(row[0], []).append(row)
        return [replace(line, modalities=tuple(sorted({row[2] for row in found[line.study_id] if row[2]})),
                        series_count=len(found[line.study_id]),
                        instance_count=sum(row[3] for row in found[line.study_id]),
                        attributes=found[line.study_id][0][4], sample=found[line.study_id][0][5]) for line in lines]

    def _dicom_of(self, parent: sa.Column[Any], ids: list[str]) -> list[_SeriesCount]:
        """(study, series, modality, number of DICOM instances, attributes of one, its object) of each series."""
        statement = _COUNTS_OF_STUDIES if parent is t.instance.c.study_id else _COUNTS_OF_SERIES
        found: list[_SeriesCount] = []
        for chunk in (ids[at:at + _CHUNK] for at in range(0, len(ids), _CHUNK)):
            found += [(row[0], row[1], row[2], int(row[3]), dict(row[4]), StoredSample(row[5], int(row[6])))
                      for row in self._connection.execute(statement, {"ids": chunk})]
        return found


_SeriesCount = tuple[str, str, str, int, dict[str, Any], StoredSample]
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
    t.instance.c.number.label("instance_number"), t.instance.c.rows, t.instance.c.columns, t.instance.c.frame_count)


def study_line(row: Any) -> StoredStudy:
    return StoredStudy(row["study_id"], row["site_id"], row["patient_key"], row["study_instance_uid"],
                     row["patient_id"], row["name_display"], row["name_alphabetic"], row["name_ideographic"],
                     row["name_confidence"], row["name_encoding"], row["sex"], row["birth_date"], row["study_at"],
                     row["accession_number"], row["study_description"])


def has_dicom(study_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    return sa.exists().where(t.instance.c.study_id == study_id, t.instance.c.format == InstanceFormat.DICOM)


def _after(column: sa.ColumnElement[str], last: str) -> list[sa.ColumnElement[bool]]:
    return [column > last] if last else []


def _instance_line(row: Any, study: StoredStudy, attributes: dict[str, Any]) -> StoredInstance:
    return StoredInstance(study, row["series_instance_uid"], row["series_modality"], row["instance_id"],
                          row["sop_instance_uid"], row["sop_class_uid"], row["transfer_syntax_uid"],
                          row["object_sha256"], int(row["size_bytes"]), row["instance_number"], row["rows"],
                          row["columns"], int(row["frame_count"]), attributes)


_INSTANCES = (t.instance.join(t.series, t.series.c.id == t.instance.c.series_id)
              .join(t.study, t.study.c.id == t.instance.c.study_id).join(*PATIENT_JOIN))
# Built once: a viewer that scrolls runs these for every image.
_INSTANCE_OF_ADDRESS = (
    sa.select(*STUDY_COLUMNS, *_SERIES_COLUMNS, *_INSTANCE_COLUMNS).select_from(_INSTANCES)
    .where(t.instance.c.sop_instance_uid == sa.bindparam("sop"), t.instance.c.format == InstanceFormat.DICOM,
           t.series.c.series_instance_uid == sa.bindparam("series"),
           t.study.c.study_instance_uid == sa.bindparam("study")))
_INSTANCE_OF_SITES = _INSTANCE_OF_ADDRESS.where(t.study.c.site_id.in_(sa.bindparam("sites", expanding=True)))
_STUDIES = (sa.select(*STUDY_COLUMNS).select_from(t.study.join(*PATIENT_JOIN)).where(has_dicom(t.study.c.id))
            .order_by(t.study.c.id))
_SERIES = (sa.select(*STUDY_COLUMNS, *_SERIES_COLUMNS)
           .select_from(t.series.join(t.study, t.study.c.id == t.series.c.study_id).join(*PATIENT_JOIN))
           .where(sa.exists().where(t.instance.c.series_id == t.series.c.id,
                                    t.instance.c.format == InstanceFormat.DICOM))
           .order_by(t.series.c.id))


def _counts_of(parent: sa.Column[Any]) -> sa.Select[Any]:
    """What there is of DICOM in each series. Counted in the index alone: (series, format, id) holds what is asked."""
    counted, one = t.instance.alias("counted"), t.instance.alias("one")
    ids = sa.select(t.series.c.id).where(parent.in_(sa.bindparam("ids", expanding=True)))
    grouped = (sa.select(counted.c.series_id, sa.func.count().label("n"), sa.func.min(counted.c.id).label("one"))
               .where(counted.c.series_id.in_(ids), counted.c.format == InstanceFormat.DICOM)
               .group_by(counted.c.series_id).subquery())
    return (sa.select(t.series.c.study_id, t.series.c.id, t.series.c.modality, grouped.c.n, one.c.attributes,
                      one.c.object_sha256, one.c.size_bytes)
            .select_from(grouped.join(t.series, t.series.c.id == grouped.c.series_id)
                         .join(one, one.c.id == grouped.c.one))
            .order_by(t.series.c.id))


_COUNTS_OF_STUDIES, _COUNTS_OF_SERIES = _counts_of(t.series.c.study_id), _counts_of(t.series.c.id)
