"""`verify` names every fault of a store; the sweep removes only what nobody can need (B2, B11, J2)."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from gateway.services.sweep_orphans import clear_part_files, sweep_orphans
from gateway.services.verify_store import verify
from storage.model import Arrival, ArrivalOutcome, ArrivalVia, AuditEntry, new_id
from storage.tables.schema import audit, stored_object
from tests.support.stores import ManualClock


@pytest.fixture
def clock():
    return ManualClock(datetime.now(UTC))  # files carry the system's time


async def keep(parts, data):
    """As receiving does: object, then one write."""
    ref = parts.objects.put(data)

    def work(tx):
        tx.objects.add(ref, kind="received", at=parts.clock())
        tx.arrivals.add(Arrival(new_id(), parts.clock(), ArrivalVia.DICOM, ArrivalOutcome.KEPT, "clinic", None, "DR1",
                                "10.0.0.5", "1", ref.sha256, ref.size_bytes))
        tx.audit.append(AuditEntry(parts.clock(), "device:DR1", "instance.received", site_id="clinic"))

    await parts.database.write(work)
    return ref.sha256


def path_of(parts, sha256):
    return parts.settings.data_dir / "objects" / sha256[:2] / sha256


async def test_a_sound_store_is_said_to_be_sound_with_its_counts(parts):
    for number in range(5):
        await keep(parts, f"object {number}".encode())
    progress = []
    result = await verify(parts, on_progress=lambda done, total: progress.append((done, total)))
    assert result.is_sound
    assert (result.objects_checked, result.audit_checked, result.orphans) == (5, 5, 0)
    assert result.bytes_checked == 5 * len("object 0")
    assert progress == [(n, 5) for n in range(1, 6)]
    assert "0 missing" in result.summary()


async def test_a_missing_object_is_named(parts):
    lost, _ = await keep(parts, b"lost"), await keep(parts, b"kept")
    path_of(parts, lost).unlink()
    result = await verify(parts)
    assert result.missing == (lost,)
    assert not result.is_sound
    assert "1 missing" in result.summary()


async def test_one_flipped_bit_is_named(parts):
    sha256 = await keep(parts, b"x" * 100_000)
    with path_of(parts, sha256).open("r+b") as file:
        file.seek(70_000)
        file.write(b"y")
    result = await verify(parts)
    assert result.damaged == (sha256,)
    assert not result.is_sound


async def test_a_row_that_points_nowhere_is_named(parts):
    sha256 = await keep(parts, b"forgotten by the index")
    await parts.database.write(lambda tx: tx.connection.execute(
        sa.delete(stored_object).where(stored_object.c.sha256 == sha256)))
    result = await verify(parts)
    assert [row.split()[0::2] for row in result.pointing_nowhere] == [["arrival", sha256]]
    assert not result.is_sound


@pytest.mark.parametrize(("what", "change"), [
    ("changed", sa.update(audit).where(audit.c.seq == 2).values(actor="nobody")),
    ("removed", sa.delete(audit).where(audit.c.seq == 2)),
    ("gone", sa.delete(audit).where(audit.c.seq == 3)),
])
async def test_a_forged_audit_trail_is_named(parts, what, change):
    for number in range(3):
        await keep(parts, f"{number}".encode())
    await parts.database.write(lambda tx: tx.connection.execute(change))
    result = await verify(parts)
    assert len(result.audit_faults) >= 1
    assert what in result.audit_faults[0]
    assert not result.is_sound


async def test_the_sweep_takes_old_orphans_and_leaves_young_ones_and_what_is_indexed(parts, clock):
    indexed = await keep(parts, b"indexed")
    orphan = parts.objects.put(b"orphan").sha256
    assert (await verify(parts)).orphans == 1
    assert (await sweep_orphans(parts)).orphans == 0, "it may still be about to be indexed"
    clock.advance(3700)
    assert (await sweep_orphans(parts)).orphans == 1
    assert parts.objects.names() == [indexed]
    assert orphan not in parts.objects.names()
    assert (await verify(parts)).is_sound


async def test_an_old_orphan_whose_bytes_arrive_again_is_not_swept_away(parts, clock):
    ref = parts.objects.put(b"sent again after the crash")
    old = (clock() - timedelta(hours=5)).timestamp()
    os.utime(path_of(parts, ref.sha256), (old, old))
    parts.objects.put(b"sent again after the crash")
    assert (await sweep_orphans(parts)).orphans == 0
    assert parts.objects.names() == [ref.sha256]


async def test_part_files_of_a_dead_process_are_cleared_at_start(parts, clock):
    # As where the file system knows no files without a name; elsewhere the system itself takes them back.
    (parts.settings.data_dir / "objects" / "parts" / new_id()).write_bytes(b"half an object")
    clock.advance(5)
    assert await clear_part_files(parts) == 1
    assert list((parts.settings.data_dir / "objects" / "parts").iterdir()) == []
    assert await clear_part_files(parts) == 0
