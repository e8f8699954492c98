"""The signed report arrives at the clinic's node, with proof, also when the node was down (H1, promises 4 and 7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.uid import EncapsulatedPDFStorage
from pynetdicom import AE, evt

from gateway.core.errors import DestinationRefused, DestinationUnavailable, NotFound, NotNow
from gateway.delivery.channels import open_channels
from gateway.delivery.dicom_destination import judge_status
from gateway.services.administer_sites import By
from gateway.services.claim_reading import claim_reading
from gateway.services.deliver import handlers
from gateway.services.job_runner import JobRunner
from gateway.services.retry_delivery import retry_delivery
from gateway.services.sign_report import prepare_signing, sign_report
from gateway.services.write_report import save_draft
from gateway.wire.tls_context import ClientTls, TlsFiles
from storage.model import EVERYWHERE, DeliveryState, Destination, DestinationKind, Scope
from tests.support.certificates import Authority
from tests.support.peers import free_ports
from tests.support.receiving_nodes import orthanc, rejecting_node, storescp
from tests.support.report_builders import REVIEWER, SITE, WRITER, a_text, furnish
from tests.support.report_tools import signature_report, squeezed, words_of
from tests.support.web import PASSWORD, password_hash

BOSS = By("boss", "10.0.0.9", EVERYWHERE)


class Returning:
    """A signed emergency report of one study on its way to one node."""

    def __init__(self, parts, clock):
        self.parts, self.clock = parts, clock
        self.call_with(None)
        self.room: Any = None
        self.node: Any = None

    def call_with(self, tls):
        channels = open_channels(replace(self.parts.settings, network_timeout_s=5.0), tls=tls)
        self.runner = JobRunner(self.parts, handlers(channels, jitter=lambda: 0.5), workers=1)

    async def sign_towards(self, kind, port, *, ae_title="CLINIC", **more):
        self.room = await furnish(self.parts, password_hash=password_hash())
        self.node = Destination("node-1", SITE.id, kind, "演示羊场PACS", ae_title, "127.0.0.1", port, **more)
        await self.parts.database.write(lambda tx: tx.sites.add_destination(self.node))
        await save_draft(self.parts, WRITER, self.room.reading.id, a_text(), template_id="T1", revision=0)
        return await self.sign(WRITER, is_emergency=True)

    async def sign(self, user, *, is_emergency=False):
        shown = await prepare_signing(self.parts, user, self.room.reading.id)
        return await sign_report(self.parts, user, self.room.reading.id, password=PASSWORD,
                                 text_sha256=shown.text_sha256, is_emergency=is_emergency)

    async def try_now(self):
        """Run what is due, return the delivery to the node."""
        await self.runner.run_due()
        return await self.delivery()

    async def delivery(self):
        found = await self.parts.database.read(lambda tx: tx.deliveries.of_study(self.room.study.id, EVERYWHERE))
        return next(delivery for delivery in found if delivery.kind is self.node.kind)

    async def alarms(self):
        return [(alarm.kind, alarm.ref) for alarm in
                await self.parts.database.read(lambda tx: tx.alarms.open_alarms(EVERYWHERE))]


@pytest.fixture
def returning(parts, clock):
    return Returning(parts, clock)


async def test_a_node_that_was_down_gets_exactly_one_report_with_the_words_and_a_valid_signature(returning, tmp_path):
    [port] = free_ports(1)
    report = await returning.sign_towards(DestinationKind.DICOM, port)
    pauses = []
    for attempts in (1, 2, 3):
        delivery = await returning.try_now()
        assert (delivery.state, delivery.attempts) == (DeliveryState.QUEUED, attempts)
        assert "演示羊场PACS" in delivery.last_error
        assert "连不上" in delivery.last_error
        pauses.append((delivery.next_attempt_at - returning.clock()).total_seconds())
        assert await returning.runner.run_due() == 0, "not before its time"
        returning.clock.advance(pauses[-1])
    assert pauses == [3.75, 7.5, 15.0]
    assert await returning.alarms() == []

    with storescp(tmp_path / "clinic", port=port) as node:
        delivery = await returning.try_now()
        assert (delivery.state, delivery.last_error, delivery.next_attempt_at) == (DeliveryState.ACCEPTED, "", None)
        assert delivery.sent_at is not None
        assert delivery.accepted_at is not None
        returning.clock.advance(86_400)
        assert await returning.runner.run_due() == 0
        [arrived] = node.files()
    data = dcmread(arrived)
    assert data.SOPInstanceUID == report.sop_instance_uid
    assert data.StudyInstanceUID == returning.room.study.study_instance_uid
    pdf = data.EncapsulatedDocument[:data.EncapsulatedDocumentLength]
    assert squeezed(a_text().impression) in words_of(pdf, tmp_path)
    assert "Signature is Valid" in signature_report(pdf, tmp_path)


async def test_a_report_goes_to_a_secured_node_and_to_no_other(returning, tmp_path):
    """The node demands our certificate and shows its own; anything else is said by name and tried again."""
    authority = Authority(tmp_path / "pki")
    theirs, other = authority.issue("Demo clinic node", is_rsa=True), authority.issue("Demo other node", is_rsa=True)
    own = authority.issue("gateway", is_rsa=True)
    [port] = free_ports(1)
    report = await returning.sign_towards(DestinationKind.DICOM, port, uses_tls=True,
                                          certificate_sha256=theirs.sha256)

    async def try_at(shown):
        secured = ("+tls", str(shown.key_file), str(shown.certificate_file), "+cf", str(authority.file),
                   "--require-peer-cert", "--profile-bcp195") if shown else ()
        with storescp(tmp_path / "clinic", *secured, port=port) as node:
            delivery = await returning.try_now()
            returning.clock.advance(3600)
            return delivery, node.files()

    delivery, files = await try_at(theirs)
    assert (delivery.state, files) == (DeliveryState.QUEUED, [])
    assert "网关自己的证书" in delivery.last_error
    returning.call_with(ClientTls(TlsFiles(own.certificate_file, own.key_file, authority.file)))
    for shown in (other, None):
        delivery, files = await try_at(shown)
        assert (delivery.state, files) == (DeliveryState.QUEUED, [])
        assert "TLS 安全连接没有建立" in delivery.last_error
    delivery, [arrived] = await try_at(theirs)
    assert (delivery.state, delivery.last_error) == (DeliveryState.ACCEPTED, "")
    assert dcmread(arrived).SOPInstanceUID == report.sop_instance_uid


async def test_a_repeat_is_the_same_object(returning, tmp_path):
    """At least once: the answer was lost after the node had kept it."""
    with storescp(tmp_path / "clinic") as node:
        await returning.sign_towards(DestinationKind.DICOM, node.port)
        delivery = await returning.try_now()
        again = replace(delivery, state=DeliveryState.QUEUED, accepted_at=None)
        now = returning.clock()

        def lose_the_answer(tx):
            tx.deliveries.replace(again)
            tx.jobs.enqueue("deliver", delivery.id, due=now)

        await returning.parts.database.write(lose_the_answer)
        assert (await returning.try_now()).state is DeliveryState.ACCEPTED
        assert len(node.files()) == 1


async def test_a_node_that_refuses_is_not_tried_again_and_a_person_is_told(returning):
    with rejecting_node(1, 1, 7) as port:
        await returning.sign_towards(DestinationKind.DICOM, port)
        delivery = await returning.try_now()
        assert delivery.state is DeliveryState.REFUSED
        assert "拒绝" in delivery.last_error
        assert await returning.alarms() == [("delivery-refused", delivery.id)]
        returning.clock.advance(86_400)
        assert await returning.runner.run_due() == 0


async def test_after_the_last_day_it_is_given_to_a_person(returning):
    [port] = free_ports(1)
    await returning.sign_towards(DestinationKind.DICOM, port)
    tries = 0
    while (delivery := await returning.try_now()).state is DeliveryState.QUEUED:
        tries += 1
        pause_s = (delivery.next_attempt_at - returning.clock()).total_seconds()
        assert pause_s <= returning.parts.settings.delivery_backoff_max_s
        # A day of capped pauses would be a hundred tries a day: jump to the last one before the deadline.
        last_day = delivery.queued_at + timedelta(days=returning.parts.settings.delivery_days)
        returning.clock.advance(pause_s if tries < 4 else (last_day - returning.clock()).total_seconds())
    assert delivery.state is DeliveryState.REFUSED
    assert "7 天" in delivery.last_error
    assert await returning.alarms() == [("delivery-given-up", delivery.id)]


async def test_a_report_that_was_called_back_is_not_sent_any_more(returning, tmp_path):
    """F5: the node was down all the while, so only the final version arrives."""
    [port] = free_ports(1)
    await returning.sign_towards(DestinationKind.DICOM, port)
    waiting = await returning.try_now()
    assert waiting.state is DeliveryState.QUEUED
    await claim_reading(returning.parts, REVIEWER, returning.room.reading.id)
    final = await returning.sign(REVIEWER)
    returning.clock.advance(3_600)
    with storescp(tmp_path / "clinic", port=port) as node:
        await returning.try_now()
        [arrived] = node.files()
    assert dcmread(arrived).SOPInstanceUID == final.sop_instance_uid
    old = await returning.parts.database.read(lambda tx: tx.deliveries.get(waiting.id, EVERYWHERE))
    assert old.state is DeliveryState.CALLED_BACK


async def test_a_disabled_destination_waits_and_goes_on_when_it_is_enabled(returning, tmp_path):
    with storescp(tmp_path / "clinic") as node:
        await returning.sign_towards(DestinationKind.DICOM, node.port)
        off = replace(returning.node, is_enabled=False)
        await returning.parts.database.write(lambda tx: tx.sites.update_destination(off))
        delivery = await returning.try_now()
        assert (delivery.state, "停用" in delivery.last_error) == (DeliveryState.QUEUED, True)
        await returning.parts.database.write(lambda tx: tx.sites.update_destination(returning.node))
        returning.clock.advance(60)
        assert (await returning.try_now()).state is DeliveryState.ACCEPTED


async def test_a_node_without_an_address_is_refused_with_the_reason(returning):
    await returning.sign_towards(DestinationKind.DICOM, 0)
    delivery = await returning.try_now()
    assert (delivery.state, "端口" in delivery.last_error) == (DeliveryState.REFUSED, True)


async def test_orthanc_takes_the_report_once_it_is_up_and_gives_it_back_unchanged(returning, tmp_path):
    [port] = free_ports(1)
    report = await returning.sign_towards(DestinationKind.ORTHANC, port, ae_title="")
    delivery = await returning.try_now()
    assert (delivery.state, "连不上" in delivery.last_error) == (DeliveryState.QUEUED, True)
    returning.clock.advance(60)
    with orthanc(tmp_path / "orthanc", port=port) as server:
        assert (await returning.try_now()).state is DeliveryState.ACCEPTED
        [instance] = server.get("/instances")
        assert server.get(f"/instances/{instance}/file") == returning.parts.objects.get(report.dicom_sha256)
        pdf = server.get(f"/instances/{instance}/pdf")
        assert "Signature is Valid" in signature_report(pdf, tmp_path)
        now = returning.clock()
        current = await returning.delivery()

        def again(tx):
            tx.deliveries.replace(replace(current, state=DeliveryState.QUEUED))
            tx.jobs.enqueue("deliver", current.id, due=now)

        await returning.parts.database.write(again)
        assert (await returning.try_now()).state is DeliveryState.ACCEPTED
        assert server.get("/instances") == [instance]


async def test_a_node_that_is_full_for_the_moment_is_asked_again(returning):
    with rejecting_node(2, 3, 2) as port:
        await returning.sign_towards(DestinationKind.DICOM, port)
        delivery = await returning.try_now()
    assert (delivery.state, "稍后" in delivery.last_error) == (DeliveryState.QUEUED, True)
    assert await returning.alarms() == []


async def test_a_refused_report_is_sent_again_when_an_administrator_says_so(returning, tmp_path):
    """The node's settings were put right: same object, tries still counted, proof of who asked (promise 7)."""
    with rejecting_node(1, 1, 7) as port:
        report = await returning.sign_towards(DestinationKind.DICOM, port)
        refused = await returning.try_now()
    assert refused.state is DeliveryState.REFUSED
    wakes = returning.parts.events.job_wakes
    queued = await retry_delivery(returning.parts, refused.id, BOSS)
    assert (queued.state, queued.attempts, queued.next_attempt_at) == (DeliveryState.QUEUED, 1, returning.clock())
    assert await returning.delivery() == queued
    assert await returning.alarms() == []
    assert returning.parts.events.job_wakes == wakes + 1
    with storescp(tmp_path / "after", port=port) as node:
        delivery = await returning.try_now()
        [arrived] = node.files()
    assert (delivery.state, delivery.attempts) == (DeliveryState.ACCEPTED, 2)
    assert dcmread(arrived).SOPInstanceUID == report.sop_instance_uid
    story = await returning.parts.database.read(lambda tx: tx.audit.of_study(delivery.study_id, EVERYWHERE))
    [noted] = [chained.entry for chained in story if chained.entry.action == "delivery.retried"]
    assert (noted.actor, noted.address, noted.patient_id) == ("boss", "10.0.0.9", returning.room.study.patient.id)
    assert (noted.detail["was"], noted.detail["last_error"]) == ("refused", refused.last_error)


