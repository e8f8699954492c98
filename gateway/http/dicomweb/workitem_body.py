"""Read the one data set of a UPS-RS request: DICOM JSON, or native XML as it is or as a part (PS3.18 11.1.3)."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import BodyPartReader, web
from pydicom.datadict import dictionary_VR

from gateway.core.errors import InvalidRequest, Unreadable
from gateway.core.workitem_record import Json
from gateway.http.dicomweb.media import DICOM_JSON, DICOM_XML, JSON, PeerMultipart
from gateway.renditions.native_xml import from_xml

MAX_BYTES = 1 << 20
_DEEPEST = 6
_HEX = frozenset("0123456789abcdefABCDEF")


async def read_workitem(request: web.Request, *, may_be_empty: bool = False) -> Json:
    """The data set, tags in upper case. Raises InvalidRequest ("media-type", "too-large", "body")."""
    kind = request.content_type
    if may_be_empty and not request.can_read_body:
        return {}
    if kind == "multipart/related":
        kind, data = await _only_part(request)
    else:
        data = await _bounded(request)
    if may_be_empty and not data.strip():
        return {}
    try:
        if kind in (DICOM_JSON, JSON):
            return _one(msgspec.json.decode(data))
        if kind == DICOM_XML:
            return _tidied(from_xml(data), 0)
    except (msgspec.DecodeError, Unreadable, RecursionError) as exc:
        raise InvalidRequest(f"The body is no {kind}.", reason="body") from exc
    raise InvalidRequest(f"Send {DICOM_JSON}, or multipart/related; type=\"{DICOM_XML}\".", reason="media-type")


async def _bounded(request: web.Request) -> bytes:
    found = bytearray()
    async for chunk in request.content.iter_chunked(1 << 16):
        found += chunk
        if len(found) > MAX_BYTES:
            raise InvalidRequest(f"A workitem has at most {MAX_BYTES} bytes.", reason="too-large")
    return bytes(found)


async def _only_part(request: web.Request) -> tuple[str, bytes]:
    try:
        part = await PeerMultipart(request.headers, request.content).next()
        if not isinstance(part, BodyPartReader):
            raise InvalidRequest("One part with one workitem is meant.", reason="body")
        found = bytearray()
        while chunk := await part.read_chunk():
            found += chunk
            if len(found) > MAX_BYTES:
                raise InvalidRequest(f"A workitem has at most {MAX_BYTES} bytes.", reason="too-large")
    except (ValueError, KeyError) as exc:
        raise InvalidRequest("The multipart body cannot be understood.", reason="body") from exc
    return part.headers.get("Content-Type", "").split(";")[0].strip().lower(), bytes(found)


def _one(decoded: Any) -> Json:
    if isinstance(decoded, list):
        if len(decoded) != 1:
            raise InvalidRequest("One workitem is meant.", reason="body")
        decoded = decoded[0]
    return _tidied(decoded, 0)


def _tidied(record: Any, depth: int) -> Json:
    """Check the shape, so that nothing inside needs to. Raises InvalidRequest."""
    if not isinstance(record, dict) or depth > _DEEPEST:
        raise InvalidRequest("A data set is a JSON object, not too deep.", reason="body")
    found: Json = {}
    for tag, element in record.items():
        if not isinstance(tag, str) or len(tag) != 8 or not set(tag) <= _HEX or not isinstance(element, dict):
            raise InvalidRequest(f"{str(tag)[:40]} is no attribute by its tag.", reason="body")
        values = element.get("Value", [])
        if not isinstance(values, list):
            raise InvalidRequest(f"Value of {tag} is no list.", reason="body")
        vr = element.get("vr") or _vr_of(tag)
        kept: Json = {"vr": str(vr)}
        if vr == "SQ":
            kept["Value"] = [_tidied(item or {}, depth + 1) for item in values]
        elif values:
            kept["Value"] = [value for value in values if value is not None]
        elif "InlineBinary" in element or "BulkDataURI" in element:
            raise InvalidRequest(f"{tag}: a workitem has no bulk data.", reason="body")
        if not kept.get("Value", [None]):
            del kept["Value"]
        found[tag.upper()] = kept
    return found


def _vr_of(tag: str) -> str:
    try:
        return dictionary_VR(int(tag, 16))
    except KeyError as exc:
        raise InvalidRequest(f"{tag} has no vr and is not known.", reason="body") from exc
