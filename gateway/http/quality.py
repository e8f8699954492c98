"""The quality of pictures: readers grade and reject, clinics answer requests for a retake, heads see the figures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.core.errors import InvalidRequest
from gateway.core.quality import Judgement
from gateway.core.quality_figures import Per
from gateway.http import asking
from gateway.http.messages import ReasonRequest
from gateway.http.messages import quality as m
from gateway.http.quality_views import (
    figures_csv,
    figures_view,
    grade_view,
    quality_view,
    retake_view,
)
from gateway.http.routing import (
    ADMINS,
    CLINICS,
    READERS,
    Route,
    caller_of,
    json_response,
    person_of,
    read_json,
)
from gateway.services.ports import Parts
from gateway.services.quality.answer_retake import (
    decline_retake,
    schedule_retake,
    see_retake,
    withdraw_retake,
)
from gateway.services.quality.ask_retake import Rejection, ask_retake, reject_image
from gateway.services.quality.count_quality import Figures, count_quality
from gateway.services.quality.grade_study import grade_study
from gateway.services.quality.show_quality import list_retakes, show_picture, show_quality
from storage.model import Role
from storage.model.quality import Grade, GradedLevel, Retake

_STUDY = "/api/quality/studies/{study_id}"
_RETAKE = "/api/quality/retakes/{retake_id}"
_EVERYBODY = READERS | CLINICS | ADMINS
_HEADS = ADMINS | frozenset({Role.REVIEWER})
_PER = ("per", "from", "to")


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    return [*_judging(parts), *_retakes(parts), *_figures(parts)]


def _judging(parts: Parts) -> list[Route]:
    async def show(request: web.Request) -> web.StreamResponse:
        return json_response(quality_view(
            await show_quality(parts, caller_of(request).scope, request.match_info["study_id"])))

    async def grade(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.GradeRequest)
        said = Judgement(_level(asked.level), asked.target_id, _grade(asked.grade), asked.frame,
                         tuple(asked.reasons), asked.note)
        await grade_study(parts, person_of(request), request.match_info["study_id"], said, revision=asked.revision,
                          address=request.remote or "")
        return await show(request)

    async def reject(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.RejectionRequest)
        marks = tuple({"shape": mark.shape, "points": mark.points, "text": mark.text} for mark in asked.marks)
        said = Judgement(_level(asked.level), asked.target_id, Grade.REJECTED, asked.frame, tuple(asked.reasons),
                         asked.note, marks)
        done = await reject_image(
            parts, person_of(request), request.match_info["study_id"],
            Rejection(said, asked.picture, asked.is_sent_back, asked.asks_retake), revision=asked.revision,
            address=request.remote or "")
        return json_response(m.RejectionView(
            grade=grade_view(done.grade, {}), retake_id=done.retake.id if done.retake else None,
            accession_number=done.order.accession_number if done.order else ""))

    async def ask(request: web.Request) -> web.StreamResponse:
        retake = await ask_retake(parts, person_of(request), request.match_info["grade_id"],
                                  address=request.remote or "")
        return json_response(m.AskedView(retake_id=retake.id))

    async def picture(request: web.Request) -> web.StreamResponse:
        caller = caller_of(request)
        data = await show_picture(parts, caller.scope, request.match_info["grade_id"], actor=caller.actor,
                                  address=caller.address)
        return web.Response(body=data, content_type="image/png", headers={"Cache-Control": "private, no-store"})

    return [
        Route("GET", _STUDY, show, "Grades of a study, requests to take it again, and what may be said of it",
              roles=_EVERYBODY, response=m.QualityView),
        Route("POST", _STUDY + "/grades", grade, "Grade the study, a series or an image", roles=READERS,
              request=m.GradeRequest, response=m.QualityView),
        Route("POST", _STUDY + "/rejections", reject, "Reject a picture, with marks on it, and ask for a retake",
              roles=READERS, request=m.RejectionRequest, response=m.RejectionView),
        Route("POST", "/api/quality/grades/{grade_id}/retake", ask, "Ask for a retake of what was rejected before",
              roles=READERS, response=m.AskedView),
        Route("GET", "/api/quality/grades/{grade_id}/picture", picture, "The marked picture of a rejection (PNG)",
              roles=_EVERYBODY),
    ]


def _retakes(parts: Parts) -> list[Route]:
    async def list_all(request: web.Request) -> web.StreamResponse:
        shown, names = await list_retakes(parts, caller_of(request).scope,
                                          is_with_settled=asking.flag(request, "settled"))
        return json_response(m.RetakeList(items=[retake_view(one, names) for one in shown]))

    async def see(request: web.Request) -> web.StreamResponse:
        return _answered(await see_retake(parts, person_of(request), request.match_info["retake_id"],
                                          address=request.remote or ""))

    async def schedule(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.ScheduleRequest)
        if asked.on is not None and asked.on.tzinfo is None:
            raise InvalidRequest("on: a time with its zone is meant.", reason="time")
        return _answered(await schedule_retake(parts, person_of(request), request.match_info["retake_id"],
                                               on=asked.on, address=request.remote or ""))

    def giving_up(act: Callable[..., Awaitable[Retake]]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            asked = await read_json(request, ReasonRequest)
            return _answered(await act(parts, person_of(request), request.match_info["retake_id"], asked.reason,
                                       address=request.remote or ""))

        return answer

    return [
        Route("GET", "/api/quality/retakes", list_all, "What clinics are asked to take again", roles=_EVERYBODY,
              response=m.RetakeList, query=("settled",)),
        Route("POST", _RETAKE + "/seen", see, "The clinic has read it", roles=CLINICS, response=m.AskedView),
        Route("POST", _RETAKE + "/schedule", schedule, "The clinic will repeat it", roles=CLINICS,
              request=m.ScheduleRequest, response=m.AskedView),
        Route("POST", _RETAKE + "/decline", giving_up(decline_retake), "The clinic cannot, with a reason",
              roles=CLINICS, request=ReasonRequest, response=m.AskedView),
        Route("POST", _RETAKE + "/withdraw", giving_up(withdraw_retake), "A reader needs it no longer", roles=READERS,
              request=ReasonRequest, response=m.AskedView),
    ]


def _figures(parts: Parts) -> list[Route]:
    async def figures_of(request: web.Request) -> tuple[Per, Figures]:
        per = asking.choice(request, "per", Per) or Per.DEVICE
        return per, await count_quality(parts, caller_of(request).scope, per, first=asking.text(request, "from"),
                                        last=asking.text(request, "to"))

    async def show(request: web.Request) -> web.StreamResponse:
        return json_response(figures_view(*await figures_of(request)))

    async def as_csv(request: web.Request) -> web.StreamResponse:
        per, figures = await figures_of(request)
        name = f"quality-{per}-{figures.months[0]}-{figures.months[-1]}.csv"
        return web.Response(body=figures_csv(per, figures), content_type="text/csv", charset="utf-8",
                            headers={"Content-Disposition": f'attachment; filename="{name}"'})

    return [
        Route("GET", "/api/quality/figures", show, "Grades, rejections and retakes by device or person and month",
              roles=_HEADS, response=m.QualityFigures, query=_PER),
        Route("GET", "/api/quality/figures.csv", as_csv, "The same for a spreadsheet", roles=_HEADS, query=_PER),
    ]


def _answered(retake: Retake) -> web.Response:
    return json_response(m.AskedView(retake_id=retake.id, state=retake.state))


def _grade(word: str) -> Grade:
    try:
        return Grade(word)
    except ValueError as exc:
        raise InvalidRequest(f"grade: one of {', '.join(Grade)} is meant.", reason="grade") from exc


def _level(word: str) -> GradedLevel:
    try:
        return GradedLevel(word)
    except ValueError as exc:
        raise InvalidRequest(f"level: one of {', '.join(GradedLevel)} is meant.", reason="subject") from exc
