"""Take a study as complete, by evidence or by silence, and hand it on to routing; reopen it when images come late.

Others tell what they know of a study by `note_evidence`; receiving asks `complete_if_evident` when a number is
reached; the job "complete_study" looks when the silence should be over. All end in the same write: state, audit, and
the job that routes the study. Evidence counts for studies of the site it comes from, or of the device that told it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from gateway.core.study_completion import (
    HABIT_STUDIES,
    Habit,
    Named,
    Wait,
    completion,
    evident,
    habit_of,
    named_by,
    quiet_of,
)
from gateway.services.job_runner import JobHandler, RetryLater
from gateway.services.ports import Event, Parts
from gateway.services.queue_examination import route_due
from storage.interface import Transaction
from storage.model import EVERYWHERE, AuditEntry, CompleteBy, Job, Study, StudyState
from storage.model.commitments import Evidence, EvidenceKind

JOB = "complete_study"
ROUTE_JOB = "route_study"
RENDITIONS_JOB = "make_renditions"
LEARN_JOB = "learn_character_set"

BY_ATTRIBUTE = "attribute"               # (0020,1208) in the images: of the whole study
BY_ACQUISITION = "acquisition"           # (0020,1002) in the images: of one acquisition, perhaps not of the whole
_EXPECTING = {EvidenceKind.MPPS: 2, EvidenceKind.ORDER: 1}     # whose word is shown as "31 of 34", strongest first


async def run_complete_study(parts: Parts, job: Job) -> None:
    """The job "complete_study": its ref is the study's id. Raises RetryLater while more may follow."""
    is_sending = parts.associations.is_sending(job.ref)

    def work(tx: Transaction) -> Study | Wait | None:
        study = tx.studies.get(job.ref, EVERYWHERE)
        if study is None or study.state is StudyState.COMPLETE:
            return None
        done = complete_if_evident(tx, study, at=parts.clock())
        if done is not None:
            return done
        found = _by_silence(tx, parts, study, is_sending=is_sending)
        if isinstance(found, Wait):
            return found
        mark_complete(tx, study, found, at=parts.clock())
        return study

    result = await parts.database.write(work)
    if isinstance(result, Wait):
        raise RetryLater(result.until, result.why)
    if result is not None:
        announce_complete(parts, result)


async def association_ended(parts: Parts, study_ids: Iterable[str]) -> None:
    """The association that sent to these studies is over: the silence is counted from now."""
    ids = sorted(study_ids)
    if not ids:
        return
    now = parts.clock()

    def work(tx: Transaction) -> None:
        known: dict[tuple[str | None, str, str], tuple[timedelta, Habit | None]] = {}
        for study_id in ids:
            study = tx.studies.get(study_id, EVERYWHERE)
            if study is not None and study.state is not StudyState.COMPLETE:
                sender = (study.device_id, study.modality, study.site_id)
                if sender not in known:
                    known[sender] = _quiet_period(tx, parts, study)
                quiet_period, habit = known[sender]
                period, _ = quiet_of(habit, study.instance_count, quiet_period=quiet_period,
                                     longest=timedelta(seconds=parts.settings.short_quiet_period_s))
                tx.jobs.postpone(JOB, study_id, due=now + period)

    await parts.database.write(work)
    parts.events.wake_jobs()


# ---------------------------------------------------------------------------------- in the caller's transaction
def note_evidence(tx: Transaction, evidence: Evidence, *, at: datetime) -> Study | None:
    """Remember what a source says a study consists of, now or once it comes; the study, if that completes it.

    What the same source said before is replaced. The caller announces the study after the write.
    """
    tx.performed_steps.note_evidence(evidence)
    study = tx.studies.find_uid(evidence.study_instance_uid, EVERYWHERE)
    return None if study is None else complete_if_evident(tx, study, at=at)


def note_expected_count(tx: Transaction, study_instance_uid: str, count: int, *, ref: str, site_id: str,
                        at: datetime) -> Study | None:
    """The same for an order, which knows only the number; `ref` names it."""
    told = Evidence(study_instance_uid, EvidenceKind.ORDER, ref, site_id, None, at, True, count)
    return note_evidence(tx, told, at=at)


def is_evidence_known(tx: Transaction, study: Study) -> bool:
    """True if somebody has told of this study before it came."""
    return bool(_evidence_of(tx, study))


