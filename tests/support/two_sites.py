"""Two clinics of one alliance, each with everything the gateway can hold: for the tests of who may see what.

Both are made by the same code from real objects and real services, so that whatever differs between them belongs to
one of them alone; `secrets_of` reads that difference out of the tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

import sqlalchemy as sa

from gateway.core.errors import DestinationUnavailable
from gateway.core.order import OrderRequest
from gateway.services import complete_study, deliver, examine_ecg, route_study
from gateway.services.activate_rules import ensure_rules
from gateway.services.administer_partners import add_partner
from gateway.services.administer_sites import By
from gateway.services.claim_reading import claim_reading
from gateway.services.job_runner import RetryLater
from gateway.services.place_order import place_order
from gateway.services.ports import Parts
from gateway.services.receive_ecg import receive_ecg
from gateway.services.receive_instance import Sender, receive_part10
from gateway.services.sign_report import prepare_signing, sign_report
from gateway.services.write_report import save_draft, submit_report
from storage.model import (
    EVERYWHERE,
    ArrivalVia,
    Destination,
    DestinationKind,
    Device,
    Job,
    Reading,
    ReportText,
    Role,
    User,
    new_id,
)
from storage.model.clocks import Notice, NoticeKind, Stage
from storage.model.commitments import Commitment, CommitmentItem, CommitmentState
from storage.model.orders import Hl7Partner, OrderSource
from storage.tables import schema
from tests.support import dicom_builders, ecg_builders
from tests.support.beating_ecgs import ecg_with_beats
from tests.support.ecg_intake import add_ecg_intake
from tests.support.kept_studies import add_kept
from tests.support.matched_orders import add_questions
from tests.support.quality import add_quality
from tests.support.roster_of_sites import add_roster
from tests.support.web import PASSWORD, add_exam, add_person, add_site, add_token

SHARED_PATIENT_ID = "SHARED-0001"
"""Both clinics gave this number to one of their patients (A7)."""

TEXT = {"technique": "站立后前位。", "impression": "右侧气胸。"}


@dataclass
class Clinic:
    """One site and the real ids of what it holds."""

    site_id: str
    word: str                            # stands in every text of this site
    people: dict[str, User] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    new_film: bytes = b""                # of the clinic's own study, not sent yet
    new_ecg: bytes = b""

    def login(self, role: str) -> str:
        return f"{role}-{self.site_id}"


async def make_clinic(parts: Parts, site_id: str, word: str) -> Clinic:
    """Build one of the two. Call `ensure_rules` first, once."""
    clinic = Clinic(site_id, word)
    await add_site(parts, site_id, f"演示{word}镇卫生院")
    for role in Role:
        clinic.people[role] = await add_person(parts, clinic.login(role), (role, site_id), name=f"演示{word}{role}")
    for scope in ("ingest", "read", "perform", "admin"):
        clinic.tokens[scope] = await add_token(parts, site_id, scope)
    await _furnish(parts, clinic)
    clinic.ids |= await add_kept(parts, site_id, word, clinic.people[Role.CLINIC])
    await _order(parts, clinic)
    await _receive(parts, clinic)
    await _sign(parts, clinic)
    clinic.ids |= await add_questions(parts, site_id, clinic.people[Role.CLINIC])
    clinic.ids |= await add_ecg_intake(parts, site_id, word, clinic.people[Role.CLINIC])
    clinic.ids |= await add_quality(parts, site_id, word, clinic.people[Role.READER])
    clinic.ids |= await add_roster(parts, clinic)
    await parts.database.write(lambda tx: tx.notices.add([
        Notice(new_id(), parts.clock(), person.id, NoticeKind.NUDGE, clinic.ids["reading"], clinic.ids["study"],
               clinic.site_id, Stage.CLAIM, percent=50) for person in clinic.people.values()]))
    for state in ("claim", "decline", "release", "send_back", "draft", "submit", "reject", "signing", "sign"):
        clinic.ids[f"{state}_reading"] = (await _reading_ready_for(parts, clinic, state)).id
    return clinic


async def run_due_jobs(parts: Parts, clock) -> None:
    """Let the quiet period pass and run what is due, as the runner would."""
    clock.advance(parts.settings.quiet_period_s + 1)
    handlers = {**complete_study.HANDLERS, **examine_ecg.HANDLERS, **route_study.HANDLERS,
                **deliver.handlers({DestinationKind.CLINIC_PAGE: _Page(), DestinationKind.DICOM: _NodeIsDown()})}
    while jobs := await claim_jobs(parts):
        for job in jobs:
            try:
                if job.kind in handlers:
                    await handlers[job.kind](parts, job)
                await parts.database.write(partial(_finish, job))
            except RetryLater as later:
                await parts.database.write(partial(_give_back, job, later))


async def claim_jobs(parts: Parts) -> list[Job]:
    now = parts.clock()
    return await parts.database.write(
        lambda tx: tx.jobs.claim("test", now=now, lease_until=now + timedelta(minutes=1), limit=20))


def _finish(job: Job, tx) -> None:
    tx.jobs.finish(job.id, "test")


def _give_back(job: Job, later: RetryLater, tx) -> None:
    tx.jobs.retry(job.id, "test", due=later.due + timedelta(minutes=1), why=later.why)


class _Page:
    async def deliver(self, parcel, destination) -> None:
        """The clinic's page has it as soon as it is signed."""


