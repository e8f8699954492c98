"""QIDO-RS: search for studies, series and instances (PS3.18 10.6).

A key that we cannot match is refused rather than ignored, since ignoring it would give other people's studies.
"""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

import msgspec
from aiohttp import web
from pydicom.datadict import tag_for_keyword

from gateway.core.errors import InvalidRequest
from gateway.http.dicomweb.media import DICOM_JSON, takes
from gateway.http.dicomweb.records import included, instance_record, series_record, study_record
from gateway.http.errors import problem_response
from gateway.http.routing import caller_of
from gateway.renditions.dicom_json import Json
from gateway.services.find_studies import (
    MAX_PAGE,
    InstanceQuery,
    SeriesQuery,
    StudyQuery,
    day_range,
    find_instances,
    find_series,
    find_studies,
)
from gateway.services.ports import Parts

_STUDY_KEYS = {"StudyInstanceUID", "PatientName", "PatientID", "AccessionNumber", "StudyDescription", "StudyDate",
               "ModalitiesInStudy"}
_SERIES_KEYS = {"SeriesInstanceUID", "Modality", "SeriesNumber", "SeriesDescription"}
_INSTANCE_KEYS = {"SOPInstanceUID", "SOPClassUID", "InstanceNumber"}
_CONTROLS = {"limit", "offset", "includefield", "fuzzymatching", "accept", "charset"}


class Search:
    """The QIDO-RS handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._zone = ZoneInfo(parts.settings.time_zone)

    async def studies(self, request: web.Request) -> web.StreamResponse:
        """GET /dicom-web/studies"""
        asked = _Asked(request, _STUDY_KEYS)
        lines = await find_studies(self._parts, self._study_query(asked), caller_of(request).scope,
                                   limit=asked.limit + 1, offset=asked.offset)
        base = _base(request)
        return _answer(request, asked, [
            included(study_record(line, f"{base}/studies/{line.study_instance_uid}", self._zone), line.attributes,
                     asked.include) for line in lines])

    async def series(self, request: web.Request) -> web.StreamResponse:
        """GET /dicom-web/studies/{study}/series, /dicom-web/series"""
        is_all = "study" not in request.match_info
        asked = _Asked(request, _SERIES_KEYS | (_STUDY_KEYS if is_all else set()))
        lines = await find_series(self._parts, self._series_query(asked), caller_of(request).scope,
                                  limit=asked.limit + 1, offset=asked.offset)
        base = _base(request)
        records = []
        for line in lines:
            study_url = f"{base}/studies/{line.study.study_instance_uid}"
            record = series_record(line, f"{study_url}/series/{line.series_instance_uid}")
            if is_all:
                record = study_record(line.study, study_url, self._zone) | record
            records.append(included(record, line.attributes, asked.include))
        return _answer(request, asked, records)

    async def instances(self, request: web.Request) -> web.StreamResponse:
        """GET …/instances below a series, below a study, or of all"""
        has_study, has_series = "study" in request.match_info, "series" in request.match_info
        asked = _Asked(request, _INSTANCE_KEYS | (set() if has_series else _SERIES_KEYS)
                       | (set() if has_study else _STUDY_KEYS))
        query = InstanceQuery(
            self._series_query(asked), sop_instance_uids=asked.uids("SOPInstanceUID"),
            sop_class_uids=asked.uids("SOPClassUID"), number=asked.number("InstanceNumber"))
        lines = await find_instances(self._parts, query, caller_of(request).scope,
                                     limit=asked.limit + 1, offset=asked.offset)
        base = _base(request)
        records = []
        for line in lines:
            study_url = f"{base}/studies/{line.study.study_instance_uid}"
            url = f"{study_url}/series/{line.series_instance_uid}/instances/{line.sop_instance_uid}"
            record = instance_record(line, url)
            if not has_study:
                record = study_record(line.study, study_url, self._zone) | record
            records.append(included(record, line.attributes, asked.include))
        return _answer(request, asked, records)

    def _study_query(self, asked: _Asked) -> StudyQuery:
        date = asked.text("StudyDate")
        begins, before = day_range(self._parts, date) if date else (None, None)
        return StudyQuery(
            study_instance_uids=asked.uids("StudyInstanceUID"), patient_name=asked.text("PatientName"),
            patient_id=asked.text("PatientID"), accession_number=asked.text("AccessionNumber"),
            study_description=asked.text("StudyDescription"), modalities_in_study=asked.uids("ModalitiesInStudy"),
            from_time=begins, before_time=before)

    def _series_query(self, asked: _Asked) -> SeriesQuery:
        return SeriesQuery(
            self._study_query(asked), series_instance_uids=asked.uids("SeriesInstanceUID"),
            modalities=asked.uids("Modality"), number=asked.number("SeriesNumber"),
            description=asked.text("SeriesDescription"))


class _Asked:
    """Matching keys and controls of one request; the address' own UIDs are keys as well."""

    def __init__(self, request: web.Request, keys: set[str]) -> None:
        self._values: dict[str, str] = {}
        self.include: list[str] = []
        by_tag = {f"{tag_for_keyword(key):08X}": key for key in keys}
        for name, value in request.query.items():
            key = by_tag.get(name.upper(), name)
            if name == "includefield":
                self.include += [_tag_of(field) for field in value.split(",") if field.strip()]
            elif name == "fuzzymatching" and value.lower() not in ("false", "true", ""):
                raise InvalidRequest("fuzzymatching is true or false.", reason="query")
            elif key in keys:
                if len(value) > 1024:
                    raise InvalidRequest(f"{key} is too long.", reason="query")
                self._values[key] = value
            elif name not in _CONTROLS:
                raise InvalidRequest(f"{name} cannot be searched for here.", reason="query")
        self.is_fuzzy = request.query.get("fuzzymatching", "").lower() == "true"
        self.limit = min(_count(request, "limit", MAX_PAGE), MAX_PAGE)
        self.offset = _count(request, "offset", 0)
        for part, key in (("study", "StudyInstanceUID"), ("series", "SeriesInstanceUID")):
            if part in request.match_info:
                self._values[key] = request.match_info[part]

    def text(self, key: str) -> str:
        text = self._values.get(key, "").strip()
        return "" if text.strip("*") == "" else text   # universal matching

    def uids(self, key: str) -> tuple[str, ...]:
        text = self.text(key).replace("\\", ",")
        return tuple(uid.strip() for uid in text.split(",") if uid.strip())

    def number(self, key: str) -> int | None:
        text = self.text(key)
        if not text:
            return None
        try:
            return int(text)
        except ValueError as exc:
            raise InvalidRequest(f"{key}={text} is no number.", reason="query") from exc


