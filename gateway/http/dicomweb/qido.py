"""QIDO-RS: search for studies, series and instances (PS3.18 10.6).

A key that we cannot match is refused rather than ignored, since ignoring it would give other people's studies. What a
request may say is read in `qido_query`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict
from zoneinfo import ZoneInfo

from aiohttp import web

from gateway.http.dicomweb.page_marks import PageMarks
from gateway.http.dicomweb.qido_query import INSTANCE_LEVEL, SERIES_LEVEL, STUDY_LEVEL, Asked
from gateway.http.dicomweb.record_list import answer_list
from gateway.http.dicomweb.records import included, instance_record, series_record, study_record
from gateway.http.routing import caller_of
from gateway.renditions.dicom_json import Json
from gateway.services.find_studies import (
    StoredInstance,
    StoredSeries,
    StoredStudy,
    find_instances,
    find_series,
    find_studies,
)
from gateway.services.ports import Parts
from gateway.services.render import Renderings, device_codec
from storage.model import ObjectRef

MAX_PAGE_FROM_OBJECTS = 200
"""Rows of a page for which an attribute is asked that only the objects hold: each is a file to be read."""


class Search:
    """The QIDO-RS handlers."""

    def __init__(self, parts: Parts, renderings: Renderings) -> None:
        self._parts = parts
        self._renderings = renderings
        self._zone = ZoneInfo(parts.settings.time_zone)
        self._marks = PageMarks()

    async def studies(self, request: web.Request) -> web.StreamResponse:
        """GET /dicom-web/studies"""
        asked = Asked(request, STUDY_LEVEL)
        lines = await find_studies(self._parts, asked.study_query(self._parts), caller_of(request).scope,
                                   **self._page(request, asked))
        self._note_end(request, asked, [line.study_id for line in lines])
        base = _base(request)
        records = []
        for line in lines[:asked.limit]:
            record = study_record(line, f"{base}/studies/{line.study_instance_uid}", self._zone)
            records.append(included(record, await self._attributes(asked, line, line), asked.include))
        return await _answer(request, asked, records, is_more=len(lines) > asked.limit)

    async def series(self, request: web.Request) -> web.StreamResponse:
        """GET /dicom-web/studies/{study}/series, /dicom-web/series"""
        is_all = "study" not in request.match_info
        asked = Asked(request, SERIES_LEVEL | STUDY_LEVEL if is_all else SERIES_LEVEL)
        lines = await find_series(self._parts, asked.series_query(self._parts), caller_of(request).scope,
                                  **self._page(request, asked))
        self._note_end(request, asked, [line.series_id for line in lines])
        base = _base(request)
        records = []
        for line in lines[:asked.limit]:
            study_url = f"{base}/studies/{line.study.study_instance_uid}"
            record = series_record(line, f"{study_url}/series/{line.series_instance_uid}")
            if is_all:
                record = study_record(line.study, study_url, self._zone) | record
            records.append(included(record, await self._attributes(asked, line, line.study), asked.include))
        return await _answer(request, asked, records, is_more=len(lines) > asked.limit)

    async def instances(self, request: web.Request) -> web.StreamResponse:
        """GET …/instances below a series, below a study, or of all"""
        has_study, has_series = "study" in request.match_info, "series" in request.match_info
        asked = Asked(request, INSTANCE_LEVEL | (frozenset() if has_series else SERIES_LEVEL)
                      | (frozenset() if has_study else STUDY_LEVEL))
        lines = await find_instances(self._parts, asked.instance_query(self._parts), caller_of(request).scope,
                                     has_counts=not has_study, **self._page(request, asked))
        self._note_end(request, asked, [line.instance_id for line in lines])
        base = _base(request)
        records = []
        for line in lines[:asked.limit]:
            study_url = f"{base}/studies/{line.study.study_instance_uid}"
            url = f"{study_url}/series/{line.series_instance_uid}/instances/{line.sop_instance_uid}"
            record = instance_record(line, url)
            if not has_study:
                record = study_record(line.study, study_url, self._zone) | record
            records.append(included(record, await self._attributes(asked, line, line.study), asked.include))
        return await _answer(request, asked, records, is_more=len(lines) > asked.limit)

    def _page(self, request: web.Request, asked: Asked) -> _Page:
        if asked.wants_objects:
            asked.limit = min(asked.limit, MAX_PAGE_FROM_OBJECTS)
        after = self._marks.after(request, asked.offset)
        return {"limit": asked.limit + 1, "offset": 0 if after else asked.offset, "after": after}

    def _note_end(self, request: web.Request, asked: Asked, ids: Sequence[str]) -> None:
        given = ids[:asked.limit]
        if given:
            self._marks.note(request, asked.offset + len(given), given[-1])

    async def _attributes(self, asked: Asked, line: StoredStudy | StoredSeries | StoredInstance,
                          study: StoredStudy) -> Json:
        """What the index holds of the row; all of one of its objects where that is asked for."""
        source = line if isinstance(line, StoredInstance) else line.sample
        if not asked.wants_objects or source is None:
            return line.attributes
        codec = device_codec(study.name_confidence, study.name_encoding)
        return await self._renderings.attributes(ObjectRef(source.object_sha256, source.size_bytes), codec=codec,
                                                 otherwise=line.attributes)


class _Page(TypedDict):
    limit: int
    offset: int
    after: str


def _base(request: web.Request) -> str:
    return f"{request.url.origin()}/dicom-web"


async def _answer(request: web.Request, asked: Asked, records: Sequence[Json], *, is_more: bool
                  ) -> web.StreamResponse:
    headers = {}
    warnings = []
    if is_more and (asked.is_cut or "limit" not in request.query):
        warnings.append("The number of results exceeded the maximum supported by the server. Additional results can "
                        "be requested.")
    if asked.is_fuzzy:
        warnings.append("The fuzzymatching parameter is not supported. Only literal matching has been performed.")
    if warnings:
        headers["Warning"] = ", ".join(f'299 reading-gateway "{text}"' for text in warnings)
    return await answer_list(request, records, headers=headers)
