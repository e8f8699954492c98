"""Reports for a clinic's own program that calls out from behind NAT: list and wait, fetch, say what became of it."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from gateway.core.errors import InvalidRequest
from gateway.http import asking
from gateway.http.messages.pulled import PulledReportView, ReportStepRequest
from gateway.http.routing import Route, caller_of, json_response, read_json
from gateway.services.ports import Parts
from gateway.services.pull_reports import (
    Form,
    Program,
    PulledReport,
    Step,
    list_reports,
    note_step,
    take_report,
)

PAGE = 100
LONGEST_PAGE = 500
LONGEST_WAIT_S = 60
MACHINES = frozenset({"read"})
_MEDIA = {Form.PDF: "application/pdf", Form.DICOM: "application/dicom"}
_SUFFIX = {Form.PDF: "pdf", Form.DICOM: "dcm"}


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    async def list_all(request: web.Request) -> web.StreamResponse:
        found = await list_reports(
            parts, _program(request), since=_since(request),
            limit=asking.whole_number(request, "limit", PAGE, most=LONGEST_PAGE),
            wait_s=asking.whole_number(request, "wait", 0, most=LONGEST_WAIT_S))
        return json_response([_view(one) for one in found])

    async def pdf(request: web.Request) -> web.StreamResponse:
        return await _hand_out(request, Form.PDF)

    async def dicom(request: web.Request) -> web.StreamResponse:
        return await _hand_out(request, Form.DICOM)

    async def _hand_out(request: web.Request, form: Form) -> web.StreamResponse:
        report, data = await take_report(parts, _program(request), request.match_info["delivery_id"], form)
        return web.Response(body=data, content_type=_MEDIA[form], headers={
            "Content-Disposition": f'attachment; filename="report-{report.id}-v{report.version}.{_SUFFIX[form]}"',
            "Cache-Control": "private, no-store"})

    async def acknowledge(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, ReportStepRequest)
        try:
            step = Step(asked.step)
        except ValueError as exc:
            raise InvalidRequest(f"{asked.step[:40]!r} is not one of {', '.join(Step)}.") from exc
        await note_step(parts, _program(request), request.match_info["delivery_id"], step, person=asked.person)
        return web.Response(status=204)

    path = "/api/clinic/reports"
    one = f"{path}/{{delivery_id}}"
    return [
        Route("GET", path, list_all, "Reports that the clinic's program has not accepted yet, or all since a time",
              token_scopes=MACHINES, response=list[PulledReportView], query=("since", "wait", "limit")),
        Route("GET", f"{one}/pdf", pdf, "The signed PDF; notes that it was sent", token_scopes=MACHINES),
        Route("GET", f"{one}/dicom", dicom, "The report as a DICOM object; notes that it was sent",
              token_scopes=MACHINES),
        Route("POST", f"{one}/acknowledge", acknowledge, "What became of the report at the clinic",
              token_scopes=MACHINES, request=ReportStepRequest),
    ]


def _program(request: web.Request) -> Program:
    caller = caller_of(request)
    return Program(caller.actor, caller.address, caller.scope)


def _since(request: web.Request) -> datetime | None:
    text = request.query.get("since", "")
    if not text:
        return None
    try:
        since = datetime.fromisoformat(text)
    except ValueError as exc:
        raise InvalidRequest("`since` is a time like 2026-03-02T08:00:00Z.") from exc
    if since.tzinfo is None:
        raise InvalidRequest("`since` needs its zone, e.g. Z.")
    return since


def _view(one: PulledReport) -> PulledReportView:
    delivery, report, study = one.delivery, one.report, one.study
    return PulledReportView(
        id=delivery.id, state=delivery.state, report_id=report.id, version=report.version, report_state=report.state,
        is_critical=report.text.is_critical, signed_at=report.signed_at, queued_at=delivery.queued_at,
        sent_at=delivery.sent_at, accepted_at=delivery.accepted_at, opened_at=delivery.opened_at,
        acknowledged_at=delivery.acknowledged_at, study_instance_uid=study.study_instance_uid,
        accession_number=study.accession_number, patient_id=study.patient.patient_id,
        patient_name=study.patient.name.display, pdf_sha256=report.pdf_sha256 or "",
        dicom_sha256=report.dicom_sha256 or "")
