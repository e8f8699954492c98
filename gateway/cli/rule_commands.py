"""The commands behind `rules`: check, versions and their approval, and explain, on the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from gateway.core.errors import NotAllowed
from gateway.services.activate_rules import check_rules
from gateway.services.explain_study import explain_study
from gateway.services.log_in import check_password
from gateway.services.ports import Parts
from gateway.services.rules.compare import difference_of
from gateway.services.rules.versions import (
    Author,
    approve_rules,
    propose_rules,
    refuse_rules,
    roll_back_rules,
    source_of,
)
from storage.model import EVERYWHERE, Role, RuleVersion

ACTOR = "cli"


async def check(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    problems = await check_rules(parts, given["source"], days=given.get("days", 0))
    return {"problems": [asdict(problem) for problem in problems]}


async def activate(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    author = await _author(parts, given)
    return _told(await propose_rules(parts, given["source"], author, note=given.get("note", ""),
                                     based_on=given.get("based_on")))


async def approve(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    return _told(await approve_rules(parts, given["version"], await _author(parts, given),
                                     based_on=given.get("based_on")))


async def refuse(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    return _told(await refuse_rules(parts, given["version"], await _author(parts, given), reason=given["reason"]))


async def roll_back(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    return _told(await roll_back_rules(parts, given["version"], await _author(parts, given),
                                       note=given.get("note", "")))


async def list_all(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    """Versions, newest first, with the people's names."""
    found = await parts.database.read(lambda tx: tx.rule_versions.list())
    people = {person for v in found for person in (v.proposed_by, v.approved_by, v.refused_by) if person}
    names = await parts.database.read(lambda tx: tx.worklists.names(people))

    def name(person: str | None) -> str:
        return names.get(person, person) if person else ""

    return {"rows": [{
        "version": v.version, "state": v.state.value, "title": v.title, "at": v.proposed_at.isoformat(),
        "by": name(v.proposed_by), "approved_by": name(v.approved_by), "refused_by": name(v.refused_by),
        "restores": v.restores, "note": v.refused_reason or v.note} for v in found]}


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


async def diff(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    """Each side is a text, or a version's number; without either the version in force."""
    async def side(name: str) -> str:
        text: str | None = given.get(f"{name}_source")
        return text if text is not None else await source_of(parts, given.get(f"{name}_version"))

    changes = await difference_of(await side("from"), await side("to"))
    return {"changes": [asdict(change) for change in changes]}


async def explain(parts: Parts, given: dict[str, Any]) -> dict[str, Any]:
    return await explain_study(parts, given["study"], EVERYWHERE)


async def _author(parts: Parts, given: dict[str, Any]) -> Author:
    """Who is at the terminal: a person with login and password, else nobody known by name. Raises NotAllowed."""
    login = given.get("login")
    if not login:
        return Author(ACTOR)
    found = await parts.database.read(lambda tx: tx.users.find_login(login))
    if not await check_password(parts, found[0].id if found else "", given.get("password") or "", address=ACTOR):
        raise NotAllowed("Login or password is wrong.", reason="bad-login")
    assert found is not None             # nobody has no password that could be right
    if found[0].scope(Role.ADMIN).site_ids is not None:
        raise NotAllowed("Only an administrator of the whole alliance may do this.", reason="alliance-only")
    return Author.of(found[0], ACTOR)


def _told(version: RuleVersion) -> dict[str, Any]:
    return {"version": version.version, "state": version.state.value}


COMMANDS: dict[str, Callable[[Parts, dict[str, Any]], Awaitable[dict[str, Any]]]] = {
    "rules.check": check, "rules.activate": activate, "rules.show": show, "rules.explain": explain,
    "rules.list": list_all, "rules.approve": approve, "rules.refuse": refuse, "rules.roll-back": roll_back,
    "rules.diff": diff,
}
