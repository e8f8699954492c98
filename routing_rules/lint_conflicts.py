"""Rules that match the same study and want different things: the first in the file wins, and the other is told.

Two findings. What a rule gives "never counts" when every study that reaches it has it from an earlier rule already.
Two rules "conflict" when a study that both match is at hand (it is made up, and asked of the runtime to be sure),
neither is the special case of the other, and they name different things. A special case before a general rule is how
rule sets are written, so nothing is said of that; nor of a lower priority or longer due time that comes second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from routing_rules.analysis import Analysis, Box
from routing_rules.analysis_example import example_of, example_said
from routing_rules.difference_words import ASPECTS, value_en, value_zh
from routing_rules.model import PRIORITIES, Problem, Rule, RuleSet
from routing_rules.positions import Document, Path

MAX_TOLD = 20
"""Conflicts told at once; a rule set with more is mended one by one."""

FOLLOWS = {"study.modality": "study.kind", "site.id": "site.", "device.id": "site.", "arrival.date": "arrival."}
"""A fact, and those that follow from it: who asks for a site has said its kind, too."""

MAX_TRIED = 200
MAX_COMPARED = 60_000


def conflict_warnings(rules: RuleSet, analysis: Analysis, document: Document) -> Iterator[Problem]:
    """Whatever a rule gives that never counts, and pairs of rules that conflict."""
    hopeless = set()
    for index, aspect, names in _never_counting(rules, analysis):
        hopeless.add((index, aspect))
        place = document.key_place(_path(index, aspect))
        zh, en = ASPECTS.get(aspect, (aspect, aspect))
        said_zh, said_en = "、".join(f"「{name}」" for name in names), ", ".join(f'"{name}"' for name in names)
        yield Problem(
            place.line, place.column,
            f"这里的{zh}永远不起作用:凡是到这条规则的检查,前面的{said_zh}已经定了{zh},以先写的为准。"
            "请把这条规则移到它前面,或删除这一项。",
            f"this {en} never counts: every study that matches this rule has its {en} from {said_en} before it, and "
            "the first one wins. Move this rule before it, or delete this entry.", is_warning=True)
    yield from _conflicts(rules, analysis, document, hopeless)


def _never_counting(rules: RuleSet, analysis: Analysis) -> Iterator[tuple[int, str, list[str]]]:
    before: dict[str, list[tuple[str, Any, list[Box]]]] = {}
    for index, rule in enumerate(rules.rules):
        if rule.is_measured or not analysis.may_hold[index]:
            continue
        inner = analysis.may_hold[index]
        for aspect, value in firsts(rule).items():
            earlier = before.setdefault(aspect, [])
            if earlier and analysis.covers((box for _, _, boxes in earlier for box in boxes), inner):
                alike = (box for _, other, boxes in earlier if other == value for box in boxes)
                alone = next((name for name, _, boxes in earlier if analysis.covers(boxes, inner)), None)
                if not analysis.covers(alike, inner):
                    yield index, aspect, [alone] if alone else [name for name, _, _ in earlier[:3]]
            earlier.append((rule.name, value, analysis.surely_holds[index]))


def _conflicts(rules: RuleSet, analysis: Analysis, document: Document,
               hopeless: set[tuple[int, str]]) -> Iterator[Problem]:
    given = [{} if rule.is_measured else firsts(rule) for rule in rules.rules]
    told = tried = compared = 0
    for second in range(len(rules.rules)):
        for first in range(second):
            earlier = rules.rules[first]
            differing = [aspect for aspect, value in given[second].items()
                         if aspect in given[first] and (second, aspect) not in hopeless
                         and _is_surprising(aspect, given[first][aspect], value)]
            if not differing or earlier.stop:
                continue
            compared += 1
            if compared > MAX_COMPARED:
                return
            found = _both_match(analysis, rules, first, second)
            if found is None:
                continue
            tried += 1
            example = example_of(found, analysis, rules.rules[:second + 1], (first, second), given, differing[0])
            if example is not None:
                told += 1
                yield _conflict(rules, (first, second), differing, example, document)
            if told >= MAX_TOLD or tried >= MAX_TRIED:
                return


def _both_match(analysis: Analysis, rules: RuleSet, first: int, second: int) -> list[Box] | None:
    ours, theirs = analysis.may_hold[first], analysis.may_hold[second]
    both = analysis.both(first, second)
    if not both or analysis.covers(analysis.surely_holds[first], theirs):
        return None
    general = [_less_what_follows(box, ours) for box in analysis.surely_holds[second]]
    return None if analysis.covers(general, ours) else both


def _less_what_follows(box: Box, special: Sequence[Box]) -> Box:
    """The box without what the earlier rule settles by a fact that says more: a modality is of one kind."""
    settled = {name for name in FOLLOWS if all(name in each for each in special)}
    return {name: mask for name, mask in box.items()
            if not any(name.startswith(FOLLOWS[more]) for more in settled if name != more)}


def _conflict(rules: RuleSet, pair: tuple[int, int], aspects: Sequence[str], example: Mapping[str, Any],
              document: Document) -> Problem:
    first, second = rules.rules[pair[0]], rules.rules[pair[1]]
    ours, theirs = firsts(first), firsts(second)
    place = document.key_place(_path(pair[1], aspects[0]))
    zh = ";".join(f"{ASPECTS.get(a, (a, a))[0]} {value_zh(ours[a], a)}(不是 {value_zh(theirs[a], a)})"
                  for a in aspects)
    en = "; ".join(f"{ASPECTS.get(a, (a, a))[1]} {value_en(ours[a], a)} (not {value_en(theirs[a], a)})"
                   for a in aspects)
    said = example_said(example)
    return Problem(
        place.line, place.column,
        f"与第 {first.line} 行的「{first.name}」冲突:两条都适用时以先写的为准,得到{zh}。例如 {said}。"
        "若应以这条为准,请把它移到前面;否则给其中一条加条件,使两者分开。",
        f'conflicts with "{first.name}" in line {first.line}: where both match, the first one wins and gives {en}. '
        f"For example {said}. If this one should win, move it before the other; else add a condition that keeps them "
        "apart.", is_warning=True)


def firsts(rule: Rule) -> dict[str, Any]:
    """What a rule gives that the first matching rule decides alone."""
    found: dict[str, Any] = {"group": rule.group, "reader": rule.reader, "second_reader": rule.second_reader,
                             "priority": rule.priority, "hold_until": rule.hold_until, "overflow": rule.overflow}
    found |= {f"due.{stage}": minutes for stage, minutes in rule.due.items()}
    return {aspect: value for aspect, value in found.items() if value is not None}


def _is_surprising(aspect: str, first: Any, second: Any) -> bool:
    if aspect == "priority":
        return PRIORITIES.index(second) > PRIORITIES.index(first)
    if aspect.startswith("due."):
        return bool(second < first)
    return bool(first != second)


def _path(index: int, aspect: str) -> Path:
    if aspect == "hold_until":
        return ("rules", index, "then", "hold")
    return ("rules", index, "then", *aspect.split("."))
