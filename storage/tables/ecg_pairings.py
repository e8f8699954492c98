"""Short numbers of open ECG orders, and for whom somebody says that a cart records now."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from storage.model.ecg_intake import EcgPairing
from storage.tables.schema import ecg_pairing as table
from storage.tables.upserts import add_if_absent


class EcgPairings:
    """A number is one order's at its site until the row is forgotten."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, pairing: EcgPairing) -> bool:
        """Remember a number. False if the site uses it, or the order has one."""
        return add_if_absent(self._connection, table, dataclasses.asdict(pairing))

    def forget(self, site_id: str, *, made_before: datetime) -> None:
        """Free the old numbers of a site."""
        self._connection.execute(sa.delete(table).where(table.c.site_id == site_id, table.c.made_at < made_before))

    def of_orders(self, order_ids: Sequence[str]) -> dict[str, EcgPairing]:
        """Those of these orders that have one, by order id."""
        rows = self._connection.execute(sa.select(table).where(table.c.order_id.in_(list(order_ids))))
        return {row.order_id: EcgPairing(**row._mapping) for row in rows}

    def of_number(self, number: str, site_id: str) -> EcgPairing | None:
        """The one that has this number at the site."""
        row = self._connection.execute(
            sa.select(table).where(table.c.site_id == site_id, table.c.number == number)).first()
        return None if row is None else EcgPairing(**row._mapping)

    def call(self, order_id: str, *, at: datetime, until: datetime, by: str, device_id: str | None) -> None:
        """A cart records for this order from now on."""
        self._connection.execute(sa.update(table).where(table.c.order_id == order_id).values(
            called_at=at, called_until=until, called_by=by, device_id=device_id))

    def end_calls(self, site_id: str, device_id: str | None, *, at: datetime, but: str = "") -> None:
        """Whoever that device recorded for before, it does so no more; the call's window ends now."""
        same = table.c.device_id.is_(None) if device_id is None else table.c.device_id == device_id
        self._connection.execute(
            sa.update(table).where(table.c.site_id == site_id, same, table.c.called_until > at,
                                   table.c.order_id != but).values(called_until=at))

    def end_call(self, order_id: str, *, at: datetime) -> None:
        """Nobody records for this order any more."""
        self._connection.execute(
            sa.update(table).where(table.c.order_id == order_id, table.c.called_until > at).values(called_until=at))
