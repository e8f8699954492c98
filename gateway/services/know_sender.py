"""Who calls on the DICOM port: a registered device, or a knock that administrators will see.

A device with a certificate of its own is known by title, address and certificate together; the title alone is no
proof.
"""

from __future__ import annotations

from gateway.core.errors import Unreadable
from gateway.formats.certificates import read_certificate
from gateway.services.ports import Event, Parts
from gateway.services.receive_instance import Sender
from storage.interface import Transaction
from storage.model import (
    EVERYWHERE,
    INBOX_SITE_ID,
    AuditEntry,
    Device,
    Scope,
    SeenCertificate,
    SiteKind,
    new_id,
)

NOTHING = Scope(frozenset())
_SEES_ALL_SITES = (SiteKind.CENTRE, SiteKind.HOSPITAL)


async def find_device(parts: Parts, ae_title: str, address: str) -> Device | None:
    """The enabled device that calls itself so from there."""
    return await parts.database.read(lambda tx: tx.sites.find_device(ae_title, address))


def scope_of(tx: Transaction, sender: Sender) -> Scope:
    """What a caller on the DICOM port may see: its own site's studies, at a centre or hospital those of every site.

    Read anew for each question, so that a device that was disabled or moved counts as that at once. The inbox is for
    administrators alone: its callers see nothing, and nobody sees it from here.
    """
    device = tx.sites.device(sender.device.id) if sender.device is not None else None
    site = tx.sites.site(device.site_id) if device is not None and device.is_enabled else None
    if site is None or site.kind is SiteKind.INBOX or not site.is_enabled:
        return NOTHING
    if site.kind not in _SEES_ALL_SITES:
        return Scope(frozenset({site.id}))
    return Scope(frozenset(known.id for known in tx.sites.sites(EVERYWHERE) if known.kind is not SiteKind.INBOX))


async def record_knock(parts: Parts, ae_title: str, address: str) -> None:
    """Count an unregistered caller, and show it at once."""
    def work(tx: Transaction) -> None:
        tx.sites.knock(ae_title, address, parts.clock())

    await parts.database.write(work)
    parts.events.publish(Event("knock", INBOX_SITE_ID))


async def note_certificate(parts: Parts, ae_title: str, address: str, certificate: bytes, *,
                           is_admitted: bool) -> None:
    """Remember what the caller showed, for its administrators and for the warning before it expires."""
    seen = _seen(parts, ae_title, address, certificate, is_admitted=is_admitted)
    if seen is not None:
        await parts.database.write(lambda tx: tx.origins.note_certificate(seen))


async def record_mismatch(parts: Parts, device: Device, ae_title: str, address: str, certificate: bytes) -> None:
    """A caller with the device's title, but without its certificate, was turned away: audit, alarm."""
    now = parts.clock()
    seen = _seen(parts, ae_title, address, certificate, is_admitted=False)
    said = f"showed the certificate {seen.sha256[:16]}… ({seen.subject})" if seen else "showed no certificate of use"

    def work(tx: Transaction) -> None:
        if seen is not None:
            tx.origins.note_certificate(seen)
        tx.audit.append(AuditEntry(
            now, f"device:{ae_title}", "association.rejected", is_success=False, site_id=device.site_id,
            address=address, detail={"device": device.id, "reason": "certificate-mismatch",
                                     "certificate": seen.sha256 if seen else "",
                                     "expected": device.certificate_sha256}))
        tx.alarms.raise_alarm(
            "certificate-mismatch", site_id=device.site_id, ref=device.id, at=now,
            detail=f"{ae_title} at {address} {said}; it is registered with another one and was turned away.")

    await parts.database.write(work)
    parts.events.publish(Event("alarm", device.site_id))


def _seen(parts: Parts, ae_title: str, address: str, certificate: bytes, *,
          is_admitted: bool) -> SeenCertificate | None:
    try:
        facts = read_certificate(certificate)
    except Unreadable:
        return None                      # none was shown, or one that OpenSSL takes and nobody else can read
    return SeenCertificate(new_id(), ae_title, address, facts.sha256, facts.subject, facts.issuer, facts.not_after,
                           parts.clock(), is_admitted)
