"""Whose ECG is it: open ECG orders with their numbers, ECGs of nobody, and the files that nobody can read yet."""

from __future__ import annotations

from aiohttp import web

from gateway.core.errors import InvalidRequest
from gateway.core.id_card import id_card_warnings
from gateway.formats import healforce
from gateway.formats.added_formats import added_formats
from gateway.formats.ecg import all_formats
from gateway.http import asking
from gateway.http.admin import by_of
from gateway.http.messages import ReasonRequest
from gateway.http.messages import ecg_intake as m
from gateway.http.orders import order_view
from gateway.http.routing import ADMINS, CLINICS, READERS, Route, caller_of, json_response, read_json
from gateway.services.call_for_ecg import OpenEcgOrder, call_for_ecg, end_call, list_open_ecg_orders
from gateway.services.identify_ecg import (
    NamedPatient,
    Unidentified,
    list_unidentified,
    name_patient,
    say_nobody,
    take_identity_back,
)
from gateway.services.keep_unread_ecg import (
    UnreadFile,
    attach,
    detach,
    list_unread,
    read_again,
    show_unread,
)
from gateway.services.ports import Parts

_PAGE = 100
_MOST = 500
_STATES = ("waiting", "kept", "read")
_FILE = "/api/admin/ecg-files/{arrival_id}"


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    return [*_orders(parts), *_unidentified(parts), *_unread(parts)]


def _orders(parts: Parts) -> list[Route]:
    async def list_all(request: web.Request) -> web.StreamResponse:
        scope = caller_of(request).scope
        found = await list_open_ecg_orders(parts, scope, limit=asking.whole_number(request, "limit", _PAGE,
                                                                                   most=_MOST))
        names = {site.id: site.name for site in await parts.database.read(lambda tx: tx.sites.sites(scope))}
        return json_response(m.OpenEcgOrderList(
            [_order(one, names.get(one.order.site_id, "")) for one in found.orders],
            [m.EcgDeviceView(device.id, device.site_id, device.name) for device in found.devices], found.total))

    async def call(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.EcgCallRequest)
        return await answer(await call_for_ecg(parts, by_of(request), request.match_info["order_id"],
                                               device_id=asked.device_id))

    async def end(request: web.Request) -> web.StreamResponse:
        return await answer(await end_call(parts, by_of(request), request.match_info["order_id"]))

    async def answer(one: OpenEcgOrder) -> web.Response:
        site = await parts.database.read(lambda tx: tx.sites.site(one.order.site_id))
        return json_response(_order(one, site.name if site else ""))

    path, writers = "/api/orders/{order_id}/recording", CLINICS | ADMINS
    return [
        Route("GET", "/api/ecg-orders", list_all, "ECGs that are to be recorded, each with its number for the cart",
              roles=writers, response=m.OpenEcgOrderList, query=("limit",)),
        Route("POST", path, call, "Now recording for this person", roles=writers, request=m.EcgCallRequest,
              response=m.OpenEcgOrderView),
        Route("DELETE", path, end, "No longer recording for this person", roles=writers,
              response=m.OpenEcgOrderView),
    ]


def _unidentified(parts: Parts) -> list[Route]:
    async def list_all(request: web.Request) -> web.StreamResponse:
        scope = caller_of(request).scope
        found, total = await list_unidentified(
            parts, scope, limit=asking.whole_number(request, "limit", _PAGE, most=_MOST))
        names = {site.id: site.name for site in await parts.database.read(lambda tx: tx.sites.sites(scope))}
        return json_response(m.UnidentifiedEcgList([_nobodys(one, names) for one in found], total))

    async def name(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.NamePatientRequest)
        await name_patient(parts, by_of(request), request.match_info["study_id"], NamedPatient(
            asked.patient_id, asked.name, asked.sex, asked.birth_date), asked.reason)
        return web.Response(status=204)

    async def nobody(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, ReasonRequest)
        await say_nobody(parts, by_of(request), request.match_info["study_id"], asked.reason)
        return web.Response(status=204)

    async def undo(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, ReasonRequest)
        await take_identity_back(parts, by_of(request), request.match_info["study_id"], asked.reason)
        return web.Response(status=204)

    path, writers = "/api/studies/{study_id}/identity", CLINICS | ADMINS
    return [
        Route("GET", "/api/ecg-unidentified", list_all, "ECGs that name no patient, the newest first",
              roles=writers | READERS, response=m.UnidentifiedEcgList, query=("limit",)),
        Route("POST", path, name, "Say whose an ECG without identity is", roles=writers,
              request=m.NamePatientRequest),
        Route("POST", path + "/none", nobody, "An ECG without identity is of no patient", roles=writers,
              request=ReasonRequest),
        Route("POST", path + "/undo", undo, "Take back what a person said about whose an ECG is", roles=writers,
              request=ReasonRequest),
    ]


