"""Sending one object by C-STORE: exactly as it is, to our own port and to DCMTK's storescp (H1)."""

from __future__ import annotations

import asyncio
import os
import subprocess
from typing import Any

import pytest
from pynetdicom import AE, evt

from gateway.wire.store_scu import (
    MoveOriginator,
    OutgoingInstance,
    PeerRefused,
    PeerUnavailable,
    RemoteNode,
    SendResult,
    part10_instance,
    send_instance,
    send_instances,
)
from storage.model import EVERYWHERE
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import open_receiver
from tests.support.peers import free_ports, stop
from tests.support.receiving_nodes import rejecting_node
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("wire")


def target(address: str, **more: Any) -> dict[str, Any]:
    host, port = address.split(":")
    return {"host": host, "port": int(port), "called_ae_title": "GATEWAY", "calling_ae_title": "MODALITY",
            "timeout_s": 5.0} | more


@pytest.mark.parametrize("syntax", sorted(build.SYNTAXES))
async def test_an_object_arrives_byte_for_byte_in_its_own_transfer_syntax(tmp_path, syntax):
    """B1: HTJ2K and deflated too."""
    async with open_receiver(tmp_path / "data") as receiver:
        ids = build.StudyIds()
        part10 = build.ct_slice(ids=ids, syntax=syntax)
        assert await send_instance(part10, **target(receiver.address)) == 0x0000
        (instance,) = await receiver.instances(ids.study)
        assert instance.transfer_syntax_uid == build.SYNTAXES[syntax]
        assert build.dataset_of(await receiver.kept_bytes(instance)) == build.dataset_of(part10)


async def test_the_status_of_the_peer_is_returned(tmp_path):
    async with open_receiver(tmp_path / "data", reserve_bytes=1 << 60) as receiver:
        assert await send_instance(build.ct_slice(), **target(receiver.address)) == 0xA700


async def test_a_peer_that_refuses_is_told_apart_from_one_that_is_not_there(tmp_path):
    async with open_receiver(tmp_path / "data", unknown_sop_classes="reject") as receiver:
        with pytest.raises(PeerRefused):
            await send_instance(build.ct_slice(), **target(receiver.address, calling_ae_title="NOBODY"))
        with pytest.raises(PeerRefused):
            await send_instance(build.private_object(), **target(receiver.address))
    with pytest.raises(PeerUnavailable):
        await send_instance(build.ct_slice(), **target(receiver.address))
    with pytest.raises(ValueError):
        await send_instance(b"no dicom", **target(receiver.address))


@pytest.mark.parametrize(("rejection", "is_transient"), [
    ((1, 1, 1), False), ((1, 1, 3), False), ((1, 1, 7), False), ((1, 2, 2), False), ((2, 1, 1), True),
    ((2, 3, 1), True), ((2, 3, 2), True), ((1, 3, 1), True), ((1, 3, 2), True), ((1, 1, 2), False)])
async def test_a_peer_that_says_later_is_told_apart_from_one_that_says_no(rejection, is_transient):
    """PS3.8 9.3.4: result, source and reason of the A-ASSOCIATE-RJ."""
    with rejecting_node(*rejection) as port, pytest.raises(PeerRefused) as refused:
        await send_instance(build.ct_slice(), **target(f"127.0.0.1:{port}"))
    assert refused.value.is_transient is is_transient


async def test_dcmtks_storescp_receives_it(tmp_path):
    (port,) = free_ports(1)
    folder = tmp_path / "received"
    folder.mkdir()
    peer = subprocess.Popen(["storescp", "-aet", "CLINIC", "+B", "-od", str(folder), str(port)],
                            env=os.environ | {"TCP_NODELAY": "1"})
    try:
        part10 = build.ct_slice()

        async def is_sent() -> bool:
            try:
                return await send_instance(part10, **target(f"127.0.0.1:{port}", called_ae_title="CLINIC")) == 0
            except PeerUnavailable:
                return False

        await until(is_sent)
        (received,) = list(folder.iterdir())
        data = await asyncio.to_thread(received.read_bytes)
        assert build.dataset_of(data) == build.dataset_of(part10)
    finally:
        await asyncio.to_thread(stop, peer)


def outgoing(part10s: list[bytes]) -> list[OutgoingInstance]:
    return [part10_instance(part10) for part10 in part10s]


def node(address: str, **more: Any) -> RemoteNode:
    wanted = target(address, **more)
    return RemoteNode(wanted["host"], wanted["port"], wanted["called_ae_title"], wanted["calling_ae_title"],
                      wanted["timeout_s"])


