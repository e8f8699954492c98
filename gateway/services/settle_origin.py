"""Say where a study comes from when the evidence does not: a person chooses the site and writes why.

While a study waits it is at the inbox: no clinic sees it, and no report of it is signed. Those who read for the whole
alliance may read it meanwhile, and may say whose it is as its administrators may, because an emergency cannot wait
for them. What was said wrongly is put right by an administrator, until a report is signed.

Also the rules for relays: a new list is tried on every study that waits for want of a rule, and settles those that it
names a site for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.core.errors import InvalidRequest, NotFound, NotNow
from gateway.core.reading import HELD
from gateway.core.study_origin import RULE_ELEMENTS, first_rule
from gateway.services.administer_sites import By, require_alliance
from gateway.services.find_origin import weigh_again
from gateway.services.leave_inbox import Moved, announce_moved, move_to_site
from gateway.services.match_order import MATCH_JOB
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
    Scope,
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
    return await parts.database.read(lambda tx: _with_studies(tx, tx.origins.waiting()))


async def list_settled_by_people(parts: Parts, by: By, *, limit: int = 50) -> list[WaitingStudy]:
    """Studies whose site a person named, the last one first. Raises NotAllowed."""
    require_alliance(by.scope)
    return await parts.database.read(lambda tx: _with_studies(tx, tx.origins.settled_by_people(limit)))


async def waiting_study(parts: Parts, study_id: str, by: By) -> tuple[WaitingStudy, list[Site]]:
    """One study of the inbox, and the sites that it may be given to. Raises NotFound, NotNow ("settled")."""
    def look_up(tx: Transaction) -> tuple[WaitingStudy, list[Site]]:
        origin, study = _of_inbox(tx, study_id, by.scope)
        device = tx.sites.device(origin.device_id) if origin.device_id else None
        sites = [site for site in tx.sites.sites(by.scope) if site.id != INBOX_SITE_ID]
        return WaitingStudy(origin, study, device), sites

    return await parts.database.read(look_up)


async def settle_origin(parts: Parts, study_id: str, *, site_id: str, reason: str, by: By) -> Study:
    """The study was asked for by this site. `by` sees the inbox: administrators and readers of the whole alliance.

    Raises NotFound, InvalidRequest, NotNow ("settled").
    """
    why = _required(reason)

    def settle(tx: Transaction) -> Moved:
        origin, study = _of_inbox(tx, study_id, by.scope)
        return _give(tx, origin, study, _site(tx, site_id, by.scope), why, by, parts.clock())

    moved = await parts.database.write(settle)
    announce_moved(parts, [moved])
    return moved.study


async def move_origin(parts: Parts, study_id: str, *, site_id: str, reason: str, by: By) -> Study:
    """The site that was settled is the wrong one: the study was asked for by this one.

    As a link to an order, this can be put right until a report is signed: a signed report names the site and has
    gone to it, and only its doctor can correct it.

    Raises NotAllowed, NotFound, InvalidRequest ("no-reason", "unknown-site", "same-site"), NotNow ("not-settled",
    "report-signed", "order-linked", "being-read").
    """
    require_alliance(by.scope)
    why = _required(reason)

    def move(tx: Transaction) -> Moved:
        study = tx.studies.get(study_id, by.scope)
        if study is None:
            raise NotFound("There is no such study.")
        if study.site_id == INBOX_SITE_ID:
            raise NotNow("Nobody has said yet where this study comes from: settle that.", reason="not-settled")
        site = _site(tx, site_id, by.scope)
        if site.id == study.site_id:
            raise InvalidRequest("The study is this site's already.", reason="same-site")
        _check_free(tx, study)
        now = parts.clock()
        if tx.order_matches.dismiss(study.id, order_id=None, at=now, by=by.actor, reason=why):
            tx.jobs.enqueue(MATCH_JOB, study.id, due=now)
        return _give(tx, _origin_of(tx, study, now), study, site, why, by, now)

    moved = await parts.database.write(move)
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
        moved.append(move_to_site(tx, study, after.site_id, study.device_id, actor=by.actor, address=by.address,
                                  now=now, reason="relay-rule"))
    return moved


def _with_studies(tx: Transaction, origins: Sequence[StudyOrigin]) -> list[WaitingStudy]:
    found = [(origin, tx.studies.get(origin.study_id, EVERYWHERE)) for origin in origins]
    return [WaitingStudy(origin, study, tx.sites.device(origin.device_id) if origin.device_id else None)
            for origin, study in found if study is not None]


def _of_inbox(tx: Transaction, study_id: str, scope: Scope) -> tuple[StudyOrigin, Study]:
    origin, study = tx.origins.get(study_id), tx.studies.get(study_id, scope)
    if origin is None or study is None or not scope.allows(INBOX_SITE_ID):
        raise NotFound("There is no such study.")
    if origin.state is OriginState.SETTLED or study.site_id != INBOX_SITE_ID:
        raise NotNow("It is settled already where this study comes from.", reason="settled")
    return origin, study


def _check_free(tx: Transaction, study: Study) -> None:
    """Raise NotNow where somebody has acted on the study as this site's."""
    if tx.reports.latest_signed(study.id, EVERYWHERE) is not None:
        raise NotNow("A report was signed for this site; it must be corrected by its doctor.", reason="report-signed")
    if tx.orders.of_study(study.id, EVERYWHERE) is not None:
        raise NotNow("An order of this site is linked to the study; take that link back first.",
                     reason="order-linked")
    reading = tx.readings.of_study(study.id, EVERYWHERE)
    if reading is not None and reading.state in HELD:
        raise NotNow("Somebody is reading the study; it must be given back first.", reason="being-read")


