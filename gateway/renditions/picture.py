"""Make a picture of a decoded frame: eight bits, upright as stored, JPEG or PNG, at a size.

The way of a grey value is the standard's (PS3.3 C.11): stored value → modality (rescale or LUT) → window or VOI LUT
→ presentation (MONOCHROME1 is shown inverted). A picture is a rendition: it is never what a diagnosis rests on.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from gateway.core.errors import InvalidRequest, Unreadable
from gateway.renditions.decode import DecodedFrame
from gateway.renditions.frames import UnsupportedImage

Grey8 = npt.NDArray[np.uint8]
Eight = npt.NDArray[np.uint8]
_DEFAULT_FRAME_MS = 66
MAX_PICTURE_SIDE = 8192


class WindowFunction(StrEnum):
    """PS3.3 C.11.2.1.3; the values of VOI LUT Function (0028,1056)."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


@dataclass(frozen=True, slots=True)
class Window:
    """Centre and width in units of the modality, e.g. HU."""

    center: float
    width: float
    function: WindowFunction = WindowFunction.LINEAR

    def apply(self, values: npt.NDArray[Any]) -> Grey8:
        """Modality values to 0…255."""
        v = values.astype(np.float64)
        if self.function is WindowFunction.SIGMOID:
            grey = 255.0 / (1.0 + np.exp(np.clip(-4.0 * (v - self.center) / self.width, -700, 700)))
        elif self.function is WindowFunction.LINEAR_EXACT:
            grey = ((v - self.center) / self.width + 0.5) * 255.0
        elif self.width <= 1:
            grey = np.where(v <= self.center - 0.5, 0.0, 255.0)
        else:
            grey = ((v - (self.center - 0.5)) / (self.width - 1.0) + 0.5) * 255.0
        clipped: Grey8 = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
        return clipped


