"""EDF, EDF+ and BDF files as pyedflib writes them are read to the nanovolt; gaps are shown, never joined (B8)."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pyedflib
import pytest

from gateway.core.errors import Unreadable
from gateway.core.waveform import MISSING_NV
from gateway.formats import edf
from gateway.formats.ecg import recognise
from tests.support.ecg_builders import LEADS, RECORDED_AT, known_samples, sha256_nanovolts
from tests.support.edf_builders import Column, with_gap
from tests.support.edf_builders import edf as edf_file

ZONE = ZoneInfo("Asia/Shanghai")
ONE = {"II": known_samples(count=1500)["II"]}


def read(data: bytes):
    return edf.read(data, time_zone=ZONE)


@pytest.mark.parametrize("file_type", [pyedflib.FILETYPE_EDF, pyedflib.FILETYPE_EDFPLUS])
def test_every_sample_and_the_patient_are_read(file_type):
    data = edf_file(file_type=file_type)
    record = read(data)
    assert recognise(data) == record.format == "edf"
    assert {lead.name: lead.sha256_nanovolts() for lead in record.leads} == {
        name: sha256_nanovolts(values, 2500) for name, values in known_samples().items()}
    assert [lead.name for lead in record.leads] == list(LEADS)
    assert (record.recorded_at, record.interval_us, record.warnings) == (RECORDED_AT, 2000, ())
    if file_type == pyedflib.FILETYPE_EDFPLUS:
        assert (record.patient.patient_id, record.patient.name) == ("P1", "Demo A")
        assert (record.patient.sex, record.patient.birth_date) == ("M", date(1960, 4, 5))
        assert record.device_model == "Demo cart"


def test_twenty_four_bits_are_read():
    column = Column("ECG II", physical=(-8388608, 8388607), digital=(-8388608, 8388607))
    samples = {"II": ONE["II"] * 1000}
    record = read(edf_file(samples, columns=(column,), file_type=pyedflib.FILETYPE_BDF))
    assert record.leads[0].nanovolts().tolist() == (np.clip(samples["II"].astype(np.int64) * 1000, -(2**31) + 1,
                                                            2**31 - 1)).tolist()


@pytest.mark.parametrize(("label", "name"), [
    ("ECG I", "I"), ("EKG V1", "V1"), ("II", "II"), ("ECG LEAD aVR", "aVR"), ("AVL", "aVL"), ("Lead III", "III"),
    ("ECG", "ECG"), ("ECG-V6", "V6"), ("MLII", "MLII"), ("ECG chest", "chest")])
def test_a_lead_is_known_by_its_label(label, name):
    assert [lead.name for lead in read(edf_file(ONE, columns=(Column(label),))).leads] == [name]


@pytest.mark.parametrize(("unit", "nv"), [("uV", 1000), ("mV", 1_000_000), ("nV", 1), ("V", 1_000_000_000)])
def test_a_unit_of_volts_is_scaled_exactly(unit, nv):
    column = Column("II", unit=unit, physical=(-2.0, 2.0), digital=(-2000, 2000))
    lead = read(edf_file({"II": ONE["II"] % 1000}, columns=(column,))).leads[0]
    assert lead.nv_per_unit == nv / 1000
    assert lead.baseline == 0


def test_other_signals_and_other_rates_are_named_and_not_shown():
    columns = (Column("ECG I"), Column("ECG II"), Column("ECG V1", hertz=250), Column("EEG Fp1"),
               Column("ECG temp", unit="degC"))
    samples = dict(zip("abcde", [ONE["II"], ONE["II"], ONE["II"][:750], ONE["II"], ONE["II"]], strict=True))
    record = read(edf_file(samples, columns=columns))
    assert [lead.name for lead in record.leads] == ["I", "II"]
    assert record.warnings == (
        "The signal EEG Fp1 is not labelled as ECG and is not shown.",
        "The signal ECG temp is in degC, not in volts, and is not shown.",
        "Lead V1 has another sampling rate than the others and is not shown.")


def test_annotations_become_marks():
    record = read(edf_file(ONE, annotations=((0.5, -1, "Demo mark"), (1.25, 0.5, "演示"))))
    assert [(mark.kind, mark.at_us, mark.text) for mark in record.marks] == [
        ("annotation", 500_000, "Demo mark"), ("annotation", 1_250_000, "演示 (0.5 s)")]


@pytest.mark.parametrize("is_declared", [True, False])
def test_a_gap_between_records_is_missing_and_never_joined(is_declared):
    record = read(with_gap(edf_file(ONE), record=1, later_s=2, is_declared=is_declared))
    nanovolts = record.leads[0].nanovolts()
    values = ONE["II"] * 2500
    assert nanovolts.tolist() == [*values[:500], *[MISSING_NV] * 1000, *values[500:]]
    assert "The recording has gaps; they are shown as missing." in record.warnings
    assert len(record.warnings) == (1 if is_declared else 2)


@pytest.mark.parametrize(("prefilter", "shown"), [
    ("HP:0.05Hz LP:150Hz N:50Hz", "0.05-150 Hz, notch 50 Hz"), ("LP:40Hz", "<40 Hz"), ("Demo", "Demo"), ("", "")])
def test_filters_are_shown_as_stated(prefilter, shown):
    assert read(edf_file(ONE, columns=(Column("II", prefilter=prefilter),))).filters == shown


def patched(data: bytes, at: int, text: bytes) -> bytes:
    return data[:at] + text + data[at + len(text):]


@pytest.mark.parametrize(("data", "reason"), [
    (edf_file(ONE)[:-100], "edf-data-short"),
    (edf_file(ONE)[:300], "edf-header"),
    (with_gap(edf_file(ONE), record=1, later_s=2000), "edf-gap"),
    (with_gap(edf_file(ONE), record=1, later_s=-1), "edf-overlap"),
    (patched(edf_file(ONE, file_type=pyedflib.FILETYPE_EDF), 192, b"EDF+D"), "edf-discontinuous"),
    (patched(edf_file(ONE), 244, b"0       "), "edf-no-interval"),
    (patched(edf_file(ONE), 236, b"0       "), "edf-no-samples"),
    (patched(edf_file(ONE), 236, b"many    "), "edf-header"),
    (edf_file(ONE, columns=(Column("EEG Fp1"),)), "edf-no-ecg"),
    (patched(edf_file(ONE, file_type=pyedflib.FILETYPE_EDF), 256 + 104, b"81917.5 "), "edf-uncalibrated"),
])
def test_a_refusal_names_its_reason(data, reason):
    with pytest.raises(Unreadable) as refused:
        read(data)
    assert refused.value.reason == reason


def test_a_header_that_was_never_finished_is_read_with_a_warning():
    record = read(patched(edf_file(ONE), 236, b"-1      "))
    assert len(record.leads[0].samples) == 1500
    assert record.warnings == ("The header was not finished: it does not say how many data records follow.",)


def test_a_start_date_that_was_taken_out_is_not_invented():
    data = edf_file(ONE)
    record = read(data.replace(b"Startdate 02-MAR-2026", b"Startdate X          "))
    assert record.recorded_at is None
    assert record.warnings == ("The file does not say when the ECG was recorded.",)
