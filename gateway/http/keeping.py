"""Keeping, for administrators: the room that is left, checks and second copies, retention, holds, deletions.

What concerns the whole store is shown to administrators of the whole alliance; studies, holds and deletions to those
of their sites. There is no other way to delete anything, and none for anybody else.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from gateway.core.errors import InvalidRequest
from gateway.core.retention import LEGAL_YEARS
from gateway.http import asking
from gateway.http.admin import by_of
from gateway.http.messages import ReasonRequest
from gateway.http.messages import keeping as m
from gateway.http.routing import ADMINS, Route, caller_of, json_response, person_of, read_json
from gateway.http.views import patient_view
from gateway.services.administer_sites import require_alliance
from gateway.services.delete_study import approve_deletion, ask_deletion, withdraw_deletion
from gateway.services.hold_study import manifest_of, place_hold, release_hold
from gateway.services.ports import Parts
from gateway.services.retention import Standing, find_standings, lengthen, record_visit, rules_in_force
from gateway.services.second_copy import problem_of
from gateway.services.watch_space import Space, measure
from storage.model import EVERYWHERE, CareClass, CareCounts, Deletion, LegalHold

_DESK = "/api/admin/keeping"
_STUDY = _DESK + "/studies/{study_id}"


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    return [*_store(parts), *_studies(parts), *_holds(parts), *_deletions(parts)]


def _store(parts: Parts) -> list[Route]:
    async def show(request: web.Request) -> web.StreamResponse:
        require_alliance(caller_of(request).scope)
        space = await measure(parts)
        counts, bad, problem = await parts.database.read(
            lambda tx: (tx.object_care.counts(), tx.object_care.bad(), problem_of(tx)))
        return json_response(m.KeepingView(
            space=_space_view(parts, space), checks=_checks_view(parts, counts),
            copies=await _copies_view(parts, counts, problem),
            bad_objects=[m.BadObjectView(c.sha256, c.size_bytes, c.state, c.checked_at) for c in bad],
            rules=_rule_views(await rules_in_force(parts)), deletion_wait_days=parts.settings.deletion_wait_days))

    async def set_rule(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.RetentionRuleRequest)
        care_class = _care_class(request.match_info["care_class"])
        return json_response(_rule_views(await lengthen(parts, care_class, asked.years, by_of(request))))

    return [
        Route("GET", _DESK, show, "Room, checks, second copies and periods", roles=ADMINS, response=m.KeepingView),
        Route("PUT", _DESK + "/rules/{care_class}", set_rule, "Lengthen a retention period", roles=ADMINS,
              request=m.RetentionRuleRequest, response=list[m.RetentionRuleView]),
    ]


def _studies(parts: Parts) -> list[Route]:
    async def find(request: web.Request) -> web.StreamResponse:
        found = await find_standings(parts, caller_of(request).scope, asking.text(request, "q"))
        return json_response([_standing_view(standing) for standing in found])

    async def visit(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.VisitRequest)
        if asked.ended_at is not None and asked.ended_at.tzinfo is None:
            raise InvalidRequest("ended_at: a time with its zone is meant.")
        standing = await record_visit(parts, request.match_info["study_id"], _care_class(asked.care_class),
                                      asked.ended_at, by_of(request))
        return json_response(_standing_view(standing))

    return [
        Route("GET", _DESK + "/studies", find, "Studies and until when they are kept; without words the oldest",
              roles=ADMINS, response=list[m.StandingView], query=("q",)),
        Route("PUT", _STUDY + "/visit", visit, "Say the class of a study's visit, and when it ended", roles=ADMINS,
              request=m.VisitRequest, response=m.StandingView),
    ]


def _holds(parts: Parts) -> list[Route]:
    async def list_all(request: web.Request) -> web.StreamResponse:
        holds = await parts.database.read(lambda tx: tx.keeping.holds(
            caller_of(request).scope, include_released=asking.flag(request, "released")))
        return json_response(await _hold_views(parts, holds))

    async def place(request: web.Request) -> web.StreamResponse:
        person_of(request)
        asked = await read_json(request, m.HoldRequest)
        hold = await place_hold(parts, request.match_info["study_id"], reason=asked.reason,
                                demanded_by=asked.demanded_by, by=by_of(request))
        return json_response((await _hold_views(parts, [hold]))[0], status=201)

    async def release(request: web.Request) -> web.StreamResponse:
        person_of(request)
        asked = await read_json(request, ReasonRequest)
        hold = await release_hold(parts, request.match_info["hold_id"], reason=asked.reason, by=by_of(request))
        return json_response((await _hold_views(parts, [hold]))[0])

    async def manifest(request: web.Request) -> web.StreamResponse:
        hold = await manifest_of(parts, request.match_info["hold_id"], by_of(request))
        return web.Response(body=hold.manifest.encode(), content_type="application/json", headers={
            "Content-Disposition": f'attachment; filename="seal-{hold.id}.json"'})

    return [
        Route("GET", _DESK + "/holds", list_all, "Sealed studies", roles=ADMINS, response=list[m.HoldView],
              query=("released",)),
        Route("POST", _STUDY + "/holds", place, "Seal a study", roles=ADMINS, request=m.HoldRequest,
              response=m.HoldView),
        Route("POST", _DESK + "/holds/{hold_id}/release", release, "End a hold", roles=ADMINS, request=ReasonRequest,
              response=m.HoldView),
        Route("GET", _DESK + "/holds/{hold_id}/manifest", manifest, "What was sealed, by hash", roles=ADMINS),
    ]


def _deletions(parts: Parts) -> list[Route]:
    async def list_all(request: web.Request) -> web.StreamResponse:
        found = await parts.database.read(lambda tx: tx.keeping.deletions(caller_of(request).scope))
        return json_response(await _deletion_views(parts, found))

    async def ask(request: web.Request) -> web.StreamResponse:
        person, asked = person_of(request), await read_json(request, ReasonRequest)
        deletion = await ask_deletion(parts, request.match_info["study_id"], reason=asked.reason, person=person,
                                      by=by_of(request))
        return json_response((await _deletion_views(parts, [deletion]))[0], status=201)

    async def approve(request: web.Request) -> web.StreamResponse:
        deletion = await approve_deletion(parts, request.match_info["deletion_id"], person=person_of(request),
                                          by=by_of(request))
        return json_response((await _deletion_views(parts, [deletion]))[0])

    async def withdraw(request: web.Request) -> web.StreamResponse:
        person_of(request)
        asked = await read_json(request, ReasonRequest)
        deletion = await withdraw_deletion(parts, request.match_info["deletion_id"], reason=asked.reason,
                                           by=by_of(request))
        return json_response((await _deletion_views(parts, [deletion]))[0])

    return [
        Route("GET", _DESK + "/deletions", list_all, "Deletions asked for, waiting and done", roles=ADMINS,
              response=list[m.DeletionView]),
        Route("POST", _STUDY + "/deletion", ask, "Ask for the deletion of a study", roles=ADMINS,
              request=ReasonRequest, response=m.DeletionView),
        Route("POST", _DESK + "/deletions/{deletion_id}/approve", approve,
              "Agree to a deletion that another administrator asked for", roles=ADMINS, response=m.DeletionView),
        Route("POST", _DESK + "/deletions/{deletion_id}/withdraw", withdraw, "Take a deletion back", roles=ADMINS,
              request=ReasonRequest, response=m.DeletionView),
    ]


def _care_class(word: str) -> CareClass:
    try:
        return CareClass(word)
    except ValueError as exc:
        raise InvalidRequest(f"care_class: one of {', '.join(CareClass)} is meant.") from exc


def _rule_views(years: dict[CareClass, int]) -> list[m.RetentionRuleView]:
    return [m.RetentionRuleView(care_class, count, LEGAL_YEARS[care_class]) for care_class, count in years.items()]


def _space_view(parts: Parts, space: Space) -> m.SpaceView:
    intake = space.intake
    return m.SpaceView(
        space.level, space.free_bytes, space.reserve_bytes, space.quota_bytes, space.kept_objects, space.kept_bytes,
        space.room_bytes, intake.bytes_a_day if intake else None, intake.days if intake else 0, space.days_left,
        space.today_bytes, parts.settings.space_warning_bytes, parts.settings.space_warning_days)


def _checks_view(parts: Parts, counts: CareCounts) -> m.ChecksView:
    return m.ChecksView(counts.objects, counts.unchecked, counts.damaged, counts.missing, counts.oldest_check_at,
                        parts.settings.scrub_mb_per_s, parts.settings.scrub_days)


async def _copies_view(parts: Parts, counts: CareCounts, problem: str) -> m.CopiesView:
    second = parts.second_copy
    if second is None:
        return m.CopiesView("", False, 0, 0, 0, None, "")
    is_same = await asyncio.to_thread(second.is_on_the_disk_of, parts.settings.data_dir)
    return m.CopiesView(second.address, is_same, counts.copies_waiting, counts.copies_waiting_bytes,
                        counts.copies_failing, counts.oldest_waiting_at, problem)


def _standing_view(standing: Standing) -> m.StandingView:
    study, retention = standing.study, standing.retention
    return m.StandingView(
        study_id=study.id, study_instance_uid=study.study_instance_uid, site_id=study.site_id,
        patient=patient_view(study.patient), modality=study.modality, description=study.description,
        instance_count=study.instance_count, last_arrival_at=study.last_arrival_at,
        care_class=retention.care_class, years=retention.years, counted_from=retention.counted_from,
        retain_until=retention.retain_until, holds=len(standing.holds), obstacles=standing.obstacles,
        deletion_state=standing.deletion.state if standing.deletion else "")


async def _hold_views(parts: Parts, holds: list[LegalHold]) -> list[m.HoldView]:
    names = await _names(parts, [by for hold in holds for by in (hold.placed_by, hold.released_by)])
    uids = await _uids(parts, [hold.study_id for hold in holds])
    return [m.HoldView(hold.id, hold.study_id, uids.get(hold.study_id, ""), hold.site_id, hold.reason,
                       hold.demanded_by, names[hold.placed_by], hold.placed_at, hold.manifest_sha256,
                       hold.released_at, names[hold.released_by], hold.release_reason) for hold in holds]


async def _deletion_views(parts: Parts, deletions: list[Deletion]) -> list[m.DeletionView]:
    names = await _names(parts, [by for d in deletions for by in (d.asked_by, d.approved_by)])
    return [m.DeletionView(
        d.id, d.study_id, d.study_instance_uid, d.site_id, d.state, d.reason, d.retain_until, d.asked_by,
        names[d.asked_by], d.asked_at, names[d.approved_by], d.approved_at, d.due_at, d.done_at, d.note, d.objects,
        d.size_bytes) for d in deletions]


async def _names(parts: Parts, user_ids: list[str | None]) -> dict[str | None, str]:
    """The people's names; an actor who is no person ("cli") keeps his word."""
    ids = {user_id for user_id in user_ids if user_id}
    users = await parts.database.read(lambda tx: {user_id: tx.users.get(user_id) for user_id in ids})
    return {None: "", **{user_id: user.display_name if user else user_id for user_id, user in users.items()}}


async def _uids(parts: Parts, study_ids: list[str]) -> dict[str, str]:
    """Study Instance UIDs of those that are still here."""
    studies = await parts.database.read(lambda tx: [tx.studies.get(study_id, EVERYWHERE) for study_id in study_ids])
    return {study.id: study.study_instance_uid for study in studies if study is not None}
