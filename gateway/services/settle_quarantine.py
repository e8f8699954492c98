"""Decide about an arrival in quarantine. Each decision has a reason in a person's words and can be read for ever.

Nothing is deleted: both objects keep their bytes and their arrivals. What a decision changes is what readers see, in
one write with its audit entry, and a signed reading goes back to unread when its picture has become another one.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gateway.core.errors import InvalidRequest, NotNow, Unreadable
from gateway.core.quarantine_choices import choices, in_force
from gateway.core.reading import reopened
from gateway.formats.dicom_dataset import DatasetHead
from gateway.formats.ecg import ecg_facts, read_ecg
from gateway.services.administer_sites import By
from gateway.services.clocks.keep_clocks import follow_reading
from gateway.services.compare_arrivals import (
    Found,
    codec_of,
    find,
    in_quarantine,
    object_of,
    read_again,
    second_head,
    situation,
    superseded,
)
from gateway.services.complete_study import RENDITIONS_JOB
from gateway.services.ports import Event, Parts
from storage.errors import ObjectMissing
from storage.interface import Transaction
from storage.model import (
    EVERYWHERE,
    Arrival,
    AuditEntry,
    EcgFacts,
    Instance,
    InstanceFormat,
    QuarantineChoice,
    QuarantineDecision,
    Series,
    Study,
    new_id,
)

MAX_REASON_LENGTH = 500


async def decide(parts: Parts, arrival_id: str, choice: QuarantineChoice, *, reason: str, by: By) -> Arrival:
    """Keep the first, use the second, settle, or take the last decision back; see retry_arrival for the rest.

    Raises NotFound, InvalidRequest (no reason given), NotNow (not possible now, or somebody was faster).
    """
    reason = checked_reason(reason)
    head = await second_head(parts, arrival_id, by)
    work = _Work(parts, arrival_id, choice, reason, by, head, await _ecg(parts, arrival_id, head, choice, by),
                 await _first_attributes(parts, arrival_id, head, choice, by))
    arrival, study = await parts.database.write(work.decide)
    announce_decided(parts, arrival, study)
    return arrival


def checked_reason(reason: str) -> str:
    """The reason without outer spaces. Raises InvalidRequest if there is none."""
    reason = reason.strip()
    if not reason:
        raise InvalidRequest("A decision about the quarantine needs a reason.", reason="reason-needed")
    return reason[:MAX_REASON_LENGTH]


async def quarantined_bytes(parts: Parts, arrival_id: str, by: By, *, is_first: bool = False) -> bytes:
    """Hand out the bytes as they came, and note who took them. Raises NotFound, ObjectMissing."""
    ref = await object_of(parts, arrival_id, by, is_first=is_first)
    arrival = await parts.database.read(lambda tx: in_quarantine(tx, arrival_id, by))
    data = await asyncio.to_thread(parts.objects.get, ref.sha256)
    entry = AuditEntry(parts.clock(), by.actor, "arrival.downloaded", site_id=arrival.site_id,
                       study_id=arrival.study_id, address=by.address,
                       detail={"arrival": arrival_id, "object": ref.sha256})
    await parts.database.write(lambda tx: tx.audit.append(entry))
    return data


def note_decision(tx: Transaction, arrival: Arrival, choice: QuarantineChoice, *, reason: str, by: By, at: datetime,
                  study: Study | None = None, undoes: str = "", detail: dict[str, Any] | None = None) -> None:
    """In the caller's transaction: the decision, its audit entry, and the alarm about the arrival."""
    tx.quarantine.add_decision(QuarantineDecision(new_id(), arrival.id, arrival.site_id, at, by.actor, choice, reason,
                                                  undoes, detail or {}))
    for alarm in tx.alarms.about(arrival.id, EVERYWHERE):
        tx.alarms.acknowledge(alarm.id, by.actor, at, EVERYWHERE)
    tx.audit.append(AuditEntry(
        at, by.actor, "arrival.decided", site_id=arrival.site_id, study_id=study.id if study else arrival.study_id,
        patient_id=study.patient.id if study else None, address=by.address,
        detail={"arrival": arrival.id, "choice": choice.value, "reason": reason, "object": arrival.object_sha256}))


