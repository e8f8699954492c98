"""Samples of SCP-ECG: Sections 3 to 6 (EN 1064, 5.6 to 5.9).

The rhythm of Section 6 is stored as it is, as first or as second differences, plain or Huffman coded. High
compression subtracts the reference beat of Section 5 around each QRS, and may keep only one value for four samples
outside the protected zones ("bimodal"). All arithmetic is that of 16 bits, as the encoders do it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgLead, EcgMark
from gateway.formats import lead_names, scp_huffman
from gateway.formats.scp_beats import BeatLocations, read_locations, with_reference_beats
from gateway.formats.scp_bits import OutOfCodes
from gateway.formats.scp_huffman import HuffmanTables
from gateway.formats.scp_sections import ScpRecord

Values = NDArray[np.int64]
_NO_BIMODAL_FROM_VERSION = 30


@dataclass(frozen=True, slots=True)
class LeadSpan:
    """One line of Section 3. Samples are numbered from 1, in the record's full rate."""

    name: str
    number: int
    start: int
    count: int


@dataclass(frozen=True, slots=True)
class ScpSignal:
    """The decoded samples."""

    interval_us: int
    leads: tuple[EcgLead, ...]
    beat_interval_us: int
    beats: tuple[EcgLead, ...]
    marks: tuple[EcgMark, ...]


@dataclass(frozen=True, slots=True)
class _Stored:
    """Head of Section 5 or 6, and its bytes lead by lead."""

    avm_nv: int                              # amplitude value multiplier
    interval_us: int
    differences: int
    is_bimodal: bool
    sizes: tuple[int, ...]
    data: bytes


def read_signal(record: ScpRecord, warnings: list[str]) -> ScpSignal:
    """Decode rhythm and reference beat. Raises Unreadable; what does not fit goes to `warnings`."""
    lead_definition = record.require(3, "The record does not define its leads (Section 3).", "scp-no-leads")
    if 6 not in record.sections and 12 in record.sections:
        raise Unreadable("The record holds only long-term rhythm (Section 12 of version 3), which the gateway does "
                         "not read.", reason="scp-long-term")
    record.require(6, "The record holds no rhythm (Section 6).", "scp-no-rhythm")
    spans, is_subtracted = _spans(lead_definition, warnings)
    tables = None                            # without Section 2 samples are plain integers of 16 bits
    if 2 in record.sections or 2 in record.misplaced:
        tables = scp_huffman.read_tables(record.require(2, "", ""))
    rhythm = _stored(record, 6, len(spans))
    if rhythm.avm_nv == 0:
        raise Unreadable("The rhythm states no amplitude of a unit; a gain is never guessed.",
                         reason="scp-uncalibrated")
    locations = read_locations(record.body(4), warnings)
    beat, beats = _reference_beat(record, spans, tables, locations, warnings, is_needed=is_subtracted)
    interval_us, factor = _decimation(rhythm, beat, is_subtracted)
    if factor > 1:
        warnings.append(f"The file keeps one value for {factor} samples outside of the QRS complexes (bimodal "
                        "compression); the samples between are interpolated.")
    samples = _decode(rhythm, spans, tables, locations.protected if factor > 1 else (), factor, warnings)
    nv_per_unit = rhythm.avm_nv
    if is_subtracted and beat is not None:
        samples, nv_per_unit = with_reference_beats(
            samples, [span.start for span in spans], beats, locations, (rhythm.avm_nv, beat.avm_nv), warnings)
    first = min(span.start for span in spans)
    leads = tuple(
        EcgLead(name=span.name, code=f"2:{span.number}", samples=values.astype(np.int32),
                nv_per_unit=float(nv_per_unit), start_us=float((span.start - first) * interval_us))
        for span, values in zip(spans, samples, strict=True))
    if len({len(lead.samples) for lead in leads}) > 1:
        warnings.append("The leads differ in length.")
    return ScpSignal(
        interval_us, leads, beat.interval_us if beat else 0,
        tuple(EcgLead(name=span.name, code=f"2:{span.number}", samples=values.astype(np.int32),
                      nv_per_unit=float(beat.avm_nv))
              for span, values in zip(spans, beats, strict=True)) if beat and beats else (),
        tuple(EcgMark("beat", float((qrs.fiducial - first) * interval_us)) for qrs in locations.beats
              if qrs.fiducial >= first))


