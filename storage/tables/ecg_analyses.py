"""Analyses of ECGs and the corrections of doctors. Callers check the scope of the study or instance first."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from storage.model.ecg_analyses import AnalysisState, EcgCorrection, StoredAnalysis
from storage.tables import schema as t
from storage.tables.prepared import Prepared
from storage.tables.upserts import upsert

_analysis, _correction = t.ecg_analysis, t.ecg_correction
_OF_STUDY = Prepared(                            # built once: every decision about an ECG runs it
    sa.select(_analysis).join(t.instance, t.instance.c.id == _analysis.c.instance_id)
    .where(_analysis.c.study_id == sa.bindparam("of_study")).order_by(t.instance.c.received_at, t.instance.c.id))


class EcgAnalyses:
    """One analysis an instance, the newest; every correction that was ever made."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, instance_id: str) -> StoredAnalysis | None:
        """The analysis of one instance."""
        row = self._connection.execute(sa.select(_analysis).where(_analysis.c.instance_id == instance_id)).first()
        return None if row is None else _stored(row._mapping)

    def put(self, made: StoredAnalysis) -> None:
        """Keep it in the place of an older one."""
        values = dataclasses.asdict(made) | {"state": made.state.value}
        fresh = upsert(self._connection, _analysis).values(**values)
        self._connection.execute(fresh.on_conflict_do_update(
            index_elements=["instance_id"],
            set_={name: fresh.excluded[name] for name in values if name != "instance_id"}))

    def of_study(self, study_id: str) -> list[StoredAnalysis]:
        """Of every ECG in the study, in the order in which they came."""
        return [_stored(row) for row in _OF_STUDY.all(self._connection, {"of_study": study_id})]

    def of_studies(self, study_ids: Iterable[str]) -> dict[str, StoredAnalysis]:
        """The newest ECG's analysis of each study, without its content: for lists."""
        columns = [column for column in _analysis.c if column.name != "content"]
        rows = self._connection.execute(
            sa.select(*columns).join(t.instance, t.instance.c.id == _analysis.c.instance_id)
            .where(_analysis.c.study_id.in_(list(study_ids))).order_by(t.instance.c.received_at, t.instance.c.id))
        return {row.study_id: _stored(row._mapping) for row in rows}

    def is_one_waiting(self, study_id: str) -> bool:
        """True while an ECG of the study has no analysis yet."""
        missing = (sa.select(t.instance.c.id)
                   .outerjoin(_analysis, _analysis.c.instance_id == t.instance.c.id)
                   .where(t.instance.c.study_id == study_id, t.instance.c.has_waveform,
                          _analysis.c.instance_id.is_(None)))
        return self._connection.execute(missing.limit(1)).first() is not None

    def is_any_known(self) -> bool:
        """True once an ECG has been analysed."""
        return self._connection.execute(sa.select(_analysis.c.instance_id).limit(1)).first() is not None

    def add_correction(self, made: EcgCorrection) -> None:
        """Beside what is there."""
        self._connection.execute(sa.insert(_correction), dataclasses.asdict(made))

    def corrections(self, instance_id: str) -> list[EcgCorrection]:
        """Newest first."""
        rows = self._connection.execute(
            sa.select(_correction).where(_correction.c.instance_id == instance_id)
            .order_by(_correction.c.at.desc(), _correction.c.id.desc()))
        return [EcgCorrection(**row._mapping) for row in rows]


def _stored(row: Mapping[Any, Any]) -> StoredAnalysis:
    return StoredAnalysis(**{**row, "state": AnalysisState(row["state"])})
