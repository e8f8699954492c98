"""Look up what surrounds a study when it is decided about: a few counts, each by an index."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.model import ReadingState, Study
from storage.model.circumstances import Circumstances
from storage.model.origins import OriginState
from storage.model.rosters import Presence
from storage.tables import schema as t

_MODEL_NAME = "00081090"


class StudyCircumstances:
    """Reads only; the caller has the study already, so that no scope is asked for again."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def of_study(self, study: Study, *, now: datetime) -> Circumstances:
        """Everything at once."""
        priors = self._priors(study)
        return Circumstances(
            series_count=self._count(t.series, t.series.c.study_id == study.id),
            size_bytes=int(self._connection.scalar(sa.select(sa.func.coalesce(
                sa.func.sum(t.instance.c.size_bytes), 0)).where(t.instance.c.study_id == study.id)) or 0),
            device_model=self._device_model(study.id), prior_count=int(priors[0]),
            prior_same_modality_count=int(priors[1] or 0), last_prior_at=priors[2],
            last_reader=self._last_reader(study) if priors[0] else "", waiting=self._waiting(study.id, now),
            away=self._away(), is_origin_settled=self._is_origin_settled(study.id))

    def _priors(self, study: Study) -> tuple[int, int | None, datetime | None]:
        s = t.study.c
        row = self._connection.execute(
            sa.select(sa.func.count(), sa.func.sum(sa.case((s.modality == study.modality, 1), else_=0)),
                      sa.func.max(s.first_arrival_at))
            .where(s.patient_key == study.patient.id, s.id != study.id,
                   s.first_arrival_at < study.first_arrival_at)).one()
        return row[0], row[1], row[2]

    def _last_reader(self, study: Study) -> str:
        query = (sa.select(t.user_account.c.login)
                 .select_from(t.report.join(t.study, t.study.c.id == t.report.c.study_id)
                              .join(t.user_account, t.user_account.c.id == t.report.c.signed_by))
                 .where(t.study.c.patient_key == study.patient.id, t.report.c.study_id != study.id,
                        t.report.c.signed_at.is_not(None))
                 .order_by(t.report.c.signed_at.desc()).limit(1))
        return self._connection.scalar(query) or ""

    def _waiting(self, study_id: str, now: datetime) -> dict[str, int]:
        r = t.reading.c
        rows = self._connection.execute(
            sa.select(r.duty_group, sa.func.count()).where(
                r.state == ReadingState.UNREAD.value, r.study_id != study_id,
                sa.or_(r.hold_until.is_(None), r.hold_until <= now)).group_by(r.duty_group))
        return {group: int(count) for group, count in rows}

    def _away(self) -> tuple[str, ...]:
        p, u = t.reader_presence.c, t.user_account.c
        rows = self._connection.execute(
            sa.select(u.login).join(t.reader_presence, p.user_id == u.id)
            .where(p.presence.in_((Presence.AWAY.value, Presence.OFF.value))).order_by(u.login))
        return tuple(rows.scalars())

    def _device_model(self, study_id: str) -> str:
        attributes: dict[str, Any] | None = self._connection.scalar(
            sa.select(t.instance.c.attributes).where(t.instance.c.study_id == study_id).limit(1))
        found = ((attributes or {}).get(_MODEL_NAME) or {}).get("Value") or [""]
        return str(found[0] or "").strip()

    def _is_origin_settled(self, study_id: str) -> bool:
        state = self._connection.scalar(
            sa.select(t.study_origin.c.state).where(t.study_origin.c.study_id == study_id))
        return state is None or state == OriginState.SETTLED.value

    def _count(self, table: sa.Table, condition: sa.ColumnElement[bool]) -> int:
        return int(self._connection.scalar(sa.select(sa.func.count()).select_from(table).where(condition)) or 0)
