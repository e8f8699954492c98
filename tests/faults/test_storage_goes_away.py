"""Storage that is gone for a while: what comes then is refused as temporary, and nothing acknowledged is missing.

Folders taken away, a database locked by another program, a PostgreSQL that stops, an S3 service that answers with
server errors, a clock that jumps. The receiving port is the real one.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import generate_uid

from gateway.dicom.storage_scp import StorageScp
from gateway.services.ports import Parts
from gateway.settings import Settings
from storage.model import EVERYWHERE
from storage.objects import s3
from storage.opening import open_storage
from tests.support import dcmtk, dicom_receiver
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import open_receiver
from tests.support.failing_s3 import failing_s3
from tests.support.fuzzing import fresh_seed
from tests.support.postgres import make_server
from tests.support.stores import ManualClock, RecordingEvents

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("wire")]

OUT_OF_RESOURCES = 0xA700


class Studies:
    """Slices of one study, sent a few at a time; remembers what was answered with success."""

    def __init__(self, folder: Path) -> None:
        self.ids = build.StudyIds()
        self._folder = folder
        self.answered: set[str] = set()
        self._number = 0

    async def send(self, address: str, count: int = 2) -> list[int]:
        uids = [generate_uid() for _ in range(count)]
        self._number += 1
        files = build.write_all(self._folder / str(self._number), [
            build.ct_slice(n, ids=self.ids, rows=16, columns=16, sop_instance_uid=uid) for n, uid in enumerate(uids)])
        sent = await dcmtk.storescu(address, files)
        self.answered |= {uid for uid, status in zip(uids, sent.statuses, strict=False) if status == 0}
        return sent.statuses

    async def missing(self, parts: Parts) -> set[str]:
        """UIDs that were answered with success and are not whole in the store now."""
        study = await parts.database.read(lambda tx: tx.studies.find_uid(self.ids.study, EVERYWHERE))
        assert study is not None
        instances = await parts.database.read(lambda tx: tx.studies.instances_of(study.id, EVERYWHERE))
        whole = {instance.sop_instance_uid for instance in instances
                 if await asyncio.to_thread(parts.objects.size, instance.object_sha256) == instance.size_bytes}
        return self.answered - whole


async def test_folders_taken_away_refuse_what_comes_until_they_are_back(tmp_path):
    studies = Studies(tmp_path / "in")
    async with open_receiver(tmp_path / "data") as receiver:
        assert await studies.send(receiver.address) == [0, 0]
        objects, elsewhere = tmp_path / "data" / "objects", tmp_path / "elsewhere"
        objects.rename(elsewhere)
        assert await studies.send(receiver.address) == [OUT_OF_RESOURCES] * 2
        assert not objects.exists(), "a store that vanished must not be begun anew beside the real one"
        elsewhere.rename(objects)
        assert await studies.send(receiver.address) == [0, 0]
        assert await studies.missing(receiver.parts) == set()
        assert len(studies.answered) == 4


async def test_a_database_locked_by_another_program_refuses_what_comes_until_it_is_free(tmp_path, monkeypatch):
    monkeypatch.setattr("storage.engines.sqlite._BUSY_TIMEOUT_MS", 200)      # how long we wait, not what we do then
    studies = Studies(tmp_path / "in")
    async with open_receiver(tmp_path / "data") as receiver:
        assert await studies.send(receiver.address) == [0, 0]
        with closing(sqlite3.connect(tmp_path / "data" / "gateway.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert await studies.send(receiver.address) == [OUT_OF_RESOURCES] * 2
            other.execute("ROLLBACK")
        assert await studies.send(receiver.address) == [0, 0]
        assert await studies.missing(receiver.parts) == set()
        assert len(studies.answered) == 4


async def test_a_clock_that_jumps_changes_nothing_about_what_is_kept(tmp_path):
    """A device room's server whose battery is empty starts in 1970 and is set right later; or the other way round."""
    seed = fresh_seed()
    chance = random.Random(seed)
    studies = Studies(tmp_path / "in")
    async with open_receiver(tmp_path / "data") as receiver:
        for _ in range(6):
            assert await studies.send(receiver.address) == [0, 0]
            receiver.clock.advance(chance.choice((-1, 1)) * chance.randint(1, 3 * 365 * 86400))
        assert await studies.missing(receiver.parts) == set()
        study = await receiver.study(studies.ids.study)
        assert study is not None
        assert study.instance_count == len(studies.answered) == 12, f"seed {seed}"