class _NodeIsDown:
    async def deliver(self, parcel, destination) -> None:
        raise DestinationUnavailable(f"{destination.name} does not answer.")


async def _furnish(parts: Parts, clinic: Clinic) -> None:
    """A device, a destination, a quarantined arrival, an alarm."""
    word, site = clinic.word, clinic.site_id
    device = Device(new_id(), site, f"演示{word}DR", f"DR_{site.upper()}", "10.1.1.1", "DX")
    node = Destination(new_id(), site, DestinationKind.DICOM, f"演示{word}影像归档", f"PACS_{site.upper()}",
                       f"pacs.{site}.invalid", 104)
    pull = Destination(new_id(), site, DestinationKind.PULL, f"演示{word}的取件程序")
    asked = Commitment(new_id(), f"2.25.7{site.encode().hex()}", site, device.id, device.ae_title, "10.1.1.1", "", "",
                       parts.clock(), CommitmentState.WAITING)
    clinic.ids |= {"device": device.id, "destination": node.id, "commitment": asked.id}

    def add(tx) -> None:
        tx.commitments.add(asked, [CommitmentItem("1.2", "1.2.3")])
        tx.sites.add_device(device)
        tx.sites.add_destination(node)
        tx.sites.add_destination(pull)

    await parts.database.write(add)
    receipt = await receive_part10(parts, f"not DICOM, from {word} {site}".encode(), _sender(clinic),
                                   file_name=f"{site}-damaged.dcm")
    clinic.ids["arrival"] = receipt.arrival_id
    clinic.ids["alarm"] = (await parts.database.write(lambda tx: tx.alarms.raise_alarm(
        "storage-low", site_id=site, ref=device.id, detail=f"演示{word}的告警", at=parts.clock()))).id


async def _order(parts: Parts, clinic: Clinic) -> None:
    """Two orders, and the system that may send more."""
    by = By("test", "", EVERYWHERE)
    for key in ("order", "withdraw_order"):
        request = OrderRequest(patient_id=f"{key}-{clinic.site_id}", patient_name=f"演示{clinic.word}申请",
                               modality="DX", clinical_diagnosis=f"{clinic.word}的诊断")
        order = (await place_order(parts, clinic.site_id, request, by, OrderSource.API)).order
        clinic.ids |= {key: order.id, f"{key}_accession": order.accession_number}
    partner = Hl7Partner(new_id(), f"演示{clinic.word}系统", "", f"HIS-{clinic.site_id}", clinic.site_id)
    clinic.ids["partner"] = (await add_partner(parts, partner, by)).id


