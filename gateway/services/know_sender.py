"""Who calls on the DICOM port: a registered device, or a knock that administrators will see."""

from __future__ import annotations

from gateway.services.ports import Event, Parts
from storage.interface import Transaction
from storage.model import INBOX_SITE_ID, Device


async def find_device(parts: Parts, ae_title: str, address: str) -> Device | None:
    """The enabled device that calls itself so from there."""
    return await parts.database.read(lambda tx: tx.sites.find_device(ae_title, address))


async def record_knock(parts: Parts, ae_title: str, address: str) -> None:
    """Count an unregistered caller, and show it at once."""
    def work(tx: Transaction) -> None:
        tx.sites.knock(ae_title, address, parts.clock())

    await parts.database.write(work)
    parts.events.publish(Event("knock", INBOX_SITE_ID))
