"""GE MUSE XML, made here, is read to the nanovolt; ecgdatakit reads the same (B8)."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgMark
from gateway.formats import muse_xml
from gateway.formats.ecg import recognise
from tests.support.ecg_builders import RECORDED_AT, known_samples, sha256_nanovolts
from tests.support.ecg_oracles import ecgdatakit_nanovolts
from tests.support.muse_builders import MUSE_LEADS, muse

ZONE = ZoneInfo("Asia/Shanghai")
SHORT = known_samples(leads=MUSE_LEADS, count=60)


def read(data: bytes):
    return muse_xml.read(data, time_zone=ZONE)


def refusal(data: bytes) -> str:
    with pytest.raises(Unreadable) as refused:
        read(data)
    return refused.value.reason


def test_every_stored_lead_is_the_same_here_and_in_ecgdatakit(tmp_path):
    data = muse()
    record = read(data)
    assert recognise(data) == record.format == "muse_xml"
    assert {lead.name: lead.sha256_nanovolts() for lead in record.leads} == {
        lead: sha256_nanovolts(values, 4880) for lead, values in known_samples(leads=MUSE_LEADS).items()}
    assert (record.interval_us, record.recorded_at, record.warnings) == (2000, RECORDED_AT, ())
    theirs = ecgdatakit_nanovolts(data, tmp_path / "one.xml")
    assert list(theirs) == [lead.name for lead in record.leads]
    for lead in record.leads:
        assert np.array_equal(lead.nanovolts(), theirs[lead.name])


def test_patient_device_filters_and_order_are_read():
    record = read(muse(SHORT, order="A77"))
    assert (record.patient.patient_id, record.patient.name, record.patient.sex) == ("P1", "演示甲", "M")
    assert record.patient.birth_date is not None
    assert (record.patient.birth_date.isoformat(), record.patient.age_years) == ("1960-04-05", 65)
    assert (record.device_model, record.device_serial, record.accession_number) == ("Demo cart", "SN7", "A77")
    assert record.filters == "0.16-150 Hz, notch 50 Hz"


@pytest.mark.parametrize(("encoding", "declared", "is_guessed"), [
    ("UTF-8", None, False), ("GBK", "GBK", False), ("GBK", "ISO-8859-1", True), ("GBK", "UTF-8", True),
    ("UTF-8", "ISO-8859-1", True), ("UTF-16", "UTF-16", False)])
def test_chinese_text_is_read_whatever_the_file_declares(encoding, declared, is_guessed):
    """C1: the evidence of the bytes goes before a wrong declaration, and a guess keeps the bytes."""
    record = read(muse(SHORT, encoding=encoding, declared=declared, last_name="乗", first_name="玘",
                       statements=(("窦性心律", True), ("正常心电图", True))))
    assert record.patient.name == "乗玘"
    assert record.statements == ("窦性心律", "正常心电图")
    assert record.patient.is_name_guessed is is_guessed
    assert record.patient.name_raw_hex == ("乗玘".encode(encoding).hex() if is_guessed else "")


def test_western_letters_in_latin_1_stay_what_they_are():
    assert read(muse(SHORT, encoding="ISO-8859-1", last_name="Müller", first_name="Zoë")).patient.name == "Müller Zoë"


def test_sampling_frequency_is_base_times_a_power_of_ten():
    assert read(muse(SHORT, base="5", exponent="2")).interval_us == 2000
    assert read(muse(SHORT, base="250", exponent="0")).interval_us == 4000
    assert read(muse(SHORT, base="10000", exponent="-1")).interval_us == 1000


@pytest.mark.parametrize(("unit", "step", "nanovolts"), [
    ("MICROVOLTS", "4.88", 4880), ("MILLIVOLTS", "0.005", 5000), ("NANOVOLTS", "2500", 2500)])
def test_the_gain_is_what_the_file_states(unit, step, nanovolts):
    assert read(muse(SHORT, unit=unit, units_per_bit=step)).leads[0].nv_per_unit == nanovolts


def test_measurements_have_our_names_and_nothing_measured_is_nothing():
    """K2: a rate of zero is no rate; an axis of zero is one."""
    record = read(muse(SHORT, measurements={
        "VentricularRate": "72", "AtrialRate": "0", "PRInterval": "", "QRSDuration": "94", "QTCorrected": "431",
        "PAxis": "0", "QTcFrederica": "419"}))
    assert record.measurements == {"heart_rate_bpm": 72, "qrs_ms": 94, "qtc_ms": 431, "p_axis_deg": 0,
                                   "qtc_fridericia_ms": 419}


def test_onsets_are_samples_of_the_median_beat_and_beats_are_milliseconds_of_the_rhythm():
    median = known_samples(leads=MUSE_LEADS, count=600, seed=3)
    record = read(muse(SHORT, median=median, qrs_times_ms=(614,), measurements={
        "QOnset": "219", "TOffset": "383", "ECGSampleBase": "500", "ECGSampleExponent": "0"}))
    assert record.marks == (EcgMark("beat", 614_000, text="type 0"),
                            EcgMark("qrs_onset", 438_000, is_on_representative_beat=True),
                            EcgMark("t_offset", 766_000, is_on_representative_beat=True))
    assert record.beat_interval_us == 2000
    assert {b.name: b.sha256_nanovolts() for b in record.representative_beats} == {
        lead: sha256_nanovolts(values, 4880) for lead, values in median.items()}


def test_statement_texts_are_joined_to_the_end_of_their_line():
    record = read(muse(SHORT, statements=(("Sinus rhythm", False), ("with ectopics", True), ("Normal else", True))))
    assert record.statements == ("Sinus rhythm with ectopics", "Normal else")


def test_what_a_person_confirmed_is_told_apart_from_what_the_cart_said():
    """K3: the reader must know whose words these are."""
    record = read(muse(SHORT, statements=(("窦性心律", True),), original=(("窦性心律", True), ("正常心电图", True)),
                       status="CONFIRMED"))
    assert record.statements == ("窦性心律",)
    assert any("CONFIRMED" in note for note in record.notes)
    assert "The cart itself had said: 窦性心律 | 正常心电图" in record.notes


def test_the_alarm_frame_of_stars_makes_a_statement_critical():
    record = read(muse(SHORT, statements=(("** ** ** ACUTE MI ** ** **", True), ("Sinus rhythm", True))))
    assert record.critical_statements == ("** ** ** ACUTE MI ** ** **",)


def test_a_wrong_checksum_and_facts_that_do_not_fit_are_said():
    warnings = read(muse({"II": SHORT["II"]}, crc=1, lead_facts="<LeadOff>TRUE</LeadOff>")).warnings
    assert warnings == ("The checksum of lead II is wrong: its samples may be damaged.",
                        "The cart says that lead II was off.")
    data = muse({"II": SHORT["II"]}).replace(b"<LeadSampleCountTotal>60<", b"<LeadSampleCountTotal>5000<")
    assert read(data).warnings == ("Lead II holds 60 and not 5000 as LeadSampleCountTotal says.",)


@pytest.mark.parametrize(("old", "new"), [
    (b"<WaveFormData>", b"<WaveFormData>*"), (b"<LeadAmplitudeUnitsPerBit>4.88<", b"<LeadAmplitudeUnitsPerBit><"),
    (b"<SampleBase>500<", b"<SampleBase>0<"),
])
def test_damaged_median_beats_do_not_cost_the_rhythm(old, new):
    """B8: an ECG that can be read is not refused for what lies beside it."""
    whole = muse(SHORT, median=SHORT)
    begin, end = whole.split(b"</Waveform>", 1)
    record = read(begin.replace(old, new) + b"</Waveform>" + end)
    assert [lead.name for lead in record.leads] == list(SHORT)
    assert record.representative_beats == ()
    assert record.beat_interval_us == 0
    assert len(record.warnings) == 1
    assert record.warnings[0].startswith("The median beats are not shown: ")


def test_onsets_without_a_sampling_frequency_are_left_out_and_said():
    record = read(muse(SHORT, measurements={"ECGSampleBase": "0", "POnset": "100"}))
    assert record.marks == ()
    assert record.warnings == ("The onsets of waves state no sampling frequency and are not shown.",)


@pytest.mark.parametrize(("data", "reason"), [
    (muse(SHORT, units_per_bit=""), "muse-uncalibrated"),
    (muse(SHORT, units_per_bit="0"), "muse-uncalibrated"),
    (muse(SHORT, unit="FURLONGS"), "muse-uncalibrated"),
    (muse(SHORT, base=""), "muse-no-sampling-frequency"),
    (muse(SHORT, exponent="999999"), "muse-no-sampling-frequency"),
    (muse(SHORT).replace(b"Rhythm", b"Median"), "muse-no-rhythm"),
    (muse({"II": np.zeros(0, dtype=np.int32)}), "muse-no-samples"),
    (muse(SHORT).replace(b"<WaveFormData>", b"<WaveFormData>*"), "muse-base64"),
    (muse(SHORT).replace(b"<LeadSampleSize>2<", b"<LeadSampleSize>4<"), "muse-sample-size"),
    (muse(SHORT, doctype='<!DOCTYPE RestingECG [<!ENTITY a "b">]>'), "muse-entity"),
    (muse(SHORT, doctype='<!DOCTYPE RestingECG [<!ENTITY % a SYSTEM "file:///etc/passwd">]>'), "muse-entity"),
    (muse(SHORT)[:2000], "muse-not-well-formed"),
])
def test_a_refusal_names_its_reason(data, reason):
    assert refusal(data) == reason
