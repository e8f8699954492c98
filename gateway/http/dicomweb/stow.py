"""STOW-RS: store instances (PS3.18 10.5).

Each part goes from the socket into the object store as it comes, so an upload of any size needs a few hundred
kilobytes of memory. An instance is named as stored after its bytes and its index entry are durable. What cannot be
taken is kept in quarantine and named as failed with its reason. Metadata with bulk data is read in `stow_metadata`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import msgspec
from aiohttp import BodyPartReader, MultipartReader, web

from gateway.core.errors import InvalidRequest, NotAllowed, Unreadable
from gateway.http.dicomweb.media import DICOM, DICOM_JSON, DICOM_XML, JSON, PeerMultipart, takes
from gateway.http.dicomweb.stow_metadata import MAX_METADATA_BYTES, Upload
from gateway.http.errors import problem_response
from gateway.http.routing import Caller, caller_of
from gateway.renditions.dicom_json import Json
from gateway.renditions.native_xml import to_xml
from gateway.services.ports import Parts
from gateway.services.receive_instance import Receipt, Sender, quarantine_kept, read_kept, receive_kept
from storage.errors import StorageFull, StorageUnavailable
from storage.model import ArrivalOutcome, ArrivalVia, ObjectRef

CHUNK_BYTES = 256 << 10
HEAD_BYTES = 1 << 20
MAX_PARTS = 20_000
_METADATA = (DICOM_JSON, DICOM_XML)
_ROOT_TYPES = ("", DICOM, *_METADATA)

OUT_OF_RESOURCES = 0xA700                # PS3.4 Table B.2-1 and PS3.3 C.12.1.13 (Failure Reason)
DOES_NOT_MATCH = 0xA900
CANNOT_UNDERSTAND = 0xC000
DUPLICATE_SOP_INSTANCE = 0x0111


class TooLarge(Exception):
    """The upload is past `max_upload_bytes`; what came before is kept."""


@dataclass(slots=True)
class _Outcome:
    """What became of the parts so far."""

    stored: list[Json] = field(default_factory=list)
    failed: list[Json] = field(default_factory=list)
    other_failures: list[Json] = field(default_factory=list)   # parts that do not say what they are
    is_full: bool = False

    def add(self, receipt: Receipt, retrieve_url: str) -> None:
        if receipt.outcome in (ArrivalOutcome.KEPT, ArrivalOutcome.DUPLICATE):
            self.stored.append(_reference(receipt.sop_class_uid, receipt.sop_instance_uid)
                               | {"00081190": {"vr": "UR", "Value": [retrieve_url]}})
            return
        reason = DUPLICATE_SOP_INSTANCE if receipt.outcome is ArrivalOutcome.CONFLICT else \
            DOES_NOT_MATCH if receipt.reason == STUDY_MISMATCH else CANNOT_UNDERSTAND
        self.fail(reason, receipt.sop_class_uid, receipt.sop_instance_uid)

    def fail(self, reason: int, sop_class_uid: str = "", sop_instance_uid: str = "") -> None:
        item: Json = {"00081197": {"vr": "US", "Value": [reason]}}
        if sop_instance_uid:
            self.failed.append(_reference(sop_class_uid, sop_instance_uid) | item)
        else:
            self.other_failures.append(item)

    @property
    def status(self) -> int:
        if not self.failed and not self.other_failures:
            return 200
        if self.stored:
            return 202
        return 503 if self.is_full else 409


STUDY_MISMATCH = "study-mismatch"


class Store:
    """The STOW-RS handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def store(self, request: web.Request) -> web.StreamResponse:
        """POST /dicom-web/studies and /dicom-web/studies/{study}"""
        limit = self._parts.settings.max_upload_bytes
        if (request.content_length or 0) > limit:
            return problem_response(413, "too-large", f"An upload may have {limit} bytes.")
        kind = request.content_type
        root_type = _parameter(request.headers.get("Content-Type", ""), "type")
        if kind not in ("multipart/related", DICOM) or (kind == "multipart/related" and root_type not in _ROOT_TYPES):
            return problem_response(415, "media-type", 'Send multipart/related; type="application/dicom", or '
                                    'metadata with bulk data: type="application/dicom+json" or …/dicom+xml.')
        caller = caller_of(request)
        sender = Sender(site_id=_site_of(request, caller), device=None, via=ArrivalVia.STOW, address=caller.address,
                        actor=caller.actor)
        outcome = _Outcome()
        try:
            await self._take_all(request, sender, outcome, limit)
        except TooLarge:
            if not outcome.stored:
                return problem_response(413, "too-large", f"An upload may have {limit} bytes.")
            outcome.fail(OUT_OF_RESOURCES)
        except ValueError as exc:                      # aiohttp's word for a body that is no multipart
            if not outcome.stored and not outcome.failed:
                raise InvalidRequest(f"The body is no multipart: {exc}", reason="multipart") from exc
            outcome.fail(CANNOT_UNDERSTAND)
        if not (outcome.stored or outcome.failed or outcome.other_failures):
            raise InvalidRequest("There are no parts.", reason="multipart")
        return _answer(request, outcome)

    async def _take_all(self, request: web.Request, sender: Sender, outcome: _Outcome, limit: int) -> None:
        base = f"{request.url.origin()}/dicom-web/studies"
        study = request.match_info.get("study", "")
        if request.content_type == DICOM:
            await self._take(_chunks(request.content.iter_chunked(CHUNK_BYTES), _Budget(limit)), sender, study,
                             outcome, base)
            return
        if _parameter(request.headers.get("Content-Type", ""), "type") in _METADATA:
            await self._take_described(request, sender, outcome, _Budget(limit), base)
            return
        budget = _Budget(limit)
        reader = PeerMultipart(request.headers, request.content)
        count = 0
        while (part := await reader.next()) is not None:
            count += 1
            if count > MAX_PARTS:
                raise TooLarge
            if isinstance(part, MultipartReader):
                raise ValueError("a multipart inside a multipart")
            if part.headers.get("Content-Type", DICOM).split(";")[0].strip().lower() != DICOM:
                await part.release()
                outcome.fail(CANNOT_UNDERSTAND)
                continue
            await self._take(_chunks(_body(part), budget), sender, study, outcome, base)

    async def _take_described(self, request: web.Request, sender: Sender, outcome: _Outcome, budget: _Budget,
                              base: str) -> None:
        """Metadata and bulk data: all parts first, then one instance after another."""
        upload = Upload(self._parts.settings.data_dir)
        try:
            try:
                await self._read_parts(request, upload, budget)
            except OSError as exc:                     # the disk is full; nothing was promised yet
                if isinstance(exc, ConnectionError):
                    raise
                outcome.is_full = True
                outcome.fail(OUT_OF_RESOURCES)
                return
            for described in upload.described:
                try:
                    pieces = await asyncio.to_thread(upload.part10, described)
                except Unreadable:
                    outcome.fail(CANNOT_UNDERSTAND, described.sop_class_uid, described.sop_instance_uid)
                    continue
                await self._take(_in_thread(pieces), sender, request.match_info.get("study", ""), outcome, base)
        finally:
            upload.close()

    async def _read_parts(self, request: web.Request, upload: Upload, budget: _Budget) -> None:
        reader = PeerMultipart(request.headers, request.content)
        metadata_left = MAX_METADATA_BYTES
        count = 0
        while (part := await reader.next()) is not None:
            count += 1
            if count > MAX_PARTS or isinstance(part, MultipartReader):
                raise TooLarge if count > MAX_PARTS else ValueError("a multipart inside a multipart")
            said = part.headers.get("Content-Type", "")
            media_type = said.split(";")[0].strip().lower()
            if media_type in _METADATA:
                data = bytearray()
                async for chunk in _chunks(_body(part), budget):
                    data += chunk
                    if len(data) > metadata_left:
                        raise TooLarge
                metadata_left -= len(data)
                await asyncio.to_thread(upload.add_metadata, bytes(data), media_type)
                continue
            start = await asyncio.to_thread(upload.begin_bulk)
            async for chunk in _chunks(_body(part), budget):
                await asyncio.to_thread(upload.write_bulk, chunk)
            location = part.headers.get("Content-Location", "").strip()
            upload.end_bulk(location, media_type, _parameter(said, "transfer-syntax"), start)

    async def _take(self, chunks: AsyncIterator[bytes], sender: Sender, study: str, outcome: _Outcome,
                    base: str) -> None:
        """One instance, from the socket to the index."""
        if outcome.is_full:                            # the rest is read and named, so that the client gets an answer
            async for _ in chunks:
                pass
            outcome.fail(OUT_OF_RESOURCES)
            return
        try:
            ref, first_bytes = await self._keep(chunks)
            outcome.add(*await self._index(ref, first_bytes, sender, study, base))
        except (StorageFull, StorageUnavailable):
            outcome.is_full = True
            async for _ in chunks:
                pass
            outcome.fail(OUT_OF_RESOURCES)

    async def _keep(self, chunks: AsyncIterator[bytes]) -> tuple[ObjectRef, bytes]:
        writer = await asyncio.to_thread(self._parts.objects.begin)
        first_bytes = b""
        try:
            async for chunk in chunks:
                if len(first_bytes) < HEAD_BYTES:
                    first_bytes += chunk[:HEAD_BYTES - len(first_bytes)]
                await asyncio.to_thread(writer.write, chunk)
            return await asyncio.to_thread(writer.finish), first_bytes
        except BaseException:
            await asyncio.to_thread(writer.abandon)    # a client that hangs up leaves nothing behind
            raise

    async def _index(self, ref: ObjectRef, first_bytes: bytes, sender: Sender, study: str, base: str
                     ) -> tuple[Receipt, str]:
        try:
            head = await asyncio.to_thread(read_kept, self._parts, ref, first_bytes, sender)
        except Unreadable as exc:
            return await quarantine_kept(self._parts, ref, sender, reason=exc.reason, detail=str(exc)), ""
        if study and head.study_instance_uid != study:
            detail = f"Sent to study {study}, but it belongs to {head.study_instance_uid}."
            return await quarantine_kept(self._parts, ref, sender, reason=STUDY_MISMATCH, detail=detail,
                                         sop_class_uid=head.sop_class_uid,
                                         sop_instance_uid=head.sop_instance_uid), ""
        receipt = await receive_kept(self._parts, ref, head, sender)
        url = (f"{base}/{head.study_instance_uid}/series/{head.series_instance_uid}"
               f"/instances/{head.sop_instance_uid}")
        return receipt, url


