"""Orders: what was asked for, and the study that was made for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa

from storage.model import Scope
from storage.model.orders import LinkEvidence, Order, OrderFilter, OrderSource, OrderState
from storage.tables.prepared import Prepared
from storage.tables.schema import exam_order as table
from storage.tables.scoping import within
from storage.tables.upserts import add_if_absent

_WAITING = (OrderState.SCHEDULED.value, OrderState.IN_PROGRESS.value)

# Built once: every study that arrives runs these.
_OF_STUDY_UID = sa.select(table).where(
    table.c.study_instance_uid == sa.bindparam("uid"), table.c.site_id == sa.bindparam("of_site"),
    table.c.state != OrderState.WITHDRAWN.value).order_by(table.c.created_at, table.c.id).limit(1)
_OF_ACCESSION = sa.select(table).where(
    table.c.accession_number == sa.bindparam("accession"), table.c.site_id == sa.bindparam("of_site"),
    table.c.patient_id == sa.bindparam("of_patient"), table.c.state != OrderState.WITHDRAWN.value).limit(2)
_OF_STUDY_EVERYWHERE = Prepared(sa.select(table).where(table.c.study_id == sa.bindparam("of_study"))
                                .order_by(table.c.created_at, table.c.id).limit(1))


def _open_and(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.exists().where(condition, table.c.site_id == sa.bindparam("of_site"), table.c.study_id.is_(None),
                             sa.or_(*(table.c.state == state for state in _WAITING)))


_MAY_BE_OF = Prepared(sa.select(sa.literal_column("1").label("may_be")).where(      # each `exists` by its own index
    ~sa.exists().where(table.c.study_id == sa.bindparam("of_study")),
    sa.or_(_open_and(table.c.study_instance_uid == sa.bindparam("uid")),
           _open_and(table.c.accession_number == sa.bindparam("accession")),
           _open_and(table.c.scheduled_at.between(sa.bindparam("since"), sa.bindparam("before"))))))


class Orders:
    """A row is replaced whole, and only by who saw its present revision."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, order: Order) -> bool:
        """Remember an order. False if the site has its placer order number already."""
        return add_if_absent(self._connection, table, _plain(order))

    def replace(self, order: Order) -> bool:
        """Replace all but id and site, if `order.revision` is still the kept one (it grows). False: look again."""
        values = _plain(order) | {"revision": order.revision + 1}
        for fixed in ("id", "site_id", "created_at", "created_by"):
            del values[fixed]
        done = self._connection.execute(
            sa.update(table).where(table.c.id == order.id, table.c.revision == order.revision).values(**values))
        return done.rowcount == 1

    def get(self, order_id: str, scope: Scope) -> Order | None:
        """One order, if the scope may see it."""
        row = self._connection.execute(
            sa.select(table).where(table.c.id == order_id, within(scope, table.c.site_id))).first()
        return None if row is None else _order(row)

    def of_study(self, study_id: str, scope: Scope) -> Order | None:
        """The order that a study was made for; the first one where several belong to it."""
        if scope.site_ids is None:
            found = _OF_STUDY_EVERYWHERE.first(self._connection, {"of_study": study_id})
            return None if found is None else _order_of(found)
        row = self._connection.execute(
            sa.select(table).where(table.c.study_id == study_id, within(scope, table.c.site_id))
            .order_by(table.c.created_at, table.c.id).limit(1)).first()
        return None if row is None else _order(row)

    def of_studies(self, study_ids: Sequence[str], scope: Scope) -> dict[str, Order]:
        """What `of_study` says of each of these, by study id."""
        rows = self._connection.execute(
            sa.select(table).where(table.c.study_id.in_(list(study_ids)), within(scope, table.c.site_id))
            .order_by(table.c.created_at.desc(), table.c.id.desc()))
        return {row.study_id: _order(row) for row in rows}       # the first one comes last, and stays

    def of_placer(self, placer_order_number: str, site_id: str) -> Order | None:
        """The order that another system knows by this number."""
        row = self._connection.execute(sa.select(table).where(
            table.c.site_id == site_id, table.c.placer_order_number == placer_order_number)).first()
        return None if row is None else _order(row)

    def of_accession(self, accession_number: str, site_id: str) -> list[Order]:
        """Every order of the site with this accession number."""
        rows = self._connection.execute(
            sa.select(table).where(table.c.accession_number == accession_number, table.c.site_id == site_id)
            .order_by(table.c.created_at, table.c.id))
        return [_order(row) for row in rows]

    def of_study_uid(self, study_instance_uid: str) -> list[Order]:
        """Every order of any site that gave this UID: evidence of where a study comes from; not for showing."""
        rows = self._connection.execute(
            sa.select(table).where(table.c.study_instance_uid == study_instance_uid,
                                   table.c.state != OrderState.WITHDRAWN.value)
            .order_by(table.c.created_at, table.c.id))
        return [_order(row) for row in rows]

    def for_study(self, study_instance_uid: str, accession_number: str, site_id: str, *,
                  patient_id: str = "") -> Order | None:
        """The order that exactly names a study of the site: by Study Instance UID, else by accession number together
        with the Patient ID where one order alone has both. A withdrawn order is nobody's."""
        row = self._connection.execute(_OF_STUDY_UID, {"uid": study_instance_uid, "of_site": site_id}).first()
        if row is None and accession_number and patient_id:
            found = self._connection.execute(_OF_ACCESSION, {
                "accession": accession_number, "of_site": site_id, "of_patient": patient_id}).all()
            row = found[0] if len(found) == 1 else None
        return None if row is None else _order(row)

    def link(self, order: Order, study_id: str, evidence: LinkEvidence, *, at: datetime) -> bool:
        """Say which study was made for it; a scheduled order is in progress from then on. False: look again."""
        state = OrderState.IN_PROGRESS if order.state is OrderState.SCHEDULED else order.state
        return self.replace(dataclasses.replace(order, study_id=study_id, link_evidence=evidence, state=state,
                                                updated_at=at))

    def note_performed(self, study_id: str, *, at: datetime) -> int:
        """The study is complete: its orders leave the worklists. Returns how many."""
        return self._connection.execute(
            sa.update(table).where(table.c.study_id == study_id, table.c.state.in_(_WAITING))
            .values(state=OrderState.PERFORMED.value, updated_at=at, revision=table.c.revision + 1)).rowcount

    def may_be_of(self, study_id: str, site_id: str, *, study_instance_uid: str, accession_number: str,
                  scheduled_from: datetime, scheduled_before: datetime) -> bool:
        """True if no order is linked to the study, and an open one of its site without a study has its UID or its
        accession number, or was scheduled in this time."""
        return _MAY_BE_OF.first(self._connection, {
            "of_study": study_id, "of_site": site_id, "uid": study_instance_uid, "accession": accession_number,
            "since": scheduled_from, "before": scheduled_before}) is not None

    def find(self, wanted: OrderFilter, scope: Scope, *, limit: int, offset: int = 0) -> tuple[list[Order], int]:
        """A page by scheduled time, newest first, and how many there are in all."""
        condition = sa.and_(within(scope, table.c.site_id), *_conditions(wanted))
        total = self._connection.scalar(sa.select(sa.func.count()).select_from(table).where(condition))
        rows = self._connection.execute(
            sa.select(table).where(condition).order_by(table.c.scheduled_at.desc(), table.c.id.desc())
            .limit(limit).offset(offset))
        return [_order(row) for row in rows], int(total or 0)

    def waiting(self, scope: Scope, *, scheduled_from: datetime | None = None,
                scheduled_until: datetime | None = None, modality: str = "", station_ae_title: str = "",
                after: tuple[datetime, str] | None = None, limit: int = 200) -> list[Order]:
        """Orders that a modality may still perform, by scheduled time; `after` is the last one of the page before.

        A station sees what is meant for it and what is meant for no one in particular.
        """
        chosen = sa.select(table).where(within(scope, table.c.site_id), table.c.state.in_(_WAITING))
        if scheduled_from is not None:
            chosen = chosen.where(table.c.scheduled_at >= scheduled_from)
        if scheduled_until is not None:
            chosen = chosen.where(table.c.scheduled_at <= scheduled_until)
        if modality:
            chosen = chosen.where(table.c.modality == modality)
        if station_ae_title:
            chosen = chosen.where(table.c.station_ae_title.in_((station_ae_title, "")))
        if after is not None:
            at, order_id = after
            chosen = chosen.where(sa.or_(table.c.scheduled_at > at,
                                         sa.and_(table.c.scheduled_at == at, table.c.id > order_id)))
        rows = self._connection.execute(chosen.order_by(table.c.scheduled_at, table.c.id).limit(limit))
        return [_order(row) for row in rows]


