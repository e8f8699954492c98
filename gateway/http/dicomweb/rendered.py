"""WADO-RS rendered and thumbnail: pictures for looking at, each labelled as what it is (PS3.18 10.4.1.1.3, E2).

`viewport=1024,1024` and nothing else is the preview that was made ahead; everything else is made when asked for.
A series or a study is given as one picture an image, a clip as an animated GIF where that is asked for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from aiohttp import web

from gateway.core.errors import InvalidRequest, NotFound, Unreadable
from gateway.http.dicomweb.frames import frame_numbers
from gateway.http.dicomweb.media import Part, acceptable, send_multipart, whole
from gateway.http.dicomweb.retrieval_log import RetrievalLog
from gateway.http.dicomweb.wado import instance_url, line_of, lines_of, ref_of
from gateway.http.errors import problem_response
from gateway.renditions.frames import StoredImage
from gateway.renditions.picture import MAX_PICTURE_SIDE, PictureFormat, Region, Window, parse_window
from gateway.renditions.previews import PREVIEW_QUALITY, PREVIEW_SIDE, THUMBNAIL_QUALITY, THUMBNAIL_SIDE
from gateway.services.find_studies import StoredInstance
from gateway.services.ports import Parts
from gateway.services.render import Renderings
from gateway.services.walk_series import SeriesWalks

DEFAULT_QUALITY = 90
MAX_CLIP_FRAMES = 300
_VERSION = "version"                  # which picture under this UID: `walk_series`
_CONTROLS = {"viewport", "window", "quality", "annotation", "iccprofile", "accept", "charset", _VERSION}
_PREVIEW = {"viewport": f"{PREVIEW_SIDE},{PREVIEW_SIDE}"}
_STILLS = (PictureFormat.JPEG, PictureFormat.PNG)


@dataclass(frozen=True, slots=True)
class _Wish:
    """How a picture is to look."""

    columns: int | None
    rows: int | None
    region: Region | None
    quality: int
    window: Window | None
    ignored: tuple[str, ...]             # known parameters that are not followed

    def method(self, format: PictureFormat) -> str:
        return f"JPEG quality {self.quality}" if format is PictureFormat.JPEG else \
            "PNG, 8 bits" if format is PictureFormat.PNG else "GIF, 256 colours"


class Rendered:
    """The handlers of …/rendered and …/thumbnail."""

    def __init__(self, parts: Parts, walks: SeriesWalks, renderings: Renderings, log: RetrievalLog) -> None:
        self._parts = parts
        self._walks = walks
        self._renderings = renderings
        self._log = log

    async def picture(self, request: web.Request) -> web.StreamResponse:
        """GET …/instances/{instance}/rendered and …/frames/{frames}/rendered"""
        numbers = frame_numbers(request.match_info.get("frames", "1"))
        wish = _wish(request)
        has_clip = "frames" not in request.match_info or len(numbers) > 1
        format, is_multipart = _format(request, has_clip=has_clip)
        if format is None:
            return _not_acceptable()
        line = await line_of(self._walks, request)
        ref = ref_of(line)
        image = await self._renderings.image(ref)
        if max(numbers) > image.frame_count:
            raise NotFound(f"There are {image.frame_count} frames.")
        if len(numbers) > 1 and not is_multipart and format is not PictureFormat.GIF:
            raise InvalidRequest("Several frames are given as multipart/related or as a GIF.", reason="frames")
        await self._log.note(request, [line.study], "rendered")
        if format is PictureFormat.GIF:
            return await self._clip(line, image, numbers if "frames" in request.match_info else
                                    range(1, image.frame_count + 1), wish)
        if is_multipart:
            return await self._many(request, [(line, number) for number in numbers], format, wish)
        if format is PictureFormat.JPEG and _is_preview(request):
            data = await self._renderings.preview(ref, numbers[0])
            return _labelled(data, image, f"JPEG quality {PREVIEW_QUALITY}, at most {PREVIEW_SIDE} pixels", format)
        data, size = await self._picture(line, numbers[0], format, wish)
        return _labelled(data, image, f"{wish.method(format)}, {size}", format, wish.ignored)

    async def pictures(self, request: web.Request) -> web.StreamResponse:
        """GET …/rendered of a study or a series: one picture an image, in the order of arrival"""
        wish = _wish(request)
        format, is_multipart = _format(request, has_clip=False)
        if format is None or not is_multipart:
            return _not_acceptable("Several pictures are given as multipart/related.")
        lines = [line for line in await lines_of(self._parts, request) if line.rows and line.columns]
        if not lines:
            raise NotFound("There is no image to show.")
        await self._log.note(request, [lines[0].study], "rendered")
        return await self._many(request, [(line, (line.frame_count + 1) // 2) for line in lines], format, wish)

    async def _many(self, request: web.Request, wanted: Sequence[tuple[StoredInstance, int]], format: PictureFormat,
                    wish: _Wish) -> web.StreamResponse:
        async def parts() -> AsyncIterator[Part]:
            for line, number in wanted:
                try:
                    data, _ = await self._picture(line, number, format, wish)
                except Unreadable:
                    continue                           # there is no picture of it; it is fetched as it is
                yield Part(format.value, whole(data), f"{instance_url(request, line)}/frames/{number}/rendered")

        return await send_multipart(request, format.value, parts(), headers={
            "Warning": f'299 reading-gateway "Renditions, not for diagnosis: {wish.method(format)}"'})

    async def _picture(self, line: StoredInstance, number: int, format: PictureFormat, wish: _Wish
                       ) -> tuple[bytes, str]:
        picture = await self._renderings.picture(
            ref_of(line), number, format=format, columns=wish.columns, rows=wish.rows, quality=wish.quality,
            window=wish.window, region=wish.region)
        return picture.data, f"{picture.columns} x {picture.rows} pixels"

    async def _clip(self, line: StoredInstance, image: StoredImage, numbers: Sequence[int], wish: _Wish
                    ) -> web.StreamResponse:
        if len(numbers) > MAX_CLIP_FRAMES:
            raise InvalidRequest(f"A clip has at most {MAX_CLIP_FRAMES} frames; name some of them.", reason="frames")
        data = await self._renderings.clip(ref_of(line), numbers, columns=wish.columns, rows=wish.rows,
                                           window=wish.window, region=wish.region)
        return _labelled(data, image, f"{wish.method(PictureFormat.GIF)}, {len(numbers)} frames", PictureFormat.GIF,
                         wish.ignored)

    async def thumbnail(self, request: web.Request) -> web.StreamResponse:
        """GET …/thumbnail of a study, series, instance or frame: the middle image stands for the rest."""
        lines = [line for line in await lines_of(self._parts, request) if line.rows and line.columns]
        if not lines:
            raise NotFound("There is no image to show.")
        line = lines[len(lines) // 2]
        ref = ref_of(line)
        image = await self._renderings.image(ref)
        number = frame_numbers(request.match_info["frames"])[0] if "frames" in request.match_info else \
            (image.frame_count + 1) // 2
        if number > image.frame_count:
            raise NotFound(f"There are {image.frame_count} frames.")
        await self._log.note(request, [line.study], "thumbnail")
        data = await self._renderings.thumbnail(ref, number)
        return _labelled(data, image, f"JPEG quality {THUMBNAIL_QUALITY}, at most {THUMBNAIL_SIDE} pixels",
                         PictureFormat.JPEG)


def _labelled(data: bytes, image: StoredImage, method: str, format: PictureFormat, ignored: Sequence[str] = ()
              ) -> web.Response:
    """Say in the header that this is not the stored image, how it was made, and how much was left out."""
    shape = image.shape
    ratio = shape.decoded_bytes * (image.frame_count if format is PictureFormat.GIF else 1) / max(1, len(data))
    warnings = [f"Rendition, not for diagnosis: {method}, ratio {ratio:.1f}",
                *(f"The {name} parameter is not supported." for name in ignored)]
    return web.Response(body=data, content_type=format.value, headers={
        "Cache-Control": "no-store",
        "Warning": ", ".join(f'299 reading-gateway "{text}"' for text in warnings),
        "Rendition": f'not-for-diagnosis; method="{method}"; of="{shape.columns} x {shape.rows}"; ratio={ratio:.1f}'})


def _not_acceptable(detail: str = "Pictures are given as image/jpeg or image/png, clips also as image/gif."
                    ) -> web.Response:
    return problem_response(406, "not-acceptable", detail)


def _format(request: web.Request, *, has_clip: bool) -> tuple[PictureFormat | None, bool]:
    """The kind of picture that the client takes best, and whether in parts; anything at all is taken as JPEG."""
    formats = (*_STILLS, PictureFormat.GIF) if has_clip else _STILLS
    for wanted in acceptable(request):
        for format in formats:
            if wanted.covers(format):
                is_open = wanted.media_type == "*/*" and "frames" not in request.match_info \
                    and "instance" not in request.match_info
                return format, wanted.is_multipart or is_open
    return None, False


def _is_preview(request: web.Request) -> bool:
    return {name: value for name, value in request.query.items() if name != _VERSION} == _PREVIEW


def _wish(request: web.Request) -> _Wish:
    query = request.query
    unknown = sorted(set(query) - _CONTROLS)
    if unknown:
        raise InvalidRequest(f"{unknown[0]} is not known here.", reason="query")
    if any(word not in ("patient", "technique") for word in query.get("annotation", "patient").split(",")):
        raise InvalidRequest("annotation is patient, technique or both.", reason="annotation")
    if query.get("iccprofile", "no") not in ("no", "yes", "srgb", "adobergb", "rommrgb", "displayp3"):
        raise InvalidRequest("iccprofile is not one of those of the standard.", reason="iccprofile")
    columns, rows, region = _viewport(query.get("viewport", ""))
    window = parse_window(query["window"]) if query.get("window") else None
    ignored = tuple(name for name in ("annotation", "iccprofile") if query.get(name, "no") != "no")
    return _Wish(columns, rows, region, _quality(query.get("quality", "")), window, ignored)


def _viewport(text: str) -> tuple[int | None, int | None, Region | None]:
    """Width and height of the picture, and which part of the frame it shows (PS3.18 8.3.5.1.3)."""
    if not text:
        return None, None, None
    try:
        pieces = [float(piece) if piece.strip() else None for piece in text.split(",")]
        columns, rows, *rest = pieces
        left, top, width, height = rest if rest else (None,) * 4
    except ValueError as exc:
        raise InvalidRequest(f"viewport={text}: write width,height or width,height,x,y,width,height.",
                             reason="viewport") from exc
    for side in (columns, rows):
        if side is None or not 1 <= side <= MAX_PICTURE_SIDE:
            raise InvalidRequest(f"viewport={text}: 1 to {MAX_PICTURE_SIDE} pixels a side.", reason="viewport")
    assert columns is not None
    assert rows is not None
    region = Region(left or 0.0, top or 0.0, width, height) if any(one is not None for one in rest) else None
    return round(columns), round(rows), region


def _quality(text: str) -> int:
    if not text:
        return DEFAULT_QUALITY
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= 100:
        raise InvalidRequest(f"quality={text}: 1 to 100.", reason="quality")
    return int(text)
