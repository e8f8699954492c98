"""Sign a report: what was shown is what is signed, and it is on its way in the same commit.

Order: the PDF, its signature and the DICOM object are made and durable first; then one write sets the report signed,
moves the reading, calls the former version back, queues the deliveries with their jobs, and appends the audit record.
A crash before that write leaves objects that nobody names; after it, nothing is missing.

Two signatures by two persons (F2). An emergency may go out with the writer's alone as 急诊临时报告: the reading then
waits for its review, whose signature makes the next version and replaces it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.core import report as report_text
from gateway.core.errors import InvalidRequest, NotAllowed, NotNow, Unreadable
from gateway.core.reading import ReadingAction, moved
from gateway.core.report import ReportSheet, canonical_text, signatory, state_words
from gateway.core.report_checks import SignCheck
from gateway.formats.ecg import read_ecg
from gateway.reports.ecg_page import EcgPage, draw_ecg
from gateway.reports.encapsulated_pdf import encapsulate, report_uid
from gateway.reports.report_pdf import SignatureLine, render_pdf
from gateway.reports.signing.opening import open_signer
from gateway.reports.signing.signer import Signer, SigningIdentity
from gateway.services.claim_reading import JOB as RELEASE_JOB
from gateway.services.clocks.keep_clocks import follow_reading, report_signed
from gateway.services.log_in import check_password
from gateway.services.offer_templates import ecg_numbers
from gateway.services.ports import Event, Parts
from gateway.services.queue_deliveries import call_back, queue_deliveries
from gateway.services.report_page import SIGNED, ReportRecord, record_of_reading, zone_of
from storage.interface import Transaction
from storage.model import (
    EVERYWHERE,
    INBOX_SITE_ID,
    AuditEntry,
    ObjectRef,
    Reading,
    ReadingState,
    Report,
    ReportState,
    Role,
    User,
)
from storage.model.ecg_intake import IdentityState


@dataclass(frozen=True, slots=True)
class SigningSheet:
    """Exactly what will be signed, its hash, and what was found (F7)."""

    text: str
    text_sha256: str
    report_id: str
    checks: list[SignCheck]


@dataclass(frozen=True, slots=True)
class _Version:
    """The version that the signature makes."""

    record: ReportRecord
    report: Report                       # already as it will be stored, without hashes and time
    is_new_row: bool
    after: Reading
    sheet: ReportSheet
    text: str


async def prepare_signing(parts: Parts, user: User, reading_id: str) -> SigningSheet:
    """Return what this person would sign now: as reviewer, or as the single signature of an emergency.

    Raises NotFound, NotNow, NotAllowed; InvalidRequest("nothing-written"); SigningFailed.
    """
    version = await parts.database.read(lambda tx: _version(tx, parts, user, reading_id))
    await _signer(parts)                     # a signer that cannot be opened is known before the password is typed
    checks = await asyncio.to_thread(version.record.checks, version.sheet)
    return SigningSheet(version.text, report_text.text_sha256(version.text), version.report.id, checks)


async def sign_report(parts: Parts, user: User, reading_id: str, *, password: str, text_sha256: str,
                      is_emergency: bool = False, address: str = "") -> Report:
    """Sign and send.

    Parameters
    ----------
    password
        Asked for again at every signature: signed only under one's own account (F3).
    text_sha256
        Of the text that was shown. Anything else than the present text is refused.

    Raises
    ------
    NotAllowed
        "bad-password", "locked", or the role does not allow it.
    NotNow
        "text-changed": look again; "wrong-state", "own-report", "not-holder", "conflict".
    InvalidRequest
        "checks-failed": a blocking check did not pass; "nothing-written".
    ReportNotPrinted, SigningFailed
        Nothing was signed.
    """
    version = await parts.database.read(lambda tx: _version(tx, parts, user, reading_id))
    if is_emergency != (version.report.state is ReportState.PRELIMINARY):
        raise NotNow(reason="wrong-state")
    if not await check_password(parts, user.id, password, address=address):
        raise NotAllowed("The password is wrong.", reason="bad-password")
    if report_text.text_sha256(version.text) != text_sha256:
        raise NotNow("The report is not what was shown any more. Look at it again.", reason="text-changed")
    blocking = [check.detail for check in await asyncio.to_thread(version.record.checks, version.sheet)
                if check.is_blocking]
    if blocking:
        raise InvalidRequest("; ".join(blocking), reason="checks-failed")
    now = parts.clock()
    signer = await _signer(parts)
    identity = await _identity(parts, signer, user, now)
    pdf, dicom = await asyncio.to_thread(_make, parts, version, user, signer, identity, now)
    report = replace(version.report, signed_by=user.id, signed_at=now, updated_at=now, text_sha256=text_sha256,
                     pdf_sha256=pdf.sha256, dicom_sha256=dicom.sha256, sop_instance_uid=report_uid(version.report.id))
    await parts.database.write(lambda tx: _store(tx, version, report, (pdf, dicom), user, now, address))
    for kind in ("reading", "report", "delivery"):
        parts.events.publish(Event(kind, report.site_id, report.study_id, report.reading_id))
    parts.events.wake_jobs()
    return report


def _version(tx: Transaction, parts: Parts, user: User, reading_id: str) -> _Version:
    record = record_of_reading(tx, reading_id, user.scope(Role.READER, Role.REVIEWER))
    reading, latest = record.reading, record.report
    if record.study.site_id == INBOX_SITE_ID:
        raise NotNow("Nobody has said yet which clinic this study comes from: that comes before the signature.",
                     reason="origin-unsettled")
    identity = tx.ecg_identities.of_study(record.study.id)
    if identity is not None and identity.state in (IdentityState.WAITING, IdentityState.NOBODY):
        raise NotNow("Nobody has said yet whose ECG this is: that comes before the signature.",
                     reason="patient-unidentified")
    now = parts.clock()
    is_emergency = reading.state is ReadingState.IN_PROGRESS
    after = moved(reading, ReadingAction.SIGN_EMERGENCY if is_emergency else ReadingAction.SIGN, user, now=now,
                  claim_for=timedelta(minutes=parts.settings.claim_minutes))
    is_new_row = latest.state in SIGNED      # the review of a preliminary: the next version, the same words
    if is_emergency and is_new_row:
        raise InvalidRequest("Nothing has been written since the last signature.", reason="nothing-written")
    report = replace(
        latest, state=ReportState.PRELIMINARY if is_emergency else ReportState.FINAL,
        writer_id=user.id if is_emergency else latest.writer_id,
        written_at=latest.updated_at if is_emergency else latest.written_at,
        reviewer_id=None if is_emergency else user.id, read_from=record.read_from)
    if is_new_row:
        report = replace(report, id=_next_id(latest), version=latest.version + 1, revision=1)
    sheet = record.sheet(parts.settings, state=report.state, version=report.version,
                         writer=user if is_emergency else record.writer, written_at=report.written_at,
                         reviewer=None if is_emergency else user, read_from=report.read_from)
    return _Version(record, report, is_new_row, after, sheet, canonical_text(sheet))


def _next_id(latest: Report) -> str:
    # The same at showing and at signing, so that the sheet names the version that it becomes.
    return f"{latest.id}-{latest.version + 1}"


async def _signer(parts: Parts) -> Signer:
    return await asyncio.to_thread(open_signer, parts.settings.data_dir, centre_name=parts.settings.centre_name,
                                   at=parts.clock())


async def _identity(parts: Parts, signer: Signer, user: User, now: datetime) -> SigningIdentity:
    """The user's own key, made at the first signature."""
    kept = await parts.database.read(lambda tx: tx.users.signing_key(user.id))
    if kept is None:
        made = await asyncio.to_thread(signer.issue, user_id=user.id, name=user.display_name, title=user.title,
                                       at=now)

        def keep(tx: Transaction) -> tuple[str, str]:
            known = tx.users.signing_key(user.id)
            if known is None:
                tx.users.add_signing_key(user.id, certificate_pem=made.certificate_pem,
                                         encrypted_key_pem=made.encrypted_key_pem, at=now)
            return known or (made.certificate_pem, made.encrypted_key_pem)

        kept = await parts.database.write(keep)
    return SigningIdentity(*kept)


