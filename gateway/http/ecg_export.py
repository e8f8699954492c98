"""An ECG in another format than it came in, for readers and for machines that may read."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from gateway.core.errors import InvalidRequest
from gateway.formats.ecg_export import MEDIA_TYPES, SUFFIXES, EcgTarget
from gateway.http.routing import READERS, Route, caller_of
from gateway.services.export_ecg import export_ecg
from gateway.services.ports import Parts

LOSSES = "Ecg-Losses"
"""Header: what the format does not hold, percent-encoded, one sentence after the other; absent if all is there."""
_MOST_HEADER_BYTES = 4096


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    async def export(request: web.Request) -> web.Response:
        caller = caller_of(request)
        target = _target(request.query.get("to", ""))
        handed = await export_ecg(parts, caller.scope, request.match_info["instance_id"], target,
                                  actor=caller.actor, address=caller.address)
        name = quote(f"{handed.instance.id}.{SUFFIXES[target]}")
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
        if handed.exported.losses:
            headers[LOSSES] = _header_text(" ".join(handed.exported.losses))
        return web.Response(body=handed.exported.data, content_type=MEDIA_TYPES[target], headers=headers)

    return [Route("GET", "/api/ecg/{instance_id}/export", export,
                  "An ECG as dicom, scp, aecg or wfdb; what that form does not hold is in the header Ecg-Losses",
                  roles=READERS, token_scopes=frozenset({"read"}), query=("to",))]


def _header_text(text: str) -> str:
    """Percent-encoded and no longer than a header may be; cut between characters, never inside one."""
    kept, length = [], 0
    for character in text:
        encoded = quote(character, safe=" .,:;()-", errors="replace")
        length += len(encoded)
        if length > _MOST_HEADER_BYTES:
            break
        kept.append(encoded)
    return "".join(kept)


def _target(word: str) -> EcgTarget:
    try:
        return EcgTarget(word)
    except ValueError as exc:
        raise InvalidRequest(f"\"to\" is one of {', '.join(EcgTarget)}.", reason="ecg-form") from exc
