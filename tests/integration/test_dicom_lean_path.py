"""C-STORE however a peer cuts it up: what is kept and answered is the same on both paths (B1, B2; PS3.8 annex E)."""

from __future__ import annotations

import asyncio
import itertools
import random
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from pydicom.uid import generate_uid

from tests.support import dicom_builders as build
from tests.support.dicom_receiver import open_receiver
from tests.support.raw_association import (
    A_ABORT,
    A_RELEASE_RQ,
    ABORT,
    COMMAND,
    IMPLICIT,
    LAST,
    RELEASE_RP,
    RawAssociation,
    command_set,
    echo_command,
    pdu,
    pdv,
    store_command,
    store_message,
    uid,
    us,
)
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("wire")
EXPLICIT = build.SYNTAXES["explicit"]
ECHO = "1.2.840.10008.1.1"


@pytest.fixture
async def receiver(tmp_path):
    async with open_receiver(tmp_path / "data", network_timeout_s=20.0) as opened:
        yield opened


class Slice:
    """A CT slice, ready to be cut up."""

    def __init__(self, ids: build.StudyIds, *, rows: int = 64, number: int = 1) -> None:
        self.ids = ids
        self.sop_instance_uid = generate_uid()
        self.dataset = build.dataset_of(build.ct_slice(number, ids=ids, rows=rows, columns=rows,
                                                       sop_instance_uid=self.sop_instance_uid))
        self.command = store_command(build.CT, self.sop_instance_uid)


async def kept_datasets(receiver, ids: build.StudyIds) -> list[bytes]:
    return [build.dataset_of(await receiver.kept_bytes(instance)) for instance in await receiver.instances(ids.study)]


async def talk(receiver, conversation: Callable[[RawAssociation], object], *, contexts=((build.CT, EXPLICIT),),
               largest_pdu_bytes: int = 16384) -> object:
    """Hold a conversation in a thread, over a fresh association."""
    def hold() -> object:
        with RawAssociation(receiver.address, contexts, largest_pdu_bytes=largest_pdu_bytes) as peer:
            return conversation(peer)

    return await asyncio.to_thread(hold)


def one_pdu(part: Slice) -> bytes:
    return pdu(pdv(1, COMMAND | LAST, part.command), pdv(1, LAST, part.dataset))


def many_fragments_a_pdu(part: Slice) -> bytes:
    pieces = [part.dataset[n:n + 1000] for n in range(0, len(part.dataset), 1000)]
    fragments = [pdv(1, LAST if n == len(pieces) - 1 else 0, piece) for n, piece in enumerate(pieces)]
    return pdu(pdv(1, COMMAND | LAST, part.command), *fragments[:3]) + pdu(*fragments[3:])


def command_in_fragments(part: Slice) -> bytes:
    return (pdu(pdv(1, COMMAND, part.command[:30])) + pdu(pdv(1, COMMAND | LAST, part.command[30:]))
            + pdu(pdv(1, LAST, part.dataset)))


def command_in_fragments_of_one_pdu(part: Slice) -> bytes:
    return pdu(pdv(1, COMMAND, part.command[:30]), pdv(1, COMMAND | LAST, part.command[30:]),
               pdv(1, LAST, part.dataset))


def empty_fragments(part: Slice) -> bytes:
    return (pdu(pdv(1, COMMAND | LAST, part.command), pdv(1, 0, b"")) + pdu(pdv(1, 0, part.dataset)) + pdu()
            + pdu(pdv(1, LAST, b"")))


def small_pdus(part: Slice) -> bytes:
    return store_message(part.command, part.dataset, fragment_bytes=500)


def mover(part: Slice) -> bytes:
    more = [(0x1030, b"MOVER "), (0x1031, us(3))]
    return store_message(store_command(build.CT, part.sop_instance_uid, more=more), part.dataset)


SHAPES = [one_pdu, many_fragments_a_pdu, command_in_fragments, command_in_fragments_of_one_pdu, empty_fragments,
          small_pdus, mover]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
async def test_the_data_set_is_kept_as_sent_however_it_is_cut_into_fragments(receiver, shape):
    ids = build.StudyIds()
    slices = [Slice(ids, number=n) for n in (1, 2)]

    def conversation(peer: RawAssociation) -> list[int]:
        statuses = []
        for part in slices:
            peer.send(shape(part))
            statuses.append(peer.read_status())
        peer.release()
        return statuses

    assert await talk(receiver, conversation) == [0, 0]
    assert await kept_datasets(receiver, ids) == [part.dataset for part in slices]


