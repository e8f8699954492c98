"""WADO-RS bulk data: the long values that metadata only points to (PS3.18 10.4.1.1.5), and pixel data as a resource.

One value by its own address, or all of an instance, a series or a study, each part named by its Content-Location.
Pixels leave frame by frame in their stored encoding, other values as they are in the data set.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from aiohttp import web

from gateway.core.errors import NotFound, Unreadable
from gateway.http.dicomweb.frames import frame_content_type
from gateway.http.dicomweb.media import OCTETS, Part, acceptable, each, send_multipart, whole
from gateway.http.dicomweb.retrieval_log import RetrievalLog
from gateway.http.dicomweb.wado import instance_url, line_of, lines_of, ref_of
from gateway.http.errors import problem_response
from gateway.services.find_studies import StoredInstance
from gateway.services.ports import Parts
from gateway.services.render import Renderings
from gateway.services.walk_series import SeriesWalks

PIXEL_TAGS = ("7FE00010", "7FE00008", "7FE00009")


class Bulk:
    """The handlers of …/bulkdata and …/pixeldata."""

    def __init__(self, parts: Parts, walks: SeriesWalks, renderings: Renderings, log: RetrievalLog) -> None:
        self._parts = parts
        self._walks = walks
        self._renderings = renderings
        self._log = log

    async def value(self, request: web.Request) -> web.StreamResponse:
        """GET …/bulkdata/{path}: one long value, as the data set holds it."""
        line = await line_of(self._walks, request)
        path = request.match_info["path"].upper()
        is_single, is_multipart = _forms(request)
        if not (is_single or is_multipart):
            return _not_acceptable()
        await self._log.note(request, [line.study], "bulkdata")
        if path in PIXEL_TAGS:
            return await self._one_image(request, line, is_single=is_single and not is_multipart)
        data = await self._renderings.bulk(ref_of(line), path)
        if is_single:
            return web.Response(body=data, content_type=OCTETS, headers={"Cache-Control": "no-store"})
        return await send_multipart(request, OCTETS, each([Part(OCTETS, whole(data), str(request.url))]))

    async def all(self, request: web.Request) -> web.StreamResponse:
        """GET …/bulkdata of an instance, a series or a study"""
        return await self._many(request, "bulkdata", has_values=True)

    async def pixels(self, request: web.Request) -> web.StreamResponse:
        """GET …/pixeldata of an instance, a series or a study"""
        return await self._many(request, "pixeldata", has_values=False)

    async def _many(self, request: web.Request, what: str, *, has_values: bool) -> web.StreamResponse:
        lines = await lines_of(self._parts, request)
        if not _forms(request)[1]:
            return _not_acceptable()
        await self._log.note(request, [lines[0].study], what)
        parts = self._parts_of(request, lines, has_values=has_values)
        first = await anext(parts, None)
        if first is None:
            raise NotFound("There are no such values.")

        async def every() -> AsyncIterator[Part]:
            yield first
            async for part in parts:
                yield part

        return await send_multipart(request, OCTETS, every())

    async def _parts_of(self, request: web.Request, lines: Sequence[StoredInstance], *, has_values: bool
                        ) -> AsyncIterator[Part]:
        for line in lines:
            url = instance_url(request, line)
            if has_values:
                for path in await self._renderings.bulk_paths(ref_of(line)):
                    if path not in PIXEL_TAGS:
                        data = await self._renderings.bulk(ref_of(line), path)
                        yield Part(OCTETS, whole(data), f"{url}/bulkdata/{path}")
            if line.rows and line.columns:
                async for part in self._frames(line, url):
                    yield part

    async def _frames(self, line: StoredInstance, url: str) -> AsyncIterator[Part]:
        try:
            image = await self._renderings.layout(ref_of(line))
        except Unreadable:
            return                                     # kept and handed out as a whole, but its frames are not found
        for number in range(1, image.frame_count + 1):
            data = await self._renderings.stored_frame(ref_of(line), number)
            yield Part(frame_content_type(image), whole(data), f"{url}/frames/{number}")

    async def _one_image(self, request: web.Request, line: StoredInstance, *, is_single: bool) -> web.StreamResponse:
        image = await self._renderings.layout(ref_of(line))
        if is_single and image.frame_count == 1:
            data = await self._renderings.stored_frame(ref_of(line), 1)
            return web.Response(body=data, headers={"Content-Type": frame_content_type(image),
                                                    "Cache-Control": "no-store"})
        return await send_multipart(request, OCTETS, self._frames(line, instance_url(request, line)))


def _forms(request: web.Request) -> tuple[bool, bool]:
    """Whether the client takes a single part, and many."""
    wanted = [one for one in acceptable(request) if one.covers(OCTETS)]
    is_anything = any(one.media_type == "*/*" and not one.is_multipart for one in wanted)
    return (any(not one.is_multipart for one in wanted) and not is_anything,
            is_anything or any(one.is_multipart for one in wanted))


def _not_acceptable() -> web.Response:
    return problem_response(406, "not-acceptable", "Bulk data is given as application/octet-stream.")
