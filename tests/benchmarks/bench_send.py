"""Sending by C-STORE into storescp and Orthanc as shipped: ours against a plain pynetdicom sender, in one run.

As shipped they write an answer in two pieces with Nagle's algorithm on; the second waits for an acknowledgement that
an ordinary sender's kernel delays by 40 ms. Each figure is a median of the rounds, of CT slices of 0.5 MB.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from statistics import median
from time import perf_counter

from pydicom import dcmread
from pynetdicom import AE

from gateway.wire.store_scu import RemoteNode, part10_instance, send_instances
from tests.benchmarks.receivers import dcmtk_storescp
from tests.benchmarks.row import Row
from tests.support import dicom_builders as build
from tests.support.receiving_nodes import orthanc

_SLICES, _ROUNDS = 40, 3


def measure() -> Iterable[Row]:
    base = os.environ.get("READING_GATEWAY_BENCH_FOLDER")
    with tempfile.TemporaryDirectory(prefix="rg-bench-", dir=base) as name, ExitStack() as stack:
        folder = Path(name)
        server = stack.enter_context(orthanc(folder / "orthanc", is_as_shipped=True))
        storescp = stack.enter_context(dcmtk_storescp(folder / "storescp", environment={}))
        for peer, address, called, goal in (("storescp as shipped", storescp, "CLINIC", "20"),
                                            ("Orthanc as shipped", f"127.0.0.1:{server.dicom_port}", "ORTHANC", "5")):
            ours, plain = [], []
            for _ in range(_ROUNDS):
                ours.append(_ours(address, called, _slices()))
                plain.append(_plain(address, called, _slices()))
            yield Row(f"{_SLICES} CT slices into {peer}, plain pynetdicom sender", _SLICES / median(plain),
                      "objects/s")
            yield Row(f"{_SLICES} CT slices into {peer}, gateway", _SLICES / median(ours), "objects/s",
                      goal=f"{goal} x peer", peer="plain sender", ratio=median(plain) / median(ours))


def _slices() -> list[bytes]:
    ids = build.StudyIds()
    return [build.ct_slice(n, ids=ids, rows=512, columns=512) for n in range(_SLICES)]


def _ours(address: str, called: str, slices: list[bytes]) -> float:
    host, port = address.split(":")
    node = RemoteNode(host, int(port), called, "GATEWAY", 60.0)
    began = perf_counter()
    results = list(send_instances([part10_instance(part10) for part10 in slices], node))
    seconds = perf_counter() - began
    assert [result.status for result in results] == [0] * len(slices)
    return seconds


def _plain(address: str, called: str, slices: list[bytes]) -> float:
    host, port = address.split(":")
    datasets = [dcmread(BytesIO(part10)) for part10 in slices]
    entity = AE(ae_title="PLAIN")
    entity.add_requested_context(build.CT, build.SYNTAXES["explicit"])
    began = perf_counter()
    association = entity.associate(host, int(port), ae_title=called)
    assert association.is_established
    statuses = [association.send_c_store(dataset).Status for dataset in datasets]
    association.release()
    seconds = perf_counter() - began
    assert statuses == [0] * len(slices)
    return seconds
