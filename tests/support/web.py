"""The web edge on a real socket, browsers that log in to it, and studies to look at."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from itertools import count
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer

from gateway.http.app import create_app
from gateway.services.event_bus import EventBus
from gateway.services.log_in import hash_password, sha256_of
from gateway.services.ports import Parts
from storage.model import (
    CompleteBy,
    Decision,
    EcgFacts,
    Grant,
    Instance,
    InstanceFormat,
    Patient,
    PatientName,
    Priority,
    Reading,
    ReadingState,
    Role,
    Series,
    Site,
    SiteKind,
    Study,
    StudyState,
    User,
    new_id,
)

PASSWORD = "horse-battery-42"
_numbers = count(1)


@cache
def password_hash() -> str:
    return hash_password(PASSWORD)


@asynccontextmanager
async def serving(parts: Parts, **more: Any):
    """The app over these parts; yields a `Web`. Events are the real bus."""
    parts = replace(parts, events=EventBus())
    server = TestServer(create_app(parts, **more))
    await server.start_server()
    web = Web(parts, server, [])
    try:
        yield web
    finally:
        for browser in web.browsers:
            await browser.close()
        await server.close()


@dataclass
class Web:
    """A running web edge."""

    parts: Parts
    server: TestServer
    browsers: list[aiohttp.ClientSession]

    def stranger(self, *, token: str = "") -> aiohttp.ClientSession:
        """A browser that nobody has logged in with, or a machine with a bearer token."""
        session = aiohttp.ClientSession(base_url=self.server.make_url("/"),
                                        cookie_jar=aiohttp.CookieJar(unsafe=True),
                                        headers={"Authorization": f"Bearer {token}"} if token else None)
        self.browsers.append(session)
        return session

    async def browser(self, login: str, password: str = PASSWORD) -> aiohttp.ClientSession:
        """A browser in which this person is logged in."""
        session = self.stranger()
        async with session.post("/api/session", json={"login": login, "password": password}) as answer:
            assert answer.status == 200, await answer.text()
        return session


async def add_site(parts: Parts, site_id: str, name: str) -> Site:
    site = Site(site_id, name, f"Demo {site_id}", SiteKind.TOWNSHIP)
    await parts.database.write(lambda tx: tx.sites.add_site(site))
    return site


async def add_person(parts: Parts, login: str, *grants: tuple[Role, str | None], name: str = "") -> User:
    """An account with PASSWORD."""
    user = User(new_id(), login, name or f"演示{login}", "医师", tuple(Grant(role, site) for role, site in grants))
    await parts.database.write(lambda tx: tx.users.add(user, password_hash=password_hash(), at=parts.clock()))
    return user


async def add_token(parts: Parts, site_id: str, scope: str) -> str:
    """A machine token; returns the secret."""
    secret, token_id = f"secret-{site_id}-{scope}-{next(_numbers)}", new_id()
    await parts.database.write(lambda tx: tx.users.add_token(
        token_id, token_sha256=sha256_of(secret), name=f"{site_id} {scope}", site_id=site_id, scope=scope,
        at=parts.clock()))
    return secret


@dataclass(frozen=True)
class Exam:
    """One study in the store with its reading."""

    study: Study
    series: Series
    instance: Instance
    reading: Reading


async def add_exam(parts: Parts, site_id: str, **fields: Any) -> Exam:
    """A complete study with one object and a reading; see `build_exam` for the fields."""
    exam, data = build_exam(parts, site_id, **fields)
    kept = parts.objects.put(data)
    exam = replace(exam, instance=replace(exam.instance, object_sha256=kept.sha256, size_bytes=kept.size_bytes))

    def work(tx):
        tx.objects.add(kept, kind="received", at=parts.clock())
        put_exam(tx, exam)

    await parts.database.write(work)
    return exam


def put_exam(tx, exam: Exam) -> None:
    study = exam.study
    tx.studies.add_patient(study.patient)
    tx.studies.add_study(replace(study, instance_count=0))
    tx.studies.add_series(exam.series)
    tx.studies.add_instance(exam.instance)
    if study.modality == "ECG":
        tx.studies.add_ecg(EcgFacts(exam.instance.id, "hl7_aecg", 2000.0, ("I", "II"), 5000, study.study_at,
                                    "Demo cart", "", {"heart_rate_bpm": 72.0}, ("窦性心律",), ()))
    because = [{"rule": "all", "matched": True,
                "conditions": [{"text": "true", "holds": True, "seen": {"study.modality": study.modality}}]}]
    tx.decisions.add(Decision(exam.reading.decision_id, study.id, exam.reading.created_at, 1, exam.reading.priority,
                              exam.reading.group, exam.reading.assigned_to, exam.reading.due_at, (), because, {}))
    tx.readings.add(exam.reading)


def build_exam(parts: Parts, site_id: str, *, name: str = "演示张三", patient_id: str = "", modality: str = "DX",
               priority: Priority = Priority.ROUTINE, due_minutes: float = 60, waited_minutes: float = 5,
               state: ReadingState = ReadingState.UNREAD, writer_id: str | None = None,
               claimed_by: str | None = None, accession_number: str = "",
               study_state: StudyState = StudyState.COMPLETE) -> tuple[Exam, bytes]:
    n = next(_numbers)
    now = parts.clock()
    arrived = now - timedelta(minutes=waited_minutes)
    study_id, uid = new_id(), f"1.2.826.0.1.3680043.10.77.{n}"
    patient = Patient(new_id(), site_id, patient_id or f"P{n:06}", PatientName(name, f"Demo^{n}", name), "M",
                      date(1970, 1, 2))
    study = Study(study_id, uid, site_id, patient, None, modality, "CHEST", "胸部正位",
                  accession_number or f"A{n:06}", arrived, 56.0, "routine", study_state, 1, 1, arrived, arrived,
                  arrived if study_state is StudyState.COMPLETE else None, CompleteBy.EXPECTED_COUNT)
    series = Series(new_id(), study_id, f"{uid}.1", modality, 1, "PA", "CHEST")
    is_ecg = modality == "ECG"
    instance = Instance(new_id(), study_id, series.id, f"{uid}.1.1", "1.2.840.10008.5.1.4.1.1.1.1",
                        InstanceFormat.HL7_AECG if is_ecg else InstanceFormat.DICOM, "1.2.840.10008.1.2.1", "0" * 64,
                        0, 1, None if is_ecg else 10, None if is_ecg else 10, 1, is_ecg, arrived)
    lock_until = now + timedelta(minutes=30) if claimed_by else None
    reading = Reading(new_id(), study_id, site_id, state, priority, "imaging", new_id(), arrived,
                      now + timedelta(minutes=due_minutes), None, writer_id, None, claimed_by,
                      now if claimed_by else None, lock_until, "", 0, 0)
    return Exam(study, series, instance, reading), f"object {n}".encode()
