"""Patients, studies, series, instances, and what ECG files say of themselves.

`add_study`, `add_series` and `add_instance` return False when another receiver was faster with the same UID: the
unique constraint decides, not the look-up before it. Nothing here is ever overwritten by receiving.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any

import sqlalchemy as sa

from storage.model import (
    CompleteBy,
    Confidence,
    EcgFacts,
    Instance,
    InstanceFormat,
    Patient,
    PatientName,
    Scope,
    Series,
    Study,
    StudyState,
)
from storage.tables import schema
from storage.tables.prepared import Prepared
from storage.tables.scoping import within
from storage.tables.upserts import add_if_absent

_study, _patient, _series, _instance = schema.study, schema.patient, schema.series, schema.instance
_PATIENT_COLUMNS = [c.label(f"patient_{c.name}") for c in _patient.c]
_STUDY_COLUMNS = tuple(c.name for c in _study.c if c.name != "patient_key")
_STUDIES = sa.select(_study, *_PATIENT_COLUMNS).join(_patient, _patient.c.id == _study.c.patient_key)

# Built once: every object that arrives runs these.
_INSTANCE_OF_UID = Prepared(sa.select(_instance).where(_instance.c.sop_instance_uid == sa.bindparam("uid")))
_STUDY_OF_UID = _STUDIES.where(_study.c.study_instance_uid == sa.bindparam("uid"))
_STUDY_OF_UID_EVERYWHERE = Prepared(_STUDY_OF_UID)
_STUDY_EVERYWHERE = Prepared(_STUDIES.where(_study.c.id == sa.bindparam("of_study")))
_ECGS_OF_STUDY = Prepared(                       # in the order of `instances_of`
    sa.select(schema.ecg).join(_instance, _instance.c.id == schema.ecg.c.instance_id)
    .join(_series, _series.c.id == _instance.c.series_id)
    .where(_instance.c.study_id == sa.bindparam("of_study"), _instance.c.has_waveform)
    .order_by(_series.c.number.is_(None), _series.c.number, _series.c.id,
              _instance.c.number.is_(None), _instance.c.number, _instance.c.id))
_SERIES_OF_UID = Prepared(sa.select(_series).where(_series.c.study_id == sa.bindparam("of_study"),
                                                   _series.c.series_instance_uid == sa.bindparam("uid")))
_COUNT_IN_SERIES = Prepared(sa.update(_series).where(_series.c.id == sa.bindparam("of_series")).values(
    instance_count=_series.c.instance_count + 1))
_COUNT_IN_STUDY = Prepared(sa.update(_study).where(_study.c.id == sa.bindparam("of_study")).values(
    instance_count=_study.c.instance_count + 1))
_NOTE_ARRIVAL = Prepared(sa.update(_study).where(_study.c.id == sa.bindparam("of_study")).values(
    last_arrival_at=sa.bindparam("arrived_at")))


class Studies:
    """The index of what is kept."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    # -------------------------------------------------------------------------------------------------- receiving
    def find_instance(self, sop_instance_uid: str) -> Instance | None:
        """Any site: used by receiving to see duplicates; not for showing."""
        row = _INSTANCE_OF_UID.first(self._connection, {"uid": sop_instance_uid})
        return None if row is None else _instance_of(row)

    def find_patient(self, site_id: str, patient_id: str, name_display: str,
                     birth_date: date | None) -> Patient | None:
        """Same site, same Patient ID, and the same name or birth date; never by Patient ID alone."""
        if not patient_id:
            return None
        is_same_name = sa.and_(_patient.c.name_display == name_display, _patient.c.name_display != "")
        is_same = is_same_name if birth_date is None else sa.or_(is_same_name, _patient.c.birth_date == birth_date)
        row = self._connection.execute(
            sa.select(*_PATIENT_COLUMNS)
            .where(_patient.c.site_id == site_id, _patient.c.patient_id == patient_id, is_same)
            .order_by(is_same_name.desc(), _patient.c.id).limit(1)).first()
        return None if row is None else _to_patient(row)

    def add_patient(self, patient: Patient) -> None:
        """Remember an identity."""
        name = patient.name
        self._connection.execute(sa.insert(_patient), {
            "id": patient.id, "site_id": patient.site_id, "patient_id": patient.patient_id,
            "name_display": name.display, "name_alphabetic": name.alphabetic, "name_ideographic": name.ideographic,
            "name_confidence": name.confidence.value, "name_encoding": name.encoding, "name_raw_hex": name.raw_hex,
            "sex": patient.sex, "birth_date": patient.birth_date})

    def add_study(self, study: Study) -> bool:
        """Remember a study. False if its UID is there already."""
        values = _plain(study, without=("patient",)) | {"patient_key": study.patient.id}
        return self._add(_study, values)

    def add_series(self, series: Series) -> bool:
        """Remember a series. False if the study has it already."""
        return self._add(_series, _plain(series))

    def find_series(self, study_id: str, series_instance_uid: str) -> Series | None:
        """One series."""
        row = _SERIES_OF_UID.first(self._connection, {"of_study": study_id, "uid": series_instance_uid})
        return None if row is None else Series(**row)

    def add_instance(self, instance: Instance) -> bool:
        """Remember an instance and count it in its series and study.

        False if its UID is there already, or if the study was deleted in this moment: then nothing may be committed.
        """
        if not self._add(_instance, _plain(instance)):
            return False
        _COUNT_IN_SERIES.run(self._connection, {"of_series": instance.series_id})
        return _COUNT_IN_STUDY.run(self._connection, {"of_study": instance.study_id}) == 1

    def add_ecg(self, facts: EcgFacts) -> None:
        """Beside the instance."""
        self._connection.execute(sa.insert(schema.ecg), _plain(facts))

    def note_arrival(self, study_id: str, at: datetime, *, expected_count: int | None = None) -> None:
        """Move the last arrival; keep the larger expected count."""
        _NOTE_ARRIVAL.run(self._connection, {"of_study": study_id, "arrived_at": at})
        if expected_count is not None:
            known = _study.c.expected_count
            self._connection.execute(sa.update(_study).where(_study.c.id == study_id).values(
                expected_count=sa.case((known > expected_count, known), else_=expected_count)))

    def set_state(self, study_id: str, state: StudyState, *, at: datetime,
                  complete_by: CompleteBy | None = None) -> None:
        """Complete or reopen; reopening counts."""
        values: dict[str, Any] = {"state": state.value}
        if state is StudyState.COMPLETE:
            values |= {"completed_at": at, "complete_by": complete_by.value if complete_by else None}
        elif state is StudyState.REOPENED:
            values["reopened_count"] = _study.c.reopened_count + 1
        self._connection.execute(sa.update(_study).where(_study.c.id == study_id).values(**values))

    def set_urgency(self, study_id: str, urgency: str) -> None:
        """emergency, urgent or routine."""
        self._connection.execute(sa.update(_study).where(_study.c.id == study_id).values(urgency=urgency))

    def describe(self, study_id: str, *, modality: str, body_part: str, description: str) -> None:
        """Say what the study is, once its first image tells more than the object that came before it."""
        self._connection.execute(sa.update(_study).where(_study.c.id == study_id).values(
            modality=modality, body_part=body_part, description=description))

    # ---------------------------------------------------------------------------------------------------- showing
    def get_instance(self, sop_instance_uid: str, scope: Scope) -> tuple[Study, Instance] | None:
        """For showing: only within scope."""
        instance = self.find_instance(sop_instance_uid)
        study = None if instance is None else self.get(instance.study_id, scope)
        return None if instance is None or study is None else (study, instance)

    def get_instance_by_id(self, instance_id: str, scope: Scope) -> tuple[Study, Instance] | None:
        """The same by our id."""
        row = self._connection.execute(sa.select(_instance).where(_instance.c.id == instance_id)).first()
        study = None if row is None else self.get(row.study_id, scope)
        return None if row is None or study is None else (study, _to_instance(row))

    def get(self, study_id: str, scope: Scope) -> Study | None:
        """One study by our id."""
        if scope.site_ids is None:
            found = _STUDY_EVERYWHERE.first(self._connection, {"of_study": study_id})
            return None if found is None else _study_of(found)
        return self._one(_study.c.id == study_id, scope)

    def find_uid(self, study_instance_uid: str, scope: Scope) -> Study | None:
        """One study by its UID."""
        if scope.site_ids is None:
            found = _STUDY_OF_UID_EVERYWHERE.first(self._connection, {"uid": study_instance_uid})
            return None if found is None else _study_of(found)
        statement = _STUDY_OF_UID.where(within(scope, _study.c.site_id))
        row = self._connection.execute(statement, {"uid": study_instance_uid}).first()
        return None if row is None else _to_study(row)

    def series_of(self, study_id: str, scope: Scope) -> list[Series]:
        """By number; those without one last."""
        rows = self._connection.execute(
            sa.select(_series).join(_study, _study.c.id == _series.c.study_id)
            .where(_series.c.study_id == study_id, within(scope, _study.c.site_id))
            .order_by(_series.c.number.is_(None), _series.c.number, _series.c.id))
        return [Series(**row._mapping) for row in rows]

    def instances_of(self, study_id: str, scope: Scope) -> list[Instance]:
        """By series and instance number; those without one last."""
        rows = self._connection.execute(
            sa.select(_instance).join(_study, _study.c.id == _instance.c.study_id)
            .join(_series, _series.c.id == _instance.c.series_id)
            .where(_instance.c.study_id == study_id, within(scope, _study.c.site_id))
            .order_by(_series.c.number.is_(None), _series.c.number, _series.c.id,
                      _instance.c.number.is_(None), _instance.c.number, _instance.c.id))
        return [_to_instance(row) for row in rows]

    def ecg_of(self, instance_id: str) -> EcgFacts | None:
        """What the file says; check the scope by get_instance first."""
        row = self._connection.execute(sa.select(schema.ecg).where(schema.ecg.c.instance_id == instance_id)).first()
        return None if row is None else _ecg_of(row._mapping)

    def ecgs_of(self, study_id: str) -> list[EcgFacts]:
        """The same of every ECG in a study that has a waveform, in the order of `instances_of`."""
        return [_ecg_of(row) for row in _ECGS_OF_STUDY.all(self._connection, {"of_study": study_id})]

    def related(self, study: Study, scope: Scope) -> list[Study]:
        """Other studies of the same patient identity (same site), newest first."""
        rows = self._connection.execute(
            _STUDIES.where(_study.c.patient_key == study.patient.id, _study.c.id != study.id,
                           within(scope, _study.c.site_id))
            .order_by(_study.c.first_arrival_at.desc(), _study.c.id.desc()))
        return [_to_study(row) for row in rows]

    # ---------------------------------------------------------------------------------------------------- helpers
    def _one(self, condition: sa.ColumnElement[bool], scope: Scope) -> Study | None:
        row = self._connection.execute(_STUDIES.where(condition, within(scope, _study.c.site_id))).first()
        return None if row is None else _to_study(row)

    def _add(self, table: sa.Table, values: dict[str, Any]) -> bool:
        return add_if_absent(self._connection, table, values)


