"""Who is asking? A person by session cookie, a machine by bearer token; the route's row says who may.

What the caller may see follows from the roles that the row admits: a clinic technician at one site who reads at
another sees through a readers' route only what the readers' role opens.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial

from aiohttp import web

from gateway.core.errors import NotAllowed
from gateway.http.routing import Caller, Route
from gateway.services.log_in import keep_session, sha256_of
from gateway.services.ports import Parts
from gateway.services.recognise_caller import Machine, recognise_machine, recognise_person
from gateway.services.short_memory import ShortMemory
from storage.model import User

COOKIE = "rg_session"


class Authenticator:
    """Knows the caller of a request; held by the app."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._kept: dict[str, datetime] = {}
        self._people: ShortMemory[User] = ShortMemory(places=1000)
        self._machines: ShortMemory[Machine] = ShortMemory(places=1000)

    async def caller(self, request: web.Request, row: Route) -> Caller:
        """Return the caller if the row admits them. Raises NotAllowed: "login-needed", "bad-token", "not-allowed"."""
        authorization = request.headers.get("Authorization", "")
        if authorization:
            return await self._machine(request, row, authorization)
        user = await self._person_again(request) if _is_retrieval(request) else await self.person(request)
        if user is None:
            raise NotAllowed("Log in first.", reason="login-needed")
        if not any(user.has_role(role) for role in row.roles):
            raise NotAllowed("Your role does not allow this.")
        await self._keep(request.cookies[COOKIE])
        return Caller(actor=user.id, address=request.remote or "", scope=user.scope(*row.roles), user=user)

    async def person(self, request: web.Request) -> User | None:
        """The account behind the cookie, if its session is alive; does not prolong it."""
        token = request.cookies.get(COOKIE, "")
        return await recognise_person(self._parts, token) if token else None

    async def _person_again(self, request: web.Request) -> User | None:
        """The same for somebody who asked a moment ago."""
        key, now = sha256_of(request.cookies.get(COOKIE, "")), self._parts.clock()
        user = self._people.get(key, now=now)
        if user is None and (user := await self.person(request)) is not None:
            self._people.put(key, user, looked_up=now)
        return user

    async def _machine_again(self, token: str) -> Machine | None:
        key, now = sha256_of(token), self._parts.clock()
        machine = self._machines.get(key, now=now)
        if machine is None and (machine := await recognise_machine(self._parts, token)) is not None:
            self._machines.put(key, machine, looked_up=now)
        return machine

    async def _machine(self, request: web.Request, row: Route, authorization: str) -> Caller:
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token:
            raise NotAllowed("Use Authorization: Bearer.", reason="bad-token")
        recognise = self._machine_again if _is_retrieval(request) else partial(recognise_machine, self._parts)
        machine = await recognise(token.strip())
        if machine is None:
            raise NotAllowed("This token is not known.", reason="bad-token")
        if machine.token_scope not in row.token_scopes:
            raise NotAllowed("This token is not made for that.", reason="token-scope")
        return Caller(actor=f"token:{machine.token_id}", address=request.remote or "", scope=machine.scope,
                      token_site_id=machine.site_id)

    async def _keep(self, token: str) -> None:
        """Move the idle limit, but write it at most once in a twentieth of it: reading a list costs no commit."""
        now = self._parts.clock()
        pause = timedelta(minutes=self._parts.settings.session_idle_minutes) / 20
        key = sha256_of(token)
        last = self._kept.get(key)
        if last is not None and now - last < pause:
            return
        self._kept = {k: at for k, at in self._kept.items() if now - at < pause}
        self._kept[key] = now
        # Shielded: a browser that hangs up in the middle must not leave a half-awaited write.
        await asyncio.shield(keep_session(self._parts, token))


def _is_retrieval(request: web.Request) -> bool:
    """Frames and metadata are fetched by the hundred: a caller is believed for a second (`ShortMemory`)."""
    return request.method == "GET" and request.path.startswith("/dicom-web/")
