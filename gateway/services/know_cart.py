"""Which registered device of a site somebody means by a name: its AE title, its name or its id."""

from __future__ import annotations

from collections.abc import Iterable

from storage.interface import Transaction
from storage.model import Device, Scope


def cart_called(tx: Transaction, site_id: str, names: Iterable[str]) -> Device | None:
    """The enabled device of the site that has one of these names; None where none or more than one has."""
    wanted = {name.casefold() for name in names if name}
    found = [device for device in tx.sites.devices(Scope(frozenset({site_id}))) if device.is_enabled
             and wanted & {device.ae_title.casefold(), device.name.casefold(), device.id.casefold()}]
    return found[0] if len(found) == 1 else None
