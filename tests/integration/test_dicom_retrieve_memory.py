"""Neither a long answer nor a large study fills the gateway's memory: the shipped program, measured from outside."""

from __future__ import annotations

import array
import asyncio
import fcntl
import struct
import termios
from pathlib import Path

import pytest

from gateway.wire.store_scu import RemoteNode, part10_instance, send_instances
from storage.model import Device
from tests.support.dicom_builders import StudyIds, ct_slice
from tests.support.dicom_receiver import MODALITY, SITE
from tests.support.query_peers import getscu, movescu
from tests.support.raw_association import (
    COMMAND,
    IMPLICIT,
    LAST,
    P_DATA,
    RawAssociation,
    command_set,
    pdu,
    pdv,
    uid,
    us,
)
from tests.support.receiving_nodes import storescp
from tests.support.running_gateway import RunningGateway
from tests.support.stores import open_parts
from tests.support.waiting import until
from tests.support.web import build_exam, put_exam

STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
MANY = 6000


@pytest.fixture
async def furnished(tmp_path):
    """A data folder with a clinic, its modality, and many studies; returned before the program starts."""
    async with open_parts(tmp_path / "data") as parts:
        made = [build_exam(parts, SITE.id)[0] for _ in range(MANY)]

        def put(tx):
            tx.sites.add_site(SITE)
            tx.sites.add_device(MODALITY)
            for exam in made:
                put_exam(tx, exam)

        await parts.database.write(put)
    return tmp_path / "data"


async def test_a_peer_that_does_not_read_makes_the_gateway_wait(furnished):
    """6,000 answers are some 15 MB as objects in a queue; what waits here is what the sockets hold."""
    with RunningGateway(furnished) as gateway:
        with RawAssociation(f"{gateway.host}:{gateway.port}", [(STUDY_ROOT_FIND, IMPLICIT)]) as peer:
            assert ask_all(peer, 1) == MANY                # once, so that everything is loaded
        with RawAssociation(f"{gateway.host}:{gateway.port}", [(STUDY_ROOT_FIND, IMPLICIT)]) as peer:
            before = memory_kb(gateway.pid, "VmRSS")
            send_query(peer, 1)
            waiting: list[int] = []

            def is_stuck() -> bool:
                waiting.append(bytes_waiting(peer))
                return len(waiting) > 20 and waiting[-1] > 50_000 and len(set(waiting[-20:])) == 1

            await until(is_stuck, every_s=0.05, timeout_s=60)
            grown = memory_kb(gateway.pid, "VmRSS") - before
            assert grown < 6_000, f"{grown} kB more while nothing was read"
            assert read_answers(peer) == MANY


async def test_a_large_study_leaves_object_by_object(tmp_path):
    """12 images of 8 MB, by C-GET and by C-MOVE: 96 MB through a process that must not grow by three of them."""
    ids = StudyIds()
    quiet = {"READING_GATEWAY_QUIET_PERIOD_S": "3600"}         # no pictures are made of it meanwhile
    with storescp(tmp_path / "clinic", "+xa", "--ignore") as node:
        await register(tmp_path / "data", node.port)
        with RunningGateway(tmp_path / "data", quiet) as gateway:
            address, study = f"{gateway.host}:{gateway.port}", f"StudyInstanceUID={ids.study}"
            await asyncio.to_thread(fill, gateway, ids, 12)
            first = await getscu(address, tmp_path / "one", "QueryRetrieveLevel=STUDY", study)
            assert (first.final, len(first.files)) == (0x0000, 12)
            forget_peak(gateway.pid)
            before = memory_kb(gateway.pid, "VmRSS")
            got = await getscu(address, tmp_path / "got", "QueryRetrieveLevel=STUDY", study)
            assert got.final == 0x0000
            assert memory_kb(gateway.pid, "VmHWM") - before < 24_000
            forget_peak(gateway.pid)
            moved = await movescu(address, "CLINIC", "QueryRetrieveLevel=STUDY", study)
            assert moved.final == 0x0000
            assert memory_kb(gateway.pid, "VmHWM") - before < 24_000


# ------------------------------------------------------------------------------------------------------- helpers
async def register(data_dir, clinic_port):
    async with open_parts(data_dir) as parts:
        def put(tx):
            tx.sites.add_site(SITE)
            tx.sites.add_device(MODALITY)
            tx.sites.add_device(Device("clinic", SITE.id, "Clinic", "CLINIC", "127.0.0.1", "", port=clinic_port))

        await parts.database.write(put)


def fill(gateway, ids, count):
    node = RemoteNode(gateway.host, gateway.port, "GATEWAY", "MODALITY", 60.0)
    files = [ct_slice(n, ids=ids, rows=2048, columns=2048) for n in range(1, count + 1)]
    assert all(result.status == 0 for result in send_instances([part10_instance(data) for data in files], node))


def send_query(peer, message_id):
    command = command_set((0x0002, uid(STUDY_ROOT_FIND)), (0x0100, us(0x0020)), (0x0110, us(message_id)),
                          (0x0700, us(0)), (0x0800, us(1)))
    identifier = b"".join(struct.pack("<HHL", tag >> 16, tag & 0xFFFF, len(value)) + value for tag, value in (
        (0x00080052, b"STUDY "), (0x00080061, b""), (0x00100010, b""), (0x0020000D, b"")))
    peer.send(pdu(pdv(1, COMMAND | LAST, command)) + pdu(pdv(1, LAST, identifier)))


def read_answers(peer) -> int:
    """How many answers came before the final response, which is a success."""
    count = 0
    while True:
        kind, body = peer.read_pdu()
        assert kind == P_DATA
        if body[5] & COMMAND:
            (status,) = struct.unpack_from("<H", body, body.index(struct.pack("<HHL", 0, 0x0900, 2)) + 8)
            if status == 0x0000:
                return count
            count += 1


def ask_all(peer, message_id) -> int:
    send_query(peer, message_id)
    return read_answers(peer)


def bytes_waiting(peer) -> int:
    """Bytes that the peer's socket holds and nobody read."""
    size = array.array("i", [0])
    fcntl.ioctl(peer.socket, termios.FIONREAD, size)
    return size[0]


def memory_kb(pid: int, field: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1])


def forget_peak(pid: int) -> None:
    """VmHWM begins anew at what is used now (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
