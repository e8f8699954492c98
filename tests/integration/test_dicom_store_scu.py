"""Sending one object by C-STORE: exactly as it is, to our own port and to DCMTK's storescp (H1)."""

from __future__ import annotations

import asyncio
import os
import subprocess
from typing import Any

import pytest

from gateway.wire.store_scu import PeerRefused, PeerUnavailable, send_instance
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
