"""How fast the readers' worklist answers with 1,000 readings: the web edge in a process of its own, real SQLite."""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import aiohttp

from storage.model import Priority, Role, new_id
from tests.benchmarks.row import Row
from tests.support.stores import open_parts
from tests.support.web import PASSWORD, add_person, add_site, build_exam, put_exam, serving

READINGS = 1000


def measure() -> Iterable[Row]:
    """Serve in a child process, ask from this one."""
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = multiprocessing.Pipe()
        server = multiprocessing.get_context("spawn").Process(target=_serve, args=(folder, theirs))
        server.start()
        try:
            address = ours.recv()
            return asyncio.run(_ask(address))
        finally:
            ours.send("stop")
            server.join(20)


async def _ask(address: str) -> list[Row]:
    async with aiohttp.ClientSession(base_url=address, cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with browser.post("/api/session", json={"login": "reader", "password": PASSWORD}) as answer:
            assert answer.status == 200
        rows = []
        for name, path in (("50 rows", "/api/readings?limit=50"), ("200 rows", "/api/readings?limit=200"),
                           ("1000 rows", "/api/readings?limit=1000"), ("search by name", "/api/readings?q=演示7")):
            taken_s = [await _timed(browser, path) for _ in range(60)][10:]
            rows.append(Row(f"GET /api/readings, {READINGS} readings, {name}: one after another", 1 / median(taken_s),
                            "requests/s"))
        rates = [await _at_once(browser, "/api/readings?limit=50") for _ in range(5)]
        rows.append(Row(f"GET /api/readings, {READINGS} readings, 50 rows: 8 at once", median(rates), "requests/s"))
        return rows


async def _timed(browser: aiohttp.ClientSession, path: str) -> float:
    begun = time.perf_counter()
    async with browser.get(path) as answer:
        body = await answer.read()
        assert answer.status == 200, body
    return time.perf_counter() - begun


async def _at_once(browser: aiohttp.ClientSession, path: str, *, askers: int = 8, each: int = 20) -> float:
    async def ask() -> None:
        for _ in range(each):
            await _timed(browser, path)

    begun = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(askers)))
    return askers * each / (time.perf_counter() - begun)


def _serve(folder: str, pipe: Connection) -> None:
    asyncio.run(_serve_until_told(Path(folder), pipe))


async def _serve_until_told(folder: Path, pipe: Connection) -> None:
    async with open_parts(folder / "data") as parts:
        await add_site(parts, "demo", "演示镇卫生院")
        await add_person(parts, "reader", (Role.READER, "demo"))
        exams = [build_exam(parts, "demo", name=f"演示{n}", due_minutes=n, priority=list(Priority)[n % 3],
                            modality=("DX", "CT", "US", "ECG")[n % 4])[0] for n in range(READINGS)]

        def put(tx) -> None:
            for exam in exams:
                put_exam(tx, replace(exam, instance=replace(exam.instance, object_sha256=new_id())))

        await parts.database.write(put)
        async with serving(parts) as web:
            pipe.send(str(web.server.make_url("/")))
            await asyncio.to_thread(pipe.recv)
