"""Philips Sierra XML, compressed here by an own encoder, is read to the nanovolt; ecgdatakit reads the same (B8)."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.core.errors import Unreadable
from gateway.formats import sierra_xli, sierra_xml
from gateway.formats.ecg import recognise
from tests.support.ecg_builders import LEADS, RECORDED_AT, known_samples, sha256_nanovolts
from tests.support.ecg_oracles import ecgdatakit_nanovolts
from tests.support.sierra_builders import sierra, xli, xli_chunk

ZONE = ZoneInfo("Asia/Shanghai")
SHORT = known_samples(count=60)


def read(data: bytes):
    return sierra_xml.read(data, time_zone=ZONE)


def refusal(data: bytes) -> str:
    with pytest.raises(Unreadable) as refused:
        read(data)
    return refused.value.reason


@pytest.mark.parametrize("form", ["XLI", "none", "Plain"])
@pytest.mark.parametrize("version", ["1.03", "1.04", "1.04.01"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-8"])
def test_every_sample_is_the_same_here_and_in_ecgdatakit(version, form, encoding, tmp_path):
    data = sierra(version=version, form=form, encoding=encoding)
    record = read(data)
    assert recognise(data) == record.format == "sierra_xml"
    assert tuple(lead.name for lead in record.leads) == LEADS
    assert {lead.name: lead.sha256_nanovolts() for lead in record.leads} == {
        lead: sha256_nanovolts(values, 5000) for lead, values in known_samples(count=5500).items()}
    assert (record.interval_us, record.recorded_at, record.warnings) == (2000, RECORDED_AT, ())
    theirs = ecgdatakit_nanovolts(data, tmp_path / "one.xml")
    assert list(theirs) == list(LEADS)
    for lead in record.leads:
        assert np.array_equal(lead.nanovolts(), theirs[lead.name])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("largest", [0, 1, 30, 4000])
def test_compression_of_any_signal_comes_back(seed, largest):
    samples = np.random.default_rng(seed).integers(-largest, largest + 1, 3000).astype(np.int64)
    assert np.array_equal(sierra_xli.decode(xli_chunk(samples), max_samples=3000)[0], samples)


def test_limb_leads_come_back_from_their_residuals_with_halves_rounded_down():
    samples = {lead: np.array([-3, 5, -7, 8], dtype=np.int32) * (n + 1) for n, lead in enumerate(LEADS)}
    leads = sierra_xli.decode(xli(samples), max_samples=4)
    sierra_xli.rebuild_limb_leads(leads)
    for lead, values in zip(leads, samples.values(), strict=False):
        assert np.array_equal(lead, values)


def test_representative_beats_have_a_gain_and_an_interval_of_their_own():
    beats = known_samples(count=1200, seed=9)
    record = read(sierra(SHORT, beats=beats, beat_resolution="1.0", beat_rate="1000"))
    assert record.beat_interval_us == 1000
    assert {b.name: b.sha256_nanovolts() for b in record.representative_beats} == {
        lead: sha256_nanovolts(values, 1000) for lead, values in beats.items()}
    assert {mark.at_us for mark in record.marks if mark.is_on_representative_beat} == {512_000}


def test_damaged_representative_beats_do_not_cost_the_rhythm():
    """B8: an ECG that can be read is not refused for what lies beside it."""
    data = sierra(SHORT, beats=known_samples(count=600, seed=9), encoding="utf-8").replace(
        b"</waveform></repbeat>", b"*</waveform></repbeat>")
    record = read(data)
    assert len(record.leads) == 12
    assert record.representative_beats == ()
    assert record.warnings == ("The representative beats are not shown: The packed samples of beat I are damaged.",)


def test_statements_are_code_words_and_reason_and_the_framed_one_is_critical():
    """K3: what the cart calls critical stays its own word."""
    record = read(sierra(SHORT, statements=(("SR", "Sinus rhythm", "V-rate 50-99"), ("", ">>> Acute MI <<<", ""))))
    assert record.statements == ("SR Sinus rhythm V-rate 50-99", ">>> Acute MI <<<")
    assert record.critical_statements == (">>> Acute MI <<<",)
    assert "Severity: - ABNORMAL ECG -" in record.notes


@pytest.mark.parametrize(("version", "elements"), [
    ("1.03", "<heartrate>41</heartrate><meanprint>151</meanprint><meanqrsdur>135</meanqrsdur>"
             "<sthorizaxis>Failed</sthorizaxis><pfrontaxis>0</pfrontaxis>"),
    ("1.04", "<heartrate>41</heartrate><print>151</print><qrsdur>135</qrsdur><pfrontaxis>0</pfrontaxis>")])
def test_measurements_of_both_versions_have_one_name(version, elements):
    record = read(sierra(SHORT, version=version, measurements=elements))
    assert record.measurements == {"heart_rate_bpm": 41, "pr_ms": 151, "qrs_ms": 135, "p_axis_deg": 0}


def test_every_formula_of_qtc_keeps_its_name():
    record = read(sierra(SHORT, measurements='<qtcb>417</qtcb><qtcf>394</qtcf><qtco methodname="Hodges">401</qtco>'))
    assert record.measurements == {"qtc_bazett_ms": 417, "qtc_fridericia_ms": 394, "qtc_hodges_ms": 401,
                                   "qtc_ms": 417}


@pytest.mark.parametrize(("encoding", "declared", "is_guessed"), [
    ("utf-16", None, False), ("utf-16-le", "utf-16", False), ("utf-16-be", "utf-16", False), ("utf-8", None, False),
    ("gbk", "gb2312", False), ("gbk", "utf-8", True)])
def test_chinese_names_are_read(encoding, declared, is_guessed):
    """C1."""
    patient = read(sierra(SHORT, encoding=encoding, declared=declared)).patient
    assert (patient.name, patient.is_name_guessed) == ("演示甲", is_guessed)
    assert (patient.patient_id, patient.sex) == ("P1", "M")


def test_the_count_that_stands_for_zero_volt_is_taken_off():
    lead = read(sierra(SHORT, form="none", offset="100")).leads[0]
    assert np.array_equal(lead.nanovolts(), (SHORT["I"] - 100) * 5000)


def test_leads_shorter_than_stated_are_said():
    record = read(sierra(SHORT, duration_ms="200"))
    assert record.sample_count == 60
    assert record.warnings[0] == "Lead I holds 60 samples and not 100 as stated."


BOMB = b"".join(int.to_bytes(len(codes), 4, "little") + b"\1\0\0\0" + codes
                for codes in [bytes(5) + b"".join(
                    (c << 30 | (c + 1) << 20 | (c + 2) << 10 | c + 3).to_bytes(5, "big")
                    for c in range(256, 1020, 4)) + b"\xff\xbf\xef\xfb\xfe" * 20_000])


@pytest.mark.parametrize(("data", "reason"), [
    (sierra(SHORT, resolution=""), "sierra-uncalibrated"),
    (sierra(SHORT, resolution="0"), "sierra-uncalibrated"),
    (sierra(SHORT, rate="0.5"), "sierra-no-sampling-frequency"),
    (sierra(SHORT, duration_ms="0"), "sierra-no-duration"),
    (sierra(SHORT, duration_ms="3000000"), "sierra-too-large"),
    (sierra(SHORT, labels=""), None),
    (sierra({"II": SHORT["II"]}, labels="", form="none"), "sierra-lead-names"),
    (sierra(SHORT, labels="", lead_set="PEDIATRIC"), "sierra-lead-names"),
    (sierra(SHORT, labels="I I III aVR aVL aVF V1 V2 V3 V4 V5 V6"), "sierra-lead-names"),
    (sierra(SHORT, labels="V1 V2 V3 V4 V5 V6 I II III aVR aVL aVF"), "sierra-limb-leads"),
    (sierra(SHORT, body=b"\xff\xff\xff\x7f\1\0\0\0xx"), "sierra-chunk"),
    (sierra(SHORT, body=b"\2\0\0\0\1\0\0\0\xff\xbf"), "sierra-lzw"),
    (sierra(SHORT, body=BOMB), "sierra-too-large"),
    (sierra(SHORT, encoding="utf-8").replace(b'numberofleads="12"', b'numberofleads="-1"'), "sierra-lead-names"),
    (sierra(SHORT, encoding="utf-8").replace(b'compression="XLI"', b'compression="ZIP"'), "sierra-compression"),
    (sierra(SHORT, encoding="utf-8").replace(b'bitspersample="16"', b'bitspersample="24"'), "sierra-sample-size"),
    (sierra(SHORT, encoding="utf-8").replace(b"parsedwaveforms", b"other"), "sierra-no-waveforms"),
])
def test_a_refusal_names_its_reason(data, reason):
    if reason is None:                     # without names twelve leads are the standard ones
        assert tuple(lead.name for lead in read(data).leads) == LEADS
    else:
        assert refusal(data) == reason
