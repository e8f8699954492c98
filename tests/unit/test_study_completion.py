"""When a study has stopped arriving (B9)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.study_completion import (
    Habit,
    Wait,
    completion,
    evident,
    habit_of,
    is_count_reached,
    named_by,
    quiet_of,
)
from storage.model import CompleteBy
from storage.model.commitments import Evidence, EvidenceKind

LAST = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
QUIET, LONG_QUIET = timedelta(seconds=5), timedelta(minutes=10)


def decide(after_s: float, *, count: int = 3, expected: int | None = None, is_sending: bool = False):
    return completion(instance_count=count, expected_count=expected, last_arrival_at=LAST, is_sending=is_sending,
                      now=LAST + timedelta(seconds=after_s), quiet_period=QUIET, short_quiet_period=LONG_QUIET)


def test_silence_alone_completes_a_study_that_announced_no_count():
    assert decide(4.9) == Wait(LAST + QUIET, "more may follow")
    assert decide(5) is CompleteBy.QUIET_TIME


def test_an_open_association_keeps_the_study_open_however_long_it_is_silent():
    assert isinstance(decide(3600, is_sending=True), Wait)


def test_a_study_short_of_its_count_gets_the_longer_silence():
    assert decide(5, expected=4) == Wait(LAST + LONG_QUIET, "3 of 4 are here")
    assert decide(600, expected=4) is CompleteBy.QUIET_TIME_SHORT


def test_an_announced_acquisition_that_is_here_completes_after_the_short_silence():
    assert decide(5, expected=3) is CompleteBy.EXPECTED_COUNT


@pytest.mark.parametrize(("count", "of_study", "is_reached"), [
    (3, 3, True), (4, 3, True), (2, 3, False), (9, None, False)])
def test_the_count_of_the_whole_study_is_evidence_at_once(count, of_study, is_reached):
    assert is_count_reached(count, of_study) is is_reached


def told(kind: EvidenceKind, *uids: str, count: int = 0, is_final: bool = True) -> Evidence:
    return Evidence("1.2", kind, "ref", "here", "device-1", LAST, is_final, count or len(uids), uids)


def judged(*sources: Evidence, here: int, missing: int = 0, expected: int | None = None, habit: Habit | None = None):
    return evident(named_by(sources), instance_count=here, expected_count=expected, missing=missing, habit=habit)


MPPS, COMMITMENT, ORDER = EvidenceKind.MPPS, EvidenceKind.COMMITMENT, EvidenceKind.ORDER


def test_a_final_step_counts_once_everything_it_names_is_here():
    assert judged(told(MPPS, "a", "b"), here=2) is CompleteBy.MPPS
    assert judged(told(MPPS, "a", "b"), here=3) is CompleteBy.MPPS
    assert judged(told(MPPS, "a", "b"), here=2, missing=1) is None
    assert judged(told(MPPS), here=2) is None, "a step that names nothing says nothing"


def test_a_step_that_is_still_going_on_holds_the_study_open_whatever_else_is_known():
    going_on = told(MPPS, is_final=False)
    assert judged(going_on, told(MPPS, "a", "b"), here=2) is None
    assert judged(going_on, told(ORDER, count=2), here=2) is None
    assert judged(going_on, told(COMMITMENT, "a", "b"), here=2) is None


def test_the_steps_of_one_study_add_up():
    assert judged(told(MPPS, "a"), told(MPPS, "b"), here=1, missing=1) is None
    assert judged(told(MPPS, "a"), told(MPPS, "b"), here=2) is CompleteBy.MPPS


def test_an_order_tells_by_its_number():
    assert judged(told(ORDER, count=3), here=2) is None
    assert judged(told(ORDER, count=3), here=3) is CompleteBy.ORDER_COUNT


def test_a_commitment_request_counts_only_if_it_names_all_of_more_than_one():
    assert judged(told(COMMITMENT, "a", "b"), here=2) is CompleteBy.COMMITMENT
    assert judged(told(COMMITMENT, "a", "b"), here=3) is None
    assert judged(told(COMMITMENT, "a"), here=1) is None
    assert judged(told(COMMITMENT, "a", "b"), here=2, habit=Habit(60, 70, 0.0)) is None


def test_no_evidence_overrules_a_larger_count_of_the_whole_study():
    for source in (told(MPPS, "a", "b"), told(ORDER, count=2), told(COMMITMENT, "a", "b")):
        assert judged(source, here=2, expected=34) is None


def test_a_habit_needs_enough_studies_and_forgets_a_second_visit():
    assert habit_of([(2, 0.0)] * 7) is None
    assert habit_of([(2, 0.0)] * 7 + [(2, 86_400.0)]) == Habit(2, 2, 0.0)
    assert habit_of([(1, 0.0)] * 12 + [(9, 30.0)] * 8) == Habit(1, 9, 30.0)
    assert habit_of([(1, 0.0)] * 19 + [(9, 30.0)]) == Habit(1, 9, 0.0), "one slow study is no habit"


@pytest.mark.parametrize(("habit", "count", "seconds"), [
    (None, 3, 5), (Habit(3, 3, 0.0), 3, 1), (Habit(3, 3, 0.0), 4, 5), (Habit(3, 3, 0.0), 2, 20),
    (Habit(1, 9, 0.0), 3, 5), (Habit(1, 9, 40.0), 3, 60), (Habit(3, 3, 2.0), 3, 3), (Habit(3, 3, 40.0), 3, 60),
    (Habit(1, 9, 599.0), 3, 600), (Habit(5, 9, 599.0), 3, 600),
])
def test_a_habit_moves_the_quiet_time_within_bounds(habit, count, seconds):
    period, _ = quiet_of(habit, count, quiet_period=QUIET, longest=LONG_QUIET)
    assert period == timedelta(seconds=seconds)


def test_a_step_in_progress_gets_the_longer_silence():
    def after(seconds: float):
        return completion(instance_count=3, expected_count=None, last_arrival_at=LAST, is_sending=False,
                          now=LAST + timedelta(seconds=seconds), quiet_period=QUIET, short_quiet_period=LONG_QUIET,
                          is_step_open=True)

    assert after(599) == Wait(LAST + LONG_QUIET, "the examination is still going on")
    assert after(600) is CompleteBy.QUIET_TIME
