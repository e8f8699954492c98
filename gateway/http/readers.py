"""Readers: what each can read, and whether they are there."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from aiohttp import web

from gateway.core.errors import InvalidRequest
from gateway.http.admin import by_of
from gateway.http.messages import readers as m
from gateway.http.routing import ADMINS, READERS, Route, caller_of, json_response, person_of, read_json
from gateway.services.people.keep_profiles import Reader, drop_profile, list_readers, put_profile, say_presence
from gateway.services.ports import Parts
from storage.model import Role
from storage.model.rosters import Grade, Presence, ReaderProfile

E = TypeVar("E", bound=StrEnum)


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    async def list_all(request: web.Request) -> web.StreamResponse:
        me = person_of(request).id
        return json_response([reader_view(one, me) for one in await list_readers(parts, caller_of(request).scope)])

    async def say(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.PresenceRequest)
        presence = one_of(Presence, asked.presence)
        done = await say_presence(parts, person_of(request), presence, address=request.remote or "")
        return json_response(m.PresenceView(presence.value, len(done.readings)))

    async def set_profile(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.ReaderProfileRequest)
        kept = await put_profile(parts, ReaderProfile(
            user_id=request.match_info["user_id"], grade=one_of(Grade, asked.grade),
            modalities=tuple(asked.modalities), body_parts=tuple(asked.body_parts), reads_ecg=asked.reads_ecg,
            site_ids=tuple(asked.site_ids), max_open=asked.max_open, home_site_id=asked.home_site_id), by_of(request))
        return json_response(profile_view(kept))

    async def drop(request: web.Request) -> web.StreamResponse:
        await drop_profile(parts, request.match_info["user_id"], by_of(request))
        return web.Response(status=204)

    one = "/api/readers/{user_id}/profile"
    return [
        Route("GET", "/api/readers", list_all, "Readers of one's own sites: skills, presence, work in hand",
              roles=READERS | ADMINS, response=list[m.ReaderView]),
        Route("PUT", "/api/readers/me/presence", say, "Be there, away, or off: going off hands open work back",
              roles=READERS, request=m.PresenceRequest, response=m.PresenceView),
        Route("PUT", one, set_profile, "Say what a reader can read", roles=ADMINS, request=m.ReaderProfileRequest,
              response=m.ReaderProfileView),
        Route("DELETE", one, drop, "Restrict a reader by the grants alone", roles=ADMINS),
    ]


def one_of(kind: type[E], word: str) -> E:
    """The member of an enum. Raises InvalidRequest."""
    try:
        return kind(word)
    except ValueError as exc:
        raise InvalidRequest(f"{word[:40]!r} is not one of {', '.join(kind)}.") from exc


def profile_view(profile: ReaderProfile) -> m.ReaderProfileView:
    """A profile as sent."""
    return m.ReaderProfileView(
        grade=profile.grade, modalities=list(profile.modalities), body_parts=list(profile.body_parts),
        reads_ecg=profile.reads_ecg, site_ids=list(profile.site_ids), max_open=profile.max_open,
        home_site_id=profile.home_site_id, updated_at=profile.updated_at)


def reader_view(one: Reader, me: str) -> m.ReaderView:
    """A reader as sent."""
    said = one.presence
    return m.ReaderView(
        user_id=one.user.id, login=one.user.login, name=one.user.display_name, title=one.user.title,
        may_review=one.user.has_role(Role.REVIEWER),
        profile=profile_view(one.profile) if one.profile else None,
        presence=said.presence.value if said else "", presence_since=said.since if said else None,
        is_logged_in=one.is_logged_in, is_on_leave=one.is_on_leave, duty_groups=list(one.duty_groups),
        open_count=one.open_count, is_me=one.user.id == me)
