"""The clinic's own page: it reads our store, so it has the report with the commit of the signature.

Queueing sets such a delivery to accepted at once; this channel only answers for one that was queued otherwise.
"""

from __future__ import annotations

from gateway.services.ports import DeliveryParcel
from storage.model import Destination


class ClinicPage:
    """Nothing leaves the house."""

    async def deliver(self, parcel: DeliveryParcel, destination: Destination) -> None:
        """The page has it."""