async def _receive(parts: Parts, clinic: Clinic) -> None:
    """A film and an ECG through the real receivers; jobs complete and route them later."""
    word, sender = clinic.word, _sender(clinic)
    ids = dicom_builders.StudyIds()
    patient = dicom_builders.Patient(f"ID-{clinic.site_id}-1", f"Demo^{clinic.site_id}=演示{word}患者".encode(),
                                     character_set=b"ISO_IR 192")
    film = dicom_builders.dx_image(ids=ids, patient=patient, AccessionNumber=f"ACC-{clinic.site_id}")
    receipt = await receive_part10(parts, film, sender)
    assert receipt.study_id is not None, receipt
    ecg = await receive_ecg(parts, ecg_builders.aecg(ecg_with_beats(), name=f"演示{word}心电",
                                                     patient_id=f"ID-{clinic.site_id}-2"), sender)
    clinic.new_film = dicom_builders.dx_image(ids=ids, patient=patient)
    clinic.new_ecg = ecg_builders.aecg(name=f"演示{word}心电二", patient_id=f"ID-{clinic.site_id}-3")
    twin = dicom_builders.dx_image(ids=ids, patient=patient, sop_instance_uid=receipt.sop_instance_uid, KVP="80")
    clinic.ids["film_arrival"] = (await receive_part10(parts, twin, sender)).arrival_id
    clinic.ids |= {"study": receipt.study_id, "study_uid": ids.study, "series_uid": ids.series,
                   "instance_uid": receipt.sop_instance_uid, "ecg": ecg.instance_id, "ecg_study": ecg.study_id,
                   "patient_id": patient.patient_id, "name": f"演示{word}患者", "accession": f"ACC-{clinic.site_id}"}
    shared = await add_exam(parts, clinic.site_id, name=f"演示{word}同号", patient_id=SHARED_PATIENT_ID)
    clinic.ids |= {"shared_study": shared.study.id, "shared_reading": shared.reading.id}
    await run_due_jobs(parts, parts.clock)
    readings = await parts.database.read(
        lambda tx: tx.worklists.readings_of([receipt.study_id or "", ecg.study_id], EVERYWHERE))
    clinic.ids |= {"reading": readings[receipt.study_id].id, "ecg_reading": readings[ecg.study_id].id}
    relay = Device(new_id(), clinic.site_id, f"演示{word}前置机", "RELAY", None, "", is_relay=True)
    for key in ("waiting_study", "other_waiting_study"):
        waiting = await receive_part10(parts, dicom_builders.dx_image(), replace(sender, device=relay))
        clinic.ids[key] = waiting.study_id or ""               # nobody can say yet whose it is
    wrong = await receive_part10(parts, dicom_builders.dx_image(), sender)
    clinic.ids["movable_study"] = wrong.study_id or ""         # it is another clinic's


async def _sign(parts: Parts, clinic: Clinic) -> None:
    """The film is written, reviewed, signed, and its report is delivered to the page but not to the node."""
    await _write(parts, clinic, clinic.ids["reading"])
    reviewer = clinic.people[Role.REVIEWER]
    await claim_reading(parts, reviewer, clinic.ids["reading"])
    sheet = await prepare_signing(parts, reviewer, clinic.ids["reading"])
    report = await sign_report(parts, reviewer, clinic.ids["reading"], password=PASSWORD,
                               text_sha256=sheet.text_sha256)
    await run_due_jobs(parts, parts.clock)
    deliveries = await parts.database.read(lambda tx: tx.deliveries.of_report(report.id, EVERYWHERE))
    page = next(delivery for delivery in deliveries if delivery.kind is DestinationKind.CLINIC_PAGE)
    by_kind = {delivery.kind: delivery.id for delivery in deliveries}
    clinic.ids |= {"report": report.id, "delivery": page.id, "node_delivery": by_kind[DestinationKind.DICOM],
                   "pulled": by_kind[DestinationKind.PULL]}


