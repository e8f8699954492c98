"""What a rule may say: facts, words of `then`, and what of this gateway can be named. For the editor."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.services.ports import Parts
from routing_rules.facts import FACTS, Fact
from routing_rules.model import Group, InvalidRules
from routing_rules.parse import parse
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


THEN_WORDS: dict[str, tuple[str, str]] = {
    "group": ("交给哪个值班组", "Duty group that gets the study"),
    "reader": ("指定阅片医生(登录名)", "Named reader (login)"),
    "second_reader": ("第二位阅片或审核者:登录名或值班组", "Who reviews: a login or a duty group"),
    "priority": ("优先级:routine、urgent、emergency", "Priority: routine, urgent or emergency"),
    "due_minutes": ("签发报告的时限(分钟,自检查到齐起)", "Minutes from complete to the signed report"),
    "due": ("各环节时限(分钟):arrive、claim、write、review、return、open", "Minutes by stage"),
    "forwards": ("同时转发到的节点", "Destinations that get the whole study, too"),
    "tags": ("标签", "Tags"),
    "notify": ("通知谁、何时", "Who is told, and when"),
    "hold": ("错峰:到几点才上列表", "Kept off the worklist until a time of day"),
    "overflow": ("无人领取时转给上级组", "Group that gets it when nobody takes it in time"),
}
"""Every key of `then`, in Chinese and English; a test compares it with the schema."""
