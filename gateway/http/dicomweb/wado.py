"""WADO-RS: objects and their metadata (PS3.18 10.4).

Objects leave exactly as they were received: `transfer-syntax=*`, none, or the stored one gives the stored bytes.
Where another one is asked for, a copy is decoded on the way out if it can be; otherwise the answer is 406. Nothing
grows with the study: parts are read from the store when their turn comes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial

import msgspec
from aiohttp import web

from gateway.http.dicomweb.media import (
    ANY_SYNTAX,
    DICOM,
    DICOM_JSON,
    DICOM_XML,
    JSON,
    ZIP,
    Acceptable,
    Part,
    acceptable,
    each,
    send_multipart,
    whole,
)
from gateway.http.dicomweb.records import patient_record
from gateway.http.dicomweb.retrieval_log import RetrievalLog
from gateway.http.dicomweb.zip_stream import Entry, zip_of
from gateway.http.errors import problem_response
from gateway.http.routing import caller_of
from gateway.renditions.native_xml import to_xml
from gateway.renditions.series_metadata import filled_in
from gateway.renditions.transcode import other_syntaxes
from gateway.services.find_studies import StoredInstance, instances_below
from gateway.services.ports import Parts
from gateway.services.render import Renderings, device_codec, metadata_line
from gateway.services.walk_series import SeriesWalks
from storage.model import ObjectRef


class Retrieve:
    """The handlers for whole objects and metadata."""

    def __init__(self, parts: Parts, renderings: Renderings, log: RetrievalLog) -> None:
        self._parts = parts
        self._renderings = renderings
        self._log = log

    async def objects(self, request: web.Request) -> web.StreamResponse:
        """GET of a study, a series or an instance."""
        lines = await lines_of(self._parts, request)
        for wanted in acceptable(request):
            if wanted.media_type == ZIP and not wanted.is_multipart:
                await self._log.note(request, [lines[0].study], "objects")
                return await self._zip(request, lines)
            if not wanted.covers(DICOM):
                continue
            syntaxes = [_syntax_for(line, wanted.transfer_syntax_uid) for line in lines]
            if all(syntaxes):
                await self._log.note(request, [lines[0].study], "objects")
                return await self._objects(request, lines, syntaxes, wanted)
        return problem_response(406, "not-acceptable", "Objects are given as application/dicom in the transfer "
                                "syntax they were received in, uncompressed where they can be decoded, or as "
                                "application/zip.")

    async def _objects(self, request: web.Request, lines: Sequence[StoredInstance], syntaxes: Sequence[str],
                       wanted: Acceptable) -> web.StreamResponse:
        if "instance" in request.match_info and not wanted.is_multipart and wanted.media_type == DICOM:
            return await self._single(request, lines[0], syntaxes[0])
        parts = (Part(f"{DICOM};transfer-syntax={syntax}", self._body(line, syntax), instance_url(request, line))
                 for line, syntax in zip(lines, syntaxes, strict=True))
        return await send_multipart(request, DICOM, each(parts))

    async def _single(self, request: web.Request, line: StoredInstance, syntax: str) -> web.StreamResponse:
        headers = {"Content-Type": f"{DICOM};transfer-syntax={syntax}", "Cache-Control": "no-store",
                   "Content-Disposition": f'attachment; filename="{line.sop_instance_uid}.dcm"'}
        if syntax == line.transfer_syntax_uid:
            headers["Content-Length"] = str(line.size_bytes)
        return await _send(request, headers, self._body(line, syntax))

    def _body(self, line: StoredInstance, syntax: str) -> AsyncIterator[bytes]:
        if syntax == line.transfer_syntax_uid:
            return self._parts.objects.stream(line.object_sha256)
        return self._renderings.transcoded(ref_of(line), syntax, sop_class_uid=line.sop_class_uid,
                                           sop_instance_uid=line.sop_instance_uid)

    async def _zip(self, request: web.Request, lines: Sequence[StoredInstance]) -> web.StreamResponse:
        async def entries() -> AsyncIterator[Entry]:
            for line in lines:
                yield Entry(f"{line.series_instance_uid}/{line.sop_instance_uid}.dcm", line.size_bytes,
                            partial(self._parts.objects.stream, line.object_sha256))

        name = lines[0].study.study_instance_uid
        return await _send(request, {"Content-Type": ZIP, "Cache-Control": "no-store",
                                     "Content-Disposition": f'attachment; filename="{name}.zip"'}, zip_of(entries()))

    async def metadata(self, request: web.Request) -> web.StreamResponse:
        """GET …/metadata: text decoded, long binary values as BulkDataURIs."""
        media_type = next((found for one in acceptable(request) if (found := _metadata_type(one))), None)
        if media_type is None:
            return problem_response(406, "not-acceptable", "Metadata is given as application/dicom+json, or as "
                                    'multipart/related; type="application/dicom+xml".')
        lines = await lines_of(self._parts, request, has_attributes=True)
        await self._log.note(request, [lines[0].study], "metadata")
        if media_type == DICOM_XML:
            return await send_multipart(request, DICOM_XML, self._xml_parts(request, lines))
        return await _send(request, {"Content-Type": media_type, "Cache-Control": "no-store"},
                           self._json_pieces(request, lines))

    async def _json_pieces(self, request: web.Request, lines: Sequence[StoredInstance]) -> AsyncIterator[bytes]:
        opening = b"["
        async for bundle in self._bundles(request, lines):
            yield opening + bundle
            opening = b","
        yield b"]"

    async def _xml_parts(self, request: web.Request, lines: Sequence[StoredInstance]) -> AsyncIterator[Part]:
        async for bundle in self._bundles(request, lines):
            for record in msgspec.json.decode(b"[" + bundle + b"]"):
                yield Part(DICOM_XML, whole(to_xml(record)))

    async def _bundles(self, request: web.Request, lines: Sequence[StoredInstance]) -> AsyncIterator[bytes]:
        """Series by series, as they are kept."""
        study = lines[0].study
        codec = device_codec(study.name_confidence, study.name_encoding)
        url = f"{request.url.origin()}/dicom-web/studies/{study.study_instance_uid}"
        # The index is where a person's name is corrected; the object keeps what the device wrote.
        patient = patient_record(study)
        of_series: dict[str, list[StoredInstance]] = {}
        for line in lines:
            of_series.setdefault(line.series_instance_uid, []).append(line)
        for series_instance_uid, some in of_series.items():
            wanted = [metadata_line(series_instance_uid, line) for line in some]
            async for bundle in self._renderings.metadata(wanted, codec=codec):
                yield filled_in(bundle, study_url=url, patient=patient)


async def lines_of(parts: Parts, request: web.Request, *, has_attributes: bool = False) -> list[StoredInstance]:
    """The instances that the request's address names, within the caller's scope. Raises NotFound."""
    info = request.match_info
    return await instances_below(parts, caller_of(request).scope, study_instance_uid=info["study"],
                                 series_instance_uid=info.get("series", ""),
                                 sop_instance_uid=info.get("instance", ""), has_attributes=has_attributes)


async def line_of(walks: SeriesWalks, request: web.Request) -> StoredInstance:
    """The one instance that the address names, `version` included (`walk_series`). Raises NotFound."""
    info = request.match_info
    return await walks.instance_at(caller_of(request).scope, study_instance_uid=info["study"],
                                   series_instance_uid=info["series"], sop_instance_uid=info["instance"],
                                   version=request.query.get("version", ""))


def instance_url(request: web.Request, line: StoredInstance) -> str:
    """The WADO-RS address of an instance."""
    return (f"{request.url.origin()}/dicom-web/studies/{line.study.study_instance_uid}"
            f"/series/{line.series_instance_uid}/instances/{line.sop_instance_uid}")


def ref_of(line: StoredInstance) -> ObjectRef:
    """The name of its object."""
    return ObjectRef(line.object_sha256, line.size_bytes)


async def _send(request: web.Request, headers: dict[str, str], pieces: AsyncIterator[bytes]) -> web.StreamResponse:
    """Stream; the status leaves with the first piece, so that an error before it is an honest one."""
    response = web.StreamResponse(headers=headers)
    async for piece in pieces:
        if not response.prepared:
            await response.prepare(request)
        await response.write(piece)
    await response.write_eof()
    return response


def _syntax_for(line: StoredInstance, wanted: str) -> str:
    """In which transfer syntax this object can be given; "" if not in the one that is wanted."""
    if wanted in ("", ANY_SYNTAX, line.transfer_syntax_uid):
        return line.transfer_syntax_uid
    return wanted if wanted in other_syntaxes(line.transfer_syntax_uid) else ""


def _metadata_type(wanted: Acceptable) -> str:
    if wanted.is_multipart:
        return DICOM_XML if wanted.media_type in (DICOM_XML, "*/*") else \
            DICOM_JSON if wanted.media_type == DICOM_JSON else ""
    return next(filter(wanted.covers, (DICOM_JSON, JSON)), "")