async def _reading_ready_for(parts: Parts, clinic: Clinic, act: str) -> Reading:
    """A reading in the state in which this act is allowed."""
    reading = (await add_exam(parts, clinic.site_id, name=f"演示{clinic.word}{act}")).reading
    reader, reviewer = clinic.people[Role.READER], clinic.people[Role.REVIEWER]
    if act in ("release", "send_back", "draft"):
        await claim_reading(parts, reader, reading.id)
    elif act == "submit":
        await claim_reading(parts, reader, reading.id)
        await _save(parts, clinic, reading.id)
    elif act in ("reject", "signing", "sign"):
        await _write(parts, clinic, reading.id)
        await claim_reading(parts, reviewer, reading.id)
    if act == "sign":
        sheet = await prepare_signing(parts, reviewer, reading.id)
        clinic.ids["sign_sha256"] = sheet.text_sha256
    return reading


async def _write(parts: Parts, clinic: Clinic, reading_id: str) -> None:
    await claim_reading(parts, clinic.people[Role.READER], reading_id)
    await _save(parts, clinic, reading_id)
    await submit_report(parts, clinic.people[Role.READER], reading_id)


async def _save(parts: Parts, clinic: Clinic, reading_id: str) -> None:
    text = ReportText(TEXT["technique"], f"演示{clinic.word}所见：右侧胸腔无肺纹理。", TEXT["impression"])
    await save_draft(parts, clinic.people[Role.READER], reading_id, text, template_id="", revision=0)


def _sender(clinic: Clinic) -> Sender:
    return Sender(site_id=clinic.site_id, device=None, via=ArrivalVia.STOW, calling_ae_title=f"DR_{clinic.site_id}",
                  address="10.1.1.1", actor=f"device:DR_{clinic.site_id.upper()}")


async def two_clinics(parts: Parts) -> tuple[Clinic, Clinic]:
    """The two, in one alliance with its rules, and an administrator of the whole ("boss")."""
    await ensure_rules(parts)
    await add_person(parts, "boss", (Role.ADMIN, None))
    await add_site(parts, "spare", "演示第三方")
    return await make_clinic(parts, "alder", "甲山"), await make_clinic(parts, "birch", "乙水")


async def secrets_of(parts: Parts, clinic: Clinic, other: Clinic) -> list[str]:
    """Every text that stands in a row of this site and in no row of the other one, and its own word."""
    def collect(tx) -> list[str]:
        return sorted(_texts(tx.connection, clinic) - _texts(tx.connection, other) | {clinic.word})

    return await parts.database.read(collect)


def _texts(connection: sa.Connection, clinic: Clinic) -> set[str]:
    found: set[str] = set()
    studies = sa.select(schema.study.c.id).where(schema.study.c.site_id == clinic.site_id)
    people = [user.id for user in clinic.people.values()]
    for table in schema.metadata.tables.values():
        if table.name in ("audit", "api_token", "login_session", "signing_key"):
            continue                     # hashes and times; what an entry tells is in the other tables too
        if "site_id" in table.c:
            where = table.c.site_id == clinic.site_id
        elif "study_id" in table.c:
            where = table.c.study_id.in_(studies)
        elif table.name == "ecg":
            where = table.c.instance_id.in_(sa.select(schema.instance.c.id).where(
                schema.instance.c.study_id.in_(studies)))
        elif table.name == "user_account":
            where = table.c.id.in_(people)
        else:
            continue
        texts = [column for column in table.c if isinstance(column.type, sa.Text) and column.name != "site_id"]
        for row in connection.execute(sa.select(*texts).where(where)):
            found.update(value for value in row if isinstance(value, str) and len(value) >= 6)
    return found
