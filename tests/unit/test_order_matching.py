"""How well a study and an order fit (A5–A7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.core.id_card import check_digit
from gateway.core.order_matching import (
    POINTS,
    Agreement,
    Contradiction,
    best_first,
    certain,
    is_in_window,
    match,
)
from storage.model import CompleteBy, Confidence, Patient, PatientName, Study, StudyState
from storage.model.orders import Order, OrderSource, OrderState

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
BORN = date(1970, 1, 2)
SURE, SHOWN = 60, 35


def study(*, name="演示甲", patient_id="console-17", sex="M", born=BORN, modality="DX", accession="", uid="1.2.3",
          at=AT, alphabetic="", confidence=Confidence.DECLARED, body_part="CHEST") -> Study:
    patient = Patient("p", "east", patient_id, PatientName(name, alphabetic, name, confidence), sex, born)
    return Study("s", uid, "east", patient, None, modality, body_part, "", accession, at, None, "routine",
                 StudyState.COMPLETE, 1, None, AT, AT, AT, CompleteBy.QUIET_TIME)


def order(order_id="o", **changes) -> Order:
    made = Order(
        id=order_id, site_id="east", state=OrderState.SCHEDULED, source=OrderSource.UI, accession_number="A1",
        study_instance_uid="9.9.9", requested_procedure_id="R1", scheduled_step_id="S1", patient_id="M100",
        patient_name="演示甲", name_alphabetic="Yanshi^Jia", modality="DX", scheduled_at=AT, created_at=AT,
        created_by="u", updated_at=AT, sex="M", birth_date=BORN, body_part="CHEST")
    return replace(made, **changes)


def test_name_sex_birth_date_examination_and_time_together_need_no_person():
    """A5."""
    found = match(study(), order())
    assert found.contradictions == ()
    assert found.score >= SURE
    assert certain([found], sure=SURE) == found


@pytest.mark.parametrize("agreement", list(Agreement))
def test_no_single_agreement_is_enough(agreement):
    assert POINTS[agreement] < SURE


def test_two_orders_that_fit_equally_ask_a_person():
    """Twins of one name, or one patient with two films."""
    both = [match(study(), order("a")), match(study(), order("b", scheduled_at=AT + timedelta(hours=1)))]
    assert certain(both, sure=SURE) is None
    assert {found.order_id for found in best_first(both, worth_showing=SHOWN)} == {"a", "b"}


@pytest.mark.parametrize(("changes", "word"), [
    ({"birth_date": date(1971, 1, 2)}, Contradiction.OTHER_BIRTH_DATE), ({"sex": "F"}, Contradiction.OTHER_SEX),
    ({"patient_name": "演示乙", "name_alphabetic": "Yanshi^Yi"}, Contradiction.OTHER_NAME),
    ({"modality": "CT"}, Contradiction.OTHER_MODALITY)])
def test_a_contradiction_always_asks_a_person_however_much_agrees(changes, word):
    found = match(study(accession="A1", patient_id="M100"), order(**changes))
    assert word in found.contradictions
    assert certain([found], sure=SURE) is None
    assert best_first([found], worth_showing=SHOWN) == [found]


def test_the_orders_own_uid_under_another_patient_id_is_shown_and_never_certain():
    """A7: a second Patient ID on a known UID is a conflict to resolve."""
    found = match(study(uid="9.9.9"), order())
    assert Contradiction.OTHER_PATIENT_ID in found.contradictions
    assert certain([found], sure=SURE) is None
    assert best_first([found], worth_showing=SHOWN) == [found]


def test_a_patient_id_that_the_console_made_up_is_no_contradiction():
    assert match(study(patient_id="20260302-3"), order()).contradictions == ()


def test_what_nobody_knows_neither_agrees_nor_contradicts():
    found = match(study(sex="", born=None, name=""), order())
    assert found.contradictions == ()
    assert not {Agreement.SEX, Agreement.BIRTH_DATE, Agreement.NAME} & set(found.agreements)


def test_pinyin_on_the_console_agrees_with_the_orders_latin_letters():
    assert Agreement.NAME in match(study(name="YANSHI^JIA", alphabetic="YANSHI^JIA"), order()).agreements


def test_a_guessed_name_may_agree_but_not_contradict():
    """C4: a guess is no evidence against anybody."""
    assert Agreement.NAME in match(study(confidence=Confidence.GUESSED), order()).agreements
    other = match(study(name="乱码", confidence=Confidence.GUESSED), order())
    assert Contradiction.OTHER_NAME not in other.contradictions


def test_an_identity_number_typed_as_patient_id_counts_and_contradicts():
    """A6."""
    first = "33010119700102123"
    ours, theirs = first + check_digit(first), "33010119700102124" + check_digit("33010119700102124")
    assert Agreement.ID_CARD in match(study(patient_id=ours), order(id_card_number=ours)).agreements
    assert Contradiction.OTHER_ID_CARD in match(study(patient_id=theirs), order(id_card_number=ours)).contradictions


def test_a_film_is_a_film_whatever_code_the_console_writes():
    assert Agreement.MODALITY in match(study(modality="CR"), order(modality="DX")).agreements


def test_a_device_clock_that_is_years_off_is_not_used():
    found = match(study(at=datetime(1990, 1, 1, tzinfo=UTC)), order())
    assert Agreement.CLOSE_IN_TIME in found.agreements


@pytest.mark.parametrize(("days", "inside"), [(-6, True), (-8, False), (1, True), (3, False)])
def test_an_order_far_from_the_study_is_no_candidate(days, inside):
    assert is_in_window(study(), order(scheduled_at=AT + timedelta(days=days))) is inside


def test_orders_of_strangers_are_not_shown():
    stranger = order(patient_name="演示丙", name_alphabetic="Yanshi^Bing", sex="F", birth_date=date(1999, 9, 9))
    assert best_first([match(study(), stranger)], worth_showing=SHOWN) == []
