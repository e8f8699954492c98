"""Make up a study that matches two rules, and ask the runtime whether it really does.

The boxes say which values to try; texts are put together from what the conditions look for. A study that the runtime
does not confirm is no example, and then nothing is claimed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from routing_rules.analysis import Analysis, Box
from routing_rules.analysis_space import TRUE, comparison
from routing_rules.analysis_tree import Kind, Tree
from routing_rules.conditions import activation, ask
from routing_rules.facts import FACTS, FactType, FactValue
from routing_rules.model import Rule

MAX_BOXES_TRIED = 4
_WORD = re.compile(r"[^\W_]{2,}")


def example_of(boxes: Sequence[Box], analysis: Analysis, rules: Sequence[Rule], pair: tuple[int, int],
               given: Sequence[Mapping[str, Any]], aspect: str) -> dict[str, FactValue] | None:
    """Facts with which both rules of the pair match and the first of them decides `aspect`; None if none is found."""
    wanted = {node.key: node for index in pair for tree in analysis.trees[index] for node in tree.walk()}
    for box in boxes[:MAX_BOXES_TRIED]:
        facts = _made_up(box, analysis, wanted)
        if not _can_be(facts):
            continue
        prepared = activation(facts)
        if not all(_matches(rules[index], facts, prepared) for index in pair):
            continue
        # Rules before them may stop, or decide first: then it is not these two that conflict.
        before = [index for index in range(pair[1]) if index not in pair
                  and (rules[index].stop or (aspect in given[index] and index < pair[0]))]
        if not any(_matches(rules[index], facts, prepared) for index in before):
            return facts
    return None


def example_said(facts: Mapping[str, FactValue]) -> str:
    """The example in one line."""
    return ", ".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in facts.items()) or "-"


def _can_be(facts: Mapping[str, FactValue]) -> bool:
    """False where two facts contradict that the gateway makes of one: an electrocardiogram has the modality ECG."""
    kind, modality = facts.get("study.kind"), facts.get("study.modality")
    return kind is None or modality is None or (kind == "ecg") is (modality == "ECG")


def _matches(rule: Rule, facts: Mapping[str, FactValue], prepared: Any) -> bool:
    return all(ask(condition, facts, prepared).holds for condition in rule.conditions)


def _made_up(box: Box, analysis: Analysis, nodes: Mapping[str, Tree]) -> dict[str, FactValue]:
    facts: dict[str, FactValue] = {}
    for name, mask in box.items():
        variable = analysis.space.variables.get(name)
        if variable is not None and name in FACTS:
            value = variable.sample(mask)
            if value is None:                        # any text but those that are named
                value = "X"
            is_double = FACTS[name].type is FactType.DOUBLE
            facts[name] = float(value) if is_double and isinstance(value, int) else value
        elif name in FACTS and FACTS[name].type is FactType.BOOL:
            facts[name] = mask == TRUE
    for name, mask in box.items():
        node = nodes.get(name.removeprefix("whole "))
        if node is not None and node.kind is not Kind.NAME and mask == TRUE:
            _help(node, facts)
        elif (variable := analysis.space.variables.get(name)) is not None and name not in FACTS:
            _count(nodes.get(name), variable.sample(mask), facts)
    return facts


def _help(node: Tree, facts: dict[str, FactValue]) -> None:
    """Give the facts that this expression asks the texts it looks for."""
    names = [each.name for each in node.walk() if each.name in FACTS and each.kind is Kind.NAME]
    texts = [each.value for each in node.walk() if isinstance(each.value, str)]
    for name in names:
        kind, old = FACTS[name].type, facts.get(name)
        if kind is FactType.STRINGS:
            entries = [*old] if isinstance(old, list) else []
            facts[name] = [*entries, *(text for text in texts if text not in entries)]
        elif kind is FactType.STRING and not FACTS[name].choices and comparison(node) is None:
            words = texts
            if node.name == "matches":
                words = [found[0] for text in texts if (found := _WORD.findall(re.sub(r"\(\?\w+\)|\\\w", "", text)))]
            before = old if isinstance(old, str) and old != "X" else ""
            facts[name] = " ".join([*([before] if before else []), *words])


def _count(node: Tree | None, value: FactValue | None, facts: dict[str, FactValue]) -> None:
    """`load.waiting["imaging"]`: a count of a group."""
    if node is None or node.name != "_[_]" or not isinstance(value, int | float) or not math.isfinite(value):
        return
    counts, key = node.parts
    if counts.name in FACTS and isinstance(key.value, str):
        old = facts.get(counts.name)
        facts[counts.name] = {**(old if isinstance(old, dict) else {}), key.value: int(value)}