def _make(parts: Parts, version: _Version, user: User, signer: Signer, identity: SigningIdentity,
          now: datetime) -> tuple[ObjectRef, ObjectRef]:
    """Make the PDF, sign it, wrap it; both durable when this returns. Blocking."""
    settings, sheet, report = parts.settings, version.sheet, version.report
    facts = signer.describe(identity)
    zone = zone_of(settings)
    page = render_pdf(sheet, text_sha256=report_text.text_sha256(version.text), at=now, zone=zone,
                      signature=SignatureLine(signatory(user), now, facts.serial, facts.issuer, facts.notice),
                      trace=_trace(parts, version.record))
    signed = signer.sign(page, identity, name=signatory(user), location=sheet.centre_name, at=now,
                         reason=f"{sheet.title}{state_words(sheet.state)}签发")
    dicom = encapsulate(signed, study=version.record.study, report_id=report.id, reading_id=report.reading_id,
                        version=report.version, signed_at=now, zone=zone, centre_name=sheet.centre_name,
                        title=f"{sheet.title} {state_words(sheet.state)} 第{sheet.version}版")
    return parts.objects.put(signed), parts.objects.put(dicom)


def _trace(parts: Parts, record: ReportRecord) -> EcgPage | None:
    """The drawn ECG of the study. One that cannot be decoded is reported without its trace."""
    if record.waveform_sha256 is None:
        return None
    try:
        return draw_ecg(read_ecg(parts.objects.get(record.waveform_sha256), time_zone=zone_of(parts.settings)))
    except Unreadable:
        return None


