"""What we write as a DICOM ECG reads back the same: here, by pydicom, by ecgdatakit and by PixelMed (B8)."""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pydicom
import pytest

from gateway.core.errors import InvalidRequest
from gateway.core.waveform import EcgLead, EcgMark, EcgPatient, EcgRecord
from gateway.formats import dicom_waveform
from gateway.formats.dicom_ecg_writer import (
    AMBULATORY_ECG,
    GENERAL_32_BIT_ECG,
    GENERAL_ECG,
    TWELVE_LEAD_ECG,
    DicomUids,
    write,
    write_dicom,
)
from tests.support.ecg_builders import LEADS, known_samples
from tests.support.ecg_oracles import ecgdatakit_nanovolts

SHANGHAI = ZoneInfo("Asia/Shanghai")
PIXELMED = Path("/usr/share/java/pixelmed.jar")
HELPER = Path(__file__).resolve().parents[1] / "support" / "PixelmedDicomEcg.java"
needs_pixelmed = pytest.mark.skipif(not (PIXELMED.is_file() and shutil.which("javac")),
                                    reason="PixelMed needs its jar and a Java compiler")
needs_dciodvfy = pytest.mark.skipif(not shutil.which("dciodvfy"), reason="dicom3tools is not installed")
_NANOVOLTS = {"uV": 1e3, "mV": 1e6, "nV": 1.0}


def leads(nv_per_unit: float = 2500.0, count: int = 5000, **more) -> tuple[EcgLead, ...]:
    return tuple(EcgLead(name, "", values, nv_per_unit, **more)
                 for name, values in known_samples(count=count).items())


BEATS = leads(count=600)
MARKS = (
    EcgMark("beat", 602_000.0), EcgMark("beat", 1_434_000.0, text="type 0"), EcgMark("r_peak", 700_000.0, lead="V2"),
    EcgMark("p_onset", 500_000.0), EcgMark("pacemaker_spike", 1_234_567.8), EcgMark("note", 40_000.0, text="咳嗽"),
    *(EcgMark(kind, at, is_on_representative_beat=True) for kind, at in
      (("p_onset", 100_000.0), ("p_offset", 200_000.0), ("qrs_onset", 250_000.0), ("r_peak", 290_000.0),
       ("qrs_offset", 344_000.0), ("t_peak", 500_000.0), ("t_offset", 640_000.0))))
FULL = EcgRecord(
    "scp_ecg", 2000.0, leads(), datetime(2026, 3, 2, 8, 30, 15, 250_000, tzinfo=SHANGHAI),
    EcgPatient("演示-1", "演示甲", "M", date(1960, 4, 5), 65.0), "CART 1", "SN-7", "0.05-150 Hz, notch 50 Hz",
    measurements={"heart_rate_bpm": 72.0, "atrial_rate_bpm": 71.0, "rr_ms": 833.0, "pp_ms": 840.0, "p_ms": 100.0,
                  "pr_ms": 150.0, "qrs_ms": 94.0, "qt_ms": 390.0, "qtc_ms": 420.0, "qtc_bazett_ms": 421.0,
                  "qtc_fridericia_ms": 411.5, "qtc_hodges_ms": 412.0, "p_axis_deg": 50.0, "qrs_axis_deg": -30.0,
                  "t_axis_deg": 20.0, "rv5_mv": 1.25, "sv1_mv": 0.75, "p_horizontal_axis_deg": 12.0},
    statements=("窦性心律", "ST 段抬高", "sinus rhythm"), critical_statements=("ST 段抬高",),
    representative_beats=BEATS, beat_interval_us=1000.0, marks=MARKS, device_maker="演示厂", accession_number="A7")


def read(data: bytes) -> EcgRecord:
    return dicom_waveform.read(data, time_zone=SHANGHAI)


def hashes(some: tuple[EcgLead, ...]) -> dict[str, str]:
    return {lead.name: lead.sha256_nanovolts() for lead in some}


def pydicom_nanovolts(data: bytes, group: int = 0) -> list[list[int]]:
    ds = pydicom.dcmread(io.BytesIO(data))
    channels = ds.WaveformSequence[group].ChannelDefinitionSequence
    factors = [_NANOVOLTS[c.ChannelSensitivityUnitsSequence[0].CodeValue] for c in channels]
    nanovolts: list[list[int]] = np.rint(ds.waveform_array(group) * factors).astype(int).T.tolist()
    return nanovolts


def test_everything_a_record_holds_reads_back_the_same():
    written = write_dicom(FULL)
    record = read(written.data)
    assert written.losses == ()
    assert written.sop_class_uid == GENERAL_ECG
    assert hashes(record.leads) == hashes(FULL.leads)
    assert hashes(record.representative_beats) == hashes(BEATS)
    assert record.warnings == ()
    for name in ("interval_us", "recorded_at", "measurements", "statements", "critical_statements", "filters",
                 "marks", "device_model", "device_serial", "device_maker", "beat_interval_us", "accession_number"):
        assert getattr(record, name) == getattr(FULL, name), name
    assert replace(record.patient, name_encoding="") == FULL.patient


