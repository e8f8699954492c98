"""Sites, their devices, unregistered callers and the places reports go to."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from storage.model import Destination, Device, Knock, Scope, Site


class Sites:
    """Configuration that administrators change while the gateway runs."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add_site(self, site: Site) -> None:
        """Add a site; the id must be free (raises ValueError)."""
        raise NotImplementedError

    def update_site(self, site: Site) -> bool:
        """Replace all but the id."""
        raise NotImplementedError

    def site(self, site_id: str) -> Site | None:
        """One site."""
        raise NotImplementedError

    def sites(self, scope: Scope) -> list[Site]:
        """By id; the inbox site only for an unlimited scope."""
        raise NotImplementedError

    def add_device(self, device: Device) -> None:
        """Add a device (an AE title may be registered once per address; raises ValueError)."""
        raise NotImplementedError

    def update_device(self, device: Device) -> bool:
        """Replace all but the id."""
        raise NotImplementedError

    def device(self, device_id: str) -> Device | None:
        """One device."""
        raise NotImplementedError

    def devices(self, scope: Scope) -> list[Device]:
        """By site and name."""
        raise NotImplementedError

    def find_device(self, ae_title: str, address: str) -> Device | None:
        """The enabled device that calls itself so from there: an exact address wins over "any"."""
        raise NotImplementedError

    def knock(self, ae_title: str, address: str, at: datetime) -> Knock:
        """Count an unregistered caller; a dismissed one stays dismissed."""
        raise NotImplementedError

    def get_knock(self, knock_id: str) -> Knock | None:
        """One knock."""
        raise NotImplementedError

    def knocks(self, *, include_settled: bool = False) -> list[Knock]:
        """Waiting ones, newest first."""
        raise NotImplementedError

    def settle_knock(self, knock_id: str, *, accepted: bool) -> bool:
        """Accepted or dismissed."""
        raise NotImplementedError

    def add_destination(self, destination: Destination) -> None:
        """Add a place that reports of a site go to."""
        raise NotImplementedError

    def update_destination(self, destination: Destination) -> bool:
        """Replace all but the id."""
        raise NotImplementedError

    def destination(self, destination_id: str) -> Destination | None:
        """One destination."""
        raise NotImplementedError

    def destinations(self, scope: Scope) -> list[Destination]:
        """All within scope."""
        raise NotImplementedError

    def destinations_of(self, site_id: str) -> list[Destination]:
        """Enabled ones of a site; add_site makes the clinic_page one by itself."""
        raise NotImplementedError
