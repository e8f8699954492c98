"""One table of routes: who may call, what goes in and out. The app, OpenAPI and the scope test all read it.

Each room of the API has `def routes(parts: Parts) -> list[Route]`. The middleware lets nobody through who is not
named in the row; what a caller may see inside is decided by `caller.scope`, passed to every query.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from aiohttp import web

from gateway.core.errors import InvalidRequest, NotAllowed
from storage.model import Role, Scope, User

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")

PEOPLE = frozenset(Role)
READERS = frozenset({Role.READER, Role.REVIEWER})
CLINICS = frozenset({Role.CLINIC})
ADMINS = frozenset({Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table."""

    method: str
    path: str                                  # aiohttp pattern, e.g. "/api/readings/{reading_id}"
    handler: Handler
    summary: str
    roles: frozenset[Role] = frozenset()       # people with any of these roles (for some site)
    token_scopes: frozenset[str] = frozenset() # machines: "ingest", "read", "perform", "admin"
    is_public: bool = False                    # nobody needs to be known
    request: type | None = None                # body, for OpenAPI
    response: type | None = None
    query: tuple[str, ...] = ()                # names of the query parameters, for OpenAPI


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, and the sites that the row's roles open for them."""

    actor: str                                 # user id, or "token:<id>"
    address: str
    scope: Scope                               # of the roles that this route admits
    user: User | None = None
    token_site_id: str | None = None


CALLER = web.RequestKey("caller", Caller)


def caller_of(request: web.Request) -> Caller:
    """The caller that the middleware let through."""
    return request[CALLER]


def person_of(request: web.Request) -> User:
    """The logged-in person. Raises NotAllowed for a machine."""
    user = request[CALLER].user
    if user is None:
        raise NotAllowed("A person must do this.")
    return user


async def read_json(request: web.Request, kind: type[T]) -> T:
    """Decode the body into a message. Raises InvalidRequest, naming the field."""
    if request.content_type != "application/json":
        raise InvalidRequest("Send application/json.", reason="media-type")
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except msgspec.MsgspecError as exc:
        raise InvalidRequest(str(exc)) from exc


def json_response(message: object, *, status: int = 200) -> web.Response:
    """Encode a message."""
    return web.Response(body=msgspec.json.encode(message), status=status, content_type="application/json")