def test_pydicom_and_ecgdatakit_read_the_same_nanovolts(tmp_path):
    data = write(FULL)
    assert pydicom_nanovolts(data) == [lead.nanovolts().tolist() for lead in FULL.leads]
    assert pydicom_nanovolts(data, 1) == [lead.nanovolts().tolist() for lead in BEATS]
    other = ecgdatakit_nanovolts(data, tmp_path / "ecg.dcm")
    assert {name: values.tolist() for name, values in other.items()} == {
        lead.name: lead.nanovolts().tolist() for lead in FULL.leads}


@needs_pixelmed
def test_pixelmed_reads_the_same_samples_and_scale(tmp_path):
    records = [FULL, replace(FULL, leads=leads(4880.0), interval_us=1000.0)]
    paths = []
    for number, record in enumerate(records):
        paths.append(tmp_path / f"{number}.dcm")
        paths[-1].write_bytes(write(record))
    run = subprocess.run(["java", "-Djava.awt.headless=true", "-cp", str(PIXELMED), str(HELPER), *map(str, paths)],
                         capture_output=True, text=True, timeout=120, check=True)
    lines = [line.split() for line in run.stdout.splitlines()]
    assert len(lines) == 24
    for line, lead in zip(lines, [lead for record in records for lead in record.leads], strict=True):
        record = records[int(line[0])]
        assert float(line[1]) * 1000 == record.interval_us
        assert float(line[2]) * 1e6 == pytest.approx(lead.nv_per_unit, rel=1e-6)      # they keep it as a float
        assert np.array_equal(np.array(line[3:], dtype=int), lead.samples)


@needs_dciodvfy
@pytest.mark.parametrize("record", [
    FULL, replace(FULL, leads=leads(), representative_beats=(), marks=(), statements=(), measurements={}),
    replace(FULL, interval_us=10_000.0, representative_beats=(), marks=()),
], ids=["full", "bare", "slow"])
@pytest.mark.parametrize("as_twelve_lead", [False, True])
def test_an_independent_checker_finds_no_error(record, as_twelve_lead, tmp_path):
    path = tmp_path / "ecg.dcm"
    path.write_bytes(write(record, as_twelve_lead=as_twelve_lead))
    run = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert [line for line in run.stderr.splitlines() if line.startswith("Error")] == []


@pytest.mark.parametrize("interval_us", [2000.0, 1000.0, 4166.666666666667, 1667.0, 2777.777777777778, 1250.0])
def test_the_sampling_interval_is_kept_to_the_last_bit(interval_us):
    written = write_dicom(replace(FULL, interval_us=interval_us, marks=()))
    assert read(written.data).interval_us == interval_us
    assert written.losses == ()


@pytest.mark.parametrize(("nv_per_unit", "baseline"), [
    (2500.0, 0.0), (4882.8125, 12.0), (239.86567522187576, 23.0), (0.1, 0.0), (1e6 / 3, -1024.0), (5000.0, 0.5),
    (1e6 / 7, 0.3)])
def test_every_gain_and_zero_is_exact_here_and_within_a_rounding_tie_elsewhere(nv_per_unit, baseline):
    record = replace(FULL, leads=leads(nv_per_unit, baseline=baseline))
    written = write_dicom(record)
    assert hashes(read(written.data).leads) == hashes(record.leads)
    difference = np.array(pydicom_nanovolts(written.data)) - np.array([x.nanovolts() for x in record.leads])
    assert np.abs(difference).max() <= 1
    assert written.losses == ()


def test_a_zero_that_is_not_at_zero_is_moved_into_the_samples():
    """Programs disagree about Channel Baseline; nobody disagrees about samples."""
    ds = pydicom.dcmread(io.BytesIO(write(replace(FULL, leads=leads(baseline=-12.0)))))
    assert {float(c.ChannelBaseline) for c in ds.WaveformSequence[0].ChannelDefinitionSequence} == {0.0}


def test_integers_that_need_them_get_32_bits():
    wide = (EcgLead("II", "", np.array([0, 70_000, -70_000, 5], dtype=np.int32), 100.0),)
    written = write_dicom(replace(FULL, leads=wide, marks=()))
    assert written.sop_class_uid == GENERAL_32_BIT_ECG
    assert read(written.data).leads[0].nanovolts().tolist() == [0, 7_000_000, -7_000_000, 500]


def test_slow_sampling_goes_into_the_ambulatory_object_and_fast_into_the_32_bit_one():
    bare = replace(FULL, representative_beats=(), marks=())
    for interval_us, expected in ((8000.0, AMBULATORY_ECG), (500.0, GENERAL_32_BIT_ECG)):
        written = write_dicom(replace(bare, interval_us=interval_us))
        assert written.sop_class_uid == expected
        assert hashes(read(written.data).leads) == hashes(bare.leads)


