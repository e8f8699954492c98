"""Agreements between sites on remote reading, with their dates (A2)."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web

from gateway.http.admin import by_of
from gateway.http.messages import readers as m
from gateway.http.routing import ADMINS, PEOPLE, Route, caller_of, json_response, read_json
from gateway.services.people.keep_agreements import (
    add_agreement,
    change_agreement,
    list_agreements,
    site_names,
)
from gateway.services.ports import Parts
from storage.model import new_id
from storage.model.rosters import SiteAgreement

SOON = timedelta(days=60)
"""Who has to renew one is told this long before."""


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    async def list_all(request: web.Request) -> web.StreamResponse:
        agreements, names = await list_agreements(parts, caller_of(request).scope)
        return json_response([_view(one, names, today()) for one in agreements])

    async def add(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.AgreementRequest)
        by = by_of(request)
        made = await add_agreement(parts, _agreement(new_id(), asked, by.actor), by)
        return await answer(made, status=201)

    async def change(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.AgreementRequest)
        by = by_of(request)
        return await answer(await change_agreement(
            parts, _agreement(request.match_info["agreement_id"], asked, by.actor), by))

    async def answer(agreement: SiteAgreement, *, status: int = 200) -> web.Response:
        return json_response(_view(agreement, await site_names(parts, agreement), today()), status=status)

    def today() -> date:
        return parts.clock().astimezone(ZoneInfo(parts.settings.time_zone)).date()

    def _agreement(agreement_id: str, asked: m.AgreementRequest, actor: str) -> SiteAgreement:
        return SiteAgreement(agreement_id, asked.requesting_site_id, asked.reading_site_id, asked.document_number,
                             asked.valid_from, asked.valid_until, asked.note, actor, parts.clock(), asked.revision)

    return [
        Route("GET", "/api/agreements", list_all, "Agreements in which one's own sites take part", roles=PEOPLE,
              response=list[m.AgreementView]),
        Route("POST", "/api/agreements", add, "Record an agreement between two sites", roles=ADMINS,
              request=m.AgreementRequest, response=m.AgreementView),
        Route("PUT", "/api/agreements/{agreement_id}", change, "Change or end an agreement", roles=ADMINS,
              request=m.AgreementRequest, response=m.AgreementView),
    ]


def _view(agreement: SiteAgreement, names: dict[str, str], today: date) -> m.AgreementView:
    if today < agreement.valid_from:
        state = "coming"
    elif not agreement.covers(today):
        state = "ended"
    elif agreement.valid_until is not None and agreement.valid_until - today <= SOON:
        state = "ending"
    else:
        state = "in_force"
    return m.AgreementView(
        id=agreement.id, requesting_site_id=agreement.requesting_site_id,
        requesting_site_name=names.get(agreement.requesting_site_id, ""),
        reading_site_id=agreement.reading_site_id, reading_site_name=names.get(agreement.reading_site_id, ""),
        document_number=agreement.document_number, valid_from=agreement.valid_from,
        valid_until=agreement.valid_until, note=agreement.note, state=state, revision=agreement.revision)
