"""The character sets of devices: what their text taught us, with examples, and one act that corrects it (C4)."""

from __future__ import annotations

from aiohttp import web

from gateway.core.character_set_learning import NEEDED_NAMES, NEEDED_SHARE
from gateway.http.admin import by_of
from gateway.http.messages import ReasonRequest
from gateway.http.messages import quarantine as m
from gateway.http.routing import ADMINS, Route, caller_of, json_response, read_json
from gateway.services.administer_sites import By
from gateway.services.correct_device_text import correct_device_text, last_in_force, undo_device_text
from gateway.services.learn_character_set import DeviceLesson, DeviceText, device_lessons, device_text
from gateway.services.ports import Parts
from storage.model import Confidence

_DESK = "/api/admin/devices-text"
_ONE = _DESK + "/{device_id}"


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    async def list_all(request: web.Request) -> web.StreamResponse:
        return json_response([_device_view(one) for one in await device_lessons(parts, caller_of(request).scope)])

    async def show(request: web.Request) -> web.StreamResponse:
        return await _shown(request, by_of(request))

    async def correct(request: web.Request) -> web.StreamResponse:
        asked, by = await read_json(request, m.DeviceTextRequest), by_of(request)
        await correct_device_text(parts, request.match_info["device_id"], asked.character_set, reason=asked.reason,
                                  by=by)
        return await _shown(request, by)

    async def undo(request: web.Request) -> web.StreamResponse:
        asked, by = await read_json(request, ReasonRequest), by_of(request)
        await undo_device_text(parts, request.match_info["device_id"], reason=asked.reason, by=by)
        return await _shown(request, by)

    async def _shown(request: web.Request, by: By) -> web.StreamResponse:
        return json_response(_detail_view(await device_text(parts, request.match_info["device_id"], by)))

    return [
        Route("GET", _DESK, list_all, "What the text of the devices taught us", roles=ADMINS,
              response=list[m.DeviceTextView]),
        Route("GET", _ONE, show, "How a device writes names, with examples", roles=ADMINS,
              response=m.DeviceTextDetail),
        Route("POST", _ONE + "/correct", correct, "Set the device's character set and read its studies again",
              roles=ADMINS, request=m.DeviceTextRequest, response=m.DeviceTextDetail),
        Route("POST", _ONE + "/undo", undo, "Take the last correction back", roles=ADMINS, request=ReasonRequest,
              response=m.DeviceTextDetail),
    ]


def _device_view(one: DeviceLesson) -> m.DeviceTextView:
    device, learned = one.device, one.lesson
    return m.DeviceTextView(
        device.id, device.site_id, device.name, device.ae_title, device.character_set or "", learned.names,
        learned.mislabelled, learned.suggestion, learned.share, NEEDED_NAMES, NEEDED_SHARE)


def _detail_view(text: DeviceText) -> m.DeviceTextDetail:
    last = last_in_force(list(text.corrections))
    return m.DeviceTextDetail(
        device=_device_view(text.learned),
        counts=[m.TextCountView(declared, codec, confidence is Confidence.GUESSED, studies)
                for declared, codec, confidence, studies in text.counts],
        examples=[m.TextExampleView(e.study_id, e.at, e.declared, e.raw_hex, e.as_declared, e.as_read, e.codec,
                                    e.confidence) for e in text.examples],
        corrections=[m.TextCorrectionView(
            c.at, c.actor, text.names.get(c.actor, c.actor), c.reason, c.before, c.after, is_undo=bool(c.undoes),
            is_finished=c.finished_at is not None, studies=c.studies) for c in text.corrections],
        can_undo=last is not None and last.after == (text.learned.device.character_set or ""))
