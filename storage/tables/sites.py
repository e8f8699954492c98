"""Sites, their devices, unregistered callers and the places reports go to."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa

from storage.model import (
    INBOX_SITE_ID,
    Destination,
    DestinationKind,
    Device,
    Knock,
    KnockState,
    Scope,
    Site,
    SiteKind,
    new_id,
)
from storage.tables import schema
from storage.tables.prepared import Prepared
from storage.tables.scoping import within
from storage.tables.upserts import add_if_absent, upsert

# Built once: every study that is decided about runs these.
_SITE = Prepared(sa.select(schema.site).where(schema.site.c.id == sa.bindparam("of_id")))
_DEVICE = Prepared(sa.select(schema.device).where(schema.device.c.id == sa.bindparam("of_id")))


class Sites:
    """Configuration that administrators change while the gateway runs."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    # ------------------------------------------------------------------------------------------------------ sites
    def add_site(self, site: Site) -> None:
        """Add a site, and the page of its clinic as a destination; the id must be free (raises ValueError)."""
        if not self._add(schema.site, site):
            raise ValueError(f"there is a site {site.id!r} already")
        if site.id != INBOX_SITE_ID:
            self.add_destination(Destination(f"{site.id}-page", site.id, DestinationKind.CLINIC_PAGE, site.name))

    def update_site(self, site: Site) -> bool:
        """Replace all but the id."""
        return self._replace(schema.site, site)

    def site(self, site_id: str) -> Site | None:
        """One site."""
        row = _SITE.first(self._connection, {"of_id": site_id})
        return None if row is None else _site(row)

    def sites(self, scope: Scope) -> list[Site]:
        """By id; the inbox site only for an unlimited scope."""
        wanted = sa.select(schema.site).where(within(scope, schema.site.c.id)).order_by(schema.site.c.id)
        if scope.site_ids is not None:
            wanted = wanted.where(schema.site.c.id != INBOX_SITE_ID)
        return [_site(row._mapping) for row in self._connection.execute(wanted)]

    # ---------------------------------------------------------------------------------------------------- devices
    def add_device(self, device: Device) -> None:
        """Add a device (an AE title may be registered once per address; raises ValueError)."""
        self._check_free(device)
        if not self._add(schema.device, device):
            raise ValueError(f"there is a device {device.id!r} already")

    def update_device(self, device: Device) -> bool:
        """Replace all but the id. Raises ValueError as add_device does."""
        self._check_free(device)
        return self._replace(schema.device, device)

    def device(self, device_id: str) -> Device | None:
        """One device."""
        row = _DEVICE.first(self._connection, {"of_id": device_id})
        return None if row is None else Device(**row)

    def devices(self, scope: Scope) -> list[Device]:
        """By site and name."""
        table = schema.device
        rows = self._connection.execute(sa.select(table).where(within(scope, table.c.site_id))
                                        .order_by(table.c.site_id, table.c.name, table.c.id))
        return [Device(**row._mapping) for row in rows]

    def find_device(self, ae_title: str, address: str) -> Device | None:
        """The enabled device that calls itself so from there: an exact address wins over "any"."""
        table = schema.device
        row = self._connection.execute(
            sa.select(table).where(table.c.ae_title == ae_title, table.c.is_enabled,
                                   sa.or_(table.c.address == address, table.c.address.is_(None)))
            .order_by(table.c.address.is_(None), table.c.id).limit(1)).first()
        return None if row is None else Device(**row._mapping)

    # ----------------------------------------------------------------------------------------------------- knocks
    def knock(self, ae_title: str, address: str, at: datetime) -> Knock:
        """Count an unregistered caller; a dismissed one stays dismissed, an accepted one waits again."""
        table = schema.knock
        state = sa.case((table.c.state == KnockState.DISMISSED.value, KnockState.DISMISSED.value),
                        else_=KnockState.WAITING.value)
        row = self._connection.execute(
            upsert(self._connection, table)
            .values(id=new_id(), ae_title=ae_title, address=address, first_at=at, last_at=at, count=1,
                    state=KnockState.WAITING.value)
            .on_conflict_do_update(index_elements=[table.c.ae_title, table.c.address],
                                   set_={"last_at": at, "count": table.c["count"] + 1, "state": state})
            .returning(table)).one()
        return _knock(row)

    def get_knock(self, knock_id: str) -> Knock | None:
        """One knock."""
        row = self._row(schema.knock, knock_id)
        return None if row is None else _knock(row)

    def knocks(self, *, include_settled: bool = False) -> list[Knock]:
        """Waiting ones, newest first."""
        table = schema.knock
        wanted = sa.select(table).order_by(table.c.last_at.desc(), table.c.id.desc())
        if not include_settled:
            wanted = wanted.where(table.c.state == KnockState.WAITING.value)
        return [_knock(row) for row in self._connection.execute(wanted)]

    def settle_knock(self, knock_id: str, *, accepted: bool) -> bool:
        """Accepted or dismissed. True if there is such a knock."""
        state = KnockState.ACCEPTED if accepted else KnockState.DISMISSED
        return self._connection.execute(sa.update(schema.knock).where(schema.knock.c.id == knock_id)
                                        .values(state=state.value)).rowcount == 1

    # ----------------------------------------------------------------------------------------------- destinations
    def add_destination(self, destination: Destination) -> None:
        """Add a place that reports of a site go to. The id must be free (raises ValueError)."""
        if not self._add(schema.destination, destination):
            raise ValueError(f"there is a destination {destination.id!r} already")

    def update_destination(self, destination: Destination) -> bool:
        """Replace all but the id."""
        return self._replace(schema.destination, destination)

    def destination(self, destination_id: str) -> Destination | None:
        """One destination."""
        row = self._row(schema.destination, destination_id)
        return None if row is None else _destination(row)

    def destinations(self, scope: Scope) -> list[Destination]:
        """All within scope, by site and name."""
        return self._destinations(within(scope, schema.destination.c.site_id))

    def destinations_of(self, site_id: str) -> list[Destination]:
        """Enabled ones of a site; add_site makes the clinic_page one by itself."""
        table = schema.destination
        return self._destinations(sa.and_(table.c.site_id == site_id, table.c.is_enabled))

    # ---------------------------------------------------------------------------------------------------- helpers
    def _destinations(self, condition: sa.ColumnElement[bool]) -> list[Destination]:
        table = schema.destination
        rows = self._connection.execute(sa.select(table).where(condition)
                                        .order_by(table.c.site_id, table.c.name, table.c.id))
        return [_destination(row) for row in rows]

    def _check_free(self, device: Device) -> None:
        table = schema.device
        is_same_address = table.c.address.is_(None) if device.address is None else table.c.address == device.address
        taken = self._connection.execute(sa.select(table.c.id).where(
            table.c.ae_title == device.ae_title, is_same_address, table.c.id != device.id)).first()
        if taken is not None:
            raise ValueError(f"AE title {device.ae_title!r} is registered already for "
                             f"{device.address or 'any address'} (device {taken.id})")

    def _row(self, table: sa.Table, key: str) -> sa.Row[Any] | None:
        return self._connection.execute(sa.select(table).where(table.c.id == key)).first()

    def _add(self, table: sa.Table, record: Any) -> bool:
        return add_if_absent(self._connection, table, _plain(record))

    def _replace(self, table: sa.Table, record: Any) -> bool:
        values = _plain(record)
        key = values.pop("id")
        return self._connection.execute(sa.update(table).where(table.c.id == key).values(**values)).rowcount == 1


def _plain(record: Any) -> dict[str, Any]:
    """A record's fields as column values: the columns are named as the fields."""
    values = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    return {name: value.value if isinstance(value, Enum) else value for name, value in values.items()}


def _site(row: Mapping[Any, Any]) -> Site:
    return Site(**{**row, "kind": SiteKind(row["kind"])})


def _knock(row: sa.Row[Any]) -> Knock:
    return Knock(**{**row._mapping, "state": KnockState(row.state)})


def _destination(row: sa.Row[Any]) -> Destination:
    return Destination(**{**row._mapping, "kind": DestinationKind(row.kind)})
