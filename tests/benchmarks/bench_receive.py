"""Durable C-STORE of 200 CT slices (512x512, 16 bits) over one association: lean, stock, and Orthanc, in one run.

The three take turns; each figure is a median of five rounds. Two senders: dcmsend, as a modality would (its start and
its reading of the files count), and one that has everything encoded before the clock starts. All peers run with
TCP_NODELAY, without which dcmtk and Orthanc lose 44 ms an object. Orthanc syncs each file (its default) but neither
its folder nor its index; the gateway syncs all three before it answers, hashes, audits, and is verified afterwards.
Previews and routing, which begin once a study is quiet, are put off: they would run in the turn of the next receiver.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

from tests.benchmarks.row import Row
from tests.support import dcmtk
from tests.support import dicom_builders as build
from tests.support.raw_association import RawAssociation, store_command, store_message
from tests.support.receiving_nodes import orthanc
from tests.support.running_gateway import RunningGateway

_SLICES, _ROUNDS = 200, 5
_SYNTAX = build.SYNTAXES["explicit"]
_UID_ROOT = "1.2.826.0.1.3680043.10.1234"


def measure() -> Iterable[Row]:
    with tempfile.TemporaryDirectory(prefix="rg-bench-") as folder, ExitStack() as stack:
        wires = {wire: stack.enter_context(_gateway(Path(folder) / wire, wire)) for wire in ("lean", "stock")}
        peer = stack.enter_context(orthanc(Path(folder) / "orthanc"))
        addresses = {name: f"{gateway.host}:{gateway.port}" for name, gateway in wires.items()}
        addresses["Orthanc"] = f"127.0.0.1:{peer.dicom_port}"
        slices = Slices(Path(folder) / "in")
        for sender, send in (("dcmsend", _by_dcmsend), ("pre-encoded", _by_fast_sender)):
            yield from _rows(sender, _taken(slices, addresses, send), slices.size_bytes)
        for gateway in wires.values():
            verdict = gateway.command("verify")
            assert verdict["is_sound"], verdict
            assert verdict["objects_checked"] == _SLICES * 2 * (_ROUNDS + 1)


class Slices:
    """200 slices, each time under new UIDs of the same length, so that no receiver has seen them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        ids = build.StudyIds(study=_uid(1, 0, 0), series=_uid(2, 0, 0))
        self._templates = [build.ct_slice(n + 1, ids=ids, rows=512, columns=512, sop_instance_uid=_uid(3, 0, n))
                           for n in range(_SLICES)]
        self.paths = [folder / f"{n:03}.dcm" for n in range(_SLICES)]
        self.size_bytes = sum(len(template) for template in self._templates)
        self._round = 0

    def renew(self) -> list[tuple[str, bytes]]:
        """SOP Instance UID and file of each slice of the next round; also written to `paths`."""
        self._round += 1
        fresh = []
        for n, template in enumerate(self._templates):
            for kind, number in ((1, 0), (2, 0), (3, n)):
                template = template.replace(_uid(kind, 0, number).encode(), _uid(kind, self._round, number).encode())
            self.paths[n].write_bytes(template)
            fresh.append((_uid(3, self._round, n), template))
        return fresh


Sender = Callable[[str, str, Slices, list[tuple[str, bytes]]], float]


def _taken(slices: Slices, addresses: dict[str, str], send: Sender) -> dict[str, list[float]]:
    """Seconds of each receiver in each round; the first round warms up and is forgotten."""
    taken: dict[str, list[float]] = {name: [] for name in addresses}
    for number in range(_ROUNDS + 1):
        fresh = slices.renew()
        for name, address in addresses.items():
            seconds = send(address, "ORTHANC" if name == "Orthanc" else "GATEWAY", slices, fresh)
            if number:
                taken[name].append(seconds)
    return taken


def _by_dcmsend(address: str, called: str, slices: Slices, fresh: list[tuple[str, bytes]]) -> float:
    host, port = address.split(":")
    started = perf_counter()
    code, output = asyncio.run(dcmtk.run("dcmsend", "-aet", "MODALITY", "-aec", called, "-nh", host, port,
                                         *map(str, slices.paths)))
    seconds = perf_counter() - started
    assert code == 0, output[-2000:]
    return seconds


def _by_fast_sender(address: str, called: str, slices: Slices, fresh: list[tuple[str, bytes]]) -> float:
    messages = [store_message(store_command(build.CT, sop_instance_uid), build.dataset_of(part10))
                for sop_instance_uid, part10 in fresh]
    with RawAssociation(address, [(build.CT, _SYNTAX)], called=called) as peer:
        largest = peer.largest_pdu_bytes
        if 0 < largest < 131072:
            messages = [store_message(store_command(build.CT, sop_instance_uid), build.dataset_of(part10),
                                      fragment_bytes=largest - 6) for sop_instance_uid, part10 in fresh]
        started = perf_counter()
        for message in messages:
            peer.send(message)
            assert peer.read_status() == 0
        seconds = perf_counter() - started
        peer.release()
    return seconds


def _rows(sender: str, taken: dict[str, list[float]], size_bytes: int) -> Iterator[Row]:
    medians = {name: median(seconds) for name, seconds in taken.items()}
    for name, seconds in medians.items():
        what = f"200 CT slices by {sender}, {name}"
        peer, ratio = ("", None) if name == "Orthanc" else ("Orthanc", medians["Orthanc"] / seconds)
        spread = f"{_SLICES / max(taken[name]):.0f}-{_SLICES / min(taken[name]):.0f}"
        yield Row(f"{what} ({spread})", _SLICES / seconds, "objects/s", goal="2 x peer" if name == "lean" else "",
                  peer=peer, ratio=ratio)
        yield Row(what, size_bytes / seconds / 1e6, "MB/s")
    yield Row(f"200 CT slices by {sender}, lean against stock", _SLICES / medians["lean"], "objects/s", peer="stock",
              ratio=medians["stock"] / medians["lean"])


@contextmanager
def _gateway(data_dir: Path, wire: str) -> Iterator[RunningGateway]:
    with RunningGateway(data_dir, environment={
            "READING_GATEWAY_WIRE": wire, "READING_GATEWAY_QUIET_PERIOD_S": "86400"}) as gateway:
        gateway.command("site", "add", "yangchang", "--name", "Demo clinic", "--kind", "township")
        gateway.command("device", "add", "MODALITY", "--site", "yangchang", "--name", "CT 1")
        yield gateway


def _uid(kind: int, round_number: int, number: int) -> str:
    return f"{_UID_ROOT}.{os.getpid()}.{kind}1{round_number:02}{number:03}"
