"""Associations that break in every way cost nothing lasting: no thread, no descriptor, no memory (B2).

The shipped program is visited by peers that scan the port, connect and vanish, stop inside a request, abort inside a
release or an object, reset the connection, send slowly, send nonsense, or simply die. Sound senders come in between,
and every object that was answered with success is there afterwards, byte for byte. A short form runs each time;
`make faults` opens and breaks 5,000. The seed is printed.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from tests.faults.test_killed_while_receiving import register
from tests.support import dicom_builders as build
from tests.support.fuzzing import fresh_seed
from tests.support.raw_association import (
    A_ABORT,
    A_RELEASE_RQ,
    RawAssociation,
    associate_request,
    store_command,
    store_message,
)
from tests.support.running_gateway import RunningGateway
from tests.support.waiting import until

IS_LONG = int(os.environ.get("READING_GATEWAY_FAULT_ROUNDS") or 1) > 1
VISITS = 5000 if IS_LONG else 300
AT_ONCE = 16
CONTEXTS = [(build.CT, build.SYNTAXES["explicit"])]
REQUEST = associate_request(CONTEXTS, "MODALITY", "GATEWAY", 16384)
POOLS = 8                                # the pools of readers and workers grow up to a bound, one by one
LASTING_BYTES = 40 << 20                 # a heap that grew once and is used again is no leak; 5,000 lost peers are

Kept = dict[str, str]


class Visitor:
    """One peer; each way of breaking is a method that takes a seeded source of chance."""

    def __init__(self, address: str, ids: build.StudyIds) -> None:
        self._address, self._ids = address, ids
        self.kept: Kept = {}

    def _connect(self) -> socket.socket:
        host, port = self._address.split(":")
        return socket.create_connection((host, int(port)), timeout=30)

    def _associate(self) -> RawAssociation:
        return RawAssociation(self._address, CONTEXTS)

    def _message(self) -> tuple[str, bytes, bytes]:
        uid = str(generate_uid())
        data = build.dataset_of(build.ct_slice(ids=self._ids, rows=64, columns=64, sop_instance_uid=uid))
        return uid, data, store_message(store_command(build.CT, uid), data, fragment_bytes=2000)

    def sound_sender(self, chance: random.Random) -> None:
        with self._associate() as peer:
            for _ in range(2):
                uid, data, message = self._message()
                peer.send(message, piece_bytes=chance.choice((0, 700, 5000)))
                assert peer.read_status() == 0
                self.kept[uid] = hashlib.sha256(data).hexdigest()
            peer.release()

    def port_scan(self, chance: random.Random) -> None:
        self._connect().close()

    def scan_with_reset(self, chance: random.Random) -> None:
        with self._connect() as sock:
            reset(sock)

    def half_a_request(self, chance: random.Random) -> None:
        with self._connect() as sock:
            sock.sendall(REQUEST[:chance.randrange(1, len(REQUEST))])

    def half_open(self, chance: random.Random) -> None:
        """A connection that is never heard of again; the gateway ends it."""
        with self._connect() as sock:
            sock.sendall(REQUEST[:chance.randrange(len(REQUEST))])
            while sock.recv(1 << 16):
                """Until the gateway closes."""

    def no_answer_wanted(self, chance: random.Random) -> None:
        with self._connect() as sock:
            sock.sendall(REQUEST)

    def abort_inside_a_release(self, chance: random.Random) -> None:
        with self._associate() as peer:
            peer.send(A_RELEASE_RQ + A_ABORT)

    def release_and_reset(self, chance: random.Random) -> None:
        with self._associate() as peer:
            peer.send(A_RELEASE_RQ)
            reset(peer.socket)

    def abort_inside_an_object(self, chance: random.Random) -> None:
        with self._associate() as peer:
            _, _, message = self._message()
            peer.send(message[:chance.randrange(len(message))] + A_ABORT)

    def reset_inside_an_object(self, chance: random.Random) -> None:
        with self._associate() as peer:
            _, _, message = self._message()
            peer.send(message[:chance.randrange(1, len(message))])
            reset(peer.socket)

    def close_before_the_answer(self, chance: random.Random) -> None:
        with self._associate() as peer:
            _, _, message = self._message()
            peer.send(message)

    def slow_sender(self, chance: random.Random) -> None:
        with self._associate() as peer:
            uid, data, message = self._message()
            for start in range(0, len(message), 1200):
                peer.send(message[start:start + 1200])
                time.sleep(0.002)
            assert peer.read_status() == 0
            self.kept[uid] = hashlib.sha256(data).hexdigest()

    def dead_peer(self, chance: random.Random) -> None:
        """Falls silent inside an object; the gateway ends it."""
        with self._associate() as peer:
            _, _, message = self._message()
            peer.send(message[:chance.randrange(1, len(message) - 1)])
            while peer.read_pdu()[0]:
                """Until the gateway closes."""

    def nonsense(self, chance: random.Random) -> None:
        with self._connect() as sock:
            sock.sendall(chance.randbytes(chance.randrange(1, 3000)))

    def unknown_pdu(self, chance: random.Random) -> None:
        with self._associate() as peer:
            peer.send(struct.pack(">BBL", chance.randrange(8, 256), 0, 4) + b"1234")


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


WAITING = ("half_open", "dead_peer")                 # these wait for a timeout of the gateway: a few of them
WAYS = tuple(name for name, value in vars(Visitor).items() if not name.startswith("_") and name not in WAITING)


def resources(pid: int) -> tuple[int, int, int]:
    """Threads, descriptors, resident bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    threads, kilobytes = (int(status.partition(f"{name}:")[2].split()[0]) for name in ("Threads", "VmRSS"))
    return threads, sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()), kilobytes * 1024


