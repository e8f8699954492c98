"""Which index should lead a search, and what every found row must still fulfil.

A page is wanted in the order of arrival, and a planner that knows only averages chooses badly between "walk in that
order until the page is full" and "collect the matches, then sort". So we look: each key that has an index is counted
up to `FEW`. If one matches few studies, those are collected and sorted; if all match many, a walk in order fills
the page soon. Either way the work is bounded by the page, not by the archive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from storage.model import Scope
from storage.tables import schema as t
from storage.tables.schema.folded import folded

FEW = 4096
"""So many candidates are collected and sorted within a few milliseconds."""


@dataclass(frozen=True, slots=True)
class AttributeKey:
    """A matching key on an attribute that has no column: compared with the DICOM JSON kept beside the instance."""

    tag: str                                           # "00200010"
    vr: str
    text: str                                          # may hold * and ?; for DA, TM and DT a range "a-b"


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
    sex: str = ""
    born_from: date | None = None                      # both inclusive
    born_until: date | None = None
    attributes: tuple[AttributeKey, ...] = ()


@dataclass(frozen=True, slots=True)
class SeriesQuery:
    study: StudyQuery = field(default_factory=StudyQuery)
    series_instance_uids: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    number: int | None = None
    description: str = ""
    body_part: str = ""
    attributes: tuple[AttributeKey, ...] = ()


@dataclass(frozen=True, slots=True)
class InstanceQuery:
    series: SeriesQuery = field(default_factory=SeriesQuery)
    sop_instance_uids: tuple[str, ...] = ()
    sop_class_uids: tuple[str, ...] = ()
    number: int | None = None
    attributes: tuple[AttributeKey, ...] = ()


def few_studies(connection: sa.Connection, query: StudyQuery, scope: Scope) -> sa.Select[Any] | None:
    """The ids of at most FEW studies among which all matches are; None where every indexed key matches more."""
    if query.study_instance_uids:                      # unique: as few as are named, so there is nothing to count
        return sa.select(t.study.c.id).where(t.study.c.study_instance_uid.in_(query.study_instance_uids))
    best: tuple[int, sa.Select[Any]] | None = None
    for probe, ids in _leads(query, scope):
        count = int(connection.execute(
            sa.select(sa.func.count()).select_from(probe.limit(FEW + 1).subquery())).scalar_one())
        if count <= FEW and (best is None or count < best[0]):
            best = count, ids
            if count <= 64:
                break
    return None if best is None else best[1]


def first_possible_id(query: StudyQuery) -> sa.ColumnElement[bool] | None:
    """Where a walk in order of arrival may begin, when many studies lie in the range of dates.

    Read from the index of dates alone. The text is made anew so that no planner answers it by the very walk it saves.
    """
    during = _during(query)
    if not during:
        return None
    return t.study.c.id >= sa.select(sa.func.min(t.study.c.id.concat(""))).where(*during).scalar_subquery()


def has_slow_keys(query: StudyQuery) -> bool:
    """True if a key can only be compared row by row."""
    texts = (query.patient_name, query.study_description, query.accession_number, query.patient_id)
    return bool(query.attributes) or any(text[:1] in ("*", "?") for text in texts) or bool(query.study_description)


def study_conditions(query: StudyQuery, scope: Scope) -> list[sa.ColumnElement[bool]]:
    """What a row of study and patient must fulfil. None of it invites a planner to lead by another index."""
    found: list[sa.ColumnElement[bool]] = []
    if scope.site_ids is not None:
        found.append(_aside(t.study.c.site_id).in_(sorted(scope.site_ids)))
    if query.study_instance_uids:
        found.append(_aside(t.study.c.study_instance_uid).in_(query.study_instance_uids))
    if query.patient_name:
        found.append(_name_matches(query.patient_name))
    for column, text in ((t.patient.c.patient_id, query.patient_id), (t.study.c.body_part, query.body_part),
                         (t.study.c.accession_number, query.accession_number), (t.patient.c.sex, query.sex),
                         (t.study.c.description, query.study_description)):
        if text:
            found.append(_text_matches(_aside(column), text))
    if query.modalities_in_study:
        found.append(sa.exists().where(t.series.c.study_id == t.study.c.id,
                                       t.series.c.modality.in_(query.modalities_in_study)).correlate(t.study))
    found += _during(query, _aside(t.study.c.study_at))
    if query.born_from is not None:
        found.append(t.patient.c.birth_date >= query.born_from)
    if query.born_until is not None:
        found.append(t.patient.c.birth_date <= query.born_until)
    if query.attributes:
        one = t.instance.alias("one")
        found.append(sa.exists().where(one.c.study_id == t.study.c.id, *_attributes_match(one, query.attributes))
                     .correlate(t.study))
    return found


def series_conditions(query: SeriesQuery) -> list[sa.ColumnElement[bool]]:
    """What a row of series must fulfil besides its study."""
    found: list[sa.ColumnElement[bool]] = []
    if query.series_instance_uids:
        found.append(t.series.c.series_instance_uid.in_(query.series_instance_uids))
    if query.modalities:
        found.append(_aside(t.series.c.modality).in_(query.modalities))
    if query.number is not None:
        found.append(t.series.c.number == query.number)
    for column, text in ((t.series.c.description, query.description), (t.series.c.body_part, query.body_part)):
        if text:
            found.append(_text_matches(column, text))
    if query.attributes:
        one = t.instance.alias("one_of_series")
        found.append(sa.exists().where(one.c.series_id == t.series.c.id, *_attributes_match(one, query.attributes))
                     .correlate(t.series))
    return found


def instance_conditions(query: InstanceQuery) -> list[sa.ColumnElement[bool]]:
    """What a row of instance must fulfil besides its series and study."""
    found: list[sa.ColumnElement[bool]] = []
    if query.sop_instance_uids:
        found.append(t.instance.c.sop_instance_uid.in_(query.sop_instance_uids))
    if query.sop_class_uids:
        found.append(t.instance.c.sop_class_uid.in_(query.sop_class_uids))
    if query.number is not None:
        found.append(t.instance.c.number == query.number)
    return found + _attributes_match(t.instance, query.attributes)


# ------------------------------------------------------------------------------------------------------- leading
def _leads(query: StudyQuery, scope: Scope) -> Iterator[tuple[sa.Select[Any], sa.Select[Any]]]:
    """(what is counted, the ids of the studies) of each key that has an index, the sharpest first."""
    study, patient, series = t.study.c, t.patient.c, t.series.c
    # A patient's site is that of their studies: they move together.
    is_theirs = [] if scope.site_ids is None else [_aside(patient.site_id).in_(sorted(scope.site_ids))]
    of_patient = t.study.join(t.patient, patient.id == study.patient_key)
    if query.accession_number and not _is_wild(query.accession_number):
        found = sa.select(study.id).where(study.accession_number == query.accession_number)
        yield found, found
    if query.patient_id and not _is_wild(query.patient_id):
        is_patient = sa.and_(patient.patient_id == query.patient_id, *is_theirs)
        yield (sa.select(patient.id).where(is_patient),
               sa.select(study.id).select_from(of_patient).where(is_patient))
    prefix = _name_prefix(query.patient_name)
    if prefix:
        named = sa.union_all(*(sa.select(patient.id).where(*_begins(column, prefix), *is_theirs)
                               for column in (patient.name_display, patient.name_alphabetic))).subquery()
        yield sa.select(named.c.id), sa.select(study.id).where(study.patient_key.in_(sa.select(named.c.id)))
    if during := _during(query):
        found = sa.select(study.id).where(*during)
        yield found, found
    if query.modalities_in_study:
        found = sa.select(series.study_id).where(series.modality.in_(query.modalities_in_study))
        yield found, found
    if scope.site_ids is not None:
        found = sa.select(study.id).where(study.site_id.in_(sorted(scope.site_ids)))
        yield found, found


def _during(query: StudyQuery, column: Any = t.study.c.study_at) -> list[sa.ColumnElement[bool]]:
    found = []
    if query.from_time is not None:
        found.append(column >= sa.literal(query.from_time, t.study.c.study_at.type))
    if query.before_time is not None:
        found.append(column < sa.literal(query.before_time, t.study.c.study_at.type))
    return found


def _name_prefix(text: str) -> str:
    """The fixed beginning of a name as the index holds it; "" where there is none."""
    words = " ".join(text.replace("^", " ").split())
    end = min((at for at in (words.find("*"), words.find("?")) if at >= 0), default=len(words))
    return _lower(words[:end])


def _begins(column: sa.ColumnElement[str], prefix: str) -> tuple[sa.ColumnElement[bool], ...]:
    """All texts with this beginning, as a range that an index serves; texts are compared by code points."""
    last = ord(prefix[-1])
    # Surrogates are no characters, and nothing comes after the last code point.
    after = prefix[:-1] + chr(0xE000 if last == 0xD7FF else min(last + 1, 0x10FFFF))
    return folded(column) >= prefix, folded(column) < after


# ------------------------------------------------------------------------------------------------------ matching
def _is_wild(text: str) -> bool:
    return "*" in text or "?" in text


def _text_matches(column: Any, text: str) -> sa.ColumnElement[bool]:
    found: sa.ColumnElement[bool] = column.ilike(_like(text), escape="\\") if _is_wild(text) else column == text
    return found


def _name_matches(text: str) -> sa.ColumnElement[bool]:
    """Any component group, whatever its case; carets and spaces alike, since names are kept as display text."""
    pattern = _like(" ".join(text.replace("^", " ").split()))
    return sa.or_(*(column.ilike(pattern, escape="\\") for column in
                    (t.patient.c.name_display, t.patient.c.name_alphabetic)))


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").replace("?", "_")


def _attributes_match(instance: Any, keys: Sequence[AttributeKey]) -> list[sa.ColumnElement[bool]]:
    return [_attribute_matches(instance.c.attributes, key) for key in keys]


def _attribute_matches(attributes: Any, key: AttributeKey) -> sa.ColumnElement[bool]:
    first = (key.tag, "Value", 0)
    if key.vr == "PN":
        pattern = _like(key.text)
        return sa.or_(*(attributes[(*first, group)].as_string().ilike(pattern, escape="\\")
                        for group in ("Alphabetic", "Ideographic")))
    value = sa.cast(attributes[first].as_string(), sa.Text)
    if key.vr in ("DA", "TM", "DT") and "-" in key.text:
        begin, _, end = key.text.partition("-")
        bounds = ([value >= begin] if begin else []) + ([value <= end + "~"] if end else [])
        return sa.and_(value.is_not(None), *bounds)
    return _text_matches(value, key.text)


def _lower(text: str) -> str:
    """As the index folds: ASCII letters alone."""
    return "".join(c.lower() if c.isascii() else c for c in text)


class _aside(GenericFunction[Any]):                    # noqa: N801  (written like a function, since it is one)
    """A column that is to be compared, not searched by. SQLite takes no index for it."""

    inherit_cache = True

    def __init__(self, column: sa.ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(_aside)
def _plain(element: Any, compiler: Any, **kw: Any) -> str:
    text: str = compiler.process(element.clauses, **kw)
    return text


@compiles(_aside, "sqlite")
def _plus(element: Any, compiler: Any, **kw: Any) -> str:
    return f"+{compiler.process(element.clauses, **kw)}"
