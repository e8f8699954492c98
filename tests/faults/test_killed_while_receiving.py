"""A power cut in the middle of receiving loses nothing that was answered with success (B2).

The shipped program is killed with SIGKILL at an instant drawn from a printed seed, while two modalities send 300
objects. After a restart everything that was answered 0000 is there, and sending again completes the rest.
"""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest
from pydicom.uid import generate_uid

from storage.model import EVERYWHERE
from storage.opening import open_storage
from tests.support import dcmtk
from tests.support import dicom_builders as build
from tests.support.fuzzing import fresh_seed, rounds
from tests.support.running_gateway import RunningGateway
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("wire")

SENDERS, EACH = 2, 150


def register(gateway: RunningGateway) -> None:
    gateway.command("site", "add", "yangchang", "--name", "Demo clinic", "--kind", "township")
    gateway.command("device", "add", "MODALITY", "--site", "yangchang", "--name", "CT 1")


async def send(gateway: RunningGateway, files: list[Path]) -> dcmtk.Sent:
    return await dcmtk.storescu(f"{gateway.host}:{gateway.port}", files, options=("-R",))


def objects_on_disk(gateway: RunningGateway) -> int:
    folder = gateway.data_dir / "objects"
    return sum(len(files) for _, _, files in os.walk(folder)) if folder.is_dir() else 0


async def indexed_uids(gateway: RunningGateway, study_instance_uid: str) -> set[str]:
    storage = await open_storage(data_dir=gateway.data_dir, is_read_only=True)
    try:
        study = await storage.database.read(lambda tx: tx.studies.find_uid(study_instance_uid, EVERYWHERE))
        if study is None:
            return set()
        found = await storage.database.read(lambda tx: tx.studies.instances_of(study.id, EVERYWHERE))
        return {instance.sop_instance_uid for instance in found}
    finally:
        await storage.database.close()


@pytest.mark.faults
@pytest.mark.parametrize("repetition", rounds())
async def test_whatever_was_answered_with_success_is_there_after_a_kill(repetition, tmp_path):
    chance = random.Random(f"{fresh_seed()} {repetition}")
    kill_at = chance.randrange(20, SENDERS * EACH - 60)
    print(f"killed when {kill_at} objects are on disk")
    ids = build.StudyIds()
    uids = [generate_uid() for _ in range(SENDERS * EACH)]
    files = build.write_all(tmp_path / "in", [build.ct_slice(n, ids=ids, sop_instance_uid=uid)
                                              for n, uid in enumerate(uids)])
    shares = [slice(n * EACH, (n + 1) * EACH) for n in range(SENDERS)]
    gateway = RunningGateway(tmp_path / "var")
    try:
        await asyncio.to_thread(gateway.start)
        await asyncio.to_thread(register, gateway)
        sending = [asyncio.create_task(send(gateway, files[share])) for share in shares]
        await until(lambda: objects_on_disk(gateway) >= kill_at, timeout_s=60, every_s=0.001)
        await asyncio.to_thread(gateway.kill)
        sent = await asyncio.gather(*sending)
        answered = {uid for share, result in zip(shares, sent, strict=True)
                    for uid, status in zip(uids[share], result.statuses, strict=False) if status == 0}
        assert 0 < len(answered) < len(uids), "the kill came too early or too late to prove anything"

        await asyncio.to_thread(gateway.start)
        kept = await indexed_uids(gateway, ids.study)
        assert answered <= kept
        verdict = await asyncio.to_thread(gateway.command, "verify")
        assert (verdict["missing"], verdict["is_sound"]) == ([], True)
        assert verdict["objects_checked"] >= len(answered)
        await asyncio.gather(*(send(gateway, files[share]) for share in shares))
        assert await indexed_uids(gateway, ids.study) == set(uids)
        verdict = await asyncio.to_thread(gateway.command, "verify")
        assert (verdict["missing"], verdict["is_sound"]) == ([], True)
        await asyncio.to_thread(gateway.stop)
    finally:
        await asyncio.to_thread(gateway.kill)