def test_the_twelve_lead_object_is_written_on_wish_where_it_fits():
    assert write_dicom(FULL, as_twelve_lead=True).sop_class_uid == TWELVE_LEAD_ECG
    too_long = write_dicom(replace(FULL, leads=leads(count=20_000)), as_twelve_lead=True)
    assert too_long.sop_class_uid == GENERAL_ECG
    assert too_long.losses == ("The ECG does not fit the limits of the 12-lead object.",)


def test_gaps_later_starts_and_leads_of_different_length_come_back():
    first, second, third, *_ = leads()
    gaps = np.arange(5000) % 50 == 7
    record = replace(FULL, marks=(), leads=(
        replace(first, missing=gaps), replace(second, start_us=2_500_000.0),
        replace(third, samples=third.samples[:99])))
    back = read(write(record))
    assert hashes(back.leads) == hashes(record.leads)
    assert [lead.start_us for lead in back.leads] == [0.0, 2_500_000.0, 0.0]


def test_leads_of_more_lengths_than_there_are_groups_are_filled_up_and_that_is_said():
    record = replace(FULL, marks=(), leads=tuple(
        replace(lead, samples=lead.samples[:1000 + 10 * number]) for number, lead in enumerate(FULL.leads)))
    written = write_dicom(record)
    assert written.losses == ("Shorter leads are filled up with samples that are marked as missing.",)
    for lead, source in zip(read(written.data).leads, record.leads, strict=True):
        assert lead.nanovolts()[:len(source.samples)].tolist() == source.nanovolts().tolist()
        assert (lead.nanovolts()[len(source.samples):] == -(2**31)).all()


def test_leads_without_a_code_keep_their_names():
    names = ("MLII", "V4R", "ECG I", "CR5")
    named = tuple(replace(lead, name=name) for lead, name in zip(leads(), names, strict=False))
    record = replace(FULL, leads=named, marks=())
    assert tuple(lead.name for lead in read(write(record)).leads) == names


def test_the_same_record_gives_the_same_object():
    assert write(FULL) == write(FULL)
    assert read(write(FULL)).sop_instance_uid != read(write(replace(FULL, leads=leads(2000.0)))).sop_instance_uid
    assert read(write(FULL)).sop_instance_uid.startswith("2.25.")


def test_uids_are_taken_where_they_are_valid():
    assert read(write(replace(FULL, study_instance_uid="1.2.3.4"))).study_instance_uid == "1.2.3.4"
    assert read(write(replace(FULL, study_instance_uid="1.2..4"))).study_instance_uid.startswith("2.25.")
    placed = read(write(FULL, uids=DicomUids("1.2.5", "1.2.6", "1.2.7")))
    assert (placed.study_instance_uid, placed.series_instance_uid, placed.sop_instance_uid) == (
        "1.2.5", "1.2.6", "1.2.7")


def test_what_dicom_cannot_hold_is_said():
    def losses(**change) -> str:
        return " ".join(write_dicom(replace(FULL, **change)).losses)

    assert "no time of recording" in losses(recorded_at=None)
    assert "filters" in losses(filters="as usual")
    assert "representative beat that is not there" in losses(representative_beats=())
    assert "name is shortened" in losses(patient=EcgPatient(name="甲" * 80))
    assert "1024 characters" in losses(statements=("长" * 2000,))
    assert "no number" in losses(measurements={"pr_ms": float("nan")})
    assert "rounded" in losses(measurements={"pr_ms": 150.12345678901234567})
    assert "more than 24" in losses(marks=(), leads=tuple(
        EcgLead(f"X{n}", "", np.arange(50, dtype=np.int32), 1000.0) for n in range(30)))


@pytest.mark.parametrize("broken", [
    {"leads": ()}, {"interval_us": 0.0}, {"leads": (EcgLead("I", "", np.zeros(0, dtype=np.int32), 1.0),)},
    {"leads": (EcgLead("I", "", np.zeros(5, dtype=np.int32), 0.0),)}])
def test_what_cannot_be_written_at_all_is_refused(broken):
    with pytest.raises(InvalidRequest):
        write(replace(FULL, marks=(), **broken))


def test_all_leads_are_named_by_their_codes():
    ds = pydicom.dcmread(io.BytesIO(write(FULL)))
    codes = [c.ChannelSourceSequence[0].CodeValue for c in ds.WaveformSequence[0].ChannelDefinitionSequence]
    assert len(set(codes)) == len(LEADS)
    assert all(code.startswith("2:") for code in codes)
    assert ds.SpecificCharacterSet == "ISO_IR 192"
    assert str(ds.PatientName) == "=演示甲"
