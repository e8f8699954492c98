"""Look at the samples of an ECG as soon as it is there: how good the trace is, and plain numbers; never a diagnosis.

Runs as the job "examine_ecg", which the write that indexes the ECG enqueues, so a crash loses nothing and receiving
never waits. One write keeps the analysis, audits it and calls for the routing of the study, which waits for it for
`ROUTE_WITHIN` at most: an analysis that fails or takes longer delays nobody. A newer method examines again when
somebody looks (`examine_again`). The object as received is read, never changed.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from importlib import import_module
from zoneinfo import ZoneInfo

import structlog

from gateway.core.ecg_analysis import METHOD
from gateway.core.ecg_analysis_record import content_to_keep, hints_to_keep
from gateway.core.errors import Unreadable
from gateway.formats.ecg import read_ecg
from gateway.services.complete_study import ROUTE_JOB
from gateway.services.job_runner import JobHandler
from gateway.services.ports import Event, Parts
from gateway.services.queue_examination import JOB, queue_examination
from gateway.signals.analyse import analyse
from storage.interface import Transaction
from storage.model import EVERYWHERE, AuditEntry, Instance, Job, Study, StudyState
from storage.model.ecg_analyses import AnalysisState, StoredAnalysis

_log = structlog.get_logger(__name__)

TRIES = 3
"""An ECG whose examination ended the process so many times is left alone, and says so."""

FAILED = "analysis-failed"
GIVEN_UP = "analysis-given-up"


async def run_examine_ecg(parts: Parts, job: Job) -> None:
    """The job "examine_ecg": its ref is the instance's id. Examining twice by one method has one effect."""
    found = await parts.database.read(lambda tx: _wanted(tx, job.ref))
    if found is None:
        return
    study, instance = found
    if job.attempt > TRIES:
        made = _failed(instance, GIVEN_UP, parts.clock())
    else:
        made = await asyncio.to_thread(_examined, parts, instance)
    if await parts.database.write(lambda tx: _keep(tx, made)):
        parts.events.publish(Event("analysis", study.site_id, study.id))
        parts.events.wake_jobs()


async def examine_again(parts: Parts, instance: Instance) -> None:
    """For one that was never examined, or by an older method."""
    await parts.database.write(lambda tx: queue_examination(tx, instance, at=parts.clock()))
    parts.events.wake_jobs()


async def warm_up(parts: Parts) -> None:
    """Load what the search for beats needs, where ECGs come at all: the first one after a start must not wait for it.

    Without any ECG so far nothing is loaded: it takes a second and some ten megabytes.
    """
    if await parts.database.read(lambda tx: tx.ecg_analyses.is_any_known()):
        await asyncio.to_thread(import_module, "sleepecg.heartbeats")


def _wanted(tx: Transaction, instance_id: str) -> tuple[Study, Instance] | None:
    """The ECG, unless it has been deleted or this method has looked at it."""
    found = tx.studies.get_instance_by_id(instance_id, EVERYWHERE)
    known = tx.ecg_analyses.get(instance_id)
    return None if found is None or (known is not None and known.method == METHOD) else found


def _examined(parts: Parts, instance: Instance) -> StoredAnalysis:
    """Decode and analyse. Blocking. Raises ObjectMissing, StorageUnavailable: then the job is tried again."""
    data = parts.objects.get(instance.object_sha256)
    try:
        analysis = analyse(read_ecg(data, time_zone=ZoneInfo(parts.settings.time_zone)))
    except Unreadable as exc:
        return _failed(instance, exc.reason, parts.clock())
    except (ArithmeticError, LookupError, ValueError) as exc:
        # Samples that the method did not foresee: the trace is read by people all the same.
        _log.exception("an ECG could not be analysed", instance=instance.id, error=type(exc).__name__)
        return _failed(instance, FAILED, parts.clock())
    return StoredAnalysis(instance.id, instance.study_id, AnalysisState.DONE, "", METHOD, parts.clock(),
                          analysis.is_repeat_advised, hints_to_keep(analysis), content_to_keep(analysis))


def _failed(instance: Instance, reason: str, at: datetime) -> StoredAnalysis:
    return StoredAnalysis(instance.id, instance.study_id, AnalysisState.FAILED, reason, METHOD, at)


def _keep(tx: Transaction, made: StoredAnalysis) -> bool:
    """The analysis, its audit record and the call for routing. False if it is not wanted any more."""
    found = _wanted(tx, made.instance_id)
    if found is None:
        return False
    study, _ = found
    is_first = tx.ecg_analyses.get(made.instance_id) is None
    tx.ecg_analyses.put(made)
    advised = [hint["kind"] for hint in made.hints if hint["is_repeat_advised"]]
    tx.audit.append(AuditEntry(
        made.at, "gateway", "ecg.examined", is_success=made.state is AnalysisState.DONE, site_id=study.site_id,
        study_id=study.id, patient_id=study.patient.id,
        detail={"instance": made.instance_id, "method": made.method, "reason": made.reason,
                "hints": [hint["kind"] for hint in made.hints], "repeat_advised": advised}))
    if is_first and study.state is StudyState.COMPLETE and not tx.ecg_analyses.is_one_waiting(study.id):
        tx.jobs.enqueue(ROUTE_JOB, study.id, due=made.at, key=f"{ROUTE_JOB}:{study.id}:{study.reopened_count}")
    return True


HANDLERS: dict[str, JobHandler] = {JOB: run_examine_ecg}
