"""An aECG that we write comes back the same, through our reader and through ecgdatakit (B8, E5)."""

from __future__ import annotations

from dataclasses import astuple, replace
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from ecgdatakit import FileParser

from gateway.core.waveform import EcgLead, EcgMark, EcgPatient, EcgRecord
from gateway.formats import aecg_writer, hl7_aecg
from gateway.formats.ecg import read_ecg
from tests.support.cardiosoft_builders import cardiosoft
from tests.support.ecg_builders import LEADS, TESTDATA, dicom_ecg, known_samples, needs_testdata, wfdb_zip
from tests.support.ecg_oracles import ecgdatakit_nanovolts
from tests.support.muse_builders import muse
from tests.support.sierra_builders import sierra

ZONE = ZoneInfo("Asia/Shanghai")
NATIVE = ("muse/", "cardiosoft/", "philips/", "aecg/", "dicom/", "edf/", "mfer/", "scp/", "contec/0000053.ECG")


def leads(count: int = 500, seed: int = 7, nv_per_unit: float = 2500.0) -> tuple[EcgLead, ...]:
    return tuple(EcgLead(name=name, code="", samples=values, nv_per_unit=nv_per_unit)
                 for name, values in known_samples(count=count, seed=seed).items())


FULL = EcgRecord(
    format="muse_xml", interval_us=1667.0, leads=leads(), recorded_at=datetime(2026, 3, 2, 0, 30, 0, 125_000, UTC),
    patient=EcgPatient(patient_id="P1", name="演示<甲>&", sex="F", birth_date=date(1960, 4, 5), age_years=65.5),
    device_model="Demo cart", device_serial="SN7", device_maker="Demo maker", filters="0.05-150 Hz, notch 50 Hz",
    measurements={"heart_rate_bpm": 72.5, "pr_ms": 148.0, "qtc_ms": 431.0, "qtc_bazett_ms": 431.0,
                  "qtc_hodges_ms": 420.0, "p_axis_deg": -12.0, "rv5_mv": 1.794, "qrs_count": 12.0},
    statements=("窦性心律", ">>> Acute MI <<<"), critical_statements=(">>> Acute MI <<<",),
    representative_beats=leads(count=60, seed=3, nv_per_unit=1000.0), beat_interval_us=1000.0,
    marks=(EcgMark("beat", 614_000.0, text="type 0"), EcgMark("p_onset", 120_000.5), EcgMark("pacing_spike", 1.0),
           EcgMark("r_peak", 300_000.0, lead="aVR"), EcgMark("qrs_onset", 20_000.0, is_on_representative_beat=True),
           EcgMark("t_offset", 55_000.0, lead="V2", is_on_representative_beat=True)))


def back(record: EcgRecord) -> EcgRecord:
    return hl7_aecg.read(aecg_writer.write(record), time_zone=ZONE)


def assert_same(read: EcgRecord, written: EcgRecord) -> None:
    """Everything but the format, the lead codes and how the text was encoded."""
    for field in ("interval_us", "recorded_at", "device_model", "device_serial", "device_maker", "filters",
                  "statements", "critical_statements", "beat_interval_us"):
        assert getattr(read, field) == getattr(written, field), field
    assert sorted(map(astuple, read.marks)) == sorted(map(astuple, written.marks))     # their order says nothing
    assert dict(read.measurements) == dict(written.measurements)
    for field in ("patient_id", "name", "sex", "birth_date", "age_years"):
        assert getattr(read.patient, field) == getattr(written.patient, field), field
    for ours, theirs in ((read.leads, written.leads), (read.representative_beats, written.representative_beats)):
        for one, other in zip(ours, theirs, strict=True):
            assert (one.name, one.nv_per_unit, one.baseline, one.start_us) == (
                other.name, other.nv_per_unit, other.baseline, other.start_us)
            assert np.array_equal(one.samples, other.samples)


def test_everything_in_a_full_record_comes_back():
    assert_same(back(FULL), FULL)
    assert back(FULL).warnings == ()
    assert aecg_writer.losses(FULL) == ()
    assert aecg_writer.write(FULL) == aecg_writer.write(FULL)