class PictureFormat(StrEnum):
    JPEG = "image/jpeg"
    PNG = "image/png"
    GIF = "image/gif"


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a frame, in its pixels. A side of None reaches to the edge; a negative one mirrors (PS3.18)."""

    left: float
    top: float
    width: float | None
    height: float | None

    def cut(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The region as an array of its own. Raises InvalidRequest where it is not inside the frame."""
        rows, columns = pixels.shape[:2]
        width = columns - self.left if self.width is None else abs(self.width)
        height = rows - self.top if self.height is None else abs(self.height)
        x, y, x_end, y_end = (round(v) for v in (self.left, self.top, self.left + width, self.top + height))
        if not (0 <= x < x_end <= columns and 0 <= y < y_end <= rows):
            raise InvalidRequest(f"The region is not inside {columns} x {rows} pixels.", reason="viewport")
        found = pixels[y:y_end, x:x_end]
        found = found[:, ::-1] if self.width is not None and self.width < 0 else found
        found = found[::-1] if self.height is not None and self.height < 0 else found
        return np.ascontiguousarray(found)


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture and what it is, for the labels."""

    data: bytes
    format: PictureFormat
    rows: int
    columns: int
    quality: int | None                  # of JPEG


def parse_window(text: str) -> Window:
    """Read "center,width[,function]" as PS3.18 8.3.5.1.4 writes it. Raises InvalidRequest."""
    parts = text.split(",")
    functions = {"linear": WindowFunction.LINEAR, "linear-exact": WindowFunction.LINEAR_EXACT,
                 "sigmoid": WindowFunction.SIGMOID}
    try:
        name = parts[2].strip().lower() if len(parts) > 2 else ""
        function = functions[name] if name else WindowFunction.LINEAR
        window = Window(float(parts[0]), float(parts[1]), function)
    except (ValueError, IndexError, KeyError) as exc:
        raise InvalidRequest(f"window={text}: write center,width,linear|linear-exact|sigmoid.",
                             reason="window") from exc
    if len(parts) > 3 or not (np.isfinite(window.center) and np.isfinite(window.width) and window.width > 0):
        raise InvalidRequest(f"window={text}: the width must be above 0.", reason="window")
    return window


def eight_bits(frame: DecodedFrame, dataset: Dataset, frame_number: int = 1, *,
               window: Window | None = None) -> npt.NDArray[np.uint8]:
    """(rows, columns) grey or (rows, columns, 3) RGB of 0…255, ready for an encoder."""
    photometric = frame.photometric_interpretation
    pixels = frame.pixels
    if pixels.ndim == 3:
        return _colour(pixels, photometric)
    if photometric == "PALETTE COLOR":
        try:
            coloured = apply_color_lut(pixels, dataset)
        except (ValueError, AttributeError, TypeError) as exc:
            raise Unreadable(f"The palette cannot be used: {exc}", reason="palette-broken") from exc
        return _to_eight(coloured)
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise UnsupportedImage(f"Photometric interpretation {photometric} is not shown here.")
    grey = _grey(pixels, dataset, frame_number, window)
    shape_lut = str(dataset.get("PresentationLUTShape", "") or "")
    is_inverted = shape_lut == "INVERSE" if shape_lut in ("INVERSE", "IDENTITY") else photometric == "MONOCHROME1"
    return 255 - grey if is_inverted else grey


def encode(pixels: npt.NDArray[np.uint8], *, format: PictureFormat, columns: int | None = None,
           rows: int | None = None, quality: int = 90, is_upscaled: bool = False) -> Picture:
    """Scale into columns × rows keeping the aspect, then encode. Never larger than the frame unless asked for."""
    height, width = pixels.shape[:2]
    scale = min((columns or width) / width, (rows or height) / height)
    if not is_upscaled:
        scale = min(scale, 1.0)
    scale = min(scale, MAX_PICTURE_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = Image.fromarray(pixels)
    if size != (width, height):
        image = image.resize(size, Image.Resampling.BOX if scale < 0.5 else Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    if format is PictureFormat.PNG:
        image.save(buffer, "PNG", compress_level=3)
        return Picture(buffer.getvalue(), format, size[1], size[0], None)
    image.save(buffer, "JPEG", quality=quality, subsampling=0 if quality >= 90 else 2)
    return Picture(buffer.getvalue(), format, size[1], size[0], quality)


def frame_time_ms(dataset: Dataset) -> int:
    """How long a frame of this clip is shown (PS3.3 C.7.6.5), within what a GIF can say."""
    for keyword, per_ms in (("FrameTime", 1.0), ("RecommendedDisplayFrameRate", -1000.0), ("CineRate", -1000.0)):
        value = _float(dataset, keyword, None)
        if value is not None and value > 0:
            return int(min(5000, max(20, value if per_ms > 0 else -per_ms / value)))
    return _DEFAULT_FRAME_MS


def animate(frames: Iterable[npt.NDArray[np.uint8]], *, frame_ms: int, columns: int | None = None,
            rows: int | None = None) -> bytes:
    """A GIF of these frames, for looking at a movement."""
    images = []
    for pixels in frames:
        still = encode(pixels, format=PictureFormat.PNG, columns=columns, rows=rows)
        images.append(Image.open(io.BytesIO(still.data)).convert("L" if pixels.ndim == 2 else "P"))
    buffer = io.BytesIO()
    images[0].save(buffer, "GIF", save_all=True, append_images=images[1:], duration=frame_ms, loop=0)
    return buffer.getvalue()


# --------------------------------------------------------------------------------------------------------- grey
def _grey(pixels: npt.NDArray[Any], dataset: Dataset, frame_number: int, window: Window | None) -> Grey8:
    transform = _functional_group(dataset, frame_number, "PixelValueTransformationSequence") or dataset
    voi = _functional_group(dataset, frame_number, "FrameVOILUTSequence") or dataset
    if pixels.dtype.kind == "f":
        return (window or _stored_window(voi) or _full_range(pixels)).apply(pixels)
    low, high = int(pixels.min(initial=0)), int(pixels.max(initial=0))
    if high - low >= 1 << 20:
        # Wide integers (dose, 32 bits) have too many values for a table: each pixel goes the way by itself.
        values = _modality(pixels, transform, dataset)
        return (window or _stored_window(voi) or _full_range(values)).apply(values)
    stored = np.arange(low, high + 1)
    values = _modality(stored, transform, dataset)
    table = _voi(values, stored, pixels, voi, dataset, window)
    return np.take(table, pixels.astype(np.int64) - low)


def _modality(stored: npt.NDArray[Any], transform: Dataset, dataset: Dataset) -> npt.NDArray[Any]:
    lut = _lut(dataset, "ModalityLUTSequence")
    if lut is not None:
        entries, first, _ = lut
        return np.asarray(entries[np.clip(stored.astype(np.int64) - first, 0, entries.size - 1)])
    slope, intercept = _float(transform, "RescaleSlope", 1.0), _float(transform, "RescaleIntercept", 0.0)
    return np.asarray(stored * (slope or 1.0) + intercept)


def _voi(values: npt.NDArray[Any], stored: npt.NDArray[Any], pixels: npt.NDArray[Any], voi: Dataset,
         dataset: Dataset, window: Window | None) -> Grey8:
    if window is None:
        lut = _lut(voi, "VOILUTSequence")
        if lut is not None:
            entries, first, bits = lut
            looked_up = entries[np.clip(np.rint(values).astype(np.int64) - first, 0, entries.size - 1)]
            return np.asarray(np.rint(looked_up * (255.0 / ((1 << bits) - 1))).clip(0, 255), np.uint8)
        window = _stored_window(voi) or _used_range(values, stored, pixels, dataset)
    return window.apply(values)


def _stored_window(voi: Dataset) -> Window | None:
    try:
        center, width = _first(voi.get("WindowCenter")), _first(voi.get("WindowWidth"))
        if center is None or width is None or not np.isfinite(center) or not np.isfinite(width) or width <= 0:
            return None
        name = str(voi.get("VOILUTFunction", "") or "LINEAR").strip().upper()
        return Window(center, width, WindowFunction(name) if name in set(WindowFunction) else WindowFunction.LINEAR)
    except (ValueError, TypeError):
        return None


def _used_range(values: npt.NDArray[Any], stored: npt.NDArray[Any], pixels: npt.NDArray[Any],
                dataset: Dataset) -> Window:
    """Without a window: from the 0.5th to the 99.5th percentile, padding left out."""
    low = int(stored[0])
    counts = np.bincount((pixels.astype(np.int64) - low).ravel(), minlength=stored.size)
    padding = _float(dataset, "PixelPaddingValue", None)
    if padding is not None and low <= padding < low + stored.size:
        counts[int(padding) - low] = 0
    total = counts.cumsum()
    if not total[-1]:
        return Window(float(values[0]), 1.0)
    first = values[np.searchsorted(total, total[-1] * 0.005, side="right")]
    last = values[min(np.searchsorted(total, total[-1] * 0.995), stored.size - 1)]
    return _window_between(float(min(first, last)), float(max(first, last)))


def _full_range(values: npt.NDArray[Any]) -> Window:
    finite = values[np.isfinite(values)]
    return _window_between(float(finite.min()), float(finite.max())) if finite.size else Window(0.0, 1.0)


def _window_between(low: float, high: float) -> Window:
    return Window((low + high) / 2, max(high - low, 1e-6), WindowFunction.LINEAR_EXACT)


def _lut(dataset: Dataset, keyword: str) -> tuple[npt.NDArray[np.float64], int, int] | None:
    """(entries, first mapped value, bits per entry) of a LUT sequence (PS3.3 C.11.1.1.1)."""
    sequence = dataset.get(keyword)
    if not sequence:
        return None
    try:
        item = sequence[0]
        count, first, bits = (int(v) for v in item.LUTDescriptor)
        data = item.LUTData
        entries = np.frombuffer(data, "<u2" if item.is_little_endian is not False else ">u2") \
            if isinstance(data, bytes) else np.asarray(data)
        count = count or 65536
        if entries.size * 2 < count or not 1 <= bits <= 16:
            return None
        if entries.size < count:                       # 8-bit entries packed two to a word
            entries = entries.astype("<u2").view(np.uint8)
        if first > 0x7FFF and _float(dataset, "PixelRepresentation", 0.0):
            first -= 0x10000
        return entries[:count].astype(np.float64), first, bits
    except (AttributeError, ValueError, TypeError, IndexError):
        return None


def _functional_group(dataset: Dataset, frame_number: int, keyword: str) -> Dataset | None:
    """The macro of an enhanced multi-frame object: of the frame, else shared (PS3.3 C.7.6.16)."""
    try:
        for groups, index in ((dataset.get("PerFrameFunctionalGroupsSequence"), frame_number - 1),
                              (dataset.get("SharedFunctionalGroupsSequence"), 0)):
            if groups and index < len(groups):
                found = groups[index].get(keyword)
                if found:
                    item: Dataset = found[0]
                    return item
    except (AttributeError, TypeError, IndexError, ValueError):
        return None
    return None


def _float(dataset: Dataset, keyword: str, default: Any) -> Any:
    try:
        value = _first(dataset.get(keyword))
        return default if value is None or not np.isfinite(value) else value
    except (ValueError, TypeError):
        return default


def _first(value: Any) -> float | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) or not hasattr(value, "__getitem__"):
        return float(value)
    return float(value[0]) if len(value) else None


# ------------------------------------------------------------------------------------------------------- colour
def _colour(pixels: npt.NDArray[Any], photometric: str) -> npt.NDArray[np.uint8]:
    if pixels.shape[2] != 3:
        raise UnsupportedImage(f"{pixels.shape[2]} samples a pixel are not shown here.")
    if photometric in ("YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420"):
        ybr = _to_eight(pixels).astype(np.float32)
        y, cb, cr = ybr[..., 0], ybr[..., 1] - 128.0, ybr[..., 2] - 128.0      # PS3.3 C.7.6.3.1.2
        rgb = np.stack((y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb), axis=-1)
        return np.asarray(np.clip(np.rint(rgb), 0, 255), np.uint8)
    if photometric in ("RGB", "YBR_RCT", "YBR_ICT"):
        return _to_eight(pixels)
    raise UnsupportedImage(f"Photometric interpretation {photometric} is not shown here.")


def _to_eight(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype.kind != "u":
        raise UnsupportedImage("Colour with a sign is not shown here.")
    return np.asarray(pixels >> (8 * (pixels.dtype.itemsize - 1)), np.uint8)
