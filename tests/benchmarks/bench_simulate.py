"""A draft against the last 30 days of a busy county: 18,000 studies, 200 rules of 3 conditions over all kinds of
facts.

Measured as a person does it: the program `reading-gateway rules simulate` from its start to its answer, on a store
that holds every decision with its reasons. Once with a draft that changes all the rules, once with one that changes
one of them, and once the proof that the version in force replays.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from gateway.services.rules.replay import Answers, Asked, Replayer
from routing_rules.evaluate import decide
from routing_rules.facts import checked
from routing_rules.parse import parse
from storage.opening import open_storage
from storage.tables.packed_reasons import packed
from tests.benchmarks.row import Row
from tests.support.replayed_county import ZONE, fill, rule_set, studies

_STUDIES = int(os.environ.get("READING_GATEWAY_SIMULATED_STUDIES", "18000"))
_RULES = 200
_CHANGED = 42


def measure() -> Iterable[Row]:
    with tempfile.TemporaryDirectory(prefix="rg-bench-") as folder:
        data = Path(folder) / "data"
        asyncio.run(_fill(data))
        sets = {"all": rule_set(_RULES, seed=4), "one": rule_set(_RULES, changed=_CHANGED)}
        for name, goal, what in (("all", "≤ 60", f"all {_RULES} rules changed"), ("one", "≤ 10", "one rule changed")):
            draft = Path(folder) / f"{name}.yaml"
            draft.write_text(sets[name], encoding="utf-8")
            seconds, answer = _run(data, str(draft))
            assert answer["studies"] == _STUDIES
            yield Row(f"simulate 30 days, {_STUDIES} studies, {what}", seconds, "s", goal=goal)
            yield Row(f"  … studies that would move ({what})", answer["moved"], "studies")
        seconds, answer = _run(data, "--active")
        yield Row(f"replay of the version in force, {_STUDIES} decisions", seconds, "s")
        yield Row("  … equal to what was stored", 100.0 * answer["equal"] / answer["replayed"], "%", goal="100")
        peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        yield Row("memory of a simulation, at most", peak_mb, "MB")


async def _fill(data: Path) -> None:
    """The decisions as the rules in force make them; the reasons of one study stand for those of all in size."""
    source = rule_set(_RULES)
    rules = parse(source)
    replayer = Replayer(rules, Answers())
    at, facts, duty = next(studies(1))
    because = packed(decide(rules, facts, at.astimezone(ZONE), duty).because)

    def decided(facts: dict[str, Any], local: datetime, duty: dict[str, Any]) -> Any:
        return replayer.replay(Asked(checked(facts), local, duty)).outcome

    until = datetime.now(UTC)
    storage = await open_storage(data_dir=data, node="bench", reserve_bytes=0)
    try:
        version = await storage.database.write(lambda tx: tx.decisions.add_rule_set(source, by="bench", at=until))
        await storage.database.write(lambda tx: fill(tx.connection, source, _STUDIES, days=29, version=version,
                                                     decided=decided, because=because, until=until))
    finally:
        await storage.database.close()


def _run(data: Path, *arguments: str) -> tuple[float, dict[str, Any]]:
    start = perf_counter()
    done = subprocess.run([sys.executable, "-m", "gateway", "rules", "simulate", *arguments, "--days", "30", "--json",
                           "--data", str(data)], capture_output=True, check=False)
    seconds = perf_counter() - start
    if not done.stdout:
        raise RuntimeError(done.stderr.decode(errors="replace"))
    answer: dict[str, Any] = json.loads(done.stdout)
    return seconds, answer
