"""Say whose ECG it is when the cart knows no worklist: by a short number, or by "now recording for this person".

The clinic's page shows a number of six digits for every open ECG order: 9, four that were drawn, and a check digit
(Damm 2004, which finds every single wrong digit and every swap of neighbours), so that a slip of the finger names
nobody. Typed on the cart as Patient ID it says which order is meant. Where nothing is typed, a person presses "now
recording" at the page; the ECG without identity that this very cart records within the window is then that person's.

Points, not decisions: what contradicts still asks for a person (core/order_matching). Pure.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from storage.model import Patient, Study
from storage.model.ecg_intake import EcgPairing

CALL_WINDOW = timedelta(minutes=15)
SLACK = timedelta(minutes=2)             # between the clock of a cart and ours
NUMBERS_KEPT = timedelta(days=30)
NUMBER_LENGTH = 6
_FIRST = "9"
_DAMM = ("0317598642", "7092154863", "4206871359", "1750983426", "6123045978", "3674209581", "5869720134",
         "8945362017", "9438617205", "2581436790")


def pairing_number(random: bytes) -> str:
    """Six digits from two random bytes or more."""
    digits = f"{_FIRST}{int.from_bytes(random, 'big') % 10_000:04d}"
    return digits + _check_digit(digits)


def is_pairing_number(text: str) -> bool:
    """True if it can be one: of the right form, and no slip of the finger in it."""
    return is_number_like(text) and _check_digit(text[:-1]) == text[-1]


def is_number_like(text: str) -> bool:
    """True if somebody meant to type one, rightly or not."""
    return len(text) == NUMBER_LENGTH and text.isascii() and text.isdigit() and text[0] == _FIRST


def names_nobody(patient: Patient) -> bool:
    """True if an ECG says nothing of its patient, or nothing but a pairing number."""
    return (not patient.name.display and patient.birth_date is None
            and (not patient.patient_id or is_number_like(patient.patient_id)))


def is_numbered(study: Study, pairing: EcgPairing | None) -> bool:
    """True if the cart was given the number of this order."""
    return pairing is not None and study.patient.patient_id == pairing.number


def is_called(study: Study, pairing: EcgPairing | None) -> bool | None:
    """True: this very cart was recording for this order then. None: a cart of the site was, or may have been.

    An ECG that names somebody, or another number, is never meant. The cart's own clock must put the recording into
    the window: what a cart sends late, of somebody else, is not this person's.
    """
    if pairing is None or pairing.called_at is None or pairing.called_until is None or study.patient.patient_id \
            or not names_nobody(study.patient):
        return False
    if pairing.device_id is not None and pairing.device_id != study.device_id:
        return False
    begun, ended = pairing.called_at - SLACK, pairing.called_until + SLACK
    if not begun <= study.first_arrival_at <= ended + CALL_WINDOW:
        return False
    at = study.study_at
    if at is None:
        return None if study.first_arrival_at <= ended else False
    if begun <= at <= min(ended, study.first_arrival_at + SLACK):
        return True if pairing.device_id is not None else None
    return False if study.first_arrival_at > ended else None


def window_from(at: datetime) -> datetime:
    """Until when a call that begins now is good."""
    return at + CALL_WINDOW


def _check_digit(digits: str) -> str:
    row = 0
    for digit in digits:
        row = int(_DAMM[row][int(digit)])
    return str(row)
