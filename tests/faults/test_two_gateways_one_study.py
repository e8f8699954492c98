"""Two gateways on one PostgreSQL and one S3 receive the same study at once, and one of them is killed meanwhile.

No row twice, no object lost, and the one that is left carries on with the jobs of the other (B2, B4, promise 1).
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import psycopg
import pytest
from pydicom.uid import generate_uid

from tests.faults.test_killed_while_receiving import register, send
from tests.support import dicom_builders as build
from tests.support.fuzzing import fresh_seed, rounds
from tests.support.running_gateway import RunningGateway
from tests.support.seaweedfs import SeaweedServer
from tests.support.waiting import until

pytestmark = pytest.mark.faults

COUNT = 80


def node(folder: Path, name: str, database_url: str, seaweed: SeaweedServer, prefix: str) -> RunningGateway:
    """A gateway process on the shared stores."""
    return RunningGateway(folder / name, environment={
        "READING_GATEWAY_NODE": name, "READING_GATEWAY_DATABASE_URL": database_url,
        "READING_GATEWAY_OBJECTS_URL": f"s3://gateway-test/{prefix}", "READING_GATEWAY_S3_ENDPOINT": seaweed.endpoint,
        "READING_GATEWAY_S3_ACCESS_KEY_ID": seaweed.access_key_id,
        "READING_GATEWAY_S3_SECRET_ACCESS_KEY": seaweed.secret_access_key, "READING_GATEWAY_QUIET_PERIOD_S": "2"})


@pytest.mark.parametrize("repetition", rounds(share=0.2))
async def test_a_study_sent_to_both_is_there_once_and_whole_although_one_is_killed(
        repetition: int, tmp_path: Path, postgres_url: str, seaweed_server: SeaweedServer) -> None:
    seed = fresh_seed()
    kill_at = random.Random(f"{seed} {repetition}").randint(10, COUNT - 30)
    ids = build.StudyIds()
    uids = [generate_uid() for _ in range(COUNT)]
    files = build.write_all(tmp_path / "in", [build.ct_slice(n, ids=ids, rows=32, columns=32, sop_instance_uid=uid)
                                              for n, uid in enumerate(uids)])
    first, second = (node(tmp_path, name, postgres_url, seaweed_server, f"one-study-{repetition}")
                     for name in ("node-a", "node-b"))
    try:
        await asyncio.to_thread(first.start)
        await asyncio.to_thread(second.start)
        await asyncio.to_thread(register, first)
        sending = [asyncio.create_task(send(first, files)), asyncio.create_task(send(second, files[::-1]))]
        await until(lambda: asyncio.to_thread(_instances, postgres_url, kill_at), timeout_s=60)
        await asyncio.to_thread(first.kill)
        to_first, to_second = await asyncio.gather(*sending)
        assert to_second.statuses == [0] * COUNT, f"seed {seed}: {to_second.output[-2000:]}"
        answered = [uid for uid, status in zip(uids, to_first.statuses, strict=False) if status == 0]
        print(f"{len(answered)} answered by the one that was killed when {kill_at} were in the index")

        rows = await asyncio.to_thread(_rows, postgres_url)
        assert sorted(rows) == sorted(uids), f"seed {seed}: a row twice, or a row too few"
        assert set(answered) <= set(rows)
        await until(lambda: asyncio.to_thread(_is_routed, postgres_url), timeout_s=90)
        verdict = await asyncio.to_thread(second.command, "verify")
        assert (verdict["missing"], verdict["is_sound"]) == ([], True), verdict
        assert await asyncio.to_thread(second.stop) == 0
    finally:
        await asyncio.to_thread(first.kill)
        await asyncio.to_thread(second.kill)


def _rows(database_url: str) -> list[str]:
    with psycopg.connect(database_url) as connection:
        return [uid for (uid,) in connection.execute("SELECT sop_instance_uid FROM instance").fetchall()]


def _instances(database_url: str, at_least: int) -> bool:
    return len(_rows(database_url)) >= at_least


def _is_routed(database_url: str) -> bool:
    """The study has its reading, and its count is that of its rows."""
    with psycopg.connect(database_url) as connection:
        counts = connection.execute("SELECT instance_count FROM study").fetchall()
        readings = connection.execute("SELECT count(*) FROM reading").fetchone()
    return counts == [(COUNT,)] and readings == (1,)
