"""What an administrator must look at: alarms, waiting deliveries, and the audit trail. See also quarantine.py."""

from __future__ import annotations

from aiohttp import web

from gateway.http import asking
from gateway.http.admin import by_of
from gateway.http.messages import DeliveryView
from gateway.http.messages import admin as m
from gateway.http.routing import ADMINS, Route, caller_of, json_response
from gateway.http.views import delivery_view
from gateway.services.ports import Parts
from gateway.services.retry_delivery import retry_delivery
from gateway.services.settle_alarms import acknowledge_alarm
from gateway.services.show_audit import ShownEntry, show_audit
from storage.model import Alarm

LONGEST_LIST = 2000


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
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
        Route("GET", desk + "alarms", alarms, "Open alarms", roles=ADMINS, response=list[m.AlarmView]),
        Route("POST", desk + "alarms/{alarm_id}/acknowledge", acknowledge, "Somebody has seen it", roles=ADMINS),
        Route("GET", desk + "deliveries", deliveries, "Reports that wait to be delivered or were refused, and why",
              roles=ADMINS, response=list[DeliveryView]),
        Route("POST", desk + "deliveries/{delivery_id}/retry", retry, "Send a waiting or refused report now",
              roles=ADMINS, response=DeliveryView),
        Route("GET", desk + "audit", audit, "Who did what, newest first", roles=ADMINS, response=list[m.AuditView],
              query=("study", "limit")),
    ]


def _audit_view(shown: ShownEntry) -> m.AuditView:
    chained, entry = shown.chained, shown.chained.entry
    return m.AuditView(
        node=chained.node, seq=chained.seq, at=entry.at, actor=entry.actor, actor_name=shown.actor_name,
        action=entry.action, is_success=entry.is_success, site_id=entry.site_id, study_id=entry.study_id,
        detail=entry.detail, hash=chained.hash)


def _alarm_view(alarm: Alarm) -> m.AlarmView:
    return m.AlarmView(alarm.id, alarm.at, alarm.kind, alarm.site_id, alarm.ref, alarm.detail)
