"""Orders for a modality's worklist: of its own site alone, also where it may see studies of others.

An order is there while it waits or is being performed; what was performed or withdrawn is gone. The audit trail gets
one entry a device in ten minutes: a console asks every minute, and says nothing new by that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.services.know_sender import scope_of
from gateway.services.ports import Parts
from gateway.services.receive_instance import Sender
from storage.interface import Transaction
from storage.model import AuditEntry, Device, Scope
from storage.model.orders import Order

PAGE = 100


@dataclass(frozen=True, slots=True)
class WorklistPage:
    """The next orders, the name of their site, and the device as it is registered now."""

    orders: list[Order]
    site_name: str
    device: Device | None

    @property
    def is_last(self) -> bool:
        return len(self.orders) < PAGE

    @property
    def end(self) -> tuple[datetime, str] | None:
        """Where the next page begins."""
        return (self.orders[-1].scheduled_at, self.orders[-1].id) if self.orders else None


async def find_worklist(parts: Parts, sender: Sender, *, scheduled_from: datetime | None,
                        scheduled_until: datetime | None, modality: str, station_ae_title: str,
                        after: tuple[datetime, str] | None) -> WorklistPage:
    """A page by scheduled time; nothing for who is not registered. Raises StorageUnavailable."""
    def work(tx: Transaction) -> WorklistPage:
        device = sender.device
        if device is None or not scope_of(tx, sender).allows(sender.site_id):
            return WorklistPage([], "", None)
        known = tx.sites.device(device.id)       # not as it was when the association began
        site = tx.sites.site(known.site_id) if known is not None else None
        if known is None or site is None:
            return WorklistPage([], "", None)
        orders = tx.orders.waiting(Scope(frozenset({site.id})), scheduled_from=scheduled_from,
                                   scheduled_until=scheduled_until, modality=modality,
                                   station_ae_title=station_ae_title, after=after, limit=PAGE)
        return WorklistPage(orders, site.name, known)

    return await parts.database.read(work)


async def note_worklist_query(parts: Parts, sender: Sender, *, answered: int, is_cancelled: bool) -> None:
    """Audit that the device asked, unless it did lately (J3: Query)."""
    now = parts.clock()
    key = f"worklist:{sender.calling_ae_title}:{sender.address}"
    if parts.openings.has(key, now=now):
        return

    def work(tx: Transaction) -> None:
        tx.audit.append(AuditEntry(
            now, sender.audit_actor, "worklist.queried", is_success=sender.device is not None,
            site_id=sender.site_id, address=sender.address,
            detail={"answered": answered, "is_cancelled": is_cancelled,
                    "not_repeated_for_s": timedelta(minutes=10).total_seconds()}))

    await parts.database.write(work)
    parts.openings.add(key, now=now)
