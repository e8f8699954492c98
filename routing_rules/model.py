"""A rule set in memory, and what comes out of asking it. Frozen: a version never changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from routing_rules.facts import FACTS

PRIORITIES = ("routine", "urgent", "emergency")
"""From low to high."""

STAGES = ("arrive", "claim", "write", "review", "return", "open")
"""What a due time can be set for. `arrive` counts from the first arrival to complete; claim, write and review from
complete (`review` is the signed report, the same clock as `due_minutes`); return and open from the signature."""

ASSIGN = ("pool", "least-loaded")
"""How a group's studies find a reader: whoever claims, or the one with the least open work."""

NOTIFY_WHO = ("clinic", "group", "reader", "head")
NOTIFY_WHEN = ("routed", "nudge", "breach")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong with a rule set, and where: line and column count from 1."""

    line: int
    column: int
    zh: str
    en: str
    is_warning: bool = False


class InvalidRules(Exception):
    """The rule set cannot be used; `problems` says why, each with line and column."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(f"{p.line}:{p.column}: {p.zh} / {p.en}" for p in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Shift:
    """Who of a group is on duty on some weekdays between two times; past midnight when it ends before it begins."""

    days: frozenset[int]                 # ISO weekday, 1 is Monday
    start_minute: int                    # of the day
    end_minute: int                      # exclusive; 1440 is midnight
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A duty group. Without members it means everyone with the reader's role."""

    id: str
    name: str
    name_en: str
    members: tuple[str, ...] = ()        # logins
    shifts: tuple[Shift, ...] = ()       # none: all members at any time
    cover: str | None = None             # group that stands in while nobody here is on duty
    assign: str = "pool"                 # one of ASSIGN
    head: tuple[str, ...] = ()           # logins to whom unclaimed work climbs
    reoffer_minutes: int | None = None   # not claimed for so long: offered to the group again


@dataclass(frozen=True, slots=True)
class Condition:
    """One CEL expression of a rule, compiled."""

    text: str
    program: Any                         # cel_expr_python Expression, result type bool
    facts: tuple[str, ...]               # those it mentions, in order of appearance


@dataclass(frozen=True, slots=True)
class Notify:
    """Somebody to be told, and at what moment."""

    who: str                             # one of NOTIFY_WHO
    when: str                            # one of NOTIFY_WHEN


@dataclass(frozen=True, slots=True)
class Overflow:
    """Where unclaimed work goes when the group does not take it."""

    group: str
    after_minutes: int                   # since the study was complete


@dataclass(frozen=True, slots=True)
class DateRange:
    """Days of a calendar, both ends included: ISO dates, or MM-DD for the same days of every year."""

    first: str
    last: str

    def holds(self, date: str) -> bool:
        """True if the ISO date is one of these days; a yearly range may run over the new year."""
        if len(self.first) > 5:
            return self.first <= date <= self.last
        day = date[5:]
        if self.first <= self.last:
            return self.first <= day <= self.last
        return day >= self.first or day <= self.last


@dataclass(frozen=True, slots=True)
class Rule:
    """All conditions hold, then …"""

    name: str
    conditions: tuple[Condition, ...]
    group: str | None = None
    reader: str | None = None            # login
    priority: str | None = None
    due_minutes: int | None = None       # the signed report; the same as due["review"]
    tags: tuple[str, ...] = ()
    stop: bool = False
    line: int = 0
    second_reader: str | None = None     # login, or id of a group, who reviews
    due: Mapping[str, int] = field(default_factory=dict)     # stage (one of STAGES) to minutes; holds review, too
    forwards: tuple[str, ...] = ()       # ids of destinations that get the whole study
    notify: tuple[Notify, ...] = ()
    hold_until: str | None = None        # local "HH:MM": not on the worklist before then
    overflow: Overflow | None = None

    @property
    def is_measured(self) -> bool:
        """True if it asks a device's statement or measurement: it may then only raise priority (K3)."""
        return any(FACTS[name].is_measured for c in self.conditions for name in c.facts)

    def gives(self) -> dict[str, Any]:
        """What stands in its `then`, as far as it says something, for the explanation."""
        stages = {stage: self.due[stage] for stage in STAGES if stage in self.due and stage != "review"}
        gives = {
            "group": self.group, "reader": self.reader, "second_reader": self.second_reader,
            "priority": self.priority, "due_minutes": self.due_minutes, "due": stages or None,
            "forwards": list(self.forwards) or None, "tags": list(self.tags) or None,
            "notify": [{"who": wish.who, "when": wish.when} for wish in self.notify] or None,
            "hold": {"until": self.hold_until} if self.hold_until else None,
            "overflow": {"group": self.overflow.group, "after_minutes": self.overflow.after_minutes}
            if self.overflow else None,
            "stop": self.stop or None}
        return {key: value for key, value in gives.items() if value is not None}


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What `parse` returns."""

    title: str
    groups: Mapping[str, Group]
    fallback_group: str
    fallback_priority: str | None
    rules: tuple[Rule, ...]
    calendars: Mapping[str, tuple[DateRange, ...]] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)
    # kept: what is made of the rules once and used for every study (questions.py)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the rules say. None means that no rule said anything of it."""

    group: str
    is_fallback: bool                    # no rule named a group or a reader
    reader: str | None
    priority: str | None                 # of the first matching rule that names one
    raise_to: str | None                 # the highest that a rule on measured values asks for (K3)
    due_minutes: int | None
    tags: tuple[str, ...]
    on_duty: tuple[str, ...]             # logins; empty when the group has no roster
    because: list[dict[str, Any]] = field(default_factory=list)
    # because: every rule looked at, in order: {rule, matched, gives, conditions: [{text, holds, seen, why}]}
    second_reader: str | None = None     # login or group id
    due: Mapping[str, int] = field(default_factory=dict)     # stage to minutes, where a rule says so
    forwards: tuple[str, ...] = ()       # destination ids
    notify: tuple[Notify, ...] = ()
    hold_until: str | None = None        # local "HH:MM"; None as well where urgency forbids to hold
    overflow: Overflow | None = None
    assign: str = "pool"                 # of the group that got it

    def as_json(self) -> dict[str, Any]:
        """All but `because`, as it is stored with the decision and compared by a replay."""
        return {
            "group": self.group, "is_fallback": self.is_fallback, "reader": self.reader,
            "second_reader": self.second_reader, "priority": self.priority, "raise_to": self.raise_to,
            "due_minutes": self.due_minutes, "due": dict(self.due), "forwards": list(self.forwards),
            "tags": list(self.tags), "notify": [{"who": n.who, "when": n.when} for n in self.notify],
            "hold_until": self.hold_until,
            "overflow": self.overflow and {"group": self.overflow.group,
                                           "after_minutes": self.overflow.after_minutes},
            "assign": self.assign, "on_duty": list(self.on_duty),
        }
