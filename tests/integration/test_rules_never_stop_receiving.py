"""A wrong or slow rule set, or none at all, never stops receiving: the fallback inbox has the study, and why (D1)."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from gateway.services import complete_study, route_study
from gateway.services.activate_rules import ensure_rules
from gateway.services.ask_rules import answer_of, question_of
from gateway.services.job_runner import JobRunner
from storage.model import EVERYWHERE, ReadingState, Scope
from storage.tables.worklist_rows import ReadingFilter
from tests.support import dcmtk
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import open_receiver
from tests.support.routing_builders import add_study
from tests.support.waiting import until

HEAD = "format: 1\ntitle: t\ngroups:\n  imaging: {name: i}\n  inbox: {name: f}\nfallback: {group: inbox}\nrules:\n"
BROKEN = {
    "no YAML at all": ": [",
    "an unknown fact": HEAD + "  - {name: a, when: ['study.modalty == \"CT\"'], then: {group: imaging}}\n",
    "an unknown group": HEAD + "  - {name: a, when: [], then: {group: nowhere}}\n",
    "nothing": "",
}
SLOW = HEAD + "".join(
    f"  - name: r{n}\n    when: ['study.description.matches(\"(a|b){{1,90}}{n}\")']\n    then: {{group: imaging}}\n"
    for n in range(300))


@pytest.fixture
async def receiver(tmp_path):
    async with open_receiver(tmp_path / "data") as opened:
        yield opened


async def store_as_active(parts, source: str) -> None:
    """As a rule set that was fine for an older program, or was damaged in the store."""
    await parts.database.write(lambda tx: tx.decisions.add_rule_set(source, by="test", at=parts.clock()))


async def received(receiver, folder):
    """Send one CT over the port, let its quiet time pass, and run every job that is due."""
    ids = build.StudyIds()
    sent = await dcmtk.storescu(receiver.address, build.write_all(folder, [build.ct_slice(1, ids=ids)]))
    assert sent.is_success
    study = await receiver.study(ids.study)
    await until(lambda: not receiver.scp.is_sending(study.id))
    receiver.clock.advance(receiver.parts.settings.quiet_period_s)
    runner = JobRunner(receiver.parts, {**complete_study.HANDLERS, **route_study.HANDLERS}, only=frozenset(
        {*complete_study.HANDLERS, *route_study.HANDLERS}))
    await runner.run_due()
    return await receiver.study(ids.study)


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_rule_set_lets_the_study_in_and_onto_the_worklist_with_the_reason(receiver, tmp_path, name):
    parts = receiver.parts
    await ensure_rules(parts)
    await store_as_active(parts, BROKEN[name])
    study = await received(receiver, tmp_path / "in")
    reading = await parts.database.read(lambda tx: tx.readings.of_study(study.id, EVERYWHERE))
    assert (reading.state, reading.group) == (ReadingState.UNREAD, "fallback")
    [decision] = await parts.database.read(lambda tx: tx.decisions.of_study(study.id, EVERYWHERE))
    assert decision.inputs["failure"]["reason"] == "rules-invalid"
    [entry] = decision.because
    assert entry["conditions"][0]["why"] == "rules-invalid"
    assert "规则有错" in entry["conditions"][0]["text"]
    assert "rules-not-usable" in await receiver.alarm_kinds()
    lines, _ = await parts.database.read(lambda tx: tx.worklists.readings(
        Scope(None), ReadingFilter(), since=study.first_arrival_at, limit=10))
    assert [line.reading.id for line in lines] == [reading.id]


async def test_without_any_rule_set_the_packaged_one_decides(receiver, tmp_path):
    study = await received(receiver, tmp_path / "in")
    reading = await receiver.parts.database.read(lambda tx: tx.readings.of_study(study.id, EVERYWHERE))
    assert reading.group == "imaging"


async def test_where_there_is_no_rule_set_the_answer_is_the_fallback_inbox_and_why(parts):
    study = await add_study(parts)
    zone_now = parts.clock()
    question = await parts.database.read(
        lambda tx: question_of(tx, study, now=zone_now, zone=ZoneInfo("Asia/Shanghai")))
    assert question.version == 0
    answer = answer_of(question)
    assert answer.failure is not None
    assert (answer.outcome.group, answer.outcome.is_fallback, answer.failure["reason"]) == (
        "fallback", True, "no-rules")


async def test_a_rule_set_that_is_too_slow_is_cut_off_and_the_study_goes_to_its_fallback_group(parts):
    """The rule set itself loads: it is slow only in its sum."""
    study = await add_study(parts)
    await parts.database.write(lambda tx: tx.studies.describe(
        study.id, modality="CT", body_part="CHEST", description="ab" * 500))
    await store_as_active(parts, SLOW)
    question = await parts.database.read(lambda tx: question_of(
        tx, tx.studies.get(study.id, EVERYWHERE), now=parts.clock(), zone=ZoneInfo("Asia/Shanghai")))
    answer = answer_of(question, budget_s=0.02)
    assert answer.failure is not None
    assert (answer.outcome.group, answer.failure["reason"]) == ("inbox", "rules-too-slow")
    assert answer_of(question, budget_s=60.0).failure is None


async def test_what_a_rule_set_did_wrong_is_over_with_the_next_version(receiver, tmp_path):
    await store_as_active(receiver.parts, BROKEN["an unknown fact"])
    await received(receiver, tmp_path / "one")
    await store_as_active(receiver.parts, HEAD + "  - {name: a, when: [], then: {group: imaging}}\n")
    study = await received(receiver, tmp_path / "two")
    reading = await receiver.parts.database.read(lambda tx: tx.readings.of_study(study.id, EVERYWHERE))
    assert reading.group == "imaging"
