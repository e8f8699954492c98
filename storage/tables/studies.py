"""Patients, studies, series, instances, and what ECG files say of themselves."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from storage.model import CompleteBy, EcgFacts, Instance, Patient, Scope, Series, Study, StudyState


class Studies:
    """The index of what is kept."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def find_instance(self, sop_instance_uid: str) -> Instance | None:
        """Any site: used by receiving to see duplicates; not for showing."""
        raise NotImplementedError

    def get_instance(self, sop_instance_uid: str, scope: Scope) -> tuple[Study, Instance] | None:
        """For showing: only within scope."""
        raise NotImplementedError

    def find_patient(self, site_id: str, patient_id: str, name_display: str, birth_date: object) -> Patient | None:
        """Same site, same Patient ID, and the same name or birth date; never by Patient ID alone."""
        raise NotImplementedError

    def add_patient(self, patient: Patient) -> None:
        """Remember an identity."""
        raise NotImplementedError

    def add_study(self, study: Study) -> None:
        """Remember a study."""
        raise NotImplementedError

    def add_series(self, series: Series) -> None:
        """Remember a series."""
        raise NotImplementedError

    def find_series(self, study_id: str, series_instance_uid: str) -> Series | None:
        """One series."""
        raise NotImplementedError

    def add_instance(self, instance: Instance) -> None:
        """Remember an instance and count it in its series and study."""
        raise NotImplementedError

    def add_ecg(self, facts: EcgFacts) -> None:
        """Beside the instance."""
        raise NotImplementedError

    def get(self, study_id: str, scope: Scope) -> Study | None:
        """One study by our id."""
        raise NotImplementedError

    def find_uid(self, study_instance_uid: str, scope: Scope) -> Study | None:
        """One study by its UID."""
        raise NotImplementedError

    def series_of(self, study_id: str, scope: Scope) -> list[Series]:
        """By number."""
        raise NotImplementedError

    def instances_of(self, study_id: str, scope: Scope) -> list[Instance]:
        """By series and instance number."""
        raise NotImplementedError

    def ecg_of(self, instance_id: str) -> EcgFacts | None:
        """What the file says; check the scope by get_instance first."""
        raise NotImplementedError

    def related(self, study: Study, scope: Scope) -> list[Study]:
        """Other studies of the same patient identity (same site), newest first."""
        raise NotImplementedError

    def note_arrival(self, study_id: str, at: datetime, *, expected_count: int | None = None) -> None:
        """Move the last arrival; keep the larger expected count."""
        raise NotImplementedError

    def set_state(self, study_id: str, state: StudyState, *, at: datetime, complete_by: CompleteBy | None = None) -> None:
        """Complete or reopen; reopening counts."""
        raise NotImplementedError

    def set_urgency(self, study_id: str, urgency: str) -> None:
        """emergency, urgent or routine."""
        raise NotImplementedError
