"""What the receiving benchmarks send, and a sender that has everything encoded before the clock starts."""

from __future__ import annotations

import hashlib
import itertools
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from tests.support import dicom_builders as build
from tests.support.raw_association import RawAssociation, store_command, store_message

SYNTAX = build.SYNTAXES["explicit"]
_UID_ROOT = "1.2.826.0.1.3680043.10.1234"
_HEAD_BYTES = 4096
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Kind:
    """A set of objects: how many a round, and of how many pixels."""

    name: str
    rows: int
    columns: int
    count: int


CT = Kind("CT slices, 0.5 MB", 512, 512, 120)
FILM = Kind("films, 18 MB", 3000, 3000, 8)
SMALL = Kind("objects of 60 KB", 172, 172, 400)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One object of a study."""

    sop_instance_uid: str
    dataset: bytes
    digest: str                          # SHA-256 of the data set

    def message(self, largest_pdu_bytes: int) -> bytes:
        """The C-STORE-RQ for a peer that takes PDUs of this size (0: any)."""
        fragment = min(largest_pdu_bytes or 131072, 131072) - 6
        return store_message(store_command(build.CT, self.sop_instance_uid), self.dataset, fragment_bytes=fragment)


class Supply:
    """Objects of one kind, each under UIDs that no receiver has seen; 100 to a study."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._old = [_uid(number, 0) for number in (1, 2, 3)]
        ids = build.StudyIds(study=self._old[0], series=self._old[1])
        self._template = build.dataset_of(build.ct_slice(1, ids=ids, rows=kind.rows, columns=kind.columns,
                                                         sop_instance_uid=self._old[2]))

    def fresh(self, count: int) -> list[Outgoing]:
        head, rest = self._template[:_HEAD_BYTES], self._template[_HEAD_BYTES:]
        made = []
        study = 0
        for index in range(count):
            number = next(_numbers)
            study = number if index % 100 == 0 else study
            new = head
            for old, uid in zip(self._old, (_uid(1, study), _uid(2, study), _uid(3, number)), strict=True):
                new = new.replace(old.encode(), uid.encode())
            dataset = new + rest
            made.append(Outgoing(_uid(3, number), dataset, hashlib.sha256(dataset).hexdigest()))
        return made


def send_at_once(address: str, called: str, objects: list[Outgoing], associations: int) -> float:
    """Send them over so many associations; seconds from the first byte to the last answer."""
    shares = [objects[n::associations] for n in range(associations)]
    with ExitStack() as stack:
        peers = [stack.enter_context(RawAssociation(address, [(build.CT, SYNTAX)], called=called, timeout_s=120.0))
                 for _ in shares]
        work = [[one.message(peer.largest_pdu_bytes) for one in share]
                for peer, share in zip(peers, shares, strict=True)]
        start = threading.Barrier(associations + 1)

        def send(peer: RawAssociation, messages: list[bytes]) -> None:
            start.wait()
            for message in messages:
                peer.send(message)
                assert peer.read_status() == 0

        with ThreadPoolExecutor(associations) as pool:
            sending = [pool.submit(send, peer, messages) for peer, messages in zip(peers, work, strict=True)]
            start.wait()
            began = perf_counter()
            for one in sending:
                one.result()
            seconds = perf_counter() - began
        for peer in peers:
            peer.release()
    return seconds


def kept_digests(objects_folder: Path) -> set[str]:
    """SHA-256 of the data set of every object of a gateway, read back from its files."""
    found = set()
    for path in objects_folder.glob("??/*"):
        data = path.read_bytes()
        assert hashlib.sha256(data).hexdigest() == path.name
        found.add(hashlib.sha256(build.dataset_of(data)).hexdigest())
    return found


def _uid(kind: int, number: int) -> str:
    return f"{_UID_ROOT}.{os.getpid()}.{kind}{1_000_000 + number}"
