"""Who asks about workitems from outside: a registered device by DIMSE, or a machine with a token by the web.

What one may see is looked up with each request, so that a device or token that was switched off counts as that at
once. Who may perform (claim, update, complete): devices of a centre or a hospital, and tokens made for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.services.know_sender import NOTHING, scope_of
from gateway.services.receive_instance import Sender
from storage.interface import Transaction
from storage.model import ArrivalVia, Device, Scope, SiteKind
from storage.model.workitems import Channel, Subscriber

_PERFORMING_SITES = (SiteKind.CENTRE, SiteKind.HOSPITAL)


@dataclass(frozen=True, slots=True)
class Outsider:
    """One caller."""

    actor: str                           # of the audit trail
    owner: str                           # "device:<id>", "token:<id>", or a person's id: whose the thing is
    name: str                            # shown to people, and named in events
    address: str
    site_id: str
    channel: Channel
    sender: Sender | None = None         # by DIMSE
    scope: Scope = NOTHING               # by the web, as the route admits
    is_performer: bool = False           # by the web, as the token is made

    def sees(self, tx: Transaction) -> Scope:
        """The sites whose workitems it may see."""
        return self.scope if self.sender is None else scope_of(tx, self.sender)

    def may_perform(self, tx: Transaction) -> bool:
        """True if it may claim readings."""
        if self.sender is None:
            return self.is_performer
        device = tx.sites.device(self.sender.device.id) if self.sender.device else None
        site = tx.sites.site(device.site_id) if device and device.is_enabled else None
        return site is not None and site.is_enabled and site.kind in _PERFORMING_SITES


def outsider_of(sender: Sender) -> Outsider:
    """A caller on the DICOM port; one that nobody registered sees nothing."""
    owner = f"device:{sender.device.id}" if sender.device else f"caller:{sender.calling_ae_title}@{sender.address}"
    return Outsider(sender.audit_actor, owner, sender.calling_ae_title, sender.address, sender.site_id,
                    Channel.DICOM, sender=sender)


def seen_by(tx: Transaction, one: Subscriber) -> Scope:
    """What a subscriber may be told of now."""
    kind, _, owner_id = one.owner.partition(":")
    if kind == "device":
        device = tx.sites.device(owner_id)
        return NOTHING if device is None else scope_of(tx, _as_sender(device))
    site = tx.sites.site(owner_id)
    return Scope(frozenset({site.id})) if site is not None and site.is_enabled else NOTHING


def owner_by_web(site_id: str) -> str:
    """Whose an AE title is that a machine subscribed: its site's, so that its other tokens may take the events."""
    return f"site:{site_id}"


def _as_sender(device: Device) -> Sender:
    return Sender(device.site_id, device, ArrivalVia.DICOM, calling_ae_title=device.ae_title)
