"""What a rule may say: facts, words of `then`, and what of this gateway can be named. For the editor."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.services.ports import Parts
from routing_rules.facts import FACTS, Fact
from routing_rules.model import Group, InvalidRules
from routing_rules.parse import parse
from routing_rules.then_words import THEN_WORDS as THEN_WORDS
from storage.interface import Transaction
from storage.model import EVERYWHERE, INBOX_SITE_ID, Destination, Role, Site, User

READING_ROLES = (Role.READER, Role.REVIEWER)


@dataclass(frozen=True, slots=True)
class Language:
    facts: list[Fact]
    sites: list[Site]
    groups: list[Group]                  # of the version in force
    destinations: list[Destination]
    readers: list[User]


async def language_of(parts: Parts) -> Language:
    """Read what can be named now."""
    def look_up(tx: Transaction) -> Language:
        active = tx.decisions.active_rule_set()
        return Language(
            list(FACTS.values()), [site for site in tx.sites.sites(EVERYWHERE) if site.id != INBOX_SITE_ID],
            _groups(active[1]) if active is not None else [],
            [found for found in tx.sites.destinations(EVERYWHERE) if found.site_id != INBOX_SITE_ID],
            [user for user in tx.users.all() if user.is_enabled and any(map(user.has_role, READING_ROLES))])

    return await parts.database.read(look_up)


def _groups(source: str) -> list[Group]:
    try:
        return list(parse(source).groups.values())
    except InvalidRules:                 # of an older release that took what this one refuses
        return []
