"""Administer sites, devices and destinations. Each change is one transaction with its audit record.

An administrator of some sites changes only those; sites themselves are added by administrators of the whole alliance.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace

from gateway.core.answer_text import is_character_set
from gateway.core.errors import InvalidRequest, NotAllowed, NotFound
from gateway.formats.certificates import fingerprint
from gateway.services.leave_inbox import Moved, announce_moved, leave_inbox
from gateway.services.ports import Event, Parts
from storage.interface import Transaction
from storage.model import (
    INBOX_SITE_ID,
    LINK_CLASSES,
    AuditEntry,
    Destination,
    DestinationKind,
    Device,
    Scope,
    Site,
    SiteKind,
)

_LONGEST_QUIET_S = 86_400.0
_HIGHEST_TIER = 5
_LONGEST_ROAD_KM = 5000.0
_SITE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


@dataclass(frozen=True, slots=True)
class By:
    """Who changes something, from where, and the sites that they may change."""

    actor: str
    address: str
    scope: Scope


async def add_site(parts: Parts, site: Site, by: By) -> Site:
    """Add a site. Raises NotAllowed, InvalidRequest ("invalid", "taken")."""
    require_alliance(by.scope)
    if not _SITE_ID.fullmatch(site.id):
        raise InvalidRequest("A site's id has 1 to 32 small letters, digits and hyphens.")
    _check_site(site)

    def add(tx: Transaction) -> None:
        if tx.sites.site(site.id) is not None:
            raise InvalidRequest(f"There is a site {site.id} already.", reason="taken")
        tx.sites.add_site(site)
        _note(tx, parts, by, "site.added", site.id, site=site.id)

    await parts.database.write(add)
    return site


async def change_site(parts: Parts, site: Site, by: By) -> Site:
    """Replace what a site says of itself; its kind stays. Raises NotAllowed, NotFound, InvalidRequest."""
    require_alliance(by.scope)

    def change(tx: Transaction) -> Site:
        before = tx.sites.site(site.id)
        if before is None or before.kind is SiteKind.INBOX:
            raise NotFound("There is no such site.")
        changed = replace(site, kind=before.kind)
        _check_site(changed)
        tx.sites.update_site(changed)
        _note(tx, parts, by, "site.changed", site.id, site=site.id, tier=site.tier, distance_km=site.distance_km,
              link_class=site.link_class, is_enabled=site.is_enabled)
        return changed

    return await parts.database.write(change)


async def add_device(parts: Parts, device: Device, by: By) -> Device:
    """Register a device; what it sent to the inbox is given to its site (see `_leave_inbox`).

    Raises NotAllowed, NotFound, InvalidRequest ("invalid", "taken").
    """
    device = _checked_device(device)
    _check_tls(parts, device.uses_tls)

    def add(tx: Transaction) -> list[Moved]:
        require_site(tx, by.scope, device.site_id)
        try:
            tx.sites.add_device(device)
        except ValueError as exc:
            raise InvalidRequest(str(exc), reason="taken") from exc
        _note(tx, parts, by, "device.added", device.site_id, device=device.id, ae_title=device.ae_title)
        return _leave_inbox(tx, parts, device, by)

    announce_moved(parts, await parts.database.write(add))
    return device


async def change_device(parts: Parts, device: Device, by: By) -> Device:
    """Replace all but the id; what it sent to the inbox under its new name follows, as with a new device.

    Raises NotAllowed, NotFound, InvalidRequest.
    """
    device = _checked_device(device)
    _check_tls(parts, device.uses_tls)

    def change(tx: Transaction) -> list[Moved]:
        before = tx.sites.device(device.id)
        if before is None or not by.scope.allows(before.site_id):
            raise NotFound("There is no such device.")
        require_site(tx, by.scope, device.site_id)
        try:
            tx.sites.update_device(device)
        except ValueError as exc:
            raise InvalidRequest(str(exc), reason="taken") from exc
        _note(tx, parts, by, "device.changed", device.site_id, device=device.id, ae_title=device.ae_title,
              is_enabled=device.is_enabled)
        return _leave_inbox(tx, parts, device, by)

    announce_moved(parts, await parts.database.write(change))
    return device


async def add_destination(parts: Parts, destination: Destination, by: By) -> Destination:
    """Add a place that the reports of a site go to. Raises NotAllowed, NotFound, InvalidRequest."""
    destination = _checked_destination(destination)
    _check_tls(parts, destination.uses_tls)
    if destination.kind is DestinationKind.CLINIC_PAGE:
        raise InvalidRequest("Every site has its own page already.")

    def add(tx: Transaction) -> None:
        require_site(tx, by.scope, destination.site_id)
        tx.sites.add_destination(destination)
        _note(tx, parts, by, "destination.added", destination.site_id, destination=destination.id,
              kind=destination.kind)

    await parts.database.write(add)
    return destination


async def change_destination(parts: Parts, destination: Destination, by: By) -> Destination:
    """Replace what may change: a destination keeps its site and kind. Raises NotFound, InvalidRequest."""
    def change(tx: Transaction) -> Destination:
        before = tx.sites.destination(destination.id)
        if before is None or not by.scope.allows(before.site_id):
            raise NotFound("There is no such destination.")
        changed = _checked_destination(replace(destination, site_id=before.site_id, kind=before.kind))
        _check_tls(parts, changed.uses_tls)
        if changed.kind is DestinationKind.CLINIC_PAGE and not changed.is_enabled:
            raise InvalidRequest("The clinic's own page cannot be switched off.")
        tx.sites.update_destination(changed)
        _note(tx, parts, by, "destination.changed", changed.site_id, destination=changed.id,
              is_enabled=changed.is_enabled)
        return changed

    return await parts.database.write(change)


async def dismiss_knock(parts: Parts, knock_id: str, by: By) -> None:
    """Nobody knows this caller and nobody wants to. Raises NotAllowed, NotFound."""
    require_alliance(by.scope)

    def dismiss(tx: Transaction) -> None:
        knock = tx.sites.get_knock(knock_id)
        if knock is None or not tx.sites.settle_knock(knock_id, accepted=False):
            raise NotFound("Nobody is knocking under this id.")
        _note(tx, parts, by, "knock.dismissed", None, ae_title=knock.ae_title, address=knock.address)

    await parts.database.write(dismiss)
    parts.events.publish(Event("knock", INBOX_SITE_ID))


def require_alliance(scope: Scope) -> None:
    """Raise NotAllowed unless the caller administers the whole alliance."""
    if scope.site_ids is not None:
        raise NotAllowed("Only an administrator of the whole alliance may do this.", reason="alliance-only")


def require_site(tx: Transaction, scope: Scope, site_id: str) -> None:
    """Raise NotAllowed for a site outside the scope and InvalidRequest for one that does not exist."""
    if not scope.allows(site_id):
        raise NotAllowed("This is not one of your sites.", reason="other-site")
    if tx.sites.site(site_id) is None:
        raise InvalidRequest(f"There is no site {site_id}.", reason="unknown-site")


def _leave_inbox(tx: Transaction, parts: Parts, device: Device, by: By) -> list[Moved]:
    """Only for administrators who may see the inbox: whoever administers one site could otherwise name a title that
    is not theirs and draw other sites' patients into it."""
    if not by.scope.allows(INBOX_SITE_ID):
        return []
    return leave_inbox(tx, device, actor=by.actor, address=by.address, now=parts.clock())


