"""Who calls on the DICOM port: a registered device, or a knock that administrators will see."""

from __future__ import annotations

from gateway.services.ports import Event, Parts
from gateway.services.receive_instance import Sender
from storage.interface import Transaction
from storage.model import EVERYWHERE, INBOX_SITE_ID, Device, Scope, SiteKind

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
