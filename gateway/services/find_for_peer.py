"""Answer a C-FIND from the index, page by page (PS3.4 C.4.1).

The database narrows, `core/query_matching` decides. A page is asked for when the one before it has left, and who may
see what is looked up with each, so neither a long answer nor a device that was just disabled costs anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from gateway.core import query_keys as k
from gateway.core.peer_query import PeerQuery
from gateway.core.query_keys import Level
from gateway.core.query_matching import date_span, has_wildcard, name_pattern
from gateway.services.know_sender import scope_of
from gateway.services.peer_records import (
    REPORT_MODALITY,
    Record,
    instance_record,
    patient_record,
    report_record,
    report_series_record,
    series_record,
    study_record,
)
from gateway.services.ports import Parts
from gateway.services.receive_instance import Sender
from storage.interface import InstanceQuery, SeriesQuery, StoredReport, StudyQuery, Transaction
from storage.model import AuditEntry, Scope

PAGE = 100

Line = TypeVar("Line")


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the records that match; `is_last` when there are no more."""

    records: list[Record]
    is_last: bool


class PeerSearch:
    """One query of one peer. First the instances of the index, then the signed reports."""

    def __init__(self, parts: Parts, sender: Sender, query: PeerQuery) -> None:
        self._parts = parts
        self._sender = sender
        self._query = query
        self._zone = ZoneInfo(parts.settings.time_zone)
        self._narrowed = narrowed(query, self._zone)
        self._after = ""
        self._is_at_reports = False

    async def next_page(self) -> Page:
        """The next page, perhaps empty. Raises StorageUnavailable."""
        self._after, records = await self._parts.database.read(self._read)
        is_last = not self._after and (self._is_at_reports or self._query.level is Level.PATIENT)
        self._is_at_reports = self._is_at_reports or not self._after
        return Page([record for record in records if self._query.matches(record)], is_last)

    def _read(self, tx: Transaction) -> tuple[str, list[Record]]:
        """The id of the last row looked at ("" at the end), and the records of this page."""
        scope = scope_of(tx, self._sender)
        if self._is_at_reports:
            return self._read_reports(tx, scope)
        level = self._query.level
        if level is Level.PATIENT:
            return self._read_patients(tx, scope)
        if level is Level.STUDY:
            return self._read_studies(tx, scope)
        return self._read_series(tx, scope) if level is Level.SERIES else self._read_instances(tx, scope)

    def _read_patients(self, tx: Transaction, scope: Scope) -> tuple[str, list[Record]]:
        lines = tx.query_retrieve.patients(self._narrowed.series.study, scope, limit=PAGE, after=self._after)
        reports = tx.query_retrieve.reports(StudyQuery(), scope, patient_keys=[line.patient_key for line in lines])
        return (lines[-1].patient_key if lines else "",
                [patient_record(line, [one for one in reports if one.study.patient_key == line.patient_key])
                 for line in lines])

    def _read_studies(self, tx: Transaction, scope: Scope) -> tuple[str, list[Record]]:
        lines = tx.dicomweb.studies(self._narrowed.series.study, scope, limit=PAGE, after=self._after)
        ids = [line.study_id for line in lines]
        reports = tx.query_retrieve.reports(StudyQuery(), scope, study_ids=ids)
        needs_classes = k.SOP_CLASSES in self._query.asked or k.SOP_CLASSES in self._query.keys
        classes = tx.query_retrieve.sop_classes(ids) if needs_classes else {}
        return (ids[-1] if ids else "",
                [study_record(line, [one for one in reports if one.study.study_id == line.study_id],
                              classes.get(line.study_id, []), self._zone) for line in lines])

    def _read_series(self, tx: Transaction, scope: Scope) -> tuple[str, list[Record]]:
        lines = tx.dicomweb.series(self._narrowed.series, scope, limit=PAGE, after=self._after)
        return (lines[-1].series_id if lines else "",
                [study_record(line.study, [], [], self._zone) | series_record(line) for line in lines])

    def _read_instances(self, tx: Transaction, scope: Scope) -> tuple[str, list[Record]]:
        lines = tx.dicomweb.instances(self._narrowed, scope, limit=PAGE, after=self._after, has_counts=False)
        return (lines[-1].instance_id if lines else "",
                [study_record(replace(line.study, attributes=line.attributes), [], [], self._zone)
                 | instance_record(line) for line in lines])

    def _read_reports(self, tx: Transaction, scope: Scope) -> tuple[str, list[Record]]:
        """Reports as instances and series; as studies only where the study has nothing else."""
        level = self._query.level
        found = tx.query_retrieve.reports(
            replace(self._narrowed.series.study, modalities_in_study=()), scope, limit=PAGE, after=self._after,
            is_alone=level is Level.STUDY,
            sop_instance_uids=self._query.values(k.SOP_INSTANCE_UID) if level is Level.IMAGE else ())
        last = found[-1].report_id if found else ""
        if level is Level.IMAGE:
            return last, [study_record(one.study, [one], [], self._zone) | report_record(one, self._zone)
                          for one in found]
        ids = sorted({one.study.study_id for one in found})
        siblings = tx.query_retrieve.reports(StudyQuery(), scope, study_ids=ids)
        if level is Level.STUDY:
            return last, [study_record(one.study, together, [], self._zone)
                          for one, together in _firsts(found, siblings, lambda report: report.study.study_id)]
        return last, [study_record(one.study, [], [], self._zone)
                      | report_series_record(one, len(together), self._zone)
                      for one, together in _firsts(found, siblings, lambda report: report.reading_id)]


