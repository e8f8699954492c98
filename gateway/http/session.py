"""Log in, ask who one is, log out. The cookie is out of reach of scripts and never leaves our own pages."""

from __future__ import annotations

from aiohttp import web

from gateway.core.errors import NotAllowed
from gateway.http.auth import COOKIE, Authenticator
from gateway.http.messages import GrantView, LoginRequest, SessionView
from gateway.http.routing import Route, json_response, read_json
from gateway.services.log_in import log_in, log_out
from gateway.services.ports import Parts
from storage.model import User

DEMO_LOGIN = "demo-"
"""Logins of the demo county begin so; the screens mark them."""


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    authenticator = Authenticator(parts)

    async def begin(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, LoginRequest)
        token, user = await log_in(parts, asked.login.strip(), asked.password, address=request.remote or "")
        response = json_response(_view(parts, user))
        response.set_cookie(COOKIE, token, httponly=True, samesite="Strict", path="/", secure=request.secure,
                            max_age=parts.settings.session_hours * 3600)
        return response

    async def show(request: web.Request) -> web.StreamResponse:
        user = await authenticator.person(request)
        if user is None:
            raise NotAllowed("Nobody is logged in.", reason="login-needed")
        account = await parts.database.read(lambda tx: tx.users.get(user.id))
        return json_response(_view(parts, account or user))

    async def end(request: web.Request) -> web.StreamResponse:
        user = await authenticator.person(request)
        if user is not None:
            await log_out(parts, request.cookies[COOKIE], user.id, address=request.remote or "")
        response = web.Response(status=204)
        response.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict", secure=request.secure)
        return response

    path = "/api/session"
    return [
        Route("POST", path, begin, "Log in", is_public=True, request=LoginRequest, response=SessionView),
        Route("GET", path, show, "Who is logged in", is_public=True, response=SessionView),
        Route("DELETE", path, end, "Log out", is_public=True),
    ]


def _view(parts: Parts, user: User) -> SessionView:
    return SessionView(
        user_id=user.id, login=user.login, display_name=user.display_name, title=user.title,
        grants=[GrantView(grant.role, grant.site_id) for grant in user.grants],
        centre_name=parts.settings.centre_name, is_demo=user.login.startswith(DEMO_LOGIN),
        time_zone=parts.settings.time_zone)
