"""What is different between two rule sets, in words that a head of department can sign.

Rules are the same rule when they have the same name; a rule that is gone and one that is new, with most of its
conditions and what it gives in common, are one rule with a new name. Whatever could change an outcome is told; what
cannot (comments, spaces, the order of conditions within a rule) is not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from routing_rules.analysis import tree_of_condition
from routing_rules.difference_words import ASPECTS, days_said, shift_said, value_en, value_zh
from routing_rules.model import Condition, Group, Rule, RuleSet
from routing_rules.parse import parse

_ALIKE = 0.5
"""How much of two rules must agree to be taken as one under a new name."""
_MAX_COMPARED = 100_000
"""Pairs of rules without a partner of their name; with more, they are told as removed and added."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `kind` is a machine word (rule-added, gives-changed, …), `subject` the rule or group."""

    kind: str
    subject: str
    zh: str
    en: str


def difference(old: RuleSet | str, new: RuleSet | str) -> list[Change]:
    """Return what changed, in the order of the new file. A text with errors raises InvalidRules."""
    before = parse(old) if isinstance(old, str) else old
    after = parse(new) if isinstance(new, str) else new
    found: list[Change] = []
    if before.title != after.title:
        found.append(Change("title-changed", after.title, f"名称由「{before.title}」改为「{after.title}」",
                            f'title: "{before.title}" → "{after.title}"'))
    found += _fallback(before, after)
    found += _calendars(before.calendars, after.calendars)
    found += _groups(before.groups, after.groups)
    found += _rules(before.rules, after.rules)
    return found


def _fallback(before: RuleSet, after: RuleSet) -> Iterator[Change]:
    for zh, en, old, new in (
            ("组", "group", before.fallback_group, after.fallback_group),
            ("优先级", "priority", before.fallback_priority, after.fallback_priority)):
        if old != new:
            yield Change("fallback-changed", after.fallback_group,
                         f"没有规则适用的检查(兜底),{zh}由 {value_zh(old)} 改为 {value_zh(new)}",
                         f"studies without a rule (fallback), {en}: {value_en(old)} → {value_en(new)}")


