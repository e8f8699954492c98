"""What we write as SCP-ECG reads back the same: here, by ecgdatakit, and by PixelMed (B8)."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from ecgdatakit import FileParser

from gateway.core.errors import InvalidRequest
from gateway.core.waveform import EcgLead, EcgMark, EcgPatient, EcgRecord
from gateway.formats import scp_ecg
from gateway.formats.scp_writer import ScpOptions, write, write_scp
from tests.support.ecg_builders import known_samples
from tests.support.scp_builders import heart_record, heart_samples

SHANGHAI = ZoneInfo("Asia/Shanghai")
PIXELMED = Path("/usr/share/java/pixelmed.jar")
HELPER = Path(__file__).resolve().parents[1] / "support" / "PixelmedScp.java"
needs_pixelmed = pytest.mark.skipif(not (PIXELMED.is_file() and shutil.which("javac")),
                                    reason="PixelMed needs its jar and a Java compiler")
EXACT = {
    "default": ScpOptions(), "plain": ScpOptions(is_compressed=False),
    "first differences": ScpOptions(difference_order=1),
    "no differences": ScpOptions(difference_order=0), "reference beat": ScpOptions(is_beat_subtracted=True),
    "plain reference beat": ScpOptions(is_compressed=False, is_beat_subtracted=True),
}
HEART = heart_record()


def _read(data: bytes) -> EcgRecord:
    return scp_ecg.read(data, time_zone=SHANGHAI)


def _hashes(record: EcgRecord) -> dict[str, str]:
    return {lead.name: lead.sha256_nanovolts() for lead in record.leads}


@pytest.mark.parametrize("options", EXACT.values(), ids=EXACT)
def test_every_lossless_way_reads_back_to_the_nanovolt_without_a_warning(options):
    written = write_scp(HEART, options)
    record = _read(written.data)
    assert written.losses == ()
    assert record.warnings == ()
    assert _hashes(record) == _hashes(HEART)
    assert record.recorded_at == HEART.recorded_at
    assert record.patient == HEART.patient


@pytest.mark.parametrize("options", EXACT.values(), ids=EXACT)
def test_ecgdatakit_reads_the_same_samples_and_finds_every_checksum_right(options, tmp_path):
    path = tmp_path / "ecg.scp"
    path.write_bytes(write(replace(HEART, statements=("Sinusrhythmus", "窦性心律")), options))
    with warnings.catch_warnings():
        warnings.simplefilter("error")                    # a wrong checksum is a warning there
        other = FileParser().parse(path)
    assert [lead.label for lead in other.leads] == [lead.name for lead in HEART.leads]
    for theirs, ours in zip(other.leads, HEART.leads, strict=True):
        assert np.array_equal(np.rint(theirs.samples * 1e6), ours.nanovolts())       # they give millivolts
    assert [text for text, _ in other.interpretation.statements] == ["Sinusrhythmus", "窦性心律"]
    assert other.recording.date == HEART.recorded_at


def test_noise_without_any_beat_is_written_too():
    record = heart_record(known_samples(count=3000), nv_per_unit=2500.0)
    for options in EXACT.values():
        assert _hashes(_read(write(record, options))) == _hashes(record)


def test_the_fiducial_point_may_be_counted_from_0_and_is_then_read_so():
    written = write(HEART, ScpOptions(is_beat_subtracted=True, fiducial_counted_from=0))
    record = _read(written)
    assert _hashes(record) == _hashes(HEART)
    assert any("counted from 0" in warning for warning in record.warnings)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("counted_from", [0, 1])
def test_the_right_reading_of_the_fiducial_point_is_found_in_every_heart(seed, counted_from):
    source = heart_record(heart_samples(seed=seed, rate_bpm=50 + 9 * seed))
    options = ScpOptions(is_beat_subtracted=True, fiducial_counted_from=counted_from)
    assert _hashes(_read(write(source, options))) == _hashes(source)


@pytest.mark.parametrize("counted_from", [0, 1])
def test_bimodal_compression_keeps_the_qrs_exactly_and_the_rest_within_ten_microvolts(counted_from):
    written = write_scp(HEART, ScpOptions(is_bimodal=True, fiducial_counted_from=counted_from))
    record = _read(written.data)
    assert any("µV rms" in loss for loss in written.losses)
    assert any("bimodal" in warning for warning in record.warnings)
    beats = [round(mark.at_us / 2000) for mark in record.marks if mark.kind == "beat"]
    assert len(beats) >= 10
    for true, lead in zip(HEART.leads, record.leads, strict=True):
        error_uv = (true.nanovolts() - lead.nanovolts()) / 1000
        assert len(error_uv) == 5000
        assert np.sqrt((error_uv ** 2).mean()) <= 10
        assert not any(error_uv[beat - 30:beat + 30].any() for beat in beats)
    assert len(written.data) < len(write(HEART))


def test_beats_that_the_caller_knows_are_used():
    told = tuple(mark.at_us for mark in _read(write(HEART, ScpOptions(is_beat_subtracted=True))).marks)
    record = _read(write(HEART, ScpOptions(is_beat_subtracted=True, beats_us=told[:4])))
    assert _hashes(record) == _hashes(HEART)
    assert len([mark for mark in record.marks if mark.kind == "beat"]) == 4


@needs_pixelmed
def test_pixelmed_reads_the_same_samples(tmp_path):
    # PixelMed counts the fiducial point from 0, reads no plain file, and repeats a decimated sample four times.
    ways = {"default": ScpOptions(), "first": ScpOptions(difference_order=1), "none": ScpOptions(difference_order=0),
            "beat": ScpOptions(is_beat_subtracted=True, fiducial_counted_from=0),
            "bimodal": ScpOptions(is_bimodal=True, fiducial_counted_from=0)}
    for name, options in ways.items():
        (tmp_path / name).write_bytes(write(HEART, options))
    run = subprocess.run(["java", "-cp", str(PIXELMED), str(HELPER), *(str(tmp_path / name) for name in ways)],
                         capture_output=True, text=True, timeout=120, check=True)
    assert "rong" not in run.stderr
    lines = [line.split() for line in run.stdout.splitlines()]
    assert len(lines) == len(ways) * len(HEART.leads)
    for number, name, *values in lines:
        lead = next(lead for lead in HEART.leads if lead.name == name)
        error_uv = np.array(values, dtype=np.int64) - lead.samples
        if list(ways)[int(number)] == "bimodal":
            assert np.sqrt((error_uv ** 2).mean()) <= 10
        else:
            assert not error_uv.any()


def test_person_device_findings_and_the_representative_beat_read_back():
    beats = tuple(EcgLead(lead.name, lead.code, lead.samples[300:650], 500.0) for lead in HEART.leads)
    marks = (EcgMark("beat", 602_000.0), EcgMark("beat", 1_434_000.0),
             *(EcgMark(kind, at, is_on_representative_beat=True) for kind, at in
               (("p_onset", 100_000.0), ("p_offset", 200_000.0), ("qrs_onset", 250_000.0), ("qrs_offset", 344_000.0),
                ("t_offset", 640_000.0))))
    numbers = {"heart_rate_bpm": 72.0, "rr_ms": 833.0, "p_ms": 100.0, "pr_ms": 150.0, "qrs_ms": 94.0, "qt_ms": 390.0,
               "qtc_hodges_ms": 411.0, "p_axis_deg": 50.0, "qrs_axis_deg": -30.0, "t_axis_deg": 20.0}
    source = replace(
        HEART, representative_beats=beats, beat_interval_us=2000.0, marks=marks, measurements=numbers,
        statements=("窦性心律", "sinus rhythm"), filters="0.05-150 Hz, notch 50 Hz", device_model="CART1",
        device_serial="SN-7", device_maker="演示厂",
        patient=EcgPatient(patient_id="演示-1", name="演示甲", sex="M", birth_date=date(1960, 4, 5), age_years=65.0,
                           name_encoding="utf-8"),
        recorded_at=datetime(2026, 3, 2, 8, 30, 15, tzinfo=SHANGHAI))
    written = write_scp(source)
    record = _read(written.data)
    assert written.losses == ()
    for name in ("patient", "measurements", "statements", "filters", "device_model", "device_serial", "device_maker",
                 "recorded_at", "beat_interval_us", "marks", "warnings"):
        assert getattr(record, name) == getattr(source, name), name
    assert _hashes(replace(record, leads=record.representative_beats)) == _hashes(replace(source, leads=beats))


def test_intervals_without_a_beat_to_show_them_on_read_back():
    source = replace(HEART, measurements={"pr_ms": 150.0, "qrs_ms": 94.0, "qt_ms": 390.0, "qtc_ms": 420.0})
    assert _read(write(source)).measurements == source.measurements
    assert _read(write(replace(HEART, measurements={"qrs_ms": 94.0}))).measurements == {"qrs_ms": 94.0}


def test_what_the_format_cannot_hold_is_said():
    def losses(**change: object) -> str:
        return " ".join(write_scp(replace(HEART, **change)).losses)  # type: ignore[arg-type]

    lead = HEART.leads[0]
    assert "rounded from 2777.77" in losses(interval_us=1e6 / 360)
    assert "rounded to" in losses(leads=(replace(lead, nv_per_unit=4882.8125),))
    assert "without a name" in losses(leads=(replace(lead, name="CR5"),))
    gaps = np.arange(5000) % 50 == 7
    assert "100 samples without value" in losses(leads=(replace(lead, missing=gaps),))
    assert "five characters" in losses(device_model="Electrocardiograph")
    assert "spectral_noise" in losses(measurements={"spectral_noise": 1.0})
    assert "fraction of a second" in losses(recorded_at=datetime(2026, 3, 2, 8, 30, 15, 500_000, tzinfo=SHANGHAI))
    few = write_scp(replace(HEART, leads=(replace(lead, samples=lead.samples[:400]),)), ScpOptions(is_bimodal=True))
    assert any("too few beats" in loss for loss in few.losses)
    assert _read(few.data).leads[0].samples.tolist() == lead.samples[:400].tolist()


def test_a_gain_that_is_no_whole_number_is_written_within_half_a_unit():
    source = replace(HEART, leads=(replace(HEART.leads[0], nv_per_unit=4882.8125, baseline=12.5),))
    record = _read(write(source))
    error_nv = record.leads[0].nanovolts().astype(np.int64) - source.leads[0].nanovolts()
    assert np.abs(error_nv).max() <= record.leads[0].nv_per_unit / 2 + 1
    assert record.leads[0].nv_per_unit < 1000


def test_different_units_and_starts_of_leads_stay_exact():
    first, second, *_ = HEART.leads
    source = replace(HEART, leads=(replace(first, nv_per_unit=2500.0, baseline=-40.0),
                                   replace(second, nv_per_unit=1500.0, start_us=2_000_000.0)))
    record = _read(write(source))
    assert _hashes(record) == _hashes(source)
    assert [lead.start_us for lead in record.leads] == [0.0, 2_000_000.0]
    with pytest.raises(InvalidRequest):
        write(source, ScpOptions(is_beat_subtracted=True))


def test_what_cannot_be_written_at_all_is_refused():
    with pytest.raises(InvalidRequest):
        write(replace(HEART, interval_us=100_000.0))
    with pytest.raises(InvalidRequest):
        write(replace(HEART, leads=()))
    with pytest.raises(InvalidRequest):
        write(replace(HEART, interval_us=20_000.0), ScpOptions(is_bimodal=True))
