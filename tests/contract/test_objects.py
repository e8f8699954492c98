"""What every object store promises (requirements B1: bits as received; B2: durable before the answer)."""

from __future__ import annotations

import hashlib
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from storage.errors import ObjectMissing, StorageFull
from storage.model import ObjectRef
from storage.objects.files import FileObjectStore

UNKNOWN = "0" * 64


def some_bytes(size, seed=1):
    return random.Random(seed).randbytes(size)


def test_an_object_comes_back_byte_for_byte_under_its_hash(objects):
    data = some_bytes(300_001)
    ref = objects.put(data)
    assert ref == ObjectRef(hashlib.sha256(data).hexdigest(), len(data))
    assert objects.get(ref.sha256) == data
    assert objects.size(ref.sha256) == len(data)


def test_an_object_may_be_written_in_pieces_of_any_size(objects):
    data = some_bytes(1_000_000)
    writer = objects.begin()
    at = 0
    for size in (1, 7, 65_536, 500_000, 0, len(data)):
        writer.write(memoryview(data)[at:at + size])
        at += size
    ref = writer.finish()
    assert objects.get(ref.sha256) == data


def test_an_empty_object_is_an_object(objects):
    ref = objects.put(b"")
    assert objects.get(ref.sha256) == b""
    assert objects.get_range(ref.sha256, 0, 10) == b""


def test_the_same_bytes_twice_are_one_object(objects):
    first, second = objects.put(b"the same"), objects.put(b"the same")
    assert first == second
    assert objects.names() == [first.sha256]


def test_the_same_bytes_from_many_threads_at_once_are_one_whole_object(objects):
    data = some_bytes(200_000)
    with ThreadPoolExecutor(8) as pool:
        refs = set(pool.map(objects.put, [data] * 16))
    assert len(refs) == 1
    assert objects.get(refs.pop().sha256) == data


def test_a_range_is_cut_at_the_end(objects):
    ref = objects.put(b"0123456789")
    assert objects.get_range(ref.sha256, 3, 4) == b"3456"
    assert objects.get_range(ref.sha256, 8, 100) == b"89"
    assert objects.get_range(ref.sha256, 10, 5) == b""
    assert objects.get_range(ref.sha256, 99, 5) == b""


async def test_an_object_is_streamed_in_order(objects):
    data = some_bytes(2_500_000)
    ref = objects.put(data)
    chunks = [chunk async for chunk in objects.stream(ref.sha256, 1 << 18)]
    assert b"".join(chunks) == data
    assert len(chunks) > 1


async def test_what_is_not_there_is_missing_however_it_is_asked_for(objects):
    for ask in (objects.get, objects.size, objects.stored_at, lambda name: objects.get_range(name, 0, 1)):
        with pytest.raises(ObjectMissing):
            ask(UNKNOWN)
    with pytest.raises(ObjectMissing):
        async for _ in objects.stream(UNKNOWN):
            pass


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "ABCDEF" * 11, "a" * 63, "a" * 63 + "/"])
def test_a_name_that_is_no_hash_reaches_no_file(objects, name):
    with pytest.raises(ObjectMissing):
        objects.get(name)


def test_an_abandoned_object_leaves_nothing(objects):
    writer = objects.begin()
    writer.write(b"half of it")
    writer.abandon()
    writer.abandon()
    assert objects.names() == []


def test_a_name_is_known_before_the_bytes_are_durable(objects):
    data = some_bytes(100_000)
    writer = objects.begin()
    writer.write(data)
    announced = writer.ref()
    assert writer.finish() == announced == objects.put(data)


@pytest.mark.parametrize("lies_there", [b"", b"half", b"x" * 70_000], ids=["nothing", "less", "as many bytes"])
def test_bytes_that_are_not_what_their_name_says_are_replaced_when_the_right_ones_come(tmp_path, lies_there):
    """A power cut may leave a name whose bytes were not yet on the disk."""
    files = FileObjectStore(tmp_path / "objects", reserve_bytes=0)
    data = some_bytes(70_000)
    ref = files.put(data)
    (tmp_path / "objects" / ref.sha256[:2] / ref.sha256).write_bytes(lies_there)
    assert files.put(data) == ref
    assert files.get(ref.sha256) == data
    assert list((tmp_path / "objects" / "parts").iterdir()) == []


def test_names_lists_every_object(objects):
    refs = {objects.put(some_bytes(100, seed)).sha256 for seed in range(20)}
    assert set(objects.names()) == refs


def test_an_old_orphan_is_removed_and_one_that_came_again_is_not(objects):
    ref = objects.put(b"an orphan")
    now = datetime.now(UTC)
    assert abs(objects.stored_at(ref.sha256) - now) < timedelta(seconds=60)
    assert objects.remove_orphan(ref.sha256, stored_before=now - timedelta(hours=1)) is False
    assert objects.get(ref.sha256) == b"an orphan"
    assert objects.remove_orphan(ref.sha256, stored_before=now + timedelta(minutes=2)) is True
    with pytest.raises(ObjectMissing):
        objects.get(ref.sha256)


def test_below_the_reserve_nothing_is_begun(objects):
    objects._reserve_bytes = 1 << 60
    with pytest.raises(StorageFull):
        objects.begin()
    assert objects.names() == []


@pytest.mark.parametrize("piece_bytes", [1 << 16, 700_001, 1 << 30])
def test_a_large_object_is_whole_however_it_comes(objects, piece_bytes):
    """It is hashed beside its arrival; what the writer was given may change as soon as `write` returned."""
    data = some_bytes(9_000_001)
    writer = objects.begin()
    for start in range(0, len(data), piece_bytes):
        piece = bytearray(data[start:start + piece_bytes])
        writer.write(memoryview(piece))
        piece[:] = bytes(len(piece))
    ref = writer.finish()
    assert ref == ObjectRef(hashlib.sha256(data).hexdigest(), len(data))
    assert objects.get(ref.sha256) == data


def test_a_large_object_that_is_abandoned_leaves_no_thread(objects):
    before = threading.active_count()
    writer = objects.begin()
    writer.write(some_bytes(3 << 20))
    writer.abandon()
    assert threading.active_count() == before