async def test_many_objects_go_on_one_association_each_in_its_own_syntax(tmp_path):
    """H1: files by path and by bytes, several classes and transfer syntaxes; the results come in order."""
    async with open_receiver(tmp_path / "data") as receiver:
        ids = build.StudyIds()
        part10s = [build.ct_slice(n, ids=ids, syntax=syntax) for n, syntax in enumerate(sorted(build.SYNTAXES))]
        path = tmp_path / "one.dcm"
        path.write_bytes(part10s[0])
        wanted = [part10_instance(path), *outgoing(part10s[1:])]
        results = await asyncio.to_thread(lambda: list(send_instances(wanted, node(receiver.address))))
        assert [result.instance for result in results] == wanted
        assert {result.status for result in results} == {0}
        kept = {i.sop_instance_uid: build.dataset_of(await receiver.kept_bytes(i))
                for i in await receiver.instances(ids.study)}
        sent = {one.sop_instance_uid: build.dataset_of(part10) for one, part10 in zip(wanted, part10s, strict=True)}
        assert kept == sent
        arrivals = await receiver.parts.database.read(
            lambda tx: [a.association_id for s in [tx.studies.find_uid(ids.study, EVERYWHERE)] if s is not None
                        for a in tx.arrivals.of_study(s.id, EVERYWHERE)])
        assert len(arrivals) == len(part10s)
        assert len(set(arrivals)) == 1


async def test_sending_ends_when_it_is_cancelled_or_nobody_listens_any_more(tmp_path):
    async with open_receiver(tmp_path / "data") as receiver:
        ids = build.StudyIds()
        wanted = outgoing([build.ct_slice(n, ids=ids) for n in range(6)])

        def two_then_cancel() -> int:
            done: list[SendResult] = []
            for result in send_instances(wanted, node(receiver.address), is_cancelled=lambda: len(done) == 2):
                done.append(result)
            return len(done)

        assert await asyncio.to_thread(two_then_cancel) == 2
        assert len(await receiver.instances(ids.study)) == 2

        def one_then_close() -> None:
            results = send_instances(wanted, node(receiver.address))
            next(results)
            results.close()                                  # type: ignore[attr-defined]

        await asyncio.to_thread(one_then_close)
        assert len(await receiver.instances(ids.study)) == 2


async def test_an_object_is_turned_into_another_syntax_only_for_a_peer_that_does_not_take_its_own(tmp_path):
    """The own syntax is proposed by itself, so that a peer's preference cannot cost us the original."""
    part10 = build.ct_slice(syntax="jpeg 2000")
    own = part10_instance(part10)
    asked: list[str] = []

    def opened(syntax: str) -> bytes:
        asked.append(syntax)
        return build.dataset_of(part10)

    explicit = build.SYNTAXES["explicit"]
    convertible = OutgoingInstance(own.sop_class_uid, own.sop_instance_uid, ("1.2.3.4.5", explicit), opened)
    stuck = OutgoingInstance(own.sop_class_uid, own.sop_instance_uid, ("1.2.3.4.5",), opened)
    takes_own = OutgoingInstance(own.sop_class_uid, own.sop_instance_uid,
                                 (*own.transfer_syntaxes, explicit), opened)
    async with open_receiver(tmp_path / "data", unknown_sop_classes="reject") as receiver:
        results = await asyncio.to_thread(lambda: list(send_instances([convertible, stuck, takes_own],
                                                                      node(receiver.address))))
    assert asked == [explicit, own.transfer_syntaxes[0]]
    assert results[1].status == 0x0122
    assert not results[1].is_kept


async def test_more_contexts_than_one_association_holds_take_several(tmp_path):
    async with open_receiver(tmp_path / "data") as receiver:
        ids = build.StudyIds()
        own = part10_instance(build.ct_slice(ids=ids))
        odd = [OutgoingInstance(f"1.2.840.10008.5.1.4.1.1.{n + 9000}", f"1.2.3.{n}", own.transfer_syntaxes,
                                lambda _syntax: b"") for n in range(200)]
        results = await asyncio.to_thread(lambda: list(send_instances([*odd, own], node(receiver.address))))
        assert len(results) == 201
        assert results[-1].status == 0
        assert len(await receiver.instances(ids.study)) == 1


async def test_who_asked_for_a_move_is_told(tmp_path):
    """PS3.7 9.1.1.1: Move Originator AE title and Message ID, read by pynetdicom as the receiver."""
    seen: list[tuple[str, int]] = []

    def on_store(event: Any) -> int:
        seen.append((str(event.request.MoveOriginatorApplicationEntityTitle),
                     int(event.request.MoveOriginatorMessageID)))
        return 0x0000

    peer = AE(ae_title="CLINIC")
    own = part10_instance(build.ct_slice())
    peer.add_supported_context(own.sop_class_uid, list(own.transfer_syntaxes))
    server = peer.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, on_store)])
    assert server is not None
    try:
        address = f"127.0.0.1:{server.server_address[1]}"
        results = await asyncio.to_thread(lambda: list(send_instances(
            [own], node(address, called_ae_title="CLINIC"), originator=MoveOriginator("VIEWER", 77))))
    finally:
        server.shutdown()
    assert [result.status for result in results] == [0]
    assert seen == [("VIEWER", 77)]


async def test_a_peer_that_goes_away_between_two_objects_is_told(tmp_path):
    wanted = outgoing([build.ct_slice(n) for n in range(3)])
    async with open_receiver(tmp_path / "data") as receiver:
        results = send_instances(wanted, node(receiver.address))
        assert (await asyncio.to_thread(next, results)).status == 0
        await receiver.scp.stop()
        with pytest.raises(PeerUnavailable):
            await asyncio.to_thread(next, results)
