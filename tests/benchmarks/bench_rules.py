"""How long the rules take: conditions a second, one decision, and a study's way from complete to the worklist.

The county's set has 200 rules of three conditions over all kinds of facts (tests/support/rule_sets.py), without
`stop`, so that every condition is asked; the studies are 600 different ones, a day of a busy county. Computing time
of one thread counts for the conditions and decisions; the last rows are wall time over real storage, jobs and all,
with what the same gateway needs for a set without rules beside them, because the machine's disk is in both.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, thread_time

from gateway.services import route_study
from gateway.services.complete_study import ROUTE_JOB
from gateway.services.event_bus import EventBus
from gateway.services.job_runner import JobRunner
from gateway.services.ports import Parts
from routing_rules.conditions import activation, ask
from routing_rules.derived import with_derived
from routing_rules.evaluate import decide, decide_fast
from routing_rules.facts import FactValue, checked
from routing_rules.model import RuleSet
from routing_rules.parse import parse
from tests.benchmarks.row import Row
from tests.support import rule_sets
from tests.support.routing_builders import add_study
from tests.support.stores import open_parts

STUDIES = 600
_ROUTED = 120
_ONE_RULE = "format: 1\ntitle: one\ngroups: {imaging: {name: i}}\nfallback: {group: imaging}\nrules: []\n"


def measure() -> Iterable[Row]:
    studies = [(rule_sets.facts(n), rule_sets.local_now(n)) for n in range(STUDIES)]
    for count, goal in ((200, "≤ 5"), (1000, "≤ 25")):
        source = rule_sets.rules(count, with_stops=False)
        rules = parse(source)
        conditions = sum(len(rule.conditions) for rule in rules.rules)
        taken = _times([partial(decide, rules, *study) for study in studies])
        alone = _times([partial(_one_at_a_time, rules, *study) for study in studies[:60]])
        yield Row(f"rules: conditions answered and explained, {count} rules × 3", conditions / median(taken),
                  "conditions/s", "≥ 100,000", "each asked by itself", median(alone) / median(taken))
        yield Row(f"rules: one decision with its reasons, {count} rules, median", median(taken) * 1e3, "ms")
        yield Row(f"rules: one decision with its reasons, {count} rules, p95", _p95(taken) * 1e3, "ms", goal)
        fast = _times([partial(decide_fast, rules, *study) for study in studies])
        yield Row(f"rules: one decision without reasons, {count} rules, median", median(fast) * 1e3, "ms")
        yield _loading(source, count)
    yield from asyncio.run(_to_the_worklist())


def _loading(source: str, count: int) -> Row:
    """A text that was never seen: the conditions are compiled, too, but for those that other sets have."""
    started = perf_counter()
    parse(source.replace("演示县", "另一个演示县"))
    return Row(f"rules: loading a changed text of {count} rules", (perf_counter() - started) * 1e3, "ms")


async def _to_the_worklist() -> Iterable[Row]:
    county = await _routed(rule_sets.rules(200, with_stops=False))
    thousand = await _routed(rule_sets.rules(1000, with_stops=False))
    empty = await _routed(_ONE_RULE)
    return [
        Row("rules: from complete to the worklist, 200 rules, median", median(county) * 1e3, "ms", "≤ 20",
            "a set without rules", median(county) / median(empty)),
        Row("rules: from complete to the worklist, 200 rules, p95", _p95(county) * 1e3, "ms", "≤ 20"),
        Row("rules: from complete to the worklist, 1,000 rules, median", median(thousand) * 1e3, "ms", "≤ 25",
            "a set without rules", median(thousand) / median(empty)),
        Row("rules: from complete to the worklist, 1,000 rules, p95", _p95(thousand) * 1e3, "ms", "≤ 25"),
    ]


async def _routed(source: str) -> list[float]:
    """Seconds from the commit that completes a study to the event of its reading, one study after the other."""
    bus = EventBus()
    with tempfile.TemporaryDirectory() as folder:
        async with open_parts(Path(folder), clock=lambda: datetime.now(UTC), events=bus) as opened:
            parts: Parts = replace(opened, events=bus)
            await parts.database.write(lambda tx: tx.decisions.add_rule_set(source, by="bench", at=parts.clock()))
            runner = JobRunner(parts, route_study.HANDLERS)
            await runner.start()
            try:
                taken = [await _route_one(parts, bus, number) for number in range(_ROUTED + 5)]
            finally:
                await runner.stop()
    return taken[5:]                     # the first ones load the rules and warm the store


async def _route_one(parts: Parts, bus: EventBus, number: int) -> float:
    kind = rule_sets.facts(number)["study.kind"]
    study = await add_study(parts, modality="ECG" if kind == "ecg" else "CT", instances=1 if kind == "ecg" else 20,
                            statements=("窦性心律",))
    async with bus.subscribe() as events:
        await parts.database.write(lambda tx: tx.jobs.enqueue(ROUTE_JOB, study.id, due=parts.clock()))
        started = perf_counter()
        bus.wake_jobs()
        while (await events.get()).study_id != study.id:
            pass
        return perf_counter() - started


def _one_at_a_time(rules: RuleSet, facts: Mapping[str, FactValue], local_now: datetime) -> None:
    """What a decision costs where each condition is a call of its own."""
    values = with_derived(rules, checked(facts), local_now, None)
    prepared = activation(values)
    for rule in rules.rules:
        for condition in rule.conditions:
            ask(condition, values, prepared)


def _times(works: Sequence[Callable[[], object]]) -> list[float]:
    works[0]()
    taken = []
    for work in works:
        started = thread_time()
        work()
        taken.append(thread_time() - started)
    return taken


def _p95(taken: Sequence[float]) -> float:
    return sorted(taken)[int(len(taken) * 0.95)]