def announce_decided(parts: Parts, arrival: Arrival, study: Study | None) -> None:
    """After the write."""
    parts.events.publish(Event("arrival", arrival.site_id, arrival.study_id or ""))
    parts.events.publish(Event("alarm", arrival.site_id))
    if study is not None:
        parts.events.publish(Event("study", study.site_id, study.id))
        parts.events.publish(Event("reading", study.site_id, study.id))
        parts.events.wake_jobs()


@dataclasses.dataclass(frozen=True, slots=True)
class _Work:
    """One decision; `decide` touches nothing but the transaction, so it may run twice."""

    parts: Parts
    arrival_id: str
    choice: QuarantineChoice
    reason: str
    by: By
    head: DatasetHead | None
    ecg: Callable[[str], EcgFacts] | None
    first_attributes: dict[str, Any]     # of the superseded object, for taking it back

    def decide(self, tx: Transaction) -> tuple[Arrival, Study | None]:
        found = find(tx, self.arrival_id, self.by, self.head)
        if self.choice not in choices(situation(found, self.head)):
            raise NotNow("This cannot be decided as things are now. Look again.", reason="not-possible-now")
        if self.choice is QuarantineChoice.UNDO:
            return self._undo(tx, found)
        self._resolve(tx, found.arrival)
        study: Study | None = None
        detail: dict[str, Any] = {}
        if self.choice is QuarantineChoice.USE_SECOND:
            study, detail = self._use_second(tx, found)
        note_decision(tx, found.arrival, self.choice, reason=self.reason, by=self.by, at=self._now, study=study,
                      detail=detail)
        return found.arrival, study

    @property
    def _now(self) -> datetime:
        return self.parts.clock()

    def _resolve(self, tx: Transaction, arrival: Arrival) -> None:
        if not tx.arrivals.resolve(arrival.id, self.by.actor, self._now, self.by.scope):
            raise NotNow("Somebody else has just decided it.")

    def _use_second(self, tx: Transaction, found: Found) -> tuple[Study, dict[str, Any]]:
        first, study, head, arrival = found.first, found.first_study, self.head, found.arrival
        if first is None or study is None or head is None:
            raise NotNow("One of the two objects is not there any more.", reason="not-possible-now")
        series = tx.studies.find_series(study.id, head.series_instance_uid)
        if series is None:
            series = Series(new_id(), study.id, head.series_instance_uid, head.modality, head.series_number,
                            head.series_description, head.body_part)
            tx.studies.add_series(series)
        second = replace(
            first, series_id=series.id, sop_class_uid=head.sop_class_uid, format=InstanceFormat.DICOM,
            transfer_syntax_uid=head.transfer_syntax_uid, object_sha256=arrival.object_sha256,
            size_bytes=arrival.size_bytes, number=head.instance_number, rows=head.rows, columns=head.columns,
            frame_count=head.frame_count, has_waveform=head.has_waveform, received_at=arrival.at,
            attributes=head.attributes)
        tx.quarantine.mark_received(arrival.object_sha256)
        self._show(tx, study, second, was=first)
        return study, {"first": _as_json(first), "second_sha256": arrival.object_sha256}

    def _undo(self, tx: Transaction, found: Found) -> tuple[Arrival, Study | None]:
        last = in_force(found.decisions)[-1:]
        study = None
        if last and last[0].choice is QuarantineChoice.USE_SECOND:
            shown, study = found.first, found.first_study
            if shown is None or study is None or shown.object_sha256 != last[0].detail["second_sha256"]:
                raise NotNow("Readers see another object by now.", reason="not-possible-now")
            self._show(tx, study, _from_json(last[0].detail["first"], self.first_attributes), was=shown)
        if not tx.quarantine.reopen(found.arrival.id):
            raise NotNow("Somebody else has just decided it.")
        note_decision(tx, found.arrival, QuarantineChoice.UNDO, reason=self.reason, by=self.by, at=self._now,
                      study=study, undoes=last[0].id if last else "")
        arrival = found.arrival
        tx.alarms.raise_alarm(arrival.reason, site_id=arrival.site_id, ref=arrival.id, detail=arrival.detail,
                              at=self._now)
        return arrival, study

    def _show(self, tx: Transaction, study: Study, instance: Instance, *, was: Instance) -> None:
        """Readers see `instance` from now on, and whoever has read the other one looks again."""
        now = self._now
        tx.quarantine.point_instance(instance)
        if self.ecg is not None:
            tx.studies.add_ecg(self.ecg(instance.id))
        tx.audit.append(AuditEntry(
            now, self.by.actor, "instance.replaced", site_id=study.site_id, study_id=study.id,
            patient_id=study.patient.id, address=self.by.address,
            detail={"sop_instance_uid": instance.sop_instance_uid, "before": was.object_sha256,
                    "after": instance.object_sha256, "arrival": self.arrival_id}))
        if study.modality != "ECG":
            tx.jobs.enqueue(RENDITIONS_JOB, study.id, due=now)
        reading = tx.readings.of_study(study.id, EVERYWHERE)
        if reading is None:
            return
        after = reopened(reading, late_instances=1)
        if not tx.readings.replace(after):
            raise NotNow("The reading has just changed. Try again.")
        follow_reading(tx, reading, after, at=now)
        tx.audit.append(AuditEntry(
            now, self.by.actor, "reading.reopened" if after.state is not reading.state else "reading.late_images",
            site_id=study.site_id, study_id=study.id, address=self.by.address,
            detail={"reading": reading.id, "was": reading.state.value, "replaced": instance.sop_instance_uid}))


