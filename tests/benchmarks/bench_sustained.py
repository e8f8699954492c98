"""Forty senders for ten minutes, CT slices and small objects mixed, as fast as they are answered.

Prints objects a second over the whole time and in the slowest minute, and the gateway's memory as a curve: its
highest, and how much it grew from the first fifth to the last. READING_GATEWAY_BENCH_SECONDS shortens it. Every
object is read back by hash afterwards.
"""

from __future__ import annotations

import os
import random
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep

from tests.benchmarks.receivers import gateway
from tests.benchmarks.row import Row
from tests.benchmarks.store_load import CT, SMALL, SYNTAX, Supply, kept_digests
from tests.support import dicom_builders as build
from tests.support.raw_association import RawAssociation

_SENDERS = 40
_ASSOCIATION_OBJECTS = 25                # of two new studies, one of each kind; then the sender opens another
_CT_SHARE = 0.2


def measure() -> Iterable[Row]:
    seconds = float(os.environ.get("READING_GATEWAY_BENCH_SECONDS") or 600)
    base = os.environ.get("READING_GATEWAY_BENCH_FOLDER")
    with tempfile.TemporaryDirectory(prefix="rg-bench-", dir=base) as name, \
            gateway(Path(name) / "gateway") as running:
        sent: set[str] = set()
        minutes: Counter[int] = Counter()
        lock, began = threading.Lock(), monotonic()

        def send(number: int) -> None:
            chance = random.Random(number)
            small, ct = Supply(SMALL), Supply(CT)
            while monotonic() - began < seconds:
                ct_count = sum(chance.random() < _CT_SHARE for _ in range(_ASSOCIATION_OBJECTS))
                objects = small.fresh(_ASSOCIATION_OBJECTS - ct_count) + ct.fresh(ct_count)
                chance.shuffle(objects)
                with RawAssociation(f"{running.host}:{running.port}", [(build.CT, SYNTAX)], timeout_s=120.0) as peer:
                    for one in objects:
                        peer.send(one.message(peer.largest_pdu_bytes))
                        assert peer.read_status() == 0
                        with lock:
                            sent.add(one.digest)
                            minutes[int((monotonic() - began) // 60)] += 1
                    peer.release()

        memory: list[float] = []
        is_over = threading.Event()
        watching = threading.Thread(target=_watch, args=(running.pid, memory, is_over))
        watching.start()
        with ThreadPoolExecutor(_SENDERS) as pool:
            list(pool.map(send, range(_SENDERS)))
        taken = monotonic() - began
        is_over.set()
        watching.join()
        fifth = max(len(memory) // 5, 1)
        first, last = sum(memory[:fifth]) / fifth, sum(memory[-fifth:]) / fifth
        whole = [count for minute, count in minutes.items() if (minute + 1) * 60 <= seconds]
        yield Row(f"40 senders, mixed, {taken:.0f} s", len(sent) / taken, "objects/s", goal="300")
        if whole:
            yield Row("40 senders, mixed, slowest minute", min(whole) / 60, "objects/s")
        yield Row("40 senders, mixed, highest memory", max(memory), "MB", goal="300")
        yield Row("40 senders, mixed, memory of the last fifth over that of the first", last - first, "MB")
        assert kept_digests(Path(name) / "gateway/objects") == sent
        verdict = running.command("verify", timeout_s=1800)      # some 30 GB after ten minutes
        assert verdict["is_sound"], verdict


def _watch(pid: int, memory: list[float], is_over: threading.Event) -> None:
    while not is_over.is_set():
        status = Path(f"/proc/{pid}/status").read_text()
        memory.append(int(status.partition("VmRSS:")[2].split()[0]) / 1024)
        sleep(1)
