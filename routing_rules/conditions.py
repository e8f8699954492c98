"""One CEL condition: compiled against the declared facts, its errors told with their place, and asked.

Three habits of the CEL runtime to know:
- A fact that is missing does not raise: the result is an ERROR value ("No value with name …"). It is never a bool,
  so it is taken as "does not hold, because not known". `false && missing` is still false, `true || missing` true.
- Loops have a budget (a loop in a loop over some 100 items goes beyond it): that raises, and is taken the same way.
- A double is not compared with an int: `patient.age_years >= 65.0`. That fails here, when the rule set loads.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from routing_rules.analysis_tree import Kind, tree_of
from routing_rules.facts import FACTS, FactType, FactValue
from routing_rules.limits import too_dear
from routing_rules.model import Condition

_TYPES = {FactType.STRING: cel.Type.STRING, FactType.INT: cel.Type.INT, FactType.DOUBLE: cel.Type.DOUBLE,
          FactType.BOOL: cel.Type.BOOL, FactType.STRINGS: cel.Type.List(cel.Type.STRING),
          FactType.COUNTS: cel.Type.Map(cel.Type.STRING, cel.Type.INT)}
_ENVIRONMENT = cel.NewEnv(variables={fact.name: _TYPES[fact.type] for fact in FACTS.values()})
_PATTERN = "study.description"           # any text fact: it carries a pattern to be tried
_PATTERNS = _ENVIRONMENT.compile(f'"".matches({_PATTERN})')
_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_TEXT = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
_SIGNS = {"_==_": "==", "_!=_": "!=", "_<_": "<", "_<=_": "<=", "_>_": ">", "_>=_": ">=", "_&&_": "&&",
          "_||_": "||", "!_": "!", "@in": "in", "_+_": "+", "_-_": "-", "_*_": "*", "_/_": "/"}


@dataclass(frozen=True, slots=True)
class ConditionProblem:
    """What CEL says, with its place inside the condition (from 1)."""

    line: int
    column: int
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a condition says of one study."""

    holds: bool
    seen: dict[str, FactValue | None]    # None: not known
    why: str                             # machine word when it could not be answered: "unknown", "budget", "error"


@lru_cache(maxsize=8192)
def compile_condition(text: str) -> Condition | list[ConditionProblem]:
    """Compile a condition, or return what is wrong with it."""
    try:
        program = _ENVIRONMENT.compile(text)
    except RuntimeError as exc:                      # the runtime's only error; its text holds the places
        found = [_translated(text, int(line), int(column), said) for line, column, said in _ERROR.findall(str(exc))]
        return found or [ConditionProblem(1, 1, f"不能理解这个条件:{exc}", f"cannot understand the condition: {exc}")]
    if program.return_type() != cel.Type.BOOL:
        kind = program.return_type().name()
        return [ConditionProblem(1, 1, f"条件的结果必须是真或假,这里得到 {kind}",
                                 f"a condition must be true or false, this gives {kind}")]
    dear = too_dear(program)
    if dear is not None:
        before = text[:dear.at]
        return [ConditionProblem(before.count("\n") + 1, dear.at - before.rfind("\n"), dear.zh, dear.en)]
    wrong = _unreadable_pattern(text, program)
    if wrong:
        return wrong
    asked = _facts_of(program, text)
    return _impossible_choices(text, asked) or Condition(text, program, asked)


def compile_list(texts: Sequence[str]) -> Any | None:
    """One program that answers several conditions at once, as a list of bools; None if they do not go together."""
    try:
        return _ENVIRONMENT.compile("[" + ",\n".join(f"({text}\n)" for text in texts) + "]")
    except RuntimeError:
        return None


def compared_texts(text: str, fact: str) -> list[tuple[int, str]]:
    """(column from 1, text) of every text that a condition compares this fact with, by ==, != or in [...]."""
    name = re.escape(fact)
    equal = re.compile(rf"(?<![\w.]){name}\s*[=!]=\s*({_TEXT.pattern})")
    found = [(m.start(1) + 1, m.group(1)) for m in equal.finditer(text)]
    for several in re.finditer(rf"(?<![\w.]){name}\s+in\s*\[([^\]]*)\]", text):
        found += [(several.start(1) + m.start() + 1, m.group()) for m in _TEXT.finditer(several.group(1))]
    return [(column, quoted[1:-1]) for column, quoted in sorted(found)]


