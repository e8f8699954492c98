"""Users see only what their site may see, on every API (promise 5, J1, A7).

One table says how each row of the app's route table is called. The test walks all of it: as people and machines of
site A with B's real ids nothing of B may come back, not its names, numbers, ids or texts; the same calls must
succeed for B's own people. A route that is not in this table fails the test.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import pytest_asyncio

from gateway.http.app import ROUTES
from gateway.services.ports import Event
from storage.model import EVERYWHERE, Role
from tests.support import dicom_builders
from tests.support.ecg_routes import ECG_CALLS
from tests.support.keeping_routes import KEEPING_CALLS
from tests.support.people_routes import PEOPLE_CALLS
from tests.support.quality_routes import QUALITY_CALLS
from tests.support.route_walk import Call, Walk, as_json, leaked
from tests.support.rule_routes import RULE_CALLS, add_versions
from tests.support.stores import ManualClock, open_parts
from tests.support.two_sites import SHARED_PATIENT_ID, Clinic, secrets_of, two_clinics
from tests.support.web import PASSWORD, serving
from tests.support.workitem_routes import WORKITEM_CALLS, add_workitems


def _stow(film: bytes) -> dict[str, Any]:
    body = b"--edge\r\nContent-Type: application/dicom\r\n\r\n" + film + b"\r\n--edge--\r\n"
    return {"data": body, "headers": {"Content-Type": 'multipart/related; type="application/dicom"; boundary=edge'}}


def _new_film(clinic: Clinic) -> dict[str, Any]:
    return _stow(clinic.new_film)


def _ecg(clinic: Clinic) -> dict[str, Any]:
    return {"data": clinic.new_ecg, "params": {"site": clinic.site_id},
            "headers": {"Content-Type": "application/xml"}}


def _draft(clinic: Clinic) -> dict[str, Any]:
    return {"json": {"text": {"findings": "x", "impression": "y"}, "template_id": "", "revision": 0}}


def _user(clinic: Clinic) -> dict[str, Any]:
    return {"json": {"login": f"new-{clinic.site_id}", "display_name": "演示新人", "password": "long enough 1",
                     "grants": [{"role": "clinic", "site_id": clinic.site_id}]}}



def one(key: str, **more: Any) -> Call:
    return Call(fill={"reading_id": f"{key}_reading" if key else "reading"}, **more)


def list_of(shows: str = "", *asks: str, **more: Any) -> Call:
    return Call(is_list=True, shows=shows, asks=("", *asks), **more)


DEVICE = as_json(site_id="{site}", name="演示设备", ae_title="NEW_{site}")
NODE = as_json(site_id="{site}", kind="dicom", name="演示节点", ae_title="NODE", host="127.0.0.1", port=104)
ORDER = as_json(site_id="{site}", patient_name="演示申请", patient_id="P-1", modality="DX")
OF_ORDER = {"order_id": "order"}
READING, STUDY = {"reading_id": "reading"}, {"study_id": "study"}
W_STUDY = "/dicom-web/studies/{study}"
W_SERIES = W_STUDY + "/series/{series}"
W_INSTANCE = W_SERIES + "/instances/{instance}"
OF_STUDY = {"study": "study_uid"}
OF_SERIES = {**OF_STUDY, "series": "series_uid"}
OF_INSTANCE = {**OF_SERIES, "instance": "instance_uid"}
OF_FRAME = {**OF_INSTANCE, "frames": "=1"}
SENT = ("study_uid", "series_uid")
QIDO = ("PatientID={patient_id}", "PatientName=*{name}*", "StudyInstanceUID={study_uid}",
        "AccessionNumber={accession}", f"PatientID={SHARED_PATIENT_ID}", "limit=1000&fuzzymatching=true")

TABLE: dict[tuple[str, str], Call] = {
    # readers
    ("GET", "/api/readings"): list_of("reading", "q={name}", "q={patient_id}", "q={accession}", "site={site}",
                                      "state=all&limit=1000", "site={site}&state=final", f"q={SHARED_PATIENT_ID}"),
    ("GET", "/api/readings/{reading_id}"): one(""),
    ("POST", "/api/readings/{reading_id}/claim"): one("claim", by="reader"),
    ("POST", "/api/readings/{reading_id}/release"): one("release", by="reader"),
    ("POST", "/api/readings/{reading_id}/send-back"): one("send_back", by="reader", send=as_json(reason="重拍")),
    ("PUT", "/api/readings/{reading_id}/draft"): one("draft", by="reader", send=_draft),
    ("POST", "/api/readings/{reading_id}/submit"): one("submit", by="reader"),
    ("POST", "/api/readings/{reading_id}/reject"): one("reject", by="reviewer", send=as_json(reason="请补充")),
    ("GET", "/api/readings/{reading_id}/signing"): one("signing", by="reviewer"),
    ("POST", "/api/readings/{reading_id}/sign"): one("sign", by="reviewer", send=as_json(
        password=PASSWORD, text_sha256="{sign_sha256}")),
    ("GET", "/api/reports/{report_id}/pdf"): Call({"report_id": "report"}),
    ("GET", "/api/templates"): list_of("", "modality=DX&body_part=CHEST&kind=image", "kind=ecg&study_id={ecg_study}"),
    ("GET", "/api/studies/{study_id}"): Call(STUDY),
    ("GET", "/api/studies/{study_id}/annotations"): Call(STUDY),
    ("PUT", "/api/studies/{study_id}/annotations"): Call(STUDY, as_json(length=[])),
    # the clinic
    ("GET", "/api/clinic/reports"): list_of("pulled", "", "since=2020-01-01T00:00:00Z"),
    ("GET", "/api/clinic/reports/{delivery_id}/pdf"): Call({"delivery_id": "pulled"}),
    ("GET", "/api/clinic/reports/{delivery_id}/dicom"): Call({"delivery_id": "pulled"}),
    ("POST", "/api/clinic/reports/{delivery_id}/acknowledge"): Call({"delivery_id": "pulled"}, as_json(
        step="acknowledged", person="演示医生")),
    ("GET", "/api/notices"): list_of("reading", "limit=200"),
    ("POST", "/api/notices/read"): list_of(send=as_json(reading_id="{reading}")),
    ("GET", "/api/clinic/studies"): list_of("study", "q={name}", "q={patient_id}", "q={accession}",
                                            f"q={SHARED_PATIENT_ID}", "limit=500"),
    ("POST", "/api/deliveries/{delivery_id}/acknowledge"): Call({"delivery_id": "delivery"}),
    **KEEPING_CALLS,
    # orders
    ("GET", "/api/orders"): list_of("order", "q={name}", "q={patient_id}", "q={order_accession}", "state=scheduled",
                                    "unlinked=1&limit=500"),
    ("POST", "/api/orders"): Call(send=ORDER),
    ("GET", "/api/orders/{order_id}"): Call(OF_ORDER),
    ("PUT", "/api/orders/{order_id}"): Call(OF_ORDER, ORDER),
    ("POST", "/api/orders/{order_id}/withdraw"): Call({"order_id": "withdraw_order"}, as_json(reason="演示撤回")),
    ("GET", "/api/order-matches"): list_of("question_study"),
    ("POST", "/api/studies/{study_id}/order"): Call({"study_id": "link_study"}, as_json(
        order_id="{link_order}", reason="演示核实")),
    ("POST", "/api/studies/{study_id}/order/none"): Call({"study_id": "none_study"}, as_json(reason="演示不是")),
    ("POST", "/api/orders/{order_id}/unlink"): Call({"order_id": "unlink_order"}, as_json(reason="演示取消"),
                                                    by="clinic"),
    ("GET", "/api/admin/hl7-partners"): list_of("partner"),
    ("POST", "/api/admin/hl7-partners"): Call(is_for_alliance=True, send=as_json(
        name="演示系统", facility="NEW-{site}", site_id="{site}")),
    ("PUT", "/api/admin/hl7-partners/{partner_id}"): Call({"partner_id": "partner"}, as_json(
        name="演示改名", facility="HIS-{site}", site_id="{site}"), is_for_alliance=True),
    ("POST", "/api/ecg"): Call(send=_ecg),
    **ECG_CALLS,
    **WORKITEM_CALLS,
    **PEOPLE_CALLS,
    **QUALITY_CALLS,
    **RULE_CALLS,
    # administrators
    ("GET", "/api/admin/overview"): list_of(),
    ("GET", "/api/admin/sites"): list_of("=site"),
    ("POST", "/api/admin/sites"): Call(is_for_alliance=True, send=as_json(
        id="new-{site}", name="演示新站", name_en="", kind="village")),
    ("GET", "/api/admin/devices"): list_of("device"),
    ("POST", "/api/admin/devices"): Call(send=DEVICE),
    ("PUT", "/api/admin/devices/{device_id}"): Call({"device_id": "device"}, as_json(
        site_id="{site}", name="演示改名", ae_title="CHANGED_{site}")),
    ("GET", "/api/admin/knocks"): Call(is_for_alliance=True),
    ("POST", "/api/admin/knocks/{knock_id}/accept"): Call({"knock_id": "knock"}, as_json(
        site_id="{site}", name="演示敲门"), is_for_alliance=True),
    ("POST", "/api/admin/knocks/{knock_id}/dismiss"): Call({"knock_id": "other_knock"}, is_for_alliance=True),
    ("GET", "/api/admin/origins"): Call(is_for_alliance=True),
    ("POST", "/api/admin/origins/{study_id}/settle"): Call({"study_id": "waiting_study"}, as_json(
        site_id="{site}", reason="电话核实"), is_for_alliance=True),
    ("GET", "/api/admin/origins/settled"): Call(is_for_alliance=True),
    ("POST", "/api/admin/origins/{study_id}/move"): Call({"study_id": "movable_study"}, as_json(
        site_id="spare", reason="电话核实"), is_for_alliance=True),
    ("GET", "/api/studies/{study_id}/origin"): Call({"study_id": "other_waiting_study"}, is_for_alliance=True),
    ("POST", "/api/studies/{study_id}/origin"): Call({"study_id": "other_waiting_study"}, as_json(
        site_id="{site}", reason="电话核实"), is_for_alliance=True),
    ("GET", "/api/admin/relay-rules"): Call(is_for_alliance=True),
    ("PUT", "/api/admin/relay-rules"): Call(is_for_alliance=True, send=lambda clinic: {"json": {"rules": []}}),
    ("POST", "/api/admin/relay-rules/try"): Call(is_for_alliance=True, send=lambda clinic: {
        "json": {"rules": [], "elements": {"InstitutionName": "x"}}}),
    ("GET", "/api/admin/destinations"): list_of("destination"),
    ("POST", "/api/admin/destinations"): Call(send=NODE),
    ("PUT", "/api/admin/destinations/{destination_id}"): Call({"destination_id": "destination"}, NODE),
    ("GET", "/api/admin/users"): list_of("=user"),
    ("POST", "/api/admin/users"): Call(send=_user),
    ("GET", "/api/admin/rules"): Call(is_for_alliance=True),
    ("POST", "/api/admin/rules"): Call(is_for_alliance=True, send=lambda clinic: {
        "data": clinic.ids["rules"].encode(), "headers": {"Content-Type": "text/yaml"}}),
    ("GET", "/api/admin/quarantine"): list_of("arrival", "state=all", "site={site}", "q={site}", "reason=not-dicom"),
    ("GET", "/api/admin/quarantine/{arrival_id}"): Call({"arrival_id": "arrival"}),
    ("GET", "/api/admin/quarantine/{arrival_id}/bytes"): Call({"arrival_id": "arrival"}),
    ("GET", "/api/admin/quarantine/{arrival_id}/preview"): Call({"arrival_id": "film_arrival"}),
    ("POST", "/api/admin/quarantine/{arrival_id}/decide"): Call({"arrival_id": "arrival"}, as_json(
        choice="settle", reason="看过")),
    ("GET", "/api/admin/devices-text"): list_of("device"),
    ("GET", "/api/admin/devices-text/{device_id}"): Call({"device_id": "device"}),
    ("POST", "/api/admin/devices-text/{device_id}/correct"): Call({"device_id": "device"}, as_json(
        character_set="gbk", reason="演示更正")),
    ("POST", "/api/admin/devices-text/{device_id}/undo"): Call({"device_id": "device"}, as_json(reason="撤销")),
    ("GET", "/api/admin/alarms"): list_of("alarm"),
    ("POST", "/api/admin/alarms/{alarm_id}/acknowledge"): Call({"alarm_id": "alarm"}),
    ("GET", "/api/admin/deliveries"): list_of("report"),
    ("GET", "/api/admin/commitments"): list_of("commitment"),
    ("POST", "/api/admin/deliveries/{delivery_id}/retry"): Call({"delivery_id": "node_delivery"}),
    ("GET", "/api/admin/audit"): list_of("study", "study={study}", "limit=2000"),
    # DICOMweb
    ("GET", "/dicom-web/studies"): list_of("study_uid", *QIDO),
    ("GET", "/dicom-web/series"): list_of("series_uid", *QIDO, "SeriesInstanceUID={series_uid}"),
    ("GET", "/dicom-web/instances"): list_of("instance_uid", *QIDO, "SOPInstanceUID={instance_uid}"),
    ("GET", W_STUDY + "/series"): Call(OF_STUDY, is_list=True),
    ("GET", W_STUDY + "/instances"): Call(OF_STUDY, is_list=True),
    ("GET", W_SERIES + "/instances"): Call(OF_SERIES, is_list=True),
    ("GET", W_STUDY): Call(OF_STUDY),
    ("GET", W_SERIES): Call(OF_SERIES),
    ("GET", W_INSTANCE): Call(OF_INSTANCE),
    ("GET", W_STUDY + "/metadata"): Call(OF_STUDY),
    ("GET", W_SERIES + "/metadata"): Call(OF_SERIES),
    ("GET", W_INSTANCE + "/metadata"): Call(OF_INSTANCE),
    **{("GET", level + what): Call(fill) for what in ("/bulkdata", "/pixeldata")
       for level, fill in ((W_STUDY, OF_STUDY), (W_SERIES, OF_SERIES), (W_INSTANCE, OF_INSTANCE))},
    ("GET", W_STUDY + "/rendered"): Call(OF_STUDY),
    ("GET", W_SERIES + "/rendered"): Call(OF_SERIES),
    ("OPTIONS", "/dicom-web"): Call(is_list=True),
    ("OPTIONS", "/dicom-web/"): Call(is_list=True),
    ("GET", W_INSTANCE + "/bulkdata/{path:.+}"): Call(
        {**OF_INSTANCE, "path": "=7FE00010"}),
    ("GET", W_INSTANCE + "/frames/{frames}"): Call(OF_FRAME),
    ("GET", W_INSTANCE + "/rendered"): Call(OF_INSTANCE),
    ("GET", W_INSTANCE + "/frames/{frames}/rendered"): Call(OF_FRAME),
    ("GET", W_STUDY + "/thumbnail"): Call(OF_STUDY),
    ("GET", W_SERIES + "/thumbnail"): Call(OF_SERIES),
    ("GET", W_INSTANCE + "/thumbnail"): Call(OF_INSTANCE),
    ("GET", W_INSTANCE + "/frames/{frames}/thumbnail"): Call(OF_FRAME),
    ("POST", "/dicom-web/studies"): Call(send=_new_film, is_list=True, echoes=SENT),
    ("POST", W_STUDY): Call(OF_STUDY, _new_film, is_list=True, echoes=SENT),
}

STREAMS = {("GET", "/api/events"), ("GET", "/dicom-web/subscribers/{aetitle}")}
"""Walked by a test of its own below, and in test_dicomweb_workitems.py."""

OPEN_TO_ALL = {("POST", "/api/session"), ("GET", "/api/session"), ("DELETE", "/api/session"), ("GET", "/healthz"),
               ("GET", "/readyz"), ("GET", "/metrics"), ("GET", "/api/openapi.json"), ("GET", "/{path:.*}")}
"""Nobody needs to be known; walked too, for what they say."""


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def web(tmp_path_factory):
    """One world for all tests of this file: each leaves it fit for the others, in any order."""
    clock = ManualClock()
    async with open_parts(tmp_path_factory.mktemp("scope") / "data", clock=clock) as parts:
        a, b = await two_clinics(parts)
        for clinic in (a, b):
            await add_workitems(parts, clinic)
        async with serving(parts) as running:
            await enter(running, a, b)
            yield running
        await parts.simulations.stop()


async def enter(running, a: Clinic, b: Clinic) -> None:
    """Log everybody in, and let somebody knock."""
    parts, clock = running.parts, running.parts.clock
    running.a, running.b = a, b
    for clinic in (a, b):
        for key in ("knock", "other_knock"):
            title = f"{key[:5].upper()}_{clinic.site_id.upper()}"
            clinic.ids[key] = (await parts.database.write(
                lambda tx, title=title: tx.sites.knock(title, "10.9.9.9", clock()))).id
        clinic.ids["rules"] = (await parts.database.read(lambda tx: tx.decisions.active_rule_set()))[1]
        await parts.database.write(lambda tx, clinic=clinic: add_versions(tx, clinic))
        clinic.ids["simulation"] = (await parts.simulations.start(parts, clinic.ids["rules"], days=1, by="boss")).id
        clinic.ids["user"] = clinic.people[Role.CLINIC].id
        clinic.ids["site"] = clinic.site_id
    running.logins = {(clinic.site_id, role): await running.browser(clinic.login(role))
                      for clinic in (a, b) for role in Role}
    running.boss = await running.browser("boss")
    running.machines = {(clinic.site_id, scope): running.stranger(token=token)
                        for clinic in (a, b) for scope, token in clinic.tokens.items()}


async def test_the_table_names_every_route_of_the_app_and_no_other(web):
    rows = {(row.method, row.path) for row in web.server.app[ROUTES]}
    assert set(TABLE) | STREAMS | OPEN_TO_ALL == rows
    public = {(row.method, row.path) for row in web.server.app[ROUTES] if row.is_public}
    assert public == OPEN_TO_ALL


async def test_nothing_of_another_site_comes_back_from_any_route_and_the_own_site_is_served(web):
    a, b = web.a, web.b
    walk = Walk(web, await secrets_of(web.parts, b, a))
    before = await story_of(web.parts, b)
    for row in web.server.app[ROUTES]:
        key = (row.method, row.path)
        if key in TABLE:
            await walk.as_stranger(row, TABLE[key], b)
            await walk.as_people_of(a, row, TABLE[key], b)
            await walk.as_machines_of(a, row, TABLE[key], b)
        elif key in OPEN_TO_ALL:
            await walk.publicly(a, row)
    assert not walk.faults, "\n".join(walk.faults)
    assert await story_of(web.parts, b) == before, "a refused call changed something"
    for row in web.server.app[ROUTES]:
        if (row.method, row.path) in TABLE:
            await walk.at_home(b, row, TABLE[row.method, row.path])
    assert not walk.faults, "\n".join(walk.faults)
    assert walk.refusals > 400
    assert walk.successes > 150


async def test_what_a_site_sends_never_lands_in_another_sites_study(web):
    """A film with B's Study Instance UID, sent by A: kept apart, B's study unchanged, and A cannot read it so."""
    a, b = web.a, web.b

    async def count() -> int:
        async with web.logins[b.site_id, Role.READER].get(f"/api/studies/{b.ids['study']}") as answer:
            study = await answer.json()
            assert study["site_id"] == b.site_id
            return int(study["instance_count"])

    before = await count()
    for path in ("/dicom-web/studies", f"/dicom-web/studies/{b.ids['study_uid']}"):
        film = dicom_builders.dx_image(ids=dicom_builders.StudyIds(b.ids["study_uid"], b.ids["series_uid"]))
        async with web.machines[a.site_id, "ingest"].post(path, **_stow(film)) as answer:
            assert answer.status in (202, 409), await answer.text()
    assert await count() == before
    async with web.logins[a.site_id, Role.READER].get(f"/dicom-web/studies/{b.ids['study_uid']}") as answer:
        assert answer.status == 404


async def test_a_number_that_both_sites_gave_out_joins_nobody(web):
    """A7: a Patient ID is unique inside its issuer alone."""
    for own, other in ((web.a, web.b), (web.b, web.a)):
        async with web.logins[own.site_id, Role.READER].get(f"/api/studies/{own.ids['shared_study']}") as answer:
            text = await answer.text()
            assert own.word in text
            assert other.word not in text
            assert json.loads(text)["related"] == []


async def test_a_screen_hears_nothing_of_another_site(web):
    a, b = web.a, web.b
    secrets = await secrets_of(web.parts, b, a)
    heard: dict[Role, bytes] = {}

    async def listen(role: Role, ready: asyncio.Event) -> None:
        async with web.logins[a.site_id, role].get("/api/events") as answer:
            assert answer.status == 200
            heard[role] = await answer.content.readline()
            ready.set()
            while b"the-last-one" not in heard[role]:
                heard[role] += await answer.content.readline()

    ready = [asyncio.Event() for _ in Role]
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for role, event in zip(Role, ready, strict=True):
            group.create_task(listen(role, event))
        await asyncio.gather(*(event.wait() for event in ready))
        async with web.logins[b.site_id, Role.READER].post(
                f"/api/readings/{b.ids['claim_reading']}/claim") as answer:
            assert answer.status == 200
        async with web.machines[b.site_id, "ingest"].post("/api/ecg", **_ecg(b)) as answer:
            assert answer.status in (200, 201)
        web.parts.events.publish(Event("knock", ""))
        web.parts.events.publish(Event("study", a.site_id, "the-last-one"))
    async with web.logins[b.site_id, Role.READER].post(f"/api/readings/{b.ids['claim_reading']}/release"):
        pass
    for role, text in heard.items():
        assert not leaked(text, secrets, ()), role
        assert b.site_id.encode() not in text
        assert text.count(b"event: change") == 1, role


async def test_a_role_at_one_site_opens_nothing_for_it_at_another(web):
    """A technician of B who reads at A: B's readings stay closed, B's clinic page is open."""
    from tests.support.web import add_person

    await add_person(web.parts, "both", (Role.READER, web.a.site_id), (Role.CLINIC, web.b.site_id))
    both = await web.browser("both")
    async with both.get(f"/api/readings/{web.b.ids['reading']}") as answer:
        assert answer.status == 404
    async with both.post(f"/api/readings/{web.b.ids['claim_reading']}/claim") as answer:
        assert answer.status == 404
    async with both.get("/api/clinic/studies", params={"limit": "500"}) as answer:
        text = await answer.text()
        assert web.b.ids["study"] in text
        assert web.a.word not in text


async def story_of(parts, clinic: Clinic):
    """What can be seen to have changed at a site: its readings, reports, deliveries, devices, alarms."""
    def look(tx):
        scope = EVERYWHERE
        readings = [tx.readings.get(reading, scope) for key, reading in sorted(clinic.ids.items())
                    if key.endswith("reading")]
        return [readings, tx.reports.versions(clinic.ids["reading"], scope),
                tx.deliveries.of_report(clinic.ids["report"], scope), tx.sites.device(clinic.ids["device"]),
                tx.sites.destination(clinic.ids["destination"]), tx.arrivals.get(clinic.ids["arrival"], scope),
                [alarm for alarm in tx.alarms.open_alarms(scope) if alarm.site_id == clinic.site_id],
                tx.studies.get(clinic.ids["study"], scope), tx.studies.instances_of(clinic.ids["study"], scope)]

    return await parts.database.read(look)


async def test_the_walk_would_notice_a_leak(web):
    """The search for secrets finds what B's own people are shown."""
    secrets = await secrets_of(web.parts, web.b, web.a)
    assert len(secrets) > 100
    for role, path in ((Role.READER, "/api/readings"), (Role.CLINIC, "/api/clinic/studies"),
                       (Role.ADMIN, "/api/admin/devices"),
                       (Role.READER, f"/dicom-web/studies/{web.b.ids['study_uid']}")):
        async with web.logins[web.b.site_id, role].get(path) as answer:
            assert leaked(await answer.read(), secrets, ()), path
