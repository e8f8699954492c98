"""Facts and comparisons in words, for messages that a head of department reads."""

from __future__ import annotations

import json
import math
import re

from routing_rules.analysis_space import Comparison, comparison, limits
from routing_rules.analysis_tree import Kind, Tree, Value
from routing_rules.facts import FACTS

_SIGNS = {"_==_": "==", "_!=_": "!=", "_<_": "<", "_<=_": "<=", "_>_": ">", "_>=_": ">=", "@in": "in",
          "_&&_": "&&", "_||_": "||", "_+_": "+", "_-_": "-", "_*_": "*", "_/_": "/", "_%_": "%"}


def fact_zh(name: str) -> str:
    """`patient.age_years(患者年龄)`: the fact as it is written, and what it is called."""
    return f"{name}({_short(FACTS[name].zh)})" if name in FACTS else name


def fact_en(name: str) -> str:
    """The English of `fact_zh`."""
    return f"{name} ({_short(FACTS[name].en).lower()})" if name in FACTS else name


def source_of(tree: Tree, text: str) -> str:
    """How this part of a condition is written; said again from the tree where that is simple, else the whole text."""
    return _written(tree) or text


def limits_of(tree: Tree) -> tuple[str, str, str] | None:
    """(fact, lowest, highest) of a comparison with a number that the fact cannot be, for a message."""
    compared = comparison(tree)
    if compared is None or not compared.is_number:
        return None
    low, high = limits(compared.variable)
    if math.isinf(low) and math.isinf(high):
        return None
    return compared.variable, _number(low), _number(high)


def opposite_numbers(first: Tree, second: Tree) -> Comparison | None:
    """The first as a comparison, when both compare the same number, one from above and one from below."""
    ours, theirs = comparison(first), comparison(second)
    if ours is None or theirs is None or ours.variable != theirs.variable or not ours.is_number:
        return None
    return ours if {ours.sign[1], theirs.sign[1]} == {"<", ">"} else None


def _written(tree: Tree) -> str:
    if tree.kind is Kind.CONSTANT:
        return _constant(tree.value)
    if tree.kind is Kind.NAME:
        return tree.name
    if tree.kind is Kind.LIST:
        parts = [_written(part) for part in tree.parts]
        return f"[{', '.join(parts)}]" if all(parts) else ""
    if tree.kind is not Kind.CALL:
        return ""
    parts = [_written(part) for part in tree.parts]
    if not all(parts):
        return ""
    if tree.name in _SIGNS and len(parts) == 2:
        inner = [f"({said})" if part.name in ("_&&_", "_||_") and part.name != tree.name else said
                 for said, part in zip(parts, tree.parts, strict=True)]
        return f"{inner[0]} {_SIGNS[tree.name]} {inner[1]}"
    if tree.name == "!_":
        return f"!({parts[0]})"
    if tree.name == "_[_]":
        return f"{parts[0]}[{parts[1]}]"
    if re.fullmatch(r"\w+", tree.name):
        return f"{tree.name}({parts[0]})" if len(parts) == 1 else f"{parts[0]}.{tree.name}({', '.join(parts[1:])})"
    return ""


def _constant(value: Value) -> str:
    if isinstance(value, bytes):
        return ""
    return json.dumps(value, ensure_ascii=False)


def _number(number: float) -> str:
    return "∞" if math.isinf(number) else f"{number:g}"


def _short(sentence: str) -> str:
    return re.split(r"[(,,。::;(]", sentence, maxsplit=1)[0].strip()
