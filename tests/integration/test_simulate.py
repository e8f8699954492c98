"""A draft is tried on the real arrivals of last month before it goes live (section 1, rows S1 to S3)."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from gateway.core.errors import NotFound, NotNow
from gateway.services.activate_rules import activate_rules, packaged_rules
from gateway.services.route_study import route_study
from gateway.services.rules.prove import prove
from gateway.services.rules.refused import RulesRefused
from gateway.services.rules.replay import Answers, Asked, Replayer
from gateway.services.rules.simulate import ACTIVE, simulate
from routing_rules.evaluate import decide
from routing_rules.facts import checked
from routing_rules.parse import parse
from storage.model import EVERYWHERE, Role
from tests.support.replayed_county import READERS, UNTIL, ZONE, fill, rule_set, studies
from tests.support.routing_builders import add_study, add_user, user
from tests.support.stores import ManualClock, open_parts
from tests.support.web import add_person, serving

SINCE = UNTIL - timedelta(days=30)
BUSY = rule_set(40)
DRAFT = BUSY.replace("rules:\n", """rules:
  - name: CT 交上级 / CT goes up
    when: ['study.modality == "CT"']
    then: {group: upper, due_minutes: 1}
""")


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    """A store with 600 decisions of a month, made by the rules in force; each test gets a copy."""
    folder = tmp_path_factory.mktemp("county") / "data"

    async def build():
        async with open_parts(folder, clock=ManualClock(UNTIL)) as opened:
            for login in READERS:
                await add_user(opened, user(login, Role.READER))
            await activate_rules(opened, BUSY, by="test")
            await opened.database.write(lambda tx: fill(tx.connection, BUSY, 600))

    with ThreadPoolExecutor(1) as aside:             # a loop of its own: that of the tests may be there already
        aside.submit(asyncio.run, build()).result()
    return folder


@pytest.fixture
async def parts(county, tmp_path):
    shutil.copytree(county, tmp_path / "data")
    async with open_parts(tmp_path / "data", clock=ManualClock(UNTIL)) as opened:
        yield opened
        await opened.simulations.stop()


async def simulated(parts, source, **more):
    return await simulate(parts.database, source, since=SINCE, until=UNTIL, zone=ZONE, **more)


@pytest.mark.parametrize("seed", range(6))
def test_the_quick_way_says_of_every_study_what_decide_says(seed):
    """Answers are shared by four rule sets that differ in one rule each, as in a simulation."""
    answers = Answers()
    sets = [parse(rule_set(30, seed=seed, changed=changed)) for changed in (None, 3, 11, 29)]
    replayers = [Replayer(rules, answers) for rules in sets]
    for at, facts, duty in studies(60, seed=seed + 50):
        asked = Asked(checked(facts), at.astimezone(ZONE), duty)
        for rules, replayer in zip(sets, replayers, strict=True):
            quick, full = replayer.replay(asked), decide(rules, asked.facts, asked.local_now, asked.duty)
            assert quick.outcome.as_json() == full.as_json()
            assert [rule.name for rule in quick.matched] == [
                entry["rule"] for entry in full.because[:len(rules.rules)]
                if entry["matched"] and entry["rule"].startswith("规则")]
    assert answers.asked < 60 * 30 * 3, "most answers were found, not asked for"


@pytest.mark.parametrize("condition", [
    'load.waiting["ct"] > 3', "load.waiting['ct'] > 3", 'load.waiting["ct"] + load.waiting["ecg"] > 9',
    'load.waiting.exists(g, load.waiting[g] > 12)', '"ct" in load.waiting && load . waiting["ecg"] > 3',
    'load.waiting["ct"] > 3 // load.waiting["x"]', 'load.waiting["nowhere"] > 3', "size(load.waiting) > 2",
    '"load.waiting[" != site.id && load.waiting["ct"] > 1'])
def test_a_map_is_told_apart_by_all_that_a_condition_may_read_of_it(condition):
    source = rule_set(0) + f"  - name: eins\n    when:\n      - |-\n        {condition}\n    then: {{group: ct}}\n"
    rules = parse(source)
    replayer = Replayer(rules, Answers())
    said = set()
    for at, facts, duty in studies(80, seed=9):
        asked = Asked(checked(facts), at.astimezone(ZONE), duty)
        outcome = decide(rules, asked.facts, asked.local_now, asked.duty)
        assert replayer.replay(asked).outcome.as_json() == outcome.as_json()
        said.add(outcome.is_fallback)
    assert said == {True, False} or "nowhere" in condition or "size" in condition


async def test_the_version_in_force_moves_nothing_and_changes_nothing(parts):
    result = await simulated(parts, BUSY)
    assert (result.studies, result.moved, result.changed, result.moves, result.changes) == (600, 0, 0, [], [])
    assert result.due.late_before == result.due.late_after > 0
    assert all(load.before == load.after for load in result.load)
    assert (result.unreadable, result.unknown_facts) == (0, [])


async def test_the_table_of_moves_is_what_asking_study_by_study_gives(parts):
    result = await simulated(parts, DRAFT)
    old, new = parse(BUSY), parse(DRAFT)
    expected: dict[tuple[str, str], int] = {}
    for at, facts, duty in studies(600):
        before, after = (decide(rules, facts, at.astimezone(ZONE), duty) for rules in (old, new))
        if (before.group, before.reader) != (after.group, after.reader):
            expected[before.group, after.group] = expected.get((before.group, after.group), 0) + 1
    assert expected, "the draft moves something"
    told: dict[tuple[str, str], int] = {}
    for move in result.moves:
        told[move.from_group, move.to_group] = told.get((move.from_group, move.to_group), 0) + move.studies
        assert 1 <= len(move.examples) <= min(20, move.studies)
    assert told == expected
    assert result.moved == sum(expected.values())


async def test_the_load_keeps_every_study_once_and_spreads_a_group_among_those_on_duty(parts):
    result = await simulated(parts, DRAFT)
    for is_reader in (False, True):
        lines = [load for load in result.load if load.is_reader is is_reader]
        assert sum(load.before_total for load in lines) == pytest.approx(600, abs=1.5)
        assert sum(load.after_total for load in lines) == pytest.approx(600, abs=1.5)
    assert "平均" in "".join(result.notes_zh)
    assert "evenly" in "".join(result.notes_en)


async def test_a_shorter_due_time_breaks_those_that_were_signed_later_than_it(parts):
    result = await simulated(parts, DRAFT)
    assert result.due.late_after > result.due.late_before
    assert result.due.newly_late == len(result.due.examples) or len(result.due.examples) == 50
    assert result.due.late_after == result.due.late_before + result.due.newly_late - result.due.no_longer_late
    assert {change.aspect for change in result.changes} >= {"due.review"}


async def test_each_rule_of_the_draft_tells_how_often_it_matched(parts):
    result = await simulated(parts, BUSY)
    matched = dict.fromkeys((rule.name for rule in parse(BUSY).rules), 0)
    for at, facts, duty in studies(600):
        for entry in decide(parse(BUSY), facts, at.astimezone(ZONE), duty).because:
            if entry["matched"] and entry["rule"] in matched:
                matched[entry["rule"]] += 1
    assert {rule.name: rule.matched for rule in result.rules} == matched
    assert sum(rule.decided for rule in result.rules) <= 600


async def test_against_the_version_in_force_only_the_draft_counts(parts):
    """The decisions were made by an older version: compared with it everything moves, with the active one nothing."""
    await activate_rules(parts, DRAFT, by="test")
    assert (await simulated(parts, DRAFT)).moved > 0
    assert (await simulated(parts, DRAFT, against=ACTIVE)).changed == 0


async def test_a_fact_that_nobody_had_is_named(parts):
    draft = BUSY + '  - name: neu\n    when: [\'study.procedure_code == "X"\']\n    then: {group: ct}\n'
    assert (await simulated(parts, draft)).unknown_facts == ["study.procedure_code"]


async def test_pages_give_every_newest_decision_once_in_order(parts):
    def walk(tx, size):
        after, met = None, []
        while page := tx.replays.page(SINCE, UNTIL, after=after, limit=size):
            after = (page[-1].at, page[-1].decision_id)
            met += [found.decision_id for found in page]
        return met

    whole = await parts.database.read(lambda tx: walk(tx, 10_000))
    assert len(whole) == len(set(whole)) == 600
    assert await parts.database.read(lambda tx: tx.replays.count(SINCE, UNTIL)) == 600
    assert await parts.database.read(lambda tx: walk(tx, 7)) == whole


async def test_the_active_version_replays_to_all_of_its_decisions_reason_by_reason(parts):
    for is_whole in (False, True):
        proof = await prove(parts.database, 1, BUSY, since=SINCE, until=UNTIL, zone=ZONE, is_whole=is_whole)
        assert (proof.replayed, proof.equal, proof.undecided, proof.differences) == (600, 600, 0, [])


async def test_a_decision_that_was_tampered_with_is_found(parts):
    await parts.database.write(lambda tx: tx.connection.exec_driver_sql(
        "UPDATE decision SET outcome = replace(outcome, '\"night\"', '\"ct\"') WHERE id = 'decision-2-000003'"))
    await parts.database.write(lambda tx: tx.connection.exec_driver_sql(
        "UPDATE decision SET because = replace(because, '规则 001', '规则 x01') WHERE id = 'decision-2-000005'"))
    quick = await prove(parts.database, 1, BUSY, since=SINCE, until=UNTIL, zone=ZONE)
    whole = await prove(parts.database, 1, BUSY, since=SINCE, until=UNTIL, zone=ZONE, is_whole=True)
    assert [d.decision_id for d in quick.differences] == ["decision-2-000003"]
    assert [(d.decision_id, d.what) for d in whole.differences][-1] == ("decision-2-000005", "because")
    assert (whole.replayed, whole.equal) == (600, 600 - len(whole.differences))


async def test_decisions_of_real_studies_replay_and_stay_where_they_are(tmp_path):
    async with open_parts(tmp_path / "data") as parts:
        for login in ("demo-radiologist", "demo-reviewer", "demo-ecg"):
            await add_user(parts, user(login, Role.READER))
        source = packaged_rules("county.yaml")
        version = await activate_rules(parts, source, by="test")
        kinds = itertools.product(("DX", "CT", "ECG"), ("routine", "emergency"), (8.0, 60.0))
        for modality, urgency, age in kinds:
            study = await add_study(parts, modality=modality, urgency=urgency, age_years=age,
                                    statements=("急性心肌梗死",) if modality == "ECG" else (),
                                    measurements={"heart_rate_bpm": 150.0} if modality == "ECG" else None)
            await route_study(parts, study.id)
            parts.clock.advance(3000)
        window = {"since": parts.clock() - timedelta(days=1), "until": parts.clock(), "zone": ZONE}
        proof = await prove(parts.database, version, source, is_whole=True, **window)
        assert (proof.replayed, proof.equal, proof.differences) == (12, 12, [])
        result = await simulate(parts.database, source, **window)
        assert (result.studies, result.moved, result.changed) == (12, 0, 0)
        # The same without what newer decisions keep: the facts and the time of the decision stand in.
        await parts.database.write(lambda tx: tx.connection.exec_driver_sql(
            "UPDATE decision SET outcome = NULL, inputs = NULL"))
        result = await simulate(parts.database, source, **window)
        assert (result.studies, result.moved, [change.aspect for change in result.changes]) == (12, 0, [])


async def test_on_the_page_it_runs_beside_the_gateway_and_the_result_is_kept(parts):
    async with serving(parts) as web:
        await add_person(web.parts, "head", (Role.ADMIN, None))
        head = await web.browser("head")
        async with head.post("/api/rules/simulations", json={"source": DRAFT, "days": 30}) as answer:
            assert answer.status == 202, await answer.text()
            begun = (await answer.json())["id"]
        await web.parts.simulations.wait(begun)
        async with head.get(f"/api/rules/simulations/{begun}") as answer:
            told = await answer.json()
        assert (told["state"], told["done"], told["error"]) == ("done", 600, "")
        here = await simulated(parts, DRAFT)
        assert (told["result"]["studies"], told["result"]["moved"]) == (600, here.moved)
        assert [move["studies"] for move in told["result"]["moves"]] == [move.studies for move in here.moves]
        async with head.get("/api/rules/simulations") as answer:
            assert [(line["id"], line["result"]) for line in await answer.json()] == [(begun, None)]
        async with head.get("/api/rules/simulations/none") as answer:
            assert answer.status == 404


async def test_a_simulation_can_be_cancelled_and_its_process_is_gone(parts):
    begun = [await parts.simulations.start(parts, BUSY, days=30, by="u") for _ in range(2)]
    await parts.simulations.cancel(begun[0].id)
    assert begun[0].state == "cancelled"
    assert (await parts.simulations.wait(begun[1].id)).state == "done", "the next one has its turn"


async def test_no_more_than_a_few_wait(parts):
    for _ in range(5):
        await parts.simulations.start(parts, BUSY, days=1, by="u")
    with pytest.raises(NotNow):
        await parts.simulations.start(parts, BUSY, days=1, by="u")
    await parts.simulations.stop()
    assert {asked.state for asked in parts.simulations.list()} == {"cancelled"}


async def test_a_draft_with_errors_is_not_simulated(parts):
    with pytest.raises(RulesRefused):
        await parts.simulations.start(parts, "rules: [", days=30, by="u")
    with pytest.raises(NotFound):
        parts.simulations.get("nothing")


async def test_the_loop_answers_while_a_simulation_runs(parts):
    """Receiving must not suffer: the work is in another process."""
    begun = await parts.simulations.start(parts, rule_set(200), days=30, by="u")
    waiting = asyncio.create_task(parts.simulations.wait(begun.id))
    slowest, loop = 0.0, asyncio.get_running_loop()
    while not waiting.done():
        before = loop.time()
        await asyncio.sleep(0.005)
        slowest = max(slowest, loop.time() - before - 0.005)
    assert begun.state == "done", begun.error
    assert slowest < 0.25


async def test_nothing_of_a_patient_is_in_the_result(parts):
    result = str(await simulated(parts, DRAFT))
    studies_here = await parts.database.read(lambda tx: tx.replays.decided_lately(EVERYWHERE, limit=5))
    assert "patient" not in result
    assert len(studies_here) == 5
