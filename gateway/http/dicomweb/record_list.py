"""A list of data sets as DICOMweb gives it: DICOM JSON, or each as a part of native XML (PS3.18 8.7.3.2, F.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from aiohttp import web

from gateway.http.dicomweb.media import (
    DICOM_JSON,
    DICOM_XML,
    JSON,
    Part,
    acceptable,
    each,
    send_multipart,
    whole,
)
from gateway.http.errors import problem_response
from gateway.renditions.dicom_json import Json
from gateway.renditions.native_xml import to_xml


async def answer_list(request: web.Request, records: Sequence[Json], *,
                      headers: Mapping[str, str] | None = None) -> web.StreamResponse:
    """In the form that the caller accepts; 204 where there are none, 406 where neither form is accepted."""
    more = {"Cache-Control": "no-store", **(headers or {})}
    for wanted in acceptable(request):
        json_type = None if wanted.is_multipart else next(filter(wanted.covers, (DICOM_JSON, JSON)), None)
        is_xml = wanted.is_multipart and wanted.media_type in (DICOM_XML, "*/*")
        if (json_type or is_xml) and not records:
            return web.Response(status=204, headers=more)
        if json_type:
            return web.Response(body=msgspec.json.encode(records), content_type=json_type, headers=more)
        if is_xml:
            return await send_multipart(request, DICOM_XML, each(
                Part(DICOM_XML, whole(to_xml(record))) for record in records), headers=more)
    return problem_response(406, "not-acceptable", f"Lists are given as {DICOM_JSON}, or as multipart/related; "
                            f'type="{DICOM_XML}".')
