"""A short number names one order or nobody; a press is good for this cart, this time, an ECG of nobody (A5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.core.ecg_pairing import CALL_WINDOW, SLACK, is_called, is_pairing_number, names_nobody, pairing_number
from gateway.core.order_matching import POINTS, Agreement
from gateway.settings import Settings
from storage.model import CompleteBy, Patient, PatientName, Study, StudyState
from storage.model.ecg_intake import EcgPairing

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
NUMBERS = [pairing_number(number.to_bytes(4, "big")) for number in range(0, 10_000, 37)]
PAIRING = EcgPairing("o", "s", NUMBERS[3], AT, AT, AT + CALL_WINDOW, "p", "cart")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


ONE, TWO = timedelta(minutes=1), timedelta(minutes=2)


def study(*, recorded: timedelta | None = ONE, arrived: timedelta = TWO, **patient) -> Study:
    said: dict[str, Any] = {"patient_id": "", "name": PatientName(""), "sex": "", "birth_date": None} | patient
    came = AT + arrived
    return Study("st", "1.2", "s", Patient("p", "s", **said), "cart", "ECG", "", "", "",
                 None if recorded is None else AT + recorded, None, "routine", StudyState.COMPLETE, 1, 1, came, came,
                 came, CompleteBy.SINGLE_FILE)


@pytest.mark.parametrize("number", NUMBERS)
def test_no_single_wrong_digit_and_no_swap_of_neighbours_names_another_order(number):
    assert is_pairing_number(number)
    for place in range(1, len(number)):
        for digit in "0123456789":
            wrong = number[:place] + digit + number[place + 1:]
            assert is_pairing_number(wrong) == (wrong == number)
        swapped = number[:place - 1] + number[place] + number[place - 1] + number[place + 1:]
        assert is_pairing_number(swapped) == (swapped == number)


@pytest.mark.parametrize("text", ["", "1", "123456", "90000", "9000000", "９00000", "9a0000", "P12345"])
def test_what_clinics_write_themselves_is_no_number(text):
    assert not is_pairing_number(text)


def test_numbers_are_of_six_digits_and_differ():
    assert all(len(number) == 6 and number.isdigit() for number in NUMBERS)
    assert len(set(NUMBERS)) == len(NUMBERS)


@pytest.mark.parametrize(("ecg", "meant"), [
    (study(), True), (study(recorded=minutes(-1.5)), True), (study(recorded=minutes(14), arrived=minutes(28)), True),
    (study(recorded=None), None), (study(recorded=minutes(-60)), None), (study(recorded=minutes(5)), None),
    (study(arrived=minutes(40), recorded=minutes(1)), False), (study(arrived=minutes(20), recorded=None), False),
    (study(arrived=minutes(-10), recorded=minutes(-11)), False),
    (study(patient_id="7"), False), (study(name=PatientName("演示")), False), (study(patient_id=NUMBERS[9]), False),
    (replace(study(), device_id="other"), False), (replace(study(), device_id=None), False)])
def test_a_press_means_an_ecg_of_nobody_of_this_cart_in_this_time(ecg, meant):
    assert is_called(ecg, PAIRING) is meant


def test_a_press_without_a_cart_is_never_certain():
    assert is_called(study(), replace(PAIRING, device_id=None)) is None


def test_nobody_pressed():
    assert is_called(study(), None) is False
    assert is_called(study(), replace(PAIRING, called_at=None)) is False


def test_number_or_press_is_enough_with_modality_and_time_alone_and_never_without():
    sure = Settings(data_dir=Path("unused")).order_match_sure
    for word in (Agreement.CART_NUMBER, Agreement.RECORDING_NOW):
        assert POINTS[word] < sure
        assert POINTS[word] + POINTS[Agreement.MODALITY] + POINTS[Agreement.CLOSE_IN_TIME] >= sure
    assert POINTS[Agreement.RECORDING_HERE] + POINTS[Agreement.MODALITY] + POINTS[Agreement.CLOSE_IN_TIME] < sure


@pytest.mark.parametrize(("patient", "is_nobody"), [
    ({}, True), ({"patient_id": "912345"}, True), ({"patient_id": "7"}, False),
    ({"name": PatientName("演示")}, False), ({"birth_date": AT.date()}, False)])
def test_who_names_nobody(patient, is_nobody):
    assert names_nobody(study(**patient).patient) is is_nobody
    assert minutes(2) == SLACK
