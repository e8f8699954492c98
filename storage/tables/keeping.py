"""Retention rules, visits, legal holds, deletions and their tombstones."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.model import (
    CareClass,
    Deletion,
    DeletionState,
    LegalHold,
    RetentionRule,
    Scope,
    Tombstone,
    Visit,
)
from storage.tables import schema as t
from storage.tables.scoping import within
from storage.tables.upserts import upsert

_OPEN = (DeletionState.ASKED.value, DeletionState.APPROVED.value, DeletionState.DELETING.value)


class Keeping:
    """What decides whether something may go, and what says that it went."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    # -------------------------------------------------------------------------------------------------- retention
    def rules(self) -> dict[CareClass, RetentionRule]:
        """The alliance's own periods; a class that is not in it has the legal one."""
        rows = self._connection.execute(sa.select(t.retention_rule))
        return {CareClass(r.care_class): RetentionRule(CareClass(r.care_class), r.years, r.set_by, r.set_at)
                for r in rows}

    def set_rule(self, rule: RetentionRule) -> None:
        """Add or replace; whether it is long enough is decided by who calls."""
        self._put(t.retention_rule, t.retention_rule.c.care_class, rule)

    def visit(self, study_id: str) -> Visit | None:
        """What was said of the study's visit."""
        row = self._connection.execute(sa.select(t.visit).where(t.visit.c.study_id == study_id)).first()
        return None if row is None else Visit(**dict(row._mapping) | {"care_class": CareClass(row.care_class)})

    def set_visit(self, visit: Visit) -> None:
        """Say it, or say it anew."""
        self._put(t.visit, t.visit.c.study_id, visit)

    def lock_study(self, study_id: str) -> bool:
        """Take turns with whoever holds or deletes this study; False if there is no such study."""
        found = self._connection.execute(sa.select(t.study.c.id).where(t.study.c.id == study_id).with_for_update())
        return found.first() is not None

    def last_seen(self, patient_key: str) -> datetime | None:
        """When the last study of this patient identity came or was made: the last visit we know of."""
        at: datetime | None = self._connection.scalar(
            sa.select(sa.func.max(t.study.c.last_arrival_at)).where(t.study.c.patient_key == patient_key))
        return at

    def studies_before(self, last_arrival_before: datetime, scope: Scope, limit: int) -> list[str]:
        """Studies that nothing came to since, oldest first: those that retention may have ended for."""
        rows = self._connection.execute(
            sa.select(t.study.c.id).where(t.study.c.last_arrival_at < last_arrival_before,
                                          within(scope, t.study.c.site_id))
            .order_by(t.study.c.last_arrival_at, t.study.c.id).limit(limit))
        return list(rows.scalars())

    def find_studies(self, words: str, scope: Scope, limit: int) -> list[str]:
        """Ids of studies by UID, our id, accession number, patient ID, or the beginning of the name; newest first."""
        name = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        rows = self._connection.execute(
            sa.select(t.study.c.id).join(t.patient, t.patient.c.id == t.study.c.patient_key)
            .where(within(scope, t.study.c.site_id),
                   sa.or_(t.study.c.id == words, t.study.c.study_instance_uid == words,
                          t.study.c.accession_number == words, t.patient.c.patient_id == words,
                          t.patient.c.name_display.like(f"{name}%", escape="\\")))
            .order_by(t.study.c.last_arrival_at.desc(), t.study.c.id).limit(limit))
        return list(rows.scalars())

    def report_ids(self, study_id: str) -> list[str]:
        """Every version of the study's report."""
        return list(self._connection.execute(sa.select(t.report.c.id).where(t.report.c.study_id == study_id)
                                             .order_by(t.report.c.version)).scalars())

    # ------------------------------------------------------------------------------------------------------ holds
    def add_hold(self, hold: LegalHold) -> None:
        """Seal a study."""
        self._connection.execute(sa.insert(t.legal_hold), dataclasses.asdict(hold))

    def hold(self, hold_id: str, scope: Scope) -> LegalHold | None:
        """One, released or not."""
        row = self._connection.execute(sa.select(t.legal_hold).where(
            t.legal_hold.c.id == hold_id, within(scope, t.legal_hold.c.site_id))).first()
        return None if row is None else LegalHold(**row._mapping)

    def holds(self, scope: Scope, *, study_id: str = "", include_released: bool = False,
              limit: int = 500) -> list[LegalHold]:
        """Newest first."""
        wanted = sa.select(t.legal_hold).where(within(scope, t.legal_hold.c.site_id))
        if study_id:
            wanted = wanted.where(t.legal_hold.c.study_id == study_id)
        if not include_released:
            wanted = wanted.where(t.legal_hold.c.released_at.is_(None))
        rows = self._connection.execute(wanted.order_by(t.legal_hold.c.placed_at.desc(), t.legal_hold.c.id.desc())
                                        .limit(limit))
        return [LegalHold(**row._mapping) for row in rows]

    def release_hold(self, hold_id: str, *, by: str, reason: str, at: datetime) -> bool:
        """True if it was in force."""
        return self._connection.execute(
            sa.update(t.legal_hold).where(t.legal_hold.c.id == hold_id, t.legal_hold.c.released_at.is_(None))
            .values(released_at=at, released_by=by, release_reason=reason)).rowcount == 1

    # -------------------------------------------------------------------------------------------------- deletions
    def add_deletion(self, deletion: Deletion) -> None:
        """Remember a request."""
        values = dataclasses.asdict(deletion) | {"state": deletion.state.value}
        self._connection.execute(sa.insert(t.deletion), values)

    def deletion(self, deletion_id: str, scope: Scope, *, is_locked: bool = False) -> Deletion | None:
        """One; with `is_locked`, in a write, nobody else changes it until the transaction ends."""
        wanted = sa.select(t.deletion).where(t.deletion.c.id == deletion_id, within(scope, t.deletion.c.site_id))
        row = self._connection.execute(wanted.with_for_update() if is_locked else wanted).first()
        return None if row is None else _deletion(row)

    def deletions(self, scope: Scope, *, limit: int = 500) -> list[Deletion]:
        """Open ones first, then the newest."""
        is_open = t.deletion.c.state.in_(_OPEN)
        rows = self._connection.execute(
            sa.select(t.deletion).where(within(scope, t.deletion.c.site_id))
            .order_by(is_open.desc(), t.deletion.c.asked_at.desc(), t.deletion.c.id.desc()).limit(limit))
        return [_deletion(row) for row in rows]

    def open_deletion_of(self, study_id: str) -> Deletion | None:
        """The one that was asked for or approved and is not done."""
        row = self._connection.execute(sa.select(t.deletion).where(
            t.deletion.c.study_id == study_id, t.deletion.c.state.in_(_OPEN))).first()
        return None if row is None else _deletion(row)

    def deletion_of_gone(self, study_id: str, scope: Scope) -> Deletion | None:
        """The one that took the study away."""
        gone = (DeletionState.DELETING.value, DeletionState.DELETED.value)
        row = self._connection.execute(sa.select(t.deletion).where(
            t.deletion.c.study_id == study_id, t.deletion.c.state.in_(gone),
            within(scope, t.deletion.c.site_id))).first()
        return None if row is None else _deletion(row)

    def change_deletion(self, deletion_id: str, state: DeletionState, **values: Any) -> None:
        """Move it on."""
        self._connection.execute(sa.update(t.deletion).where(t.deletion.c.id == deletion_id)
                                 .values(state=state.value, **values))

    # ------------------------------------------------------------------------------------------------- tombstones
    def add_tombstones(self, tombstones: Sequence[Tombstone]) -> None:
        """In the write that removes the index rows."""
        if tombstones:
            self._connection.execute(sa.insert(t.tombstone), [dataclasses.asdict(each) for each in tombstones])

    def tombstones_of(self, deletion_id: str, *, only_with_bytes: bool = False) -> list[Tombstone]:
        """What a deletion took away; or only what still has its bytes."""
        wanted = sa.select(t.tombstone).where(t.tombstone.c.deletion_id == deletion_id)
        if only_with_bytes:
            wanted = wanted.where(t.tombstone.c.removed_at.is_(None))
        return [Tombstone(**row._mapping) for row in self._connection.execute(wanted.order_by(t.tombstone.c.id))]

    def mark_removed(self, tombstone_ids: Sequence[str], at: datetime) -> None:
        """Their bytes are gone, or kept for somebody else."""
        self._connection.execute(sa.update(t.tombstone).where(t.tombstone.c.id.in_(list(tombstone_ids)))
                                 .values(removed_at=at))

    def deleted_study(self, study_instance_uid: str) -> Tombstone | None:
        """The latest tombstone of a study."""
        return self._tombstone(t.tombstone.c.study_instance_uid == study_instance_uid)

    def deleted_objects(self, sha256s: Sequence[str]) -> dict[str, datetime]:
        """Which of these objects were deleted, and when last."""
        found: dict[str, datetime] = {}
        for start in range(0, len(sha256s), 400):
            rows = self._connection.execute(
                sa.select(t.tombstone.c.object_sha256, sa.func.max(t.tombstone.c.deleted_at).label("at"))
                .where(t.tombstone.c.object_sha256.in_(list(sha256s[start:start + 400])))
                .group_by(t.tombstone.c.object_sha256))
            found.update((row.object_sha256, row.at) for row in rows)
        return found

    def count_tombstones(self) -> tuple[int, int]:
        """Deleted objects, and those of them whose bytes are still to go."""
        row = self._connection.execute(sa.select(
            sa.func.count(), sa.func.coalesce(sa.func.sum(sa.case((t.tombstone.c.removed_at.is_(None), 1),
                                                                  else_=0)), 0)).select_from(t.tombstone)).one()
        return int(row[0]), int(row[1])

    # ---------------------------------------------------------------------------------------------------- helpers
    def _tombstone(self, condition: sa.ColumnElement[bool]) -> Tombstone | None:
        row = self._connection.execute(sa.select(t.tombstone).where(condition)
                                       .order_by(t.tombstone.c.deleted_at.desc()).limit(1)).first()
        return None if row is None else Tombstone(**row._mapping)

    def _put(self, table: sa.Table, key: sa.Column[Any], record: Any) -> None:
        values = dataclasses.asdict(record) | {"care_class": record.care_class.value}
        statement = upsert(self._connection, table).values(values)
        self._connection.execute(statement.on_conflict_do_update(
            index_elements=[key], set_={name: value for name, value in values.items() if name != key.name}))


def _deletion(row: sa.Row[Any]) -> Deletion:
    return Deletion(**dict(row._mapping) | {"state": DeletionState(row.state)})
