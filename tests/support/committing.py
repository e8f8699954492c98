"""A receiver that answers requests for storage commitment, and the modality that asks; for the tests of both."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.dicom.commitment_scp import commitment_handlers
from gateway.dicom.secure_port import calling_tls
from gateway.services.commit_storage import JOB
from gateway.services.job_runner import JobRunner
from storage.model import EVERYWHERE
from tests.support.commitment_user import CommitmentUser
from tests.support.dicom_receiver import MODALITY, open_receiver
from tests.support.waiting import until

MISSING = "1.2.826.0.1.3680043.10.1.404"


@pytest.fixture
async def receiver(tmp_path):
    async with open_receiver(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def user():
    modality = CommitmentUser()
    yield modality
    modality.release()


async def run_jobs(receiver) -> None:
    """Run what is due, as the job runner of the program does."""
    runner = JobRunner(receiver.parts, commitment_handlers(
        receiver.parts.settings, receiver.scp.lines, calling_tls(receiver.parts.settings)))
    now = receiver.clock()
    owner = f"test-{random.random()}"
    claimed = await receiver.parts.database.write(
        lambda tx: tx.jobs.claim(owner, now=now, lease_until=now + timedelta(days=1), limit=100))
    for job in claimed:
        if job.kind == JOB:
            runner._owner = owner
            await runner._run(job)
        else:
            await receiver.parts.database.write(lambda tx, job=job: tx.jobs.retry(job.id, owner, due=now, why=""))


async def run_until_told(receiver, user) -> None:
    """The same until the modality has its report: that it called is noted a moment after it got in."""
    async def is_told():
        await run_jobs(receiver)
        return user.reports

    await until(is_told)


async def transaction(receiver, uid: str):
    return await receiver.parts.database.read(lambda tx: tx.commitments.find(uid, EVERYWHERE))


def has_reports(user, count: int) -> bool:
    return len(user.reports) == count


async def state_of(receiver, uid: str):
    return (await transaction(receiver, uid)).state


async def listen_at(receiver, port: int) -> None:
    """Register where the modality listens."""
    await receiver.parts.database.write(lambda tx: tx.sites.update_device(replace(MODALITY, port=port)))


async def opened(user, receiver, *files: bytes):
    await asyncio.to_thread(user.associate, receiver.address)
    assert set(await asyncio.to_thread(user.store, *files)) <= {0}


async def ask(user, references, **more):
    return await asyncio.to_thread(lambda: user.ask(references, **more))
