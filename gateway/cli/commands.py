"""The commands that work on the store, by name; the running gateway serves the same ones on its local socket.

Each takes the parts and plain JSON arguments and returns plain JSON. Who can open the data folder may do everything,
so the scope is every site; the audit trail says "cli".
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, replace
from typing import Any, TypeVar

from gateway.cli.keeping_commands import COMMANDS as KEEPING_COMMANDS
from gateway.cli.partner_commands import PARTNER_COMMANDS
from gateway.cli.rule_commands import COMMANDS as RULES_COMMANDS
from gateway.core.errors import InvalidRequest, NotFound
from gateway.demo.county import COMMANDS as DEMO_COMMANDS
from gateway.services import administer_sites, administer_users, log_in
from gateway.services.administer_sites import By
from gateway.services.examine_health import Health
from gateway.services.examine_health import examine as examine_health
from gateway.services.ports import Parts
from gateway.services.verify_store import verify
from gateway.services.watch_certificates import Freshness, watched_certificates
from storage.interface import Transaction
from storage.model import (
    EVERYWHERE,
    AuditEntry,
    Destination,
    DestinationKind,
    Device,
    Grant,
    Role,
    Site,
    SiteKind,
    User,
    new_id,
)

T = TypeVar("T")
Command = Callable[[Parts, dict[str, Any]], Awaitable[dict[str, Any]]]

BY = By(actor="cli", address="local", scope=EVERYWHERE)
_NEW_DEVICE: dict[str, Any] = {"address": None, "modality": ""}
TOKEN_SCOPES = ("ingest", "read", "perform", "admin")


async def add_site(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    site = Site(given["id"], given["name"], given.get("name_en", ""), SiteKind(given["kind"]), given.get("phone", ""))
    return asdict(await administer_sites.add_site(parts, site, BY))


async def list_sites(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    return {"rows": [asdict(site) for site in await parts.database.read(lambda tx: tx.sites.sites(EVERYWHERE))]}


async def show_site(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    return asdict(_found(await parts.database.read(lambda tx: tx.sites.site(given["id"])), "site", given["id"]))


async def disable_site(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    def disable(tx: Transaction) -> dict[str, Any]:
        site = replace(_found(tx.sites.site(given["id"]), "site", given["id"]), is_enabled=False)
        tx.sites.update_site(site)
        _note(tx, parts, "site.disabled", site=site.id)
        return asdict(site)

    return await parts.database.write(disable)


async def add_device(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    device = Device(id=new_id(), **_NEW_DEVICE | _device_fields(given))
    return asdict(await administer_sites.add_device(parts, device, BY))


async def edit_device(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    """Change what is said and nothing else."""
    changes = _device_fields({name: value for name, value in given.items() if name != "id"})
    if not changes:
        raise InvalidRequest("Say what is to be changed; `device edit --help` lists it.")
    device = await parts.database.read(lambda tx: _device(tx, given["id"]))
    return asdict(await administer_sites.change_device(parts, replace(device, **changes), BY))


async def list_devices(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    return {"rows": [asdict(device) for device in await parts.database.read(lambda tx: tx.sites.devices(EVERYWHERE))]}


async def show_device(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    return asdict(await parts.database.read(lambda tx: _device(tx, given["id"])))


async def disable_device(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    device = await parts.database.read(lambda tx: _device(tx, given["id"]))
    return asdict(await administer_sites.change_device(parts, replace(device, is_enabled=False), BY))


async def add_user(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    grants = tuple(Grant(Role(role), site_id) for role, site_id in given["grants"])
    password = given.get("password") or secrets.token_urlsafe(12)
    user = await administer_users.add_user(parts, BY, login=given["login"], display_name=given["display_name"],
                                           password=password, grants=grants, title=given.get("title", ""))
    made = {} if given.get("password") else {"password": password}
    return {**_user_row(user), **made}


async def list_users(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    return {"rows": [_user_row(user) for user in await administer_users.list_users(parts, EVERYWHERE)]}


async def show_user(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    return _user_row(await parts.database.read(lambda tx: _user(tx, given["id"])))


async def disable_user(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    def disable(tx: Transaction) -> dict[str, Any]:
        user = _user(tx, given["id"])
        tx.users.set_enabled(user.id, False)
        _note(tx, parts, "user.disabled", user=user.id)
        return _user_row(replace(user, is_enabled=False))

    return await parts.database.write(disable)


async def add_token(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    """The token is shown this once; the store keeps its hash."""
    if given["scope"] not in TOKEN_SCOPES:
        raise InvalidRequest(f"A token's scope is one of {', '.join(TOKEN_SCOPES)}.")
    token, token_id = secrets.token_urlsafe(32), new_id()

    def add(tx: Transaction) -> None:
        _found(tx.sites.site(given["site_id"]), "site", given["site_id"])
        tx.users.add_token(token_id, token_sha256=log_in.sha256_of(token), name=given["name"],
                           site_id=given["site_id"], scope=given["scope"], at=parts.clock())
        _note(tx, parts, "token.added", token=token_id, site=given["site_id"], scope=given["scope"])

    await parts.database.write(add)
    return {"id": token_id, "site_id": given["site_id"], "scope": given["scope"], "token": token}


async def list_tokens(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    return {"rows": await parts.database.read(lambda tx: [dict(row) for row in tx.users.tokens()])}


async def show_token(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    rows: list[dict[str, Any]] = (await list_tokens(parts, given))["rows"]
    return _found(next((row for row in rows if row["id"] == given["id"]), None), "token", given["id"])


async def disable_token(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    def disable(tx: Transaction) -> None:
        if not tx.users.disable_token(given["id"]):
            raise NotFound(f"There is no token {given['id']}.")
        _note(tx, parts, "token.disabled", token=given["id"])

    await parts.database.write(disable)
    return await show_token(parts, given)


async def add_destination(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    destination = Destination(new_id(), given["site_id"], DestinationKind(given["kind"]), given["name"],
                              given.get("ae_title", ""), given.get("host", ""), given.get("port", 0),
                              asks_commitment=bool(given.get("asks_commitment")),
                              uses_tls=bool(given.get("uses_tls")),
                              certificate_sha256=given.get("certificate_sha256") or "")
    return asdict(await administer_sites.add_destination(parts, destination, BY))


async def list_destinations(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    return {"rows": [asdict(d) for d in await parts.database.read(lambda tx: tx.sites.destinations(EVERYWHERE))]}


async def show_destination(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    found = await parts.database.read(lambda tx: tx.sites.destination(given["id"]))
    return asdict(_found(found, "destination", given["id"]))


async def disable_destination(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    found = await parts.database.read(lambda tx: tx.sites.destination(given["id"]))
    disabled = replace(_found(found, "destination", given["id"]), is_enabled=False)
    return asdict(await administer_sites.change_destination(parts, disabled, BY))


async def verify_store(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    result = await verify(parts)
    return {**asdict(result), "is_sound": result.is_sound}


async def examine(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    """What is about to fail, before it does."""
    findings = [{"about": one.name, "state": one.health.value, "detail": one.detail, "advice": one.advice,
                 "until": "", "subject": "", "sha256": ""} for one in await examine_health(parts)]
    rows = [{"about": one.owner, "state": one.freshness.value, "detail": one.detail, "advice": "",
             "until": one.not_after.isoformat() if one.not_after else "", "subject": one.subject,
             "sha256": one.sha256} for one in await watched_certificates(parts)]
    is_well = (all(row["state"] == Freshness.GOOD.value for row in rows)
               and not any(finding["state"] == Health.BAD.value for finding in findings))
    return {"rows": findings + rows, "is_well": is_well}


COMMANDS: Mapping[str, Command] = {
    "site add": add_site, "site list": list_sites, "site show": show_site, "site disable": disable_site,
    "device add": add_device, "device edit": edit_device, "device list": list_devices, "device show": show_device,
    "device disable": disable_device,
    "user add": add_user, "user list": list_users, "user show": show_user, "user disable": disable_user,
    "token add": add_token, "token list": list_tokens, "token show": show_token, "token disable": disable_token,
    "destination add": add_destination, "destination list": list_destinations,
    "destination show": show_destination, "destination disable": disable_destination,
    "verify": verify_store, "doctor": examine, **KEEPING_COMMANDS, **PARTNER_COMMANDS, **RULES_COMMANDS,
    **DEMO_COMMANDS,
}


def _found(thing: T | None, kind: str, name: str) -> T:
    if thing is None:
        raise NotFound(f"There is no {kind} {name}.")
    return thing


def _device_fields(given: dict[str, Any]) -> dict[str, Any]:
    """A quiet period of 0 is none of its own."""
    return given | ({"quiet_period_s": given["quiet_period_s"] or None} if "quiet_period_s" in given else {})


def _device(tx: Transaction, name: str) -> Device:
    """By id, or by AE title where only one device has it."""
    same = [device for device in tx.sites.devices(EVERYWHERE) if name in (device.id, device.ae_title)]
    return _found(same[0] if len(same) == 1 else None, "device (by id, or by an AE title of its own)", name)


def _user(tx: Transaction, name: str) -> User:
    found = tx.users.find_login(name)
    return found[0] if found is not None else _found(tx.users.get(name), "user", name)


def _user_row(user: User) -> dict[str, Any]:
    return {"id": user.id, "login": user.login, "display_name": user.display_name, "title": user.title,
            "grants": ", ".join(f"{g.role}@{g.site_id or 'all'}" for g in user.grants), "is_enabled": user.is_enabled}


def _note(tx: Transaction, parts: Parts, action: str, **detail: Any) -> None:
    tx.audit.append(AuditEntry(parts.clock(), BY.actor, action, address=BY.address, detail=detail))
