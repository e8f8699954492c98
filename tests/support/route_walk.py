"""Walk a table of routes as people and machines of one site, with the ids of another, and book every leak."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from storage.model import Role
from tests.support.two_sites import Clinic

REFUSED = {403, 404}
DONE = {200, 201, 202, 204}


@dataclass(frozen=True)
class Call:
    """How one row of the route table is called about a clinic."""

    fill: dict[str, str] = field(default_factory=dict)       # path parameter → key of the clinic's ids
    send: Callable[[Clinic], dict[str, Any]] = lambda clinic: {}
    asks: tuple[str, ...] = ("",)                            # query strings, with {keys} of the ids
    is_list: bool = False                # everybody gets an answer; it must hold nothing of the other site
    shows: str = ""                      # a list holds this id of one's own site
    by: str = ""                         # who does it at the own site; default: every role of the row
    is_for_alliance: bool = False        # only the administrator of the whole alliance may
    echoes: tuple[str, ...] = ()         # ids that the answer repeats because the caller sent them


def as_json(**fields: Any) -> Callable[[Clinic], dict[str, Any]]:
    """A body whose texts may name {ids}."""
    return lambda clinic: {"json": {name: _filled(value, clinic) for name, value in fields.items()}}


def _filled(value: Any, clinic: Clinic) -> Any:
    return value.format(**clinic.ids) if isinstance(value, str) else value


class Walk:
    """Calls rows and books what is wrong."""

    def __init__(self, web, secrets: list[str]) -> None:
        self.web = web
        self.secrets = secrets
        self.faults: list[str] = []
        self.refusals = 0
        self.successes = 0

    async def as_stranger(self, row, call: Call, about: Clinic) -> None:
        for path in paths(row, call, about):
            await self._expect({401}, self.web.stranger(), "nobody", row, path, call, about)

    async def as_people_of(self, home: Clinic, row, call: Call, about: Clinic) -> None:
        for role in Role:
            browser = self.web.logins[home.site_id, role]
            is_meant = role in row.roles
            allowed = REFUSED | ({200, 202, 204, 400, 409} if call.is_list and is_meant else set())
            for path in paths(row, call, about):
                await self._expect(allowed if is_meant else {403}, browser, f"{home.site_id} {role}", row, path, call,
                                   about)
            if is_meant and call.is_list and call.shows:
                await self._shows_own(browser, row, call, home)

    async def as_machines_of(self, home: Clinic, row, call: Call, about: Clinic) -> None:
        for scope in ("ingest", "read", "perform", "admin"):
            is_meant = scope in row.token_scopes
            allowed = REFUSED | ({200, 202, 204, 400, 409} if call.is_list and is_meant else set())
            for path in paths(row, call, about):
                await self._expect(allowed if is_meant else {403}, self.web.machines[home.site_id, scope],
                                   f"{home.site_id} token {scope}", row, path, call, about)

    async def publicly(self, home: Clinic, row) -> None:
        if row.method == "DELETE":
            return                       # it would log out whom the walk still needs; its answer has no body
        path = "/" if row.path.startswith("/{") else row.path
        browser = self.web.logins[home.site_id, Role.ADMIN]
        sent = {"json": {"login": "nobody", "password": "nothing"}} if row.method == "POST" else {}
        async with browser.request(row.method, path, **sent) as answer:
            found = leaked(await answer.read(), self.secrets, ())
            if found:
                self.faults.append(f"{row.method} {path} shows {found}")

    async def at_home(self, home: Clinic, row, call: Call) -> None:
        """Everybody whom the row admits, at their own site."""
        if call.is_for_alliance:
            callers = [("boss", self.web.boss)]
        elif call.by:
            callers = [(call.by, self.web.logins[home.site_id, Role(call.by)])]
        else:
            callers = [(role, self.web.logins[home.site_id, role]) for role in sorted(row.roles)]
        callers += [(f"token {scope}", self.web.machines[home.site_id, scope]) for scope in sorted(row.token_scopes)]
        for n, (who, browser) in enumerate(callers):
            is_repeat = n > 0 and row.method == "POST" and row.path.startswith("/api/admin")
            for path in paths(row, call, home):
                done = {200} if row.method == "GET" else DONE | ({404, 400} if is_repeat else set())
                async with browser.request(row.method, path, **call.send(home)) as answer:
                    body = await answer.read()
                    self.successes += 1
                    if answer.status not in done or (row.method == "GET" and not body):
                        self.faults.append(f"at home, {who}: {row.method} {path} → {answer.status} {body[:200]!r}")

    async def _shows_own(self, browser, row, call: Call, home: Clinic) -> None:
        own = home.ids[call.shows.lstrip("=")]
        async with browser.request(row.method, row.path) as answer:
            if own.encode() not in await answer.read():
                self.faults.append(f"{row.method} {row.path} of {home.site_id} does not hold its own {call.shows}")

    async def _expect(self, allowed: set[int], browser, who: str, row, path: str, call: Call,
                      about: Clinic) -> None:
        async with browser.request(row.method, path, allow_redirects=False, **call.send(about)) as answer:
            body, head = await answer.read(), str(answer.headers).encode()
            self.refusals += 1
            if answer.status not in allowed:
                self.faults.append(f"{who}: {row.method} {path} → {answer.status}, not {sorted(allowed)}: "
                                   f"{body[:160]!r}")
            found = leaked(body + head, self.secrets, [about.ids[key] for key in call.echoes])
            if found:
                self.faults.append(f"{who}: {row.method} {path} → {answer.status} shows {found}")


def paths(row, call: Call, about: Clinic) -> list[str]:
    """The row's path with the clinic's ids, once per query."""
    path = row.path.replace("{path:.+}", "{path}")
    for name, key in call.fill.items():
        path = path.replace("{" + name + "}", key[1:] if key.startswith("=") else about.ids[key])
    assert "{" not in path, path
    return [path + (f"?{ask.format(**about.ids)}" if ask else "") for ask in call.asks]


def leaked(body: bytes, secrets: list[str], echoes) -> list[str]:
    """The secrets that stand in the body, in any encoding that a patient's name may have."""
    return [secret for secret in secrets if secret not in echoes
            and any(secret.encode(codec, "ignore") in body for codec in ("utf-8", "gb18030")
                    if secret.encode(codec, "ignore"))]