def _spans(body: bytes, warnings: list[str]) -> tuple[list[LeadSpan], bool]:
    count = body[0] if body else 0
    if count == 0 or len(body) < 2 + 9 * count:
        raise Unreadable("The definition of the leads (Section 3) is cut off.", reason="scp-no-leads")
    spans: list[LeadSpan] = []
    known: dict[str, int] = {}
    from_zero: list[str] = []
    for number in range(count):
        start, end, code = struct.unpack_from("<IIB", body, 2 + 9 * number)
        name = lead_names.by_number(code) or f"#{code}"
        known[name] = known.get(name, 0) + 1
        if known[name] > 1:
            name = f"{name} ({known[name]})"
        if start == 0:
            from_zero.append(name)
            start = 1
        if end < start:
            raise Unreadable(f"Lead {name} ends before it begins.", reason="scp-lead-range")
        spans.append(LeadSpan(name, code, start, end - start + 1))
    if from_zero:
        warnings.append(f"Samples are counted from 1, but {', '.join(from_zero)} begin at 0; the number of the last "
                        "sample is taken as their length.")
    return spans, bool(body[1] & 1)


def _stored(record: ScpRecord, number: int, lead_count: int) -> _Stored:
    body = record.body(number)
    begin = 6 + 2 * lead_count
    if len(body) < begin:
        raise Unreadable(f"Section {number} is cut off.", reason="scp-cut-off")
    avm, interval, differences, flag = struct.unpack_from("<HHBB", body)
    if differences > 2:
        raise Unreadable(f"Section {number} says that its samples are differences of order {differences}.",
                         reason="scp-encoding")
    if interval == 0:
        raise Unreadable(f"Section {number} states no sampling interval.", reason="scp-no-interval")
    is_bimodal = bool(flag) and record.sections[number].protocol_version < _NO_BIMODAL_FROM_VERSION
    return _Stored(avm, interval, differences, is_bimodal and number == 6,
                   struct.unpack_from(f"<{lead_count}H", body, 6), body[begin:])


def _decimation(rhythm: _Stored, beat: _Stored | None, is_subtracted: bool) -> tuple[int, int]:
    """The interval of the decoded rhythm, and how many samples one stored value stands for."""
    if not rhythm.is_bimodal:
        if is_subtracted and beat is not None and beat.interval_us != rhythm.interval_us:
            raise Unreadable("The reference beat and the rhythm have different sampling intervals.",
                             reason="scp-mixed-intervals")
        return rhythm.interval_us, 1
    if beat is None:
        raise Unreadable("The rhythm is decimated (bimodal), but there is no reference beat that tells the full "
                         "rate.", reason="scp-no-reference-beat")
    factor, rest = divmod(rhythm.interval_us, beat.interval_us)
    if rest or not 1 <= factor <= 4:
        raise Unreadable(f"The rhythm is decimated (bimodal) from {beat.interval_us} to {rhythm.interval_us} µs, "
                         "which no rule allows.", reason="scp-mixed-intervals")
    return beat.interval_us, factor


def _reference_beat(record: ScpRecord, spans: Sequence[LeadSpan], tables: HuffmanTables | None,
                    locations: BeatLocations, warnings: list[str], *, is_needed: bool,
                    ) -> tuple[_Stored | None, list[Values]]:
    """Section 5. What is wrong with it is a refusal only if the rhythm cannot be had without."""
    if 5 not in record.sections:
        if is_needed:
            raise Unreadable("A reference beat was subtracted from the rhythm, and it is missing (Section 5).",
                             reason="scp-no-reference-beat")
        return None, []
    try:
        beat = _stored(record, 5, len(spans))
        if beat.avm_nv == 0:
            raise Unreadable("The reference beat states no amplitude of a unit.", reason="scp-uncalibrated")
        count = round(locations.beat_length_ms * 1000 / beat.interval_us)
        if count < 1:
            if is_needed:
                raise Unreadable("The length of the reference beat (Section 4) is missing.",
                                 reason="scp-no-reference-beat")
            return beat, []
        if beat.interval_us * count > 60_000_000:
            raise Unreadable("The reference beat is longer than a minute.", reason="scp-encoding")
        beat_spans = [replace(span, start=1, count=count) for span in spans]
        return beat, _decode(beat, beat_spans, tables, (), 1, warnings)
    except Unreadable as refusal:
        if is_needed:
            raise
        warnings.append(f"The reference beat is not shown: {refusal}")
        return None, []


