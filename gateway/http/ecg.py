"""The ECG routes: one file in, header, samples and original out.

A cart sends the file as the body, or as a form; a WFDB record may come as header and signal files together.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from urllib.parse import quote

from aiohttp import BodyPartReader, web
from aiohttp.multipart import MultipartReader

from gateway.core.errors import InvalidRequest, NotAllowed
from gateway.formats.zip_members import pack
from gateway.http.messages import EcgLeadView, EcgReceipt, EcgView
from gateway.http.routing import CLINICS, PEOPLE, Caller, Route, caller_of, json_response
from gateway.services.ports import Parts
from gateway.services.receive_ecg import receive_ecg
from gateway.services.receive_instance import Sender
from gateway.services.show_ecg import EcgShelf, ShownEcg, original_ecg
from storage.model import ArrivalOutcome, ArrivalVia, InstanceFormat, Role

_MAX_PARTS = 64
_MEDIA_TYPES: Mapping[InstanceFormat, tuple[str, str]] = {
    InstanceFormat.DICOM: ("application/dicom", "dcm"),
    InstanceFormat.HL7_AECG: ("application/xml", "xml"),
    InstanceFormat.WFDB: ("application/zip", "zip"),
}


def routes(parts: Parts) -> list[Route]:
    """The rows of this room."""
    room = _Room(parts)
    return [
        Route("POST", "/api/ecg", room.receive, "Send one ECG file of any known format",
              roles=CLINICS | {Role.ADMIN}, token_scopes=frozenset({"ingest"}), response=EcgReceipt),
        Route("GET", "/api/ecg/{instance_id}", room.show, "Header of an ECG", roles=PEOPLE,
              token_scopes=frozenset({"read"}), response=EcgView),
        Route("GET", "/api/ecg/{instance_id}/samples", room.samples,
              "Samples of an ECG: int32 little-endian nanovolts, lead after lead", roles=PEOPLE,
              token_scopes=frozenset({"read"})),
        Route("GET", "/api/ecg/{instance_id}/original", room.original, "The bytes of an ECG as received",
              roles=PEOPLE, token_scopes=frozenset({"read"})),
    ]


class _Room:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._shelf = EcgShelf(parts)

    async def receive(self, request: web.Request) -> web.Response:
        caller = caller_of(request)
        site_id = _site_of(caller, request.query.get("site", ""))
        limit_bytes = self._parts.settings.max_ecg_bytes
        if request.content_type.startswith("multipart/"):
            data, file_name = await _form(request, limit_bytes)
        else:
            data, file_name = await _body(request, limit_bytes), ""
        file_name = _plain_name(request.query.get("file_name", "") or file_name)
        sender = Sender(site_id=site_id, device=None, via=ArrivalVia.ECG_UPLOAD, address=caller.address,
                        actor=caller.actor)
        received = await receive_ecg(self._parts, data, sender, file_name=file_name)
        receipt = EcgReceipt(id=received.instance_id, study_id=received.study_id, outcome=received.outcome.value,
                             format=received.format, sop_instance_uid=received.sop_instance_uid,
                             sha256=received.sha256)
        return json_response(receipt, status=201 if received.outcome is ArrivalOutcome.KEPT else 200)

    async def show(self, request: web.Request) -> web.Response:
        shown = await self._shelf.show(caller_of(request).scope, request.match_info["instance_id"])
        return json_response(_view(shown))

    async def samples(self, request: web.Request) -> web.Response:
        data = await self._shelf.samples(caller_of(request).scope, request.match_info["instance_id"])
        return web.Response(body=data, content_type="application/octet-stream")

    async def original(self, request: web.Request) -> web.Response:
        caller = caller_of(request)
        instance, data = await original_ecg(self._parts, caller.scope, request.match_info["instance_id"],
                                            actor=caller.actor, address=caller.address)
        media_type, suffix = _MEDIA_TYPES[instance.format]
        name = quote(f"{instance.id}.{suffix}")
        return web.Response(body=data, content_type=media_type,
                            headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _site_of(caller: Caller, asked: str) -> str:
    """A token sends for its site; a person for the one they name, or for their only one."""
    if caller.token_site_id is not None:
        if asked and asked != caller.token_site_id:
            raise NotAllowed("This token sends for another site.")
        return caller.token_site_id
    allowed = caller.scope.site_ids
    if not asked and allowed is not None and len(allowed) == 1:
        return next(iter(allowed))
    if not asked:
        raise InvalidRequest("Say for which site: ?site=…", reason="site-needed")
    if not caller.scope.allows(asked):
        raise NotAllowed("You may not send for this site.")
    return asked


async def _body(request: web.Request, limit_bytes: int) -> bytes:
    """The body, never more than the limit in memory."""
    if request.content_length is not None and request.content_length > limit_bytes:
        raise _too_large(limit_bytes)
    data = bytearray()
    async for chunk in request.content.iter_chunked(1 << 16):
        data += chunk
        if len(data) > limit_bytes:
            raise _too_large(limit_bytes)
    return bytes(data)


async def _form(request: web.Request, limit_bytes: int) -> tuple[bytes, str]:
    """The file of a form; several files are one WFDB record, packed as they came."""
    files: dict[str, bytes] = {}
    total = 0
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if isinstance(part, MultipartReader) or not isinstance(part, BodyPartReader):
                raise InvalidRequest("Forms inside forms are not taken.", reason="form")
            data = bytearray()
            while chunk := await part.read_chunk(1 << 16):
                data += chunk
                total += len(chunk)
                if total > limit_bytes:
                    raise _too_large(limit_bytes)
            if part.filename is None and part.name != "file":
                continue                                   # a plain field of the form
            name = _plain_name(part.filename or "file")
            if name in files or len(files) >= _MAX_PARTS:
                raise InvalidRequest("The form holds too many files, or two of one name.", reason="form")
            files[name] = bytes(data)
    except ValueError as exc:
        raise InvalidRequest("The form is damaged.", reason="form") from exc
    if not files:
        return b"", ""
    if len(files) == 1:
        name, only = next(iter(files.items()))
        return only, name
    if not any(name.lower().endswith(".hea") for name in files):
        raise InvalidRequest("Send one ECG at a time; several files only as one WFDB record.", reason="one-ecg")
    header = next(name for name in files if name.lower().endswith(".hea"))
    return pack(files), f"{PurePath(header).stem}.zip"


def _too_large(limit_bytes: int) -> InvalidRequest:
    return InvalidRequest(f"An ECG file may have {limit_bytes} bytes at most.", reason="too-large")


def _plain_name(name: str) -> str:
    """The last part of a path, printable, of sane length."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable())[:200]


def _view(shown: ShownEcg) -> EcgView:
    record = shown.record
    return EcgView(
        instance_id=shown.instance.id, study_id=shown.study.id, sop_instance_uid=shown.instance.sop_instance_uid,
        format=record.format, interval_us=record.interval_us,
        leads=[EcgLeadView(name=lead.name, sample_count=len(lead.samples), start_us=lead.start_us)
               for lead in record.leads],
        recorded_at=record.recorded_at, device_model=record.device_model, filters=record.filters,
        measurements=dict(record.measurements), statements=list(record.statements), warnings=list(record.warnings))
