"""How long a condition can take at most, known before it is ever asked.

A rule set that is too dear is refused when it loads, by a bound that no study can exceed: facts are cut to 200 items
of 1,000 characters (facts.py), the runtime ends a condition after 10,000 turns of its loops, and what stands in a
loop is counted here. `map` makes texts that double at every step, and a pattern that is not written out cannot be
judged: both are refused. Time is estimated in microseconds on a slow core, from measurements, on the safe side. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from routing_rules.analysis_tree import Kind, Tree, tree_of
from routing_rules.facts import MAX_ITEMS

MOST_US = 150_000.0
"""A condition that could take longer than this is refused."""

_MOST_TURNS = 10_000                     # the runtime's own: comprehension_max_iterations
_CALL_US, _TEXT_US, _JOINED_US, _MATCH_US, _STEP_US = 0.2, 1.0, 0.5, 20.0, 1.5
_ON_TEXT = frozenset({"contains", "startsWith", "endsWith", "size", "@in"})
_MOST_PATTERN_CHARACTERS = 300
_COUNTED = re.compile(r"\{(\d+)(,(\d*))?\}")
_UNICODE_CLASS_STEPS = 1500


@dataclass(frozen=True, slots=True)
class TooDear:
    """Why a condition is refused, and the character where (from 0)."""

    at: int
    zh: str
    en: str


def too_dear(program: Any) -> TooDear | None:
    """Return what makes a compiled condition too dear; None if it is fine."""
    tree = tree_of(program)
    found = next(_forbidden(tree), None)
    if found is not None:
        return found
    worst_us = _cost_us(tree, 1)
    if worst_us <= MOST_US:
        return None
    return TooDear(tree.begins, f"这个条件最坏要算 {worst_us / 1000:.0f} 毫秒,超过 {MOST_US / 1000:.0f} 毫秒的上限;"
                                "请少用循环套循环,或把正则表达式写短",
                   f"at worst this takes {worst_us / 1000:.0f} ms, more than the limit of {MOST_US / 1000:.0f} ms; "
                   "use fewer loops inside loops, or a shorter pattern")


def pattern_steps(pattern: str) -> int:
    """How large the automaton of a regular expression can become, roughly: one step a byte, repeated as counted."""
    total, stack, atom, position = 0, [], 0, 0
    while position < len(pattern):
        sign = pattern[position]
        position += 1
        repeated = _COUNTED.match(pattern, position - 1) if sign == "{" else None
        if repeated is not None:
            most = int(repeated.group(3) or repeated.group(1)) + (1 if repeated.group(2) == "," else 0)
            total += 2 * atom * max(most - 1, 0)     # each turn may end the match: a branch more
            atom *= max(most, 1)
            position = repeated.end()
            continue
        if sign == "(":
            stack.append(total)
            total, atom = 0, 0
            continue
        if sign == ")" and stack:
            atom, total = total, total + stack.pop()
            continue
        if sign in "*+?|":
            total += 1
            continue
        atom, position = _atom(pattern, sign, position)
        total += atom
    return total * (2 if "(?i" in pattern else 1)


def _atom(pattern: str, sign: str, position: int) -> tuple[int, int]:
    """Steps of one character, class or escape, and where the next begins."""
    if sign == "\\" and position < len(pattern):
        return (_UNICODE_CLASS_STEPS if pattern[position] in "pP" else 4), position + 1
    if sign == "[":
        end = position + (1 if pattern[position:position + 1] == "^" else 0)
        end = pattern.find("]", end + 1)
        inside = pattern[position:end] if end > 0 else pattern[position:]
        steps = 4 + len(inside.encode()) + (_UNICODE_CLASS_STEPS if "\\p" in inside.lower() else 0)
        return steps, end + 1 if end > 0 else len(pattern)
    return (4 if sign == "." else len(sign.encode())), position


def _forbidden(tree: Tree) -> Iterator[TooDear]:
    for node in tree.walk():
        if node.kind is Kind.OTHER and node.name.startswith("loop ") and _makes_values(node):
            yield TooDear(node.at, "这里不能用 map;请用 exists、all、exists_one 或 filter",
                          "map is not used here; use exists, all, exists_one or filter")
        if node.kind is Kind.CALL and node.name == "matches":
            pattern = node.parts[-1]
            if pattern.kind is not Kind.CONSTANT or not isinstance(pattern.value, str):
                yield TooDear(node.at, "正则表达式要直接写成文字,不能由事实拼成",
                              "write the pattern itself; it cannot be made of facts")
            elif len(pattern.value) > _MOST_PATTERN_CHARACTERS:
                yield TooDear(node.at, f"正则表达式最多 {_MOST_PATTERN_CHARACTERS} 个字符",
                              f"a pattern has at most {_MOST_PATTERN_CHARACTERS} characters")


def _makes_values(loop: Tree) -> bool:
    """True for `map`: the list it grows gets something else than the item itself, as `filter` does."""
    item = loop.name.removeprefix("loop ").split(",")[0]
    _source, first, _condition, step, _result = loop.parts
    if first.kind is not Kind.LIST:                  # exists and all keep a bool, exists_one a number
        return False
    grown = step.parts[1] if step.name == "_?_:_" else step
    return grown.name != "_+_" or [part.name for part in grown.parts[1].parts] != [item]


def _cost_us(tree: Tree, times: int) -> float:
    """Of all that is evaluated below, when it is evaluated so many times."""
    if tree.kind is Kind.OTHER and tree.name.startswith("loop "):
        source, *inside = tree.parts
        turns = min(times * _items(source), _MOST_TURNS)
        return _cost_us(source, times) + sum(_cost_us(part, turns) for part in inside)
    return times * _own_us(tree) + sum(_cost_us(part, times) for part in tree.parts)


def _own_us(tree: Tree) -> float:
    if tree.kind is not Kind.CALL:
        return 0.05
    if tree.name == "_+_" and tree.type not in ("int", "double"):
        return _TEXT_US + _JOINED_US * sum(1 for _ in tree.walk())
    if tree.name == "matches":
        return _MATCH_US + _STEP_US * pattern_steps(str(tree.parts[-1].value))
    return _TEXT_US if tree.name in _ON_TEXT else _CALL_US


def _items(source: Tree) -> int:
    """How many items a loop can run over."""
    if source.kind is Kind.LIST:
        return len(source.parts)
    if source.kind is Kind.CALL and source.name == "_+_":
        return sum(_items(part) for part in source.parts)
    if source.kind is Kind.OTHER and source.name.startswith("loop "):
        return _items(source.parts[0])
    return MAX_ITEMS
