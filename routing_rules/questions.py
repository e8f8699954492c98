"""All conditions of a rule set, asked about one study with few calls of the runtime.

A call of the CEL runtime costs 2 µs before it does anything, a condition itself a tenth of that. So conditions that
ask the same facts, without loops or regular expressions, stand together in one list expression: one call answers all
of them. Where one of them fails, or a fact is missing, each is asked by itself; the answers are the same either way.
A condition that is dear (a loop, a regular expression) is remembered with the values it saw.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from routing_rules.conditions import activation, ask, compile_list
from routing_rules.facts import FactValue
from routing_rules.model import Condition, RuleSet

Verdict = tuple[bool, str]               # it holds; machine word where it could not be answered
IsOver = Callable[[], bool]

_HOLDS, _HOLDS_NOT, _UNKNOWN = (True, ""), (False, ""), (False, "unknown")
_DEAR = re.compile(r"\bmatches\b|\.\s*(?:exists|exists_one|all|filter|map)\b")
_CAN_DO_WITHOUT = re.compile(r"\|\||&&|\?|\b(?:exists|exists_one|all|filter|map|has)\b")
_LONGEST_LIST = 100
_MOST_REMEMBERED = 512                   # sets of values, by condition


class RulesTooSlow(Exception):
    """The budget of time for a decision is used up; nothing was decided."""


@dataclass(frozen=True, slots=True)
class _Batch:
    facts: tuple[str, ...]
    numbers: tuple[int, ...]
    program: Any


class Questions:
    """The distinct conditions of a rule set, numbered; made once for a rule set, used for every study."""

    def __init__(self, rules: RuleSet) -> None:
        numbers: dict[str, int] = {}
        self.conditions: list[Condition] = []
        self.of_rule: list[tuple[int, ...]] = []
        self.gives: list[dict[str, Any]] = [rule.gives() for rule in rules.rules]
        for rule in rules.rules:
            for condition in rule.conditions:
                if numbers.setdefault(condition.text, len(numbers)) == len(self.conditions):
                    self.conditions.append(condition)
            self.of_rule.append(tuple(numbers[condition.text] for condition in rule.conditions))
        self.is_dear = [bool(_DEAR.search(condition.text)) for condition in self.conditions]
        self.needs_all = [not _CAN_DO_WITHOUT.search(condition.text) for condition in self.conditions]
        self.remembered: list[dict[Hashable, Verdict]] = [{} for _ in self.conditions]
        self.batch_of: list[_Batch | None] = [None] * len(self.conditions)
        together: dict[frozenset[str], list[int]] = {}
        for number, condition in enumerate(self.conditions):
            if not self.is_dear[number]:
                together.setdefault(frozenset(condition.facts), []).append(number)
        for asked, members in together.items():
            for start in range(0, len(members), _LONGEST_LIST):
                self._batch(tuple(sorted(asked)), members[start:start + _LONGEST_LIST])

    def _batch(self, facts: tuple[str, ...], numbers: Sequence[int]) -> None:
        if len(numbers) < 2:
            return
        program = compile_list([self.conditions[number].text for number in numbers])
        if program is not None:
            batch = _Batch(facts, tuple(numbers), program)
            for number in numbers:
                self.batch_of[number] = batch


def questions_of(rules: RuleSet) -> Questions:
    """The questions of a rule set; made when first asked for, and kept with it."""
    if "questions" not in rules.kept:
        rules.kept["questions"] = Questions(rules)
    found: Questions = rules.kept["questions"]
    return found


class Sheet:
    """The answers about one study, each found when it is asked for.

    `values` are the facts as the conditions see them (checked, with the derived ones). Raises RulesTooSlow from any
    method once `is_over()`, which is looked at between two calls of the runtime.
    """

    __slots__ = ("_entries", "_is_over", "_prepared", "_questions", "_seen", "_values", "_verdicts")

    def __init__(self, questions: Questions, values: Mapping[str, FactValue], is_over: IsOver | None = None) -> None:
        self._questions = questions
        self._values = values
        self._prepared = activation(values)
        self._is_over = is_over
        self._verdicts: list[Verdict | None] = [None] * len(questions.conditions)
        self._entries: list[dict[str, Any] | None] = [None] * len(questions.conditions)
        self._seen: dict[tuple[str, ...], dict[str, FactValue | None]] = {}

    def verdict(self, number: int) -> Verdict:
        """The answer to one condition."""
        return self._verdicts[number] or self._asked(number)

    def entry(self, number: int) -> dict[str, Any]:
        """The answer with the condition's text and the values it saw; one object for all rules that ask it."""
        found = self._entries[number]
        if found is None:
            condition = self._questions.conditions[number]
            holds, why = self.verdict(number)
            seen = self._seen.get(condition.facts)
            if seen is None:
                seen = self._seen[condition.facts] = {name: self._values.get(name) for name in condition.facts}
            found = self._entries[number] = {"text": condition.text, "holds": holds, "seen": seen, "why": why}
        return found

    def rule_holds(self, index: int) -> bool:
        """True if every condition of the rule holds; the rest is not asked after one that does not."""
        verdicts = self._verdicts
        return all((verdicts[number] or self._asked(number))[0] for number in self._questions.of_rule[index])

    def _asked(self, number: int) -> Verdict:
        questions, values = self._questions, self._values
        condition = questions.conditions[number]
        if any(name not in values for name in condition.facts):
            found = _UNKNOWN if questions.needs_all[number] else self._alone(condition)
        elif questions.is_dear[number]:
            found = self._from_memory(number, condition)
        else:
            batch = questions.batch_of[number]
            if batch is not None and self._answer_all(batch):
                return self._verdicts[number] or _HOLDS_NOT
            found = self._alone(condition)
        self._verdicts[number] = found
        return found

    def _answer_all(self, batch: _Batch) -> bool:
        self._check_time()
        try:
            answers = batch.program.eval(self._prepared).plain_value()
        except RuntimeError:
            return False
        if not isinstance(answers, list):            # one of them failed; CEL does not say which
            return False
        verdicts = self._verdicts
        for number, holds in zip(batch.numbers, answers, strict=True):
            verdicts[number] = _HOLDS if holds is True else _HOLDS_NOT
        return True

    def _from_memory(self, number: int, condition: Condition) -> Verdict:
        key = tuple(_hashable(self._values[name]) for name in condition.facts)
        memory = self._questions.remembered[number]
        found = memory.get(key)
        if found is None:
            found = self._alone(condition)
            if len(memory) >= _MOST_REMEMBERED:
                memory.clear()
            memory[key] = found
        return found

    def _alone(self, condition: Condition) -> Verdict:
        self._check_time()
        answer = ask(condition, self._values, self._prepared)
        return answer.holds, answer.why

    def _check_time(self) -> None:
        if self._is_over is not None and self._is_over():
            raise RulesTooSlow


def _hashable(value: FactValue) -> Hashable:
    if isinstance(value, list):
        return tuple(value)
    return tuple(sorted(value.items())) if isinstance(value, dict) else value
