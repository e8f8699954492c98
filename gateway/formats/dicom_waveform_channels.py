"""One multiplex group of a DICOM waveform into leads (PS3.3 C.10.9).

Value = raw × sensitivity × correction factor + baseline, in the channel's own unit. Real devices leave bits above
Bits Stored empty, declare padding values that real samples have, and name leads by code or by words alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.core.charset import TextReader
from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgLead, IntSamples
from gateway.formats import dicom_waveform_tags as tag
from gateway.formats import lead_names
from gateway.formats.dicom_ecg_codes import OUR_SCHEME
from gateway.formats.dicom_waveform_items import Item
from gateway.formats.units import NANOVOLTS

MAX_CHANNELS = 64
MAX_SAMPLES = 40_000_000
MIN_PADDING_RUN = 8                      # shorter runs of the padding value are taken as real samples
_KINDS = {"SB": "i1", "UB": "u1", "SS": "i2", "US": "u2", "SL": "i4", "UL": "u4"}
_COMPANDED = {"MB": "mu-law", "AB": "A-law"}


@dataclass(frozen=True, slots=True)
class Channel:
    """What a channel is called, and its lead if it is one that we show."""

    name: str
    lead: EcgLead | None
    refusal: str = ""                        # why not


def interval_us(group: Item) -> float:
    """The sampling interval, 0 if the group states none.

    A frequency has 16 characters and cannot say 1667 µs to the last bit: where all of them are used, the interval of
    13 digits that it stands for is taken.
    """
    frequency = group.decimal(tag.FREQUENCY)
    if frequency is None or frequency <= 0:
        return 0.0
    exact = 1_000_000 / frequency
    return float(f"{exact:.13g}" if len(frequency.as_tuple().digits) >= 14 else exact)


def channels_of(group: Item, text: TextReader, *, start_us: float = 0.0, only_ecg_leads: bool = False,
                warnings: list[str]) -> list[Channel]:
    """Every channel in its order. Raises Unreadable for what cannot be samples, or has no gain."""
    described = list(group.items(tag.CHANNELS))
    frames = _frames(group, len(described))
    padding = _padding(group)
    found = []
    for column, channel in enumerate(described):
        name, code, is_known = _name(channel, column, text)
        unit_item = next(channel.items(tag.SENSITIVITY_UNITS), None)
        sensitivity = channel.decimal(tag.SENSITIVITY)
        if only_ecg_leads and not is_known:
            found.append(Channel(name, None, f"Channel {name} is no ECG lead and is not shown."))
            continue
        if sensitivity is None or sensitivity == 0 or unit_item is None:
            raise Unreadable(f"Channel {name} states no sensitivity; a gain is never guessed.",
                             reason="dicom-uncalibrated")
        unit_code = text.decode(unit_item.raw(tag.CODE_VALUE)).text
        unit = NANOVOLTS.get(unit_code.lower())
        if unit is None:
            found.append(Channel(
                name, None, f"Channel {name} is in {unit_code or 'no unit'}, not in volts, and is not shown."))
            continue
        correction = channel.decimal(tag.CORRECTION)
        step = sensitivity * (Decimal(1) if correction is None else correction)
        if step == 0:
            raise Unreadable(f"Channel {name} has a sensitivity of zero.", reason="dicom-uncalibrated")
        samples = _within_bits_stored(frames[column], group, channel, name, warnings)
        found.append(Channel(name, EcgLead(
            name=name, code=code, samples=samples, nv_per_unit=float(step * unit),
            baseline=float((channel.decimal(tag.BASELINE) or Decimal(0)) / step),
            start_us=start_us + _skew_us(group, channel), missing=padding_mask(samples, padding, _lowest(group)))))
    return found


def channel_names(group: Item, text: TextReader) -> list[str]:
    """What the channels are called, without a look at their samples."""
    return [_name(channel, column, text)[0] for column, channel in enumerate(group.items(tag.CHANNELS))]


def padding_mask(samples: IntSamples, padding: int | None, lowest: int | None = None) -> NDArray[np.bool_] | None:
    """True where the lead is padded: runs at its ends, and only if the value never occurs inside.

    One maker declares 0 as padding and sends real zeros; a mask by value alone would cut holes into the trace. The
    `lowest` value of the sample type is no voltage: where that is the padding, every one of them is a gap.
    """
    if padding is None or not len(samples):
        return None
    is_value: NDArray[np.bool_] = samples != padding
    if is_value.all():
        return None
    if padding == lowest or not is_value.any():
        return ~is_value
    first, last = int(is_value.argmax()), len(samples) - 1 - int(is_value[::-1].argmax())
    if not is_value[first:last + 1].all() or max(first, len(samples) - 1 - last) < MIN_PADDING_RUN:
        return None
    return ~is_value


def _frames(group: Item, channel_count: int) -> IntSamples:
    """(channels, samples) int32, as sent."""
    declared, count = group.number(tag.CHANNEL_COUNT), group.number(tag.SAMPLE_COUNT, 4)
    if declared != channel_count or not 1 <= declared <= MAX_CHANNELS:
        raise Unreadable(f"{declared} channels are announced and {channel_count} described.", reason="dicom-channels")
    if count < 1 or count * declared > MAX_SAMPLES:
        raise Unreadable(f"{count} samples cannot be an ECG.", reason="dicom-samples")
    dtype = _dtype(group)
    data, start, length = group.place(tag.SAMPLES)
    if length < count * declared * dtype.itemsize:
        raise Unreadable("The waveform data is shorter than announced.", reason="dicom-data-short")
    frames = np.frombuffer(data, dtype=dtype, count=count * declared, offset=start).reshape(count, declared)
    if dtype.kind == "u" and dtype.itemsize == 4 and frames.max() > 2**31 - 1:
        raise Unreadable("Samples do not fit 32 signed bits.", reason="dicom-samples")
    return np.ascontiguousarray(frames.T, dtype=np.int32)


def _dtype(group: Item) -> np.dtype[Any]:
    interpretation = group.word(tag.INTERPRETATION)
    if interpretation in _COMPANDED:
        raise Unreadable(f"The samples are {_COMPANDED[interpretation]} companded, as sound is and no ECG.",
                         reason="dicom-companded")
    kind = _KINDS.get(interpretation)
    if kind is None or group.number(tag.BITS_ALLOCATED) != int(kind[1]) * 8:
        raise Unreadable("The sample interpretation is not one an ECG uses.", reason="dicom-sample-interpretation")
    return np.dtype(("<" if group.is_little_endian else ">") + kind)


def _lowest(group: Item) -> int | None:
    dtype = _dtype(group)
    return int(np.iinfo(dtype).min) if dtype.kind == "i" else None


def _padding(group: Item) -> int | None:
    dtype = _dtype(group)
    data, start, length = group.place(tag.PADDING)
    return int(np.frombuffer(data, dtype=dtype, count=1, offset=start)[0]) if length >= dtype.itemsize else None


def _within_bits_stored(samples: IntSamples, group: Item, channel: Item, name: str,
                        warnings: list[str]) -> IntSamples:
    """Extend the sign where a cart leaves the bits above Bits Stored empty."""
    stored, allocated = channel.number(tag.BITS_STORED), group.number(tag.BITS_ALLOCATED)
    if not 2 <= stored < allocated or group.word(tag.INTERPRETATION)[:1] == "U":
        return samples
    half = 1 << (stored - 1)
    lowest, highest = int(samples.min()), int(samples.max())
    if lowest >= -half and highest < half:
        return samples
    if lowest >= 0 and highest < 2 * half:
        return (samples ^ half) - half
    warnings.append(f"Lead {name} holds values beyond its {stored} bits; they are taken as they are.")
    return samples


def _name(channel: Item, column: int, text: TextReader) -> tuple[str, str, bool]:
    """Our name of the lead or the file's words, the file's code, and whether it is a lead that we know."""
    source = next(channel.items(tag.CHANNEL_SOURCE), None)
    code = source.word(tag.CODE_VALUE) if source is not None else ""
    meaning = text.decode(source.raw(tag.CODE_MEANING)).text if source is not None else ""
    label = text.decode(channel.raw(tag.CHANNEL_LABEL)).text
    if meaning and source is not None and source.word(tag.CODE_SCHEME) == OUR_SCHEME:
        return meaning, code, True
    name = lead_names.by_code(code) or lead_names.in_text(meaning) or lead_names.in_text(label)
    return name or meaning or label or f"channel {column + 1}", code, name is not None


def _skew_us(group: Item, channel: Item) -> float:
    seconds = channel.decimal(tag.TIME_SKEW_S)
    if seconds:
        return float(seconds * 1_000_000)
    return float(channel.decimal(tag.SAMPLE_SKEW) or 0) * interval_us(group)


def starts_ms(groups: Sequence[Item]) -> list[Decimal]:
    """When each group begins, after the first of them."""
    offsets = [group.decimal(tag.GROUP_OFFSET_MS) or Decimal(0) for group in groups]
    return [offset - offsets[0] for offset in offsets]