def _check_site(site: Site) -> None:
    if not site.name.strip():
        raise InvalidRequest("A site needs a name.")
    if site.kind is SiteKind.INBOX:
        raise InvalidRequest("There is one inbox, and it is there already.")
    if not 0 <= site.tier <= _HIGHEST_TIER:
        raise InvalidRequest(f"tier: 1 (village room) to {_HIGHEST_TIER} (province), or 0 for what its kind says.")
    if site.distance_km is not None and not 0 <= site.distance_km <= _LONGEST_ROAD_KM:
        raise InvalidRequest(f"distance_km: 0 to {_LONGEST_ROAD_KM:.0f} is meant.")
    if site.link_class and site.link_class not in LINK_CLASSES:
        raise InvalidRequest(f"link_class: one of {', '.join(LINK_CLASSES)} is meant.")


def _checked_device(device: Device) -> Device:
    title = device.ae_title.strip(" ")
    if not (1 <= len(title) <= 16 and title.isascii() and title.isprintable()) or "\\" in title:
        raise InvalidRequest("An AE title has 1 to 16 printable ASCII characters and no backslash.")
    if not device.name.strip():
        raise InvalidRequest("A device needs a name.")
    address = (device.address or "").strip() or None
    if address is not None:
        try:
            ipaddress.ip_address(address)
        except ValueError as exc:
            raise InvalidRequest(f"{address} is not an IP address.") from exc
    if device.character_set:
        try:
            "".encode(device.character_set)
        except LookupError as exc:
            raise InvalidRequest(f"{device.character_set} is not a known character set.") from exc
    if not 0 <= device.port <= 65535:
        raise InvalidRequest("A port is a number from 1 to 65535, or 0 for a device that only calls.")
    if device.max_associations < 0:
        raise InvalidRequest("A limit of associations is at least 1, or 0 for none.")
    if device.quiet_period_s is not None and not 0 < device.quiet_period_s <= _LONGEST_QUIET_S:
        raise InvalidRequest("A quiet period is more than 0 seconds and at most a day.")
    answers = device.answer_character_set.strip()
    if answers and not is_character_set(answers):
        raise InvalidRequest(f"{answers[:40]!r} is not a character set of DICOM, e.g. GB18030, ISO_IR 192 or pinyin.")
    return replace(device, ae_title=title, name=device.name.strip(), address=address,
                   character_set=device.character_set or None, answer_character_set=answers,
                   certificate_sha256=fingerprint(device.certificate_sha256))


def _check_tls(parts: Parts, uses_tls: bool) -> None:
    if uses_tls and not (parts.settings.tls_certificate_file and parts.settings.tls_trusted_file):
        raise InvalidRequest("To call others by TLS the gateway needs the settings tls_certificate_file and "
                             "tls_trusted_file.", reason="no-certificate")


def _checked_destination(destination: Destination) -> Destination:
    if not destination.name.strip():
        raise InvalidRequest("A destination needs a name.")
    if destination.uses_tls and destination.kind is not DestinationKind.DICOM:
        raise InvalidRequest("Only a DICOM node is called by TLS.")
    if destination.kind in (DestinationKind.CLINIC_PAGE, DestinationKind.PULL):
        return replace(destination, certificate_sha256="")
    if not destination.host.strip() or not 1 <= destination.port <= 65535:
        raise InvalidRequest("A destination needs a host and a port from 1 to 65535.")
    if destination.kind is DestinationKind.DICOM and not 1 <= len(destination.ae_title.strip()) <= 16:
        raise InvalidRequest("A DICOM node needs an AE title of 1 to 16 characters.")
    return replace(destination, certificate_sha256=fingerprint(destination.certificate_sha256))


def _note(tx: Transaction, parts: Parts, by: By, action: str, about_site: str | None, **detail: object) -> None:
    tx.audit.append(AuditEntry(parts.clock(), by.actor, action, site_id=about_site, address=by.address,
                               detail=detail))