@pytest.mark.parametrize("piece_bytes", [1, 7, 4096])
async def test_the_data_set_is_kept_as_sent_however_tcp_cuts_it(receiver, piece_bytes):
    ids = build.StudyIds()
    part = Slice(ids, rows=16)

    def conversation(peer: RawAssociation) -> int:
        peer.send(many_fragments_a_pdu(part), piece_bytes=piece_bytes)
        status = peer.read_status()
        peer.send(A_RELEASE_RQ, piece_bytes=piece_bytes)
        assert peer.read_pdu()[0] == RELEASE_RP
        return status

    assert await talk(receiver, conversation) == 0
    assert await kept_datasets(receiver, ids) == [part.dataset]


async def test_the_data_set_is_kept_as_sent_at_random_cuts(receiver):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    ids = build.StudyIds()
    slices = [Slice(ids, rows=32, number=n) for n in range(1, 9)]

    def conversation(peer: RawAssociation) -> list[int]:
        statuses = []
        for part in slices:
            message = store_message(part.command, part.dataset, fragment_bytes=rng.randrange(1, 1500))
            peer.send(message, piece_bytes=rng.randrange(1, 3000))
            statuses.append(peer.read_status())
        peer.release()
        return statuses

    assert await talk(receiver, conversation) == [0] * 8
    assert await kept_datasets(receiver, ids) == [part.dataset for part in slices]


async def test_echo_and_store_take_turns_over_several_presentation_contexts(receiver):
    ids = build.StudyIds()
    explicit = [Slice(ids, number=n) for n in (1, 2)]
    implicit_uid = generate_uid()
    implicit = build.dataset_of(build.ct_slice(3, ids=ids, syntax="implicit", sop_instance_uid=implicit_uid))

    def conversation(peer: RawAssociation) -> list[int]:
        statuses = []
        for message in (pdu(pdv(1, COMMAND | LAST, echo_command())),
                        store_message(explicit[0].command, explicit[0].dataset, context_id=3),
                        store_message(store_command(build.CT, implicit_uid), implicit, context_id=5),
                        pdu(pdv(1, COMMAND | LAST, echo_command())),
                        store_message(explicit[1].command, explicit[1].dataset, context_id=3)):
            peer.send(message)
            statuses.append(peer.read_status())
        peer.release()
        return statuses

    contexts = [(ECHO, IMPLICIT), (build.CT, EXPLICIT), (build.CT, IMPLICIT)]
    assert await talk(receiver, conversation, contexts=contexts) == [0] * 5
    kept = await receiver.instances(ids.study)
    assert [i.transfer_syntax_uid for i in kept] == [EXPLICIT, EXPLICIT, IMPLICIT]
    assert await kept_datasets(receiver, ids) == [explicit[0].dataset, explicit[1].dataset, implicit]


async def test_a_peer_that_takes_only_tiny_pdus_gets_its_answer_in_pieces(receiver):
    """Maximum length received of the peer (PS3.8 D.1)."""
    ids = build.StudyIds()
    part = Slice(ids)

    def conversation(peer: RawAssociation) -> list[int]:
        peer.send(one_pdu(part))
        sizes, body = [], b""
        while not body.endswith(uid(part.sop_instance_uid)):
            kind, more = peer.read_pdu()
            assert kind == 4
            sizes.append(len(more))
            body += more[6:]
        return sizes

    sizes = await talk(receiver, conversation, largest_pdu_bytes=64)
    assert isinstance(sizes, list)
    assert len(sizes) > 1
    assert max(sizes) <= 64
    assert await kept_datasets(receiver, ids) == [part.dataset]


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
    ends = list(itertools.accumulate(len(m) for m in _pdus(message)))
    cut = next(end for end in ends if end >= share * len(message))

    def conversation(peer: RawAssociation) -> None:
        peer.send(message[:min(cut, ends[-2])] + farewell)
        with suppress(OSError):
            peer.socket.shutdown(1)
            peer.read_pdu()

    await talk(receiver, conversation)
    await nothing_is_left(receiver, tmp_path)


def _pdus(message: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(message):
        (length,) = struct.unpack_from(">L", message, at + 2)
        found.append(message[at:at + 6 + length])
        at += 6 + length
    return found


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
        pieces = _pdus(store_message(part.command, part.dataset, fragment_bytes=len(part.dataset) // 8))
        pause = threading.Event()

        def conversation(peer: RawAssociation) -> int:
            for piece in pieces:
                peer.send(piece)
                pause.wait(0.25)
            return peer.read_status()

        assert await talk(receiver, conversation) == 0
        assert await kept_datasets(receiver, ids) == [part.dataset]


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