def complete_if_evident(tx: Transaction, study: Study, *, at: datetime) -> Study | None:
    """Note what is expected, and complete an arriving study whose evidence is all here; the study then.

    A reopened study is never completed so: what came late was not part of the evidence, and more of it may follow.
    """
    if study.state is not StudyState.ARRIVING:
        return None
    evidence = _evidence_of(tx, study)
    if not evidence:
        return None
    named = named_by(evidence)
    expected = _expect(tx, study, named)
    missing = len(tx.performed_steps.missing(study.id, sorted(named.sop_instance_uids)))
    found = evident(named, instance_count=study.instance_count, expected_count=expected, missing=missing,
                    habit=_habit(tx, study))
    if found is None:
        return None
    mark_complete(tx, study, found, at=at)
    return study


def mark_complete(tx: Transaction, study: Study, complete_by: CompleteBy, *, at: datetime) -> None:
    """Complete, audited, and on its way to a reader."""
    tx.studies.set_state(study.id, StudyState.COMPLETE, at=at, complete_by=complete_by)
    tx.orders.note_performed(study.id, at=at)
    tx.audit.append(AuditEntry(
        at, "gateway", "study.completed", site_id=study.site_id, study_id=study.id, patient_id=study.patient.id,
        detail={"complete_by": complete_by.value, "instances": study.instance_count,
                "expected": study.expected_count, "reopened": study.reopened_count}))
    due = route_due(tx, study.id, at=at) if study.modality == "ECG" else at
    tx.jobs.enqueue(ROUTE_JOB, study.id, due=due, key=f"{ROUTE_JOB}:{study.id}:{study.reopened_count}")
    if study.modality != "ECG":
        tx.jobs.enqueue(RENDITIONS_JOB, study.id, due=at)
    if study.device_id is not None:
        tx.jobs.enqueue(LEARN_JOB, study.id, due=at)


def mark_reopened(tx: Transaction, study: Study, *, at: datetime) -> None:
    """An image came late; the study will be completed and routed anew."""
    tx.studies.set_state(study.id, StudyState.REOPENED, at=at)
    tx.audit.append(AuditEntry(
        at, "gateway", "study.reopened", site_id=study.site_id, study_id=study.id, patient_id=study.patient.id,
        detail={"instances": study.instance_count + 1}))


def announce_complete(parts: Parts, study: Study) -> None:
    """After the write: wake whoever shows or routes it."""
    parts.events.publish(Event("study", study.site_id, study.id))
    parts.events.wake_jobs()


# ------------------------------------------------------------------------------------------------------- inside
def _by_silence(tx: Transaction, parts: Parts, study: Study, *, is_sending: bool) -> CompleteBy | Wait:
    quiet_period, habit = _quiet_period(tx, parts, study)
    return completion(
        instance_count=study.instance_count, expected_count=study.expected_count,
        last_arrival_at=study.last_arrival_at, is_sending=is_sending, now=parts.clock(), quiet_period=quiet_period,
        short_quiet_period=timedelta(seconds=parts.settings.short_quiet_period_s), habit=habit,
        is_step_open=named_by(_evidence_of(tx, study)).is_open)


def _quiet_period(tx: Transaction, parts: Parts, study: Study) -> tuple[timedelta, Habit | None]:
    """What a person set for the device counts as it is; otherwise the device's habit has a say."""
    device = tx.sites.device(study.device_id) if study.device_id else None
    if device is not None and device.quiet_period_s is not None:
        return timedelta(seconds=device.quiet_period_s), None
    return timedelta(seconds=parts.settings.quiet_period_s), _habit(tx, study)


def _habit(tx: Transaction, study: Study) -> Habit | None:
    if study.device_id is None:
        return None
    return habit_of(tx.performed_steps.habits_of(study.device_id, study.modality, study.site_id, HABIT_STUDIES))


def _evidence_of(tx: Transaction, study: Study) -> list[Evidence]:
    return [told for told in tx.performed_steps.evidence_of(study.study_instance_uid)
            if told.site_id == study.site_id or (told.device_id is not None and told.device_id == study.device_id)]


def _expect(tx: Transaction, study: Study, named: Named) -> int | None:
    """Show what is expected: a step or an order knows better than one image's word of its own acquisition."""
    is_weak = study.expected_by in (None, BY_ACQUISITION)
    known = None if is_weak else study.expected_count
    teller = max(named.kinds & _EXPECTING.keys(), key=_EXPECTING.__getitem__, default=None)
    if teller is None:
        return known
    if named.count > (known or 0):
        tx.performed_steps.expect(study.id, count=named.count, by=teller.value)
        return named.count
    return known


HANDLERS: dict[str, JobHandler] = {JOB: run_complete_study}
