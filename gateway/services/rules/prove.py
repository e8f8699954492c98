"""Does a version replay to what it decided? Every decision that it made is asked again and compared.

A decision that does not replay means that the past could not be explained from what was kept: a fault of ours. The
quick way compares the outcomes; the whole way asks by `decide` and compares every reason, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gateway.services.rules.replay import Answers, Replayer, asked_of
from routing_rules.evaluate import decide
from routing_rules.facts import UndeclaredFact
from routing_rules.parse import parse
from storage.interface import Database, Transaction
from storage.model import StoredReplay

PAGE = 500
MOST_DIFFERENCES = 100


@dataclass(frozen=True, slots=True)
class Difference:
    """One decision that came out otherwise."""

    decision_id: str
    study_id: str
    at: datetime
    what: str                            # which part of the outcome; "facts" where they cannot be read
    stored: Any
    replayed: Any


@dataclass(frozen=True, slots=True)
class Proof:
    version: int
    replayed: int
    equal: int
    undecided: int                       # not made by the rules: they could not be asked, or work overflowed
    differences: list[Difference]        # the first hundred


async def prove(database: Database, version: int, source: str, *, since: datetime, until: datetime, zone: ZoneInfo,
                is_whole: bool = False, on_progress: Callable[[int, int], None] | None = None) -> Proof:
    """Replay every decision that the version made in the time. Raises InvalidRules."""
    rules = parse(source)
    replayer = Replayer(rules, Answers())
    replayed = equal = undecided = done = 0
    differences: list[Difference] = []
    total = await database.read(lambda tx: tx.replays.count(since, until, version=version))
    after: tuple[datetime, str] | None = None

    def read_page(tx: Transaction) -> list[StoredReplay]:
        return tx.replays.page(since, until, after=after, limit=PAGE, version=version)

    while page := await database.read(read_page):
        after = (page[-1].at, page[-1].decision_id)
        for stored in page:
            if "failure" in stored.inputs or "moved" in stored.inputs:
                undecided += 1
                continue
            found = await _because(database, stored) if is_whole else None
            different = _compared(stored, replayer, zone, found)
            replayed += 1
            equal += not different
            differences += different[:MOST_DIFFERENCES - len(differences)]
            await asyncio.sleep(0)
        done += len(page)
        if on_progress is not None:
            on_progress(done, max(total, done))
    return Proof(version, replayed, equal, undecided, differences)


def _compared(stored: StoredReplay, replayer: Replayer, zone: ZoneInfo,
              because: list[dict[str, Any]] | None) -> list[Difference]:
    def told(what: str, was: Any, now: Any) -> Difference:
        return Difference(stored.decision_id, stored.study_id, stored.at, what, was, now)

    try:
        asked = asked_of(stored, zone)
    except UndeclaredFact as exc:
        return [told("facts", None, str(exc))]
    if because is None:
        said = replayer.replay(asked).outcome.as_json()
    else:
        outcome = decide(replayer.rules, asked.facts, asked.local_now, asked.duty)
        said = outcome.as_json()
        # Who of the group got it is told after what the rules said; the rules are replayed, not the people.
        kept = because[:len(outcome.because)]
        if kept != outcome.because:
            first = next(n for n, entry in enumerate(outcome.because) if n >= len(kept) or kept[n] != entry)
            return [told("because", kept[first] if first < len(kept) else None, outcome.because[first])]
    if not stored.outcome:               # of a release that kept less of it
        return [told(what, was, said[what]) for what, was in (("group", stored.group),)
                if was != said[what]]
    return [told(what, stored.outcome.get(what), said.get(what)) for what in sorted({*stored.outcome, *said})
            if stored.outcome.get(what) != said.get(what)][:1]


async def _because(database: Database, stored: StoredReplay) -> list[dict[str, Any]]:
    found = await database.read(lambda tx: tx.decisions.get(stored.decision_id))
    return found.because if found is not None else []