def _measured(tx: Transaction, report: Report) -> dict[str, object]:
    """Which number of an ECG had which source when the report was signed; the signed words say it, too (T6)."""
    found = {instance_id: {name: {"value": number.value, "source": number.source.value}
                           for name, number in numbers.items()}
             for instance_id, numbers in ecg_numbers(tx, report.study_id, EVERYWHERE).items()}
    return {"ecg_numbers": found} if found else {}


def _store(tx: Transaction, version: _Version, report: Report, objects: tuple[ObjectRef, ObjectRef], user: User,
           now: datetime, address: str) -> None:
    reading = version.record.reading
    if not tx.readings.replace(version.after):
        raise NotNow("Somebody changed the reading meanwhile.", reason="conflict")
    follow_reading(tx, reading, version.after, at=now)
    replaced = [old for old in tx.reports.versions(reading.id, EVERYWHERE)
                if old.state in (ReportState.PRELIMINARY, ReportState.FINAL)]
    if version.is_new_row:
        tx.reports.add(report)
    elif not tx.reports.replace(report):
        raise NotNow("The report was saved meanwhile.", reason="conflict")
    tx.jobs.cancel(f"{RELEASE_JOB}:{reading.id}")
    for ref in objects:
        tx.objects.add(ref, kind="report", at=now)
    for old in replaced:
        tx.reports.mark_replaced(old.id)
        call_back(tx, old)
    patient_id = version.record.study.patient.id
    tx.audit.append(AuditEntry(
        now, user.id, "report.signed", site_id=report.site_id, study_id=report.study_id, patient_id=patient_id,
        address=address, detail={
            "reading": reading.id, "report": report.id, "version": report.version, "state": report.state.value,
            "text_sha256": report.text_sha256, "pdf_sha256": report.pdf_sha256, "dicom_sha256": report.dicom_sha256,
            "replaces": [old.id for old in replaced], **_measured(tx, report)}))
    queued = queue_deliveries(tx, report, patient_id=patient_id, now=now)
    report_signed(tx, version.after, report, queued, at=now)
