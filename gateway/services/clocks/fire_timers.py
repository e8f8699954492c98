"""Fire what is due: reminders, breaches, re-offers, climbs and overflows, each exactly once in the record.

A timer, its reading and everything that firing changes are one transaction: before its commit nothing has happened,
after it nothing is left to do. Whoever dies in between leaves a due timer that the next look finds, here or on
another node; two nodes never fire the same one, since each passes over what the other has locked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gateway.core.clock_plan import Plan
from gateway.core.clocks import ClockEvent, ClockEventKind, still_to_come
from gateway.core.errors import NotNow
from gateway.services.clocks.keep_clocks import set_timer
from gateway.services.clocks.tell import Directory, in_charge, tell, wanted
from gateway.services.people.assign import assign_again
from gateway.services.ports import Event
from storage.interface import Transaction
from storage.model import AuditEntry, Decision, Priority, Reading, new_id
from storage.model.clocks import NoticeKind, ReadingClock, ReadingTimer, Stage

ALARM = "clock-breached"
_LATE_WORDS = {
    Stage.CLAIM: "急诊检查到时仍无人认领。", Stage.REVIEW: "急诊检查到时仍未签发报告。",
    Stage.RETURN: "急诊报告到时仍未送达基层机构。", Stage.OPEN: "急诊报告到时仍无人打开。",
}
"""Of an emergency these reach the administrators as an alarm."""


@dataclass(frozen=True, slots=True)
class Fired:
    """What one transaction fired."""

    timers: int
    events: list[Event]                  # to publish after the commit


def fire_due(tx: Transaction, *, at: datetime, zone: ZoneInfo, limit: int) -> Fired:
    """Fire up to `limit` timers that are due."""
    return _fired(Directory(tx, at, zone), tx.clocks.due_timers(at, limit=limit))


def fire_one(tx: Transaction, *, reading_id: str, at: datetime, zone: ZoneInfo) -> Fired:
    """Fire this one, if it is due and nobody else is at it."""
    return _fired(Directory(tx, at, zone), tx.clocks.due_timers(at, limit=1, reading_id=reading_id))


def _fired(directory: Directory, due: list[tuple[ReadingTimer, Reading]]) -> Fired:
    published: list[Event] = []
    for timer, reading in due:
        for kind in _fire(directory, timer, reading):
            published.append(Event(kind, reading.site_id, reading.study_id, reading.id))
    return Fired(len(due), published)


def _fire(directory: Directory, timer: ReadingTimer, reading: Reading) -> list[str]:
    """One timer; returns the kinds of events to publish."""
    tx, at = directory.tx, directory.at
    kinds: set[str] = set()
    while True:                              # one by one: what happened may change what comes next
        clocks = tx.clocks.of_reading(reading.id)
        due = [event for event in still_to_come(clocks, timer, reading.state) if event.at <= at]
        if not due:
            break
        event = due[0]
        clock = next(clock for clock in clocks if clock.stage is event.stage)
        timer, reading = _HAPPENS[event.kind](_Moment(directory, timer, reading, clock, event))
        kinds |= _PUBLISHED[event.kind]
    set_timer(tx, timer, reading.state)
    return sorted(kinds)


@dataclass(frozen=True, slots=True)
class _Moment:
    """Everything that one event is about."""

    directory: Directory
    timer: ReadingTimer
    reading: Reading
    clock: ReadingClock
    event: ClockEvent

    @property
    def tx(self) -> Transaction:
        return self.directory.tx

    @property
    def at(self) -> datetime:
        return self.directory.at

    @property
    def plan(self) -> Plan:
        return Plan.from_json(self.timer.plan)

    def note(self, action: str, **detail: Any) -> None:
        """The audit entry: what the record says happened, once."""
        self.tx.audit.append(AuditEntry(
            self.at, "gateway", action, site_id=self.reading.site_id, study_id=self.reading.study_id,
            detail={"reading": self.reading.id, "stage": self.clock.stage.value, "due": self.event.at.isoformat(),
                    "round": self.clock.round, **detail}))

    def tell(self, people: list[Any], kind: NoticeKind, **detail: Any) -> int:
        return tell(self.directory, self.reading, people, kind, stage=self.clock.stage, round_=self.clock.round,
                    percent=self.event.percent, group=self.reading.group, **detail)


def _nudge(moment: _Moment) -> tuple[ReadingTimer, Reading]:
    if moment.tx.clocks.nudge(moment.reading.id, moment.clock.stage, moment.event.percent):
        people = in_charge(moment.directory, moment.reading)
        people += wanted(moment.directory, moment.reading, moment.plan, NoticeKind.NUDGE)
        told = moment.tell(people, NoticeKind.NUDGE)
        moment.note("clock.nudged", percent=moment.event.percent, told=told)
    return moment.timer, moment.reading


def _breach(moment: _Moment) -> tuple[ReadingTimer, Reading]:
    reading, stage = moment.reading, moment.clock.stage
    if moment.tx.clocks.breach(reading.id, stage, at=moment.at):
        people = in_charge(moment.directory, reading)
        people += wanted(moment.directory, reading, moment.plan, NoticeKind.BREACH)
        told = moment.tell(people, NoticeKind.BREACH)
        moment.note("clock.breached", told=told)
        if reading.priority is Priority.EMERGENCY and stage in _LATE_WORDS:
            moment.tx.alarms.raise_alarm(ALARM, site_id=reading.site_id, ref=f"{reading.id}:{stage.value}",
                                         detail=_LATE_WORDS[stage], at=moment.at)
    return moment.timer, reading


def _reoffer(moment: _Moment) -> tuple[ReadingTimer, Reading]:
    """Not claimed in time: the next able reader of the group, or all of it."""
    reading = moment.reading
    if reading.assigned_to is not None:
        assigned = assign_again(moment.tx, reading, at=moment.at, zone=moment.directory.zone,
                                but_not=frozenset({reading.assigned_to}))
        reading = _replaced(moment.tx, replace(reading, assigned_to=assigned.reader_id))
        moment.note("reading.reoffered", was=moment.reading.assigned_to, to=assigned.reader_id,
                    because=assigned.entries)
    else:
        moment.note("reading.reoffered", was=None, to=None)
    offered = replace(moment, reading=reading)
    offered.tell(in_charge(moment.directory, reading), NoticeKind.REOFFER)
    return replace(moment.timer, reoffered_at=moment.at), reading


def _climb(moment: _Moment) -> tuple[ReadingTimer, Reading]:
    told = moment.tell(moment.directory.heads(moment.reading.group), NoticeKind.CLIMB)
    if told:
        moment.note("reading.climbed", told=told)
    return replace(moment.timer, climbed_at=moment.at), moment.reading


def _overflow(moment: _Moment) -> tuple[ReadingTimer, Reading]:
    """To the upper centre, with a decision of its own that says why; the rules' own reasons stay above it."""
    tx, reading, plan = moment.tx, moment.reading, moment.plan
    timer = replace(moment.timer, overflowed_at=moment.at, climbed_at=moment.at)
    last = tx.decisions.get(reading.decision_id)
    if last is None or plan.overflow_group == reading.group or moment.directory.group(plan.overflow_group) is None:
        moment.note("reading.not_overflowed", to=plan.overflow_group)
        return timer, reading
    decision = _overflowed(last, plan, at=moment.at)
    tx.decisions.add(decision)
    moved = _replaced(tx, replace(reading, group=decision.group, assigned_to=None, decision_id=decision.id))
    moment.note("reading.overflowed", was=reading.group, to=decision.group, decision=decision.id)
    offered = replace(moment, reading=moved)
    offered.tell(in_charge(moment.directory, moved), NoticeKind.OVERFLOW, was=reading.group)
    return timer, moved


