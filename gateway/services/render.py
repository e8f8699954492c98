"""Turn stored images into what a screen needs: frames, previews, pictures, metadata.

Decoding runs in threads, two at a time, so that it never starves receiving. Renditions are made ahead by the job
`make_renditions` when a study is complete, and on demand where they are missing: losing them costs time, not data.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from gateway.core.errors import Unreadable
from gateway.formats.part10 import file_header
from gateway.renditions.cache import RenditionCache
from gateway.renditions.decode import decode_frame, little_endian_bytes
from gateway.renditions.dicom_json import Json, bulk_paths, bulk_value, dataset_json, without_bulk
from gateway.renditions.frames import StoredImage, image_of
from gateway.renditions.picture import (
    Eight,
    Picture,
    PictureFormat,
    Region,
    Window,
    animate,
    eight_bits,
    encode,
    frame_time_ms,
)
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
from gateway.renditions.quick_head import image_layout
from gateway.renditions.series_metadata import bundle_name, with_placeholders
from gateway.renditions.stored_file import DEFLATED_EXPLICIT_LITTLE_ENDIAN, FileHead, read_head
from gateway.renditions.transcode import transcode
from gateway.services.job_runner import JobHandler
from gateway.services.ports import Parts
from storage.interface import StoredInstance, Transaction
from storage.model import EVERYWHERE, Confidence, Instance, InstanceFormat, Job, ObjectRef, Series, Study

T = TypeVar("T")
logger = logging.getLogger(__name__)

DECODERS_AT_ONCE = 2
HEADS_KEPT = 64
LAYOUTS_KEPT = 4096
INSTANCES_A_BUNDLE = 256
COPY_CHUNK_BYTES = 1 << 20
MAX_PREVIEWS_A_STUDY = 200
HTJ2K_FRAME = "frame-{number}.jphc"
PREVIEW = "frame-{number}.preview.jpg"
ATTRIBUTES = "attributes-{codec}.json"
THUMBNAIL = "frame-{number}.thumbnail.jpg"


@dataclass(frozen=True, slots=True)
class MetadataLine:
    """One instance whose metadata is wanted: its object, its path below the study, and what the index knows."""

    ref: ObjectRef
    address: str
    attributes: Json


class Renderings:
    """Renditions of stored images, from the cache or made now. One for the HTTP edge, one for each job."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._cache = RenditionCache(parts.settings.data_dir / "renditions",
                                     limit_bytes=parts.settings.renditions_max_bytes,
                                     keep_free_bytes=parts.settings.reserve_bytes)
        self._turns = asyncio.Semaphore(DECODERS_AT_ONCE)
        self._images: OrderedDict[str, StoredImage] = OrderedDict()
        self._layouts: OrderedDict[str, StoredImage] = OrderedDict()

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

    async def layout(self, ref: ObjectRef) -> StoredImage:
        """Shape and place of the frames, read in a fraction of the time; not enough for a picture.

        Raises Unreadable, UnsupportedImage, ObjectMissing.
        """
        layout = self._layouts.get(ref.sha256)
        if layout is None:
            layout = await asyncio.to_thread(self._read_layout, ref)
        self._remember_layout(ref, layout)
        return layout

    async def stored_frame(self, ref: ObjectRef, number: int) -> bytes:
        """The frame's bytes as stored. Raises NotFound, Unreadable."""
        layout = await self.layout(ref)
        return await asyncio.to_thread(layout.frame, number)

    async def first_frame(self, ref: ObjectRef) -> tuple[StoredImage, bytes]:
        """Layout and bytes of an object's only frame in one crossing to a thread: the step of a scroll in a stack."""
        def read() -> tuple[StoredImage, bytes]:
            found = layout or self._read_layout(ref)
            return found, found.frame(1)

        layout = self._layouts.get(ref.sha256)
        found, data = await asyncio.to_thread(read)
        self._remember_layout(ref, found)
        return found, data

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
                      rows: int | None, quality: int, window: Window | None, region: Region | None = None) -> Picture:
        """A picture as asked for; not kept."""
        image = await self.image(ref)
        return await self._in_turn(lambda: encode(
            _shown(image, number, window, region), format=format, columns=columns, rows=rows, quality=quality,
            is_upscaled=True))

    async def clip(self, ref: ObjectRef, numbers: Sequence[int], *, columns: int | None, rows: int | None,
                   window: Window | None, region: Region | None) -> bytes:
        """These frames as an animated GIF at the clip's own speed; not kept."""
        image = await self.image(ref)
        return await self._in_turn(lambda: animate(
            (_shown(image, number, window, region) for number in numbers), frame_ms=frame_time_ms(image.dataset),
            columns=columns, rows=rows))

    async def metadata(self, lines: Sequence[MetadataLine], *, codec: str | None) -> AsyncIterator[bytes]:
        """The encoded DICOM JSON of these instances of one study, in bundles with placeholders."""
        for at in range(0, len(lines), INSTANCES_A_BUNDLE):
            yield await asyncio.to_thread(self._bundle, lines[at:at + INSTANCES_A_BUNDLE], codec)

    async def attributes(self, ref: ObjectRef, *, codec: str | None, otherwise: Json) -> Json:
        """All elements of the data set but its long values; `otherwise` where it cannot be read."""
        def make() -> Json:
            name = ATTRIBUTES.format(codec=_plain_codec(codec))
            kept = self._cache.get(ref.sha256, name)
            if kept is None:
                try:
                    found = without_bulk(dataset_json(self._head(ref), device_codec=codec))
                except Unreadable:
                    return otherwise
                kept = msgspec.json.encode(found)
                self._cache.put(ref.sha256, name, kept)
            decoded: Json = msgspec.json.decode(kept)
            return decoded

        return await asyncio.to_thread(make)

    def _bundle(self, lines: Sequence[MetadataLine], codec: str | None) -> bytes:
        key, name = bundle_name([line.ref.sha256 for line in lines], _plain_codec(codec))
        kept = self._cache.get(key, name)
        if kept is None:
            kept = b",".join(with_placeholders(self._record(line, codec), line.address) for line in lines)
            self._cache.put(key, name, kept)
        return kept

    def _record(self, line: MetadataLine, codec: str | None) -> Json:
        try:
            return dataset_json(self._head(line.ref), device_codec=codec)
        except Unreadable:
            return line.attributes                     # the index read enough of it to list it

    async def bulk(self, ref: ObjectRef, path: str) -> bytes:
        """The value behind a BulkDataURI. Raises NotFound."""
        return await asyncio.to_thread(lambda: bulk_value(self._head(ref).dataset, path))

    async def bulk_paths(self, ref: ObjectRef) -> list[str]:
        """The paths of all long values of the data set, pixels included. Raises Unreadable."""
        return await asyncio.to_thread(lambda: bulk_paths(dataset_json(self._head(ref))))

    async def transcoded(self, ref: ObjectRef, transfer_syntax_uid: str, *, sop_class_uid: str,
                         sop_instance_uid: str) -> AsyncIterator[bytes]:
        """A Part 10 copy in another transfer syntax; nothing comes before all of it was made.

        Raises UnsupportedImage, Unreadable.
        """
        objects = self._parts.objects
        copy = await self._in_turn(lambda: transcode(
            lambda start, length: objects.get_range(ref.sha256, start, length), ref.size_bytes, transfer_syntax_uid))
        try:
            yield file_header(sop_class_uid=sop_class_uid, sop_instance_uid=sop_instance_uid,
                              transfer_syntax_uid=transfer_syntax_uid)
            while chunk := await asyncio.to_thread(copy.read, COPY_CHUNK_BYTES):
                yield chunk
        finally:
            copy.close()

    async def evict(self) -> int:
        """Bring the cache below its limit."""
        return await asyncio.to_thread(self._cache.evict)

    def _read_layout(self, ref: ObjectRef) -> StoredImage:
        objects = self._parts.objects
        return image_layout(lambda start, length: objects.get_range(ref.sha256, start, length), ref.size_bytes)

    def _remember_layout(self, ref: ObjectRef, layout: StoredImage) -> None:
        if layout.transfer_syntax_uid != DEFLATED_EXPLICIT_LITTLE_ENDIAN:
            self._layouts[ref.sha256] = layout
            self._layouts.move_to_end(ref.sha256)
            while len(self._layouts) > LAYOUTS_KEPT:
                self._layouts.popitem(last=False)

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


