"""T6: every number stands in its place with its source, and the gateway's waits for a person's act (K2)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.core.ecg_intervals import changed_intervals, corrected_qt, intervals
from gateway.core.ecg_numbers import SourcedNumber, numbers_by_source
from gateway.core.ecg_report_text import UNCONFIRMED, filled_technique
from gateway.core.report_checks import PLACEHOLDER, sign_checks
from gateway.core.report_templates import find_template
from tests.support.report_builders import a_reading, a_study, a_text

T6 = find_template("T6")
assert T6 is not None
TECHNIQUE = T6.technique


def filled(**numbers: SourcedNumber) -> str:
    return filled_technique(TECHNIQUE, numbers)


def test_the_carts_number_is_text_with_its_source():
    assert "心率 72 次/分（设备）" in filled(heart_rate_bpm=SourcedNumber(device=72, gateway=71))


def test_the_doctors_number_comes_before_the_carts():
    text = filled(qt_ms=SourcedNumber(device=400, gateway=390, doctor=420),
                  qtc_bazett_ms=SourcedNumber(gateway=410, doctor=433), qtc_ms=SourcedNumber(device=415))
    assert "QT 420 ms（医师） QTc 433 ms Bazett（医师）" in text


def test_a_cart_with_a_qtc_of_its_own_is_quoted_without_a_formula():
    text = filled(qt_ms=SourcedNumber(device=400), qtc_ms=SourcedNumber(device=415),
                  qtc_bazett_ms=SourcedNumber(gateway=410))
    assert "QT 400 ms（设备） QTc 415 ms（设备）" in text


def test_the_gateways_number_stays_a_placeholder_that_blocks_the_signature():
    text = filled(heart_rate_bpm=SourcedNumber(gateway=71.6))
    assert f"心率【72 次/分（{UNCONFIRMED}）】" in text
    assert any("72 次/分" in hit for hit in PLACEHOLDER.findall(text))


def test_the_mark_without_the_brackets_blocks_the_signature_too():
    study = a_study()

    def codes(text):
        return {check.code: check.is_blocking for check in sign_checks(
            text, study=study, reading=a_reading(study), template=None, seen_instances=1)}

    assert codes(a_text()) == {}
    for field in ("technique", "findings", "impression"):
        change: Any = {field: f"心率 72 次/分（{UNCONFIRMED}）。右侧气胸。"}
        spoilt = replace(a_text(), **change)
        assert codes(spoilt)["unconfirmed"] is True


def test_what_nobody_measured_stays_open_and_nothing_is_made_up():
    assert filled() == TECHNIQUE
    text = filled(qt_ms=SourcedNumber(device=400))
    assert "QT 400 ms（设备） QTc【】ms" in text
    assert "心率【】次/分" in text


def test_conditions_of_recording_are_filled_where_the_file_states_them():
    text = filled_technique(TECHNIQUE, {}, filters="0.05-150 Hz", sampling_frequency_hz=599.880024)
    assert "滤波 0.05-150 Hz" in text
    assert "采样率 599.88 Hz" in text
    assert filled_technique(TECHNIQUE, {}) == TECHNIQUE


def test_two_voltages_are_added_only_from_one_source():
    both = filled(rv5_mv=SourcedNumber(device=1.1, gateway=1.2), sv1_mv=SourcedNumber(gateway=0.8))
    assert f"RV5+SV1【2.00 mV（{UNCONFIRMED}）】" in both
    apart = filled(rv5_mv=SourcedNumber(device=1.1), sv1_mv=SourcedNumber(gateway=0.8))
    assert "RV5+SV1【】mV" in apart


def test_other_templates_and_changed_ones_keep_their_words():
    other = find_template("T1")
    assert other is not None
    assert filled_technique(other.technique, {"heart_rate_bpm": SourcedNumber(device=72)}) == other.technique
    assert filled_technique("PR【】ms", {"pr_ms": SourcedNumber(device=150)}) == "PR【】ms"


def test_numbers_are_taken_from_the_doctor_then_the_device_then_the_gateway():
    numbers = numbers_by_source(device={"a": 1, "b": 1}, gateway={"a": 2, "b": 2, "c": 2}, doctor={"a": 3})
    assert {name: (number.source.value, number.value) for name, number in numbers.items()} == {
        "a": ("doctor", 3), "b": ("device", 1), "c": ("gateway", 2)}


def test_qt_is_corrected_by_four_formulas():
    """At 60 a minute all agree; at 100 a minute by hand: 350 ms, RR 0.6 s."""
    assert set(corrected_qt(400, 1000).values()) == {400}
    assert corrected_qt(350, 600) == {"qtc_bazett_ms": 451.8, "qtc_fridericia_ms": 415.0,
                                      "qtc_framingham_ms": 411.6, "qtc_hodges_ms": 420.0}


def test_intervals_need_both_their_points():
    assert intervals({"qrs_onset": 300_000.0, "qrs_offset": 390_000.0}, rr_ms=1000) == {"qrs_ms": 90.0}
    assert intervals({"qrs_onset": 300_000.0, "t_offset": 700_000.0}, rr_ms=None) == {"qt_ms": 400.0}


def test_only_what_was_moved_is_the_doctors():
    before = {"p_onset": 100.0, "qrs_onset": 300_000.0, "qrs_offset": 390_000.0, "t_offset": 700_000.0}
    moved = changed_intervals(before, before | {"t_offset": 720_000.0}, rr_ms=1000)
    assert set(moved) == {"qt_ms", "qtc_bazett_ms", "qtc_fridericia_ms", "qtc_framingham_ms", "qtc_hodges_ms"}
    assert changed_intervals(before, before, rr_ms=1000) == {}
