"""What a rule set takes from outside the file: people, sites, destinations, the dated roster, and past studies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.services.people.duty import LOOK_AHEAD, gaps
from gateway.services.ports import Parts
from routing_rules.lint_people import DutyGap
from routing_rules.lint_traffic import Arrival
from routing_rules.model import RuleSet
from storage.interface import Transaction
from storage.model import EVERYWHERE, StoredReplay
from storage.model.rosters import RosterEntry


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What `check` compares a rule set with."""

    logins: frozenset[str]
    enabled: dict[str, str]              # login by user id
    sites: frozenset[str]
    destinations: frozenset[str]
    roster: Sequence[RosterEntry]
    at: datetime

    def duty_gaps(self, zone: ZoneInfo) -> Callable[[RuleSet], Iterator[DutyGap]]:
        """Finds the hours of the next weeks in which nobody of a group, nor of one that covers it, is on duty."""
        def find(rules: RuleSet) -> Iterator[DutyGap]:
            for gap in gaps(rules.groups, self.roster, self.enabled, first=self.at, before=self.at + LOOK_AHEAD,
                            zone=zone):
                if gap.covered_by is None:
                    yield DutyGap(gap.group, gap.starts_at.astimezone(zone), gap.ends_at.astimezone(zone))

        return find


def surroundings(tx: Transaction, at: datetime) -> Surroundings:
    """As they are at this time."""
    users = tx.users.all()
    return Surroundings(
        frozenset(user.login for user in users), {user.id: user.login for user in users if user.is_enabled},
        frozenset(site.id for site in tx.sites.sites(EVERYWHERE)),
        frozenset(destination.id for destination in tx.sites.destinations(EVERYWHERE)),
        tx.rosters.entries(at, at + LOOK_AHEAD), at)


async def decided_between(parts: Parts, since: datetime, until: datetime, zone: ZoneInfo) -> list[Arrival]:
    """Facts of the studies decided in this time, each with the local time of its decision."""
    found: list[Arrival] = []
    after: tuple[datetime, str] | None = None

    def read_page(tx: Transaction) -> list[StoredReplay]:
        return tx.replays.page(since, until, after=after)

    while page := await parts.database.read(read_page):
        found += [(row.facts, row.at.astimezone(zone)) for row in page]
        after = (page[-1].at, page[-1].decision_id)
    return found
