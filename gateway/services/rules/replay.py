"""Ask a rule set about a stored decision's facts again, many times faster than `decide` and with the same result.

What a condition says hangs on nothing but the values of the facts that it names: CEL has no clock and no memory. So
each condition is asked once for each combination of values that occurs, and the answer is kept under the condition's
text; a draft that changes one rule finds the answers of all others. For each value of a fact one number tells which
rules fail by it (a bit a rule), so that a study costs one look-up for each fact and not one for each condition. The
rules that match are merged by `outcome_of`, as in `decide`. Pure: no clock, no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from routing_rules.conditions import activation, ask
from routing_rules.derived import with_derived
from routing_rules.evaluate import outcome_of
from routing_rules.facts import FACTS, FactType, FactValue, checked
from routing_rules.model import Condition, Outcome, Rule, RuleSet
from routing_rules.roster import Duty
from storage.model import StoredReplay

MOST_ANSWERS = 20_000
"""Of one condition; a fact of free text has as many values as there are studies, and memory is finite."""

Seen = tuple[str, tuple[str, ...]]
"""A fact, and of a map the entries that count; without entries all of them do."""

MOST_MASKS = 200
"""Of one column; beyond it a value is looked at only for the rules that nothing else has ruled out."""

_CHANGED_BY_RULES = frozenset({"load.waiting"}) | {fact.name for fact in FACTS.values() if fact.is_derived}


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a rule set says of one stored decision."""

    outcome: Outcome                     # its `because` holds the reasons of the merging alone
    matched: tuple[Rule, ...]

    @property
    def decided_by(self) -> str:
        """The rule that named the group or the reader; "fallback" where none did."""
        return next((rule.name for rule in self.matched if not rule.is_measured and (rule.group or rule.reader)),
                    "fallback")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a decision was made from."""

    facts: dict[str, FactValue]
    local_now: datetime
    duty: Duty | None


def asked_of(stored: StoredReplay, zone: ZoneInfo) -> Asked:
    """What the rules were asked with. Raises UndeclaredFact for a value that this release does not understand.

    A fact that this release does not know is left out: no rule can ask for it. Decisions of older releases did not
    keep the local time and the duty roster: the time of the decision stands in.
    """
    facts = checked({name: value for name, value in stored.facts.items() if name in FACTS})
    local = stored.inputs.get("local_now")
    return Asked(facts, datetime.fromisoformat(local) if local else stored.at.astimezone(zone),
                 stored.inputs.get("duty"))


class Answers:
    """What conditions said, by their text and the values that they saw. Shared by the rule sets of one simulation."""

    def __init__(self) -> None:
        self._numbers: dict[Seen, dict[Any, int]] = {}
        self._said: dict[str, dict[Any, bool]] = {}
        self.asked = 0                   # how often CEL was really asked

    def of(self, condition: Condition) -> dict[Any, bool]:
        """The answers to this condition so far."""
        return self._said.setdefault(condition.text, {})

    def number(self, seen: Seen, value: FactValue | None) -> int:
        """A small number that stands for what a condition sees of this value; 0 for a fact that is not known."""
        if value is None:
            return 0
        if isinstance(value, dict):
            key: Any = tuple(map(value.get, seen[1])) if seen[1] else frozenset(value.items())
        else:
            key = tuple(value) if isinstance(value, list) else value
        numbers = self._numbers.setdefault(seen, {})
        found = numbers.get(key)
        if found is None:
            found = numbers[key] = len(numbers) + 1
        return found


@dataclass(slots=True)
class _Column:
    """Conditions that see the same facts, each with the bit of its rule; and which rules fail for which values."""

    places: tuple[int, ...]
    asked: list[tuple[int, Condition, dict[Any, bool]]] = field(default_factory=list)
    masks: dict[Any, int] = field(default_factory=dict)


class Replayer:
    """One rule set, ready to be asked about many decisions."""

    def __init__(self, rules: RuleSet, answers: Answers) -> None:
        self.rules = rules
        self._answers = answers
        conditions = [condition for rule in rules.rules for condition in rule.conditions]
        self._used = tuple(dict.fromkeys(name for condition in conditions for name in condition.facts))
        self._needs_derived = not _CHANGED_BY_RULES.isdisjoint(self._used)
        self._seen = tuple(dict.fromkeys(seen for condition in conditions for seen in seen_by(condition)))
        place = {seen: index for index, seen in enumerate(self._seen)}
        columns: dict[tuple[int, ...], _Column] = {}
        for index, rule in enumerate(rules.rules):
            for condition in rule.conditions:
                places = tuple(place[seen] for seen in seen_by(condition))
                column = columns.setdefault(places, _Column(places))
                column.asked.append((1 << index, condition, answers.of(condition)))
        self._columns = list(columns.values())
        self._all = (1 << len(rules.rules)) - 1

    @property
    def facts(self) -> tuple[str, ...]:
        """Every fact that the rules ask for."""
        return self._used

    def replay(self, asked: Asked) -> Replayed:
        """The same outcome as `decide`, but for the reasons of the single rules."""
        values = asked.facts
        if self._needs_derived:
            values = with_derived(self.rules, values, asked.local_now, asked.duty)
        number = self._answers.number
        numbers = [number(seen, values.get(seen[0])) for seen in self._seen]
        failed, later = 0, []
        for column in self._columns:
            places = column.places
            key = numbers[places[0]] if len(places) == 1 else tuple([numbers[place] for place in places])
            mask = column.masks.get(key)
            if mask is None and len(column.masks) < MOST_MASKS:
                mask = column.masks[key] = self._failed(column, key, values, but_not=0)
            if mask is None:
                later.append((column, key))
            else:
                failed |= mask
        for column, key in later:        # of free text and the like: asked only where all else holds
            failed |= self._failed(column, key, values, but_not=failed)
        matched = self._matched(self._all & ~failed)
        return Replayed(outcome_of(self.rules, matched, values, asked.local_now, asked.duty), tuple(matched))

    def _matched(self, bits: int) -> list[Rule]:
        """The rules of these bits in the order of the file, up to the first that stops."""
        matched: list[Rule] = []
        while bits:
            lowest = bits & -bits
            rule = self.rules.rules[lowest.bit_length() - 1]
            matched.append(rule)
            if rule.stop:
                break
            bits ^= lowest
        return matched

    def _failed(self, column: _Column, key: Any, values: Mapping[str, FactValue], *, but_not: int) -> int:
        """The rules that fail by a condition of this column; those of `but_not` have failed already."""
        failed = 0
        for bit, condition, said in column.asked:
            if bit & (but_not | failed):
                continue
            holds = said.get(key)
            if holds is None:
                holds = self._ask(condition, values, key, said)
            if not holds:
                failed |= bit
        return failed

    def _ask(self, condition: Condition, values: Mapping[str, FactValue], key: Any, said: dict[Any, bool]) -> bool:
        self._answers.asked += 1
        seen = {name: values[name] for name in condition.facts if name in values}
        holds = ask(condition, seen, activation(seen)).holds
        if len(said) < MOST_ANSWERS:
            said[key] = holds
        return holds


def unknown_facts(rules: Sequence[Replayer], known: set[str]) -> list[str]:
    """Facts that the rules ask for and that were known of no study."""
    derived = {fact.name for fact in FACTS.values() if fact.is_derived}
    return sorted({name for one in rules for name in one.facts} - known - derived)


def seen_by(condition: Condition) -> tuple[Seen, ...]:
    """What a condition sees of the facts that it names: of a map the entries that it reads, where that is certain."""
    return tuple((name, _entries(condition.text, name) if FACTS[name].type is FactType.COUNTS else ())
                 for name in condition.facts)


def _entries(text: str, name: str) -> tuple[str, ...]:
    """The keys by which a map is read, `load.waiting["ct"]`; () if it is, or may be, read in any other way."""
    mentioned = re.findall(r"\s*\.\s*".join(map(re.escape, name.split("."))), text)
    read = re.findall(re.escape(name) + r"""\[(?:"([\w-]*)"|'([\w-]*)')\]""", text)
    if "//" in text or not read or len(mentioned) != len(read):
        return ()
    return tuple(sorted({one or other for one, other in read}))
