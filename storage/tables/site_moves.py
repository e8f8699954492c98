"""Give a study, and everything that names its site, to another site: out of the inbox, or from a wrong one.

Bytes, series, instances, decisions and the audit trail name no site or only say what was; they stay as they are.
"""

from __future__ import annotations

import sqlalchemy as sa

from storage.model import INBOX_SITE_ID
from storage.model.ecg_intake import IdentityState
from storage.tables import schema as t

Caller = tuple[str, str]
"""Calling AE title and address of a sender."""

_OF_INBOX = t.arrival.c.site_id == INBOX_SITE_ID


class SiteMoves:
    """Plain updates; who may move what, and why, is decided by the service that calls."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def inbox_studies_of(self, ae_title: str) -> list[str]:
        """Ids of the inbox's studies that a caller of this title sent something to, in the order they came."""
        sent = sa.select(t.arrival.c.study_id).where(_OF_INBOX, t.arrival.c.calling_ae_title == ae_title)
        rows = self._connection.execute(
            sa.select(t.study.c.id).where(t.study.c.site_id == INBOX_SITE_ID, t.study.c.id.in_(sent))
            .order_by(t.study.c.first_arrival_at, t.study.c.id))
        return list(rows.scalars())

    def inbox_counts(self) -> dict[Caller, int]:
        """How many of the inbox's studies each caller sent something to."""
        rows = self._connection.execute(
            sa.select(t.arrival.c.calling_ae_title, t.arrival.c.address, sa.func.count(t.study.c.id.distinct()))
            .join(t.study, t.study.c.id == t.arrival.c.study_id)
            .where(_OF_INBOX, t.study.c.site_id == INBOX_SITE_ID)
            .group_by(t.arrival.c.calling_ae_title, t.arrival.c.address))
        return {(ae_title, address): int(count) for ae_title, address, count in rows}

    def callers_of(self, study_id: str) -> list[Caller]:
        """Everybody who sent something to the study, the first sender first."""
        rows = self._connection.execute(
            sa.select(t.arrival.c.calling_ae_title, t.arrival.c.address).where(t.arrival.c.study_id == study_id)
            .group_by(t.arrival.c.calling_ae_title, t.arrival.c.address)
            .order_by(sa.func.min(t.arrival.c.at), sa.func.min(t.arrival.c.id)))
        return [(row.calling_ae_title, row.address) for row in rows]

    def stray_callers_of(self, ae_title: str) -> list[Caller]:
        """Callers of this title with arrivals in the inbox that became no study (quarantined ones)."""
        rows = self._connection.execute(
            sa.select(t.arrival.c.calling_ae_title, t.arrival.c.address).distinct()
            .where(_OF_INBOX, t.arrival.c.study_id.is_(None), t.arrival.c.calling_ae_title == ae_title))
        return [(row.calling_ae_title, row.address) for row in rows]

    def move_study(self, study_id: str, *, site_id: str, device_id: str | None, patient_key: str,
                   from_site_id: str = INBOX_SITE_ID) -> None:
        """The study, its reading, reports and deliveries, what protects it, and the open questions about them."""
        self._move_alarms(sa.or_(
            t.alarm.c.ref == study_id,
            t.alarm.c.ref.in_(sa.select(t.arrival.c.id).where(t.arrival.c.study_id == study_id)),
            t.alarm.c.ref.in_(sa.select(t.instance.c.id).where(t.instance.c.study_id == study_id))),
            site_id, from_site_id)
        self._connection.execute(sa.update(t.study).where(t.study.c.id == study_id)
                                 .values(site_id=site_id, device_id=device_id, patient_key=patient_key))
        self._connection.execute(sa.update(t.reading).where(t.reading.c.study_id == study_id)
                                 .values(site_id=site_id, revision=t.reading.c.revision + 1))
        for table in (t.report, t.delivery, t.legal_hold, t.deletion, t.quality_grade, t.retake, t.notice, t.workitem,
                      t.workitem_event):
            self._connection.execute(sa.update(table).where(table.c.study_id == study_id).values(site_id=site_id))
        asked = sa.select(t.retake.c.order_id).where(t.retake.c.study_id == study_id)    # the worklist of whom it is
        self._connection.execute(
            sa.update(t.exam_order).where(t.exam_order.c.id.in_(asked), t.exam_order.c.study_id.is_(None))
            .values(site_id=site_id, revision=t.exam_order.c.revision + 1))
        self._move_former_identity(study_id, site_id=site_id, patient_key=patient_key)

    def move_arrivals(self, caller: Caller, *, study_id: str | None, site_id: str, device_id: str) -> None:
        """What the caller sent to the study, or (None) what became no study, with the alarms about it."""
        of_study = t.arrival.c.study_id.is_(None) if study_id is None else t.arrival.c.study_id == study_id
        sent = sa.and_(_OF_INBOX, of_study, t.arrival.c.calling_ae_title == caller[0],
                       t.arrival.c.address == caller[1])
        self._move_alarms(t.alarm.c.ref.in_(sa.select(t.arrival.c.id).where(sent)), site_id)
        self._connection.execute(sa.update(t.arrival).where(sent).values(site_id=site_id, device_id=device_id))

    def move_all_arrivals(self, study_id: str, *, site_id: str, from_site_id: str = INBOX_SITE_ID) -> None:
        """What anybody sent to the study while it was there; who sent it stays as it is."""
        sent = sa.and_(t.arrival.c.site_id == from_site_id, t.arrival.c.study_id == study_id)
        self._move_alarms(t.alarm.c.ref.in_(sa.select(t.arrival.c.id).where(sent)), site_id, from_site_id)
        self._connection.execute(sa.update(t.arrival).where(sent).values(site_id=site_id))

    def move_patient(self, patient_key: str, *, site_id: str) -> None:
        """The whole identity; only where no study of it stays behind."""
        self._connection.execute(sa.update(t.patient).where(t.patient.c.id == patient_key).values(site_id=site_id))

    def _move_former_identity(self, study_id: str, *, site_id: str, patient_key: str) -> None:
        """Of an ECG that came without a patient: the empty identity goes along, beside the one that it got since."""
        mine = t.ecg_identity.c.study_id == study_id
        nobodys = t.ecg_identity.c.state.in_((IdentityState.WAITING, IdentityState.NOBODY))
        self._connection.execute(sa.update(t.ecg_identity).where(mine, nobodys)
                                 .values(former_patient_key=patient_key))
        former = sa.select(t.ecg_identity.c.former_patient_key).where(mine, sa.not_(nobodys))
        self._connection.execute(sa.update(t.patient).where(t.patient.c.id.in_(former)).values(site_id=site_id))

    def _move_alarms(self, which: sa.ColumnElement[bool], site_id: str, from_site_id: str = INBOX_SITE_ID) -> None:
        self._connection.execute(sa.update(t.alarm).where(t.alarm.c.site_id == from_site_id, which)
                                 .values(site_id=site_id))
