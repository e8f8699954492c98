"""Contec ECG90A files made here: known strictly, read exactly. No other program reads them, so that the reference
recordings (test_ecg_reference.py) are the evidence from outside (B8)."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.core.errors import Unreadable
from gateway.core.waveform import MISSING_NV
from gateway.formats import contec
from gateway.formats.ecg import recognise
from tests.support.contec_builders import contec as contec_file
from tests.support.contec_builders import contec_samples
from tests.support.ecg_builders import RECORDED_AT, sha256_nanovolts

ZONE = ZoneInfo("Asia/Shanghai")


def test_every_sample_is_read_and_lead_one_is_two_minus_three():
    data = contec_file()
    record = contec.read(data, time_zone=ZONE)
    samples = contec_samples()
    assert recognise(data) == record.format == "contec"
    assert [lead.name for lead in record.leads] == ["II", "III", "I", "V1", "V2", "V3", "V4", "V5", "V6"]
    expected = {**samples, "I": samples["II"] - samples["III"]}
    assert {lead.name: lead.sha256_nanovolts() for lead in record.leads} == {
        name: sha256_nanovolts(values, 5000) for name, values in expected.items()}
    assert (record.sampling_frequency_hz, record.recorded_at, record.warnings) == (800, RECORDED_AT, ())
    patient = record.patient
    assert (patient.patient_id, patient.name, patient.sex, patient.age_years) == ("0000042", "演示甲", "M", 65)
    assert patient.is_name_guessed
    assert patient.name_raw_hex == "演示甲".encode("gb18030").hex()


def test_a_lead_that_is_off_has_no_value_and_takes_lead_one_with_it():
    record = contec.read(contec_file(off=("III", "V4")), time_zone=ZONE)
    gone = [lead.name for lead in record.leads if (lead.nanovolts() == MISSING_NV).all()]
    assert gone == ["III", "I", "V4"]


@pytest.mark.parametrize("data", [
    contec_file(at=b"02.03.2026 08:30:00"), contec_file(case=b"00/0042"), contec_file(sex=7),
    contec_file()[1:], b"0000042".ljust(43, b"\0"), contec_file()[:50],
    contec_file({name: values + 9000 for name, values in contec_samples().items()}),
])
def test_what_has_another_shape_is_not_taken_for_it(data):
    assert recognise(data) is None


@pytest.mark.parametrize(("data", "reason"), [
    (contec_file()[:-1], "contec-length"),
    (contec_file()[:-16], "contec-footer"),
    (contec_file(footer=b"\1" * 37), "contec-footer"),
    (contec_file()[:80], "contec-length"),
    (contec_file({**contec_samples(), "V1": np.append(contec_samples()["V1"][:-1], 2048).astype(np.int32)}),
     "contec-values"),
])
def test_a_file_that_does_not_fit_is_refused_by_name(data, reason):
    with pytest.raises(Unreadable) as refused:
        contec.read(data, time_zone=ZONE)
    assert refused.value.reason == reason
