"""Orders: placed by the clinic's people and by its systems, listed by state, time and words, amended, withdrawn."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime

from aiohttp import web

from gateway.core.errors import InvalidRequest
from gateway.core.id_card import IdCardWarning
from gateway.core.order import OrderRequest
from gateway.http import asking
from gateway.http.admin import by_of
from gateway.http.messages import ReasonRequest
from gateway.http.messages import orders as m
from gateway.http.routing import ADMINS, CLINICS, PEOPLE, Route, caller_of, json_response, read_json
from gateway.services.administer_partners import add_partner, change_partner
from gateway.services.find_orders import find_orders, show_order
from gateway.services.place_order import Placed, amend_order, place_order, withdraw_order
from gateway.services.ports import Parts
from storage.model import Scope, new_id
from storage.model.orders import Hl7Partner, Order, OrderFilter, OrderSource, OrderState

PAGE = 50
LONGEST_PAGE = 500
_WRITERS = frozenset({"ingest", "admin"})
_LOOKERS = frozenset({"ingest", "read", "admin"})


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    return [*_orders(parts), *_partners(parts)]


def order_view(order: Order, site_name: str, warnings: Sequence[IdCardWarning]) -> m.OrderView:
    """An order as the API shows it."""
    fields = {field.name: getattr(order, field.name) for field in dataclasses.fields(order)}
    return m.OrderView(**fields, site_name=site_name, warnings=[word.value for word in warnings])


def _orders(parts: Parts) -> list[Route]:
    async def list_all(request: web.Request) -> web.StreamResponse:
        page = await find_orders(parts, caller_of(request).scope, _asked(request),
                                 limit=asking.whole_number(request, "limit", PAGE, most=LONGEST_PAGE),
                                 offset=asking.whole_number(request, "offset", 0, most=10**6))
        return json_response(m.OrderList(
            items=[_view(placed, page.site_names.get(placed.order.site_id, "")) for placed in page.orders],
            total=page.total))

    async def show(request: web.Request) -> web.StreamResponse:
        return await answer(await show_order(parts, caller_of(request).scope, request.match_info["order_id"]))

    async def place(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.OrderRequest)
        caller = caller_of(request)
        source = OrderSource.UI if caller.user else OrderSource.API
        placed = await place_order(parts, asked.site_id or _only_site(caller.scope), _wanted(asked), by_of(request),
                                   source)
        return await answer(placed, status=201)

    async def amend(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.OrderRequest)
        return await answer(await amend_order(parts, request.match_info["order_id"], _wanted(asked), by_of(request),
                                              revision=asked.revision))

    async def withdraw(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, ReasonRequest)
        return await answer(await withdraw_order(parts, request.match_info["order_id"], asked.reason,
                                                 by_of(request)))

    async def answer(placed: Placed, *, status: int = 200) -> web.Response:
        site = await parts.database.read(lambda tx: tx.sites.site(placed.order.site_id))
        return json_response(_view(placed, site.name if site else ""), status=status)

    one = "/api/orders/{order_id}"
    return [
        Route("GET", "/api/orders", list_all, "Orders of one's own sites, newest scheduled time first",
              roles=PEOPLE, token_scopes=_LOOKERS, response=m.OrderList,
              query=("state", "modality", "from", "before", "unlinked", "q", "limit", "offset")),
        Route("POST", "/api/orders", place, "Place an order", roles=CLINICS | ADMINS, token_scopes=_WRITERS,
              request=m.OrderRequest, response=m.OrderView),
        Route("GET", one, show, "One order", roles=PEOPLE, token_scopes=_LOOKERS, response=m.OrderView),
        Route("PUT", one, amend, "Amend an order", roles=CLINICS | ADMINS, token_scopes=_WRITERS,
              request=m.OrderRequest, response=m.OrderView),
        Route("POST", one + "/withdraw", withdraw, "Withdraw an order before its reading starts, with a reason",
              roles=CLINICS | ADMINS, token_scopes=_WRITERS, request=ReasonRequest, response=m.OrderView),
    ]


def _partners(parts: Parts) -> list[Route]:
    async def list_all(request: web.Request) -> web.StreamResponse:
        scope = caller_of(request).scope
        partners = await parts.database.read(lambda tx: tx.hl7_exchanges.partners(scope))
        return json_response([_partner_view(partner) for partner in partners])

    async def add(request: web.Request) -> web.StreamResponse:
        partner = _partner(new_id(), await read_json(request, m.Hl7PartnerRequest))
        return json_response(_partner_view(await add_partner(parts, partner, by_of(request))), status=201)

    async def change(request: web.Request) -> web.StreamResponse:
        partner = _partner(request.match_info["partner_id"], await read_json(request, m.Hl7PartnerRequest))
        return json_response(_partner_view(await change_partner(parts, partner, by_of(request))))

    path = "/api/admin/hl7-partners"
    return [
        Route("GET", path, list_all, "Systems that may send HL7 v2", roles=ADMINS, response=list[m.Hl7PartnerView]),
        Route("POST", path, add, "Let a system send HL7 v2", roles=ADMINS, request=m.Hl7PartnerRequest,
              response=m.Hl7PartnerView),
        Route("PUT", path + "/{partner_id}", change, "Change such a system", roles=ADMINS,
              request=m.Hl7PartnerRequest, response=m.Hl7PartnerView),
    ]


def _asked(request: web.Request) -> OrderFilter:
    return OrderFilter(
        states=asking.choices(request, "state", OrderState), text=asking.text(request, "q"),
        modality=asking.text(request, "modality").upper(), scheduled_from=_moment(request, "from"),
        scheduled_before=_moment(request, "before"), without_study=asking.flag(request, "unlinked"))


def _moment(request: web.Request, name: str) -> datetime | None:
    text = asking.text(request, name)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))      # a plus that was not escaped comes as a space
    except ValueError as exc:
        raise InvalidRequest(f"{name}: an ISO 8601 time is meant.") from exc
    if moment.tzinfo is None:
        raise InvalidRequest(f"{name}: the time needs its zone, for example 2026-11-22T08:00:00Z.")
    return moment


def _wanted(asked: m.OrderRequest) -> OrderRequest:
    for name in ("scheduled_at", "consent_at"):
        moment = getattr(asked, name)
        if moment is not None and moment.tzinfo is None:
            raise InvalidRequest(f"{name}: the time needs its zone, for example 2026-11-22T08:00:00Z.")
    return OrderRequest(**{field.name: getattr(asked, field.name) for field in dataclasses.fields(OrderRequest)})


def _only_site(scope: Scope) -> str:
    if scope.site_ids is None or len(scope.site_ids) != 1:
        raise InvalidRequest("site_id: say which site asks.", reason="unknown-site")
    return next(iter(scope.site_ids))


def _view(placed: Placed, site_name: str) -> m.OrderView:
    return order_view(placed.order, site_name, placed.warnings)


def _partner(partner_id: str, asked: m.Hl7PartnerRequest) -> Hl7Partner:
    return Hl7Partner(id=partner_id, name=asked.name, application=asked.application, facility=asked.facility,
                      site_id=asked.site_id, character_set=asked.character_set, is_enabled=asked.is_enabled)


def _partner_view(partner: Hl7Partner) -> m.Hl7PartnerView:
    return m.Hl7PartnerView(**dataclasses.asdict(partner))
