"""What a rule set may say but probably does not mean: rules never reached, holes in rosters, unknown people."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from routing_rules.conditions import compared_texts
from routing_rules.model import Problem, RuleSet
from routing_rules.positions import Document, Path
from routing_rules.roster import holes


def warnings_of(rules: RuleSet, document: Document) -> list[Problem]:
    """Rules that no study reaches, and times of the week without anybody on duty."""
    return [*_unreachable(rules, document), *_roster_holes(rules, document)]


def unknown_places(rules: RuleSet, document: Document, *, known_logins: Collection[str] | None,
                   known_sites: Collection[str] | None) -> list[Problem]:
    """Logins that nobody has (errors) and sites that are not registered (warnings)."""
    found: list[Problem] = []
    if known_logins is not None:
        for path, login in _logins(document):
            if login not in known_logins:
                place = document.place(path)
                found.append(Problem(place.line, place.column, f"没有「{login}」这个用户",
                                     f"there is no user {login}"))
    if known_sites is not None:
        for index, rule in enumerate(rules.rules):
            for number, condition in enumerate(rule.conditions):
                for column, site in compared_texts(condition.text, "site.id"):
                    if site not in known_sites:
                        line, at = document.inside(("rules", index, "when", number), 1, column)
                        found.append(Problem(line, at, f"没有「{site}」这个单位", f"there is no site {site}",
                                             is_warning=True))
    return found


def _unreachable(rules: RuleSet, document: Document) -> Iterator[Problem]:
    closed_by: str | None = None
    stopped: list[tuple[str, frozenset[str]]] = []
    for index, rule in enumerate(rules.rules):
        texts = frozenset(c.text for c in rule.conditions)
        # A stopping rule before it whose every condition is also asked here matches whenever this one would.
        closed_by = next((name for name, asked in stopped if asked <= texts), None)
        if closed_by is not None:
            place = document.place(("rules", index, "name"))
            yield Problem(place.line, place.column, f"永远到不了:前面的「{closed_by}」已经停止",
                          f"never reached: {closed_by} stops before it", is_warning=True)
        if rule.stop:
            stopped.append((rule.name, texts))


def _roster_holes(rules: RuleSet, document: Document) -> Iterator[Problem]:
    for group in rules.groups.values():
        empty = holes(group)
        if empty and group.cover is None:
            place = document.key_place(("groups", group.id, "hours"))
            more = "" if len(empty) <= 4 else f" … ({len(empty)})"
            times = ", ".join(empty[:4]) + more
            yield Problem(place.line, place.column, f"值班表有空缺且没有写 cover:{times}",
                          f"nobody is on duty and no cover is named: {times}", is_warning=True)


def _logins(document: Document) -> Iterator[tuple[Path, str]]:
    source = document.value
    for name, group in source["groups"].items():
        for number, login in enumerate(group.get("members", ())):
            yield ("groups", name, "members", number), login
        for number, shift in enumerate(group.get("hours", ())):
            for at, login in enumerate(shift["members"]):
                yield ("groups", name, "hours", number, "members", at), login
    for number, rule in enumerate(source["rules"]):
        if "reader" in rule["then"]:
            yield ("rules", number, "then", "reader"), rule["then"]["reader"]