def _conditions(wanted: OrderFilter) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.states:
        found.append(table.c.state.in_([state.value for state in wanted.states]))
    if wanted.modality:
        found.append(table.c.modality == wanted.modality)
    if wanted.scheduled_from is not None:
        found.append(table.c.scheduled_at >= wanted.scheduled_from)
    if wanted.scheduled_before is not None:
        found.append(table.c.scheduled_at < wanted.scheduled_before)
    if wanted.without_study:
        found.append(table.c.study_id.is_(None))
    if wanted.text:
        lowered = wanted.text.lower()
        columns = (table.c.patient_name, table.c.name_alphabetic, table.c.patient_id, table.c.accession_number,
                   table.c.visit_number, table.c.id_card_number)
        found.append(sa.or_(*(sa.func.lower(column).startswith(lowered, autoescape=True) for column in columns)))
    return found


def _plain(order: Order) -> dict[str, Any]:
    values = {field.name: getattr(order, field.name) for field in dataclasses.fields(Order)}
    values = {name: value.value if isinstance(value, Enum) else value for name, value in values.items()}
    return values | {"placer_order_number": order.placer_order_number or None}


def _order(row: sa.Row[Any]) -> Order:
    return _order_of(row._mapping)


def _order_of(row: Mapping[Any, Any]) -> Order:
    evidence = row["link_evidence"]
    return Order(**{
        **row, "state": OrderState(row["state"]), "source": OrderSource(row["source"]),
        "link_evidence": LinkEvidence(evidence) if evidence else None,
        "placer_order_number": row["placer_order_number"] or ""})
