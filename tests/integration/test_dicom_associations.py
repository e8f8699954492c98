"""Who may open an association, how many, and how the port closes."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import ExitStack
from dataclasses import replace

import pytest
from pynetdicom import AE

from gateway.core.errors import InvalidRequest, NotFound
from gateway.dicom.storage_scp import StorageScp
from gateway.services.accept_device import accept_device
from storage.errors import StorageUnavailable
from storage.model import EVERYWHERE, INBOX_SITE_ID, Device, Grant, KnockState, Role, User
from tests.support import dcmtk
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import SITE, open_receiver
from tests.support.raw_association import RawAssociation, associate_request
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("wire")

ADMIN = User("admin-1", "admin", "Demo Admin", "", (Grant(Role.ADMIN, None),))
REJECTED_FOR_LIMIT = bytes((0, 2, 3, 2))
PRINT_MANAGEMENT, VERIFICATION = "1.2.840.10008.5.1.1.9", "1.2.840.10008.1.1"
CALLING_NOT_RECOGNISED = "Reason: Calling AE Title Not Recognized"
CALLED_NOT_RECOGNISED = "Reason: Called AE Title Not Recognized"


@pytest.fixture
async def receiver(tmp_path):
    async with open_receiver(tmp_path / "data") as opened:
        yield opened


async def knocks(receiver):
    return await receiver.parts.database.read(lambda tx: tx.sites.knocks(include_settled=True))


async def test_an_unknown_caller_is_rejected_and_its_knock_is_shown_at_once(receiver):
    sent = await dcmtk.echoscu(receiver.address, calling="NEW_CT")
    assert CALLING_NOT_RECOGNISED in sent.output
    (knock,) = await knocks(receiver)
    assert (knock.ae_title, knock.address, knock.count, knock.state) == ("NEW_CT", "127.0.0.1", 1, KnockState.WAITING)
    assert "knock" in receiver.events.kinds()
    await dcmtk.echoscu(receiver.address, calling="NEW_CT")
    assert (await knocks(receiver))[0].count == 2


async def test_an_accepted_knock_lets_the_caller_in_at_once(receiver, tmp_path):
    await dcmtk.echoscu(receiver.address, calling="NEW_CT")
    (knock,) = await knocks(receiver)
    device = await accept_device(receiver.parts, ADMIN, knock.id, site_id=SITE.id, name="New CT", modality="ct")
    assert (device.site_id, device.ae_title) == (SITE.id, "NEW_CT")
    assert (device.address, device.modality) == ("127.0.0.1", "CT")
    ids = build.StudyIds()
    sent = await dcmtk.storescu(receiver.address, build.write_all(tmp_path / "in", [build.ct_slice(ids=ids)]),
                                calling="NEW_CT")
    assert sent.statuses == [0]
    assert (await receiver.study(ids.study)).device_id == device.id
    assert (await knocks(receiver))[0].state is KnockState.ACCEPTED
    trail = await receiver.parts.database.read(lambda tx: tx.audit.recent(EVERYWHERE))
    assert ("knock.accepted", "admin-1") in [(t.entry.action, t.entry.actor) for t in trail]


async def test_a_knock_that_cannot_be_accepted_changes_nothing(receiver):
    await dcmtk.echoscu(receiver.address, calling="NEW_CT")
    (knock,) = await knocks(receiver)
    with pytest.raises(NotFound):
        await accept_device(receiver.parts, ADMIN, "none", site_id=SITE.id, name="x")
    with pytest.raises(InvalidRequest):
        await accept_device(receiver.parts, ADMIN, knock.id, site_id="nowhere", name="x")
    assert (await knocks(receiver))[0].state is KnockState.WAITING


async def test_a_registered_title_from_another_address_is_unknown(receiver):
    await receiver.add_device(Device("us-1", SITE.id, "US", "US_1", "10.9.8.7", "US"))
    assert CALLING_NOT_RECOGNISED in (await dcmtk.echoscu(receiver.address, calling="US_1")).output


async def test_a_disabled_device_is_unknown(receiver):
    await receiver.add_device(Device("us-1", SITE.id, "US", "US_1", None, "US", is_enabled=False))
    assert CALLING_NOT_RECOGNISED in (await dcmtk.echoscu(receiver.address, calling="US_1")).output


async def test_a_wrong_called_title_is_rejected_without_a_knock(receiver):
    assert CALLED_NOT_RECOGNISED in (await dcmtk.echoscu(receiver.address, called="OTHER")).output
    assert await knocks(receiver) == []


async def test_the_inbox_keeps_what_unknown_callers_send_when_the_setting_says_so(tmp_path):
    async with open_receiver(tmp_path / "data", unknown_devices="inbox") as receiver:
        ids = build.StudyIds()
        paths = build.write_all(tmp_path / "in", [build.ct_slice(ids=ids)])
        assert (await dcmtk.storescu(receiver.address, paths, calling="NEW_CT")).statuses == [0]
        study = await receiver.study(ids.study)
        assert study is not None
        assert (study.site_id, study.device_id) == (INBOX_SITE_ID, None)
        assert [k.ae_title for k in await knocks(receiver)] == ["NEW_CT"]


def associate(address: str, calling: str = "MODALITY"):
    host, port = address.split(":")
    ae = AE(ae_title=calling)
    ae.add_requested_context("1.2.840.10008.1.1")
    return ae.associate(host, int(port), ae_title="GATEWAY")


async def test_associations_beyond_the_limit_are_rejected_for_now_and_taken_again_later(tmp_path):
    async with open_receiver(tmp_path / "data", max_associations=2) as receiver:
        held = [await asyncio.to_thread(associate, receiver.address) for _ in range(2)]
        assert all(a.is_established for a in held)
        refused = await dcmtk.echoscu(receiver.address)
        assert "Reason: Local Limit Exceeded" in refused.output
        for association in held:
            await asyncio.to_thread(association.release)

        async def is_let_in() -> bool:
            return (await dcmtk.echoscu(receiver.address)).is_success

        await until(is_let_in)


async def test_a_peer_that_falls_silent_is_cut_off(tmp_path):
    async with open_receiver(tmp_path / "data", idle_timeout_s=0.5) as receiver:
        association = await asyncio.to_thread(associate, receiver.address)
        await until(lambda: association.is_aborted or association.is_released)


def connect(address: str) -> socket.socket:
    host, port = address.split(":")
    return socket.create_connection((host, int(port)), timeout=10)


async def test_a_device_has_a_limit_of_its_own_beside_the_one_for_all(tmp_path):
    async with open_receiver(tmp_path / "data", max_associations=4, max_device_associations=3) as receiver:
        await receiver.add_device(Device("ct-2", SITE.id, "CT 2", "CT_TWO", None, "CT", max_associations=1))
        contexts = [(build.CT, build.SYNTAXES["explicit"])]

        def fill() -> None:
            with ExitStack() as stack:
                for _ in range(3):
                    stack.enter_context(RawAssociation(receiver.address, contexts))
                assert rejection(receiver.address, "MODALITY") == REJECTED_FOR_LIMIT
                stack.enter_context(RawAssociation(receiver.address, contexts, calling="CT_TWO"))
                assert rejection(receiver.address, "CT_TWO") == REJECTED_FOR_LIMIT
            RawAssociation(receiver.address, contexts, calling="CT_TWO").socket.close()

        await asyncio.to_thread(fill)


def rejection(address: str, calling: str) -> bytes:
    """The body of the A-ASSOCIATE-RJ."""
    with connect(address) as sock:
        sock.sendall(associate_request([(build.CT, build.SYNTAXES["explicit"])], calling, "GATEWAY", 16384))
        header = sock.recv(6, socket.MSG_WAITALL)
        assert header[0] == 3, f"PDU type {header[0]} instead of a rejection"
        return sock.recv(4, socket.MSG_WAITALL)


async def test_one_after_the_other_is_never_too_many(tmp_path):
    """A place is free when the next association asks for it, though the last one is only just leaving."""
    async with open_receiver(tmp_path / "data", max_associations=1) as receiver:
        def all_in_turn() -> None:
            for _ in range(20):
                with RawAssociation(receiver.address, [(build.CT, build.SYNTAXES["explicit"])]) as peer:
                    peer.release()

        await asyncio.to_thread(all_in_turn)


def association_threads() -> list[str]:
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if "request_thread" in name or "Acceptor" in name or "dicom-dul" in name]


async def test_a_flood_of_connections_costs_no_threads_and_ends_with_itself(tmp_path):
    """Connections beyond the limit that ask for nothing are told "temporary congestion" and closed at once."""
    async with open_receiver(tmp_path / "data", max_associations=2) as receiver:
        flood = [await asyncio.to_thread(connect, receiver.address) for _ in range(100)]
        told = await asyncio.to_thread(lambda: [sock.recv(10, socket.MSG_WAITALL) for sock in flood[60:]])
        assert told == [b"\x03\x00\x00\x00\x00\x04\x00\x02\x03\x01"] * 40
        assert len(association_threads()) <= 3 * 34
        for sock in flood:
            sock.close()
        await until(lambda: not association_threads(), timeout_s=30.0)
        assert (await dcmtk.echoscu(receiver.address)).is_success


async def test_stopping_ends_idle_associations_within_ten_seconds(tmp_path):
    async with open_receiver(tmp_path / "data") as receiver:
        association = await asyncio.to_thread(associate, receiver.address)
        began = time.monotonic()
        await receiver.scp.stop()
        assert time.monotonic() - began < 10
        await until(lambda: association.is_aborted)


class BrokenDatabase:
    """A database whose reads fail in a way that nobody foresaw."""

    def __init__(self, real, error: Exception) -> None:
        self._real, self._error = real, error

    async def read(self, work):
        raise self._error

    def __getattr__(self, name):
        return getattr(self._real, name)


@pytest.mark.parametrize("error", [StorageUnavailable("gone"), RuntimeError("a fault of ours")])
async def test_nobody_gets_in_while_the_devices_cannot_be_looked_up(receiver, error):
    broken = replace(receiver.parts, database=BrokenDatabase(receiver.parts.database, error))
    scp = StorageScp(broken)
    address = await scp.start()
    try:
        assert "Reason: Temporary Congestion" in (await dcmtk.echoscu(address)).output
    finally:
        await scp.stop()


async def test_services_that_we_do_not_offer_are_not_negotiated(receiver):
    def ask() -> tuple[list[str], list[str]]:
        host, port = receiver.address.split(":")
        peer = AE(ae_title="MODALITY")
        for sop_class_uid in (PRINT_MANAGEMENT, VERIFICATION):
            peer.add_requested_context(sop_class_uid)
        association = peer.associate(host, int(port), ae_title="GATEWAY")
        association.release()
        return ([str(c.abstract_syntax) for c in association.accepted_contexts],
                [str(c.abstract_syntax) for c in association.rejected_contexts])

    assert await asyncio.to_thread(ask) == ([VERIFICATION], [PRINT_MANAGEMENT])


async def test_an_object_on_its_way_is_finished_and_answered_while_the_port_closes(tmp_path):
    """The drain of a stop: what was begun is made durable and answered, then the association ends."""
    async with open_receiver(tmp_path / "data") as receiver:
        ids = build.StudyIds()
        files = [build.ct_slice(n, ids=ids, rows=512, columns=512) for n in range(40)]
        sending = asyncio.create_task(dcmtk.storescu(receiver.address, build.write_all(tmp_path / "in", files)))

        async def has_begun() -> bool:
            return len(await receiver.instances(ids.study)) >= 3

        await until(has_begun)
        await receiver.scp.stop()
        sent = await sending
        kept = {i.number for i in await receiver.instances(ids.study)}
        answered = {n for n, status in enumerate(sent.statuses) if status == 0}
        assert 3 <= len(answered) < 40
        assert answered <= kept
        assert list((tmp_path / "data/objects/parts").iterdir()) == []
