"""Names that a rule set takes from outside: users, sites, destinations; and hours in which nobody is on duty."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from routing_rules.analysis import tree_of_condition
from routing_rules.analysis_space import comparison
from routing_rules.analysis_tree import Kind, Tree
from routing_rules.facts import FACTS, FactType
from routing_rules.model import Condition, Group, Problem, RuleSet
from routing_rules.positions import Document, Path
from routing_rules.roster import holes


@dataclass(frozen=True, slots=True)
class Known:
    """What exists around the rule set; None where that is not known, and then not compared."""

    logins: Collection[str] | None = None
    sites: Collection[str] | None = None
    destinations: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class DutyGap:
    """Hours of the coming weeks in which nobody of a group is on duty, by the dated roster; local times."""

    group: str
    starts_at: datetime
    ends_at: datetime


DutyGaps = Callable[[RuleSet], Iterable[DutyGap]]
"""Finds the gaps of a rule set's groups: the dated roster is kept outside the file."""


def unknown_names(rules: RuleSet, document: Document, known: Known) -> Iterator[Problem]:
    """Users and destinations that do not exist (errors), and sites that are not registered (warnings)."""
    for path, login in _logins(document) if known.logins is not None else ():
        if login not in (known.logins or ()):
            place = document.place(path)
            yield Problem(place.line, place.column, f"没有「{login}」这个用户。请改正登录名,或先建立这个用户。",
                          f"there is no user {login}. Correct the login, or create the user first.")
    for path, name in _second_readers(document) if known.logins is not None else ():
        if name not in (known.logins or ()) and name not in rules.groups:
            place = document.place(path)
            yield Problem(place.line, place.column, f"没有「{name}」这个用户或值班组。请改正名称。",
                          f"there is no user or group {name}. Correct the name.")
    for path, name in _destinations(document) if known.destinations is not None else ():
        if name not in (known.destinations or ()):
            place = document.place(path)
            there = "、".join(sorted(known.destinations or ())) or "(无)"
            yield Problem(place.line, place.column, f"没有「{name}」这个发送目的地,已有:{there}。",
                          f"there is no destination {name}; there are: {there.replace('、', ', ')}.")
    if known.sites is not None:
        yield from _unknown_sites(rules, document, known.sites)


def roster_holes(rules: RuleSet, document: Document) -> Iterator[Problem]:
    """Times of the week in which nobody is on duty, neither in a group nor in those that cover for it."""
    for group in rules.groups.values():
        empty = _holes_with_cover(group, rules)
        if empty:
            place = document.key_place(("groups", group.id, "hours"))
            more = "" if len(empty) <= 4 else f" … ({len(empty)})"
            times = ", ".join(empty[:4]) + more
            yield Problem(place.line, place.column,
                          f"这些时间没有人值班,也没有别的组代班 (cover):{times}。请补上班次,或写由哪个组代班。",
                          f"nobody is on duty and no cover is named that has somebody: {times}. Add a shift, or name "
                          "a cover.", is_warning=True)


def dated_gaps(rules: RuleSet, document: Document, gaps: Iterable[DutyGap]) -> Iterator[Problem]:
    """Hours of the coming weeks with nobody on duty; not of a group whose hours have the same hole every week."""
    by_group: dict[str, list[DutyGap]] = {}
    for gap in gaps:
        by_group.setdefault(gap.group, []).append(gap)
    for name, found in by_group.items():
        group = rules.groups.get(name)
        if group is None or _holes_with_cover(group, rules):
            continue
        place = document.key_place(("groups", name))
        said = [f"{gap.starts_at:%Y-%m-%d %H:%M} – {gap.ends_at:%m-%d %H:%M}"
                for gap in sorted(found, key=lambda each: each.starts_at)]
        times = ", ".join(said[:4]) + ("" if len(said) <= 4 else f" … ({len(said)})")
        yield Problem(place.line, place.column,
                      f"按排班表,这些时间「{group.name}」没有人值班:{times}。请在排班表上补人。",
                      f"by the roster, nobody of {group.name_en} is on duty: {times}. Put somebody on the roster.",
                      is_warning=True)


