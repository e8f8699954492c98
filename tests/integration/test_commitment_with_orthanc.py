"""Storage commitment with Debian's Orthanc, which knows both roles: it asks us, and we ask it (B5)."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from pydicom.uid import EncapsulatedPDFStorage
from pynetdicom import AE, evt

from gateway.core.commitment import EventType
from gateway.delivery.channels import open_channels
from gateway.delivery.commitment import NodeCommitment
from gateway.formats.commitment_messages import SOP_CLASS, SOP_INSTANCE, report_dataset
from gateway.services.deliver import handlers
from gateway.services.job_runner import JobRunner
from gateway.services.sign_report import prepare_signing, sign_report
from gateway.services.write_report import save_draft
from gateway.wire.event_report_scu import EventReport, report_on_new_association
from gateway.wire.requestor import RemoteNode
from storage.model import EVERYWHERE, DeliveryState, Destination, DestinationKind, Device
from storage.model.commitments import CommitmentItem
from tests.support import dcmtk
from tests.support import dicom_builders as build
from tests.support.commitment_user import COMMITMENT, COMMITMENT_INSTANCE, in_thread, references_of
from tests.support.committing import run_jobs
from tests.support.dicom_receiver import SITE, open_receiver
from tests.support.peers import free_ports
from tests.support.receiving_nodes import orthanc
from tests.support.report_builders import SITE as READING_SITE
from tests.support.report_builders import WRITER, a_text, furnish
from tests.support.waiting import until
from tests.support.web import PASSWORD, password_hash

pytestmark = pytest.mark.usefixtures("wire")


def knows_us(address: str) -> dict[str, Any]:
    host, port = address.rsplit(":", 1)
    return {"DicomModalities": {"gateway": {"AET": "GATEWAY", "Host": host, "Port": int(port),
                                            "AllowStorageCommitment": True}},
            "DicomCheckModalityHost": True}


async def test_orthanc_asks_us_and_takes_the_report(tmp_path):
    """Two that are here, then one more that is not."""
    async with open_receiver(tmp_path / "data") as receiver:
        with orthanc(tmp_path / "orthanc", **knows_us(receiver.address)) as node:
            await receiver.add_device(Device("pacs-1", SITE.id, "PACS", "ORTHANC", "127.0.0.1", "CT",
                                             port=node.dicom_port))
            files = [build.ct_slice(n) for n in (1, 2)]
            paths = build.write_all(tmp_path / "in", files)
            assert (await dcmtk.storescu(receiver.address, paths)).statuses == [0, 0]
            here = references_of(*files)
            for references, is_success in ((here, True), ([*here, (build.CT, "1.2.3.404")], False)):
                asked = await asyncio.to_thread(node.post, "/modalities/gateway/storage-commitment", {
                    "DicomInstances": [{"SOPClassUID": c, "SOPInstanceUID": i} for c, i in references]})
                assert (await asyncio.to_thread(node.get, asked["Path"]))["Status"] == "Pending"
                await run_jobs(receiver)
                told = await asyncio.to_thread(node.get, asked["Path"])
                assert told["Status"] == ("Success" if is_success else "Failure")
                assert {i["SOPInstanceUID"] for i in told["Success"]} == {i for _, i in here}
                assert [f["SOPInstanceUID"] for f in told["Failures"]] == ([] if is_success else ["1.2.3.404"])


class ReportOnItsWay:
    """A signed report for a node that is asked to commit to it."""

    def __init__(self, receiver, node: Destination) -> None:
        self.parts, self.node = receiver.parts, node
        channels = open_channels(replace(self.parts.settings, network_timeout_s=5.0),
                                 commitment=NodeCommitment(self.parts))
        self.runner = JobRunner(self.parts, handlers(channels, jitter=lambda: 0.5), workers=1)

    async def sign(self):
        room = await furnish(self.parts, password_hash=password_hash())
        await self.parts.database.write(lambda tx: tx.sites.add_destination(self.node))
        await self.parts.database.write(lambda tx: tx.sites.add_device(
            Device("pacs-1", READING_SITE.id, "PACS", self.node.ae_title, None, "")))
        await save_draft(self.parts, WRITER, room.reading.id, a_text(), template_id="T1", revision=0)
        shown = await prepare_signing(self.parts, WRITER, room.reading.id)
        self.room = room
        return await sign_report(self.parts, WRITER, room.reading.id, password=PASSWORD,
                                 text_sha256=shown.text_sha256, is_emergency=True)

    async def delivery(self):
        found = await self.parts.database.read(lambda tx: tx.deliveries.of_study(self.room.study.id, EVERYWHERE))
        return next(one for one in found if one.kind is DestinationKind.DICOM)

    async def asked(self):
        delivery = await self.delivery()
        return await self.parts.database.read(lambda tx: tx.commitments.asked_for(delivery.id))


def node_at(port: int, ae_title: str = "ORTHANC") -> Destination:
    return Destination("node-1", READING_SITE.id, DestinationKind.DICOM, "演示羊场PACS", ae_title, "127.0.0.1", port,
                       asks_commitment=True)


async def test_a_report_is_accepted_once_orthanc_has_committed_to_it(tmp_path):
    async with open_receiver(tmp_path / "data", is_empty=False) as receiver:
        with orthanc(tmp_path / "orthanc", **knows_us(receiver.address)) as server:
            way = ReportOnItsWay(receiver, node_at(server.dicom_port))
            report = await way.sign()
            await way.runner.run_due()

            async def is_answered():
                return (await way.asked())[0].answered_at is not None

            await until(is_answered)                     # on an association that Orthanc opened to our port
            await way.runner.run_due()
            delivery = await way.delivery()
            assert (delivery.state, delivery.last_error) == (DeliveryState.ACCEPTED, "")
            [asked] = await way.asked()
            assert (asked.sop_instance_uid, asked.failure_reason) == (report.sop_instance_uid, 0)
            found = await asyncio.to_thread(server.get, "/instances?expand")
            assert [i["MainDicomTags"]["SOPInstanceUID"] for i in found] == [report.sop_instance_uid]


async def test_a_report_waits_as_sent_until_the_node_commits_and_goes_again_when_it_has_lost_it(tmp_path):
    """The node takes it, says later that it does not have it (0112), gets it again, and commits."""
    async with open_receiver(tmp_path / "data", is_empty=False) as receiver:
        [port] = free_ports(1)
        node = ForgetfulNode(port, verdicts=[None, 0])
        way = ReportOnItsWay(receiver, node_at(port, "FORGETS"))
        with node.running():
            report = await way.sign()
            await way.runner.run_due()
            delivery = await way.delivery()
            assert (delivery.state, "存储承诺" in delivery.last_error) == (DeliveryState.SENT, True)
            assert node.stored == [report.sop_instance_uid]
            # Later it calls us: it does not have it. A stranger's answer is refused before.
            status = await node.report_to(receiver.address, (await way.asked())[0].transaction_uid, 0x0112,
                                          report.sop_instance_uid)
            assert status == 0x0000
            assert await node.report_to(receiver.address, "1.2.3.404", 0x0112, report.sop_instance_uid) == 0x0115
            receiver.clock.advance(60)
            await way.runner.run_due()
            assert node.stored == [report.sop_instance_uid] * 2

            async def is_accepted():
                await way.runner.run_due()
                return (await way.delivery()).state is DeliveryState.ACCEPTED

            await until(is_accepted)
            first, second = reversed(await way.asked())
            assert (first.failure_reason, second.failure_reason) == (0x0112, 0)
            assert first.transaction_uid != second.transaction_uid


class ForgetfulNode:
    """A node of pynetdicom; `verdicts` are what it reports on the association of the request, None: nothing yet."""

    def __init__(self, port: int, *, verdicts: list[int | None]) -> None:
        self.port, self.verdicts = port, verdicts
        self.stored: list[Any] = []

    @contextmanager
    def running(self):
        ae = AE(ae_title="FORGETS")
        ae.add_supported_context(EncapsulatedPDFStorage)
        ae.add_supported_context(COMMITMENT)
        server = ae.start_server(("127.0.0.1", self.port), block=False, evt_handlers=[
            (evt.EVT_C_STORE, self._on_store), (evt.EVT_N_ACTION, self._on_action)])
        assert server is not None
        try:
            yield
        finally:
            server.shutdown()

    async def report_to(self, address: str, transaction_uid: str, reason: int, sop_instance_uid: str) -> int:
        """Open an association to the gateway as the provider, and report a failure."""
        host, port = address.rsplit(":", 1)
        items = [CommitmentItem(str(EncapsulatedPDFStorage), sop_instance_uid, reason)]
        return await report_on_new_association(
            EventReport(SOP_CLASS, SOP_INSTANCE, int(EventType.SOME_FAILED),
                        report_dataset(transaction_uid, items, ae_title="FORGETS")),
            RemoteNode(host, int(port), "GATEWAY", "FORGETS", 10))

    def _on_store(self, event) -> int:
        self.stored.append(str(event.request.AffectedSOPInstanceUID))
        return 0x0000

    def _on_action(self, event):
        information = event.action_information
        if self.verdicts.pop(0) == 0:
            has_answered = threading.Event()
            event.assoc.bind(evt.EVT_DIMSE_SENT, lambda sent: has_answered.set())

            def report() -> None:
                assert has_answered.wait(10)
                event.assoc.send_n_event_report(information, 1, COMMITMENT, COMMITMENT_INSTANCE)

            in_thread(report)
        return 0x0000, None