def activation(facts: Mapping[str, FactValue]) -> Any:
    """Make the facts ready for many conditions."""
    return _ENVIRONMENT.Activation(dict(facts))


def ask(condition: Condition, facts: Mapping[str, FactValue], prepared: Any) -> Answer:
    """Ask one condition; `prepared` is `activation(facts)`."""
    seen: dict[str, FactValue | None] = {name: facts.get(name) for name in condition.facts}
    try:
        result = condition.program.eval(prepared)
    except RuntimeError:                             # the budget for loops
        return Answer(False, seen, "budget")
    if result.type() == cel.Type.BOOL:
        return Answer(bool(result.value()), seen, "")
    return Answer(False, seen, "unknown" if None in seen.values() else "error")


def _facts_of(program: Any, text: str) -> tuple[str, ...]:
    """The facts that a compiled condition names, in order of appearance.

    Taken from the checked expression, not from the text: `ecg . pr_ms` and a comment or a quoted name cannot
    mislead it, and the rule of K3 rests on it. A name stands there as field 1 of a protobuf message.
    """
    compiled = program.serialize()
    asked = [name for name in FACTS if b"\n" + bytes([len(name)]) + name.encode() in compiled]
    return tuple(sorted(asked, key=lambda name: (text.find(name) < 0, text.find(name))))


def _unreadable_pattern(text: str, program: Any) -> list[ConditionProblem]:
    """A pattern that RE2 does not take, told now instead of never matching."""
    for node in tree_of(program).walk():
        if node.kind is Kind.CALL and node.name == "matches":
            said = _PATTERNS.eval(_ENVIRONMENT.Activation({_PATTERN: str(node.parts[-1].value)}))
            if said.type() != cel.Type.BOOL:
                before = text[:node.at]
                why = str(said.value()).partition(": ")[2]
                return [ConditionProblem(before.count("\n") + 1, node.at - before.rfind("\n"),
                                         f"正则表达式写得不对:{why}", f"not a regular expression: {why}")]
    return []


def _impossible_choices(text: str, asked: tuple[str, ...]) -> list[ConditionProblem]:
    found = []
    for name in asked:
        for column, value in compared_texts(text, name) if FACTS[name].choices else ():
            if value not in FACTS[name].choices:
                allowed = ", ".join(FACTS[name].choices)
                found.append(ConditionProblem(1, column, f"{name} 不可能是「{value}」,只有:{allowed}",
                                              f'{name} is never "{value}"; it is one of: {allowed}'))
    return found


def _translated(text: str, line: int, column: int, said: str) -> ConditionProblem:
    unknown = re.match(r"undeclared reference to '([^']+)'", said)
    if unknown:
        name = unknown.group(1)
        # CEL points at the last dot of a dotted name; a person looks for its beginning.
        lines = text.split("\n")
        start = lines[line - 1].rfind(name, 0, column + len(name)) if line <= len(lines) else -1
        near = difflib.get_close_matches(name, FACTS, n=1, cutoff=0.6)
        return ConditionProblem(line, start + 1 if start >= 0 else column,
                                f"没有「{name}」这个事实" + (f",是不是 {near[0]}?" if near else ""),
                                f"there is no fact {name}" + (f"; did you mean {near[0]}?" if near else ""))
    overload = re.match(r"found no matching overload for '([^']+)' applied to '\(?([^)]*)\)?'", said)
    if overload:
        sign, types = _SIGNS.get(overload.group(1), overload.group(1)), overload.group(2)
        decimal = {"double", "int"} == {t.strip() for t in types.split(",")}
        return ConditionProblem(line, column,
                                f"类型不合:「{sign}」不能用于 {types}"
                                + (",小数要写成 65.0 的样子" if decimal else ""),
                                f"wrong types: {sign} cannot take {types}"
                                + ("; write the number as 65.0" if decimal else ""))
    if said.startswith("Syntax error"):
        return ConditionProblem(line, column, f"语法错误:{said.removeprefix('Syntax error: ')}",
                                f"syntax error: {said.removeprefix('Syntax error: ')}")
    return ConditionProblem(line, column, f"条件有误:{said}", f"wrong condition: {said}")
