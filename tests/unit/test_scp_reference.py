"""SCP-ECG files of real devices, and of independent encoders, decode as independent decoders agree on (B8)."""

from __future__ import annotations

import hashlib
import json
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.core.waveform import EcgRecord
from gateway.formats.ecg import read_ecg
from tests.support.ecg_builders import TESTDATA, needs_testdata

ZONE = ZoneInfo("Asia/Shanghai")
FACTS = json.loads((TESTDATA / "facts.json").read_text()) if (TESTDATA / "facts.json").is_file() else {}
WELCH_ALLYN = ("scp/welchallyn_2006.scp", "scp/welchallyn_2007.scp", "scp/welchallyn_2017.scp")


def _read(name: str) -> EcgRecord:
    return read_ecg((TESTDATA / name).read_bytes(), time_zone=ZONE)


@needs_testdata
@pytest.mark.parametrize("name", WELCH_ALLYN)
def test_a_real_cart_with_unusual_leads_decodes_to_the_nanovolt_at_its_exact_rate(name):
    record, facts = _read(name), FACTS[name]
    assert {lead.name: lead.sha256_nanovolts() for lead in record.leads} == {
        lead: values["sha256_nV_i32le"] for lead, values in facts["leads"].items()}
    assert record.interval_us == 1667                       # which is not 600 Hz
    assert record.device_model == "MDW14"
    assert record.device_maker == "Welch Allyn Cardio Control"
    assert record.filters == "<35 Hz, notch 50 Hz"
    assert record.recorded_at is not None
    assert record.recorded_at.year == 2000
    # The published files were made anonymous with dates in the wrong byte order; nothing else is wrong with them.
    assert len(record.warnings) == 2
    assert all("byte order" in warning for warning in record.warnings)


@needs_testdata
def test_the_carts_numbers_and_words_are_read_in_its_own_language():
    record = _read("scp/welchallyn_2017.scp")
    assert record.statements == ("sinusrytm (långsam)", "hög P-amplitud", "normal EKG-variant")
    assert record.measurements == {
        "heart_rate_bpm": 60, "rr_ms": 1000, "p_ms": 92, "pr_ms": 167, "qrs_ms": 88, "qt_ms": 386,
        "qtc_bazett_ms": 386, "p_axis_deg": 48, "qrs_axis_deg": 48, "t_axis_deg": 49, "rv5_mv": 1.194}
    assert record.patient.age_years == 104
    assert len(record.representative_beats) == 8
    assert record.beat_interval_us == 1667
    qrs = next(mark for mark in record.marks if mark.kind == "qrs_onset")
    assert qrs.is_on_representative_beat
    assert qrs.at_us == 267_000


@needs_testdata
def test_an_old_file_whose_samples_begin_at_0_is_read_without_the_sample_that_is_not_there():
    record, facts = _read("scp/contec_demo_v13.scp"), FACTS["scp/contec_demo_v13.scp"]
    assert record.sample_count == 10000
    assert record.leads[0].nv_per_unit == 183
    assert len(record.warnings) == 1
    assert "begin at 0" in record.warnings[0]
    # The reference decoder takes one sample more, the first of the next lead (behind the last lead: nothing, 0), and
    # gives microvolts with six digits. With both, every lead is the same.
    behind = [lead.samples[0] for lead in record.leads[1:]] + [0]
    for lead, borrowed in zip(record.leads, behind, strict=True):
        microvolts = np.append(lead.samples, borrowed) * 0.183
        six_digits = np.array([round(float(f"{value:.6g}") * 1000) for value in microvolts], dtype="<i4")
        assert hashlib.sha256(six_digits.tobytes()).hexdigest() == facts["leads"][lead.name]["sha256_nV_i32le"]


@needs_testdata
def test_bimodal_compression_is_rebuilt_within_ten_microvolts_and_exactly_in_the_qrs():
    source, rebuilt = _read("scp/syn_refbeat.scp"), _read("scp/syn_bimodal_fcm0.scp")
    assert {lead.name: lead.sha256_nanovolts() for lead in source.leads} == {      # the lossless file is the truth
        lead: values["sha256_nV_i32le"] for lead, values in FACTS["scp/syn_bimodal_fcm0.scp"]["leads"].items()}
    beats = [round(mark.at_us / rebuilt.interval_us) for mark in rebuilt.marks if mark.kind == "beat"]
    assert len(beats) == 12
    for true, lead in zip(source.leads, rebuilt.leads, strict=True):
        error_uv = (true.nanovolts() - lead.nanovolts()) / 1000
        assert np.sqrt((error_uv ** 2).mean()) <= 10
        for beat in beats:
            assert not error_uv[beat - 30:beat + 30].any()
    assert any("bimodal" in warning for warning in rebuilt.warnings)
    assert any("counted from 0" in warning for warning in rebuilt.warnings)


@needs_testdata
def test_one_ecg_in_scp_and_aecg_is_the_same_to_the_nanovolt():
    scp, aecg = _read("scp/ecgtoolkit_example.scp"), _read("aecg/ecgtoolkit_example.xml")
    assert {x.name: x.sha256_nanovolts() for x in scp.leads} == {x.name: x.sha256_nanovolts() for x in aecg.leads}
    for key in ("pr_ms", "qrs_ms", "qt_ms", "p_axis_deg", "qrs_axis_deg", "t_axis_deg"):
        assert scp.measurements[key] == aecg.measurements[key]
