"""WADO-RS rendered and thumbnail: pictures for looking at, each labelled as what it is (PS3.18 10.4.1.1.3, E2).

`viewport=1024,1024` and nothing else is the preview that was made ahead; everything else is made when asked for.
"""

from __future__ import annotations

from aiohttp import web

from gateway.core.errors import InvalidRequest, NotFound
from gateway.http.dicomweb.frames import frame_numbers
from gateway.http.dicomweb.media import takes
from gateway.http.dicomweb.retrieval_log import RetrievalLog
from gateway.http.dicomweb.wado import line_of, lines_of
from gateway.http.errors import problem_response
from gateway.renditions.frames import StoredImage
from gateway.renditions.picture import MAX_PICTURE_SIDE, PictureFormat, parse_window
from gateway.renditions.previews import PREVIEW_QUALITY, PREVIEW_SIDE, THUMBNAIL_QUALITY, THUMBNAIL_SIDE
from gateway.services.ports import Parts
from gateway.services.render import Renderings
from storage.model import ObjectRef

DEFAULT_QUALITY = 90
_CONTROLS = {"viewport", "window", "quality", "accept", "charset"}
_PREVIEW = {"viewport": f"{PREVIEW_SIDE},{PREVIEW_SIDE}"}


class Rendered:
    """The handlers of …/rendered and …/thumbnail."""

    def __init__(self, parts: Parts, renderings: Renderings, log: RetrievalLog) -> None:
        self._parts = parts
        self._renderings = renderings
        self._log = log

    async def picture(self, request: web.Request) -> web.StreamResponse:
        """GET …/instances/{instance}/rendered and …/frames/{frames}/rendered"""
        numbers = frame_numbers(request.match_info.get("frames", "1"))
        if len(numbers) != 1:
            raise InvalidRequest("One frame at a time is rendered.", reason="frames")
        number = numbers[0]
        unknown = sorted(set(request.query) - _CONTROLS)
        if unknown:
            raise InvalidRequest(f"{unknown[0]} is not known here.", reason="query")
        media_type = takes(request, PictureFormat.JPEG, PictureFormat.PNG)
        if media_type is None:
            return problem_response(406, "not-acceptable", "Pictures are given as image/jpeg or image/png.")
        columns, rows = _viewport(request.query.get("viewport", ""))
        quality = _quality(request.query.get("quality", ""))
        window = parse_window(request.query["window"]) if request.query.get("window") else None
        line = await line_of(self._parts, request)
        ref = ObjectRef(line.object_sha256, line.size_bytes)
        image = await self._renderings.image(ref)
        if number > image.frame_count:
            raise NotFound(f"There are {image.frame_count} frames.")
        await self._log.note(request, [line.study], "rendered")
        if media_type == PictureFormat.JPEG and dict(request.query) == _PREVIEW:
            data = await self._renderings.preview(ref, number)
            return _labelled(data, image, f"JPEG quality {PREVIEW_QUALITY}, at most {PREVIEW_SIDE} pixels",
                             PictureFormat.JPEG)
        picture = await self._renderings.picture(ref, number, format=PictureFormat(media_type), columns=columns,
                                                 rows=rows, quality=quality, window=window)
        method = f"JPEG quality {quality}" if picture.format is PictureFormat.JPEG else "PNG, 8 bits"
        return _labelled(picture.data, image, f"{method}, {picture.columns} x {picture.rows} pixels", picture.format)

    async def thumbnail(self, request: web.Request) -> web.StreamResponse:
        """GET …/thumbnail of a study, series, instance or frame: the middle image stands for the rest."""
        lines = [line for line in await lines_of(self._parts, request) if line.rows and line.columns]
        if not lines:
            raise NotFound("There is no image to show.")
        line = lines[len(lines) // 2]
        ref = ObjectRef(line.object_sha256, line.size_bytes)
        image = await self._renderings.image(ref)
        number = frame_numbers(request.match_info["frames"])[0] if "frames" in request.match_info else \
            (image.frame_count + 1) // 2
        if number > image.frame_count:
            raise NotFound(f"There are {image.frame_count} frames.")
        await self._log.note(request, [line.study], "thumbnail")
        data = await self._renderings.thumbnail(ref, number)
        return _labelled(data, image, f"JPEG quality {THUMBNAIL_QUALITY}, at most {THUMBNAIL_SIDE} pixels",
                         PictureFormat.JPEG)


def _labelled(data: bytes, image: StoredImage, method: str, format: PictureFormat) -> web.Response:
    """Say in the header that this is not the stored image, how it was made, and how much was left out."""
    shape = image.shape
    ratio = shape.decoded_bytes / max(1, len(data))
    return web.Response(body=data, content_type=format.value, headers={
        "Cache-Control": "no-store",
        "Warning": f'299 reading-gateway "Rendition, not for diagnosis: {method}, ratio {ratio:.1f}"',
        "Rendition": f'not-for-diagnosis; method="{method}"; of="{shape.columns} x {shape.rows}"; ratio={ratio:.1f}'})


def _viewport(text: str) -> tuple[int | None, int | None]:
    if not text:
        return None, None
    try:
        columns, rows, *rest = (float(piece) if piece.strip() else 0.0 for piece in text.split(","))
    except ValueError as exc:
        raise InvalidRequest(f"viewport={text}: write width,height.", reason="viewport") from exc
    if any(rest):
        raise InvalidRequest("A viewport with a source region is not rendered here.", reason="viewport")
    if not (1 <= columns <= MAX_PICTURE_SIDE and 1 <= rows <= MAX_PICTURE_SIDE):
        raise InvalidRequest(f"viewport={text}: 1 to {MAX_PICTURE_SIDE} pixels a side.", reason="viewport")
    return round(columns), round(rows)


def _quality(text: str) -> int:
    if not text:
        return DEFAULT_QUALITY
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= 100:
        raise InvalidRequest(f"quality={text}: 1 to 100.", reason="quality")
    return int(text)
