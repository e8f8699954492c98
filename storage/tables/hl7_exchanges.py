"""Who may send HL7 v2, and which messages were accepted: a repetition gets the same answer, and nothing is done."""

from __future__ import annotations

import dataclasses
from typing import Any

import sqlalchemy as sa

from storage.model import Scope
from storage.model.orders import Hl7Exchange, Hl7Partner
from storage.tables.schema import hl7_exchange, hl7_partner
from storage.tables.scoping import within
from storage.tables.upserts import add_if_absent


class Hl7Exchanges:
    """Partners are configuration; exchanges are append-only."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add_partner(self, partner: Hl7Partner) -> bool:
        """False if the application and facility are registered already."""
        return add_if_absent(self._connection, hl7_partner, dataclasses.asdict(partner))

    def update_partner(self, partner: Hl7Partner) -> bool:
        """Replace all but the id."""
        values = dataclasses.asdict(partner)
        key = values.pop("id")
        return self._connection.execute(
            sa.update(hl7_partner).where(hl7_partner.c.id == key).values(**values)).rowcount == 1

    def partner(self, partner_id: str, scope: Scope) -> Hl7Partner | None:
        """One partner."""
        row = self._connection.execute(sa.select(hl7_partner).where(
            hl7_partner.c.id == partner_id, within(scope, hl7_partner.c.site_id))).first()
        return None if row is None else _partner(row)

    def partners(self, scope: Scope) -> list[Hl7Partner]:
        """By facility and application."""
        rows = self._connection.execute(
            sa.select(hl7_partner).where(within(scope, hl7_partner.c.site_id))
            .order_by(hl7_partner.c.facility, hl7_partner.c.application))
        return [_partner(row) for row in rows]

    def find_partner(self, application: str, facility: str) -> Hl7Partner | None:
        """Who sends under these names, also if disabled: the application's own row wins over "any"."""
        row = self._connection.execute(
            sa.select(hl7_partner)
            .where(hl7_partner.c.facility == facility, hl7_partner.c.application.in_((application, "")))
            .order_by(hl7_partner.c.application.desc()).limit(1)).first()
        return None if row is None else _partner(row)

    def add(self, exchange: Hl7Exchange) -> bool:
        """Remember an accepted message. False if another of the same control ID was accepted before."""
        return add_if_absent(self._connection, hl7_exchange, dataclasses.asdict(exchange))

    def find(self, application: str, facility: str, control_id: str) -> Hl7Exchange | None:
        """The accepted message of this control ID."""
        row = self._connection.execute(sa.select(hl7_exchange).where(
            hl7_exchange.c.application == application, hl7_exchange.c.facility == facility,
            hl7_exchange.c.control_id == control_id)).first()
        return None if row is None else Hl7Exchange(**{**row._mapping, "answer": bytes(row.answer)})


def _partner(row: sa.Row[Any]) -> Hl7Partner:
    return Hl7Partner(**row._mapping)
