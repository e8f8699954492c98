"""Each ECG format on files made here, with samples that are known (B8)."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.core.errors import Unreadable
from gateway.core.waveform import MISSING_NV
from gateway.formats.dicom_waveform import padding_mask
from gateway.formats.ecg import read_ecg, recognise
from gateway.formats.zip_members import pack
from tests.support.ecg_builders import (
    LEADS,
    RECORDED_AT,
    aecg,
    aecg_measurement,
    dicom_ecg,
    dicom_number,
    dicom_statement,
    known_samples,
    sha256_nanovolts,
    wfdb_files,
    wfdb_zip,
)

ZONE = ZoneInfo("Asia/Shanghai")


def read(data: bytes):
    return read_ecg(data, time_zone=ZONE)


@pytest.mark.parametrize(("data", "name", "nv_per_unit"), [
    (dicom_ecg(), "dicom", 2500), (aecg(), "hl7_aecg", 2500), (wfdb_zip(), "wfdb", 2500)])
def test_each_format_gives_every_sample_in_nanovolts(data, name, nv_per_unit):
    record = read(data)
    assert record.format == recognise(data, "wrong.name") == name
    assert tuple(lead.name for lead in record.leads) == LEADS
    assert {lead.name: lead.sha256_nanovolts() for lead in record.leads} == {
        lead: sha256_nanovolts(values, nv_per_unit) for lead, values in known_samples().items()}
    assert record.interval_us == 2000
    assert record.recorded_at == RECORDED_AT
    assert record.warnings == ()


def test_sampling_intervals_that_are_not_whole_are_kept_exactly():
    assert read(aecg(increment_s="0.001667")).interval_us == 1667
    assert read(dicom_ecg(frequency="599.88")).interval_us == pytest.approx(1667.0, abs=1e-3)
    assert read(wfdb_zip(hertz="240")).interval_us == pytest.approx(4166.666_667, abs=1e-5)


# ---------------------------------------------------------------------------------------------------------- DICOM
def test_dicom_value_is_raw_times_sensitivity_times_correction_plus_baseline_in_its_unit():
    """PS3.3 C.10.9: the baseline is in the units of the sensitivity."""
    samples = {"I": np.array([0, 100, -100], dtype=np.int32)}
    record = read(dicom_ecg(samples, sensitivity="0.005", unit="mV", correction="0.5", baseline="0.1"))
    assert record.leads[0].nanovolts().tolist() == [100_000, 350_000, -150_000]


def test_the_rhythm_is_read_and_not_the_median_beat_that_comes_first():
    median = known_samples(count=600, seed=1)
    record = read(dicom_ecg(median=median, is_median_first=True))
    assert record.sample_count == 5000


def test_a_padding_value_that_real_samples_have_is_not_taken_as_a_gap():
    """One maker declares 0 as padding and sends real zeros."""
    samples = {"I": np.array([0] * 20 + [5, 0, 7] + [0] * 20, dtype=np.int32)}
    lead = read(dicom_ecg(samples, padding=0)).leads[0]
    assert lead.missing is None
    assert lead.nanovolts()[0] == 0


def test_a_padded_end_is_a_gap():
    samples = {"I": np.array([3, 5, 7] * 10 + [-32768] * 20, dtype=np.int32)}
    nanovolts = read(dicom_ecg(samples, padding=-32768)).leads[0].nanovolts()
    assert nanovolts[29] == 17_500
    assert set(nanovolts[30:].tolist()) == {MISSING_NV}


def test_a_short_run_of_the_padding_value_is_real():
    assert padding_mask(np.array([1, 2, 3, 0, 0], dtype=np.int32), 0) is None


def test_twelve_stored_bits_get_their_sign():
    samples = {"I": np.array([0x0FFF, 0x0800, 0x07FF, 1], dtype=np.int32)}
    record = read(dicom_ecg(samples, bits_stored=12, sensitivity="1"))
    assert record.leads[0].samples.tolist() == [-1, -2048, 2047, 1]


def test_measurements_and_statements_come_from_the_annotations():
    numbers = (dicom_number("2:16016", "MDC", "Ventricular Heart Rate", "72", "{H.B.}/min"),
               dicom_number("5.13.5-7", "SCPECG", "PR Interval", "0.16", "s"),
               dicom_number("5.10.3-13", "SCPECG", "QRS Axis", "-30", "ms"),
               dicom_number("99:1", "99X", "QT Interval", "400", "ms"),
               dicom_statement("窦性心律"), dicom_statement("窦性心律"))
    record = read(dicom_ecg(annotations=numbers, character_set="ISO_IR 192", filters=("0.050", "150", "50")))
    assert record.measurements == {"heart_rate_bpm": 72, "pr_ms": 160, "qrs_axis_deg": -30, "qt_ms": 400}
    assert record.statements == ("窦性心律",)
    assert record.filters == "0.05-150 Hz, notch 50 Hz"


def test_a_gbk_name_without_a_character_set_is_read_and_marked_as_a_guess():
    """C2, C4: the same rule for ECG objects as for films."""
    patient = read(dicom_ecg(name="王^小明".encode("gbk"))).patient
    assert patient.name == "王小明"
    assert patient.is_name_guessed


def test_a_channel_that_is_no_voltage_is_left_out_and_said():
    record = read(dicom_ecg({"I": np.arange(20, dtype=np.int32)}))
    assert record.warnings == ()
    with pytest.raises(Unreadable) as refusal:
        read(dicom_ecg({"I": np.arange(20, dtype=np.int32)}, unit="mm[Hg]"))
    assert refusal.value.reason == "dicom-no-voltage"


# ----------------------------------------------------------------------------------------------------------- aECG
def test_aecg_measurements_and_statements_are_the_carts_own():
    data = aecg(annotations=aecg_measurement("MDC_ECG_HEART_RATE", 72, "bpm")
                + aecg_measurement("MDC_ECG_TIME_PD_QTc", 0.431, "s"), statements=("窦性心律", "正常心电图"))
    record = read(data)
    assert record.measurements == {"heart_rate_bpm": 72, "qtc_ms": 431}
    assert record.statements == ("窦性心律", "正常心电图")
    assert (record.device_model, record.device_serial) == ("Demo cart", "SN7")
    assert record.patient.patient_id == "P1"


@pytest.mark.parametrize(("encoding", "declared", "is_guessed"), [
    ("utf-8", "UTF-8", False), ("gb18030", "GB18030", False), ("gbk", "GB2312", False), ("gbk", "UTF-8", True),
    ("utf-16", "UTF-16", False)])
def test_a_chinese_name_is_right_whatever_the_declaration_says(encoding, declared, is_guessed):
    """C1-C4: aECG of Chinese carts often declares UTF-8 and is GBK."""
    patient = read(aecg(name="王小明", encoding=encoding, declared=declared)).patient
    assert patient.name == "王小明"
    assert patient.is_name_guessed is is_guessed


def test_only_the_rhythm_is_shown_when_other_series_stand_before_it():
    median = ('<component><series><code code="REPRESENTATIVE_BEAT"/><component><sequenceSet/></component>'
              "</series></component>")
    assert read(aecg(extra_series=median)).sample_count == 5000


def test_origin_is_added_in_its_own_unit():
    data = aecg({"II": np.array([-2, 4], dtype=np.int32)}, scale_uv="5").replace(
        b'<origin value="0" unit="uV"/>', b'<origin value="0.01" unit="mV"/>')
    assert read(data).leads[0].nanovolts().tolist() == [0, 30_000]


# ----------------------------------------------------------------------------------------------------------- WFDB
def test_a_wfdb_baseline_is_subtracted_before_the_gain():
    record = read(wfdb_zip({"II": np.array([1024, 1224], dtype=np.int32)}, gain="200(1024)/mV"))
    assert record.leads[0].nanovolts().tolist() == [0, 1_000_000]


def test_a_wrong_checksum_is_said():
    files = wfdb_files({"II": np.array([1, 2, 3], dtype=np.int32)})
    files["demo1.dat"] = files["demo1.dat"][:-2] + b"\x09\x00"
    assert read(pack(files)).warnings == ("The checksum of II does not match its samples.",)


def test_the_value_for_no_sample_is_a_gap():
    record = read(wfdb_zip({"II": np.array([1, -32768, 3], dtype=np.int32)}))
    assert record.leads[0].nanovolts()[1] == MISSING_NV


def test_age_and_sex_come_from_the_comments():
    patient = read(wfdb_zip()).patient
    assert (patient.age_years, patient.sex, patient.patient_id) == (65, "M", "demo1")
