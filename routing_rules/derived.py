"""Facts that depend on the rule set itself: its calendars, its groups. `decide` makes them; nobody stores them.

A draft that is tried on last month's studies has other groups and calendars than the version that decided then, so
these facts must be its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from routing_rules.facts import FactValue
from routing_rules.model import RuleSet
from routing_rules.roster import Duty, on_duty


def with_derived(rules: RuleSet, facts: Mapping[str, FactValue], local_now: datetime,
                 duty: Duty | None) -> dict[str, FactValue]:
    """Return the facts and those that follow from the rule set; a group without waiting work has a load of 0."""
    values = dict(facts)
    date = facts.get("arrival.date")
    if isinstance(date, str):
        values["arrival.calendars"] = [name for name, days in rules.calendars.items()
                                       if any(some.holds(date) for some in days)]
    waiting = facts.get("load.waiting")
    if isinstance(waiting, dict):
        values["load.waiting"] = dict.fromkeys(rules.groups, 0) | waiting
    away = facts.get("presence.away", [])
    gone = frozenset(away if isinstance(away, list) else ())
    counts: dict[str, int] = {}
    for group in rules.groups.values():
        present = on_duty(group, local_now, duty)
        logins = group.members if present is None else present
        if logins or present is not None:            # a group of everybody: nobody can count it here
            counts[group.id] = len(frozenset(logins) - gone)
    values["presence.on_duty"] = counts
    return values
