"""The clocks of a reading: when each stage is due, what is still to come, and what colour it has now (D4).

Stages: `arrive` from the first object to complete; `claim`, `write` and `review` from complete (`review` is the
signed report and the same moment as the reading's due time); `return` and `open` from the signature. A study that is
held for an off-peak hour counts claim, write and review from that hour.

Default minutes, where no rule names a stage (requirements 3.1; (D) is our own derivation):

- `review`: by class of examination, in `due_times` (ECG 10/30: ten minutes to feedback, 心电一张网 and the ACS guide;
  plain film 30/120 and CT, MR 60/240: the limits of TAT-A).
- `claim` a quarter and `write` seven eighths of it. (D) from the budget of S1, the whole loop in under ten minutes:
  of the 480 s from complete to the clinic's alert, 120 s are for the queue and 420 s are gone when the report is
  written.
- `arrive`: ECG 1 (S3: under a minute at 40 km), film 5, ultrasound 10, CT, MR and the rest 30. (D): 27, 40 and 200 MB
  (3.3) over 2 Mbit/s take 2, 3 and 13 min; twice that, for a weak line.
- `return`: 1 (S1: sign and return 30 s, the clinic's alert 30 s).
- `open`: emergency 10 (a critical notice reaches its reader within ten minutes: RQI RCV-04, USQI US-CV-01), also for
  every report marked critical; urgent 60, routine 1440 (D): the next working day.

Pure: the caller passes the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.core.clock_plan import Plan
from storage.model import Priority, ReadingState
from storage.model.clocks import ReadingClock, ReadingTimer, Stage

AMBER_FROM = 0.8
"""Share of the time that is gone when a clock turns amber."""

NUDGE_PERCENTS = (50, 80)
NUDGED_STAGES = frozenset({Stage.CLAIM, Stage.WRITE, Stage.REVIEW, Stage.OPEN})
"""Stages in which a person can do something when reminded."""

CRITICAL_OPEN_MINUTES = 10

_ARRIVE_MINUTES = {"ecg": 1, "film": 5, "us": 10}
_OTHER_ARRIVE_MINUTES = 30
_RETURN_MINUTES = 1
_OPEN_MINUTES = {Priority.EMERGENCY: 10, Priority.URGENT: 60, Priority.ROUTINE: 1440}

_CURRENT = {
    ReadingState.UNREAD: Stage.CLAIM, ReadingState.IN_PROGRESS: Stage.WRITE, ReadingState.REJECTED: Stage.WRITE,
    ReadingState.AWAITING_REVIEW: Stage.REVIEW, ReadingState.IN_REVIEW: Stage.REVIEW,
}


class ClockState(StrEnum):
    """What became of a stage. Chinese: 进行中 按时 迟到 超时 停止."""

    PENDING = "pending"
    MET = "met"
    LATE = "late"                        # done, after its time
    BREACHED = "breached"                # not done, and its time is over
    STOPPED = "stopped"                  # sent back or withdrawn


class ClockTone(StrEnum):
    """The colour of a clock that runs."""

    CALM = "calm"
    AMBER = "amber"
    RED = "red"


class ClockEventKind(StrEnum):
    NUDGE = "nudge"
    HOLD_OVER = "hold_over"              # an off-peak study comes onto the worklist
    BREACH = "breach"
    REOFFER = "reoffer"
    CLIMB = "climb"
    OVERFLOW = "overflow"


@dataclass(frozen=True, slots=True)
class ClockEvent:
    """Something that happens by itself at a moment."""

    at: datetime
    kind: ClockEventKind
    stage: Stage
    percent: int = 0                     # of a nudge


def default_minutes(*, examination: str, priority: Priority, review_minutes: int) -> dict[Stage, int]:
    """Minutes of every stage where no rule says otherwise; `examination` is a class of `due_times`."""
    return {
        Stage.ARRIVE: _ARRIVE_MINUTES.get(examination, _OTHER_ARRIVE_MINUTES),
        Stage.CLAIM: max(1, review_minutes // 4),
        Stage.WRITE: max(1, review_minutes * 7 // 8),
        Stage.REVIEW: review_minutes,
        Stage.RETURN: _RETURN_MINUTES,
        Stage.OPEN: _OPEN_MINUTES[priority],
    }


def stage_minutes(named: Mapping[str, int], *, examination: str, priority: Priority, review_minutes: int,
                  is_raised: bool = False) -> dict[Stage, int]:
    """Minutes of every stage: as the rules named them, else by default.

    Where a device's measurement raised the priority the earlier of both counts, as for the report itself.
    """
    minutes = default_minutes(examination=examination, priority=priority, review_minutes=review_minutes)
    for stage in Stage:
        if stage in named and stage is not Stage.REVIEW:
            minutes[stage] = min(minutes[stage], named[stage]) if is_raised else named[stage]
    return minutes


def clock_state(clock: ReadingClock, now: datetime) -> ClockState:
    """What became of the stage so far."""
    if clock.met_at is not None:
        return ClockState.MET if clock.met_at <= clock.due_at else ClockState.LATE
    if clock.stopped_at is not None:
        return ClockState.STOPPED
    return ClockState.BREACHED if now >= clock.due_at else ClockState.PENDING


def clock_tone(clock: ReadingClock, now: datetime) -> ClockTone:
    """Calm, amber from four fifths of the time, red when it is over."""
    if now >= clock.due_at:
        return ClockTone.RED
    return ClockTone.AMBER if now >= moment(clock, AMBER_FROM * 100) else ClockTone.CALM


def moment(clock: ReadingClock, percent: float) -> datetime:
    """When so much of the stage's time is gone."""
    return clock.started_at + (clock.due_at - clock.started_at) * (percent / 100)


