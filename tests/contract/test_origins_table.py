"""Origins, relay rules and certificates seen, alike on both engines (A7, J4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from storage.model import (
    Comparison,
    Evidence,
    EvidenceKind,
    OriginState,
    RelayRule,
    SeenCertificate,
    StudyOrigin,
)

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ORIGIN = StudyOrigin(
    "study-1", OriginState.WAITING, "", None, "sites-differ", "device-1", "town",
    (Evidence(EvidenceKind.DEVICE, "DR_1 @ 10.0.0.5", "town"),
     Evidence(EvidenceKind.INSTITUTION, "河西乡卫生院", "hexi")), AT, {"InstitutionName": "河西乡卫生院"})
SEEN = SeenCertificate("c-1", "DR_1", "10.0.0.5", "ab" * 32, "CN=演示", "CN=Demo", AT + timedelta(days=9), AT, False)


async def test_an_origin_comes_back_as_it_was_kept_and_as_it_was_settled(database):
    await database.write(lambda tx: tx.origins.add(ORIGIN))
    assert await database.read(lambda tx: tx.origins.get("study-1")) == ORIGIN
    settled = replace(ORIGIN, state=OriginState.SETTLED, site_id="hexi", decided_by=EvidenceKind.PERSON,
                      settled_at=AT, settled_by="admin-1", reason="核实")
    await database.write(lambda tx: tx.origins.replace(settled))
    assert await database.read(lambda tx: tx.origins.get("study-1")) == settled
    assert await database.read(lambda tx: tx.origins.get("study-2")) is None


async def test_what_waits_is_listed_the_oldest_first(database):
    def add(tx):
        for number, state in enumerate((OriginState.WAITING, OriginState.SETTLED, OriginState.WAITING)):
            tx.origins.add(replace(ORIGIN, study_id=f"s{number}", state=state, at=AT - timedelta(hours=number)))

    await database.write(add)
    assert [one.study_id for one in await database.read(lambda tx: tx.origins.waiting())] == ["s2", "s0"]
    assert len(await database.read(lambda tx: tx.origins.waiting())) == 2


async def test_relay_rules_are_replaced_whole_and_keep_their_order(database):
    first = RelayRule("r-1", 2, None, "PatientID", Comparison.STARTS_WITH, "BH-", "town")
    second = RelayRule("r-2", 1, "device-1", "StationName", Comparison.EQUALS, "北河", "hexi", is_enabled=False)
    await database.write(lambda tx: tx.origins.replace_relay_rules([first, second]))
    assert await database.read(lambda tx: tx.origins.relay_rules()) == [second, first]
    await database.write(lambda tx: tx.origins.replace_relay_rules([first]))
    assert await database.read(lambda tx: tx.origins.relay_rules()) == [first]


async def test_the_newest_certificate_of_a_caller_replaces_the_one_before(database):
    newer = replace(SEEN, id="c-2", sha256="cd" * 32, seen_at=AT + timedelta(hours=1), is_admitted=True)
    elsewhere = replace(SEEN, id="c-3", address="10.0.0.6", seen_at=AT + timedelta(hours=2))
    for seen in (SEEN, newer, elsewhere):
        await database.write(lambda tx, one=seen: tx.origins.note_certificate(one))
    found = await database.read(lambda tx: tx.origins.certificates())
    assert [(one.address, one.sha256[:2], one.is_admitted) for one in found] == [
        ("10.0.0.6", "ab", False), ("10.0.0.5", "cd", True)]
    assert (await database.read(lambda tx: tx.origins.newest_certificate("DR_1", "10.0.0.5"))).sha256 == "cd" * 32
    assert (await database.read(lambda tx: tx.origins.newest_certificate("DR_1", None))).address == "10.0.0.6"
    assert await database.read(lambda tx: tx.origins.newest_certificate("DR_2", None)) is None
