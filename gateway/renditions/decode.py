"""Turn one stored frame into numbers, without a change to any of them.

Every lossless transfer syntax and the lossy ones that browsers and modalities use are decoded; video and JPIP are
refused politely: such an object is kept, listed and handed out as it came. Sizes are checked before a decoder runs.
Colour JPEG comes out as RGB, as it would on any screen; nothing else is converted here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt

from gateway.core.errors import Unreadable
from gateway.renditions.codestreams import codestream_size, jpeg_adobe_transform
from gateway.renditions.frames import FrameShape, StoredImage, UnsupportedImage
from gateway.renditions.stored_file import EXPLICIT_BIG_ENDIAN

Pixels = npt.NDArray[Any]

JPEG_BASELINE, JPEG_EXTENDED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"
JPEG_LOSSLESS, JPEG_LOSSLESS_SV1 = "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"
JPEG_LS, JPEG_LS_NEAR = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"
JPEG_2000_LOSSLESS, JPEG_2000 = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"
HTJ2K_LOSSLESS, HTJ2K_LOSSLESS_RPCL, HTJ2K = ("1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202",
                                              "1.2.840.10008.1.2.4.203")
RLE_LOSSLESS = "1.2.840.10008.1.2.5"

LOSSY_SYNTAXES = frozenset({JPEG_BASELINE, JPEG_EXTENDED, JPEG_LS_NEAR, JPEG_2000, HTJ2K})


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """`pixels` is (rows, columns) or (rows, columns, samples), in the stored type and sign."""

    pixels: Pixels
    photometric_interpretation: str


def decode_frame(image: StoredImage, number: int) -> DecodedFrame:
    """Decode frame `number` (from 1).

    Raises
    ------
    UnsupportedImage
        No decoder here knows this transfer syntax or shape.
    Unreadable
        The frame is broken, or its own header contradicts the data set.
    """
    shape = image.shape
    if image.is_native:
        return _native(image, number)
    decoder = _DECODERS.get(image.transfer_syntax_uid)
    if decoder is None:
        raise UnsupportedImage(f"Transfer syntax {image.transfer_syntax_uid} is not decoded here.",
                               reason="transfer-syntax-unsupported")
    if shape.is_float or shape.bits_allocated > 32:
        raise UnsupportedImage("Compressed pixels of this kind are not decoded here.")
    data = image.frame(number)
    try:
        pixels, photometric = decoder(data, shape)
    except (RuntimeError, ValueError, TypeError, MemoryError, struct.error, IndexError) as exc:
        raise Unreadable(f"Frame {number} cannot be decoded: {exc}", reason="frame-broken") from exc
    wanted = _array_shape(shape)
    if pixels.shape != wanted and pixels.size == int(np.prod(wanted)) and pixels.ndim == 3:
        pixels = np.moveaxis(pixels, 0, -1) if pixels.shape[0] == shape.samples_per_pixel else pixels
    if pixels.shape != wanted:
        raise Unreadable(f"Frame {number} decodes to {pixels.shape}, not {wanted}.", reason="frame-broken")
    return DecodedFrame(_settle(pixels, shape), photometric)


def little_endian_bytes(frame: DecodedFrame) -> bytes:
    """The frame as an Explicit VR Little Endian data set would hold it, colour by pixel."""
    pixels = frame.pixels
    if pixels.dtype.byteorder == ">":
        pixels = pixels.astype(pixels.dtype.newbyteorder("<"))
    return pixels.tobytes()


def _array_shape(shape: FrameShape) -> tuple[int, ...]:
    plane = (shape.rows, shape.columns)
    return plane if shape.samples_per_pixel == 1 else (*plane, shape.samples_per_pixel)


def _settle(pixels: Pixels, shape: FrameShape) -> Pixels:
    """Give decoded samples the width and sign that the data set declares."""
    width = shape.bits_allocated // 8
    if pixels.dtype.kind not in "iu":
        raise UnsupportedImage("The frame holds no whole numbers.")
    if pixels.dtype.itemsize != width:
        if pixels.dtype.itemsize > width and int(pixels.max(initial=0)) >> (8 * width):
            raise Unreadable("The frame's numbers do not fit the data set's bits.", reason="frame-broken")
        pixels = pixels.astype(f"i{width}" if pixels.dtype.kind == "i" else f"u{width}")
    spare = shape.bits_allocated - shape.bits_stored
    if not shape.is_signed:
        return pixels.view(f"u{width}")
    signed = pixels.view(f"i{width}")
    # Codecs without a sign hand back the low bits alone: carry the sign bit up (PS3.5 8.2.1).
    return (signed << spare) >> spare if spare else signed


# ------------------------------------------------------------------------------------------------------- native
def _native(image: StoredImage, number: int) -> DecodedFrame:
    shape = image.shape
    data = _swapped_words(image, number) if _is_word_swapped(image) else image.frame(number)
    if shape.bits_allocated == 1:
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
        if shape.samples_per_pixel != 1:
            raise UnsupportedImage("Colour of single bits is not decoded here.")
        count = shape.rows * shape.columns
        return DecodedFrame(bits[:count].reshape(shape.rows, shape.columns), shape.photometric_interpretation)
    order = ">" if image.transfer_syntax_uid == EXPLICIT_BIG_ENDIAN else "<"
    kind = "f" if shape.is_float else "i" if shape.is_signed else "u"
    if kind == "f" and shape.bits_allocated not in (32, 64):
        raise UnsupportedImage("Float pixels of this width are not decoded here.")
    samples = np.frombuffer(data, np.dtype(f"{order}{kind}{shape.bits_allocated // 8}"))
    samples = samples.astype(samples.dtype.newbyteorder("="), copy=False)
    if shape.photometric_interpretation == "YBR_FULL_422" and shape.samples_per_pixel == 3:
        return DecodedFrame(_from_422(samples, shape), "YBR_FULL")
    if shape.samples_per_pixel > 1 and shape.is_planar:
        planes = samples.reshape(shape.samples_per_pixel, shape.rows, shape.columns)
        return DecodedFrame(np.ascontiguousarray(np.moveaxis(planes, 0, -1)), shape.photometric_interpretation)
    return DecodedFrame(samples.reshape(_array_shape(shape)), shape.photometric_interpretation)


def _is_word_swapped(image: StoredImage) -> bool:
    pixels = image.head.pixels
    return (image.transfer_syntax_uid == EXPLICIT_BIG_ENDIAN and image.shape.bits_allocated <= 8
            and pixels is not None and pixels.vr == "OW")


def _swapped_words(image: StoredImage, number: int) -> bytes:
    """Bytes that a big-endian writer sent as 16-bit words (OW): swap whole words, then cut."""
    if image.native_frame_bits % 8:
        raise UnsupportedImage("Single bits in big-endian words are not decoded here.")
    length = image.native_frame_bits // 8
    start = (number - 1) * length
    even_start, even_end = start & ~1, (start + length + 1) & ~1
    words = image.head.read_range(image.native_offset + even_start, even_end - even_start)
    swapped = np.frombuffer(words, ">u2").astype("<u2").tobytes()
    return swapped[start - even_start:start - even_start + length]


def _from_422(samples: Pixels, shape: FrameShape) -> Pixels:
    """Y1 Y2 Cb Cr for every two pixels of a row (PS3.3 C.7.6.3.1.2)."""
    quads = samples.reshape(-1, 4)
    full = np.empty((quads.shape[0], 2, 3), samples.dtype)
    full[:, 0, 0], full[:, 1, 0] = quads[:, 0], quads[:, 1]
    full[:, :, 1], full[:, :, 2] = quads[:, 2, None], quads[:, 3, None]
    return full.reshape(shape.rows, shape.columns, 3)


# --------------------------------------------------------------------------------------------------- compressed
def _checked(data: bytes, shape: FrameShape) -> None:
    size = codestream_size(data)
    if (size.rows, size.columns, size.components) != (shape.rows, shape.columns, shape.samples_per_pixel):
        raise Unreadable(f"The frame says {size.rows} × {size.columns} × {size.components}, the data set "
                         f"{shape.rows} × {shape.columns} × {shape.samples_per_pixel}.", reason="frame-contradicts")
    if size.bits > shape.bits_allocated:
        raise Unreadable(f"The frame has {size.bits} bits, the data set allocates {shape.bits_allocated}.",
                         reason="frame-contradicts")


def _jpeg(data: bytes, shape: FrameShape) -> tuple[Pixels, str]:
    _checked(data, shape)
    process = codestream_size(data).process
    if process == 0xC3:
        return _jpeg_lossless(data, shape)
    if shape.samples_per_pixel == 1:
        return imagecodecs.jpeg8_decode(data), shape.photometric_interpretation
    colour = "YCBCR" if _is_ycbcr(data, shape) else "RGB"
    return imagecodecs.jpeg8_decode(data, colorspace=colour, outcolorspace="RGB"), "RGB"


def _is_ycbcr(data: bytes, shape: FrameShape) -> bool:
    """What the frame says of itself goes before the data set's label, which devices get wrong."""
    transform = jpeg_adobe_transform(data)
    if transform is not None:
        return transform == 1
    if data[2:4] == b"\xff\xe0" and data[6:10] == b"JFIF":
        return True
    return shape.photometric_interpretation != "RGB"


