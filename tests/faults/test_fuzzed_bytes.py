"""Whatever bytes come, nothing crashes, hangs or grows, and what comes whole between them is received exactly.

A short form runs with the rest of the tests, `make fuzz` tries 100,000 inputs at the parsers. Hanging is judged by
the time that a thread computes, not by the clock of a machine that may be busy; the limit is one second an input.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import random
import socket
import struct
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from pydicom.uid import generate_uid

from gateway.core.errors import Unreadable
from gateway.formats.dicom_dataset import DatasetHead, read_dataset, read_part10
from gateway.formats.dicom_elements import ByteSource
from gateway.wire.receive_buffer import ReceiveBuffer
from gateway.wire.store_reader import Read, StoreReader
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import open_receiver
from tests.support.fuzzing import fresh_seed, input_count, mutated, print_histogram
from tests.support.raw_association import (
    A_ABORT,
    A_RELEASE_RQ,
    COMMAND,
    LAST,
    RawAssociation,
    associate_request,
    echo_command,
    pdu,
    pdv,
    store_command,
    store_message,
)
from tests.support.waiting import until

pytestmark = pytest.mark.faults

LARGEST_PDU_BYTES = 131072
LONGEST_THREAD_S = 1.0
MOST_GROWTH_BYTES = 96 << 20
EXPLICIT = build.SYNTAXES["explicit"]


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


# ----------------------------------------------------------------------------------------- the PDUs of a C-STORE
class Sink:
    """Hashes what is passed on and keeps nothing."""

    def __init__(self) -> None:
        self.hash, self.size_bytes, self.is_over = hashlib.sha256(), 0, False

    def write(self, data) -> None:
        self.hash.update(data)
        self.size_bytes += len(data)

    def abandon(self) -> None:
        self.is_over = True


class Kept:
    """`Stores` that remember the last data set."""

    def __init__(self) -> None:
        self.sink: Sink | None = None
        self.stored: list[str] = []

    def begin(self, request):
        self.sink = Sink()
        return self.sink

    def store(self, request, sink) -> int:
        self.stored.append(sink.hash.hexdigest())
        return 0

    def answered(self, sink) -> None:
        pass


def read_all(stream: bytes, kept: Kept) -> list[Read]:
    """Let the lean path read a stream over a real socket until it is closed; what it leaves is taken from it."""
    ours, theirs = tcp_pair()
    with ours, theirs:
        ours.settimeout(30)
        feeding = threading.Thread(target=_feed, args=(theirs, stream))
        feeding.start()
        buffer, results = ReceiveBuffer(lambda: None), []
        reader = StoreReader(buffer, kept, largest_pdu_bytes=LARGEST_PDU_BYTES, send=lambda answer: None)
        while True:
            results.append(reader.read(ours))
            if results[-1] is Read.NOT_OURS:         # as pynetdicom would: take one PDU, then look again
                if not buffer.fill(ours, 6):
                    results.append(Read.CLOSED)
                else:
                    (length,) = struct.unpack_from(">L", buffer.peek(2, 4))
                    if length > LARGEST_PDU_BYTES:
                        results.append(Read.BROKEN)
                    else:
                        buffer.take(6)
                        _skip(buffer, ours, length)
            if results[-1] in (Read.CLOSED, Read.BROKEN):
                break
        ours.close()
        feeding.join(30)
        assert not feeding.is_alive()
    return results


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    """Both ends of a TCP connection on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        theirs = socket.create_connection(listening.getsockname(), 10)
        ours, _ = listening.accept()
    return ours, theirs


def _feed(sock: socket.socket, stream: bytes) -> None:
    try:
        sock.sendall(stream)
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        """The reader has seen enough and closed."""


def _skip(buffer: ReceiveBuffer, sock: socket.socket, length: int) -> None:
    while length:
        if not len(buffer) and not buffer.receive(sock):
            return
        length -= len(buffer.take(length))


def store_streams(chance: random.Random) -> list[bytes]:
    """Healthy messages of several shapes, the data sets small so that most of them is structure."""
    dataset = chance.randbytes(3000)
    command = store_command(build.CT, generate_uid())
    return [
        store_message(command, dataset), store_message(command, dataset, fragment_bytes=100),
        pdu(pdv(1, COMMAND | LAST, command), pdv(1, LAST, dataset)),
        pdu(pdv(1, COMMAND | LAST, command)) + pdu(pdv(1, 0, dataset[:1000]), pdv(1, LAST, dataset[1000:])),
        pdu(pdv(1, COMMAND | LAST, echo_command())) + store_message(command, dataset),
        pdu(pdv(1, COMMAND, command[:40])) + pdu(pdv(1, COMMAND | LAST, command[40:])) + pdu(pdv(1, LAST, dataset)),
        store_message(command, dataset) + A_RELEASE_RQ, store_message(command, dataset)[:700] + A_ABORT,
    ]


def test_the_lean_path_survives_broken_pdus_and_receives_the_whole_ones_exactly():
    seed = fresh_seed()
    chance = random.Random(seed)
    outcomes: Counter[str] = Counter()
    gc.collect()
    before, slowest_s = resident_bytes(), 0.0
    for number in range(input_count(3000)):
        streams = store_streams(chance)
        broken = mutated(chance, chance.choice(streams), donors=streams)
        kept = Kept()
        began = time.thread_time()
        results = read_all(broken, kept)
        slowest_s = max(slowest_s, time.thread_time() - began)
        outcomes["stored " * bool(kept.stored) + results[-1].name.lower()] += 1
        if number % 50 == 0:
            dataset, control = chance.randbytes(2000), Kept()
            read_all(store_message(store_command(build.CT, generate_uid()), dataset, fragment_bytes=333), control)
            assert control.stored == [hashlib.sha256(dataset).hexdigest()], f"seed {seed}, input {number}"
    print_histogram("PDUs", outcomes)
    gc.collect()
    assert slowest_s < LONGEST_THREAD_S
    assert resident_bytes() - before < MOST_GROWTH_BYTES
    assert len(outcomes) > 2, "the mutations reach too little to prove anything"


