"""Conditions that can never hold or always do, and rules that no study reaches: told with their place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from routing_rules.analysis import Analysis, Box
from routing_rules.analysis_tree import Tree
from routing_rules.analysis_words import fact_en, fact_zh, limits_of, opposite_numbers, source_of
from routing_rules.facts import FACTS
from routing_rules.model import Problem, Rule, RuleSet
from routing_rules.positions import Document


def condition_warnings(rules: RuleSet, analysis: Analysis, document: Document) -> Iterator[Problem]:
    """Conditions that are never or always true, alone or together with the others of their rule."""
    for index, rule in enumerate(rules.rules):
        trees = analysis.trees[index]
        is_told = False
        for number, tree in enumerate(trees):
            here = _Place(document, index, number, rule.conditions[number].text)
            if analysis.is_never(tree):
                is_told = True
                yield _never(tree, here, analysis)
            elif analysis.is_always(tree):
                yield _always(tree, here)
            else:
                yield from _useless_parts(tree, here, analysis)
        if not is_told and not analysis.may_hold[index]:
            yield _never_together(rule, index, trees, analysis, document)


def reach_warnings(rules: RuleSet, analysis: Analysis, document: Document) -> Iterator[Problem]:
    """Rules that no study reaches: whenever they would match, a rule that stops has matched before them."""
    stopping: list[tuple[str, list[Box]]] = []
    for index, rule in enumerate(rules.rules):
        inner = analysis.may_hold[index]
        if inner and stopping:
            closed_by = stopped_by(inner, stopping, analysis)
            if closed_by:
                place = document.place(("rules", index, "name"))
                zh, en = "、".join(f"「{name}」" for name in closed_by), ", ".join(f'"{name}"' for name in closed_by)
                yield Problem(
                    place.line, place.column,
                    f"永远到不了:凡是符合这条规则的检查,都先符合前面的{zh},而它写了 stop。请把这条规则移到它前面,"
                    "或去掉那里的 stop,或删除这条规则。",
                    f"never reached: every study that matches this rule matches {en} first, and that one stops. Move "
                    "this rule before it, take its stop away, or delete this rule.", is_warning=True)
        if rule.stop:
            stopping.append((rule.name, analysis.surely_holds[index]))


def stopped_by(inner: Sequence[Box], stopping: Sequence[tuple[str, list[Box]]], analysis: Analysis) -> list[str]:
    """Names of the rules that together cover all of `inner`: one where one is enough; empty when they do not."""
    if not analysis.covers((box for _, boxes in stopping for box in boxes), inner):
        return []
    for name, outer in stopping:
        if analysis.covers(outer, inner):
            return [name]
    needed = list(stopping)
    for entry in stopping[:64]:                      # leave out what is not needed, so that the message names few
        rest = [other for other in needed if other is not entry]
        if analysis.covers((box for _, boxes in rest for box in boxes), inner):
            needed = rest
    return [name for name, _ in needed]


class _Place:
    """Where a condition stands, and its parts."""

    def __init__(self, document: Document, rule: int, number: int, text: str) -> None:
        self._document, self._path, self.text = document, ("rules", rule, "when", number), text

    def of(self, tree: Tree) -> tuple[int, int]:
        before = self.text[:tree.begins]
        line = before.count("\n") + 1
        return self._document.inside(self._path, line, len(before) - before.rfind("\n"))

    @property
    def start(self) -> tuple[int, int]:
        return self._document.inside(self._path, 1, 1)


def _never(tree: Tree, here: _Place, analysis: Analysis) -> Problem:
    parts = operands(tree, "_&&_")
    pair = analysis.contradicting(parts) if len(parts) > 1 else None
    if pair is not None:
        first, second = parts[pair[0]], parts[pair[1]]
        zh, en = _contradiction(first, second, here.text)
        return Problem(*here.of(second), f"这个条件永远不成立:{zh}", f"this condition is never true: {en}",
                       is_warning=True)
    wrong = next((part for part in parts if analysis.is_never(part)), tree)
    said, limit = source_of(wrong, here.text), limits_of(wrong)
    if limit is not None:
        name, low, high = limit
        return Problem(*here.of(wrong), f"「{said}」永远不成立:{fact_zh(name)} 只能是 {low} 到 {high}。请改正数值。",
                       f"{said} is never true: {fact_en(name)} is from {low} to {high}. Correct the number.",
                       is_warning=True)
    return Problem(*here.of(wrong), f"「{said}」永远不成立,这条规则不会用到任何检查。请改正或删除这个条件。",
                   f"{said} is never true, so no study ever matches this rule. Correct or delete the condition.",
                   is_warning=True)


def _always(tree: Tree, here: _Place) -> Problem:
    names = sorted({node.name for node in tree.walk() if node.name in FACTS})
    if names:
        zh, en = "、".join(map(fact_zh, names)), " and ".join(map(fact_en, names))
        return Problem(*here.start, f"这个条件总是成立(只要知道 {zh}),等于没有写。请改正数值,或删除这个条件。",
                       f"this condition is always true (as soon as {en} is known): it says nothing. Correct the "
                       "value, or delete the condition.", is_warning=True)
    return Problem(*here.start, "这个条件总是成立,等于没有写。请删除它。",
                   "this condition is always true: it says nothing. Delete it.", is_warning=True)


def _useless_parts(tree: Tree, here: _Place, analysis: Analysis) -> Iterator[Problem]:
    """In a condition that is sound as a whole: an alternative that never holds, a demand that always does."""
    alternatives, demands = operands(tree, "_||_"), operands(tree, "_&&_")
    for part in alternatives if len(alternatives) > 1 else ():
        if analysis.is_never(part):
            yield _never(part, here, analysis)
        else:
            yield from _useless_parts(part, here, analysis)
    for part in demands if len(demands) > 1 else ():
        if analysis.is_always(part):
            said = source_of(part, here.text)
            yield Problem(*here.of(part), f"「{said}」总是成立,等于没有写。请改正或删除这一部分。",
                          f"{said} is always true: it says nothing. Correct or delete this part.", is_warning=True)
        else:
            yield from _useless_parts(part, here, analysis)


def _never_together(rule: Rule, index: int, trees: Sequence[Tree], analysis: Analysis,
                    document: Document) -> Problem:
    pair = analysis.contradicting(trees)
    if pair is None:
        place = document.place(("rules", index, "name"))
        return Problem(place.line, place.column, "这条规则永远不成立:它的条件不能同时满足。请改正或删除其中一个。",
                       "this rule never matches: its conditions cannot be true together. Correct or delete one of "
                       "them.", is_warning=True)
    first, second = pair
    parts = [(number, part) for number in pair for part in operands(trees[number], "_&&_")]
    inner = analysis.contradicting([part for _, part in parts])
    if inner is not None:
        (first, ours), (second, theirs) = parts[inner[0]], parts[inner[1]]
    else:
        ours, theirs = trees[first], trees[second]
    where = document.place(("rules", index, "when", first))
    here = _Place(document, index, second, rule.conditions[second].text)
    zh, en = _contradiction(ours, theirs, "", rule.conditions[first].text, rule.conditions[second].text)
    return Problem(*here.of(theirs), f"这条规则永远不成立(另见第 {where.line} 行):{zh}",
                   f"this rule never matches (see also line {where.line}): {en}", is_warning=True)


def _contradiction(first: Tree, second: Tree, text: str, first_text: str = "",
                   second_text: str = "") -> tuple[str, str]:
    ours, theirs = source_of(first, first_text or text), source_of(second, second_text or text)
    empty = opposite_numbers(first, second)
    if empty is not None:
        name = empty.variable
        return (f"「{ours}」与「{theirs}」之间没有任何数值,{fact_zh(name)} 不可能同时满足两者。"
                "若意思是“或者”,请用 || 连接;若是范围,请把两个数对调。",
                f"no value of {fact_en(name)} is both {ours} and {theirs}: the range is empty. Join them by || if "
                "you mean either, or swap the two numbers if you mean a range.")
    return (f"「{ours}」与「{theirs}」不能同时成立。若意思是“或者”,请用 || 写在一个条件里;否则删除其中一个。",
            f"{ours} and {theirs} cannot be true together. Join them by || in one condition if you mean either; else "
            "delete one.")


def operands(tree: Tree, sign: str) -> list[Tree]:
    """The parts of a chain of && or ||; the expression itself where it is none."""
    if tree.name != sign:
        return [tree]
    return [part for each in tree.parts for part in operands(each, sign)]
