"""Check a rule set against the people, sites and destinations of this gateway; nothing is stored."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.core.errors import InvalidRequest
from routing_rules.model import InvalidRules, Problem
from routing_rules.parse import check
from routing_rules.positions import read_document
from storage.interface import Transaction
from storage.model import EVERYWHERE

if TYPE_CHECKING:
    from gateway.services.ports import Parts  # which holds the simulations, which check


class RulesRefused(InvalidRequest):
    """The rule set has errors; nothing was activated. `problems` names each with line and column."""

    reason = "rules-invalid"

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(f"{p.line}:{p.column}: {p.zh} / {p.en}" for p in problems))
        self.problems = problems


async def check_rules(parts: Parts, source: str) -> list[Problem]:
    """Return errors and warnings, compared with the users and sites of this gateway."""
    logins, sites, destinations = await parts.database.read(_known)
    # A long file takes seconds to read; the loop must go on receiving meanwhile.
    return await asyncio.to_thread(check, source, known_logins=logins, known_sites=sites,
                                   known_destinations=destinations)


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


def _known(tx: Transaction) -> tuple[set[str], set[str], set[str]]:
    return ({user.login for user in tx.users.all()}, {site.id for site in tx.sites.sites(EVERYWHERE)},
            {found.id for found in tx.sites.destinations(EVERYWHERE)})