def _decode(stored: _Stored, spans: Sequence[LeadSpan], tables: HuffmanTables | None,
            protected: Sequence[tuple[int, int]], factor: int, warnings: list[str]) -> list[Values]:
    """The samples of each lead in full rate."""
    out: list[Values] = []
    at = 0
    sizes = _true_sizes(stored, spans, tables)
    for number, span in enumerate(spans):
        size = sizes[number]
        if factor > 1:
            if span.count > 8 * factor * ((len(stored.data) if size is None else size) + 1):
                raise Unreadable(f"The bytes of lead {span.name} cannot hold {span.count} samples.",
                                 reason="scp-lead-range")
            places = _stored_places(span, protected, factor)
            values, used = _values(stored, at, size, len(places), span.name, tables, warnings)
            values = np.rint(np.interp(np.arange(span.count), places, _integrate(values, stored, span, warnings)))
            out.append(values.astype(np.int64))
        else:
            values, used = _values(stored, at, size, span.count, span.name, tables, warnings)
            out.append(_integrate(values, stored, span, warnings))
        if size is None:
            # A length beyond 65535 is written modulo 65536: take the first that holds what was used.
            size = stored.sizes[number] + max(0, -(-(used - stored.sizes[number]) // 65536)) * 65536
        at += size
    return out


def _true_sizes(stored: _Stored, spans: Sequence[LeadSpan], tables: HuffmanTables | None) -> list[int | None]:
    """Bytes of each lead; None where the 16-bit field may have overflowed and the codes themselves must tell."""
    missing = len(stored.data) - sum(stored.sizes)
    if missing < 0:
        raise Unreadable("The leads need more bytes than the section has.", reason="scp-cut-off")
    if missing < 65536:
        return list(stored.sizes)
    if tables is not None:
        return [None] * len(spans)
    return [2 * span.count if 2 * span.count % 65536 == size else size
            for span, size in zip(spans, stored.sizes, strict=True)]


def _values(stored: _Stored, at: int, size: int | None, count: int, name: str, tables: HuffmanTables | None,
            warnings: list[str]) -> tuple[Values, int]:
    """`count` stored values that begin at byte `at`, and the bytes they took."""
    data = stored.data[at:] if size is None else stored.data[at:at + size]
    if tables is not None:
        try:
            return scp_huffman.decode(data, count, tables)
        except OutOfCodes as refusal:
            raise Unreadable(f"Lead {name}: {refusal}", reason=refusal.reason) from refusal
    if 2 * count > len(data):
        raise Unreadable(f"Lead {name} should have {count} samples, its bytes hold {len(data) // 2}.",
                         reason="scp-length")
    if len(data) > 2 * count + 1:
        warnings.append(f"Lead {name} has {len(data)} bytes for {count} samples; the rest is not shown.")
    return np.frombuffer(data, dtype="<i2", count=count).astype(np.int64), 2 * count


def _integrate(values: Values, stored: _Stored, span: LeadSpan, warnings: list[str]) -> Values:
    """Undo the differences. The first one or two values are the samples themselves."""
    if stored.differences == 0:
        return values
    if stored.differences == 1 or len(values) < 3:
        whole = np.cumsum(values) if stored.differences == 1 else values
    else:
        slopes = np.empty_like(values)
        slopes[0], slopes[1], slopes[2:] = values[0], values[1] - values[0], values[2:]
        np.cumsum(slopes[1:], out=slopes[1:])
        whole = np.cumsum(slopes)
    wrapped = whole.astype(np.int16).astype(np.int64)
    if len(whole) and (whole.min() < -32768 or whole.max() > 32767):
        warnings.append(f"Lead {span.name} leaves the range of 16 bits and is continued at its other end.")
    return wrapped


def _stored_places(span: LeadSpan, protected: Sequence[tuple[int, int]], factor: int) -> NDArray[np.float64]:
    """Where the stored values of a decimated lead lie, in samples from its first: each sample of a protected zone,
    the centre of each block elsewhere. Blocks begin anew behind a zone; one that a zone cuts short is a block."""
    places: list[NDArray[np.float64]] = []
    at = 0
    for begin, end in [*protected, (span.start + span.count, span.start + span.count)]:
        first = min(max(begin - span.start, at), span.count)
        last = min(end - span.start + 1, span.count)
        if first > at:
            blocks = np.arange(at, first, factor, dtype=np.float64)
            places.append((blocks + np.minimum(blocks + factor, first) - 1) / 2)
        if last > first:
            places.append(np.arange(first, last, dtype=np.float64))
        at = max(first, last)
    return np.concatenate(places)
