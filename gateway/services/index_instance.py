"""The one write that makes a durable object an instance.

Object row, patient, study, series, instance, arrival, audit, and the job that will complete the study, together.
Used by receive_instance alone; plain code on one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.core.order import more_urgent
from gateway.core.study_completion import is_count_reached
from gateway.core.waveform import EcgRecord
from gateway.formats.dicom_dataset import DatasetHead
from gateway.formats.ecg import ecg_facts
from gateway.services.complete_study import (
    BY_ACQUISITION,
    BY_ATTRIBUTE,
    JOB,
    complete_if_evident,
    is_evidence_known,
    mark_complete,
    mark_reopened,
)
from gateway.services.find_origin import keep_origin, origin_of_new, site_of_later
from gateway.services.keep_ecg_identity import note_unidentified
from gateway.services.link_order import link_order
from gateway.services.queue_examination import queue_examination
from gateway.services.returned_study import note_return
from storage.interface import Transaction
from storage.model import (
    EVERYWHERE,
    INBOX_SITE_ID,
    Arrival,
    ArrivalOutcome,
    AuditEntry,
    CompleteBy,
    Device,
    Instance,
    InstanceFormat,
    ObjectRef,
    OriginState,
    Patient,
    Priority,
    Series,
    Study,
    StudyState,
    new_id,
)

# Objects about other objects: they never say what was examined, so a later image may.
_COMPANIONS = frozenset(("", "SR", "PR", "KO", "DOC", "REG", "SEG", "OT", "AU", "PLAN", "FID", "RWV", "ASMT"))
_NOTED_PAUSE_S = 1.0                     # a shorter pause between two arrivals says nothing
_URGENCIES = {"STAT": Priority.EMERGENCY, "HIGH": Priority.URGENT}


REPEATED = "gateway"
"""Who settled an arrival that only repeats another one of the quarantine."""


class LostRace(Exception):
    """Another receiver added the same UID between our look and our insert. Run the write again."""


class Clash(Exception):
    """The UID is kept with other bytes. Compare the data sets, then run the write again."""

    def __init__(self, kept_sha256: str) -> None:
        super().__init__(kept_sha256)
        self.kept_sha256 = kept_sha256


@dataclass(frozen=True, slots=True)
class Candidate:
    """A durable object that wants to be an instance."""

    ref: ObjectRef
    head: DatasetHead
    arrival: Arrival                     # as it is if all goes well; the outcome may change
    study_at: datetime | None
    actor: str
    quiet_period_s: float
    ecg: EcgRecord | None = None
    ecg_failure: str = ""
    device: Device | None = None         # that sent it, as far as anybody registered it
    compared_with: str = ""              # the kept object its data set was compared with
    is_same_dataset: bool = False


@dataclass(frozen=True, slots=True)
class Indexed:
    """What the write did."""

    arrival: Arrival
    instance_id: str | None
    has_alarm: bool = False
    is_new_in_list: bool = False         # a study appeared or was reopened
    completed_study: Study | None = None


def index_instance(candidate: Candidate, tx: Transaction) -> Indexed:
    """Make it an instance, a duplicate or a conflict. Raises LostRace, Clash."""
    candidate = _from_known_device(tx, candidate)
    head, arrival = candidate.head, candidate.arrival
    kept = tx.studies.find_instance(head.sop_instance_uid)
    study = tx.studies.find_uid(head.study_instance_uid, EVERYWHERE)
    if study is not None:
        site_id = site_of_later(tx, arrival, candidate.device, head.attributes, study)
        candidate = replace(candidate, arrival=(arrival := replace(arrival, site_id=site_id)))
    if kept is not None:
        return _known_uid(tx, candidate, kept, study)
    if study is not None and study.site_id != arrival.site_id:
        return _conflict(tx, candidate, study, "study-of-another-site",
                         "The study is known from another site; a person must say whose it is.")
    return _keep(tx, candidate, study)


def _from_known_device(tx: Transaction, candidate: Candidate) -> Candidate:
    """An association that began at the inbox goes on as the device's once somebody has registered it: the studies
    that it sends have left the inbox by then."""
    arrival = candidate.arrival
    if arrival.site_id != INBOX_SITE_ID or not arrival.calling_ae_title:
        return candidate
    device = tx.sites.find_device(arrival.calling_ae_title, arrival.address)
    if device is None:
        return candidate
    return replace(candidate, device=device,
                   arrival=replace(arrival, site_id=device.site_id, device_id=device.id))


def _known_uid(tx: Transaction, candidate: Candidate, kept: Instance, study: Study | None) -> Indexed:
    owner = tx.studies.get(kept.study_id, EVERYWHERE)
    is_same_study = owner is not None and study is not None and owner.id == study.id
    if owner is None or owner.site_id != candidate.arrival.site_id:
        return _conflict(tx, candidate, owner, "study-of-another-site",
                         "The SOP Instance UID is known from another site; the first object was kept.")
    if not is_same_study:
        return _conflict(tx, candidate, owner, "sop-instance-in-another-study",
                         "The SOP Instance UID is in use in another study; the first object was kept.")
    if kept.object_sha256 != candidate.ref.sha256 and candidate.compared_with != kept.object_sha256:
        raise Clash(kept.object_sha256)
    if kept.object_sha256 == candidate.ref.sha256 or candidate.is_same_dataset:
        return _duplicate(tx, candidate, kept, owner)
    return _conflict(tx, candidate, owner, "sop-instance-conflict",
                     "Other bytes came under a SOP Instance UID that is already kept; the first object was kept.")


def _duplicate(tx: Transaction, candidate: Candidate, kept: Instance, owner: Study) -> Indexed:
    arrival = replace(candidate.arrival, outcome=ArrivalOutcome.DUPLICATE, study_id=kept.study_id,
                      object_sha256=kept.object_sha256, size_bytes=kept.size_bytes)
    tx.arrivals.add(arrival)
    _note(tx, candidate, arrival, "instance.received", owner)
    return Indexed(arrival, kept.id)


def _conflict(tx: Transaction, candidate: Candidate, owner: Study | None, reason: str, detail: str) -> Indexed:
    """Keep the bytes in quarantine and tell a person; what was there first is not touched."""
    at = candidate.arrival.at
    is_ours = owner is not None and owner.site_id == candidate.arrival.site_id
    arrival = replace(candidate.arrival, outcome=ArrivalOutcome.CONFLICT, reason=reason, detail=detail,
                      study_id=owner.id if owner is not None and is_ours else None)
    same = tx.quarantine.find_same(arrival.sop_instance_uid, candidate.ref.sha256, arrival.site_id)
    if same is not None:                     # a sender that repeats itself: on record, and not one more to decide
        arrival = replace(arrival, detail=f"The same bytes came before, as {same}.", resolved_at=at,
                          resolved_by=REPEATED)
    tx.objects.add(candidate.ref, kind="quarantined", at=at)
    tx.arrivals.add(arrival)
    _note(tx, candidate, arrival, "instance.conflict", owner if is_ours else None)
    if same is not None:
        return Indexed(arrival, None)
    tx.alarms.raise_alarm(reason, site_id=arrival.site_id, ref=arrival.id, detail=detail, at=at)
    return Indexed(arrival, None, has_alarm=True)


def _keep(tx: Transaction, candidate: Candidate, known: Study | None) -> Indexed:
    head, at = candidate.head, candidate.arrival.at
    tx.objects.add(candidate.ref, kind="received", at=at)
    has_alarm = False
    if known is None:
        candidate, study, has_alarm = _new_study(tx, candidate)
        note_unidentified(tx, study, at=at)
        has_alarm = link_order(tx, study, at=at) or has_alarm
        has_alarm = note_return(tx, study, at=at) or has_alarm
    else:
        study = known
        has_alarm = _updated(tx, candidate, study)
    series = tx.studies.find_series(study.id, head.series_instance_uid) or _new_series(tx, head, study)
    instance = Instance(
        id=new_id(), study_id=study.id, series_id=series.id, sop_instance_uid=head.sop_instance_uid,
        sop_class_uid=head.sop_class_uid, format=InstanceFormat.DICOM, transfer_syntax_uid=head.transfer_syntax_uid,
        object_sha256=candidate.ref.sha256, size_bytes=candidate.ref.size_bytes, number=head.instance_number,
        rows=head.rows, columns=head.columns, frame_count=head.frame_count, has_waveform=head.has_waveform,
        received_at=at, attributes=head.attributes)
    if not tx.studies.add_instance(instance):
        raise LostRace(head.sop_instance_uid)
    queue_examination(tx, instance, at=at)
    tx.studies.note_arrival(study.id, at)
    if known is not None:
        _note_expected(tx, head, known, at)
    arrival = replace(candidate.arrival, study_id=study.id)
    tx.arrivals.add(arrival)
    _note(tx, candidate, arrival, "instance.received", study)
    if candidate.ecg is not None:
        tx.studies.add_ecg(ecg_facts(candidate.ecg, instance.id))
    elif candidate.ecg_failure:
        tx.alarms.raise_alarm("ecg-unreadable", site_id=study.site_id, ref=instance.id,
                              detail=candidate.ecg_failure, at=at)
        has_alarm = True
    return _progress(tx, candidate, study, arrival, instance.id, is_new=known is None, has_alarm=has_alarm)


def _progress(tx: Transaction, candidate: Candidate, study: Study, arrival: Arrival, instance_id: str, *,
              is_new: bool, has_alarm: bool) -> Indexed:
    """Complete the study at once where the evidence is there, otherwise see to the job that will."""
    head, at = candidate.head, arrival.at
    is_late = study.state is StudyState.COMPLETE
    if is_late:
        mark_reopened(tx, study, at=at)
    is_whole_ecg = head.is_ecg and study.modality == "ECG"
    is_counted = not is_late and study.state is StudyState.ARRIVING and is_count_reached(
        study.instance_count + 1, head.study_instance_count)
    if is_whole_ecg or is_counted:
        now_study = tx.studies.get(study.id, EVERYWHERE)
        assert now_study is not None
        mark_complete(tx, now_study, CompleteBy.SINGLE_FILE if is_whole_ecg else CompleteBy.EXPECTED_COUNT, at=at)
        return Indexed(arrival, instance_id, has_alarm, is_new or is_late, now_study)
    if is_evidence_known(tx, study) if is_new else _is_enough(study):
        now_study = tx.studies.get(study.id, EVERYWHERE)
        if now_study is not None and complete_if_evident(tx, now_study, at=at) is not None:
            return Indexed(arrival, instance_id, has_alarm, is_new, now_study)
    if is_new or is_late:
        tx.jobs.enqueue(JOB, study.id, due=at + timedelta(seconds=candidate.quiet_period_s))
    return Indexed(arrival, instance_id, has_alarm, is_new or is_late)


def _is_enough(study: Study) -> bool:
    """True if with this instance as many are here as somebody who knows has said."""
    return (study.state is StudyState.ARRIVING and study.expected_by not in (None, BY_ACQUISITION)
            and is_count_reached(study.instance_count + 1, study.expected_count))


def _new_study(tx: Transaction, candidate: Candidate) -> tuple[Candidate, Study, bool]:
    """At the site that asked for it, or at the inbox until somebody says which that is; then with an alarm."""
    head, sender_site_id = candidate.head, candidate.arrival.site_id
    origin = origin_of_new(tx, candidate.arrival, candidate.device, head.attributes,
                           study_instance_uid=head.study_instance_uid)
    candidate = replace(candidate, arrival=replace(candidate.arrival, site_id=origin.site_id or INBOX_SITE_ID))
    arrival = candidate.arrival
    patient = tx.studies.find_patient(arrival.site_id, head.patient_id, head.patient_name.display, head.birth_date)
    is_new_patient = patient is None
    if patient is None:
        patient = Patient(new_id(), arrival.site_id, head.patient_id, head.patient_name, head.sex, head.birth_date)
    study = Study(
        id=new_id(), study_instance_uid=head.study_instance_uid, site_id=arrival.site_id, patient=patient,
        device_id=arrival.device_id, modality=_modality(head), body_part=head.body_part,
        description=head.study_description, accession_number=head.accession_number, study_at=candidate.study_at,
        age_years=head.age_years, urgency=_urgency(head).value, state=StudyState.ARRIVING, instance_count=0,
        expected_count=_expected(head), first_arrival_at=arrival.at, last_arrival_at=arrival.at,
        expected_by=_expected_by(head))
    if not tx.studies.add_study(study):
        raise LostRace(head.study_instance_uid)
    if is_new_patient:
        tx.studies.add_patient(patient)
    keep_origin(tx, study, origin, arrival, head.attributes, sender_site_id=sender_site_id)
    return candidate, study, origin.state is OriginState.WAITING


def _new_series(tx: Transaction, head: DatasetHead, study: Study) -> Series:
    series = Series(new_id(), study.id, head.series_instance_uid, head.modality, head.series_number,
                    head.series_description, head.body_part)
    if not tx.studies.add_series(series):
        raise LostRace(head.series_instance_uid)
    return series


def _updated(tx: Transaction, candidate: Candidate, study: Study) -> bool:
    """What a further instance may change on its study. True if it raised an alarm."""
    head = candidate.head
    urgency = more_urgent(_urgency(head).value, study.urgency)
    if urgency != study.urgency:
        tx.studies.set_urgency(study.id, urgency)
    modality = _modality(head)
    if study.modality in _COMPANIONS and modality not in _COMPANIONS:
        tx.studies.describe(study.id, modality=modality, body_part=head.body_part or study.body_part,
                            description=study.description or head.study_description)
    if head.patient_id == study.patient.patient_id:
        return False
    tx.alarms.raise_alarm(
        "patient-id-conflict", site_id=study.site_id, ref=study.id, at=candidate.arrival.at,
        detail="An instance of this study names another Patient ID. It was kept; a person must say whose it is.")
    return True


def _modality(head: DatasetHead) -> str:
    return "ECG" if head.is_ecg else head.modality


def _urgency(head: DatasetHead) -> Priority:
    return _URGENCIES.get(head.priority, Priority.ROUTINE)


def _expected(head: DatasetHead) -> int | None:
    return head.study_instance_count or head.images_in_acquisition


def _expected_by(head: DatasetHead) -> str | None:
    if head.study_instance_count:
        return BY_ATTRIBUTE
    return BY_ACQUISITION if head.images_in_acquisition else None


def _note_expected(tx: Transaction, head: DatasetHead, study: Study, at: datetime) -> None:
    """What a further instance tells of the study's number, and of how its device sends; rarely anything new."""
    told, by = _expected(head), _expected_by(head)
    if told is not None and by is not None and (
            told > (study.expected_count or 0) or by != study.expected_by == BY_ACQUISITION):
        tx.performed_steps.expect(study.id, count=told, by=by)
    pause_s = (at - study.last_arrival_at).total_seconds()
    if pause_s > max(_NOTED_PAUSE_S, study.longest_pause_s):
        tx.performed_steps.note_pause(study.id, pause_s)


def _note(tx: Transaction, candidate: Candidate, arrival: Arrival, action: str, study: Study | None) -> None:
    reason = {"reason": arrival.reason} if arrival.reason else {}
    tx.audit.append(AuditEntry(
        arrival.at, candidate.actor, action, is_success=arrival.outcome is not ArrivalOutcome.CONFLICT,
        site_id=arrival.site_id, study_id=study.id if study else None,
        patient_id=study.patient.id if study else None, address=arrival.address,
        detail={"arrival": arrival.id, "outcome": arrival.outcome.value, "object": candidate.ref.sha256,
                "sop_instance_uid": arrival.sop_instance_uid} | reason))
