"""Anything in, any of four formats out, and in again: the same nanovolts, or the loss was said (B8)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.core.waveform import EcgLead, EcgRecord
from gateway.formats.ecg import read_ecg
from gateway.formats.ecg_export import EcgTarget, ExportedEcg, export
from tests.support.ecg_builders import known_samples, needs_testdata
from tests.support.ecg_of_every_format import every_format, known_record
from tests.support.reference_ecgs import DECODABLE, bytes_of

ZONE = ZoneInfo("Asia/Shanghai")
MADE = ("dicom", "scp", "aecg", "muse", "cardiosoft", "sierra", "mfer", "edf", "contec", "wfdb")
REFERENCES = (
    "scp/welchallyn_2006.scp", "scp/welchallyn_2017.scp", "scp/contec_demo_v13.scp", "scp/syn_bimodal_fcm0.scp",
    "dicom/ecgtoolkit_example.dcm", "dicom/mortara_anonymous_ecg.dcm", "aecg/ecgtoolkit_example.xml",
    "aecg/fda_minimum_aecg.xml", "muse/braveheart_example2.xml", "muse/guangxi_teaching_sinus_rhythm.xml",
    "cardiosoft/cardiosoft_example.xml", "philips/129DYPRG_v103.xml", "philips/2020-5-18_v10401.xml",
    "mfer/syn_12lead_le_10blocks.mwf", "edf/A0001.edf", "edf/syn_js20012.edf", "contec/0000037.ECG",
    "wfdb/ludb/34.hea", "wfdb/ludb/8.hea", "wfdb/cpsc2021/data_8_4.hea", "wfdb/ptbdb/s0010_re.hea")
LOSSLESS = (EcgTarget.DICOM, EcgTarget.WFDB)


@cache
def made(name: str) -> EcgRecord:
    return read_ecg(every_format()[name].whole, time_zone=ZONE)


@cache
def reference(name: str) -> EcgRecord:
    return read_ecg(bytes_of(name), time_zone=ZONE)


def known_nanovolts(lead: EcgLead) -> np.ndarray:
    """Of the samples that have a value."""
    values = lead.nanovolts().astype(np.int64)
    return values if lead.missing is None else values[~lead.missing]


def check(source: EcgRecord, target: EcgTarget) -> ExportedEcg:
    """Identical to the nanovolt, unless the loss said that samples are rounded: then within half a unit."""
    exported = export(source, target)
    back = read_ecg(exported.data, time_zone=ZONE)
    is_named = not any("without a name" in loss for loss in exported.losses)
    assert len(back.leads) == len(source.leads)
    assert not is_named or [lead.name for lead in back.leads] == [lead.name for lead in source.leads]
    has_gaps = any(lead.missing is not None and lead.missing.any() for lead in source.leads)
    is_rounded = any("Samples are rounded" in loss for loss in exported.losses)
    assert target not in LOSSLESS or not is_rounded
    for lead, true in zip(back.leads, source.leads, strict=True):
        if has_gaps and target not in LOSSLESS:
            assert any("no value" in loss or "without value" in loss for loss in exported.losses)
            places = ~true.missing if true.missing is not None else np.ones(len(true.samples), dtype=bool)
            difference = lead.nanovolts().astype(np.int64)[places] - known_nanovolts(true)
        else:
            assert len(known_nanovolts(lead)) == len(known_nanovolts(true))
            difference = known_nanovolts(lead) - known_nanovolts(true)
        assert np.abs(difference).max(initial=0) <= (lead.nv_per_unit / 2 + 1 if is_rounded else 0), lead.name
    is_interval_said = any("interval" in loss for loss in exported.losses)
    assert is_interval_said or back.interval_us == source.interval_us
    return exported


@pytest.mark.parametrize("target", EcgTarget)
@pytest.mark.parametrize("name", MADE)
def test_a_made_ecg_of_every_format_survives_every_other(name, target):
    check(made(name), target)


@needs_testdata
@pytest.mark.parametrize("target", EcgTarget)
@pytest.mark.parametrize("name", REFERENCES)
def test_a_reference_ecg_survives_every_format(name, target):
    check(reference(name), target)


@needs_testdata
@pytest.mark.parametrize("name", DECODABLE)
def test_every_reference_ecg_is_the_same_as_a_dicom_object(name):
    source = reference(name)
    exported = export(source, EcgTarget.DICOM)
    back = read_ecg(exported.data, time_zone=ZONE)
    assert [(x.name, x.sha256_nanovolts(), x.start_us) for x in back.leads] == [
        (x.name, x.sha256_nanovolts(), x.start_us) for x in source.leads]
    assert [x.sha256_nanovolts() for x in back.representative_beats] == [
        x.sha256_nanovolts() for x in source.representative_beats]
    for field in ("interval_us", "measurements", "statements", "critical_statements", "recorded_at", "filters"):
        assert getattr(back, field) == getattr(source, field), field
    assert [(m.kind, m.lead, m.text) for m in back.marks] == [(m.kind, m.lead, m.text) for m in source.marks]
    assert [m.at_us for m in back.marks] == pytest.approx([m.at_us for m in source.marks], abs=1e-6)
    assert not [loss for loss in exported.losses if "no time of recording" not in loss]


@pytest.mark.parametrize("target", EcgTarget)
def test_a_usual_ecg_loses_no_sample_in_any_format(target):
    exported = check(known_record(), target)
    assert not any("ample" in loss for loss in exported.losses), exported.losses


def test_through_all_four_formats_and_back_the_ecg_is_the_same():
    """A chain of converters changes nothing that a page draws or a report states."""
    record = known_record()
    for target in (EcgTarget.SCP, EcgTarget.DICOM, EcgTarget.AECG, EcgTarget.DICOM, EcgTarget.SCP):
        record = read_ecg(export(record, target).data, time_zone=ZONE)
    source = known_record()
    for name in ("measurements", "statements", "filters", "recorded_at", "interval_us", "device_model",
                 "device_serial"):
        assert getattr(record, name) == getattr(source, name), name
    assert [x.sha256_nanovolts() for x in record.leads] == [x.sha256_nanovolts() for x in source.leads]
    assert [x.sha256_nanovolts() for x in record.representative_beats] == [
        x.sha256_nanovolts() for x in source.representative_beats]
    assert replace(record.patient, name_encoding="") == source.patient


def test_gaps_survive_where_the_format_has_a_word_for_them():
    samples = known_samples()
    gap = np.zeros(5000, dtype=np.bool_)
    gap[100:900] = True
    holed = replace(known_record(samples), leads=tuple(
        replace(lead, missing=gap) for lead in known_record(samples).leads), representative_beats=())
    for target in LOSSLESS:
        check(holed, target)
        back = read_ecg(export(holed, target).data, time_zone=ZONE)
        assert [x.sha256_nanovolts() for x in back.leads] == [x.sha256_nanovolts() for x in holed.leads]


def test_scp_says_when_the_edges_on_the_beat_do_not_give_what_was_measured():
    record = known_record()
    moved = export(replace(record, measurements={**record.measurements, "qt_ms": 400.0}), EcgTarget.SCP)
    assert any("measured: qt_ms." in loss for loss in moved.losses)
    halves = export(replace(record, measurements={"qrs_axis_deg": -30.5}), EcgTarget.SCP)
    assert any("rounded to whole numbers: qrs_axis_deg." in loss for loss in halves.losses)