async def note_query(parts: Parts, sender: Sender, level: Level, *, service: str) -> None:
    """Add to the audit trail that a device searches (110112 Query), before it learns anything."""
    device = sender.device
    entry = AuditEntry(parts.clock(), sender.audit_actor, "studies.queried", site_id=sender.site_id,
                       address=sender.address,
                       detail={"level": level.name.lower(), "service": service, "event": "110112",
                               "device": device.id if device else "", "association": sender.association_id})

    def append(tx: Transaction) -> None:
        tx.audit.append(entry)

    await parts.database.write(append)


def narrowed(query: PeerQuery, zone: ZoneInfo) -> InstanceQuery:
    """Conditions for the database that every match fulfils; they may let more through."""
    modalities = query.values(k.MODALITIES)
    span = date_span(query.keys[k.STUDY_DATE]) if k.STUDY_DATE in query.keys else None
    from_time, before_time = _around(span, zone) if span is not None else (None, None)
    study = StudyQuery(
        study_instance_uids=query.values(k.STUDY_UID),
        patient_name=name_pattern(query.keys[k.PATIENT_NAME]) if k.PATIENT_NAME in query.keys else "",
        patient_id=_one(query, k.PATIENT_ID), accession_number=_one(query, k.ACCESSION_NUMBER),
        study_description=_one(query, k.STUDY_DESCRIPTION),
        modalities_in_study=() if REPORT_MODALITY in modalities or any(map(has_wildcard, modalities))
        else tuple(modality.upper() for modality in modalities),
        from_time=from_time, before_time=before_time)
    return InstanceQuery(SeriesQuery(study, series_instance_uids=query.values(k.SERIES_UID)),
                         sop_instance_uids=query.values(k.SOP_INSTANCE_UID),
                         sop_class_uids=query.values(k.SOP_CLASS_UID))


def _one(query: PeerQuery, tag: int) -> str:
    values = query.values(tag)
    return values[0] if len(values) == 1 else ""


def _around(span: tuple[str, str], zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """The days as times, a day wider on both sides: a device may state its own time zone."""
    def midnight(text: str, days: int) -> datetime | None:
        try:
            day = date(int(text[:4]), int(text[4:6]), int(text[6:8])) + timedelta(days=days)
        except (ValueError, OverflowError):
            return None
        return datetime(day.year, day.month, day.day, tzinfo=zone)

    return midnight(span[0], -1), midnight(span[1], 2)


def _firsts(found: list[StoredReport], siblings: list[StoredReport], key: Callable[[StoredReport], str]
            ) -> Iterator[tuple[StoredReport, list[StoredReport]]]:
    """Each group once, on the page where its first report stands, with all of its reports."""
    groups: dict[str, list[StoredReport]] = {}
    for report in siblings:
        groups.setdefault(key(report), []).append(report)
    for report in found:
        together = groups.get(key(report), [report])
        if together[0].report_id == report.report_id:
            yield report, together