def _calendars(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in dict.fromkeys((*before, *after)):
        if name not in after:
            yield Change("calendar-removed", name, f"删除日历「{name}」", f'calendar "{name}" removed')
        elif name not in before:
            yield Change("calendar-added", name, f"新增日历「{name}」:{days_said(after[name])}",
                         f'calendar "{name}" added: {days_said(after[name])}')
        elif before[name] != after[name]:
            yield Change("calendar-changed", name,
                         f"日历「{name}」由 {days_said(before[name])} 改为 {days_said(after[name])}",
                         f'calendar "{name}": {days_said(before[name])} → {days_said(after[name])}')


def _groups(before: Mapping[str, Group], after: Mapping[str, Group]) -> Iterator[Change]:
    for name in dict.fromkeys((*before, *after)):
        if name not in after:
            yield Change("group-removed", name, f"删除值班组 {name}(「{before[name].name}」)",
                         f'group {name} ("{before[name].name_en}") removed')
        elif name not in before:
            people = ", ".join(after[name].members)
            yield Change("group-added", name,
                         f"新增值班组 {name}(「{after[name].name}」),成员:{people or '全体阅片人'}",
                         f'group {name} ("{after[name].name_en}") added, members: {people or "all readers"}')
        else:
            yield from _group(before[name], after[name])


def _group(before: Group, after: Group) -> Iterator[Change]:
    where_zh, where_en = f"值班组 {after.id}(「{after.name}」)", f'group {after.id} ("{after.name_en}")'
    if before.members != after.members:
        yield Change("members-changed", after.id, f"{where_zh}:{_people(before.members, after.members, is_zh=True)}",
                     f"{where_en}: {_people(before.members, after.members, is_zh=False)}")
    if before.shifts != after.shifts:
        yield from _hours(before, after, where_zh, where_en)
    for item in fields(Group):
        if item.name in ("id", "members", "shifts"):
            continue
        old, new = getattr(before, item.name), getattr(after, item.name)
        if old != new:
            zh, en = ASPECTS.get(f"group.{item.name}", (item.name, item.name))
            yield Change("group-changed", after.id, f"{where_zh}:{zh}由 {value_zh(old)} 改为 {value_zh(new)}",
                         f"{where_en}: {en} {value_en(old)} → {value_en(new)}")


def _people(before: Sequence[str], after: Sequence[str], *, is_zh: bool) -> str:
    """Who came and who went; a group without members is everyone."""
    if not before or not after or set(before) == set(after):
        everyone = "全体阅片人" if is_zh else "all readers"
        old, new = (", ".join(people) or everyone for people in (before, after))
        return f"成员由 {old} 改为 {new}" if is_zh else f"members {old} → {new}"
    came = ", ".join(login for login in after if login not in before)
    gone = ", ".join(login for login in before if login not in after)
    said = [f"{'新增成员' if is_zh else 'members added:'} {came}" if came else "",
            f"{'去掉成员' if is_zh else 'members removed:'} {gone}" if gone else ""]
    return (";" if is_zh else "; ").join(filter(None, said))


def _hours(before: Group, after: Group, where_zh: str, where_en: str) -> Iterator[Change]:
    old, new = Counter(before.shifts), Counter(after.shifts)
    gone, came = list((old - new).elements()), list((new - old).elements())
    if not gone and not came:                # the same shifts in another order: whom the list names first
        yield Change("hours-changed", after.id, f"{where_zh}:班次的顺序变了",
                     f"{where_en}: the order of its shifts changed")
    for shift in gone:
        said = shift_said(shift)
        yield Change("hours-changed", after.id, f"{where_zh}:取消班次 {said[0]}",
                     f"{where_en}: shift removed: {said[1]}")
    for shift in came:
        said = shift_said(shift)
        yield Change("hours-changed", after.id, f"{where_zh}:新增班次 {said[0]}",
                     f"{where_en}: shift added: {said[1]}")


def _rules(before: Sequence[Rule], after: Sequence[Rule]) -> Iterator[Change]:
    pairs = _paired(before, after)
    stayed = _in_order([pairs[new] for new in range(len(after)) if new in pairs])
    taken = set(pairs.values())
    for old, rule in enumerate(before):
        if old not in taken:
            yield Change("rule-removed", rule.name,
                         f"删除规则「{rule.name}」(原第 {old + 1} 条):{_said(rule, is_zh=True)}",
                         f'rule "{rule.name}" removed (it was number {old + 1}): {_said(rule, is_zh=False)}')
    for new, rule in enumerate(after):
        if new not in pairs:
            yield Change("rule-added", rule.name,
                         f"新增规则「{rule.name}」(第 {new + 1} 条):{_said(rule, is_zh=True)}",
                         f'rule "{rule.name}" added (number {new + 1}): {_said(rule, is_zh=False)}')
            continue
        old = pairs[new]
        if before[old].name != rule.name:
            yield Change("rule-renamed", rule.name, f"规则「{before[old].name}」改名为「{rule.name}」",
                         f'rule "{before[old].name}" renamed "{rule.name}"')
        if old not in stayed:
            yield Change("rule-moved", rule.name, f"规则「{rule.name}」从第 {old + 1} 条移到第 {new + 1} 条"
                         f"({_beside(after, new, is_zh=True)})", f'rule "{rule.name}" moved from number {old + 1} to '
                         f"{new + 1} ({_beside(after, new, is_zh=False)})")
        yield from _conditions(before[old], rule)
        yield from _gives(before[old], rule)


def _beside(rules: Sequence[Rule], at: int, *, is_zh: bool) -> str:
    if at == 0:
        return "最先看" if is_zh else "looked at first"
    return f"在「{rules[at - 1].name}」之后" if is_zh else f'after "{rules[at - 1].name}"'


def _conditions(before: Rule, after: Rule) -> Iterator[Change]:
    old, new = _by_key(before), _by_key(after)
    gone = list((Counter(old.keys()) - Counter(new.keys())).elements())
    came = [key for key in new if key not in old]
    for key in list(came):
        # The same facts asked in another way: one condition that changed.
        other = next((each for each in gone if set(old[each].facts) == set(new[key].facts)), None)
        if other is not None:
            gone.remove(other)
            came.remove(key)
            yield Change("condition-changed", after.name,
                         f"规则「{after.name}」:条件由「{old[other].text.strip()}」改为「{new[key].text.strip()}」",
                         f'rule "{after.name}": condition {old[other].text.strip()} → {new[key].text.strip()}')
    for key in gone:
        yield Change("condition-removed", after.name, f"规则「{after.name}」:去掉条件「{old[key].text.strip()}」",
                     f'rule "{after.name}": condition removed: {old[key].text.strip()}')
    for key in came:
        yield Change("condition-added", after.name, f"规则「{after.name}」:增加条件「{new[key].text.strip()}」",
                     f'rule "{after.name}": condition added: {new[key].text.strip()}')


def _gives(before: Rule, after: Rule) -> Iterator[Change]:
    old, new = _aspects(before), _aspects(after)
    for key in dict.fromkeys((*old, *new)):
        if old.get(key) == new.get(key):
            continue
        zh, en = ASPECTS.get(key, (key, key))
        kind = "stop-changed" if key == "stop" else "gives-changed"
        yield Change(kind, after.name,
                     f"规则「{after.name}」:{zh}由 {value_zh(old.get(key), key)} 改为 {value_zh(new.get(key), key)}",
                     f'rule "{after.name}": {en} {value_en(old.get(key), key)} → {value_en(new.get(key), key)}')


def _aspects(rule: Rule) -> dict[str, Any]:
    """Everything a rule gives, one entry each; whatever `Rule` may hold beside name, conditions and line."""
    found: dict[str, Any] = {}
    for item in fields(Rule):
        value = getattr(rule, item.name)
        if item.name in ("name", "conditions", "line", "due_minutes") or value in (None, (), False):
            continue
        if item.name == "due":
            found |= {f"due.{stage}": minutes for stage, minutes in value.items()}
        else:
            found[item.name] = value
    return found


def _said(rule: Rule, *, is_zh: bool) -> str:
    asked = " && ".join(f"({c.text.strip()})" if "||" in c.text else c.text.strip() for c in rule.conditions)
    gives = [f"{ASPECTS.get(key, (key, key))[0 if is_zh else 1]} {(value_zh if is_zh else value_en)(value, key)}"
             for key, value in _aspects(rule).items()]
    return (f"凡是 {asked or '任何检查'} → {','.join(gives)}" if is_zh
            else f"when {asked or 'anything'} → {', '.join(gives)}")


def _by_key(rule: Rule) -> dict[str, Condition]:
    return {tree_of_condition(condition).key: condition for condition in rule.conditions}


def _paired(before: Sequence[Rule], after: Sequence[Rule]) -> dict[int, int]:
    """New index to old index of the same rule: first by name, then by what they have in common."""
    places = {rule.name: old for old, rule in enumerate(before)}
    pairs = {new: places[rule.name] for new, rule in enumerate(after) if rule.name in places}
    taken = set(pairs.values())
    free_old = [old for old in range(len(before)) if old not in taken]
    free_new = [new for new in range(len(after)) if new not in pairs]
    if len(free_old) * len(free_new) > _MAX_COMPARED:
        return pairs
    features = {("old", old): _features(before[old]) for old in free_old}
    features |= {("new", new): _features(after[new]) for new in free_new}
    scores = sorted((-_alike(features["old", old], features["new", new]), abs(old - new), new, old)
                    for old in free_old for new in free_new)
    for score, _, new, old in scores:
        if -score >= _ALIKE and new not in pairs and old not in taken:
            pairs[new] = old
            taken.add(old)
    return pairs


def _features(rule: Rule) -> frozenset[str]:
    return frozenset((*_by_key(rule), *(f"{key}={value!r}" for key, value in _aspects(rule).items())))


def _alike(old: frozenset[str], new: frozenset[str]) -> float:
    return len(old & new) / max(1, len(old | new))


def _in_order(places: Sequence[int]) -> set[int]:
    """The most rules that kept their order (longest increasing subsequence): the others were moved."""
    ends: list[int] = []
    end_at: list[int] = []
    before: list[int] = []
    for at, place in enumerate(places):
        length = bisect_left(ends, place)
        before.append(end_at[length - 1] if length else -1)
        ends[length:length + 1] = [place]
        end_at[length:length + 1] = [at]
    kept: set[int] = set()
    at = end_at[-1] if end_at else -1
    while at >= 0:
        kept.add(places[at])
        at = before[at]
    return kept
