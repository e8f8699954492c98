"""From the arrival of an ECG to its row in the worklist, alone and at 20 a second; and what that costs in memory.

Alone: one ECG at a time, by POST and by C-STORE over open connections. The clock runs from the first byte until a
reader's session has been told of the reading (event) and until the list's answer holds it (asked every 50 ms).
Sustained: 20 a second for READING_GATEWAY_BENCH_SECONDS (30), both ways in turn, from the moment at which each was
due, so that a queue of the senders counts, too; one reader listens and fetches the list anew as its page does. The
senders run on the same cores. Every ECG is on the list afterwards, and examined.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

import requests
from pydicom.uid import generate_uid

from tests.benchmarks.row import Row
from tests.support import dicom_builders
from tests.support.beating_ecgs import ecg_with_beats
from tests.support.clinic_county import SITE, log_in, readings, set_up, wait_for
from tests.support.ecg_builders import TWELVE_LEAD_ECG, aecg, dicom_ecg
from tests.support.raw_association import RawAssociation, store_command, store_message
from tests.support.running_gateway import RunningGateway

ALONE = 40                               # a way
RATE_PER_S = 20
SENDERS = 8                              # connections, half of them a way
_PDU = 16384
_SYNTAX = dicom_builders.SYNTAXES["explicit"]
_HEARTS = 8


def measure() -> Iterable[Row]:
    seconds = min(float(os.environ.get("READING_GATEWAY_BENCH_SECONDS") or 30), 300)
    with tempfile.TemporaryDirectory(prefix="rg-bench-") as folder, RunningGateway(Path(folder) / "var") as gateway:
        token = set_up(gateway)
        gateway.command("device", "add", "CART", "--site", SITE, "--name", "cart", "--modality", "ECG")
        reader, supply = log_in(gateway, "reviewer"), Supply()
        with listening(gateway) as heard:
            yield from _alone(gateway, token, reader, supply, heard)
            yield from _sustained(gateway, token, reader, supply, heard, seconds)


class Supply:
    """ECGs of a few hearts, each under a number of its own; bytes are only exchanged, not encoded anew."""

    _OLD_ID = "P-0000000"

    def __init__(self) -> None:
        self._uids = [str(generate_uid())[:40].rstrip(".") + "1000000" for _ in range(3)]
        hearts = [ecg_with_beats(seed=seed) for seed in range(_HEARTS)]
        study, series, instance = self._uids
        self._aecg = [aecg(heart, patient_id=self._OLD_ID) for heart in hearts]
        self._dicom = [dicom_builders.dataset_of(dicom_ecg(heart, elements={
            "PatientID": self._OLD_ID, "StudyInstanceUID": study, "SeriesInstanceUID": series,
            "SOPInstanceUID": instance})) for heart in hearts]

    def aecg(self, number: int) -> bytes:
        return self._aecg[number % _HEARTS].replace(self._OLD_ID.encode(), patient_id(number).encode())

    def dicom(self, number: int) -> tuple[str, bytes]:
        data = self._dicom[number % _HEARTS].replace(self._OLD_ID.encode(), patient_id(number).encode())
        for uid in self._uids:
            data = data.replace(uid.encode(), self._uid(uid, number).encode())
        return self._uid(self._uids[2], number), data

    @staticmethod
    def _uid(uid: str, number: int) -> str:
        return f"{uid[:-7]}{1_000_000 + number}"


def patient_id(number: int) -> str:
    return f"P-{number:07}"


@dataclass
class Sender:
    """Connections of one cart, open all the time."""

    gateway: RunningGateway
    token: str
    supply: Supply
    session: requests.Session = field(default_factory=requests.Session)
    peer: RawAssociation | None = None

    def post(self, number: int) -> None:
        answer = self.session.post(f"{self.gateway.url}/api/ecg", data=self.supply.aecg(number), timeout=60,
                                   headers={"Authorization": f"Bearer {self.token}"})
        assert answer.status_code == 201, answer.text

    def store(self, number: int) -> None:
        if self.peer is None:
            self.peer = RawAssociation(f"{self.gateway.host}:{self.gateway.port}", [(TWELVE_LEAD_ECG, _SYNTAX)],
                                       calling="CART", timeout_s=60)
        uid, data = self.supply.dicom(number)
        fragment_bytes = min(self.peer.largest_pdu_bytes or _PDU, _PDU) - 6
        self.peer.send(store_message(store_command(TWELVE_LEAD_ECG, uid), data, fragment_bytes=fragment_bytes))
        assert self.peer.read_status() == 0

    def close(self) -> None:
        self.session.close()
        if self.peer is not None:
            self.peer.release()
            self.peer.socket.close()


@contextmanager
def listening(gateway: RunningGateway) -> Iterator[dict[str, float]]:
    """When a reader's page was first told that a study has a reading, by study."""
    heard: dict[str, float] = {}
    answer = log_in(gateway, "writer").get(f"{gateway.url}/api/events", stream=True, timeout=60)

    def listen() -> None:
        try:
            for line in answer.iter_lines(chunk_size=1):
                if line.startswith(b"data: "):
                    event = json.loads(line[6:])
                    if event["kind"] == "reading":
                        heard.setdefault(event["study_id"], time.perf_counter())
        except (requests.RequestException, AttributeError, ValueError):
            pass                         # closed below

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        answer.close()


