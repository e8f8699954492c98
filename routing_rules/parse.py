"""Text in, rules out: YAML → JSON Schema → groups and CEL conditions, every problem with line and column.

A rule set with any error is refused whole. Warnings (a rule that can never be reached, a hole in the roster) are
told and do not stop it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from functools import lru_cache
from typing import Any

from routing_rules.conditions import compile_condition
from routing_rules.lint import warnings_of
from routing_rules.lint_people import DutyGaps, Known, dated_gaps, unknown_names
from routing_rules.lint_traffic import Arrival, unmatched_warnings
from routing_rules.model import (
    Condition,
    DateRange,
    Group,
    InvalidRules,
    Notify,
    Overflow,
    Problem,
    Rule,
    RuleSet,
    Shift,
)
from routing_rules.positions import Document, Path, read_document
from routing_rules.roster import DAYS
from routing_rules.shape import shape_problems


def parse(text: str) -> RuleSet:
    """Return the rule set. Raises InvalidRules with every error found."""
    return _parse(text)


def check(text: str, *, known_logins: Collection[str] | None = None, known_sites: Collection[str] | None = None,
          known_destinations: Collection[str] | None = None, duty_gaps: DutyGaps | None = None,
          arrivals: Iterable[Arrival] = ()) -> list[Problem]:
    """Return errors and warnings in the order of the file.

    Logins, sites and destinations are compared with those known when they are given: an unknown login or destination
    is an error (nobody would read, nothing would be sent), an unknown site a warning (it may be registered later).
    `duty_gaps` finds the hours of the coming weeks without anybody on duty, by the dated roster; `arrivals` are the
    facts of past studies, of which those are counted that no rule gives to anybody.
    """
    try:
        rules, document = _read(text)
    except InvalidRules as exc:
        return sorted(exc.problems)
    known = Known(known_logins, known_sites, known_destinations)
    return sorted([*warnings_of(rules, document), *unknown_names(rules, document, known),
                   *dated_gaps(rules, document, duty_gaps(rules) if duty_gaps is not None else ()),
                   *unmatched_warnings(rules, document, arrivals)])


@lru_cache(maxsize=16)
def _parse(text: str) -> RuleSet:
    return _read(text)[0]


def _read(text: str) -> tuple[RuleSet, Document]:
    document = read_document(text)
    problems = shape_problems(document)
    if problems:
        raise InvalidRules(sorted(problems))
    source: dict[str, Any] = document.value
    groups = {name: _group(name, entry) for name, entry in source["groups"].items()}
    problems = _unknown_groups(source, document)
    rules = tuple(_rule(entry, ("rules", index), document, problems) for index, entry in enumerate(source["rules"]))
    calendars = {name: tuple(_days(text, ("calendars", name, number), document, problems)
                             for number, text in enumerate(entries))
                 for name, entries in source.get("calendars", {}).items()}
    _repeated_names(source, document, problems)
    if problems:
        raise InvalidRules(sorted(problems))
    fallback = source["fallback"]
    rule_set = RuleSet(source["title"], groups, fallback["group"], fallback.get("priority"), rules, calendars)
    return rule_set, document


def _group(name: str, entry: dict[str, Any]) -> Group:
    shifts = tuple(
        Shift(frozenset(DAYS.index(day) + 1 for day in shift.get("days", DAYS)), _minutes(shift["from"]),
              _minutes(shift["to"]), tuple(shift["members"]))
        for shift in entry.get("hours", ()))
    return Group(name, entry["name"], entry.get("name_en", entry["name"]), tuple(entry.get("members", ())), shifts,
                 entry.get("cover"), entry.get("assign", "pool"), tuple(entry.get("head", ())),
                 entry.get("reoffer_minutes"))


def _days(text: str, path: Path, document: Document, problems: list[Problem]) -> DateRange:
    first, _, last = text.partition("..")
    last = last or first
    is_yearly = len(first) == 5
    for day in (first, last):
        try:
            date.fromisoformat(f"2000-{day}" if is_yearly else day)
        except ValueError:
            place = document.place(path)
            problems.append(Problem(place.line, place.column, f"没有「{day}」这一天", f"there is no day {day}"))
    if last < first and not is_yearly:
        place = document.place(path)
        problems.append(Problem(place.line, place.column, f"「{last}」早于「{first}」,没有任何一天",
                                f"{last} is before {first}: no day at all"))
    return DateRange(first, last)


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _rule(entry: dict[str, Any], path: Path, document: Document, problems: list[Problem]) -> Rule:
    conditions: list[Condition] = []
    for index, text in enumerate(entry["when"]):
        here = (*path, "when", index)
        compiled = compile_condition(text)
        if isinstance(compiled, Condition):
            conditions.append(compiled)
            continue
        for wrong in compiled:
            problems.append(Problem(*document.inside(here, wrong.line, wrong.column), wrong.zh, wrong.en))
    rule = _with_actions(entry, tuple(conditions), path, document, problems)
    if rule.is_measured:
        _only_raises(entry, path, document, problems)
    return rule


def _with_actions(entry: dict[str, Any], conditions: tuple[Condition, ...], path: Path, document: Document,
                  problems: list[Problem]) -> Rule:
    then = entry["then"]
    due = {stage: int(minutes) for stage, minutes in then.get("due", {}).items()}
    if "due_minutes" in then:
        if due.get("review", then["due_minutes"]) != then["due_minutes"]:
            place = document.key_place((*path, "then", "due_minutes"))
            problems.append(Problem(place.line, place.column, "due_minutes 和 due 的 review 是同一个时限,写得不同",
                                    "due_minutes and review of due are the same clock and differ"))
        due["review"] = int(then["due_minutes"])
    overflow = then.get("overflow")
    return Rule(
        name=entry["name"], conditions=conditions, group=then.get("group"), reader=then.get("reader"),
        priority=then.get("priority"), due_minutes=due.get("review"), tags=tuple(then.get("tags", ())),
        stop=entry.get("stop", False), line=document.place(path).line, second_reader=then.get("second_reader"),
        due=due, forwards=tuple(then.get("forwards", ())),
        notify=tuple(Notify(wish["who"], wish["when"]) for wish in then.get("notify", ())),
        hold_until=then["hold"]["until"] if "hold" in then else None,
        overflow=Overflow(overflow["group"], overflow["after_minutes"]) if overflow else None)


def _only_raises(entry: dict[str, Any], path: Path, document: Document, problems: list[Problem]) -> None:
    """K3: what a device says of itself may raise priority and set tags, and nothing else."""
    for key in entry["then"]:
        if key not in ("priority", "tags"):
            place = document.key_place((*path, "then", key))
            problems.append(Problem(
                place.line, place.column,
                f"用到设备测量或设备语句的规则只能提高优先级,不能设置 {key}",
                f"a rule that asks a device's measurement or statement may only raise priority, not set {key}"))
    if entry.get("stop"):
        place = document.key_place((*path, "stop"))
        problems.append(Problem(place.line, place.column, "用到设备测量或设备语句的规则不能写 stop",
                                "a rule that asks a device's measurement or statement cannot stop the others"))


def _unknown_groups(source: dict[str, Any], document: Document) -> list[Problem]:
    asked: list[tuple[Path, str]] = [(("fallback", "group"), source["fallback"]["group"])]
    asked += [(("rules", i, "then", "group"), rule["then"]["group"])
              for i, rule in enumerate(source["rules"]) if "group" in rule["then"]]
    asked += [(("rules", i, "then", "overflow", "group"), rule["then"]["overflow"]["group"])
              for i, rule in enumerate(source["rules"]) if "overflow" in rule["then"]]
    asked += [(("groups", name, "cover"), group["cover"])
              for name, group in source["groups"].items() if "cover" in group]
    known = ", ".join(source["groups"])
    return [Problem(document.place(path).line, document.place(path).column, f"没有「{name}」这个值班组,只有:{known}",
                    f"there is no group {name}; there are: {known}")
            for path, name in asked if name not in source["groups"]]


def _repeated_names(source: dict[str, Any], document: Document, problems: list[Problem]) -> None:
    met: dict[str, int] = {}
    for index, rule in enumerate(source["rules"]):
        place = document.place(("rules", index, "name"))
        first = met.setdefault(rule["name"], place.line)
        if first != place.line:
            problems.append(Problem(place.line, place.column, f"规则名与第 {first} 行重复",
                                    f"the rule has the same name as the one in line {first}"))
