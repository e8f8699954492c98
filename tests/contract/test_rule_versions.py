"""Versions of the rules and the replay of decisions, alike on both engines (D6; section 1, rows S1 to S3)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from gateway.core.errors import NotNow
from gateway.services.activate_rules import ensure_rules, packaged_rules
from gateway.services.ports import Parts
from gateway.services.rules.prove import prove
from gateway.services.rules.simulate import simulate
from gateway.services.rules.versions import Author, propose_rules
from gateway.settings import Settings
from storage.interface import Transaction
from storage.migrations.upgrading import configuration, upgrade
from storage.model import EVERYWHERE, RuleState, Scope
from storage.objects.files import FileObjectStore
from storage.tables.schema import UtcDateTime
from tests.support.replayed_county import UNTIL, ZONE, fill, rule_set
from tests.support.stores import START, ManualClock, RecordingEvents

SINCE = UNTIL - timedelta(days=30)
BUSY = rule_set(12)
DRAFT = BUSY.replace("rules:\n", """rules:
  - name: CT goes up
    when: ['study.modality == "CT"']
    then: {group: upper}
""")


@pytest.fixture
def parts(database, tmp_path):
    """Parts over the engine under test."""
    return Parts(Settings(data_dir=tmp_path), database, FileObjectStore(tmp_path / "objects", reserve_bytes=0),
                 ManualClock(UNTIL), RecordingEvents(), "node-a")


async def test_a_version_comes_back_with_all_that_was_said_of_it(database):
    def story(tx):
        first = tx.rule_versions.add("一", title="甲", state=RuleState.ACTIVE, by="u1", at=START)
        second = tx.rule_versions.add("二", title="乙", state=RuleState.AWAITING_APPROVAL, by="u1", at=START,
                                      note="试行", based_on=first, restores=first)
        third = tx.rule_versions.add("三", title="丙", state=RuleState.AWAITING_APPROVAL, by="u1", at=START)
        assert not tx.rule_versions.supersede(second), "it was never in force"
        assert tx.rule_versions.supersede(first)
        later = START + timedelta(hours=1)
        assert tx.rule_versions.approve(second, by="u2", at=later)
        assert not tx.rule_versions.approve(second, by="u2", at=later), "it does not wait any more"
        assert tx.rule_versions.refuse(third, by="u3", at=later, reason="不行")
        return first, second, third

    first, second, third = await database.write(story)
    listed = await database.read(lambda tx: tx.rule_versions.list())
    assert [(v.version, v.state, v.title) for v in listed] == [
        (third, "refused", "丙"), (second, "active", "乙"), (first, "superseded", "甲")]
    active = await database.read(lambda tx: tx.rule_versions.active())
    assert active == listed[1]
    assert (active.approved_by, active.note, active.based_on, active.restores) == ("u2", "试行", first, first)
    assert (listed[0].refused_by, listed[0].refused_reason, listed[0].activated_at) == ("u3", "不行", None)
    assert await database.read(lambda tx: tx.rule_versions.source(second)) == "二"


async def test_the_store_itself_holds_that_only_one_version_is_in_force(database):
    await database.write(lambda tx: tx.rule_versions.add("一", title="", state=RuleState.ACTIVE, by="u", at=START))
    if database.__class__.__name__ == "SqliteDatabase":
        with pytest.raises(sa.exc.IntegrityError):
            await database.write(lambda tx: tx.rule_versions.add("二", title="", state=RuleState.ACTIVE, by="u",
                                                                 at=START))
    assert len(await database.read(lambda tx: tx.rule_versions.list())) == 1


async def test_of_many_who_activate_at_once_one_wins_and_the_others_are_told(parts):
    first = await ensure_rules(parts)
    texts = [packaged_rules() + f"# {number}\n" for number in range(8)]
    outcomes = await asyncio.gather(*[propose_rules(parts, text, Author(f"u{n}"), based_on=first)
                                      for n, text in enumerate(texts)], return_exceptions=True)
    told = [outcome.reason for outcome in outcomes if isinstance(outcome, NotNow)]
    [won] = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert told == ["rules-changed"] * 7
    listed = await parts.database.read(lambda tx: tx.rule_versions.list())
    assert [(v.version, v.state) for v in listed] == [(won.version, "active"), (first, "superseded")]


async def test_a_month_is_replayed_page_by_page_with_the_same_result(parts):
    version = await ensure_rules(parts)
    await parts.database.write(lambda tx: fill(tx.connection, BUSY, 120, version=version))
    window: dict[str, Any] = {"since": SINCE, "until": UNTIL, "zone": ZONE}
    proof = await prove(parts.database, version, BUSY, is_whole=True, **window)
    assert (proof.replayed, proof.equal, proof.differences) == (120, 120, [])
    result = await simulate(parts.database, DRAFT, **window)
    assert result.studies == 120
    assert 0 < result.moved == sum(move.studies for move in result.moves) <= result.changed
    assert {move.to_group for move in result.moves} <= {"upper", "night"}

    def walk(tx, size):
        after, met = None, []
        while page := tx.replays.page(SINCE, UNTIL, after=after, limit=size):
            after = (page[-1].at, page[-1].decision_id)
            met += page
        return met

    by_seven = await parts.database.read(lambda tx: walk(tx, 7))
    assert by_seven == await parts.database.read(lambda tx: walk(tx, 1000))
    assert len({found.study_id for found in by_seven}) == 120


async def test_a_study_counts_once_with_its_newest_decision_of_the_time(parts):
    await parts.database.write(lambda tx: fill(tx.connection, BUSY, 10))

    def decide_again(tx):
        for number, at in enumerate((UNTIL - timedelta(minutes=1), UNTIL + timedelta(minutes=1))):
            tx.connection.execute(sa.text(
                "INSERT INTO decision SELECT :id, study_id, :at, rules_version, priority, duty_group, reader_id, "
                "due_at, tags, because, facts, hints, outcome, inputs FROM decision WHERE id = 'decision-2-000004'")
                .bindparams(sa.bindparam("at", type_=UtcDateTime())),
                {"id": f"again-{number}", "at": at})

    await parts.database.write(decide_again)
    page = await parts.database.read(lambda tx: tx.replays.page(SINCE, UNTIL))
    assert len(page) == 10 == await parts.database.read(lambda tx: tx.replays.count(SINCE, UNTIL))
    assert [found.decision_id for found in page if found.study_id == "study-2-000004"] == ["again-0"]


async def test_the_last_decided_studies_are_found_within_scope(parts):
    await parts.database.write(lambda tx: fill(tx.connection, BUSY, 40))
    assert await parts.database.read(lambda tx: tx.replays.decided_lately(EVERYWHERE, limit=2)) == [
        "study-2-000039", "study-2-000038"]
    assert await parts.database.read(lambda tx: tx.replays.decided_lately(Scope(frozenset()), limit=2)) == []


@pytest.mark.parametrize("engine_name", ["sqlite", "postgres"])
def test_of_the_versions_of_an_older_release_the_newest_is_in_force_and_all_keep_their_author(engine_name, tmp_path,
                                                                                            request):
    url = f"sqlite:///{tmp_path / 'gateway.db'}" if engine_name == "sqlite" else request.getfixturevalue(
        "postgres_url").replace("postgresql://", "postgresql+psycopg://")
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            config = configuration()
            config.attributes["connection"] = connection
            command.upgrade(config, "0013")
            for number in (1, 2, 3):
                connection.execute(sa.text(
                    "INSERT INTO rule_set (source, source_sha256, activated_at, activated_by) "
                    f"VALUES ('text {number}', 'x', '2026-01-0{number} 08:00:00', 'u{number}')"))
        with engine.begin() as connection:
            upgrade(connection)
            found = Transaction(connection, node="node-a").rule_versions.list()
    finally:
        engine.dispose()
    assert [(v.version, v.state, v.proposed_by) for v in found] == [
        (3, "active", "u3"), (2, "superseded", "u2"), (1, "superseded", "u1")]
    assert all(v.proposed_at == v.activated_at and v.proposed_at.day == v.version for v in found)
