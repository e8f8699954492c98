"""Ask a rule set about one study, and say why.

Rules are looked at in the order of the file. All conditions of a rule must hold. Of the rules that match:

- group, reader, priority and due_minutes are each taken from the first rule that names it;
- tags of all of them are collected;
- a rule on a device's measurements or statements raises the priority, and never lowers it (K3);
- `stop` ends the search after its rule.

When no rule names a group or a reader, the fallback group gets the study: nothing is ever discarded. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from routing_rules.conditions import activation, ask
from routing_rules.facts import FactValue, checked
from routing_rules.model import PRIORITIES, Outcome, Rule, RuleSet
from routing_rules.roster import standing_in


def decide(rules: RuleSet, facts: Mapping[str, FactValue], local_now: datetime) -> Outcome:
    """Return what the rules say. `local_now` is the time in the reading centre's zone, for the rosters."""
    values = checked(facts)
    prepared = activation(values)
    because: list[dict[str, Any]] = []
    matched: list[Rule] = []
    for rule in rules.rules:
        entry, holds = _asked(rule, values, prepared)
        because.append(entry)
        if holds:
            matched.append(rule)
            if rule.stop:
                break
    plain = [rule for rule in matched if not rule.is_measured]
    raised = [rule.priority for rule in matched if rule.is_measured and rule.priority is not None]
    named = next((rule for rule in plain if rule.group is not None), None)
    reader = next((rule.reader for rule in plain if rule.reader is not None), None)
    is_fallback = named is None and reader is None
    asked_group = rules.groups[named.group if named and named.group else rules.fallback_group]
    group, on_duty = standing_in(asked_group, rules.groups, local_now)
    because.append(_roster_entry(asked_group.id, group.id, on_duty, local_now, is_fallback=is_fallback,
                                 has_roster=bool(asked_group.shifts)))
    priority = next((rule.priority for rule in plain if rule.priority is not None), None)
    if priority is None and is_fallback:
        priority = rules.fallback_priority
    return Outcome(
        group=group.id, is_fallback=is_fallback, reader=reader, priority=priority,
        raise_to=max(raised, key=PRIORITIES.index, default=None),
        due_minutes=next((rule.due_minutes for rule in plain if rule.due_minutes is not None), None),
        tags=tuple(dict.fromkeys(tag for rule in matched for tag in rule.tags)),
        on_duty=on_duty, because=because)


def _asked(rule: Rule, facts: Mapping[str, FactValue], prepared: Any) -> tuple[dict[str, Any], bool]:
    # Every condition is asked, also after one that does not hold: the explanation shows them all.
    answers = [(condition.text, ask(condition, facts, prepared)) for condition in rule.conditions]
    holds = all(answer.holds for _, answer in answers)
    gives = {"group": rule.group, "reader": rule.reader, "priority": rule.priority, "due_minutes": rule.due_minutes,
             "tags": list(rule.tags) or None, "stop": rule.stop or None}
    return {
        "rule": rule.name, "matched": holds,
        "gives": {key: value for key, value in gives.items() if value is not None},
        "conditions": [{"text": text, "holds": answer.holds, "seen": answer.seen, "why": answer.why}
                       for text, answer in answers],
    }, holds


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