async def test_a_report_that_was_given_up_is_tried_for_the_whole_time_again(returning):
    [port] = free_ports(1)
    await returning.sign_towards(DestinationKind.DICOM, port)
    returning.clock.advance(returning.parts.settings.delivery_days * 86_400)
    given_up = await returning.try_now()
    assert given_up.state is DeliveryState.REFUSED
    await retry_delivery(returning.parts, given_up.id, BOSS)
    delivery = await returning.try_now()
    assert (delivery.state, delivery.attempts) == (DeliveryState.QUEUED, 2)
    assert await returning.alarms() == []


async def test_a_waiting_report_does_not_wait_for_its_pause_any_longer(returning, tmp_path):
    [port] = free_ports(1)
    await returning.sign_towards(DestinationKind.DICOM, port)
    waiting = await returning.try_now()
    await retry_delivery(returning.parts, waiting.id, BOSS)
    with storescp(tmp_path / "clinic", port=port):
        assert (await returning.try_now()).state is DeliveryState.ACCEPTED
    with pytest.raises(NotNow) as refused:
        await retry_delivery(returning.parts, waiting.id, BOSS)
    assert refused.value.reason == "delivered"


async def test_an_administrator_of_another_site_cannot_send_it_again(returning):
    await returning.sign_towards(DestinationKind.DICOM, 0)
    refused = await returning.try_now()
    with pytest.raises(NotFound):
        await retry_delivery(returning.parts, refused.id, replace(BOSS, scope=Scope(frozenset({"elsewhere"}))))
    assert await returning.delivery() == refused


