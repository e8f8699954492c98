"""The commands behind `rules`: check, activate, show and explain on the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from gateway.services.activate_rules import activate_rules, check_rules
from gateway.services.explain_study import explain_study
from gateway.services.ports import Parts
from storage.model import EVERYWHERE


async def check(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    return {"problems": [asdict(problem) for problem in await check_rules(parts, given["source"])]}


async def activate(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    return {"version": await activate_rules(parts, given["source"], by="cli")}


async def show(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    """One version of the rules; without a number the one in force."""
    wanted: int | None = given.get("version")
    if wanted is not None:
        source = await parts.database.read(lambda tx: tx.decisions.rule_set(wanted))
        if source is None:
            raise ValueError(f"There is no version {wanted} of the rules.")
        return {"version": wanted, "source": source}
    active = await parts.database.read(lambda tx: tx.decisions.active_rule_set())
    if active is None:
        raise ValueError("No rules are in force yet; the gateway activates its default at its first start.")
    return {"version": active[0], "source": active[1]}


async def explain(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    return await explain_study(parts, given["study"], EVERYWHERE)


COMMANDS: dict[str, Callable[[Parts, dict[str, Any]], Awaitable[dict[str, Any]]]] = {
    "rules.check": check, "rules.activate": activate, "rules.show": show, "rules.explain": explain,
}
