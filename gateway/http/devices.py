"""The devices that may call, with everything that the services of the DICOM port need to know of them."""

from __future__ import annotations

from aiohttp import web

from gateway.http.messages.devices import DeviceRequest, DeviceView, ShownCertificate
from gateway.http.routing import ADMINS, Route, caller_of, json_response, read_json
from gateway.services.administer_sites import By, add_device, change_device
from gateway.services.ports import Parts
from gateway.services.watch_certificates import freshness_of, list_devices
from storage.model import Device, SeenCertificate, new_id


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    async def list_all(request: web.Request) -> web.StreamResponse:
        found = await list_devices(parts, caller_of(request).scope)
        return json_response([device_view(device, _shown(parts, seen)) for device, seen in found])

    async def add(request: web.Request) -> web.StreamResponse:
        device = _device(new_id(), await read_json(request, DeviceRequest))
        return json_response(device_view(await add_device(parts, device, _by(request))), status=201)

    async def change(request: web.Request) -> web.StreamResponse:
        device = _device(request.match_info["device_id"], await read_json(request, DeviceRequest))
        return json_response(device_view(await change_device(parts, device, _by(request))))

    path = "/api/admin/devices"
    return [
        Route("GET", path, list_all, "Devices that may send", ADMINS, response=list[DeviceView]),
        Route("POST", path, add, "Register a device", ADMINS, request=DeviceRequest, response=DeviceView),
        Route("PUT", f"{path}/{{device_id}}", change, "Change a device", ADMINS, request=DeviceRequest,
              response=DeviceView),
    ]


def device_view(device: Device, shown: ShownCertificate | None = None) -> DeviceView:
    """A device as the pages show it."""
    return DeviceView(
        id=device.id, site_id=device.site_id, name=device.name, ae_title=device.ae_title, address=device.address,
        modality=device.modality, character_set=device.character_set, is_enabled=device.is_enabled, port=device.port,
        answer_character_set=device.answer_character_set, certificate_sha256=device.certificate_sha256,
        max_associations=device.max_associations, quiet_period_s=device.quiet_period_s, is_relay=device.is_relay,
        uses_tls=device.uses_tls, shown_certificate=shown)


def _device(device_id: str, asked: DeviceRequest) -> Device:
    return Device(
        device_id, asked.site_id, asked.name, asked.ae_title, asked.address, asked.modality.strip().upper(),
        asked.character_set, asked.is_enabled, asked.port, asked.answer_character_set, asked.certificate_sha256,
        asked.max_associations, asked.quiet_period_s, asked.is_relay, asked.uses_tls)


def _shown(parts: Parts, seen: SeenCertificate | None) -> ShownCertificate | None:
    if seen is None:
        return None
    return ShownCertificate(sha256=seen.sha256, subject=seen.subject, issuer=seen.issuer, address=seen.address,
                            not_after=seen.not_after, seen_at=seen.seen_at, is_admitted=seen.is_admitted,
                            freshness=freshness_of(seen.not_after, parts.clock()))


def _by(request: web.Request) -> By:
    caller = caller_of(request)
    return By(caller.actor, caller.address, caller.scope)
