"""Studies as the index has them once they are complete, for tests about routing and reading."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from storage.model import (
    CompleteBy,
    EcgFacts,
    Instance,
    InstanceFormat,
    Patient,
    PatientName,
    Role,
    Series,
    Site,
    SiteKind,
    Study,
    StudyState,
    User,
    new_id,
)
from storage.model import Grant as _Grant

_numbers = count(1)


def site(site_id: str = "east") -> Site:
    return Site(site_id, f"演示{site_id}", site_id, SiteKind.TOWNSHIP)


def user(login: str, *roles: Role, site_id: str | None = None) -> User:
    return User(new_id(), login, f"演示{login}", "医师", tuple(_Grant(role, site_id) for role in roles))


async def add_user(parts, person: User) -> User:
    await parts.database.write(lambda tx: tx.users.add(person, password_hash="!", at=parts.clock()))
    return person


async def add_study(parts, *, modality="DX", body_part="CHEST", urgency="routine", site_id="east", age_years=40.0,
                    statements=(), measurements=None, instances=1) -> Study:
    """A complete study with its instances; the site is made when it is not there."""
    at, number = parts.clock(), next(_numbers)
    patient = Patient(new_id(), site_id, f"P{number}", PatientName(f"演示患者{number}"), "M", None)
    study = Study(new_id(), f"1.2.3.{number}", site_id, patient, None, modality, body_part, "", f"A{number}", at,
                  age_years, urgency, StudyState.COMPLETE, 0, None, at, at, at, CompleteBy.QUIET_TIME)
    series = Series(new_id(), study.id, f"1.2.3.{number}.1", modality, 1, "", body_part)

    def work(tx):
        if tx.sites.site(site_id) is None:
            tx.sites.add_site(site(site_id))
        tx.studies.add_patient(patient)
        tx.studies.add_study(study)
        tx.studies.add_series(series)
        for index in range(instances):
            made = add_instance(tx, study, series, at=at)
            if modality == "ECG" and index == 0:
                tx.studies.add_ecg(EcgFacts(made.id, "hl7_aecg", 2000.0, ("I", "II"), 5000, at, "", "",
                                            dict(measurements or {}), tuple(statements), ()))
    await parts.database.write(work)
    return replace(study, instance_count=instances)


def add_instance(tx, study: Study, series: Series | None = None, *, at) -> Instance:
    """One more instance, as receiving leaves it."""
    number = next(_numbers)
    series_id = series.id if series is not None else f"series-{number}"
    made = Instance(new_id(), study.id, series_id, f"1.2.4.{number}", "1.2.3", InstanceFormat.DICOM, "1.2",
                    "0" * 64, 10, number, 8, 8, 1, study.modality == "ECG", at)
    tx.studies.add_instance(made)
    return made
