"""ECG files come in by HTTP: one, or several at once.

A cart or a program sends a file as the body, or files as a form; a zip of several ECGs is opened. A WFDB record may
come as header and signal files together. One ECG gets its receipt or its refusal; several get 207 with one result
each, so that nothing is lost among the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import PurePath

from aiohttp import BodyPartReader, web
from aiohttp.multipart import MultipartReader

from gateway.core.errors import InvalidRequest, NotAllowed, Unreadable
from gateway.formats.ecg_files import TOO_LARGE, ecgs_of, unpacked
from gateway.http.errors import described
from gateway.http.messages import Problem
from gateway.http.messages.ecg import EcgReceipt
from gateway.http.messages.ecg_intake import EcgBatchReceipt, EcgFileResult
from gateway.http.routing import CLINICS, Caller, Route, caller_of, json_response
from gateway.services.ports import Parts
from gateway.services.receive_ecg import EcgReceived, receive_ecg
from gateway.services.receive_ecg_batch import FileOutcome, receive_ecgs
from gateway.services.receive_instance import Sender
from storage.model import ArrivalOutcome, ArrivalVia, Role

MAX_FILES = 64


def routes(parts: Parts) -> list[Route]:
    """The row of this file."""
    async def receive(request: web.Request) -> web.StreamResponse:
        caller = caller_of(request)
        site_id = _site_of(caller, request.query.get("site", ""))
        sender = Sender(site_id=site_id, device=None, via=ArrivalVia.ECG_UPLOAD, address=caller.address,
                        actor=caller.actor)
        limit_bytes = parts.settings.max_ecg_bytes
        is_form = request.content_type.startswith("multipart/")
        name = _plain_name(request.query.get("file_name", ""))
        sent = await _form(request, limit_bytes) if is_form else {name: await _body(request, limit_bytes)}
        files = await asyncio.to_thread(_ecgs, sent, limit_bytes)
        if len(files) > 1:
            return _several(await receive_ecgs(parts, files, sender))
        file_name, data = files[0] if files else (name, b"")
        received = await receive_ecg(parts, data, sender, file_name=name or file_name)
        return json_response(_receipt(received), status=201 if received.outcome is ArrivalOutcome.KEPT else 200)

    return [Route("POST", "/api/ecg", receive, "Send one ECG file of any known format, or several (answer 207)",
                  roles=CLINICS | {Role.ADMIN}, token_scopes=frozenset({"ingest"}), response=EcgReceipt,
                  query=("site", "file_name"))]


def _ecgs(sent: Mapping[str, bytes], limit_bytes: int) -> list[tuple[str, bytes]]:
    """The ECGs among what was sent; zips of several are opened, all together to no more than one upload may have."""
    files: dict[str, bytes] = {}
    left_bytes = limit_bytes
    try:
        for name, data in sent.items():
            for member, content in (_opened(data, left_bytes) or {name: data}).items():
                files[_free_name(member, files)] = content
                left_bytes -= len(content)
                if len(files) > MAX_FILES:
                    raise _too_many()
                if left_bytes < 0:
                    raise _too_large(limit_bytes)
        return [(_plain_name(name), data) for name, data in ecgs_of(files, limit_bytes=limit_bytes)]
    except Unreadable as exc:
        if exc.reason == TOO_LARGE:
            raise _too_large(limit_bytes) from exc
        raise


def _opened(data: bytes, limit_bytes: int) -> dict[str, bytes] | None:
    try:
        return unpacked(data, limit_bytes=limit_bytes)
    except Unreadable as exc:
        if exc.reason == TOO_LARGE:
            raise
        return None                          # receiving it says what is wrong with it, and keeps it


def _several(outcomes: list[FileOutcome]) -> web.Response:
    results = []
    for one in outcomes:
        if isinstance(one.outcome, EcgReceived):
            status = 201 if one.outcome.outcome is ArrivalOutcome.KEPT else 200
            results.append(EcgFileResult(one.file_name, one.size_bytes, status, receipt=_receipt(one.outcome)))
            continue
        status, reason, detail = described(one.outcome)
        problem = Problem(title=HTTPStatus(status).phrase, status=status, reason=reason, detail=detail)
        results.append(EcgFileResult(one.file_name, one.size_bytes, status, problem=problem))
    return json_response(EcgBatchReceipt(results), status=207)


def _receipt(received: EcgReceived) -> EcgReceipt:
    return EcgReceipt(id=received.instance_id, study_id=received.study_id, outcome=received.outcome.value,
                      format=received.format, sop_instance_uid=received.sop_instance_uid, sha256=received.sha256)


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


async def _form(request: web.Request, limit_bytes: int) -> dict[str, bytes]:
    """The files of a form by name, all of them together never more than the limit."""
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
            if len(files) >= MAX_FILES:
                raise _too_many()
            files[_free_name(_plain_name(part.filename or "file"), files)] = bytes(data)
    except ValueError as exc:
        raise InvalidRequest("The form is damaged.", reason="form") from exc
    return files


def _too_many() -> InvalidRequest:
    return InvalidRequest(f"An upload may hold {MAX_FILES} files at most, zips opened.", reason="too-many-files")


def _too_large(limit_bytes: int) -> InvalidRequest:
    return InvalidRequest(f"An upload may have {limit_bytes} bytes at most, zips opened.", reason="too-large")


def _plain_name(name: str) -> str:
    """The last part of a path, printable, of sane length."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable())[:200]


def _free_name(name: str, taken: Mapping[str, bytes]) -> str:
    """The name, or the first numbered one that is free: two carts call their files alike."""
    path, number, free = PurePath(name or "file"), 1, name or "file"
    while free in taken:
        number += 1
        free = str(path.parent / f"{path.stem}-{number}{path.suffix}")
    return free
