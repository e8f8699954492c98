"""Count what a draft would move, decision by decision, without keeping the decisions. Pure.

The rule part is exact: who would get a study, how urgent, due when. Who of a group really takes it hangs on the load
of that hour, which a draft changes; the load table therefore spreads the work of a group evenly over those on duty,
and says so.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.services.rules.outcome_parts import ASPECTS, Side

MOST_EXAMPLES = 20
MOST_MOVES = 200
MOST_CHANGES = 200
MOST_LATE_EXAMPLES = 50


@dataclass(frozen=True, slots=True)
class Example:
    """A study that would go elsewhere, without patient data."""

    study_id: str
    at: datetime
    site_id: str
    modality: str
    rule: str                            # of the draft: the one that named where, or "fallback"


@dataclass(frozen=True, slots=True)
class Move:
    from_group: str
    from_reader: str | None
    to_group: str
    to_reader: str | None
    studies: int
    examples: list[Example]


@dataclass(frozen=True, slots=True)
class AspectChange:
    aspect: str
    before: Any
    after: Any
    studies: int


@dataclass(frozen=True, slots=True)
class Load:
    """By hour of the day, in the whole time; `id` "" is whoever takes it."""

    id: str
    name: str
    is_reader: bool
    before: list[float]
    after: list[float]
    before_total: float
    after_total: float
    peak_before: float                   # most in one hour of one day
    peak_after: float


@dataclass(frozen=True, slots=True)
class Due:
    studies: int
    unsigned: int
    late_before: int
    late_after: int
    newly_late: int
    no_longer_late: int
    examples: list[Example]


@dataclass(frozen=True, slots=True)
class RuleCount:
    name: str
    line: int
    matched: int
    decided: int


@dataclass(slots=True)
class Tally:
    """Fed with one study after the other."""

    until: datetime
    studies: int = 0
    moved: int = 0
    changed: int = 0
    matched: Counter[str] = field(default_factory=Counter)
    decided: Counter[str] = field(default_factory=Counter)
    _moves: dict[tuple[str, str | None, str, str | None], list[Any]] = field(default_factory=dict)
    _changes: Counter[tuple[str, Any, Any]] = field(default_factory=Counter)
    _load: tuple[_Hours, _Hours] = field(default_factory=lambda: (_Hours(), _Hours()))
    _due: Counter[str] = field(default_factory=Counter)
    _late: list[Example] = field(default_factory=list)

    def add(self, example: Example, local: datetime, before: Side, after: Side, signed_at: datetime | None) -> None:
        """Count one study. `local` is when it was decided, in the gateway's zone."""
        self.studies += 1
        has_moved = (before.group, before.reader) != (after.group, after.reader)
        if has_moved:
            self.moved += 1
            count_and_examples = self._moves.setdefault(
                (before.group, before.reader, after.group, after.reader), [0, []])
            count_and_examples[0] += 1
            if len(count_and_examples[1]) < MOST_EXAMPLES:
                count_and_examples[1].append(example)
        is_different = False
        if before.aspects is not after.aspects:
            for aspect in ASPECTS:
                old, new = before.aspects.get(aspect), after.aspects.get(aspect)
                if old != new:
                    is_different = True
                    self._changes[aspect, old, new] += 1
        self.changed += has_moved or is_different
        self._load[0].add(local, before)
        self._load[1].add(local, after)
        self._count_due(example, before, after, signed_at)

    def moves(self) -> list[Move]:
        """The most frequent first."""
        most = sorted(self._moves.items(), key=lambda item: (-item[1][0], str(item[0])))[:MOST_MOVES]
        return [Move(*key, count, examples) for key, (count, examples) in most]

    def changes(self) -> list[AspectChange]:
        """By aspect, the most frequent first."""
        most = sorted(self._changes.items(), key=lambda item: (ASPECTS.index(item[0][0]), -item[1], str(item[0])))
        return [AspectChange(aspect, _shown(old), _shown(new), count)
                for (aspect, old, new), count in most[:MOST_CHANGES]]

    def load(self, names: Mapping[str, str]) -> list[Load]:
        """Groups, then readers; the busiest first."""
        before, after = self._load
        keys = sorted({*before.by_hour, *after.by_hour},
                      key=lambda key: (key[0], -max(before.total(key), after.total(key)), key[1]))
        return [Load(name, names.get(name, name), is_reader, before.hours(is_reader, name),
                     after.hours(is_reader, name), round(before.total((is_reader, name)), 1),
                     round(after.total((is_reader, name)), 1), before.peak(is_reader, name),
                     after.peak(is_reader, name)) for is_reader, name in keys]

    def due(self) -> Due:
        count = self._due
        return Due(self.studies, count["unsigned"], count["before"], count["after"], count["newly"],
                   count["no-longer"], self._late)

    def rules(self, names_and_lines: Sequence[tuple[str, int]]) -> list[RuleCount]:
        """Of every rule of the draft, in its order."""
        return [RuleCount(name, line, self.matched[name], self.decided[name]) for name, line in names_and_lines]

    def _count_due(self, example: Example, before: Side, after: Side, signed_at: datetime | None) -> None:
        end = signed_at or self.until
        self._due["unsigned"] += signed_at is None
        was_late, is_late = end > before.due_at, end > after.due_at
        self._due["before"] += was_late
        self._due["after"] += is_late
        self._due["no-longer"] += was_late and not is_late
        if is_late and not was_late:
            self._due["newly"] += 1
            if len(self._late) < MOST_LATE_EXAMPLES:
                self._late.append(example)


class _Hours:
    """Work by group and by reader, by hour of the day and by single hour."""

    def __init__(self) -> None:
        self.by_hour: defaultdict[tuple[bool, str], list[float]] = defaultdict(lambda: [0.0] * 24)
        self._single: defaultdict[tuple[bool, str], Counter[int]] = defaultdict(Counter)

    def add(self, local: datetime, side: Side) -> None:
        single = local.toordinal() * 24 + local.hour
        self._book((False, side.group), local.hour, single, 1.0)
        share = 1.0 / len(side.readers)
        for reader in side.readers:
            self._book((True, reader), local.hour, single, share)

    def hours(self, is_reader: bool, name: str) -> list[float]:
        return [round(value, 2) for value in self.by_hour.get((is_reader, name), [0.0] * 24)]

    def total(self, key: tuple[bool, str]) -> float:
        return sum(self.by_hour.get(key, ()))

    def peak(self, is_reader: bool, name: str) -> float:
        return round(max(self._single.get((is_reader, name), Counter()).values(), default=0.0), 2)

    def _book(self, key: tuple[bool, str], hour: int, single: int, share: float) -> None:
        self.by_hour[key][hour] += share
        self._single[key][single] += share  # type: ignore[assignment]


def _shown(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
