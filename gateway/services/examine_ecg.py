"""Look at the samples of an ECG as soon as it is there: how good the trace is, and plain numbers; never a diagnosis.

Runs as the job "examine_ecg", which the write that indexes the ECG enqueues, so a crash loses nothing and receiving
never waits. One write keeps the analysis, audits it and calls for the routing of the study, which waits for it for
`ROUTE_WITHIN` at most: an analysis that fails or takes longer delays nobody. A newer method examines again when
somebody looks (`examine_again`). The object as received is read, never changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from gateway.core.ecg_analysis import METHOD
from gateway.services.complete_study import ROUTE_JOB
from gateway.services.examine_samples import Looked, look
from gateway.services.examiner import Examiner
from gateway.services.job_runner import JobHandler
from gateway.services.ports import Event, Parts
from gateway.services.queue_examination import JOB, queue_examination
from storage.interface import Transaction
from storage.model import EVERYWHERE, AuditEntry, Instance, Job, Study, StudyState
from storage.model.ecg_analyses import AnalysisState, StoredAnalysis

_log = structlog.get_logger(__name__)

TRIES = 3
"""An ECG whose examination ended the process so many times is left alone, and says so."""

Look = Callable[[bytes, str], Awaitable[Looked]]
"""Bytes of a file and a time zone's name in; what looking at the samples gave."""

GIVEN_UP = "analysis-given-up"


async def look_in_thread(data: bytes, time_zone: str) -> Looked:
    """Decode and analyse beside the event loop."""
    return await asyncio.to_thread(look, data, time_zone)


async def run_examine_ecg(parts: Parts, job: Job, *, look: Look = look_in_thread) -> None:
    """The job "examine_ecg": its ref is the instance's id. Examining twice by one method has one effect.

    Raises ObjectMissing, StorageUnavailable, ExaminerDied: then the job is tried again.
    """
    found = await parts.database.read(lambda tx: _wanted(tx, job.ref))
    if found is None:
        return
    study, instance = found
    if job.attempt > TRIES:
        made = _failed(instance, GIVEN_UP, parts.clock())
    else:
        data = await asyncio.to_thread(parts.objects.get, instance.object_sha256)
        made = _told(instance, await look(data, parts.settings.time_zone), parts.clock())
    if await parts.database.write(lambda tx: _keep(tx, made)):
        parts.events.publish(Event("analysis", study.site_id, study.id))
        parts.events.wake_jobs()


def handlers(examiner: Examiner) -> dict[str, JobHandler]:
    """The job "examine_ecg", with the looking done by a process of its own."""
    async def handle(parts: Parts, job: Job) -> None:
        await run_examine_ecg(parts, job, look=examiner.look)

    return {JOB: handle}


async def examine_again(parts: Parts, instance: Instance) -> None:
    """For one that was never examined, or by an older method."""
    await parts.database.write(lambda tx: queue_examination(tx, instance, at=parts.clock()))
    parts.events.wake_jobs()


async def warm_up(parts: Parts, examiner: Examiner) -> None:
    """Start the child where ECGs come at all: the first one after a start must not wait for it.

    Without any ECG so far nothing is started: it takes a second and some hundred megabytes.
    """
    if await parts.database.read(lambda tx: tx.ecg_analyses.is_any_known()):
        await examiner.warm_up()


def _wanted(tx: Transaction, instance_id: str) -> tuple[Study, Instance] | None:
    """The ECG, unless it has been deleted or this method has looked at it."""
    found = tx.studies.get_instance_by_id(instance_id, EVERYWHERE)
    known = tx.ecg_analyses.get(instance_id)
    return None if found is None or (known is not None and known.method == METHOD) else found


def _told(instance: Instance, looked: Looked, at: datetime) -> StoredAnalysis:
    if looked.trace:
        _log.error("an ECG could not be analysed", instance=instance.id, trace=looked.trace)
    if looked.reason:
        return _failed(instance, looked.reason, at)
    return StoredAnalysis(instance.id, instance.study_id, AnalysisState.DONE, "", METHOD, at,
                          looked.is_repeat_advised, looked.hints, looked.content)


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
