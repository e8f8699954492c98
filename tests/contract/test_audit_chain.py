"""The audit trail on both engines: append-only, chained, and a change of anything is found (requirement J2)."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa

from storage.model import EVERYWHERE, AuditEntry, Priority, Scope
from storage.tables.audit import CHAIN_START, chain_fault
from storage.tables.schema import audit
from tests.support.stores import START


def entry(number=1, **more):
    values: dict[str, Any] = {"at": START + timedelta(seconds=number), "actor": "演示医生", "action": "study.opened",
              "site_id": "clinic", "study_id": "study-1", "patient_id": "patient-1", "address": "10.0.0.5",
              "detail": {"number": number, "why": "急诊", "ratio": 0.1}}
    return AuditEntry(**(values | more))


async def append(database, *entries):
    for one in entries:
        await database.write(lambda tx, one=one: tx.audit.append(one))


async def walk(database):
    return await database.read(lambda tx: list(tx.audit.walk()))


def faults(chain):
    previous, found = None, []
    for chained in chain:
        found.append(chain_fault(chained, previous))
        previous = chained
    return [fault for fault in found if fault]


async def test_an_untouched_chain_is_whole(database):
    await append(database, *[entry(n) for n in range(1, 6)])
    chain = await walk(database)
    assert [chained.seq for chained in chain] == [1, 2, 3, 4, 5]
    assert chain[0].previous_hash == CHAIN_START
    assert [chained.node for chained in chain] == ["node-a"] * 5
    assert chain[2].entry == entry(3)
    assert faults(chain) == []


async def test_what_comes_back_is_what_was_hashed_whatever_went_in(database):
    detail = {"tags": ("a", "b"), "priority": Priority.URGENT, "at": START, "nested": {"z": 1, "a": [None, True]},
              "big": 2**60, "text": "引号\" 反斜线\\ 表情🙂", 5: "a number as a key"}
    local = timezone(timedelta(hours=8))
    await append(database, entry(1, detail=detail, at=START.astimezone(local)),
                 entry(2, site_id=None, study_id=None, patient_id=None, detail={}, is_success=False))
    chain = await walk(database)
    assert faults(chain) == []
    assert chain[0].entry.at == START
    assert chain[0].entry.at.tzinfo is UTC


CHANGES = {
    "at": START, "actor": "somebody else", "action": "study.closed", "is_success": False, "site_id": "other",
    "study_id": None, "patient_id": "patient-2", "address": "", "detail": {"number": 3, "why": "急诊"},
    "previous_hash": "f" * 64, "hash": "e" * 64, "seq": 33, "node": "node-z",
}


@pytest.mark.parametrize("column", CHANGES)
async def test_a_change_of_any_field_is_found(database, column):
    await append(database, *[entry(n) for n in range(1, 6)])
    await database.write(lambda tx: tx.connection.execute(
        sa.update(audit).where(audit.c.seq == 3).values({column: CHANGES[column]})))
    assert faults(await walk(database))


def test_every_column_is_tried_in_the_test_above():
    assert set(CHANGES) == {column.name for column in audit.columns}


async def test_a_removed_entry_is_found(database):
    await append(database, *[entry(n) for n in range(1, 6)])
    await database.write(lambda tx: tx.connection.execute(sa.delete(audit).where(audit.c.seq == 2)))
    assert faults(await walk(database)) == ["entry 3 follows 1: one was removed or added"]


async def test_a_cut_tail_does_not_match_the_head_row(database):
    await append(database, *[entry(n) for n in range(1, 6)])
    await database.write(lambda tx: tx.connection.execute(sa.delete(audit).where(audit.c.seq == 5)))
    chain = await walk(database)
    assert faults(chain) == []
    heads = await database.read(lambda tx: tx.audit.head())
    assert heads["node-a"] != (chain[-1].seq, chain[-1].hash)


async def test_the_chain_can_be_checked_without_our_code(database):
    await append(database, entry(1), entry(2))
    first, second = await walk(database)
    content = dataclasses.asdict(second.entry) | {"node": "node-a", "seq": 2, "at": "2026-03-02T01:00:02.000000Z"}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert second.hash == hashlib.sha256((first.hash + "\n" + text).encode()).hexdigest()


async def test_entries_of_many_at_once_form_one_chain(database):
    await asyncio.gather(*[append(database, entry(n), entry(n)) for n in range(20)])
    chain = await walk(database)
    assert len(chain) == 40
    assert faults(chain) == []


async def test_an_act_that_fails_leaves_no_entry_and_no_gap(database):
    def fail(tx):
        tx.audit.append(entry(2))
        raise LookupError

    await append(database, entry(1))
    await asyncio.gather(database.write(fail), return_exceptions=True)
    await append(database, entry(3))
    chain = await walk(database)
    assert [chained.entry.detail["number"] for chained in chain] == [1, 3]
    assert faults(chain) == []


async def test_the_story_of_a_study_is_told_in_order_and_only_within_scope(database):
    await append(database, entry(3), entry(1), entry(2, study_id="study-2"), entry(4, site_id="other"))
    of_study = await database.read(lambda tx: tx.audit.of_study("study-1", Scope(frozenset({"clinic"}))))
    assert [chained.entry.detail["number"] for chained in of_study] == [1, 3]
    assert await database.read(lambda tx: tx.audit.of_study("study-1", Scope(frozenset()))) == []
    recent = await database.read(lambda tx: tx.audit.recent(EVERYWHERE, limit=2))
    assert [chained.entry.detail["number"] for chained in recent] == [4, 3]
