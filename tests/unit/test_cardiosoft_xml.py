"""GE CardioSoft XML, made here, is read to the nanovolt (B8). No independent reader of it is at hand."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgMark
from gateway.formats import cardiosoft_xml
from gateway.formats.ecg import recognise
from tests.support.cardiosoft_builders import cardiosoft
from tests.support.ecg_builders import RECORDED_AT, known_samples, sha256_nanovolts

ZONE = ZoneInfo("Asia/Shanghai")
SHORT = known_samples(count=60)


def read(data: bytes):
    return cardiosoft_xml.read(data, time_zone=ZONE)


def test_damaged_median_beats_do_not_cost_the_strip():
    """B8: an ECG that can be read is not refused for what lies beside it."""
    begin, end = cardiosoft(SHORT, median=SHORT).split(b"</MedianSamples>")
    record = read(begin.replace(b'units="uVperLsb"', b'units="furlongs"') + b"</MedianSamples>" + end)
    assert len(record.leads) == 12
    assert record.representative_beats == ()
    assert record.beat_interval_us == 0
    assert record.warnings == (
        "The median beats are not shown: The strip states no resolution; a gain is never guessed.",)


def test_every_lead_of_the_strip_is_read_and_the_median_beats_beside_it():
    median = known_samples(count=600, seed=5)
    data = cardiosoft(median=median)
    record = read(data)
    assert recognise(data) == record.format == "cardiosoft_xml"
    for leads, made in ((record.leads, known_samples()), (record.representative_beats, median)):
        assert {lead.name: lead.sha256_nanovolts() for lead in leads} == {
            name: sha256_nanovolts(values, 5000) for name, values in made.items()}
    assert (record.interval_us, record.beat_interval_us, record.recorded_at) == (2000, 2000, RECORDED_AT)
    assert record.filters == "0.05-100 Hz, notch 50 Hz"
    assert record.warnings == ()


def test_numbers_onsets_beats_and_words_are_read():
    record = read(cardiosoft(
        SHORT, beats_ms=(800, 2010), diagnosis=("Sinus rhythm", "---", "Normal"), conclusion=("Sinus rhythm",),
        measurements='<VentricularRate units="BPM">50</VentricularRate><PQInterval units="ms">174</PQInterval>'
                     '<SokolovLVHIndex units="mV"></SokolovLVHIndex><QOnset units="ms">432</QOnset>'))
    assert record.measurements == {"heart_rate_bpm": 50, "pr_ms": 174}
    assert record.marks == (EcgMark("beat", 800_000, text="dominant"), EcgMark("beat", 2_010_000, text="dominant"),
                            EcgMark("qrs_onset", 432_000, is_on_representative_beat=True))
    assert record.statements == ("Sinus rhythm", "Normal")
    assert record.notes == ("The conclusion in the file reads: Sinus rhythm",)


def test_a_full_disclosure_recording_is_noted_and_not_shown():
    record = read(cardiosoft(SHORT, full_disclosure="0,0,1"))
    assert record.sample_count == 60
    assert record.notes == ("The file also holds a full-disclosure recording, which is not shown.",)


@pytest.mark.parametrize(("encoding", "declared", "is_guessed"), [
    ("UTF-8", None, False), ("GBK", "ISO-8859-1", True), ("UTF-16", None, False)])
def test_chinese_names_are_read(encoding, declared, is_guessed):
    """C1."""
    patient = read(cardiosoft(SHORT, encoding=encoding, declared=declared, family="演示", given="乙")).patient
    assert (patient.name, patient.is_name_guessed, patient.sex, patient.age_years) == ("演示乙", is_guessed, "M", 65)


def test_what_does_not_fit_is_said():
    assert read(cardiosoft({"II": SHORT["II"]}, stated_count=5000)).warnings == (
        "Lead II holds 60 samples and not 5000 as stated.",)


@pytest.mark.parametrize(("data", "reason"), [
    (cardiosoft(SHORT, resolution=""), "cardiosoft-uncalibrated"),
    (cardiosoft(SHORT, resolution_unit="apples"), "cardiosoft-uncalibrated"),
    (cardiosoft(SHORT, rate="0"), "cardiosoft-no-sampling-frequency"),
    (cardiosoft({"II": np.zeros(0, dtype=np.int32)}), "cardiosoft-no-samples"),
    (cardiosoft(SHORT).replace(b"StripData", b"Strap"), "cardiosoft-no-strip"),
    (cardiosoft(SHORT, family="x").replace(b'lead="II">\t\t', b'lead="II">\t\t1,,2,'), "cardiosoft-digits"),
    (cardiosoft(SHORT).replace(b'lead="II">\t\t', b'lead="II">\t\t1.5,'), "cardiosoft-digits"),
    (cardiosoft(SHORT).replace(b'lead="II">\t\t', b'lead="II">\t\t99999999999,'), "cardiosoft-digits"),
])
def test_a_refusal_names_its_reason(data, reason):
    with pytest.raises(Unreadable) as refused:
        read(data)
    assert refused.value.reason == reason
