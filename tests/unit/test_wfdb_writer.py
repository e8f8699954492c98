"""What is written as WFDB is read back identically here and by the wfdb package."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import wfdb

from gateway.core.errors import InvalidRequest
from gateway.core.waveform import MISSING_NV, EcgLead, EcgPatient, EcgRecord
from gateway.formats.ecg import read_ecg
from gateway.formats.wfdb_writer import losses, write
from tests.support.ecg_builders import RECORDED_AT, TESTDATA, aecg, dicom_ecg, needs_testdata
from tests.support.mfer_builders import mfer as mfer_file

ZONE = ZoneInfo("Asia/Shanghai")


def record(samples: np.ndarray, **more: Any) -> EcgRecord:
    lead = EcgLead("II", "MDC_ECG_LEAD_II", samples.astype(np.int32), 2500.0)
    return EcgRecord(format="dicom", interval_us=2000, leads=(replace(lead, **more),), recorded_at=RECORDED_AT)


def back(written: bytes) -> EcgRecord:
    return read_ecg(written, time_zone=ZONE)


def header_of(written: bytes) -> str:
    archive = zipfile.ZipFile(io.BytesIO(written))
    return archive.read(next(name for name in archive.namelist() if name.endswith(".hea"))).decode()


def millivolts(lead: EcgLead) -> np.ndarray:
    values = lead.nanovolts().astype(np.float64)
    values[values == MISSING_NV] = np.nan
    return values / 1e6


@pytest.mark.parametrize("data", [aecg(), dicom_ecg(), mfer_file(interval=(1, -6, 1667), sensitivity=(0, -8, 488))],
                         ids=["aecg", "dicom", "mfer-1667us-4.88uV"])
def test_any_ecg_comes_back_identical_here_and_in_the_wfdb_package(data, tmp_path):
    original = read_ecg(data, time_zone=ZONE)
    written = write(original, time_zone=ZONE, name="demo")
    again = back(written)
    assert [lead.name for lead in again.leads] == [lead.name for lead in original.leads]
    assert all(np.array_equal(a.samples, b.samples) and a.nv_per_unit == b.nv_per_unit
               for a, b in zip(again.leads, original.leads, strict=True))
    assert (again.interval_us, again.recorded_at, again.warnings) == (original.interval_us, original.recorded_at, ())
    zipfile.ZipFile(io.BytesIO(written)).extractall(tmp_path)
    outside = wfdb.rdrecord(str(tmp_path / "demo"), physical=False)
    assert np.array_equal(outside.d_signal, np.stack([lead.samples for lead in original.leads], axis=1))
    assert outside.sig_name == [lead.name for lead in original.leads]
    physical = wfdb.rdrecord(str(tmp_path / "demo")).p_signal
    assert np.allclose(physical, np.stack([millivolts(lead) for lead in original.leads], axis=1), atol=1e-9)


@needs_testdata
@pytest.mark.parametrize("name", [
    "dicom/mortara_anonymous_ecg.dcm", "dicom/guangxi_sinus_general_ecg.dcm", "aecg/fda_minimum_aecg.xml",
    "mfer/syn_12lead_le.mwf", "edf/A0001.edf", "edf/syn_js20012.edf", "contec/0000053.ECG", "contec/0000037.ECG"])
def test_every_reference_ecg_comes_back_identical(name, tmp_path):
    original = read_ecg((TESTDATA / name).read_bytes(), time_zone=ZONE)
    written = write(original, time_zone=ZONE, name="demo")
    again = back(written)
    assert (again.interval_us, again.warnings) == (original.interval_us, ())
    assert [lead.sha256_nanovolts() for lead in again.leads] == [lead.sha256_nanovolts() for lead in original.leads]
    zipfile.ZipFile(io.BytesIO(written)).extractall(tmp_path)
    outside = wfdb.rdrecord(str(tmp_path / "demo")).p_signal
    for number, lead in enumerate(original.leads):
        assert np.allclose(outside[:, number], millivolts(lead), atol=1e-9, equal_nan=True)


@pytest.mark.parametrize(("most", "storage"), [(32767, 16), (32768, 24), (8388607, 24), (8388608, 32)])
def test_the_narrowest_storage_that_holds_every_sample_is_taken(most, storage, tmp_path):
    original = record(np.array([0, -most, most, 5]), nv_per_unit=0.5)
    written = write(original)
    assert f"ecg.dat {storage} " in header_of(written)
    assert np.array_equal(back(written).leads[0].samples, original.leads[0].samples)
    zipfile.ZipFile(io.BytesIO(written)).extractall(tmp_path)
    assert wfdb.rdrecord(str(tmp_path / "ecg"), physical=False).d_signal[:, 0].tolist() == [0, -most, most, 5]


def test_the_value_for_none_is_never_a_sample():
    written = write(record(np.array([-32768, 1])))
    assert "ecg.dat 24 " in header_of(written)
    assert back(written).leads[0].samples.tolist() == [-32768, 1]


def test_missing_stays_missing_and_a_late_lead_is_late():
    missing = np.array([False, True, False])
    original = record(np.array([1, 2, 3]), missing=missing, start_us=4000.0)
    assert back(write(original)).leads[0].nanovolts().tolist() == [MISSING_NV, MISSING_NV, 2500, MISSING_NV, 7500]
    assert "The leads are brought to one length; what one does not have is marked as missing." in losses(original)


def test_a_baseline_that_is_no_whole_number_is_written_in_nanovolts():
    original = record(np.array([1, 2, -3]), baseline=0.5)
    again = back(write(original))
    assert again.leads[0].nanovolts().tolist() == original.leads[0].nanovolts().tolist()
    assert losses(original) == ("Written in whole nanovolts instead of the file's own units: II.",)


def test_a_whole_baseline_is_kept_as_it_is(tmp_path):
    again = back(write(record(np.array([2048, 2050]), baseline=-2048.0)))
    assert (again.leads[0].baseline, again.leads[0].samples.tolist()) == (-2048, [2048, 2050])


def test_a_record_without_leads_is_not_written():
    with pytest.raises(InvalidRequest, match="no waveform"):
        write(replace(record(np.array([1])), leads=()))


def test_leads_that_begin_hours_apart_are_not_filled_up_to_one_length():
    first = record(np.arange(100))
    late = replace(first.leads[0], name="V1", start_us=20 * 3600e6)
    with pytest.raises(InvalidRequest, match="too far apart"):
        write(replace(first, leads=(*first.leads, late)))


def test_age_sex_and_the_carts_words_are_comments():
    original = replace(record(np.array([1])), patient=EcgPatient("P1", "Demo", "F", age_years=65),
                       measurements={"heart_rate_bpm": 70.0}, statements=("Age: demo\nwords",))
    written = write(original)
    assert header_of(written).splitlines()[2:] == [
        "# Measurement heart_rate_bpm: 70", "# Statement 1: Age: demo words", "# Age: 65", "# Sex: F"]
    again = back(written).patient
    assert (again.patient_id, again.age_years, again.sex) == ("P1", 65, "F")
    assert losses(original) == ("Name and date of birth are left out.",)
