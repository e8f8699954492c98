"""Versions of the rules: proposed, approved by a second person where the alliance asks for it, rolled back.

A text is checked whole before it is stored and never changes afterwards. Whoever proposes says which version in force
they saw; if another has come into force meanwhile they are told instead of overwriting it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, TypeVar

from gateway.core.errors import GatewayError, InvalidRequest, NotAllowed, NotFound, NotNow
from gateway.services.ports import Event, Parts
from gateway.services.rules.check import errors_of
from gateway.services.rules.refused import RulesRefused
from routing_rules.parse import parse
from storage.interface import Transaction
from storage.model import AuditEntry, RuleState, RuleVersion, User

MAX_NOTE_CHARACTERS = 1000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes the rules. `person` is None for a program or an unnamed hand at the terminal."""

    actor: str                           # user id, or "cli", "gateway"
    address: str = ""
    person: User | None = None

    @classmethod
    def of(cls, person: User, address: str = "") -> Author:
        return cls(person.id, address, person)


async def propose_rules(parts: Parts, source: str, author: Author, *, note: str = "", based_on: int | None = None,
                        restores: int | None = None) -> RuleVersion:
    """Store a rule set: in force at once, or waiting for a second person where `rules_need_approval` is set.

    The text that is in force already is not stored again. The very first version waits for nobody.

    Raises
    ------
    RulesRefused
        It has errors; `problems` names them.
    NotNow("rules-changed")
        Another version has come into force since `based_on` (without one: since this call began).
    NotAllowed("person-required")
        Two people are asked for, and this is no person who is known by name.
    """
    note = _note_of(note)
    seen = await parts.database.read(lambda tx: tx.rule_versions.active())
    expected = based_on if based_on is not None else seen.version if seen is not None else None
    errors = await errors_of(parts, source)
    if errors:
        raise RulesRefused(errors)
    title = (await asyncio.to_thread(parse, source)).title

    def work(tx: Transaction) -> RuleVersion | GatewayError:
        active = tx.rule_versions.active()
        if active is not None and restores is None and tx.rule_versions.source(active.version) == source:
            return active
        if active is not None and active.version != expected:
            return _moved_on(tx, parts, author, active, tried="proposed")
        now = parts.clock()
        waits = parts.settings.rules_need_approval and active is not None
        if waits and author.person is None:
            return NotAllowed("A person known by name must propose it: another must approve it.",
                              reason="person-required")
        if not waits and active is not None and not tx.rule_versions.supersede(active.version):
            return _overtaken(tx, parts, author, tried="proposed")
        replaced = None if waits or active is None else active.version
        version = tx.rule_versions.add(
            source, title=title, by=author.actor, at=now, note=note, restores=restores,
            state=RuleState.AWAITING_APPROVAL if waits else RuleState.ACTIVE,
            based_on=active.version if active is not None else None)
        _audit(tx, parts, author, "rules.proposed" if waits else "rules.activated", version=version, note=note,
               replaced=replaced, restores=restores)
        return _there(tx, version)

    return _told(parts, await parts.database.write(work))


async def approve_rules(parts: Parts, version: int, approver: Author, *, based_on: int | None = None) -> RuleVersion:
    """Put a waiting version into force; it is checked once more, since people and sites may have changed.

    `based_on` says which version in force the approver saw; without it, the one that the proposal was made on.

    Raises
    ------
    NotFound, RulesRefused
    NotAllowed("same-person", "person-required")
    NotNow("not-waiting", "rules-changed")
    """
    if approver.person is None:
        raise NotAllowed("A person known by name must approve it.", reason="person-required")
    source = await source_of(parts, version)
    errors = await errors_of(parts, source)
    if errors:
        raise RulesRefused(errors)

    def work(tx: Transaction) -> RuleVersion | GatewayError:
        found, active = tx.rule_versions.get(version), tx.rule_versions.active()
        if found is None or found.state is not RuleState.AWAITING_APPROVAL:
            return NotNow(f"Version {version} is not waiting for approval.", reason="not-waiting")
        if found.proposed_by == approver.actor:
            _audit(tx, parts, approver, "rules.approval_refused", is_success=False, version=version,
                   why="same-person")
            return NotAllowed("Another person than the one who proposed it must approve it.", reason="same-person")
        if active is not None and active.version != (based_on if based_on is not None else found.based_on):
            return _moved_on(tx, parts, approver, active, tried="approved", version=version)
        if active is not None and not tx.rule_versions.supersede(active.version):
            return _overtaken(tx, parts, approver, tried="approved", version=version)
        replaced = active.version if active is not None else None
        if not tx.rule_versions.approve(version, by=approver.actor, at=parts.clock()):
            raise RuntimeError("a version that waited was taken within the transaction")
        _audit(tx, parts, approver, "rules.approved", version=version, proposed_by=found.proposed_by)
        _audit(tx, parts, approver, "rules.activated", version=version, replaced=replaced, restores=found.restores)
        return _there(tx, version)

    return _told(parts, await parts.database.write(work))


