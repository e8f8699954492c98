"""The gateway finds every heartbeat of an ECG, whatever its rate, shape, size and sampling frequency (B8)."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from gateway.core.ecg_analysis import METHOD, EcgAnalysis
from gateway.core.waveform import EcgLead, EcgRecord
from gateway.signals.analyse import analyse
from tests.support.annotated_ecgs import TUNING, compare_beats, ludb, ludb_beats, mit_bih_100
from tests.support.ecg_builders import needs_testdata
from tests.support.ecg_signals import (
    ECTOPIC,
    PACED,
    SINUS,
    WITHOUT_P,
    Beat,
    Made,
    Wave,
    build,
    irregular,
    microvolts,
    regular,
    with_microvolts,
)


def assert_all_found(made: Made, found: EcgAnalysis, tolerance_s: float = 0.03) -> None:
    at = np.array(found.beats_us) / 1e6
    assert len(at) == len(made.beats_s)
    assert np.abs(at - np.array(made.beats_s)).max() < tolerance_s


def fast_beat(heart_rate_bpm: float) -> Beat:
    """As in a tachycardia: no P to see, T over before the next beat."""
    return Beat(p=(), t=(Wave(80, 80 + 14_000 / heart_rate_bpm, (200, 150, -60)),))


@pytest.mark.parametrize("heart_rate_bpm", [30, 40, 60, 75, 100, 130, 160, 200, 220])
def test_every_beat_is_found_at_any_rate(heart_rate_bpm: int) -> None:
    beats = [at for at in regular(heart_rate_bpm) if at < 9.8]
    kind = SINUS if heart_rate_bpm <= 100 else fast_beat(heart_rate_bpm)
    made = build(beats, kinds=[kind] * len(beats))
    found = analyse(made.record)
    assert_all_found(made, found)
    assert found.measurements["heart_rate_bpm"] == pytest.approx(heart_rate_bpm, abs=0.5)
    assert found.method == METHOD


@pytest.mark.parametrize("sampling_frequency_hz", [200, 240, 250, 360, 500, 599.88, 800, 1000])
def test_every_beat_is_found_at_any_sampling_frequency(sampling_frequency_hz: float) -> None:
    made = build(regular(72), sampling_frequency_hz=sampling_frequency_hz)
    assert_all_found(made, analyse(made.record))


@pytest.mark.parametrize("amplitude", [0.12, 0.3, 4.0, -1.0, -0.2])
def test_small_large_and_inverted_complexes_are_found(amplitude: float) -> None:
    made = build(regular(66), amplitude=amplitude)
    assert_all_found(made, analyse(made.record))


@pytest.mark.parametrize("first_s", [0.06, 0.1, 0.2, 0.3])
def test_the_beats_at_both_edges_count(first_s: float) -> None:
    beats = [first_s + n * (10 - 2 * first_s) / 11 for n in range(12)]
    made = build(beats)
    assert_all_found(made, analyse(made.record))


def test_an_irregular_rhythm_is_followed_beat_by_beat() -> None:
    beats = [at for at in irregular(seed=5) if at < 9.8]
    made = build(beats, kinds=[WITHOUT_P] * len(beats), fibrillation_uv=40)
    found = analyse(made.record)
    assert_all_found(made, found)
    assert np.allclose(found.rr_ms, np.diff(beats) * 1000, atol=12)


def test_ectopic_beats_are_beats() -> None:
    beats, kinds = regular(70), [SINUS] * 12
    for number in (3, 7):
        beats[number] -= 0.25
        kinds[number] = ECTOPIC
    made = build(beats, kinds=kinds)
    assert_all_found(made, analyse(made.record), tolerance_s=0.06)


def test_a_pacemaker_spike_is_not_a_beat() -> None:
    beats = regular(70)
    made = build(beats, kinds=[PACED] * len(beats), spikes_s=[at - 0.075 for at in beats])
    assert_all_found(made, analyse(made.record), tolerance_s=0.06)


def test_a_long_pause_is_one_long_interval() -> None:
    beats = [*regular(70, 4.0), *(at + 7.6 for at in regular(70, 2.2))]
    made = build(beats)
    found = analyse(made.record)
    assert_all_found(made, found)
    assert max(found.rr_ms) == pytest.approx(np.diff(beats).max() * 1000, abs=6)


@pytest.mark.parametrize("noise_uv", [20, 40, 80])
def test_noise_neither_hides_nor_makes_beats(noise_uv: float) -> None:
    made = build(regular(75), noise_uv=noise_uv)
    assert_all_found(made, analyse(made.record))


@pytest.mark.parametrize("duration_s", [2.5, 3.0, 5.0])
def test_short_records_give_their_beats(duration_s: float) -> None:
    made = build(regular(80, duration_s - 0.1), duration_s=duration_s)
    assert_all_found(made, analyse(made.record))


@pytest.mark.parametrize("leads", [("II",), ("V5",), ("I", "II"), ("V1", "V2", "V3"), ("I", "II", "V1", "V5")])
def test_any_set_of_leads_will_do(leads: tuple[str, ...]) -> None:
    made = build(regular(75), leads=leads)
    assert_all_found(made, analyse(made.record), tolerance_s=0.05)       # V1 to V3 peak later than the vector


def test_dead_leads_do_not_vote() -> None:
    made = build(regular(75))
    signals = microvolts(made.record)
    for name in ("I", "III", "V1", "V2", "V3"):
        signals[name] = np.zeros_like(signals[name])
    assert_all_found(made, analyse(with_microvolts(made.record, signals)))


@pytest.mark.parametrize("samples", [0, 1, 2, 30, 400])
def test_records_of_no_length_and_without_a_wave_give_no_beat(samples: int) -> None:
    leads = tuple(EcgLead(name, "", np.zeros(samples, np.int32), 1000.0) for name in ("I", "II", "V1"))
    found = analyse(EcgRecord("wfdb", 2000.0, leads, None))
    assert not found.beats_us
    assert "heart_rate_bpm" not in found.measurements


def test_a_record_without_leads_or_without_a_usable_gain_is_no_error() -> None:
    assert not analyse(EcgRecord("wfdb", 2000.0, (), None)).beats_us
    broken = EcgLead("II", "", np.arange(5000, dtype=np.int32), float("nan"))
    assert not analyse(EcgRecord("wfdb", 2000.0, (broken,), None)).beats_us


def test_samples_without_value_are_bridged_and_not_counted_over() -> None:
    made = build(regular(75))
    missing = np.zeros(5000, np.bool_)
    missing[2000:3500] = True                       # 4 s to 7 s: nobody knows what beat there
    leads = tuple(replace(lead, missing=missing) for lead in made.record.leads)
    found = analyse(replace(made.record, leads=leads))
    at = np.array(found.beats_us) / 1e6
    kept = [beat for beat in made.beats_s if not 3.95 < beat < 7.05]
    assert all(np.abs(at - beat).min() < 0.03 for beat in kept)
    assert not ((at > 4.05) & (at < 6.95)).any()
    assert max(found.rr_ms) < 900


def test_half_an_hour_takes_bounded_time_and_memory() -> None:
    short = build(regular(75, 60.0), duration_s=60.0, sampling_frequency_hz=250, leads=("I", "II", "V1", "V5"))
    leads = tuple(replace(lead, samples=np.tile(lead.samples, 30)) for lead in short.record.leads)
    record = replace(short.record, leads=leads)
    analyse(short.record)                           # sleepecg is imported once
    tracemalloc.start()
    started = time.process_time()
    found = analyse(record)
    seconds = time.process_time() - started
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert abs(len(found.beats_us) - 30 * len(short.beats_s)) <= 30
    assert seconds < 20                             # 1,800 s of ECG; tracing slows it down
    assert peak < 6 * sum(lead.samples.nbytes for lead in leads)


def test_the_same_samples_give_the_same_analysis() -> None:
    made = build(regular(75), noise_uv=30)
    one, other = analyse(made.record), analyse(made.record)
    assert (one.beats_us, one.measurements, one.fiducials_us, one.hints) == \
        (other.beats_us, other.measurements, other.fiducials_us, other.hints)


@needs_testdata
def test_beats_of_real_ecgs_are_found_ludb_tuning_records() -> None:
    total = np.zeros(3, np.int64)
    for number in TUNING:
        record = ludb(number)
        found = np.rint(np.array(analyse(record).beats_us) / record.interval_us).astype(np.int64)
        total += compare_beats(found, ludb_beats(number), record.sampling_frequency_hz)
    hit, missed, invented = total
    print(f"LUDB tuning records: {hit} found, {missed} missed, {invented} invented")
    assert hit / (hit + missed) >= 0.998
    assert hit / (hit + invented) >= 0.997


@needs_testdata
def test_beats_of_a_real_recording_of_half_an_hour_are_found() -> None:
    record, annotated = mit_bih_100()
    found = np.rint(np.array(analyse(record).beats_us) / record.interval_us).astype(np.int64)
    hit, missed, invented = compare_beats(found, annotated, record.sampling_frequency_hz)
    print(f"MIT-BIH 100: {hit} found, {missed} missed, {invented} invented")
    assert hit / (hit + missed) >= 0.998
    assert hit / (hit + invented) >= 0.997
