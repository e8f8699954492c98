"""Each step of keeping an object fails in turn, and nothing that was answered with success is missing afterwards.

Real calls of the shipped program are made to fail, from a printed seed, while a modality sends. Then the program is
killed, as a power cut would, and started again: what was answered 0000 is there, `verify` finds nothing missing, and
sending again completes the rest. `make faults` repeats it with more seeds.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from pydicom.uid import generate_uid

from tests.faults.test_killed_while_receiving import indexed_uids, register, send
from tests.support import dicom_builders as build
from tests.support.breaking_calls import breaking, injected
from tests.support.fuzzing import fresh_seed, rounds
from tests.support.running_gateway import RunningGateway

pytestmark = pytest.mark.faults

COUNT = 24
REFUSED = {0xA700, 0x0110}                       # out of resources; processing failure: both say "not stored"

FAULTS = {
    "the object or its folder cannot be synced": ("fsync", "EIO"),
    "the index's log cannot be synced": ("fdatasync", "EIO"),
    "the disk is full when the object gets its name": ("link,linkat,rename,renameat,renameat2", "ENOSPC"),
    "the disk is full when the index is written": ("pwrite64", "ENOSPC"),
    "the index's log cannot be read": ("pread64", "EIO"),
    "the peer's bytes stop coming": ("recvfrom", "ECONNRESET"),
    "the free space cannot be asked for": ("statfs,fstatfs", "EIO"),
}


async def _sent(gateway: RunningGateway, files: list[Path], uids: list[str]) -> tuple[set[str], list[int]]:
    """UIDs answered with success, and every status, over two associations one after the other."""
    answered: set[str] = set()
    statuses: list[int] = []
    half = len(files) // 2
    for share in (slice(0, half), slice(half, None)):
        sent = await send(gateway, files[share])
        statuses += sent.statuses
        answered |= {uid for uid, status in zip(uids[share], sent.statuses, strict=False) if status == 0}
    return answered, statuses


@pytest.mark.parametrize("repetition", rounds(share=0.1))
@pytest.mark.parametrize("fault", FAULTS)
async def test_nothing_that_was_answered_is_missing_after(fault, repetition, tmp_path, monkeypatch):
    """B2, promises 1 and 3."""
    seed = fresh_seed()
    chance = random.Random(f"{seed} {fault} {repetition}")
    wire, first, step = chance.choice(("lean", "stock")), chance.randint(1, 6), chance.randint(3, 9)
    print(f"{fault}: {wire}, call {first} and then each {step}th")
    monkeypatch.setenv("READING_GATEWAY_WIRE", wire)
    ids = build.StudyIds()
    uids = [str(generate_uid()) for _ in range(COUNT)]
    files = build.write_all(tmp_path / "in", [build.ct_slice(n, ids=ids, rows=32, columns=32, sop_instance_uid=uid)
                                              for n, uid in enumerate(uids)])
    calls, error = FAULTS[fault]
    gateway = RunningGateway(tmp_path / "var", environment={"READING_GATEWAY_NETWORK_TIMEOUT_S": "5"})
    try:
        await asyncio.to_thread(gateway.start)
        await asyncio.to_thread(register, gateway)
        with breaking(gateway.pid, calls, error, first=first, step=step) as trace:
            answered, statuses = await _sent(gateway, files, uids)
            broken = injected(trace)
        print(f"{broken} calls failed; {len(answered)} of {COUNT} answered with success")
        assert set(statuses) <= {0} | REFUSED
        await asyncio.to_thread(gateway.kill)
        await asyncio.to_thread(gateway.start)
        assert answered <= await indexed_uids(gateway, ids.study), f"seed {seed}"
        await _sound(gateway)

        again, statuses = await _sent(gateway, files, uids)
        assert again == set(uids), f"seed {seed}: {statuses}"
        assert await indexed_uids(gateway, ids.study) == set(uids)
        await _sound(gateway)
        assert await asyncio.to_thread(gateway.stop) == 0
    finally:
        await asyncio.to_thread(gateway.kill)
    if fault != "the free space cannot be asked for":
        assert broken, "no call failed: the test proves nothing"


async def _sound(gateway: RunningGateway) -> None:
    verdict = await asyncio.to_thread(gateway.command, "verify")
    assert (verdict["missing"], verdict["is_sound"]) == ([], True), verdict
