"""Write an ECG as SCP-ECG 2.0 (EN 1064): exact where the format can hold it, otherwise the loss is said.

Huffman coded with the default table that every reader knows; on wish with the reference beat subtracted (still
exact), with one value for four samples outside of the QRS complexes as well (bimodal, lossy), or not compressed.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.core.errors import InvalidRequest
from gateway.core.waveform import EcgLead, EcgRecord
from gateway.formats import lead_names, scp_compression
from gateway.formats.scp_beats import Qrs
from gateway.formats.scp_huffman import DEFAULT_TABLE_NUMBER
from gateway.formats.scp_huffman_encode import differences, encode
from gateway.formats.scp_sections import SECTION_HEADER_SIZE, checksum, read_sections
from gateway.formats.scp_signal import read_signal
from gateway.formats.scp_write_text import section_1, section_7, section_8

Values = NDArray[np.int64]
_VERSION = 20
_NUMBERS = {name: number for number in range(1, 70) if (name := lead_names.by_number(number))}


@dataclass(frozen=True, slots=True)
class ScpOptions:
    """How the samples are stored. Bimodal includes the subtraction of the reference beat."""

    is_compressed: bool = True
    is_beat_subtracted: bool = False
    is_bimodal: bool = False
    difference_order: int = 2
    beats_us: tuple[float, ...] = ()         # QRS complexes after the record's start; found here if not given
    fiducial_counted_from: int = 1           # the standard's; 0 for readers that take it so


@dataclass(frozen=True, slots=True)
class ScpFile:
    """The bytes, and what of the record they do not hold, in plain words."""

    data: bytes
    losses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Scaled:
    name: str
    number: int
    start: int                               # number of the first sample, from 1
    samples: Values


def write(record: EcgRecord, options: ScpOptions | None = None) -> bytes:
    """The record as SCP-ECG. Raises InvalidRequest when it cannot be written at all."""
    return write_scp(record, options).data


def write_scp(record: EcgRecord, options: ScpOptions | None = None) -> ScpFile:
    """The same, with the losses."""
    options = options or ScpOptions()
    losses: list[str] = []
    interval_us = round(record.interval_us)
    if not 1 <= interval_us * (4 if options.is_bimodal else 1) <= 65535:
        raise InvalidRequest(f"SCP-ECG cannot hold a sampling interval of {record.interval_us} µs.")
    if not record.leads or len(record.leads) > 255:
        raise InvalidRequest("SCP-ECG holds 1 to 255 leads.")
    if abs(interval_us - record.interval_us) > 1e-9:
        losses.append(f"The sampling interval is rounded from {record.interval_us} to {interval_us} µs.")
    leads, avm_nv = _scale(record.leads, interval_us, losses)
    subtraction = _subtraction(record, leads, interval_us, options, losses)
    sections = {1: section_1(record, losses)}
    if options.is_compressed:
        sections[2] = struct.pack("<H", DEFAULT_TABLE_NUMBER)
    sections[3] = _section_3(leads, is_subtracted=subtraction is not None)
    if subtraction:
        sections |= _compressed(leads, subtraction, avm_nv, interval_us, options)
    else:
        sections |= _plain(record, leads, avm_nv, interval_us, options, losses)
    sections[7] = section_7(record, has_beat=5 in sections, losses=losses)
    sections[8] = section_8(record, losses)
    if any(len(lead.samples) * 2 > 65535 for lead in leads) and not options.is_compressed:
        losses.append("Leads of more than 65535 bytes are written with their length modulo 65536.")
    data = pack({number: body for number, body in sections.items() if body})
    if subtraction:
        _say_difference(leads, data, losses)
    return ScpFile(data, tuple(losses))


def pack(sections: dict[int, bytes], version: int = _VERSION) -> bytes:
    """Sections with headers, pointers and checksums, and the record around them."""
    numbers = sorted({*range(12), *sections} - {0})
    pointers_size = SECTION_HEADER_SIZE + 10 * (1 + len(numbers))
    at = 7 + pointers_size
    pointers = [struct.pack("<HII", 0, pointers_size, 7)]
    packed = b""
    for number in numbers:
        body = sections.get(number, b"")
        body += b"\0" * (len(body) % 2)
        size = len(body) + SECTION_HEADER_SIZE if body else 0
        pointers.append(struct.pack("<HII", number, size, at if size else 0))
        if size:
            packed += _section(number, body, version)
            at += size
    first = _section(0, b"".join(pointers), version, b"SCPECG")
    whole = struct.pack("<I", 6 + len(first) + len(packed)) + first + packed
    return struct.pack("<H", checksum(whole)) + whole


def _section(number: int, body: bytes, version: int, reserved: bytes = bytes(6)) -> bytes:
    rest = struct.pack("<HIBB", number, len(body) + SECTION_HEADER_SIZE, version, version) + reserved + body
    return struct.pack("<H", checksum(rest)) + rest


def _scale(leads: Sequence[EcgLead], interval_us: int, losses: list[str]) -> tuple[list[_Scaled], int]:
    """All leads in one unit of whole nanovolts, the coarsest that loses nothing if there is one."""
    values = [_without_gaps(lead, losses) for lead in leads]
    parts = [part for lead in leads for part in (lead.nv_per_unit, lead.baseline * lead.nv_per_unit)]
    largest = max((float(np.abs(v + lead.baseline).max()) * lead.nv_per_unit
                   for v, lead in zip(values, leads, strict=True) if len(v)), default=0.0)
    unit = math.gcd(*(round(part) for part in parts)) if all(float(part).is_integer() for part in parts) else 0
    while unit > 65535:
        unit //= next(factor for factor in range(2, unit + 1) if unit % factor == 0)
    if unit == 0 or largest / unit > 32767:
        unit = max(1, math.ceil(largest / 32767))
        losses.append(f"Samples are rounded to {unit} nV.")
        if unit > 65535:
            raise InvalidRequest("The voltages are larger than SCP-ECG can hold.")
    scaled = []
    for lead, samples in zip(leads, values, strict=True):
        number = _NUMBERS.get(lead.name, 0)
        if number == 0:
            losses.append(f"Lead {lead.name} has no number in SCP-ECG and is written without a name.")
        start = lead.start_us / interval_us
        if abs(start - round(start)) > 1e-6:
            losses.append(f"The start of lead {lead.name} is rounded to a sample.")
        in_units = np.rint((samples + lead.baseline) * (lead.nv_per_unit / unit)).astype(np.int64)
        scaled.append(_Scaled(lead.name, number, 1 + round(start), in_units))
    return scaled, unit


def _without_gaps(lead: EcgLead, losses: list[str]) -> NDArray[np.float64]:
    if not len(lead.samples):
        raise InvalidRequest(f"Lead {lead.name} has no samples.")
    if lead.missing is None or not lead.missing.any():
        return lead.samples.astype(np.float64)
    losses.append(f"Lead {lead.name} has {int(lead.missing.sum())} samples without value; the last one is repeated.")
    known = np.where(lead.missing, 0, np.arange(len(lead.samples)))
    return lead.samples[np.maximum.accumulate(known)].astype(np.float64)


def _subtraction(record: EcgRecord, leads: list[_Scaled], interval_us: int, options: ScpOptions,
                 losses: list[str]) -> scp_compression.Subtraction | None:
    if not (options.is_beat_subtracted or options.is_bimodal):
        return None
    if len({(lead.start, len(lead.samples)) for lead in leads}) > 1:
        raise InvalidRequest("A reference beat can be subtracted only from leads recorded together.")
    samples = np.stack([lead.samples for lead in leads])
    told = options.beats_us or tuple(mark.at_us for mark in record.marks
                                     if mark.kind in ("beat", "r_peak") and not mark.is_on_representative_beat)
    beats = sorted({round(at / interval_us) for at in told}) or scp_compression.find_beats(samples, interval_us)
    found = scp_compression.subtract(samples, [at for at in beats if 0 <= at < samples.shape[1]], interval_us)
    if found is None:
        losses.append("There are too few beats for a reference beat; it is not subtracted.")
        return None
    if record.representative_beats:
        losses.append("The representative beat is replaced by the one that is subtracted.")
    return found


def _say_difference(leads: Sequence[_Scaled], data: bytes, losses: list[str]) -> None:
    """Read back what was written, and say how far the worst lead is from what it was."""
    back = read_signal(read_sections(data), [])
    worst_uv, name = 0.0, ""
    for lead, read in zip(leads, back.leads, strict=True):
        difference = (lead.samples * (read.nv_per_unit / 1000)) - read.nanovolts() / 1000
        rms_uv = float(np.sqrt((difference ** 2).mean()))
        if rms_uv > worst_uv:
            worst_uv, name = rms_uv, lead.name
    if worst_uv:
        losses.append(f"The samples read back are not the same; lead {name} differs most, by {worst_uv:.1f} µV rms.")


def _section_3(leads: Sequence[_Scaled], *, is_subtracted: bool) -> bytes:
    together = len({(lead.start, len(lead.samples)) for lead in leads}) == 1
    flags = int(is_subtracted) | (4 | min(len(leads), 31) << 3 if together else 8)
    return bytes((len(leads), flags)) + b"".join(
        struct.pack("<IIB", lead.start, lead.start + len(lead.samples) - 1, lead.number) for lead in leads)


def _compressed(leads: Sequence[_Scaled], subtraction: scp_compression.Subtraction, avm_nv: int, interval_us: int,
                options: ScpOptions) -> dict[int, bytes]:
    first = leads[0].start - 1
    fiducial = subtraction.beat_fiducial - 1 + options.fiducial_counted_from
    # QRS complexes and zones are numbered as the samples of the leads are.
    moved = [Qrs(q.kind, q.start + first, q.fiducial + first, q.end + first) for q in subtraction.qrs]
    zones = [(begin + first, end + first) for begin, end in subtraction.protected]
    residuals = list(subtraction.residuals)
    if options.is_bimodal:
        residuals = [scp_compression.decimate(lead, subtraction.protected) for lead in residuals]
    return {
        4: _section_4(subtraction.beats.shape[1], interval_us, fiducial, moved, zones),
        5: _section_5_or_6(list(subtraction.beats), avm_nv, interval_us, options, flag=0),
        6: _section_5_or_6(residuals, avm_nv,
                           interval_us * (scp_compression.DECIMATION if options.is_bimodal else 1), options,
                           flag=int(options.is_bimodal)),
    }


def _plain(record: EcgRecord, leads: Sequence[_Scaled], avm_nv: int, interval_us: int, options: ScpOptions,
           losses: list[str]) -> dict[int, bytes]:
    """Section 6 as it is, and the record's own representative beat where it has the same leads."""
    sections = {6: _section_5_or_6([lead.samples for lead in leads], avm_nv, interval_us, options, flag=0)}
    first = min(lead.start for lead in leads)
    marked = [round(mark.at_us / interval_us) + first for mark in record.marks
              if mark.kind == "beat" and not mark.is_on_representative_beat]
    qrs = [Qrs(0, at, at, at) for at in marked]
    beats = record.representative_beats
    if beats and [beat.name for beat in beats] == [lead.name for lead in leads] \
            and len({len(beat.samples) for beat in beats}) == 1 and record.beat_interval_us:
        beat_interval_us = round(record.beat_interval_us)
        scaled, unit_nv = _scale(beats, beat_interval_us, losses)
        sections[5] = _section_5_or_6([beat.samples for beat in scaled], unit_nv, beat_interval_us, options, flag=0)
        peak_us = next((mark.at_us for mark in record.marks
                        if mark.kind == "r_peak" and mark.is_on_representative_beat), None)
        fiducial = 1 + round(peak_us / beat_interval_us) if peak_us is not None else 0
        sections[4] = _section_4(len(beats[0].samples), beat_interval_us, fiducial, qrs, [(0, 0)] * len(qrs))
    else:
        if beats:
            losses.append("The representative beat has other leads than the rhythm and is not written.")
        if qrs:
            sections[4] = _section_4(0, interval_us, 0, qrs, [(0, 0)] * len(qrs))
    return sections


def _section_4(beat_length: int, interval_us: int, fiducial: int, beats: Sequence[Qrs],
               zones: Sequence[tuple[int, int]]) -> bytes:
    length_ms = round(beat_length * interval_us / 1000)
    return (struct.pack("<HHH", length_ms, fiducial, len(beats))
            + b"".join(struct.pack("<HIII", q.kind, q.start, q.fiducial, q.end) for q in beats)
            + b"".join(struct.pack("<II", *zone) for zone in zones))


def _section_5_or_6(leads: Sequence[Values], avm_nv: int, interval_us: int, options: ScpOptions, *,
                    flag: int) -> bytes:
    stored = [differences(lead, options.difference_order) for lead in leads]
    if options.is_compressed:
        data = [encode(values) for values in stored]
    else:
        data = [values.astype("<i2").tobytes() for values in stored]
    data = [part + b"\0" * (len(part) % 2) for part in data]
    return (struct.pack("<HHBB", avm_nv, interval_us, options.difference_order, flag)
            + b"".join(struct.pack("<H", len(part) % 65536) for part in data) + b"".join(data))
