"""WADO-RS: objects exactly as they were received, and their metadata (PS3.18 10.4).

An object is never transcoded as a whole: `transfer-syntax=*`, none, or the stored one gives the stored bytes;
asking for another one is answered 406. Frames can be had in other encodings (`frames.py`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from aiohttp import web

from gateway.core.errors import NotFound, Unreadable
from gateway.http.dicomweb.media import (
    ANY_SYNTAX,
    DICOM,
    DICOM_JSON,
    OCTETS,
    Part,
    acceptable,
    each,
    send_multipart,
    takes,
    whole,
)
from gateway.http.dicomweb.records import patient_record
from gateway.http.dicomweb.retrieval_log import RetrievalLog
from gateway.http.errors import problem_response
from gateway.http.routing import caller_of
from gateway.renditions.dicom_json import BASE_PLACEHOLDER, Json
from gateway.services.find_studies import StoredInstance, instances_below
from gateway.services.ports import Parts
from gateway.services.render import Renderings, device_codec
from storage.model import ObjectRef


class Retrieve:
    """The handlers for whole objects, metadata and bulk data."""

    def __init__(self, parts: Parts, renderings: Renderings, log: RetrievalLog) -> None:
        self._parts = parts
        self._renderings = renderings
        self._log = log

    async def objects(self, request: web.Request) -> web.StreamResponse:
        """GET of a study, a series or an instance."""
        lines = await self._lines(request)
        wanted = [one for one in acceptable(request) if one.covers(DICOM)]
        chosen = next((one for one in wanted if all(_has_syntax(line, one.transfer_syntax_uid)
                                                           for line in lines)), None)
        if chosen is None:
            return problem_response(406, "not-acceptable", "Objects are given as application/dicom, in the transfer "
                                    "syntax they were received in.")
        await self._log.note(request, [lines[0].study], "objects")
        if "instance" in request.match_info and not chosen.is_multipart and chosen.media_type == DICOM:
            return await self._single(request, lines[0])
        parts = (Part(f"{DICOM};transfer-syntax={line.transfer_syntax_uid}",
                      self._parts.objects.stream(line.object_sha256), instance_url(request, line)) for line in lines)
        return await send_multipart(request, DICOM, each(parts))

    async def metadata(self, request: web.Request) -> web.StreamResponse:
        """GET …/metadata: DICOM JSON, text decoded, long binary values as BulkDataURIs."""
        media_type = takes(request, DICOM_JSON, "application/json")
        if media_type is None:
            return problem_response(406, "not-acceptable", "Metadata is given as application/dicom+json.")
        lines = await self._lines(request)
        await self._log.note(request, [lines[0].study], "metadata")
        response = web.StreamResponse(headers={"Content-Type": media_type, "Cache-Control": "no-store"})
        await response.prepare(request)
        opening = b"["
        for line in lines:
            await response.write(opening + await self._instance_metadata(request, line))
            opening = b","
        await response.write(b"]")
        await response.write_eof()
        return response

    async def bulk(self, request: web.Request) -> web.StreamResponse:
        """GET …/bulkdata/{path}: one long value, as the data set holds it."""
        (line,) = await self._lines(request)
        path = request.match_info["path"].upper()
        await self._log.note(request, [line.study], "bulkdata")
        ref = ObjectRef(line.object_sha256, line.size_bytes)
        if path in ("7FE00010", "7FE00008", "7FE00009"):
            return await self._pixels(request, ref)
        data = await self._renderings.bulk(ref, path)
        if any(one.covers(OCTETS) and not one.is_multipart for one in acceptable(request)):
            return web.Response(body=data, content_type=OCTETS, headers={"Cache-Control": "no-store"})
        return await send_multipart(request, OCTETS, each([Part(OCTETS, whole(data), str(request.url))]))

    async def _pixels(self, request: web.Request, ref: ObjectRef) -> web.StreamResponse:
        image = await self._renderings.image(ref)

        async def frames() -> AsyncIterator[Part]:
            for number in range(1, image.frame_count + 1):
                data = await self._renderings.stored_frame(ref, number)
                yield Part(f"{OCTETS};transfer-syntax={image.transfer_syntax_uid}", whole(data))

        return await send_multipart(request, OCTETS, frames())

    async def _single(self, request: web.Request, line: StoredInstance) -> web.StreamResponse:
        response = web.StreamResponse(headers={
            "Content-Type": f"{DICOM};transfer-syntax={line.transfer_syntax_uid}", "Cache-Control": "no-store",
            "Content-Length": str(line.size_bytes),
            "Content-Disposition": f'attachment; filename="{line.sop_instance_uid}.dcm"'})
        await response.prepare(request)
        async for chunk in self._parts.objects.stream(line.object_sha256):
            await response.write(chunk)
        await response.write_eof()
        return response

    async def _instance_metadata(self, request: web.Request, line: StoredInstance) -> bytes:
        codec = device_codec(line.study.name_confidence, line.study.name_encoding)
        try:
            found: Json = await self._renderings.metadata(ObjectRef(line.object_sha256, line.size_bytes), codec=codec)
        except Unreadable:
            found = dict(line.attributes)              # the index read enough of it to list it
        # The index is where a person's name is corrected; the object keeps what the device wrote.
        found.update(patient_record(line.study))
        encoded = msgspec.json.encode(dict(sorted(found.items())))
        return encoded.replace(f'"BulkDataURI":"{BASE_PLACEHOLDER}/'.encode(),
                               f'"BulkDataURI":"{instance_url(request, line)}/'.encode())

    async def _lines(self, request: web.Request) -> list[StoredInstance]:
        return await lines_of(self._parts, request)


async def lines_of(parts: Parts, request: web.Request) -> list[StoredInstance]:
    """The instances that the request's address names, within the caller's scope. Raises NotFound."""
    info = request.match_info
    return await instances_below(parts, caller_of(request).scope, study_instance_uid=info["study"],
                                 series_instance_uid=info.get("series", ""),
                                 sop_instance_uid=info.get("instance", ""))


async def line_of(parts: Parts, request: web.Request) -> StoredInstance:
    """The one instance that the address names. Raises NotFound."""
    lines = await lines_of(parts, request)
    if len(lines) != 1:
        raise NotFound("There is no such instance.")
    return lines[0]


def instance_url(request: web.Request, line: StoredInstance) -> str:
    """The WADO-RS address of an instance."""
    return (f"{request.url.origin()}/dicom-web/studies/{line.study.study_instance_uid}"
            f"/series/{line.series_instance_uid}/instances/{line.sop_instance_uid}")


def _has_syntax(line: StoredInstance, wanted: str) -> bool:
    return wanted in ("", ANY_SYNTAX, line.transfer_syntax_uid)
