"""Read what a QIDO-RS request asks: matching keys, attributes to include, and the page (PS3.18 8.3.4, 10.6.1).

Keys with a column are compared by the database; every other attribute that receiving keeps in the index is compared
with the DICOM JSON there. Sequences are not matched.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import NamedTuple

from aiohttp import web
from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword

from gateway.core.errors import InvalidRequest
from gateway.formats.dicom_dataset import ELEMENTS
from gateway.services.find_studies import (
    MAX_PAGE,
    AttributeKey,
    InstanceQuery,
    SeriesQuery,
    StudyQuery,
    day_range,
)
from gateway.services.ports import Parts

_STUDY_COLUMNS = frozenset({"StudyInstanceUID", "PatientName", "PatientID", "AccessionNumber", "StudyDescription",
                            "StudyDate", "ModalitiesInStudy", "PatientSex", "PatientBirthDate"})
_SERIES_COLUMNS = frozenset({"SeriesInstanceUID", "Modality", "SeriesNumber", "SeriesDescription",
                             "BodyPartExamined"})
_INSTANCE_COLUMNS = frozenset({"SOPInstanceUID", "SOPClassUID", "InstanceNumber"})
_INDEXED = frozenset(keyword_for_tag(tag) for tag in ELEMENTS)
_STUDY_ATTRIBUTES = frozenset({
    "StudyTime", "ReferringPhysicianName", "StudyID", "PatientAge", "InstitutionName", "IssuerOfPatientID",
    "RequestedProcedurePriority", "StudyPriorityID", "RequestedProcedureDescription", "TimezoneOffsetFromUTC",
})
_SERIES_ATTRIBUTES = frozenset({
    "SeriesDate", "SeriesTime", "Laterality", "Manufacturer", "StationName", "ManufacturerModelName", "ProtocolName",
    "PatientPosition", "FrameOfReferenceUID", "PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime",
    "PerformedProcedureStepDescription",
})
STUDY_LEVEL = _STUDY_COLUMNS | (_STUDY_ATTRIBUTES & _INDEXED)
SERIES_LEVEL = _SERIES_COLUMNS | (_SERIES_ATTRIBUTES & _INDEXED)
INSTANCE_LEVEL = _INSTANCE_COLUMNS | (_INDEXED - STUDY_LEVEL - SERIES_LEVEL - {"SpecificCharacterSet"})
_CONTROLS = frozenset({"limit", "offset", "includefield", "fuzzymatching", "accept", "charset"})
_ALL = "all"
MAX_KEY_LENGTH = 1024


class _Days(NamedTuple):
    first: date | None
    last: date | None


class Asked:
    """Matching keys and controls of one request; the address' own UIDs are keys as well. Raises InvalidRequest."""

    def __init__(self, request: web.Request, keys: frozenset[str]) -> None:
        self._values: dict[str, str] = {}
        self.include: list[str] = []
        for name, value in request.query.items():
            key = _keyword_of(name)
            if name == "includefield":
                self.include += [_tag_of(field) for field in value.split(",") if field.strip()]
            elif name == "fuzzymatching" and value.lower() not in ("false", "true", ""):
                raise InvalidRequest("fuzzymatching is true or false.", reason="query")
            elif key in keys:
                self._add(key, value)
            elif name not in _CONTROLS:
                raise InvalidRequest(f"{name} cannot be searched for here.", reason="query")
        self.is_fuzzy = request.query.get("fuzzymatching", "").lower() == "true"
        wanted = _count(request, "limit", MAX_PAGE)
        self.limit = min(wanted, MAX_PAGE)
        self.offset = _count(request, "offset", 0)
        for part, key in (("study", "StudyInstanceUID"), ("series", "SeriesInstanceUID")):
            if part in request.match_info:
                self._values[key] = request.match_info[part]
        self._wanted = wanted

    @property
    def is_cut(self) -> bool:
        """True if the client asked for more rows than a page has."""
        return self._wanted > self.limit

    @property
    def wants_objects(self) -> bool:
        """True if something is to be included that the index does not hold."""
        return any(tag != _ALL and int(tag, 16) not in ELEMENTS for tag in self.include)

    def study_query(self, parts: Parts) -> StudyQuery:
        """The keys of the study level."""
        text = self._text("StudyDate")
        begins, before = day_range(parts, text) if text else (None, None)
        born = self._days("PatientBirthDate")
        return StudyQuery(
            study_instance_uids=self._list("StudyInstanceUID"), patient_name=self._text("PatientName"),
            patient_id=self._text("PatientID"), accession_number=self._text("AccessionNumber"),
            study_description=self._text("StudyDescription"), modalities_in_study=self._list("ModalitiesInStudy"),
            from_time=begins, before_time=before, sex=self._text("PatientSex"), born_from=born.first,
            born_until=born.last, attributes=self._attributes(STUDY_LEVEL - _STUDY_COLUMNS))

    def series_query(self, parts: Parts) -> SeriesQuery:
        """The keys of the study and series levels."""
        return SeriesQuery(
            self.study_query(parts), series_instance_uids=self._list("SeriesInstanceUID"),
            modalities=self._list("Modality"), number=self._number("SeriesNumber"),
            description=self._text("SeriesDescription"), body_part=self._text("BodyPartExamined"),
            attributes=self._attributes(SERIES_LEVEL - _SERIES_COLUMNS))

    def instance_query(self, parts: Parts) -> InstanceQuery:
        """The keys of all levels."""
        return InstanceQuery(
            self.series_query(parts), sop_instance_uids=self._list("SOPInstanceUID"),
            sop_class_uids=self._list("SOPClassUID"), number=self._number("InstanceNumber"),
            attributes=self._attributes(INSTANCE_LEVEL - _INSTANCE_COLUMNS))

    def _add(self, key: str, value: str) -> None:
        if len(value) > MAX_KEY_LENGTH:
            raise InvalidRequest(f"{key} is too long.", reason="query")
        if key in self._values:
            # Two values of a key are either a list of UIDs or a contradiction.
            if not key.endswith("UID"):
                raise InvalidRequest(f"{key} is given twice.", reason="query")
            value = f"{self._values[key]},{value}"
        self._values[key] = value

    def _text(self, key: str) -> str:
        text = self._values.get(key, "").strip()
        return "" if text.strip("*") == "" else text   # universal matching

    def _list(self, key: str) -> tuple[str, ...]:
        text = self._text(key).replace("\\", ",")
        return tuple(one.strip() for one in text.split(",") if one.strip())

    def _number(self, key: str) -> int | None:
        text = self._text(key)
        try:
            return int(text) if text else None
        except ValueError as exc:
            raise InvalidRequest(f"{key}={text} is no number.", reason="query") from exc

    def _days(self, key: str) -> _Days:
        text = self._text(key)
        if not text:
            return _Days(None, None)
        first, dash, last = text.partition("-")
        try:
            found = _Days(_day(first), _day(last) if dash else _day(first))
        except ValueError as exc:
            raise InvalidRequest(f"{key}={text}: write YYYYMMDD or a range.", reason="query") from exc
        if found == (None, None):
            raise InvalidRequest(f"{key}={text}: write YYYYMMDD or a range.", reason="query")
        return found

    def _attributes(self, keys: frozenset[str]) -> tuple[AttributeKey, ...]:
        found = []
        for key in sorted(keys & self._values.keys()):
            tag = tag_for_keyword(key)
            if tag is not None and (text := self._text(key)):
                found.append(AttributeKey(f"{tag:08X}", dictionary_VR(tag), text))
        return tuple(found)


def _keyword_of(name: str) -> str:
    if len(name) == 8 and set(name) <= set("0123456789abcdefABCDEF"):
        return keyword_for_tag(int(name, 16)) or name
    return name


def _day(text: str) -> date | None:
    return datetime.strptime(text.strip(), "%Y%m%d").replace(tzinfo=UTC).date() if text.strip() else None


def _count(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise InvalidRequest(f"{name}={text} is no count.", reason="query")
    return int(text)


def _tag_of(field: str) -> str:
    """The tag of an attribute by keyword or number; of a path into a sequence, the sequence."""
    field = field.strip().partition(".")[0]
    if field.lower() == _ALL:
        return _ALL
    if len(field) == 8 and all(c in "0123456789abcdefABCDEF" for c in field):
        return field.upper()
    tag = tag_for_keyword(field)
    if tag is None:
        raise InvalidRequest(f"includefield={field} is no attribute.", reason="query")
    return f"{tag:08X}"
