"""EDF, EDF+ and BDF files with known samples, written by pyedflib; what it cannot write is patched in by hand."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyedflib

from tests.support.ecg_builders import Samples, known_samples


@dataclass(frozen=True, slots=True)
class Column:
    """One signal as the header describes it: 2.5 µV a unit unless told otherwise."""

    label: str
    unit: str = "uV"
    physical: tuple[float, float] = (-81920.0, 81917.5)
    digital: tuple[int, int] = (-32768, 32767)
    hertz: int = 500
    prefilter: str = ""


def edf(samples: Samples | None = None, *, columns: Sequence[Column] | None = None,
        file_type: int = pyedflib.FILETYPE_EDFPLUS, annotations: Sequence[tuple[float, float, str]] = ()) -> bytes:
    """A file as pyedflib writes it, digital samples kept; ten seconds by default."""
    samples = known_samples() if samples is None else samples
    columns = [Column(name) for name in samples] if columns is None else columns
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "built.edf"
        writer = pyedflib.EdfWriter(str(path), len(columns), file_type=file_type)
        writer.setStartdatetime(datetime(2026, 3, 2, 8, 30, tzinfo=UTC))   # the wall clock; EDF has no zone
        writer.setPatientCode("P1")
        writer.setPatientName("Demo_A")
        writer.setSex(1)
        writer.setBirthdate(datetime(1960, 4, 5, tzinfo=UTC))
        writer.setEquipment("Demo_cart")
        for number, column in enumerate(columns):
            writer.setSignalHeader(number, {
                "label": column.label, "dimension": column.unit, "sample_frequency": column.hertz,
                "physical_min": column.physical[0], "physical_max": column.physical[1],
                "digital_min": column.digital[0], "digital_max": column.digital[1],
                "transducer": "", "prefilter": column.prefilter})
        values = [np.asarray(v, dtype=np.int32) for v in samples.values()]
        writer.writeSamples(values, digital=True)
        for onset, duration, text in annotations:
            writer.writeAnnotation(onset, duration, text)
        writer.close()
        return path.read_bytes()


def with_gap(data: bytes, *, record: int, later_s: int, is_declared: bool = True) -> bytes:
    """The EDF+ file with every record from `record` on beginning so much later, by its time-keeping annotation.

    pyedflib writes continuous files only, so that the onsets are moved by hand.
    """
    count = int(data[252:256])
    header = 256 * (1 + count)
    sizes = [int(data[256 + count * 216 + i * 8:256 + count * 216 + i * 8 + 8]) for i in range(count)]
    size = 2 * sum(sizes)
    out = bytearray(data)
    for number in range((len(data) - header) // size):
        at = header + number * size + 2 * sum(sizes[:-1])
        words = bytes(out[at:at + 2 * sizes[-1]])
        stamp = words.split(b"\x14")[0]
        onset = float(stamp) + (later_s if number >= record else 0)
        moved = f"+{onset:g}".encode()
        rest = words[len(stamp):].rstrip(b"\0")
        out[at:at + 2 * sizes[-1]] = (moved + rest).ljust(2 * sizes[-1], b"\0")
    if is_declared:
        out[192:197] = b"EDF+D"
    return bytes(out)