@pytest.mark.parametrize("status", [0x0000, 0xB000, 0xB006, 0xB007, 0x0111])
def test_success_warnings_and_a_duplicate_mean_that_the_node_keeps_it(status):
    """2.M: a warning is stored-with-warning, not a failure."""
    judge_status(status, where="节点")


@pytest.mark.parametrize("status", [0xA700, 0xA701])
def test_out_of_resources_is_tried_again(status):
    with pytest.raises(DestinationUnavailable, match="没有空间"):
        judge_status(status, where="节点")


@pytest.mark.parametrize(("status", "said"), [(0xA900, "类别不符"), (0xC000, "读不懂"), (0x0122, "不支持"),
                                              (0x0124, "授权"), (0x0110, "处理失败"), (0x0123, "拒绝接收")])
def test_any_other_status_is_final_and_said_in_plain_words(status, said):
    with pytest.raises(DestinationRefused, match=said) as refused:
        judge_status(status, where="节点")
    assert f"{status:04X}" in str(refused.value)


async def test_a_node_without_space_is_asked_again_and_takes_it_with_a_remark(returning, tmp_path):
    """A700 first, then B000: one real association each."""
    taken = []

    def on_store(event):
        taken.append(event.request.AffectedSOPInstanceUID)
        return 0xA700 if len(taken) == 1 else 0xB000

    ae = AE(ae_title="CLINIC")
    ae.add_supported_context(EncapsulatedPDFStorage)
    server: Any = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, on_store)])
    try:
        report = await returning.sign_towards(DestinationKind.DICOM, server.socket.getsockname()[1])
        delivery = await returning.try_now()
        assert (delivery.state, "没有空间" in delivery.last_error) == (DeliveryState.QUEUED, True)
        returning.clock.advance(60)
        assert (await returning.try_now()).state is DeliveryState.ACCEPTED
    finally:
        server.shutdown()
    assert taken == [report.sop_instance_uid] * 2
