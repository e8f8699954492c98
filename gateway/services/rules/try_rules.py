"""What would a draft say of one study? Asked with the facts as they were when it was decided; nothing is stored."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gateway.core.errors import NotFound
from gateway.services.explain_study import found_study
from gateway.services.gather_facts import study_facts
from gateway.services.ports import Parts
from gateway.services.rules.refused import RulesRefused
from gateway.services.rules.settle import settled
from routing_rules.evaluate import decide
from routing_rules.facts import FACTS, FactValue
from routing_rules.model import InvalidRules, RuleSet
from routing_rules.parse import parse
from storage.interface import Transaction
from storage.model import Decision, Scope, Study


@dataclass(frozen=True, slots=True)
class Trial:
    study: Study
    decision: Decision                   # of the draft: no id, version 0
    reader: str | None                   # login that the draft names
    stored: Decision | None
    stored_reader: str | None            # display name
    facts_at: datetime


async def try_rules(parts: Parts, source: str, study: str, scope: Scope) -> Trial:
    """`study`: our id, Study Instance UID, accession number or reading id. Raises RulesRefused, NotFound."""
    try:
        rules = await asyncio.to_thread(parse, source)
    except InvalidRules as exc:
        raise RulesRefused(exc.problems) from exc
    return await parts.database.read(lambda tx: _tried(tx, parts, rules, study, scope))


def _tried(tx: Transaction, parts: Parts, rules: RuleSet, asked: str, scope: Scope) -> Trial:
    study = found_study(tx, asked, scope)
    if study is None:
        raise NotFound(f"There is no study {asked}.")
    zone, now = ZoneInfo(parts.settings.time_zone), parts.clock()
    decisions = tx.decisions.of_study(study.id, scope)
    stored = decisions[0] if decisions else None
    at = stored.at if stored is not None else now
    inputs: dict[str, Any] = stored.inputs if stored is not None else {}
    facts: dict[str, FactValue]
    if stored is None:
        facts = study_facts(tx, study, zone, now=now)
    else:
        facts = {name: value for name, value in stored.facts.items() if name in FACTS}
    local = datetime.fromisoformat(inputs["local_now"]) if inputs.get("local_now") else at.astimezone(zone)
    outcome = decide(rules, facts, local, inputs.get("duty"))
    hints = stored.hints if stored is not None else []
    result = settled(outcome, hint_levels=[hint["raises_to"] for hint in hints if hint.get("raises_to")],
                     completed_at=study.completed_at or at, modality=study.modality, body_part=study.body_part,
                     urgency=study.urgency, zone=zone)
    decision = Decision(
        id="", study_id=study.id, at=at, rules_version=0, priority=result.priority, group=outcome.group,
        reader_id=None, due_at=result.due_at, tags=result.tags, because=outcome.because, facts=dict(facts),
        hints=hints, outcome=outcome.as_json(), inputs=inputs)
    names = tx.worklists.names([stored.reader_id] if stored is not None else [])
    return Trial(study, decision, outcome.reader, stored,
                 names.get(stored.reader_id or "") if stored is not None else None, at)
