"""The ECG routes: header, samples, page and original out. What comes in is ecg_upload's."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from aiohttp import web

from gateway.http.messages.ecg import EcgLeadView, EcgView
from gateway.http.routing import PEOPLE, Route, caller_of, json_response
from gateway.services.ports import Parts
from gateway.services.show_ecg import EcgShelf, ShownEcg, original_ecg, page_of
from storage.model import InstanceFormat

_XML = ("application/xml", "xml")
_MEDIA_TYPES: Mapping[InstanceFormat, tuple[str, str]] = {
    InstanceFormat.DICOM: ("application/dicom", "dcm"),
    InstanceFormat.HL7_AECG: _XML, InstanceFormat.MUSE_XML: _XML, InstanceFormat.CARDIOSOFT_XML: _XML,
    InstanceFormat.SIERRA_XML: _XML,
    InstanceFormat.WFDB: ("application/zip", "zip"),
    InstanceFormat.PDF: ("application/pdf", "pdf"),
    InstanceFormat.SCP_ECG: ("application/octet-stream", "scp"),
    InstanceFormat.MFER: ("application/octet-stream", "mwf"),
    InstanceFormat.EDF: ("application/octet-stream", "edf"),
    InstanceFormat.CONTEC: ("application/octet-stream", "ecg"),
}
_ANY = ("application/octet-stream", "bin")


def routes(parts: Parts) -> list[Route]:
    """The rows of this room."""
    room = _Room(parts)
    return [
        Route("GET", "/api/ecg/{instance_id}", room.show, "Header of an ECG", roles=PEOPLE,
              token_scopes=frozenset({"read"}), response=EcgView),
        Route("GET", "/api/ecg/{instance_id}/samples", room.samples,
              "Samples of an ECG: int32 little-endian nanovolts, lead after lead", roles=PEOPLE,
              token_scopes=frozenset({"read"})),
        Route("GET", "/api/ecg/{instance_id}/page", room.page, "The PDF of an ECG that came without a waveform",
              roles=PEOPLE, token_scopes=frozenset({"read"})),
        Route("GET", "/api/ecg/{instance_id}/original", room.original, "The bytes of an ECG as received",
              roles=PEOPLE, token_scopes=frozenset({"read"})),
    ]


class _Room:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._shelf = EcgShelf(parts)

    async def show(self, request: web.Request) -> web.Response:
        shown = await self._shelf.show(caller_of(request).scope, request.match_info["instance_id"])
        return json_response(_view(shown))

    async def samples(self, request: web.Request) -> web.Response:
        data = await self._shelf.samples(caller_of(request).scope, request.match_info["instance_id"])
        return web.Response(body=data, content_type="application/octet-stream")

    async def page(self, request: web.Request) -> web.Response:
        caller = caller_of(request)
        data = await page_of(self._parts, caller.scope, request.match_info["instance_id"], actor=caller.actor,
                             address=caller.address)
        return web.Response(body=data, content_type="application/pdf", headers={
            "Content-Disposition": 'inline; filename="ecg.pdf"', "Cache-Control": "private, no-store"})

    async def original(self, request: web.Request) -> web.Response:
        caller = caller_of(request)
        instance, data = await original_ecg(self._parts, caller.scope, request.match_info["instance_id"],
                                            actor=caller.actor, address=caller.address)
        media_type, suffix = _MEDIA_TYPES.get(instance.format, _ANY)
        name = quote(f"{instance.id}.{suffix}")
        return web.Response(body=data, content_type=media_type,
                            headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _view(shown: ShownEcg) -> EcgView:
    record = shown.record
    return EcgView(
        instance_id=shown.instance.id, study_id=shown.study.id, sop_instance_uid=shown.instance.sop_instance_uid,
        format=record.format, interval_us=record.interval_us,
        leads=[EcgLeadView(name=lead.name, sample_count=len(lead.samples), start_us=lead.start_us)
               for lead in record.leads],
        recorded_at=record.recorded_at, device_model=record.device_model, filters=record.filters,
        measurements=dict(record.measurements), statements=list(record.statements), warnings=list(record.warnings),
        notes=list(record.notes))
