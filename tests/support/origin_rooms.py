"""Studies whose site is a question: devices of two clinics, a relay, and those who look; for the tests of origins."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.services import complete_study, route_study
from gateway.services.administer_sites import By
from gateway.services.job_runner import JobRunner
from gateway.services.receive_instance import Sender, receive_part10
from gateway.services.render import HANDLERS as RENDER_HANDLERS
from gateway.services.settle_origin import (
    list_waiting,
)
from storage.model import (
    EVERYWHERE,
    ArrivalVia,
    Comparison,
    Device,
    RelayRule,
    Scope,
    Site,
    SiteKind,
    new_id,
)
from storage.model.orders import Order, OrderSource, OrderState
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import MODALITY, OTHER_SITE, open_receiver

BOSS = By("admin-1", "10.0.0.9", EVERYWHERE)
CENTRE = Site("centre", "县影像中心", "Centre", SiteKind.CENTRE)
RELAY = Device("relay-1", CENTRE.id, "前置机", "RELAY", None, "", is_relay=True)
OF_OTHER = Device("dr-2", OTHER_SITE.id, "DR 2", "DR_2", None, "DX")


@pytest.fixture
async def receiver(tmp_path):
    """A gateway with a relay, and devices of two clinics."""
    async with open_receiver(tmp_path / "data") as opened:
        def register(tx):
            tx.sites.add_site(CENTRE)
            tx.sites.add_device(RELAY)
            tx.sites.add_device(OF_OTHER)

        await opened.parts.database.write(register)
        yield opened


def film(ids, *, institution="", **more):
    """With its institution in GB18030, as a machine here writes it."""
    part10 = build.dx_image(ids=ids, patient=build.Patient(more.pop("patient_id", "P1"), character_set=b"GB18030"),
                            **more)
    return build.with_text(part10, 0x00080080, institution.encode("gb18030")) if institution else part10


async def receive(receiver, part10, device=MODALITY, *, address="10.0.0.5"):
    sender = Sender(device.site_id, device, ArrivalVia.DICOM, device.ae_title, address, "association-1")
    return await receive_part10(receiver.parts, part10, sender)


async def origin_of(receiver, ids):
    study = await receiver.study(ids.study)
    return await receiver.parts.database.read(lambda tx: tx.origins.get(study.id))


async def site_of(receiver, ids):
    return (await receiver.study(ids.study)).site_id


async def seen_by(receiver, site_id):
    scope = Scope(frozenset({site_id}))
    lines, _ = await receiver.parts.database.read(lambda tx: tx.worklists.clinic_studies(
        scope, "", since=datetime(2020, 1, 1, tzinfo=UTC), limit=50, offset=0))
    return [line.study.id for line in lines]


async def waiting(receiver):
    return [one.study.study_instance_uid for one in await list_waiting(receiver.parts, BOSS)]


def rule(text, site_id, element="InstitutionName", comparison=Comparison.CONTAINS):
    return RelayRule(new_id(), 0, None, element, comparison, text, site_id)


async def order_for(receiver, ids, site_id):
    now = receiver.clock()
    order = Order(id=new_id(), site_id=site_id, state=OrderState.SCHEDULED, source=OrderSource.API,
                  accession_number="ORD1", study_instance_uid=ids.study, requested_procedure_id="1",
                  scheduled_step_id="1", patient_id="P1", patient_name="演示", name_alphabetic="Yan^Shi",
                  modality="DX", scheduled_at=now, created_at=now, created_by="u", updated_at=now)
    await receiver.parts.database.write(lambda tx: tx.orders.add(order))
    return order


async def run_jobs(receiver):
    receiver.clock.advance(receiver.parts.settings.quiet_period_s + 1)
    runner = JobRunner(receiver.parts, {**complete_study.HANDLERS, **route_study.HANDLERS, **RENDER_HANDLERS})
    while await runner.run_due():
        """Completing a study asks for its routing."""
