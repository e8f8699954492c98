"""How long it takes to read one ECG of 12 × 5000 samples, per format, and what others take for the same bytes.

Computing time of one thread, medians, ours and the peer's by turns, because a busy machine slows both alike. The
signal is a made heart in units of 5 µV, its SCP-ECG a little longer than a cart's; SCP, aECG and DICOM hold median
beats beside it. MUSE holds the eight leads that it records, Contec its own eight at 800 Hz. Files of the readers' own
makers are in the reference tests; here only time counts.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from statistics import median
from time import thread_time

import numpy as np
import pydicom
import pyedflib
import wfdb
from ecgdatakit import FileParser

from gateway.core.waveform import EcgMark, EcgRecord
from gateway.formats import aecg_writer, dicom_ecg_writer, scp_writer, wfdb_writer
from gateway.formats.ecg import read_ecg
from gateway.formats.scp_writer import ScpOptions
from tests.benchmarks.row import Row
from tests.support.cardiosoft_builders import cardiosoft
from tests.support.contec_builders import contec, contec_samples
from tests.support.ecg_of_every_format import SHANGHAI, known_record
from tests.support.edf_builders import edf
from tests.support.mfer_builders import mfer
from tests.support.muse_builders import MUSE_LEADS, muse
from tests.support.scp_builders import heart_samples
from tests.support.sierra_builders import sierra

TIMES = 41
_BEATS = 12
_UNIT_UV = 5                             # of one unit, as carts have it


def measure() -> Iterable[Row]:
    samples = {lead: np.rint(microvolts / _UNIT_UV).astype(np.int32) for lead, microvolts in heart_samples().items()}
    record = known_record(samples)
    dicom = dicom_ecg_writer.write(record)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from _row("SCP-ECG", scp_writer.write(record), folder / "a.scp", "≤ 10, ≥ 5 × ecgdatakit")
        yield from _row("SCP-ECG, reference beat subtracted",
                        scp_writer.write(record, ScpOptions(is_beat_subtracted=True)), folder / "b.scp")
        yield from _row("HL7 aECG", aecg_writer.write(record), folder / "a.xml", "≤ 12")
        yield from _row("Philips Sierra", sierra(samples), folder / "b.xml", "≤ 12")
        yield from _row("GE MUSE, 8 leads", muse({lead: samples[lead] for lead in MUSE_LEADS}), folder / "c.xml",
                        "≤ 2")
        yield from _row("DICOM", dicom, folder / "a.dcm", "≤ 5")
        yield from _row("DICOM", dicom, folder / "a.dcm", "≤ 5", peer="pydicom", other=lambda: _by_pydicom(dicom))
        noted = dicom_ecg_writer.write(_with_marks(record))
        yield from _row(f"DICOM with {6 * _BEATS} marks", noted, folder / "b.dcm", "≤ 5")
        yield from _row("MFER", mfer(samples), folder / "a.mwf")
        yield from _row("CardioSoft", cardiosoft(samples), None)
        yield from _row("Contec, 8 × 8000", contec(contec_samples(count=8000)), None)
        whole = edf(samples)
        path = folder / "a.edf"
        yield from _row("EDF", whole, path)
        yield from _row("EDF", whole, path, peer="pyedflib", other=lambda: _by_pyedflib(path))
        packed = wfdb_writer.write(record, name="demo")
        with zipfile.ZipFile(BytesIO(packed)) as archive:
            archive.extractall(folder)
        yield from _row("WFDB, zipped", packed, None, peer="wfdb",
                        other=lambda: wfdb.rdrecord(str(folder / "demo"), physical=True))


def _row(name: str, data: bytes, path: Path | None, goal: str = "", *, peer: str = "ecgdatakit",
         other: Callable[[], object] | None = None) -> Iterable[Row]:
    """Ours against ecgdatakit reading `path`, or against `other`; alone without either."""
    if path is not None and not path.exists():
        path.write_bytes(data)
    if other is None and path is not None:
        other = _ecgdatakit(path)
    ours, theirs = _medians(lambda: read_ecg(data, time_zone=SHANGHAI), other)
    yield Row(f"parse {name}", ours * 1e3, "ms", goal, f"{peer} {theirs * 1e3:.3g}" if theirs else "",
              ours / theirs if theirs else None)


def _ecgdatakit(path: Path) -> Callable[[], object]:
    return lambda: FileParser().parse(str(path))


def _medians(ours: Callable[[], object], other: Callable[[], object] | None) -> tuple[float, float]:
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(TIMES + 1):
        for work, times in zip((ours, other), taken, strict=True):
            if work is not None:
                start = thread_time()
                work()
                if number:                   # the first warms up
                    times.append(thread_time() - start)
    return median(taken[0]), median(taken[1]) if taken[1] else 0.0


def _by_pydicom(data: bytes) -> object:
    ds = pydicom.dcmread(BytesIO(data))
    return [ds.waveform_array(number) for number in range(len(ds.WaveformSequence))]


def _by_pyedflib(path: Path) -> object:
    with pyedflib.EdfReader(str(path)) as file:
        return [file.readSignal(number) for number in range(file.signals_in_file)]


def _with_marks(record: EcgRecord) -> EcgRecord:
    """As many points as a cart gives that marks every beat."""
    kinds = ("p_onset", "p_offset", "qrs_onset", "beat", "qrs_offset", "t_offset")
    return replace(record, marks=record.marks + tuple(
        EcgMark(kind, 800_000.0 * beat + 60_000.0 * place) for beat in range(_BEATS)
        for place, kind in enumerate(kinds)))