# ------------------------------------------------------------------------------------------ the leading elements
def test_the_leading_elements_reader_names_a_reason_or_reads():
    seed = fresh_seed()
    chance = random.Random(seed)
    originals = [build.ct_slice(syntax=syntax, rows=16, columns=16) for syntax in
                 ("implicit", "explicit", "big endian", "deflated", "rle")] + [
        build.us_loop(frames=2), build.ecg_waveform(samples=20), build.private_object(),
        build.ct_slice(rows=16, columns=16, patient=build.Patient(name="演示".encode("gbk"), character_set=b"GBK"))]
    outcomes: Counter[str] = Counter()
    gc.collect()
    before, slowest_s = resident_bytes(), 0.0
    for number in range(input_count(6000)):
        original = chance.choice(originals)
        from_byte = 132 if chance.random() < 0.9 else 0       # the preamble has no structure to break
        broken = mutated(chance, original, donors=originals, from_byte=from_byte)
        began = time.thread_time()
        outcomes[_read(broken, chance)] += 1
        slowest_s = max(slowest_s, time.thread_time() - began)
        if number % 50 == 0:
            assert isinstance(read_part10(ByteSource(original)), DatasetHead), f"seed {seed}, input {number}"
    print_histogram("data sets", outcomes)
    assert outcomes["no reason was named"] == 0
    gc.collect()
    assert slowest_s < LONGEST_THREAD_S
    assert resident_bytes() - before < MOST_GROWTH_BYTES
    assert len(outcomes) > 4, "the mutations reach too little to prove anything"


def _read(broken: bytes, chance: random.Random) -> str:
    """What becomes of it; anything but a head or a named reason is an error of ours and is raised."""
    try:
        if chance.random() < 0.8:
            read_part10(ByteSource(broken))
        else:
            syntax = chance.choice([str(uid) for uid in build.SYNTAXES.values()])
            read_dataset(ByteSource(broken), chance.choice((0, 132, 300)), syntax)
    except Unreadable as exc:
        return exc.reason or "no reason was named"
    return "read"


# ------------------------------------------------------------------------------------------------- the whole port
@pytest.mark.usefixtures("wire")
@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
async def test_the_port_answers_or_closes_and_serves_the_next_one(tmp_path):
    seed = fresh_seed()
    chance = random.Random(seed)
    outcomes: Counter[str] = Counter()
    async with open_receiver(tmp_path / "data", network_timeout_s=10.0) as receiver:
        before = set(threading.enumerate())
        for number in range(min(input_count(60), 5000)):
            outcomes[await asyncio.to_thread(attack, receiver.address, chance)] += 1
            if number % 5 == 0:
                ids = build.StudyIds()
                part = build.dataset_of(build.ct_slice(rows=16, columns=16, ids=ids))
                status = await asyncio.to_thread(send_whole, receiver.address, part)
                (instance,) = await receiver.instances(ids.study)
                kept = build.dataset_of(await receiver.kept_bytes(instance))
                assert (status, kept) == (0, part), f"seed {seed}, input {number}"
        print_histogram("connections", outcomes)
        await until(lambda: threads_of_associations(before) == [], timeout_s=30)
    assert outcomes["no end within the deadline"] == 0
    assert len(outcomes) > 1, "the mutations reach too little to prove anything"


def threads_of_associations(before: set[threading.Thread]) -> list[str]:
    """What came since, but for the pools that the test itself uses."""
    return [thread.name for thread in set(threading.enumerate()) - before
            if not thread.name.startswith(("asyncio", "sqlite"))]


def attack(address: str, chance: random.Random) -> str:
    """Say something broken on a fresh connection; returns what came back last."""
    dataset = build.dataset_of(build.ct_slice(rows=16, columns=16))
    whole = (associate_request([(build.CT, str(EXPLICIT))], "MODALITY", "GATEWAY", 16384)
             + store_message(store_command(build.CT, generate_uid()), dataset, fragment_bytes=900) + A_RELEASE_RQ)
    # sometimes the negotiation itself is broken, sometimes only what comes after it
    broken = mutated(chance, whole, from_byte=0 if chance.random() < 0.4 else 230)
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), 10) as sock:
        sock.settimeout(30)
        last = b""
        try:
            sock.sendall(broken)
            sock.shutdown(socket.SHUT_WR)
            while data := sock.recv(1 << 16):
                last = data
        except TimeoutError:
            return "no end within the deadline"
        except OSError:
            return "reset"
    return f"closed after PDU type {last[0]}" if last else "closed without a word"


def send_whole(address: str, dataset: bytes) -> int:
    uid = sop_instance_uid_of(dataset)
    with RawAssociation(address, [(build.CT, str(EXPLICIT))]) as peer:
        peer.send(store_message(store_command(build.CT, uid), dataset))
        status = peer.read_status()
        peer.release()
    return status


def sop_instance_uid_of(dataset: bytes) -> str:
    return read_dataset(ByteSource(dataset), 0, str(EXPLICIT)).sop_instance_uid
