"""Ask the active rule set about a study: read what it may know, then decide in a thread, within a budget of time.

Nothing here writes and nothing here can stop receiving: a rule set that is broken, too slow or not there gives the
fallback inbox with the reason in plain words, and the study is on the worklist all the same (promise 2).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gateway.core.facts import FactValues
from gateway.services.gather_facts import study_facts
from gateway.services.people.duty import duty_now
from routing_rules.evaluate import RulesTooSlow, decide
from routing_rules.facts import UndeclaredFact
from routing_rules.model import Group, InvalidRules, Outcome
from routing_rules.parse import parse
from storage.interface import Transaction
from storage.model import Study

DECISION_BUDGET_S = 1.0
"""A decision takes milliseconds; a rule set that needs longer than this gets none."""

FALLBACK_GROUP = "fallback"
"""Where a study goes when there is no rule set that could name a group."""


@dataclass(frozen=True, slots=True)
class Question:
    """One study as the rules may see it now, and the rules in force."""

    study: Study
    facts: FactValues
    local_now: datetime
    duty: Mapping[str, tuple[str, ...]]
    version: int                         # 0: there is no rule set
    source: str

    def inputs(self) -> dict[str, Any]:
        """What a replay needs besides the facts."""
        return {"local_now": self.local_now.isoformat(),
                "duty": {group: list(logins) for group, logins in self.duty.items()},
                "completed_at": self.study.completed_at.isoformat() if self.study.completed_at else None}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the rules say, or why they could not be asked."""

    question: Question
    outcome: Outcome
    groups: Mapping[str, Group] = field(default_factory=dict)
    failure: dict[str, str] | None = None    # reason (machine word), zh, en

    def inputs(self) -> dict[str, Any]:
        """As stored with the decision; one with a failure cannot be replayed, for nothing was decided."""
        return self.question.inputs() | ({"failure": self.failure} if self.failure else {})


def question_of(tx: Transaction, study: Study, *, now: datetime, zone: ZoneInfo) -> Question:
    """Read everything in one snapshot."""
    version, source = tx.decisions.active_rule_set() or (0, "")
    return Question(study, study_facts(tx, study, zone, now=now), now.astimezone(zone), duty_now(tx, now, zone),
                    version, source)


async def ask_rules(question: Question, *, budget_s: float = DECISION_BUDGET_S) -> Answer:
    """Decide beside the event loop; never raises for what a rule set does."""
    return await asyncio.to_thread(answer_of, question, budget_s=budget_s)


def answer_of(question: Question, *, budget_s: float = DECISION_BUDGET_S) -> Answer:
    """As `ask_rules`, for a caller that is in a thread already."""
    if not question.version:
        return _failed(question, "no-rules", "还没有启用任何规则", "there is no active rule set")
    try:
        rules = parse(question.source)
    except InvalidRules as exc:
        first = exc.problems[0]
        where = f"v{question.version} {first.line}:{first.column}"
        return _failed(question, "rules-invalid", f"规则有错({where}):{first.zh}",
                       f"the rules have errors ({where}): {first.en}")
    ends_at = time.monotonic() + budget_s
    try:
        outcome = decide(rules, question.facts, question.local_now, question.duty,
                         is_over=lambda: time.monotonic() > ends_at)
    except RulesTooSlow:
        return _failed(question, "rules-too-slow", f"规则超过 {budget_s:g} 秒还没有算完",
                       f"the rules took longer than {budget_s:g} s", group=rules.fallback_group,
                       groups=rules.groups)
    except UndeclaredFact as exc:
        return _failed(question, "facts-invalid", f"网关给出的事实不合声明:{exc}",
                       f"the gateway handed in a fact that does not fit: {exc}", group=rules.fallback_group,
                       groups=rules.groups)
    return Answer(question, outcome, rules.groups)


def _failed(question: Question, reason: str, zh: str, en: str, *, group: str = FALLBACK_GROUP,
            groups: Mapping[str, Group] | None = None) -> Answer:
    because = [{"rule": "fallback", "matched": True, "gives": {"group": group}, "conditions": [
        {"text": f"{zh} / {en}", "holds": True, "seen": {}, "why": reason}]}]
    outcome = Outcome(group=group, is_fallback=True, reader=None, priority=None, raise_to=None, due_minutes=None,
                      tags=(), on_duty=(), because=because)
    return Answer(question, outcome, groups or {}, {"reason": reason, "zh": zh, "en": en})
