"""Arrivals, quarantine, alarms and the object index on both engines (requirement B4)."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from storage.model import EVERYWHERE, Arrival, ArrivalOutcome, ArrivalVia, ObjectRef, Scope
from tests.support.stores import START

HERE, ELSEWHERE = Scope(frozenset({"here"})), Scope(frozenset({"there"}))


def arrival(name="a1", outcome=ArrivalOutcome.KEPT, *, at_s=0, **more):
    known = Arrival(name, START + timedelta(seconds=at_s), ArrivalVia.DICOM, outcome, "here", "device-1", "DR1",
                    "10.0.0.5", "association-1", "ab" * 32, 5_000_000_000, file_name="心电图.xml",
                    sop_class_uid="1.2", sop_instance_uid="1.2.3", study_id="study-1", reason="", detail="")
    return dataclasses.replace(known, **more)


async def add(database, *arrivals):
    def work(tx):
        for one in arrivals:
            tx.arrivals.add(one)

    await database.write(work)


@pytest.mark.parametrize("outcome", ArrivalOutcome)
@pytest.mark.parametrize("via", ArrivalVia)
async def test_an_arrival_comes_back_as_it_was(database, outcome, via):
    told = arrival(outcome=outcome, via=via, device_id=None, study_id=None)
    await add(database, told)
    assert await database.read(lambda tx: tx.arrivals.get("a1", HERE)) == told


async def test_an_arrival_of_another_site_is_not_there(database):
    await add(database, arrival(outcome=ArrivalOutcome.QUARANTINED))
    for scope in (ELSEWHERE, Scope(frozenset())):
        assert await database.read(lambda tx, scope=scope: tx.arrivals.get("a1", scope)) is None
        assert await database.read(lambda tx, scope=scope: tx.arrivals.of_study("study-1", scope)) == []
        assert await database.read(lambda tx, scope=scope: tx.arrivals.quarantine(scope)) == []
        assert await database.write(lambda tx, scope=scope: tx.arrivals.resolve("a1", "u", START, scope)) is False


async def test_the_arrivals_of_a_study_are_told_in_the_order_they_came(database):
    await add(database, arrival("late", at_s=9), arrival("early", at_s=1), arrival("other", study_id="study-2"))
    assert [a.id for a in await database.read(lambda tx: tx.arrivals.of_study("study-1", EVERYWHERE))] == [
        "early", "late"]


async def test_the_quarantine_holds_what_is_unresolved_newest_first(database):
    await add(database, arrival("kept"), arrival("twice", ArrivalOutcome.DUPLICATE),
              arrival("conflict", ArrivalOutcome.CONFLICT, at_s=1),
              arrival("broken", ArrivalOutcome.QUARANTINED, at_s=2))

    async def names(**options):
        return [a.id for a in await database.read(lambda tx: tx.arrivals.quarantine(HERE, **options))]

    assert await names() == ["broken", "conflict"]
    assert await names(limit=1) == ["broken"]
    assert await database.write(lambda tx: tx.arrivals.resolve("broken", "admin", START, HERE)) is True
    assert await database.write(lambda tx: tx.arrivals.resolve("broken", "admin", START, HERE)) is False
    assert await database.write(lambda tx: tx.arrivals.resolve("kept", "admin", START, HERE)) is False
    assert await names() == ["conflict"]
    assert await names(include_resolved=True) == ["broken", "conflict"]
    settled = await database.read(lambda tx: tx.arrivals.get("broken", HERE))
    assert (settled.resolved_by, settled.resolved_at) == ("admin", START)


async def test_an_alarm_is_raised_once_until_it_is_acknowledged(database):
    async def raise_it(at_s=0):
        return await database.write(lambda tx: tx.alarms.raise_alarm(
            "sop-instance-conflict", site_id="here", ref="a1", detail="同一实例号,内容不同",
            at=START + timedelta(seconds=at_s)))

    first = await raise_it()
    assert await raise_it(5) == first
    assert await database.read(lambda tx: tx.alarms.open_alarms(HERE)) == [first]
    assert await database.read(lambda tx: tx.alarms.open_alarms(ELSEWHERE)) == []
    assert await database.read(lambda tx: tx.alarms.about(first.ref, HERE)) == [first]
    assert await database.read(lambda tx: tx.alarms.about(first.ref, ELSEWHERE)) == []
    assert await database.write(lambda tx: tx.alarms.acknowledge(first.id, "admin", START, ELSEWHERE)) is False
    assert await database.write(lambda tx: tx.alarms.acknowledge(first.id, "admin", START, HERE)) is True
    assert await database.write(lambda tx: tx.alarms.acknowledge(first.id, "admin", START, HERE)) is False
    assert await database.read(lambda tx: tx.alarms.open_alarms(EVERYWHERE)) == []
    assert await database.read(lambda tx: tx.alarms.about(first.ref, HERE)) == []
    assert (await raise_it(9)).id != first.id


async def test_alarms_are_listed_newest_first(database):
    for number in range(3):
        await database.write(lambda tx, n=number: tx.alarms.raise_alarm(
            "storage-full", site_id="here", ref=str(n), detail="", at=START + timedelta(seconds=n)))
    alarms = await database.read(lambda tx: tx.alarms.open_alarms(EVERYWHERE, limit=2))
    assert [alarm.ref for alarm in alarms] == ["2", "1"]


async def test_the_index_knows_each_object_once(database):
    refs = [ObjectRef(f"{number:064x}", number * 3_000_000_000) for number in range(2500)]

    def add_all(tx):
        for ref in refs:
            tx.objects.add(ref, kind="received", at=START)
        tx.objects.add(refs[0], kind="quarantined", at=START)

    await database.write(add_all)
    assert await database.read(lambda tx: list(tx.objects.walk())) == refs
    assert await database.read(lambda tx: tx.objects.total()) == (2500, sum(ref.size_bytes for ref in refs))
    assert await database.read(lambda tx: tx.objects.has(refs[7].sha256)) is True
    assert await database.read(lambda tx: tx.objects.has("f" * 64)) is False


async def test_an_empty_index_has_nothing(database):
    assert await database.read(lambda tx: tx.objects.total()) == (0, 0)
    assert await database.read(lambda tx: list(tx.objects.walk())) == []
    assert await database.read(lambda tx: tx.objects.unnamed()) == []


async def test_a_row_without_its_object_is_found(database):
    await add(database, arrival())
    assert await database.read(lambda tx: tx.objects.unnamed()) == [("arrival", "a1", "ab" * 32)]
    await database.write(lambda tx: tx.objects.add(ObjectRef("ab" * 32, 1), kind="received", at=START))
    assert await database.read(lambda tx: tx.objects.unnamed()) == []
