"""A WFDB record in segments: each with its own header, one after the other, holes between them without values.

In a fixed layout every segment has the same signals. In a variable one the first segment, of length 0, describes all
signals and each segment brings some of them; they are told by their descriptions. Segments that scale a lead
differently are refused: one lead has one gain here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gateway.core.errors import Unreadable
from gateway.formats import wfdb_header
from gateway.formats.wfdb_header import Header, Segment, Signal
from gateway.formats.wfdb_signals import NOTHING, Recorded, recorded
from gateway.formats.zip_members import ZipMembers

_MOST_HOLES = 3
"""A record may be so many times longer than what it holds; more is a header that asks for memory."""


def joined(master: Header, members: ZipMembers, folder: str, header_of: Callable[[str], Header],
           warnings: list[str]) -> list[Recorded]:
    """The signals through all segments. Raises Unreadable with a reason that begins with "wfdb-segment"."""
    segments = list(master.segments)
    layout: Header | None = None
    if segments[0].sample_count == 0 and segments[0].name != NOTHING:
        layout = header_of(segments.pop(0).name)
    parts: list[tuple[int, list[Recorded]]] = []
    at = 0
    for segment in segments:
        if segment.name != NOTHING:
            parts.append((at, _segment(segment, master, members, folder, header_of(segment.name), warnings)))
        at += segment.sample_count
    if not parts:
        raise Unreadable("None of the segments was recorded.", reason="wfdb-segments")
    if master.sample_count is not None and master.sample_count != at:
        warnings.append(f"The header announces {master.sample_count} samples, its segments hold {at}.")
    signals = _fixed(parts) if layout is None else _variable(layout, parts)
    held = sum(len(part.samples) for _, group in parts for part in group)
    length = sum(signal.samples_per_frame for signal in signals) * at
    if length > wfdb_header.MAX_SAMPLES or length > _MOST_HOLES * held:
        raise Unreadable("The holes between segments are far longer than the record.", reason="wfdb-segment-holes")
    return [_whole(signal, number, at, parts, is_fixed=layout is None) for number, signal in enumerate(signals)]


def _segment(segment: Segment, master: Header, members: ZipMembers, folder: str, header: Header,
             warnings: list[str]) -> list[Recorded]:
    if header.segments or not header.signals:
        raise Unreadable("A segment has segments of its own.", reason="wfdb-segments")
    if header.sampling_frequency_hz not in (None, master.sampling_frequency_hz):
        raise Unreadable("A segment has another sampling frequency than the record.", reason="wfdb-segment-rate")
    if header.sample_count not in (None, segment.sample_count):
        raise Unreadable("A segment is not as long as the record says.", reason="wfdb-segment-length")
    return recorded(replace(header, sample_count=segment.sample_count), members, folder, warnings)


def _fixed(parts: list[tuple[int, list[Recorded]]]) -> list[Signal]:
    first = [part.signal for part in parts[0][1]]
    if any([p.signal.description for p in group] != [s.description for s in first] for _, group in parts):
        raise Unreadable("The segments differ in their signals.", reason="wfdb-segments")
    return first


def _variable(layout: Header, parts: list[tuple[int, list[Recorded]]]) -> list[Signal]:
    """The signals that the layout describes, as the first segment that has each tells its gain."""
    words = [signal.description for signal in layout.signals]
    found = {part.signal.description: part.signal for _, group in reversed(parts) for part in group}
    if len(set(words)) != len(words) or not set(found) <= set(words):
        raise Unreadable("A segment brings signals that the layout does not describe.", reason="wfdb-segments")
    return [found[word] for word in words if word in found]


def _whole(signal: Signal, number: int, frames: int, parts: list[tuple[int, list[Recorded]]], *,
           is_fixed: bool) -> Recorded:
    """One signal from the record's beginning to its end."""
    per_frame = signal.samples_per_frame
    samples = np.zeros(frames * per_frame, dtype=np.int32)
    missing = np.ones(len(samples), dtype=np.bool_)
    for at, group in parts:
        part = group[number] if is_fixed else next(
            (p for p in group if p.signal.description == signal.description), None)
        if part is None:
            continue
        if _scale(part.signal) != _scale(signal):
            raise Unreadable(f"Segments scale {signal.description or '?'} differently.", reason="wfdb-segment-gain")
        begin, end = at * per_frame, at * per_frame + len(part.samples)
        samples[begin:end] = part.samples
        missing[begin:end] = part.missing if part.missing is not None else False
    return Recorded(signal, samples, missing if missing.any() else None)


def _scale(signal: Signal) -> tuple[object, ...]:
    return signal.gain, signal.baseline, signal.unit, signal.samples_per_frame
