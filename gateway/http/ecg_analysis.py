"""What was measured on an ECG, a doctor's correction of it, earlier ECGs of the person, and words to write with."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from gateway.core.ecg_numbers import NumberSource, SourcedNumber
from gateway.core.ecg_statements import library
from gateway.http.ecg_views import ecg_hint_view, priority_hint_view
from gateway.http.messages.ecg_analysis import (
    EcgAnalysisView,
    EcgFiducialsRequest,
    EcgMeasurementView,
    EcgMedianView,
    EcgPreviousList,
    EcgPreviousView,
    EcgStatementGroupView,
    EcgStatementLibrary,
    EcgStatementView,
)
from gateway.http.routing import PEOPLE, READERS, Route, caller_of, json_response, person_of, read_json
from gateway.services.correct_ecg import correct_fiducials
from gateway.services.ports import Parts
from gateway.services.show_ecg_analysis import (
    MedianBeatShelf,
    PreviousEcg,
    ShownAnalysis,
    previous_ecgs,
    show_analysis,
)
from storage.model.ecg_analyses import EcgCorrection

WAITING, NONE, NO_WAVEFORM = "waiting", "none", "no-waveform"


def routes(parts: Parts) -> list[Route]:
    """The rows of this file; they come before those of ecg.py, whose {instance_id} would swallow "statements"."""
    shelf = MedianBeatShelf(parts)

    async def statements(request: web.Request) -> web.StreamResponse:
        return json_response(_library())

    async def show(request: web.Request) -> web.StreamResponse:
        return json_response(_analysis(await show_analysis(parts, caller_of(request).scope, _id(request))))

    async def beats(request: web.Request) -> web.StreamResponse:
        median = await shelf.show(caller_of(request).scope, _id(request))
        return web.Response(body=median.samples_nv.astype("<i4").tobytes(), content_type="application/octet-stream")

    async def correct(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, EcgFiducialsRequest)
        caller = caller_of(request)
        return json_response(_analysis(await correct_fiducials(
            parts, caller.scope, person_of(request), _id(request), asked.fiducials_us, method=asked.method,
            address=caller.address)))

    async def previous(request: web.Request) -> web.StreamResponse:
        found = await previous_ecgs(parts, caller_of(request).scope, _id(request))
        return json_response(EcgPreviousList(items=[_previous(ecg) for ecg in found]))

    one = "/api/ecg/{instance_id}"
    return [
        Route("GET", "/api/ecg/statements", statements, "Sentences to write ECG reports with, by group",
              roles=PEOPLE, response=EcgStatementLibrary),
        Route("GET", one + "/analysis", show, "Quality hints and measurements of an ECG, each with its source",
              roles=PEOPLE, token_scopes=frozenset({"read"}), response=EcgAnalysisView),
        Route("GET", one + "/median-beats", beats,
              "Median beats of an ECG: int32 little-endian nanovolts, lead after lead", roles=PEOPLE,
              token_scopes=frozenset({"read"})),
        Route("PUT", one + "/fiducials", correct, "Keep a doctor's points on the median beat beside the gateway's",
              roles=READERS, request=EcgFiducialsRequest, response=EcgAnalysisView),
        Route("GET", one + "/previous", previous, "Earlier ECGs of the same person, newest first", roles=PEOPLE,
              token_scopes=frozenset({"read"}), response=EcgPreviousList),
    ]


def _id(request: web.Request) -> str:
    return request.match_info["instance_id"]


def _analysis(shown: ShownAnalysis) -> EcgAnalysisView:
    stored, correction = shown.stored, shown.correction
    content = stored.content if stored else {}
    median = content.get("median")
    if not shown.instance.has_waveform:
        state, reason = NONE, NO_WAVEFORM
    else:
        state, reason = (stored.state.value, stored.reason) if stored else (WAITING, "")
    return EcgAnalysisView(
        instance_id=shown.instance.id, study_id=shown.study.id, method=stored.method if stored else "", state=state,
        reason=reason, analysed_at=stored.at if stored else None,
        hints=[ecg_hint_view(hint) for hint in stored.hints] if stored else [],
        is_repeat_advised=bool(stored and stored.is_repeat_advised),
        measurements=_measurements(shown.numbers, correction, shown.corrected_by),
        not_measurable=content.get("not_measurable", {}), fiducials_us=content.get("fiducials_us", {}),
        corrected_fiducials_us=correction.fiducials_us if correction else None, corrected_by=shown.corrected_by,
        corrected_at=correction.at if correction else None, beats_us=content.get("beats_us", []),
        rr_ms=content.get("rr_ms", []), st_nv=content.get("st_nv", {}),
        median=EcgMedianView(**median) if median else None,
        critical_statements=list(shown.facts.critical_statements) if shown.facts else [],
        priority_hints=[priority_hint_view(hint) for hint in shown.priority_hints])


def _measurements(numbers: Mapping[str, SourcedNumber], correction: EcgCorrection | None,
                  by: str | None) -> dict[str, EcgMeasurementView]:
    def view(number: SourcedNumber) -> EcgMeasurementView:
        is_doctors = number.source is NumberSource.DOCTOR
        return EcgMeasurementView(
            value=number.value, source=number.source.value, device=number.device, gateway=number.gateway,
            doctor=number.doctor, by=by if is_doctors else None,
            at=correction.at if correction and is_doctors else None)

    return {name: view(number) for name, number in numbers.items()}


def _previous(ecg: PreviousEcg) -> EcgPreviousView:
    return EcgPreviousView(
        instance_id=ecg.instance.id, study_id=ecg.study.id, reading_id=ecg.reading_id, recorded_at=ecg.recorded_at,
        arrived_at=ecg.study.first_arrival_at, site_id=ecg.study.site_id, site=ecg.site_name,
        has_waveform=ecg.instance.has_waveform, measurements=_measurements(ecg.numbers, ecg.correction, None))


def _library() -> EcgStatementLibrary:
    known = library()
    return EcgStatementLibrary(
        version=known.version,
        groups=[EcgStatementGroupView(id=group.id, zh=group.zh, en=group.en) for group in known.groups],
        items=[EcgStatementView(id=item.id, group=item.group, zh=item.zh, en=item.en, short_code=item.short_code,
                                code=item.code, scheme=item.scheme) for item in known.items])
