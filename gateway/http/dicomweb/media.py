"""Read what a DICOMweb client accepts, and write multipart/related answers (PS3.18 8.7, RFC 2387)."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass

from aiohttp import MultipartReader, web

DICOM = "application/dicom"
DICOM_JSON = "application/dicom+json"
DICOM_XML = "application/dicom+xml"
JSON = "application/json"
ZIP = "application/zip"
OCTETS = "application/octet-stream"
ANY_SYNTAX = "*"
MAX_BOUNDARY_LENGTH = 256
_PIECE = re.compile(r'\s*,\s*(?=(?:[^"]*"[^"]*")*[^"]*$)')
_PARAMETER = re.compile(r';\s*([^=;\s]+)\s*=\s*("[^"]*"|[^;]*)')


@dataclass(frozen=True, slots=True)
class Acceptable:
    """One thing the client takes: for multipart/related, the type of its parts."""

    media_type: str
    transfer_syntax_uid: str                       # "" if not said, "*" for any
    is_multipart: bool
    weight: float

    def covers(self, media_type: str) -> bool:
        """True if this media type is meant, wildcards included."""
        kind, _, _ = media_type.partition("/")
        return self.media_type in ("*/*", f"{kind}/*", media_type)


def acceptable(request: web.Request) -> list[Acceptable]:
    """What the client takes, best first. An empty or missing Accept takes anything."""
    headers = [request.query["accept"]] if "accept" in request.query else request.headers.getall("Accept", [])
    found = []
    for piece in (piece for header in headers for piece in _PIECE.split(header.strip()) if piece.strip()):
        media_type = piece.split(";", 1)[0].strip().lower()
        parameters = {name.lower(): value.strip().strip('"') for name, value in _PARAMETER.findall(piece)}
        is_multipart = media_type == "multipart/related"
        if is_multipart:
            media_type = parameters.get("type", "*/*").lower()
        elif media_type.startswith("multipart/"):
            media_type, is_multipart = "*/*", True
        found.append(Acceptable(media_type, parameters.get("transfer-syntax", ""), is_multipart,
                                _weight(parameters.get("q", ""))))
    found = [one for one in found if one.weight > 0]
    return sorted(found, key=lambda one: -one.weight) or ([Acceptable("*/*", "", False, 1.0)] if not headers else [])


def takes(request: web.Request, *media_types: str) -> str | None:
    """The first of these single media types that the client takes best, or None."""
    for wanted in acceptable(request):
        for media_type in media_types:
            if wanted.covers(media_type):
                return media_type
    return None


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart answer; its bytes are asked for when its turn comes."""

    content_type: str
    body: AsyncIterator[bytes]
    location: str = ""


async def send_multipart(request: web.Request, media_type: str, parts: AsyncIterator[Part], *,
                         headers: Mapping[str, str] | None = None) -> web.StreamResponse:
    """Stream parts one after another; nothing is held whole.

    An error in the middle cuts the connection, so that a client never takes half an answer for the whole.
    """
    boundary = os.urandom(16).hex()
    response = web.StreamResponse(headers={
        "Content-Type": f'multipart/related; type="{media_type}"; boundary={boundary}', "Cache-Control": "no-store",
        **(headers or {})})
    is_begun, waiting = False, b""
    async for part in parts:
        if not is_begun:
            await response.prepare(request)            # only now: an error before the first part is an honest status
            is_begun = True
        location = f"Content-Location: {part.location}\r\n" if part.location else ""
        waiting += f"--{boundary}\r\nContent-Type: {part.content_type}\r\n{location}\r\n".encode("ascii")
        async for chunk in part.body:
            # Lines between parts leave with the bytes that follow: each write wakes the client once.
            await response.write(waiting + chunk if waiting else chunk)
            waiting = b""
        waiting += b"\r\n"
    if not is_begun:
        await response.prepare(request)
    await response.write(waiting + f"--{boundary}--\r\n".encode("ascii"))
    await response.write_eof()
    return response


def in_one_piece(media_type: str, content_type: str, data: bytes, location: str) -> web.Response:
    """A multipart answer of one part that is in memory already: one length, one write."""
    boundary = os.urandom(16).hex()
    opening = f"--{boundary}\r\nContent-Type: {content_type}\r\nContent-Location: {location}\r\n\r\n"
    body = b"".join((opening.encode("ascii"), data, f"\r\n--{boundary}--\r\n".encode("ascii")))
    return web.Response(body=body, headers={
        "Content-Type": f'multipart/related; type="{media_type}"; boundary={boundary}', "Cache-Control": "no-store"})


class PeerMultipart(MultipartReader):
    """Multipart as PACS write it: Orthanc's boundary has 73 characters, three more than RFC 2046 allows."""

    def _get_boundary(self) -> str:
        boundary = str(self._mimetype.parameters["boundary"])
        if not 1 <= len(boundary) <= MAX_BOUNDARY_LENGTH:
            raise ValueError("the boundary is too long")
        return boundary


async def whole(data: bytes) -> AsyncIterator[bytes]:
    """A body that is already in memory."""
    yield data


async def each(parts: Iterable[Part]) -> AsyncIterator[Part]:
    """Parts that are already there."""
    for part in parts:
        yield part


def _weight(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text))) if text else 1.0
    except ValueError:
        return 1.0
