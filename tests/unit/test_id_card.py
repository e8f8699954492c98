"""A6: what an identity number says, and what does not agree with it."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.core.id_card import IdCardWarning, check_digit, id_card_warnings, read_id_card, tidy_id_card

# The example of GB 11643-1999 itself, and numbers made from it by hand with the printed weights.
STANDARD = "11010519491231002X"


def test_the_example_of_the_standard_is_read():
    card = read_id_card(STANDARD)
    assert card is not None
    assert (card.birth_date, card.sex, card.has_right_check_digit) == (date(1949, 12, 31), "F", True)


def test_exactly_one_of_the_eleven_check_digits_is_right():
    right = [digit for digit in "0123456789X"
             if id_card_warnings(STANDARD[:17] + digit, birth_date=None, sex="") == []]
    assert right == ["X"] == [check_digit(STANDARD[:17])]


def test_every_wrong_digit_and_every_swap_of_neighbours_is_noticed():
    for place in range(17):
        for digit in set("0123456789") - {STANDARD[place]}:
            changed = STANDARD[:place] + digit + STANDARD[place + 1:]
            assert IdCardWarning.CHECK_DIGIT in id_card_warnings(changed, birth_date=None, sex="")
    for place in range(16):
        a, b = STANDARD[place], STANDARD[place + 1]
        swapped = STANDARD[:place] + b + a + STANDARD[place + 2:]
        if a != b:
            assert IdCardWarning.CHECK_DIGIT in id_card_warnings(swapped, birth_date=None, sex="")


@pytest.mark.parametrize(("number", "birth_date", "sex", "warnings"), [
    (STANDARD, date(1949, 12, 31), "F", []),
    (STANDARD, date(1949, 12, 30), "M", [IdCardWarning.OTHER_BIRTH_DATE, IdCardWarning.OTHER_SEX]),
    (STANDARD, None, "O", []), (STANDARD, None, "", []), ("", date(2000, 1, 1), "M", []),
    ("110105491231002", None, "", [IdCardWarning.SHAPE]), ("ABCDEF19491231002X", None, "", [IdCardWarning.SHAPE]),
    ("110105194912310020", None, "", [IdCardWarning.CHECK_DIGIT]),
    ("11010519491331002" + check_digit("11010519491331002"), date(1949, 12, 31), "", [IdCardWarning.NO_SUCH_DATE]),
    ("١١٠١٠٥١٩٤٩١٢٣١٠٠٢X", None, "", [IdCardWarning.SHAPE]),
])
def test_what_does_not_agree_is_named(number, birth_date, sex, warnings):
    assert id_card_warnings(number, birth_date=birth_date, sex=sex) == warnings


def test_spaces_small_letters_and_full_width_digits_are_tidied():
    assert tidy_id_card(" 110105 19491231 002x ") == STANDARD
    assert tidy_id_card("１１０１０５１９４９１２３１００２Ｘ") == STANDARD
