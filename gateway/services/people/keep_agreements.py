"""Agreements between sites on remote reading, and what of agreement and consent is missing for a study (A2).

What is missing is said to the reader and to the clinic. It never stops anybody from reading, least of all an
emergency.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from enum import StrEnum
from zoneinfo import ZoneInfo

from gateway.core.errors import InvalidRequest, NotFound, NotNow
from gateway.services.administer_sites import By, require_alliance
from gateway.services.ports import Parts
from storage.interface import StudyLine, Transaction
from storage.model import EVERYWHERE, INBOX_SITE_ID, AuditEntry, Scope, Site, SiteKind
from storage.model.orders import Order
from storage.model.rosters import SiteAgreement

_LONGEST = {"document_number": 100, "note": 500}


class Missing(StrEnum):
    """What A2 asks for and nobody has recorded."""

    CONSENT = "consent"                  # who informed the patient
    CONSENT_WRITTEN = "consent-written"  # informed, but nobody says that it was signed
    AGREEMENT = "agreement"              # the two sites have none
    AGREEMENT_ENDED = "agreement-ended"  # or none in force today


async def list_agreements(parts: Parts, scope: Scope) -> tuple[list[SiteAgreement], dict[str, str]]:
    """Those in which a site of the scope takes part, and the names of the sites."""
    def look_up(tx: Transaction) -> tuple[list[SiteAgreement], dict[str, str]]:
        return tx.rosters.agreements(scope), {site.id: site.name for site in tx.sites.sites(EVERYWHERE)}

    return await parts.database.read(look_up)


async def site_names(parts: Parts, agreement: SiteAgreement) -> dict[str, str]:
    """The names of its two sites, by id."""
    ids = (agreement.requesting_site_id, agreement.reading_site_id)
    found = await parts.database.read(lambda tx: [tx.sites.site(site_id) for site_id in ids])
    return {site.id: site.name for site in found if site is not None}


async def add_agreement(parts: Parts, agreement: SiteAgreement, by: By) -> SiteAgreement:
    """Record one. Raises NotAllowed ("alliance-only"), InvalidRequest."""
    require_alliance(by.scope)
    agreement = _checked(agreement)

    def work(tx: Transaction) -> SiteAgreement:
        _check_sites(tx, agreement)
        tx.rosters.add_agreement(agreement)
        _note(tx, parts, by, "agreement.added", agreement)
        return agreement

    return await parts.database.write(work)


async def change_agreement(parts: Parts, agreement: SiteAgreement, by: By) -> SiteAgreement:
    """Replace what it says, or end it; `revision` is the one last seen. Raises NotFound, NotNow("revision"), …"""
    require_alliance(by.scope)
    agreement = _checked(agreement)

    def work(tx: Transaction) -> SiteAgreement:
        before = tx.rosters.agreement(agreement.id)
        if before is None:
            raise NotFound("There is no such agreement.")
        _check_sites(tx, agreement)
        changed = replace(agreement, created_by=before.created_by, created_at=before.created_at)
        if not tx.rosters.replace_agreement(changed):
            raise NotNow("Somebody changed the agreement meanwhile.", reason="revision")
        _note(tx, parts, by, "agreement.changed", changed)
        return replace(changed, revision=changed.revision + 1)

    return await parts.database.write(work)


def missing_of_study(tx: Transaction, parts: Parts, site_id: str, order: Order | None, *,
                     reading_site_id: str = "") -> list[Missing]:
    """What a reader and the clinic are warned of. `reading_site_id`: where the reader works, where that is known."""
    site = tx.sites.site(site_id)
    if site is None or site.kind in (SiteKind.INBOX, SiteKind.CENTRE) or site_id == reading_site_id:
        return []                        # nothing leaves the house
    today = parts.clock().astimezone(ZoneInfo(parts.settings.time_zone)).date()
    return [*consent_gap(order), *_agreement_gap(tx.rosters.agreements_of(site_id), reading_site_id, today)]


def missing_of_lines(tx: Transaction, parts: Parts, lines: Sequence[StudyLine],
                     scope: Scope) -> dict[str, list[Missing]]:
    """The same for a page of the clinic's list, by study id."""
    orders = tx.orders.of_studies([line.id for line in lines], scope)
    return {line.id: missing_of_study(tx, parts, line.site_id, orders.get(line.id)) for line in lines}


def consent_gap(order: Order | None) -> list[Missing]:
    """What is missing of the consent to remote reading; without an order nobody has recorded any."""
    if order is None or not order.consent_informed_by:
        return [Missing.CONSENT]
    return [] if order.consent_is_written else [Missing.CONSENT_WRITTEN]


def _agreement_gap(agreements: Sequence[SiteAgreement], reading_site_id: str, today: date) -> list[Missing]:
    ours = [one for one in agreements if reading_site_id in ("", one.reading_site_id)]
    if any(one.covers(today) for one in ours):
        return []
    return [Missing.AGREEMENT_ENDED if ours else Missing.AGREEMENT]


def _checked(agreement: SiteAgreement) -> SiteAgreement:
    texts = {name: getattr(agreement, name).strip() for name in _LONGEST}
    for name, text in texts.items():
        if len(text) > _LONGEST[name]:
            raise InvalidRequest(f"{name}: at most {_LONGEST[name]} characters.", reason="too-long")
    agreement = replace(agreement, document_number=texts["document_number"], note=texts["note"])
    if agreement.requesting_site_id == agreement.reading_site_id:
        raise InvalidRequest("An agreement is between two sites.")
    if agreement.valid_until is not None and agreement.valid_until < agreement.valid_from:
        raise InvalidRequest("It ends before it begins.")
    return agreement


def _check_sites(tx: Transaction, agreement: SiteAgreement) -> None:
    for site_id in (agreement.requesting_site_id, agreement.reading_site_id):
        site: Site | None = tx.sites.site(site_id)
        if site is None or site_id == INBOX_SITE_ID:
            raise InvalidRequest(f"There is no site {site_id}.", reason="unknown-site")


def _note(tx: Transaction, parts: Parts, by: By, action: str, agreement: SiteAgreement) -> None:
    tx.audit.append(AuditEntry(
        parts.clock(), by.actor, action, site_id=agreement.requesting_site_id, address=by.address,
        detail={"agreement": agreement.id, "reading_site": agreement.reading_site_id,
                "document_number": agreement.document_number, "valid_from": agreement.valid_from.isoformat(),
                "valid_until": agreement.valid_until.isoformat() if agreement.valid_until else None}))