async def refuse_rules(parts: Parts, version: int, author: Author, *, reason: str) -> RuleVersion:
    """Say no to a waiting version; its proposer takes it back so. Raises InvalidRequest, NotFound, NotNow."""
    reason = _note_of(reason)
    if not reason:
        raise InvalidRequest("A refusal needs a reason.", reason="reason-required")

    def work(tx: Transaction) -> RuleVersion | GatewayError:
        if tx.rule_versions.get(version) is None:
            return NotFound(f"There is no version {version} of the rules.")
        if not tx.rule_versions.refuse(version, by=author.actor, at=parts.clock(), reason=reason):
            return NotNow(f"Version {version} is not waiting for approval.", reason="not-waiting")
        _audit(tx, parts, author, "rules.refused", version=version, reason=reason)
        return _there(tx, version)

    return _told(parts, await parts.database.write(work))


async def roll_back_rules(parts: Parts, version: int, author: Author, *, note: str = "",
                          based_on: int | None = None) -> RuleVersion:
    """Bring the text of an older version again, as a new one: with the same approval as any other.

    Raises NotFound, NotNow("never-in-force", "in-force", "rules-changed"), RulesRefused, NotAllowed.
    """
    found = await version_of(parts, version)
    if found.state is RuleState.ACTIVE:
        raise NotNow(f"Version {version} is in force.", reason="in-force")
    if found.activated_at is None:
        raise NotNow(f"Version {version} was never in force.", reason="never-in-force")
    return await propose_rules(parts, await source_of(parts, version), author, note=note, based_on=based_on,
                               restores=version)


async def version_of(parts: Parts, version: int) -> RuleVersion:
    """Raises NotFound."""
    found = await parts.database.read(lambda tx: tx.rule_versions.get(version))
    if found is None:
        raise NotFound(f"There is no version {version} of the rules.")
    return found


async def source_of(parts: Parts, version: int | None) -> str:
    """The text of a version; None: of the one in force. Raises NotFound."""
    def work(tx: Transaction) -> str | None:
        if version is not None:
            return tx.rule_versions.source(version)
        active = tx.decisions.active_rule_set()
        return active[1] if active is not None else None

    found = await parts.database.read(work)
    if found is None:
        raise NotFound(f"There is no version {version} of the rules." if version else "No rule set is in force.")
    return found


def _there(tx: Transaction, version: int) -> RuleVersion:
    found = tx.rule_versions.get(version)
    assert found is not None             # stored or changed in this transaction
    return found


def _note_of(text: str) -> str:
    text = text.strip()
    if len(text) > MAX_NOTE_CHARACTERS:
        raise InvalidRequest(f"At most {MAX_NOTE_CHARACTERS} characters.", reason="too-long")
    return text


def _moved_on(tx: Transaction, parts: Parts, author: Author, active: RuleVersion, **detail: Any) -> NotNow:
    _audit(tx, parts, author, "rules.overtaken", is_success=False, active=active.version, **detail)
    return NotNow(f"Version {active.version} has come into force meanwhile. Compare with it, then try again.",
                  reason="rules-changed")


def _overtaken(tx: Transaction, parts: Parts, author: Author, **detail: Any) -> NotNow:
    """Another came into force between our look and our write: what is asked again now is already theirs."""
    active = tx.rule_versions.active()
    assert active is not None            # whoever ends a version puts another into force in the same transaction
    return _moved_on(tx, parts, author, active, **detail)


def _audit(tx: Transaction, parts: Parts, author: Author, action: str, *, is_success: bool = True,
           **detail: Any) -> None:
    told = {key: value for key, value in detail.items() if value not in (None, "")}
    tx.audit.append(AuditEntry(parts.clock(), author.actor, action, is_success, address=author.address, detail=told))


def _told(parts: Parts, outcome: T | GatewayError) -> T:
    """Raised after the commit: a refusal is in the audit trail, too."""
    if isinstance(outcome, GatewayError):
        raise outcome
    parts.events.publish(Event("rules", ""))
    return outcome
