"""A thousand timers due in the same second: how long until all have fired, and what receiving feels of it.

Films are received one after another, as by one modality, and a job a film is run, first with nothing else to do and
then while the timers fire; the slowest twentieth of both is stated. Three of four timers are reminders to two
readers, the fourth moves its reading to the upper centre with a decision of its own.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from time import perf_counter

from gateway.main import open_parts, utc_now
from gateway.services.clocks.clock_runner import ClockRunner
from gateway.services.job_runner import JobRunner
from gateway.services.ports import Parts
from gateway.services.receive_instance import Sender, receive_part10
from gateway.settings import Settings
from storage.interface import Transaction
from storage.model import ArrivalVia, Job
from tests.benchmarks.row import Row
from tests.support import dicom_builders
from tests.support.due_timers import add_due_timers, add_people
from tests.support.postgres import find_binaries, make_server

TIMERS = 1000
_QUIET_FILMS = 60
_SENDER = Sender("timed", None, ArrivalVia.STOW, calling_ae_title="BENCH", actor="device:BENCH")


def measure() -> Iterable[Row]:
    yield from _on("SQLite", "")
    if find_binaries() is not None:
        for server in make_server():
            yield from _on("PostgreSQL", server.new_database())


def _on(engine: str, database_url: str) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="rg-bench-") as folder:
        return asyncio.run(_measure(engine, Settings(
            data_dir=Path(folder), database_url=database_url, reserve_bytes=0, node="bench")))


async def _measure(engine: str, settings: Settings) -> list[Row]:
    parts = await open_parts(settings)
    ran: dict[str, float] = {}

    async def note(_parts: Parts, job: Job) -> None:
        ran[job.ref] = perf_counter()

    jobs = JobRunner(parts, {"bench": note}, only=frozenset({"bench"}))
    clocks = ClockRunner(parts)
    try:
        await add_people(parts.database, at=utc_now())
        await jobs.start()
        received: list[float] = []
        waited: list[float] = []

        async def films(until: asyncio.Event) -> None:
            while not until.is_set():
                data = dicom_builders.dx_image(rows=64, columns=64)
                begun = perf_counter()
                receipt = await receive_part10(parts, data, _SENDER)
                received.append(perf_counter() - begun)
                ref, asked = receipt.arrival_id, perf_counter()

                def ask(tx: Transaction, ref: str = ref) -> None:
                    tx.jobs.enqueue("bench", ref, due=utc_now())

                await parts.database.write(ask)
                parts.events.wake_jobs()
                while ref not in ran:
                    await asyncio.sleep(0.001)
                waited.append(ran[ref] - asked)
                if len(received) == _QUIET_FILMS and not is_flooding:
                    until.set()

        is_flooding = False
        await films(asyncio.Event())
        quiet = (_p95_ms(received), _p95_ms(waited))
        await add_due_timers(parts, TIMERS, first=utc_now() - timedelta(seconds=1), over=timedelta(seconds=1))
        received.clear()
        waited.clear()
        is_flooding, is_over = True, asyncio.Event()
        receiving = asyncio.create_task(films(is_over))
        begun = perf_counter()
        fired = await clocks.fire_all()
        took = perf_counter() - begun
        is_over.set()
        await receiving
        assert fired == TIMERS, f"{fired} fired"
        return [
            Row(f"{TIMERS:,} timers due at once, {engine}, until all have fired", took, "s", goal="≤ 2"),
            Row(f"receiving a film meanwhile, {engine}, p95 of {len(received)}", _p95_ms(received), "ms",
                peer="with no timers due", ratio=_p95_ms(received) / quiet[0]),
            Row(f"a job's wait meanwhile, {engine}, p95", _p95_ms(waited), "ms", peer="with no timers due",
                ratio=_p95_ms(waited) / quiet[1]),
        ]
    finally:
        await jobs.stop()
        await parts.database.close()


def _p95_ms(seconds: list[float]) -> float:
    ordered = sorted(seconds)
    return ordered[int(len(ordered) * 0.95)] * 1000
