"""Every kept object is read back, copied to a second place, and repaired from there (B5, B11)."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import hashes

from gateway.services.job_runner import JobRunner, RetryLater
from gateway.services.reach_second_copy import prepare_second_copy
from gateway.services.scrub_objects import HANDLERS as SCRUB_HANDLERS
from gateway.services.scrub_objects import scrub
from gateway.services.second_copy import HANDLERS as COPY_HANDLERS
from gateway.services.second_copy import copy_waiting, run_copies, safety_of
from gateway.services.watch_space import enrol_all, enrol_since
from gateway.settings import Settings
from storage.errors import StorageUnavailable
from storage.model import EVERYWHERE, CheckState, CopyState, Job
from storage.opening import open_second_copy
from tests.support.stores import ManualClock, open_parts


@pytest.fixture
def clock():
    return ManualClock(datetime.now(UTC))  # files carry the system's time


@pytest_asyncio.fixture
async def parts(tmp_path, clock):
    """A store with a second copy beside it."""
    settings = Settings(data_dir=tmp_path / "data", reserve_bytes=0, node="test-node", scrub_mb_per_s=10_000.0,
                        second_copy_dir=str(tmp_path / "second"))
    async with open_parts(settings.data_dir, settings=settings, clock=clock) as opened:
        yield dataclasses.replace(opened, second_copy=open_second_copy(
            data_dir=settings.data_dir, folder=settings.second_copy_dir))


async def keep(parts, *contents):
    refs = [parts.objects.put(data) for data in contents]
    for ref in refs:
        await parts.database.write(lambda tx, ref=ref: tx.objects.add(ref, kind="received", at=parts.clock()))
    return refs


def path_of(parts, sha256, *, in_second_copy=False):
    base = parts.settings.second_copy_dir if in_second_copy else str(parts.settings.data_dir)
    return Path(base) / "objects" / sha256[:2] / sha256


def damage(path):
    with path.open("r+b") as file:
        file.seek(10)
        file.write(b"\xff\x00\xff")


async def care_of(parts, ref):
    return await parts.database.read(lambda tx: tx.object_care.get(ref.sha256))


async def alarms(parts):
    return [alarm.kind for alarm in await parts.database.read(lambda tx: tx.alarms.open_alarms(EVERYWHERE))]


async def actions(parts):
    found = await parts.database.read(lambda tx: tx.audit.recent(EVERYWHERE))
    return [chained.entry.action for chained in found]


def sm3_of(data):
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize().hex()


async def test_every_object_gets_a_second_copy_that_was_read_back(parts):
    await prepare_second_copy(parts)
    refs = await keep(parts, b"a" * 3_000_000, b"b" * 10)
    assert await enrol_all(parts) == 2
    assert (await care_of(parts, refs[0])).copy_state is CopyState.WAITING
    assert await copy_waiting(parts) == 2
    for ref in refs:
        assert (await care_of(parts, ref)).copy_state is CopyState.COPIED
        copied = path_of(parts, ref.sha256, in_second_copy=True).read_bytes()
        assert hashlib.sha256(copied).hexdigest() == ref.sha256
    assert await copy_waiting(parts) == 0


async def test_what_came_since_the_last_look_is_enrolled_once_and_counted_to_its_day(parts, clock):
    await keep(parts, b"first")
    assert await enrol_all(parts) == 1
    since = clock()
    await keep(parts, b"second", b"third!")
    assert await enrol_since(parts, since - timedelta(minutes=1)) == 2
    assert await enrol_since(parts, since - timedelta(minutes=1)) == 0
    assert await enrol_all(parts) == 0
    assert await parts.database.read(lambda tx: tx.object_care.total()) == (3, 17)
    assert await parts.database.read(lambda tx: tx.objects.total()) == (3, 17)


async def test_safety_is_told_only_of_what_was_read_back_and_copied(parts):
    await prepare_second_copy(parts)
    [ref] = await keep(parts, b"an image")
    [before] = (await safety_of(parts, [ref.sha256])).values()
    assert (before.is_kept, before.is_sound, before.is_safe, before.is_waiting) == (True, True, False, True)
    assert "second copy" in before.why
    await JobRunner(parts, {**COPY_HANDLERS}).run_due()
    after = await safety_of(parts, [ref.sha256, "0" * 64])
    assert after[ref.sha256].is_safe
    assert after[ref.sha256].why == ""
    assert not after["0" * 64].is_kept
    assert "not kept" in after["0" * 64].why


async def test_a_damaged_object_is_never_called_safe(parts, clock):
    [ref] = await keep(parts, b"an image that rots")
    alone = dataclasses.replace(parts, second_copy=None)
    assert (await safety_of(alone, [ref.sha256]))[ref.sha256].is_safe
    damage(path_of(parts, ref.sha256))
    clock.advance(3600)
    safety = (await safety_of(alone, [ref.sha256]))[ref.sha256]
    assert not safety.is_sound
    assert not safety.is_safe
    assert not safety.is_waiting
    assert await alarms(alone) == ["object-damaged"]


async def test_the_first_pass_adds_sm3_and_the_next_pass_comes_after_its_time(parts, clock):
    refs = await keep(parts, b"one", b"two" * 700_000)
    await enrol_all(parts)
    clock.advance(60)
    assert (await scrub(parts)).checked == 2
    for ref, data in zip(refs, (b"one", b"two" * 700_000), strict=True):
        care = await care_of(parts, ref)
        assert (care.state, care.sm3, care.checked_at) == (CheckState.SOUND, sm3_of(data), clock())
    assert (await scrub(parts)).checked == 0
    clock.advance(31 * 86400)
    assert (await scrub(parts)).checked == 2


async def test_the_scrub_takes_the_oldest_first_and_goes_on_where_it_stopped(parts, clock):
    refs = []
    for number in range(5):
        refs += await keep(parts, f"object {number}".encode())
        clock.advance(10)
    await enrol_all(parts)
    for ref in refs:
        assert (await scrub(parts, limit=1)).checked == 1
        assert (await care_of(parts, ref)).state is CheckState.SOUND
        clock.advance(1)
    assert (await scrub(parts)).checked == 0


@pytest.mark.parametrize("fault", ["damaged", "missing"])
async def test_a_bad_object_is_alarmed_and_repaired_from_the_second_copy(parts, clock, fault):
    await prepare_second_copy(parts)
    [ref] = await keep(parts, b"precious" * 1000)
    await enrol_all(parts)
    await copy_waiting(parts)
    path = path_of(parts, ref.sha256)
    damage(path) if fault == "damaged" else path.unlink()
    result = await scrub(parts)
    assert (result.bad, result.repaired) == (1, 1)
    assert path.read_bytes() == b"precious" * 1000
    assert await alarms(parts) == [f"object-{fault}"], "it is never repaired silently"
    assert {f"object.{fault}", "object.repaired"} <= set(await actions(parts))


async def test_a_bad_object_without_a_copy_stays_alarmed_and_is_looked_at_again(parts, clock):
    [ref] = await keep(parts, b"lost for now")
    await enrol_all(parts)
    path_of(parts, ref.sha256).unlink()
    assert (await scrub(parts)).repaired == 0
    assert (await care_of(parts, ref)).state is CheckState.MISSING
    assert await alarms(parts) == ["object-missing"]
    assert (await scrub(parts)).checked == 0
    parts.objects.put(b"lost for now")          # somebody brought the bytes back
    clock.advance(2 * 3600)
    assert (await scrub(parts)).checked == 1
    assert (await care_of(parts, ref)).state is CheckState.SOUND
    assert "object.sound_again" in await actions(parts)


async def test_a_second_copy_that_went_bad_is_found_by_the_scrub_and_made_again(parts, clock):
    await prepare_second_copy(parts)
    [ref] = await keep(parts, b"good here" * 100)
    await enrol_all(parts)
    await copy_waiting(parts)
    damage(path_of(parts, ref.sha256, in_second_copy=True))
    await scrub(parts)
    assert (await care_of(parts, ref)).copy_state is CopyState.WAITING
    assert await alarms(parts) == ["second-copy-bad"]
    await copy_waiting(parts)
    assert path_of(parts, ref.sha256, in_second_copy=True).read_bytes() == b"good here" * 100


async def test_a_disk_that_is_not_mounted_gets_no_copies_and_one_alarm_until_it_is_back(parts, clock, tmp_path):
    await prepare_second_copy(parts)
    await keep(parts, b"before")
    await enrol_all(parts)
    await copy_waiting(parts)
    (tmp_path / "second").rename(tmp_path / "unplugged")
    (tmp_path / "second").mkdir()               # the empty mount point
    [ref] = await keep(parts, b"while it was away")
    await enrol_all(parts)
    job = Job(1, "second_copy:store", "second_copy", "store", clock(), 1)
    for _ in range(3):
        with pytest.raises(RetryLater, match="mounted"):
            await run_copies(parts, job)
    assert await alarms(parts) == ["second-copy-unavailable"]
    assert list((tmp_path / "second").iterdir()) == []
    (tmp_path / "second").rmdir()
    (tmp_path / "unplugged").rename(tmp_path / "second")
    await run_copies(parts, job)
    assert (await care_of(parts, ref)).copy_state is CopyState.COPIED
    assert await alarms(parts) == [], "the alarm closes by itself once copies are taken again"


async def test_another_place_means_that_everything_is_copied_again(parts, clock, tmp_path):
    await prepare_second_copy(parts)
    [ref] = await keep(parts, b"twice")
    await enrol_all(parts)
    await copy_waiting(parts)
    other = dataclasses.replace(parts, second_copy=open_second_copy(data_dir=parts.settings.data_dir,
                                                                    folder=str(tmp_path / "other")))
    await prepare_second_copy(other)
    assert (await care_of(other, ref)).copy_state is CopyState.WAITING
    await copy_waiting(other)
    assert (tmp_path / "other" / "objects" / ref.sha256[:2] / ref.sha256).read_bytes() == b"twice"


async def test_a_damaged_source_is_not_copied(parts, clock):
    await prepare_second_copy(parts)
    [ref] = await keep(parts, b"rotten from the start")
    await enrol_all(parts)
    damage(path_of(parts, ref.sha256))
    await copy_waiting(parts)
    care = await care_of(parts, ref)
    assert care.copy_state is CopyState.WAITING
    assert care.copy_attempts == 1
    assert "damaged" in care.copy_error
    assert not path_of(parts, ref.sha256, in_second_copy=True).exists()
    assert care.copy_due > clock(), "it is tried again, later and later"


async def test_the_jobs_of_the_store_do_all_of_it_by_themselves(parts, clock):
    await prepare_second_copy(parts)
    [ref] = await keep(parts, b"on its own")
    await enrol_all(parts)
    await parts.database.write(lambda tx: tx.jobs.enqueue("scrub_objects", "store", due=clock()))
    await JobRunner(parts, {**COPY_HANDLERS, **SCRUB_HANDLERS}).run_due()
    care = await care_of(parts, ref)
    assert (care.state, care.copy_state) == (CheckState.SOUND, CopyState.COPIED)
    assert care.sm3 == sm3_of(b"on its own")


async def test_safety_cannot_be_told_while_the_store_does_not_answer(parts):
    [ref] = await keep(parts, b"x")
    await enrol_all(parts)
    await parts.database.close()
    with pytest.raises(StorageUnavailable):
        await safety_of(parts, [ref.sha256])
