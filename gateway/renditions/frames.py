"""Find the frames of a stored image and hand them out as stored, without decoding (PS3.5 A.4, PS3.3 C.7.6.3).

Native frames are slices of the pixel data. Encapsulated ones are fragments behind item headers: one fragment a
frame, or grouped by the Basic or the Extended Offset Table, or, where a device wrote several fragments a frame and
no table, by the start markers of the codestreams.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

from gateway.core.errors import NotFound, Unreadable
from gateway.renditions.stored_file import (
    DEFLATED_EXPLICIT_LITTLE_ENDIAN,
    EXPLICIT_BIG_ENDIAN,
    EXPLICIT_LITTLE_ENDIAN,
    IMPLICIT_LITTLE_ENDIAN,
    FileHead,
    RangeFile,
    ReadRange,
    read_head,
)

NATIVE_SYNTAXES = frozenset({IMPLICIT_LITTLE_ENDIAN, EXPLICIT_LITTLE_ENDIAN, EXPLICIT_BIG_ENDIAN,
                             DEFLATED_EXPLICIT_LITTLE_ENDIAN})
MAX_FRAME_BYTES = 256 << 20          # decoded; a 6000 × 8000 film of 16 bits is 92 MiB
MAX_FRAMES = 100_000
MAX_FRAGMENTS = 1_000_000
_ITEM, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)


class UnsupportedImage(Unreadable):
    """This image cannot be turned into a picture here; the stored object is whole and can be fetched as it is."""

    reason = "unsupported-image"


@dataclass(frozen=True, slots=True)
class FrameShape:
    """What the data set says a frame is."""

    rows: int
    columns: int
    samples_per_pixel: int
    bits_allocated: int
    bits_stored: int
    is_signed: bool
    is_planar: bool
    photometric_interpretation: str
    is_float: bool = False

    @property
    def decoded_bytes(self) -> int:
        """Bytes of one frame once decoded, each sample in whole bytes."""
        return self.rows * self.columns * self.samples_per_pixel * max(1, (self.bits_allocated + 7) // 8)


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image in the store: its head, its shape, and where each frame lies. Frames count from 1."""

    head: FileHead
    shape: FrameShape
    frame_count: int
    pieces: tuple[tuple[tuple[int, int], ...], ...]   # of each frame: (offset, length) in the file; empty if native
    native_offset: int = 0
    native_frame_bits: int = 0

    @property
    def dataset(self) -> Dataset:
        return self.head.dataset

    @property
    def transfer_syntax_uid(self) -> str:
        return self.head.transfer_syntax_uid

    @property
    def is_native(self) -> bool:
        return self.transfer_syntax_uid in NATIVE_SYNTAXES

    def frame(self, number: int) -> bytes:
        """The frame's bytes exactly as stored. Raises NotFound for a frame that is not there."""
        if not 1 <= number <= self.frame_count:
            raise NotFound(f"There are {self.frame_count} frames, not {number}.")
        if not self.is_native:
            return b"".join(_read_whole(self.head.read_range, *piece) for piece in self.pieces[number - 1])
        first_bit = (number - 1) * self.native_frame_bits
        skip = first_bit % 8
        length = (skip + self.native_frame_bits + 7) // 8
        data = _read_whole(self.head.read_range, self.native_offset + first_bit // 8, length)
        return data if not skip else _shift_bits(data, skip, self.native_frame_bits)


def open_image(read_range: ReadRange, size_bytes: int) -> StoredImage:
    """Find the frames. Raises Unreadable, and UnsupportedImage where there is no image or it is past all limits."""
    return image_of(read_head(read_range, size_bytes))


def image_of(head: FileHead) -> StoredImage:
    """As `open_image`, for a head that was read before."""
    if head.pixels is None:
        raise UnsupportedImage("The object has no pixels.", reason="no-pixels")
    shape, frame_count = shape_of(head)
    if head.transfer_syntax_uid in NATIVE_SYNTAXES:
        return _native(head, shape, frame_count)
    if head.pixels.length is not None:
        raise Unreadable("The transfer syntax is compressed, but the pixels are not encapsulated.",
                         reason="not-encapsulated")
    offset_table, fragments = _walk_fragments(head)
    pieces = _group(head, offset_table, fragments, frame_count)
    return StoredImage(head, shape, frame_count, tuple(pieces))


def shape_of(head: FileHead) -> tuple[FrameShape, int]:
    """The shape and the number of frames, refused before anything is allocated where it is past all limits."""
    dataset = head.dataset
    shape = FrameShape(
        rows=_number(dataset, "Rows"), columns=_number(dataset, "Columns"),
        samples_per_pixel=_number(dataset, "SamplesPerPixel", 1), bits_allocated=_number(dataset, "BitsAllocated"),
        bits_stored=_number(dataset, "BitsStored", _number(dataset, "BitsAllocated")),
        is_signed=_number(dataset, "PixelRepresentation", 0) == 1,
        is_planar=_number(dataset, "PlanarConfiguration", 0) == 1,
        photometric_interpretation=_word(dataset, "PhotometricInterpretation", "MONOCHROME2"),
        is_float=head.pixels is not None and head.pixels.tag != 0x7FE00010)
    frame_count = max(1, _number(dataset, "NumberOfFrames", 1))
    if shape.rows < 1 or shape.columns < 1 or not 1 <= shape.samples_per_pixel <= 4:
        raise UnsupportedImage(f"{shape.rows} × {shape.columns} pixels of {shape.samples_per_pixel} samples is "
                               "no image.", reason="impossible-shape")
    if shape.bits_allocated not in (1, 8, 16, 32, 64) or not 1 <= shape.bits_stored <= shape.bits_allocated:
        raise UnsupportedImage(f"{shape.bits_stored} bits stored in {shape.bits_allocated}.",
                               reason="impossible-shape")
    if shape.decoded_bytes > MAX_FRAME_BYTES or frame_count > MAX_FRAMES:
        raise UnsupportedImage(f"{frame_count} frames of {shape.rows} × {shape.columns} are past what is decoded "
                               "here.", reason="image-too-large")
    return shape, frame_count


def _number(dataset: Dataset, keyword: str, default: int | None = None) -> int:
    try:
        value: Any = dataset.get(keyword)
        if value is None or value == "":
            if default is None:
                raise UnsupportedImage(f"{keyword} is missing.", reason="impossible-shape")
            return default
        return int(value)
    except (TypeError, ValueError, OverflowError, NotImplementedError) as exc:
        raise UnsupportedImage(f"{keyword} is not a number.", reason="impossible-shape") from exc


def _word(dataset: Dataset, keyword: str, default: str) -> str:
    try:
        return str(dataset.get(keyword, default) or "").strip()
    except (TypeError, ValueError, NotImplementedError) as exc:
        raise UnsupportedImage(f"{keyword} is not a word.", reason="impossible-shape") from exc


def _native(head: FileHead, shape: FrameShape, frame_count: int) -> StoredImage:
    assert head.pixels is not None
    samples = shape.samples_per_pixel
    if shape.photometric_interpretation == "YBR_FULL_422" and samples == 3:
        samples = 2                                    # PS3.3 C.7.6.3.1.2: Cb and Cr for every second pixel
    frame_bits = shape.rows * shape.columns * samples * shape.bits_allocated
    available = max(0, head.size_bytes - head.pixels.value_offset)
    if head.pixels.length is not None:
        available = min(available, head.pixels.length)
    needed = (frame_bits * frame_count + 7) // 8
    if available < needed:
        raise Unreadable(f"The pixels are cut off: {available} of {needed} bytes.", reason="pixels-cut-off")
    return StoredImage(head, shape, frame_count, (), head.pixels.value_offset, frame_bits)


def _walk_fragments(head: FileHead) -> tuple[bytes, list[tuple[int, int]]]:
    """The Basic Offset Table's bytes, and (offset, length) of each fragment's value."""
    assert head.pixels is not None
    file = RangeFile(head.read_range, head.size_bytes)
    file.seek(head.pixels.value_offset)
    items: list[tuple[int, int]] = []
    while True:
        header = file.read(8)
        if len(header) < 8:
            break                                      # cut off after whole fragments: show what is there
        group, element, length = struct.unpack("<HHI", header)
        if (group, element) == _SEQUENCE_END:
            break
        if (group, element) != _ITEM or length == 0xFFFFFFFF:
            raise Unreadable("The fragments of the pixels are not where they should be.", reason="fragments-broken")
        if file.tell() + length > head.size_bytes:
            raise Unreadable("The last fragment is cut off.", reason="pixels-cut-off")
        items.append((file.tell(), length))
        if len(items) > MAX_FRAGMENTS:
            raise UnsupportedImage("There are too many fragments.", reason="image-too-large")
        file.seek(file.tell() + length)
    if len(items) < 2:
        raise Unreadable("There are no fragments.", reason="fragments-broken")
    return head.read_range(*items[0]) if items[0][1] else b"", items[1:]


def _group(head: FileHead, table: bytes, fragments: list[tuple[int, int]], frame_count: int
           ) -> list[tuple[tuple[int, int], ...]]:
    extended = head.dataset.get("ExtendedOffsetTable")
    if isinstance(extended, bytes) and len(extended) >= 8 * frame_count:
        starts = list(struct.unpack(f"<{frame_count}Q", extended[:8 * frame_count]))
        if (found := _by_starts(starts, fragments)) is not None:
            return found
    if len(fragments) == frame_count:
        return [(fragment,) for fragment in fragments]
    if frame_count == 1:
        return [tuple(fragments)]
    if len(table) >= 4 * frame_count:
        starts = list(struct.unpack(f"<{frame_count}I", table[:4 * frame_count]))
        if (found := _by_starts(starts, fragments)) is not None:
            return found
    found = _by_markers(head, fragments)
    if len(found) != frame_count:
        raise Unreadable(f"{len(fragments)} fragments cannot be told apart as {frame_count} frames.",
                         reason="fragments-broken")
    return found


def _by_starts(starts: list[int], fragments: list[tuple[int, int]]) -> list[tuple[tuple[int, int], ...]] | None:
    """Group by offsets that count from the first fragment's item tag; None where the table is wrong."""
    first_item = fragments[0][0] - 8
    frame_of = {start: number for number, start in enumerate(starts)}
    groups: list[list[tuple[int, int]]] = []
    for offset, length in fragments:
        if offset - 8 - first_item in frame_of:
            groups.append([])
        if not groups:
            return None
        groups[-1].append((offset, length))
    return [tuple(group) for group in groups] if len(groups) == len(starts) == len(frame_of) else None


def _by_markers(head: FileHead, fragments: list[tuple[int, int]]) -> list[tuple[tuple[int, int], ...]]:
    """Group by the first bytes of each fragment: SOI of JPEG and JPEG-LS, SOC of JPEG 2000."""
    groups: list[list[tuple[int, int]]] = []
    for offset, length in fragments:
        begins = head.read_range(offset, 4)
        if begins[:3] == b"\xff\xd8\xff" or begins == b"\xff\x4f\xff\x51" or not groups:
            groups.append([])
        groups[-1].append((offset, length))
    return [tuple(group) for group in groups]


def _read_whole(read_range: ReadRange, start: int, length: int) -> bytes:
    data = read_range(start, length)
    if len(data) != length:
        raise Unreadable("The frame is cut off.", reason="pixels-cut-off")
    return data


def _shift_bits(data: bytes, skip: int, bits: int) -> bytes:
    """Frames of single bits need not begin on a byte (PS3.5 8.1.1); the first pixel is the lowest bit."""
    value = int.from_bytes(data, "little") >> skip
    return (value & ((1 << bits) - 1)).to_bytes((bits + 7) // 8, "little")
