"""What a resident's identity number says of itself, and whether it agrees with what else is known (A6, GB 11643).

Six digits of the region, the birth date, three digits of order of which the last is odd for men, and a check digit.
A number that does not agree is a warning for a person, never a reason to refuse a patient.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"


class IdCardWarning(StrEnum):
    """Machine words that the screens translate."""

    SHAPE = "id-card-shape"              # not 17 digits and a digit or X
    CHECK_DIGIT = "id-card-check-digit"
    NO_SUCH_DATE = "id-card-no-such-date"
    OTHER_BIRTH_DATE = "id-card-other-birth-date"
    OTHER_SEX = "id-card-other-sex"


@dataclass(frozen=True, slots=True)
class IdCard:
    """What a well-formed number says."""

    number: str
    birth_date: date | None              # None: there is no such day
    sex: str                             # M or F
    has_right_check_digit: bool


def read_id_card(text: str) -> IdCard | None:
    """Read a number as typed; None if it has not the shape of one."""
    number = tidy_id_card(text)
    if len(number) != 18 or not number.isascii() or not number[:17].isdigit() or number[17] not in "0123456789X":
        return None
    try:
        birth_date = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        birth_date = None
    return IdCard(number, birth_date, "M" if int(number[16]) % 2 else "F", number[17] == check_digit(number[:17]))


def check_digit(first_17_digits: str) -> str:
    """The 18th character that belongs to the first 17 (ISO 7064 MOD 11-2)."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, first_17_digits, strict=True))
    return _CHECK_DIGITS[total % 11]


def id_card_warnings(text: str, *, birth_date: date | None, sex: str) -> list[IdCardWarning]:
    """Return what does not agree; empty too where no number is given. An unknown birth date or sex always agrees."""
    if not text.strip():
        return []
    card = read_id_card(text)
    if card is None:
        return [IdCardWarning.SHAPE]
    found = [] if card.has_right_check_digit else [IdCardWarning.CHECK_DIGIT]
    if card.birth_date is None:
        found.append(IdCardWarning.NO_SUCH_DATE)
    elif birth_date is not None and birth_date != card.birth_date:
        found.append(IdCardWarning.OTHER_BIRTH_DATE)
    if sex in ("M", "F") and sex != card.sex:
        found.append(IdCardWarning.OTHER_SEX)
    return found


def tidy_id_card(text: str) -> str:
    """Without spaces, full-width digits made plain, a small x made X."""
    plain = "".join(chr(ord(c) - 0xFEE0) if "\uff01" <= c <= "\uff5e" else c for c in text)
    return "".join(plain.split()).upper()
