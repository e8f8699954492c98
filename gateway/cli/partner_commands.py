"""The systems that may send HL7 v2, from a terminal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from gateway.core.errors import NotFound
from gateway.services.administer_partners import add_partner, change_partner
from gateway.services.administer_sites import By
from gateway.services.ports import Parts
from storage.model import EVERYWHERE, new_id
from storage.model.orders import Hl7Partner

BY = By(actor="cli", address="local", scope=EVERYWHERE)


async def add(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    partner = Hl7Partner(new_id(), given.get("name") or given["facility"], given.get("application", ""),
                         given["facility"], given["site_id"], given.get("character_set", "UTF-8"))
    return asdict(await add_partner(parts, partner, BY))


async def list_all(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    return {"rows": [asdict(one) for one in await parts.database.read(
        lambda tx: tx.hl7_exchanges.partners(EVERYWHERE))]}


async def show(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    return asdict(await _found(parts, given))


async def disable(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    return asdict(await change_partner(parts, replace(await _found(parts, given), is_enabled=False), BY))


async def _found(parts: Parts, given: dict[str, Any]) -> Hl7Partner:
    partner = await parts.database.read(lambda tx: tx.hl7_exchanges.partner(given["id"], EVERYWHERE))
    if partner is None:
        raise NotFound(f"There is no partner {given['id']}.")
    return partner


PARTNER_COMMANDS: Mapping[str, Callable[[Parts, dict[str, Any]], Awaitable[dict[str, Any]]]] = {
    "partner add": add, "partner list": list_all, "partner show": show, "partner disable": disable,
}
