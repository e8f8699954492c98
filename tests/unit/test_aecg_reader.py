"""What an aECG holds beside its rhythm, and the many ways to write it (B8)."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.core.waveform import EcgMark
from gateway.formats.hl7_aecg import read as read_aecg
from tests.support.ecg_builders import RECORDED_AT, TESTDATA, aecg, aecg_measurement, known_samples, needs_testdata

ZONE = ZoneInfo("Asia/Shanghai")
SHORT = known_samples(leads=("II",), count=20)
BEAT = ('<derivation><derivedSeries><code code="REPRESENTATIVE_BEAT"/><component><sequenceSet><component><sequence>'
        '<code code="TIME_RELATIVE"/><value><head value="100" unit="ms"/><increment value="1" unit="ms"/></value>'
        '</sequence></component><component><sequence><code code="MDC_ECG_LEAD_II"/><value>'
        '<origin value="0" unit="uV"/><scale value="1" unit="uV"/><digits>1 2 3</digits></value>'
        '</sequence></component></sequenceSet></component>'
        "<subjectOf><annotationSet>{}</annotationSet></subjectOf></derivedSeries></derivation>")


def read(data: bytes):
    return read_aecg(data, time_zone=ZONE)


def with_beat(annotations: str = "", beat: str = BEAT) -> bytes:
    return aecg(SHORT).replace(b"</series>", beat.format(annotations).encode() + b"</series>")


def wave(code: str, value: str) -> str:
    return (f'<component><annotation><code code="MDC_ECG_WAVC"/><value code="MDC_ECG_WAVC_{code}"/><support>'
            f'<supportingROI><component><boundary><code code="TIME_ABSOLUTE"/><value>{value}</value></boundary>'
            '</component><component><boundary><code code="MDC_ECG_LEAD_AVR"/></boundary></component></supportingROI>'
            "</support></annotation></component>")


def test_the_representative_beat_is_kept_beside_the_rhythm():
    record = read(with_beat(wave("TWAVE", '<high value="102" unit="ms"/>')))
    assert record.sample_count == 20
    assert [beat.nanovolts().tolist() for beat in record.representative_beats] == [[1000, 2000, 3000]]
    assert record.beat_interval_us == 1000
    assert record.marks == (EcgMark("t_offset", 2000, lead="aVR", is_on_representative_beat=True),)


@pytest.mark.parametrize(("good", "bad"), [
    ("<digits>1 2 3", "<digits>1 x 3"), ('<increment value="1" unit="ms"/>', ""),
    ('<scale value="1" unit="uV"/>', "")])
def test_a_damaged_beat_never_costs_the_rhythm(good, bad):
    record = read(with_beat(beat=BEAT.replace(good, bad)))
    assert (record.sample_count, record.representative_beats, record.beat_interval_us) == (20, (), 0)
    assert record.warnings[0].startswith("The representative beat is not shown: ")


def test_a_mark_with_an_absolute_time_is_counted_from_the_first_sample():
    record = read(aecg(SHORT, annotations=wave("QRSWAVE", '<low value="20260302083000.270"/>'
                                                          '<high value="20260302083000.390"/>')))
    assert record.marks == (EcgMark("qrs_onset", 270_000, lead="aVR"), EcgMark("qrs_offset", 390_000, lead="aVR"))


def test_the_numbers_of_one_beat_are_not_those_of_the_ecg():
    """K2."""
    one_beat = ('<component><annotation><code code="MDC_ECG_BEAT"/>'
                f'{aecg_measurement("MDC_ECG_TIME_PD_PR", 99, "ms")}</annotation></component>')
    record = read(aecg(SHORT, annotations=one_beat + aecg_measurement("MDC_ECG_TIME_PD_PR_GL", 148, "ms")))
    assert record.measurements == {"pr_ms": 148}


@pytest.mark.parametrize(("head", "at"), [
    ("20260302083000", RECORDED_AT), ("20260302083000.000", RECORDED_AT), ("20260302013000+0100", RECORDED_AT),
    ("20260301193000-0500", RECORDED_AT), ("202603020830", RECORDED_AT),
    ("20260302083000.125", datetime(2026, 3, 2, 0, 30, 0, 125_000, UTC))])
def test_a_time_has_its_own_zone_or_that_of_the_site(head, at):
    assert read(aecg(SHORT, head=head)).recorded_at == at


@pytest.mark.parametrize("place", [
    '<effectiveTime value="20260302083000"/>', '<effectiveTime><low value="20260302083000"/></effectiveTime>',
    '<effectiveTime><center value="20260302083000"/></effectiveTime>',
    '<effectiveTime><high value="20260302083000"/></effectiveTime>'])
def test_without_a_head_the_effective_time_says_when(place):
    data = aecg(SHORT, head="").replace(b'<id root="1"/>', place.encode())
    assert read(data).recorded_at == RECORDED_AT


def test_prefixes_a_wrapper_and_no_namespace_at_all_make_no_difference():
    plain = read(aecg(SHORT))
    bare = aecg(SHORT).replace(b' xmlns="urn:hl7-org:v3"', b"")
    wrapped = aecg(SHORT).replace(b"<AnnotatedECG ", b"<Envelope><Body><AnnotatedECG ").replace(
        b"</AnnotatedECG>", b"</AnnotatedECG></Body></Envelope>")
    for data in (bare, wrapped):
        assert read(data).leads[0].sha256_nanovolts() == plain.leads[0].sha256_nanovolts()
        assert read(data).recorded_at == plain.recorded_at


@needs_testdata
def test_the_published_example_has_its_beat_its_marks_and_its_maker():
    record = read((TESTDATA / "aecg" / "ecgtoolkit_example.xml").read_bytes())
    assert [len(beat.samples) for beat in record.representative_beats] == [599] * 12
    on_beat = {mark.kind: mark.at_us for mark in record.marks if mark.is_on_representative_beat}
    assert on_beat == {"p_onset": 286_000, "p_offset": 388_000, "qrs_onset": 434_000, "qrs_offset": 554_000,
                       "t_offset": 854_000}
    assert record.measurements["pr_ms"] == (on_beat["qrs_onset"] - on_beat["p_onset"]) / 1000
    assert (record.device_maker, record.patient.age_years) == ("Mortara Instrument, Inc.", 46)
    assert record.filters == "<150 Hz, notch 60 Hz"
