"""WFDB records in segments, of mixed rates and with annotations are read as the wfdb package reads them (B8)."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest
import wfdb

from gateway.core.errors import Unreadable
from gateway.core.waveform import MISSING_NV, EcgLead
from gateway.formats.ecg import read_ecg
from gateway.formats.wfdb_record import signal_files
from gateway.formats.zip_members import pack
from tests.support.ecg_builders import TESTDATA, known_samples, needs_testdata, wfdb_files
from tests.support.wfdb_builders import (
    SEGMENT,
    annotation_file,
    framed_files,
    segmented_files,
    variable_files,
)

ZONE = ZoneInfo("Asia/Shanghai")


def read(files: dict[str, bytes]):
    return read_ecg(pack(files), time_zone=ZONE)


def refusal(files: dict[str, bytes]) -> str:
    with pytest.raises(Unreadable) as refused:
        read(files)
    return refused.value.reason


def unpacked(files: dict[str, bytes], folder) -> str:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return str(folder / "demo")


def in_millivolts(lead: EcgLead) -> np.ndarray:
    values = lead.nanovolts() / 1e6
    values[lead.nanovolts() == MISSING_NV] = np.nan
    return values


@pytest.mark.parametrize("files", [segmented_files(hole=0), variable_files()], ids=["fixed", "variable"])
def test_segments_are_read_as_the_wfdb_package_reads_them(files, tmp_path):
    record = read(files)
    outside = wfdb.rdrecord(unpacked(files, tmp_path), m2s=True)
    assert [lead.name for lead in record.leads] == outside.sig_name
    for number, lead in enumerate(record.leads):
        assert np.allclose(in_millivolts(lead), outside.p_signal[:, number], atol=1e-9, equal_nan=True)
    assert record.warnings == ()


def test_a_hole_between_segments_has_no_value():
    lead = read(segmented_files()).leads[1]
    first, second = (known_samples(leads=("I", "II"), count=SEGMENT, seed=seed)["II"] * 2500 for seed in (7, 8))
    assert lead.nanovolts().tolist() == [*first, *[MISSING_NV] * 100, *second]


def test_signals_of_several_samples_a_frame_are_read_at_their_own_rate(tmp_path):
    values = known_samples(leads=("I", "II", "V1"), count=1000)
    files = framed_files({"I": (2, values["I"]), "II": (2, values["II"]), "V1": (1, values["V1"][:500])})
    record = read(files)
    outside = wfdb.rdrecord(unpacked(files, tmp_path), smooth_frames=False, physical=False)
    assert [lead.name for lead in record.leads] == ["I", "II"]
    assert record.sampling_frequency_hz == 500
    for lead, other in zip(record.leads, outside.e_d_signal[:2], strict=True):
        assert np.array_equal(lead.samples, other)
    assert record.warnings == ("The signal V1 has another sampling rate than the others and is not shown.",)


def test_annotations_become_marks(tmp_path):
    files = wfdb_files(known_samples(count=5000), name="demo")
    files["demo.atr"] = annotation_file((77, 1, ""), (500, 28, "(AFIB"), (2300, 5, ""), (4000, 14, ""),
                                        (4100, 24, ""))
    outside = wfdb.rdann(unpacked(files, tmp_path), "atr")
    marks = read(files).marks
    assert [(mark.kind, mark.at_us, mark.text) for mark in marks] == [
        ("beat", 154_000, "N"), ("rhythm", 1_000_000, "(AFIB"), ("beat", 4_600_000, "V"), ("noise", 8_000_000, "~"),
        ("p_peak", 8_200_000, "p")]
    assert [round(mark.at_us / 2000) for mark in marks] == outside.sample.tolist()


def test_annotations_written_by_the_wfdb_package_are_read(tmp_path):
    samples, symbols = np.array([100, 3000, 80_000, 4_000_000]), ["N", "V", "+", "f"]
    wfdb.wrann("demo", "atr", samples, symbols, aux_note=["", "", "(VT", ""], fs=500, write_dir=str(tmp_path))
    files = wfdb_files(known_samples(count=60), name="demo") | {"demo.atr": (tmp_path / "demo.atr").read_bytes()}
    record = read(files)
    assert [(mark.kind, round(mark.at_us / 2000), mark.text) for mark in record.marks] == [
        ("beat", 100, "N"), ("beat", 3000, "V"), ("rhythm", 80_000, "(VT"), ("beat", 4_000_000, "f")]
    assert record.warnings == ()


@needs_testdata
@pytest.mark.parametrize("name", ["mitdb/100", "cpsc2021/data_8_4", "cpsc2021/data_92_12"])
def test_the_reference_annotations_are_those_of_the_wfdb_package(name):
    path = TESTDATA / "wfdb" / name
    header = path.with_suffix(".hea")
    files = {header.name: header.read_bytes(), f"{path.name}.atr": path.with_suffix(".atr").read_bytes()}
    files |= {n: (path.parent / n).read_bytes() for n in signal_files(files[header.name])}
    record = read(files)
    outside = wfdb.rdann(str(path), "atr")
    assert [round(mark.at_us / record.interval_us) for mark in record.marks] == outside.sample.tolist()
    beats = {symbol for symbol in "NLRaVFJASEj/QB?enfr"}
    assert [mark.kind == "beat" for mark in record.marks] == [symbol in beats for symbol in outside.symbol]


def test_a_cut_annotation_file_is_said():
    files = wfdb_files(known_samples(count=60)) | {"demo1.atr": annotation_file((20, 1, ""))[:-2]}
    assert read(files).warnings == ("The annotation file has no end mark; it may have been cut.",)


def test_a_header_names_its_segments_for_whoever_collects_them():
    assert signal_files(segmented_files()["demo.hea"]) == ["demo_a.hea", "demo_b.hea"]
    assert signal_files(variable_files()["demo_layout.hea"]) == []


def test_a_checksum_that_does_not_match_is_said_in_segments_too():
    files = segmented_files()
    files["demo_b.dat"] = bytes([files["demo_b.dat"][0] ^ 1]) + files["demo_b.dat"][1:]
    assert read(files).warnings == ("The checksum of I does not match its samples.",)


def changed(name: str, old: bytes, new: bytes) -> dict[str, bytes]:
    files = segmented_files()
    assert old in files[name]
    return files | {name: files[name].replace(old, new)}


@pytest.mark.parametrize(("files", "reason"), [
    (segmented_files(gains=("400(0)/mV", "200(0)/mV")), "wfdb-segment-gain"),
    (segmented_files(hole=5000), "wfdb-segment-holes"),
    (changed("demo_b.hea", b" 500 ", b" 250 "), "wfdb-segment-rate"),
    (changed("demo_b.hea", b" 300 ", b" 299 "), "wfdb-segment-length"),
    (changed("demo_b.hea", b" II\n", b" V6\n"), "wfdb-segments"),
    (changed("demo.hea", b"demo_a", b"demo_c"), "wfdb-many-records"),
    ({k: v for k, v in segmented_files().items() if k != "demo_b.hea"}, "wfdb-missing-data"),
    (changed("demo.hea", b"demo_a", b"../etc"), "wfdb-header"),
    ({**segmented_files(), "other.hea": b"other 1 500 10\n"}, "wfdb-many-records"),
    (framed_files({"I": (1, np.arange(9, dtype=np.int32))}) | {"demo.hea": b"demo 1 250 9\ndemo.dat 16x0 200\n"},
     "wfdb-header"),
    (framed_files({"I": (1, np.arange(9, dtype=np.int32))}) | {"demo.hea": b"demo 1 250 9\ndemo.dat 524 200\n"},
     "wfdb-flac"),
    ({"demo.dat": b"", "demo.hea": b"demo 1 250\ndemo.dat 16 200\n"}, "wfdb-no-samples"),
    ({"demo.dat": b"\1\0\2\0", "demo.hea": b"demo 1 1e999 2\ndemo.dat 16 200\n"}, "sampling-interval"),
    ({"demo.dat": b"\1\0\2\0", "demo.hea": b"demo 1 1e-999 2\ndemo.dat 16 200\n"}, "sampling-interval"),
    ({"demo.dat": b"\1\0\2\0", "demo.hea": b"demo 1 500 2\ndemo.dat 16 1e999\n"}, "gain"),
    ({"demo.dat": b"\1\0\2\0", "demo.hea": b"demo 1 500 2\ndemo.dat 16 1e-999\n"}, "gain"),
])
def test_a_refusal_names_its_reason(files, reason):
    assert refusal(files) == reason
