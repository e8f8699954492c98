"""WADO-RS frames: as stored, or exactly the same pixels uncompressed or as HTJ2K (PS3.18 10.4.1.1.6).

Explicit Little Endian is made of anything we can decode (colour JPEG becomes RGB by that); HTJ2K only where it is
bit-exact. The encoding that leaves is always named by its transfer syntax.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web

from gateway.core.errors import InvalidRequest, NotFound
from gateway.http.dicomweb.media import (
    ANY_SYNTAX,
    OCTETS,
    Acceptable,
    Part,
    acceptable,
    in_one_piece,
    send_multipart,
    whole,
)
from gateway.http.dicomweb.retrieval_log import RetrievalLog
from gateway.http.dicomweb.wado import instance_url, line_of, ref_of
from gateway.http.errors import problem_response
from gateway.renditions.decode import (
    HTJ2K,
    HTJ2K_LOSSLESS,
    HTJ2K_LOSSLESS_RPCL,
    JPEG_2000,
    JPEG_2000_LOSSLESS,
    JPEG_BASELINE,
    JPEG_EXTENDED,
    JPEG_LOSSLESS,
    JPEG_LOSSLESS_SV1,
    JPEG_LS,
    JPEG_LS_NEAR,
    LOSSY_SYNTAXES,
    RLE_LOSSLESS,
)
from gateway.renditions.frames import StoredImage
from gateway.renditions.stored_file import EXPLICIT_BIG_ENDIAN, EXPLICIT_LITTLE_ENDIAN
from gateway.services.render import Renderings
from gateway.services.walk_series import SeriesWalks
from storage.model import ObjectRef

JPHC = "image/jphc"
MEDIA_TYPES = {
    JPEG_BASELINE: "image/jpeg", JPEG_EXTENDED: "image/jpeg", JPEG_LOSSLESS: "image/jpeg",
    JPEG_LOSSLESS_SV1: "image/jpeg", JPEG_LS: "image/jls", JPEG_LS_NEAR: "image/jls",
    JPEG_2000_LOSSLESS: "image/jp2", JPEG_2000: "image/jp2", RLE_LOSSLESS: "image/dicom-rle",
    HTJ2K_LOSSLESS: JPHC, HTJ2K_LOSSLESS_RPCL: JPHC, HTJ2K: JPHC,
}
"""PS3.18 Table 8.7.3-5; others travel as application/octet-stream with their transfer syntax named."""

MAX_FRAMES_AT_ONCE = 10_000
READ_AT_ONCE_BYTES = 4 << 20


class _Way(StrEnum):
    STORED = "stored"
    UNCOMPRESSED = "uncompressed"
    HTJ2K = "htj2k"


@dataclass(frozen=True, slots=True)
class _Encoding:
    """How the frames will leave."""

    way: _Way
    media_type: str
    transfer_syntax_uid: str
    is_multipart: bool

    @property
    def content_type(self) -> str:
        return f"{self.media_type};transfer-syntax={self.transfer_syntax_uid}"


class Frames:
    """The handler of …/frames/{list}."""

    def __init__(self, walks: SeriesWalks, renderings: Renderings, log: RetrievalLog) -> None:
        self._walks = walks
        self._renderings = renderings
        self._log = log

    async def get(self, request: web.Request) -> web.StreamResponse:
        """GET …/frames/1,2,3"""
        numbers = frame_numbers(request.match_info["frames"])
        line = await line_of(self._walks, request)
        ref = ref_of(line)
        image, first = await self._first(ref, numbers)
        if max(numbers) > image.frame_count:
            raise NotFound(f"There are {image.frame_count} frames.")
        encoding = next((found for one in acceptable(request) if (found := _encoding(image, one)) is not None), None)
        if encoding is None:
            return problem_response(406, "not-acceptable", f"The frames are stored as {image.transfer_syntax_uid}; "
                                    "they can also be had uncompressed, and lossless ones as HTJ2K.")
        await self._log.note(request, [line.study], "frames")
        if len(numbers) == 1 and not encoding.is_multipart:
            data = first if first is not None and encoding.way is _Way.STORED else \
                await self._frame(ref, numbers[0], encoding)
            return web.Response(body=data, headers={"Content-Type": encoding.content_type,
                                                    "Cache-Control": "no-store"})
        url = instance_url(request, line)
        if first is not None and encoding.way is _Way.STORED:
            return in_one_piece(encoding.media_type, encoding.content_type, first, f"{url}/frames/1")

        async def parts() -> AsyncIterator[Part]:
            for number in numbers:
                data = await self._frame(ref, number, encoding)
                yield Part(encoding.content_type, whole(data), f"{url}/frames/{number}")

        return await send_multipart(request, encoding.media_type, parts())

    async def _first(self, ref: ObjectRef, numbers: list[int]) -> tuple[StoredImage, bytes | None]:
        """Where the frames lie, and with a small object's first frame its bytes: one crossing to a thread."""
        if numbers == [1] and ref.size_bytes <= READ_AT_ONCE_BYTES:
            return await self._renderings.first_frame(ref)
        return await self._renderings.layout(ref), None

    async def _frame(self, ref: ObjectRef, number: int, encoding: _Encoding) -> bytes:
        if encoding.way is _Way.STORED:
            return await self._renderings.stored_frame(ref, number)
        if encoding.way is _Way.HTJ2K:
            return await self._renderings.htj2k_frame(ref, number)
        return await self._renderings.explicit_little_endian_frame(ref, number)