def _alone(gateway: RunningGateway, token: str, reader: requests.Session, supply: Supply,
           heard: dict[str, float]) -> Iterable[Row]:
    sender = Sender(gateway, token, supply)
    for way, first in ((sender.post, 0), (sender.store, 1000)):
        told, listed = [], []
        for number in range(first, first + ALONE + 5):
            with ThreadPoolExecutor(1) as pool:
                begun = time.perf_counter()
                sending = pool.submit(way, number)
                study = wait_for(lambda n=number: _study(reader, gateway, n), why="an ECG in the list")  # type: ignore[misc]
                seen = time.perf_counter()
                sending.result()
            if number < first + 5:
                continue                 # the first load what is loaded once
            told.append(wait_for(lambda s=study: heard.get(s), why="the event") - begun)  # type: ignore[misc]
            listed.append(seen - begun)
        name = "POST" if way == sender.post else "C-STORE"
        yield from _rows(f"ECG alone, {name} → event that it is on the worklist", told)
        yield from _rows(f"ECG alone, {name} → in the worklist's answer", listed)
    sender.close()


def _study(reader: requests.Session, gateway: RunningGateway, number: int) -> str | None:
    rows = readings(reader, gateway, q=patient_id(number))
    return str(rows[0]["study_id"]) if rows else None


def _sustained(gateway: RunningGateway, token: str, reader: requests.Session, supply: Supply,
               heard: dict[str, float], seconds: float) -> Iterable[Row]:
    before, count, known = memory_mb(gateway.pid), round(RATE_PER_S * seconds), set(heard)
    due: dict[int, float] = {}
    answered: dict[int, float] = {}
    begun = time.perf_counter() + 0.5

    def send(place: int) -> None:
        sender = Sender(gateway, token, supply)
        for turn in range(place, count, SENDERS):
            number, at = 10_000 + turn, begun + turn / RATE_PER_S
            time.sleep(max(0.0, at - time.perf_counter()))
            due[number] = at
            (sender.post if place % 2 == 0 else sender.store)(number)
            answered[number] = time.perf_counter()
        sender.close()

    is_over = threading.Event()
    cpu, curve = cpu_s(gateway.pid), list[float]()
    following = threading.Thread(target=_follow, args=(gateway, heard, is_over, curve), daemon=True)
    following.start()
    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(send, range(SENDERS)))
    taken = time.perf_counter() - begun
    wait_for(lambda: len(set(heard) - known) >= count or None, within_s=120, why="every ECG on the worklist")
    is_over.set()
    following.join()
    cpu_used, drained = cpu_s(gateway.pid) - cpu, time.perf_counter() - begun
    studies = _studies(reader, gateway, count)
    told = {number: heard[studies[patient_id(number)]] - at for number, at in due.items()}
    yield Row(f"ECGs sustained, both ways, {taken:.0f} s", count / taken, "1/s", goal="20")
    yield from _rows("at 20/s, due → answered", [answered[n] - due[n] for n in due], goal="")
    for name, parity in (("POST", 0), ("C-STORE", 1)):
        mine = [seconds for number, seconds in told.items() if number % 2 == parity]
        yield from _rows(f"at 20/s, {name} due → event that it is on the worklist", mine)
    yield Row("at 20/s, last sent → all on the worklist", max(drained - taken, 0.0), "s")
    total = len(studies)
    wait_for(lambda: examined(gateway) >= total or None, within_s=300, why="every ECG examined")
    yield Row("at 20/s, last sent → all examined", time.perf_counter() - begun - taken, "s")
    yield Row("at 20/s, the gateway's processor time", cpu_used / drained, "cores")
    yield Row("memory before", before, "MB")
    yield Row("memory, highest", max(curve), "MB")
    yield Row("memory after", memory_mb(gateway.pid), "MB")


def _follow(gateway: RunningGateway, heard: dict[str, float], is_over: threading.Event, curve: list[float]) -> None:
    """A reader's page: the first hundred rows anew after news, at most every 200 ms."""
    session, known = log_in(gateway, "writer"), len(heard)
    while not is_over.wait(0.2):
        curve.append(memory_mb(gateway.pid))
        if len(heard) != known:
            known = len(heard)
            readings(session, gateway, limit="100")


def _studies(reader: requests.Session, gateway: RunningGateway, count: int) -> dict[str, str]:
    """Study by Patient ID: all that were sent are on the list."""
    found: dict[str, str] = {}
    for offset in range(0, count + 2 * ALONE + 1000, 1000):
        for row in readings(reader, gateway, limit="1000", offset=str(offset)):
            found[row["patient"]["patient_id"]] = row["study_id"]
    return found


def _rows(name: str, times_s: list[float], *, goal: str = "p95 ≤ 150") -> Iterable[Row]:
    yield Row(f"{name}, median", median(times_s) * 1000, "ms")
    yield Row(f"{name}, p95", quantiles(times_s, n=20, method="inclusive")[-1] * 1000, "ms", goal=goal)


def memory_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0]) / 1024


def examined(gateway: RunningGateway) -> int:
    """How many ECGs have an analysis."""
    with closing(sqlite3.connect(f"file:{gateway.data_dir / 'gateway.db'}?mode=ro", uri=True)) as database:
        return int(database.execute("SELECT count(*) FROM ecg_analysis").fetchone()[0])


def cpu_s(pid: int) -> float:
    """Processor time of the process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