def unknown_in_conditions(rules: RuleSet, document: Document) -> Iterator[Problem]:
    """Calendars and groups that a condition names and the file does not have: such a condition never holds."""
    for path, condition, node in _nodes(rules):
        if len(node.parts) != 2 or node.name not in ("@in", "_[_]"):
            continue
        word, subject = (node.parts if node.name == "@in" else node.parts[::-1])
        if not isinstance(word.value, str) or subject.kind is not Kind.NAME or subject.name not in FACTS:
            continue
        line, column = _place(document, path, condition, word)
        if subject.name == "arrival.calendars" and word.value not in rules.calendars:
            known = ", ".join(rules.calendars) or "-"
            yield Problem(line, column,
                          f"没有「{word.value}」这个日历,已有:{known}。请改正名称,或在 calendars 里写上它的日期。",
                          f"there is no calendar {word.value}; there are: {known}. Correct the name, or list its "
                          "days under calendars.", is_warning=True)
        if FACTS[subject.name].type is FactType.COUNTS and word.value not in rules.groups:
            known = ", ".join(rules.groups)
            yield Problem(line, column, f"没有「{word.value}」这个值班组,已有:{known}。请改正名称。",
                          f"there is no group {word.value}; there are: {known}. Correct the name.", is_warning=True)


def _unknown_sites(rules: RuleSet, document: Document, sites: Collection[str]) -> Iterator[Problem]:
    for path, condition, node in _nodes(rules):
        compared = comparison(node)
        if compared is None or compared.variable != "site.id":
            continue
        for leaf in node.walk():
            if isinstance(leaf.value, str) and leaf.value not in sites:
                yield Problem(*_place(document, path, condition, leaf),
                              f"没有「{leaf.value}」这个单位。请改正代码,或先登记这个单位。",
                              f"there is no site {leaf.value}. Correct the code, or register the site first.",
                              is_warning=True)


def _nodes(rules: RuleSet) -> Iterator[tuple[Path, Condition, Tree]]:
    for index, rule in enumerate(rules.rules):
        for number, condition in enumerate(rule.conditions):
            for node in tree_of_condition(condition).walk():
                yield ("rules", index, "when", number), condition, node


def _place(document: Document, path: Path, condition: Condition, node: Tree) -> tuple[int, int]:
    before = condition.text[:node.at]
    return document.inside(path, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _holes_with_cover(group: Group, rules: RuleSet) -> tuple[str, ...]:
    """Times of the week with nobody here nor in any group along `cover`."""
    shifts, current, met = list(group.shifts), group, {group.id}
    while current.shifts and current.cover is not None and current.cover not in met:
        current = rules.groups[current.cover]
        met.add(current.id)
        shifts += current.shifts
    return _holes(replace(group, shifts=tuple(shifts))) if current.shifts else ()


@lru_cache(maxsize=256)
def _holes(group: Group) -> tuple[str, ...]:
    return tuple(holes(group))


def _logins(document: Document) -> Iterator[tuple[Path, str]]:
    source = document.value
    for name, group in source["groups"].items():
        for key in ("members", "head"):
            for number, login in enumerate(group.get(key, ())):
                yield ("groups", name, key, number), login
        for number, shift in enumerate(group.get("hours", ())):
            for at, login in enumerate(shift["members"]):
                yield ("groups", name, "hours", number, "members", at), login
    for number, rule in enumerate(source["rules"]):
        if "reader" in rule["then"]:
            yield ("rules", number, "then", "reader"), rule["then"]["reader"]


def _second_readers(document: Document) -> Iterator[tuple[Path, str]]:
    for number, rule in enumerate(document.value["rules"]):
        if "second_reader" in rule["then"]:
            yield ("rules", number, "then", "second_reader"), rule["then"]["second_reader"]


def _destinations(document: Document) -> Iterator[tuple[Path, str]]:
    for number, rule in enumerate(document.value["rules"]):
        for at, name in enumerate(rule["then"].get("forwards", ())):
            yield ("rules", number, "then", "forwards", at), name
