"""Names that a rule set takes from outside: users, sites, destinations; and hours in which nobody is on duty."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from routing_rules.analysis import tree_of_condition
from routing_rules.analysis_space import comparison
from routing_rules.model import Problem, RuleSet
from routing_rules.positions import Document, Path
from routing_rules.roster import holes


@dataclass(frozen=True, slots=True)
class Known:
    """What exists around the rule set; None where that is not known, and then not compared."""

    logins: Collection[str] | None = None
    sites: Collection[str] | None = None
    destinations: Collection[str] | None = None


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
        empty = holes(group)
        if empty and group.cover is None:
            place = document.key_place(("groups", group.id, "hours"))
            more = "" if len(empty) <= 4 else f" … ({len(empty)})"
            times = ", ".join(empty[:4]) + more
            yield Problem(place.line, place.column,
                          f"这些时间没有人值班,也没有写由哪个组代班 (cover):{times}。请补上班次,或写 cover。",
                          f"nobody is on duty and no cover is named: {times}. Add a shift, or name a cover.",
                          is_warning=True)


def _unknown_sites(rules: RuleSet, document: Document, sites: Collection[str]) -> Iterator[Problem]:
    for index, rule in enumerate(rules.rules):
        for number, condition in enumerate(rule.conditions):
            for node in tree_of_condition(condition).walk():
                compared = comparison(node)
                if compared is None or compared.variable != "site.id":
                    continue
                for leaf in node.walk():
                    if isinstance(leaf.value, str) and leaf.value not in sites:
                        before = condition.text[:leaf.at]
                        line, column = document.inside(("rules", index, "when", number), before.count("\n") + 1,
                                                       len(before) - before.rfind("\n"))
                        yield Problem(line, column, f"没有「{leaf.value}」这个单位。请改正代码,或先登记这个单位。",
                                      f"there is no site {leaf.value}. Correct the code, or register the site first.",
                                      is_warning=True)


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
