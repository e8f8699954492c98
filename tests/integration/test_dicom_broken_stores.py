"""A peer that breaks the protocol, leaves or stalls inside a C-STORE: the same on both paths (B2; PS3.8 annex E)."""

from __future__ import annotations

import asyncio
import itertools
import struct
import threading
from contextlib import suppress
from dataclasses import replace

import pytest

from gateway.dicom.storage_scp import StorageScp
from tests.support import dicom_builders as build
from tests.support.cut_stores import EXPLICIT, Slice, SlowStore, kept_datasets, one_pdu, pdus_of, talk
from tests.support.dicom_receiver import open_receiver
from tests.support.raw_association import (
    A_ABORT,
    A_RELEASE_RQ,
    ABORT,
    COMMAND,
    IMPLICIT,
    LAST,
    RawAssociation,
    command_set,
    echo_command,
    pdu,
    pdv,
    store_message,
    uid,
    us,
)
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("wire")


@pytest.fixture
async def receiver(tmp_path):
    async with open_receiver(tmp_path / "data", network_timeout_s=20.0) as opened:
        yield opened


def another_context(part: Slice) -> bytes:
    return pdu(pdv(1, COMMAND | LAST, part.command), pdv(1, 0, part.dataset[:100])) + pdu(pdv(3, LAST, part.dataset))


def a_command_inside(part: Slice) -> bytes:
    return (pdu(pdv(1, COMMAND | LAST, part.command), pdv(1, 0, part.dataset[:100]))
            + pdu(pdv(1, COMMAND | LAST, echo_command())))


def a_fragment_longer_than_its_pdu(part: Slice) -> bytes:
    return (pdu(pdv(1, COMMAND | LAST, part.command), pdv(1, 0, part.dataset[:100]))
            + struct.pack(">BBL", 4, 0, 50) + pdv(1, 0, part.dataset[:100]))


def an_unknown_pdu(part: Slice) -> bytes:
    return pdu(pdv(1, COMMAND | LAST, part.command), pdv(1, 0, part.dataset[:100])) + struct.pack(">BBL", 99, 0, 0)


BREACHES = [another_context, a_command_inside, a_fragment_longer_than_its_pdu, an_unknown_pdu]


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: breach.__name__)
async def test_a_breach_of_the_protocol_inside_an_object_aborts_and_leaves_nothing(receiver, tmp_path, breach):
    ids = build.StudyIds()

    def conversation(peer: RawAssociation) -> int:
        peer.send(breach(Slice(ids)))
        return peer.read_pdu()[0]

    contexts = [(build.CT, EXPLICIT), (build.CT, IMPLICIT)]
    assert await talk(receiver, conversation, contexts=contexts) == ABORT
    await nothing_is_left(receiver, tmp_path)


async def nothing_is_left(receiver, tmp_path) -> None:
    await until(lambda: list((tmp_path / "data/objects/parts").iterdir()) == [])
    assert receiver.parts.objects.names() == []
    await until(lambda: not [t for t in threading.enumerate() if t.name.startswith(("AcceptorThread", "dicom-dul"))])


@pytest.mark.parametrize("farewell", [A_ABORT, A_RELEASE_RQ, b""], ids=["abort", "release", "disconnect"])
@pytest.mark.parametrize("share", [0.001, 0.01, 0.3, 0.999])
async def test_a_peer_that_leaves_inside_an_object_leaves_nothing(receiver, tmp_path, farewell, share):
    part = Slice(build.StudyIds(), rows=256)
    message = store_message(part.command, part.dataset, fragment_bytes=4000)
    ends = list(itertools.accumulate(len(m) for m in pdus_of(message)))
    cut = next(end for end in ends if end >= share * len(message))

    def conversation(peer: RawAssociation) -> None:
        peer.send(message[:min(cut, ends[-2])] + farewell)
        with suppress(OSError):
            peer.socket.shutdown(1)
            peer.read_pdu()

    await talk(receiver, conversation)
    await nothing_is_left(receiver, tmp_path)


@pytest.mark.parametrize("sent_bytes", [3, 20, 5000])
async def test_a_peer_that_falls_silent_inside_an_object_is_cut_off(tmp_path, sent_bytes):
    async with open_receiver(tmp_path / "data", network_timeout_s=0.5) as receiver:
        part = Slice(build.StudyIds())

        def conversation(peer: RawAssociation) -> int:
            peer.send(one_pdu(part)[:sent_bytes])
            with suppress(ConnectionError):
                return peer.read_pdu()[0]
            return 0

        assert await talk(receiver, conversation) in (0, ABORT)
        await nothing_is_left(receiver, tmp_path)


async def test_a_slow_peer_is_served_as_long_as_something_comes(tmp_path):
    """The network timeout is about silence, not about how long an object takes."""
    async with open_receiver(tmp_path / "data", network_timeout_s=1.0) as receiver:
        ids = build.StudyIds()
        part = Slice(ids)
        pieces = pdus_of(store_message(part.command, part.dataset, fragment_bytes=len(part.dataset) // 8))
        pause = threading.Event()

        def conversation(peer: RawAssociation) -> int:
            for piece in pieces:
                peer.send(piece)
                pause.wait(0.25)
            return peer.read_status()

        assert await talk(receiver, conversation) == 0
        assert await kept_datasets(receiver, ids) == [part.dataset]


async def test_storage_that_is_slower_than_the_network_timeout_is_no_silence_of_the_peer(tmp_path):
    async with open_receiver(tmp_path / "data", network_timeout_s=0.3, wire="lean") as receiver:
        scp = StorageScp(replace(receiver.parts, objects=SlowStore(receiver.parts.objects, 0.8)))
        ids = build.StudyIds()
        slices = [Slice(ids, number=n) for n in (1, 2)]
        address = await scp.start()

        def conversation() -> list[int]:
            statuses = []
            with RawAssociation(address, [(build.CT, EXPLICIT)]) as peer:
                for part in slices:
                    peer.send(one_pdu(part))
                    statuses.append(peer.read_status())
            return statuses

        try:
            assert await asyncio.to_thread(conversation) == [0, 0]
        finally:
            await scp.stop()


async def test_a_pdu_larger_than_agreed_inside_an_object_is_cut_off(tmp_path):
    async with open_receiver(tmp_path / "data", max_pdu_bytes=16384) as receiver:
        part = Slice(build.StudyIds())

        def conversation(peer: RawAssociation) -> int:
            assert peer.largest_pdu_bytes == 16384
            peer.send(pdu(pdv(1, COMMAND | LAST, part.command)) + struct.pack(">BBL", 4, 0, 1 << 31) + bytes(5000))
            with suppress(ConnectionError):
                return peer.read_pdu()[0]
            return 0

        assert await talk(receiver, conversation) in (0, ABORT)
        await nothing_is_left(receiver, tmp_path)


async def test_a_request_without_a_data_set_does_not_disturb_the_next_sender(receiver):
    bare = command_set((0x0002, uid(build.CT)), (0x0100, us(1)), (0x0110, us(1)), (0x0700, us(0)),
                       (0x0800, us(0x0101)), (0x1000, uid("1.2.3")))

    def conversation(peer: RawAssociation) -> None:
        peer.send(pdu(pdv(1, COMMAND | LAST, bare)))
        with suppress(OSError, AssertionError):
            assert peer.read_status() != 0

    await talk(receiver, conversation)
    ids = build.StudyIds()
    part = Slice(ids)

    def next_one(peer: RawAssociation) -> int:
        peer.send(one_pdu(part))
        return peer.read_status()

    assert await talk(receiver, next_one) == 0
    assert await kept_datasets(receiver, ids) == [part.dataset]