def _unread(parts: Parts) -> list[Route]:
    async def list_all(request: web.Request) -> web.StreamResponse:
        state = request.query.get("state", "waiting")
        if state not in _STATES:
            raise InvalidRequest(f"state: one of {', '.join(_STATES)} is meant.")
        found, total = await list_unread(parts, caller_of(request).scope, state,
                                         limit=asking.whole_number(request, "limit", _PAGE, most=_MOST))
        return json_response(m.UnreadEcgList([_file(one) for one in found], total,
                                             [known.name for known in all_formats() if known.name != healforce.NAME],
                                             list(added_formats().faults)))

    async def bind(request: web.Request) -> web.StreamResponse:
        asked, arrival_id = await read_json(request, m.AttachEcgRequest), request.match_info["arrival_id"]
        await attach(parts, by_of(request), arrival_id, order_id=asked.order_id, study_id=asked.study_id,
                     reason=asked.reason)
        return await answer(request)

    async def unbind(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, ReasonRequest)
        await detach(parts, by_of(request), request.match_info["arrival_id"], asked.reason)
        return await answer(request)

    async def again(request: web.Request) -> web.StreamResponse:
        await read_again(parts, by_of(request), request.match_info["arrival_id"])
        return await answer(request)

    async def answer(request: web.Request) -> web.Response:
        return json_response(_file(await show_unread(parts, by_of(request), request.match_info["arrival_id"])))

    return [
        Route("GET", "/api/admin/ecg-files", list_all, "ECG files that could not be read: waiting, kept for later, "
              "or read since", roles=ADMINS, response=m.UnreadEcgList, query=("state", "limit")),
        Route("POST", _FILE + "/attach", bind, "Bind such a file to an order or a study", roles=ADMINS,
              request=m.AttachEcgRequest, response=m.UnreadEcgView),
        Route("POST", _FILE + "/detach", unbind, "Take the binding back", roles=ADMINS, request=ReasonRequest,
              response=m.UnreadEcgView),
        Route("POST", _FILE + "/read-again", again, "Try to read a bound file again", roles=ADMINS,
              response=m.UnreadEcgView),
    ]


def _order(one: OpenEcgOrder, site_name: str) -> m.OpenEcgOrderView:
    order, pairing = one.order, one.pairing
    warnings = tuple(id_card_warnings(order.id_card_number, birth_date=order.birth_date, sex=order.sex))
    return m.OpenEcgOrderView(order_view(order, site_name, warnings), pairing.number, pairing.called_at,
                              pairing.called_until, pairing.device_id)


def _nobodys(one: Unidentified, site_names: dict[str, str]) -> m.UnidentifiedEcgView:
    study = one.study
    return m.UnidentifiedEcgView(
        study.id, one.device_ecg_id, study.site_id, site_names.get(study.site_id, study.site_id),
        one.device.name if one.device else "", study.patient.patient_id, study.study_at, study.first_arrival_at)


def _file(one: UnreadFile) -> m.UnreadEcgView:
    arrival, unread = one.arrival, one.unread
    return m.UnreadEcgView(
        arrival_id=arrival.id, at=arrival.at, via=arrival.via, site_id=arrival.site_id,
        device_name=one.device.name if one.device else arrival.calling_ae_title, address=arrival.address,
        file_name=arrival.file_name, size_bytes=arrival.size_bytes, reason=arrival.reason, detail=arrival.detail,
        first_bytes_hex=one.first_bytes.hex(" "),
        first_bytes_text="".join(chr(byte) if 32 <= byte < 127 else "." for byte in one.first_bytes),
        is_pdf=one.is_pdf, order_id=unread.order_id if unread else None,
        study_id=unread.study_id if unread else None, patient_name=one.patient_name,
        attached_at=unread.attached_at if unread else None, attached_by=unread.attached_by if unread else "",
        why_attached=unread.reason if unread else "", tried_at=unread.tried_at if unread else None,
        result=unread.result if unread else "")
