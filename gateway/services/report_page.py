"""What a report's page is made from: everything about one reading that is printed, read in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.core.errors import InvalidRequest, NotFound
from gateway.core.report import ReportSheet, RequestFacts, make_sheet, request_facts
from gateway.core.report_checks import SignCheck, sign_checks
from gateway.core.report_templates import find_template
from gateway.reports.report_pdf import unprintable
from gateway.settings import Settings
from storage.interface import Transaction
from storage.model import (
    EVERYWHERE,
    INBOX_SITE_ID,
    Instance,
    Reading,
    Report,
    ReportState,
    Scope,
    Site,
    SiteKind,
    Study,
    User,
)
from storage.model.orders import Order

SIGNED = frozenset({ReportState.PRELIMINARY, ReportState.FINAL, ReportState.REPLACED})
"""States in which a version never changes again."""


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """One version, and what stands around it on the page."""

    reading: Reading
    report: Report
    study: Study
    site: Site
    writer: User | None
    reviewer: User | None
    signer: User | None
    request: RequestFacts
    read_from: tuple[str, ...]               # hashes of what the study holds now
    waveform_sha256: str | None              # the newest ECG of an ECG study

    def sheet(self, settings: Settings, *, state: ReportState, version: int, writer: User | None,
              written_at: datetime | None, reviewer: User | None, read_from: tuple[str, ...]) -> ReportSheet:
        """The words that this version prints, or would print when signed so."""
        return make_sheet(report=self.report, state=state, version=version, study=self.study, site=self.site,
                          centre_name=settings.centre_name, writer=writer, written_at=written_at, reviewer=reviewer,
                          zone=zone_of(settings), read_from=read_from, request=self.request)

    def as_it_is(self, settings: Settings) -> ReportSheet:
        """The words of the version in the state that it has: a draft for its watermark."""
        report = self.report
        return self.sheet(settings, state=report.state, version=report.version, writer=self.writer,
                          written_at=report.written_at or report.updated_at, reviewer=self.reviewer,
                          read_from=report.read_from)

    def checks(self, sheet: ReportSheet) -> list[SignCheck]:
        """What a doctor is shown before signing (F7)."""
        words = "".join(word for pair in (*sheet.identity, *sheet.sections) for word in pair)
        return sign_checks(self.report.text, study=self.study, reading=self.reading,
                           template=find_template(self.report.template_id),
                           seen_instances=len(self.report.read_from), unprintable=unprintable(words))


def record_of_reading(tx: Transaction, reading_id: str, scope: Scope) -> ReportRecord:
    """The newest version of a reading. Raises NotFound; InvalidRequest("nothing-written") when there is none."""
    reading = tx.readings.get(reading_id, scope)
    if reading is None:
        raise NotFound("There is no such reading.")
    report = tx.reports.latest(reading_id, scope)
    if report is None:
        raise InvalidRequest("Nothing has been written yet.", reason="nothing-written")
    return _record(tx, reading, report)


def record_of_report(tx: Transaction, report_id: str, scope: Scope) -> ReportRecord:
    """One version. Raises NotFound."""
    report = tx.reports.get(report_id, scope)
    reading = tx.readings.get(report.reading_id, scope) if report else None
    if report is None or reading is None:
        raise NotFound("There is no such report.")
    return _record(tx, reading, report)


def instances_read(tx: Transaction, study_id: str) -> tuple[str, ...]:
    """Hashes of the objects that a study holds now."""
    return tuple(instance.object_sha256 for instance in tx.studies.instances_of(study_id, EVERYWHERE))


def zone_of(settings: Settings) -> ZoneInfo:
    """The zone of printed times."""
    return ZoneInfo(settings.time_zone)


def _record(tx: Transaction, reading: Reading, report: Report) -> ReportRecord:
    study = tx.studies.get(reading.study_id, EVERYWHERE)
    if study is None:
        raise NotFound("There is no such study.")
    instances = tx.studies.instances_of(study.id, EVERYWHERE)
    people = {person: tx.users.get(person) for person in
              {report.writer_id, report.reviewer_id, report.signed_by} if person}
    return ReportRecord(
        reading=reading, report=report, study=study,
        site=tx.sites.site(study.site_id) or Site(study.site_id, study.site_id, "", SiteKind.INBOX
                                                  if study.site_id == INBOX_SITE_ID else SiteKind.TOWNSHIP),
        writer=people.get(report.writer_id or ""), reviewer=people.get(report.reviewer_id or ""),
        signer=people.get(report.signed_by or ""),
        request=_request(tx.orders.of_study(study.id, EVERYWHERE), instances),
        read_from=tuple(instance.object_sha256 for instance in instances),
        waveform_sha256=_waveform(study, instances))


def _request(order: Order | None, instances: list[Instance]) -> RequestFacts:
    """What the order says; what it leaves open, as the images say it."""
    facts = request_facts(instances[0].attributes) if instances else RequestFacts()
    if order is None:
        return facts
    return RequestFacts(department=order.department or facts.department,
                        referring_physician=order.requesting_physician or facts.referring_physician,
                        clinical_diagnosis=" ".join(order.clinical_diagnosis.split()) or facts.clinical_diagnosis,
                        visit_number=order.visit_number)


def _waveform(study: Study, instances: list[Instance]) -> str | None:
    traces = [instance for instance in instances if instance.has_waveform and study.modality == "ECG"]
    return max(traces, key=lambda instance: instance.received_at).object_sha256 if traces else None
