"""Ask a rule set about one study, and say why.

Rules are looked at in the order of the file. All conditions of a rule must hold. Of the rules that match:

- group, reader, second_reader, priority, each stage of due, hold and overflow are taken from the first rule that
  names it;
- tags, forwards and notify of all of them are collected;
- a rule on a device's measurements or statements raises the priority, and never lowers it (K3);
- `stop` ends the search after its rule.

When no rule names a group or a reader, the fallback group gets the study: nothing is ever discarded. An urgent study
is never held back, whatever a rule says. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from routing_rules.derived import with_derived
from routing_rules.facts import FactValue, checked
from routing_rules.model import PRIORITIES, STAGES, Outcome, Rule, RuleSet
from routing_rules.questions import IsOver, Sheet, questions_of
from routing_rules.questions import RulesTooSlow as RulesTooSlow
from routing_rules.roster import Duty, standing_in

T = TypeVar("T")


def decide(rules: RuleSet, facts: Mapping[str, FactValue], local_now: datetime, duty: Duty | None = None, *,
           is_over: IsOver | None = None) -> Outcome:
    """Return what the rules say, and why: every rule looked at, every condition, the values it saw.

    The reasons share what is the same in them (a condition that several rules ask): read them, do not change them.
    `local_now` is the time in the reading centre's zone, for the rosters; `duty` names who is on duty now in groups
    whose dated roster says so. Raises UndeclaredFact, and RulesTooSlow once `is_over()` says that the time is up.
    """
    values = with_derived(rules, checked(facts), local_now, duty)
    questions = questions_of(rules)
    sheet = Sheet(questions, values, is_over)
    because: list[dict[str, Any]] = []
    matched: list[Rule] = []
    for rule, numbers, gives in zip(rules.rules, questions.of_rule, questions.gives, strict=True):
        # Every condition is asked, also after one that does not hold: the explanation shows them all.
        conditions = [sheet.entry(number) for number in numbers]
        holds = all(entry["holds"] for entry in conditions)
        because.append({"rule": rule.name, "matched": holds, "gives": gives, "conditions": conditions})
        if holds:
            matched.append(rule)
            if rule.stop:
                break
    return outcome_of(rules, matched, values, local_now, duty, because)


def decide_fast(rules: RuleSet, facts: Mapping[str, FactValue], local_now: datetime, duty: Duty | None = None, *,
                is_over: IsOver | None = None) -> Outcome:
    """As `decide`, without the reasons: a condition is asked only while it can still matter."""
    values = with_derived(rules, checked(facts), local_now, duty)
    sheet = Sheet(questions_of(rules), values, is_over)
    matched: list[Rule] = []
    for index, rule in enumerate(rules.rules):
        if sheet.rule_holds(index):
            matched.append(rule)
            if rule.stop:
                break
    return outcome_of(rules, matched, values, local_now, duty)


def outcome_of(rules: RuleSet, matched: Sequence[Rule], facts: Mapping[str, FactValue], local_now: datetime,
               duty: Duty | None = None, because: Sequence[dict[str, Any]] = ()) -> Outcome:
    """Merge the rules that match, in their order, into what they say together.

    The reasons of the merging (who is on duty, whether it can be held) follow those that are given.
    """
    because = list(because)
    plain = [rule for rule in matched if not rule.is_measured]
    group = _first(rule.group for rule in plain)
    reader = _first(rule.reader for rule in plain)
    is_fallback = group is None and reader is None
    asked_group = rules.groups[group or rules.fallback_group]
    got, on_duty = standing_in(asked_group, rules.groups, local_now, duty)
    has_roster = bool(asked_group.shifts) or (duty is not None and asked_group.id in duty)
    because.append(_roster_entry(asked_group.id, got.id, on_duty, local_now, is_fallback=is_fallback,
                                 has_roster=has_roster))
    priority = _first(rule.priority for rule in plain)
    if priority is None and is_fallback:
        priority = rules.fallback_priority
    raise_to = max((rule.priority for rule in matched if rule.is_measured and rule.priority is not None),
                   key=PRIORITIES.index, default=None)
    due = {stage: minutes for stage in STAGES
           if (minutes := _first(rule.due.get(stage) for rule in plain)) is not None}
    hold_until = _first(rule.hold_until for rule in plain)
    if hold_until is not None:
        can_wait = {priority or facts.get("study.urgency", "routine"), raise_to or "routine"} == {"routine"}
        because.append({"rule": "hold", "matched": can_wait and not is_fallback,
                        "gives": {"hold": {"until": hold_until}}, "conditions": [
                            {"text": "routine", "holds": can_wait, "why": "",
                             "seen": {"priority": priority, "study.urgency": facts.get("study.urgency")}}]})
        hold_until = hold_until if can_wait and not is_fallback else None
    return Outcome(
        group=got.id, is_fallback=is_fallback, reader=reader, priority=priority, raise_to=raise_to,
        due_minutes=due.get("review"), tags=_collected(rule.tags for rule in matched), on_duty=on_duty,
        because=because, second_reader=_first(rule.second_reader for rule in plain), due=due,
        forwards=_collected(rule.forwards for rule in plain), notify=_collected(rule.notify for rule in plain),
        hold_until=hold_until, overflow=_first(rule.overflow for rule in plain), assign=got.assign)


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def _collected(several: Iterable[tuple[T, ...]]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(one for some in several for one in some))


def _roster_entry(asked: str, got: str, on_duty: tuple[str, ...], local_now: datetime, *, is_fallback: bool,
                  has_roster: bool) -> dict[str, Any]:
    """The last reason: which group, and who of it is on duty."""
    conditions: list[dict[str, Any]] = []
    if has_roster or on_duty:
        conditions.append({"text": f"{got} on duty {local_now:%a %H:%M}", "holds": bool(on_duty),
                           "seen": {"on_duty": list(on_duty)}, "why": ""})
    if asked != got:
        conditions.append({"text": f"{got} covers {asked}", "holds": True, "seen": {}, "why": ""})
    return {"rule": "fallback" if is_fallback else "duty", "matched": True, "gives": {"group": got},
            "conditions": conditions}
