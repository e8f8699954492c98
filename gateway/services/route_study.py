"""Decide who reads a study: facts → rules → decision, and the reading on the worklist, in one write.

Runs as the job "route_study" after a study is complete, and again when it is complete once more after late images.
It runs once more when a study has left the inbox, since the rules ask about its site, and when an order found later
makes it more urgent. The decision is stored whole with its reasons; nobody recomputes it later.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.core.due_times import due_at
from gateway.core.ecg_priority import PriorityHint
from gateway.core.errors import NotFound
from gateway.core.facts import ECG_MODALITY, FactValues, facts_of
from gateway.core.priority import HINT_TAG, priority_of
from gateway.services.activate_rules import ensure_rules
from gateway.services.clocks.keep_clocks import start_clocks
from gateway.services.hint_priority import has_news, hints_of_study, raised
from gateway.services.match_order import match_study
from gateway.services.ports import Event, Parts
from gateway.services.reopen_reading import decide_again, late_instances_since, reopen_reading
from routing_rules.evaluate import decide
from routing_rules.model import Outcome
from routing_rules.parse import parse
from storage.interface import Transaction
from storage.model import EVERYWHERE, AuditEntry, Decision, EcgFacts, Job, Reading, ReadingState, Study, new_id
from storage.model.ecg_analyses import StoredAnalysis


async def route_study(parts: Parts, study_id: str) -> Reading:
    """Route a study and return its reading. Running it again without new images or a new site changes nothing.

    Raises NotFound when there is no such study.
    """
    await ensure_rules(parts)
    await match_study(parts, study_id)          # before the rules: an order may say that it is an emergency
    reading, has_changed = await parts.database.write(lambda tx: _route(tx, parts, study_id))
    if has_changed:
        parts.events.publish(Event("reading", reading.site_id, study_id, reading.id))
    return reading


async def run_route_study(parts: Parts, job: Job) -> None:
    """The job "route_study": its ref is the study's id."""
    await route_study(parts, job.ref)


def _route(tx: Transaction, parts: Parts, study_id: str) -> tuple[Reading, bool]:
    study = tx.studies.get(study_id, EVERYWHERE)
    if study is None:
        raise NotFound(f"There is no study {study_id}.")
    now = parts.clock()
    reading = tx.readings.of_study(study_id, EVERYWHERE)
    late = 0
    if reading is not None:
        last = tx.decisions.of_study(study_id, EVERYWHERE)[0]
        late = late_instances_since(study, last)
        if late == 0 and not _has_changed(study, last) and not has_news(_hints(tx, parts, study), reading, last):
            return reading, False
    decision = _decided(tx, parts, study, now)
    tx.decisions.add(decision)
    if reading is None:
        reading = _new_reading(study, decision, now)
        tx.readings.add(reading)
    elif late == 0:
        reading = decide_again(tx, reading, decision)
    else:
        reading = reopen_reading(tx, reading, decision, late_instances=late, now=now)
    start_clocks(tx, reading, decision, at=now, zone=ZoneInfo(parts.settings.time_zone))
    tx.audit.append(AuditEntry(
        now, "gateway", "study.routed", site_id=study.site_id, study_id=study.id, patient_id=study.patient.id,
        detail={"decision": decision.id, "rules_version": decision.rules_version, "group": decision.group,
                "reader": decision.reader_id, "priority": decision.priority.value, "late_instances": late}))
    return reading, True


def _has_changed(study: Study, last: Decision) -> bool:
    """True if a decision made now could differ for another reason than images: another site, a more urgent order."""
    return bool(last.facts.get("site.id", study.site_id) != study.site_id
                or last.facts.get("study.urgency", study.urgency) != study.urgency)


def _decided(tx: Transaction, parts: Parts, study: Study, now: datetime) -> Decision:
    active = tx.decisions.active_rule_set()
    assert active is not None                       # ensure_rules ran before, and versions are never taken away
    version, source = active
    zone = ZoneInfo(parts.settings.time_zone)
    facts = study_facts(tx, study, zone)
    local_now = now.astimezone(zone)
    outcome = decide(parse(source), facts, local_now)
    hints = _hints(tx, parts, study)
    raise_to = raised(outcome.raise_to, hints)
    priority, is_raised = priority_of(named=outcome.priority, raise_to=raise_to, urgency=study.urgency)
    due = due_at(study.completed_at or now, modality=study.modality, body_part=study.body_part, priority=priority,
                 rule_minutes=outcome.due_minutes, is_raised=is_raised)
    # The tag goes wherever device data had a say, so that nobody takes the order for a finding (K3).
    tags = (*outcome.tags, HINT_TAG) if raise_to is not None else outcome.tags
    return Decision(
        id=new_id(), study_id=study.id, at=now, rules_version=version, priority=priority, group=outcome.group,
        reader_id=_reader_id(tx, outcome), due_at=due, tags=tags, because=outcome.because, facts=dict(facts),
        hints=[hint.as_json() for hint in hints], outcome=outcome.as_json(),
        inputs={"local_now": local_now.isoformat(), "duty": None})


def study_facts(tx: Transaction, study: Study, zone: ZoneInfo) -> FactValues:
    """Read what the rules may know of a study."""
    device = tx.sites.device(study.device_id) if study.device_id else None
    ecgs = _ecgs(tx, study)
    return facts_of(study, tx.sites.site(study.site_id), device, ecgs, _analyses(tx, study),
                    arrived_local=study.first_arrival_at.astimezone(zone))


def _hints(tx: Transaction, parts: Parts, study: Study) -> list[PriorityHint]:
    if study.modality != ECG_MODALITY:
        return []
    return hints_of_study(parts.hint_rules, _ecgs(tx, study), _analyses(tx, study))


def _ecgs(tx: Transaction, study: Study) -> list[EcgFacts]:
    instances = tx.studies.instances_of(study.id, EVERYWHERE)
    return [ecg for i in instances if i.has_waveform and (ecg := tx.studies.ecg_of(i.id)) is not None]


def _analyses(tx: Transaction, study: Study) -> list[StoredAnalysis]:
    return tx.ecg_analyses.of_study(study.id) if study.modality == ECG_MODALITY else []


def _reader_id(tx: Transaction, outcome: Outcome) -> str | None:
    """The named reader's id. Somebody who has left since is skipped, and the reason says so; the group keeps it."""
    if outcome.reader is None:
        return None
    found = tx.users.find_login(outcome.reader)
    is_there = found is not None and found[0].is_enabled
    outcome.because.append({"rule": "reader", "matched": is_there, "gives": {}, "conditions": [
        {"text": f"{outcome.reader} has an enabled account", "holds": is_there, "seen": {}, "why": ""}]})
    return found[0].id if found is not None and is_there else None


def _new_reading(study: Study, decision: Decision, now: datetime) -> Reading:
    return Reading(
        id=new_id(), study_id=study.id, site_id=study.site_id, state=ReadingState.UNREAD, priority=decision.priority,
        group=decision.group, decision_id=decision.id, created_at=now, due_at=decision.due_at,
        assigned_to=decision.reader_id, writer_id=None, reviewer_id=None, claimed_by=None, claimed_at=None,
        lock_until=None, reason="", late_instances=0, revision=0)


HANDLERS = {"route_study": run_route_study}