def _count(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise InvalidRequest(f"{name}={text} is no count.", reason="query")
    return int(text)


def _tag_of(field: str) -> str:
    field = field.strip()
    if field.lower() == "all":
        return "all"
    if len(field) == 8 and all(c in "0123456789abcdefABCDEF" for c in field):
        return field.upper()
    tag = tag_for_keyword(field)
    if tag is None:
        raise InvalidRequest(f"includefield={field} is no attribute.", reason="query")
    return f"{tag:08X}"


def _base(request: web.Request) -> str:
    return f"{request.url.origin()}/dicom-web"


def _answer(request: web.Request, asked: _Asked, records: Iterable[Json]) -> web.Response:
    media_type = takes(request, DICOM_JSON, "application/json")
    if media_type is None:
        return problem_response(406, "not-acceptable", "Lists are given as application/dicom+json.")
    page = list(records)
    headers = {"Cache-Control": "no-store"}
    if len(page) > asked.limit:
        page.pop()
        if asked.limit == MAX_PAGE or "limit" not in request.query:
            headers["Warning"] = ('299 reading-gateway "The number of results exceeded the maximum supported by the '
                                  'server. Additional results can be requested."')
    if asked.is_fuzzy:
        headers["Warning"] = ('299 reading-gateway "The fuzzymatching parameter is not supported. Only literal '
                              'matching has been performed."')
    if not page:
        return web.Response(status=204, headers=headers)
    return web.Response(body=msgspec.json.encode(page), content_type=media_type, headers=headers)