def is_running(clock: ReadingClock) -> bool:
    """Neither met nor stopped."""
    return clock.met_at is None and clock.stopped_at is None


def current_stage(state: ReadingState, clocks: Iterable[ReadingClock]) -> Stage | None:
    """The stage that somebody is waiting for now; after the signature whichever still runs, `open` last."""
    stage = _CURRENT.get(state)
    if stage is not None:
        return stage
    running = {clock.stage for clock in clocks if is_running(clock)}
    return next((after for after in (Stage.RETURN, Stage.OPEN) if after in running), None)


def still_to_come(clocks: Iterable[ReadingClock], timer: ReadingTimer, state: ReadingState) -> list[ClockEvent]:
    """Everything that has not happened yet, in the order in which it will."""
    known = {clock.stage: clock for clock in clocks}
    plan = Plan.from_json(timer.plan)
    events = [event for clock in known.values() if is_running(clock)
              for event in _of_stage(clock, is_current=_is_current(clock.stage, state))]
    claim = known.get(Stage.CLAIM)
    if state is ReadingState.UNREAD and claim is not None and is_running(claim):
        events += _of_unclaimed(claim, timer, plan)
    return sorted(events, key=lambda event: (event.at, _ORDER[event.kind], event.stage, event.percent))


def next_event_at(clocks: Iterable[ReadingClock], timer: ReadingTimer, state: ReadingState) -> datetime | None:
    """When something happens by itself again; None: not until a stage begins."""
    coming = still_to_come(clocks, timer, state)
    return coming[0].at if coming else None


def percent_gone(clock: ReadingClock, now: datetime) -> int:
    """The last reminder that lies behind: nobody is nudged for the time before the stage was theirs."""
    return max((percent for percent in NUDGE_PERCENTS if moment(clock, percent) <= now), default=0)


_ORDER = {ClockEventKind.HOLD_OVER: 0, ClockEventKind.NUDGE: 1, ClockEventKind.BREACH: 2, ClockEventKind.REOFFER: 3,
          ClockEventKind.CLIMB: 4, ClockEventKind.OVERFLOW: 5}


def _is_current(stage: Stage, state: ReadingState) -> bool:
    return stage is Stage.OPEN or _CURRENT.get(state) is stage


def _of_stage(clock: ReadingClock, *, is_current: bool) -> list[ClockEvent]:
    events = []
    if is_current and clock.stage in NUDGED_STAGES and clock.breached_at is None:
        events = [ClockEvent(moment(clock, percent), ClockEventKind.NUDGE, clock.stage, percent)
                  for percent in NUDGE_PERCENTS if percent > clock.nudged_percent]
    if clock.breached_at is None:
        events.append(ClockEvent(clock.due_at, ClockEventKind.BREACH, clock.stage))
    return events


def _of_unclaimed(claim: ReadingClock, timer: ReadingTimer, plan: Plan) -> list[ClockEvent]:
    """Nobody has taken it: on the list at its hour, offered again, up to the head, over to the upper centre."""
    allowed = claim.due_at - claim.started_at
    reoffer_at = claim.due_at if plan.reoffer_minutes is None else claim.started_at + _minutes(plan.reoffer_minutes)
    events = []
    if plan.hold_until is not None and not plan.is_shown:
        events.append(ClockEvent(plan.hold_until, ClockEventKind.HOLD_OVER, Stage.CLAIM))
    if timer.reoffered_at is None:
        events.append(ClockEvent(reoffer_at, ClockEventKind.REOFFER, Stage.CLAIM))
    if timer.climbed_at is None:
        # An emergency climbs when its time to be claimed is over; anything else after as long again.
        climb_at = claim.due_at if plan.is_emergency else claim.due_at + allowed
        events.append(ClockEvent(climb_at, ClockEventKind.CLIMB, Stage.CLAIM))
    if plan.overflow_group and timer.overflowed_at is None:
        events.append(ClockEvent(claim.started_at + _minutes(plan.overflow_minutes), ClockEventKind.OVERFLOW,
                                 Stage.CLAIM))
    return events


def _minutes(count: float) -> timedelta:
    return timedelta(minutes=count)