def _origin_of(tx: Transaction, study: Study, now: datetime) -> StudyOrigin:
    """Also of a study of before evidence was kept."""
    origin = tx.origins.get(study.id)
    if origin is None:
        origin = StudyOrigin(study.id, OriginState.SETTLED, study.site_id, None, "", study.device_id, study.site_id,
                             (), now)
        tx.origins.add(origin)
    return origin


def _give(tx: Transaction, origin: StudyOrigin, study: Study, site: Site, reason: str, by: By,
          now: datetime) -> Moved:
    tx.origins.replace(replace(
        origin, state=OriginState.SETTLED, site_id=site.id, decided_by=EvidenceKind.PERSON, settled_at=now,
        settled_by=by.actor, reason=reason,
        evidence=(*origin.evidence, Evidence(EvidenceKind.PERSON, reason, site.id))))
    tx.site_moves.move_all_arrivals(study.id, site_id=site.id, from_site_id=study.site_id)
    return move_to_site(tx, study, site.id, study.device_id, actor=by.actor, address=by.address, now=now,
                        reason=reason)


def _site(tx: Transaction, site_id: str, scope: Scope) -> Site:
    site = tx.sites.site(site_id)
    if site is None or site.id == INBOX_SITE_ID or not scope.allows(site.id):
        raise InvalidRequest(f"There is no site {site_id}.", reason="unknown-site")
    return site


def _required(reason: str) -> str:
    if not reason.strip():
        raise InvalidRequest("Write down why the study belongs to this site.", reason="no-reason")
    return reason.strip()


def _checked(rule: RelayRule) -> RelayRule:
    if rule.element not in RULE_ELEMENTS:
        raise InvalidRequest(f"A rule asks one of {', '.join(RULE_ELEMENTS)}.")
    if not rule.text.strip():
        raise InvalidRequest("A rule needs the text that it looks for.")
    return replace(rule, text=rule.text.strip())


def _as_text(rule: RelayRule) -> str:
    state = "" if rule.is_enabled else " (off)"
    return f"{rule.device_id or '*'}: {rule.element} {rule.comparison.value} {rule.text} → {rule.site_id}{state}"
