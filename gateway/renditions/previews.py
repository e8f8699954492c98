"""Make the small picture that is painted first, and the exact copy that travels faster.

A preview is a JPEG of at most 1024 pixels with the window the device stored, about 50 to 200 KB: it stands on a
county line's screen within half a second and says on its face that it is not for diagnosis. An HTJ2K copy of a big
uncompressed film is bit-exact, half the size, and costs 0.1 s to make (both measured on 3000 × 3000 pixels).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import imagecodecs

from gateway.core.errors import Unreadable
from gateway.renditions.decode import decode_frame
from gateway.renditions.frames import StoredImage, UnsupportedImage
from gateway.renditions.picture import Picture, PictureFormat, eight_bits, encode

PREVIEW_SIDE = 1024
PREVIEW_QUALITY = 80
THUMBNAIL_SIDE = 160
THUMBNAIL_QUALITY = 75
HTJ2K_WORTH_BYTES = 2 << 20              # smaller frames travel quickly enough as they are
STACK_FROM = 8                           # a series of so many single images is a stack
STACK_STEP = 8


def make_preview(image: StoredImage, frame_number: int = 1, *, side: int = PREVIEW_SIDE,
                 quality: int = PREVIEW_QUALITY) -> Picture:
    """Decode, window and encode one frame. Raises Unreadable, UnsupportedImage."""
    pixels = eight_bits(decode_frame(image, frame_number), image.dataset, frame_number)
    return encode(pixels, format=PictureFormat.JPEG, columns=side, rows=side, quality=quality)


def is_htj2k_worthwhile(image: StoredImage) -> bool:
    """True for a big uncompressed frame of whole numbers that HTJ2K carries exactly."""
    shape = image.shape
    return (image.is_native and shape.decoded_bytes >= HTJ2K_WORTH_BYTES and not shape.is_float
            and shape.bits_allocated in (8, 16)
            and (shape.samples_per_pixel == 1 or shape.photometric_interpretation == "RGB"))


def make_htj2k(image: StoredImage, frame_number: int = 1) -> bytes:
    """A reversible HTJ2K codestream of the frame, proved by another decoder. Raises UnsupportedImage."""
    shape = image.shape
    if shape.bits_allocated not in (8, 16) or shape.is_float:
        raise UnsupportedImage("HTJ2K is made of 8 and 16 bits alone.")
    pixels = decode_frame(image, frame_number).pixels
    try:
        encoded = bytes(imagecodecs.htj2k_encode(pixels, reversible=True, rgb=shape.samples_per_pixel == 3 or None))
        is_exact = bool((imagecodecs.jpeg2k_decode(encoded) == pixels).all())
    except (RuntimeError, ValueError, TypeError, struct.error) as exc:
        raise UnsupportedImage(f"The frame cannot be written as HTJ2K: {exc}") from exc
    if not is_exact:
        raise Unreadable("The HTJ2K copy differs from the frame.", reason="rendition-broken")
    return encoded


def stack_positions(count: int) -> Sequence[int]:
    """Which of a series' images get a preview ahead of time: all of a few; of a stack the middle, then every 8th."""
    if count < STACK_FROM:
        return range(count)
    middle = count // 2
    return [middle, *(position for position in range(0, count, STACK_STEP) if position != middle)]