def _hold_over(moment: _Moment) -> tuple[ReadingTimer, Reading]:
    """Its hour has come: it stands on the worklist by itself, the screens are told to look."""
    moment.note("reading.hold_over")
    return replace(moment.timer, plan=replace(moment.plan, is_shown=True).as_json()), moment.reading


def _overflowed(last: Decision, plan: Plan, *, at: datetime) -> Decision:
    minutes = plan.overflow_minutes
    entry = {"rule": "overflow", "matched": True, "gives": {"group": plan.overflow_group}, "conditions": [
        {"text": f"not claimed within {minutes} min by {last.group}", "holds": True,
         "seen": {"group": last.group, "minutes": minutes}, "why": ""}]}
    # Not made by asking the rules: a replay leaves out what names its cause in `moved`.
    return replace(last, id=new_id(), at=at, group=plan.overflow_group, reader_id=None,
                   because=[*last.because, entry],
                   inputs={**last.inputs, "moved": {"by": "overflow", "from": last.group, "decision": last.id}})


def _replaced(tx: Transaction, after: Reading) -> Reading:
    if not tx.readings.replace(after):
        raise NotNow(reason="conflict")      # somebody claimed it this very moment: look again
    return replace(after, revision=after.revision + 1)


_HAPPENS = {
    ClockEventKind.NUDGE: _nudge, ClockEventKind.BREACH: _breach, ClockEventKind.REOFFER: _reoffer,
    ClockEventKind.CLIMB: _climb, ClockEventKind.OVERFLOW: _overflow, ClockEventKind.HOLD_OVER: _hold_over,
}
_PUBLISHED = {
    ClockEventKind.NUDGE: {"notice"}, ClockEventKind.BREACH: {"notice", "reading", "alarm"},
    ClockEventKind.REOFFER: {"notice", "reading"}, ClockEventKind.CLIMB: {"notice"},
    ClockEventKind.OVERFLOW: {"notice", "reading"}, ClockEventKind.HOLD_OVER: {"reading"},
}
