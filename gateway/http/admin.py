"""The administrator's desk: sites, who is knocking, destinations, accounts and rules.

What went wrong and what happened (quarantine, alarms, deliveries, audit) is in admin_watch.py.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from aiohttp import web

from gateway import __version__
from gateway.core.errors import InvalidRequest
from gateway.http.devices import device_view
from gateway.http.messages import GrantView
from gateway.http.messages import admin as m
from gateway.http.messages.devices import DeviceView
from gateway.http.routing import ADMINS, Handler, Route, caller_of, json_response, person_of, read_json
from gateway.services.accept_device import accept_device
from gateway.services.activate_rules import activate_rules
from gateway.services.administer_sites import (
    By,
    add_destination,
    add_site,
    change_destination,
    change_site,
    dismiss_knock,
    require_alliance,
)
from gateway.services.administer_users import add_user, list_users
from gateway.services.ports import Parts
from gateway.services.show_rules import rules_in_force
from gateway.services.watch_space import measure
from storage.model import (
    INBOX_SITE_ID,
    Destination,
    DestinationKind,
    Grant,
    Knock,
    Role,
    Site,
    SiteKind,
    User,
    new_id,
)

E = TypeVar("E", bound=StrEnum)

YAML_TYPES = ("text/yaml", "application/yaml", "application/x-yaml", "text/plain")


def routes(parts: Parts, *, dicom_address: str = "") -> list[Route]:
    """The rows of this file."""
    return [*_overview(parts, dicom_address), *_sites(parts), *_knocks(parts),
            *_destinations(parts), *_users(parts), *_rules(parts)]


def by_of(request: web.Request) -> By:
    """The caller as the one who changes something."""
    caller = caller_of(request)
    return By(caller.actor, caller.address, caller.scope)


def _overview(parts: Parts, dicom_address: str) -> list[Route]:
    async def show(request: web.Request) -> web.StreamResponse:
        scope = caller_of(request).scope
        counts = await parts.database.read(lambda tx: tx.worklists.counts(scope))
        objects, object_bytes = (await parts.database.read(lambda tx: tx.objects.total())
                                 if scope.site_ids is None else (0, 0))
        space = await measure(parts)
        return json_response(m.Overview(
            sites=counts.sites, devices=counts.devices, studies=counts.studies, objects=objects,
            object_bytes=object_bytes, free_bytes=space.free_bytes,
            days_left=space.days_left, space_level=space.level, waiting_readings=counts.waiting_readings,
            waiting_deliveries=counts.waiting_deliveries, quarantined=counts.quarantined,
            open_alarms=counts.open_alarms, knocks=counts.knocks, dicom_address=dicom_address,
            ae_title=parts.settings.ae_title, version=__version__))

    return [_row("GET", "overview", show, "Numbers at a glance", response=m.Overview)]


def _sites(parts: Parts) -> list[Route]:
    async def list_all(request: web.Request) -> web.StreamResponse:
        sites = await parts.database.read(lambda tx: tx.sites.sites(caller_of(request).scope))
        return json_response([_site_view(site) for site in sites])

    async def add(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.SiteView)
        return json_response(_site_view(await add_site(parts, _site(asked.id, asked), by_of(request))), status=201)

    async def change(request: web.Request) -> web.StreamResponse:
        site = _site(request.match_info["site_id"], await read_json(request, m.SiteView))
        return json_response(_site_view(await change_site(parts, site, by_of(request))))

    return [_row("GET", "sites", list_all, "Sites", response=list[m.SiteView]),
            _row("POST", "sites", add, "Add a site", request=m.SiteView, response=m.SiteView),
            _row("PUT", "sites/{site_id}", change, "Change a site; its id and kind stay", request=m.SiteView,
                 response=m.SiteView)]


def _knocks(parts: Parts) -> list[Route]:
    async def list_all(request: web.Request) -> web.StreamResponse:
        require_alliance(caller_of(request).scope)       # an unknown caller belongs to no site yet
        knocks, sent = await parts.database.read(lambda tx: (tx.sites.knocks(), tx.site_moves.inbox_counts()))
        return json_response([_knock_view(knock, sent.get((knock.ae_title, knock.address), 0)) for knock in knocks])

    async def accept(request: web.Request) -> web.StreamResponse:
        caller = caller_of(request)
        require_alliance(caller.scope)
        asked = await read_json(request, m.AcceptKnockRequest)
        device = await accept_device(
            parts, person_of(request), request.match_info["knock_id"], site_id=asked.site_id, name=asked.name,
            modality=asked.modality, is_any_address=asked.is_any_address, address=caller.address)
        return json_response(device_view(device), status=201)

    async def dismiss(request: web.Request) -> web.StreamResponse:
        await dismiss_knock(parts, request.match_info["knock_id"], by_of(request))
        return web.Response(status=204)

    return [
        _row("GET", "knocks", list_all, "Unregistered callers that tried to send", response=list[m.KnockView]),
        _row("POST", "knocks/{knock_id}/accept", accept, "Register the caller as a device",
             request=m.AcceptKnockRequest, response=DeviceView),
        _row("POST", "knocks/{knock_id}/dismiss", dismiss, "Nobody knows this caller"),
    ]


def _destinations(parts: Parts) -> list[Route]:
    async def list_all(request: web.Request) -> web.StreamResponse:
        found = await parts.database.read(lambda tx: tx.sites.destinations(caller_of(request).scope))
        return json_response([_destination_view(destination) for destination in found
                              if destination.site_id != INBOX_SITE_ID])

    async def add(request: web.Request) -> web.StreamResponse:
        destination = _destination(new_id(), await read_json(request, m.DestinationRequest))
        added = await add_destination(parts, destination, by_of(request))
        return json_response(_destination_view(added), status=201)

    async def change(request: web.Request) -> web.StreamResponse:
        destination = _destination(request.match_info["destination_id"],
                                   await read_json(request, m.DestinationRequest))
        return json_response(_destination_view(await change_destination(parts, destination, by_of(request))))

    return [
        _row("GET", "destinations", list_all, "Where reports go", response=list[m.DestinationView]),
        _row("POST", "destinations", add, "Add a destination", request=m.DestinationRequest,
             response=m.DestinationView),
        _row("PUT", "destinations/{destination_id}", change, "Change a destination; its site and kind stay",
             request=m.DestinationRequest, response=m.DestinationView),
    ]


def _users(parts: Parts) -> list[Route]:
    async def list_all(request: web.Request) -> web.StreamResponse:
        return json_response([_user_view(user) for user in await list_users(parts, caller_of(request).scope)])

    async def add(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.UserRequest)
        grants = tuple(Grant(_one_of(Role, grant.role), grant.site_id) for grant in asked.grants)
        user = await add_user(parts, by_of(request), login=asked.login, display_name=asked.display_name,
                              password=asked.password, grants=grants, title=asked.title)
        return json_response(_user_view(user), status=201)

    return [_row("GET", "users", list_all, "Accounts", response=list[m.UserView]),
            _row("POST", "users", add, "Add an account", request=m.UserRequest, response=m.UserView)]


def _rules(parts: Parts) -> list[Route]:
    async def show(request: web.Request) -> web.StreamResponse:
        require_alliance(caller_of(request).scope)
        return json_response(await _rules_view(parts))

    async def activate(request: web.Request) -> web.StreamResponse:
        caller = caller_of(request)
        require_alliance(caller.scope)
        if request.content_type not in YAML_TYPES:
            raise InvalidRequest("Send the rule set as text/yaml.", reason="media-type")
        try:
            source = (await request.read()).decode("utf-8")
        except UnicodeDecodeError as exc:
            raise InvalidRequest("A rule set is UTF-8 text.") from exc
        version = await activate_rules(parts, source, by=caller.actor, address=caller.address, person=caller.user)
        view = await _rules_view(parts)
        return json_response(view, status=201 if view.version == version else 202)      # 202: it waits for approval

    return [_row("GET", "rules", show, "The rule set in force", response=m.RuleSetView),
            _row("POST", "rules", activate, "Check a rule set (YAML) and put it in force", response=m.RuleSetView)]


async def _rules_view(parts: Parts) -> m.RuleSetView:
    found = await rules_in_force(parts)
    return m.RuleSetView(version=found.version, activated_at=found.activated_at, activated_by=found.activated_by,
                         source=found.source)


def _row(method: str, path: str, handler: Handler, summary: str, *, request: type | None = None,
         response: type | None = None) -> Route:
    return Route(method, f"/api/admin/{path}", handler, summary, roles=ADMINS, request=request, response=response)


def _one_of(kind: type[E], word: str) -> E:
    try:
        return kind(word)
    except ValueError as exc:
        raise InvalidRequest(f"{word[:40]!r} is not one of {', '.join(kind)}.") from exc


def _site(site_id: str, asked: m.SiteView) -> Site:
    return Site(site_id, asked.name, asked.name_en, _one_of(SiteKind, asked.kind), asked.phone, asked.is_enabled,
                asked.tier, asked.distance_km, asked.link_class)


def _site_view(site: Site) -> m.SiteView:
    return m.SiteView(site.id, site.name, site.name_en, site.kind, site.phone, site.is_enabled, site.tier,
                      site.distance_km, site.link_class)


def _knock_view(knock: Knock, inbox_studies: int) -> m.KnockView:
    return m.KnockView(knock.id, knock.ae_title, knock.address, knock.first_at, knock.last_at, knock.count,
                       inbox_studies)


def _destination(destination_id: str, asked: m.DestinationRequest) -> Destination:
    return Destination(destination_id, asked.site_id, _one_of(DestinationKind, asked.kind), asked.name,
                       asked.ae_title.strip(), asked.host.strip(), asked.port, asked.is_enabled,
                       asked.asks_commitment, asked.uses_tls, asked.certificate_sha256)


def _destination_view(destination: Destination) -> m.DestinationView:
    return m.DestinationView(destination.id, destination.site_id, destination.kind, destination.name,
                             destination.ae_title, destination.host, destination.port, destination.is_enabled,
                             destination.asks_commitment, destination.uses_tls, destination.certificate_sha256)


def _user_view(user: User) -> m.UserView:
    return m.UserView(user.id, user.login, user.display_name, user.title,
                      [GrantView(grant.role, grant.site_id) for grant in user.grants], user.is_enabled)
