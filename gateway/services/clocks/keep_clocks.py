"""Start, meet, stop and begin again the clocks of a reading, in the transaction of the change itself (D4).

Each function ends by setting the reading's one timer to the next thing that happens by itself; `fire_timers` takes
it from there. Where a reading moves from state to state, one call of `follow_reading` knows what that means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.core.clock_plan import Plan
from gateway.core.clocks import (
    CRITICAL_OPEN_MINUTES,
    current_stage,
    is_running,
    next_event_at,
    percent_gone,
    stage_minutes,
)
from gateway.core.due_times import examination_class
from gateway.core.priority import HINT_TAG
from gateway.services.clocks.tell import tell_wanted
from routing_rules.model import Group
from storage.interface import Transaction
from storage.model import (
    EVERYWHERE,
    Decision,
    Delivery,
    DeliveryState,
    DestinationKind,
    Priority,
    Reading,
    ReadingState,
    Report,
    Study,
)
from storage.model.clocks import NoticeKind, ReadingClock, ReadingTimer, Stage

_AT_THE_CLINIC = (DeliveryState.ACCEPTED, DeliveryState.OPENED, DeliveryState.ACKNOWLEDGED)
_ENDED = (ReadingState.RETURNED, ReadingState.WITHDRAWN, ReadingState.GIVEN_UP, ReadingState.READ_ELSEWHERE)


def start_clocks(tx: Transaction, reading: Reading, decision: Decision, study: Study, groups: Mapping[str, Group], *,
                 at: datetime, zone: ZoneInfo, is_new: bool) -> None:
    """A decision was made about a reading: start its clocks, or start them again as the new decision has it.

    Where somebody holds the reading it keeps the clocks that it has: the new decision does not move it either.
    `groups` are those of the decision's rules, none where they could not be asked: it is routed all the same. `zone`
    is the reading centre's, for its rosters. A reading that `is_new` in this write has no clocks yet.
    """
    if reading.state is not ReadingState.UNREAD:
        return
    timer = None if is_new else tx.clocks.timer(reading.id)
    kept = {} if is_new else {clock.stage: clock for clock in tx.clocks.of_reading(reading.id)}
    complete_at = study.completed_at or at
    counts_from = max(reading.hold_until or complete_at, complete_at)
    minutes = _minutes(decision, study, counts_from)
    round_ = max((clock.round for clock in kept.values()), default=0) + 1

    def begun(stage: Stage, since: datetime, due: datetime | None = None) -> ReadingClock:
        return ReadingClock(reading.id, study.id, stage, since,
                            due or since + timedelta(minutes=minutes[stage]), round=round_)

    clocks = [begun(Stage.CLAIM, counts_from), begun(Stage.WRITE, counts_from),
              begun(Stage.REVIEW, counts_from, max(reading.due_at, counts_from + timedelta(minutes=1)))]
    if Stage.ARRIVE not in kept:                # what came late was not waited for
        clocks.append(replace(begun(Stage.ARRIVE, study.first_arrival_at), met_at=complete_at))
    tx.clocks.put(clocks)
    kept.update((clock.stage, clock) for clock in clocks)
    plan = _plan(reading, decision, minutes, groups)
    fresh = ReadingTimer(reading.id, study.id, None, plan.as_json())
    _set_timer(tx, fresh, kept.values(), reading.state)
    if timer is None:
        tell_wanted(tx, reading, plan, NoticeKind.ROUTED, stage=None, round_=round_, at=at, zone=zone)


def follow_reading(tx: Transaction, before: Reading, after: Reading, *, at: datetime) -> None:
    """The reading moved: meet, stop or begin again what that means. Call it in the write of the move."""
    if before.state is after.state:
        return
    timer = tx.clocks.timer(after.id)
    if timer is None:                           # routed by a release that kept no clocks
        return
    match before.state, after.state:
        case ReadingState.UNREAD, ReadingState.IN_PROGRESS:
            tx.clocks.meet(after.id, Stage.CLAIM, at=at)
        case ReadingState.IN_PROGRESS, ReadingState.UNREAD:
            _begin_again(tx, timer, Stage.CLAIM, at=at)
            timer = replace(timer, reoffered_at=None, climbed_at=None, overflowed_at=None)
        case ReadingState.IN_PROGRESS, ReadingState.AWAITING_REVIEW:
            tx.clocks.meet(after.id, Stage.WRITE, at=at)
        case ReadingState.IN_REVIEW, ReadingState.REJECTED:
            _begin_again(tx, timer, Stage.WRITE, at=at)
        case ReadingState.IN_REVIEW, ReadingState.FINAL:
            tx.clocks.meet(after.id, Stage.REVIEW, at=at)
        case _, ReadingState.UNREAD:            # after the end: late images, or no better picture will come
            for stage in (Stage.CLAIM, Stage.WRITE, Stage.REVIEW):
                _begin_again(tx, timer, stage, at=at)
            timer = replace(timer, reoffered_at=None, climbed_at=None, overflowed_at=None)
        case _, ended if ended in _ENDED:
            tx.clocks.stop(after.id, at=at)
    _settle(tx, timer, after, at=at)


def report_signed(tx: Transaction, reading: Reading, report: Report, deliveries: Iterable[Delivery], *,
                  at: datetime) -> None:
    """A signed version is on its way: from now the clinic should have it, and open it.

    Where no page of ours is among its destinations nobody can be seen to open it, and that clock does not start.
    """
    timer = tx.clocks.timer(reading.id)
    if timer is None:
        return
    queued = list(deliveries)
    _begin_again(tx, timer, Stage.RETURN, at=at)
    if any(delivery.state in _AT_THE_CLINIC for delivery in queued):
        tx.clocks.meet(reading.id, Stage.RETURN, at=at)
    if any(delivery.kind is DestinationKind.CLINIC_PAGE for delivery in queued):
        _begin_again(tx, timer, Stage.OPEN, at=at,
                     at_most_minutes=CRITICAL_OPEN_MINUTES if report.text.is_critical else None)
    _settle(tx, timer, reading, at=at)


def delivery_followed(tx: Transaction, delivery: Delivery, *, at: datetime) -> None:
    """A delivery is at the clinic, or somebody there opened it. Call it before the audit entry of that."""
    reading = tx.readings.of_study(delivery.study_id, EVERYWHERE)
    timer = tx.clocks.timer(reading.id) if reading is not None else None
    if timer is None or reading is None:
        return
    is_met = delivery.state in _AT_THE_CLINIC and tx.clocks.meet(reading.id, Stage.RETURN, at=at)
    if delivery.state in (DeliveryState.OPENED, DeliveryState.ACKNOWLEDGED):
        is_met |= tx.clocks.meet(reading.id, Stage.OPEN, at=at)
    if is_met:
        _settle(tx, timer, reading, at=at)


def stage_met(tx: Transaction, reading_id: str, stage: Stage, *, at: datetime) -> None:
    """A stage is done by another way than those above. Nothing where it was not running."""
    timer = tx.clocks.timer(reading_id)
    reading = tx.readings.get(reading_id, EVERYWHERE) if timer is not None else None
    if timer is not None and reading is not None and tx.clocks.meet(reading_id, stage, at=at):
        _settle(tx, timer, reading, at=at)


def _settle(tx: Transaction, timer: ReadingTimer, reading: Reading, *, at: datetime) -> None:
    """Reminders for the time before a stage was anybody's are behind us; then set the timer."""
    clocks = {clock.stage: clock for clock in tx.clocks.of_reading(reading.id)}
    stage = current_stage(reading.state, clocks.values())
    current = clocks.get(stage) if stage is not None else None
    if current is not None and is_running(current) and current.nudged_percent < (gone := percent_gone(current, at)):
        clocks[current.stage] = replace(current, nudged_percent=gone)
        tx.clocks.put([clocks[current.stage]])
    _set_timer(tx, timer, clocks.values(), reading.state)


