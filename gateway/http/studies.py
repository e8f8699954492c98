"""One study with its series, and what the reader drew on it. The pixels come from /dicom-web."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from gateway.core.errors import InvalidRequest
from gateway.http.messages import StudyView
from gateway.http.routing import PEOPLE, READERS, Route, caller_of, json_response, person_of, read_json
from gateway.http.views import study_view
from gateway.services.annotate_study import annotate_study, annotations_of
from gateway.services.ports import Parts
from gateway.services.show_study import show_study

MAX_ANNOTATION_BYTES = 1 << 20


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    async def show(request: web.Request) -> web.StreamResponse:
        caller = caller_of(request)
        shown = await show_study(parts, caller.scope, request.match_info["study_id"], actor=caller.actor,
                                 address=caller.address)
        return json_response(study_view(shown))

    async def get_annotations(request: web.Request) -> web.StreamResponse:
        content = await annotations_of(parts, caller_of(request).scope, request.match_info["study_id"],
                                       person_of(request).id)
        return json_response(content)

    async def put_annotations(request: web.Request) -> web.StreamResponse:
        content = await read_json(request, object)
        if len(msgspec.json.encode(content)) > MAX_ANNOTATION_BYTES:
            raise InvalidRequest("Annotations of one study take at most 1 MiB.", reason="too-large")
        await annotate_study(parts, caller_of(request).scope, request.match_info["study_id"], person_of(request).id,
                             content)
        return web.Response(status=204)

    one = "/api/studies/{study_id}"
    return [
        Route("GET", one, show, "One study", roles=PEOPLE, token_scopes=frozenset({"read"}), response=StudyView),
        Route("GET", one + "/annotations", get_annotations, "The caller's own annotations, null if none",
              roles=READERS, response=dict[str, Any]),
        Route("PUT", one + "/annotations", put_annotations, "Replace the caller's own annotations", roles=READERS,
              request=dict[str, Any]),
    ]
