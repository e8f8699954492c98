"""Decisions, filters and what stands together in the quarantine; notes and corrections of text, on both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from storage.model import (
    EVERYWHERE,
    Arrival,
    ArrivalOutcome,
    ArrivalVia,
    CharacterSetCorrection,
    CharacterSetNote,
    Confidence,
    QuarantineChoice,
    QuarantineDecision,
    QuarantineFilter,
    Scope,
    new_id,
)
from tests.support.stores import START

HERE = Scope(frozenset({"here"}))


def arrival(number: int, **fields) -> Arrival:
    made = Arrival(f"a{number}", START + timedelta(seconds=number), ArrivalVia.DICOM, ArrivalOutcome.CONFLICT, "here",
                   None, "CT_1", "10.0.0.1", "assoc-1", f"{number:064x}", 9, sop_instance_uid=f"1.2.{number}",
                   reason="sop-instance-conflict")
    return replace(made, **fields)


async def add(database, *arrivals: Arrival) -> None:
    def work(tx):
        for one in arrivals:
            tx.arrivals.add(one)

    await database.write(work)


async def test_filters_scope_and_counts_agree(database):
    await add(database, arrival(1), arrival(2, reason="truncated"), arrival(3, site_id="there", file_name="100%.dcm"),
              arrival(4, outcome=ArrivalOutcome.KEPT), arrival(5, resolved_at=START, resolved_by="me"))

    async def ids(scope=EVERYWHERE, **asked):
        wanted = QuarantineFilter(**asked)
        return [a.id for a in await database.read(lambda tx: tx.quarantine.arrivals(scope, wanted))]

    assert await ids() == ["a3", "a2", "a1"]
    assert await ids(HERE) == ["a2", "a1"]
    assert await ids(HERE, site_id="there") == []
    assert await ids(is_decided=True) == ["a5"]
    assert await ids(is_decided=None) == ["a5", "a3", "a2", "a1"]
    assert await ids(reason="truncated") == ["a2"]
    assert await ids(text="0%.d") == ["a3"]
    assert await ids(text="_") == ["a3", "a2", "a1"]          # CT_1, and no wildcard
    assert await ids(text="'; --") == []
    reasons = await database.read(lambda tx: tx.quarantine.reasons(HERE, QuarantineFilter(reason="truncated")))
    assert reasons == {"sop-instance-conflict": 1, "truncated": 1}
    one = await database.read(lambda tx: tx.quarantine.arrivals(EVERYWHERE, QuarantineFilter(), limit=1, offset=1))
    assert [a.id for a in one] == ["a2"]


async def test_what_came_with_it_for_the_same_reason_and_still_waits_is_alike(database):
    first = arrival(1)
    await add(database, first, arrival(2), arrival(3, reason="truncated"), arrival(4, association_id="other"),
              arrival(5, site_id="there"), arrival(6, resolved_at=START, resolved_by="me"),
              arrival(7, association_id=""))
    assert await database.read(lambda tx: tx.quarantine.alike(first)) == ["a2"]
    assert await database.read(lambda tx: tx.quarantine.alike(arrival(7, association_id=""))) == []


async def test_the_same_bytes_under_the_same_uid_from_the_same_site_are_found_by_their_first_arrival(database):
    same = {"object_sha256": "f" * 64, "sop_instance_uid": "1.2.9"}
    await add(database, arrival(1, **same), arrival(2, **same), arrival(3, **same, outcome=ArrivalOutcome.KEPT))

    async def found(uid, sha256, site):
        return await database.read(lambda tx: tx.quarantine.find_same(uid, sha256, site))

    assert await found("1.2.9", "f" * 64, "here") == "a1"
    for other in (("1.2.8", "f" * 64, "here"), ("1.2.9", "e" * 64, "here"), ("1.2.9", "f" * 64, "there")):
        assert await found(*other) is None


async def test_decisions_come_back_in_order_and_an_arrival_can_be_reopened(database):
    await add(database, arrival(1))
    made = [QuarantineDecision(new_id(), "a1", "here", START + timedelta(seconds=n), "me", choice, "看过",
                               detail={"n": n})
            for n, choice in enumerate((QuarantineChoice.SETTLE, QuarantineChoice.UNDO))]

    def work(tx):
        for decision in reversed(made):
            tx.quarantine.add_decision(decision)
        resolved = tx.arrivals.resolve("a1", "me", START, EVERYWHERE)
        return resolved, tx.quarantine.reopen("a1"), tx.quarantine.reopen("a1")

    assert await database.write(work) == (True, True, False)
    assert await database.read(lambda tx: tx.quarantine.decisions("a1")) == made


async def test_a_study_is_noted_once_and_the_newest_of_each_device_are_kept_apart(database):
    def note(number, device="dr", codec="gb18030"):
        at = START + timedelta(seconds=number)
        return CharacterSetNote(f"s{number}", device, at, "", codec, Confidence.GUESSED)

    def work(tx):
        for number in range(5):
            tx.character_sets.note(note(number))
        tx.character_sets.note(note(4, codec="utf-8"))
        tx.character_sets.note(note(9, "ct"))

    await database.write(work)
    newest = await database.read(lambda tx: tx.character_sets.notes_of("dr", limit=2))
    assert newest == [note(4, codec="utf-8"), note(3)]
    by_device = await database.read(lambda tx: tx.character_sets.notes_of_all(limit=3))
    assert {device: sorted(n.study_id for n in found) for device, found in by_device.items()} == {
        "dr": ["s2", "s3", "s4"], "ct": ["s9"]}


async def test_corrections_are_counted_and_finished(database):
    made = CharacterSetCorrection(new_id(), "dr", "here", START, "me", "厂家确认", "", "gb18030")

    def work(tx):
        tx.character_sets.add_correction(made)
        tx.character_sets.count_read_again(made.id, 2)
        tx.character_sets.count_read_again(made.id, 1)
        tx.character_sets.finish_correction(made.id, START)
        return tx.character_sets.correction(made.id), tx.character_sets.corrections_of("dr")

    found, listed = await database.write(work)
    assert found == replace(made, studies=3, finished_at=START)
    assert listed == [found]