def visit(visitors: list[Visitor], seed: int, count: int) -> Counter[str]:
    """So many visits, sixteen at a time; returns how many of which kind came."""
    chance = random.Random(seed)
    waiting = [chance.choice(WAITING) for _ in range(min(48, count // 12))]
    kinds = [*waiting, *(chance.choice(WAYS) for _ in range(count - len(waiting)))]
    chance.shuffle(kinds)

    def one(number: int) -> None:
        way: Callable[[random.Random], None] = getattr(visitors[number % len(visitors)], kinds[number])
        try:
            way(random.Random(f"{seed} {number}"))
        except (ConnectionError, TimeoutError) as exc:
            if kinds[number] in ("sound_sender", "slow_sender"):
                raise AssertionError(f"{kinds[number]}: {exc!r}") from exc

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, range(count)))
    return Counter(kinds)


def kept_by(gateway: RunningGateway) -> Kept:
    """Hash of the data set of each object in the store, by its SOP Instance UID."""
    kept = {}
    for path in (gateway.data_dir / "objects").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            uid = dcmread(BytesIO(data), stop_before_pixels=True).SOPInstanceUID
            kept[str(uid)] = hashlib.sha256(build.dataset_of(data)).hexdigest()
    return kept


@pytest.mark.faults
@pytest.mark.parametrize("wire_name", ["lean", "stock"])
async def test_broken_associations_leave_nothing_behind(tmp_path, wire_name):
    seed = fresh_seed()
    ids = build.StudyIds()
    gateway = RunningGateway(tmp_path / "var", environment={
        "READING_GATEWAY_WIRE": wire_name, "READING_GATEWAY_NETWORK_TIMEOUT_S": "5",
        "READING_GATEWAY_QUIET_PERIOD_S": "86400"})
    try:
        await asyncio.to_thread(gateway.start)
        await asyncio.to_thread(register, gateway)
        visitors = [Visitor(f"{gateway.host}:{gateway.port}", ids) for _ in range(AT_ONCE)]
        await asyncio.to_thread(visit, visitors, seed + 1, 60)              # warm: pools, caches, allocator
        await until(lambda: not list((gateway.data_dir / "objects/parts").iterdir()), timeout_s=30)
        before = await settled(gateway)
        kinds = await asyncio.to_thread(visit, visitors, seed, VISITS if wire_name == "lean" else VISITS // 3)

        def is_as_before() -> bool:
            threads, descriptors, _ = resources(gateway.pid)
            return threads <= before[0] + POOLS and descriptors <= before[1] + POOLS

        await until(is_as_before, timeout_s=60)
        after = resources(gateway.pid)
        print(f"{sum(kinds.values())} visits {dict(kinds)}; threads, descriptors, bytes: {before} then {after}")
        assert after[2] - before[2] < LASTING_BYTES
        assert list((gateway.data_dir / "objects/parts").iterdir()) == []
        answered = {uid: digest for visitor in visitors for uid, digest in visitor.kept.items()}
        kept = await asyncio.to_thread(kept_by, gateway)
        assert {uid: kept.get(uid) for uid in answered} == answered, f"seed {seed}"
        verdict = await asyncio.to_thread(gateway.command, "verify")
        assert (verdict["missing"], verdict["is_sound"]) == ([], True), verdict
        assert await asyncio.to_thread(gateway.stop) == 0
    finally:
        await asyncio.to_thread(gateway.kill)


async def settled(gateway: RunningGateway) -> tuple[int, int, int]:
    """What the gateway holds once its threads and descriptors have been the same for a second, 8 s at most."""
    seen: list[tuple[int, int]] = []
    deadline = time.monotonic() + 8

    def is_steady() -> bool:
        seen.append(resources(gateway.pid)[:2])
        return time.monotonic() > deadline or (len(seen) > 20 and len(set(seen[-20:])) == 1)

    await until(is_steady, timeout_s=30, every_s=0.05)
    return resources(gateway.pid)
