"""Administer the systems that may send HL7 v2. Each change is one transaction with its audit record.

Only for administrators of the whole alliance: whoever administers one site could otherwise take the name of another
site's system, and with it that site's patients.
"""

from __future__ import annotations

import codecs
from dataclasses import replace

from gateway.core.errors import InvalidRequest, NotFound
from gateway.services.administer_sites import By, require_alliance, require_site
from gateway.services.ports import Parts
from storage.interface import Transaction
from storage.model import AuditEntry
from storage.model.orders import Hl7Partner

_LONGEST_NAME = 180                      # of a coded name in MSH (HL7 v2.5.1, HD)


async def add_partner(parts: Parts, partner: Hl7Partner, by: By) -> Hl7Partner:
    """Let a system send. Raises NotAllowed, InvalidRequest ("invalid", "taken")."""
    require_alliance(by.scope)
    partner = _checked(partner)

    def add(tx: Transaction) -> None:
        require_site(tx, by.scope, partner.site_id)
        if not tx.hl7_exchanges.add_partner(partner):
            raise InvalidRequest("This application and facility are registered already.", reason="taken")
        _note(tx, parts, by, "hl7-partner.added", partner)

    await parts.database.write(add)
    return partner


async def change_partner(parts: Parts, partner: Hl7Partner, by: By) -> Hl7Partner:
    """Replace all but the id, the application and the facility. Raises NotFound, NotAllowed, InvalidRequest."""
    require_alliance(by.scope)

    def change(tx: Transaction) -> Hl7Partner:
        before = tx.hl7_exchanges.partner(partner.id, by.scope)
        if before is None:
            raise NotFound("There is no such partner.")
        changed = _checked(replace(partner, application=before.application, facility=before.facility))
        require_site(tx, by.scope, changed.site_id)
        tx.hl7_exchanges.update_partner(changed)
        _note(tx, parts, by, "hl7-partner.changed", changed)
        return changed

    return await parts.database.write(change)


def _checked(partner: Hl7Partner) -> Hl7Partner:
    tidy = replace(partner, name=partner.name.strip(), application=partner.application.strip(),
                   facility=partner.facility.strip(), character_set=partner.character_set.strip() or "UTF-8")
    if not (tidy.name + tidy.application + tidy.facility).isprintable():
        raise InvalidRequest("A partner's names have no control characters.")
    if not tidy.facility or max(len(tidy.facility), len(tidy.application)) > _LONGEST_NAME:
        raise InvalidRequest("A partner needs the facility that it names in MSH-4.")
    try:
        codecs.lookup(tidy.character_set)
    except LookupError as exc:
        raise InvalidRequest(f"{tidy.character_set} is not a known character set.") from exc
    return tidy


def _note(tx: Transaction, parts: Parts, by: By, action: str, partner: Hl7Partner) -> None:
    tx.audit.append(AuditEntry(
        parts.clock(), by.actor, action, site_id=partner.site_id, address=by.address,
        detail={"partner": partner.id, "application": partner.application, "facility": partner.facility,
                "is_enabled": partner.is_enabled}))
