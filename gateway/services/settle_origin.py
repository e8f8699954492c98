"""Say where a study comes from when the evidence does not: a person chooses the site and writes why.

Also the rules for relays: a new list is tried on every study that waits for want of a rule, and settles those that it
names a site for. While a study waits it is at the inbox, which administrators of the alliance alone can see: nobody
reads it, so that no report is written for a clinic that nobody knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.core.errors import InvalidRequest, NotFound, NotNow
from gateway.core.study_origin import RULE_ELEMENTS, first_rule
from gateway.services.administer_sites import By, require_alliance
from gateway.services.find_origin import weigh_again
from gateway.services.leave_inbox import Moved, announce_moved, move_out
from gateway.services.ports import Parts
from storage.interface import Transaction
from storage.model import (
    EVERYWHERE,
    INBOX_SITE_ID,
    AuditEntry,
    Device,
    Evidence,
    EvidenceKind,
    OriginState,
    RelayRule,
    Site,
    Study,
    StudyOrigin,
)

_MOST_RULES = 1000


@dataclass(frozen=True, slots=True)
class WaitingStudy:
    """One line of the queue."""

    origin: StudyOrigin
    study: Study
    device: Device | None


async def list_waiting(parts: Parts, by: By) -> list[WaitingStudy]:
    """Studies whose site a person must name, oldest first. Raises NotAllowed."""
    require_alliance(by.scope)

    def look_up(tx: Transaction) -> list[WaitingStudy]:
        found = [(origin, tx.studies.get(origin.study_id, EVERYWHERE)) for origin in tx.origins.waiting()]
        return [WaitingStudy(origin, study, tx.sites.device(origin.device_id) if origin.device_id else None)
                for origin, study in found if study is not None]

    return await parts.database.read(look_up)


async def settle_origin(parts: Parts, study_id: str, *, site_id: str, reason: str, by: By) -> Study:
    """The study was asked for by this site. Raises NotAllowed, NotFound, InvalidRequest, NotNow ("settled")."""
    require_alliance(by.scope)
    if not reason.strip():
        raise InvalidRequest("Write down why the study belongs to this site.", reason="no-reason")

    def settle(tx: Transaction) -> Moved:
        origin, study = tx.origins.get(study_id), tx.studies.get(study_id, EVERYWHERE)
        if origin is None or study is None:
            raise NotFound("There is no such study.")
        if origin.state is OriginState.SETTLED or study.site_id != INBOX_SITE_ID:
            raise NotNow("It is settled already where this study comes from.", reason="settled")
        site = tx.sites.site(site_id)
        if site is None or site.id == INBOX_SITE_ID:
            raise InvalidRequest(f"There is no site {site_id}.", reason="unknown-site")
        now = parts.clock()
        tx.origins.replace(replace(
            origin, state=OriginState.SETTLED, site_id=site.id, decided_by=EvidenceKind.PERSON, settled_at=now,
            settled_by=by.actor, reason=reason.strip(),
            evidence=(*origin.evidence, Evidence(EvidenceKind.PERSON, reason.strip(), site.id))))
        tx.site_moves.move_all_arrivals(study.id, site_id=site.id)
        return move_out(tx, study, site.id, study.device_id, actor=by.actor, address=by.address, now=now,
                        reason=reason.strip())

    moved = await parts.database.write(settle)
    announce_moved(parts, [moved])
    return moved.study


async def replace_relay_rules(parts: Parts, rules: Sequence[RelayRule], by: By) -> tuple[list[RelayRule], int]:
    """Put a new list in force, and settle by it what waits for want of a rule; returns the list and how many.

    Raises NotAllowed, InvalidRequest.
    """
    require_alliance(by.scope)
    if len(rules) > _MOST_RULES:
        raise InvalidRequest(f"At most {_MOST_RULES} rules can be kept.")
    wanted = [_checked(replace(rule, position=number)) for number, rule in enumerate(rules, 1)]

    def work(tx: Transaction) -> list[Moved]:
        for rule in wanted:
            site = tx.sites.site(rule.site_id)
            if site is None or site.id == INBOX_SITE_ID:
                raise InvalidRequest(f"There is no site {rule.site_id}.", reason="unknown-site")
            if rule.device_id is not None and tx.sites.device(rule.device_id) is None:
                raise InvalidRequest("A rule names a device that is not there.", reason="unknown-device")
        tx.origins.replace_relay_rules(wanted)
        tx.audit.append(AuditEntry(parts.clock(), by.actor, "relay-rules.replaced", address=by.address,
                                   detail={"rules": [_as_text(rule) for rule in wanted]}))
        return _settle_by_rules(tx, parts, by)

    moved = await parts.database.write(work)
    announce_moved(parts, moved)
    return wanted, len(moved)


def try_relay_rules(rules: Sequence[RelayRule], sites: Sequence[Site], elements: dict[str, str],
                    device_id: str) -> RelayRule | None:
    """Which of the rules would decide for this relay, or (device "") for whichever relay they name."""
    asked = [rule if device_id else replace(rule, device_id=None) for rule in rules]
    found = first_rule(asked, elements, device_id, [site.id for site in sites if site.id != INBOX_SITE_ID])
    return None if found is None else next(rule for rule in rules if rule.id == found.id)


def _settle_by_rules(tx: Transaction, parts: Parts, by: By) -> list[Moved]:
    moved = []
    for origin in tx.origins.waiting(limit=10_000):
        study = tx.studies.get(origin.study_id, EVERYWHERE)
        device = tx.sites.device(origin.device_id) if origin.device_id else None
        if study is None or device is None or origin.why != "no-relay-rule":
            continue
        after = weigh_again(tx, study, origin, device)
        if after.state is not OriginState.SETTLED:
            continue
        now = parts.clock()
        tx.origins.replace(replace(after, settled_at=now))
        tx.site_moves.move_all_arrivals(study.id, site_id=after.site_id)
        moved.append(move_out(tx, study, after.site_id, study.device_id, actor=by.actor, address=by.address, now=now,
                              reason="relay-rule"))
    return moved


def _checked(rule: RelayRule) -> RelayRule:
    if rule.element not in RULE_ELEMENTS:
        raise InvalidRequest(f"A rule asks one of {', '.join(RULE_ELEMENTS)}.")
    if not rule.text.strip():
        raise InvalidRequest("A rule needs the text that it looks for.")
    return replace(rule, text=rule.text.strip())


def _as_text(rule: RelayRule) -> str:
    state = "" if rule.is_enabled else " (off)"
    return f"{rule.device_id or '*'}: {rule.element} {rule.comparison.value} {rule.text} → {rule.site_id}{state}"