@pytest.mark.parametrize("record", [
    replace(FULL, interval_us=1e6 / 240), replace(FULL, interval_us=1e6 / 599.88),
    replace(FULL, recorded_at=None), replace(FULL, filters=">0.5 Hz"), replace(FULL, filters="<40 Hz"),
    replace(FULL, filters=""), replace(FULL, patient=EcgPatient()), replace(FULL, marks=()),
    replace(FULL, recorded_at=datetime(2026, 3, 2, 8, tzinfo=timezone(timedelta(hours=-5, minutes=-30)))),
    replace(FULL, leads=tuple(replace(lead, nv_per_unit=1250 / 3, baseline=-0.25) for lead in FULL.leads)),
    replace(FULL, leads=tuple(replace(lead, start_us=2500.0 * (n // 3)) for n, lead in enumerate(FULL.leads))),
    replace(FULL, recorded_at=None,
            leads=tuple(replace(lead, start_us=2500.0 * (n // 3)) for n, lead in enumerate(FULL.leads))),
])
def test_odd_intervals_gains_starts_zones_and_gaps_in_the_facts_come_back(record):
    assert_same(back(record), record)


def test_ecgdatakit_reads_the_same_leads_beats_numbers_words_and_person(tmp_path):
    path = tmp_path / "one.xml"
    theirs = ecgdatakit_nanovolts(aecg_writer.write(FULL), path)
    assert list(theirs) == list(LEADS)
    for lead in FULL.leads:
        assert np.array_equal(lead.nanovolts(), theirs[lead.name])
    read = FileParser().parse(str(path))
    assert len(read.median_beats) == 12
    assert (read.measurements.pr_interval, read.measurements.p_axis, read.measurements.qrs_count) == (148, -12, 12)
    assert read.measurements.qtc_bazett == 431
    said = [text for statement in read.interpretation.statements for text in statement if text]
    assert said == list(FULL.statements)
    assert (read.patient.patient_id, read.patient.last_name) == ("P1", "演示<甲>&")


@pytest.mark.parametrize("data", [
    muse(median=known_samples(leads=("I", "II"), count=600), qrs_times_ms=(614, 1800),
         statements=(("窦性心律", True),),
         measurements={"VentricularRate": "72", "QOnset": "219", "ECGSampleBase": "500"}),
    cardiosoft(median=known_samples(count=600), beats_ms=(800,), diagnosis=("Sinus rhythm",)),
    sierra(beats=known_samples(count=600), statements=(("SR", "Sinus rhythm", ""), ("", ">>> Acute MI <<<", ""))),
    dicom_ecg(filters=("0.05", "150", "50")), wfdb_zip(),
], ids=["muse", "cardiosoft", "sierra", "dicom", "wfdb"])
def test_any_format_becomes_an_aecg_without_a_nanovolt_lost(data):
    record = read_ecg(data, time_zone=ZONE)
    assert_same(back(record), record)


@needs_testdata
@pytest.mark.parametrize("kind", NATIVE)
def test_the_reference_ecgs_become_aecgs_that_both_readers_read_alike(kind, tmp_path):
    paths = [path for path in sorted(TESTDATA.glob("*/*")) if str(path.relative_to(TESTDATA)).startswith(kind)]
    assert paths
    for path in paths:
        record = read_ecg(path.read_bytes(), time_zone=ZONE)
        assert_same(back(record), record)
        theirs = ecgdatakit_nanovolts(aecg_writer.write(record), tmp_path / "one.xml")
        for lead, nanovolts in zip(record.leads, theirs.values(), strict=True):
            # Where nanovolts are not whole a tie may be rounded either way.
            is_whole = lead.nv_per_unit % 1 == 0
            assert np.abs(lead.nanovolts().astype(np.int64) - nanovolts).max() <= (0 if is_whole else 1)


def test_what_cannot_be_written_is_said():
    gap = np.zeros(500, dtype=np.bool_)
    gap[3:9] = True
    record = replace(FULL, leads=(replace(FULL.leads[0], missing=gap),), accession_number="A1", filters="as usual",
                     representative_beats=())
    assert aecg_writer.losses(record) == (
        "6 samples of lead I have no value; their stored numbers are written.",
        "The filters are not stated in a form that has codes.", "The accession number is not written.",
        "Marks on a representative beat that is not there are not written.")


def test_characters_that_xml_cannot_hold_do_not_break_the_file():
    record = replace(FULL, statements=("a\x00b\x1fc",), device_model="\ud800x")
    assert back(record).statements == ("a\ufffdb\ufffdc",)
