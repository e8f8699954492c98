"""Where studies come from: their evidence, the rules for relays, and the certificates that callers showed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from storage.model import (
    Comparison,
    Evidence,
    EvidenceKind,
    OriginState,
    RelayRule,
    SeenCertificate,
    StudyOrigin,
)
from storage.model.orders import OrderState
from storage.tables import schema as t
from storage.tables.upserts import upsert

_STANDING = t.exam_order.c.state != OrderState.WITHDRAWN.value
# Built once: every new study runs the first two.
_ADDING = sa.insert(t.study_origin)
_ORDERING = (sa.select(t.exam_order.c.site_id).distinct()
             .where(t.exam_order.c.study_instance_uid == sa.bindparam("uid"), _STANDING)
             .order_by(t.exam_order.c.site_id))
_ORDERING_AS = (sa.select(t.exam_order.c.site_id).distinct()
                .where(t.exam_order.c.accession_number == sa.bindparam("accession"),
                       t.exam_order.c.patient_id == sa.bindparam("patient"), _STANDING)
                .order_by(t.exam_order.c.site_id))


class Origins:
    """One origin a study, written with its first object."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    # ---------------------------------------------------------------------------------------------------- origins
    def add(self, origin: StudyOrigin) -> None:
        """With the study."""
        self._connection.execute(_ADDING, _origin_row(origin))

    def get(self, study_id: str) -> StudyOrigin | None:
        """None for studies of before evidence was kept."""
        row = self._connection.execute(sa.select(t.study_origin).where(t.study_origin.c.study_id == study_id)).first()
        return None if row is None else _origin(row)

    def replace(self, origin: StudyOrigin) -> None:
        """All fields."""
        self._connection.execute(sa.update(t.study_origin).where(t.study_origin.c.study_id == origin.study_id)
                                 .values(**_origin_row(origin)))

    def waiting(self, limit: int = 200) -> list[StudyOrigin]:
        """Those that a person must settle, oldest first."""
        rows = self._connection.execute(
            sa.select(t.study_origin).where(t.study_origin.c.state == OriginState.WAITING.value)
            .order_by(t.study_origin.c.at, t.study_origin.c.study_id).limit(limit))
        return [_origin(row) for row in rows]

    def settled_by_people(self, limit: int) -> list[StudyOrigin]:
        """Those that a person settled, the last one first."""
        table = t.study_origin
        rows = self._connection.execute(
            sa.select(table).where(table.c.state == OriginState.SETTLED.value,
                                   table.c.decided_by == EvidenceKind.PERSON.value)
            .order_by(table.c.settled_at.desc(), table.c.study_id).limit(limit))
        return [_origin(row) for row in rows]

    # ----------------------------------------------------------------------------------------------------- orders
    def sites_ordering(self, study_instance_uid: str) -> list[str]:
        """Sites with an order, not withdrawn, of this Study Instance UID."""
        return list(self._connection.execute(_ORDERING, {"uid": study_instance_uid}).scalars())

    def sites_ordering_as(self, accession_number: str, patient_id: str) -> list[str]:
        """Sites with an order, not withdrawn, of this accession number for this Patient ID."""
        return list(self._connection.execute(
            _ORDERING_AS, {"accession": accession_number, "patient": patient_id}).scalars())

    # ------------------------------------------------------------------------------------------------ relay rules
    def relay_rules(self) -> list[RelayRule]:
        """All of them, in the order in which they are tried."""
        rows = self._connection.execute(sa.select(t.relay_rule).order_by(t.relay_rule.c.position, t.relay_rule.c.id))
        return [RelayRule(**{**row._mapping, "comparison": Comparison(row.comparison)}) for row in rows]

    def replace_relay_rules(self, rules: Sequence[RelayRule]) -> None:
        """The whole list at once: their order matters."""
        self._connection.execute(sa.delete(t.relay_rule))
        for rule in rules:
            self._connection.execute(sa.insert(t.relay_rule), {
                **{field.name: getattr(rule, field.name) for field in dataclasses.fields(RelayRule)},
                "comparison": rule.comparison.value})

    # ----------------------------------------------------------------------------------------------- certificates
    def note_certificate(self, seen: SeenCertificate) -> None:
        """The newest one of a caller replaces the one before."""
        values = {field.name: getattr(seen, field.name) for field in dataclasses.fields(SeenCertificate)}
        table = t.seen_certificate
        self._connection.execute(
            upsert(self._connection, table).values(**values)
            .on_conflict_do_update(index_elements=[table.c.ae_title, table.c.address],
                                   set_={name: value for name, value in values.items()
                                         if name not in ("id", "ae_title", "address")}))

    def certificates(self) -> list[SeenCertificate]:
        """The newest of every caller, last seen first."""
        rows = self._connection.execute(
            sa.select(t.seen_certificate).order_by(t.seen_certificate.c.seen_at.desc(), t.seen_certificate.c.id))
        return [SeenCertificate(**row._mapping) for row in rows]

    def newest_certificate(self, ae_title: str, address: str | None) -> SeenCertificate | None:
        """What a caller of this title showed last, from that address or (None) from anywhere."""
        table = t.seen_certificate
        wanted = sa.select(table).where(table.c.ae_title == ae_title)
        if address is not None:
            wanted = wanted.where(table.c.address == address)
        row = self._connection.execute(wanted.order_by(table.c.seen_at.desc(), table.c.id).limit(1)).first()
        return None if row is None else SeenCertificate(**row._mapping)


def _origin_row(origin: StudyOrigin) -> dict[str, Any]:
    values: dict[str, Any] = {field.name: getattr(origin, field.name) for field in dataclasses.fields(StudyOrigin)}
    return values | {
        "state": origin.state.value, "decided_by": origin.decided_by.value if origin.decided_by else None,
        "evidence": [{"kind": e.kind.value, "seen": e.seen, "site_id": e.site_id} for e in origin.evidence]}


def _origin(row: sa.Row[Any]) -> StudyOrigin:
    values = dict(row._mapping)
    return StudyOrigin(**values | {
        "state": OriginState(values["state"]),
        "decided_by": EvidenceKind(values["decided_by"]) if values["decided_by"] else None,
        "evidence": tuple(Evidence(EvidenceKind(e["kind"]), e["seen"], e["site_id"]) for e in values["evidence"])})