async def _ecg(parts: Parts, arrival_id: str, head: DatasetHead | None, choice: QuarantineChoice,
               by: By) -> Callable[[str], EcgFacts] | None:
    """What the ECG that will be shown says, where it is one; None for everything else. Raises NotNow."""
    if head is None or not head.is_ecg or choice not in (QuarantineChoice.USE_SECOND, QuarantineChoice.UNDO):
        return None
    found = await parts.database.read(lambda tx: find(tx, arrival_id, by, head))
    sha256, kept = found.arrival.object_sha256, superseded(found)
    if choice is QuarantineChoice.UNDO:
        if kept is None:
            return None
        sha256 = kept[0]
    try:
        data = await asyncio.to_thread(parts.objects.get, sha256)
        record = await asyncio.to_thread(read_ecg, data, time_zone=ZoneInfo(parts.settings.time_zone))
    except (Unreadable, ObjectMissing) as exc:
        raise NotNow("The ECG cannot be read, so readers would see nothing.", reason="still-unreadable") from exc
    return lambda instance_id: ecg_facts(record, instance_id)


async def _first_attributes(parts: Parts, arrival_id: str, head: DatasetHead | None, choice: QuarantineChoice,
                            by: By) -> dict[str, Any]:
    """What lists show of the superseded object, read from its bytes again."""
    if choice is not QuarantineChoice.UNDO:
        return {}
    found = await parts.database.read(lambda tx: find(tx, arrival_id, by, head))
    kept = superseded(found)
    if kept is None:
        return {}
    first = replace(found.arrival, object_sha256=kept[0], size_bytes=kept[1])
    codec = await codec_of(parts, found.first_study.device_id if found.first_study is not None else None)
    read = await asyncio.to_thread(read_again, parts, first, codec)
    return read.attributes if read is not None else {}


def _as_json(instance: Instance) -> dict[str, Any]:
    """Its index row without what it says of the patient: that is read from the bytes when it is needed."""
    values = {f.name: getattr(instance, f.name) for f in dataclasses.fields(instance) if f.name != "attributes"}
    return values | {"format": instance.format.value, "received_at": instance.received_at.isoformat()}


def _from_json(values: dict[str, Any], attributes: dict[str, Any]) -> Instance:
    return Instance(**values | {"format": InstanceFormat(values["format"]), "attributes": attributes,
                                "received_at": datetime.fromisoformat(values["received_at"])})
