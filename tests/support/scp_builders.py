"""SCP-ECG files with known samples, from an encoder that shares no code with the product.

It is slow and plain on purpose: bits are text, the checksum goes bit by bit. It writes what the product's writer does
not: custom Huffman tables, tables that switch, revision 1.3 and what devices do against the standard.
"""

from __future__ import annotations

import itertools
import statistics
import struct
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from ecgdatakit import FileParser
from numpy.typing import NDArray

from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgLead, EcgPatient, EcgRecord
from gateway.formats import scp_ecg
from tests.support.ecg_builders import LEADS

NUMBERS = {"I": 1, "II": 2, "V1": 3, "V2": 4, "V3": 5, "V4": 6, "V5": 7, "V6": 8, "V7": 9, "V3R": 11, "III": 61,
           "aVR": 62, "aVL": 63, "aVF": 64}
WAVES = ((90, -0.16, 0.022), (-80, -0.028, 0.008), (900, 0.0, 0.010), (-240, 0.03, 0.009), (210, 0.26, 0.045))
"""µV, seconds from the R peak, and width in seconds of P, Q, R, S and T."""
Samples = Mapping[str, NDArray[np.int32] | NDArray[np.int64]]


def heart_samples(*, leads: Sequence[str] = LEADS, count: int = 5000, seed: int = 3, rate_bpm: float = 72.0,
                  frequency_hz: float = 500.0) -> dict[str, NDArray[np.int32]]:
    """A heart beat of three waves in µV, its size and place a little different each time, with noise."""
    random = np.random.default_rng(seed)
    seconds = np.arange(count) / frequency_hz
    peaks = np.arange(0.6, count / frequency_hz - 0.2, 60 / rate_bpm)
    peaks += random.normal(0, 0.01, len(peaks))
    out = {}
    for number, lead in enumerate(leads):
        signal = 40 * np.sin(2 * np.pi * (0.2 * seconds + number / 7))
        for peak in peaks:
            swing = 1 + 0.06 * random.standard_normal()
            for height, at, width in WAVES:
                size = height * swing * (1 - 2 * (number % 3 == 1)) * (0.5 + 0.1 * number)
                signal += size * np.exp(-((seconds - peak - at) / width) ** 2 / 2)
        out[lead] = np.rint(signal + random.normal(0, 3, count)).astype(np.int32)
    return out


def heart_record(samples: Samples | None = None, *, nv_per_unit: float = 1000.0, interval_us: float = 2000.0,
                 **more: object) -> EcgRecord:
    """The same as a record, of a demo person."""
    samples = heart_samples() if samples is None else samples
    leads = tuple(EcgLead(name, f"2:{NUMBERS[name]}", values.astype(np.int32), nv_per_unit)
                  for name, values in samples.items())
    fields: dict[str, object] = {
        "format": "scp_ecg", "interval_us": interval_us, "leads": leads,
        "recorded_at": datetime(2026, 3, 2, 0, 30, tzinfo=UTC),
        "patient": EcgPatient(patient_id="P1", name="Demo Patient", sex="F", name_encoding="ascii"),
    }
    return EcgRecord(**(fields | more))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Code:
    """A Huffman code: its bits as text; a value, or extra bits that hold it, or the table to switch to (from 1)."""

    bits: str
    value: int = 0
    extra: int = 0
    switch_to: int = 0


def default_code(value: int) -> str:
    """The bits of a value in the default table."""
    if value == 0:
        return "0"
    if abs(value) <= 8:
        return "1" * abs(value) + "0" + ("1" if value < 0 else "0")
    if -128 <= value <= 127:
        return "1111111110" + format(value & 0xFF, "08b")
    return "1111111111" + format(value & 0xFFFF, "016b")


def to_bytes(bits: str) -> bytes:
    """Bits as text into bytes, an even number of them."""
    bits += "0" * (-len(bits) % 16)
    return bytes(int(bits[at:at + 8], 2) for at in range(0, len(bits), 8))


def table_section(tables: Sequence[Sequence[Code]]) -> bytes:
    """Section 2 with custom tables; the code's first bit is stored lowest."""
    body = struct.pack("<H", len(tables))
    for table in tables:
        body += struct.pack("<H", len(table))
        for code in table:
            stored = int(code.bits[::-1], 2)
            body += struct.pack("<BBBhI", len(code.bits), len(code.bits) + code.extra, 0 if code.switch_to else 1,
                                code.switch_to or code.value, stored)
    return body


def spell(values: Sequence[int], table: Sequence[Code]) -> str:
    """Values by one table, the shortest code for each."""
    exact = {code.value: code for code in table if not code.extra and not code.switch_to}
    wide = sorted((code for code in table if code.extra), key=lambda code: code.extra)
    bits = []
    for value in values:
        if value in exact:
            bits.append(exact[value].bits)
        else:
            code = next(c for c in wide if -(1 << c.extra - 1) <= value < 1 << c.extra - 1)
            bits.append(code.bits + format(value & ((1 << code.extra) - 1), f"0{code.extra}b"))
    return "".join(bits)


def by_differences(samples: Sequence[int], order: int) -> list[int]:
    """What Section 6 holds for samples."""
    values = [int(v) for v in samples]
    if order == 1:
        values = values[:1] + [b - a for a, b in itertools.pairwise(values)]
    if order == 2:
        values = values[:2] + [c - 2 * b + a for a, b, c in zip(values, values[1:], values[2:], strict=False)]
    return [(v + 32768) % 65536 - 32768 for v in values]


