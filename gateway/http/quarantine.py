"""The quarantine: what could not be taken as it came, shown beside what it is in conflict with, and decided."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web
from pydicom.uid import UID

from gateway.core.dataset_difference import ElementDifference, PixelDifference, path_text, tag_text
from gateway.core.errors import InvalidRequest
from gateway.core.quarantine_choices import in_force
from gateway.http import asking
from gateway.http.admin import by_of
from gateway.http.messages import quarantine as m
from gateway.http.routing import ADMINS, Route, caller_of, json_response, read_json
from gateway.services.compare_arrivals import Examination, Side, examine, object_of
from gateway.services.decide_alike import decide_alike, decide_one
from gateway.services.ports import Parts
from gateway.services.render import Renderings
from gateway.services.settle_quarantine import quarantined_bytes
from storage.model import Arrival, QuarantineChoice, QuarantineFilter

LONGEST_LIST = 500
_STATES: Mapping[str, bool | None] = {"": False, "open": False, "decided": True, "all": None}
_DESK = "/api/admin/quarantine"
_ONE = _DESK + "/{arrival_id}"


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    renderings = Renderings(parts)

    async def list_all(request: web.Request) -> web.StreamResponse:
        scope, asked = caller_of(request).scope, _asked(request)
        limit = asking.whole_number(request, "limit", 200, most=LONGEST_LIST)
        offset = asking.whole_number(request, "offset", 0, most=1_000_000)
        found, reasons = await parts.database.read(lambda tx: (
            tx.quarantine.arrivals(scope, asked, limit=limit, offset=offset), tx.quarantine.reasons(scope, asked)))
        total = sum(reasons.values()) if not asked.reason else reasons.get(asked.reason, 0)
        return json_response(m.QuarantineList(
            [_arrival_view(arrival) for arrival in found],
            [m.ReasonCount(reason, count) for reason, count in reasons.items()], total))

    async def show(request: web.Request) -> web.StreamResponse:
        found = await examine(parts, request.match_info["arrival_id"], by_of(request))
        return json_response(_examination_view(found))

    async def settle(request: web.Request) -> web.StreamResponse:
        asked, by = await read_json(request, m.QuarantineDecisionRequest), by_of(request)
        arrival_id = request.match_info["arrival_id"]
        try:
            choice = QuarantineChoice(asked.choice)
        except ValueError as exc:
            raise InvalidRequest(f"choice: one of {', '.join(QuarantineChoice)} is meant.") from exc
        work = decide_alike if asked.is_for_alike else decide_one
        await work(parts, arrival_id, choice, reason=asked.reason, by=by, site_id=asked.site_id)
        return json_response(_examination_view(await examine(parts, arrival_id, by)))

    async def download(request: web.Request) -> web.StreamResponse:
        arrival_id, is_first = request.match_info["arrival_id"], _is_first(request)
        data = await quarantined_bytes(parts, arrival_id, by_of(request), is_first=is_first)
        # Bytes of an unknown sender: always a download under a name of our own, never shown by the browser.
        which = "first" if is_first else "arrival"
        return web.Response(body=data, content_type="application/octet-stream", headers={
            "Content-Disposition": f'attachment; filename="{which}-{arrival_id}.bin"'})

    async def preview(request: web.Request) -> web.StreamResponse:
        ref = await object_of(parts, request.match_info["arrival_id"], by_of(request), is_first=_is_first(request))
        number = asking.whole_number(request, "frame", 1, most=100_000)
        data = await renderings.preview(ref, max(1, number))
        return web.Response(body=data, content_type="image/jpeg", headers={"Cache-Control": "private, no-store"})

    return [
        Route("GET", _DESK, list_all, "What came in and could not be taken", roles=ADMINS, response=m.QuarantineList,
              query=("state", "reason", "site", "q", "limit", "offset")),
        Route("GET", _ONE, show, "An arrival in quarantine, and the difference by element from what came first",
              roles=ADMINS, response=m.ExaminationView),
        Route("POST", _ONE + "/decide", settle, "Decide, with a reason", roles=ADMINS,
              request=m.QuarantineDecisionRequest, response=m.ExaminationView),
        Route("GET", _ONE + "/bytes", download, "The bytes as they came, or (which=first) those that came first",
              roles=ADMINS, query=("which",)),
        Route("GET", _ONE + "/preview", preview, "A picture of it, or (which=first) of what came first; not for "
              "diagnosis", roles=ADMINS, query=("which", "frame")),
    ]


def _asked(request: web.Request) -> QuarantineFilter:
    state = request.query.get("state", "")
    if state not in _STATES:
        raise InvalidRequest("state: one of open, decided, all is meant.")
    return QuarantineFilter(_STATES[state], asking.text(request, "reason"), asking.text(request, "site"),
                            asking.text(request, "q"))


def _is_first(request: web.Request) -> bool:
    which = request.query.get("which", "second")
    if which not in ("first", "second"):
        raise InvalidRequest("which: first or second is meant.")
    return which == "first"


def _examination_view(shown: Examination) -> m.ExaminationView:
    found, study = shown.found, shown.found.first_study
    valid = in_force(found.decisions)
    return m.ExaminationView(
        arrival=_arrival_view(found.arrival), first=_side_view(shown.first) if shown.first else None,
        second=_side_view(shown.second),
        first_study=None if study is None else m.FirstStudyView(
            study.id, study.site_id, study.patient.name.display, study.patient.patient_id, study.modality,
            study.description, study.study_at, is_same_study=shown.is_same_study),
        is_first_elsewhere=found.is_first_elsewhere,
        study_site_id=shown.named_site_id,
        is_first_shown=not any(decision.choice is QuarantineChoice.USE_SECOND for decision in valid),
        elements=[_element_view(difference) for difference in shown.difference.differences],
        equal_count=shown.difference.equal_count, pixels=_pixel_view(shown.pixels),
        alike=shown.alike, choices=[choice.value for choice in shown.choices],
        decisions=[m.QuarantineDecisionView(
            decision.at, decision.actor, shown.names.get(decision.actor, decision.actor), decision.choice,
            decision.reason, is_undone=decision not in valid and decision.choice is not QuarantineChoice.UNDO)
            for decision in found.decisions])


def _arrival_view(arrival: Arrival) -> m.QuarantinedView:
    return m.QuarantinedView(
        id=arrival.id, at=arrival.at, via=arrival.via, outcome=arrival.outcome, site_id=arrival.site_id,
        calling_ae_title=arrival.calling_ae_title, address=arrival.address, file_name=arrival.file_name,
        sop_instance_uid=arrival.sop_instance_uid, study_id=arrival.study_id, size_bytes=arrival.size_bytes,
        reason=arrival.reason, detail=arrival.detail, resolved_at=arrival.resolved_at,
        resolved_by=arrival.resolved_by or "")


def _side_view(side: Side) -> m.ArrivalSide:
    syntax = side.transfer_syntax_uid
    return m.ArrivalSide(side.sha256, side.size_bytes, side.is_readable, side.fault, syntax,
                         UID(syntax).name if syntax else "", side.has_picture, side.first_bytes.hex(" "))


def _element_view(difference: ElementDifference) -> m.ElementView:
    element = difference.element
    tag = element.place[-1]
    return m.ElementView(
        kind=difference.kind, path=path_text(element.place), tag=tag_text(tag), keyword=element.keyword,
        name=element.name, vr=element.vr, is_private=bool(tag >> 16 & 1), depth=len(element.place) // 2,
        first=difference.first.text if difference.first else None,
        second=difference.second.text if difference.second else None)


def _pixel_view(pixels: PixelDifference) -> m.PixelView:
    return m.PixelView(pixels.verdict, list(pixels.first_shape), list(pixels.second_shape), pixels.differing,
                       pixels.compared, pixels.largest, pixels.is_whole)