def _shown(image: StoredImage, number: int, window: Window | None, region: Region | None) -> Eight:
    pixels = eight_bits(decode_frame(image, number), image.dataset, number, window=window)
    return pixels if region is None else region.cut(pixels)


def device_codec(name_confidence: str, name_encoding: str) -> str | None:
    """The codec that receiving found for this study's text, where it was not the declared one."""
    if name_confidence in (Confidence.DEVICE_RULE, Confidence.GUESSED) and name_encoding:
        return None if name_encoding in ("ascii", "iso2022") else name_encoding
    return None


async def make_renditions(parts: Parts, job: Job) -> None:
    """Job `make_renditions`, ref study id: what the reader will look at first is ready before the click."""
    def look(tx: Transaction) -> tuple[Study | None, list[Series], list[Instance]]:
        return (tx.studies.get(job.ref, EVERYWHERE), tx.studies.series_of(job.ref, EVERYWHERE),
                tx.studies.instances_of(job.ref, EVERYWHERE))

    study, series, instances = await parts.database.read(look)
    if study is None:
        return
    renderings = Renderings(parts)
    name = study.patient.name
    codec = device_codec(name.confidence, name.encoding)
    for one in series:
        async for _ in renderings.metadata(metadata_lines(one, instances), codec=codec):
            pass
    for instance in _chosen(instances):
        ref = ObjectRef(instance.object_sha256, instance.size_bytes)
        try:
            await _make_for(renderings, ref)
        except Unreadable as exc:
            # Kept, listed and served as it came; there is only no picture of it.
            logger.info("no rendition of instance %s: %s", instance.id, exc.reason)
    await renderings.evict()


def metadata_lines(series: Series, instances: Sequence[Instance]) -> list[MetadataLine]:
    """The DICOM instances of one series in the order in which DICOMweb asks for them: as they came."""
    of_series = [one for one in instances if one.series_id == series.id and one.format is InstanceFormat.DICOM]
    return [metadata_line(series.series_instance_uid, one) for one in sorted(of_series, key=lambda one: one.id)]


def metadata_line(series_instance_uid: str, one: Instance | StoredInstance) -> MetadataLine:
    """One instance, addressed below its study."""
    return MetadataLine(ObjectRef(one.object_sha256, one.size_bytes),
                        f"/series/{series_instance_uid}/instances/{one.sop_instance_uid}", dict(one.attributes))


async def _make_for(renderings: Renderings, ref: ObjectRef) -> None:
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
