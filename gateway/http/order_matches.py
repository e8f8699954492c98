"""The queue of studies whose order a person must name: list, link, refuse, take a link back."""

from __future__ import annotations

from aiohttp import web

from gateway.core.id_card import id_card_warnings
from gateway.http import asking
from gateway.http.admin import by_of
from gateway.http.messages import ReasonRequest
from gateway.http.messages import order_matches as m
from gateway.http.messages.orders import OrderView
from gateway.http.orders import order_view
from gateway.http.routing import ADMINS, CLINICS, Route, caller_of, json_response, read_json
from gateway.services.find_orders import show_order
from gateway.services.ports import Parts
from gateway.services.settle_match import (
    OpenQuestion,
    dismiss_proposals,
    link_by_person,
    list_open_questions,
    unlink,
)
from storage.model import Confidence

_PAGE = 50


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    async def list_all(request: web.Request) -> web.StreamResponse:
        scope = caller_of(request).scope
        questions, total = await list_open_questions(
            parts, scope, limit=asking.whole_number(request, "limit", _PAGE, most=200))
        names = {site.id: site.name for site in await parts.database.read(lambda tx: tx.sites.sites(scope))}
        return json_response(m.OpenQuestionList(items=[_view(one, names) for one in questions], total=total))

    async def link(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.LinkRequest)
        order = await link_by_person(parts, by_of(request), request.match_info["study_id"], asked.order_id,
                                     asked.reason)
        return await answer(request, order.id)

    async def dismiss(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, ReasonRequest)
        await dismiss_proposals(parts, by_of(request), request.match_info["study_id"], asked.reason)
        return web.Response(status=204)

    async def take_back(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, ReasonRequest)
        order = await unlink(parts, by_of(request), request.match_info["order_id"], asked.reason)
        return await answer(request, order.id)

    async def answer(request: web.Request, order_id: str) -> web.Response:
        placed = await show_order(parts, caller_of(request).scope, order_id)
        site = await parts.database.read(lambda tx: tx.sites.site(placed.order.site_id))
        return json_response(order_view(placed.order, site.name if site else "", placed.warnings))

    writers = CLINICS | ADMINS
    return [
        Route("GET", "/api/order-matches", list_all, "Studies whose order a person must name", roles=writers,
              response=m.OpenQuestionList, query=("limit",)),
        Route("POST", "/api/studies/{study_id}/order", link, "Say which order a study was made for", roles=writers,
              request=m.LinkRequest, response=OrderView),
        Route("POST", "/api/studies/{study_id}/order/none", dismiss, "None of the proposed orders is the study's",
              roles=writers, request=ReasonRequest),
        Route("POST", "/api/orders/{order_id}/unlink", take_back, "Take the link of an order to its study back",
              roles=writers, request=ReasonRequest, response=OrderView),
    ]


def _view(question: OpenQuestion, site_names: dict[str, str]) -> m.OpenQuestionView:
    study, patient = question.study, question.study.patient
    site_name = site_names.get(study.site_id, "")
    return m.OpenQuestionView(
        study_id=study.id, site_id=study.site_id, site_name=site_name, patient_name=patient.name.display,
        name_is_guess=patient.name.confidence is Confidence.GUESSED, patient_id=patient.patient_id,
        sex=patient.sex, birth_date=patient.birth_date, modality=study.modality, body_part=study.body_part,
        description=study.description, accession_number=study.accession_number, study_at=study.study_at,
        arrived_at=study.first_arrival_at, device_name=question.device.name if question.device else "",
        instance_count=study.instance_count,
        proposals=[m.ProposalView(
            order=order_view(one.order, site_name, tuple(id_card_warnings(
                one.order.id_card_number, birth_date=one.order.birth_date, sex=one.order.sex))),
            score=one.pair.score, reasons=list(one.pair.reasons)) for one in question.proposals])
