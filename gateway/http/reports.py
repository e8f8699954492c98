"""/api reports: drafts, review, signing, the PDF, templates, and the clinic's "received"."""

from __future__ import annotations

from aiohttp import web

from gateway.http import messages as m
from gateway.http.routing import CLINICS, READERS, Route, caller_of, json_response, person_of, read_json
from gateway.http.views import delivery_view, report_view
from gateway.services.acknowledge import acknowledge_delivery, open_report
from gateway.services.offer_templates import offer_templates
from gateway.services.ports import Parts
from gateway.services.sign_report import prepare_signing, sign_report
from gateway.services.write_report import reject_report, save_draft, submit_report
from storage.model import Report, ReportText


def routes(parts: Parts) -> list[Route]:
    """The rows of this room."""
    async def draft(request: web.Request) -> web.StreamResponse:
        body = await read_json(request, m.DraftRequest)
        text = ReportText(body.text.technique, body.text.findings, body.text.impression, body.text.is_positive,
                          body.text.is_critical)
        return await _answer(await save_draft(parts, person_of(request), request.match_info["reading_id"], text,
                                              template_id=body.template_id, revision=body.revision))

    async def submit(request: web.Request) -> web.StreamResponse:
        return await _answer(await submit_report(parts, person_of(request), request.match_info["reading_id"],
                                                 address=caller_of(request).address))

    async def reject(request: web.Request) -> web.StreamResponse:
        body = await read_json(request, m.ReasonRequest)
        return await _answer(await reject_report(parts, person_of(request), request.match_info["reading_id"],
                                                 body.reason, address=caller_of(request).address))

    async def signing(request: web.Request) -> web.StreamResponse:
        sheet = await prepare_signing(parts, person_of(request), request.match_info["reading_id"])
        return json_response(m.SigningText(
            text=sheet.text, text_sha256=sheet.text_sha256, report_id=sheet.report_id,
            checks=[m.CheckView(check.code, check.field, check.detail, check.is_blocking) for check in sheet.checks]))

    async def sign(request: web.Request) -> web.StreamResponse:
        body = await read_json(request, m.SignRequest)
        return await _answer(await sign_report(
            parts, person_of(request), request.match_info["reading_id"], password=body.password,
            text_sha256=body.text_sha256, is_emergency=body.is_emergency, address=caller_of(request).address))

    async def pdf(request: web.Request) -> web.StreamResponse:
        report, page = await open_report(parts, person_of(request), request.match_info["report_id"],
                                         address=caller_of(request).address)
        name = f"report-{report.study_id}-v{report.version}.pdf"
        return web.Response(body=page, content_type="application/pdf", headers={
            "Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff"})

    async def templates(request: web.Request) -> web.StreamResponse:
        query = request.query
        offered = await offer_templates(
            parts, caller_of(request).scope, modality=query.get("modality", ""), kind=query.get("kind", ""),
            body_part=query.get("body_part", ""), study_id=query.get("study_id", ""))
        return json_response([m.TemplateView(t.id, t.name, t.name_en, t.technique, t.findings, t.impression, t.hints)
                              for t in offered])

    async def acknowledge(request: web.Request) -> web.StreamResponse:
        caller = caller_of(request)
        delivery = await acknowledge_delivery(parts, person_of(request), request.match_info["delivery_id"],
                                              address=caller.address)
        lines = await parts.database.read(
            lambda tx: tx.worklists.deliveries_of_study(delivery.study_id, caller.scope))
        return json_response(next(delivery_view(line) for line in lines if line.delivery.id == delivery.id))

    async def _answer(report: Report) -> web.Response:
        people = [report.writer_id, report.reviewer_id, report.signed_by]
        return json_response(report_view(report, await parts.database.read(lambda tx: tx.worklists.names(people))))

    reading = "/api/readings/{reading_id}"
    return [
        Route("PUT", f"{reading}/draft", draft, "Save the draft; extends the claim", READERS,
              request=m.DraftRequest, response=m.ReportView),
        Route("POST", f"{reading}/submit", submit, "Hand the report to review", READERS, response=m.ReportView),
        Route("POST", f"{reading}/reject", reject, "Give the report back to its writer", READERS,
              request=m.ReasonRequest, response=m.ReportView),
        Route("GET", f"{reading}/signing", signing, "Exactly what would be signed, and the checks", READERS,
              response=m.SigningText),
        Route("POST", f"{reading}/sign", sign, "Sign and send", READERS, request=m.SignRequest,
              response=m.ReportView),
        Route("GET", "/api/reports/{report_id}/pdf", pdf, "The PDF of one version", READERS | CLINICS),
        Route("GET", "/api/templates", templates, "Report templates for a study", READERS,
              response=list[m.TemplateView], query=("modality", "body_part", "kind", "study_id")),
        Route("POST", "/api/deliveries/{delivery_id}/acknowledge", acknowledge, "The clinic has received the report",
              CLINICS, response=m.DeliveryView),
    ]
