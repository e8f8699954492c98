"""Turn stored images into what a screen needs: frames, previews, pictures, metadata.

Decoding runs in threads, two at a time, so that it never starves receiving. Renditions are made ahead by the job
`make_renditions` when a study is complete, and on demand where they are missing: losing them costs time, not data.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from gateway.core.errors import Unreadable
from gateway.renditions.cache import RenditionCache
from gateway.renditions.decode import decode_frame, little_endian_bytes
from gateway.renditions.dicom_json import Json, bulk_value, dataset_json
from gateway.renditions.frames import StoredImage, image_of
from gateway.renditions.picture import Picture, PictureFormat, Window, eight_bits, encode
from gateway.renditions.previews import (
    PREVIEW_QUALITY,
    PREVIEW_SIDE,
    THUMBNAIL_QUALITY,
    THUMBNAIL_SIDE,
    is_htj2k_worthwhile,
    make_htj2k,
    make_preview,
    stack_positions,
)
from gateway.renditions.stored_file import DEFLATED_EXPLICIT_LITTLE_ENDIAN, FileHead, read_head
from gateway.services.job_runner import JobHandler
from gateway.services.ports import Parts
from storage.model import EVERYWHERE, Confidence, Instance, InstanceFormat, Job, ObjectRef, PatientName

T = TypeVar("T")
logger = logging.getLogger(__name__)

DECODERS_AT_ONCE = 2
HEADS_KEPT = 64
MAX_PREVIEWS_A_STUDY = 200
HTJ2K_FRAME = "frame-{number}.jphc"
PREVIEW = "frame-{number}.preview.jpg"
THUMBNAIL = "frame-{number}.thumbnail.jpg"
METADATA = "metadata-{codec}.json"


class Renderings:
    """Renditions of stored images, from the cache or made now. One for the HTTP edge, one for each job."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._cache = RenditionCache(parts.settings.data_dir / "renditions",
                                     limit_bytes=parts.settings.renditions_max_bytes)
        self._turns = asyncio.Semaphore(DECODERS_AT_ONCE)
        self._images: OrderedDict[str, StoredImage] = OrderedDict()

    async def image(self, ref: ObjectRef) -> StoredImage:
        """The image's shape and where its frames lie. Raises Unreadable, UnsupportedImage, ObjectMissing."""
        image = self._images.get(ref.sha256)
        if image is None:
            image = await asyncio.to_thread(lambda: image_of(self._head(ref)))
            # An inflated data set lies in memory as a whole: it is not kept beyond the request.
            if image.transfer_syntax_uid != DEFLATED_EXPLICIT_LITTLE_ENDIAN:
                self._images[ref.sha256] = image
                while len(self._images) > HEADS_KEPT:
                    self._images.popitem(last=False)
        else:
            self._images.move_to_end(ref.sha256)
        return image

    async def stored_frame(self, ref: ObjectRef, number: int) -> bytes:
        """The frame's bytes as stored. Raises NotFound, Unreadable."""
        image = await self.image(ref)
        return await asyncio.to_thread(image.frame, number)

    async def explicit_little_endian_frame(self, ref: ObjectRef, number: int) -> bytes:
        """The frame as uncompressed little-endian samples, colour by pixel."""
        image = await self.image(ref)
        return await self._in_turn(lambda: little_endian_bytes(decode_frame(image, number)))

    async def htj2k_frame(self, ref: ObjectRef, number: int) -> bytes:
        """A bit-exact HTJ2K copy of the frame."""
        return await self._cached(ref, HTJ2K_FRAME.format(number=number), lambda image: make_htj2k(image, number))

    async def preview(self, ref: ObjectRef, number: int) -> bytes:
        """A JPEG of at most 1024 pixels, not for diagnosis."""
        return await self._cached(ref, PREVIEW.format(number=number), lambda image: make_preview(
            image, number, side=PREVIEW_SIDE, quality=PREVIEW_QUALITY).data)

    async def thumbnail(self, ref: ObjectRef, number: int) -> bytes:
        """A JPEG for a list, not for diagnosis."""
        return await self._cached(ref, THUMBNAIL.format(number=number), lambda image: make_preview(
            image, number, side=THUMBNAIL_SIDE, quality=THUMBNAIL_QUALITY).data)

    async def picture(self, ref: ObjectRef, number: int, *, format: PictureFormat, columns: int | None,
                      rows: int | None, quality: int, window: Window | None) -> Picture:
        """A picture as asked for; not kept."""
        image = await self.image(ref)
        return await self._in_turn(lambda: encode(
            eight_bits(decode_frame(image, number), image.dataset, number, window=window),
            format=format, columns=columns, rows=rows, quality=quality, is_upscaled=True))

    async def metadata(self, ref: ObjectRef, *, codec: str | None) -> Json:
        """The data set in the DICOM JSON model; BulkDataURIs begin with the placeholder."""
        name = METADATA.format(codec=_plain_codec(codec))

        def make() -> bytes:
            kept = self._cache.get(ref.sha256, name)
            if kept is None:
                kept = msgspec.json.encode(dataset_json(self._head(ref), device_codec=codec))
                self._cache.put(ref.sha256, name, kept)
            return kept

        found: Json = msgspec.json.decode(await asyncio.to_thread(make))
        return found

    async def bulk(self, ref: ObjectRef, path: str) -> bytes:
        """The value behind a BulkDataURI. Raises NotFound."""
        return await asyncio.to_thread(lambda: bulk_value(self._head(ref).dataset, path))

    async def evict(self) -> int:
        """Bring the cache below its limit."""
        return await asyncio.to_thread(self._cache.evict)

    def _head(self, ref: ObjectRef) -> FileHead:
        objects = self._parts.objects
        return read_head(lambda start, length: objects.get_range(ref.sha256, start, length), ref.size_bytes)

    async def _cached(self, ref: ObjectRef, name: str, make: Callable[[StoredImage], bytes]) -> bytes:
        kept = await asyncio.to_thread(self._cache.get, ref.sha256, name)
        if kept is not None:
            return kept
        image = await self.image(ref)
        made = await self._in_turn(lambda: make(image))
        await asyncio.to_thread(self._cache.put, ref.sha256, name, made)
        return made

    async def _in_turn(self, work: Callable[[], T]) -> T:
        async with self._turns:
            return await asyncio.to_thread(work)


