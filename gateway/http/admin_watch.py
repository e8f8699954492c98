"""What an administrator must look at: the quarantine, alarms, waiting deliveries, and the audit trail."""

from __future__ import annotations

from aiohttp import web

from gateway.http import asking
from gateway.http import messages as m
from gateway.http.admin import by_of
from gateway.http.routing import ADMINS, Route, caller_of, json_response
from gateway.http.views import delivery_view
from gateway.services.ports import Parts
from gateway.services.retry_delivery import retry_delivery
from gateway.services.settle_alarms import acknowledge_alarm, quarantined_bytes, resolve_quarantined
from gateway.services.show_audit import ShownEntry, show_audit
from storage.model import Alarm, Arrival

LONGEST_LIST = 2000


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    async def quarantine(request: web.Request) -> web.StreamResponse:
        found = await parts.database.read(lambda tx: tx.arrivals.quarantine(
            caller_of(request).scope, include_resolved=asking.flag(request, "resolved")))
        return json_response([_arrival_view(arrival) for arrival in found])

    async def resolve(request: web.Request) -> web.StreamResponse:
        await resolve_quarantined(parts, request.match_info["arrival_id"], by_of(request))
        return web.Response(status=204)

    async def download(request: web.Request) -> web.StreamResponse:
        arrival, data = await quarantined_bytes(parts, request.match_info["arrival_id"], by_of(request))
        # Bytes of an unknown sender: always a download under a name of our own, never shown by the browser.
        return web.Response(body=data, content_type="application/octet-stream", headers={
            "Content-Disposition": f'attachment; filename="arrival-{arrival.id}.bin"'})

    async def alarms(request: web.Request) -> web.StreamResponse:
        found = await parts.database.read(lambda tx: tx.alarms.open_alarms(caller_of(request).scope))
        return json_response([_alarm_view(alarm) for alarm in found])

    async def acknowledge(request: web.Request) -> web.StreamResponse:
        await acknowledge_alarm(parts, request.match_info["alarm_id"], by_of(request))
        return web.Response(status=204)

    async def deliveries(request: web.Request) -> web.StreamResponse:
        lines = await parts.database.read(lambda tx: tx.worklists.waiting_deliveries(caller_of(request).scope))
        return json_response([delivery_view(line) for line in lines])

    async def retry(request: web.Request) -> web.StreamResponse:
        by = by_of(request)
        delivery = await retry_delivery(parts, request.match_info["delivery_id"], by)
        lines = await parts.database.read(lambda tx: tx.worklists.deliveries_of_study(delivery.study_id, by.scope))
        return json_response(next(delivery_view(line) for line in lines if line.delivery.id == delivery.id))

    async def audit(request: web.Request) -> web.StreamResponse:
        limit = asking.whole_number(request, "limit", 500, most=LONGEST_LIST)
        study_id = asking.text(request, "study")
        found = await show_audit(parts, caller_of(request).scope, study_id=study_id, limit=limit)
        return json_response([_audit_view(shown) for shown in found])

    desk = "/api/admin/"
    return [
        Route("GET", desk + "quarantine", quarantine, "What came in and could not be taken", roles=ADMINS,
              response=list[m.ArrivalView], query=("resolved",)),
        Route("POST", desk + "quarantine/{arrival_id}/resolve", resolve, "It was dealt with", roles=ADMINS),
        Route("GET", desk + "quarantine/{arrival_id}/bytes", download, "The bytes as they came", roles=ADMINS),
        Route("GET", desk + "alarms", alarms, "Open alarms", roles=ADMINS, response=list[m.AlarmView]),
        Route("POST", desk + "alarms/{alarm_id}/acknowledge", acknowledge, "Somebody has seen it", roles=ADMINS),
        Route("GET", desk + "deliveries", deliveries, "Reports that wait to be delivered or were refused, and why",
              roles=ADMINS, response=list[m.DeliveryView]),
        Route("POST", desk + "deliveries/{delivery_id}/retry", retry, "Send a waiting or refused report now",
              roles=ADMINS, response=m.DeliveryView),
        Route("GET", desk + "audit", audit, "Who did what, newest first", roles=ADMINS, response=list[m.AuditView],
              query=("study", "limit")),
    ]


def _audit_view(shown: ShownEntry) -> m.AuditView:
    chained, entry = shown.chained, shown.chained.entry
    return m.AuditView(
        node=chained.node, seq=chained.seq, at=entry.at, actor=entry.actor, actor_name=shown.actor_name,
        action=entry.action, is_success=entry.is_success, site_id=entry.site_id, study_id=entry.study_id,
        detail=entry.detail, hash=chained.hash)


def _arrival_view(arrival: Arrival) -> m.ArrivalView:
    return m.ArrivalView(
        id=arrival.id, at=arrival.at, via=arrival.via, outcome=arrival.outcome, site_id=arrival.site_id,
        calling_ae_title=arrival.calling_ae_title, address=arrival.address, file_name=arrival.file_name,
        sop_instance_uid=arrival.sop_instance_uid, study_id=arrival.study_id, size_bytes=arrival.size_bytes,
        reason=arrival.reason, detail=arrival.detail, is_resolved=arrival.resolved_at is not None)


def _alarm_view(alarm: Alarm) -> m.AlarmView:
    return m.AlarmView(alarm.id, alarm.at, alarm.kind, alarm.site_id, alarm.ref, alarm.detail)
