"""Turn a knock into a device: an administrator says that this caller is known, and which site it belongs to."""

from __future__ import annotations

from gateway.core.errors import InvalidRequest, NotFound
from gateway.services.leave_inbox import Moved, announce_moved, leave_inbox
from gateway.services.ports import Event, Parts
from storage.interface import Transaction
from storage.model import AuditEntry, Device, User, new_id


async def accept_device(parts: Parts, user: User, knock_id: str, *, site_id: str, name: str, modality: str = "",
                        is_any_address: bool = False, address: str = "") -> Device:
    """Register the caller and settle its knock; its next association is accepted, and what it sent to the inbox is
    given to its site.

    Raises NotFound (no such knock), InvalidRequest ("no-site", "device-exists").
    """
    def work(tx: Transaction) -> tuple[Device, list[Moved]]:
        knock = tx.sites.get_knock(knock_id)
        if knock is None:
            raise NotFound("There is no such knock.")
        if tx.sites.site(site_id) is None:
            raise InvalidRequest(f"There is no site {site_id}.", reason="no-site")
        device = Device(new_id(), site_id, name.strip() or knock.ae_title, knock.ae_title,
                        None if is_any_address else knock.address, modality.strip().upper())
        try:
            tx.sites.add_device(device)
        except ValueError as exc:
            raise InvalidRequest(str(exc), reason="device-exists") from exc
        tx.sites.settle_knock(knock_id, accepted=True)
        tx.audit.append(AuditEntry(
            parts.clock(), user.id, "knock.accepted", site_id=site_id, address=address,
            detail={"device": device.id, "ae_title": device.ae_title, "device_address": device.address}))
        return device, leave_inbox(tx, device, actor=user.id, address=address, now=parts.clock())

    device, moved = await parts.database.write(work)
    parts.events.publish(Event("knock", site_id))
    announce_moved(parts, moved)
    return device

