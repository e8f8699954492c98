"""Decide who reads a study: facts → rules → decision, and the reading on the worklist, in one write.

Runs as the job "route_study" after a study is complete, and again when it is complete once more after late images.
It runs once more when a study has left the inbox, since the rules ask about its site, and when an order found later
makes it more urgent. The rules are asked beside the writer, so that they never hold up receiving; what they saw is
checked again in the write. The decision is stored whole with its reasons; nobody recomputes it later.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from gateway.core.ecg_priority import PriorityHint
from gateway.core.errors import NotFound
from gateway.core.facts import ECG_MODALITY
from gateway.services.activate_rules import RulesRefused, ensure_rules
from gateway.services.ask_rules import Answer, Question, ask_rules, question_of
from gateway.services.clocks.keep_clocks import start_clocks
from gateway.services.forward_study import queue_forwards
from gateway.services.gather_facts import analyses_of, ecgs_of
from gateway.services.gather_facts import study_facts as study_facts
from gateway.services.hint_priority import has_news, hints_of_study
from gateway.services.match_order import match_study, may_have_order
from gateway.services.people.assign import assign
from gateway.services.ports import Event, Parts
from gateway.services.reopen_reading import decide_again, late_instances_since, reopen_reading
from gateway.services.rules.settle import Settled, settled
from storage.interface import Transaction
from storage.model import EVERYWHERE, AuditEntry, Decision, Job, Reading, ReadingState, Study, new_id

_MOST_QUESTIONS = 5
ALARM = "rules-not-usable"


@dataclass(frozen=True, slots=True)
class _Routed:
    reading: Reading
    has_changed: bool


async def route_study(parts: Parts, study_id: str) -> Reading:
    """Route a study and return its reading. Running it again without new images or a new site changes nothing.

    Raises NotFound when there is no such study.
    """
    for tries_left in reversed(range(_MOST_QUESTIONS)):
        is_first = tries_left == _MOST_QUESTIONS - 1
        found = await parts.database.read(partial(_question, parts=parts, study_id=study_id, is_first=is_first))
        if found is None:                       # before the rules: an order may say that it is an emergency
            await match_study(parts, study_id)
            continue
        if isinstance(found, Reading):
            return found
        if not found.version and tries_left:
            with contextlib.suppress(RulesRefused):     # none at all: the fallback inbox takes it, and says why
                await ensure_rules(parts)
                continue
        answer = await ask_rules(found)
        routed = await parts.database.write(
            lambda tx, a=answer, last=not tries_left: _route(tx, parts, a, is_last_try=last))  # type: ignore[misc]
        if routed is not None:
            break
    assert routed is not None
    if routed.has_changed:
        parts.events.wake_jobs()
        parts.events.publish(Event("reading", routed.reading.site_id, study_id, routed.reading.id))
    return routed.reading


async def run_route_study(parts: Parts, job: Job) -> None:
    """The job "route_study": its ref is the study's id."""
    await route_study(parts, job.ref)


def _question(tx: Transaction, *, parts: Parts, study_id: str, is_first: bool) -> Question | Reading | None:
    """What to ask the rules; the reading as it is where nothing has happened since the last decision.

    None at the `is_first` look where an order may be the study's: that is settled beforehand.
    """
    study = _study(tx, study_id)
    if is_first and may_have_order(tx, study):
        return None
    reading = tx.readings.of_study(study_id, EVERYWHERE)
    if reading is not None and not _needs_decision(study, reading, _last(tx, study), _hints(tx, parts, study)):
        return reading
    return question_of(tx, study, now=parts.clock(), zone=ZoneInfo(parts.settings.time_zone))