@pytest.fixture(scope="module")
def stopping_postgres():
    """A PostgreSQL of our own: it is stopped and started here."""
    yield from make_server()


async def test_a_postgresql_that_stops_refuses_what_comes_until_it_is_back(tmp_path, stopping_postgres):
    studies = Studies(tmp_path / "in")
    settings = _settings(tmp_path, database_url=stopping_postgres.new_database())
    async with _receiving(settings) as receiver:
        assert await studies.send(receiver.address) == [0, 0]
        await asyncio.to_thread(stopping_postgres.stop, at_once=True)
        refused = await studies.send(receiver.address, 1)
        assert refused in ([], [OUT_OF_RESOURCES]), "no association, or not stored: both say come again"
        await asyncio.to_thread(stopping_postgres.start)
        assert await studies.send(receiver.address) == [0, 0]
        assert await studies.missing(receiver.parts) == set()
        assert len(studies.answered) == 4


async def test_an_s3_service_that_answers_with_server_errors_loses_nothing(tmp_path, seaweed_server, monkeypatch):
    monkeypatch.setitem(s3._RETRY, "max_retries", 1)     # how often the client tries by itself, not what we do then
    seed = fresh_seed()
    chance = random.Random(seed)
    studies = Studies(tmp_path / "in")
    address = seaweed_server.new_bucket()
    async with failing_s3(address.s3_endpoint, chance) as proxy:
        settings = _settings(
            tmp_path, objects_url=address.objects_url, s3_endpoint=proxy.endpoint,
            s3_access_key_id=address.s3_access_key_id, s3_secret_access_key=address.s3_secret_access_key)
        async with _receiving(settings) as receiver:
            assert await studies.send(receiver.address) == [0, 0]
            proxy.share = 0.6
            statuses = await studies.send(receiver.address, 12)
            assert set(statuses) <= {0, OUT_OF_RESOURCES}
            proxy.share = 1.0
            assert await studies.send(receiver.address) == [OUT_OF_RESOURCES] * 2
            proxy.share = 0.0
            print(f"{proxy.failed} requests failed, {len(studies.answered)} objects answered with success")
            assert proxy.failed
            assert await studies.missing(receiver.parts) == set(), f"seed {seed}"
            assert await studies.send(receiver.address) == [0, 0]


def _settings(tmp_path: Path, **more: Any) -> Settings:
    return replace(Settings(data_dir=tmp_path / "data", reserve_bytes=0, node="test-node", dicom="127.0.0.1:0"),
                   wire=os.environ["READING_GATEWAY_WIRE"], **more)


@asynccontextmanager
async def _receiving(settings: Settings) -> AsyncIterator[dicom_receiver.Receiver]:
    """A receiver over the engines that the settings name."""
    storage = await open_storage(
        data_dir=settings.data_dir, database_url=settings.database_url, objects_url=settings.objects_url,
        s3_endpoint=settings.s3_endpoint, s3_access_key_id=settings.s3_access_key_id,
        s3_secret_access_key=settings.s3_secret_access_key, node=settings.node, reserve_bytes=0)
    clock, events = ManualClock(), RecordingEvents()
    parts = Parts(settings=settings, database=storage.database, objects=storage.objects, clock=clock, events=events,
                  node=settings.node)
    try:
        await parts.database.write(dicom_receiver.register)
        scp = StorageScp(parts)
        await scp.start()
        try:
            yield dicom_receiver.Receiver(parts, scp, clock, events)
        finally:
            await scp.stop()
    finally:
        await parts.database.close()
