"""Write a report: save as one types, hand it to review, or give it back to its writer.

A draft lives in the newest version of the reading; after a signed version, writing again begins the next one.
Every save names the revision it saw, so that two windows cannot overwrite each other, and extends the lock.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.core.errors import InvalidRequest, NotFound, NotNow
from gateway.core.reading import HELD, ReadingAction, moved
from gateway.core.report_templates import find_template
from gateway.services.claim_reading import JOB as RELEASE_JOB
from gateway.services.claim_reading import extend_claim
from gateway.services.clocks.keep_clocks import follow_reading
from gateway.services.people.assign import for_review
from gateway.services.ports import Event, Parts
from gateway.services.report_page import SIGNED, instances_read, zone_of
from storage.interface import Transaction
from storage.model import (
    EVERYWHERE,
    AuditEntry,
    Reading,
    ReadingState,
    Report,
    ReportState,
    ReportText,
    Role,
    User,
    new_id,
)

LONGEST_FIELD = 20_000                   # characters; about ten printed pages


async def save_draft(parts: Parts, user: User, reading_id: str, text: ReportText, *, template_id: str,
                     revision: int) -> Report:
    """Keep what was typed; only who holds the reading may, and the lock is extended.

    Parameters
    ----------
    revision
        Of the version as last seen; 0 for the first save of a version.

    Raises
    ------
    NotFound, NotNow
        "not-holder": claim it first; "revision": another window saved meanwhile.
    InvalidRequest
        A field is too long, or the template is unknown.
    """
    text = _cleaned(text)
    if template_id and find_template(template_id) is None:
        raise InvalidRequest(f"There is no template {template_id}.")

    def work(tx: Transaction) -> tuple[Reading, Report]:
        now = parts.clock()
        reading = _reading_of(tx, user, reading_id)
        if reading.state not in HELD or reading.claimed_by != user.id:
            raise NotNow(reason="not-holder")
        latest = tx.reports.latest(reading.id, EVERYWHERE)
        if latest is None or latest.state in SIGNED:
            report = _next_version(tx, user, reading, latest, text, template_id, revision, now)
        else:
            report = replace(latest, text=text, template_id=template_id, revision=revision, updated_at=now,
                             writer_id=user.id if reading.state is ReadingState.IN_PROGRESS else latest.writer_id,
                             read_from=instances_read(tx, reading.study_id))
            if not tx.reports.replace(report):
                raise NotNow("The report was saved from another window meanwhile.", reason="revision")
            report = replace(report, revision=revision + 1)
        return extend_claim(tx, reading, now, parts.settings.claim_minutes), report

    _, report = await parts.database.write(work)
    return report


async def submit_report(parts: Parts, user: User, reading_id: str, *, address: str = "") -> Report:
    """The writer is done: it waits for the review by another person (F2), with the time of writing (F3).

    Raises NotFound, NotNow, NotAllowed; InvalidRequest("nothing-written").
    """
    def work(tx: Transaction) -> tuple[Reading, Report]:
        now = parts.clock()
        reading, after = _moved(tx, parts, user, reading_id, ReadingAction.SUBMIT, now)
        latest = tx.reports.latest(reading.id, EVERYWHERE)
        if latest is None or latest.state in SIGNED or not (latest.text.findings.strip()
                                                            or latest.text.impression.strip()):
            raise InvalidRequest("Nothing has been written yet.", reason="nothing-written")
        report = replace(latest, state=ReportState.SUBMITTED, writer_id=user.id, written_at=now, updated_at=now)
        after = for_review(tx, after, at=now, zone=zone_of(parts.settings))
        report = _stored(tx, reading, after, report)
        _note(tx, now, user, "report.submitted", report, address)
        return after, report

    return await _publish(parts, *await parts.database.write(work))


async def reject_report(parts: Parts, user: User, reading_id: str, reason: str, *, address: str = "") -> Report:
    """The reviewer gives it back to the writer (驳回); the reason is required and shown.

    Raises InvalidRequest("reason-required"), NotFound, NotNow, NotAllowed.
    """
    why = reason.strip()
    if not why:
        raise InvalidRequest("A report is given back only with a reason.", reason="reason-required")

    def work(tx: Transaction) -> tuple[Reading, Report]:
        now = parts.clock()
        reading, after = _moved(tx, parts, user, reading_id, ReadingAction.REJECT, now, reason=why)
        after = replace(after, assigned_to=reading.writer_id)       # back to who wrote it
        report = tx.reports.latest(reading.id, EVERYWHERE)
        if report is None:
            raise InvalidRequest("Nothing has been written yet.", reason="nothing-written")
        if report.state in SIGNED:           # a preliminary stays out until the next version replaces it
            if not tx.readings.replace(after):
                raise NotNow(reason="conflict")
            tx.jobs.cancel(f"{RELEASE_JOB}:{reading.id}")
            follow_reading(tx, reading, after, at=now)
        else:
            report = _stored(tx, reading, after, replace(report, state=ReportState.DRAFT, updated_at=now))
        _note(tx, now, user, "report.rejected", report, address, reason=why)
        return after, report

    return await _publish(parts, *await parts.database.write(work))


def _next_version(tx: Transaction, user: User, reading: Reading, latest: Report | None, text: ReportText,
                  template_id: str, revision: int, now: datetime) -> Report:
    if revision not in (0, latest.revision if latest else 0):
        raise NotNow("The report was saved from another window meanwhile.", reason="revision")
    reviewed = latest if reading.state is ReadingState.IN_REVIEW else None     # the reviewer edits another's words
    report = Report(
        id=new_id(), reading_id=reading.id, study_id=reading.study_id, site_id=reading.site_id,
        version=latest.version + 1 if latest else 1,
        state=ReportState.SUBMITTED if reviewed else ReportState.DRAFT, text=text, template_id=template_id,
        writer_id=reviewed.writer_id if reviewed else user.id, written_at=reviewed.written_at if reviewed else None,
        reviewer_id=None, signed_by=None, signed_at=None, text_sha256=None, pdf_sha256=None, dicom_sha256=None,
        sop_instance_uid=None, read_from=instances_read(tx, reading.study_id), revision=1, updated_at=now)
    tx.reports.add(report)
    return report


def _cleaned(text: ReportText) -> ReportText:
    return replace(text, technique=_clean_field("technique", text.technique),
                   findings=_clean_field("findings", text.findings),
                   impression=_clean_field("impression", text.impression))


def _clean_field(name: str, value: str) -> str:
    """Line feeds alone end lines, nothing invisible stays, letters are composed: what is hashed is what is seen."""
    value = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    value = "".join(c for c in value if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    if len(value) > LONGEST_FIELD:
        raise InvalidRequest(f"{name} is longer than {LONGEST_FIELD} characters.", reason="too-long")
    return value


def _reading_of(tx: Transaction, user: User, reading_id: str) -> Reading:
    reading = tx.readings.get(reading_id, user.scope(Role.READER, Role.REVIEWER))
    if reading is None:
        raise NotFound("There is no such reading.")
    return reading


def _moved(tx: Transaction, parts: Parts, user: User, reading_id: str, action: ReadingAction, now: datetime, *,
           reason: str = "") -> tuple[Reading, Reading]:
    reading = _reading_of(tx, user, reading_id)
    return reading, moved(reading, action, user, now=now,
                          claim_for=timedelta(minutes=parts.settings.claim_minutes), reason=reason)


def _stored(tx: Transaction, before: Reading, after: Reading, report: Report) -> Report:
    if not tx.readings.replace(after) or not tx.reports.replace(report):
        raise NotNow(reason="conflict")
    tx.jobs.cancel(f"{RELEASE_JOB}:{before.id}")
    follow_reading(tx, before, after, at=report.updated_at)
    return replace(report, revision=report.revision + 1)


def _note(tx: Transaction, now: datetime, user: User, action: str, report: Report, address: str,
          **detail: object) -> None:
    study = tx.studies.get(report.study_id, EVERYWHERE)
    tx.audit.append(AuditEntry(
        now, user.id, action, site_id=report.site_id, study_id=report.study_id,
        patient_id=study.patient.id if study else None, address=address,
        detail={"reading": report.reading_id, "report": report.id, "version": report.version, **detail}))


async def _publish(parts: Parts, reading: Reading, report: Report) -> Report:
    for kind in ("reading", "report"):
        parts.events.publish(Event(kind, reading.site_id, reading.study_id, reading.id))
    return report
