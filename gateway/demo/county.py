"""The demo county: sites, devices, destinations, people and rules, each plainly marked as demo.

Made through the same services as an administrator's own. Running it again changes nothing that is there; passwords
are random, and returned only when they were made now (J1: there is no default password).
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from gateway.core.errors import NotFound
from gateway.services.activate_rules import activate_rules, packaged_rules
from gateway.services.administer_sites import By, add_destination, add_device, add_site
from gateway.services.log_in import make_user, set_password, sha256_of
from gateway.services.people.keep_agreements import add_agreement
from gateway.services.ports import Parts
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
    new_id,
)
from storage.model.rosters import SiteAgreement

ACTOR = "cli"
_BY = By(ACTOR, "", EVERYWHERE)
_CART = "demo-cart"
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"        # none that look alike

SITES = (
    Site("demo-centre", "演示县医院远程阅片中心", "Demo county hospital", SiteKind.CENTRE),
    Site("demo-east", "演示羊昌卫生院", "Demo clinic Yangchang", SiteKind.TOWNSHIP, phone="000-0000001"),
    Site("demo-west", "演示河口卫生院", "Demo clinic Hekou", SiteKind.TOWNSHIP, phone="000-0000002"),
)


@dataclass(frozen=True, slots=True)
class DemoDevice:
    """A modality that the players act as."""

    ae_title: str
    site_id: str
    name: str
    modality: str


EAST_DR = DemoDevice("DEMO_DR_E", "demo-east", "演示DR", "DX")
EAST_CT = DemoDevice("DEMO_CT_E", "demo-east", "演示CT", "CT")
WEST_DR = DemoDevice("DEMO_DR_W", "demo-west", "演示DR", "DX")
WEST_ECG = DemoDevice("DEMO_ECG_W", "demo-west", "演示心电图机", "ECG")
DEVICES = (EAST_DR, EAST_CT, WEST_DR, WEST_ECG)
NODES = {"demo-east": "DEMO_PACS_E", "demo-west": "DEMO_PACS_W"}       # AE titles of the clinics' own DICOM nodes


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """An account of the demo county."""

    login: str
    display_name: str
    title: str
    grants: tuple[Grant, ...]


PEOPLE = (
    DemoPerson("demo-radiologist", "演示放射医师", "主治医师", (Grant(Role.READER, None),)),
    DemoPerson("demo-ecg", "演示心电医师", "主治医师", (Grant(Role.READER, None),)),
    DemoPerson("demo-reviewer", "演示审核医师", "副主任医师", (Grant(Role.REVIEWER, None),)),
    DemoPerson("demo-east", "演示羊昌医生", "医师", (Grant(Role.CLINIC, "demo-east"),)),
    DemoPerson("demo-west", "演示河口医生", "医师", (Grant(Role.CLINIC, "demo-west"),)),
    DemoPerson("demo-admin", "演示管理员", "", (Grant(Role.ADMIN, None),)),
)


async def make_county(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """Make what is missing. Arguments: node_ports {site id: port}, new_passwords (bool).

    Returns is_new, logins [{login, password, name, roles}] (password None where the account was there before),
    nodes [{site_id, ae_title, host, port}] and ingest_token (a fresh one for the demo cart; the last one is ended).
    """
    ports: dict[str, int] = arguments.get("node_ports") or {}
    is_new = await _add_sites(parts)
    await _add_devices(parts)
    await _add_nodes(parts, ports)
    await _add_agreements(parts)
    logins = await _add_people(parts, new_passwords=bool(arguments.get("new_passwords")))
    await _use_county_rules(parts)
    token = await _fresh_token(parts)
    destinations = await parts.database.read(lambda tx: tx.sites.destinations(EVERYWHERE))
    nodes = [{"site_id": d.site_id, "ae_title": d.ae_title, "host": d.host, "port": d.port} for d in destinations
             if d.kind is DestinationKind.DICOM and d.site_id in NODES and d.ae_title == NODES[d.site_id]]
    return {"is_new": is_new, "logins": logins, "nodes": nodes, "ingest_token": token}


async def _add_sites(parts: Parts) -> bool:
    known = {site.id for site in await parts.database.read(lambda tx: tx.sites.sites(EVERYWHERE))}
    missing = [site for site in SITES if site.id not in known]
    for site in missing:
        await add_site(parts, site, _BY)
    return bool(missing)


async def _add_devices(parts: Parts) -> None:
    known = {d.ae_title for d in await parts.database.read(lambda tx: tx.sites.devices(EVERYWHERE))}
    for device in DEVICES:
        if device.ae_title not in known:
            await add_device(parts, Device(new_id(), device.site_id, device.name, device.ae_title, None,
                                           device.modality), _BY)


async def _add_agreements(parts: Parts) -> None:
    """Both clinics have agreed with the centre on remote reading (A2)."""
    made = await parts.database.read(lambda tx: tx.rosters.agreements(EVERYWHERE))
    known = {one.requesting_site_id for one in made}
    for number, site in enumerate((site for site in SITES if site.kind is not SiteKind.CENTRE), start=1):
        if site.id not in known:
            await add_agreement(parts, SiteAgreement(
                new_id(), site.id, "demo-centre", f"演示协〔2026〕{number}号", date(2026, 1, 1), None, "", ACTOR,
                parts.clock()), _BY)


async def _add_nodes(parts: Parts, ports: dict[str, int]) -> None:
    known = {(d.site_id, d.kind) for d in await parts.database.read(lambda tx: tx.sites.destinations(EVERYWHERE))}
    for site_id, ae_title in NODES.items():
        if (site_id, DestinationKind.DICOM) not in known and site_id in ports:
            await add_destination(parts, Destination(new_id(), site_id, DestinationKind.DICOM, "演示诊所影像节点",
                                                     ae_title, "127.0.0.1", ports[site_id]), _BY)


async def _add_people(parts: Parts, *, new_passwords: bool) -> list[dict[str, Any]]:
    logins: list[dict[str, Any]] = []
    for person in PEOPLE:
        def look_up(tx: Transaction, login: str = person.login) -> Any:
            return tx.users.find_login(login)

        found = await parts.database.read(look_up)
        password: str | None = None
        if found is None:
            password = new_password()
            await make_user(parts, login=person.login, display_name=person.display_name, password=password,
                            grants=person.grants, title=person.title, actor=ACTOR)
        elif new_passwords:
            password = new_password()
            await set_password(parts, found[0], password, actor=ACTOR)
        logins.append({"login": person.login, "password": password, "name": person.display_name,
                       "roles": [grant.role.value for grant in person.grants]})
    return logins


def new_password() -> str:
    """Three groups of four letters and digits, some 59 bits, easy to read from a screen."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))