def _set_timer(tx: Transaction, timer: ReadingTimer, clocks: Iterable[ReadingClock], state: ReadingState) -> None:
    tx.clocks.put_timers([replace(timer, next_at=next_event_at(clocks, timer, state), attempts=0, last_error="")])


def _begin_again(tx: Transaction, timer: ReadingTimer, stage: Stage, *, at: datetime,
                 at_most_minutes: int | None = None) -> None:
    minutes = int(timer.plan["minutes"][stage.value])
    if at_most_minutes is not None:
        minutes = min(minutes, at_most_minutes)
    kept = next((clock for clock in tx.clocks.of_reading(timer.reading_id) if clock.stage is stage), None)
    tx.clocks.put([ReadingClock(timer.reading_id, timer.study_id, stage, at, at + timedelta(minutes=minutes),
                                round=kept.round + 1 if kept else 1)])


def _minutes(decision: Decision, study: Study, counts_from: datetime) -> dict[Stage, int]:
    review = max(1, round((decision.due_at - counts_from).total_seconds() / 60))
    return stage_minutes(
        decision.outcome.get("due") or {}, priority=decision.priority, review_minutes=review,
        examination=examination_class(study.modality, study.body_part), is_raised=HINT_TAG in decision.tags)


def _plan(reading: Reading, decision: Decision, minutes: dict[Stage, int], groups: Mapping[str, Group]) -> Plan:
    outcome = decision.outcome
    group = groups.get(reading.group)
    overflow = outcome.get("overflow") or {}
    return Plan(
        minutes={stage.value: count for stage, count in minutes.items()},
        is_emergency=reading.priority is Priority.EMERGENCY,
        reoffer_minutes=group.reoffer_minutes if group is not None else None,
        overflow_group=overflow.get("group", ""), overflow_minutes=overflow.get("after_minutes", 0),
        notify=tuple((one["who"], one["when"]) for one in outcome.get("notify") or ()),
        hold_until=reading.hold_until)