def _route(tx: Transaction, parts: Parts, answer: Answer, *, is_last_try: bool) -> _Routed | None:
    """Write the decision; None if the study is not what the rules saw any more, so that they must be asked again."""
    study = _study(tx, answer.question.study.id)
    reading = tx.readings.of_study(study.id, EVERYWHERE)
    last = _last(tx, study) if reading is not None else None
    hints = _hints(tx, parts, study)
    if reading is not None and last is not None and not _needs_decision(study, reading, last, hints):
        return _Routed(reading, False)          # another node was faster
    is_same = study == answer.question.study and tx.decisions.active_version() == answer.question.version
    if not is_same and not is_last_try:
        return None
    now = parts.clock()
    late = late_instances_since(study, last) if last is not None else 0
    result = settled(answer.outcome, hint_levels=[hint.raises_to for hint in hints if hint.raises_to],
                     completed_at=study.completed_at or now, modality=study.modality, body_part=study.body_part,
                     urgency=study.urgency, zone=ZoneInfo(parts.settings.time_zone))
    decision = _decision(tx, answer, study, result, hints, now)
    tx.decisions.add(decision)
    is_new = reading is None
    if reading is None:
        reading = _new_reading(study, decision, result, now)
        tx.readings.add(reading)
    elif late == 0:
        reading = decide_again(tx, reading, decision, hold_until=result.hold_until)
    else:
        reading = reopen_reading(tx, reading, decision, late_instances=late, now=now, hold_until=result.hold_until)
    queue_forwards(tx, study, answer.outcome.forwards, decision_id=decision.id, at=now)
    start_clocks(tx, reading, decision, study, answer.groups if answer.failure is None else {}, at=now,
                 zone=ZoneInfo(parts.settings.time_zone), is_new=is_new)
    if answer.failure is not None:
        tx.alarms.raise_alarm(ALARM, site_id="", ref=f"rules-{decision.rules_version}",
                              detail=f"{answer.failure['zh']} / {answer.failure['en']}", at=now)
    tx.audit.append(AuditEntry(
        now, "gateway", "study.routed", site_id=study.site_id, study_id=study.id, patient_id=study.patient.id,
        detail={"decision": decision.id, "rules_version": decision.rules_version, "group": decision.group,
                "reader": decision.reader_id, "priority": decision.priority.value, "late_instances": late}))
    return _Routed(reading, True)


def _study(tx: Transaction, study_id: str) -> Study:
    study = tx.studies.get(study_id, EVERYWHERE)
    if study is None:
        raise NotFound(f"There is no study {study_id}.")
    return study


def _last(tx: Transaction, study: Study) -> Decision:
    last = tx.decisions.newest(study.id)
    assert last is not None                     # a reading has one from the start
    return last


def _needs_decision(study: Study, reading: Reading, last: Decision, hints: list[PriorityHint]) -> bool:
    return (late_instances_since(study, last) > 0 or _has_changed(study, last)
            or has_news(hints, reading, last))


def _has_changed(study: Study, last: Decision) -> bool:
    """True if a decision made now could differ for another reason than images: another site, a more urgent order."""
    return bool(last.facts.get("site.id", study.site_id) != study.site_id
                or last.facts.get("study.urgency", study.urgency) != study.urgency)


def _decision(tx: Transaction, answer: Answer, study: Study, result: Settled, hints: list[PriorityHint],
              now: datetime) -> Decision:
    outcome = answer.outcome
    because = list(outcome.because)
    reader_id = None
    if outcome.reader is not None:
        reader_id, entry = _named_reader(tx, outcome.reader)
        because.append(entry)
    if reader_id is None and outcome.group in answer.groups:
        assigned = assign(tx, study, outcome, answer.groups[outcome.group], at=now)
        reader_id = assigned.reader_id
        because += assigned.entries
    return Decision(
        id=new_id(), study_id=study.id, at=now, rules_version=answer.question.version, priority=result.priority,
        group=outcome.group, reader_id=reader_id, due_at=result.due_at, tags=result.tags, because=because,
        facts=dict(answer.question.facts), hints=[hint.as_json() for hint in hints], outcome=outcome.as_json(),
        inputs=answer.inputs())


def _hints(tx: Transaction, parts: Parts, study: Study) -> list[PriorityHint]:
    if study.modality != ECG_MODALITY:
        return []
    return hints_of_study(parts.hint_rules, ecgs_of(tx, study), analyses_of(tx, study))


def _named_reader(tx: Transaction, login: str) -> tuple[str | None, dict[str, object]]:
    """The named reader's id. Somebody who has left since is skipped, and the reason says so; the group keeps it."""
    found = tx.users.find_login(login)
    is_there = found is not None and found[0].is_enabled
    return (found[0].id if found is not None and is_there else None), {
        "rule": "reader", "matched": is_there, "gives": {}, "conditions": [
            {"text": f"{login} has an enabled account", "holds": is_there, "seen": {}, "why": ""}]}


def _new_reading(study: Study, decision: Decision, result: Settled, now: datetime) -> Reading:
    return Reading(
        id=new_id(), study_id=study.id, site_id=study.site_id, state=ReadingState.UNREAD, priority=decision.priority,
        group=decision.group, decision_id=decision.id, created_at=now, due_at=decision.due_at,
        assigned_to=decision.reader_id, writer_id=None, reviewer_id=None, claimed_by=None, claimed_at=None,
        lock_until=None, reason="", late_instances=0, revision=0, hold_until=result.hold_until)


HANDLERS = {"route_study": run_route_study}
