"""Check a rule set against the people, sites and destinations of this gateway; nothing is stored."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from zoneinfo import ZoneInfo

from gateway.services.ports import Parts
from gateway.services.rules.surroundings import decided_between, surroundings
from routing_rules.model import InvalidRules
from routing_rules.model import Problem as Problem
from routing_rules.parse import check
from routing_rules.positions import read_document


async def check_rules(parts: Parts, source: str, *, days: int = 0) -> list[Problem]:
    """Return errors and warnings, compared with what this gateway knows.

    With `days` the studies decided in these days are counted that no rule would give to anybody; of a busy county
    that takes seconds, so it is not for every key that is pressed.
    """
    now, zone = parts.clock(), ZoneInfo(parts.settings.time_zone)
    around = await parts.database.read(lambda tx: surroundings(tx, now))
    arrivals = await decided_between(parts, now - timedelta(days=days), now, zone) if days else []
    # A long file takes seconds to read; the loop must go on receiving meanwhile.
    return await asyncio.to_thread(
        check, source, known_logins=around.logins, known_sites=around.sites, known_destinations=around.destinations,
        duty_gaps=around.duty_gaps(zone), arrivals=arrivals)


async def errors_of(parts: Parts, source: str) -> list[Problem]:
    """Only what keeps it from being used."""
    return [problem for problem in await check_rules(parts, source) if not problem.is_warning]


def rule_names(source: str) -> list[tuple[str, int]]:
    """(name, line) of every rule of a text, also of one with errors; none where YAML cannot read it."""
    try:
        document = read_document(source)
    except InvalidRules:
        return []
    rules = document.value.get("rules") if isinstance(document.value, dict) else None
    if not isinstance(rules, list):
        return []
    return [(str(rule.get("name", "")) if isinstance(rule, dict) else "", document.place(("rules", index)).line)
            for index, rule in enumerate(rules)]
