"""When stages are due, what colour a clock has, and what happens by itself (D4, requirements 3.1): pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from gateway.core.clock_plan import Plan
from gateway.core.clocks import (
    ClockEventKind,
    ClockState,
    ClockTone,
    clock_state,
    clock_tone,
    current_stage,
    default_minutes,
    next_event_at,
    percent_gone,
    stage_minutes,
    still_to_come,
)
from gateway.core.due_times import DEFAULT_DUE_MINUTES
from storage.model import Priority, ReadingState
from storage.model.clocks import ReadingClock, ReadingTimer, Stage

BEGAN = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
GUIDE = Path(__file__).parents[2] / "docs" / "clocks.md"


def after(minutes: float) -> datetime:
    return BEGAN + timedelta(minutes=minutes)


def clock(stage=Stage.CLAIM, minutes=10.0, **fields) -> ReadingClock:
    return ReadingClock("r", "s", stage, BEGAN, after(minutes), **fields)


def timer(**plan) -> ReadingTimer:
    return ReadingTimer("r", "s", None, Plan(minutes={}, **plan).as_json())


def coming(clocks, kept, state=ReadingState.UNREAD):
    return [(event.kind.value, event.stage.value, event.percent, (event.at - BEGAN).total_seconds() / 60)
            for event in still_to_come(clocks, kept, state)]


def test_an_emergency_ecg_is_budgeted_like_the_loop_of_under_ten_minutes():
    assert default_minutes(examination="ecg", priority=Priority.EMERGENCY, review_minutes=10) == {
        Stage.ARRIVE: 1, Stage.CLAIM: 2, Stage.WRITE: 8, Stage.REVIEW: 10, Stage.RETURN: 1, Stage.OPEN: 10}


@pytest.mark.parametrize("examination", sorted(DEFAULT_DUE_MINUTES))
@pytest.mark.parametrize("priority", list(Priority))
def test_by_default_a_stage_is_never_due_after_the_one_that_follows_it(examination, priority):
    minutes = default_minutes(examination=examination, priority=priority,
                              review_minutes=getattr(DEFAULT_DUE_MINUTES[examination], priority.value))
    assert 1 <= minutes[Stage.CLAIM] < minutes[Stage.WRITE] < minutes[Stage.REVIEW]


def test_a_rule_names_stages_and_raising_never_gives_more_time():
    asked = partial(stage_minutes, {"claim": 20, "open": 5}, examination="film", priority=Priority.URGENT,
                    review_minutes=30)
    assert asked()[Stage.CLAIM] == 20
    raised = asked(is_raised=True)
    assert (raised[Stage.CLAIM], raised[Stage.OPEN]) == (7, 5)


@pytest.mark.parametrize(("minute", "tone", "state"), [
    (7.99, ClockTone.CALM, ClockState.PENDING), (8, ClockTone.AMBER, ClockState.PENDING),
    (9.99, ClockTone.AMBER, ClockState.PENDING), (10, ClockTone.RED, ClockState.BREACHED)])
def test_a_clock_is_amber_from_four_fifths_and_red_when_it_is_over(minute, tone, state):
    assert (clock_tone(clock(), after(minute)), clock_state(clock(), after(minute))) == (tone, state)


@pytest.mark.parametrize(("fields", "state"), [
    ({"met_at": after(10)}, ClockState.MET), ({"met_at": after(10.01)}, ClockState.LATE),
    ({"met_at": after(12), "breached_at": after(10)}, ClockState.LATE),
    ({"stopped_at": after(1)}, ClockState.STOPPED)])
def test_what_became_of_a_stage(fields, state):
    assert clock_state(clock(**fields), after(60)) is state


def test_an_unclaimed_reading_reminds_breaches_is_offered_again_climbs_and_overflows():
    kept = timer(overflow_group="upper", overflow_minutes=25)
    assert coming([clock()], kept) == [
        ("nudge", "claim", 50, 5), ("nudge", "claim", 80, 8), ("breach", "claim", 0, 10), ("reoffer", "claim", 0, 10),
        ("climb", "claim", 0, 20), ("overflow", "claim", 0, 25)]


def test_an_emergency_climbs_when_its_time_to_be_claimed_is_over():
    assert ("climb", "claim", 0, 10) in coming([clock()], timer(is_emergency=True))


def test_once_claimed_nothing_of_the_queue_comes_and_only_the_stage_at_hand_reminds():
    clocks = [clock(met_at=after(1)), clock(Stage.WRITE, 20), clock(Stage.REVIEW, 30)]
    kept = timer(overflow_group="upper", overflow_minutes=5)
    assert coming(clocks, kept, ReadingState.IN_PROGRESS) == [
        ("nudge", "write", 50, 10), ("nudge", "write", 80, 16), ("breach", "write", 0, 20),
        ("breach", "review", 0, 30)]


def test_what_has_happened_does_not_come_again():
    done = replace(timer(), reoffered_at=after(10), climbed_at=after(20))
    assert coming([clock(nudged_percent=80, breached_at=after(10))], done) == []
    assert next_event_at([clock(nudged_percent=80, breached_at=after(10))], done, ReadingState.UNREAD) is None


def test_a_held_reading_comes_onto_the_list_at_its_hour():
    kept = timer(hold_until=BEGAN)
    assert coming([clock()], kept)[0][:2] == (ClockEventKind.HOLD_OVER.value, "claim")
    assert Plan.from_json(kept.plan) == Plan(minutes={}, hold_until=BEGAN)


def test_after_the_signature_the_clinic_is_waited_for():
    signed = [clock(met_at=after(1)), clock(Stage.RETURN, 1), clock(Stage.OPEN, 60)]
    assert current_stage(ReadingState.FINAL, signed) is Stage.RETURN
    signed[1] = replace(signed[1], met_at=after(0.5))
    assert current_stage(ReadingState.FINAL, signed) is Stage.OPEN
    assert current_stage(ReadingState.FINAL, [replace(c, met_at=after(1)) for c in signed]) is None


def test_reminders_that_lie_behind_are_known():
    assert [percent_gone(clock(), after(minute)) for minute in (0, 4.9, 5, 8, 11)] == [0, 0, 50, 80, 80]


def test_the_guide_states_the_defaults_that_hold():
    said = GUIDE.read_text(encoding="utf-8")
    for priority in Priority:
        for examination in DEFAULT_DUE_MINUTES:
            minutes = default_minutes(examination=examination, priority=priority,
                                      review_minutes=getattr(DEFAULT_DUE_MINUTES[examination], priority.value))
            row = " | ".join([examination, priority.value, *(str(minutes[stage]) for stage in Stage)])
            assert f"| {row} |" in said
