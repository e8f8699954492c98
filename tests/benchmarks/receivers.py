"""The receivers of the benchmarks, all on fresh folders: the gateway as shipped, and those it is compared with."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from tests.benchmarks.store_load import Outgoing, send_at_once
from tests.support.peers import free_ports, stop, wait_until_up
from tests.support.receiving_nodes import orthanc
from tests.support.running_gateway import RunningGateway

SendAll = Callable[[list[Outgoing], int], float]
GATEWAY, ORTHANC, PYNETDICOM, STORESCP, SINK = "gateway", "Orthanc", "pynetdicom", "storescp", "durable sink"


@dataclass(frozen=True, slots=True)
class Receiver:
    """Takes objects over so many associations; returns the seconds that it took."""

    name: str
    address: str
    called: str
    send: SendAll
    emptied: Path | None = None          # where what it keeps may be removed between two rounds


@contextmanager
def gateway(folder: Path, *, wire: str = "lean") -> Iterator[RunningGateway]:
    """Shipped defaults; previews and routing, which begin once a study is quiet, would run in another's turn."""
    with RunningGateway(folder, environment={"READING_GATEWAY_WIRE": wire,
                                             "READING_GATEWAY_QUIET_PERIOD_S": "86400"}) as running:
        running.command("site", "add", "yangchang", "--name", "Demo clinic", "--kind", "township")
        running.command("device", "add", "MODALITY", "--site", "yangchang", "--name", "CT 1")
        yield running


def gateway_receiver(running: RunningGateway, name: str = GATEWAY) -> Receiver:
    return _dicom(name, f"{running.host}:{running.port}", "GATEWAY")


@contextmanager
def peers(folder: Path) -> Iterator[dict[str, Receiver]]:
    """All with TCP_NODELAY=1; storescp neither syncs nor indexes."""
    with ExitStack() as stack:
        server = stack.enter_context(orthanc(folder / "orthanc"))
        yield {
            ORTHANC: _dicom(ORTHANC, f"127.0.0.1:{server.dicom_port}", "ORTHANC"),
            PYNETDICOM: _dicom(PYNETDICOM, stack.enter_context(_plain("pynetdicom", folder)), "PLAIN",
                               folder / "pynetdicom"),
            STORESCP: _dicom(STORESCP, stack.enter_context(dcmtk_storescp(folder / "storescp")), "CLINIC",
                             folder / "storescp"),
            SINK: _sink(stack.enter_context(_plain("sink", folder)), folder / "sink"),
        }


@contextmanager
def dcmtk_storescp(folder: Path, *, environment: dict[str, str] | None = None) -> Iterator[str]:
    """storescp that keeps what comes bit by bit (+B); by default with TCP_NODELAY=1."""
    folder.mkdir(parents=True)
    (port,) = free_ports(1)
    log = folder.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["storescp", "-aet", "CLINIC", "-od", str(folder), "+B", "--fork", "--max-pdu", "131072", str(port)],
            stdout=output, stderr=subprocess.STDOUT,
            env=os.environ | ({"TCP_NODELAY": "1"} if environment is None else environment))
    try:
        wait_until_up(process, lambda: _listens(port), log, timeout_s=15)
        yield f"127.0.0.1:{port}"
    finally:
        stop(process)


@contextmanager
def _plain(kind: str, folder: Path) -> Iterator[str]:
    store = folder / kind
    store.mkdir(parents=True)
    process = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.plain_receivers", kind, str(store)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield f"127.0.0.1:{int(process.stdout.readline().split()[1])}"
    finally:
        process.kill()
        process.wait()


def _dicom(name: str, address: str, called: str, emptied: Path | None = None) -> Receiver:
    return Receiver(name, address, called,
                    lambda objects, associations: send_at_once(address, called, objects, associations), emptied)


def _sink(address: str, emptied: Path) -> Receiver:
    def send(objects: list[Outgoing], associations: int) -> float:
        host, port = address.split(":")
        with ExitStack() as stack:
            sockets = [stack.enter_context(socket.create_connection((host, int(port)))) for _ in range(associations)]
            start = threading.Barrier(associations + 1)

            def send_share(number: int) -> None:
                sock = sockets[number]
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                work = [struct.pack(">Q", len(one.dataset)) + one.dataset for one in objects[number::associations]]
                start.wait()
                for data in work:
                    sock.sendall(data)
                    assert sock.recv(1) == b"\0"

            with ThreadPoolExecutor(associations) as pool:
                sending = [pool.submit(send_share, number) for number in range(associations)]
                start.wait()
                began = perf_counter()
                for one in sending:
                    one.result()
                return perf_counter() - began

    return Receiver(SINK, address, "", send, emptied)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
