"""C-STORE however a peer cuts it up: what is kept and answered is the same on both paths (B1, B2; PS3.8 annex E)."""

from __future__ import annotations

import random

import pytest
from pydicom.uid import generate_uid

from tests.support import dicom_builders as build
from tests.support.cut_stores import EXPLICIT, Slice, kept_datasets, one_pdu, talk
from tests.support.dicom_receiver import open_receiver
from tests.support.raw_association import (
    A_RELEASE_RQ,
    COMMAND,
    IMPLICIT,
    LAST,
    RELEASE_RP,
    RawAssociation,
    echo_command,
    pdu,
    pdv,
    store_command,
    store_message,
    uid,
    us,
)

pytestmark = pytest.mark.usefixtures("wire")
ECHO = "1.2.840.10008.1.1"


@pytest.fixture
async def receiver(tmp_path):
    async with open_receiver(tmp_path / "data", network_timeout_s=20.0) as opened:
        yield opened


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
