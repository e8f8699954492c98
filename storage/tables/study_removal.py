"""Take a study out of the index for good. Only `delete_study` calls this, after two people have agreed.

What names the study goes, in one transaction; what proves what happened (audit, arrivals without their file names,
alarms, the deletion itself, its holds and tombstones, promises given to devices) stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from storage.model import ArrivalOutcome, new_id
from storage.model.keeping import Tombstone
from storage.tables import schema as t

STAYS = frozenset(("audit", "arrival", "deletion", "legal_hold", "tombstone"))
"""Tables with a study_id whose rows outlive the study; a test asks for a decision about every new table."""

_AT_ONCE = 400


def tables_that_go() -> list[sa.Table]:
    """Every other table with a study_id: what the study is made of, and what was decided and written about it."""
    return [table for name, table in sorted(t.metadata.tables.items()) if "study_id" in table.c and name not in STAYS]


class StudyRemoval:
    """Plain statements; whether a study may go is decided by the service that calls."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def tombstones(self, study_id: str, *, deletion_id: str, at: datetime) -> list[Tombstone]:
        """One for every object of the study: instances, its conflicting arrivals, its reports, marked pictures."""
        study = self._connection.execute(sa.select(t.study.c.site_id, t.study.c.study_instance_uid)
                                         .where(t.study.c.id == study_id)).one()

        def tombstone(sha256: str, size_bytes: int, kind: str, uid: str = "", sop_class_uid: str = "") -> Tombstone:
            return Tombstone(new_id(), deletion_id, study_id, study.site_id, study.study_instance_uid, uid,
                             sop_class_uid, sha256, size_bytes, kind, at)

        i, a, r = t.instance.c, t.arrival.c, t.report.c
        found = [tombstone(row.object_sha256, row.size_bytes, "received", row.sop_instance_uid, row.sop_class_uid)
                 for row in self._connection.execute(
                     sa.select(i.object_sha256, i.size_bytes, i.sop_instance_uid, i.sop_class_uid)
                     .where(i.study_id == study_id).order_by(i.id))]
        known = {each.object_sha256 for each in found}
        for row in self._connection.execute(
                sa.select(a.object_sha256, a.size_bytes, a.sop_instance_uid, a.sop_class_uid)
                .where(a.study_id == study_id).order_by(a.id)):
            if row.object_sha256 not in known:
                known.add(row.object_sha256)
                found.append(tombstone(row.object_sha256, row.size_bytes, "quarantined", row.sop_instance_uid,
                                       row.sop_class_uid))
        for report in self._connection.execute(
                sa.select(r.pdf_sha256, r.dicom_sha256, r.sop_instance_uid).where(r.study_id == study_id)):
            for sha256, uid in ((report.pdf_sha256, ""), (report.dicom_sha256, report.sop_instance_uid or "")):
                if sha256 and sha256 not in known:
                    known.add(sha256)
                    found.append(tombstone(sha256, self._size_of(sha256), "report", uid))
        q = t.quality_grade.c
        for sha256 in self._connection.execute(
                sa.select(q.picture_sha256).where(q.study_id == study_id, q.picture_sha256 != "")).scalars():
            if sha256 not in known:
                known.add(sha256)
                found.append(tombstone(sha256, self._size_of(sha256), "marked_picture"))
        return found

    def shared(self, study_id: str, sha256s: Sequence[str]) -> set[str]:
        """Which of these objects another study needs too, or an arrival of none. Reads whole tables."""
        found: set[str] = set()
        places = ((t.instance.c.object_sha256, t.instance.c.study_id),
                  (t.arrival.c.object_sha256, t.arrival.c.study_id),
                  (t.report.c.pdf_sha256, t.report.c.study_id), (t.report.c.dicom_sha256, t.report.c.study_id),
                  (t.quality_grade.c.picture_sha256, t.quality_grade.c.study_id))
        for start in range(0, len(sha256s), _AT_ONCE):
            some = list(sha256s[start:start + _AT_ONCE])
            for column, of_study in places:
                is_other = sa.or_(of_study.is_(None), of_study != study_id)
                where = sa.and_(column.in_(some), is_other)
                if column.table is t.arrival:    # what was kept is named by its instance already
                    where = sa.and_(where, t.arrival.c.outcome.in_((ArrivalOutcome.CONFLICT.value,
                                                                    ArrivalOutcome.QUARANTINED.value)))
                found.update(self._connection.execute(sa.select(column).where(where)).scalars())
        return found

    def remove_rows(self, study_id: str) -> None:
        """Everything of `tables_that_go`, the ECG facts, and the patient if this was the last study."""
        study = self._connection.execute(sa.select(t.study.c.patient_key, t.study.c.study_instance_uid)
                                         .where(t.study.c.id == study_id)).one()
        instances = sa.select(t.instance.c.id).where(t.instance.c.study_id == study_id)
        self._connection.execute(sa.delete(t.ecg).where(t.ecg.c.instance_id.in_(instances)))
        for table in tables_that_go():
            self._connection.execute(sa.delete(table).where(table.c.study_id == study_id))
        self._connection.execute(sa.delete(t.completion_evidence).where(
            t.completion_evidence.c.study_instance_uid == study.study_instance_uid))
        self._connection.execute(sa.delete(t.study).where(t.study.c.id == study_id))
        has_more = sa.exists().where(t.study.c.patient_key == study.patient_key)
        self._connection.execute(sa.delete(t.patient).where(t.patient.c.id == study.patient_key, ~has_more))
        # A file's name may be a person's: the arrival says when something came and its hash, no more.
        self._connection.execute(sa.update(t.arrival).where(t.arrival.c.study_id == study_id).values(file_name=""))

    def forget_object(self, sha256: str) -> datetime | None:
        """Withdraw the promise that the bytes are there; returns when they were stored, None if it was not given."""
        at: datetime | None = self._connection.scalar(
            sa.delete(t.stored_object).where(t.stored_object.c.sha256 == sha256)
            .returning(t.stored_object.c.stored_at))
        return at

    def _size_of(self, sha256: str) -> int:
        return int(self._connection.scalar(sa.select(t.stored_object.c.size_bytes)
                                           .where(t.stored_object.c.sha256 == sha256)) or 0)
