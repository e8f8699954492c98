"""Fire what is due: reminders, breaches, re-offers, climbs and overflows, each exactly once in the record.

A timer, its reading and everything that firing changes are one transaction: before its commit nothing has happened,
after it nothing is left to do. Whoever dies in between leaves a due timer that the next look finds, here or on
another node; two nodes never fire the same one, since each passes over what the other has locked.

Whoever changes a clock locks its timer first, so what was read here stays true; the changes of many timers are
gathered and written together, so that a thousand in one second are a matter of tenths of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gateway.core.clock_plan import Plan
from gateway.core.clocks import ClockEvent, ClockEventKind, next_event_at, still_to_come
from gateway.core.errors import NotNow
from gateway.services.clocks.tell import Directory, in_charge, notices_for, wanted
from gateway.services.people.assign import assign_again
from gateway.services.ports import Event
from storage.interface import Transaction
from storage.model import AuditEntry, Decision, Priority, Reading, User, new_id
from storage.model.clocks import Notice, NoticeKind, ReadingClock, ReadingTimer, Stage

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


@dataclass(slots=True)
class _Changes:
    """What firing adds up to, written at the end."""

    clocks: list[ReadingClock] = field(default_factory=list)
    timers: list[ReadingTimer] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    entries: list[AuditEntry] = field(default_factory=list)
    published: list[Event] = field(default_factory=list)

    def write(self, tx: Transaction) -> None:
        tx.clocks.put(self.clocks)
        tx.clocks.put_timers(self.timers)
        tx.notices.add(self.notices)
        tx.audit.extend(self.entries)


def _fired(directory: Directory, due: list[tuple[ReadingTimer, Reading]]) -> Fired:
    changes = _Changes()
    known = directory.tx.clocks.of_readings(reading.id for _, reading in due)
    for timer, reading in due:
        _fire(directory, changes, timer, reading, known.get(reading.id, []))
    changes.write(directory.tx)
    return Fired(len(due), changes.published)


def _fire(directory: Directory, changes: _Changes, timer: ReadingTimer, reading: Reading,
          known: Iterable[ReadingClock]) -> None:
    clocks = {clock.stage: clock for clock in known}
    before = dict(clocks)
    kinds: set[str] = set()
    while True:                              # one by one: what happened may change what comes next
        due = next((e for e in still_to_come(clocks.values(), timer, reading.state) if e.at <= directory.at), None)
        if due is None:
            break
        moment = _Moment(directory, changes, timer, reading, clocks[due.stage], due)
        timer, reading, clocks[due.stage] = _HAPPENS[due.kind](moment)
        kinds |= _PUBLISHED[due.kind]
    changes.clocks += [clock for stage, clock in clocks.items() if clock != before[stage]]
    changes.timers.append(replace(timer, next_at=next_event_at(clocks.values(), timer, reading.state), attempts=0,
                                  last_error=""))
    changes.published += [Event(kind, reading.site_id, reading.study_id, reading.id) for kind in sorted(kinds)]


_After = tuple[ReadingTimer, Reading, ReadingClock]


@dataclass(frozen=True, slots=True)
class _Moment:
    """Everything that one event is about."""

    directory: Directory
    changes: _Changes
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
        self.changes.entries.append(AuditEntry(
            self.at, "gateway", action, site_id=self.reading.site_id, study_id=self.reading.study_id,
            detail={"reading": self.reading.id, "stage": self.clock.stage.value, "due": self.event.at.isoformat(),
                    "round": self.clock.round, **detail}))

    def tell(self, people: list[User], kind: NoticeKind, *, of: Reading | None = None, **detail: Any) -> int:
        """Say it to each of them once; returns to how many."""
        reading = of or self.reading
        notices = notices_for(reading, people, kind, at=self.at, stage=self.clock.stage, round_=self.clock.round,
                              percent=self.event.percent, group=reading.group, **detail)
        self.changes.notices += notices
        return len(notices)


def _nudge(moment: _Moment) -> _After:
    people = in_charge(moment.directory, moment.reading)
    people += wanted(moment.directory, moment.reading, moment.plan, NoticeKind.NUDGE)
    told = moment.tell(people, NoticeKind.NUDGE)
    moment.note("clock.nudged", percent=moment.event.percent, told=told)
    return moment.timer, moment.reading, replace(moment.clock, nudged_percent=moment.event.percent)


def _breach(moment: _Moment) -> _After:
    reading, stage = moment.reading, moment.clock.stage
    people = in_charge(moment.directory, reading)
    people += wanted(moment.directory, reading, moment.plan, NoticeKind.BREACH)
    told = moment.tell(people, NoticeKind.BREACH)
    moment.note("clock.breached", told=told)
    if reading.priority is Priority.EMERGENCY and stage in _LATE_WORDS:
        moment.tx.alarms.raise_alarm(ALARM, site_id=reading.site_id, ref=f"{reading.id}:{stage.value}",
                                     detail=_LATE_WORDS[stage], at=moment.at)
    return moment.timer, reading, replace(moment.clock, breached_at=moment.at)


def _reoffer(moment: _Moment) -> _After:
    """Not claimed in time: the next able reader of the group, or all of it."""
    reading, because = moment.reading, []
    if reading.assigned_to is not None:
        assigned = assign_again(moment.tx, reading, at=moment.at, zone=moment.directory.zone,
                                but_not=frozenset({reading.assigned_to}))
        reading, because = _replaced(moment.tx, replace(reading, assigned_to=assigned.reader_id)), assigned.entries
    moment.note("reading.reoffered", was=moment.reading.assigned_to, to=reading.assigned_to, because=because)
    moment.tell(in_charge(moment.directory, reading), NoticeKind.REOFFER, of=reading)
    return replace(moment.timer, reoffered_at=moment.at), reading, moment.clock


def _climb(moment: _Moment) -> _After:
    told = moment.tell(moment.directory.heads(moment.reading.group), NoticeKind.CLIMB)
    if told:
        moment.note("reading.climbed", told=told)
    return replace(moment.timer, climbed_at=moment.at), moment.reading, moment.clock


def _overflow(moment: _Moment) -> _After:
    """To the upper centre, with a decision of its own that says why; the rules' own reasons stay above it."""
    tx, reading, plan = moment.tx, moment.reading, moment.plan
    timer = replace(moment.timer, overflowed_at=moment.at)
    last = tx.decisions.get(reading.decision_id)
    if last is None or plan.overflow_group == reading.group or moment.directory.group(plan.overflow_group) is None:
        moment.note("reading.not_overflowed", to=plan.overflow_group)
        return timer, reading, moment.clock
    decision = _overflowed(last, plan, at=moment.at)
    tx.decisions.add(decision)
    moved = _replaced(tx, replace(reading, group=decision.group, assigned_to=None, decision_id=decision.id))
    moment.note("reading.overflowed", was=reading.group, to=decision.group, decision=decision.id)
    moment.tell(in_charge(moment.directory, moved), NoticeKind.OVERFLOW, of=moved, was=reading.group)
    return timer, moved, moment.clock


def _hold_over(moment: _Moment) -> _After:
    """Its hour has come: it stands on the worklist by itself, the screens are told to look."""
    moment.note("reading.hold_over")
    plan = replace(moment.plan, is_shown=True)
    return replace(moment.timer, plan=plan.as_json()), moment.reading, moment.clock


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
        raise NotNow(reason="conflict")      # cannot be while its row is locked
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