def frame_numbers(text: str) -> list[int]:
    """Read "1,2,3". Raises InvalidRequest."""
    pieces = text.split(",")
    if len(pieces) > MAX_FRAMES_AT_ONCE or not all(p.isascii() and p.isdigit() and 0 < len(p) < 8 for p in pieces):
        raise InvalidRequest(f"frames/{text[:40]}: write frame numbers from 1, divided by commas.", reason="frames")
    numbers = [int(p) for p in pieces]
    if min(numbers) < 1:
        raise InvalidRequest("Frames count from 1.", reason="frames")
    return numbers


def frame_content_type(image: StoredImage) -> str:
    """How a frame is labelled that leaves as it is stored."""
    if image.is_native:
        return f"{OCTETS};transfer-syntax={image.transfer_syntax_uid}"
    return f"{MEDIA_TYPES.get(image.transfer_syntax_uid, OCTETS)};transfer-syntax={image.transfer_syntax_uid}"


def _encoding(image: StoredImage, wanted: Acceptable) -> _Encoding | None:
    stored = _stored(image, wanted.is_multipart)
    syntax = wanted.transfer_syntax_uid
    if wanted.covers(stored.media_type) and wanted.media_type != OCTETS and \
            syntax in ("", ANY_SYNTAX, stored.transfer_syntax_uid):
        return stored
    if wanted.media_type in ("*/*", OCTETS) and syntax in (ANY_SYNTAX, stored.transfer_syntax_uid):
        return stored
    if wanted.covers(OCTETS) and syntax in ("", EXPLICIT_LITTLE_ENDIAN):
        if _is_plain(image):                           # nothing to decode: the stored bytes are what is asked for
            return stored
        return _Encoding(_Way.UNCOMPRESSED, OCTETS, EXPLICIT_LITTLE_ENDIAN, wanted.is_multipart)
    if wanted.covers(JPHC) and syntax in ("", ANY_SYNTAX, HTJ2K_LOSSLESS) and _can_be_htj2k(image):
        return _Encoding(_Way.HTJ2K, JPHC, HTJ2K_LOSSLESS, wanted.is_multipart)
    return None


def _stored(image: StoredImage, is_multipart: bool) -> _Encoding:
    syntax = image.transfer_syntax_uid
    if syntax == EXPLICIT_BIG_ENDIAN:
        return _Encoding(_Way.UNCOMPRESSED, OCTETS, EXPLICIT_LITTLE_ENDIAN, is_multipart)
    if image.is_native:                                # the bytes of a frame are the same in each of these
        return _Encoding(_Way.STORED, OCTETS, EXPLICIT_LITTLE_ENDIAN, is_multipart)
    return _Encoding(_Way.STORED, MEDIA_TYPES.get(syntax, OCTETS), syntax, is_multipart)


def _is_plain(image: StoredImage) -> bool:
    """True if decoding would give back the stored bytes: little-endian samples in whole bytes, colour by pixel."""
    shape = image.shape
    return (image.is_native and image.transfer_syntax_uid != EXPLICIT_BIG_ENDIAN and shape.bits_allocated >= 8
            and (shape.samples_per_pixel == 1
                 or (not shape.is_planar and shape.photometric_interpretation != "YBR_FULL_422")))


def _can_be_htj2k(image: StoredImage) -> bool:
    shape = image.shape
    return (image.transfer_syntax_uid not in LOSSY_SYNTAXES and shape.bits_allocated in (8, 16) and not shape.is_float
            and (shape.samples_per_pixel == 1 or (shape.samples_per_pixel == 3
                                                  and shape.photometric_interpretation == "RGB")))