def _plain(record: Any, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Column values of a record: enums as their words, tuples as lists."""
    values = {name: getattr(record, name) for name in _names(record.__class__) if name not in without}
    return {name: list(v) if isinstance(v, tuple) else v.value if isinstance(v, Enum) else v
            for name, v in values.items()}


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def _to_patient(row: sa.Row[Any]) -> Patient:
    return _patient_of({str(name): value for name, value in row._mapping.items()})


def _to_study(row: sa.Row[Any]) -> Study:
    return _study_of({str(name): value for name, value in row._mapping.items()})


def _to_instance(row: sa.Row[Any]) -> Instance:
    return _instance_of({str(name): value for name, value in row._mapping.items()})


def _patient_of(row: Mapping[str, Any]) -> Patient:
    name = PatientName(
        display=row["patient_name_display"], alphabetic=row["patient_name_alphabetic"],
        ideographic=row["patient_name_ideographic"], confidence=Confidence(row["patient_name_confidence"]),
        encoding=row["patient_name_encoding"], raw_hex=row["patient_name_raw_hex"])
    return Patient(row["patient_id"], row["patient_site_id"], row["patient_patient_id"], name, row["patient_sex"],
                   row["patient_birth_date"])


def _study_of(row: Mapping[str, Any]) -> Study:
    values = {name: row[name] for name in _STUDY_COLUMNS}
    complete_by = values["complete_by"]
    values |= {"patient": _patient_of(row), "state": StudyState(values["state"]),
               "complete_by": CompleteBy(complete_by) if complete_by else None}
    return Study(**values)


def _ecg_of(row: Mapping[Any, Any]) -> EcgFacts:
    lists = ("lead_names", "statements", "warnings", "critical_statements")
    return EcgFacts(**{**row, **{name: tuple(row[name] or ()) for name in lists}})


def _instance_of(row: Mapping[str, Any]) -> Instance:
    return Instance(**{**row, "format": InstanceFormat(row["format"])})
