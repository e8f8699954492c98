"""A deletion that is killed at any instant goes on after the next start: all or nothing of the study, never a fault.

The first kill comes while the bytes are going; the instants of the others come from a seed that is printed, and
FAULT_SEED repeats a run.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

from gateway.main import utc_now
from gateway.services.administer_sites import By
from gateway.services.delete_study import approve_deletion, ask_deletion
from gateway.services.receive_instance import Sender, receive_part10
from gateway.settings import Settings
from storage.model import EVERYWHERE, ArrivalVia, CompleteBy, Role, StudyState
from tests.support import dicom_builders as build
from tests.support.fuzzing import fresh_seed, rounds
from tests.support.running_gateway import RunningGateway
from tests.support.stores import ManualClock, open_parts
from tests.support.waiting import until
from tests.support.web import add_person, add_site

OBJECTS = 400
KILLS = 4


async def furnish(data_dir: Path) -> str:
    """One study of long ago whose deletion is approved and due, and one that stays; returns the deletion's id."""
    clock = ManualClock(utc_now() - timedelta(days=32 * 366))
    settings = Settings(data_dir=data_dir, reserve_bytes=0, deletion_wait_days=0.0)
    async with open_parts(data_dir, settings=settings, clock=clock) as parts:
        await add_site(parts, "town", "演示镇卫生院")
        one, two = [await add_person(parts, login, (Role.ADMIN, None)) for login in ("one", "two")]
        sender = Sender(site_id="town", device=None, via=ArrivalVia.STOW, calling_ae_title="CT1", address="10.0.0.5")
        studies = []
        for count in (OBJECTS, 3):
            ids = build.StudyIds()
            for number in range(1, count + 1):
                receipt = await receive_part10(parts, build.ct_slice(number, ids=ids), sender)
            assert receipt.study_id is not None
            studies.append(receipt.study_id)
            await parts.database.write(lambda tx, study_id=receipt.study_id: tx.studies.set_state(
                study_id, StudyState.COMPLETE, at=clock(), complete_by=CompleteBy.QUIET_TIME))
        clock.now = utc_now() - timedelta(hours=1)
        asked = await ask_deletion(parts, studies[0], reason="保存期满", person=one, by=By(one.id, "", EVERYWHERE))
        await approve_deletion(parts, asked.id, person=two, by=By(two.id, "", EVERYWHERE))
    long_ago = (utc_now() - timedelta(days=1)).timestamp()
    for path in (data_dir / "objects").glob("??/*"):
        os.utime(path, (long_ago, long_ago))             # nobody is about to index them
    return asked.id


def look(data_dir: Path, deletion_id: str) -> tuple[str, int, int]:
    """State of the deletion, its tombstones, and the instances in the index; from outside, as a snapshot."""
    with sqlite3.connect(f"file:{data_dir / 'gateway.db'}?mode=ro", uri=True, timeout=10) as connection:
        row = connection.execute(
            "SELECT (SELECT state FROM deletion WHERE id = ?), (SELECT count(*) FROM tombstone), "
            "(SELECT count(*) FROM instance)", (deletion_id,)).fetchone()
    return str(row[0]), int(row[1]), int(row[2])


def _is_over(deadline: float) -> bool:
    return time.monotonic() > deadline


async def test_a_deletion_killed_at_any_instant_goes_on_and_leaves_a_sound_store(tmp_path: Path) -> None:
    chance = random.Random(fresh_seed())
    data_dir = tmp_path / "var"
    deletion_id = await furnish(data_dir)
    gateway = RunningGateway(data_dir)
    await killed(gateway, lambda: look(data_dir, deletion_id)[0] == "deleting")
    assert look(data_dir, deletion_id)[1:] == (OBJECTS, 3)
    assert len(list((data_dir / "objects").glob("??/*"))) > 3, "the first kill came while the bytes were going"
    seen = []
    for _ in range(KILLS * len(rounds())):
        deadline = time.monotonic() + chance.uniform(0.2, 3.0)
        await killed(gateway, partial(_is_over, deadline))
        state, tombstones, instances = look(data_dir, deletion_id)
        seen.append(state)
        assert (tombstones, instances) == (OBJECTS, 3)
    print("found after the kills:", seen)
    gateway.start()
    try:
        await until(lambda: look(data_dir, deletion_id)[0] == "deleted", timeout_s=60, every_s=0.2)
        found = await asyncio.to_thread(gateway.command, "verify")
        assert (found["objects_checked"], found["missing"], found["orphans"], found["deleted"]) == (3, [], 0, OBJECTS)
        assert found["is_sound"]
        assert len(list((data_dir / "objects").glob("??/*"))) == 3
    finally:
        gateway.stop()


async def killed(gateway: RunningGateway, when: Callable[[], bool]) -> None:
    """Start the program, and end it as a power cut would as soon as `when` holds, ready or not."""
    starting = asyncio.create_task(asyncio.to_thread(gateway.start))
    await until(lambda: gateway._process is not None)
    await until(when, timeout_s=60, every_s=0.001)
    gateway.kill()
    with suppress(AssertionError):                       # it was killed before it was ready
        await starting
