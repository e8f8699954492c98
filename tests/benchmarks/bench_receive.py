"""Durable C-STORE against the peers, in one run: CT, films and small objects over 1 and 4 associations.

The receivers take turns; each figure is a median of the rounds, the first round warms up and is forgotten. Peers run
with TCP_NODELAY=1, the strict comparison; then stock dcmtk senders into everybody as shipped. Orthanc syncs each file
(its default) but neither its folder nor its index, the plain handler its file, the sink its file and nothing else;
storescp syncs nothing. The gateway syncs file, folder and index before it answers, hashes and audits. Every object is
read back from its files by hash afterwards, and `verify` runs.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

from tests.benchmarks.receivers import (
    GATEWAY,
    ORTHANC,
    PYNETDICOM,
    SINK,
    Receiver,
    dcmtk_storescp,
    gateway,
    gateway_receiver,
    peers,
)
from tests.benchmarks.row import Row
from tests.benchmarks.store_load import CT, FILM, SMALL, SYNTAX, Kind, Supply, kept_digests
from tests.support import dcmtk
from tests.support import dicom_builders as build
from tests.support.raw_association import RawAssociation
from tests.support.receiving_nodes import orthanc

_ROUNDS = 3
_GOALS = {(CT, 1): ("2.0", "0.55"), (CT, 4): ("1.6", ""), (FILM, 1): ("4", "0.75"), (FILM, 4): ("", ""),
          (SMALL, 1): ("2.2", "0.5"), (SMALL, 4): ("2.2", "")}
_STOCK_SLICES = 60
_PACED_SENDERS, _PACED_RATE, _PACED_S = 40, 5, 20.0


def measure() -> Iterable[Row]:
    base = os.environ.get("READING_GATEWAY_BENCH_FOLDER")          # on a journaled file system, where there is one
    with tempfile.TemporaryDirectory(prefix="rg-bench-", dir=base) as name, ExitStack() as stack:
        folder = Path(name)
        running = stack.enter_context(gateway(folder / "gateway"))
        ours = gateway_receiver(running)
        receivers = {GATEWAY: ours} | stack.enter_context(peers(folder))
        sent: set[str] = set()
        for kind in (CT, SMALL, FILM):
            for associations in (1, 4):
                yield from _compared(kind, associations, receivers, sent)
        for receiver in (ours, receivers[ORTHANC]):
            yield from _paced(receiver, sent if receiver is ours else set())
        assert kept_digests(folder / "gateway/objects") == sent
        verdict = running.command("verify")
        assert verdict["is_sound"], verdict
        assert verdict["objects_checked"] == len(sent)
        yield from _stock_senders(folder, ours)


def _compared(kind: Kind, associations: int, receivers: dict[str, Receiver], sent: set[str]) -> Iterator[Row]:
    supply = Supply(kind)
    taken: dict[str, list[float]] = {name: [] for name in receivers}
    size_bytes = 0
    for number in range(_ROUNDS + 1):
        objects = supply.fresh(kind.count)
        size_bytes = sum(len(one.dataset) for one in objects)
        sent.update(one.digest for one in objects)
        for name, receiver in receivers.items():
            seconds = receiver.send(objects, associations)
            if number:
                taken[name].append(seconds)
            if receiver.emptied is not None:
                for path in receiver.emptied.iterdir():
                    path.unlink()
    medians = {name: median(seconds) for name, seconds in taken.items()}
    for name, seconds in medians.items():
        spread = f"{kind.count / max(taken[name]):.0f}-{kind.count / min(taken[name]):.0f}"
        yield Row(f"{kind.name} x{associations}, {name} ({spread}; {size_bytes / seconds / 1e6:.0f} MB/s)",
                  kind.count / seconds, "objects/s")
    goals = dict(zip((ORTHANC, SINK), _GOALS[kind, associations], strict=True))
    for peer in (ORTHANC, PYNETDICOM, SINK):
        goal = goals.get(peer, "2.0")
        yield Row(f"{kind.name} x{associations}, gateway against {peer}", kind.count / medians[GATEWAY], "objects/s",
                  goal=f"{goal} x peer" if goal else "", peer=peer, ratio=medians[peer] / medians[GATEWAY])


def _paced(receiver: Receiver, sent: set[str]) -> Iterator[Row]:
    """40 senders, 5 objects of 60 KB a second each: how long an answer takes."""
    supply = Supply(SMALL)
    each = int(_PACED_RATE * _PACED_S)
    work = [supply.fresh(each) for _ in range(_PACED_SENDERS)]
    sent.update(one.digest for mine in work for one in mine)
    start = threading.Barrier(_PACED_SENDERS)

    def send(number: int) -> list[float]:
        taken = []
        with RawAssociation(receiver.address, [(build.CT, SYNTAX)], called=receiver.called, timeout_s=60.0) as peer:
            messages = [one.message(peer.largest_pdu_bytes) for one in work[number]]
            start.wait()
            began = perf_counter() + number / _PACED_SENDERS / _PACED_RATE
            for index, message in enumerate(messages):
                sleep(max(0.0, began + index / _PACED_RATE - perf_counter()))
                asked = perf_counter()
                peer.send(message)
                assert peer.read_status() == 0
                taken.append(perf_counter() - asked)
            peer.release()
        return taken

    with ThreadPoolExecutor(_PACED_SENDERS) as pool:
        taken = sorted(seconds for mine in pool.map(send, range(_PACED_SENDERS)) for seconds in mine)
    for what, share in (("median", 0.5), ("p99", 0.99)):
        yield Row(f"answer, {_PACED_SENDERS} senders x {_PACED_RATE}/s of 60 KB, {receiver.name}, {what}",
                  taken[int(len(taken) * share)] * 1000, "ms", goal="50 ms" if share > 0.9 else "")


def _stock_senders(folder: Path, ours: Receiver) -> Iterator[Row]:
    """dcmsend with its defaults into everybody as shipped: Nagle's algorithm against delayed acknowledgements."""
    with dcmtk_storescp(folder / "as-shipped", environment={}) as storescp, \
            orthanc(folder / "orthanc-as-shipped", is_as_shipped=True) as server:
        places = {GATEWAY: (ours.address, ours.called), "storescp as shipped": (storescp, "CLINIC"),
                  "Orthanc as shipped": (f"127.0.0.1:{server.dicom_port}", "ORTHANC")}
        taken: dict[str, list[float]] = {name: [] for name in places}
        for number in range(_ROUNDS):
            for name, (address, called) in places.items():
                ids = build.StudyIds()
                paths = build.write_all(folder / f"in-{number}-{called}", [
                    build.ct_slice(n, ids=ids, rows=512, columns=512) for n in range(_STOCK_SLICES)])
                host, port = address.split(":")
                began = perf_counter()
                code, output = asyncio.run(dcmtk.run("dcmsend", "-aet", "MODALITY", "-aec", called, "-nh", host, port,
                                                     *map(str, paths)))
                taken[name].append(perf_counter() - began)
                assert code == 0, output[-2000:]
    medians = {name: median(seconds) for name, seconds in taken.items()}
    for name, seconds in medians.items():
        goal = {"storescp as shipped": "8 x peer", "Orthanc as shipped": "10 x peer"}.get(name, "")
        yield Row(f"CT slices by stock dcmsend, {name}", _STOCK_SLICES / seconds, "objects/s")
        if name != GATEWAY:
            yield Row(f"CT slices by stock dcmsend, gateway against {name}", _STOCK_SLICES / medians[GATEWAY],
                      "objects/s", goal=goal, peer=name, ratio=seconds / medians[GATEWAY])