def patient_section(values: Mapping[int, bytes] | None = None) -> bytes:
    """Section 1 of a demo person; `values` by tag replace and add."""
    tags = {0: b"Patient\0", 1: b"Demo\0", 2: b"P1\0", 5: struct.pack("<HBB", 1960, 4, 5), 8: b"\1",
            14: bytes(6) + b"\x01\xffDEMO1\0" + bytes((20, 0xA0, 0, 0, 0)) + bytes(16) + b"\1\0SN7\0\0\0Demo maker\0",
            25: struct.pack("<HBB", 2026, 3, 2), 26: bytes((8, 30, 0))} | dict(values or {})
    return b"".join(struct.pack("<BH", tag, len(v)) + v for tag, v in sorted(tags.items())) + b"\xff\0\0"


def lead_section(samples: Samples, *, first: int = 1, flags: int | None = None) -> bytes:
    """Section 3; `first` is the number of the first sample."""
    flags = 4 | len(samples) << 3 if flags is None else flags
    return bytes((len(samples), flags)) + b"".join(
        struct.pack("<IIB", first, first + len(values) - 1, NUMBERS[name]) for name, values in samples.items())


def rhythm_section(chunks: Sequence[bytes], *, avm_nv: int = 1000, interval_us: int = 2000, order: int = 0,
                   bimodal: int = 0) -> bytes:
    """Section 5 or 6 from the bytes of each lead."""
    return (struct.pack("<HHBB", avm_nv, interval_us, order, bimodal)
            + b"".join(struct.pack("<H", len(chunk) % 65536) for chunk in chunks) + b"".join(chunks))


def plain_chunks(samples: Samples, order: int = 0) -> list[bytes]:
    """Leads as 16-bit integers."""
    return [np.array(by_differences(values.tolist(), order), dtype="<i2").tobytes() for values in samples.values()]


def coded_chunks(samples: Samples, order: int = 2) -> list[bytes]:
    """Leads in the default Huffman code."""
    stored = [by_differences(values.tolist(), order) for values in samples.values()]
    return [to_bytes("".join(map(default_code, values))) for values in stored]


def default_sections(samples: Samples, *, order: int = 2, **rhythm: int) -> dict[int, bytes]:
    """What most devices write."""
    return {1: patient_section(), 2: struct.pack("<H", 19999), 3: lead_section(samples),
            6: rhythm_section(coded_chunks(samples, order), order=order, **rhythm)}


def scp_file(sections: Mapping[int, bytes], *, version: int = 20, has_word: bool = True) -> bytes:
    """A record around sections. `has_word` writes SCPECG into the reserved bytes of Section 0."""
    numbers = sorted({*range(12), *sections} - {0})
    size = 16 + 10 * (len(numbers) + 1)
    pointers, packed, at = struct.pack("<HII", 0, size, 7), b"", 7 + size
    for number in numbers:
        body = sections.get(number)
        if body is None:
            pointers += struct.pack("<HII", number, 0, 0)
            continue
        whole = _section(number, body + b"\0" * (len(body) % 2), version, bytes(6))
        pointers += struct.pack("<HII", number, len(whole), at)
        packed += whole
        at += len(whole)
    record = _section(0, pointers, version, b"SCPECG" if has_word else bytes(6)) + packed
    record = struct.pack("<I", len(record) + 6) + record
    return struct.pack("<H", slow_checksum(record)) + record


def _section(number: int, body: bytes, version: int, reserved: bytes) -> bytes:
    rest = struct.pack("<HIBB", number, len(body) + 16, version, version) + reserved + body
    return struct.pack("<H", slow_checksum(rest)) + rest


def slow_checksum(data: bytes) -> int:
    """CRC-CCITT as the standard describes it, bit by bit."""
    crc = 0xFFFF
    for octet in data:
        crc ^= octet << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def mutated(data: bytes, random: np.random.Generator) -> bytes:
    """The bytes with damage as it happens: cut off, bytes changed, a stretch lost, doubled, zeroed or made FF."""
    out = bytearray(data)
    kind = int(random.integers(0, 7))
    at = int(random.integers(0, len(out)))
    length = int(random.integers(1, 64))
    if kind == 0:
        del out[at:]
    elif kind == 1:
        del out[at:at + length]
    elif kind == 2:
        out[at:at] = out[at:at + length]
    elif kind == 3:
        out[at:at + length] = bytes(len(out[at:at + length]))
    elif kind == 4:
        out[at:at + length] = b"\xff" * len(out[at:at + length])
    else:
        near_head = int(random.integers(1, min(len(out), 700)))
        for place in random.integers(0, near_head if kind == 5 else len(out), int(random.integers(1, 6))):
            out[int(place)] = int(random.integers(0, 256))
    return bytes(out)


def fuzz(read: Callable[[bytes], object], originals: Sequence[bytes], count: int, seed: int) -> dict[str, int]:
    """Feed `count` damaged files to a reader; how often each outcome came. Anything but Unreadable goes through."""
    random = np.random.default_rng(seed)
    outcomes: dict[str, int] = {}
    for number in range(count):
        try:
            read(mutated(originals[number % len(originals)], random))
            outcome = "read"
        except Unreadable as refusal:
            outcome = refusal.reason
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    return outcomes


def race(data: bytes, rounds: int = 20) -> tuple[float, float]:
    """Median milliseconds to parse `data`, ours and ecgdatakit's, taken in turns."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ecg.scp"
        path.write_bytes(data)
        times_ms: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds):
            for taken, parse in zip(times_ms, (lambda: scp_ecg.read(data, time_zone=UTC),
                                               lambda: FileParser().parse(path)), strict=True):
                begin = time.perf_counter()
                parse()
                taken.append((time.perf_counter() - begin) * 1000)
    return statistics.median(times_ms[0]), statistics.median(times_ms[1])