async def _use_county_rules(parts: Parts) -> None:
    """Activate the county's rules unless somebody has activated rules of their own, or must approve them."""
    if parts.settings.rules_need_approval:
        return
    active = await parts.database.read(lambda tx: tx.decisions.active_rule_set())
    if active is None or active[1] == packaged_rules():
        await activate_rules(parts, packaged_rules("county.yaml"), by=ACTOR)


async def _fresh_token(parts: Parts) -> str:
    token = secrets.token_urlsafe(32)
    now = parts.clock()

    def renew(tx: Transaction) -> None:
        for old in tx.users.tokens():
            if old["name"] == _CART:
                tx.users.disable_token(old["id"])
        tx.users.add_token(new_id(), token_sha256=sha256_of(token), name=_CART, site_id="demo-east",
                           scope="ingest", at=now)
        tx.audit.append(AuditEntry(now, ACTOR, "token.added", site_id="demo-east", detail={"name": _CART}))

    await parts.database.write(renew)
    return token


async def study_states(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """State of these studies (UID, or our id): the players say when a reader has them. Raises NotFound."""
    def look(tx: Transaction) -> dict[str, Any]:
        rows = []
        for name in arguments["studies"]:
            study = tx.studies.find_uid(name, EVERYWHERE) or tx.studies.get(name, EVERYWHERE)
            if study is None:
                raise NotFound(f"There is no study {name}.")
            reading = tx.readings.of_study(study.id, EVERYWHERE)
            rows.append({"study": name, "state": study.state.value, "instances": study.instance_count,
                         "priority": reading.priority.value if reading else None,
                         "group": reading.group if reading else None})
        return {"rows": rows}

    return await parts.database.read(look)


COMMANDS: dict[str, Callable[[Parts, dict[str, Any]], Awaitable[dict[str, Any]]]] = {
    "demo.county": make_county,
    "demo.studies": study_states,
}
