"""A rule set in memory, and what comes out of asking it. Frozen: a version never changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from routing_rules.facts import FACTS

PRIORITIES = ("routine", "urgent", "emergency")
"""From low to high."""


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


@dataclass(frozen=True, slots=True)
class Condition:
    """One CEL expression of a rule, compiled."""

    text: str
    program: Any                         # cel_expr_python Expression, result type bool
    facts: tuple[str, ...]               # those it mentions, in order of appearance


@dataclass(frozen=True, slots=True)
class Rule:
    """All conditions hold, then …"""

    name: str
    conditions: tuple[Condition, ...]
    group: str | None = None
    reader: str | None = None            # login
    priority: str | None = None
    due_minutes: int | None = None
    tags: tuple[str, ...] = ()
    stop: bool = False
    line: int = 0

    @property
    def is_measured(self) -> bool:
        """True if it asks a device's statement or measurement: it may then only raise priority (K3)."""
        return any(FACTS[name].is_measured for c in self.conditions for name in c.facts)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What `parse` returns."""

    title: str
    groups: Mapping[str, Group]
    fallback_group: str
    fallback_priority: str | None
    rules: tuple[Rule, ...]


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
