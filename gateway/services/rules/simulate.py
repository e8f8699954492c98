"""Replay the real arrivals of some days against a draft: what would move, the load, the due times that would break.

Reads the store page by page and never holds more than one page of decisions. It computes for seconds: never call
it on the event loop of a running gateway; `simulations` runs it in a process of its own, the program in its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import perf_counter
from zoneinfo import ZoneInfo

from gateway.services.rules.outcome_parts import replayed_side, stored_side
from gateway.services.rules.replay import Answers, Replayer, asked_of, unknown_facts
from gateway.services.rules.tally import AspectChange, Due, Example, Load, Move, RuleCount, Tally
from routing_rules.facts import UndeclaredFact
from routing_rules.model import InvalidRules, RuleSet
from routing_rules.parse import parse
from storage.interface import Database, Transaction
from storage.model import StoredReplay

PAGE = 500
DECIDED, ACTIVE = "decided", "active"
AGAINST = (DECIDED, ACTIVE)

GARBAGE_THRESHOLDS = (100_000, 50, 50)
"""For `gc.set_threshold` in a process that only simulates: its kept answers need not be walked again and again."""

Progress = Callable[[int, int], None]
"""Called with (studies done, studies in all)."""

_NOTES_ZH = [
    "规则部分是准确的:按当时的资料和值班表重新判断。",
    "负荷表把一个值班组的工作平均分给当时在岗的人;实际由谁接手取决于当时的忙闲,模拟不假装知道。",
    "时限按报告实际签发的时间比较;换了组以后会在什么时候签发,没有人知道。",
]
_NOTES_EN = [
    "The rule part is exact: asked again with the facts and rosters of the time.",
    "The load table spreads the work of a group evenly over those on duty; who would really have taken a study hangs "
    "on the load of that hour, and the simulation does not pretend to know.",
    "Due times are compared with when the report was really signed; when another group would have signed it, nobody "
    "knows.",
]


@dataclass(frozen=True, slots=True)
class Simulation:
    """What was asked and what came out; as JSON it is the `result` of the API and of `--json`."""

    since: datetime
    until: datetime
    studies: int
    moved: int
    changed: int
    moves: list[Move]
    changes: list[AspectChange]
    load: list[Load]
    due: Due
    rules: list[RuleCount]
    unknown_facts: list[str]
    unreadable: int
    notes_zh: list[str]
    notes_en: list[str]
    seconds: float


async def simulate(database: Database, source: str, *, since: datetime, until: datetime, zone: ZoneInfo,
                   against: str = DECIDED, on_progress: Progress | None = None) -> Simulation:
    """Compare the draft with what was decided, or with what the version in force would have decided.

    Every study counts once, with its newest decision in the time. Raises InvalidRules for a draft with errors.
    """
    started = perf_counter()
    rules, answers = parse(source), Answers()
    draft = Replayer(rules, answers)
    versions = _Versions()
    names, total, active = await database.read(lambda tx: _surroundings(tx, since, until))
    base = Replayer(parse(active), answers) if against == ACTIVE and active is not None else None
    tally, known, unreadable = Tally(until), set[str](), 0
    after: tuple[datetime, str] | None = None
    done = 0
    while page := await database.read(partial(_page, since=since, until=until, after=after)):
        after = (page[-1].at, page[-1].decision_id)
        await database.read(partial(versions.look_up, page))
        for stored in page:
            try:
                asked = asked_of(stored, zone)
            except UndeclaredFact:
                unreadable += 1
                continue
            known.update(asked.facts)
            decided = stored_side(stored, versions.of(stored.rules_version))
            before = decided
            if base is not None:
                before = replayed_side(base.replay(asked), stored, decided, base.rules, zone)
            replayed = draft.replay(asked)
            result = replayed_side(replayed, stored, decided, rules, zone)
            decided_by = replayed.decided_by
            tally.matched.update(rule.name for rule in replayed.matched)
            tally.decided[decided_by] += 1
            tally.add(Example(stored.study_id, stored.at, stored.site_id, stored.modality, decided_by),
                      asked.local_now, before, result, stored.signed_at)
        done += len(page)
        if on_progress is not None:
            on_progress(done, max(total, done))
    names |= {group.id: group.name for group in rules.groups.values()}
    return Simulation(
        since=since, until=until, studies=tally.studies, moved=tally.moved, changed=tally.changed,
        moves=tally.moves(), changes=tally.changes(), load=tally.load(names), due=tally.due(),
        rules=tally.rules([(rule.name, rule.line) for rule in rules.rules]),
        unknown_facts=unknown_facts([draft], known) if tally.studies else [], unreadable=unreadable,
        notes_zh=list(_NOTES_ZH), notes_en=list(_NOTES_EN), seconds=round(perf_counter() - started, 2))


def _page(tx: Transaction, *, since: datetime, until: datetime,
          after: tuple[datetime, str] | None) -> list[StoredReplay]:
    return tx.replays.page(since, until, after=after, limit=PAGE)


class _Versions:
    """The versions that decided, parsed when they are met: for the members of their groups."""

    def __init__(self) -> None:
        self._met: dict[int, RuleSet | None] = {}

    def of(self, version: int) -> RuleSet | None:
        return self._met.get(version)

    def look_up(self, page: list[StoredReplay], tx: Transaction) -> None:
        for version in {stored.rules_version for stored in page} - set(self._met):
            source = tx.rule_versions.source(version)
            try:
                self._met[version] = parse(source) if source is not None else None
            except InvalidRules:         # of an older release that took what this one refuses
                self._met[version] = None


def _surroundings(tx: Transaction, since: datetime, until: datetime) -> tuple[dict[str, str], int, str | None]:
    """Names by login, how many studies, and the text in force."""
    active = tx.decisions.active_rule_set()
    return ({user.login: user.display_name for user in tx.users.all()}, tx.replays.count(since, until),
            active[1] if active is not None else None)
