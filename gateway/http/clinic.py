"""The clinic's page: "sent, arrived, being read, report ready" for the studies of one's own sites."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from gateway.http import asking
from gateway.http.ecg_views import ecg_hint_view
from gateway.http.messages import ClinicList, ClinicRow, DeliveryView
from gateway.http.routing import CLINICS, Route, caller_of, json_response
from gateway.http.views import delivery_view, study_fields
from gateway.services.list_clinic_studies import ClinicLine, DeliveryLine, list_clinic_studies, step_of
from gateway.services.people.keep_agreements import Missing
from gateway.services.ports import Parts
from storage.model import DestinationKind, ReadingState
from storage.model.ecg_analyses import StoredAnalysis

PAGE = 50
LONGEST_PAGE = 500


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    async def list_all(request: web.Request) -> web.StreamResponse:
        page = await list_clinic_studies(
            parts, caller_of(request).scope, text=asking.text(request, "q"),
            limit=asking.whole_number(request, "limit", PAGE, most=LONGEST_PAGE),
            offset=asking.whole_number(request, "offset", 0, most=10**6))
        items = [_row(line, page.analyses.get(line.study.id), page.missing[line.study.id]) for line in page.lines]
        return json_response(ClinicList(items=items, total=page.total, site_name="、".join(page.site_names[:3])))

    return [Route("GET", "/api/clinic/studies", list_all, "The studies of one's own sites, newest first",
                  roles=CLINICS, response=ClinicList, query=("q", "limit", "offset"))]


def _row(line: ClinicLine, analysis: StoredAnalysis | None, missing: Sequence[Missing]) -> ClinicRow:
    reading, report = line.reading, line.report
    page = [d for d in line.deliveries if d.delivery.kind is DestinationKind.CLINIC_PAGE]
    nodes = [d for d in line.deliveries if d.delivery.kind is not DestinationKind.CLINIC_PAGE]
    return ClinicRow(
        step=step_of(line), priority=reading.priority if reading else None,
        due_at=reading.due_at if reading else None, reader_name=line.holder_name,
        report_id=report.id if report else None, report_version=report.version if report else None,
        report_state=report.state if report else None, is_critical=bool(report and report.is_critical),
        signed_at=report.signed_at if report else None, delivery=_first(page), node_delivery=_first(nodes),
        reason=reading.reason if reading else "",
        is_declined=bool(reading and reading.state is ReadingState.GIVEN_UP),
        missing=[word.value for word in missing],
        ecg_instance_id=analysis.instance_id if analysis else None,
        is_repeat_advised=bool(analysis and analysis.is_repeat_advised),
        quality_hints=[ecg_hint_view(h) for h in analysis.hints if h["is_repeat_advised"]] if analysis else [],
        **study_fields(line.study))


def _first(lines: list[DeliveryLine]) -> DeliveryView | None:
    return delivery_view(lines[0]) if lines else None