def _jpeg_lossless(data: bytes, shape: FrameShape) -> tuple[Pixels, str]:
    _checked(data, shape)
    if shape.samples_per_pixel == 1:
        return imagecodecs.ljpeg_decode(data), shape.photometric_interpretation
    return imagecodecs.jpegsof3_decode(data), shape.photometric_interpretation


def _jpeg_ls(data: bytes, shape: FrameShape) -> tuple[Pixels, str]:
    _checked(data, shape)
    return imagecodecs.jpegls_decode(data), shape.photometric_interpretation


def _jpeg_2000(data: bytes, shape: FrameShape) -> tuple[Pixels, str]:
    # OpenJPEG for HTJ2K as well: imagecodecs' OpenJPH wrapper is twice as fast, but swallows errors in the middle
    # of a broken frame and hands back what it has.
    _checked(data, shape)
    pixels = imagecodecs.jpeg2k_decode(data)
    return pixels, "RGB" if shape.photometric_interpretation in ("YBR_RCT", "YBR_ICT") else \
        shape.photometric_interpretation


def _rle(data: bytes, shape: FrameShape) -> tuple[Pixels, str]:
    (segments,) = struct.unpack_from("<I", data)
    width = shape.bits_allocated // 8
    if segments != shape.samples_per_pixel * width:
        raise Unreadable(f"The frame has {segments} RLE segments, not {shape.samples_per_pixel * width}.",
                         reason="frame-contradicts")
    # Run lengths grow by 64 at most, so a frame cannot ask for more than it is worth.
    samples = np.frombuffer(imagecodecs.dicomrle_decode(data, np.dtype(f"<u{width}")), f"<u{width}")
    count = shape.samples_per_pixel * shape.rows * shape.columns
    if not count <= samples.size <= count + shape.samples_per_pixel:     # a segment may be padded to an even length
        raise Unreadable(f"The frame holds {samples.size} samples, not {count}.", reason="frame-broken")
    planes = samples[:count].reshape(shape.samples_per_pixel, shape.rows, shape.columns)
    pixels = planes[0] if shape.samples_per_pixel == 1 else np.ascontiguousarray(np.moveaxis(planes, 0, -1))
    return pixels, shape.photometric_interpretation


_DECODERS: dict[str, Callable[[bytes, FrameShape], tuple[Pixels, str]]] = {
    JPEG_BASELINE: _jpeg, JPEG_EXTENDED: _jpeg, JPEG_LOSSLESS: _jpeg_lossless, JPEG_LOSSLESS_SV1: _jpeg_lossless,
    JPEG_LS: _jpeg_ls, JPEG_LS_NEAR: _jpeg_ls, JPEG_2000_LOSSLESS: _jpeg_2000, JPEG_2000: _jpeg_2000,
    HTJ2K_LOSSLESS: _jpeg_2000, HTJ2K_LOSSLESS_RPCL: _jpeg_2000, HTJ2K: _jpeg_2000, RLE_LOSSLESS: _rle,
}
DECODED_SYNTAXES = frozenset(_DECODERS)
"""Compressed transfer syntaxes whose frames are decoded here."""