class _Budget:
    """Counts the bytes of one upload. Raises TooLarge."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    def take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise TooLarge


async def _chunks(source: AsyncIterator[bytes], budget: _Budget) -> AsyncIterator[bytes]:
    async for chunk in source:
        budget.take(len(chunk))
        yield chunk


async def _body(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(CHUNK_BYTES):
        yield bytes(chunk)


def _site_of(request: web.Request, caller: Caller) -> str:
    """A token belongs to a site; a person names one, unless there is only one it may be."""
    if caller.token_site_id is not None:
        return caller.token_site_id
    asked = request.query.get("site", "")
    if asked:
        if not caller.scope.allows(asked):
            raise NotAllowed("You may not send for this site.")
        return asked
    if caller.scope.site_ids is not None and len(caller.scope.site_ids) == 1:
        return next(iter(caller.scope.site_ids))
    raise InvalidRequest("Say for which site this is: ?site=…", reason="site")


async def _in_thread(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        if piece:
            yield piece


def _parameter(content_type: str, name: str) -> str:
    for piece in content_type.split(";")[1:]:
        key, _, value = piece.partition("=")
        if key.strip().lower() == name:
            return value.strip().strip('"').lower()
    return ""


def _reference(sop_class_uid: str, sop_instance_uid: str) -> Json:
    return {"00081150": {"vr": "UI", "Value": [sop_class_uid]}, "00081155": {"vr": "UI", "Value": [sop_instance_uid]}}


def _answer(request: web.Request, outcome: _Outcome) -> web.Response:
    body: Json = {}
    if "study" in request.match_info and outcome.stored:
        body["00081190"] = {"vr": "UR", "Value": [
            f"{request.url.origin()}/dicom-web/studies/{request.match_info['study']}"]}
    if outcome.failed:
        body["00081198"] = {"vr": "SQ", "Value": outcome.failed}
    if outcome.stored:
        body["00081199"] = {"vr": "SQ", "Value": outcome.stored}
    if outcome.other_failures:
        body["0008119A"] = {"vr": "SQ", "Value": outcome.other_failures}
    headers = {"Retry-After": "30"} if outcome.status == 503 else {}
    # What was stored is told in any case: a client that takes neither form gets JSON.
    wanted = takes(request, DICOM_JSON, JSON, DICOM_XML) or DICOM_JSON
    encoded = to_xml(body) if wanted == DICOM_XML else msgspec.json.encode(body)
    return web.Response(status=outcome.status, body=encoded, content_type=wanted, headers=headers)
