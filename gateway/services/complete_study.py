"""Take a study as complete, by evidence or by silence, and hand it on to routing; reopen it when images come late.

The job "complete_study" looks when the silence should be over; receiving calls `mark_complete` itself when the
device's own count is reached. Both end in the same write: state, audit, and the job that routes the study.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from gateway.core.study_completion import Wait, completion, is_count_reached
from gateway.services.job_runner import JobHandler, RetryLater
from gateway.services.ports import Event, Parts
from storage.interface import Transaction
from storage.model import EVERYWHERE, AuditEntry, CompleteBy, Job, Study, StudyState

JOB = "complete_study"
ROUTE_JOB = "route_study"
RENDITIONS_JOB = "make_renditions"


async def run_complete_study(parts: Parts, job: Job) -> None:
    """The job "complete_study": its ref is the study's id. Raises RetryLater while more may follow."""
    is_sending = parts.associations.is_sending(job.ref)

    def work(tx: Transaction) -> Study | Wait | None:
        study = tx.studies.get(job.ref, EVERYWHERE)
        if study is None or study.state is StudyState.COMPLETE:
            return None
        now = parts.clock()
        found = completion(
            instance_count=study.instance_count, expected_count=study.expected_count,
            last_arrival_at=study.last_arrival_at, is_sending=is_sending, now=now,
            quiet_period=timedelta(seconds=parts.settings.quiet_period_s),
            short_quiet_period=timedelta(seconds=parts.settings.short_quiet_period_s))
        if isinstance(found, Wait):
            return found
        mark_complete(tx, study, found, at=now)
        return study

    result = await parts.database.write(work)
    if isinstance(result, Wait):
        raise RetryLater(result.until, result.why)
    if result is not None:
        announce_complete(parts, result)


async def expect_instances(parts: Parts, study_id: str, count: int) -> bool:
    """Remember that the study has `count` instances, and complete it if they are here. False: no such study."""
    def work(tx: Transaction) -> tuple[Study | None, bool]:
        study = tx.studies.get(study_id, EVERYWHERE)
        if study is None:
            return None, False
        tx.studies.note_arrival(study.id, study.last_arrival_at, expected_count=count)
        is_complete_now = study.state is StudyState.ARRIVING and is_count_reached(study.instance_count, count)
        if is_complete_now:
            mark_complete(tx, study, CompleteBy.EXPECTED_COUNT, at=parts.clock())
        return study, is_complete_now

    study, is_complete_now = await parts.database.write(work)
    if study is not None and is_complete_now:
        announce_complete(parts, study)
    return study is not None


async def association_ended(parts: Parts, study_ids: Iterable[str]) -> None:
    """The association that sent to these studies is over: the silence is counted from now."""
    ids = sorted(study_ids)
    if not ids:
        return
    due = parts.clock() + timedelta(seconds=parts.settings.quiet_period_s)

    def work(tx: Transaction) -> None:
        for study_id in ids:
            study = tx.studies.get(study_id, EVERYWHERE)
            if study is not None and study.state is not StudyState.COMPLETE:
                tx.jobs.postpone(JOB, study_id, due=due)

    await parts.database.write(work)
    parts.events.wake_jobs()


def mark_complete(tx: Transaction, study: Study, complete_by: CompleteBy, *, at: datetime) -> None:
    """In the caller's transaction: complete, audited, and on its way to a reader."""
    tx.studies.set_state(study.id, StudyState.COMPLETE, at=at, complete_by=complete_by)
    tx.audit.append(AuditEntry(
        at, "gateway", "study.completed", site_id=study.site_id, study_id=study.id, patient_id=study.patient.id,
        detail={"complete_by": complete_by.value, "instances": study.instance_count,
                "expected": study.expected_count, "reopened": study.reopened_count}))
    tx.jobs.enqueue(ROUTE_JOB, study.id, due=at, key=f"{ROUTE_JOB}:{study.id}:{study.reopened_count}")
    if study.modality != "ECG":
        tx.jobs.enqueue(RENDITIONS_JOB, study.id, due=at)


def mark_reopened(tx: Transaction, study: Study, *, at: datetime) -> None:
    """In the caller's transaction: an image came late; the study will be completed and routed anew."""
    tx.studies.set_state(study.id, StudyState.REOPENED, at=at)
    tx.audit.append(AuditEntry(
        at, "gateway", "study.reopened", site_id=study.site_id, study_id=study.id, patient_id=study.patient.id,
        detail={"instances": study.instance_count + 1}))


def announce_complete(parts: Parts, study: Study) -> None:
    """After the write: wake whoever shows or routes it."""
    parts.events.publish(Event("study", study.site_id, study.id))
    parts.events.wake_jobs()


HANDLERS: dict[str, JobHandler] = {JOB: run_complete_study}