def device_codec(name_confidence: str, name_encoding: str) -> str | None:
    """The codec that receiving found for this study's text, where it was not the declared one."""
    if name_confidence in (Confidence.DEVICE_RULE, Confidence.GUESSED) and name_encoding:
        return None if name_encoding in ("ascii", "iso2022") else name_encoding
    return None


async def make_renditions(parts: Parts, job: Job) -> None:
    """Job `make_renditions`, ref study id: what the reader will look at first is ready before the click."""
    study, instances = await parts.database.read(
        lambda tx: (tx.studies.get(job.ref, EVERYWHERE), tx.studies.instances_of(job.ref, EVERYWHERE)))
    if study is None:
        return
    renderings = Renderings(parts)
    for instance in _chosen(instances):
        ref = ObjectRef(instance.object_sha256, instance.size_bytes)
        try:
            await _make_for(renderings, ref, study.patient.name)
        except Unreadable as exc:
            # Kept, listed and served as it came; there is only no picture of it.
            logger.info("no rendition of instance %s: %s", instance.id, exc.reason)
    await renderings.evict()


async def _make_for(renderings: Renderings, ref: ObjectRef, name: PatientName) -> None:
    await renderings.metadata(ref, codec=device_codec(name.confidence, name.encoding))
    image = await renderings.image(ref)
    middle = (image.frame_count + 1) // 2
    await renderings.preview(ref, middle)
    await renderings.thumbnail(ref, middle)
    if image.frame_count == 1 and is_htj2k_worthwhile(image):
        await renderings.htj2k_frame(ref, 1)


def _chosen(instances: list[Instance]) -> list[Instance]:
    by_series: dict[str, list[Instance]] = {}
    for instance in instances:
        if instance.format is InstanceFormat.DICOM and instance.rows and instance.columns:
            by_series.setdefault(instance.series_id, []).append(instance)
    chosen = [images[position] for images in by_series.values() for position in stack_positions(len(images))]
    return chosen[:MAX_PREVIEWS_A_STUDY]


def _plain_codec(codec: str | None) -> str:
    return "".join(c if c.isalnum() else "-" for c in (codec or "declared").lower())


HANDLERS: Mapping[str, JobHandler] = {"make_renditions": make_renditions}
