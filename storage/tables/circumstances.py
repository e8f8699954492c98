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
from storage.tables.prepared import Prepared

_MODEL_NAME = "00081090"


class StudyCircumstances:
    """Reads only; the caller has the study already, so that no scope is asked for again."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def of_study(self, study: Study, *, now: datetime) -> Circumstances:
        """Everything at once: one row of counts, the load, who is away."""
        row = _COUNTS.first(self._connection, {
            "study_id": study.id, "patient_key": study.patient.id, "modality": study.modality,
            "arrived_at": study.first_arrival_at})
        assert row is not None                   # a row of counts
        waiting = _WAITING.all(self._connection, {"study_id": study.id, "now": now})
        found = ((row["attributes"] or {}).get(_MODEL_NAME) or {}).get("Value") or [""]
        return Circumstances(
            series_count=int(row["series_count"]), size_bytes=int(row["size_bytes"] or 0),
            device_model=str(found[0] or "").strip(), prior_count=int(row["prior_count"]),
            prior_same_modality_count=int(row["same_count"]), last_prior_at=row["last_prior_at"],
            last_reader=row["last_reader"] or "",
            waiting={group["duty_group"]: int(group["count"]) for group in waiting},
            away=tuple(person["login"] for person in _AWAY.all(self._connection, {})),
            is_origin_settled=row["origin_state"] in (None, OriginState.SETTLED.value))


def _counts() -> sa.Select[Any]:
    s, i, r, u = t.study.c, t.instance.c, t.report.c, t.user_account.c
    study_id = sa.bindparam("study_id", type_=sa.Text)
    is_prior = sa.and_(s.patient_key == sa.bindparam("patient_key", type_=sa.Text), s.id != study_id,
                       s.first_arrival_at < sa.bindparam("arrived_at", type_=s.first_arrival_at.type))
    number = sa.func.count()
    last_reader = (sa.select(u.login).select_from(
        t.report.join(t.study, s.id == r.study_id).join(t.user_account, u.id == r.signed_by))
        .where(s.patient_key == sa.bindparam("patient_key", type_=sa.Text), r.study_id != study_id,
               r.signed_at.is_not(None)).order_by(r.signed_at.desc()).limit(1))
    columns = {
        "series_count": sa.select(number).select_from(t.series).where(t.series.c.study_id == study_id),
        "size_bytes": sa.select(sa.func.sum(i.size_bytes)).where(i.study_id == study_id),
        "attributes": sa.select(i.attributes).where(i.study_id == study_id).limit(1),
        "prior_count": sa.select(number).select_from(t.study).where(is_prior),
        "same_count": sa.select(number).select_from(t.study).where(
            is_prior, s.modality == sa.bindparam("modality", type_=sa.Text)),
        "last_prior_at": sa.select(sa.func.max(s.first_arrival_at)).where(is_prior),
        "last_reader": last_reader,
        "origin_state": sa.select(t.study_origin.c.state).where(t.study_origin.c.study_id == study_id),
    }
    return sa.select(*[query.scalar_subquery().label(name) for name, query in columns.items()])


def _waiting() -> sa.Select[Any]:
    r = t.reading.c
    return sa.select(r.duty_group, sa.func.count().label("count")).where(
        r.state == ReadingState.UNREAD.value, r.study_id != sa.bindparam("study_id", type_=sa.Text),
        sa.or_(r.hold_until.is_(None), r.hold_until <= sa.bindparam("now", type_=r.hold_until.type)),
    ).group_by(r.duty_group)


def _away() -> sa.Select[Any]:
    p, u = t.reader_presence.c, t.user_account.c
    return (sa.select(u.login).join(t.reader_presence, p.user_id == u.id)
            .where(sa.or_(p.presence == Presence.AWAY.value, p.presence == Presence.OFF.value)).order_by(u.login))


# Built once: making a statement takes longer than asking it.
_COUNTS, _WAITING, _AWAY = Prepared(_counts()), Prepared(_waiting()), Prepared(_away())
